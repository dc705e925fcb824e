package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/pricing/internal/app"
	"github.com/sidecart/sidecart/services/pricing/internal/pricing"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

var by = app.Change{Actor: "staff:1", At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}

func usd(minor int64) money.Amount { return money.New(minor, "USD") }

func open(t *testing.T) (*Store, *pgxpool.Pool) {
	t.Helper()
	pool := testkit.Schema(t, Migrations()...)
	return New(pool, outbox.New(pool, outbox.Options{Source: "pricing"})), pool
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func row(sku string, minor int64) app.PriceRow {
	return app.PriceRow{SKU: sku, Amount: usd(minor), MinQuantity: 1}
}

// announced returns the data of the latest event of a SKU.
func announced(t *testing.T, pool *pgxpool.Pool, sku string) (data pricingapi.PricesChangedV1) {
	t.Helper()
	var raw []byte
	do(t, pool.QueryRow(t.Context(), `SELECT data FROM outbox WHERE subject = $1 ORDER BY sequence DESC LIMIT 1`, sku).Scan(&raw))
	do(t, json.Unmarshal(raw, &data))
	return data
}

func TestLoadInOneStatement(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	ctx := t.Context()
	do(t, s.PutList(ctx, by, pricing.List{ID: "us", Name: "US", Currency: "USD"}))
	do(t, s.PutList(ctx, by, pricing.List{ID: "eu", Name: "EU", Currency: "EUR", TaxIncluded: true}))
	compare := usd(1500)
	do(t, s.PutPrices(ctx, by, "us", []app.PriceRow{
		{SKU: "a", Amount: usd(1000), CompareAt: &compare, MinQuantity: 1, Window: pricing.Window{To: by.At.Add(time.Hour)}},
		{SKU: "a", Amount: usd(900), MinQuantity: 10}, row("b", 200),
	}))
	do(t, s.PutPrices(ctx, by, "eu", []app.PriceRow{{SKU: "a", Amount: money.New(1, "EUR"), MinQuantity: 1}}))
	do(t, s.PutTaxRates(ctx, by, []pricing.TaxRate{{Country: "US", Category: "standard", BasisPoints: 500, Rounding: money.HalfEven}}))
	do(t, s.KeepProduct(ctx, app.Event{Subject: "p1", Sequence: 1}, app.Product{ID: "p1", TaxCategory: "reduced", SKUs: []string{"a"}}))
	want := pricing.Coupon{Code: "TEN", Label: "Ten off", Kind: pricing.Fixed, Amounts: []money.Amount{usd(1000)}, UsageLimit: 5, Enabled: true,
		Window: pricing.Window{From: by.At}}
	do(t, s.PutCoupon(ctx, by, want))
	ask := app.Ask{Currency: "USD", SKUs: []string{"a", "b", "nobody"}, Codes: []string{"TEN", "WHAT"}}
	if _, err := s.Load(ctx, ask); err != nil { // reads the settings
		t.Fatal(err)
	}
	counted, counter := pg.WithCounter(ctx)
	got, err := s.Load(counted, ask)
	do(t, err)
	if n := counter.Statements(); n != 1 {
		t.Errorf("%d statements, want 1", n)
	}
	if len(got.Book.Rows["a"]) != 2 || len(got.Book.Rows["b"]) != 1 || got.Book.Rows["nobody"] != nil {
		t.Errorf("rows %+v", got.Book.Rows)
	}
	first := got.Book.Rows["a"][0]
	if first.List.ID != "us" || first.Amount != usd(1000) || *first.CompareAt != compare || !first.Window.To.Equal(by.At.Add(time.Hour)) {
		t.Errorf("first row %+v", first)
	}
	if len(got.TaxCategory) != 1 || got.TaxCategory["a"] != "reduced" {
		t.Errorf("tax categories %v", got.TaxCategory)
	}
	if r := got.Book.Tax.Find("US", "", "reduced"); r.BasisPoints != 500 || r.Rounding != money.HalfEven {
		t.Errorf("rate %+v", r)
	}
	if c := got.Coupons["TEN"]; len(got.Coupons) != 1 || c.Label != want.Label || c.Amounts[0] != usd(1000) || c.UsageLimit != 5 || !c.Window.From.Equal(by.At) {
		t.Errorf("coupons %+v", got.Coupons)
	}
}

func TestSettingsAreReadAgainWhenTheyChange(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	other := New(pool, outbox.New(pool, outbox.Options{Source: "pricing"})) // another replica
	ctx := t.Context()
	do(t, s.PutList(ctx, by, pricing.List{ID: "us", Name: "US", Currency: "USD"}))
	do(t, s.PutPrices(ctx, by, "us", []app.PriceRow{row("a", 100)}))
	ask := app.Ask{Currency: "USD", SKUs: []string{"a"}}
	if _, err := other.Load(ctx, ask); err != nil {
		t.Fatal(err)
	}
	do(t, s.PutList(ctx, by, pricing.List{ID: "us", Name: "US", Currency: "USD", Priority: 7}))
	do(t, s.PutTaxRates(ctx, by, []pricing.TaxRate{{Country: "US", Category: "standard", BasisPoints: 725}}))
	got, err := other.Load(ctx, ask)
	do(t, err)
	if got.Book.Rows["a"][0].List.Priority != 7 || got.Book.Tax.Find("US", "", "").BasisPoints != 725 {
		t.Error("a replica quotes by settings that have changed")
	}
}

func TestPutPricesReplacesTheSKUsNamed(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	ctx := t.Context()
	do(t, s.PutList(ctx, by, pricing.List{ID: "us", Name: "US", Currency: "USD"}))
	do(t, s.PutPrices(ctx, by, "us", []app.PriceRow{row("a", 100), {SKU: "a", Amount: usd(90), MinQuantity: 5}, row("b", 200)}))
	do(t, s.PutPrices(ctx, by, "us", []app.PriceRow{row("a", 110)}))
	got, err := s.Prices(ctx, "a")
	do(t, err)
	if len(got["us"]) != 1 || got["us"][0].Amount != usd(110) {
		t.Errorf("prices of a: %+v", got)
	}
	if got, _ := s.Prices(ctx, "b"); len(got["us"]) != 1 {
		t.Errorf("prices of b, which was not named: %+v", got)
	}
	ev := announced(t, pool, "a")
	if ev.Sequence != 2 || len(ev.Prices) != 1 || ev.Prices[0].Amount != usd(110) {
		t.Errorf("event %+v", ev)
	}
}

// Writing the same again tells nobody anything; of a mixed change only what differs is announced.
func TestTheSameAgainIsNoChange(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	ctx := t.Context()
	list := pricing.List{ID: "us", Name: "US", Currency: "USD", Countries: []string{"US"}, Window: pricing.Window{To: by.At.Add(time.Hour)}}
	do(t, s.PutList(ctx, by, list))
	compare := usd(200)
	rows := []app.PriceRow{{SKU: "a", Amount: usd(100), CompareAt: &compare, MinQuantity: 1, Window: pricing.Window{From: by.At}}, {SKU: "a", Amount: usd(90), MinQuantity: 5}, row("b", 7)}
	do(t, s.PutPrices(ctx, by, "us", rows))
	list.Name = "United States"
	do(t, s.PutList(ctx, by, list))
	do(t, s.PutPrices(ctx, by, "us", []app.PriceRow{rows[2], rows[1], rows[0]}))
	do(t, s.PutPrices(ctx, by, "us", []app.PriceRow{rows[0], rows[1], row("b", 8)}))
	do(t, s.PutPrices(ctx, by, "us", rows[:1])) // the tier of a is gone
	if a, b := announced(t, pool, "a"), announced(t, pool, "b"); a.Sequence != 2 || len(a.Prices) != 1 || b.Sequence != 2 {
		t.Errorf("a was announced %d times and has %d prices, b %d times; want 2, 1 and 2", a.Sequence, len(a.Prices), b.Sequence)
	}
}

func TestPutPricesRefuses(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	ctx := t.Context()
	if err := s.PutPrices(ctx, by, "nobody", []app.PriceRow{row("a", 1)}); fault.CodeOf(err) != app.ErrListNotFound.Code {
		t.Errorf("unknown list: %v", err)
	}
	do(t, s.PutList(ctx, by, pricing.List{ID: "us", Name: "US", Currency: "USD"}))
	err := s.PutPrices(ctx, by, "us", []app.PriceRow{row("a", 1), {SKU: "b", Amount: money.New(1, "EUR"), MinQuantity: 1}})
	if f, ok := fault.As(err); !ok || f.Kind != fault.Invalid || f.Fields[0].Location != "body.prices[1].amount.currency" {
		t.Errorf("another currency: %v", err)
	}
	var n int
	do(t, pool.QueryRow(ctx, `SELECT count(*) FROM prices`).Scan(&n))
	if n != 0 {
		t.Errorf("%d rows of a refused change were kept", n)
	}
	do(t, s.PutPrices(ctx, by, "us", []app.PriceRow{row("a", 1)}))
	err = s.PutPrices(ctx, by, "us", []app.PriceRow{row("a", 1), {SKU: "b", Amount: money.New(1, "EUR"), MinQuantity: 1}})
	if f, ok := fault.As(err); !ok || f.Kind != fault.Invalid || f.Fields[0].Location != "body.prices[1].amount.currency" {
		t.Errorf("another currency after a row that is there already: %v", err)
	}
}

// Who changed a price or a rate from what to what can be read later; what stayed as it was is not in it.
func TestAuditSaysBeforeAndAfter(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	ctx := t.Context()
	do(t, s.PutList(ctx, by, pricing.List{ID: "us", Name: "US", Currency: "USD"}))
	do(t, s.PutPrices(ctx, by, "us", []app.PriceRow{row("a", 100), row("b", 200)}))
	do(t, s.PutPrices(ctx, by, "us", []app.PriceRow{row("a", 150), row("b", 200)}))
	rate := pricing.TaxRate{Country: "US", Category: "standard", BasisPoints: 500}
	do(t, s.PutTaxRates(ctx, by, []pricing.TaxRate{rate, {Country: "CA", Category: "standard"}}))
	rate.BasisPoints = 725
	do(t, s.PutTaxRates(ctx, by, []pricing.TaxRate{rate}))
	var before, after string
	const last = `SELECT jsonb_path_query_array(before, $2)::text, jsonb_path_query_array(after, $2)::text FROM audit_log WHERE entity = $1 ORDER BY id DESC LIMIT 1`
	for entity, want := range map[string][3]string{
		"price-list/us": {"$[*].Amount.amount", "[100]", "[150]"},
		"tax-rates":     {"$[*].BasisPoints", "[500]", "[725]"},
	} {
		do(t, pool.QueryRow(ctx, last, entity, want[0]).Scan(&before, &after))
		if before != want[1] || after != want[2] {
			t.Errorf("%s: %s became %s, want %s and %s", entity, before, after, want[1], want[2])
		}
	}
}

// Two lists are written side by side: the last event of the SKU carries the rows of both.
func TestEventsCarryAllListsUnderConcurrency(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	ctx := t.Context()
	const lists = 8
	for i := range lists {
		do(t, s.PutList(ctx, by, pricing.List{ID: fmt.Sprint("l", i), Name: "L", Currency: "USD"}))
	}
	var wg sync.WaitGroup
	for i := range lists {
		wg.Go(func() {
			if err := s.PutPrices(ctx, by, fmt.Sprint("l", i), []app.PriceRow{row("a", int64(i+1))}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if ev := announced(t, pool, "a"); ev.Sequence != lists || len(ev.Prices) != lists {
		t.Errorf("event %d has %d prices, want %d of %d", ev.Sequence, len(ev.Prices), lists, lists)
	}
}

func TestChangedListIsAnnouncedForItsSKUs(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	ctx := t.Context()
	do(t, s.PutList(ctx, by, pricing.List{ID: "us", Name: "US", Currency: "USD"}))
	do(t, s.PutPrices(ctx, by, "us", []app.PriceRow{{SKU: "a", Amount: usd(5), MinQuantity: 1, Window: pricing.Window{From: by.At}}}))
	end := by.At.Add(time.Hour)
	do(t, s.PutList(ctx, by, pricing.List{ID: "us", Name: "US", Currency: "USD", Priority: 3, Window: pricing.Window{To: end}}))
	ev := announced(t, pool, "a")
	if ev.Sequence != 2 || ev.Prices[0].Priority != 3 || !ev.Prices[0].ValidFrom.Equal(by.At) || !ev.Prices[0].ValidTo.Equal(end) {
		t.Errorf("event %+v", ev)
	}
}

func TestListsOfOneContextAgreeOnTax(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	ctx := t.Context()
	do(t, s.PutList(ctx, by, pricing.List{ID: "de", Name: "DE", Currency: "EUR", TaxIncluded: true, Countries: []string{"DE"}}))
	if err := s.PutList(ctx, by, pricing.List{ID: "all", Name: "All", Currency: "EUR"}); fault.CodeOf(err) != pricing.ErrTaxMode.Code {
		t.Errorf("an overlapping net list: %v", err)
	}
	do(t, s.PutList(ctx, by, pricing.List{ID: "fr", Name: "FR", Currency: "EUR", Countries: []string{"FR"}}))
	if err := s.PutList(ctx, by, pricing.List{ID: "de", Name: "DE", Currency: "USD", TaxIncluded: true}); fault.CodeOf(err) != "price-list-currency" {
		t.Errorf("another currency for a list that is there: %v", err)
	}
}

func TestReplicaIgnoresWhatIsStale(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	ctx := t.Context()
	keep := func(sequence int64, category string, skus ...string) {
		do(t, s.KeepProduct(ctx, app.Event{Subject: "p", Sequence: sequence}, app.Product{ID: "p", TaxCategory: category, SKUs: skus}))
	}
	keep(2, "reduced", "a", "b")
	keep(1, "standard", "a", "c")
	keep(3, "zero", "b")
	keep(3, "standard", "b")
	got, err := s.Load(ctx, app.Ask{Currency: "USD", SKUs: []string{"a", "b", "c"}})
	do(t, err)
	if len(got.TaxCategory) != 1 || got.TaxCategory["b"] != "zero" {
		t.Errorf("categories %v, want b: zero alone", got.TaxCategory)
	}
}

func TestCouponUsesAreCountedOnce(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	ctx := t.Context()
	c := pricing.Coupon{Code: "TEN", Kind: pricing.Percentage, BasisPoints: 1000, Enabled: true, UsageLimit: math.MaxInt64}
	do(t, s.PutCoupon(ctx, by, c))
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := s.CountUses(ctx, app.Event{ID: fmt.Sprint("order", i%5)}, []string{"TEN", "not-a-coupon"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	do(t, s.PutCoupon(ctx, by, c)) // a change keeps the count
	got, err := s.Coupon(ctx, "TEN")
	if err != nil || got.Used != 5 {
		t.Errorf("used %d (%v), want 5: each event once", got.Used, err)
	}
}

func TestPruneForgetsOldEventsOnly(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	ctx := t.Context()
	for _, id := range []string{"old", "new"} {
		do(t, s.CountUses(ctx, app.Event{ID: id}, nil))
	}
	if _, err := pool.Exec(ctx, `UPDATE inbox SET seen_at = now() - interval '31 days' WHERE event_id = 'old'`); err != nil {
		t.Fatal(err)
	}
	do(t, s.Prune(ctx))
	var left string
	do(t, pool.QueryRow(ctx, `SELECT string_agg(event_id, ',') FROM inbox`).Scan(&left))
	if left != "new" {
		t.Errorf("left: %q", left)
	}
}

func TestConstraints(t *testing.T) {
	t.Parallel()
	_, pool := open(t)
	do(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO price_lists (id, name, currency, tax_included, updated_at) VALUES ('l', '', 'USD', false, now())`)
		return err
	}))
	for constraint, sql := range map[string]string{
		"prices_amount":       `INSERT INTO prices (list_id, sku, currency, amount, min_quantity) VALUES ('l', 's', 'USD', -1, 1)`,
		"prices_min_quantity": `INSERT INTO prices (list_id, sku, currency, amount, min_quantity) VALUES ('l', 's', 'USD', 1, 0)`,
		"prices_list":         `INSERT INTO prices (list_id, sku, currency, amount, min_quantity) VALUES ('x', 's', 'USD', 1, 1)`,
		"prices_row":          `INSERT INTO prices (list_id, sku, currency, amount, min_quantity) VALUES ('l', 's', 'USD', 1, 1), ('l', 's', 'USD', 2, 1)`,
		"tax_rates_bp":        `INSERT INTO tax_rates VALUES ('US', '', 'standard', 10001, 'half-up')`,
	} {
		if _, err := pool.Exec(context.Background(), sql); !pg.Violates(err, constraint) {
			t.Errorf("%s does not hold: %v", constraint, err)
		}
	}
}

// Lists and prices that change at once take their locks in one order: nobody is refused.
func TestListsAndPricesAtOnce(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	list := pricing.List{ID: "us", Name: "US", Currency: "USD"}
	do(t, s.PutList(t.Context(), by, list))
	errs := testkit.Race(8, func(i int) (err error) {
		for n := 0; n < 10 && err == nil; n++ {
			if i%2 == 0 {
				err = s.PutList(t.Context(), by, list)
			} else {
				err = s.PutPrices(t.Context(), by, "us", []app.PriceRow{row("a", int64(i+1))})
			}
		}
		return err
	})
	for _, err := range errs {
		do(t, err)
	}
}
