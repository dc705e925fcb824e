package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
	"github.com/sidecart/sidecart/services/inventory/internal/postgres"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clock is moved by the test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// noActor is a shop without placement: nobody answers at the actor.
type noActor struct{}

func (noActor) Turn(context.Context, string, []inventory.Change) ([]inventory.Outcome, error) {
	return nil, fault.New(fault.Timeout, "timeout", "no placement")
}

// shop is the whole service on a real database, without a sidecar.
type shop struct {
	t     *testing.T
	pool  *pgxpool.Pool
	store *postgres.Store
	clock *clock
	apitest.Client
	staff, checkout, order apitest.Client
	allocator              *app.Allocator
}

func open(t *testing.T) *shop {
	t.Helper()
	pool := testkit.Schema(t, postgres.Migrations()...)
	store := postgres.New(pool, outbox.New(pool, outbox.Options{Source: "inventory"}))
	store.LowAt, store.LowUntil = 5, 10
	signer, verifier := apitest.Signer(t)
	s := httpx.New(httpx.Config{Name: "inventory", Verifier: verifier, Log: slog.New(slog.DiscardHandler)})
	c := &clock{now: start}
	log := slog.New(slog.DiscardHandler)
	door := &app.Fallback{Actor: noActor{}, Direct: app.Direct{Store: store, Now: c.Now}, Now: c.Now, Log: log}
	limits := &app.Limits{Store: store, Now: c.Now}
	allocator := &app.Allocator{Store: store, Limits: limits, Now: c.Now, Log: log}
	Register(s, Services{
		Holds:     &app.Holds{Store: app.Together(store, c.Now), Combiner: app.NewCombiner(door), Now: c.Now, Log: log},
		Allocator: allocator,
		Staff:     &app.Staff{Store: store, Now: c.Now, Log: log},
		Limits:    limits,
		Auditor:   &app.Auditor{Store: store, Now: c.Now},
		Reader:    store, Now: c.Now,
	})
	client := apitest.Client{T: t, Handler: s}
	return &shop{t: t, pool: pool, store: store, clock: c, Client: client,
		staff: client.Staff(signer, ScopeRead, ScopeWrite), checkout: client.As("checkout"), order: client.As("order"), allocator: allocator}
}

// stocked has ten mugs in Reno and five in Berlin, and three shirts in Berlin.
func stocked(t *testing.T) *shop {
	t.Helper()
	s := open(t)
	s.staff.Do("PUT", "/v1/admin/locations/reno", `{"name":"Reno","country":"US","region":"NV","postal_code":"89501","enabled":true}`).Want(204)
	s.staff.Do("PUT", "/v1/admin/locations/berlin", `{"name":"Berlin","country":"DE","priority":1,"enabled":true}`).Want(204)
	s.staff.Do("POST", "/v1/admin/stock/receive", `{"reference":"start","lines":[{"sku":"mug","location_id":"reno","quantity":10},
		{"sku":"mug","location_id":"berlin","quantity":5},{"sku":"shirt","location_id":"berlin","quantity":3}]}`).Want(200)
	t.Cleanup(func() { s.sound() })
	return s
}

// sound holds the books: no fault in levels, ledger, reservations or held totals.
func (s *shop) sound() {
	s.t.Helper()
	var n int
	if err := s.pool.QueryRow(context.WithoutCancel(s.t.Context()), `SELECT count(*) FROM stock_faults`).Scan(&n); err != nil || n != 0 {
		s.t.Errorf("%d faults in the books (%v)", n, err)
	}
}

func (s *shop) holds(owner string, minutes int, lines string) *apitest.Answer {
	s.t.Helper()
	until := s.clock.Now().Add(time.Duration(minutes) * time.Minute).Format(time.RFC3339)
	return s.checkout.Do("PUT", inventoryapi.PathHolds+owner, `{"expires_at":"`+until+`","lines":[`+lines+`]}`)
}

