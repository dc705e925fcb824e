package daprio

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidecart/sidecart/services/cart/internal/app"
	"github.com/sidecart/sidecart/services/cart/internal/cart"
)

// store is a state store that counts, with tags as a real one gives them.
type store struct {
	mu         sync.Mutex
	kept       map[string]app.Projection
	tags       map[string]string
	gets, puts int
	away       bool
}

func newStore() *store { return &store{kept: map[string]app.Projection{}, tags: map[string]string{}} }

func (s *store) Get(_ context.Context, id string) (app.Projection, bool, app.Tag) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gets++
	if s.away {
		return app.Projection{}, false, nil
	}
	p, ok := s.kept[id]
	tag := s.tags[id]
	return p, ok, &tag
}

func (s *store) Put(_ context.Context, p app.Projection, tag app.Tag) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts++
	if s.away || tag == nil || *tag != s.tags[p.Cart.ID] {
		return
	}
	s.kept[p.Cart.ID], s.tags[p.Cart.ID] = p, fmt.Sprint(s.puts)
}

func (*store) Begun(app.Projection) {}

func (*store) Near(string) (app.Projection, bool) { return app.Projection{}, false }

func (s *store) holds(id string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept[id].Cart.Version
}

// asked is how often it was read and written.
func (s *store) asked() [2]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return [2]int{s.gets, s.puts}
}

// size is how many projections it has.
func (s *store) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.kept)
}

func version(id string, version int64, lines int) app.Projection {
	return app.Projection{Cart: cart.Cart{ID: id, Version: version, Lines: make([]cart.Line, lines)}}
}

// edit does what a command does: read, then write the next version.
func edit(ctx context.Context, p app.Projections, id string) {
	was, _, tag := p.Get(ctx, id)
	p.Put(ctx, version(id, was.Cart.Version+1, 1), tag)
}

// later is when everything has been handed on that was written until now; it takes no time in the bubble of synctest.
func later() {
	<-time.After(nearDelay)
	synctest.Wait()
}

func TestManyEditsOfACartAreOneWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		far := newStore()
		n := NewNear(far)
		for range 5 {
			edit(t.Context(), n, "a")
		}
		if got := far.asked(); got != [2]int{1, 0} {
			t.Errorf("at first: reads and writes %v, want 1 and 0", got)
		}
		later()
		if got := far.asked(); got != [2]int{1, 1} || far.holds("a") != 5 {
			t.Errorf("then: reads and writes %v, version %d; want 1, 1 and 5", got, far.holds("a"))
		}
		edit(t.Context(), n, "a") // the tag of its own write is not known: it is read before the next
		later()
		if got := far.asked(); got != [2]int{2, 2} || far.holds("a") != 6 {
			t.Errorf("then: reads and writes %v, version %d; want 2, 2 and 6", got, far.holds("a"))
		}
	})
}

// A cart that was made here is not asked for, and not written before there is something in it.
func TestABegunCartIsNear(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		far := newStore()
		n := NewNear(far)
		if _, ok := n.Near("a"); ok {
			t.Error("nobody has made it yet")
		}
		n.Begun(version("a", 1, 0))
		later()
		if p, ok := n.Near("a"); !ok || p.Cart.Version != 1 || far.asked() != [2]int{} {
			t.Errorf("near %v at version %d; reads and writes %v, want none", ok, p.Cart.Version, far.asked())
		}
		edit(t.Context(), n, "a")
		later()
		if got := far.asked(); got != [2]int{0, 1} || far.holds("a") != 2 {
			t.Errorf("reads and writes %v, version %d; want 0, 1 and 2", got, far.holds("a"))
		}
	})
}

// Another replica was there in the meantime: what it wrote is not overwritten with something older.
func TestANewerProjectionInTheStoreStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		far := newStore()
		n, other := NewNear(far), NewNear(far)
		edit(t.Context(), n, "a")
		later()
		for range 3 {
			edit(t.Context(), other, "a")
		}
		later()
		edit(t.Context(), n, "a") // on version 1, as this one still believes
		later()
		if got := far.holds("a"); got != 4 {
			t.Errorf("the store holds version %d, want 4", got)
		}
	})
}

func TestAnOlderProjectionDoesNotReplaceANewerOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := NewNear(newStore())
		_, _, tag := n.Get(t.Context(), "a")
		n.Put(t.Context(), version("a", 7, 1), tag)
		n.Put(t.Context(), version("a", 6, 1), tag)
		if p, _, _ := n.Get(t.Context(), "a"); p.Cart.Version != 7 {
			t.Errorf("version %d", p.Cart.Version)
		}
		later()
	})
}

// A store that is away costs nothing but the memory of others; it learns the present state when it is back and a cart changes.
func TestAStoreThatIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		far := newStore()
		far.away = true
		n := NewNear(far)
		edit(t.Context(), n, "a")
		later()
		if p, ok, _ := n.Get(t.Context(), "a"); !ok || p.Cart.Version != 1 {
			t.Errorf("%v %d", ok, p.Cart.Version)
		}
		far.away = false
		edit(t.Context(), n, "a")
		later()
		if got := far.holds("a"); got != 2 {
			t.Errorf("the store holds version %d, want 2", got)
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		far := newStore()
		n := NewNear(far)
		n.weight = 100
		for i := range 1000 {
			_, _, tag := n.Get(t.Context(), fmt.Sprint(i))
			n.Put(t.Context(), version(fmt.Sprint(i), 1, i%20), tag)
			if n.weighs > n.weight || len(n.kept) != n.order.Len() {
				t.Fatalf("after %d carts: weight %d, %d kept, %d in order", i, n.weighs, len(n.kept), n.order.Len())
			}
		}
		later()
		if got := far.size(); got != 1000 {
			t.Errorf("%d of 1000 reached the store: what was forgotten here must be known there", got)
		}
	})
}

// Metadata is most of a cart that has much of it.
func TestMetadataWeighs(t *testing.T) {
	t.Parallel()
	p := version("a", 1, 2)
	p.Cart.Lines[1].Metadata = make([]byte, cart.MaxMetadata)
	if w := (&entry{proj: p}).weight(); w != 3+cart.MaxMetadata/512 {
		t.Errorf("weighs %d", w)
	}
}

// Forgotten between the reading and the writing: the store has an older one, which is replaced all the same.
func TestForgottenInTheMiddleOfAnEdit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		far := newStore()
		n := NewNear(far)
		edit(t.Context(), n, "a")
		later()
		was, _, tag := n.Get(t.Context(), "a")
		n.weight = 2
		edit(t.Context(), n, "b")
		n.Put(t.Context(), version("a", was.Cart.Version+1, 1), tag)
		later()
		if got := far.holds("a"); got != 2 {
			t.Errorf("the store holds version %d, want 2", got)
		}
	})
}

func TestStopHandsOnWhatIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		far := newStore()
		n := NewNear(far)
		for i := range 10 {
			edit(t.Context(), n, fmt.Sprint(i))
		}
		begin := time.Now()
		if err := n.Stop(t.Context()); err != nil || time.Since(begin) != 0 {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
		if got := far.size(); got != 10 {
			t.Errorf("%d of 10 written", got)
		}
	})
}
