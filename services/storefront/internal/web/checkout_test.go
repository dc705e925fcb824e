package web

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

const (
	checkoutID = "0123456789abcdef0123456789abcdef"
	myCart     = "fedcba9876543210fedcba9876543210"
	orderID    = "0198f000-0000-7000-8000-000000000000"
	token      = "00112233445566778899aabbccddeeff"
	formsKey   = "abcdefabcdefabcdefabcdefabcdefab"
)

func usd(minor int64) money.Amount { return money.New(minor, "USD") }

func totals(total int64) pricingapi.Totals {
	return pricingapi.Totals{Subtotal: usd(total), Discount: usd(0), Shipping: usd(0), Tax: usd(0), Total: usd(total)}
}

// aCart is one with a line.
func aCart(country string, quantity int64) cartapi.Cart {
	return cartapi.Cart{ID: myCart, Currency: "USD", Country: country, Totals: totals(1),
		Lines: []cartapi.Line{{ID: "l1", SKU: "boot-42", Title: script, Quantity: quantity, UnitPrice: usd(1), Subtotal: usd(1), Total: usd(1)}}}
}

// aCheckout is one that lacks nothing but the payment. Texts that somebody stored are ones that nobody should ever run.
func aCheckout() checkoutapi.Checkout {
	a := orderapi.Address{Name: script, Company: script, Line1: script, City: script, Region: "CA", PostalCode: "94105", Country: "US", Phone: script}
	return checkoutapi.Checkout{
		ID: checkoutID, Version: 3, Status: checkoutapi.StatusOpen, CartID: myCart, Currency: "USD", Email: "ann@example.com", ShippingAddress: &a, BillingAddress: &a,
		ShippingOption: &orderapi.ShippingOption{ID: "us-express", Label: script, Price: usd(599), ETA: orderapi.ETA{From: "2026-03-02", To: "2026-03-04"}},
		Lines: []checkoutapi.CheckoutLine{{ID: "l1", SKU: "boot-42", Title: script + "Boot", ImageURL: "/media/boot.svg", Quantity: 2, UnitPrice: usd(2000), Subtotal: usd(4000), Total: usd(4000), Tax: usd(0),
			Discounts: []pricingapi.Discount{{Label: script, Amount: usd(100)}}}},
		Promotions: []pricingapi.Promotion{{Label: script, Amount: usd(100)}},
		Totals:     pricingapi.Totals{Subtotal: usd(4000), Discount: usd(100), Shipping: usd(599), Tax: usd(350), Total: usd(4849)},
		Hold:       checkoutapi.Hold{Status: "held", ExpiresAt: time.Now().Add(10 * time.Minute)},
	}
}

func anOrder() orderapi.Order {
	a := orderapi.Address{Name: script, Line1: script, City: script, PostalCode: "94105", Country: "US"}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return orderapi.Order{
		ID: orderID, Number: "1001", Status: "confirmed", PaymentStatus: "captured", PlacedAt: at, CapturedAt: &at, Email: "ann@example.com", ShippingAddress: a, BillingAddress: a,
		ShippingOption: orderapi.ShippingOption{ID: "us-standard", Label: script, Price: usd(0)}, Totals: totals(4000),
		Lines: []orderapi.Line{{ID: "l1", SKU: "boot-42", Title: script, Quantity: 1, UnitPrice: usd(4000), Subtotal: usd(4000), Tax: usd(0), Total: usd(4000),
			Fulfillments: []orderapi.Fulfillment{{Status: "unfulfilled", Quantity: 1}}}},
		Shipments:  []orderapi.Shipment{{ID: "s1", Carrier: script, TrackingNumber: script, TrackingURL: "javascript:alert(1)", Status: "shipped"}},
		Promotions: []pricingapi.Promotion{{Label: script, Amount: usd(1)}},
		Refunds:    []orderapi.Refund{{ID: "r1", Amount: usd(5), Status: "pending", Reason: script}},
	}
}

