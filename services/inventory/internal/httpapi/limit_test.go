package httpapi

import (
	"fmt"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

// What one customer may have in a sale window counts over all their orders, holds are told early, and a cancelled order gives it back.
func TestQuantityLimit(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	until := start.Add(time.Hour)
	s.staff.Do("PUT", "/v1/admin/stock/rules/mug", inventoryapi.RuleInput{LowAt: 1, LowUntil: 2, PerCustomer: &inventoryapi.PerCustomer{Quantity: 2, Until: &until}}).Want(204)
	var rule inventoryapi.RuleInput
	s.staff.Do("GET", "/v1/admin/stock/rules/mug", nil).Want(200).JSON(&rule)
	same(t, "limit", *rule.PerCustomer, inventoryapi.PerCustomer{Quantity: 2, Until: &until})
	s.clock.advance(2 * time.Second)
	hold := func(owner, customer string, quantity int) string {
		req := inventoryapi.HoldRequest{ExpiresAt: s.clock.Now().Add(time.Minute), Customer: customer, Lines: []inventoryapi.HoldLine{
			{SKU: "mug", Quantity: int64(quantity)}, {SKU: "shirt", Quantity: 1}}}
		return answer(s.checkout.Do("PUT", inventoryapi.PathHolds+owner, req))
	}
	take := func(id, customer string, quantity int) string {
		return answer(s.order.Do("PUT", inventoryapi.PathAllocations+id, inventoryapi.AllocateRequest{Owner: id, Customer: customer, Lines: []inventoryapi.AllocateLine{
			{LineID: "1", SKU: "mug", Quantity: int64(quantity) - 1}, {LineID: "2", SKU: "mug", Quantity: 1}}}))
	}
	for i, tc := range []struct{ got, want string }{
		{hold("c1", "ann", 3), "409 quantity-limit"},
		{hold("c1", "", 3), "409 quantity-limit"},
		{hold("c1", "", 2), "200"},
		{hold("c1", "ann", 2), "200"},
		{take("o-1", "ann", 3), "409 quantity-limit"},
		{take("o-1", "ann", 2), "200"},
		{take("o-1", "ann", 2), "200"},
		{hold("c2", "ann", 1), "409 quantity-limit"},
		{take("o-2", "ann", 2), "409 quantity-limit"},
		{hold("c2", "bob", 2), "200"},
		{take("o-3", "bob", 2), "200"},
	} {
		if tc.got != tc.want {
			t.Errorf("step %d: %s, want %s", i, tc.got, tc.want)
		}
	}
	s.order.Do("DELETE", inventoryapi.PathAllocations+"o-1", nil).Want(200)
	same(t, "given back", take("o-4", "ann", 2), "200")
	s.clock.advance(time.Hour)
	same(t, "after the sale", take("o-5", "ann", 5), "200")
	s.staff.Do("PUT", "/v1/admin/stock/rules/mug", `{"low_at":1,"low_until":2,"per_customer":{"quantity":0}}`).Problem(422, "validation-failed")
	s.staff.Do("PUT", "/v1/admin/stock/rules/mug", `{"low_at":1,"low_until":2,"per_customer":{"quantity":1,"from":"2026-03-02T00:00:00Z","until":"2026-03-01T00:00:00Z"}}`).Problem(422, "validation-failed")
	var n int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM customer_takes WHERE encode(customer, 'escape') LIKE '%ann%'`).Scan(&n); err != nil || n != 0 {
		t.Errorf("a customer can be read (%v)", err)
	}
}

// answer is a status, with the code of its problem.
func answer(a *apitest.Answer) string {
	if a.Status == 200 {
		return "200"
	}
	var p struct{ Type string }
	a.JSON(&p)
	return fmt.Sprint(a.Status, " ", p.Type[len("https://sidecart.dev/problems/"):])
}

// One customer's orders, all at once: as many win as the limit allows.
func TestQuantityLimitRaces(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.staff.Do("PUT", "/v1/admin/stock/rules/mug", inventoryapi.RuleInput{LowAt: 1, LowUntil: 2, PerCustomer: &inventoryapi.PerCustomer{Quantity: 3}}).Want(204)
	s.clock.advance(2 * time.Second)
	won := testkit.Wins(testkit.Race(20, func(i int) error {
		a := s.order.Do("PUT", inventoryapi.PathAllocations+fmt.Sprint("o-", i), inventoryapi.AllocateRequest{Owner: fmt.Sprint("c", i), Customer: "ann",
			Lines: []inventoryapi.AllocateLine{{LineID: "1", SKU: "mug", Quantity: 1}}})
		if got := answer(a); got == "409 quantity-limit" {
			return fault.New(fault.Conflict, "quantity-limit", "")
		} else if got != "200" {
			t.Errorf("order %d: %s", i, got)
		}
		return nil
	}))
	same(t, "won", won, 3)
}
