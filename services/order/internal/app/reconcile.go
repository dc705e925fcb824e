package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/telemetry"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// OpenPayment is money that is authorised or captured at the gateway.
type OpenPayment struct {
	ID, OrderID string
	Attempt     int
	Captured    bool
	Amount      money.Amount
}

// OpenPayments lists them.
type OpenPayments interface {
	Open(ctx context.Context, olderThan time.Duration) ([]OpenPayment, error)
}

// Stuck is an order that should have moved on.
type Stuck struct {
	Record Record
	Why    string // "overdue": its effect is long due; "no-effect": it waits for an answer that nobody will give
}

// Standing is how far an order has come.
type Standing struct {
	State   order.State
	Attempt int
	Charged []int // the edits for which something was charged
}

// Lasting is an order that has been in a state for too long, however often it was tried.
type Lasting struct {
	ID    string
	State order.State
	Since time.Time
}

// Books is what the reconciler reads of the store.
type Books interface {
	// Stuck returns orders in one of the states, which wait for an effect, whose effect is missing, or due before the limit.
	Stuck(ctx context.Context, waiting []order.State, before time.Time, n int) ([]Stuck, error)
	// Reschedule makes an effect for an order that lost it; ErrMoved when the order has moved.
	Reschedule(ctx context.Context, rec Record, kind string, now time.Time) error
	// Standings tells of the orders that are known.
	Standings(ctx context.Context, ids []string) (map[string]Standing, error)
	// Lasting returns orders that came to one of the states before the limit and are still there. While a payment may wait, and until its review
	// is over, nothing is late.
	Lasting(ctx context.Context, states []order.State, before time.Time, n int) ([]Lasting, error)
	// Unreturned returns orders that owe what edits made them cost less, and are not giving it back.
	Unreturned(ctx context.Context, n int) ([]string, error)
	// Unsent returns how many events wait in the outbox since before the limit.
	Unsent(ctx context.Context, before time.Time) (int, error)
}

// The patience of the reconciler: I4 asks that money without an order is settled within 60 s of recovery.
const (
	ReconcileEvery = 20 * time.Second
	patience       = 40 * time.Second
	tooLong        = 15 * time.Minute // in a state that waits for an answer
	findingsAtOnce = 200
	giveBackEvery  = 5 * time.Minute // a refusal stands that long; then it is asked again as a new operation
)

// Reconciler looks for what fell between two services, and mends it: orders that are stuck, money without an order, events
// that do not leave. What it cannot mend it raises, as a metric and a line in the log.
type Reconciler struct {
	app      *App
	books    Books
	payments OpenPayments
	pay      Payments
	found    *telemetry.Findings
	mended   *prometheus.CounterVec
}

// NewReconciler returns a reconciler; registry may be nil.
func NewReconciler(a *App, books Books, payments OpenPayments, pay Payments, registry prometheus.Registerer) *Reconciler {
	r := &Reconciler{app: a, books: books, payments: payments, pay: pay,
		found:  telemetry.NewFindings("order_reconcile_findings", "What the last look found, by kind", "kind", ReconcileEvery, a.now),
		mended: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "order_reconcile_mended_total", Help: "What was mended, by kind"}, []string{"kind"})}
	if registry != nil {
		registry.MustRegister(r.found, r.mended, a.alarms)
	}
	return r
}

// Run looks once at everything. One part that fails does not keep the others from running.
func (r *Reconciler) Run(ctx context.Context) error {
	return errors.Join(r.stuckOrders(ctx), r.lastingOrders(ctx), r.lonelyMoney(ctx), r.unreturned(ctx), r.unsentEvents(ctx))
}

func (r *Reconciler) stuckOrders(ctx context.Context) error {
	now := r.app.now()
	var waiting []order.State
	for _, m := range r.app.Machines.All() {
		waiting = append(waiting, m.EffectStates()...)
	}
	stuck, err := r.books.Stuck(ctx, waiting, now.Add(-patience), findingsAtOnce)
	if err != nil {
		return fmt.Errorf("stuck orders: %w", err)
	}
	counts := map[string]int{"overdue": 0, "no-effect": 0}
	for _, s := range stuck {
		counts[s.Why]++
		r.app.Log.Warn("order is stuck", "order_id", s.Record.ID, "state", string(s.Record.State), "why", s.Why, "since", s.Record.UpdatedAt)
		kind := r.app.machine(s.Record).EffectOf(s.Record.State)
		if s.Record.Refunding.IsPositive() {
			kind = order.GiveBack
		}
		if s.Why != "no-effect" || kind == "" {
			continue // due and unleased effects are taken every second: whoever performs it says why it fails
		}
		if err := r.books.Reschedule(ctx, s.Record, string(kind), now); err != nil && !errors.Is(err, ErrMoved) {
			return fmt.Errorf("reschedule order %s: %w", s.Record.ID, err)
		}
		r.mended.WithLabelValues("no-effect").Inc()
	}
	for kind, n := range counts {
		r.found.Found(kind, n)
	}
	return nil
}

