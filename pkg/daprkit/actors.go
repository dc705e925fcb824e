package daprkit

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
)

// Actor is one actor, of one id. Its methods are called one at a time.
type Actor interface {
	// Invoke runs one turn. Data is the caller's JSON, empty for none; the result is sent as JSON. A *fault.Fault reaches the
	// caller as it is, any other error as an internal one. Ctx ends with the caller, or after ActorOptions.TurnTimeout.
	Invoke(ctx context.Context, method string, data []byte) (any, error)
	// Deactivate tells that the next turn, if any, happens on another instance.
	Deactivate()
}

// Reminded is an Actor that takes reminders. An error makes the scheduler repeat by the reminder's policy.
type Reminded interface {
	Remind(ctx context.Context, name string, data []byte) error
}

// Timed is an Actor that takes timers.
type Timed interface {
	Timer(ctx context.Context, name string, data []byte) error
}

// ErrUnknownMethod is what Actor.Invoke returns for a method that it does not have.
var ErrUnknownMethod = fault.New(fault.Internal, "unknown-method", "the actor has no such method")

// ActorOptions of a host. The zero value works.
type ActorOptions struct {
	Log          *slog.Logger  // nil: slog.Default
	IdleTimeout  time.Duration // daprd deactivates an actor after this; zero: 10 min
	DrainTimeout time.Duration // how long daprd lets a turn finish when its actor moves; zero: 10 s; at most 24 s
	TurnTimeout  time.Duration // the longest turn, counted without waiting; zero: 5 s
}

// Actors hosts actors over the HTTP routes that daprd calls. It takes a mutex per actor for the whole turn, because daprd's own
// lock breaks when callers that wait give up. A caller that gives up leaves the queue; the others keep their order.
//
//	idle ──call──▶ waiting ──its turn──▶ running ──▶ answered
//	                  └──ctx ends──▶ gone                 DELETE takes a turn of its own, then the instance is dropped
//
// It still is no guard: another process may believe that it hosts the same actor.
type Actors struct {
	opts ActorOptions

	mu    sync.Mutex
	types map[string]*actorType
}

type actorType struct {
	factory func(id string) Actor
	slots   map[string]*slot // under Actors.mu
}

// slot is the place of one actor. Whoever has sent into turn owns the other fields.
type slot struct {
	turn  chan struct{} // capacity 1
	actor Actor         // nil: not made yet
	gone  bool          // removed from the map: take the new one
}

// NewActors returns an empty host.
func NewActors(o ActorOptions) *Actors {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.IdleTimeout = orElse(o.IdleTimeout, 10*time.Minute)
	o.DrainTimeout = orElse(o.DrainTimeout, 10*time.Second)
	o.TurnTimeout = orElse(o.TurnTimeout, 5*time.Second)
	return &Actors{opts: o, types: map[string]*actorType{}}
}

func orElse(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

// Register hosts typ; factory makes the actor of an id, within its first turn. It panics, as routers do, on a bad or doubled
// type. Call it before Mount.
func (a *Actors) Register(typ string, factory func(id string) Actor) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !name.MatchString(typ) || factory == nil {
		panic(fmt.Sprintf("daprkit: %q cannot be an actor type", typ))
	}
	if _, dup := a.types[typ]; dup {
		panic(fmt.Sprintf("daprkit: actor type %s registered twice", typ))
	}
	a.types[typ] = &actorType{factory: factory, slots: map[string]*slot{}}
}

