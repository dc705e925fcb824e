package browser

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"
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

// Until presses Tab, or Shift-Tab, until what has the focus fits, as somebody does who has no mouse. Each stop must be seen to have it.
func (v *Visitor) Until(selector string, modifiers ...chromedp.Modifier) {
	v.Helper()
	for range 150 {
		v.Press("\t", modifiers...)
		if unseen := Eval[string](v.Tab, focusUnseen); unseen != "" {
			v.Errorf("nobody sees that this has the focus: %s", unseen)
		}
		if Eval[bool](v.Tab, fmt.Sprintf(`document.activeElement.matches(%q)`, selector)) {
			return
		}
	}
	v.Fatalf("the Tab key does not come to %s", selector)
}

// focusUnseen is what has the focus, unless it, what belongs to it or its card has an outline, and it stands in the window with something of it uncovered.
const focusUnseen = `(() => {
	const a = document.activeElement;
	if (!a || a === document.body) return "";
	const lined = e => { const c = getComputedStyle(e); return c.outlineStyle !== "none" && parseFloat(c.outlineWidth) >= 2; };
	let seen = a.nextElementSibling && a.matches("input[type=radio]") && lined(a.nextElementSibling);
	for (let e = a; e && !seen; e = e.parentElement) { seen = lined(e); if (e.matches("li, form, main")) break; }
	const what = a.outerHTML.slice(0, 200);
	if (!seen) return what;
	const whole = a.closest("label") || a, r = whole.getBoundingClientRect();
	if (r.bottom <= 0 || r.top >= innerHeight || r.right <= 0 || r.left >= innerWidth) return "outside of the window: " + what;
	const points = [[.5, .5], [.1, .2], [.9, .2], [.1, .8], [.9, .8]].map(([x, y]) => document.elementFromPoint(r.left + r.width * x, r.top + r.height * y));
	if (!points.some(e => e && (whole.contains(e) || e.contains(a) && e.matches("label, a, button, li, summary, article, [tabindex]")))) return "covered: " + what;
	return "";
})()`
