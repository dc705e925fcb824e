package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// An order has the payment of the attempt by which it was placed, and one of each edit that made it cost more. What goes back goes back of the
// newest first: of the one after the other, each by operations of its own. Of what the bank did not pay nothing goes back.

// paid is one of an order's payments.
type paid struct {
	id      string
	attempt int
}

func (r Record) payment(attempt int) paid {
	return paid{id: fmt.Sprintf("%s-%d", r.ID, attempt), attempt: attempt}
}

// editPayment is that of an edit; its attempt is above all those by which orders are placed.
func (r Record) editPayment(number int) paid { return r.payment(paymentapi.FirstRepeat + number) }

// payments are those of an order of which something may be there, the newest first.
func (r Record) payments() (all []paid) {
	for i := len(r.Edits) - 1; i >= 0; i-- {
		if e := r.Edits[i]; e.Charged != nil && !e.Unpaid {
			all = append(all, r.editPayment(e.Number))
		}
	}
	return append(all, r.payment(r.Attempt))
}

// capturedOf is what one of an order's payments has captured as far as the order has heard: less once the bank did not pay it.
func (r Record) capturedOf(attempt int) int64 {
	all := map[int]int64{r.Attempt: r.Paid().Minor}
	for _, e := range r.Edits {
		if e.Charged != nil && !e.Unpaid {
			all[r.editPayment(e.Number).attempt] = e.Charged.Minor
			all[r.Attempt] -= e.Charged.Minor
		}
	}
	return all[attempt]
}

// editOf is the place of the edit that a payment is of; -1: of none.
func (r Record) editOf(attempt int) int {
	return slices.IndexFunc(r.Edits, func(e edit) bool { return e.Number == attempt-paymentapi.FirstRepeat })
}

// portion says of which payment how much of a refund goes back next: of the newest that has any left by payment's books, since people may have given
// back of any there. What they gave back since the refund of an edit began is of it: they cannot tell order. It is kept with the effect before payment
// is asked for it: a try after one that nobody heard of asks for the same.
func (d *Driver) portion(ctx context.Context, l Lease) (Portion, error) {
	if l.Portion != nil && l.Portion.Version == l.Version {
		return *l.Portion, nil
	}
	next, currency := Portion{Version: l.Version, Attempt: l.Record.Attempt, Amount: l.Record.Refunding}, l.Record.Refunding.Currency
	left, err := d.pay.Left(ctx, l.Record.ID, currency)
	if err != nil {
		return next, err
	}
	next.Given = money.Zero(currency)
	if l.Record.Refunds.ofEdit() {
		next.Given.Minor = min(max(0, l.Record.gone(left)-l.Record.ReturnedBefore.Minor), next.Amount.Minor)
		next.Amount.Minor -= next.Given.Minor
	}
	for _, p := range l.Record.payments() {
		if there := left[p.attempt].Left.Minor; there > 0 {
			next.Attempt, next.Amount.Minor = p.attempt, min(there, next.Amount.Minor)
			break
		}
	}
	return next, d.app.Store.Pin(ctx, l, next)
}

// left is what there is of an order's payments.
func (r Record) left(of map[int]PaymentLeft) (sum int64) {
	for _, p := range r.payments() {
		sum += of[p.attempt].Left.Minor
	}
	return sum
}

// gone is what went back of an order's payments. What the bank did not pay, as far as the order has not heard of it, did not.
func (r Record) gone(left map[int]PaymentLeft) int64 {
	sum := r.Captured.Minor
	for attempt, p := range left {
		if sum -= p.Left.Minor; p.Unpaid {
			sum -= max(0, r.capturedOf(attempt)-p.Captured.Minor)
		}
	}
	return sum
}

// ErrUnheard says that payment has given back what the order has not been told of yet, or may be about to.
var ErrUnheard = fault.New(fault.Unavailable, "refund-not-recorded",
	"Money of this order goes back in payment, and that is not recorded here yet: ask for the edit again in a few seconds.").WithRetryAfter(5 * time.Second)

// HeardOfAll is ErrUnheard while the order does not know of all that payment has given back, and the difference that an edit makes depends on it: it
// would be taken for what the edit takes off, or what is owed and was given back be taken off what it charges. Once the charge has begun it is no more.
func (a *App) HeardOfAll(ctx context.Context, rec Record, difference money.Amount) error {
	if rec.Captured.IsZero() || !difference.IsNegative() && (difference.IsZero() || rec.Owing.IsZero()) {
		return nil
	}
	left, err := a.driver.pay.Left(ctx, rec.ID, rec.Captured.Currency)
	if err != nil {
		return err
	}
	if _, charging := left[rec.editPayment(rec.EditNumber).attempt]; charging && rec.Edit != "" {
		return nil
	}
	for _, p := range left {
		if p.Pending {
			return ErrUnheard
		}
	}
	if rec.gone(left) > rec.Returned.Minor {
		return ErrUnheard
	}
	return nil
}

