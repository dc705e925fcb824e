package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
	"github.com/sidecart/sidecart/services/payment/internal/postgres"
)

var errLost = errors.New("the answer was lost")

// flaky is the fake gateway behind a bad line. Fate, when set, decides the fate of each call that changes something.
type flaky struct {
	*paymenttest.Gateway
	mu    sync.Mutex
	fate  func(method string) fate
	down  bool                // Find fails too
	wait  func(method string) // called before each call, if set
	later []func()
}

type fate string

const (
	fine       fate = "fine"
	notSent    fate = "not sent"      // surely not executed, and the caller knows
	lostBefore fate = "lost before"   // not executed, and nobody knows
	lostAfter  fate = "lost after"    // executed, and the caller does not hear of it
	late       fate = "executed late" // after the caller has given up, when arrive is called
)

func (g *flaky) set(f func(method string) fate) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fate = f
}

func (g *flaky) always(f fate) { g.set(func(string) fate { return f }) }

// arrive executes what was late.
func (g *flaky) arrive() {
	g.mu.Lock()
	calls := g.later
	g.later = nil
	g.mu.Unlock()
	for _, call := range calls {
		call()
	}
}

func through(g *flaky, method string, call func() (payment.Transaction, error)) (payment.Transaction, error) {
	if g.wait != nil {
		g.wait(method)
	}
	g.mu.Lock()
	f := fine
	if g.fate != nil {
		f = g.fate(method)
	}
	if f == late {
		g.later = append(g.later, func() { _, _ = call() }) // its answer reaches nobody
	}
	g.mu.Unlock()
	switch f {
	case notSent:
		return payment.Transaction{}, app.ErrNotSent
	case lostBefore, late:
		return payment.Transaction{}, errLost
	}
	tx, err := call()
	if f == lostAfter {
		return payment.Transaction{}, errLost
	}
	return tx, err
}

func (g *flaky) Authorise(ctx context.Context, s app.Sale) (payment.Transaction, error) {
	return through(g, "Authorise", func() (payment.Transaction, error) { return g.Gateway.Authorise(ctx, s) })
}

func (g *flaky) Capture(ctx context.Context, id string, amount money.Amount) (payment.Transaction, error) {
	return through(g, "Capture", func() (payment.Transaction, error) { return g.Gateway.Capture(ctx, id, amount) })
}

func (g *flaky) CapturePart(ctx context.Context, id string, amount money.Amount, reference string) (payment.Transaction, error) {
	return through(g, "CapturePart", func() (payment.Transaction, error) { return g.Gateway.CapturePart(ctx, id, amount, reference) })
}

func (g *flaky) Void(ctx context.Context, id string) (payment.Transaction, error) {
	return through(g, "Void", func() (payment.Transaction, error) { return g.Gateway.Void(ctx, id) })
}

func (g *flaky) Refund(ctx context.Context, id string, amount money.Amount, reference string) (payment.Transaction, error) {
	return through(g, "Refund", func() (payment.Transaction, error) { return g.Gateway.Refund(ctx, id, amount, reference) })
}

