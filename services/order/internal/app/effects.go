package app

import (
	"context"
	"fmt"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// MoneyCommand is an operation on the money of an attempt. OperationID makes it run at most once.
type MoneyCommand struct {
	OperationID, PaymentID, OrderID string
	Attempt                         int
	Amount                          money.Amount
	Means                           orderapi.PaymentInput // of an authorisation
	CustomerID                      string                // whose kept methods may be used; empty: a guest
	Email                           string                // of who pays, with the address, for the checks of an authorisation
	Billing                         orderapi.Address
	Part                            money.Amount // of a refund; zero: all that is left
	Country                         string       // where it is sent
	Channel                         string       // of sales
	Like                            string       // of an authorisation: the payment whose means are charged once more, in place of Means
	Reason                          string
}

// MoneyAnswer is what payment knows about an operation.
type MoneyAnswer struct {
	Outcome     string // MoneyDone, MoneyDeclined, MoneyFailed, MoneyPending
	Amount      money.Amount
	DeclineCode string
	Retryable   bool
	Message     string
	RetryAfter  time.Duration
	Review      string    // order.ReviewPending: authorised, and captured only once people approve
	ReviewUntil time.Time // when that ends by itself
}

// The outcomes of a MoneyAnswer.
const (
	MoneyDone     = "done"
	MoneyDeclined = "declined"
	MoneyFailed   = "failed"  // surely nothing happened
	MoneyPending  = "pending" // nobody knows yet
)

// Payments moves money. An error that is not a refusal (see refused) means that the outcome is unknown; asking again under
// the same operation id is safe.
type Payments interface {
	Authorise(ctx context.Context, c MoneyCommand) (MoneyAnswer, error)
	Capture(ctx context.Context, c MoneyCommand) (MoneyAnswer, error)
	// Void gives an authorised or captured amount back; declined with code "settled" when it has to be refunded.
	Void(ctx context.Context, c MoneyCommand) (MoneyAnswer, error)
	// Refund gives back a part of a captured amount, or all that is left: staff may have refunded a part before.
	Refund(ctx context.Context, c MoneyCommand) (MoneyAnswer, error)
	// Left is what there is of each payment of an order, by attempt; all of them are in the currency.
	Left(ctx context.Context, orderID string, currency money.Currency) (map[int]PaymentLeft, error)
}

// PaymentLeft is what a payment has captured, and what of that it has not given back. Of what the bank did not pay it has captured nothing.
type PaymentLeft struct {
	Captured, Left money.Amount
	Unpaid         bool
	Pending        bool // an operation on it has no answer yet
}

// Allocation is what stock is asked for, once per key.
type Allocation struct {
	Key, Owner string // the attempt, and the cart whose holds are taken
	Customer   string // whose limits count
	Country    string // where it goes, with Region and Postal
	Region     string
	Postal     string
	Lines      []AllocateLine
}

// AllocateLine is one order line.
type AllocateLine struct {
	LineID, SKU string
	Quantity    int64
}

// Stock takes stock for good and gives it back, idempotent by key.
type Stock interface {
	// Allocate returns where each line comes from, or the shortages when there is not enough.
	Allocate(ctx context.Context, a Allocation) ([]Part, []order.Shortage, error)
	// Parts returns where the lines of an allocation come from as it is now.
	Parts(ctx context.Context, key string) ([]Part, error)
	Release(ctx context.Context, key string) error
	// Revise makes an allocation that of other lines, by the difference, once per edition.
	Revise(ctx context.Context, edition int64, a Allocation) ([]Part, []order.Shortage, error)
	// Available returns how much there is of SKUs.
	Available(ctx context.Context, skus []string) (map[string]int64, error)
}

// Decline codes of payment.
const (
	codeSettled    = "settled"
	codeNotSettled = "not-settled"
	codeDuplicate  = "duplicate" // the gateway took as much by the same means less than 30 s ago
)

// refused reports whether an error is the callee's considered no: asking again would get the same. "Not found" is none: every path
// that is asked exists, so whoever said it was not the callee.
func refused(err error) (*fault.Fault, bool) {
	f, ok := fault.As(err)
	if !ok {
		return nil, false
	}
	switch f.Kind {
	case fault.Malformed, fault.Invalid, fault.PaymentRequired, fault.Conflict, fault.Gone, fault.TooLarge:
		return f, true
	}
	return nil, false
}

// perform does what an effect says. It returns the answer as an event, or an error while there is none.
func (d *Driver) perform(ctx context.Context, l Lease) (command, error) {
	switch l.Kind {
	case order.Authorise:
		return d.authorise(ctx, l)
	case order.Allocate:
		return d.allocate(ctx, l)
	case order.Capture:
		return d.capture(ctx, l)
	case order.Void, order.ReturnMoney:
		return d.giveBack(ctx, l)
	case order.Release:
		if err := d.stock.Release(ctx, PaymentID(l.Record)); err != nil {
			return command{}, err
		}
		return l.event(order.Released), nil
	case order.GiveBack:
		return d.refund(ctx, l)
	case order.TakeMore:
		return d.takeMore(ctx, l)
	case order.Charge:
		return d.charge(ctx, l)
	case order.GiveLess:
		return d.giveLess(ctx, l)
	case order.Wait: // it was not due before
		return l.event(order.TimePassed), nil
	}
	return command{}, fmt.Errorf("nobody performs the effect %q", l.Kind)
}

func (l Lease) money(step string) MoneyCommand {
	return MoneyCommand{OperationID: operationID(l, step), PaymentID: PaymentID(l.Record), OrderID: l.Record.ID, Attempt: l.Record.Attempt,
		Amount: l.Record.Total, Means: l.Payment, CustomerID: l.Record.Snapshot.CustomerID,
		Email: l.Record.Snapshot.Email, Billing: l.Record.Snapshot.BillingAddress, Country: l.Record.Snapshot.ShippingAddress.Country, Channel: l.Record.Snapshot.Channel, Reason: l.Record.CancelReason}
}

// authorise reserves the money. An order that costs nothing needs none.
func (d *Driver) authorise(ctx context.Context, l Lease) (command, error) {
	if l.Record.Total.IsZero() {
		return l.event(order.Authorised), nil
	}
	answer, err := d.pay.Authorise(ctx, l.money("authorise"))
	if f, ok := refused(err); ok {
		answer = MoneyAnswer{Outcome: MoneyDeclined, DeclineCode: f.Code, Retryable: true, Message: f.Message}
	} else if err != nil {
		return command{}, err
	}
	c := l.event(order.Authorised)
	switch answer.Outcome {
	case MoneyDone:
		if c.event.Review = answer.Review; answer.Review != "" {
			c.metadata = map[string]any{"review": answer.Review}
			if !answer.ReviewUntil.IsZero() {
				c.metadata["until"] = answer.ReviewUntil.UTC()
			}
		}
		return c, nil
	case MoneyDeclined:
		c.event.Name = order.AuthoriseDeclined
		c.event.Outcome = order.Outcome{Kind: order.Declined, DeclineCode: answer.DeclineCode, Retryable: answer.Retryable, Message: answer.Message}
	case MoneyFailed:
		c.event.Name = order.AuthoriseFailed
		c.event.Outcome = order.Outcome{Kind: order.Failed, Retryable: true, Message: "The payment did not get through; nothing was charged."}
	default:
		return command{}, &notYet{after: answer.RetryAfter}
	}
	c.metadata = outcomeMetadata(c.event.Outcome)
	return c, nil
}

// outcomeMetadata keeps an outcome in the log, where it is found after later attempts.
func outcomeMetadata(o order.Outcome) map[string]any {
	kept := map[string]any{"kind": o.Kind, "decline_code": o.DeclineCode, "retryable": o.Retryable, "message": o.Message}
	if len(o.Shortages) > 0 {
		short := make([]map[string]any, len(o.Shortages))
		for i, s := range o.Shortages {
			short[i] = map[string]any{"sku": s.SKU, "requested": s.Requested, "available": s.Available}
		}
		kept["shortages"] = short
	}
	return map[string]any{"outcome": kept}
}

func (d *Driver) allocate(ctx context.Context, l Lease) (command, error) {
	parts, short, err := d.stock.Allocate(ctx, l.allocation(l.Record.Snapshot.Lines, l.Record.Snapshot.ShippingAddress))
	c := l.event(order.Allocated)
	f, no := refused(err)
	switch {
	case len(short) > 0:
		c.event.Name = order.AllocateShort
		c.event.Outcome = order.Outcome{Kind: order.OutOfStock, Shortages: short}
	case no:
		c.event.Name = order.AllocateRefused
		c.event.Outcome = order.Outcome{Kind: order.Failed, Message: f.Message}
	case err != nil:
		return command{}, err
	default:
		c.parts = parts
		return c, nil
	}
	c.metadata = outcomeMetadata(c.event.Outcome)
	return c, nil
}

func (d *Driver) capture(ctx context.Context, l Lease) (command, error) {
	c := l.event(order.CaptureDone)
	c.event.Amount = l.Record.Total
	if l.Record.Total.IsZero() {
		return c, nil
	}
	answer, err := d.pay.Capture(ctx, l.money("capture"))
	if f, ok := refused(err); ok {
		answer = MoneyAnswer{Outcome: MoneyDeclined, DeclineCode: f.Code}
	} else if err != nil {
		return command{}, err
	}
	switch answer.Outcome {
	case MoneyDone:
		c.event.Amount = answer.Amount
	case MoneyDeclined:
		c.event.Name, c.metadata = order.CaptureDeclined, map[string]any{"decline_code": answer.DeclineCode}
	case MoneyFailed:
		c.event.Name = order.CaptureFailed
	default:
		if answer.Review != order.ReviewPending || l.Record.CancelReason == "" {
			return command{}, &notYet{after: answer.RetryAfter, people: answer.Review == order.ReviewPending}
		}
		// Payment has written nothing down while people look at it, and nobody needs them any more.
		c.event.Name, c.metadata = order.CaptureFailed, map[string]any{"review": answer.Review}
	}
	return c, nil
}

// giveBack voids, and refunds what has settled, of all payments of the order: those that went back before say so.
func (d *Driver) giveBack(ctx context.Context, l Lease) (command, error) {
	done, no := order.MoneyReturned, order.MoneyReturnFailed
	if l.Kind == order.Void {
		done, no = order.Voided, order.VoidRefused
	}
	c := l.event(done)
	if l.Record.Paid().IsZero() {
		return c, nil
	}
	for _, p := range l.Record.payments() {
		answer, err := d.pay.Void(ctx, l.moneyOf(p, "void"))
		if err == nil && answer.Outcome == MoneyDeclined && answer.DeclineCode == codeSettled {
			answer, err = d.pay.Refund(ctx, l.moneyOf(p, "refund"))
		}
		if f, ok := refused(err); ok {
			answer = MoneyAnswer{Outcome: MoneyDeclined, DeclineCode: f.Code, Message: f.Message}
		} else if err != nil {
			return command{}, err
		}
		switch answer.Outcome {
		case MoneyDone:
		case MoneyDeclined, MoneyFailed:
			d.app.alarm("money-not-returned", "money cannot be given back, trying again later", "order_id", l.Record.ID, "attempt", p.attempt,
				"outcome", answer.Outcome, "decline_code", answer.DeclineCode, "message", answer.Message)
			c.event.Name, c.metadata = no, map[string]any{"decline_code": answer.DeclineCode}
			return c, nil
		default:
			return command{}, &notYet{after: answer.RetryAfter}
		}
	}
	return c, nil
}
