package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/sidecart/sidecart/pkg/card"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// The times of a completion. Order answers within 20 s; a flight has time for a quote, the holds and the records beside it.
const (
	joinLimit   = 20 * time.Second
	flightLimit = 28 * time.Second
	// CompleteLimit is the least time that a handler of Complete needs.
	CompleteLimit = flightLimit + time.Second
	retryPending  = 2 * time.Second
)

// Completion is how a call of Complete ended: with an order, or with an outcome that is not known yet.
type Completion struct {
	Order    *orderapi.Order // nil: the outcome is pending
	Checkout Record          // when pending
	Replayed bool            // the answer is that of an earlier call
}

// ErrCard refuses a card number in the place of a nonce. It must not travel on.
var ErrCard = fault.New(fault.Invalid, "card-number-refused", "A card number is not a means of payment here: send a nonce.")

// ErrCardInNote refuses a card number in free text, which is kept and shown to staff.
var ErrCardInNote = fault.New(fault.Invalid, "card-number-refused", "The note holds a card number: leave it out.").
	WithField("body.note", "must not hold a card number", nil)

// Complete places the order of a checkout. Whoever comes with the same key while it runs in this process joins and gets the same
// answer, waiting up to 20 s; in another process, or after a crash, it asks order for the same attempt, which places nothing
// twice. A refusal that is the outcome of an attempt is kept with the key; every other refusal leaves the key free.
//
// The error is a refusal; Replayed tells also then whether it was kept from an earlier call.
func (a *App) Complete(ctx context.Context, id string, key Key, in checkoutapi.CompleteInput) (Completion, error) {
	if err := checkMeans(in); err != nil {
		return Completion{}, err
	}
	leads := make(chan struct{})
	name := id + " " + key.Scope + " " + key.Key + " " + hex.EncodeToString(key.Hash[:])
	done := a.flights.DoChan(name, func() (any, error) {
		close(leads)
		flight, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightLimit)
		defer cancel()
		return a.fly(flight, id, key, in)
	})
	limit := time.NewTimer(joinLimit)
	defer limit.Stop()
	for {
		select {
		case result := <-done:
			c, _ := result.Val.(Completion)
			return c, result.Err
		case <-limit.C:
			select {
			case <-leads: // it is this call's own flight, which has its own limit
			default:
				return Completion{}, checkout.ErrInProgress
			}
		case <-ctx.Done():
			return Completion{}, ctx.Err()
		}
	}
}

// longestCode is how long payment takes a gift card's code.
const longestCode = 64

func checkMeans(in checkoutapi.CompleteInput) error {
	var long fault.Collector
	for i, code := range in.GiftCards {
		long.Check(code != "" && len(code) <= longestCode, fmt.Sprintf("body.gift_cards[%d]", i), fmt.Sprintf("must have 1 to %d characters", longestCode), nil)
	}
	if err := long.Err(); err != nil {
		return err
	}
	for _, text := range append([]string{in.Nonce, in.MethodID, in.DeviceData}, in.GiftCards...) {
		if card.Held(text) {
			return ErrCard
		}
	}
	if in.Provider != "" && (in.Nonce != "" || in.MethodID != "") {
		return fault.New(fault.Invalid, "validation-failed", "body: give one means of payment").
			WithField("body.payment_provider", "must not be given beside another means of payment", nil)
	}
	if in.Nonce != "" && in.MethodID != "" {
		return fault.New(fault.Invalid, "validation-failed", "body: give one means of payment").
			WithField("body.payment_method_id", "must not be given beside payment_method_nonce", nil)
	}
	return nil
}

// fly is one completion. A panic ends the flight, not the process.
func (a *App) fly(ctx context.Context, id string, key Key, in checkoutapi.CompleteInput) (c Completion, err error) {
	landed := make(chan struct{})
	if _, other := a.flying.LoadOrStore(id, landed); !other {
		defer a.flying.Delete(id)
	}
	defer close(landed)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("complete: panic: %v\n%s", p, debug.Stack())
		}
	}()
	for range maxMoves {
		r, entry, err := a.Store.Find(ctx, id, key)
		if err != nil {
			return c, err
		}
		switch {
		case entry != nil && entry.Answer != nil:
			return Completion{Order: entry.Answer.Order, Replayed: true}, entry.Answer.Err()
		case entry != nil && r.Status == checkout.Open && r.Attempt < entry.Attempt: // its number was given back: it begins anew
			if err := a.note(ctx, r, func(ch *Change) { ch.Key, ch.Forget = key, true }); err != nil {
				return c, err
			}
			continue
		case entry != nil:
			return a.resume(ctx, r, key, entry.Attempt, in)
		}
		c, err = a.attempt(ctx, r, key, in)
		if !errors.Is(err, ErrMoved) {
			return c, err
		}
	}
	return c, errBusy
}

