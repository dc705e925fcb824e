//go:build chromium

package journeys

import (
	"fmt"
	"testing"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/test/e2e/browser"
)

// filled puts a product of a department into the cart and opens it. It returns what the product is called.
func filled(v *browser.Visitor, words string) (title string) {
	v.Helper()
	v.Go(v.Market + "/")
	title = v.Find(words)
	enough(v)
	v.Click("form.buy button[type=submit]")
	v.Await("what was added", browser.Added)
	v.Go(v.Market + "/cart")
	v.Sees("#cart .line", title)
	return title
}

// Somebody changes their mind in the cart: for later, back, and as many as they type, which the checkout has though they go there at once.
func TestAShopperChangesACart(t *testing.T) {
	v := browser.Visit(t, s.Storefront, "/en-us")
	title := filled(v, "teapot")
	v.Click(`.line form[action$="/later"] button`)
	v.Sees(".saved", title)
	v.Await("an empty cart", `document.querySelector("#cart-count").hidden && !document.querySelector(".line")`)
	v.Click(`.saved form[action$="/cart/saved"] button`)
	v.Sees("#cart .line", title)
	v.Await("nothing saved", `!document.querySelector(".saved")`)

	dear := coupon(t, money.New(100000000, "USD"))
	v.Fill("#code", dear)
	v.Click(".coupons form.field button")
	v.Sees(".coupon .why", "$")
	v.Await("how much is missing", `document.querySelector(".coupon progress[aria-label]")`)
	v.Fill("#code", "NOBODY-HAS-IT")
	v.Click(".coupons form.field button")
	v.Sees(".coupon .why.bad", "We do not know this code")

	const pieces = ".line .stepper [name=quantity]"
	v.Fill(pieces, "3")
	v.Click(`#cart .go button`) // without a look at what has become of it
	v.At("^/en-us/checkout$")
	v.Sees(".summary-lines", "3")
	v.Go("/en-us/cart")
	if n := browser.Eval[string](v.Tab, fmt.Sprintf("document.querySelector(%q).value", pieces)); n != "3" {
		t.Errorf("the cart has %s pieces", n)
	}
	v.Fill(pieces, "4")
	v.Press("\r")
	v.Sees("#cart .heading .total", "4")
	v.Click(`.line .tools form:last-child button`)
	v.Sees("#cart .empty", "cart")
}

// Somebody moves in the middle: the cart comes along, in the other country's currency.
func TestAShopperMoves(t *testing.T) {
	v := browser.Visit(t, s.Storefront, "/en-us")
	filled(v, "plate")
	v.Click("details.market > summary")
	v.Choose("#top-language", "de")
	v.Choose("#top-place", "DE:EUR")
	v.Click("details.market .switch button")
	v.At("^/de-de/cart$")
	v.Await("the price in euros", `document.querySelector(".line .price strong") && document.querySelector(".line .price strong").innerText.includes("€")`)
	if lang := browser.Eval[string](v.Tab, "document.documentElement.lang"); lang != "de-DE" || v.Count(".line") != 1 || v.Count(".bring") != 0 {
		t.Errorf("in %s there are %d lines, %d carts elsewhere", lang, v.Count(".line"), v.Count(".bring"))
	}
	v.Click(`#cart .go button`)
	v.At("^/de-de/checkout$")
	if country := browser.Eval[string](v.Tab, `document.querySelector("#shipping-country").value`); country != "DE" {
		t.Errorf("the address is asked for in %s", country)
	}
}

// Who goes on typing while the fields of another country are on their way loses nothing.
func TestAddressKeepsWhatIsTypedMeanwhile(t *testing.T) {
	v := browser.Visit(t, s.Storefront, "/en-us")
	filled(v, "bowl")
	v.Click(`#cart .go button`)
	v.At("^/en-us/checkout$")
	v.Fill("#shipping-city", "Wien")
	browser.Eval[bool](v.Tab, `(() => {
		const country = document.querySelector("#shipping-country");
		country.value = "DE";
		country.dispatchEvent(new Event("change", { bubbles: true }));
		document.querySelector("#shipping-name").value = "Ada Muster";
		return true;
	})()`)
	v.Await("the fields of that country", `!document.querySelector("#shipping-region")`)
	if name, city := browser.Eval[string](v.Tab, `document.querySelector("#shipping-name").value`), browser.Eval[string](v.Tab, `document.querySelector("#shipping-city").value`); name != "Ada Muster" || city != "Wien" {
		t.Errorf("%q in %q are left", name, city)
	}
}