func (s *shop) available(skus ...string) (all []int64) {
	s.t.Helper()
	var a inventoryapi.AvailabilityAnswer
	s.checkout.Do("POST", inventoryapi.PathAvailability, inventoryapi.AvailabilityRequest{SKUs: skus}).Want(200).JSON(&a)
	for _, i := range a.Items {
		all = append(all, i.Available)
	}
	return all
}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// The journey of one order: hold, take, find the hold gone and counted once, release.
func TestFromHoldToAllocationAndBack(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	var held inventoryapi.Holds
	s.holds("cart1", 15, `{"sku":"mug","quantity":12},{"sku":"shirt","quantity":1}`).Want(200).JSON(&held)
	if held.Owner != "cart1" || len(held.Holds) != 2 || held.Holds[0].ID != "cart1:mug" || !held.Holds[0].ExpiresAt.Equal(start.Add(15*time.Minute)) {
		t.Errorf("holds %+v", held)
	}
	same(t, "available with holds", s.available("mug", "shirt", "ghost"), []int64{3, 2})

	const take = `{"owner":"cart1","country":"DE","lines":[{"line_id":"l1","sku":"mug","quantity":7},{"line_id":"l2","sku":"shirt","quantity":1},{"line_id":"l3","sku":"mug","quantity":5}]}`
	var got, again inventoryapi.Allocation
	s.order.Do("PUT", inventoryapi.PathAllocations+"order1-1", take).Want(200).JSON(&got)
	want := []inventoryapi.AllocationLine{
		{LineID: "l1", SKU: "mug", Quantity: 7, Parts: []inventoryapi.AllocationPart{{LocationID: "berlin", Quantity: 5, Kind: "stock"}, {LocationID: "reno", Quantity: 2, Kind: "stock"}}},
		{LineID: "l2", SKU: "shirt", Quantity: 1, Parts: []inventoryapi.AllocationPart{{LocationID: "berlin", Quantity: 1, Kind: "stock"}}},
		{LineID: "l3", SKU: "mug", Quantity: 5, Parts: []inventoryapi.AllocationPart{{LocationID: "reno", Quantity: 5, Kind: "stock"}}},
	}
	same(t, "allocation", got, inventoryapi.Allocation{OrderID: "order1-1", Status: "allocated", Lines: want})
	same(t, "available once allocated: nothing counted twice", s.available("mug", "shirt"), []int64{3, 2})
	s.order.Do("PUT", inventoryapi.PathAllocations+"order1-1", take).Want(200).JSON(&again)
	same(t, "repeated", again, got)
	s.order.Do("PUT", inventoryapi.PathAllocations+"order1-1", strings.Replace(take, `"quantity":7`, `"quantity":6`, 1)).Problem(409, "allocation-differs")
	s.holds("cart2", 15, `{"sku":"mug","quantity":3}`).Want(200)
	s.holds("cart3", 15, `{"sku":"mug","quantity":1}`).Problem(409, "out-of-stock")

	s.order.Do("DELETE", inventoryapi.PathAllocations+"order1-1", nil).Want(200).JSON(&got)
	if got.Status != "released" || got.Released == nil || len(got.Lines) != 3 {
		t.Errorf("released %+v", got)
	}
	s.order.Do("DELETE", inventoryapi.PathAllocations+"order1-1", nil).Want(200).JSON(&again)
	same(t, "released again", again, got)
	same(t, "available once released", s.available("mug", "shirt"), []int64{12, 3})
	s.order.Do("PUT", inventoryapi.PathAllocations+"order1-1", take).Problem(409, "allocation-released")
	s.order.Do("PUT", inventoryapi.PathAllocations+"order1-2", take).Want(200) // the next attempt
	s.order.Do("GET", inventoryapi.PathAllocations+"order1-2", nil).Want(200)
}

func TestHoldsAreAllOrNothing(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.holds("cart1", 15, `{"sku":"mug","quantity":4},{"sku":"shirt","quantity":1}`).Want(200)
	s.clock.advance(time.Minute)
	p := s.holds("cart1", 15, `{"sku":"mug","quantity":20},{"sku":"ghost","quantity":1},{"sku":"shirt","quantity":3}`).Problem(409, "out-of-stock")
	lines, err := json.Marshal(p["lines"])
	if err != nil {
		t.Fatal(err)
	}
	var short []inventoryapi.Shortage
	if err := json.Unmarshal(lines, &short); err != nil {
		t.Fatal(err)
	}
	same(t, "shortages", short, []inventoryapi.Shortage{{SKU: "mug", Requested: 20, Available: 15}, {SKU: "ghost", Requested: 1, Available: 0}})
	var held inventoryapi.Holds
	s.checkout.Do("GET", inventoryapi.PathHolds+"cart1", nil).Want(200).JSON(&held)
	same(t, "held as before", held.Holds, []inventoryapi.Hold{{ID: "cart1:mug", SKU: "mug", Quantity: 4, ExpiresAt: start.Add(15 * time.Minute)},
		{ID: "cart1:shirt", SKU: "shirt", Quantity: 1, ExpiresAt: start.Add(15 * time.Minute)}})

	// Another set: one more, one less, one gone.
	s.holds("cart1", 30, `{"sku":"mug","quantity":2}`).Want(200).JSON(&held)
	same(t, "available", s.available("mug", "shirt"), []int64{13, 3})
	s.holds("cart1", 30, `{"sku":"mug","quantity":2}`).Want(200) // repeated
	s.checkout.Do("DELETE", inventoryapi.PathHolds+"cart1", nil).Want(204)
	s.checkout.Do("DELETE", inventoryapi.PathHolds+"cart1", nil).Want(204)
	same(t, "available", s.available("mug", "shirt"), []int64{15, 3})
}

