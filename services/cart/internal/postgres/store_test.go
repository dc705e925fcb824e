package postgres

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/cart/internal/app"
	"github.com/sidecart/sidecart/services/cart/internal/cart"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T) (*Store, *pgxpool.Pool) {
	t.Helper()
	pool := testkit.Schema(t, Migrations()...)
	return New(pool, outbox.New(pool, outbox.Options{Source: "cart"})), pool
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func id(n int) string { return fmt.Sprintf("%032x", n) }

// change is the next event of a cart.
func change(t *testing.T, c cart.Cart, e cart.Event) app.Change {
	t.Helper()
	after, err := c.Apply(cart.Recorded{Version: c.Version + 1, At: at, Event: e})
	do(t, err)
	return app.Change{Event: e, After: after, Total: 100}
}

func write(changes ...app.Change) app.Write { return app.Write{Actor: "test", Changes: changes} }

// put appends events to a new cart and returns it.
func put(t *testing.T, s *Store, n int, events ...cart.Event) cart.Cart {
	t.Helper()
	c := cart.Cart{ID: id(n)}
	for _, e := range append([]cart.Event{cart.Created{Currency: "JPY", Country: "JP", CustomerID: "c1"}}, events...) {
		ch := change(t, c, e)
		_, _, err := s.Apply(t.Context(), write(ch))
		do(t, err)
		c = ch.After
	}
	return c
}

var allEvents = []cart.Event{
	cart.LinesAdded{Lines: []cart.Line{{ID: "l1", SKU: "a", Quantity: 2, Metadata: []byte(`{"z":1,"a":"ü"}`)}, {ID: "l2", SKU: "b", Quantity: 1}}},
	cart.QuantityChanged{LineID: "l1", Quantity: 5},
	cart.CouponAdded{Code: "X"},
	cart.CouponAdded{Code: "Y"},
	cart.CouponRemoved{Code: "X"},
	cart.LineRemoved{LineID: "l2"},
	cart.MergedIn{From: strings.Repeat("d", 32), Lines: []cart.Line{{ID: "l4", SKU: "d", Quantity: 7}}},
	cart.MergedOrdered{From: strings.Repeat("d", 32), OrderID: "o0", Lines: []cart.Line{{SKU: "d", Quantity: 2}}},
	cart.MergedIn{From: strings.Repeat("e", 32), Earlier: []string{strings.Repeat("a", 32)}, Lines: []cart.Line{{ID: "l3", SKU: "c", Quantity: 1}}, Coupons: []string{"Z"}},
	cart.MergedInto{Into: strings.Repeat("f", 32)},
	cart.OrderPlaced{OrderID: "o1"},
}

func TestEveryEventIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	seen := map[reflect.Type]bool{}
	for n := range len(allEvents) + 1 {
		c := put(t, s, n, allEvents[:n]...)
		got, err := s.Load(t.Context(), c.ID)
		do(t, err)
		if diff := cmp.Diff(c, got); diff != "" {
			t.Errorf("after %d events: %s", n, diff)
		}
		if n > 0 {
			seen[reflect.TypeOf(allEvents[n-1])] = true
		}
	}
	if len(seen) != 9 { // Created is the tenth
		t.Errorf("%d types of events are written", len(seen))
	}
	if _, err := decodeEvent("no_such", []byte(`{}`)); err == nil {
		t.Error("an unknown event was read")
	}
	if _, err := s.Load(t.Context(), id(99)); !errors.Is(err, cart.ErrNotFound) {
		t.Errorf("an unknown cart: %v", err)
	}
}

// A snapshot stands for the events before it, and nobody needs them to read the cart.
func TestSnapshotsBoundARebuild(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	events := []cart.Event{allEvents[0], allEvents[2]}
	for i := range 117 {
		events = append(events, cart.QuantityChanged{LineID: "l1", Quantity: int64(i + 1)})
	}
	c := put(t, s, 1, events...)
	tag, err := pool.Exec(t.Context(), `DELETE FROM cart_events WHERE version <= 100`)
	do(t, err)
	if tag.RowsAffected() != 100 {
		t.Errorf("%d events", tag.RowsAffected())
	}
	ctx, counter := pg.WithCounter(t.Context())
	got, err := s.Load(ctx, c.ID)
	do(t, err)
	if diff := cmp.Diff(c, got); diff != "" || counter.Statements() != 1 {
		t.Errorf("%d statements: %s", counter.Statements(), diff)
	}
}

func TestOneWinnerPerVersion(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	c := put(t, s, 1, allEvents[0])
	errs := testkit.Race(20, func(i int) error {
		_, _, err := s.Apply(t.Context(), write(change(t, c, cart.QuantityChanged{LineID: "l1", Quantity: int64(10 + i)})))
		if err != nil && !errors.Is(err, app.ErrConflict) {
			t.Error(err)
		}
		return err
	})
	if n := testkit.Wins(errs); n != 1 {
		t.Errorf("%d winners", n)
	}
	created := change(t, cart.Cart{ID: id(2)}, cart.Created{Currency: "USD", Country: "US"})
	errs = testkit.Race(5, func(int) error { _, _, err := s.Apply(t.Context(), write(created)); return err })
	if n := testkit.Wins(errs); n != 1 {
		t.Errorf("%d carts of one id", n)
	}
}