// enter waits for the turn of an actor and returns its slot, to be left with leave. The error is that of ctx, or errNoType.
func (a *Actors) enter(ctx context.Context, typ, id string) (*slot, error) {
	for {
		a.mu.Lock()
		t, ok := a.types[typ]
		if !ok {
			a.mu.Unlock()
			return nil, errNoType
		}
		s := t.slots[id]
		if s == nil {
			s = &slot{turn: make(chan struct{}, 1)}
			t.slots[id] = s
		}
		a.mu.Unlock()

		select {
		case s.turn <- struct{}{}:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		switch {
		case ctx.Err() != nil: // both were ready: a caller that is gone gets no turn
			leave(s)
			return nil, context.Cause(ctx)
		case s.gone:
			leave(s)
		default:
			return s, nil
		}
	}
}

func leave(s *slot) { <-s.turn }

var errNoType = fault.New(fault.NotFound, "unknown-actor-type", "this service hosts no such actor type")

// run makes one turn of do, with the actor made when needed.
func (a *Actors) run(ctx context.Context, typ, id, what string, do func(context.Context, Actor) error) error {
	s, err := a.enter(ctx, typ, id)
	if err != nil {
		return err
	}
	return a.turn(ctx, typ, id, what, s, do)
}

// turn makes the turn of do that the caller has entered, and leaves. A panic becomes an error, and the instance is dropped: nobody
// knows what it holds.
func (a *Actors) turn(ctx context.Context, typ, id, what string, s *slot, do func(context.Context, Actor) error) (err error) {
	defer leave(s)
	ctx, cancel := context.WithTimeout(ctx, a.opts.TurnTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			s.actor = nil
			a.opts.Log.ErrorContext(ctx, "actor panicked", "type", typ, "id", id, "turn", what, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if s.actor == nil {
		a.mu.Lock()
		factory := a.types[typ].factory
		a.mu.Unlock()
		s.actor = factory(id)
	}
	return do(ctx, s.actor)
}

// Near makes a turn of do on an actor whose instance lives in this host, past the sidecar. It reports false, and did nothing, when
// none does: then the actor must be asked through the sidecar, which settles where it lives. An instance that daprd has taken back is
// gone from here; one that moved without that (the sidecar died) is what two hosts may always believe to have.
func (a *Actors) Near(ctx context.Context, typ, id string, do func(context.Context, Actor) error) (here bool, err error) {
	a.mu.Lock()
	var s *slot
	if t, ok := a.types[typ]; ok {
		s = t.slots[id]
	}
	a.mu.Unlock()
	if s == nil {
		return false, nil
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return true, context.Cause(ctx)
	}
	if s.gone || s.actor == nil {
		leave(s)
		return false, nil
	}
	return true, a.turn(ctx, typ, id, "near", s, do)
}

// deactivate drops the instance of an actor after the turn that runs; an actor that nobody knows is dropped already.
func (a *Actors) deactivate(ctx context.Context, typ, id string) error {
	a.mu.Lock()
	t, ok := a.types[typ]
	var s *slot
	if ok {
		s = t.slots[id]
	}
	a.mu.Unlock()
	if !ok {
		return errNoType
	}
	if s == nil {
		return nil
	}
	select {
	case s.turn <- struct{}{}:
		a.drop(typ, id, s)
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// drop ends an instance whose turn the caller holds, and leaves.
func (a *Actors) drop(typ, id string, s *slot) {
	defer leave(s)
	if s.gone {
		return
	}
	s.gone = true
	a.mu.Lock()
	delete(a.types[typ].slots, id)
	a.mu.Unlock()
	if s.actor == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			a.opts.Log.Error("actor panicked", "type", typ, "id", id, "turn", "deactivate", "panic", fmt.Sprint(p))
		}
	}()
	s.actor.Deactivate()
}

// reset drops every instance that is not in a turn. A sidecar asks for the configuration when it starts: it then knows none of
// our actors and would never deactivate them.
func (a *Actors) reset() {
	type entry struct {
		typ, id string
		s       *slot
	}
	var idle []entry
	a.mu.Lock()
	for typ, t := range a.types {
		for id, s := range t.slots {
			select {
			case s.turn <- struct{}{}:
				idle = append(idle, entry{typ, id, s})
			default:
			}
		}
	}
	a.mu.Unlock()
	for _, e := range idle {
		a.drop(e.typ, e.id, e.s)
	}
}
