//go:build pictures

// Package pictures takes the pictures of the shop's pages that docs/screenshots holds. It is a test for what tests are good at: a shop of its own, and an end
// in good order. `make screenshots` runs it; nothing else does.
package pictures

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/test/e2e/browser"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

var s *shop.Shop

func TestMain(m *testing.M) { shop.Main(m, func(running *shop.Shop) { s = running }) }

var widths = []int64{320, 768, 1440}

// keep takes a picture of the page that is open, at each width in light and dark.
func keep(v *browser.Visitor, name string, widths ...int64) {
	v.Helper()
	for _, w := range widths {
		for _, scheme := range []string{"light", "dark"} {
			v.Size(w, 900)
			v.Scheme(scheme)
			file := filepath.Join(s.Root, "docs", "screenshots", fmt.Sprintf("%s-%d-%s.webp", name, w, scheme))
			if err := os.WriteFile(file, v.Picture(w), 0o644); err != nil { //nolint:gosec // documentation
				v.Fatal(err)
			}
		}
	}
	v.Size(1280, 900)
	v.Scheme("light")
}

// long makes a product whose title is one long German word, without a picture, with so many pieces, and waits until it is found.
func long(t *testing.T, title string, stock int64) (slug string) {
	t.Helper()
	sku := s.Goods(t, "long", stock)
	var found searchapi.Products
	shop.Eventually(t, browser.Patience, func() error {
		s.Must(t, 200, "GET", "/v1/products?q="+sku, nil, &found)
		found.Items = slices.DeleteFunc(found.Items, func(it catalogapi.ProductSummary) bool { return !slices.Contains(it.SKUs, sku) })
		if len(found.Items) == 0 {
			return fmt.Errorf("%s is not found", sku)
		}
		return nil
	})
	it := found.Items[0]
	s.Staff(t, 204, "PUT", "/v1/admin/price-lists/test-eur", pricingapi.PriceListInput{Name: "Tests", Currency: "EUR", TaxIncluded: true}, nil)
	s.Staff(t, 204, "PUT", "/v1/admin/price-lists/test-eur/prices", pricingapi.PricesInput{Prices: []pricingapi.PriceInput{{SKU: sku, Amount: money.New(12999, "EUR"), MinQuantity: 1}}}, nil)
	a := s.Staff(t, 200, "GET", "/v1/admin/products/"+it.ID, nil, nil)
	s.Staff(t, 200, "PUT", "/v1/admin/products/"+it.ID, catalogapi.ProductInput{Title: title, Slug: it.Slug, CategoryCode: "test-goods", Status: catalogapi.StatusPublished, TaxCategory: "standard",
		Description: "Wasserabweisend, mit Windfang und Rettungsbootsbefestigungsöse.", Variants: []catalogapi.VariantInput{{SKU: sku, WeightGrams: 100}}, Attributes: map[string]json.RawMessage{}},
		nil, "If-Match", a.Header.Get("ETag"))
	return it.Slug
}

// The pages of a purchase, and what is hard to show well.
func TestPictures(t *testing.T) {
	if err := os.MkdirAll(filepath.Join(s.Root, "docs", "screenshots"), 0o755); err != nil {
		t.Fatal(err)
	}
	v := browser.Visit(t, s.Storefront, "/en-us")
	v.Allow(`^404 .*/p/no-such-product`)
	v.Go("/en-us/p/claywend-dinner-plate")
	v.Go("/en-us/")
	keep(v, "home", widths...)
	v.Go("/en-us/c/kitchen")
	keep(v, "listing", widths...)
	v.Go("/en-us/search?q=cofee+gloves")
	keep(v, "search", widths...)
	v.Find("kettle")
	keep(v, "product", widths...)
	v.Click("form.buy button[type=submit]")
	v.Await("what was added", browser.Added)
	v.Find("mug")
	v.Click("form.buy button[type=submit]")
	v.Go("/en-us/cart")
	keep(v, "cart", widths...)
	v.Ship()
	keep(v, "payment", widths...)
	v.Go("/en-us/checkout?step=address")
	keep(v, "checkout", widths...)
	v.Go("/en-us/checkout?step=payment")
	v.Click("#pay button[type=submit]")
	v.At("/en-us/order/")
	keep(v, "order", widths...)
	v.Go("/en-us/cart")
	keep(v, "cart-empty", 320, 1440)
	v.Go("/en-us/p/no-such-product")
	keep(v, "not-found", 320, 1440)
	v.Go("/de-de/p/" + long(t, "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtenmütze", 3))
	keep(v, "long-words", 320, 1440)
	v.Go("/de-de/p/" + long(t, "Kapitänsmütze", 0))
	keep(v, "sold-out", 320, 1440)
	v.Go("/de-de/c/kitchen?in_stock=true")
	keep(v, "german", 320, 1440)
}