func TestHoldsEndByTheClock(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.holds("cart1", 15, `{"sku":"shirt","quantity":3}`).Want(200)
	s.holds("cart2", 15, `{"sku":"shirt","quantity":1}`).Problem(409, "out-of-stock")
	s.clock.advance(15 * time.Minute)
	same(t, "available before anything folded them", s.available("shirt"), []int64{3})
	s.holds("cart2", 15, `{"sku":"shirt","quantity":2}`).Want(200)
	var held inventoryapi.Holds
	s.checkout.Do("GET", inventoryapi.PathHolds+"cart1", nil).Want(200).JSON(&held)
	same(t, "holds of the first", len(held.Holds), 0)
	if err := (&app.Sweeper{Store: s.store, Now: s.clock.Now}).Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	var data []byte
	if err := s.pool.QueryRow(t.Context(), `SELECT data FROM outbox WHERE type = $1 AND subject = 'cart1:shirt'`, inventoryapi.TypeHoldExpiredV1).Scan(&data); err != nil {
		t.Fatal(err)
	}
	var ev inventoryapi.HoldExpiredV1
	if err := json.Unmarshal(data, &ev); err != nil {
		t.Fatal(err)
	}
	same(t, "event", ev, inventoryapi.HoldExpiredV1{Sequence: 1, HoldID: "cart1:shirt", Owner: "cart1", SKU: "shirt", Quantity: 3, ExpiredAt: start.Add(15 * time.Minute)})
}

func TestBadInputAtInternalDoors(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	const future, past = "2026-03-01T12:10:00Z", "2026-03-01T11:00:00Z"
	long := strings.Repeat("x", 81)
	for name, tc := range map[string]struct {
		path, body string
		status     int
		code       string
		locations  []string
	}{
		"no JSON":         {"holds/c", `{`, 400, "malformed", []string{"body"}},
		"unknown member":  {"holds/c", `{"expires_at":"` + future + `","lines":[],"force":true}`, 422, "validation-failed", []string{"body.force"}},
		"wrong types":     {"holds/c", `{"expires_at":5,"lines":{}}`, 422, "validation-failed", []string{"body.expires_at", "body.lines"}},
		"a float":         {"holds/c", `{"expires_at":"` + future + `","lines":[{"sku":"mug","quantity":1.5}]}`, 422, "validation-failed", []string{"body.lines[0].quantity"}},
		"negative":        {"holds/c", `{"expires_at":"` + future + `","lines":[{"sku":"mug","quantity":-1}]}`, 422, "validation-failed", []string{"body.lines[0].quantity"}},
		"overflow":        {"holds/c", `{"expires_at":"` + future + `","lines":[{"sku":"mug","quantity":99999999999999999999}]}`, 422, "validation-failed", []string{"body.lines[0].quantity"}},
		"all at once":     {"holds/c", `{"expires_at":"` + past + `","lines":[{"sku":"m g","quantity":1},{"sku":"a","quantity":1},{"sku":"a","quantity":1}]}`, 422, "validation-failed", []string{"body.expires_at", "body.lines[0].sku", "body.lines[2].sku"}},
		"a day and more":  {"holds/c", `{"expires_at":"2027-03-01T11:00:00Z","lines":[]}`, 422, "validation-failed", []string{"body.expires_at"}},
		"a foreign owner": {"holds/" + long, `{"expires_at":"` + future + `","lines":[]}`, 404, "not-found", nil},
		"a huge body":     {"holds/c", `{"expires_at":"` + strings.Repeat("x", 2<<20) + `"}`, 413, "body-too-large", nil},
		"no lines":        {"allocations/o", `{"owner":"c","lines":[]}`, 422, "validation-failed", []string{"body.lines"}},
		"lines alike":     {"allocations/o", `{"owner":"c","country":"usa","lines":[{"line_id":"1","sku":"mug","quantity":1},{"line_id":"1","sku":"/","quantity":1}]}`, 422, "validation-failed", []string{"body.country", "body.lines[1].line_id", "body.lines[1].sku"}},
		"nobody's order":  {"allocations/o", `{"owner":"","lines":[{"line_id":"","sku":"mug","quantity":1}]}`, 422, "validation-failed", []string{"body.owner", "body.lines[0].line_id"}},
		"too much":        {"allocations/o", `{"owner":"c","lines":[{"line_id":"1","sku":"mug","quantity":16},{"line_id":"2","sku":"ghost","quantity":1}]}`, 409, "out-of-stock", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := s.checkout
			if strings.HasPrefix(tc.path, "alloc") {
				c = s.order
			}
			c.T = t
			same(t, "locations", apitest.Locations(c.Do("PUT", "/v1/internal/"+tc.path, tc.body).Problem(tc.status, tc.code)), tc.locations)
		})
	}
}

