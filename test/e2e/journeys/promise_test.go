package journeys

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

// The local shop offers bank transfer and cash on delivery as docs/examples/payment-providers.yaml has them: in euros, in Germany.
const payWithin = 168 * time.Hour

var hamburg = orderapi.Address{Name: "Sample Customer", Line1: "Musterweg 12", City: "Hamburg", PostalCode: "20095", Country: "DE"}

// promise is an order that is paid by a promise, with what its shopper and staff see of it.
type promise struct {
	t     *testing.T
	sku   string
	total money.Amount
	order orderapi.Order
}

// promised buys one piece of new goods by a means that is no card, as a guest in Germany.
func promised(t *testing.T, name, provider string, codes ...string) *promise {
	t.Helper()
	p := &promise{t: t, sku: s.Goods(t, name, 3)}
	s.Staff(t, 204, "PUT", "/v1/admin/price-lists/eu-eur/prices", pricingapi.PricesInput{Prices: []pricingapi.PriceInput{
		{SKU: p.sku, Amount: money.New(1795, "EUR"), MinQuantity: 1}}}, nil)
	var cart cartapi.Cart
	s.Must(t, 201, "POST", "/v1/carts", map[string]string{"currency": "EUR", "country": "DE"}, &cart)
	shop.Eventually(t, 20*time.Second, func() error {
		a, err := s.Ask(t.Context(), "POST", "/v1/carts/"+cart.ID+"/lines", map[string]any{"sku": p.sku, "quantity": 1})
		if err != nil {
			return err
		}
		return a.Into(http.StatusCreated, nil)
	})
	var co checkoutapi.Checkout
	s.Must(t, 201, "POST", "/v1/checkouts", checkoutapi.CreateInput{CartID: cart.ID, Email: "customer@example.com"}, &co)
	path := "/v1/checkouts/" + co.ID
	s.Must(t, 200, "PATCH", path, map[string]any{"shipping_address": hamburg, "billing_address": hamburg}, nil)
	var options struct{ Items []orderapi.ShippingOption }
	s.Must(t, 200, "GET", path+"/shipping-options", nil, &options)
	if len(options.Items) == 0 {
		t.Fatal("nothing ships to Germany")
	}
	s.Must(t, 200, "PATCH", path, map[string]string{"shipping_option_id": options.Items[0].ID}, &co)
	var session checkoutapi.PaymentSession
	s.Must(t, 200, "POST", path+"/payment-session", checkoutapi.PaymentSessionInput{Provider: provider}, &session)
	p.total = session.Amount
	offered := map[string]paymentapi.Offer{}
	for _, o := range session.Providers {
		offered[o.Provider] = o
	}
	offer, ok := offered[provider]
	if !ok || session.Amount.Minor != co.Totals.Total.Minor+offer.Fee.Minor || session.Fee != offer.Fee || (provider == "cash_on_delivery") != offer.Fee.IsPositive() || provider == "bank_transfer" && (offer.PayWithinSeconds != int64(payWithin.Seconds()) || !strings.Contains(offer.PayTo, "IBAN")) {
		t.Fatalf("%s is not offered: %+v", provider, session)
	}
	s.Must(t, 201, "POST", path+"/complete", checkoutapi.CompleteInput{Provider: provider, GiftCards: codes, ExpectedTotal: p.total}, &p.order, "Idempotency-Key", shop.Key())
	return p
}

// staffOrder is what staff see of an order.
type staffOrder struct {
	PaymentStatus string `json:"payment_status"`
	Timeline      []struct{ Metadata map[string]any }
}

// told is the entry of the timeline that says so.
func (o staffOrder) told(name, value string) map[string]any {
	for _, e := range o.Timeline {
		if e.Metadata[name] == value {
			return e.Metadata
		}
	}
	return nil
}

// seen is the order as its shopper sees it now.
func (p *promise) seen() (o orderapi.Order) {
	p.t.Helper()
	s.Must(p.t, 200, "GET", "/v1/orders/"+p.order.ID+"?access_token="+p.order.AccessToken, nil, &o)
	return o
}

