package httpapi

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

// Goods come in with a lot and a day, are sold by it, counted by it, and travel by it.
func TestLots(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	book := func(kind, reference, line string) *apitest.Answer {
		t.Helper()
		return s.staff.Do("POST", "/v1/admin/stock/"+kind, `{"reference":"`+reference+`","reason":"why","lines":[{"sku":"milk","location_id":"reno",`+line+`}]}`)
	}
	book("receive", "a", `"quantity":4,"lot":"L-2","expires_on":"2030-02-28"`).Want(200)
	book("receive", "b", `"quantity":4,"lot":"L-1","expires_on":"2029-12-31"`).Want(200)
	book("receive", "b", `"quantity":4,"lot":"L-1","expires_on":"2029-12-31"`).Want(200) // again
	book("receive", "b", `"quantity":4,"lot":"L-1","expires_on":"2029-12-30"`).Problem(409, "reference-used")
	book("receive", "c", `"quantity":1`).Want(200)
	var got inventoryapi.Allocation
	s.order.Do("PUT", inventoryapi.PathAllocations+"o-1", `{"owner":"c","lines":[{"line_id":"1","sku":"milk","quantity":5}]}`).Want(200).JSON(&got)
	want := []inventoryapi.AllocationPart{{LocationID: "reno", Quantity: 4, Kind: "stock", Lot: "L-1"}, {LocationID: "reno", Quantity: 1, Kind: "stock", Lot: "L-2"}}
	if diff := cmp.Diff(want, got.Lines[0].Parts); diff != "" {
		t.Error(diff)
	}
	book("count", "d", `"quantity":3,"lot":"L-2"`).Want(200)
	book("adjust", "e", `"quantity":-1,"lot":"L-1"`).Problem(409, "below-allocated")
	s.staff.Do("PUT", "/v1/admin/stock/transfers/t-1", `{"from":"reno","to":"berlin","lines":[{"sku":"milk","quantity":2,"lot":"L-2"}]}`).Want(200)
	s.staff.Do("POST", "/v1/admin/stock/transfers/t-1/send", nil).Want(200)
	s.staff.Do("POST", "/v1/admin/stock/transfers/t-1/receive", `{"reference":"t","lines":[{"sku":"milk","quantity":2}]}`).Want(200)
	var page struct {
		Items []struct {
			LocationID string `json:"location_id"`
			OnHand     int64  `json:"on_hand"`
			Lots       []inventoryapi.Lot
		}
	}
	s.staff.Do("GET", "/v1/admin/stock/levels?sku=milk", nil).Want(200).JSON(&page)
	if diff := cmp.Diff("[{berlin 2 [{L-2 2030-02-28 2 0}]} {reno 6 [{L-1 2029-12-31 4 4} {L-2 2030-02-28 1 1}]}]", fmt.Sprint(page.Items)); diff != "" {
		t.Error(diff)
	}
	var ledger struct{ Items []EntryView }
	s.staff.Do("GET", "/v1/admin/stock/ledger?sku=milk", nil).Want(200).JSON(&ledger)
	if e := ledger.Items[0]; e.Kind != "transfer_in" || e.Lot != "L-2" || e.LocationID != "berlin" {
		t.Errorf("%+v", e)
	}
	s.staff.Do("PUT", "/v1/admin/stock/transfers/t-1", `{"from":"reno","to":"berlin","lines":[{"sku":"milk","quantity":2,"lot":"L-1"}]}`).Problem(409, "transfer-differs")
	var n int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM lot_faults`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d faults in the books of lots, %v", n, err)
	}
}

func TestBadLots(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	long := strings.Repeat("x", 65)
	for line, place := range map[string]string{
		`"lot":"L","expires_on":"tomorrow"`: "body.lines[0].expires_on", `"lot":"L","expires_on":"2029-02-30"`: "body.lines[0].expires_on", `"lot":"L","expires_on":7`: "body.lines[0].expires_on",
		`"lot":"a b","expires_on":"2029-01-01"`: "body.lines[0].lot", `"lot":"` + long + `","expires_on":"2029-01-01"`: "body.lines[0].lot", `"lot":"L"`: "body.lines[0].lot",
		`"expires_on":"2029-01-01"`: "body.lines[0].expires_on", `"lot":"L","expiry":"2029-01-01"`: "body.lines[0].expiry",
	} {
		p := s.staff.Do("POST", "/v1/admin/stock/receive", `{"reference":"x","lines":[{"sku":"milk","location_id":"reno","quantity":1,`+line+`}]}`).Problem(422, "validation-failed")
		if got := apitest.Locations(p); len(got) != 1 || got[0] != place {
			t.Errorf("%s: %v", line, got)
		}
	}
	s.staff.Do("POST", "/v1/admin/stock/count", `{"reference":"x","lines":[{"sku":"milk","location_id":"reno","quantity":1,"lot":"L"}]}`).Problem(422, "validation-failed")
	s.staff.Do("PUT", "/v1/admin/stock/transfers/t-1", `{"from":"reno","to":"berlin","lines":[{"sku":"mug","quantity":2,"lot":"L"}]}`).Problem(422, "validation-failed")
	s.staff.Do("PUT", "/v1/admin/stock/transfers/t-1", `{"from":"reno","to":"berlin","lines":[{"sku":"mug","quantity":2,"lot":"a b"}]}`).Problem(422, "validation-failed")
}

// A lot whose row is gone comes back with what ledger and orders say of it, and with the day that people say.
func TestAMissingLot(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.staff.Do("POST", "/v1/admin/stock/receive", `{"reference":"a","lines":[{"sku":"milk","location_id":"reno","quantity":4,"lot":"L/1","expires_on":"2030-02-28"}]}`).Want(200)
	s.order.Do("PUT", inventoryapi.PathAllocations+"o-1", `{"owner":"c","lines":[{"line_id":"1","sku":"milk","quantity":3}]}`).Want(200)
	if _, err := s.pool.Exec(t.Context(), `DELETE FROM stock_lots`); err != nil {
		t.Fatal(err)
	}
	reconcile := func(body string) *apitest.Answer {
		t.Helper()
		return s.staff.Do("POST", "/v1/admin/stock/reconcile", body)
	}
	found := func(body string, want inventoryapi.StockFault) {
		t.Helper()
		var r inventoryapi.Reconciliation
		reconcile(body).Want(200).JSON(&r)
		if len(r.Faults) != 1 || r.Faults[0] != want {
			t.Errorf("%s: %+v", body, r.Faults)
		}
	}
	missing := inventoryapi.StockFault{What: "lot", SKU: "milk", LocationID: "reno", Lot: "L/1", Missing: true, Ledger: inventoryapi.Stand{OnHand: 4}, Reserved: inventoryapi.Stand{Allocated: 3}}
	found(`{}`, missing)
	found(`{"repair":true}`, missing)
	const day = `{"sku":"milk","location_id":"reno","lot":"L/1","expires_on":"2030-02-28"}`
	for body, at := range map[string][]string{
		`{"lots":[` + day + `]}`:                           {"body.lots"},
		`{"repair":true,"lots":[` + day + `,` + day + `]}`: {"body.lots[1]"},
		`{"repair":true,"lots":[{"sku":"milk"}]}`:          {"body.lots[0].expires_on", "body.lots[0].location_id", "body.lots[0].lot"},
		`{"repair":true,"lots":[{"sku":"a b","location_id":"reno","lot":"a b","expires_on":"2030-02-30"},` + day + `]}`: {"body.lots[0].expires_on", "body.lots[0].lot", "body.lots[0].sku"},
		`{"repair":true,"lots":[` + strings.Replace(day, "reno", "berlin", 1) + `]}`:                                    {"body.lots[0].lot"},
		`{"repair":true,"lots":[` + strings.Replace(day, "milk", "mug", 1) + `]}`:                                       {"body.lots[0].lot"},
		`{"repair":true,"lots":[` + strings.Repeat(day+`,`, 1000) + day + `]}`:                                          {"body.lots"},
	} {
		got := apitest.Locations(reconcile(body).Problem(422, "validation-failed"))
		slices.Sort(got)
		if diff := cmp.Diff(at, got); diff != "" {
			t.Errorf("%.200s: %s", body, diff)
		}
	}
	found(`{}`, missing)
	repaired := missing
	repaired.Repaired = true
	found(`{"repair":true,"lots":[`+day+`]}`, repaired)
	if got := apitest.Locations(reconcile(`{"repair":true,"lots":[`+day+`]}`).Problem(422, "validation-failed")); len(got) != 1 || got[0] != "body.lots[0].lot" {
		t.Errorf("it is there: %v", got)
	}
	var page struct {
		Items []struct{ Lots []inventoryapi.Lot }
	}
	s.staff.Do("GET", "/v1/admin/stock/levels?sku=milk", nil).Want(200).JSON(&page)
	if diff := cmp.Diff([]inventoryapi.Lot{{Lot: "L/1", ExpiresOn: "2030-02-28", OnHand: 4, Allocated: 3}}, page.Items[0].Lots); diff != "" {
		t.Error(diff)
	}
	s.order.Do("DELETE", inventoryapi.PathAllocations+"o-1", nil).Want(200)
	var faults int
	if err := s.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM lot_faults) + (SELECT count(*) FROM stock_faults)`).Scan(&faults); err != nil || faults != 0 {
		t.Errorf("%d faults, %v", faults, err)
	}
}
