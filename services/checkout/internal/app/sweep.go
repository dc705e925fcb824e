package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// SweepEvery is how often Sweep is to run.
const SweepEvery = 30 * time.Second

const (
	sweepAtOnce  = 200
	cleanUpAfter = 10 * time.Second // whoever ended a checkout cleans up himself; after that the sweep does
)

// Sweep ends what nobody completed in time, and cleans up after checkouts that ended: their holds are released and their order is
// abandoned. It may run twice at once: versions decide, and every call is idempotent.
func (a *App) Sweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, SweepEvery)
	defer cancel()
	var errs []error
	if err := a.Sweeps.Prune(ctx); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, a.each(ctx, "abandon", a.left, a.abandon))
	errs = append(errs, a.each(ctx, "expire", func(ctx context.Context) ([]Record, error) { return a.Sweeps.Due(ctx, a.now(), sweepAtOnce) },
		func(ctx context.Context, r Record) error {
			r, err := a.expire(ctx, r)
			if err == nil && r.Loose {
				err = a.cleanUp(ctx, r)
			}
			return err
		}))
	loose, err := a.Sweeps.Loose(ctx, a.now().Add(-cleanUpAfter), sweepAtOnce)
	if err != nil {
		return errors.Join(append(errs, fmt.Errorf("loose checkouts: %w", err))...)
	}
	for _, r := range loose {
		if err := a.cleanUp(ctx, r); err != nil {
			errs = append(errs, fmt.Errorf("clean up the checkout of order %s: %w", r.OrderID, err))
		}
	}
	return errors.Join(errs...)
}

// each does something with all that find finds, some at a time, until none are left or one went wrong.
func (a *App) each(ctx context.Context, what string, find func(ctx context.Context) ([]Record, error), do func(ctx context.Context, r Record) error) error {
	var errs []error
	for {
		found, err := find(ctx)
		if err != nil {
			return errors.Join(append(errs, fmt.Errorf("checkouts to %s: %w", what, err))...)
		}
		for _, r := range found {
			if err := do(ctx, r); err != nil {
				errs = append(errs, fmt.Errorf("%s the checkout of order %s: %w", what, r.OrderID, err))
			}
		}
		if len(found) < sweepAtOnce || len(errs) > 0 {
			return errors.Join(errs...)
		}
	}
}

// left finds what nobody has touched for a while.
func (a *App) left(ctx context.Context) ([]Record, error) {
	if a.LeftFor <= 0 {
		return nil, nil
	}
	return a.Sweeps.Left(ctx, a.now(), a.now().Add(a.TTL-a.LeftFor), sweepAtOnce)
}

// abandon tells of a checkout that was left. Who comes back in this moment was faster.
func (a *App) abandon(ctx context.Context, r Record) error {
	_, err := a.apply(ctx, r, checkout.Event{Name: checkout.Abandon, At: a.now().Add(-a.LeftFor)}, nil)
	return err
}

// expire ends a checkout past its time, and tells.
func (a *App) expire(ctx context.Context, r Record) (Record, error) {
	return a.apply(ctx, r, checkout.Event{Name: checkout.Expire}, nil)
}

// cleanUp abandons the order of an ended checkout and releases its holds; an order that was placed completes the checkout. The holds are the cart's: when another checkout of the
// cart lives, they are its own, and when their time is over they have ended by themselves.
func (a *App) cleanUp(ctx context.Context, r Record) error {
	if r.Attempt > 0 {
		result, err := a.Orders.Abandon(ctx, r.OrderID)
		switch {
		case err != nil:
			return err
		case result.Outcome == orderapi.OutcomePending:
			return nil // nobody knows how it ends: the next sweep asks again
		case result.Order != nil: // it was placed, and its event did not reach us
			placed, _ := outcome(result)
			_, err = a.apply(ctx, r, placed, nil)
			return err
		}
	}
	if r.HoldUntil.After(a.now()) {
		if err := a.letGo(ctx, r); err != nil {
			return err
		}
	}
	_, err := a.apply(ctx, r, checkout.Event{Name: checkout.CleanedUp}, nil)
	return err
}

