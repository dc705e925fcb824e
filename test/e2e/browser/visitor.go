package browser

import (
	"fmt"
	"net/url"
	"testing"
)

// Visitor is somebody who shops in a browser.
type Visitor struct {
	*Tab
	Market  string            // "/en-us"
	Address map[string]string // by the names of the fields
}

// Visit opens a browser in a market of the shop, as somebody who lives there.
func Visit(t testing.TB, base, market string) *Visitor {
	t.Helper()
	v := &Visitor{Tab: Open(t, base), Market: market}
	v.Address = map[string]string{"name": "Sample Customer", "line1": "1 Main Street", "city": "Columbus", "region": "OH", "postal_code": "43004"}
	if market == "/de-de" {
		v.Address = map[string]string{"name": "Erika Muster", "line1": "Hauptstraße 1", "city": "Berlin", "postal_code": "10115"}
	}
	return v
}

// Find looks for words and opens the first product that is there to be bought. It returns its title.
func (v *Visitor) Find(words string) (title string) {
	v.Helper()
	v.Fill("#q", words)
	v.Press("\r")
	v.At(`^` + v.Market + `/search\?q=`)
	v.Go(v.Market + "/search?q=" + url.QueryEscape(words) + "&in_stock=true")
	const first = "#grid .card:not(.out) h3 a"
	title = v.Text(first)
	v.Click(first)
	v.At(`^` + v.Market + `/p/`)
	if got := v.Text("h1"); got != title {
		v.Errorf("the page of %q is about %q", title, got)
	}
	return title
}

// Added is the cart's count that shows after something was put into it.
const Added = `document.querySelector("#cart-count") && !document.querySelector("#cart-count").hidden`

// Redeem puts a coupon into the cart that is open.
func (v *Visitor) Redeem(code string) {
	v.Helper()
	v.Fill("#code", code)
	v.Click(".coupons form.field button")
	v.Sees(".coupon code", code)
	v.Sees(".totals", "Ten per cent")
}

// Continue is the button of the address step.
const Continue = `form[action$="/checkout/address"] > button.button`

// Ship goes from the cart to the payment step.
func (v *Visitor) Ship() {
	v.Helper()
	v.Click(`form[action$="/checkout"] button`)
	v.At(`/checkout`)
	v.Fill("#email", "customer@example.com")
	for field, value := range v.Address {
		if field == "region" {
			v.Choose("#shipping-region", value)
			continue
		}
		v.Fill("#shipping-"+field, value)
	}
	v.Click(Continue)
	v.Await("the ways to ship", `document.querySelector('form[action$="/checkout/shipping"]')`)
	v.Click(`form[action$="/checkout/shipping"] > button`)
	v.Await("the payment step", `document.querySelector("#pay")`)
}

// Until presses Tab until what has the focus fits, as somebody does who has no mouse.
func (v *Visitor) Until(selector string) {
	v.Helper()
	for range 150 {
		v.Press("\t")
		if Eval[bool](v.Tab, fmt.Sprintf(`document.activeElement.matches(%q)`, selector)) {
			outline := Eval[string](v.Tab, `(() => { for (let e = document.activeElement; e; e = e.parentElement) { const c = getComputedStyle(e); if (c.outlineStyle !== "none" || c.boxShadow !== "none") return "seen"; if (e.matches("li, form, main")) break; } return document.activeElement.outerHTML.slice(0, 200); })()`)
			if outline != "seen" {
				v.Errorf("nobody sees that this has the focus: %s", outline)
			}
			return
		}
	}
	v.Fatalf("the Tab key does not come to %s", selector)
}
