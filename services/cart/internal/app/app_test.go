package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/cart/internal/app"
	"github.com/sidecart/sidecart/services/cart/internal/cart"
	"github.com/sidecart/sidecart/services/cart/internal/carttest"
	"github.com/sidecart/sidecart/services/cart/internal/daprio"
	"github.com/sidecart/sidecart/services/cart/internal/postgres"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
)

const ttl = 720 * time.Hour

// world is the use cases on a real database, everything else faked.
type world struct {
	*app.Carts
	t     testing.TB
	shop  *carttest.Shop
	state *carttest.State
	clock *carttest.Clock
	store *postgres.Store
	pool  *pgxpool.Pool
}

var discard = slog.New(slog.DiscardHandler)

func open(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, clock: carttest.NewClock(), state: carttest.NewState(), pool: testkit.Schema(t, postgres.Migrations()...)}
	w.shop = carttest.NewShop(w.clock)
	w.shop.Sell(100, "a", "b", "c", "d", "e")
	w.store = postgres.New(w.pool, outbox.New(w.pool, outbox.Options{Source: "cart"}))
	w.Carts = w.replica()
	return w
}

// replica is another process of the same service.
func (w *world) replica() *app.Carts {
	var mu sync.Mutex
	n := 0
	return &app.Carts{Store: w.store, Projections: daprio.NewProjections(w.state, ttl, discard), Pricer: w.shop, Catalog: w.shop,
		Now: w.clock.Now, TTL: ttl, Log: discard, NewID: func() string {
			mu.Lock()
			defer mu.Unlock()
			n++
			return fmt.Sprintf("%032x", n)
		}}
}

func (w *world) begin() app.Command {
	w.t.Helper()
	res, err := w.Create(w.t.Context(), app.Begin{Command: app.Command{Actor: "test"}, Currency: "USD", Country: "US"})
	if err != nil {
		w.t.Fatal(err)
	}
	return app.Command{CartID: res.Cart.ID, Actor: "test"}
}

func (w *world) add(cmd app.Command, sku string, quantity int64) cartapi.Cart {
	w.t.Helper()
	res, err := w.Add(w.t.Context(), cmd, false, cart.Item{SKU: sku, Quantity: quantity})
	if err != nil {
		w.t.Fatal(err)
	}
	return res.Cart
}

