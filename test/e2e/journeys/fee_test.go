package journeys

import (
	"testing"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

// The local shop takes 3.00 euros for cash on delivery. A shopper who did not choose it before is told the total with it first; who turns to a card pays none. It is a
// part of shipping, taxed like it, and stays when staff edit the order.
func TestTheFeeOfCashOnDelivery(t *testing.T) {
	sku := s.Goods(t, "costs-cash", 3)
	s.Staff(t, 204, "PUT", "/v1/admin/price-lists/eu-eur/prices", pricingapi.PricesInput{Prices: []pricingapi.PriceInput{{SKU: sku, Amount: money.New(1795, "EUR"), MinQuantity: 1}}}, nil)
	_, co, session := toPay(t, map[string]string{"currency": "EUR", "country": "DE"}, sku, hamburg)
	path, fee := "/v1/checkouts/"+co.ID, money.New(300, "EUR")
	if n := len(session.Providers); session.Providers[n-1].Provider != "cash_on_delivery" || session.Providers[n-1].Fee != fee || session.Amount != co.Totals.Total {
		t.Fatalf("%+v", session)
	}
	complete := func(status int, in checkoutapi.CompleteInput, out any) {
		t.Helper()
		s.Must(t, status, "POST", path+"/complete", in, out, "Idempotency-Key", shop.Key())
	}
	var p struct {
		Type   string
		Actual money.Amount `json:"actual_total"`
	}
	with := money.New(co.Totals.Total.Minor+fee.Minor, "EUR") // prices are gross there
	complete(409, checkoutapi.CompleteInput{Provider: "cash_on_delivery", ExpectedTotal: co.Totals.Total}, &p)
	if p.Type != "https://sidecart.dev/problems/price-changed" || p.Actual != with {
		t.Errorf("not chosen before: %+v", p)
	}
	complete(409, checkoutapi.CompleteInput{Nonce: shop.Good, ExpectedTotal: with}, &p)
	if p.Actual != co.Totals.Total {
		t.Errorf("by card: %+v", p)
	}
	s.Must(t, 200, "POST", path+"/payment-session", checkoutapi.PaymentSessionInput{Provider: "cash_on_delivery"}, &session)
	var chosen checkoutapi.Checkout
	s.Must(t, 200, "GET", path, nil, &chosen)
	if session.Amount != with || chosen.Totals.PaymentFee != fee || chosen.Totals.Total != with || chosen.Totals.Shipping.Minor != co.Totals.Shipping.Minor+300 ||
		chosen.Totals.Tax.Minor <= co.Totals.Tax.Minor || chosen.PaymentProvider != "cash_on_delivery" {
		t.Errorf("chosen: %+v, %+v after %+v", session, chosen.Totals, co.Totals)
	}
	var o orderapi.Order
	complete(201, checkoutapi.CompleteInput{Provider: "cash_on_delivery", ExpectedTotal: with}, &o)
	paid := promise{t: t, sku: sku, total: with, order: o}
	if o.Status != "confirmed" || o.Totals != chosen.Totals || paid.payment().Captured != with {
		t.Errorf("%+v, paid %+v", o, paid.payment())
	}
	var preview orderapi.Edit
	s.Staff(t, 200, "POST", "/v1/admin/orders/"+o.ID+"/edits", map[string]any{"add": []orderapi.AddLine{{SKU: sku, Quantity: 1}}, "preview": true}, &preview, "Idempotency-Key", shop.Key())
	if preview.Totals == nil || preview.Totals.PaymentFee != fee || preview.Totals.Subtotal.Minor != 2*1795 {
		t.Errorf("one more: %+v", preview)
	}
	s.Must(t, 200, "GET", "/v1/orders/"+o.ID+"/invoice?access_token="+o.AccessToken, nil, nil)
	if out, err := s.Run(t.Context(), "books", "--wait", "30s"); err != nil {
		t.Errorf("the books: %v\n%s", err, out)
	}
}

// What a gift card and a customer's store credit pay altogether is not collected: cash on delivery has no fee then, and credit alone pays.
func TestCreditPaysWhatCashWasToPay(t *testing.T) {
	sku := s.Goods(t, "costs-no-cash", 3)
	s.Staff(t, 204, "PUT", "/v1/admin/price-lists/eu-eur/prices", pricingapi.PricesInput{Prices: []pricingapi.PriceInput{{SKU: sku, Amount: money.New(1795, "EUR"), MinQuantity: 1}}}, nil)
	account := "e2e-" + shop.Key()[:12]
	customer := signedIn(t, account)
	_, co, _ := toPay(t, map[string]string{"currency": "EUR", "country": "DE"}, sku, hamburg, "Authorization", customer)
	credit := func(owner string, minor int64) (c paymentapi.Credit) {
		s.Staff(t, 201, "POST", paymentapi.PathCredits, map[string]any{"amount": money.New(minor, "EUR"), "customer_id": owner, "reason": "journey"}, &c, "Idempotency-Key", shop.Key())
		return c
	}
	in := checkoutapi.CompleteInput{Provider: "cash_on_delivery", GiftCards: []string{credit("", co.Totals.Total.Minor-100).Code}, StoreCredit: true, ExpectedTotal: co.Totals.Total}
	complete := func(status int, out any) {
		t.Helper()
		s.Must(t, status, "POST", "/v1/checkouts/"+co.ID+"/complete", in, out, "Idempotency-Key", shop.Key(), "Authorization", customer)
	}
	complete(409, nil) // a euro would be collected, and with it the fee
	credit(account, 100)
	var o orderapi.Order
	complete(201, &o)
	bought := promise{t: t, sku: sku, total: co.Totals.Total, order: o}
	if paid := bought.payment(); o.Totals.Total != co.Totals.Total || !o.Totals.PaymentFee.IsZero() || paid.Provider != "credit" || paid.Captured != co.Totals.Total {
		t.Errorf("%+v, paid %+v", o.Totals, paid)
	}
}