// Both carts of a merge change, or none.
func TestTwoChangesAreOne(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	a, b := put(t, s, 1, allEvents[0]), put(t, s, 2, allEvents[0])
	stale := b
	do(t, func() error {
		_, _, err := s.Apply(t.Context(), write(change(t, b, cart.CouponAdded{Code: "X"})))
		return err
	}())
	in := change(t, a, cart.MergedIn{From: b.ID})
	if _, _, err := s.Apply(t.Context(), write(in, change(t, stale, cart.MergedInto{Into: a.ID}))); !errors.Is(err, app.ErrConflict) {
		t.Errorf("%v", err)
	}
	got, err := s.Load(t.Context(), a.ID)
	do(t, err)
	if got.Version != a.Version {
		t.Error("half of a merge was kept")
	}
}

func TestNewSKUsMustBeSellable(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	c := put(t, s, 1)
	do(t, s.Keep(t.Context(), []catalogapi.Sellable{{SKU: "a", ProductID: "p", Version: 1, Title: "A", Sellable: true}, {SKU: "off", ProductID: "p", Version: 1}}))
	w := write(change(t, c, cart.LinesAdded{Lines: []cart.Line{{ID: "l1", SKU: "a", Quantity: 1}}}))
	for _, skus := range [][]string{{"a", "ghost"}, {"off"}} {
		w.NewSKUs = skus
		if _, _, err := s.Apply(t.Context(), w); !errors.Is(err, app.ErrItems) {
			t.Errorf("%v: %v", skus, err)
		}
	}
	w.NewSKUs, w.SKUs = []string{"a"}, []string{"a", "ghost"}
	var items map[string]app.Item
	w.Answer = func(got map[string]app.Item) cartapi.Cart { items = got; return cartapi.Cart{} }
	ctx, counter := pg.WithCounter(t.Context())
	_, _, err := s.Apply(ctx, w)
	do(t, err)
	if counter.Statements() != 1 || items["a"].Title != "A" || !items["a"].Sellable || items["ghost"].Known || items["ghost"].Level != nil {
		t.Errorf("%d statements, items %+v", counter.Statements(), items)
	}
}

func TestAnswersAreKeptWithTheChange(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	c := put(t, s, 1)
	w := write(change(t, c, cart.CouponAdded{Code: "X"}))
	w.Key = idem.Key{Scope: "s", Key: "k", Hash: [32]byte{1}}
	zero := money.Zero("USD")
	w.Answer = func(map[string]app.Item) cartapi.Cart {
		return cartapi.Cart{ID: c.ID, Version: 2, Totals: pricingapi.Totals{Subtotal: zero, Discount: zero, Shipping: zero, Tax: zero, Total: zero}}
	}
	if _, ok, err := s.Replay(t.Context(), w.Key); ok || err != nil {
		t.Errorf("before: %v, %v", ok, err)
	}
	errs := testkit.Race(10, func(int) error {
		answer, _, err := s.Apply(t.Context(), w)
		if err == nil && answer.Version != 2 {
			t.Errorf("answer %+v", answer)
		}
		return err
	})
	if n := testkit.Wins(errs); n != 10 {
		t.Errorf("%d of 10 were answered: %v", n, errs)
	}
	if answer, ok, err := s.Replay(t.Context(), w.Key); !ok || err != nil || answer.Version != 2 {
		t.Errorf("after: %+v, %v, %v", answer, ok, err)
	}
	w.Key.Hash = [32]byte{2}
	if _, ok, err := s.Replay(t.Context(), w.Key); ok || !errors.Is(err, idem.ErrReused) {
		t.Errorf("another body: %v, %v", ok, err)
	}
	got, err := s.Load(t.Context(), c.ID)
	do(t, err)
	if got.Version != 2 {
		t.Errorf("version %d", got.Version)
	}
}

// Events of products and levels twice and in any order.
func TestReplicas(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	product := func(version int64, title string, skus ...string) func(context.Context) error {
		var all []catalogapi.Sellable
		for _, sku := range skus {
			all = append(all, catalogapi.Sellable{SKU: sku, ProductID: "p", Version: version, Title: title, WeightGrams: 100 * version, Sellable: true})
		}
		return func(ctx context.Context) error { return s.KeepProduct(ctx, "p", version, all) }
	}
	level := func(sequence, available int64) func(context.Context) error {
		return func(ctx context.Context) error {
			return s.KeepLevel(ctx, "a", sequence, app.Level{Available: available, InStock: available})
		}
	}
	deliveries := []func(context.Context) error{
		product(1, "old", "a", "b"), product(3, "new", "a", "c"), product(2, "middle", "a", "b"), product(3, "new", "a", "c"),
		level(2, 20), level(1, 10), level(2, 20),
	}
	for round := range 5 {
		for i := range deliveries {
			do(t, deliveries[(i*3+round)%len(deliveries)](t.Context()))
		}
	}
	do(t, s.Keep(t.Context(), []catalogapi.Sellable{{SKU: "a", ProductID: "p", Version: 2, Title: "late answer"}}))
	_, items, err := s.Read(t.Context(), id(1), []string{"a", "b", "c"})
	do(t, err)
	if a := items["a"]; a.Title != "new" || !a.Sellable || a.Grams != 300 || a.Level.Available != 20 {
		t.Errorf("a is %+v", a)
	}
	if items["b"].Sellable || !items["b"].Known || !items["c"].Sellable || items["c"].Level != nil {
		t.Errorf("items %+v", items)
	}
	do(t, s.KeepProduct(t.Context(), "p", 4, nil))
	_, items, err = s.Read(t.Context(), id(1), []string{"a", "c"})
	do(t, err)
	if items["a"].Sellable || items["c"].Sellable {
		t.Error("a product without variants is sold")
	}
}

