package journeys

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

// A guest buys more than lies on the shelf: the page, the cart and the order say what ships later, and the order follows when goods come.
func TestAGuestBuysBeyondTheShelf(t *testing.T) {
	sku := s.Goods(t, "owed", 1)
	ships := time.Now().AddDate(0, 0, 12).UTC().Truncate(time.Second)
	s.Staff(t, 204, "PUT", "/v1/admin/stock/terms", inventoryapi.TermsInput{Lines: []inventoryapi.TermsLine{
		{SKU: sku, LocationID: "test-shelf", BackorderLimit: 5, BackorderShipsAt: &ships}}}, nil)
	if out, err := s.Run(t.Context(), "stock", "snapshot", sku); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cart := s.Cart(t, sku)
	path := "/v1/carts/" + cart.ID
	shop.Eventually(t, 15*time.Second, func() error {
		var c cartapi.Cart
		s.Must(t, 200, "PATCH", path+"/lines/"+cart.Lines[0].ID, map[string]any{"quantity": 3}, &c)
		if got := c.Lines[0].Availability; got != cartapi.Backorder {
			return fmt.Errorf("the line of three is %s", got)
		}
		return nil
	})
	co := s.Checkout(t, cart.ID)
	var o orderapi.Order
	s.Must(t, 201, "POST", "/v1/checkouts/"+co.ID+"/complete", shop.Pay(shop.Good, co.Totals.Total), &o, "Idempotency-Key", shop.Key())
	got := map[string]int64{}
	for _, f := range o.Lines[0].Fulfillments {
		got[f.Status] += f.Quantity
		if f.Status == "backorder" && (f.ShipsAt == nil || !f.ShipsAt.Equal(ships)) {
			t.Errorf("ships at %v, want %v", f.ShipsAt, ships)
		}
	}
	if got["unfulfilled"] != 1 || got["backorder"] != 2 {
		t.Errorf("fulfilments %v", got)
	}
	var p catalogapi.Product
	shop.Eventually(t, 15*time.Second, func() error {
		s.Must(t, 200, "GET", "/v1/products/"+cart.Lines[0].ProductID, nil, &p)
		if a := p.Variants[0].Availability; a.Status != "backorder" || a.Available != 3 || a.ShipsAt == nil {
			return fmt.Errorf("the page says %+v", a)
		}
		return nil
	})
	s.Staff(t, 200, "POST", "/v1/admin/stock/receive", inventoryapi.StockInput{Reference: "come " + sku,
		Lines: []inventoryapi.StockLine{{SKU: sku, LocationID: "test-shelf", Quantity: 2}}}, nil)
	shop.Eventually(t, 15*time.Second, func() error {
		var read orderapi.Order
		s.Must(t, 200, "GET", "/v1/orders/"+o.ID+"?access_token="+o.AccessToken, nil, &read)
		for _, f := range read.Lines[0].Fulfillments {
			if f.Status != "unfulfilled" {
				return fmt.Errorf("fulfilments %+v", read.Lines[0].Fulfillments)
			}
		}
		return nil
	})
	out, err := s.Run(t.Context(), "stock", "compare", sku)
	allocation := o.ID + "-1"
	if err != nil || !strings.Contains(out, "allocate 1× (+1 allocated +2 owed) by "+allocation+", fill 1× (+2 allocated -2 owed) by "+allocation+", receive 1× (+2) by come "+sku) {
		t.Errorf("the sale is not explained: %v\n%s", err, out)
	}
	if out, err := s.Run(t.Context(), "stock", "reconcile"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := s.Run(t.Context(), "books", "--wait", "30s"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
