package app

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// NewToken draws a capability: 128 random bits as 32 hex digits.
func NewToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Place records the command to place an order. It is idempotent by order and attempt: an attempt that is known already is
// left alone, and Wait tells its outcome. It performs nothing itself.
func (a *App) Place(ctx context.Context, req orderapi.PlaceRequest) error {
	if err := checkPlace(req); err != nil {
		return err
	}
	rec := Record{}
	if req.Attempt > 1 {
		var err error
		if rec, err = a.Store.Load(ctx, req.OrderID); err != nil {
			return err
		}
	}
	rec.ID = req.OrderID
	_, err := a.apply(ctx, rec, command{
		event: order.Event{Name: order.Place, Attempt: req.Attempt, Place: &order.Placing{
			OrderID: req.OrderID, CheckoutID: req.CheckoutID, CartID: req.CartID, Total: req.Totals.Total}},
		actor: "checkout", snapshot: &req, metadata: map[string]any{"quote_id": req.QuoteID},
	})
	if fault.KindOf(err) != fault.Conflict {
		return err
	}
	now, loadErr := a.Store.Load(ctx, req.OrderID)
	switch {
	case fault.KindOf(loadErr) == fault.NotFound:
		return err
	case loadErr != nil:
		return ErrUnsure.WithCause(errors.Join(err, loadErr))
	case now.Attempt >= req.Attempt && now.CheckoutID == req.CheckoutID:
		return nil // this attempt was recorded before
	}
	return err
}

// ErrUnsure says that a command may have been recorded, by this call or one before it. A caller who is told "unavailable" would
// believe that nothing has happened.
var ErrUnsure = fault.New(fault.Timeout, "outcome-unknown", "Nobody knows yet whether the command was taken.")

func checkPlace(req orderapi.PlaceRequest) error {
	var c fault.Collector
	c.Check(req.OrderID != "" && req.CheckoutID != "" && req.CartID != "", "body", "order_id, checkout_id and cart_id must be given", nil)
	c.Check(req.Attempt >= 1, "body.attempt", "must be 1 or more", req.Attempt)
	c.Check(len(req.Lines) > 0, "body.lines", "must not be empty", nil)
	c.Check(!req.Totals.Total.IsNegative(), "body.totals.total", "must not be negative", req.Totals.Total.Minor)
	if req.Totals.Total.IsPositive() {
		c.Check(req.Payment.Given(), "body.payment", "needs one means of payment, beside gift cards and store credit", nil)
	}
	return c.Err()
}

const (
	waitPoll   = 250 * time.Millisecond // when another replica has the order
	waitHeard  = 2 * time.Second        // when this one has it, and tells
	placedWait = 3 * time.Second        // how long a placed order is waited for to be captured
)

// Waiter hears what becomes of an order. Close it.
type Waiter struct {
	app   *App
	id    string
	told  <-chan Record
	Close func()
}

// Waiter begins to listen: before a command is given, so that it need not be read again what the command recorded here.
func (a *App) Waiter(id string) *Waiter {
	told, leave := a.hub.listen(id)
	return &Waiter{app: a, id: id, told: told, Close: leave}
}

// Outcome returns what became of an attempt that was recorded, as soon as it is known, or OutcomePending when ctx's deadline or limit
// passes. A database that does not answer meanwhile is no refusal: the attempt goes on.
func (w *Waiter) Outcome(ctx context.Context, attempt int, limit time.Duration) (orderapi.PlaceResult, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	poll := time.NewTicker(waitPoll)
	defer poll.Stop()
	last := orderapi.PlaceResult{OrderID: w.id, Attempt: attempt, Outcome: orderapi.OutcomePending}
	var settle <-chan time.Time
	rec, err := w.first(ctx, attempt, poll)
	for {
		if err == nil {
			var result orderapi.PlaceResult
			var done bool
			if result, done, err = w.app.result(ctx, rec, attempt); done {
				return result, nil
			}
			if err == nil {
				last = result
			}
		}
		if fault.KindOf(err) == fault.NotFound {
			return last, err
		}
		if last.Outcome == orderapi.OutcomePlaced && settle == nil {
			settle = time.After(placedWait)
		}
		select {
		case fresh := <-w.told:
			poll.Reset(waitHeard)
			if fresh.Version > rec.Version { // what is told may be older than what was read
				rec, err = fresh, nil
			}
		case <-poll.C:
			var fresh Record
			if fresh, err = w.app.Store.Load(ctx, w.id); err == nil {
				rec = fresh
			}
		case <-settle:
			return last, nil
		case <-ctx.Done():
			return last, nil
		}
	}
}