// What a replica can ask for is what it was told, with the sequence of the SKU's last event.
func TestTold(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	if err := s.store.AnnounceLevels(t.Context(), s.clock.Now(), time.Second); err != nil {
		t.Fatal(err)
	}
	s.staff.Do("POST", "/v1/admin/stock/adjust", `{"reference":"broken","reason":"fell down","lines":[{"sku":"mug","location_id":"reno","quantity":-9}]}`).Want(200)
	if err := s.store.AnnounceLevels(t.Context(), s.clock.Now().Add(time.Minute), time.Second); err != nil {
		t.Fatal(err)
	}
	search := s.As("search")
	var after string
	for _, sku := range []string{"mug", "shirt"} {
		var page inventoryapi.Told
		search.Do("GET", inventoryapi.PathTold+"?limit=1&after="+after, nil).Want(200).JSON(&page)
		var data []byte
		if err := s.pool.QueryRow(t.Context(), `SELECT data FROM outbox WHERE subject = $1 ORDER BY sequence DESC LIMIT 1`, sku).Scan(&data); err != nil {
			t.Fatal(err)
		}
		var want inventoryapi.LevelChangedV1
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		same(t, sku, page.Items, []inventoryapi.LevelChangedV1{want})
		after = page.Next
	}
	if after != "" {
		t.Errorf("a page after the last: %q", after)
	}
	s.checkout.Do("GET", inventoryapi.PathTold, nil).Problem(403, "forbidden")
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.Do("PUT", inventoryapi.PathHolds+"c", `{}`).Problem(403, "forbidden")
	s.As("cart").Do("PUT", inventoryapi.PathHolds+"c", `{}`).Problem(403, "forbidden")
	s.checkout.Do("PUT", inventoryapi.PathAllocations+"o", `{}`).Problem(403, "forbidden")
	s.As("payment").Do("POST", inventoryapi.PathAvailability, `{"skus":["mug"]}`).Problem(403, "forbidden")
	s.Do("POST", "/v1/admin/stock/receive", `{}`).Problem(401, "unauthenticated")
	s.order.Do("GET", inventoryapi.PathAllocations+"nobody", nil).Problem(404, "allocation-not-found")
	s.order.Do("GET", inventoryapi.PathAllocations+"no%20body", nil).Problem(404, "allocation-not-found")
}

func TestReleaseBeforeAllocate(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	var a inventoryapi.Allocation
	s.order.Do("DELETE", inventoryapi.PathAllocations+"late-1", nil).Want(200).JSON(&a)
	if a.Status != "released" || len(a.Lines) != 0 {
		t.Errorf("released %+v", a)
	}
	s.order.Do("PUT", inventoryapi.PathAllocations+"late-1", `{"owner":"c","lines":[{"line_id":"1","sku":"mug","quantity":1}]}`).Problem(409, "allocation-released")
	same(t, "available", s.available("mug"), []int64{15})
}

