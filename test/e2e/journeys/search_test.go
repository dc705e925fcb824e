package journeys

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

const (
	visible  = 2 * time.Second  // how soon a change is seen in listings
	patience = 60 * time.Second // how long a test looks for it: what was told before it comes first
)

func listed(t *testing.T, query url.Values) (page searchapi.Products) {
	t.Helper()
	s.Must(t, 200, "GET", "/v1/products?"+query.Encode(), nil, &page)
	return page
}

// soon waits for a listing to have, or not to have, a product.
func soon(t *testing.T, what string, query url.Values, slug string, want bool) (it catalogapi.ProductSummary) {
	t.Helper()
	shop.Eventually(t, patience, func() error {
		page := listed(t, query)
		found := false
		for _, p := range page.Items {
			if p.Slug == slug {
				found, it = true, p
			}
		}
		if found != want || page.Degraded {
			return fmt.Errorf("%s: listed %v, degraded %v", what, found, page.Degraded)
		}
		return nil
	})
	return it
}

// What staff publish is found by its words and what it has, within two seconds, and what they take out is gone.
func TestAProductIsFoundAndGone(t *testing.T) {
	s.Staff(t, 204, "PUT", "/v1/admin/attributes/test_finish", catalogapi.AttributeInput{Label: "Finish", Type: "enum",
		Values: []catalogapi.EnumValue{{Value: "matt", Label: "Matt"}, {Value: "gloss", Label: "Glossy"}}}, nil)
	s.Staff(t, 204, "PUT", "/v1/admin/categories/test-lamps", catalogapi.CategoryInput{Name: "Test lamps", Slug: "test-lamps-slug",
		Attributes: []catalogapi.CategoryAttribute{{Code: "test_finish", Filterable: true, Searchable: true}}}, nil)
	sku := fmt.Sprint("T-LAMP-", time.Now().UnixNano())
	slug := strings.ToLower(sku)
	lamp := catalogapi.ProductInput{Title: "Quendilux reading lamp", Slug: slug, CategoryCode: "test-lamps", Status: catalogapi.StatusDraft, TaxCategory: "standard",
		Attributes: map[string]json.RawMessage{"test_finish": json.RawMessage(`"matt"`)}, Variants: []catalogapi.VariantInput{{SKU: sku, WeightGrams: 100}}}
	var made catalogapi.ProductWritten
	s.Staff(t, 201, "POST", "/v1/admin/products", lamp, &made)
	s.Staff(t, 204, "PUT", "/v1/admin/price-lists/test-usd", pricingapi.PriceListInput{Name: "Tests", Currency: "USD"}, nil)
	price := func(minor int) {
		s.Staff(t, 204, "PUT", "/v1/admin/price-lists/test-usd/prices", fmt.Sprintf(`{"prices":[{"sku":%q,"amount":{"amount":%d,"currency":"USD"}}]}`, sku, minor), nil)
	}
	price(4200)
	query := url.Values{"category": {"test-lamps-slug"}, "facets": {"true"}}
	soon(t, "a draft", query, slug, false)

	s.Staff(t, 200, "POST", "/v1/admin/products/"+made.ID+"/publish", nil, nil)
	it := soon(t, "published", query, slug, true)
	if it.ID != made.ID || it.Title != lamp.Title || it.Price.Minor != 4200 || it.InStock || it.CategoryPath[0].Slug != "test-lamps-slug" || it.SKUs[0] != sku {
		t.Errorf("%+v", it)
	}
	for what, q := range map[string]url.Values{
		"its words": {"q": {"reading lamp quendilux"}}, "its SKU": {"q": {sku}}, "its finish": {"q": {"matt quendilux"}},
		"a filter": {"category": {"test-lamps"}, "attr.test_finish": {"matt"}, "price_max": {"4200"}},
	} {
		soon(t, what, q, slug, true)
	}
	soon(t, "another filter", url.Values{"category": {"test-lamps"}, "attr.test_finish": {"gloss"}}, slug, false)
	soon(t, "what is in stock", url.Values{"category": {"test-lamps"}, "in_stock": {"true"}}, slug, false)
	s.Staff(t, 204, "PUT", "/v1/admin/locations/test-shelf", inventoryapi.LocationInput{Name: "Test shelf", Country: "US", Enabled: true}, nil)
	s.Staff(t, 200, "POST", "/v1/admin/stock/receive", fmt.Sprintf(`{"reference":%q,"lines":[{"sku":%q,"location_id":"test-shelf","quantity":3}]}`, sku, sku), nil)
	soon(t, "stock", url.Values{"category": {"test-lamps"}, "in_stock": {"true"}}, slug, true)
	price(4300)
	soon(t, "a price", url.Values{"category": {"test-lamps"}, "price_min": {"4300"}}, slug, true)

	facets := map[string]searchapi.Facet{}
	for _, f := range listed(t, query).Facets {
		facets[f.Code] = f
	}
	if f := facets["test_finish"]; f.Param != "attr.test_finish" || f.Label != "Finish" || len(f.Values) == 0 || f.Values[0].Label != "Matt" {
		t.Errorf("%+v", f)
	}
	shop.Eventually(t, patience, func() error {
		var found searchapi.Suggestions
		s.Must(t, 200, "GET", "/v1/products/suggest?q=quendil", nil, &found)
		if len(found.Products) == 0 || found.Products[0].Slug != slug {
			return fmt.Errorf("%+v", found)
		}
		return nil
	})
	took := []time.Duration{}
	for range 3 { // of which one is not held up by what else this machine does
		s.Staff(t, 200, "POST", "/v1/admin/products/"+made.ID+"/archive", nil, nil)
		soon(t, "archived", query, slug, false)
		since := time.Now()
		s.Staff(t, 200, "POST", "/v1/admin/products/"+made.ID+"/publish", nil, nil)
		soon(t, "published again", query, slug, true)
		took = append(took, time.Since(since))
	}
	if t.Log("visible after ", took); slices.Min(took) > visible {
		t.Errorf("a published product is listed after %s", took)
	}
	s.Must(t, 422, "GET", "/v1/products?attr.nobody_knows=1", nil, nil).Problem(t, 422, "validation-failed")
}

// Staff have the index made anew: listings are there all the time, and what changes meanwhile is in it.
func TestTheIndexIsMadeAnew(t *testing.T) {
	index := func() (i searchapi.Index) {
		s.Staff(t, 200, "GET", "/v1/admin/search/index", nil, &i)
		return i
	}
	before, all := index(), listed(t, url.Values{})
	if len(all.Items) == 0 || all.Degraded {
		t.Fatalf("%+v", all)
	}
	var asked searchapi.Rebuild
	s.Staff(t, 202, "POST", "/v1/admin/search/rebuild", nil, &asked)
	if asked.Build != before.Build+1 {
		t.Errorf("build %d after %d", asked.Build, before.Build)
	}
	shop.Eventually(t, patience, func() error {
		if page := listed(t, url.Values{}); page.Degraded || len(page.Items) == 0 {
			t.Errorf("a listing meanwhile: %d items, degraded %v", len(page.Items), page.Degraded)
		}
		if i := index(); i.Status != searchapi.IndexCurrent || i.Build != asked.Build || i.Documents != i.Products {
			return fmt.Errorf("%+v", i)
		}
		return nil
	})
}

// The tool has the index made anew, and finds that search says what catalog, pricing and inventory say.
func TestARebuildIsCompared(t *testing.T) {
	out, err := s.Run(t.Context(), "search", "rebuild", "--sample", "30")
	if t.Log(out); err != nil {
		t.Error(err)
	}
}