// resume asks for the outcome of an attempt that an earlier call began with this key and did not see the end of, by what that call paid with.
func (a *App) resume(ctx context.Context, r Record, key Key, attempt int, in checkoutapi.CompleteInput) (Completion, error) {
	if r.Status == checkout.Expired || r.Status == checkout.Cancelled {
		return Completion{}, checkout.ErrExpired // nothing may be placed any more
	}
	if r.covered(attempt, in) {
		in.Provider = ""
	}
	return a.place(ctx, r, key, attempt, true, in)
}

// attempt begins a new attempt, or takes up one that nobody works on any more: everything that can refuse it comes first, then the
// record, then order.
func (a *App) attempt(ctx context.Context, r Record, key Key, in checkoutapi.CompleteInput) (Completion, error) {
	now := a.now()
	begin := checkout.Event{Name: checkout.Complete, TTL: a.TTL}
	if _, _, err := checkout.Decide(r.Checkout, begin, now); err != nil {
		return Completion{}, err
	}
	hasMeans := in.Nonce != "" || in.MethodID != "" || in.Provider != "" || len(in.GiftCards) > 0 || in.StoreCredit
	if missing := r.Missing(!r.Totals().Total.IsZero(), hasMeans); missing != nil {
		return Completion{}, incomplete(missing)
	}
	c := Change{Seen: r.Version, After: r}
	provider, fee, err := a.means(ctx, &c, in)
	if err != nil {
		return Completion{}, err
	}
	takenUp := r.Status == checkout.Completing // then total and holds are those that the attempt began with
	if takenUp && fee.IsPositive() != r.Fee.IsPositive() {
		return Completion{}, errOtherFee.With("payment_fee", r.Totals().PaymentFee)
	}
	if !takenUp {
		if c, err = a.freshen(ctx, c, provider, fee, now); err != nil {
			return Completion{}, err
		}
		if missing := c.After.Missing(!c.After.Totals().Total.IsZero(), hasMeans); missing != nil {
			return Completion{}, incomplete(missing)
		}
	}
	if total := c.After.Totals().Total; total != in.ExpectedTotal {
		return Completion{}, fault.New(fault.Conflict, "price-changed", "The total is not the one that you expect.").
			With("expected_total", in.ExpectedTotal).With("actual_total", total)
	}
	if !a.limit.allow(r.ID, now) {
		return Completion{}, errTooMany
	}
	if !takenUp && !r.HoldsLast(now) {
		if err := a.renew(ctx, &c.After, now); err != nil {
			return Completion{}, err
		}
	}
	after, _, err := checkout.Decide(c.After.Checkout, begin, now)
	if err != nil {
		return Completion{}, err
	}
	c.After.Checkout, c.Key, c.Begin = after, key, true
	if provider != in.Provider {
		c.After.Covered, in.Provider = after.Attempt, provider
	}
	if err := a.Store.Save(ctx, c); err != nil {
		return Completion{}, err
	}
	return a.place(ctx, c.After, key, after.Attempt, takenUp, in)
}

// freshen asks for a new quote, when the old one does not fit or has not what it costs to pay by that provider, and records it at once, so
// that the shopper sees the total that he is told of.
func (a *App) freshen(ctx context.Context, c Change, provider string, fee money.Amount, now time.Time) (Change, error) {
	if fee != c.After.Fee {
		if err := a.pays(ctx, &c, provider, fee); err != nil {
			return c, err
		}
	}
	if !c.Quote {
		if a.quoteFits(&c.After, now) {
			return c, nil
		}
		if err := a.requote(ctx, &c.After, now); err != nil {
			return c, err
		}
	}
	after, _, err := checkout.Decide(c.After.Checkout, checkout.Event{Name: checkout.Change, TTL: a.TTL}, now)
	if err != nil {
		return c, err
	}
	c.After.Checkout = after
	if err := a.Store.Save(ctx, Change{Seen: c.Seen, After: c.After, Quote: true}); err != nil {
		return c, err
	}
	c.Seen, c.Quote = after.Version, false
	return c, nil
}

// place asks order for an attempt and records what became of it. Again says that order may have been asked for it before.
func (a *App) place(ctx context.Context, r Record, key Key, attempt int, again bool, in checkoutapi.CompleteInput) (Completion, error) {
	result, err := a.Orders.Place(ctx, r.placeRequest(attempt, in))
	if err != nil {
		return a.unplaced(ctx, r, key, attempt, again, err)
	}
	if result.Outcome == orderapi.OutcomePending {
		return a.pending(ctx, r)
	}
	ev, answer := outcome(result)
	c, answerErr := Completion{Order: answer.Order}, answer.Err()
	forget := fault.KindOf(answerErr) == fault.Unavailable && answerErr != nil // the same request may try again
	_, err = a.apply(ctx, r, ev, func(ch *Change) {
		ch.Key, ch.Forget = key, forget
		if !forget {
			ch.Answer = &answer
		}
	})
	if err != nil { // the outcome stands: order tells it again, to the next call or by its event
		a.Log.WarnContext(ctx, "an outcome was not recorded", "order_id", r.OrderID, "attempt", attempt, "error", err)
	}
	a.Log.InfoContext(ctx, "attempt ended", "order_id", r.OrderID, "attempt", attempt, "outcome", result.Outcome)
	return c, answerErr
}