// A late event brings back neither a variant that the replica never knew nor one that has gone to another product.
func TestALateEventBringsNothingBack(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	product := func(id string, version int64, skus ...string) {
		t.Helper()
		var all []catalogapi.Sellable
		for _, sku := range skus {
			all = append(all, catalogapi.Sellable{SKU: sku, ProductID: id, Version: version, Title: id, Sellable: true})
		}
		do(t, s.KeepProduct(t.Context(), id, version, all))
	}
	product("p", 3, "a")
	product("p", 2, "a", "dropped")
	product("q", 1, "moved")
	product("p", 2, "a", "moved")
	_, items, err := s.Read(t.Context(), id(1), []string{"a", "dropped", "moved"})
	do(t, err)
	if items["dropped"].Known || items["moved"].ProductID != "q" || !items["a"].Sellable {
		t.Errorf("items %+v", items)
	}
}

func TestConstraints(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	put(t, s, 1)
	for statement, constraint := range map[string]string{
		`INSERT INTO carts (id, version, status, line_count, total, updated_at) VALUES ('short', 1, 'open', 0, 0, now())`: "carts_id",
		`UPDATE carts SET status = 'lost'`:  "carts_status",
		`UPDATE carts SET line_count = 501`: "carts_line_count",
		`INSERT INTO cart_events SELECT cart_id, version, type, data, actor, at FROM cart_events`:                                    "cart_events_version",
		`INSERT INTO cart_events (cart_id, version, type, data, actor, at) VALUES ('` + id(7) + `', 1, 'created', '{}', 'x', now())`: "cart_events_cart",
	} {
		if _, err := pool.Exec(t.Context(), statement); !pg.Violates(err, constraint) {
			t.Errorf("%s: %v, want a violation of %s", statement, err, constraint)
		}
	}
}

// Metadata that jsonb refuses stands in the log as it was given.
func TestLogOfOddMetadata(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	const odd = `{"b":1e-20000,"a":"\ud800","from":"x"}`
	c := put(t, s, 1, cart.LinesAdded{Lines: []cart.Line{{ID: "l1", SKU: "a", Quantity: 2, Metadata: []byte(odd)}}})
	all, err := s.Log(t.Context(), c.ID, 1, 100)
	do(t, err)
	if want := `{"lines":[{"id":"l1","sku":"a","quantity":2,"metadata":` + odd + `}]}`; len(all) != 1 || string(all[0].Data) != want {
		t.Errorf("log %s, want %s", all[0].Data, want)
	}
}

// A hundred entries can be a hundred megabytes: a page ends before.
func TestLongEntriesMakeShortPages(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	added := cart.LinesAdded{}
	for i := range cart.MaxLines {
		added.Lines = append(added.Lines, cart.Line{ID: fmt.Sprint("l", i), SKU: "a", Quantity: 1, Metadata: []byte(`"` + strings.Repeat("x", 1000) + `"`)})
	}
	c := put(t, s, 1, added, added, added, added)
	for above, want := range map[int64]int{0: 3, 3: 2, 4: 1, 5: 0} { // the first is short, the others have half a megabyte each
		page, err := s.Log(t.Context(), c.ID, above, 100)
		do(t, err)
		if len(page) != want || want > 0 && page[0].Version != above+1 {
			t.Errorf("above %d: %d entries, want %d", above, len(page), want)
		}
	}
}

func TestLogPages(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	c := put(t, s, 1, allEvents...)
	all, err := s.Log(t.Context(), c.ID, 0, 100)
	do(t, err)
	if len(all) != len(allEvents)+1 || all[0].Type != "created" || !all[0].At.Equal(at) {
		t.Errorf("log %+v", all)
	}
	for _, e := range all {
		if slices.ContainsFunc([]string{"aaaa", "dddd", "eeee", "ffff"}, func(id string) bool { return strings.Contains(string(e.Data), id) }) {
			t.Errorf("entry %d gives another cart away: %s", e.Version, e.Data)
		}
	}
	page, err := s.Log(t.Context(), c.ID, 3, 2)
	do(t, err)
	if len(page) != 2 || page[0].Version != 4 {
		t.Errorf("page %+v", page)
	}
}
