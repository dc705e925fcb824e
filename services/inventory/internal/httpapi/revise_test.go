package httpapi

import (
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

// An order that is edited: by the difference, within the customer's limit, and bad input is refused.
func TestReviseAllocation(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.staff.Do("PUT", "/v1/admin/stock/rules/mug", inventoryapi.RuleInput{LowAt: 1, LowUntil: 2, PerCustomer: &inventoryapi.PerCustomer{Quantity: 4}}).Want(204)
	s.clock.advance(2 * time.Second)
	const path = inventoryapi.PathAllocations + "o-1"
	s.order.Do("PUT", path, `{"owner":"c","customer":"ann","lines":[{"line_id":"1","sku":"mug","quantity":3}]}`).Want(200)
	revise := func(edition int64, lines ...inventoryapi.AllocateLine) string {
		return answer(s.order.Do("PUT", path+"/lines", inventoryapi.ReviseRequest{Edition: edition, Customer: "ann", Lines: lines}))
	}
	mug := func(id string, n int64) inventoryapi.AllocateLine {
		return inventoryapi.AllocateLine{LineID: id, SKU: "mug", Quantity: n}
	}
	shirt := inventoryapi.AllocateLine{LineID: "2", SKU: "shirt", Quantity: 3}
	for i, tc := range []struct{ got, want string }{
		{revise(1, mug("1", 3), mug("3", 2)), "409 quantity-limit"},
		{revise(1, mug("1", 3), mug("3", 1), shirt), "200"},
		{revise(2, mug("1", 3), mug("3", 1), shirt, inventoryapi.AllocateLine{LineID: "4", SKU: "shirt", Quantity: 1}), "409 out-of-stock"},
		{revise(2, mug("1", 1)), "200"},
		{revise(1, mug("1", 3)), "409 edition-passed"},
		{revise(0, mug("1", 3)), "422 validation-failed"},
		{revise(3), "422 validation-failed"},
		{revise(3, mug("1", 0)), "422 validation-failed"},
		{revise(3, mug("1", 1), mug("1", 1)), "422 validation-failed"},
		{answer(s.order.Do("PUT", inventoryapi.PathAllocations+"nobody/lines", `{"edition":1,"lines":[{"line_id":"1","sku":"mug","quantity":1}]}`)), "404 allocation-not-found"},
		{answer(s.checkout.Do("PUT", path+"/lines", `{"edition":9,"lines":[{"line_id":"1","sku":"mug","quantity":1}]}`)), "403 forbidden"},
		{answer(s.order.Do("PUT", inventoryapi.PathAllocations+"o-2", `{"owner":"d","customer":"ann","lines":[{"line_id":"1","sku":"mug","quantity":3}]}`)), "200"},
		{revise(3, mug("1", 2)), "409 quantity-limit"},
	} {
		if tc.got != tc.want {
			t.Errorf("step %d: %s, want %s", i, tc.got, tc.want)
		}
	}
	s.order.Do("DELETE", path, nil).Want(200)
	same(t, "released", revise(4, mug("1", 1)), "409 allocation-released")
}