func (w *world) read(cmd app.Command) cartapi.Cart {
	w.t.Helper()
	c, err := w.Get(w.t.Context(), cmd.CartID)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func quantities(c cartapi.Cart) map[string]int64 {
	all := map[string]int64{}
	for _, l := range c.Lines {
		all[l.SKU] += l.Quantity
	}
	return all
}

// What a command may cost: one state get, one quote, one state set, one SQL statement.
func TestCostOfACommand(t *testing.T) {
	t.Parallel()
	w := open(t)
	cmd := w.begin()
	w.add(cmd, "a", 1)
	w.add(cmd, "b", 1) // catalog is asked for what the replica does not know
	gets, sets := w.state.Calls()
	quotes, lookups := w.shop.Calls()
	ctx, counter := pg.WithCounter(t.Context())
	if _, err := w.Add(ctx, cmd, false, cart.Item{SKU: "a", Quantity: 1}); err != nil {
		t.Fatal(err)
	}
	g, s := w.state.Calls()
	q, l := w.shop.Calls()
	if g-gets != 1 || s-sets != 1 || q-quotes != 1 || l != lookups || counter.Statements() != 1 {
		t.Errorf("%d gets, %d sets, %d quotes, %d look-ups, %d statements; want 1, 1, 1, 0, 1", g-gets, s-sets, q-quotes, l-lookups, counter.Statements())
	}
	gets, sets = w.state.Calls()
	ctx, counter = pg.WithCounter(t.Context())
	if _, err := w.Get(ctx, cmd.CartID); err != nil {
		t.Fatal(err)
	}
	g, s = w.state.Calls()
	if q2, _ := w.shop.Calls(); g-gets != 1 || s != sets || q2 != q || counter.Statements() != 1 {
		t.Errorf("a read: %d gets, %d sets, %d quotes, %d statements; want 1, 0, 0, 1", g-gets, s-sets, q2-q, counter.Statements())
	}
}

// The whole way of a cart through one process: a statement for each change of it and for each look at it, and nothing is asked of the
// state store. Another process, which closes it, reads the log once; so does the first one when its copy is behind.
func TestCostOfACart(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.Projections = daprio.NewNear(w.Projections)
	w.add(w.begin(), "a", 1) // catalog is asked for it once
	ctx, counter := pg.WithCounter(t.Context())
	made := func() string {
		t.Helper()
		res, err := w.Create(ctx, app.Begin{Command: app.Command{Actor: "test"}, Currency: "USD", Country: "US"})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := w.Add(ctx, app.Command{CartID: res.Cart.ID, Actor: "test"}, false, cart.Item{SKU: "a", Quantity: 1}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Snapshot(ctx, res.Cart.ID); err != nil {
			t.Fatal(err)
		}
		return res.Cart.ID
	}
	gets, _ := w.state.Calls()
	id := made()
	if err := w.Complete(ctx, id, "o1"); err != nil {
		t.Fatal(err)
	}
	if now, _ := w.state.Calls(); counter.Statements() != 5 || now != gets {
		t.Errorf("%d statements and %d reads of the state store, want 5 and none", counter.Statements(), now-gets)
	}
	before := counter.Statements()
	for _, order := range []string{"o1", "o2"} { // what is near is open still, and is not believed
		if err := w.Complete(ctx, id, order); err != nil {
			t.Fatal(err)
		}
	}
	if n := counter.Statements() - before; n != 4 {
		t.Errorf("closing it twice more cost %d statements, want 4", n)
	}
	other, id := w.replica(), made()
	before = counter.Statements()
	if err := other.Complete(ctx, id, "o3"); err != nil {
		t.Fatal(err)
	}
	if n := counter.Statements() - before; n != 2 {
		t.Errorf("another process closed it with %d statements, want 2", n)
	}
	if _, err := w.Add(ctx, app.Command{CartID: id, Actor: "test"}, false, cart.Item{SKU: "a", Quantity: 1}); fault.CodeOf(err) != "cart-completed" {
		t.Errorf("a cart that was closed elsewhere takes more: %v", err)
	}
}

// The state store loses writes, forgets everything, answers old values and rubbish in the middle of 200 edits by two replicas:
// no line is lost, none is there twice, and every read shows the last edit.
func TestStateStoreThatCannotBeTrusted(t *testing.T) {
	t.Parallel()
	w := open(t)
	other := w.replica()
	other.Projections = daprio.NewNear(other.Projections) // what it remembers is old each time
	rng := testkit.Rand(t)
	cmd := w.begin()
	var mu sync.Mutex
	w.state.Before(func(_ context.Context, op, key string) error {
		mu.Lock()
		n := rng.IntN(12)
		mu.Unlock()
		switch {
		case n == 0:
			w.state.Wipe()
		case n == 1:
			w.state.Put(key, []byte(`{"v":99}`))
		case n == 2 && op == "set":
			return carttest.ErrState // lost
		case n == 3:
			return carttest.ErrState
		}
		return nil
	})
	old := []byte(nil)
	want := map[string]int64{}
	for i := range 200 {
		sku := string(rune('a' + i%5))
		carts := []*app.Carts{w.Carts, other}[i%2]
		res, err := carts.Add(t.Context(), cmd, false, cart.Item{SKU: sku, Quantity: 1})
		if err != nil {
			t.Fatalf("edit %d: %v", i, err)
		}
		want[sku]++
		if res.Cart.Version != int64(i+2) || quantities(res.Cart)[sku] != want[sku] {
			t.Fatalf("edit %d answers version %d, %v", i, res.Cart.Version, quantities(res.Cart))
		}
		switch i % 20 {
		case 5:
			old = w.state.Peek(cmd.CartID)
		case 15:
			w.state.Put(cmd.CartID, old) // an old value comes back
			if c := w.read(cmd); c.Version != int64(i+2) {
				t.Fatalf("after edit %d a read shows version %d", i, c.Version)
			}
			w.state.Put(cmd.CartID, old)
		}
	}
	if got := quantities(w.read(cmd)); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	w.state.Before(nil)
	w.state.Wipe()
	if got := quantities(w.read(cmd)); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("rebuilt: %v, want %v", got, want)
	}
}

// A refusal is not believed when it comes from an old projection.
func TestAnOldProjectionRefusesNothing(t *testing.T) {
	t.Parallel()
	w := open(t)
	cmd := w.begin()
	w.add(cmd, "a", 1)
	old := w.state.Peek(cmd.CartID)
	w.add(cmd, "b", 1)
	w.state.Put(cmd.CartID, old)
	if res, err := w.SetQuantity(t.Context(), cmd, "l2", 7); err != nil || quantities(res.Cart)["b"] != 7 {
		t.Errorf("a line that the projection has not: %v, %v", quantities(res.Cart), err)
	}
	w.state.Put(cmd.CartID, old)
	match := cmd
	match.IfMatch = 4
	if res, err := w.SetQuantity(t.Context(), match, "l2", 8); err != nil || res.Cart.Version != 5 {
		t.Errorf("If-Match of the true version: %v", err)
	}
	w.state.Put(cmd.CartID, old)
	if res, err := w.SetQuantity(t.Context(), cmd, "l1", 1); err != nil || res.Cart.Version != 5 || len(res.Cart.Lines) != 2 {
		t.Errorf("a command that changes nothing answers version %d: %v", res.Cart.Version, err)
	}
}

// Nor does pricing when it was asked about an old one.
func TestAnOldProjectionCannotBePriced(t *testing.T) {
	t.Parallel()
	w := open(t)
	cmd := w.begin()
	w.add(cmd, "a", 1)
	w.shop.Fail(fault.New(fault.Invalid, "amount-overflow", "too much"), nil)
	w.shop.OnQuote(func() { w.shop.Fail(nil, nil) })
	if c := w.add(cmd, "b", 1); c.Version != 3 {
		t.Errorf("version %d", c.Version)
	}
}

// What an order was placed for is shown as it was then.
func TestACompletedCartKeepsItsQuote(t *testing.T) {
	t.Parallel()
	w := open(t)
	cmd := w.begin()
	w.add(cmd, "a", 2)
	if err := w.Complete(t.Context(), cmd.CartID, "o1"); err != nil {
		t.Fatal(err)
	}
	w.shop.Sell(150, "a")
	w.shop.Fail(fault.New(fault.Unavailable, "x", ""), nil)
	w.clock.Add(time.Hour)
	for range 2 {
		if c := w.read(cmd); c.Totals.Total.Minor != 200 || c.Version != 3 {
			t.Errorf("total %s, version %d", c.Totals.Total, c.Version)
		}
	}
}

func TestStateStoreHangs(t *testing.T) {
	t.Parallel()
	w := open(t)
	cmd := w.begin()
	w.state.Before(func(ctx context.Context, _, _ string) error { <-ctx.Done(); return ctx.Err() })
	for range 20 {
		w.add(cmd, "a", 1)
	}
	if got := quantities(w.read(cmd))["a"]; got != 20 {
		t.Errorf("%d pieces, want 20", got)
	}
	if gets, sets := w.state.Calls(); gets+sets > 10 {
		t.Errorf("a store that hangs was asked %d times: the breaker does not open", gets+sets)
	}
}

func TestPricingIsAway(t *testing.T) {
	t.Parallel()
	w := open(t)
	cmd := w.begin()
	w.add(cmd, "a", 1)
	for name, err := range map[string]error{
		"refused": fault.New(fault.Unavailable, "x", ""), "timed out": fault.New(fault.Timeout, "x", ""), "broken": fault.New(fault.Internal, "internal", ""),
	} {
		w.shop.Fail(err, nil)
		_, got := w.Add(t.Context(), cmd, false, cart.Item{SKU: "b", Quantity: 1})
		if !errors.Is(got, app.ErrPricing) {
			t.Errorf("%s: %v", name, got)
		}
	}
	w.shop.Fail(fault.New(fault.Forbidden, "forbidden", ""), nil)
	if _, err := w.Add(t.Context(), cmd, false, cart.Item{SKU: "b", Quantity: 1}); fault.KindOf(err) != fault.Internal {
		t.Errorf("a refusal that is our mistake reaches the shopper: %v", err)
	}
	w.shop.Fail(fault.New(fault.Invalid, "amount-overflow", "too much").WithField("body.lines[0]", "", nil), nil)
	_, err := w.Add(t.Context(), cmd, false, cart.Item{SKU: "b", Quantity: 1})
	if f, ok := fault.As(err); !ok || f.Code != "amount-overflow" || len(f.Fields) != 0 {
		t.Errorf("overflow: %v", err)
	}
	if c := w.read(cmd); c.Version != 2 {
		t.Errorf("version %d: something was written without a quote", c.Version)
	}
	w.shop.Fail(nil, nil)
	if c := w.add(cmd, "b", 1); c.Version != 3 {
		t.Errorf("version %d after pricing is back", c.Version)
	}
}

func TestCatalogIsAway(t *testing.T) {
	t.Parallel()
	w := open(t)
	cmd := w.begin()
	w.shop.Fail(nil, fault.New(fault.Timeout, "x", ""))
	if _, err := w.Add(t.Context(), cmd, false, cart.Item{SKU: "a", Quantity: 1}); !errors.Is(err, app.ErrCatalog) {
		t.Errorf("%v", err)
	}
	w.shop.Fail(nil, nil)
	w.add(cmd, "a", 1)
	w.shop.Fail(nil, fault.New(fault.Timeout, "x", ""))
	w.add(cmd, "a", 1) // known by now
}

// late is a catalog that withdraws a SKU while it says that it is sold: the event is faster than the answer.
type late struct {
	app.Catalog
	store *postgres.Store
}

func (l late) Sellables(ctx context.Context, skus []string) ([]catalogapi.Sellable, error) {
	all, err := l.Catalog.Sellables(ctx, skus)
	for _, a := range all {
		a.Version, a.Sellable = a.Version+1, false
		err = errors.Join(err, l.store.KeepProduct(ctx, a.ProductID, a.Version, []catalogapi.Sellable{a}))
	}
	return all, err
}

func TestWithdrawnWhileItIsAdded(t *testing.T) {
	t.Parallel()
	w := open(t)
	cmd := w.begin()
	w.Carts.Catalog = late{w.shop, w.store}
	if _, err := w.Add(t.Context(), cmd, false, cart.Item{SKU: "a", Quantity: 1}); !errors.Is(err, app.ErrNotSellable) {
		t.Errorf("%v", err)
	}
}

func TestQuoteIsAskedAgainWhenItRanOut(t *testing.T) {
	t.Parallel()
	w := open(t)
	cmd := w.begin()
	if quotes, _ := w.shop.Calls(); quotes != 0 {
		t.Errorf("an empty cart was quoted")
	}
	w.add(cmd, "a", 2)
	w.shop.Sell(150, "a")
	w.clock.Add(14 * time.Minute)
	if c := w.read(cmd); c.Totals.Total.Minor != 200 {
		t.Errorf("total %s within the quote's time", c.Totals.Total)
	}
	w.clock.Add(time.Minute)
	if c := w.read(cmd); c.Totals.Total.Minor != 300 || c.Version != 2 {
		t.Errorf("total %s, version %d after it", c.Totals.Total, c.Version)
	}
	quotes, _ := w.shop.Calls()
	w.read(cmd)
	if again, _ := w.shop.Calls(); again != quotes {
		t.Error("the new quote was not kept")
	}
}

// A line that has lost its price stands in no total and hinders nothing.
// Checkout learns whose lines came in, and the shopper does not.
func TestSnapshotNamesMergedCarts(t *testing.T) {
	t.Parallel()
	w := open(t)
	guest, own := w.begin(), w.begin()
	w.add(guest, "a", 1)
	if _, err := w.Merge(t.Context(), own, guest.CartID); err != nil {
		t.Fatal(err)
	}
	snap, err := w.Snapshot(t.Context(), own.CartID)
	if err != nil || !slices.Equal(snap.MergedFrom, []string{guest.CartID}) || len(snap.Cart.Lines) != 1 {
		t.Errorf("%+v %v", snap, err)
	}
	if empty, err := w.Snapshot(t.Context(), guest.CartID); err != nil || len(empty.Cart.Lines) != 0 || empty.MergedFrom != nil {
		t.Errorf("%+v %v", empty, err)
	}
}

// A merged cart is ordered all the same, by a checkout that was open before: what it had brought leaves the cart that has it now, wherever
// that is, once, and nothing else does.
func TestAMergedCartIsOrdered(t *testing.T) {
	t.Parallel()
	w := open(t)
	guest, phone, own := w.begin(), w.begin(), w.begin()
	w.add(guest, "a", 2)
	w.add(phone, "a", 1)
	w.add(own, "b", 1)
	for _, m := range [][2]app.Command{{phone, guest}, {own, phone}} {
		if _, err := w.Merge(t.Context(), m[0], m[1].CartID); err != nil {
			t.Fatal(err)
		}
	}
	snap, err := w.Snapshot(t.Context(), own.CartID)
	if got := quantities(snap.Cart); err != nil || got["a"] != 3 || got["b"] != 1 || !slices.Equal(snap.MergedFrom, []string{guest.CartID, phone.CartID}) {
		t.Errorf("%v from %v: %v", got, snap.MergedFrom, err)
	}
	for range 2 {
		if err := w.Complete(t.Context(), guest.CartID, "o1"); err != nil {
			t.Fatal(err)
		}
	}
	snap, err = w.Snapshot(t.Context(), own.CartID)
	if got := quantities(snap.Cart); err != nil || got["a"] != 1 || got["b"] != 1 || !slices.Equal(snap.MergedFrom, []string{phone.CartID}) || snap.Cart.Totals.Total.Minor != 200 {
		t.Errorf("after the order of the first: %v of %s from %v: %v", got, snap.Cart.Totals.Total, snap.MergedFrom, err)
	}
	if err := w.Complete(t.Context(), own.CartID, "o2"); err != nil {
		t.Fatal(err)
	}
	if err := w.Complete(t.Context(), phone.CartID, "o3"); err != nil { // too late to take anything out
		t.Fatal(err)
	}
	if c := w.read(own); quantities(c)["a"] != 1 {
		t.Errorf("an ordered cart changes: %v", quantities(c))
	}
}

func TestALineLosesItsPrice(t *testing.T) {
	t.Parallel()
	w := open(t)
	cmd := w.begin()
	w.add(cmd, "a", 1)
	w.shop.Unprice("a")
	c := w.add(cmd, "b", 2)
	if c.Lines[0].Unsellable != "no-price" || c.Totals.Total.Minor != 200 {
		t.Errorf("cart %+v", c)
	}
	if again := w.read(cmd); again.Lines[0].Unsellable != "no-price" || again.Lines[1].Total.Minor != 200 {
		t.Errorf("read %+v", again)
	}
	if _, err := w.Add(t.Context(), cmd, false, cart.Item{SKU: "a", Quantity: 1}); !errors.Is(err, app.ErrNotSellable) {
		t.Errorf("more of it: %v", err)
	}
	snap, err := w.Snapshot(t.Context(), cmd.CartID)
	if err != nil || len(snap.Quote.Unsellable) != 1 {
		t.Errorf("snapshot %+v, %v", snap.Quote, err)
	}
	if res, err := w.SetQuantity(t.Context(), cmd, "l1", 0); err != nil || len(res.Cart.Lines) != 1 {
		t.Errorf("remove it: %v", err)
	}
}

// Another replica is faster, again and again: the command decides anew until it is given up unwritten.
func TestOthersAreFaster(t *testing.T) {
	t.Parallel()
	w := open(t)
	other := w.replica()
	cmd := w.begin()
	w.add(cmd, "a", 1)
	var once sync.Once
	w.shop.OnQuote(func() {
		once.Do(func() {
			w.shop.OnQuote(nil)
			if _, err := other.SetQuantity(t.Context(), cmd, "l1", 50); err != nil {
				t.Error(err)
			}
		})
	})
	if c := w.add(cmd, "a", 1); c.Lines[0].Quantity != 51 || c.Version != 4 {
		t.Errorf("quantity %d at version %d", c.Lines[0].Quantity, c.Version)
	}
	quiet := true
	w.shop.OnQuote(func() {
		if quiet {
			quiet = false
			if _, err := other.Add(t.Context(), cmd, false, cart.Item{SKU: "b", Quantity: 1}); err != nil {
				t.Error(err)
			}
			quiet = true
		}
	})
	if _, err := w.Add(t.Context(), cmd, false, cart.Item{SKU: "a", Quantity: 1}); !errors.Is(err, app.ErrBusy) {
		t.Errorf("%v", err)
	}
	w.shop.OnQuote(nil)
	if c := w.read(cmd); c.Lines[0].Quantity != 51 || quantities(c)["b"] < 10 {
		t.Errorf("%v", quantities(c))
	}
}

// Four replicas edit one cart at once, without the courtesy of a common queue: every edit is kept.
func TestReplicasAtOnce(t *testing.T) {
	t.Parallel()
	w := open(t)
	cmd := w.begin()
	w.add(cmd, "a", 1)
	replicas := []*app.Carts{w.Carts, w.replica(), w.replica(), w.replica()}
	for _, err := range testkit.Race(20, func(i int) error {
		_, err := replicas[i%4].Add(t.Context(), cmd, false, cart.Item{SKU: "a", Quantity: 1})
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	if c := w.read(cmd); c.Version != 22 || quantities(c)["a"] != 21 {
		t.Errorf("version %d, %v", c.Version, quantities(c))
	}
}

// faulty is a store that fails before or after it has done its work.
type faulty struct {
	app.Store
	faults *testkit.Faults
}

func (f faulty) Apply(ctx context.Context, w app.Write) (answer cartapi.Cart, replayed bool, err error) {
	err = f.faults.Do(ctx, "Apply", func() error {
		answer, replayed, err = f.Store.Apply(ctx, w)
		return err
	})
	return answer, replayed, err
}

func (f faulty) Load(ctx context.Context, id string) (cart.Cart, error) {
	return testkit.Inject(ctx, f.faults, "Load", func() (cart.Cart, error) { return f.Store.Load(ctx, id) })
}

// The database fails before it wrote, or writes and loses the answer. Who repeats with his key has each line exactly once.
func TestRepeatsWithAKey(t *testing.T) {
	t.Parallel()
	w := open(t)
	cmd := w.begin()
	faults := testkit.NewFaults(t, map[string]testkit.Rate{"Apply": {Before: 0.3, After: 0.3}, "Load": {Before: 0.3}})
	var n atomic.Int64
	w.state.Before(func(context.Context, string, string) error {
		if n.Add(1)%3 == 0 {
			return carttest.ErrState // so that carts are loaded
		}
		return nil
	})
	w.Carts.Store = faulty{w.store, faults}
	errs := testkit.Race(20, func(i int) error {
		c := cmd
		c.Key = idem.Key{Scope: "test", Key: fmt.Sprint("key", i)}
		for range 100 {
			_, err := w.Add(t.Context(), c, false, cart.Item{SKU: "a", Quantity: 1})
			if err == nil || !errors.Is(err, testkit.ErrBefore) && !errors.Is(err, testkit.ErrAfter) {
				return err
			}
		}
		return errors.New("never")
	})
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if faults.Injected("Apply") == 0 || faults.Injected("Load") == 0 {
		t.Error("no fault was injected")
	}
	faults.Heal()
	if got := quantities(w.read(cmd))["a"]; got != 20 {
		t.Errorf("%d pieces, want 20", got)
	}
}

func TestExpiryAndAbandonment(t *testing.T) {
	t.Parallel()
	w := open(t)
	sweeper := &app.Sweeper{Store: w.store, Now: w.clock.Now, After: 4 * time.Hour, TTL: ttl, Log: discard}
	sweep := func() {
		t.Helper()
		errs := testkit.Race(3, func(int) error { return sweeper.Sweep(t.Context()) }) // a job may fire twice
		if n := testkit.Wins(errs); n != 3 {
			t.Fatal(errs)
		}
	}
	left, empty, done := w.begin(), w.begin(), w.begin()
	w.add(left, "a", 2)
	w.add(done, "a", 1)
	if err := w.Complete(t.Context(), done.CartID, "o1"); err != nil {
		t.Fatal(err)
	}
	w.clock.Add(4*time.Hour - time.Second)
	sweep()
	if all := w.told(); len(all) != 0 {
		t.Errorf("too early: %v", all)
	}
	w.clock.Add(time.Second)
	touched := w.clock.Now().Add(-4 * time.Hour)
	sweep()
	sweep()
	all := w.told()
	if len(all) != 1 || all[0].CartID != left.CartID || all[0].Version != 2 || all[0].Total.Minor != 200 || all[0].Lines[0] != (cartapi.AbandonedLine{SKU: "a", Quantity: 2}) ||
		!all[0].LastTouched.Equal(touched) || all[0].Sequence != 1 {
		t.Fatalf("told %+v", all)
	}
	w.add(left, "b", 1) // another idle period begins
	w.clock.Add(4 * time.Hour)
	sweep()
	if all := w.told(); len(all) != 2 || all[1].Version != 3 || all[1].Sequence != 2 {
		t.Errorf("told %+v", all)
	}

	w.clock.Add(ttl - 4*time.Hour + time.Second)
	for _, cmd := range []app.Command{left, empty, done} {
		if _, err := w.Get(t.Context(), cmd.CartID); !errors.Is(err, cart.ErrNotFound) {
			t.Errorf("an expired cart: %v", err)
		}
		if _, err := w.Add(t.Context(), cmd, false, cart.Item{SKU: "a", Quantity: 1}); !errors.Is(err, cart.ErrNotFound) {
			t.Errorf("a line for an expired cart: %v", err)
		}
		if _, _, err := w.Events(t.Context(), cmd.CartID, 0, 10); !errors.Is(err, cart.ErrNotFound) {
			t.Errorf("the log of an expired cart: %v", err)
		}
	}
	sweep()
	var n int
	if err := w.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM carts) + (SELECT count(*) FROM cart_events)`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows of expired carts are left (%v)", n, err)
	}
	if all := w.told(); len(all) != 2 {
		t.Errorf("told of an expired cart: %+v", all)
	}
}

// told returns the abandonment events in the outbox.
func (w *world) told() (all []cartapi.AbandonedV1) {
	w.t.Helper()
	rows, err := w.pool.Query(w.t.Context(), `SELECT data FROM outbox WHERE type = $1 ORDER BY position`, cartapi.TypeAbandonedV1)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var data []byte
		var a cartapi.AbandonedV1
		if err := errors.Join(rows.Scan(&data), json.Unmarshal(data, &a)); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// Edits while the log grows past several snapshots, each read rebuilt from nothing.
func TestLongLog(t *testing.T) {
	t.Parallel()
	w := open(t)
	cmd := w.begin()
	rng := rand.New(rand.NewPCG(1, 2))
	want := map[string]int64{}
	for range 130 {
		sku := string(rune('a' + rng.IntN(5)))
		want[sku]++
		w.add(cmd, sku, 1)
	}
	w.state.Wipe()
	if c := w.read(cmd); fmt.Sprint(quantities(c)) != fmt.Sprint(want) || c.Version != 131 {
		t.Errorf("version %d: %v, want %v", c.Version, quantities(c), want)
	}
}

func TestBatchOfTheLargestKind(t *testing.T) {
	t.Parallel()
	w := open(t)
	cmd := w.begin()
	items := make([]cart.Item, cart.MaxLines)
	for i := range items {
		items[i] = cart.Item{SKU: fmt.Sprint("sku-", i), Quantity: 1, Metadata: []byte(`{"note":"` + strings.Repeat("x", 100) + `"}`)}
		w.shop.Sell(100, items[i].SKU)
	}
	if _, err := w.Add(t.Context(), cmd, true, items...); err != nil {
		t.Fatal(err)
	}
	if _, lookups := w.shop.Calls(); lookups != 1 {
		t.Errorf("catalog was asked %d times, want once", lookups)
	}
	if c := w.read(cmd); len(c.Lines) != 500 || c.Lines[499].Title != "A sku-499" || c.Totals.Total.Minor != 50_000 {
		t.Errorf("%d lines, total %s", len(c.Lines), c.Totals.Total)
	}
	// What one more piece costs here: as many statements as in a small cart, an event of its own size, a projection without frills.
	ctx, counter := pg.WithCounter(t.Context())
	if _, err := w.Add(ctx, cmd, false, cart.Item{SKU: "sku-7", Quantity: 1}); err != nil {
		t.Fatal(err)
	}
	var event int
	if err := w.pool.QueryRow(t.Context(), `SELECT length(data::text) FROM cart_events WHERE version = 3`).Scan(&event); err != nil {
		t.Fatal(err)
	}
	if line := len(w.state.Peek(cmd.CartID))/500 - len(items[0].Metadata); counter.Statements() != 1 || event > 100 || line > 100 {
		t.Errorf("%d statements, an event of %d bytes, %d bytes a line; want 1, at most 100, at most 100", counter.Statements(), event, line)
	}
	if _, err := w.Add(t.Context(), cmd, false, cart.Item{SKU: "a", Quantity: 1}); !errors.Is(err, cart.ErrLines) {
		t.Errorf("line 501: %v", err)
	}
}

var _ daprkit.State = (*carttest.State)(nil)
