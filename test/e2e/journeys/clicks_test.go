//go:build chromium

package journeys

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/test/e2e/browser"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

// shown is how many products a page says that it found.
func shown(v *browser.Visitor) int {
	v.Helper()
	n, err := strconv.Atoi(strings.Fields(strings.ReplaceAll(v.Text(".heading .total"), ",", ""))[0])
	if err != nil {
		v.Fatal(err)
	}
	return n
}

// other waits until the page has found another number of products, and returns it. The address comes before the page.
func other(v *browser.Visitor, than int) int {
	v.Helper()
	v.Await(fmt.Sprintf("another number of products than %d", than), fmt.Sprintf(`parseInt(document.querySelector(".heading .total").innerText.replace(",", "")) !== %d`, than))
	return shown(v)
}

// entries is how many pages the browser's way back has.
func entries(v *browser.Visitor) int { return browser.Eval[int](v.Tab, "history.length") }

// shows waits until the page has found so many products, at an address that matches.
func shows(v *browser.Visitor, address string, n int) {
	v.Helper()
	v.At(address)
	v.Await(fmt.Sprintf("%d products", n), fmt.Sprintf(`parseInt(document.querySelector(".heading .total").innerText.replace(",", "")) === %d`, n))
}

// box is the first colour of the filters, with how many products it has.
func box(v *browser.Visitor) (selector string, count int) {
	v.Helper()
	const first = `#filters [name="attr.colour"]`
	v.Await("colours", fmt.Sprintf("document.querySelector('%s')", first))
	count, err := strconv.Atoi(browser.Eval[string](v.Tab, fmt.Sprintf(`document.querySelector('%s').closest("label").querySelector(".n").innerText`, first)))
	if err != nil {
		v.Fatal(err)
	}
	return fmt.Sprintf(`#filters [name="attr.colour"][value=%q]`, browser.Eval[string](v.Tab, fmt.Sprintf(`document.querySelector('%s').value`, first))), count
}

// Somebody narrows a listing down, takes it back, orders it and goes on: each step is one address and one step of the browser's way back, and the keyboard stays
// where it was.
func TestAShopperNarrowsAListing(t *testing.T) {
	v := browser.Visit(t, s.Storefront, "/en-us")
	v.Go("/en-us/c/clothing")
	all, begun := shown(v), entries(v)
	colour, n := box(v)
	has := func(selector string) {
		t.Helper()
		v.Await("the focus at "+selector, fmt.Sprintf("document.activeElement.matches(%q)", selector))
	}
	if n == 0 || n >= all {
		t.Fatalf("%d of %d products are of a colour", n, all)
	}
	v.Click(colour)
	shows(v, `^/en-us/c/clothing\?attr\.colour=[a-z-]+$`, n)
	has(colour)
	v.Click(colour)
	shows(v, `^/en-us/c/clothing$`, all)
	has(colour)
	v.Click(colour)
	shows(v, `attr\.colour=`, n)
	v.Click(".chips li:first-child a")
	shows(v, `^/en-us/c/clothing$`, all)
	begun += 4
	if got := entries(v); got != begun {
		t.Errorf("%d pages on the way back, want %d", got, begun)
	}

	v.Fill("[name=price_min]", "30")
	v.Press("\t")
	v.At(`^/en-us/c/clothing\?price_min=30(\.00)?$`)
	has("[name=price_max]")
	from := other(v, all)
	v.Type("60")
	v.Press("\r")
	v.At(`price_max=60(\.00)?&price_min=30(\.00)?$`)
	between := other(v, from)
	if between == 0 || between > from || from > all {
		t.Errorf("of %d products %d cost 30 and more, and %d no more than 60", all, from, between)
	}
	browser.Eval[bool](v.Tab, `(document.querySelector("#sort").focus(), true)`)
	v.Press(kb.End)
	v.At(`sort=-price`)
	v.Await("the page in that order", `document.querySelector("#sort option[selected]").value === "-price"`)
	shows(v, `price_max=60`, between)
	has("#sort")
	dearest := v.Text("#grid .card .price")
	begun += 3
	if got := entries(v); got != begun {
		t.Errorf("%d pages on the way back, want %d", got, begun)
	}
	v.Click("#grid .card h3 a")
	v.At("^/en-us/p/")
	back := func() { browser.Eval[bool](v.Tab, "(history.back(), true)") }
	back()
	shows(v, `sort=-price`, between)
	if got := v.Text("#grid .card .price"); got != dearest {
		t.Errorf("back at the listing the dearest costs %s, not %s", got, dearest)
	}
	back()
	shows(v, `^/en-us/c/clothing\?price_max=60(\.00)?&price_min=30(\.00)?$`, between)
	if sort := browser.Eval[string](v.Tab, `document.querySelector("#sort").value`); sort != "relevance" {
		t.Errorf("back where nothing was ordered it is ordered by %s", sort)
	}
	back()
	shows(v, `^/en-us/c/clothing\?price_min=30(\.00)?$`, from)
	back()
	shows(v, `^/en-us/c/clothing$`, all)
}

