package app

import (
	"context"
	"sync"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// Combiner lets what waits in one lane go together: one turn for all. It waits for nobody: the first call goes at once, and what comes
// while a turn runs makes the next.
//
//	call ──▶ lane  ──▶ turn runs ──▶ answers
//	call ──▶ waits ──┐
//	call ──▶ waits ──┴▶ next turn
//
// Calls of a turn keep the order in which they came. A caller that leaves before its turn is not in it.
type Combiner[In, Out any] struct {
	turn    func(ctx context.Context, lane string, in []In) ([]Out, error) // answers each call, or none
	timeout time.Duration                                                  // of a turn, whoever waits for it
	most    int                                                            // calls in a turn

	mu    sync.Mutex
	lanes map[string]*lane[In, Out]
}

// Defaults of a Combiner.
const (
	turnTimeout = 2 * time.Second
	mostInTurn  = 200
)

// NewCombiner returns a combiner in front of a door, with a lane for each SKU.
func NewCombiner(door Door) *Combiner[inventory.Change, inventory.Outcome] { return combine(door.Turn) }

func combine[In, Out any](turn func(context.Context, string, []In) ([]Out, error)) *Combiner[In, Out] {
	return &Combiner[In, Out]{turn: turn, timeout: turnTimeout, most: mostInTurn, lanes: map[string]*lane[In, Out]{}}
}

// lane is a queue; it exists while a turn runs.
type lane[In, Out any] struct{ waiting []*call[In, Out] }

type call[In, Out any] struct {
	ctx  context.Context
	in   In
	done chan struct{}
	out  Out
	err  error
}

// errGone says that the caller left while its turn ran, or before.
var errGone = fault.New(fault.Timeout, "timeout", "No answer in time: the outcome is unknown.")

// Apply makes one call. When ctx ends first the outcome is unknown.
func (c *Combiner[In, Out]) Apply(ctx context.Context, name string, in In) (out Out, err error) {
	own := &call[In, Out]{ctx: ctx, in: in, done: make(chan struct{})}
	c.mu.Lock()
	l := c.lanes[name]
	if l == nil {
		l = &lane[In, Out]{}
		c.lanes[name] = l
		go c.run(name, l)
	}
	l.waiting = append(l.waiting, own)
	c.mu.Unlock()
	select {
	case <-own.done:
		return own.out, own.err
	case <-ctx.Done():
		return out, errGone.WithCause(context.Cause(ctx))
	}
}

// Waiting returns how many calls wait in a lane.
func (c *Combiner[In, Out]) Waiting(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.lanes[name]; l != nil {
		return len(l.waiting)
	}
	return 0
}

func (c *Combiner[In, Out]) run(name string, l *lane[In, Out]) {
	for {
		calls := c.next(name, l)
		if calls == nil {
			return
		}
		c.serve(name, calls)
	}
}

// next takes what waits, and closes the lane when nothing does.
func (c *Combiner[In, Out]) next(name string, l *lane[In, Out]) (calls []*call[In, Out]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(l.waiting) > 0 && len(calls) < c.most {
		if w := l.waiting[0]; w.ctx.Err() == nil {
			calls = append(calls, w)
		}
		l.waiting = l.waiting[1:]
	}
	if calls == nil {
		delete(c.lanes, name)
	}
	return calls
}

// serve makes a turn. It carries the trace of the first caller and outlives all of them: what one of them gives up is still asked by
// the others.
func (c *Combiner[In, Out]) serve(name string, calls []*call[In, Out]) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(calls[0].ctx), c.timeout)
	defer cancel()
	in := make([]In, len(calls))
	for i, w := range calls {
		in[i] = w.in
	}
	out, err := c.turn(ctx, name, in)
	if err == nil && len(out) != len(calls) {
		err = fault.New(fault.Internal, "internal", "a turn answered another number of calls")
	}
	for i, w := range calls {
		if w.err = err; err == nil {
			w.out = out[i]
		}
		close(w.done)
	}
}

// Together reads what owners hold for all of them who wait at the same time: while one read runs, the next owners gather.
func Together(store interface {
	HoldsOfEach(ctx context.Context, owners []string, now time.Time) (map[string][]inventory.Hold, error)
}, now func() time.Time) HoldStore {
	return together{combine(func(ctx context.Context, _ string, owners []string) ([][]inventory.Hold, error) {
		held, err := store.HoldsOfEach(ctx, owners, now())
		out := make([][]inventory.Hold, len(owners))
		for i, owner := range owners {
			out[i] = held[owner]
		}
		return out, err
	})}
}

type together struct {
	*Combiner[string, []inventory.Hold]
}

// HoldsOf implements HoldStore. The time is that of the read.
func (t together) HoldsOf(ctx context.Context, owner string, _ time.Time) ([]inventory.Hold, error) {
	return t.Apply(ctx, "", owner)
}
