package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
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

// Books is what the reconciler reads of the store.
type Books interface {
	// Stuck returns orders in a state with an effect whose effect is missing, or due before the limit.
	Stuck(ctx context.Context, before time.Time, n int) ([]Stuck, error)
	// Reschedule makes an effect for an order that lost it; ErrMoved when the order has moved.
	Reschedule(ctx context.Context, rec Record, kind string, now time.Time) error
	// Unsent returns how many events wait in the outbox since before the limit.
	Unsent(ctx context.Context, before time.Time) (int, error)
}

// The patience of the reconciler: I4 asks that money without an order is settled within 60 s of recovery.
const (
	ReconcileEvery = 20 * time.Second
	patience       = 40 * time.Second
	findingsAtOnce = 200
)

// Reconciler looks for what fell between two services, and mends it: orders that are stuck, money without an order, events
// that do not leave. What it cannot mend it raises, as a metric and a line in the log.
type Reconciler struct {
	app      *App
	books    Books
	payments OpenPayments
	pay      Payments
	found    *prometheus.GaugeVec
	mended   *prometheus.CounterVec
}

// NewReconciler returns a reconciler; registry may be nil.
func NewReconciler(a *App, books Books, payments OpenPayments, pay Payments, registry prometheus.Registerer) *Reconciler {
	r := &Reconciler{app: a, books: books, payments: payments, pay: pay,
		found:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "order_reconcile_findings", Help: "What the last look found, by kind"}, []string{"kind"}),
		mended: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "order_reconcile_mended_total", Help: "What was mended, by kind"}, []string{"kind"})}
	if registry != nil {
		registry.MustRegister(r.found, r.mended)
	}
	return r
}

// Run looks once at everything. One part that fails does not keep the others from running.
func (r *Reconciler) Run(ctx context.Context) error {
	return errors.Join(r.stuckOrders(ctx), r.lonelyMoney(ctx), r.unsentEvents(ctx))
}

func (r *Reconciler) stuckOrders(ctx context.Context) error {
	now := r.app.now()
	stuck, err := r.books.Stuck(ctx, now.Add(-patience), findingsAtOnce)
	if err != nil {
		return fmt.Errorf("stuck orders: %w", err)
	}
	counts := map[string]int{"overdue": 0, "no-effect": 0}
	for _, s := range stuck {
		counts[s.Why]++
		r.app.Log.Warn("order is stuck", "order_id", s.Record.ID, "state", string(s.Record.State), "why", s.Why, "since", s.Record.UpdatedAt)
		kind := r.app.Machine.EffectOf(s.Record.State)
		if s.Why != "no-effect" || kind == "" {
			continue // due and unleased effects are taken every second: whoever performs it says why it fails
		}
		if err := r.books.Reschedule(ctx, s.Record, string(kind), now); err != nil && !errors.Is(err, ErrMoved) {
			return fmt.Errorf("reschedule order %s: %w", s.Record.ID, err)
		}
		r.mended.WithLabelValues("no-effect").Inc()
	}
	for kind, n := range counts {
		r.found.WithLabelValues(kind).Set(float64(n))
	}
	return nil
}

// lonelyMoney gives back what is held for an attempt that ended without an order.
func (r *Reconciler) lonelyMoney(ctx context.Context) error {
	open, err := r.payments.Open(ctx, patience)
	if err != nil {
		return fmt.Errorf("open payments: %w", err)
	}
	lonely := 0
	for _, p := range open {
		wanted, err := r.wanted(ctx, p)
		if err != nil {
			return err
		}
		if wanted {
			continue
		}
		lonely++
		if err := r.giveBack(ctx, p); err != nil {
			r.app.Log.Error("money without an order cannot be given back", "payment_id", p.ID, "amount", p.Amount.String(), "error", err)
			continue
		}
		r.mended.WithLabelValues("money-without-order").Inc()
	}
	r.found.WithLabelValues("money-without-order").Set(float64(lonely))
	return nil
}

// wanted reports whether an order stands behind the money, or may still.
func (r *Reconciler) wanted(ctx context.Context, p OpenPayment) (bool, error) {
	rec, err := r.app.Store.Load(ctx, p.OrderID)
	if fault.KindOf(err) == fault.NotFound {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("order %s of payment %s: %w", p.OrderID, p.ID, err)
	}
	switch {
	case rec.Attempt > p.Attempt:
		return false, nil
	case rec.State == "attempt_failed" || rec.State == "abandoned" || rec.State == "cancelled":
		return false, nil
	}
	return true, nil // placing, placed or being undone: the driver is at it
}

func (r *Reconciler) giveBack(ctx context.Context, p OpenPayment) error {
	c := MoneyCommand{OperationID: p.ID + "-reconcile-void", PaymentID: p.ID, OrderID: p.OrderID, Attempt: p.Attempt, Amount: p.Amount, Reason: "no order"}
	answer, err := r.pay.Void(ctx, c)
	if err == nil && answer.Outcome == MoneyDeclined && answer.DeclineCode == codeSettled {
		c.OperationID = p.ID + "-reconcile-refund"
		answer, err = r.pay.Refund(ctx, c)
	}
	if err != nil {
		return err
	}
	r.app.Log.Warn("money without an order was given back", "payment_id", p.ID, "amount", p.Amount.String(), "outcome", answer.Outcome)
	if answer.Outcome == MoneyDeclined || answer.Outcome == MoneyFailed {
		return fmt.Errorf("payment says %s %s", answer.Outcome, answer.DeclineCode)
	}
	return nil
}

func (r *Reconciler) unsentEvents(ctx context.Context) error {
	n, err := r.books.Unsent(ctx, r.app.now().Add(-patience))
	if err != nil {
		return fmt.Errorf("unsent events: %w", err)
	}
	r.found.WithLabelValues("unsent-event").Set(float64(n))
	if n > 0 {
		r.app.Log.Warn("events wait in the outbox", "count", n)
	}
	return nil
}
