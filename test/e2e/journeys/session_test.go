package journeys

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

// session is a browser without a window and without script: it keeps cookies, follows redirects, and sends forms as they are, with what is filled in.
type session struct {
	testing.TB
	client  http.Client
	cookies map[string]string
}

func newSession(t testing.TB) *session {
	return &session{TB: t, cookies: map[string]string{}, client: http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// ask opens an address, and where it leads.
func (v *session) ask(method, address string, form url.Values) *found {
	v.Helper()
	p := &found{address: address}
	for range 5 {
		r, err := http.NewRequestWithContext(v.Context(), method, s.Storefront+p.address, strings.NewReader(form.Encode()))
		if err != nil {
			v.Fatal(err)
		}
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		for name, value := range v.cookies {
			r.Header.Add("Cookie", name+"="+value)
		}
		resp, err := v.client.Do(r)
		if err != nil {
			v.Fatal(err)
		}
		v.keep(resp)
		p.status, p.location, p.header = resp.StatusCode, resp.Header.Get("Location"), resp.Header
		if p.body, err = io.ReadAll(resp.Body); err == nil && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
			p.doc, err = html.Parse(bytes.NewReader(p.body))
		}
		if resp.Body.Close(); err != nil {
			v.Fatal(err)
		}
		if p.status/100 != 3 {
			return p
		}
		method, form, p = http.MethodGet, nil, &found{address: p.location, from: p.address}
	}
	v.Fatalf("%s leads on and on", address)
	return nil
}

func (v *session) keep(resp *http.Response) {
	for _, c := range resp.Cookies() {
		if v.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		}
	}
}

// goes opens a page that must be there.
func (v *session) goes(address string) *found {
	v.Helper()
	p := v.ask(http.MethodGet, address, nil)
	if p.status != 200 || p.doc == nil {
		v.Fatalf("%s: %d %.2000s", address, p.status, p.body)
	}
	return p
}

// sends a page's form, the first whose address ends so and which has the fields that are filled in, by pairs of name and value. A button is a field.
func (v *session) sends(p *found, action string, filled ...string) *found {
	v.Helper()
	var form *html.Node
	values := url.Values{}
	p.each(func(n *html.Node) {
		if form != nil || n.Data != "form" || !strings.HasSuffix(attr(n, "action"), action) {
			return
		}
		fields, names := formed(p, n)
		for i := 0; i+1 < len(filled); i += 2 {
			if !names[filled[i]] {
				return
			}
			fields.Set(filled[i], filled[i+1])
		}
		form, values = n, fields
	})
	if form == nil {
		v.Fatalf("%s has no form to %s with %q:\n%.4000s", p.address, action, filled, p.body)
	}
	if strings.EqualFold(attr(form, "method"), http.MethodPost) {
		return v.ask(http.MethodPost, attr(form, "action"), values)
	}
	return v.ask(http.MethodGet, attr(form, "action")+"?"+values.Encode(), nil)
}

// formed is what a form sends when nothing is filled in, and the names of all its fields.
func formed(p *found, form *html.Node) (values url.Values, names map[string]bool) {
	values, names = url.Values{}, map[string]bool{}
	within := map[*html.Node]bool{}
	for n := range form.Descendants() {
		within[n] = true
	}
	has := func(n *html.Node, name string) bool {
		for _, a := range n.Attr {
			if a.Key == name {
				return true
			}
		}
		return false
	}
	p.each(func(n *html.Node) {
		name := attr(n, "name")
		if name == "" || !within[n] && (attr(n, "form") == "" || attr(n, "form") != attr(form, "id")) {
			return
		}
		switch n.Data {
		case "button":
			names[name] = true
		case "select":
			names[name] = true
			for o := range n.Descendants() {
				if o.Data == "option" && (has(o, "selected") || !values.Has(name)) {
					values.Set(name, attr(o, "value"))
				}
			}
		case "input":
			kind := attr(n, "type")
			if names[name] = true; kind != "radio" && kind != "checkbox" || has(n, "checked") {
				values.Add(name, attr(n, "value"))
			}
		}
	})
	return values, names
}

// coupon makes one of ten per cent, of carts from so much on.
func coupon(t *testing.T, least ...money.Amount) (code string) {
	t.Helper()
	code = "T" + shop.Key()[:11]
	s.Staff(t, 204, "PUT", "/v1/admin/coupons/"+code, pricingapi.CouponInput{Label: "Ten per cent", Kind: "percentage", PercentBP: 1000, MinTotals: least, Enabled: true}, nil)
	return code
}

// giftCard makes one of twenty dollars.
func giftCard(t *testing.T) (code string) {
	t.Helper()
	var made paymentapi.Credit
	s.Staff(t, 201, "POST", paymentapi.PathCredits, map[string]any{"amount": money.New(2000, "USD"), "reason": "journey"}, &made, "Idempotency-Key", shop.Key())
	return made.Code
}

