package journeys

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

// edits sends an edit of an order and waits until it stands somewhere, and takes another one.
func edits(t *testing.T, order, status string, body map[string]any) (e orderapi.Edit) {
	t.Helper()
	path := "/v1/admin/orders/" + order + "/edits"
	s.Staff(t, 201, "POST", path, body, &e, "Idempotency-Key", shop.Key())
	id := e.ID
	shop.Eventually(t, 20*time.Second, func() error {
		var all orderapi.Edits
		s.Staff(t, 200, "GET", path, nil, &all)
		if e = all.Items[len(all.Items)-1]; e.ID != id || e.Status != status {
			return fmt.Errorf("the edit is %+v", e)
		}
		var state string // what was taken for a refused one is given back yet
		if err := s.DB(t, "order").QueryRow(t.Context(), `SELECT state FROM orders WHERE id = $1`, order).Scan(&state); err != nil || state != "confirmed" {
			return fmt.Errorf("the order is %s: %w", state, err)
		}
		return nil
	})
	return e
}

func looks(t *testing.T, o orderapi.Order) (now orderapi.Order) {
	t.Helper()
	s.Must(t, 200, "GET", "/v1/orders/"+o.ID+"?access_token="+o.AccessToken, nil, &now)
	return now
}

func stands(t *testing.T, sku string, available int64) {
	t.Helper()
	shop.Eventually(t, 10*time.Second, func() error {
		var n int64
		if err := s.DB(t, "inventory").QueryRow(t.Context(), `SELECT on_hand - allocated FROM stock_levels WHERE sku = $1`, sku).Scan(&n); err != nil || n != available {
			return fmt.Errorf("%d of %s are left, want %d: %w", n, sku, available, err)
		}
		return nil
	})
}

