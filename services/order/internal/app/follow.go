package app

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// MoneyBack is what payment tells of money that went back, for this order or for staff.
type MoneyBack struct {
	OrderID     string
	Attempt     int
	OperationID string
	Amount      money.Amount // by that operation
	Gone        money.Amount // in all, of a payment that was captured
	Voided      bool         // everything: nothing is held and nothing was taken
}

// ErrTooEarly says that payment tells of what follows from an answer that is not recorded here yet.
var ErrTooEarly = fault.New(fault.Unavailable, "not-captured-yet", "The order is not that far yet.")

// FollowMoney keeps an order at what payment says of its money. What the order asked for itself, what is known and what is over is
// left alone, so that it may be told often, late and out of order.
func (a *App) FollowMoney(ctx context.Context, m MoneyBack) error {
	if err := a.followStray(ctx, m); err != nil {
		return err
	}
	var seen int64        // the version of the order that payment was asked about
	var sum *money.Amount // of an order with several payments, what went back of all of them
	gone := func(rec Record) *command {
		ev := order.Event{Name: order.MoneyGone, Attempt: m.Attempt, Amount: m.Gone}
		switch {
		case sum != nil:
			ev.Amount = *sum
		case m.Voided:
			ev.Amount = rec.Paid()
		}
		return &command{event: ev, metadata: map[string]any{"operation_id": m.OperationID, "returned": ev.Amount.Minor, "currency": string(ev.Amount.Currency)},
			check: func(now Record, _ *command) error {
				if sum != nil && now.Version != seen { // it is of the order as it was, or as it is
					return ErrTooEarly
				}
				return nil
			}}
	}
	_, err := a.followAsking(ctx, m.OrderID, m.Attempt, func(rec Record) error {
		if len(rec.payments()) == 1 && m.Attempt < paymentapi.FirstRepeat {
			return nil
		}
		all, err := a.driver.pay.Left(ctx, rec.ID, rec.Captured.Currency)
		if err != nil {
			return err
		}
		now, err := a.Store.Load(ctx, rec.ID)
		if err == nil && now.Version != rec.Version {
			err = ErrTooEarly
		}
		back := money.New(rec.gone(all), rec.Captured.Currency)
		seen, sum = rec.Version, &back
		return err
	}, gone, func(rec Record) bool { return rec.State == "placed" && rec.CancelReason == "" || rec.Edit != "" })
	return err
}

// followStray takes in that an operation of the refund under way, which payment had given up, turned up as done: it is the answer to it, and what it
// gave back is not asked for again. The sum is followed as ever.
func (a *App) followStray(ctx context.Context, m MoneyBack) error {
	own, ok := strings.CutPrefix(m.OperationID, fmt.Sprintf("%s-%d-refund-", m.OrderID, m.Attempt))
	version, err := strconv.ParseInt(own, 10, 64)
	if !ok || err != nil {
		return nil // of others
	}
	rec, err := a.Store.Load(ctx, m.OrderID)
	switch {
	case fault.KindOf(err) == fault.NotFound || err == nil && (rec.Refunding.Minor < m.Amount.Minor || !m.Amount.IsPositive()):
		return nil
	case err != nil:
		return err
	}
	log, err := a.Store.Log(ctx, m.OrderID)
	if err != nil || !givenUp(log, version) {
		return err
	}
	seen := rec.Version
	_, err = a.apply(ctx, rec, command{event: order.Event{Name: order.Refunded, Attempt: rec.Attempt, Amount: m.Amount}, actor: "payment",
		metadata: map[string]any{"operation_id": m.OperationID, "amount": m.Amount.Minor, "currency": string(m.Amount.Currency)},
		check: func(now Record, _ *command) error {
			if now.Version != seen {
				return ErrTooEarly
			}
			return nil
		}})
	if fault.KindOf(err) == fault.Conflict {
		return nil
	}
	return err
}