// More of a listing comes below what is there, and the keyboard goes on with it. The way back takes it away again.
func TestAShopperGoesOnInAListing(t *testing.T) {
	v := browser.Visit(t, s.Storefront, "/en-us")
	v.Go("/en-us/c/clothing")
	begun, page := entries(v), v.Count("#grid > li")
	v.Click("#more [rel=next]")
	v.Await("more", fmt.Sprintf(`document.querySelectorAll("#grid > li").length === %d`, 2*page))
	v.Await("the keyboard at what came", fmt.Sprintf(`document.activeElement === document.querySelectorAll("#grid > li")[%d].querySelector("h3 a")`, page))
	if twice := browser.Eval[int](v.Tab, `(all => all.length - new Set(all).size)([...document.querySelectorAll("#grid h3 a")].map(a => a.href))`); twice > 0 || entries(v) != begun+1 {
		t.Errorf("%d products are there twice, %d pages on the way back, want %d", twice, entries(v), begun+1)
	}
	v.At(`^/en-us/c/clothing\?cursor=.*&page=2$`)
	browser.Eval[bool](v.Tab, "(history.back(), true)")
	v.At(`^/en-us/c/clothing$`)
	v.Await("the first page", fmt.Sprintf(`document.querySelectorAll("#grid > li").length === %d`, page))
}

// All of that is forms and links where there is no script.
func TestAListingWithoutScript(t *testing.T) {
	v := browser.Visit(t, s.Storefront, "/en-us")
	v.WithoutScript()
	v.Go("/en-us/c/clothing")
	all := shown(v)
	colour, n := box(v)
	v.Click(colour)
	v.Click("#filters .apply")
	shows(v, `^/en-us/c/clothing\?.*attr\.colour=`, n)
	v.Click(".chips li:first-child a")
	shows(v, `^/en-us/c/clothing$`, all)
	v.Fill("[name=price_min]", "30")
	v.Choose("#sort", "-price")
	v.Click("#filters .apply")
	v.At(`price_min=30.*sort=-price`)
	found, first := shown(v), v.Text("#grid h3 a")
	if found == 0 || found >= all {
		t.Errorf("%d of %d products cost 30 and more", found, all)
	}
	v.Click("#more [rel=next]")
	v.At(`cursor=.*page=2`)
	if second := v.Text("#grid h3 a"); second == first || v.Count(`#filters [name="attr.colour"]`) == 0 {
		t.Errorf("the second page begins with %s, the first one with %s", second, first)
	}
	v.Click("#more .quiet")
	shows(v, `^/en-us/c/clothing\?price_min=30(\.00)?&sort=-price$`, found)
}