// till is a world with a checkout that can be paid.
func till(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	w := newWorld(t, change...)
	w.says("GET checkout/v1/checkouts/{id}", aCheckout())
	w.says("GET checkout/v1/checkouts/{id}/shipping-options", map[string]any{"items": []orderapi.ShippingOption{*aCheckout().ShippingOption}})
	w.says("POST checkout/v1/checkouts/{id}/payment-session", checkoutapi.PaymentSession{Provider: "braintree", Amount: usd(4849), ClientToken: "tok",
		Providers: []paymentapi.Offer{{Provider: "braintree"}, {Provider: "bank_transfer", PayTo: "account"}, {Provider: "cash_on_delivery", Fee: usd(300)}}})
	w.says("GET order/v1/orders/{id}", anOrder())
	w.says("GET order/v1/orders/{id}/timeline", map[string]any{"items": []map[string]any{{"at": "2026-03-01T12:00:00Z", "what": "placed"}, {"at": "2026-03-01T12:00:01Z", "what": script}}})
	return w
}

const (
	withCheckout = "Cookie: __Host-cart=" + myCart + ".USD.US.2; __Host-checkout=" + checkoutID + "." + myCart
	withOrder    = "Cookie: __Host-order=" + orderID + "." + token
)

func completes() url.Values {
	return url.Values{"key": {formsKey}, "total": {"USD 4849"}, "provider": {"braintree"}, "nonce": {"fake-valid-visa-nonce"}}
}

func lacks(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if strings.Contains(page, s) {
			t.Errorf("the page has %q:\n%s", s, page)
		}
	}
}

func has(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if !strings.Contains(page, s) {
			t.Errorf("the page lacks %q:\n%s", s, page)
		}
	}
}

// What is bought is called on the last page as it was on the others, in the page's language; as the line has it where catalog is away.
func TestCheckoutNamesProducts(t *testing.T) {
	t.Parallel()
	co := aCheckout()
	co.Lines[0].ProductID, co.Lines[0].Title = "p1", "Hiking Boot, Red"
	for _, away := range []bool{false, true} {
		w := newWorld(t)
		w.says("GET checkout/v1/checkouts/{id}", co)
		if away {
			w.refuses("GET catalog/v1/products/p1", fault.New(fault.Unavailable, "unavailable", "x"))
		} else {
			w.says("GET catalog/v1/products/p1", catalogapi.Product{ID: "p1", Title: "Wanderstiefel", Options: []catalogapi.Option{{Code: "colour", Label: "Farbe"}},
				Variants: []catalogapi.Variant{{SKU: "boot-42", Options: map[string]string{"colour": "Rot"}}}})
		}
		_, page := w.do("GET", "/en-us/checkout?step=address", nil, withCheckout)
		if strings.Contains(page, "<span>Wanderstiefel</span>") == away || strings.Contains(page, "Farbe: Rot") == away || strings.Contains(page, "Hiking Boot, Red") != away {
			t.Errorf("away: %t\n%s", away, page)
		}
	}
}

func TestStepsOfACheckout(t *testing.T) {
	t.Parallel()
	w := till(t)
	for path, want := range map[string][]string{
		"/en-us/checkout":               {"Test card", "fake-valid-visa-nonce", "Place order and pay · $48.49", "Bank transfer", "+ $3.00", "10 minutes"},
		"/en-us/checkout?step=shipping": {`value="us-express" checked`, "Arrives Monday, March 2 – Wednesday, March 4", "$5.99"},
		"/en-us/checkout?step=address":  {`autocomplete="shipping address-level1"`, `<option value="CA" selected>California`, "ZIP code", `value="ann@example.com"`},
	} {
		resp, page := w.do("GET", path, nil, withCheckout)
		if resp.StatusCode != 200 || resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("X-Robots-Tag") != "noindex" {
			t.Errorf("%s: %d %v", path, resp.StatusCode, resp.Header)
		}
		has(t, page, want...)
		lacks(t, page, "<script>alert", checkoutID, myCart)
	}
	_, page := w.do("GET", "/de-de/checkout?step=address", nil, "Cookie: __Host-checkout="+checkoutID+"."+myCart)
	if strings.Contains(page, "Bundesstaat") { // a checkout in dollars is none of this market
		t.Error(page)
	}
}