// inStock are the slugs of products of a department that can be bought.
func inStock(t *testing.T, department string, n int) (all []string) {
	t.Helper()
	var page searchapi.Products
	s.Must(t, 200, "GET", "/v1/products?in_stock=true&sort=price&category="+department, nil, &page)
	for _, p := range page.Items[:min(n, len(page.Items))] {
		all = append(all, p.Slug)
	}
	if len(all) < n {
		t.Fatalf("%d products of %s are in stock", len(all), department)
	}
	return all
}

// whole is an address as the checkout's form has it.
var whole = []string{"email", "customer@example.com", "shipping.name", "Sample Customer", "shipping.line1", "1 Main Street", "shipping.city", "Columbus", "shipping.region", "OH", "shipping.postal_code", "43004"}

// shops has somebody compare two products, put three into the cart, one for later, and redeem a coupon that applies and one that does not.
func shops(t *testing.T) (v *session, all []*found) {
	t.Helper()
	v = newSession(t)
	for i, slug := range inStock(t, "kitchen", 3) {
		p := v.goes("/en-us/p/" + slug)
		if i < 2 {
			p = v.sends(p, "/compare", "add", productID(p))
		}
		all = append(all, v.sends(p, "/cart/lines"))
	}
	all = append(all, v.goes("/en-us/compare"), v.goes("/en-us/compare?only=differences"), v.goes("/en-us/"), v.goes("/en-us/c/kitchen"))
	cart := v.sends(v.goes("/en-us/cart"), "/later")
	all = append(all, cart)
	v.sends(cart, "/cart/coupons", "code", coupon(t))
	cart = v.sends(v.goes("/en-us/cart"), "/cart/coupons", "code", coupon(t, money.New(1000000, "USD")))
	return v, append(all, cart, v.sends(cart, "/cart/coupons", "code", "NOBODY-HAS-IT"))
}

// productID is the product that a page is about.
func productID(p *found) (id string) {
	p.each(func(n *html.Node) {
		if id == "" && n.Data == "button" && attr(n, "form") == "compare-form" {
			id = attr(n, "value")
		}
	})
	return id
}

// walk is what a shopper sees who has something in the cart: every page from the first product to the order, and what they are when something is wrong.
func walk(t *testing.T) (v *session, all []*found) {
	t.Helper()
	v, all = shops(t)
	see := func(p *found) *found {
		t.Helper()
		if p.status >= 500 || p.doc == nil {
			t.Errorf("%s: %d", p.address, p.status)
		}
		all = append(all, p)
		return p
	}
	address := see(v.sends(v.goes("/en-us/cart"), "/checkout"))
	see(v.sends(address, "/checkout/address", "email", "nobody"))
	shipping := see(v.sends(address, "/checkout/address", whole...))
	payment := see(v.sends(shipping, "/checkout/shipping"))
	see(v.sends(payment, "/checkout/gift-card", "code", "NOBODY-HAS-IT"))
	code := giftCard(t)
	payment = see(v.sends(payment, "/checkout/gift-card", "code", code))
	declined := see(v.sends(payment, "/checkout/complete", "nonce", "fake-processor-declined-visa-nonce"))
	for _, step := range []string{"address", "shipping"} {
		see(v.goes("/en-us/checkout?step=" + step))
	}
	order := see(v.sends(declined, "/checkout/complete", "nonce", "fake-valid-visa-nonce"))
	if !strings.Contains(order.address, "/order/") {
		t.Fatalf("no order came of it: %s\n%.4000s", order.address, order.body)
	}
	see(v.sends(order, "/cancel")) // without a reason
	see(v.goes("/en-us/cart"))
	see(v.sends(v.goes("/en-us/gift-card"), "/gift-card", "code", code))
	see(v.sends(v.goes("/en-us/gift-card"), "/gift-card", "code", "NOBODY-HAS-IT"))
	return v, all
}

// A shopper's own pages are in order as those are that everybody sees, none is kept by anybody, and every link leads on.
func TestAShoppersPagesAreInOrder(t *testing.T) {
	v, all := walk(t)
	asked := map[string]bool{}
	for _, p := range all {
		for _, fault := range faults(p) {
			t.Errorf("%s: %s", p.address, fault)
		}
		for _, part := range []string{"/cart", "/checkout", "/order/", "/gift-card", "/compare"} {
			kept := p.header.Get("Cache-Control")
			if strings.HasPrefix(p.address, "/en-us"+part) && !strings.Contains(kept, "no-store") && !strings.Contains(kept, "private") {
				t.Errorf("%s may be kept by others: %q", p.address, kept)
			}
		}
		for _, to := range p.links() {
			if asked[to] || to == p.address { // a part of the page itself
				continue
			}
			asked[to] = true
			if led := v.ask(http.MethodGet, to, nil); led.status != 200 {
				t.Errorf("%s, which %s has a link to: %d", to, p.address, led.status)
			}
		}
	}
	if len(all) < 20 || len(asked) < 100 {
		t.Errorf("%d pages with %d links: then this says little", len(all), len(asked))
	}
	t.Logf("%d pages, %d links", len(all), len(asked))
}
