package daprio

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/sidecart/sidecart/services/cart/internal/app"
)

const (
	nearDelay  = time.Second // how long a projection waits for the next one of its cart
	nearWeight = 100_000     // carts, lines and half kilobytes of metadata that are kept in memory, some 50 MB
)

// Near keeps in memory the projections that this process made or read last, and hands them on to the state store a moment later:
// who fills a cart changes it several times within seconds, and the store then learns of the last one. Nobody relies on either: as
// with the store itself, what is old is noticed by its version, and what a crash takes along is made again from the log. It
// implements app.Projections.
type Near struct {
	far    app.Projections
	delay  time.Duration
	weight int

	mu      sync.Mutex
	kept    map[string]*list.Element // of *entry
	order   list.List                // the one used last in front
	weighs  int
	writing sync.WaitGroup
}

type entry struct {
	id    string
	proj  app.Projection
	tag   app.Tag // nil: what the store holds is not known, and is read before it is written
	timer *time.Timer
}

func (e *entry) weight() int {
	w := 1 + len(e.proj.Cart.Lines)
	for _, l := range e.proj.Cart.Lines {
		w += len(l.Metadata) / 512
	}
	return w
}

// NewNear returns a Near in front of the state store.
func NewNear(far app.Projections) *Near {
	return &Near{far: far, delay: nearDelay, weight: nearWeight, kept: map[string]*list.Element{}}
}

// held stands for the tag of a projection in memory: it may be replaced there whatever the store holds.
var held app.Tag = new(string)

// Get implements app.Projections.
func (n *Near) Get(ctx context.Context, id string) (app.Projection, bool, app.Tag) {
	n.mu.Lock()
	if el := n.kept[id]; el != nil {
		defer n.mu.Unlock()
		n.order.MoveToFront(el)
		return el.Value.(*entry).proj, true, held //nolint:forcetypeassert // nothing else is in it
	}
	n.mu.Unlock()
	p, ok, tag := n.far.Get(ctx, id)
	if ok {
		n.keep(id, p, tag, false)
		tag = held
	}
	return p, ok, tag
}

// nothing is the tag of a cart that the store has never heard of.
var nothing app.Tag = new(string)

// Begun implements app.Projections.
func (n *Near) Begun(p app.Projection) { n.keep(p.Cart.ID, p, nothing, false) }

// Near implements app.Projections.
func (n *Near) Near(id string) (app.Projection, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	el := n.kept[id]
	if el == nil {
		return app.Projection{}, false
	}
	return el.Value.(*entry).proj, true //nolint:forcetypeassert // nothing else is in it
}

// Put implements app.Projections.
func (n *Near) Put(_ context.Context, p app.Projection, tag app.Tag) {
	n.keep(p.Cart.ID, p, tag, true)
}

// keep puts a projection in the place of an older one. changed: the store is to learn of it.
func (n *Near) keep(id string, p app.Projection, tag app.Tag, changed bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	el := n.kept[id]
	if tag == held { // forgotten since it was read: what the store holds is not known any more
		tag = nil
	}
	if el == nil {
		el = n.order.PushFront(&entry{id: id, tag: tag})
		n.kept[id] = el
	} else {
		n.order.MoveToFront(el)
		e := el.Value.(*entry) //nolint:forcetypeassert // nothing else is in it
		if p.Cart.Version < e.proj.Cart.Version {
			return
		}
		n.weighs -= e.weight()
	}
	e := el.Value.(*entry) //nolint:forcetypeassert // nothing else is in it
	e.proj = p
	n.weighs += e.weight()
	if changed && e.timer == nil {
		n.writing.Add(1)
		e.timer = time.AfterFunc(n.delay, func() { n.write(e) })
	}
	for n.weighs > n.weight && n.order.Len() > 1 {
		n.drop(n.order.Back())
	}
}

// drop forgets one; if the store is still to learn of it, its timer sees to that.
func (n *Near) drop(el *list.Element) {
	e := n.order.Remove(el).(*entry) //nolint:forcetypeassert // nothing else is in it
	delete(n.kept, e.id)
	n.weighs -= e.weight()
}

// write hands the present projection of an entry to the store.
func (n *Near) write(e *entry) {
	defer n.writing.Done()
	n.mu.Lock()
	p, tag := e.proj, e.tag
	e.timer, e.tag = nil, nil // the write gives the store's a new one
	n.mu.Unlock()
	ctx := context.Background() // the store has deadlines of its own
	if tag == nil {
		stored, ok, now := n.far.Get(ctx, e.id)
		if ok && stored.Cart.Version > p.Cart.Version {
			return
		}
		tag = now
	}
	n.far.Put(ctx, p, tag)
}

// Start makes it a part of a process that only has to be stopped.
func (*Near) Start(context.Context) error { return nil }

// Stop hands on what is still to be written, for as long as ctx lasts.
func (n *Near) Stop(ctx context.Context) error {
	n.mu.Lock()
	for _, el := range n.kept {
		e := el.Value.(*entry) //nolint:forcetypeassert // nothing else is in it
		if e.timer != nil && e.timer.Stop() {
			go n.write(e)
		}
	}
	n.mu.Unlock()
	written := make(chan struct{})
	go func() { n.writing.Wait(); close(written) }()
	select {
	case <-written:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
