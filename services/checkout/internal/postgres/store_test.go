package postgres

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

var now = time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)

func open(t *testing.T) (*Store, *pgxpool.Pool) {
	t.Helper()
	pool := testkit.Schema(t, Migrations()...)
	return New(pool, outbox.New(pool, outbox.Options{Source: "checkout"})), pool
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// record is a checkout with everything that a row can hold.
func record(id string) app.Record {
	usd := func(minor int64) money.Amount { return money.New(minor, "USD") }
	totals := pricingapi.Totals{Subtotal: usd(2000), Discount: usd(1), Shipping: usd(0), Tax: usd(0), Total: usd(1999)}
	address := checkout.Address{Name: "Sample Customer", Company: "C", Line1: "1 Main Street", Line2: "2", City: "Springfield", Region: "IL", PostalCode: "62701", Country: "US", Phone: "1"}
	billing := address
	billing.Line1 = "3 Main Street"
	return app.Record{
		Checkout: checkout.Checkout{ID: id, CartID: "cart-" + id, OrderID: "order-" + id, Status: checkout.Open, Version: 1, Attempt: 2, CartVersion: 5, Currency: "USD", Country: "US", Channel: "app", Provider: "cash_on_delivery", Fee: usd(300),
			Email: "customer@example.com", Shipping: &address, Billing: &billing, OptionID: "standard", Note: "ring", Hold: checkout.Held, HoldUntil: now.Add(time.Minute),
			ExpiresAt: now.Add(time.Hour), CreatedAt: now, UpdatedAt: now},
		CustomerID: "customer",
		Quote: app.Quote{ID: "q", ValidUntil: now.Add(time.Minute), Country: "US", Region: "IL", Coupons: []pricingapi.Coupon{{Code: "TEN", Status: "applied"}},
			Promotions: []pricingapi.Promotion{{ID: "TEN", Label: "Ten", Amount: usd(1)}}, Totals: totals,
			Lines: []checkoutapi.CheckoutLine{{ID: "l", SKU: "shirt", ProductID: "p", Title: "Shirt", Quantity: 1, UnitPrice: usd(2000), Subtotal: usd(2000),
				Discounts: []pricingapi.Discount{{PromotionID: "TEN", Label: "Ten", Amount: usd(1)}}, Tax: usd(0), TaxRateBP: 5, Total: usd(1999)}},
			Options: []app.Option{{ShippingOption: orderapi.ShippingOption{ID: "standard", Carrier: "post", Label: "Standard", Price: usd(0)}, TaxCategory: "zero", Totals: totals}}},
	}
}

// begun is a change that begins an attempt with a key.
func begun(r app.Record, k app.Key) app.Change {
	c := app.Change{Seen: r.Version, After: r, Key: k, Begin: true}
	c.After.Version++
	c.After.Status, c.After.CompletingAt = checkout.Completing, now
	c.After.Attempt++
	return c
}

// What one replica kept comes back, to itself, which remembers the quote, as to another one, which reads it.
func TestWhatIsKeptComesBack(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	replica := func() *Store { return New(pool, outbox.New(pool, outbox.Options{Source: "checkout"})) }
	both := func(want app.Record) {
		t.Helper()
		for name, store := range map[string]*Store{"itself": s, "another": replica()} {
			for range 2 {
				got, entry, err := store.Find(t.Context(), "a", app.Key{})
				if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(app.Record{})); err != nil || entry != nil || diff != "" {
					t.Fatal(name, err, entry, diff)
				}
			}
		}
	}
	r := record("a")
	do(t, s.Create(t.Context(), r))
	both(r)
	c := app.Change{Seen: 1, After: r}
	c.After.Status, c.After.OrderNumber, c.After.AccessToken, c.After.Version = checkout.Completed, "SC-1", "token", 2
	c.After.Recovery = checkout.Abandoned
	c.After.Shipping, c.After.Billing, c.After.Quote = nil, nil, app.Quote{} // a quote that did not change is not written
	do(t, s.Save(t.Context(), c))
	c.After.Quote = r.Quote
	both(c.After)
	next := c
	next.Seen, next.Quote, next.After.Version = 2, true, 3
	next.After.Quote.ID, next.After.Channel = "of another replica", "phone"
	next.After.Provider, next.After.Fee = "braintree", money.Amount{}
	do(t, replica().Save(t.Context(), next))
	both(next.After)
	if _, _, err := s.Find(t.Context(), "b", app.Key{}); !errors.Is(err, app.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

// What is completed needs no look at the database to be known as such, and nothing else is taken for it.
func TestSettled(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	r := record("a")
	do(t, s.Create(t.Context(), r))
	steps := []struct {
		name    string
		change  func(*app.Record)
		settled bool
	}{
		{"completing", func(r *app.Record) { r.Status, r.CompletingAt = checkout.Completing, now }, false},
		{"told by an event, the capability unknown", func(r *app.Record) {
			r.Status, r.OrderNumber, r.CompletingAt = checkout.Completed, "SC-1", time.Time{}
		}, false},
		{"completed", func(r *app.Record) { r.AccessToken = "token" }, true},
	}
	for _, step := range steps {
		c := app.Change{Seen: r.Version, After: r}
		step.change(&c.After)
		c.After.Version++
		do(t, s.Save(t.Context(), c))
		if r = c.After; s.Settled("a") != step.settled {
			t.Errorf("%s: settled %v", step.name, !step.settled)
		}
	}
	if other := New(pool, nil); other.Settled("a") || other.Settled("b") {
		t.Error("settled without ever having seen it")
	}
}

func TestOneWinnerPerVersion(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	r := record("a")
	do(t, s.Create(t.Context(), r))
	errs := testkit.Race(16, func(i int) error {
		return s.Save(t.Context(), begun(r, app.Key{Scope: "s", Key: string(rune('a' + i))}))
	})
	if n := testkit.Wins(errs); n != 1 {
		t.Fatalf("%d won: %v", n, errs)
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, app.ErrMoved) {
			t.Errorf("a loser got %v", err)
		}
	}
	if got, _, err := s.Find(t.Context(), "a", app.Key{}); err != nil || got.Attempt != 3 {
		t.Errorf("attempt %d (%v)", got.Attempt, err)
	}
}

// Two checkouts may use the same key text under their own scopes; one key begins once, and takes its change with it.
func TestKeyBeginsOnce(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	ctx := t.Context()
	r, other := record("a"), record("b")
	do(t, s.Create(ctx, r))
	do(t, s.Create(ctx, other))
	k := app.Key{Scope: "s", Key: "k", Hash: [32]byte{1}}
	do(t, s.Save(ctx, begun(r, k)))
	if err := s.Save(ctx, begun(other, k)); !errors.Is(err, app.ErrMoved) {
		t.Fatalf("the key again: %v", err)
	}
	if got, _, _ := s.Find(ctx, "b", app.Key{}); got.Version != 1 {
		t.Error("the change was made without its key")
	}
	got, entry, err := s.Find(ctx, "a", k)
	if err != nil || entry == nil || entry.Attempt != 3 || entry.Answer != nil {
		t.Fatalf("%+v %v", entry, err)
	}
	if _, _, err := s.Find(ctx, "a", app.Key{Scope: "s", Key: "k", Hash: [32]byte{2}}); !errors.Is(err, idem.ErrReused) {
		t.Errorf("another body: %v", err)
	}
	first := app.Answer{Refusal: &app.Refusal{Kind: fault.PaymentRequired.String(), Code: "payment-declined", Message: "No.", Extra: map[string]any{"decline_code": "2001"}}}
	c := app.Change{Seen: got.Version, After: got, Key: k, Answer: &first}
	c.After.Status, c.After.Version, c.After.CompletingAt = checkout.Open, got.Version+1, time.Time{}
	do(t, s.Save(ctx, c))
	do(t, s.Save(ctx, app.Change{After: got, Key: k, KeyOnly: true, Answer: &app.Answer{}})) // the first answer stays
	do(t, s.Save(ctx, app.Change{After: got, Key: k, KeyOnly: true, Forget: true}))          // and is not forgotten
	_, entry, err = s.Find(ctx, "a", k)
	if diff := cmp.Diff(&first, entry.Answer); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
	if f, ok := fault.As(entry.Answer.Err()); !ok || f.Kind != fault.PaymentRequired || f.Code != "payment-declined" || f.Extra["decline_code"] != "2001" {
		t.Errorf("replayed %+v", f)
	}
}

func TestKeyIsForgottenWithItsAttempt(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	ctx := t.Context()
	r := record("a")
	do(t, s.Create(ctx, r))
	k := app.Key{Scope: "s", Key: "k", Hash: [32]byte{1}}
	c := begun(r, k)
	do(t, s.Save(ctx, c))
	back := app.Change{Seen: c.After.Version, After: c.After, Key: k, Forget: true}
	back.After.Status, back.After.Version, back.After.CompletingAt = checkout.Open, 3, time.Time{}
	stale := back
	stale.Seen = 1
	if err := s.Save(ctx, stale); !errors.Is(err, app.ErrMoved) {
		t.Fatal(err)
	}
	if _, entry, _ := s.Find(ctx, "a", k); entry == nil {
		t.Error("a change that was not made took the key with it")
	}
	do(t, s.Save(ctx, back))
	if _, entry, err := s.Find(ctx, "a", k); entry != nil || err != nil {
		t.Errorf("%+v %v", entry, err)
	}
	do(t, s.Save(ctx, begun(back.After, k)))
	if _, err := pool.Exec(ctx, `UPDATE idempotency_keys SET created_at = now() - interval '25 hours'`); err != nil {
		t.Fatal(err)
	}
	if _, entry, _ := s.Find(ctx, "a", k); entry != nil {
		t.Error("a key outlives its day")
	}
	do(t, s.Prune(ctx))
	var n int
	do(t, pool.QueryRow(ctx, `SELECT count(*) FROM idempotency_keys`).Scan(&n))
	if n != 0 {
		t.Errorf("%d keys are left", n)
	}
}

func TestOneLiveCheckoutPerCart(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	ctx := t.Context()
	errs := testkit.Race(16, func(i int) error {
		r := record(string(rune('a' + i)))
		r.CartID = "cart"
		return s.Create(ctx, r)
	})
	if n := testkit.Wins(errs); n != 1 {
		t.Fatalf("%d won: %v", n, errs)
	}
	live, err := s.OfCart(ctx, "cart")
	do(t, err)
	c := app.Change{Seen: 1, After: live}
	c.After.Status, c.After.Version, c.After.Tells = checkout.Expired, 2, checkout.TellsExpired
	do(t, s.Save(ctx, c))
	if _, err := s.OfCart(ctx, "cart"); !errors.Is(err, app.ErrNotFound) {
		t.Errorf("after its end: %v", err)
	}
	next := record("next")
	next.CartID = "cart"
	do(t, s.Create(ctx, next))
	c = app.Change{Seen: 2, After: c.After}
	c.After.Status, c.After.OrderNumber, c.After.Version = checkout.Completed, "SC-1", 3 // its order was placed after all
	do(t, s.Save(ctx, c))
	if got, err := s.OfCart(ctx, "cart"); err != nil || got.Status != checkout.Completed {
		t.Errorf("%s stands before the order (%v)", got.Status, err)
	}
}

func TestDueAndLoose(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	ctx := t.Context()
	add := func(id string, status checkout.Status, change func(*app.Record)) {
		r := record(id)
		r.Status = status
		change(&r)
		do(t, s.Create(ctx, r))
	}
	add("due", checkout.Open, func(r *app.Record) { r.ExpiresAt = now })
	add("young", checkout.Open, func(r *app.Record) { r.ExpiresAt = now.Add(time.Microsecond) })
	add("busy", checkout.Completing, func(r *app.Record) { r.ExpiresAt, r.CompletingAt = now, now.Add(-checkout.StuckAfter+time.Second) })
	add("stuck", checkout.Completing, func(r *app.Record) {
		r.ExpiresAt, r.CompletingAt = now.Add(-time.Second), now.Add(-checkout.StuckAfter)
	})
	add("loose", checkout.Expired, func(r *app.Record) { r.Loose = true })
	add("ended", checkout.Cancelled, func(*app.Record) {})
	ids := func(all []app.Record, err error) (ids []string) {
		do(t, err)
		for _, r := range all {
			ids = append(ids, r.ID)
		}
		return ids
	}
	if diff := cmp.Diff([]string{"stuck", "due"}, ids(s.Due(ctx, now, 10))); diff != "" {
		t.Error(diff)
	}
	if got := ids(s.Due(ctx, now, 1)); len(got) != 1 {
		t.Errorf("%v", got)
	}
	if diff := cmp.Diff([]string{"loose"}, ids(s.Loose(ctx, now, 10))); diff != "" {
		t.Error(diff)
	}
	if got := ids(s.Loose(ctx, now.Add(-time.Second), 10)); got != nil {
		t.Errorf("too young: %v", got)
	}
}

func TestAnnouncedWithTheChangeOnly(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	r := record("a")
	do(t, s.Create(t.Context(), r))
	c := app.Change{Seen: 1, After: r}
	c.After.Status, c.After.Version, c.After.Tells = checkout.Expired, 2, checkout.TellsExpired
	errs := testkit.Race(8, func(int) error { return s.Save(t.Context(), c) })
	var n int
	do(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM outbox`).Scan(&n))
	if testkit.Wins(errs) != 1 || n != 1 {
		t.Errorf("%d won, %d were told: %v", testkit.Wins(errs), n, errs)
	}
}

func TestOnce(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	k := app.Key{Scope: "s", Key: "k", Hash: [32]byte{1}}
	var ran atomic.Int64
	run := func(key app.Key) (int64, bool, error) {
		return Once(t.Context(), s, key, func() (int64, error) { return ran.Add(1), nil })
	}
	first, replayed, err := run(k)
	if first != 1 || replayed || err != nil {
		t.Fatal(first, replayed, err)
	}
	if again, replayed, err := run(k); again != 1 || !replayed || err != nil || ran.Load() != 1 {
		t.Fatal(again, replayed, err)
	}
	if _, _, err := run(app.Key{Scope: "s", Key: "k", Hash: [32]byte{2}}); !errors.Is(err, idem.ErrReused) {
		t.Errorf("another body: %v", err)
	}
	boom := errors.New("boom")
	if _, _, err := Once(t.Context(), s, app.Key{Scope: "s", Key: "l"}, func() (int, error) { return 0, boom }); !errors.Is(err, boom) {
		t.Errorf("%v", err)
	}
	if n, replayed, err := Once(t.Context(), s, app.Key{Scope: "s", Key: "l"}, func() (int, error) { return 5, nil }); n != 5 || replayed || err != nil {
		t.Errorf("a refusal was kept: %d %v %v", n, replayed, err)
	}
}

func TestConstraints(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	do(t, s.Create(t.Context(), record("a")))
	for constraint, sql := range map[string]string{
		"checkouts_status":      `UPDATE checkouts SET status = 'eaten'`,
		"checkouts_version":     `UPDATE checkouts SET version = 0`,
		"checkouts_attempt":     `UPDATE checkouts SET attempt = -1`,
		"checkouts_hold_status": `UPDATE checkouts SET hold_status = 'eaten'`,
		"checkouts_completing":  `UPDATE checkouts SET status = 'completing'`,
		"checkouts_recovery":    `UPDATE checkouts SET recovery = 'eaten'`,
		"checkouts_completed":   `UPDATE checkouts SET status = 'completed'`,
	} {
		if _, err := pool.Exec(context.Background(), sql); !pg.Violates(err, constraint) {
			t.Errorf("%s does not hold: %v", constraint, err)
		}
	}
}
