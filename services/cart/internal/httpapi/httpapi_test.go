package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/cart/internal/app"
	"github.com/sidecart/sidecart/services/cart/internal/carttest"
	"github.com/sidecart/sidecart/services/cart/internal/daprio"
	"github.com/sidecart/sidecart/services/cart/internal/postgres"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
)

// world is the whole service on a real database, with fakes for what is beyond its sidecar.
type world struct {
	apitest.Client
	shop   *carttest.Shop
	state  *carttest.State
	clock  *carttest.Clock
	carts  *app.Carts
	store  *postgres.Store
	pool   *pgxpool.Pool
	signer *auth.Signer
}

func serve(t *testing.T) *world {
	t.Helper()
	w := &world{clock: carttest.NewClock(), state: carttest.NewState(), pool: testkit.Schema(t, postgres.Migrations()...)}
	w.shop = carttest.NewShop(w.clock)
	w.shop.Sell(1000, "shirt", "mug")
	w.shop.Sell(250, "pen")
	w.store = postgres.New(w.pool, outbox.New(w.pool, outbox.Options{Source: "cart"}))
	var n atomic.Int64
	w.carts = &app.Carts{Store: w.store, Projections: daprio.NewProjections(w.state, 720*time.Hour, slog.New(slog.DiscardHandler)), Pricer: w.shop, Catalog: w.shop,
		Now: w.clock.Now, NewID: func() string { return fmt.Sprintf("%032x", n.Add(1)) }, TTL: 720 * time.Hour, Channels: []string{"app", "phone"}, Log: slog.New(slog.DiscardHandler)}
	var verifier *auth.Verifier
	w.signer, verifier = apitest.Signer(t)
	s := httpx.New(httpx.Config{Name: "cart", Verifier: verifier})
	Register(s, w.carts, Defaults{Currency: "USD", Country: "US"})
	w.Client = apitest.Client{T: t, Handler: s}
	return w
}

// begin makes a cart and returns its path.
func (w *world) begin() string {
	w.T.Helper()
	a := w.Do("POST", "/v1/carts", `{}`).Want(201)
	return a.Header.Get("Location")
}

func decode(t *testing.T, a *apitest.Answer) (c cartapi.Cart) {
	t.Helper()
	a.JSON(&c)
	return c
}