// Told is what another service tells of a checkout.
type Told struct {
	CheckoutID string
	Event      checkout.Event
}

// landingLimit is how long a tale waits for a completion in this process that is about to learn the same.
const landingLimit = time.Second

// Follow takes in what order tells. A tale that is late, comes twice or is of an unknown checkout changes nothing.
func (a *App) Follow(ctx context.Context, t Told) error {
	if landed, flies := a.flying.Load(t.CheckoutID); flies {
		limit := time.NewTimer(landingLimit)
		defer limit.Stop()
		select {
		case <-landed.(chan struct{}):
		case <-limit.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if a.Store.Settled(t.CheckoutID) {
		return nil // the answer to complete was here first
	}
	return ignoreUnknown(a.follow(ctx, func() (Record, error) { return a.Get(ctx, t.CheckoutID) }, t.Event))
}

// FollowCart takes in what inventory tells of a cart's holds.
func (a *App) FollowCart(ctx context.Context, cartID string, ev checkout.Event) error {
	return ignoreUnknown(a.follow(ctx, func() (Record, error) { return a.Store.OfCart(ctx, cartID) }, ev))
}

func (a *App) follow(ctx context.Context, load func() (Record, error), ev checkout.Event) error {
	r, err := load()
	if err != nil {
		return err
	}
	_, err = a.apply(ctx, r, ev, nil)
	return err
}

func ignoreUnknown(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// Read returns a checkout as it is shown: held again, when its holds have run out and the stock is there. When its order was placed while nobody waited, the order's capability is still
// missing: order tells it to whoever asks for that attempt again.
func (a *App) Read(ctx context.Context, id string) (Record, error) {
	r, err := a.Get(ctx, id)
	if err != nil || r.Status != checkout.Completed || r.AccessToken != "" {
		return a.reheld(ctx, r), err
	}
	result, err := a.Orders.Place(ctx, r.placeRequest(r.Attempt, checkoutapi.CompleteInput{MethodID: knownAttempt}))
	if err != nil || result.Order == nil {
		a.Log.WarnContext(ctx, "the order of a completed checkout does not answer", "order_id", r.OrderID, "error", err)
		if fault.KindOf(err) == fault.Timeout || fault.KindOf(err) == fault.Unavailable {
			return r, err
		}
		return r, fmt.Errorf("order %s: %w", r.OrderID, errors.Join(err, errNoOrder))
	}
	return a.apply(ctx, r, checkout.Event{Name: checkout.Placed, OrderNumber: result.Order.Number, AccessToken: result.Order.AccessToken}, nil)
}

// knownAttempt stands where the command to place needs a means of payment. The attempt is known to order, which then looks at
// its outcome and not at this.
const knownAttempt = "known-attempt"

var errNoOrder = errors.New("order does not show the order that it told of")

// Placed is the event of an order that was placed; attempt 0: not told.
func Placed(checkoutID, number string, attempt int) Told {
	return Told{CheckoutID: checkoutID, Event: checkout.Event{Name: checkout.Placed, OrderNumber: number, Attempt: attempt}}
}

// Failed is the event of an attempt that order undid.
func Failed(data orderapi.AttemptFailedV1) Told {
	ev := checkout.Event{Name: checkout.AttemptFailed, Attempt: data.Attempt, Failure: checkout.Failure{Outcome: data.Outcome, DeclineCode: data.DeclineCode, Retryable: data.Retryable}}
	if data.Outcome == orderapi.OutcomeAbandoned {
		ev.Name, ev.Failure = checkout.OrderEnded, checkout.Failure{}
	}
	return Told{CheckoutID: data.CheckoutID, Event: ev}
}
