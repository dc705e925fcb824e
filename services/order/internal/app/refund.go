package app

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// RefundRequest is what staff give back: an amount, or pieces of lines. ID makes it happen once.
type RefundRequest struct {
	ID     string                `json:"id"`
	Amount *money.Amount         `json:"amount,omitempty"`
	Lines  []orderapi.RefundLine `json:"lines,omitempty"`
	Reason string                `json:"reason"`
}

// Refunds are those of an order, in the order they were asked for.
type Refunds []orderapi.Refund

func (all Refunds) at(id string) int {
	return slices.IndexFunc(all, func(r orderapi.Refund) bool { return r.ID == id })
}

// ofEdit says whether the last one is of what an edit made the order cost less.
func (all Refunds) ofEdit() bool { return len(all) > 0 && all[len(all)-1].Edit > 0 }

// counts says whether its pieces have been, or are being, given back.
func counts(r orderapi.Refund) bool {
	return r.Status == orderapi.RefundPending || r.Status == orderapi.RefundDone
}

// errRefundKnown ends a command that was recorded before.
var errRefundKnown = errors.New("the refund is known")

// Refund gives back a part of an order's captured money, or all of it. It is recorded, and done behind it; what is not settled waits.
func (a *App) Refund(ctx context.Context, id, actor string, req RefundRequest) (orderapi.Refund, error) {
	rec, err := a.visible(ctx, id)
	if err != nil {
		return orderapi.Refund{}, err
	}
	asked := orderapi.Refund{ID: req.ID, Lines: req.Lines, Reason: req.Reason, Status: orderapi.RefundPending, RequestedAt: a.now()}
	rec, err = a.apply(ctx, rec, command{event: order.Event{Name: order.Refund, Attempt: rec.Attempt}, actor: actor, audit: true,
		check: func(now Record, c *command) (err error) { // others may have given back meanwhile, and the next pieces be worth another cent
			if now.Refunds.at(req.ID) >= 0 {
				return errRefundKnown
			}
			asked.Amount, err = now.refundAmount(req)
			if c.event.Amount = asked.Amount; len(req.Lines) > 0 {
				asked.Edition = now.EditNumber
			}
			c.metadata = map[string]any{"refund_id": req.ID, "amount": asked.Amount.Minor, "currency": string(asked.Amount.Currency), "reason": req.Reason, "lines": req.Lines}
			return err
		},
		edit: func(r *Record) { r.Refunds = append(slices.Clone(r.Refunds), asked) }})
	if errors.Is(err, errRefundKnown) {
		return rec.Refunds[rec.Refunds.at(req.ID)], nil
	}
	if errors.Is(err, order.ErrForbidden) && rec.Edit != "" {
		return orderapi.Refund{}, order.ErrEditing
	}
	if errors.Is(err, order.ErrForbidden) {
		return orderapi.Refund{}, fault.Newf(fault.Conflict, "not-refundable", "Of an order that is %s nothing can be given back in part.", a.state(rec).Status)
	}
	return asked, err
}

// refundAmount is what a request comes to: a line's pieces are worth their share of what it cost, and all of them together all of it.
func (r Record) refundAmount(req RefundRequest) (money.Amount, error) {
	var c fault.Collector
	if req.Amount != nil {
		c.Check(req.Amount.IsPositive(), "body.amount.amount", "must be above zero", req.Amount.Minor)
		c.Check(req.Amount.Currency == r.Total.Currency, "body.amount.currency", "must be "+string(r.Total.Currency)+", as the order's", string(req.Amount.Currency))
		return *req.Amount, c.Err()
	}
	sum := money.Zero(r.Total.Currency)
	asked := map[string]int64{}
	for i, l := range req.Lines {
		at := "body.lines[" + strconv.Itoa(i) + "]"
		_, twice := asked[l.LineID]
		c.Check(!twice, at+".line_id", "is there twice", l.LineID)
		asked[l.LineID] = l.Quantity
		j := slices.IndexFunc(r.Snapshot.Lines, func(line orderapi.PlaceLine) bool { return line.ID == l.LineID })
		if j < 0 {
			c.Add(at+".line_id", "is not a line of the order", l.LineID)
			continue
		}
		line, done := r.Snapshot.Lines[j], r.refundedOf(l.LineID)
		if l.Quantity < 1 || l.Quantity > line.Quantity-done {
			c.Add(at+".quantity", "must be 1 to what has not been given back: "+strconv.Itoa(int(line.Quantity-done)), l.Quantity)
			continue
		}
		worth, err := r.worth(line, done, l.Quantity)
		if err == nil {
			sum, err = sum.Add(worth)
		}
		if err != nil {
			return sum, err
		}
	}
	return sum, c.Err()
}

// worth is what the pieces from the one after done cost: their share of the line, rounded down of each beginning, so that nothing is lost.
func (r Record) worth(line orderapi.PlaceLine, done, quantity int64) (money.Amount, error) {
	cost := line.Total
	var err error
	if !r.Snapshot.Totals.TaxIncluded {
		if cost, err = cost.Add(line.Tax); err != nil {
			return cost, err
		}
	}
	until, err := cost.Ratio(done+quantity, line.Quantity, money.Down)
	if err != nil {
		return cost, err
	}
	before, err := cost.Ratio(done, line.Quantity, money.Down)
	if err != nil {
		return cost, err
	}
	return until.Sub(before)
}