func TestAddressesByCountry(t *testing.T) {
	t.Parallel()
	w := till(t)
	for country, want := range map[string][2]string{"DE": {"postal_code", "city"}, "US": {"city", "postal_code"}, "GB": {"city", "postal_code"}, "ZZ": {"city", "region"}} {
		resp, page := w.do("POST", "/en-us/checkout/address", url.Values{"action": {"country"}, "shipping.country": {country}, "shipping.name": {script}, "billing": {"same"}}, withCheckout)
		first, second := strings.Index(page, `name="shipping.`+want[0]+`"`), strings.Index(page, `name="shipping.`+want[1]+`"`)
		if resp.StatusCode != 200 || first < 0 || second < first {
			t.Errorf("%s: %d, %s at %d, %s at %d", country, resp.StatusCode, want[0], first, want[1], second)
		}
		has(t, page, "&lt;script&gt;")
		lacks(t, page, "<script>alert")
	}
	_, page := w.do("GET", "/en-us/checkout?step=address", nil, withCheckout) // with script, the fields alone follow, and the choice says so before
	has(t, page, `id="shipping-rest"`, `hx-target="#shipping-rest"`, `hx-select="#shipping-rest"`, `id="billing-rest"`, `hx-target="#billing-rest"`, `aria-describedby="shipping-country-hint"`,
		`<span class="hint" id="shipping-country-hint">The fields below follow the country.`)
	if n := w.count("PATCH "); n != 0 {
		t.Errorf("looking at another country's form has changed the checkout %d times", n)
	}
}

func TestAddressFaultsStandAtTheirFields(t *testing.T) {
	t.Parallel()
	w := till(t)
	w.refuses("PATCH checkout/v1/checkouts/{id}", fault.New(fault.Invalid, "validation-failed", "3 faults").WithField("body.email", "x", nil).
		WithField("body.shipping_address.postal_code", "x", nil).WithField("body.billing_address.postal_code", "x", nil).WithField("body.shipping_address.country", "takes none", nil))
	resp, page := w.do("POST", "/de-de/checkout/address", url.Values{"email": {"no"}, "billing": {"same"}, "shipping.country": {"DE"}, "shipping.postal_code": {"1"}, "shipping.city": {"Köln"}},
		"Cookie: __Host-checkout="+checkoutID+"."+myCart)
	if resp.StatusCode != 303 { // the market has no such checkout: it is led to its cart
		t.Error(resp.StatusCode, page)
	}
	resp, page = w.do("POST", "/en-us/checkout/address", url.Values{"email": {"no"}, "billing": {"same"}, "shipping.country": {"DE"}, "shipping.postal_code": {"1"}, "shipping.city": {"Köln"}}, withCheckout)
	if resp.StatusCode != 422 {
		t.Error(resp.StatusCode)
	}
	has(t, page, `href="#email"`, `href="#shipping-postal_code"`, "Enter a postal code such as 10115.", `aria-invalid="true"`, `id="shipping-postal_code-fault"`, `value="Köln"`, `value="no"`,
		"We cannot deliver these goods to this country")
	lacks(t, page, "#billing-postal_code")
	resp, page = w.do("POST", "/en-us/checkout/address", url.Values{"billing": {"own"}, "shipping.country": {"US"}, "billing.country": {"DE"}}, withCheckout)
	if resp.StatusCode != 422 {
		t.Error(resp.StatusCode)
	}
	has(t, page, `href="#billing-postal_code"`)
}

func TestStepsThatAreTaken(t *testing.T) {
	t.Parallel()
	w := till(t)
	var sent []string
	w.mux.HandleFunc("PATCH checkout/v1/checkouts/{id}", func(rw http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		sent = append(sent, string(b))
		_ = json.NewEncoder(rw).Encode(aCheckout())
	})
	address := url.Values{"email": {" a@example.com "}, "billing": {"same"}, "shipping.country": {"us"}, "shipping.name": {"Ann"}, "billing.name": {"not used"}}
	for path, form := range map[string]url.Values{"/en-us/checkout/address": address, "/en-us/checkout/shipping": {"option": {"us-express"}}, "/en-us/checkout/pay-with": {"provider": {"bank_transfer"}}} {
		if resp, page := w.do("POST", path, form, withCheckout); resp.StatusCode != 303 || resp.Header.Get("Location") != "/en-us/checkout" {
			t.Error(path, resp.StatusCode, page)
		}
		if resp, _ := w.do("POST", path, form); resp.StatusCode != 303 || resp.Header.Get("Location") == "" { // a browser that has no checkout
			t.Error(path, resp.StatusCode)
		}
		if resp, _ := w.do("POST", path, form, withCheckout, "Sec-Fetch-Site: cross-site"); resp.StatusCode != 403 {
			t.Error("a form of another site is taken:", path, resp.StatusCode)
		}
	}
	all := strings.Join(sent, "\n")
	if len(sent) != 2 || strings.Contains(all, "not used") || strings.Count(all, `"name":"Ann"`) != 2 || !strings.Contains(all, `"shipping_option_id":"us-express"`) || !strings.Contains(all, `"a@example.com"`) {
		t.Error(all)
	}
}