// refuses is an answer that refuses an edit.
func (l Lease) refuses(name order.EventName, f *fault.Fault) command {
	c := l.event(name)
	c.event.Outcome = order.Outcome{Kind: f.Code, Message: f.Message}
	c.metadata = outcomeMetadata(c.event.Outcome)
	return c
}

// moneyOf is a step on one of the order's payments.
func (l Lease) moneyOf(p paid, step string) MoneyCommand {
	m := l.money(step)
	m.PaymentID, m.Attempt, m.OperationID = p.id, p.attempt, fmt.Sprintf("%s-%s-%d", p.id, step, l.Version)
	return m
}

// charge captures what an edit makes the order cost more, by the means of the payment by which it was placed. What is authorised and cannot be
// captured is given free before the edit is refused.
func (d *Driver) charge(ctx context.Context, l Lease) (command, error) {
	p, e := l.Record.editPayment(l.Record.EditNumber), l.Record.Edits[len(l.Record.Edits)-1]
	if err := d.app.HeardOfAll(ctx, l.Record, e.Difference); errors.Is(err, ErrUnheard) {
		return l.refuses(order.ChargeRefused, ErrUnheard), nil
	} else if err != nil {
		return command{}, err
	}
	ask := func(step string, do func(context.Context, MoneyCommand) (MoneyAnswer, error)) (MoneyAnswer, error) {
		m := l.moneyOf(p, step)
		m.OperationID = p.id + "-" + step // each happens once to it, whatever became of the effect
		if step == "void" {               // but payment keeps its no of one: once that has stood, the next is another, of which nothing happens twice
			m.OperationID += fmt.Sprintf("-%d", d.app.now().Truncate(giveBackEvery).Unix())
		}
		m.Amount, m.Like = l.Record.Charging(), PaymentID(l.Record)
		m.Country = e.Proposed.ShippingAddress.Country
		answer, err := do(ctx, m)
		if f, ok := refused(err); ok {
			return MoneyAnswer{Outcome: MoneyDeclined, DeclineCode: f.Code, Message: f.Message}, nil
		}
		if err == nil && answer.Outcome == MoneyPending {
			err = &notYet{after: answer.RetryAfter}
		}
		return answer, err
	}
	answer, err := ask("authorise", d.pay.Authorise)
	if err != nil {
		return command{}, err
	}
	if answer.Outcome == MoneyDone {
		if answer, err = ask("capture", d.pay.Capture); err != nil {
			return command{}, err
		}
		if answer.Outcome == MoneyDone {
			c := l.event(order.Charged)
			c.event.Amount, c.metadata = answer.Amount, map[string]any{"payment_id": p.id, "amount": answer.Amount.Minor, "currency": string(answer.Amount.Currency)}
			return c, nil
		}
		free, err := ask("void", d.pay.Void)
		if err != nil {
			return command{}, err
		}
		if free.Outcome != MoneyDone {
			d.app.alarm("money-not-returned", "what was authorised for an edit cannot be given free, trying again later", "order_id", l.Record.ID, "payment_id", p.id,
				"outcome", free.Outcome, "decline_code", free.DeclineCode, "message", free.Message)
			return command{}, &notYet{after: giveBackEvery}
		}
	}
	c := l.event(order.ChargeRefused)
	c.event.Outcome = order.Outcome{Kind: "payment-declined", DeclineCode: answer.DeclineCode, Retryable: answer.Retryable, Message: answer.Message}
	switch {
	case answer.Outcome == MoneyFailed:
		c.event.Outcome = order.Outcome{Kind: "payment-failed", Retryable: true, Message: "The payment did not get through; nothing was charged."}
	case answer.DeclineCode == codeDuplicate:
		c.event.Outcome.Kind, c.event.Outcome.Retryable = "payment-duplicate", true
		c.event.Outcome.Message = "As much was charged for this order a moment ago, and the gateway takes the same again for a mistake: ask for the edit again in 30 seconds."
	}
	c.metadata = outcomeMetadata(c.event.Outcome)
	return c, nil
}