// payment is the one of the order, as staff see it.
func (p *promise) payment() paymentapi.Payment {
	p.t.Helper()
	var page paymentapi.Payments
	s.Staff(p.t, 200, "GET", "/v1/admin/payments?order_id="+p.order.ID, nil, &page)
	if len(page.Items) != 1 {
		p.t.Fatalf("payments of the order: %+v", page.Items)
	}
	return page.Items[0]
}

// allocated is how much stock orders have of the goods.
func (p *promise) allocated() (n int64) {
	p.t.Helper()
	var levels struct{ Items []struct{ Allocated int64 } }
	s.Staff(p.t, 200, "GET", "/v1/admin/stock/levels?sku="+p.sku, nil, &levels)
	for _, l := range levels.Items {
		n += l.Allocated
	}
	return n
}

// waits checks that the order is there and waits for the money of its whole total.
func (p *promise) waits() {
	p.t.Helper()
	o, paid := p.seen(), p.payment()
	if p.order.Status != "placed" || o.Status != "placed" || o.Number == "" || o.PaymentStatus != "awaiting_payment" || o.CapturedAt != nil || o.Totals.Total != p.total || p.allocated() != 1 {
		p.t.Errorf("%d pieces are taken, the order is %+v", p.allocated(), o)
	}
	if paid.Provider != "bank_transfer" || paid.Review != "pending" || paid.Amount != p.total || paid.ReviewUntil == nil || time.Until(*paid.ReviewUntil).Round(time.Hour) != payWithin {
		p.t.Errorf("the payment is %+v", paid)
	}
	var staff staffOrder
	s.Staff(p.t, 200, "GET", "/v1/admin/orders/"+p.order.ID, nil, &staff)
	if until, ok := staff.told("review", "pending")["until"].(string); staff.PaymentStatus != "awaiting_payment" || !ok || !strings.HasPrefix(until, paid.ReviewUntil.UTC().Format("2006-01-02T15:04:05")) {
		p.t.Errorf("staff see %+v", staff)
	}
}

// becomes waits until the shopper sees the order like that.
func (p *promise) becomes(limit time.Duration, status, paymentStatus string) {
	p.t.Helper()
	shop.Eventually(p.t, limit, func() error {
		if o := p.seen(); o.Status != status || o.PaymentStatus != paymentStatus {
			return fmt.Errorf("order is %s, payment %s", o.Status, o.PaymentStatus)
		}
		return nil
	})
}

// undone waits until nothing is left of the order but its record.
func (p *promise) undone(limit time.Duration) {
	p.t.Helper()
	p.becomes(limit, "cancelled", "voided")
	shop.Eventually(p.t, 10*time.Second, func() error {
		if n := p.allocated(); n != 0 || p.seen().CancelledAt == nil {
			return fmt.Errorf("%d pieces are taken, the order is %+v", n, p.seen())
		}
		return nil
	})
	if paid := p.payment(); paid.Status != "voided" || paid.Captured.IsPositive() {
		p.t.Errorf("the payment is %+v", paid)
	}
}

// money is what staff record of the payment.
func (p *promise) money(outcome string) {
	p.t.Helper()
	s.Staff(p.t, 200, "POST", "/v1/admin/payments/"+p.payment().ID+"/money", paymentapi.ManualMoney{Outcome: outcome, Reference: "statement 5"}, nil)
}

// A guest pays by bank transfer: the order is placed and waits, staff find the money on the account, and it is confirmed within seconds.
func TestABankTransferComes(t *testing.T) {
	t.Parallel()
	p := promised(t, "transferred", "bank_transfer")
	p.waits()
	p.money("received")
	p.becomes(15*time.Second, "confirmed", "captured")
	if paid := p.payment(); paid.Captured != p.total || p.seen().CapturedAt == nil || p.allocated() != 1 {
		t.Errorf("%d pieces are taken, the payment is %+v", p.allocated(), paid)
	}
}