// choosable is a product of a test in three colours: five pieces of the first, none of the second, two of the third.
func choosable(t *testing.T) (slug string) {
	t.Helper()
	raw := func(text string) json.RawMessage { return json.RawMessage(strconv.Quote(text)) }
	s.Staff(t, 204, "PUT", "/v1/admin/attributes/test_colour", catalogapi.AttributeInput{Label: "Shade", Type: "enum",
		Values: []catalogapi.EnumValue{{Value: "red", Label: "Red"}, {Value: "green", Label: "Green"}, {Value: "blue", Label: "Blue"}}}, nil)
	s.Staff(t, 204, "PUT", "/v1/admin/categories/test-shades", catalogapi.CategoryInput{Name: "Test shades", Slug: "test-shades",
		Attributes: []catalogapi.CategoryAttribute{{Code: "test_colour", VariantDefining: true}}}, nil)
	s.Staff(t, 204, "PUT", "/v1/admin/locations/test-shelf", inventoryapi.LocationInput{Name: "Test shelf", Country: "US", Enabled: true}, nil)
	sku := "T-shade-" + shop.Key()[:6]
	product := catalogapi.ProductInput{Title: "Test shade " + sku, Slug: strings.ToLower(sku), CategoryCode: "test-shades", Status: catalogapi.StatusPublished, TaxCategory: "standard", Attributes: map[string]json.RawMessage{}}
	var prices pricingapi.PricesInput
	var stock []inventoryapi.StockLine
	for i, colour := range []string{"red", "green", "blue"} {
		id, pieces := sku+"-"+colour, []int64{5, 0, 2}[i]
		product.Variants = append(product.Variants, catalogapi.VariantInput{SKU: id, WeightGrams: 100, Attributes: map[string]json.RawMessage{"test_colour": raw(colour)}})
		prices.Prices = append(prices.Prices, pricingapi.PriceInput{SKU: id, Amount: money.New(2000+pieces, "USD"), MinQuantity: 1})
		if pieces > 0 {
			stock = append(stock, inventoryapi.StockLine{SKU: id, LocationID: "test-shelf", Quantity: pieces})
		}
	}
	s.Staff(t, 201, "POST", "/v1/admin/products", product, nil)
	s.Staff(t, 204, "PUT", "/v1/admin/price-lists/test-usd", pricingapi.PriceListInput{Name: "Tests", Currency: "USD"}, nil)
	s.Staff(t, 204, "PUT", "/v1/admin/price-lists/test-usd/prices", prices, nil)
	s.Staff(t, 200, "POST", "/v1/admin/stock/receive", inventoryapi.StockInput{Reference: sku, Lines: stock}, nil)
	shop.Eventually(t, patience, func() error {
		var p catalogapi.Product
		s.Must(t, 200, "GET", "/v1/products/"+product.Slug, nil, &p)
		for _, x := range p.Variants {
			if in := x.Availability.Available > 0; x.Price == nil || in == strings.HasSuffix(x.SKU, "green") {
				return fmt.Errorf("%+v", x)
			}
		}
		return nil
	})
	return product.Slug
}

// A variant is chosen by its options: each tells what it costs and whether there is any, at an address of its own. What is sold out can be looked at, not bought.
func TestAShopperChoosesAVariant(t *testing.T) {
	v := browser.Visit(t, s.Storefront, "/en-us")
	v.Go("/en-us/p/" + choosable(t))
	pick := func(colour, price, stock string) {
		t.Helper()
		v.Click(fmt.Sprintf(".picker input[value=%s]", colour))
		v.Sees("#product .cost .price", price)
		v.Sees("#product .stock", stock)
		v.At(`sku=T-shade-[A-Z0-9]+-` + strings.ToLower(colour))
		v.Await("the focus at "+colour, fmt.Sprintf("document.activeElement.value === %q", colour))
	}
	v.Sees(".picker label.out", "Green")
	pick("Green", "$20.00", "Sold out")
	if v.Count("form.buy") != 0 {
		t.Error("what is sold out can be bought")
	}
	pick("Blue", "$20.02", "2")
	if most := browser.Eval[string](v.Tab, `document.querySelector("#quantity").max`); most != "2" {
		t.Errorf("of two pieces %s can be put into the cart", most)
	}
	pick("Red", "$20.05", "left")
	v.Click("form.buy button[type=submit]")
	v.Await("what was added", browser.Added)
	v.Sees("#added", "Red")
}

// Two products are put side by side where they are listed, looked at by what differs, and one is taken out.
func TestAShopperCompares(t *testing.T) {
	v := browser.Visit(t, s.Storefront, "/en-us")
	v.Go("/en-us/c/kitchen")
	for n := 1; n <= 2; n++ {
		v.Click(`#grid .toggle[aria-pressed=false]`)
		v.Sees("#compare-bar", fmt.Sprintf("(%d)", n))
	}
	v.Click("#compare-bar a")
	v.At("^/en-us/compare$")
	const columns, rows = "table.compare thead th[scope=col]", "table.compare tbody tr"
	if v.Count(columns) != 3 {
		t.Errorf("%d columns", v.Count(columns))
	}
	all := v.Count(rows)
	v.Click(".compare-tools a")
	v.At(`only=differences`)
	if some := v.Count(rows); some == 0 || some >= all {
		t.Errorf("%d of %d rows differ", some, all)
	}
	v.Click("table.compare thead [name=remove]")
	v.Await("one product", fmt.Sprintf("document.querySelectorAll(%q).length === 2", columns))
}
