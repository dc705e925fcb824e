package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

// What somebody might store in the hope that another one's browser runs it, as a text and as an address.
const (
	badText    = `'"></textarea></title></script><script>alert(1)</script><img src=x onerror=alert(1)><svg onload=alert(1)>{{alert(1)}}`
	badAddress = `javascript:alert(1)//`
)

// bad is an answer of a service in which every text is one that nobody should ever run, also those that no test knows of: each string, whatever it is for, is
// badText, or badAddress where its name says that it is one. Lists and maps have one element.
func bad[T any]() (v T) {
	infect(reflect.ValueOf(&v).Elem(), 0)
	return v
}

func infect(v reflect.Value, depth int) {
	switch v.Interface().(type) {
	case money.Amount:
		v.Set(reflect.ValueOf(usd(1999)))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)))
		return
	case json.RawMessage:
		raw, _ := json.Marshal(badText)
		v.SetBytes(raw)
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(badText)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt(1)
	case reflect.Float64:
		v.SetFloat(1)
	case reflect.Pointer:
		if depth < 12 {
			v.Set(reflect.New(v.Type().Elem()))
			infect(v.Elem(), depth+1)
		}
	case reflect.Slice:
		if depth < 12 { // categories have categories
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			infect(v.Index(0), depth+1)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		infect(key, depth+1)
		infect(value, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				if infect(v.Field(i), depth+1); f.Type.Kind() == reflect.String && (strings.HasSuffix(f.Name, "URL") || f.Name == "Redirect") {
					v.Field(i).SetString(badAddress)
				}
			}
		}
	}
}

// addresses are the attributes that lead somewhere or load something.
var addresses = map[string]bool{"href": true, "src": true, "srcset": true, "action": true, "formaction": true, "poster": true, "data": true, "hx-get": true, "hx-post": true}

// run is what a browser would run of a page that is not the shop's own, and how often the page shows what was stored.
func run(page string) (found []string, shown int) {
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return []string{err.Error()}, 0
	}
	for n := range doc.Descendants() {
		if n.Type == html.TextNode && strings.Contains(n.Data, "alert(1)") {
			shown++
		}
		if n.Type != html.ElementNode {
			continue
		}
		kind, source := "", ""
		for _, a := range n.Attr {
			switch value := strings.ToLower(strings.TrimSpace(a.Val)); {
			case strings.HasPrefix(a.Key, "on"), a.Key == "srcdoc", a.Key == "style", a.Key == "http-equiv" && value != "refresh",
				addresses[a.Key] && (strings.HasPrefix(value, "javascript:") || strings.HasPrefix(value, "data:") || value == "x"):
				found = append(found, n.Data+" "+a.Key+"="+a.Val)
			case strings.Contains(value, "alert(1)"):
				shown++
			case a.Key == "type":
				kind = value
			case a.Key == "src":
				source = value
			}
		}
		switch {
		case n.Data == "iframe", n.Data == "object", n.Data == "embed", n.Data == "base", n.Data == "style":
			found = append(found, n.Data)
		case n.Data == "script" && kind == "application/ld+json":
			if n.FirstChild == nil || !json.Valid([]byte(n.FirstChild.Data)) {
				found = append(found, "data that cannot be read")
			}
		case n.Data == "script" && (n.FirstChild != nil || !strings.HasPrefix(source, "/assets/") && !strings.HasPrefix(source, "https://js.braintreegateway.com/")):
			found = append(found, "script "+source)
		}
	}
	return found, shown
}

// infected is a shop whose services answer with nothing but what should never be run. Only what decides which page there is is as it should be.
func infected(t *testing.T, change ...func(*Config)) *world {
	w := newWorld(t, change...)
	w.mux = http.NewServeMux()
	department := bad[catalogapi.Category]()
	department.Slug = "shoes"
	w.says("GET catalog/v1/categories", map[string]any{"items": []catalogapi.Category{department}})
	page, product, similar := bad[searchapi.Products](), bad[catalogapi.Product](), bad[searchapi.Similar]()
	page.Redirect = ""
	product.ID, product.Slug, product.Status = "p1", "coffee", "published"
	w.says("GET search/v1/products", page)
	w.says("GET search/v1/products/{id}/similar", similar)
	w.says("GET search/v1/products/rows", bad[searchapi.Rows]())
	w.says("GET search/v1/products/suggest", bad[searchapi.Suggestions]())
	w.says("GET catalog/v1/products", page)
	w.says("GET catalog/v1/products/{id}", product)
	compared := bad[catalogapi.Comparison]()
	compared.Missing = nil
	w.says("GET catalog/v1/products/compare", compared)
	cart := bad[cartapi.Cart]()
	cart.ID, cart.Status, cart.Country, cart.Currency = myCart, cartapi.StatusOpen, "US", "USD"
	w.says("GET cart/v1/carts/{id}", cart)
	w.says("POST cart/v1/carts/{id}/lines/batch", cart)
	co := bad[checkoutapi.Checkout]()
	co.ID, co.CartID, co.Status, co.Currency, co.Order = checkoutID, myCart, checkoutapi.StatusOpen, "USD", nil
	w.says("GET checkout/v1/checkouts/{id}", co)
	w.says("PATCH checkout/v1/checkouts/{id}", co)
	w.says("POST checkout/v1/checkouts", co)
	w.says("GET checkout/v1/checkouts/{id}/shipping-options", map[string]any{"items": []orderapi.ShippingOption{bad[orderapi.ShippingOption]()}})
	session := bad[checkoutapi.PaymentSession]()
	session.Providers = append(session.Providers, paymentapi.Offer{Provider: "braintree"}, paymentapi.Offer{Provider: "bank_transfer", PayTo: badText})
	w.says("POST checkout/v1/checkouts/{id}/payment-session", session)
	o := bad[orderapi.Order]()
	o.ID, o.AccessToken = orderID, token
	w.says("GET order/v1/orders/{id}", o)
	w.says("GET order/v1/orders/{id}/timeline", map[string]any{"items": []map[string]any{{"at": "2026-03-01T12:00:00Z", "what": badText}}})
	w.says("GET payment"+paymentapi.PathTransfers+"{id}", bad[paymentapi.Transfer]())
	return w
}