// givenUp says whether the effect of a version was one of the refund under way, and was answered as not done. What was counted once is over.
func givenUp(log []Entry, version int64) (given bool) {
	for _, e := range log {
		if e.Version <= version {
			continue
		}
		switch order.EventName(e.Event) {
		case order.RefundUnsettled:
			given = true
		case order.Refund, order.LessGiven, order.Refunded, order.RefundRefused:
			return false
		}
	}
	return given
}

// Review is what payment tells of a payment that people look at before it is captured.
type Review struct {
	OrderID string
	Attempt int
	Review  string // as in order.Event
	Rule    string
	Actor   string
	Until   *time.Time
}

// FollowReview keeps an order at where the review of its payment stands. What was rejected, or decided by nobody in time, is cancelled
// by the answer to its capture.
func (a *App) FollowReview(ctx context.Context, v Review) error {
	name := order.ReviewClosed
	if v.Review == order.ReviewPending {
		name = order.ReviewOpened
	}
	_, err := a.follow(ctx, v.OrderID, v.Attempt, func(Record) *command {
		metadata := map[string]any{"review": v.Review, "rule": v.Rule}
		if v.Actor != "" {
			metadata["decided_by"] = v.Actor
		}
		if v.Until != nil {
			metadata["until"] = v.Until.UTC()
		}
		return &command{event: order.Event{Name: name, Attempt: v.Attempt, Review: v.Review}, metadata: metadata}
	}, func(rec Record) bool {
		return rec.State == "authorising" || name == order.ReviewClosed && rec.State == "allocating"
	})
	return err
}

// FollowSettlement takes in that the bank did not pay what was captured, of each payment once; what gift cards and store credit paid is left, and
// so is what the others took. Before it is picked the order is cancelled, and what is left goes back; after that people have to ask for the money.
func (a *App) FollowSettlement(ctx context.Context, id string, attempt int, missing, left money.Amount) error {
	payment := fmt.Sprintf("%s-%d", id, attempt)
	rec, err := a.follow(ctx, id, attempt, func(Record) *command {
		return &command{event: order.Event{Name: order.SettlementDeclined, Attempt: attempt}, check: func(now Record, c *command) error {
			stays := money.New(now.Paid().Minor-max(0, now.capturedOf(attempt)-left.Minor), left.Currency)
			if i := now.editOf(attempt); i >= 0 {
				c.edit = func(r *Record) { r.Edits = slices.Clone(r.Edits); r.Edits[i].Unpaid = true }
			}
			c.event.Amount = stays
			c.metadata = map[string]any{"payment_id": payment, "missing": missing.Minor, "left": stays.Minor, "currency": string(missing.Currency)}
			return nil
		}}
	}, func(rec Record) bool { return rec.State == "placed" || rec.Edit != "" })
	if err == nil && rec != nil {
		a.alarm("settlement-declined", "the bank did not pay", slog.String("order_id", id), slog.String("payment_id", payment), slog.String("state", string(rec.State)), slog.String("missing", missing.String()))
	}
	return err
}

// Disputed is what payment tells of a dispute. Sequence tells which telling is the later one.
type Disputed struct {
	OrderID  string
	Attempt  int
	Sequence int64
	orderapi.Dispute
}

// dispute is one of a record's; it remembers which telling it is of.
type dispute struct {
	Sequence int64 `json:"sequence"`
	orderapi.Dispute
}

// FollowDispute keeps an order at what is disputed of its payment.
func (a *App) FollowDispute(ctx context.Context, d Disputed) error {
	rec, err := a.follow(ctx, d.OrderID, d.Attempt, func(rec Record) *command {
		if !d.news(rec.Disputes) {
			return nil
		}
		return &command{event: order.Event{Name: order.Disputed, Attempt: d.Attempt}, edit: func(r *Record) { r.Disputes = d.into(r.Disputes) },
			metadata: map[string]any{"dispute_id": d.ID, "status": d.Status, "kind": d.Kind, "reason": d.Reason, "amount": d.Amount.Minor, "currency": string(d.Amount.Currency)}}
	}, func(rec Record) bool { return a.state(rec).Status == "" })
	if err == nil && rec != nil && d.Open() {
		a.alarm("dispute-opened", "a payment is disputed", slog.String("order_id", d.OrderID), slog.String("dispute_id", d.ID), slog.String("amount", d.Amount.String()))
	}
	return err
}