// Staff edit orders before they are picked, over the whole shop: what is removed goes back to the shelf and to the shopper, what is added
// comes off the shelf; an address moves taxes; short stock refuses; an edited order is cancelled whole. The books know of nothing wrong.
func TestOrdersAreEdited(t *testing.T) {
	lamp, bulb := s.Goods(t, "edited-lamp", 5), s.Goods(t, "edited-bulb", 2)
	cart := s.Cart(t, lamp)
	s.Must(t, 200, "PATCH", "/v1/carts/"+cart.ID+"/lines/"+cart.Lines[0].ID, map[string]any{"quantity": 3}, nil)
	co := s.Checkout(t, cart.ID)
	var o orderapi.Order
	s.Must(t, 201, "POST", "/v1/checkouts/"+co.ID+"/complete", shop.Pay(shop.Good, co.Totals.Total), &o, "Idempotency-Key", shop.Key())
	bank(t, "/_sim/settle", map[string]string{"order_id": transactions(t, o.ID)[0].OrderID}, nil)
	line := o.Lines[0].ID
	stands(t, lamp, 2)

	address := o.ShippingAddress
	address.Line1 = "2 Other Street"
	if e := edits(t, o.ID, "done", map[string]any{"shipping_address": address}); !e.Difference.IsZero() || !e.Readdressed {
		t.Errorf("another street: %+v", e)
	}
	swap := map[string]any{"lines": []orderapi.EditLine{{LineID: line, Quantity: 1}}, "add": []orderapi.AddLine{{SKU: bulb, Quantity: 1}}}
	var preview orderapi.Edit
	s.Staff(t, 200, "POST", "/v1/admin/orders/"+o.ID+"/edits", map[string]any{"lines": swap["lines"], "add": swap["add"], "preview": true}, &preview, "Idempotency-Key", shop.Key())
	swap["expected_total"] = preview.TotalAfter
	e := edits(t, o.ID, "done", swap)
	if e.TotalAfter != preview.TotalAfter || e.Difference.Minor >= 0 {
		t.Errorf("a preview of %+v, then %+v", preview, e)
	}
	stands(t, lamp, 4)
	stands(t, bulb, 1)
	shop.Eventually(t, 20*time.Second, func() error {
		if now := looks(t, o); len(now.Refunds) != 1 || now.Refunds[0].Status != "refunded" || now.Refunds[0].Amount.Minor != -e.Difference.Minor {
			return fmt.Errorf("refunds: %+v", now.Refunds)
		}
		return nil
	})
	now := looks(t, o)
	if now.Totals.Total != e.TotalAfter || len(now.Lines) != 2 || now.Lines[1].Title == "" || now.ShippingAddress.Line1 != "2 Other Street" {
		t.Errorf("%+v", now)
	}
	short := edits(t, o.ID, "refused", map[string]any{"lines": []orderapi.EditLine{{LineID: line, Quantity: 0}, {LineID: now.Lines[1].ID, Quantity: 0}},
		"add": []orderapi.AddLine{{SKU: bulb, Quantity: 2}}, "note": "not enough"})
	if short.Problem != "out-of-stock" || len(short.Shortages) != 1 {
		t.Errorf("%+v", short)
	}
	stands(t, lamp, 4)
	stands(t, bulb, 1)
	for _, bad := range []map[string]any{{"add": []orderapi.AddLine{{SKU: "nothing-like-it", Quantity: 1}}}, {"shipping_address": orderapi.Address{Name: "A", Line1: "B", City: "C", Country: "ZZ"}}} {
		s.Staff(t, 422, "POST", "/v1/admin/orders/"+o.ID+"/edits", bad, nil, "Idempotency-Key", shop.Key())
	}
	if e := edits(t, o.ID, "done", map[string]any{"lines": []orderapi.EditLine{{LineID: line, Quantity: 2}}}); e.Charged == nil || *e.Charged != e.Difference || e.Difference.Minor <= 0 {
		t.Errorf("one more: %+v", e)
	}
	stands(t, lamp, 3)
	cancelled(t, o)
	stands(t, lamp, 5)
	stands(t, bulb, 2)
	if out, err := s.Run(t.Context(), "books", "--wait", "30s"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// What an edit costs more is declined where it cannot be charged: an order that a gift card paid is as it was, and so is its stock.
func TestAnEditThatCannotBeCharged(t *testing.T) {
	lamp := s.Goods(t, "edited-gift", 5)
	co := s.Checkout(t, s.Cart(t, lamp).ID)
	var gift paymentapi.Credit
	s.Staff(t, 201, "POST", paymentapi.PathCredits, map[string]any{"amount": co.Totals.Total, "reason": "journey"}, &gift, "Idempotency-Key", shop.Key())
	in := shop.Pay("", co.Totals.Total)
	in.GiftCards = []string{gift.Code}
	var o orderapi.Order
	s.Must(t, 201, "POST", "/v1/checkouts/"+co.ID+"/complete", in, &o, "Idempotency-Key", shop.Key())
	e := edits(t, o.ID, "refused", map[string]any{"lines": []orderapi.EditLine{{LineID: o.Lines[0].ID, Quantity: 2}}})
	if e.Problem != "payment-declined" || e.DeclineCode != "payment-not-repeatable" || e.Charged != nil {
		t.Errorf("%+v", e)
	}
	stands(t, lamp, 4)
	if now := looks(t, o); now.Totals.Total != o.Totals.Total || now.Lines[0].Quantity != 1 {
		t.Errorf("%+v", now)
	}
}

// As much again within 30 seconds is a duplicate to the gateway: the edit says so, and the order is as it was. Another amount is charged at once.
func TestAsMuchAgainIsADuplicate(t *testing.T) {
	bulb := s.Goods(t, "edited-again", 9)
	co := s.Checkout(t, s.Cart(t, bulb).ID)
	var o orderapi.Order
	s.Must(t, 201, "POST", "/v1/checkouts/"+co.ID+"/complete", shop.Pay(shop.Good, co.Totals.Total), &o, "Idempotency-Key", shop.Key())
	more := func(pieces int64) map[string]any {
		return map[string]any{"add": []orderapi.AddLine{{SKU: bulb, Quantity: pieces}}}
	}
	first := edits(t, o.ID, "done", more(1))
	again := edits(t, o.ID, "refused", more(1))
	if again.Difference != first.Difference || again.Problem != "payment-duplicate" || again.DeclineCode != "duplicate" || again.Detail == "" || again.Charged != nil {
		t.Errorf("%+v, then %+v", first, again)
	}
	stands(t, bulb, 7)
	if other := edits(t, o.ID, "done", more(2)); other.Charged == nil || *other.Charged != other.Difference {
		t.Errorf("%+v", other)
	}
	stands(t, bulb, 5)
	if now := looks(t, o); now.Totals.Total.Minor != o.Totals.Total.Minor+3*first.Difference.Minor || len(now.Lines) != 3 {
		t.Errorf("%+v", now)
	}
	cancelled(t, o)
	stands(t, bulb, 9)
}

// What has left the catalogue is kept in an order that is edited: checkout asks cart for what it weighs. What that costs is tried in checkout, since this
// shop's ways cost the same for any weight.
func TestAnEditKeepsWhatLeftTheCatalogue(t *testing.T) {
	gone, bulb := s.Goods(t, "edited-gone", 2), s.Goods(t, "edited-more", 3)
	cart := s.Cart(t, gone, bulb)
	co := s.Checkout(t, cart.ID)
	var o orderapi.Order
	s.Must(t, 201, "POST", "/v1/checkouts/"+co.ID+"/complete", shop.Pay(shop.Good, co.Totals.Total), &o, "Idempotency-Key", shop.Key())
	s.Staff(t, 200, "PUT", "/v1/admin/products/"+cart.Lines[0].ProductID, catalogapi.ProductInput{Title: "Other goods", CategoryCode: "test-goods", Status: catalogapi.StatusPublished,
		TaxCategory: "standard", Variants: []catalogapi.VariantInput{{SKU: gone + "-2", WeightGrams: 100}}, Attributes: map[string]json.RawMessage{}}, nil)
	if e := edits(t, o.ID, "done", map[string]any{"lines": []orderapi.EditLine{{LineID: o.Lines[1].ID, Quantity: 2}}}); e.Difference.Minor <= 0 {
		t.Errorf("one more: %+v", e)
	}
	if now := looks(t, o); len(now.Lines) < 2 || now.Lines[0].SKU != gone || now.Lines[0].Quantity != 1 || now.Totals.Subtotal.Minor != 3*1999 {
		t.Errorf("%+v", now)
	}
}
