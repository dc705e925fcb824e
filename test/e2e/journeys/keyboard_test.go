//go:build chromium

package journeys

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/sidecart/sidecart/test/e2e/browser"
)

// Nothing needs a mouse, nor an address typed: from the address of the shop to the order's page by Tab, Shift-Tab, Enter, Space and the arrows alone. Wherever the
// keyboard stops something is seen of it.
func TestAKeyboardBuys(t *testing.T) {
	v := browser.Visit(t, s.Storefront, "/en-us")
	v.Go("/en-us/")
	v.Press("\t")
	v.Sees("a.skip", "Skip to content")
	v.Press("\r")
	v.Await("the main part", `document.activeElement.id === "main"`)
	v.Until("#q", kb.ModifierShift)
	v.Type("mug")
	v.Press("\r")
	v.At(`^/en-us/search\?q=mug$`)
	v.Until(`#filters [name="in_stock"]`)
	v.Press(" ")
	v.At(`in_stock=true`)
	v.Await("the page of what is in stock", `document.querySelector(".chips")`) // its address comes first
	v.Await("the focus where it was", `document.activeElement.matches('#filters [name="in_stock"]')`)
	v.Until("#sort", kb.ModifierShift)
	v.Press(kb.End)
	v.At(`sort=-price`)
	v.Await("the page in that order", `document.querySelector("#sort option[selected]").value === "-price"`)
	v.Await("the focus where it was", `document.activeElement.id === "sort"`)
	v.Until("#grid .card:not(.out) h3 a")
	v.Press("\r")
	v.At("^/en-us/p/")
	v.Until("#quantity")
	v.Press(kb.ArrowUp)
	v.Until("form.buy button[type=submit]")
	v.Press(" ")
	v.Await("what was added", browser.Added)
	v.Until(`a[href$="/cart"]`)
	v.Press("\r")
	v.At("^/en-us/cart$")
	v.Sees("#cart .heading .total", "2")
	v.Until(`.stepper [value="-1"]`)
	v.Press(" ")
	v.Sees("#cart .heading .total", "1 item")
	v.Until(`form[action$="/checkout"] button`)
	v.Press("\r")
	v.At("/checkout$")
	v.Until("#email")
	v.Type("customer@example.com")
	for _, field := range []string{"name", "line1", "city", "region", "postal_code"} {
		v.Until("#shipping-" + field)
		if field == "region" {
			v.Type("Ohio")
			continue
		}
		v.Type(v.Address[field])
	}
	v.Until(browser.Continue)
	v.Press("\r")
	v.Await("the ways to ship", `document.querySelector('form[action$="/checkout/shipping"]')`)
	v.Until(`[name=option]`)
	v.Press(kb.ArrowDown)
	second := browser.Eval[string](v.Tab, `document.activeElement.value`)
	v.Await("another way", fmt.Sprintf(`document.querySelectorAll("[name=option]")[1].value === %q && document.activeElement.checked`, second))
	v.Until(`form[action$="/checkout/shipping"] > button`)
	v.Press("\r")
	v.Await("the payment step", `document.querySelector("#pay")`)
	v.Until("#pay button[type=submit]")
	v.Press(" ")
	o := order(v, "confirmed")
	if o.ShippingOption.ID != second || len(o.Lines) != 1 || o.Lines[0].Quantity != 1 {
		t.Errorf("%+v of %+v", o.ShippingOption, o.Lines)
	}
	v.Until("details.cancel > summary")
	v.Press("\r")
	v.Until("details.cancel [name=reason]")
	v.Press(" ")
	v.Until("details.cancel [name=sure]")
	v.Press(" ")
	v.Until("details.cancel button")
	v.Press("\r")
	v.Await("that it is cancelled", `document.querySelector(".panel.status.cancelled")`)
}