// Whatever merchandisers, staff, suppliers or shoppers have stored, no page runs it; nor what stands in an address or in a cookie.
func TestNothingStoredIsRun(t *testing.T) {
	t.Parallel()
	w := infected(t)
	escaped := url.QueryEscape(badText)
	cookies := withCheckout + "; " + strings.TrimPrefix(withOrder, "Cookie: ") + "; __Host-compare=p1~p2; __Host-seen=p1~p2; __Host-saved=p1.1.S; __Host-said=left-out:" + escaped
	for path, least := range map[string]int{
		"/en-us/": 3, "/de-de/": 3, "/en-us/c/shoes": 10, "/en-us/c/shoes?cursor=c2": 10, "/en-us/c/shoes?sort=price&attr.colour=" + escaped: 10, "/en-us/search?q=" + escaped: 10,
		"/de-de/search?q=a&brand=" + escaped: 10, "/en-us/suggest?q=ab": 3, "/en-us/p/coffee": 10, "/en-us/p/coffee?sku=" + escaped: 10, "/en-us/compare": 5, "/en-us/compare?only=differences": 1, "/en-us/cart": 5,
		"/en-us/checkout": 5, "/en-us/checkout?step=address": 5, "/en-us/checkout?step=shipping": 3, "/en-us/checkout?step=" + escaped: 3, "/en-us/order/" + orderID: 5, "/de-de/order/" + orderID: 5,
		"/en-us/gift-card": 0, "/en-us/c/" + url.PathEscape(badText): 0, "/en-us/" + url.PathEscape(badText): 0,
	} {
		resp, page := w.do("GET", path, nil, cookies)
		found, shown := run(page)
		for _, f := range found {
			t.Errorf("%.60s runs %s", path, f)
		}
		if resp.StatusCode >= 500 || resp.Header.Get("Location") != "" || shown < least {
			t.Errorf("%.60s: %d %q, %d of what was stored are shown, want %d at least\n%.3000s", path, resp.StatusCode, resp.Header.Get("Location"), shown, least, page)
		}
	}
}

// What a form brings comes back where something is wrong with it, and is not run either.
func TestNothingTypedIsRun(t *testing.T) {
	t.Parallel()
	w := infected(t)
	w.refuses("POST cart/v1/carts/{id}/coupons", fault.New(fault.Invalid, "coupon-not-applicable", badText))
	address := url.Values{"action": {"country"}}
	for _, prefix := range []string{"shipping", "billing"} {
		for _, field := range []string{"name", "company", "line1", "line2", "city", "region", "postal_code", "country", "phone"} {
			address.Set(prefix+"."+field, badText)
		}
	}
	address.Set("email", badText)
	address.Set("billing", "own")
	for path, form := range map[string]url.Values{
		"/en-us/checkout/address":   address,
		"/en-us/cart/coupons":       {"code": {badText}},
		"/en-us/gift-card":          {"code": {badText}},
		"/en-us/checkout/gift-card": {"code": {badText}},
		"/en-us/cart/lines":         {"sku": {badText}, "quantity": {badText}, "back": {badAddress}},
		"/en-us/compare":            {"add": {badText}, "back": {badAddress}},
		"/en-us/market":             {"to": {badText}, "path": {badAddress}},
	} {
		for _, way := range []string{"Accept: text/html", "HX-Request: true"} {
			resp, page := w.do("POST", path, form, withCheckout, way)
			if found, _ := run(page); len(found) > 0 || resp.StatusCode >= 500 || strings.HasPrefix(resp.Header.Get("Location"), "javascript:") {
				t.Errorf("%s: %d %q runs %v", path, resp.StatusCode, resp.Header.Get("Location"), found)
			}
			if path == "/en-us/checkout/address" && !strings.Contains(page, `value="&#39;&#34;&gt;`) {
				t.Errorf("what was typed is lost:\n%s", page)
			}
		}
	}
}

// A rule leads within the shop, whatever it was stored as.
func TestNoRedirectIsRun(t *testing.T) {
	t.Parallel()
	for _, to := range []string{badAddress, badText, "//evil.example/", `/\evil.example`, "data:text/html,x", "\tjavascript:alert(1)"} {
		w := newWorld(t)
		w.says("GET search/v1/products", searchapi.Products{Redirect: to})
		resp, page := w.do("GET", "/en-us/search?q=x", nil)
		at, err := url.Parse(resp.Header.Get("Location"))
		if err != nil || at.Host != "" && at.Host != "shop.example" || at.Scheme != "" && at.Scheme != "https" {
			t.Errorf("%q leads to %q: %s", to, resp.Header.Get("Location"), page)
		}
	}
}
