// Package daprio is what cart has beyond its sidecar: the state store with the projections, pricing and catalog as services to ask,
// and the events of catalog, inventory and order.
//
// The state store is never trusted and never waited for: what it does not answer in time is missing, what it holds may be old or
// garbage, and after some failures in a row it is left alone for a moment. The log in Postgres decides.
package daprio

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/services/cart/internal/app"
)

const (
	stateDeadline = 150 * time.Millisecond // of one call to the state store
	breakAfter    = 3                      // failures in a row
	breakFor      = 2 * time.Second
)

// Projections keeps projections in a state store. It implements app.Projections.
type Projections struct {
	state    daprkit.State
	ttl      time.Duration
	deadline time.Duration
	breaker  *gobreaker.CircuitBreaker[answer]
	log      *slog.Logger
}

type answer struct {
	data []byte
	etag string
	ok   bool
}

// NewProjections keeps each projection for ttl after its last write.
func NewProjections(state daprkit.State, ttl time.Duration, log *slog.Logger) *Projections {
	return &Projections{state: state, ttl: ttl, deadline: stateDeadline, log: log, breaker: gobreaker.NewCircuitBreaker[answer](gobreaker.Settings{
		Name: "carts", MaxRequests: 1, Timeout: breakFor,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakAfter },
		IsSuccessful: func(err error) bool { return err == nil || errors.Is(err, daprkit.ErrEtag) },
		IsExcluded:   func(err error) bool { return errors.Is(err, errGivenUp) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			log.Warn("state store of carts", "from", from.String(), "to", to.String())
		},
	})}
}

var errGivenUp = errors.New("the caller gave up")

// call runs fn under the deadline and the breaker. A caller who left says nothing about the store.
func (p *Projections) call(ctx context.Context, fn func(ctx context.Context) (answer, error)) (answer, error) {
	return p.breaker.Execute(func() (answer, error) {
		short, cancel := context.WithTimeout(ctx, p.deadline)
		defer cancel()
		a, err := fn(short)
		if err != nil && ctx.Err() != nil {
			return a, errors.Join(errGivenUp, err)
		}
		return a, err
	})
}

// Get implements app.Projections.
func (p *Projections) Get(ctx context.Context, id string) (app.Projection, bool, app.Tag) {
	a, err := p.call(ctx, func(ctx context.Context) (a answer, err error) {
		a.data, a.etag, a.ok, err = p.state.Get(ctx, id)
		return a, err
	})
	if err != nil {
		p.log.DebugContext(ctx, "projection not read", "cart_id", id, "error", err)
		return app.Projection{}, false, nil
	}
	tag := &a.etag // "" when there is none: then the write creates
	if !a.ok {
		return app.Projection{}, false, tag
	}
	proj, err := decode(id, a.data)
	if err != nil {
		p.log.WarnContext(ctx, "projection unreadable, made anew", "cart_id", id, "error", err)
		return app.Projection{}, false, tag
	}
	return proj, true, tag
}

// Begun implements app.Projections: nothing is written.
func (*Projections) Begun(app.Projection) {}

// Near implements app.Projections: nothing is in memory.
func (*Projections) Near(string) (app.Projection, bool) { return app.Projection{}, false }

// Put implements app.Projections. Whoever lost against another writer leaves it: if the store holds the older of the two now, the
// next reader notices.
func (p *Projections) Put(ctx context.Context, proj app.Projection, tag app.Tag) {
	if tag == nil {
		return
	}
	data, err := encode(proj)
	if err != nil {
		p.log.ErrorContext(ctx, "projection cannot be written", "cart_id", proj.Cart.ID, "error", err)
		return
	}
	_, err = p.call(ctx, func(ctx context.Context) (answer, error) {
		return answer{}, p.state.Set(ctx, proj.Cart.ID, data, tag, p.ttl)
	})
	if err != nil && !errors.Is(err, daprkit.ErrEtag) {
		p.log.DebugContext(ctx, "projection not written", "cart_id", proj.Cart.ID, "error", err)
	}
}