// first is the order as it was recorded here a moment ago, or else as it stands in the database.
func (w *Waiter) first(ctx context.Context, attempt int, poll *time.Ticker) (Record, error) {
	select {
	case rec := <-w.told:
		if rec.Attempt >= attempt { // else it is the end of the attempt before
			poll.Reset(waitHeard)
			return rec, nil
		}
	default:
	}
	return w.app.Store.Load(ctx, w.id)
}

// result reads an attempt's outcome from the order; done is false while it may still change.
func (a *App) result(ctx context.Context, rec Record, attempt int) (orderapi.PlaceResult, bool, error) {
	out := orderapi.PlaceResult{OrderID: rec.ID, Attempt: attempt, Outcome: orderapi.OutcomePending}
	ended := rec.Outcome
	switch {
	case rec.Attempt < attempt:
		return out, false, fault.Newf(fault.NotFound, "attempt-not-found", "Attempt %d was not recorded.", attempt)
	case rec.Attempt > attempt:
		var err error
		if ended, err = a.formerOutcome(ctx, rec.ID, attempt); err != nil {
			return out, false, err
		}
	case !rec.PlacedAt.IsZero():
		view := a.View(rec)
		out.Outcome, out.Order = orderapi.OutcomePlaced, &view
		if rec.CapturedAt.IsZero() {
			return out, a.state(rec).Status == "cancelled" || rec.Review == order.ReviewPending, nil // people take their time
		}
		out.Outcome = orderapi.OutcomeConfirmed
		return out, true, nil
	case rec.State != "attempt_failed" && rec.State != "abandoned":
		return out, false, nil
	}
	out.Outcome, out.DeclineCode, out.Retryable, out.Message = ended.Kind, ended.DeclineCode, ended.Retryable, ended.Message
	for _, s := range ended.Shortages {
		out.Shortages = append(out.Shortages, orderapi.Shortage(s))
	}
	return out, true, nil
}

// formerOutcome finds how an earlier attempt ended.
func (a *App) formerOutcome(ctx context.Context, id string, attempt int) (order.Outcome, error) {
	log, err := a.Store.Log(ctx, id)
	if err != nil {
		return order.Outcome{}, err
	}
	out := order.Outcome{Kind: order.Failed, Retryable: true}
	for _, e := range log {
		if o, ok := e.Metadata["outcome"].(map[string]any); ok && e.Attempt == attempt {
			out.Kind, _ = o["kind"].(string)
			out.DeclineCode, _ = o["decline_code"].(string)
			out.Retryable, _ = o["retryable"].(bool)
			out.Message, _ = o["message"].(string)
			out.Shortages = formerShortages(o["shortages"])
		}
	}
	return out, nil
}

func formerShortages(kept any) (all []order.Shortage) {
	list, _ := kept.([]any)
	for _, item := range list {
		m, _ := item.(map[string]any)
		sku, _ := m["sku"].(string)
		requested, _ := m["requested"].(float64) // JSON; quantities are far below 2⁵³
		available, _ := m["available"].(float64)
		all = append(all, order.Shortage{SKU: sku, Requested: int64(requested), Available: int64(available)})
	}
	return all
}