func TestBeginningACheckout(t *testing.T) {
	t.Parallel()
	const cart = "Cookie: __Host-cart=" + myCart + ".USD.US.2"
	w := till(t)
	if resp, _ := w.do("POST", "/en-us/checkout", url.Values{}); resp.Header.Get("Location") != "/en-us/cart" {
		t.Error("no cart:", resp.StatusCode, resp.Header)
	}
	w.says("POST checkout/v1/checkouts", aCheckout())
	resp, _ := w.do("POST", "/en-us/checkout", url.Values{}, cart)
	set := strings.Join(resp.Header["Set-Cookie"], "\n")
	if resp.StatusCode != 303 || resp.Header.Get("Location") != "/en-us/checkout" || !strings.Contains(set, "__Host-checkout="+checkoutID+"."+myCart) || strings.Count(set, "HttpOnly; Secure; SameSite=Lax") == 0 {
		t.Error(resp.StatusCode, resp.Header)
	}
	if resp, page := w.do("GET", "/en-us/checkout", nil, cart); resp.StatusCode != 200 || !strings.Contains(page, "Place order and pay") { // found by the cart
		t.Error(resp.StatusCode, resp.Header, page)
	}
	for name, refusal := range map[string]*fault.Fault{
		"/en-us/cart":          fault.New(fault.Invalid, "cart-empty", "x"),
		"/en-us/checkout":      fault.New(fault.Gone, "cart-completed", "x"), // which knows the order
		"/en-us/checkout/wait": fault.New(fault.Conflict, "request-in-progress", "x"),
	} {
		other := newWorld(t)
		other.refuses("POST checkout/v1/checkouts", refusal)
		if resp, _ := other.do("POST", "/en-us/checkout", url.Values{}, withCheckout); resp.Header.Get("Location") != strings.TrimSuffix(name, "?") {
			t.Error(refusal.Code, resp.StatusCode, resp.Header)
		}
	}
}

// What is out of stock is marked; whoever agrees goes on with the rest.
func TestOutOfStockAtTheBeginning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var tried, quantity atomic.Int64
	w.mux.HandleFunc("POST checkout/v1/checkouts", func(rw http.ResponseWriter, r *http.Request) {
		if quantity.Load() == 0 {
			tried.Add(1)
			httpx.WriteProblem(rw, r, fault.New(fault.Conflict, "out-of-stock", "x").With("lines", []checkoutapi.Warning{{SKU: "boot-42", Requested: 2, Available: 1}}))
			return
		}
		_ = json.NewEncoder(rw).Encode(aCheckout())
	})
	cart := aCart("US", 2)
	w.says("GET cart/v1/carts/{id}", cart)
	w.mux.HandleFunc("PATCH cart/v1/carts/{id}/lines/{line}", func(rw http.ResponseWriter, r *http.Request) {
		var in cartapi.QuantityInput
		_ = json.NewDecoder(r.Body).Decode(&in)
		quantity.Store(in.Quantity)
		_ = json.NewEncoder(rw).Encode(cart)
	})
	resp, page := w.do("POST", "/en-us/checkout", url.Values{}, withCheckout)
	if resp.StatusCode != 409 {
		t.Error(resp.StatusCode)
	}
	has(t, page, "only 1 left", "Take what is available and go on", "&lt;script&gt;")
	lacks(t, page, "<script>alert")
	if resp, _ := w.do("POST", "/en-us/checkout/adjust", url.Values{}, withCheckout); resp.Header.Get("Location") != "/en-us/checkout" || quantity.Load() != 1 || tried.Load() != 2 {
		t.Error(resp.StatusCode, resp.Header, quantity.Load(), tried.Load())
	}
}