func (d Disputed) at(all Disputes) int {
	return slices.IndexFunc(all, func(known dispute) bool { return known.ID == d.ID })
}

// news reports whether this is later than what is known of the dispute.
func (d Disputed) news(all Disputes) bool {
	i := d.at(all)
	return i < 0 || all[i].Sequence < d.Sequence
}

func (d Disputed) into(all Disputes) Disputes {
	all = slices.Clone(all)
	now := dispute{Sequence: d.Sequence, Dispute: d.Dispute}
	if i := d.at(all); i < 0 {
		all = append(all, now)
	} else if all[i].Sequence < d.Sequence {
		all[i] = now
	}
	return all
}

// follow records what another service tells of an order's attempt. say makes the command, or nil when it is known already; early says
// that an order which cannot take it now will, so that it has to be told again. The record is nil when nothing was recorded: of nobody's
// order, known, or over.
func (a *App) follow(ctx context.Context, id string, attempt int, say func(Record) *command, early func(Record) bool) (*Record, error) {
	return a.followAsking(ctx, id, attempt, func(Record) error { return nil }, say, early)
}

// followAsking asks before it says. What is told of the payment of an edit is told of the order.
func (a *App) followAsking(ctx context.Context, id string, attempt int, ask func(Record) error, say func(Record) *command, early func(Record) bool) (*Record, error) {
	rec, err := a.Store.Load(ctx, id)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil // the reconciler's: money without an order
	}
	if err != nil {
		return nil, err
	}
	if err := ask(rec); err != nil {
		return nil, err
	}
	c := say(rec)
	if c == nil {
		return nil, nil
	}
	if c.actor = "payment"; attempt >= paymentapi.FirstRepeat {
		attempt, c.event.Attempt = rec.Attempt, rec.Attempt
	}
	rec, err = a.apply(ctx, rec, *c)
	switch {
	case err == nil:
		return &rec, nil
	case fault.KindOf(err) != fault.Conflict:
		return nil, err
	case rec.Attempt == attempt && early(rec):
		return nil, ErrTooEarly
	}
	return nil, nil
}

// alarm tells a person.
func (a *App) alarm(reason, what string, about ...any) {
	a.alarms.WithLabelValues(reason).Inc()
	a.Log.Error(what, append(about, slog.String("alarm", reason))...)
}

// ErrAllocating says that an order is about to record where its stock comes from.
var ErrAllocating = fault.New(fault.Unavailable, "not-allocated-yet", "The allocation is not recorded yet.")

// FollowStock keeps the parts of an order at what inventory has for it. Inventory is asked, so it may be told often, late and out of order.
func (a *App) FollowStock(ctx context.Context, allocation string) error {
	id, attempt, ok := orderOf(allocation)
	if !ok {
		return nil // of nobody here
	}
	rec, err := a.Store.Load(ctx, id)
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	parts, err := a.driver.stock.Parts(ctx, allocation)
	if err != nil {
		return err
	}
	if rec.Attempt == attempt && reflect.DeepEqual(rec.Parts, parts) {
		return nil
	}
	seen := rec.EditNumber
	rec, err = a.apply(ctx, rec, command{event: order.Event{Name: order.Filled, Attempt: attempt}, actor: "inventory", parts: parts, check: func(now Record, _ *command) error {
		if now.Edit != "" || now.EditNumber != seen { // what was read is of neither the old nor the new lines
			return ErrAllocating
		}
		return nil
	}})
	if fault.KindOf(err) != fault.Conflict {
		return err
	}
	if rec.State == "allocating" && rec.Attempt == attempt {
		return ErrAllocating
	}
	return nil
}

// orderOf reads an id "<order>-<attempt>", as PaymentID writes it.
func orderOf(id string) (order string, attempt int, ok bool) {
	i := strings.LastIndexByte(id, '-')
	if i < 1 {
		return "", 0, false
	}
	attempt, err := strconv.Atoi(id[i+1:])
	return id[:i], attempt, err == nil
}
