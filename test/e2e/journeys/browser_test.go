//go:build chromium

package journeys

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/test/e2e/browser"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

// enough puts pieces of what the page offers on a shelf, so that it can be bought whatever other tests have bought.
func enough(v *browser.Visitor) {
	v.Helper()
	sku := browser.Eval[string](v.Tab, `document.querySelector("form.buy [name=sku]").value`)
	s.Staff(v, 204, "PUT", "/v1/admin/locations/test-shelf", inventoryapi.LocationInput{Name: "Test shelf", Country: "US", Enabled: true}, nil)
	s.Staff(v, 200, "POST", "/v1/admin/stock/receive", inventoryapi.StockInput{Reference: v.Name() + shop.Key(), Lines: []inventoryapi.StockLine{{SKU: sku, LocationID: "test-shelf", Quantity: 10}}}, nil)
}

// order is the order whose page is open, as its service knows it.
func order(v *browser.Visitor, status string) (o orderapi.Order) {
	v.Helper()
	v.At(`^` + v.Market + `/order/[0-9a-f-]{36}`)
	id := regexp.MustCompile(`/order/([0-9a-f-]{36})`).FindStringSubmatch(browser.Eval[string](v.Tab, "location.pathname"))[1]
	s.Staff(v, 200, "GET", "/v1/admin/orders/"+id, nil, &o)
	if o.Status != status {
		v.Errorf("the order is %s, want %s", o.Status, status)
	}
	return o
}

// Somebody finds, narrows down, looks, buys with a coupon, and changes their mind.
func TestABrowserBuysAndCancels(t *testing.T) {
	shop.Eventually(t, patience, func() error { // it is the first test of a shop that was seeded a moment ago
		var found searchapi.Suggestions
		s.Must(t, 200, "GET", "/v1/products/suggest?q=kettl", nil, &found)
		if len(found.Products) == 0 {
			return errors.New("kettles are not suggested yet")
		}
		return nil
	})
	v := browser.Visit(t, s.Storefront, "/en-us")
	v.Go("/")
	v.At(`^/en-us/$`)
	v.Fill("#q", "kettl")
	v.Await("suggestions", `document.querySelectorAll("#suggestion-list [role=option]").length > 0 && document.querySelector("#q").getAttribute("aria-expanded") === "true"`)
	v.Find("kettle")
	enough(v)
	v.Click("form.buy button[type=submit]")
	v.Await("what was added", browser.Added)
	v.Go("/en-us/cart")
	v.Redeem(coupon(t))
	v.Click(`form.stepper [name=step][value="1"]`)
	v.Sees("#cart .total", "2 items")
	v.Ship()
	total := v.Text(".totals .sum dd")
	v.Click("#pay button[type=submit]")
	o := order(v, "confirmed")
	if shown := v.Text(".totals .sum dd"); shown != total || len(o.Lines) != 1 || o.Lines[0].Quantity != 2 || len(o.Promotions) != 1 {
		t.Errorf("bought for %s, shown %s: %+v", total, shown, o)
	}
	v.Click("details.cancel > summary")
	v.Click("details.cancel [name=reason]")
	v.Click("details.cancel [name=sure]")
	v.Click("details.cancel button")
	v.Await("that it is cancelled", `document.querySelector(".panel.status.cancelled")`)
	order(v, "cancelled")
}

// Without script everything goes on to the payment step, where a card needs it (the simulator's form does not).
func TestABrowserWithoutScriptBuys(t *testing.T) {
	v := browser.Visit(t, s.Storefront, "/en-us")
	v.WithoutScript()
	v.Go("/en-us/")
	v.Find("mug")
	v.Click("form.buy button[type=submit]")
	v.Await("what was added", browser.Added)
	v.Go("/en-us/cart")
	v.Redeem(coupon(t))
	v.Ship()
	v.Click("#pay button[type=submit]")
	order(v, "confirmed")
}

// The same in German, in euros with the tax in them; and a cart goes along to another market.
func TestABrowserBuysInGerman(t *testing.T) {
	v := browser.Visit(t, s.Storefront, "/de-de")
	v.Go("/de-de/")
	if lang := browser.Eval[string](v.Tab, "document.documentElement.lang"); lang != "de-DE" {
		t.Error("the page is in ", lang)
	}
	v.Find("Tasse")
	if price := v.Text(".cost .price"); !strings.HasSuffix(price, "€") {
		t.Errorf("the price is %q", price)
	}
	v.Click("form.buy button[type=submit]")
	v.Await("what was added", browser.Added)
	v.Go("/de-de/cart")
	v.Redeem(coupon(t))
	seen(t, v.Tab, "cart")
	v.Ship()
	seen(t, v.Tab, "payment")
	v.Go("/de-de/checkout?step=address")
	seen(t, v.Tab, "address")
	v.Allow(`^422 .*/checkout/address$`)
	v.Fill("#shipping-name", "")
	v.Fill("#email", "nobody")
	v.Click(browser.Continue)
	v.Await("what is wrong", `document.querySelectorAll("[aria-invalid=true]").length === 2 && document.activeElement.matches("[role=alert]")`)
	seen(t, v.Tab, "address with faults")
	v.Fill("#shipping-name", v.Address["name"])
	v.Fill("#email", "customer@example.com")
	v.Click(browser.Continue)
	v.Await("the payment step", `document.querySelector("#pay")`)
	v.Go("/de-de/checkout?step=shipping")
	seen(t, v.Tab, "shipping")
	v.Click(`form[action$="/checkout/shipping"] > button`)
	v.Await("the payment step", `document.querySelector("#pay")`)
	v.Click("#pay button[type=submit]")
	if o := order(v, "confirmed"); o.Totals.Total.Currency != "EUR" || !o.Totals.TaxIncluded || o.ShippingAddress.Country != "DE" {
		t.Errorf("%+v %+v", o.Totals, o.ShippingAddress)
	}
	v.Sees("h1", "Bestellung")
	seen(t, v.Tab, "order")
}