// Abandon ends an order that is not placed, with its checkout. An order that nobody knows, or that is placed, is left alone.
func (a *App) Abandon(ctx context.Context, id string) error {
	rec, err := a.Store.Load(ctx, id)
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = a.apply(ctx, rec, command{event: order.Event{Name: order.Abandon, Attempt: rec.Attempt}, actor: "checkout"})
	if fault.KindOf(err) == fault.Conflict {
		return nil
	}
	return err
}

// Outcome returns what became of an order's last attempt, or has become of it so far. An order that nobody knows counts as abandoned.
func (a *App) Outcome(ctx context.Context, id string) (orderapi.PlaceResult, error) {
	rec, err := a.Store.Load(ctx, id)
	if fault.KindOf(err) == fault.NotFound {
		return orderapi.PlaceResult{OrderID: id, Outcome: orderapi.OutcomeAbandoned}, nil
	}
	if err != nil {
		return orderapi.PlaceResult{}, err
	}
	result, _, err := a.result(ctx, rec, rec.Attempt)
	return result, err
}

// Cancel undoes an order before it is picked. It answers at once; the money goes back and the stock is freed behind it.
func (a *App) Cancel(ctx context.Context, id, actor, reason string) (Record, error) {
	rec, err := a.visible(ctx, id)
	if err != nil {
		return rec, err
	}
	if a.state(rec).Status == "cancelled" || rec.CancelReason != "" {
		return rec, nil // asked before
	}
	rec, err = a.apply(ctx, rec, command{event: order.Event{Name: order.Cancel, Attempt: rec.Attempt, Reason: reason}, actor: actor,
		metadata: map[string]any{"reason": reason}, audit: actor != Guest})
	status := a.state(rec).Status
	switch {
	case errors.Is(err, order.ErrForbidden) && (status == "cancelled" || rec.CancelReason != ""):
		return rec, nil // somebody was faster
	case errors.Is(err, order.ErrForbidden):
		return rec, fault.Newf(fault.Conflict, "not-cancellable", "An order that is %s cannot be cancelled.", status)
	}
	return rec, err
}

// Guest is the actor of whoever proved an order's access token.
const Guest = "guest"

// Transition does what staff ask: brings the order to a state that its machine lets staff bring it to. An order that is there
// already is left alone: turns of an actor may run twice.
func (a *App) Transition(ctx context.Context, id, actor, to, note string) (Record, error) {
	rec, err := a.visible(ctx, id)
	if err != nil {
		return rec, err
	}
	there := func() bool { return rec.State == order.State(to) || a.state(rec).Status == to }
	event, ok := a.machine(rec).StaffMay(a.considered(rec))[order.State(to)]
	if !ok && there() {
		return rec, nil
	}
	if !ok {
		return rec, order.ErrForbidden.WithMessage("an order that is %s cannot be brought to %q", a.state(rec).Status, to).With("allowed", a.May(rec))
	}
	rec, err = a.apply(ctx, rec, command{event: order.Event{Name: event, Attempt: rec.Attempt, To: order.State(to)}, actor: actor,
		metadata: map[string]any{"note": note}, audit: true})
	if errors.Is(err, order.ErrForbidden) && there() {
		return rec, nil // somebody was faster
	}
	return rec, err
}

// Get returns an order that the world may see, or ErrNotFound.
func (a *App) Get(ctx context.Context, id string) (Record, error) { return a.visible(ctx, id) }

// visible loads an order and hides it while it is placing or abandoned.
func (a *App) visible(ctx context.Context, id string) (Record, error) {
	rec, err := a.Store.Load(ctx, id)
	if err != nil {
		return rec, fmt.Errorf("order %s: %w", id, err)
	}
	if a.Machines.Of(rec.MachineVersion) == nil {
		return Record{}, ErrUnknownMachine
	}
	if a.state(rec).Status == "" {
		return Record{}, ErrNotFound
	}
	return rec, nil
}

// Guest checks the capability of a guest: a wrong token is the same as no order.
func (r Record) Guest(token string) error {
	if len(token) != len(r.AccessToken) || subtle.ConstantTimeCompare([]byte(token), []byte(r.AccessToken)) != 1 {
		return ErrNotFound
	}
	return nil
}