func (r Record) refundedOf(lineID string) (pieces int64) {
	for _, f := range r.Refunds {
		for _, l := range f.Lines {
			if counts(f) && l.LineID == lineID {
				pieces += l.Quantity
			}
		}
	}
	return pieces
}

// settleRefund notes what became of the refund that was on its way before a decision and is no more.
func (r *Record) settleRefund(before order.Order, c command, now time.Time) {
	i := len(r.Refunds) - 1
	if !before.Refunding.IsPositive() || r.Refunding.IsPositive() || i < 0 {
		return
	}
	r.Refunds = slices.Clone(r.Refunds)
	f := &r.Refunds[i]
	f.DoneAt = &now
	switch c.event.Name {
	case order.Refunded, order.MoneyGone: // all of it went back: this too
		f.Status = orderapi.RefundDone
	case order.RefundRefused:
		if gone := f.Amount.Minor - before.Refunding.Minor; gone > 0 { // of one payment it went back, of the next it will not
			part := *f
			part.Amount.Minor, part.Lines, part.Status = gone, nil, orderapi.RefundDone
			r.Refunds = append(r.Refunds[:i], part, *f)
			f = &r.Refunds[i+1]
			f.ID, f.Amount, f.Lines = f.ID+"-rest", before.Refunding, nil
		}
		f.Status = orderapi.RefundRefused
		f.DeclineCode, _ = c.metadata["decline_code"].(string)
	default: // everything goes back instead, or there is nothing any more
		f.Status = orderapi.RefundSuperseded
	}
}

// noteRefund keeps what staff gave back in payment among the refunds, once it can be told from the order's own. What a cancel gives back
// is no refund.
func (r *Record) noteRefund(now time.Time) {
	more := r.Returned
	for _, f := range r.Refunds {
		if f.Status == orderapi.RefundDone {
			more.Minor -= f.Amount.Minor
		}
	}
	if r.Refunding.IsPositive() || r.CancelReason != "" || !more.IsPositive() {
		return
	}
	r.Refunds = append(slices.Clone(r.Refunds), orderapi.Refund{ID: "payment-" + strconv.FormatInt(r.Version, 10), Amount: more, Reason: "given back in payment",
		Status: orderapi.RefundDone, RequestedAt: now, DoneAt: &now})
}

// refund gives a part back, of one payment at a time. What the gateway will not do yet is tried again as a new operation, some time later.
func (d *Driver) refund(ctx context.Context, l Lease) (command, error) {
	if !l.Record.Refunding.IsPositive() { // the bank did not pay meanwhile: there is nothing to give back
		return l.event(order.RefundRefused), nil
	}
	of, err := d.portion(ctx, l)
	if err != nil {
		return command{}, err
	}
	c := l.event(order.Refunded)
	if c.event.Amount = of.Given; of.Amount.IsZero() {
		return c, nil
	}
	c.event.Amount.Minor += of.Amount.Minor
	m := l.moneyOf(l.Record.payment(of.Attempt), "refund")
	m.Part = of.Amount
	if i := len(l.Record.Refunds) - 1; i >= 0 {
		m.Reason = l.Record.Refunds[i].Reason
	}
	answer, err := d.pay.Refund(ctx, m)
	if f, ok := refused(err); ok {
		answer = MoneyAnswer{Outcome: MoneyDeclined, DeclineCode: f.Code, Message: f.Message}
	} else if err != nil {
		return command{}, err
	}
	if answer.Outcome == MoneyDeclined && !answer.Retryable {
		left, err := d.pay.Left(ctx, l.Record.ID, of.Amount.Currency)
		if err != nil {
			return command{}, err
		}
		// where people gave back of it since it was pinned, it is portioned anew
		answer.Retryable = left[of.Attempt].Left.Minor < of.Amount.Minor && l.Record.left(left) > 0
	}
	switch {
	case answer.Outcome == MoneyDone:
	case answer.Outcome == MoneyDeclined && !answer.Retryable && answer.DeclineCode != codeNotSettled:
		d.app.alarm("refund-refused", "a refund was refused", "order_id", l.Record.ID, "amount", m.Part.String(), "decline_code", answer.DeclineCode, "message", answer.Message)
		c.event.Name, c.metadata = order.RefundRefused, map[string]any{"decline_code": answer.DeclineCode}
		if c.event.Amount = money.Zero(of.Amount.Currency); l.Record.Refunds.ofEdit() {
			c.event.Amount.Minor = l.Record.Refunding.Minor - of.Given.Minor
		}
	case answer.Outcome == MoneyDeclined || answer.Outcome == MoneyFailed:
		c.event.Name, c.metadata = order.RefundUnsettled, map[string]any{"decline_code": answer.DeclineCode}
	default:
		return command{}, &notYet{after: answer.RetryAfter}
	}
	return c, nil
}
