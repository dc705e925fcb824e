package app

import (
	"context"
	"sync"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// Combiner lets what waits for one SKU go through the door together: one turn for all. It waits for nobody: the first change
// goes at once, and what comes while a turn runs makes the next.
//
//	change ──▶ lane of its SKU ──▶ turn runs ──▶ outcomes
//	change ──▶      waits      ──┐
//	change ──▶      waits      ──┴▶ next turn
//
// Changes of a turn keep the order in which they came. A caller that leaves before its turn is not in it.
type Combiner struct {
	door    Door
	timeout time.Duration // of a turn, whoever waits for it
	most    int           // changes in a turn

	mu    sync.Mutex
	lanes map[string]*lane
}

// Defaults of a Combiner.
const (
	turnTimeout = 2 * time.Second
	mostInTurn  = 200
)

// NewCombiner returns a combiner in front of a door.
func NewCombiner(door Door) *Combiner {
	return &Combiner{door: door, timeout: turnTimeout, most: mostInTurn, lanes: map[string]*lane{}}
}

// lane is the queue of a SKU; it exists while a turn runs.
type lane struct{ waiting []*call }

type call struct {
	ctx     context.Context
	change  inventory.Change
	done    chan struct{}
	outcome inventory.Outcome
	err     error
}

// errGone says that the caller left while its turn ran, or before.
var errGone = fault.New(fault.Timeout, "timeout", "No answer in time: the outcome is unknown.")

// Apply makes one change. When ctx ends first the outcome is unknown.
func (c *Combiner) Apply(ctx context.Context, sku string, change inventory.Change) (inventory.Outcome, error) {
	own := &call{ctx: ctx, change: change, done: make(chan struct{})}
	c.mu.Lock()
	l := c.lanes[sku]
	if l == nil {
		l = &lane{}
		c.lanes[sku] = l
		go c.run(sku, l)
	}
	l.waiting = append(l.waiting, own)
	c.mu.Unlock()
	select {
	case <-own.done:
		return own.outcome, own.err
	case <-ctx.Done():
		return inventory.Outcome{}, errGone.WithCause(context.Cause(ctx))
	}
}

func (c *Combiner) run(sku string, l *lane) {
	for {
		calls := c.next(sku, l)
		if calls == nil {
			return
		}
		c.turn(sku, calls)
	}
}

// next takes what waits, and closes the lane when nothing does.
func (c *Combiner) next(sku string, l *lane) (calls []*call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(l.waiting) > 0 && len(calls) < c.most {
		if w := l.waiting[0]; w.ctx.Err() == nil {
			calls = append(calls, w)
		}
		l.waiting = l.waiting[1:]
	}
	if calls == nil {
		delete(c.lanes, sku)
	}
	return calls
}

// turn carries the trace of the first caller and outlives all of them: what one of them gives up is still asked by the others.
func (c *Combiner) turn(sku string, calls []*call) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(calls[0].ctx), c.timeout)
	defer cancel()
	changes := make([]inventory.Change, len(calls))
	for i, w := range calls {
		changes[i] = w.change
	}
	outcomes, err := c.door.Turn(ctx, sku, changes)
	if err == nil && len(outcomes) != len(calls) {
		err = fault.New(fault.Internal, "internal", "a turn answered for another number of changes")
	}
	for i, w := range calls {
		if w.err = err; err == nil {
			w.outcome = outcomes[i]
		}
		close(w.done)
	}
}