// pending answers that the outcome is not known yet.
func (a *App) pending(ctx context.Context, r Record) (Completion, error) {
	now, err := a.Get(ctx, r.ID)
	if err != nil {
		now = r
	}
	return Completion{Checkout: now}, nil //nolint:nilerr // what was read before is good enough to say "wait"
}

// unplaced is an attempt that order did not answer. Where it surely was not executed, the checkout is open again and key and
// number are free; where nobody knows, it stays completing. That order cannot be reached now says nothing of an earlier call.
func (a *App) unplaced(ctx context.Context, r Record, key Key, attempt int, again bool, cause error) (Completion, error) {
	kind := fault.KindOf(cause)
	away := kind == fault.Unavailable || kind == fault.RateLimited
	if kind == fault.Timeout || kind == fault.Internal || away && again {
		a.Log.WarnContext(ctx, "an attempt has an unknown outcome", "order_id", r.OrderID, "attempt", attempt, "error", cause)
		record := context.WithoutCancel(ctx)
		record, cancel := context.WithTimeout(record, time.Second)
		defer cancel()
		return a.pending(record, r)
	}
	_, err := a.apply(ctx, r, checkout.Event{Name: checkout.Unsent, Attempt: attempt}, func(ch *Change) {
		ch.Key, ch.Forget = key, !ch.KeyOnly // unless somebody was told of the attempt after all
	})
	if away {
		return Completion{}, errors.Join(fault.New(fault.Unavailable, "unavailable", "The order could not be placed now: repeat the call.").
			WithRetryAfter(retryPending).WithCause(cause), err)
	}
	return Completion{}, errors.Join(fault.New(fault.Conflict, "order-refused", "The order cannot be placed.").WithCause(cause), err)
}

// outcome turns what order says into what happens to the checkout and what the shopper is told.
func outcome(r orderapi.PlaceResult) (checkout.Event, Answer) {
	failed := checkout.Event{Name: checkout.AttemptFailed, Attempt: r.Attempt, Failure: checkout.Failure{Outcome: r.Outcome, DeclineCode: r.DeclineCode, Retryable: r.Retryable}}
	switch r.Outcome {
	case orderapi.OutcomePlaced, orderapi.OutcomeConfirmed:
		return checkout.Event{Name: checkout.Placed, Attempt: r.Attempt, OrderNumber: r.Order.Number, AccessToken: r.Order.AccessToken}, Answer{Order: r.Order}
	case orderapi.OutcomeDeclined:
		return failed, refused(fault.New(fault.PaymentRequired, "payment-declined", "The payment was declined.").
			With("decline_code", r.DeclineCode).With("retryable", r.Retryable))
	case orderapi.OutcomeOutOfStock:
		return failed, refused(fault.New(fault.Conflict, "out-of-stock", "Some of it is sold out.").With("lines", r.Shortages))
	case orderapi.OutcomeAbandoned:
		return checkout.Event{Name: checkout.OrderEnded, Attempt: r.Attempt}, refused(fault.New(fault.Gone, "checkout-expired", "This checkout has expired: begin a new one."))
	}
	if r.Retryable {
		return failed, refused(fault.New(fault.Unavailable, "unavailable", "The order could not be placed, nothing was charged: repeat the call."))
	}
	message := r.Message
	if message == "" {
		message = "The order could not be placed, nothing was charged."
	}
	return failed, refused(fault.New(fault.Conflict, "order-refused", message))
}

// placeRequest is the whole snapshot for order. It holds the means of payment: it is never kept nor logged.
func (r Record) placeRequest(attempt int, in checkoutapi.CompleteInput) orderapi.PlaceRequest {
	req := orderapi.PlaceRequest{OrderID: r.OrderID, CheckoutID: r.ID, CartID: r.CartID, CartVersion: r.CartVersion, Attempt: attempt,
		CustomerID: r.CustomerID, Channel: r.Channel, Email: r.Email, Promotions: r.Quote.Promotions, Totals: r.Totals(), QuoteID: r.Quote.ID, Note: r.Note,
		Payment: orderapi.PaymentInput{Nonce: in.Nonce, MethodID: in.MethodID, DeviceData: in.DeviceData, ClientIP: in.ClientIP, Provider: in.Provider, GiftCards: in.GiftCards, StoreCredit: in.StoreCredit}, Lines: make([]orderapi.PlaceLine, len(r.Quote.Lines))}
	if r.Shipping != nil {
		req.ShippingAddress = orderapi.Address(*r.Shipping)
		req.BillingAddress = req.ShippingAddress
	}
	if r.Billing != nil {
		req.BillingAddress = orderapi.Address(*r.Billing)
	}
	if o := r.Option(); o != nil {
		req.ShippingOption = o.ShippingOption
	}
	for i, l := range r.Quote.Lines {
		req.Lines[i] = orderapi.PlaceLine(l)
	}
	return req
}