// lastingOrders raises what is tried again and again without getting anywhere; the log says why.
func (r *Reconciler) lastingOrders(ctx context.Context) error {
	var states []order.State
	for _, m := range r.app.Machines.All() {
		for _, s := range m.EffectStates() {
			if m.EffectOf(s) != order.Wait {
				states = append(states, s)
			}
		}
	}
	lasting, err := r.books.Lasting(ctx, states, r.app.now().Add(-tooLong), findingsAtOnce)
	if err != nil {
		return fmt.Errorf("lasting orders: %w", err)
	}
	for _, l := range lasting {
		r.app.Log.Warn("order gets nowhere", "order_id", l.ID, "state", string(l.State), "since", l.Since)
	}
	r.found.Found("lasting", len(lasting))
	return nil
}

// lonelyMoney gives back what is held for an attempt that ended without an order.
func (r *Reconciler) lonelyMoney(ctx context.Context) error {
	open, err := r.payments.Open(ctx, patience)
	if err != nil {
		return fmt.Errorf("open payments: %w", err)
	}
	ids := make([]string, len(open))
	for i, p := range open {
		ids[i] = p.OrderID
	}
	orders, err := r.books.Standings(ctx, ids)
	if err != nil {
		return fmt.Errorf("orders of open payments: %w", err)
	}
	counts := map[string]int{"authorised-without-order": 0, "captured-without-order": 0, "captured-unconfirmed": 0}
	for _, p := range open {
		at, known := orders[p.OrderID]
		switch {
		case known && at.wants(p) && p.Captured && at.State == "placed": // the driver is at it; who looks wants to know
			counts["captured-unconfirmed"]++
			r.app.Log.Warn("captured money of an order that is not confirmed", "order_id", p.OrderID, "payment_id", p.ID)
			continue
		case known && at.wants(p):
			continue
		}
		counts[p.lonely()]++
		if err := r.giveBack(ctx, p); err != nil {
			r.app.Log.Error("money without an order cannot be given back", "payment_id", p.ID, "amount", p.Amount.String(), "error", err)
		}
	}
	for kind, n := range counts {
		r.found.Found(kind, n)
	}
	return nil
}

func (p OpenPayment) lonely() string {
	if p.Captured {
		return "captured-without-order"
	}
	return "authorised-without-order"
}

// wants reports whether the order stands behind the money, or may still: while it is placing, placed or being undone the driver
// is at it.
func (s Standing) wants(p OpenPayment) bool {
	switch s.State {
	case "attempt_failed", "abandoned", "cancelled":
		return false
	}
	if edit := p.Attempt - paymentapi.FirstRepeat; edit >= 0 {
		return s.State == "editing_money" || slices.Contains(s.Charged, edit)
	}
	return s.Attempt <= p.Attempt
}

func (r *Reconciler) giveBack(ctx context.Context, p OpenPayment) error {
	try := r.app.now().Truncate(giveBackEvery).Unix()
	c := MoneyCommand{OperationID: fmt.Sprintf("%s-reconcile-void-%d", p.ID, try), PaymentID: p.ID, OrderID: p.OrderID, Attempt: p.Attempt,
		Amount: p.Amount, Reason: "no order"}
	answer, err := r.pay.Void(ctx, c)
	if err == nil && answer.Outcome == MoneyDeclined && answer.DeclineCode == codeSettled {
		c.OperationID = fmt.Sprintf("%s-reconcile-refund-%d", p.ID, try)
		answer, err = r.pay.Refund(ctx, c)
	}
	switch {
	case err != nil:
		return err
	case answer.Outcome == MoneyPending:
		return nil // the next look will see
	case answer.Outcome != MoneyDone:
		return fmt.Errorf("payment says %s %s", answer.Outcome, answer.DeclineCode)
	}
	r.app.Log.Warn("money without an order was given back", "payment_id", p.ID, "amount", p.Amount.String())
	r.mended.WithLabelValues(p.lonely()).Inc()
	return nil
}

// unreturned raises what edits made orders cost less and was not given back: people find another way, and note it as a refund.
func (r *Reconciler) unreturned(ctx context.Context) error {
	ids, err := r.books.Unreturned(ctx, findingsAtOnce)
	if err != nil {
		return err
	}
	for _, id := range ids {
		r.app.Log.Warn("what an edit made an order cost less was not given back", "order_id", id)
	}
	r.found.Found("edit-not-refunded", len(ids))
	return nil
}

func (r *Reconciler) unsentEvents(ctx context.Context) error {
	n, err := r.books.Unsent(ctx, r.app.now().Add(-patience))
	if err != nil {
		return fmt.Errorf("unsent events: %w", err)
	}
	r.found.Found("unsent-event", n)
	if n > 0 {
		r.app.Log.Warn("events wait in the outbox", "count", n)
	}
	return nil
}