// Whoever cancels before the money came waits for nobody.
func TestABankTransferIsCancelled(t *testing.T) {
	t.Parallel()
	body := map[string]string{"reason": "changed my mind"}
	for name, cancel := range map[string]func(t *testing.T, p *promise){
		"by-shopper": func(t *testing.T, p *promise) {
			s.Must(t, 200, "POST", "/v1/orders/"+p.order.ID+"/cancel?access_token="+p.order.AccessToken, body, nil)
		},
		"by-staff": func(t *testing.T, p *promise) { s.Staff(t, 200, "POST", "/v1/orders/"+p.order.ID+"/cancel", body, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := promised(t, "cancelled-"+name, "bank_transfer")
			p.waits()
			cancel(t, p)
			p.undone(10 * time.Second)
			a, err := s.Ask(t.Context(), "POST", "/v1/admin/payments/"+p.payment().ID+"/money", paymentapi.ManualMoney{Outcome: "received"}, "Authorization", "Bearer "+s.Token(t))
			if err != nil {
				t.Fatal(err)
			}
			a.Problem(t, 409, "payment-not-awaited")
		})
	}
}

// The money never comes. The test does not wait for a week: it brings the end of it forward in the database.
func TestABankTransferNeverComes(t *testing.T) {
	t.Parallel()
	p := promised(t, "forgotten", "bank_transfer")
	p.waits()
	if _, err := s.DB(t, "payment").Exec(t.Context(), `UPDATE payments SET review_until = now() WHERE order_id = $1`, p.order.ID); err != nil {
		t.Fatal(err)
	}
	p.undone(90 * time.Second) // reviews are ended once a minute
	var staff staffOrder
	if s.Staff(t, 200, "GET", "/v1/admin/orders/"+p.order.ID, nil, &staff); staff.told("review", "expired") == nil {
		t.Errorf("staff do not see why: %+v", staff.Timeline)
	}
}

// Cash on delivery is sent at once; what the carrier brought is the settlement.
func TestCashOnDelivery(t *testing.T) {
	t.Parallel()
	p := promised(t, "delivered", "cash_on_delivery")
	if p.order.Status != "confirmed" || p.order.PaymentStatus != "captured" || p.allocated() != 1 {
		t.Errorf("%d pieces are taken, the order is %+v", p.allocated(), p.order)
	}
	if paid := p.payment(); paid.Provider != "cash_on_delivery" || paid.Captured != p.total || paid.SettledAt != nil {
		t.Errorf("the payment is %+v", paid)
	}
	for _, to := range []string{"picking", "shipped", "delivered"} {
		s.Staff(t, 200, "POST", "/v1/admin/orders/"+p.order.ID+"/transitions", map[string]string{"to": to}, nil)
	}
	p.money("received")
	if paid := p.payment(); paid.SettledAt == nil {
		t.Errorf("the payment is %+v", paid)
	}
	if o := p.seen(); o.Status != "delivered" || o.PaymentStatus != "captured" {
		t.Errorf("the order is %+v", o)
	}
}

// The doorstep refuses the parcel: the order says that nobody has paid.
func TestCashOnDeliveryIsRefused(t *testing.T) {
	t.Parallel()
	p := promised(t, "unwanted", "cash_on_delivery")
	for _, to := range []string{"picking", "shipped"} {
		s.Staff(t, 200, "POST", "/v1/admin/orders/"+p.order.ID+"/transitions", map[string]string{"to": to}, nil)
	}
	p.money("refused")
	p.becomes(15*time.Second, "shipped", "settlement_declined")
}

// A gift card paid a part, and nobody brings the rest: before it is picked the order is cancelled and the gift card has what it had.
func TestCashOnDeliveryNeverComes(t *testing.T) {
	t.Parallel()
	const worth = 500
	var card paymentapi.Credit
	s.Staff(t, 201, "POST", paymentapi.PathCredits, map[string]any{"amount": money.New(worth, "EUR"), "reason": "journey"}, &card, "Idempotency-Key", shop.Key())
	p := promised(t, "unbrought", "cash_on_delivery", card.Code)
	p.money("refused")
	p.becomes(20*time.Second, "cancelled", "settlement_declined")
	shop.Eventually(t, 20*time.Second, func() error {
		var b paymentapi.GiftCardBalance
		s.Must(t, 200, "POST", paymentapi.PathGiftCardBalance, map[string]string{"code": card.Code}, &b)
		if n := p.allocated(); b.Balance.Minor != worth || n != 0 {
			return fmt.Errorf("it has %s, %d pieces are taken", b.Balance, n)
		}
		return nil
	})
	if paid := p.payment(); paid.Status != "voided" || paid.Captured.IsPositive() {
		t.Errorf("the payment is %+v", paid)
	}
}