func (g *flaky) Find(ctx context.Context, ref app.Ref) ([]payment.Transaction, error) {
	g.mu.Lock()
	down := g.down
	g.mu.Unlock()
	if down {
		return nil, errLost
	}
	return g.Gateway.Find(ctx, ref)
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type world struct {
	t       testing.TB
	gateway *flaky
	app     *app.App
	vault   *app.Vault
	credits *app.Credits
	store   *postgres.Store
	pool    *pgxpool.Pool
	clock   *clock
}

func open(t testing.TB) *world {
	t.Helper()
	pool := testkit.Schema(t, postgres.Migrations()...)
	w := &world{t: t, pool: pool, gateway: &flaky{Gateway: paymenttest.NewGateway()}, clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	w.store = postgres.New(pool, outbox.New(pool, outbox.Options{Source: "payment"}))
	w.app = app.New(w.store, w.gateway, app.Accounts{"USD": "usd"}, w.clock.Now, slog.New(slog.DiscardHandler), nil)
	w.vault = app.NewVault(w.app, w.store, w.gateway)
	w.credits = app.NewCredits(w.app, w.store)
	return w
}

func usd(minor int64) money.Amount { return money.New(minor, "USD") }

func authorisation(order string) app.Authorisation {
	return app.Authorisation{OperationID: order + "-authorise", PaymentID: order + "-1", OrderID: order, Attempt: 1, Amount: usd(1000), Nonce: paymenttest.NonceValid}
}

func (w *world) authorise(order string) app.Answer {
	w.t.Helper()
	a, err := w.app.Authorise(w.t.Context(), authorisation(order))
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) move(kind payment.Kind, order, operation string) app.Answer {
	w.t.Helper()
	a, err := w.app.Move(w.t.Context(), app.Movement{Kind: kind, OperationID: operation, PaymentID: order + "-1"})
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) sweep(after time.Duration) {
	w.t.Helper()
	w.clock.Add(after)
	if err := w.app.Sweep(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) payment(order string) payment.Payment {
	w.t.Helper()
	p, err := w.store.Payment(w.t.Context(), order+"-1")
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) want(a app.Answer, r payment.Result) {
	w.t.Helper()
	if a.Outcome.Result != r {
		w.t.Fatalf("%s is %s %s, want %s", a.ID, a.Outcome.Result, a.Outcome.Code, r)
	}
}

// audit compares our books with the gateway's, and the log with the rows.
func (w *world) audit(order string) {
	w.t.Helper()
	w.auditPayment(w.payment(order))
}

func (w *world) auditPayment(p payment.Payment) {
	w.t.Helper()
	events, err := w.store.Events(w.t.Context(), p.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	start := payment.New(p.ID, p.OrderID, p.Attempt, p.Provider, p.Account, p.Amount)
	start.CustomerID, start.Channel, start.Like = p.CustomerID, p.Channel, p.Like
	folded, err := payment.Fold(start, events)
	if err != nil || !reflect.DeepEqual(folded, p) {
		w.t.Errorf("the log folds to %+v (%v), the row is %+v", folded, err, p)
	}
	var held, captured, refunded int64
	var rest bool
	for _, t := range w.gateway.Books() {
		switch {
		case t.Credit && p.Knows(t.RefundOf) && t.Live():
			refunded += t.Amount.Minor
		case !t.Credit && w.gateway.PartOf(t.ID) == p.TransactionID && p.TransactionID != "":
			w.part(p, t)
		case !t.Credit && p.Split && t.ID == p.TransactionID:
			rest = t.Live() && w.gateway.Unsplit(t.ID) > 0
		case !t.Credit && t.Reference == p.ID && t.Live():
			held += t.Amount.Minor
			if t.State != payment.TxAuthorised {
				captured += t.Amount.Minor
			}
		}
	}
	if p.Split {
		w.parts(p, rest, refunded)
		return
	}
	authorised := p.Authorised.Minor - p.Credit.Minor
	if p.Captured.IsPositive() { // the rest has lapsed
		authorised = p.Captured.Minor - p.CreditCaptured.Minor
	}
	ours := fmt.Sprint(authorised, p.Captured.Minor-p.CreditCaptured.Minor, p.AtGatewayRefunded().Minor)
	if p.Live != "" || ours != fmt.Sprint(held, captured, refunded) {
		w.t.Errorf("%s is %s with live %q and %s, the gateway has %d %d %d", p.ID, p.Status, p.Live, ours, held, captured, refunded)
	}
}

// part compares a part with the gateway's.
func (w *world) part(p payment.Payment, t payment.Transaction) {
	w.t.Helper()
	i := slices.IndexFunc(p.Parts, func(x payment.Part) bool { return x.TransactionID == t.ID })
	if i < 0 {
		returned := slices.ContainsFunc(w.gateway.Books(), func(x payment.Transaction) bool { return x.RefundOf == t.ID && x.Live() && x.Amount == t.Amount })
		if t.Live() && !returned {
			w.t.Errorf("%s knows nothing of its part %+v", p.ID, t)
		}
		return
	}
	x := p.Parts[i]
	if x.Amount != t.Amount || t.Live() != (x.Status == payment.PartCaptured || x.Status == payment.PartSettled) {
		w.t.Errorf("part %+v of %s, the gateway has %+v", x, p.ID, t)
	}
}

// parts compares the sums of what was captured in parts.
func (w *world) parts(p payment.Payment, rest bool, refunded int64) {
	w.t.Helper()
	var captured, back int64
	unpaid := false
	for _, x := range p.Parts {
		unpaid = unpaid || x.Status == payment.PartUnpaid // its authorisation runs out
		if x.Status != payment.PartUnpaid && p.Status != payment.StatusVoided {
			captured += x.Amount.Minor
			if x.Status == payment.PartVoided {
				refunded += x.Amount.Minor
			}
		}
		back += x.Refunded.Minor
	}
	ours, theirs := fmt.Sprint(p.Captured.Minor-p.CreditCaptured.Minor, p.AtGatewayRefunded().Minor, back-p.Converted.Minor), fmt.Sprint(captured, refunded, refunded)
	if p.Live != "" || ours != theirs || rest && p.Status != payment.StatusAuthorised && p.Status != payment.StatusPartly && !unpaid {
		w.t.Errorf("%s is %s with live %q and %s, the gateway has %s, the rest is held: %t", p.ID, p.Status, p.Live, ours, theirs, rest)
	}
}
