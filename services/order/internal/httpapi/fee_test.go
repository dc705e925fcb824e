package httpapi_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// What it cost to pay is a row of the invoice, a part of shipping and of its taxes, and stays with an order that is edited.
func TestAFeeOfAnOrder(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.shelf.Left["book"], s.shelf.Left["mug"] = 100, 100
	id := newID(t)
	usd := func(minor int64) money.Amount { return money.New(minor, "USD") }
	place := taxed(id)
	place.Payment = orderapi.PaymentInput{Provider: "cash_on_delivery"}
	place.ShippingOption.Price = usd(500)
	place.Totals.Shipping, place.Totals.PaymentFee, place.Totals.Tax, place.Totals.Total = usd(800), usd(300), usd(602), usd(4401) // 19 % of 8.00 are 1.52
	if err := s.app.Place(t.Context(), place); err != nil {
		t.Fatal(err)
	}
	rec := s.reaches(id, "confirmed")
	o := s.order(id, rec.AccessToken)
	if o.Totals.PaymentFee != usd(300) || o.Totals.Shipping != usd(800) || o.Totals.Total != usd(4401) {
		t.Errorf("%+v", o.Totals)
	}
	sheet, err := s.app.Invoice(t.Context(), s.store, s.entity(), rec)
	if err != nil {
		t.Fatal(err)
	}
	want := []app.SheetLine{{Title: "Shipping: Standard", Quantity: 1, Amount: usd(500)}, {Title: "Fee: cash on delivery", Quantity: 1, Amount: usd(300)}}
	if diff := cmp.Diff(want, sheet.Lines[2:]); diff != "" || sheet.Total != usd(4401) {
		t.Errorf("%s: %s", sheet.Total, diff)
	}
	if shipping := sheet.Taxes[len(sheet.Taxes)-1]; shipping.Name != "Shipping" || shipping.Net != usd(800) || shipping.Tax != usd(152) {
		t.Errorf("%+v", shipping)
	}

	other := newID(t)
	place.OrderID, place.CheckoutID, place.CartID = other, "checkout-"+other, "cart-"+other
	if err := s.app.Place(t.Context(), place); err != nil {
		t.Fatal(err)
	}
	token := s.reaches(other, "confirmed").AccessToken
	s.edit(other, "k", `{"lines":[{"line_id":"l2","quantity":0}]}`).Want(201)
	s.editIs(other, "done")
	if o := s.order(other, token); o.Totals.PaymentFee != usd(300) || o.Totals.Shipping != usd(800) || o.Totals.Total.Minor != 2000+800 { // the fake of checkout taxes nothing
		t.Errorf("edited: %+v", o.Totals)
	}
}