func TestStaffBookStock(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	const adjust = `{"reference":"broken","reason":"fell down","lines":[{"sku":"mug","location_id":"reno","quantity":-2}]}`
	var first, second BookingView
	s.staff.Do("POST", "/v1/admin/stock/adjust", adjust).Want(200).JSON(&first)
	s.clock.advance(time.Hour)
	s.staff.Do("POST", "/v1/admin/stock/adjust", adjust).Want(200).JSON(&second)
	same(t, "a reference is booked once", second, first)
	s.staff.Do("POST", "/v1/admin/stock/adjust", strings.Replace(adjust, "-2", "-3", 1)).Problem(409, "reference-used")
	s.staff.Do("POST", "/v1/admin/stock/receive", strings.Replace(adjust, "-2", "2", 1)).Problem(409, "reference-used")
	keyed := s.staff.With("Idempotency-Key", "count-1")
	count := `{"reference":"count","lines":[{"sku":"mug","location_id":"berlin","quantity":4},{"sku":"cup","location_id":"berlin","quantity":0}]}`
	var counted, again BookingView
	keyed.Do("POST", "/v1/admin/stock/count", count).Want(200).JSON(&counted)
	same(t, "variances", counted.Variances, []VarianceView{{"mug", "berlin", 5, 4, -1}, {"cup", "berlin", 0, 0, 0}})
	s.staff.Do("POST", "/v1/admin/stock/count", count).Want(200).JSON(&again)
	same(t, "the same count again", again, counted)
	if a := keyed.Do("POST", "/v1/admin/stock/count", count).Want(200); a.Header.Get("Idempotency-Replayed") != "true" {
		t.Error("not replayed")
	}
	keyed.Do("POST", "/v1/admin/stock/count", strings.Replace(count, `"quantity":4`, `"quantity":9`, 1)).Problem(422, "idempotency-key-reused")
	same(t, "available", s.available("mug", "cup"), []int64{0, 12}) // by SKU: cup, mug

	var levels httpx.Page[LevelView]
	s.staff.Do("GET", "/v1/admin/stock/levels?sku=mug", nil).Want(200).JSON(&levels)
	same(t, "levels", levels.Items, []LevelView{
		{TermsLine: inventoryapi.TermsLine{SKU: "mug", LocationID: "berlin"}, OnHand: 4, InStock: 4, Available: 4},
		{TermsLine: inventoryapi.TermsLine{SKU: "mug", LocationID: "reno"}, OnHand: 8, InStock: 8, Available: 8}})
	var ledger httpx.Page[EntryView]
	s.staff.Do("GET", "/v1/admin/stock/ledger?sku=mug&location_id=reno", nil).Want(200).JSON(&ledger)
	s.staff.Do("POST", "/v1/admin/stock/adjust", `{"reference":"why","lines":[{"sku":"mug","location_id":"reno","quantity":-2}]}`).Problem(422, "validation-failed")
	var counts httpx.Page[EntryView]
	s.staff.Do("GET", "/v1/admin/stock/ledger?reference=count", nil).Want(200).JSON(&counts)
	same(t, "entries of the count", len(counts.Items), 2)
	if len(ledger.Items) != 2 || ledger.Items[0].OnHandDelta != -2 || ledger.Items[0].Reason != "fell down" || ledger.Items[0].Actor != "staff:tester" {
		t.Errorf("ledger %+v", ledger.Items)
	}
	var n int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM audit_log WHERE actor = 'staff:tester'`).Scan(&n); err != nil || n != 5 {
		t.Errorf("%d entries in the audit log (%v), want 5: two locations, three bookings", n, err)
	}
}

func TestStaffInputIsChecked(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.order.Do("PUT", inventoryapi.PathAllocations+"o-1", `{"owner":"c","lines":[{"line_id":"1","sku":"shirt","quantity":2}]}`).Want(200)
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		code               string
		locations          []string
	}{
		"below what orders took":   {"POST", "stock/adjust", `{"reference":"a","reason":"broken","lines":[{"sku":"shirt","location_id":"berlin","quantity":-2}]}`, 409, "below-allocated", nil},
		"counted below":            {"POST", "stock/count", `{"reference":"a","lines":[{"sku":"shirt","location_id":"berlin","quantity":1}]}`, 409, "below-allocated", nil},
		"below zero":               {"POST", "stock/adjust", `{"reference":"a","reason":"broken","lines":[{"sku":"new","location_id":"berlin","quantity":-1}]}`, 409, "below-allocated", nil},
		"nothing received":         {"POST", "stock/receive", `{"reference":"","lines":[{"sku":"mug","location_id":"berlin","quantity":0}]}`, 422, "validation-failed", []string{"body.reference"}},
		"received backwards":       {"POST", "stock/receive", `{"reference":"a","lines":[{"sku":"mug","location_id":"berlin","quantity":-1},{"sku":" ","location_id":"berlin","quantity":1}]}`, 422, "validation-failed", []string{"body.lines[0].quantity", "body.lines[1].sku"}},
		"counted below zero":       {"POST", "stock/count", `{"reference":"a","lines":[{"sku":"mug","location_id":"berlin","quantity":-1}]}`, 422, "validation-failed", []string{"body.lines[0].quantity"}},
		"a correction without why": {"POST", "stock/adjust", `{"reference":"a","lines":[{"sku":"mug","location_id":"berlin","quantity":1}]}`, 422, "validation-failed", []string{"body.reason"}},
		"an empty adjustment":      {"POST", "stock/adjust", `{"reference":"a","reason":"broken","lines":[{"sku":"mug","location_id":"berlin","quantity":0}]}`, 422, "validation-failed", []string{"body.lines[0].quantity"}},
		"the same place twice":     {"POST", "stock/receive", `{"reference":"a","lines":[{"sku":"mug","location_id":"berlin","quantity":1},{"sku":"mug","location_id":"berlin","quantity":1}]}`, 422, "validation-failed", []string{"body.lines[1]"}},
		"nowhere":                  {"POST", "stock/receive", `{"reference":"a","lines":[{"sku":"mug","location_id":"atlantis","quantity":1}]}`, 422, "validation-failed", []string{"body.lines[0].location_id"}},
		"more than can be":         {"POST", "stock/receive", `{"reference":"a","lines":[{"sku":"mug","location_id":"berlin","quantity":1000000000000}]}`, 422, "validation-failed", []string{"body.lines[0].quantity"}},
		"no such place":            {"PUT", "locations/Nowhere", `{"name":"","country":"Nowhere","enabled":true}`, 422, "validation-failed", []string{"path.id", "body.name", "body.country"}},
		"a cursor of nothing":      {"GET", "stock/levels?cursor=abc", ``, 422, "validation-failed", []string{"query.cursor"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := s.staff
			c.T = t
			same(t, "locations", apitest.Locations(c.Do(tc.method, "/v1/admin/"+tc.path, tc.body).Problem(tc.status, tc.code)), tc.locations)
		})
	}
}

func TestListsPage(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	for i := range 5 {
		s.holds(fmt.Sprint("cart", i), 10, `{"sku":"mug","quantity":1}`).Want(200)
	}
	path, seen := "/v1/admin/holds?limit=2", []string{}
	for range 10 {
		var page httpx.Page[HoldView]
		s.staff.Do("GET", path, nil).Want(200).JSON(&page)
		for _, h := range page.Items {
			seen = append(seen, h.Owner)
		}
		if page.NextCursor == nil {
			break
		}
		path = "/v1/admin/holds?limit=2&cursor=" + *page.NextCursor
	}
	same(t, "owners", seen, []string{"cart0", "cart1", "cart2", "cart3", "cart4"})
	var ledger httpx.Page[EntryView]
	s.staff.Do("GET", "/v1/admin/stock/ledger?limit=2", nil).Want(200).JSON(&ledger)
	s.staff.Do("GET", "/v1/admin/stock/ledger?limit=2&cursor="+*ledger.NextCursor, nil).Want(200).JSON(&ledger)
	if len(ledger.Items) != 1 || ledger.NextCursor != nil {
		t.Errorf("last page %+v", ledger)
	}
	var locations struct{ Items []LocationView }
	s.staff.Do("GET", "/v1/admin/locations", nil).Want(200).JSON(&locations)
	if len(locations.Items) != 2 || locations.Items[1].ID != "reno" || locations.Items[1].Postal != "89501" {
		t.Errorf("locations %+v", locations)
	}
}

func TestDisabledLocationSellsNothing(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.staff.Do("PUT", "/v1/admin/locations/reno", `{"name":"Reno","country":"US","enabled":false}`).Want(204)
	same(t, "available", s.available("mug"), []int64{5})
	s.holds("cart1", 10, `{"sku":"mug","quantity":6}`).Problem(409, "out-of-stock")
	s.order.Do("PUT", inventoryapi.PathAllocations+"o-1", `{"owner":"c","country":"US","lines":[{"line_id":"1","sku":"mug","quantity":6}]}`).Problem(409, "out-of-stock")
	s.order.Do("PUT", inventoryapi.PathAllocations+"o-2", `{"owner":"c","country":"US","lines":[{"line_id":"1","sku":"mug","quantity":5}]}`).Want(200)
}

// A flash sale through the doors: two hundred carts, ten pieces; who holds buys, everybody else gets a typed refusal.
func TestFlashSale(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.staff.Do("POST", "/v1/admin/stock/receive", `{"reference":"drop","lines":[{"sku":"drop","location_id":"reno","quantity":6},{"sku":"drop","location_id":"berlin","quantity":4}]}`).Want(200)
	won := testkit.Wins(testkit.Race(200, func(i int) error {
		cart := fmt.Sprint("cart", i)
		if a := s.holds(cart, 10, `{"sku":"drop","quantity":1}`); a.Status != 200 {
			a.Problem(409, "out-of-stock")
			return inventory.ErrOutOfStock
		}
		for range 2 { // the answer is lost, and asked for again
			s.order.Do("PUT", inventoryapi.PathAllocations+cart+"-1", `{"owner":"`+cart+`","lines":[{"line_id":"1","sku":"drop","quantity":1}]}`).Want(200)
		}
		return nil
	}))
	same(t, "sold", won, 10)
	same(t, "left", s.available("drop"), []int64{0})
	var levels httpx.Page[LevelView]
	s.staff.Do("GET", "/v1/admin/stock/levels?sku=drop", nil).Want(200).JSON(&levels)
	same(t, "levels", levels.Items, []LevelView{
		{TermsLine: inventoryapi.TermsLine{SKU: "drop", LocationID: "berlin"}, OnHand: 4, Allocated: 4},
		{TermsLine: inventoryapi.TermsLine{SKU: "drop", LocationID: "reno"}, OnHand: 6, Allocated: 6}})
}

// The same calls fifty times at once do what one does.
func TestRepeatedAtOnce(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	until := start.Add(10 * time.Minute).Format(time.RFC3339)
	bodies := make([]string, 50)
	testkit.Race(len(bodies), func(i int) error {
		s.checkout.Do("PUT", inventoryapi.PathHolds+"cart", `{"expires_at":"`+until+`","lines":[{"sku":"mug","quantity":4},{"sku":"shirt","quantity":3}]}`).Want(200)
		bodies[i] = string(s.order.Do("PUT", inventoryapi.PathAllocations+"o-1", `{"owner":"cart","lines":[{"line_id":"1","sku":"mug","quantity":4}]}`).Want(200).Body)
		return nil
	})
	for _, b := range bodies {
		same(t, "answer", b, bodies[0])
	}
	var levels httpx.Page[LevelView]
	s.staff.Do("GET", "/v1/admin/stock/levels?sku=mug&location_id=reno", nil).Want(200).JSON(&levels)
	same(t, "taken once", levels.Items[0].Allocated, 4)
}

// Safety stock, backorder and preorder at the doors: what is owed is told with its date, filled when goods come, and given back as it was.
func TestSellingBeyondTheShelf(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	ships, release := s.clock.Now().AddDate(0, 0, 10).UTC(), s.clock.Now().Add(time.Hour).UTC()
	s.staff.Do("PUT", "/v1/admin/stock/terms", inventoryapi.TermsInput{Lines: []inventoryapi.TermsLine{
		{SKU: "shirt", LocationID: "berlin", SafetyStock: 1, BackorderLimit: 4, BackorderShipsAt: &ships},
		{SKU: "book", LocationID: "reno", PreorderLimit: 2, ReleaseAt: &release}}}).Want(204)
	same(t, "available", s.available("book", "shirt"), []int64{2, 6})
	s.holds("c", 10, `{"sku":"shirt","quantity":7}`).Problem(409, "out-of-stock")
	s.holds("c", 10, `{"sku":"shirt","quantity":6},{"sku":"book","quantity":2}`).Want(200)
	var a inventoryapi.Allocation
	s.order.Do("PUT", inventoryapi.PathAllocations+"o-1", `{"owner":"c","lines":[{"line_id":"1","sku":"shirt","quantity":5},{"line_id":"2","sku":"book","quantity":2}]}`).Want(200).JSON(&a)
	same(t, "parts", a.Lines, []inventoryapi.AllocationLine{
		{LineID: "1", SKU: "shirt", Quantity: 5, Parts: []inventoryapi.AllocationPart{{LocationID: "berlin", Quantity: 2, Kind: "stock"},
			{LocationID: "berlin", Quantity: 3, Kind: "backorder", ShipsAt: &ships}}},
		{LineID: "2", SKU: "book", Quantity: 2, Parts: []inventoryapi.AllocationPart{{LocationID: "reno", Quantity: 2, Kind: "preorder", ShipsAt: &release}}}})
	same(t, "left", s.available("book", "shirt"), []int64{0, 1})
	s.staff.Do("PUT", "/v1/admin/stock/terms", `{"lines":[{"sku":"shirt","location_id":"berlin","backorder_limit":2}]}`).Problem(409, "below-owed")
	s.staff.Do("POST", "/v1/admin/stock/receive", `{"reference":"more","lines":[{"sku":"shirt","location_id":"berlin","quantity":2},{"sku":"book","location_id":"reno","quantity":9}]}`).Want(200)
	s.order.Do("GET", inventoryapi.PathAllocations+"o-1", nil).Want(200).JSON(&a)
	same(t, "filled in part", a.Lines[0].Parts, []inventoryapi.AllocationPart{{LocationID: "berlin", Quantity: 2, Kind: "stock"},
		{LocationID: "berlin", Quantity: 1, Kind: "backorder", ShipsAt: &ships}, {LocationID: "berlin", Quantity: 2, Kind: "stock"}})
	same(t, "a preorder waits for its release", a.Lines[1].Parts[0].Kind, "preorder")
	s.order.Do("DELETE", inventoryapi.PathAllocations+"o-1", nil).Want(200)
	var levels httpx.Page[LevelView]
	s.staff.Do("GET", "/v1/admin/stock/levels?sku=shirt", nil).Want(200).JSON(&levels)
	same(t, "given back", levels.Items, []LevelView{{TermsLine: inventoryapi.TermsLine{SKU: "shirt", LocationID: "berlin", SafetyStock: 1, BackorderLimit: 4, BackorderShipsAt: &ships},
		OnHand: 5, InStock: 4, Available: 8}})
}

func TestTermsAndRulesAreChecked(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	for name, body := range map[string]string{
		"no lines":           `{"lines":[]}`,
		"an unknown place":   `{"lines":[{"sku":"mug","location_id":"mars"}]}`,
		"below zero":         `{"lines":[{"sku":"mug","location_id":"reno","safety_stock":-1}]}`,
		"too large":          `{"lines":[{"sku":"mug","location_id":"reno","backorder_limit":1000000000001}]}`,
		"release alone":      `{"lines":[{"sku":"mug","location_id":"reno","release_at":"2030-01-01T00:00:00Z"}]}`,
		"a date that is not": `{"lines":[{"sku":"mug","location_id":"reno","preorder_limit":1,"release_at":"soon"}]}`,
		"unknown member":     `{"lines":[{"sku":"mug","location_id":"reno","safety":1}]}`,
		"text for a number":  `{"lines":[{"sku":"mug","location_id":"reno","safety_stock":"1"}]}`,
	} {
		t.Run(name, func(t *testing.T) { s.staff.Do("PUT", "/v1/admin/stock/terms", body).Problem(422, "validation-failed") })
	}
	s.staff.Do("PUT", "/v1/admin/stock/rules/mug", `{"low_at":5,"low_until":5}`).Problem(422, "validation-failed")
	s.staff.Do("PUT", "/v1/admin/stock/rules/a%20b", `{"low_at":5,"low_until":6}`).Problem(422, "validation-failed")
	var rule inventoryapi.RuleInput
	s.staff.Do("GET", "/v1/admin/stock/rules/mug", nil).Want(200).JSON(&rule)
	same(t, "the rule of all", rule, inventoryapi.RuleInput{LowAt: 5, LowUntil: 10})
	s.staff.Do("PUT", "/v1/admin/stock/rules/mug", `{"low_at":2,"low_until":4}`).Want(204)
	s.staff.Do("GET", "/v1/admin/stock/rules/mug", nil).Want(200).JSON(&rule)
	same(t, "its own rule", rule, inventoryapi.RuleInput{LowAt: 2, LowUntil: 4})
	for _, path := range []string{"/v1/admin/stock/terms", "/v1/admin/stock/rules/mug"} {
		s.checkout.Do("PUT", path, `{}`).Problem(401, "unauthenticated")
	}
}

// Checkout learns who holds what ends before a time, some at a time; what is taken or has ended counts no more.
func TestHoldOwners(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	for i, owner := range []string{"a", "b", "c", "d"} {
		s.holds(owner, 10+i, `{"sku":"mug","quantity":1}`).Want(200)
	}
	s.holds("c", 12, `{"sku":"mug","quantity":1},{"sku":"shirt","quantity":1}`).Want(200)
	s.order.Do("PUT", inventoryapi.PathAllocations+"o-1", `{"owner":"b","lines":[{"line_id":"1","sku":"mug","quantity":1}]}`).Want(200)
	ask := func(before time.Duration, after string, want ...string) {
		t.Helper()
		var page inventoryapi.HoldOwners
		s.checkout.Do("GET", inventoryapi.PathHoldOwners+"?before="+s.clock.Now().Add(before).Format(time.RFC3339Nano)+"&after="+after, nil).Want(200).JSON(&page)
		same(t, "owners", page.Owners, append([]string{}, want...))
	}
	ask(time.Hour, "", "a", "c", "d")
	ask(13*time.Minute, "", "a", "c")
	ask(time.Hour, "a", "c", "d")
	ask(time.Hour, "d")
	s.clock.advance(11 * time.Minute)
	ask(time.Hour, "", "c", "d")
	s.checkout.Do("GET", inventoryapi.PathHoldOwners, nil).Problem(422, "validation-failed")
	s.checkout.Do("GET", inventoryapi.PathHoldOwners+"?before=soon", nil).Problem(422, "validation-failed")
	s.order.Do("GET", inventoryapi.PathHoldOwners+"?before=2026-03-01T12:00:00Z", nil).Problem(403, "forbidden")
}