func TestJourney(t *testing.T) {
	t.Parallel()
	w := serve(t)
	a := w.Do("POST", "/v1/carts", `{"currency":"EUR","country":"DE"}`).Want(201)
	c := decode(t, a)
	path := "/v1/carts/" + c.ID
	if a.Header.Get("Location") != path || a.Header.Get("ETag") != `"v1"` || a.Header.Get("Cache-Control") != "no-store" || c.Version != 1 || c.Currency != "EUR" || c.Country != "DE" || c.Lines == nil || c.Totals.Total.Currency != "EUR" {
		t.Errorf("new cart %+v, headers %v", c, a.Header)
	}
	w.Do("POST", path+"/lines", `{"sku":"shirt","quantity":2,"metadata":{"gift": "<3"}}`).Want(201)
	w.Do("POST", path+"/lines", `{"sku":"mug","quantity":1}`).Want(201)
	c = decode(t, w.Do("POST", path+"/lines", `{"sku":"shirt","quantity":3}`).Want(201))
	if len(c.Lines) != 2 || c.Lines[0].Quantity != 5 || c.Lines[0].Title != "A shirt" || string(c.Lines[0].Metadata) != `{"gift":"\u003c3"}` || c.Totals.Total.Minor != 6000 {
		t.Errorf("cart %+v", c)
	}
	w.Do("PATCH", path+"/lines/"+c.Lines[0].ID, `{"quantity":1}`).Want(200)
	c = decode(t, w.Do("POST", path+"/lines/batch", `{"lines":[{"sku":"pen","quantity":2},{"sku":"mug","quantity":1},{"sku":"pen","quantity":2}]}`).Want(201))
	if len(c.Lines) != 3 || c.Lines[2].Quantity != 4 || c.Lines[1].Quantity != 2 || c.Totals.Total.Minor != 4000 {
		t.Errorf("after the batch %+v", c)
	}
	c = decode(t, w.Do("POST", path+"/coupons", `{"code":" ten "}`).Want(201))
	if len(c.Coupons) != 1 || c.Coupons[0].Status != "applied" || c.Totals.Discount.Minor != 400 || c.Totals.Total.Minor != 3600 || c.Lines[0].Discounts[0].Amount.Minor != 100 {
		t.Errorf("with a coupon %+v", c)
	}
	c = decode(t, w.Do("DELETE", path+"/coupons/TEN", nil).Want(200))
	c = decode(t, w.Do("DELETE", path+"/lines/"+c.Lines[2].ID, nil).Want(200))
	c = decode(t, w.Do("PATCH", path+"/lines/"+c.Lines[1].ID, `{"quantity":0}`).Want(200))
	got := w.Do("GET", path, nil).Want(200)
	if diff := cmp.Diff(c, decode(t, got)); diff != "" {
		t.Errorf("read differs from the last answer: %s", diff)
	}
	if c.Version != 10 || got.Header.Get("ETag") != `"v10"` || len(c.Lines) != 1 || c.Totals.Total.Minor != 1000 || !c.ExpiresAt.Equal(w.clock.Now().Add(720*time.Hour)) {
		t.Errorf("in the end %+v", c)
	}
	var snap cartapi.Snapshot
	w.As("checkout").Do("GET", cartapi.PathSnapshot+c.ID+"/snapshot", nil).Want(200).JSON(&snap)
	if snap.Completed || snap.Quote.ID == "" || snap.Quote.Lines[0].Total.Minor != 1000 || snap.Cart.Version != 10 {
		t.Errorf("snapshot %+v", snap)
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	w := serve(t)
	path := w.begin()
	w.Do("POST", path+"/lines", `{"sku":"shirt","quantity":2}`).Want(201)
	w.Do("PATCH", path+"/lines/l1", `{"quantity":3}`).Want(200)
	w.Do("POST", path+"/coupons", `{"code":"X"}`).Want(201)
	var page httpx.Page[cartapi.LogEntry]
	w.Do("GET", path+"/events?limit=3", nil).Want(200).JSON(&page)
	if len(page.Items) != 3 || page.NextCursor == nil {
		t.Fatalf("page %+v", page)
	}
	var got []string
	for _, e := range page.Items {
		got = append(got, fmt.Sprintf("%d %s %s", e.Version, e.Type, e.Data))
	}
	want := []string{`1 created {"currency": "USD", "country": "US"}`, `2 lines_added {"lines": [{"id": "l1", "sku": "shirt", "quantity": 2}]}`, `3 quantity_changed {"line_id": "l1", "quantity": 3}`}
	for i := range want {
		if !sameWords(got[i], want[i]) {
			t.Errorf("entry %d: %s, want %s", i, got[i], want[i])
		}
	}
	w.Do("GET", path+"/events?limit=3&cursor="+*page.NextCursor, nil).Want(200).JSON(&page)
	if len(page.Items) != 1 || page.Items[0].Type != "coupon_added" || page.NextCursor != nil {
		t.Errorf("last page %+v", page)
	}
	w.Do("POST", path+"/lines", `{"sku":"mug","quantity":1,"metadata":{"a":"\ud800","b":1e-20000}}`).Want(201)
	w.Do("GET", path+"/events", nil).Want(200)
	w.Do("GET", path+"/events?cursor=rubbish", nil).Problem(422, "validation-failed")
}

// sameWords compares without white space.
func sameWords(a, b string) bool {
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
	return squeeze(a) == squeeze(b)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	w := serve(t)
	path := w.begin()
	w.Do("POST", path+"/lines", `{"sku":"shirt","quantity":9999}`).Want(201)
	w.shop.Sell(1, "gone", "free")
	w.shop.Withdraw("gone")
	w.shop.Unprice("free")
	nobody := "/v1/carts/" + strings.Repeat("f", 32)
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		code               string
		locations          []string
	}{
		"no JSON":                  {"POST", path + "/lines", `{`, 400, "malformed", []string{"body"}},
		"no body":                  {"POST", path + "/lines", ``, 400, "malformed", nil},
		"unknown member":           {"POST", path + "/lines", `{"sku":"shirt","quantity":1,"price":0}`, 422, "validation-failed", []string{"body.price"}},
		"wrong types":              {"POST", path + "/lines", `{"sku":5,"quantity":"1","metadata":[]}`, 422, "validation-failed", []string{"body.quantity", "body.sku"}},
		"metadata is no object":    {"POST", path + "/lines", `{"sku":"shirt","quantity":1,"metadata":[]}`, 422, "validation-failed", []string{"body.metadata"}},
		"metadata is huge":         {"POST", path + "/lines", `{"sku":"shirt","quantity":1,"metadata":{"a":"` + strings.Repeat("x", 2048) + `"}}`, 422, "validation-failed", []string{"body.metadata"}},
		"metadata grows":           {"POST", path + "/lines", `{"sku":"shirt","quantity":1,"metadata":{"a":"` + strings.Repeat("<", 400) + `"}}`, 422, "validation-failed", []string{"body.metadata"}},
		"nothing":                  {"POST", path + "/lines", `{"sku":"shirt","quantity":0}`, 422, "validation-failed", []string{"body.quantity"}},
		"less than nothing":        {"POST", path + "/lines", `{"sku":"shirt","quantity":-1}`, 422, "validation-failed", []string{"body.quantity"}},
		"half a shirt":             {"POST", path + "/lines", `{"sku":"shirt","quantity":0.5}`, 422, "validation-failed", []string{"body.quantity", "body.quantity"}},
		"overflow":                 {"POST", path + "/lines", `{"sku":"shirt","quantity":9223372036854775807}`, 422, "validation-failed", []string{"body.quantity"}},
		"more than anybody wants":  {"POST", path + "/lines", `{"sku":"shirt","quantity":9007199254740991}`, 409, "quantity-limit", nil},
		"one more":                 {"POST", path + "/lines", `{"sku":"shirt","quantity":1}`, 409, "quantity-limit", nil},
		"a bad SKU":                {"POST", path + "/lines", `{"sku":"a/b","quantity":1}`, 422, "validation-failed", []string{"body.sku"}},
		"an unknown SKU":           {"POST", path + "/lines", `{"sku":"ghost","quantity":1}`, 422, "unknown-sku", []string{"body.sku"}},
		"a SKU without a price":    {"POST", path + "/lines", `{"sku":"free","quantity":1}`, 422, "not-sellable", []string{"body.sku"}},
		"a withdrawn SKU":          {"POST", path + "/lines", `{"sku":"gone","quantity":1}`, 422, "not-sellable", []string{"body.sku"}},
		"a batch with bad ones":    {"POST", path + "/lines/batch", `{"lines":[{"sku":"mug","quantity":1},{"sku":"ghost","quantity":1},{"sku":"phantom","quantity":1}]}`, 422, "unknown-sku", []string{"body.lines[1].sku", "body.lines[2].sku"}},
		"an empty batch":           {"POST", path + "/lines/batch", `{"lines":[]}`, 422, "validation-failed", []string{"body.lines"}},
		"a batch of 501":           {"POST", path + "/lines/batch", `{"lines":[` + strings.Repeat(`{"sku":"mug","quantity":1},`, 500) + `{"sku":"mug","quantity":1}]}`, 422, "validation-failed", []string{"body.lines"}},
		"too much of a line":       {"PATCH", path + "/lines/l1", `{"quantity":10000}`, 409, "quantity-limit", nil},
		"negative change":          {"PATCH", path + "/lines/l1", `{"quantity":-1}`, 422, "validation-failed", []string{"body.quantity"}},
		"another's line":           {"PATCH", path + "/lines/l9", `{"quantity":1}`, 404, "line-not-found", nil},
		"a line removed before":    {"DELETE", path + "/lines/l9", ``, 404, "line-not-found", nil},
		"a coupon nobody gave":     {"DELETE", path + "/coupons/NONE", ``, 404, "coupon-not-found", nil},
		"a coupon of odd letters":  {"POST", path + "/coupons", `{"code":"a b"}`, 422, "validation-failed", []string{"body.code"}},
		"no coupon":                {"POST", path + "/coupons", `{"code":""}`, 422, "validation-failed", []string{"body.code"}},
		"an unknown cart":          {"GET", nobody, ``, 404, "cart-not-found", nil},
		"a line of an unknown one": {"POST", nobody + "/lines", `{"sku":"shirt","quantity":1}`, 404, "cart-not-found", nil},
		"the log of an unknown":    {"GET", nobody + "/events", ``, 404, "cart-not-found", nil},
		"an id that cannot exist":  {"GET", "/v1/carts/ABC", ``, 404, "cart-not-found", nil},
		"an injected id":           {"DELETE", "/v1/carts/%27;--/lines/l1", ``, 404, "cart-not-found", nil},
		"a merge with itself":      {"POST", path + "/merge", `{"from_cart_id":"` + strings.TrimPrefix(path, "/v1/carts/") + `"}`, 422, "validation-failed", []string{"body.from_cart_id"}},
		"a merge with nobody":      {"POST", path + "/merge", `{"from_cart_id":"` + strings.Repeat("f", 32) + `"}`, 404, "cart-not-found", nil},
		"a huge body":              {"POST", path + "/lines", `{"sku":"` + strings.Repeat("x", 10<<20) + `"}`, 413, "body-too-large", nil},
		"no money":                 {"POST", "/v1/carts", `{"currency":"XXY","country":"usa"}`, 422, "validation-failed", []string{"body.currency", "body.country"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := w.Client
			c.T = t
			var body any
			if tc.body != "" {
				body = tc.body
			}
			got := apitest.Locations(c.Do(tc.method, tc.path, body).Problem(tc.status, tc.code))
			if diff := cmp.Diff(tc.locations, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Cleanup(func() {
		var n int
		if err := w.pool.QueryRow(context.Background(), `SELECT count(*) FROM cart_events`).Scan(&n); err != nil || n != 2 {
			t.Errorf("%d events, want 2: a refusal has written (%v)", n, err)
		}
	})
}

func TestWrongMediaType(t *testing.T) {
	t.Parallel()
	w := serve(t)
	path := w.begin()
	w.With("Content-Type", "text/xml").Do("POST", path+"/lines", `<sku/>`).Problem(415, "unsupported-media-type")
}

func TestSnapshotIsForCheckout(t *testing.T) {
	t.Parallel()
	w := serve(t)
	path := strings.Replace(w.begin(), "/v1/carts/", cartapi.PathSnapshot, 1) + "/snapshot"
	w.Do("GET", path, nil).Problem(403, "forbidden")
	w.As("pricing").Do("GET", path, nil).Problem(403, "forbidden")
	w.As("checkout").Do("GET", path, nil).Want(200)
}

func TestIfMatch(t *testing.T) {
	t.Parallel()
	w := serve(t)
	path := w.begin()
	w.With("If-Match", `"v1"`).Do("POST", path+"/lines", `{"sku":"shirt","quantity":1}`).Want(201)
	w.With("If-Match", `"v1"`).Do("POST", path+"/lines", `{"sku":"shirt","quantity":1}`).Problem(412, "version-conflict")
	w.With("If-Match", `"v0"`).Do("PATCH", path+"/lines/l1", `{"quantity":2}`).Problem(412, "version-conflict")
	w.With("If-Match", `"v3"`).Do("DELETE", path+"/lines/l1", nil).Problem(412, "version-conflict")
	w.With("If-Match", `W/"v2"`).Do("DELETE", path+"/lines/l1", nil).Problem(400, "malformed")
	w.With("If-Match", `*`).Do("DELETE", path+"/lines/l1", nil).Want(200)
}

// Ten edits of one cart at once: without If-Match all are kept, with it exactly one.
func TestConcurrentEdits(t *testing.T) {
	t.Parallel()
	w := serve(t)
	path := w.begin()
	errs := testkit.Race(10, func(int) error {
		if a := w.Do("POST", path+"/lines", `{"sku":"shirt","quantity":1}`); a.Status != 201 {
			return fmt.Errorf("%d %s", a.Status, a.Body)
		}
		return nil
	})
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	c := decode(t, w.Do("GET", path, nil).Want(200))
	if c.Version != 11 || c.Lines[0].Quantity != 10 {
		t.Errorf("version %d, quantity %d", c.Version, c.Lines[0].Quantity)
	}
	guarded := w.With("If-Match", `"v11"`)
	errs = testkit.Race(10, func(int) error {
		switch a := guarded.Do("POST", path+"/lines", `{"sku":"mug","quantity":1}`); a.Status {
		case 201:
			return nil
		case 412:
			return http.ErrBodyNotAllowed
		default:
			t.Errorf("%d %s", a.Status, a.Body)
			return http.ErrNotSupported
		}
	})
	if n := testkit.Wins(errs); n != 1 {
		t.Errorf("%d won, want 1", n)
	}
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	w := serve(t)
	w.With("Idempotency-Key", "short").Do("POST", "/v1/carts", `{}`).Problem(400, "malformed")
	strong := w.With("Idempotency-Key", strings.Repeat("k", 32))
	first, again := strong.Do("POST", "/v1/carts", `{}`).Want(201), strong.Do("POST", "/v1/carts", `{}`).Want(201)
	if string(first.Body) != string(again.Body) || again.Header.Get("Idempotency-Replayed") != "true" || first.Header.Get("Idempotency-Replayed") != "" {
		t.Errorf("%s and %s (%v)", first.Body, again.Body, again.Header)
	}
	strong.Do("POST", "/v1/carts", `{"currency":"EUR"}`).Problem(422, "idempotency-key-reused")
	path := first.Header.Get("Location")
	key := w.With("Idempotency-Key", "one")
	answers := make([]*apitest.Answer, 10)
	testkit.Race(10, func(i int) error {
		answers[i] = key.Do("POST", path+"/lines", `{"sku":"shirt","quantity":1}`)
		return nil
	})
	for _, a := range answers {
		if a.Want(201); string(a.Body) != string(answers[0].Body) {
			t.Errorf("answers differ: %s and %s", a.Body, answers[0].Body)
		}
	}
	if c := decode(t, w.Do("GET", path, nil)); c.Version != 2 || c.Lines[0].Quantity != 1 {
		t.Errorf("one key ten times: %+v", c)
	}
	key.Do("POST", path+"/lines", `{"sku":"shirt","quantity":2}`).Problem(422, "idempotency-key-reused")

	key.Do("POST", path+"/lines", `{"sku":"ghost","quantity":2}`).Problem(422, "idempotency-key-reused")

	// What was answered once is answered again, whatever has become of the cart.
	w.Do("DELETE", path+"/lines/l1", nil).Want(200)
	id := strings.TrimPrefix(path, "/v1/carts/")
	if err := w.carts.Complete(t.Context(), id, "o1"); err != nil {
		t.Fatal(err)
	}
	replay := key.Do("POST", path+"/lines", `{"sku":"shirt","quantity":1}`).Want(201)
	if string(replay.Body) != string(answers[0].Body) || replay.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("replay on a completed cart: %s", replay.Body)
	}
	w.With("Idempotency-Key", "two").Do("POST", path+"/lines", `{"sku":"shirt","quantity":1}`).Problem(410, "cart-completed")
	w.With("Idempotency-Key", "two").Do("POST", path+"/lines", `{"sku":"shirt","quantity":1}`).Problem(410, "cart-completed")
}

func TestCompleted(t *testing.T) {
	t.Parallel()
	w := serve(t)
	path := w.begin()
	id := strings.TrimPrefix(path, "/v1/carts/")
	w.Do("POST", path+"/lines", `{"sku":"shirt","quantity":1}`).Want(201)
	for range 2 { // events come twice
		if err := w.carts.Complete(t.Context(), id, "o1"); err != nil {
			t.Fatal(err)
		}
	}
	c := decode(t, w.Do("GET", path, nil).Want(200))
	if c.Version != 3 || len(c.Lines) != 1 {
		t.Errorf("completed cart %+v", c)
	}
	w.Do("POST", path+"/lines", `{"sku":"mug","quantity":1}`).Problem(410, "cart-completed")
	w.Do("PATCH", path+"/lines/l1", `{"quantity":2}`).Problem(410, "cart-completed")
	w.Do("DELETE", path+"/lines/l1", nil).Problem(410, "cart-completed")
	w.Do("POST", path+"/coupons", `{"code":"X"}`).Problem(410, "cart-completed")
	w.Do("POST", path+"/merge", `{"from_cart_id":"`+strings.TrimPrefix(w.begin(), "/v1/carts/")+`"}`).Problem(410, "cart-completed")
	var snap cartapi.Snapshot
	w.As("checkout").Do("GET", cartapi.PathSnapshot+id+"/snapshot", nil).Want(200).JSON(&snap)
	if !snap.Completed {
		t.Error("the snapshot does not say that the cart is completed")
	}
	if err := w.carts.Complete(t.Context(), strings.Repeat("e", 32), "o2"); err != nil {
		t.Errorf("a cart that is gone: %v", err)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	w := serve(t)
	into, from := w.begin(), w.begin()
	guest := strings.TrimPrefix(from, "/v1/carts/")
	w.Do("POST", into+"/lines", `{"sku":"shirt","quantity":1}`).Want(201)
	w.Do("POST", from+"/lines/batch", `{"lines":[{"sku":"mug","quantity":2},{"sku":"shirt","quantity":4}]}`).Want(201)
	w.Do("POST", from+"/coupons", `{"code":"ten"}`).Want(201)
	body := `{"from_cart_id":"` + guest + `"}`
	errs := testkit.Race(5, func(int) error {
		if a := w.Do("POST", into+"/merge", body); a.Status != 200 {
			return fmt.Errorf("%d %s", a.Status, a.Body)
		}
		return nil
	})
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	c := decode(t, w.Do("GET", into, nil).Want(200))
	if len(c.Lines) != 2 || c.Lines[0].Quantity != 5 || c.Lines[1].Quantity != 2 || len(c.Coupons) != 1 || c.Version != 3 {
		t.Errorf("merged %+v", c)
	}
	if empty := decode(t, w.Do("GET", from, nil).Want(200)); len(empty.Lines) != 0 || empty.Totals.Total.Minor != 0 {
		t.Errorf("the guest's cart still has %+v", empty)
	}
	w.Do("POST", from+"/lines", `{"sku":"mug","quantity":1}`).Problem(410, "cart-merged")
	other := w.begin()
	w.Do("POST", other+"/merge", body).Problem(410, "cart-merged")
	for _, path := range []string{into, from} {
		a := w.Do("GET", path+"/events", nil).Want(200)
		if strings.Contains(string(a.Body), guest) || strings.Contains(string(a.Body), strings.TrimPrefix(into, "/v1/carts/")) {
			t.Errorf("the log gives the other cart's id away: %s", a.Body)
		}
	}
}

// Two carts merged into each other at once: one way wins, nothing is lost or doubled.
func TestMergeBothWays(t *testing.T) {
	t.Parallel()
	w := serve(t)
	for range 5 {
		a, b := w.begin(), w.begin()
		w.Do("POST", a+"/lines", `{"sku":"shirt","quantity":1}`).Want(201)
		w.Do("POST", b+"/lines", `{"sku":"mug","quantity":1}`).Want(201)
		paths := [2]string{a, b}
		errs := testkit.Race(2, func(i int) error {
			if got := w.Do("POST", paths[i]+"/merge", `{"from_cart_id":"`+strings.TrimPrefix(paths[1-i], "/v1/carts/")+`"}`); got.Status != 200 {
				return fmt.Errorf("%d %s", got.Status, got.Body)
			}
			return nil
		})
		if testkit.Wins(errs) != 1 {
			t.Errorf("want one winner: %v", errs)
		}
		n := len(decode(t, w.Do("GET", a, nil)).Lines) + len(decode(t, w.Do("GET", b, nil)).Lines)
		if n != 2 {
			t.Errorf("%d lines, want 2", n)
		}
	}
}

func TestAvailabilityAndWithdrawal(t *testing.T) {
	t.Parallel()
	w := serve(t)
	path := w.begin()
	c := decode(t, w.Do("POST", path+"/lines", `{"sku":"shirt","quantity":10}`).Want(201))
	if c.Lines[0].Availability != cartapi.Unknown {
		t.Errorf("availability %q", c.Lines[0].Availability)
	}
	for seq, tc := range []struct {
		level app.Level
		want  string
	}{
		{app.Level{Available: 100, InStock: 100, Status: "in_stock"}, cartapi.InStock},
		{app.Level{Available: 100, InStock: 100}, cartapi.InStock},
		{app.Level{Available: 12, InStock: 12, Status: "low_stock"}, cartapi.LowStock},
		{app.Level{Available: 9, InStock: 9, Status: "in_stock"}, cartapi.LowStock},
		{app.Level{Available: 12, InStock: 9, Status: "low_stock"}, cartapi.Backorder},
		{app.Level{Available: 12, Status: "backorder"}, cartapi.Backorder},
		{app.Level{Available: 12, Status: "preorder"}, cartapi.Preorder},
		{app.Level{Available: 3, Status: "preorder"}, cartapi.LowStock},
		{app.Level{Status: "out_of_stock"}, cartapi.OutOfStock},
		{app.Level{Available: -3}, cartapi.OutOfStock},
	} {
		if err := w.store.KeepLevel(t.Context(), "shirt", int64(seq+1), tc.level); err != nil {
			t.Fatal(err)
		}
		if got := decode(t, w.Do("GET", path, nil)).Lines[0].Availability; got != tc.want {
			t.Errorf("%+v: %s, want %s", tc.level, got, tc.want)
		}
	}
	if err := w.store.KeepProduct(t.Context(), "p-shirt", 2, nil); err != nil {
		t.Fatal(err)
	}
	if got := decode(t, w.Do("GET", path, nil)).Lines[0].Unsellable; got != "withdrawn" {
		t.Errorf("unsellable %q", got)
	}
	w.Do("POST", path+"/lines", `{"sku":"shirt","quantity":1}`).Problem(422, "not-sellable")
	w.Do("POST", path+"/lines", `{"sku":"mug","quantity":1}`).Want(201)
	w.Do("DELETE", path+"/lines/l1", nil).Want(200)
}

// What has left the catalogue weighs what it weighed.
func TestWeights(t *testing.T) {
	t.Parallel()
	w := serve(t)
	if err := w.store.Keep(t.Context(), []catalogapi.Sellable{{SKU: "lamp", ProductID: "p-lamp", Version: 1, WeightGrams: 1200, Sellable: true}, {SKU: "idea", ProductID: "p-idea", Version: 1}}); err != nil {
		t.Fatal(err)
	}
	ask := func(body string) *apitest.Answer { return w.As("checkout").Do("POST", cartapi.PathWeights, body) }
	for range 2 {
		var got cartapi.Weights
		ask(`{"skus":["lamp","idea","nothing","lamp"]}`).Want(200).JSON(&got)
		if len(got.Grams) != 1 || got.Grams["lamp"] != 1200 {
			t.Errorf("%v", got)
		}
		if err := w.store.KeepProduct(t.Context(), "p-lamp", 2, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []string{`{}`, `{"skus":[]}`, `{"skus":[7]}`, `{"skus":"lamp"}`, `{"skus":["lamp"],"sku":1}`, `{"skus":["` + strings.Repeat(`a","`, 1000) + `a"]}`} {
		ask(bad).Problem(422, "validation-failed")
	}
	w.As("order").Do("POST", cartapi.PathWeights, `{"skus":["lamp"]}`).Problem(403, "forbidden")
}

func TestCustomersCart(t *testing.T) {
	t.Parallel()
	w := serve(t)
	token, err := w.signer.Mint(auth.Principal{Subject: "c1", Kind: auth.KindCustomer}, time.Minute, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c := decode(t, w.With("Authorization", "Bearer "+token).With("Idempotency-Key", "short").Do("POST", "/v1/carts", nil).Want(201))
	if c.CustomerID != "c1" || c.Currency != "USD" || c.Country != "US" {
		t.Errorf("cart %+v", c)
	}
	w.With("Authorization", "Bearer rubbish").Do("POST", "/v1/carts", `{}`).Problem(401, "unauthenticated")
}

func TestDocumentNamesAllRoutes(t *testing.T) {
	t.Parallel()
	w := serve(t)
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	w.Do("GET", "/openapi.json", nil).Want(200).JSON(&doc)
	for path, methods := range map[string]string{
		"/v1/carts": "post", "/v1/carts/{id}": "get", "/v1/carts/{id}/lines": "post", "/v1/carts/{id}/lines/batch": "post",
		"/v1/carts/{id}/lines/{line_id}": "patch delete", "/v1/carts/{id}/coupons": "post", "/v1/carts/{id}/coupons/{code}": "delete",
		"/v1/carts/{id}/merge": "post", "/v1/carts/{id}/events": "get", "/v1/internal/carts/{id}/snapshot": "get",
		cartapi.PathWeights: "post",
	} {
		for m := range strings.FieldsSeq(methods) {
			if doc.Paths[path][m] == nil {
				t.Errorf("%s %s is not in the document", m, path)
			}
		}
	}
}
