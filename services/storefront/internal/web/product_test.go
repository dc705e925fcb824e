package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

// coffee is a product with weights and grinds; there is no coarse kilo.
func coffee() catalogapi.Product {
	price, large, was := money.New(1245, "EUR"), money.New(3990, "EUR"), money.New(4500, "EUR")
	ships := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	weight := func(g string) catalogapi.AttributeValue {
		return catalogapi.AttributeValue{Code: "net_weight", Label: "Net weight", Type: "decimal", Unit: "g", Value: json.RawMessage(`"` + g + `"`), Text: g + " g"}
	}
	variant := func(sku, g, grind string, p *money.Amount, a catalogapi.Availability) catalogapi.Variant {
		return catalogapi.Variant{SKU: sku, Title: "Coffee, " + sku, Options: map[string]string{"net_weight": g + " g", "grind": grind}, Attributes: []catalogapi.AttributeValue{weight(g)},
			Price: p, ImageURL: "/media/" + sku + ".svg", WeightGrams: 275, Dimensions: &catalogapi.Dimensions{LengthMM: 180, WidthMM: 90, HeightMM: 65}, Availability: a}
	}
	discounted := variant("large", "1000", "Fine", &large, catalogapi.Availability{Status: "low_stock", Available: 3})
	discounted.CompareAtPrice = &was
	return catalogapi.Product{
		ID: "01a222ad-9da5-7069-8f8d-9ae6b16b2332", Slug: "coffee", Status: "published", Title: "Coffee", Brand: "Roaster", Description: "First part.\n\nSecond " + script,
		CategoryPath: []catalogapi.CategoryRefV1{{Code: "food", Name: "Food", Slug: "food"}},
		Images:       []catalogapi.Image{{URL: "/media/all.svg", Alt: "All bags"}},
		Attributes: []catalogapi.AttributeValue{
			{Code: "unit_price_basis", Label: "Unit price per", Type: "enum", Value: json.RawMessage(`"per_kg"`), Text: "1 kg"},
			{Code: "harvested_on", Label: "Harvested", Type: "date", Value: json.RawMessage(`"2025-05-20"`), Text: "2025-05-20"},
		},
		Options: []catalogapi.Option{{Code: "net_weight", Label: "Net weight", Values: []string{"250 g", "1000 g"}}, {Code: "grind", Label: "Grind", Values: []string{"Fine", "Coarse", script}}},
		Variants: []catalogapi.Variant{
			variant("sold", "250", "Fine", &price, catalogapi.Availability{Status: "out_of_stock"}),
			variant("coarse", "250", "Coarse", &price, catalogapi.Availability{Status: "preorder", Available: 200, ShipsAt: &ships}),
			discounted,
			variant("unpriced", "1000", script, nil, catalogapi.Availability{Status: "in_stock", Available: 5}),
		},
	}
}

func TestProductPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("GET catalog/v1/products/coffee", coffee())
	w.says("GET search/v1/products/{id}/similar", map[string]any{"items": hostile().Items})
	w.says("GET search/v1/products", hostile())

	page := w.shows(200, "/en-us/p/coffee", "Can be pre-ordered, ships from March 1, 2026", "Pre-order", "€12.45", "€49.80 per 1 kg", "May 20, 2025", "18 × 9 × 6.5 cm", "0.275 kg",
		`rel="canonical" href="https://shop.example/en-us/p/coffee"`, `property="og:image" content="https://shop.example/media/coarse.svg"`, `name="description" content="First part.`,
		"Similar products", `name="sku" value="coarse"`, `name="back" value="/p/coffee?sku=coarse"`, `max="99"`, "sold out", "with other choices", "All bags", `"@type":"Product"`, `"@type":"BreadcrumbList"`)
	if strings.Contains(page, "<script>alert") || strings.Contains(page, `"javascript:`) || strings.Contains(page, "Recently viewed") {
		t.Error("what somebody stored is run, or what nobody saw is shown:\n", page)
	}
	w.shows(200, "/de-de/p/coffee?sku=large", "Nur noch 3 auf Lager", "39,90", "45,00", "Sie sparen 5,10", "Grundpreis: 39,90", "20. Mai 2025", `max="3"`)
	w.shows(200, "/en-us/p/coffee?sku=sold", "This version is sold out")
	w.shows(200, "/en-us/p/coffee?sku=unpriced", "Not sold in this country")
	w.shows(200, "/en-us/p/coffee?sku=unknown", "Pre-order")
}

func TestProductPageTellsCrawlersOfAllOffers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("GET catalog/v1/products/coffee", coffee())
	_, page := w.do("GET", "/en-us/p/coffee", nil)
	_, rest, _ := strings.Cut(page, `application/ld+json">`)
	raw, _, _ := strings.Cut(rest, "</script>")
	var product struct {
		Type   string   `json:"@type"`
		Name   string   `json:"name"`
		Image  []string `json:"image"`
		Offers []struct {
			SKU, Price, PriceCurrency, Availability, URL string
		}
	}
	if err := json.Unmarshal([]byte(raw), &product); err != nil || product.Type != "Product" || product.Name != "Coffee" || len(product.Offers) != 3 {
		t.Fatalf("%v %+v", err, product)
	}
	o := product.Offers[2]
	if o.SKU != "large" || o.Price != "39.90" || o.PriceCurrency != "EUR" || o.Availability != "https://schema.org/LimitedAvailability" || o.URL != "https://shop.example/en-us/p/coffee?sku=large" {
		t.Errorf("%+v", o)
	}
	if product.Image[0] != "https://shop.example/media/coarse.svg" {
		t.Error(product.Image)
	}
}

func TestVariantsAreChosenOnTheProductPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("GET catalog/v1/products/coffee", coffee())
	w.shows(200, "/en-us/p/coffee?was=coarse&o.net_weight=250+g&o.grind=Fine", `name="was" value="sold"`)
	w.shows(200, "/en-us/p/coffee?was=coarse&o.net_weight=1000+g&o.grind=Coarse", `name="was" value="large"`, "There is no such combination")
	w.shows(200, "/en-us/p/coffee?was=x&o.x=%3Cscript%3E", `name="was" value="coarse"`)
	resp, _ := w.do("GET", "/en-us/p/coffee?was=coarse&o.net_weight=1000+g&o.grind=Fine", nil, "HX-Request: true")
	if got := resp.Header.Get("HX-Push-Url"); got != "/en-us/p/coffee?sku=large" {
		t.Error(got)
	}
}

// What is on a shelf has an estimate of its delivery, as checkout tells it of the market's country; what is not, or what nobody knows, has none.
func TestDeliveryOnTheProductPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("GET catalog/v1/products/coffee", coffee())
	const hint = "once we know your address"
	lacks(t, w.shows(200, "/en-us/p/coffee?sku=large", hint), "working day") // checkout is not there
	w = newWorld(t)
	w.says("GET catalog/v1/products/coffee", coffee())
	w.mux.HandleFunc("GET checkout/v1/checkouts/delivery", func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("currency") != map[string]string{"DE": "EUR", "US": "USD"}[r.URL.Query().Get("country")] {
			t.Error(r.URL)
		}
		_ = json.NewEncoder(rw).Encode(checkoutapi.Delivery{Items: []checkoutapi.DeliveryWay{
			{ID: "standard", Label: "Standard", Days: checkoutapi.DeliveryDays{From: 2, To: 5}, ETA: orderapi.ETA{From: "2026-03-10", To: "2026-03-13"}},
			{ID: "express", Label: "Express", Days: checkoutapi.DeliveryDays{From: 1, To: 1}, ETA: orderapi.ETA{From: "2026-03-09", To: "2026-03-09"}},
			{ID: "van", Label: script, Days: checkoutapi.DeliveryDays{From: 0, To: 0}, ExcludedSKUs: []string{"other"}},
			{ID: "ship", Label: "Container", Days: checkoutapi.DeliveryDays{From: 30, To: 90}, ExcludedSKUs: []string{"large"}},
		}})
	})
	page := w.shows(200, "/en-us/p/coffee?sku=large", "Standard: 2–5 working days", "March 10 – March 13", "Express: 1 working day", ">March 9<", ": the same day", "An estimate for what is in stock")
	lacks(t, page, "<script>alert", "Container", hint)
	w.shows(200, "/de-de/p/coffee?sku=large", "Standardversand: 2–5 Werktage", "10. März – 13. März", "Expressversand: 1 Werktag ")
	lacks(t, w.shows(200, "/en-us/p/coffee?sku=coarse", hint), "working day") // ships later
	if n := w.count("GET checkout"); n != 2 {
		t.Errorf("checkout was asked %d times for two countries", n)
	}
}

func TestProductsThatMovedOrAreGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mux.HandleFunc("GET catalog/v1/products/old", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "/v1/products/coffee", http.StatusMovedPermanently)
	})
	w.says("GET catalog/v1/products/compare", catalogapi.Comparison{Products: []catalogapi.ComparedProduct{{ID: "1", Slug: "coffee"}}})
	w.says("GET catalog/v1/products/01a222ad-9da5-7069-8f8d-9ae6b16b2332", coffee())
	w.refuses("GET catalog/v1/products/ended", fault.New(fault.Gone, "gone", "gone").With("category_path", []catalogapi.CategoryRefV1{{Code: "shoes", Slug: "shoes"}}))
	w.refuses("GET catalog/v1/products/lost", fault.New(fault.Gone, "gone", "gone").With("category_path", "nonsense"))
	w.refuses("GET catalog/v1/products/away", fault.New(fault.Unavailable, "unavailable", "away"))
	w.refuses("GET catalog/v1/products/none", fault.New(fault.NotFound, "product-not-found", "none"))
	w.says("GET catalog/v1/products", hostile())
	w.says("GET search/v1/products/was/similar", searchapi.Similar{Items: hostile().Items})
	w.refuses("GET catalog/v1/products/was", fault.New(fault.Gone, "gone", "gone"))
	for _, path := range []string{"/de-de/p/old", "/de-de/p/01a222ad-9da5-7069-8f8d-9ae6b16b2332"} {
		if resp, _ := w.do("GET", path, nil); resp.StatusCode != 301 || resp.Header.Get("Location") != "/de-de/p/coffee" {
			t.Error(path, resp.StatusCode, resp.Header.Get("Location"))
		}
	}
	w.shows(410, "/en-us/p/ended", "We no longer sell this", "Sold out boot")
	w.shows(410, "/en-us/p/was", "Perhaps one of these", "Sold out boot")
	w.shows(410, "/en-us/p/lost", "We no longer sell this")
	w.shows(404, "/en-us/p/none", "This page is not here")
	w.shows(503, "/en-us/p/away", "away for a moment")
}

func TestSeenProducts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("GET catalog/v1/products/coffee", coffee())
	w.says("GET search/v1/products", searchapi.Products{Items: hostile().Items[1:]})
	resp, page := w.do("GET", "/en-us/p/coffee", nil, "Cookie: __Host-seen=2~<x>~3")
	if c := resp.Cookies()[0]; c.Name != "__Host-seen" || c.Value != "01a222ad-9da5-7069-8f8d-9ae6b16b2332~2~3" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 0 {
		t.Errorf("%+v", c)
	}
	if !strings.Contains(page, "Recently viewed") || !strings.Contains(page, "Sold out boot") || w.count("GET search/v1/products?country=US&currency=USD&ids=2%2C3") != 1 {
		t.Error(w.calls)
	}
	if resp, _ := w.do("GET", "/en-us/p/coffee", nil, "Cookie: __Host-seen=01a222ad-9da5-7069-8f8d-9ae6b16b2332~2"); len(resp.Cookies()) != 0 || resp.Header.Get("ETag") == "" {
		t.Error("a cookie that says it already is sent again")
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	price := money.New(2999, "USD")
	w.says("GET catalog/v1/products/compare", catalogapi.Comparison{
		Products: []catalogapi.ComparedProduct{{ID: "a", Slug: "a", Title: script, Price: &price, InStock: true}, {ID: "b", Slug: "b", Title: "B"}},
		Attributes: []catalogapi.ComparedAttribute{
			{Code: "x", Label: "Same thing", Values: [][]catalogapi.ComparedValue{{{Text: "1"}}, {{Text: "1"}}}},
			{Code: "y", Label: "Other thing", Differs: true, Values: [][]catalogapi.ComparedValue{{{Text: script}}, {}}},
		},
		Missing: []string{"c"},
	})
	w.shows(200, "/en-us/compare", "There is nothing to compare yet")
	resp, page := w.do("GET", "/en-us/compare", nil, "Cookie: __Host-compare=c~b~a")
	for _, s := range []string{"$29.99", "Same thing", "Other thing", "not specified", "no longer sold", `name="remove" value="b"`} {
		if !strings.Contains(page, s) {
			t.Errorf("lacks %q:\n%s", s, page)
		}
	}
	if strings.Contains(page, "<script>alert") || resp.Cookies()[0].Value != "b~a" || w.count("GET catalog/v1/products/compare?country=US&currency=USD&ids=a%2Cb%2Cc") != 1 {
		t.Error(resp.Header, w.calls)
	}
	if _, page := w.do("GET", "/en-us/compare?only=differences", nil, "Cookie: __Host-compare=b~a"); strings.Contains(page, "Same thing") || !strings.Contains(page, "Other thing") {
		t.Error(page)
	}
}

func TestCompareIsKeptInACookie(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		was, form, now, to string
		status             int
	}{
		"first":         {"", "add=a&back=/c/shoes?page=2", "a", "/en-us/c/shoes?page=2", 303},
		"twice":         {"b~a", "add=a", "a~b", "/en-us/compare", 303},
		"fifth":         {"d~c~b~a", "add=e", "e~d~c~b", "/en-us/compare", 303},
		"out":           {"b~a", "remove=b&back=/compare", "a", "/en-us/compare", 303},
		"all":           {"b~a", "clear=true", "", "/en-us/compare", 303},
		"elsewhere":     {"", "add=a&back=//evil.example", "a", "/en-us/", 303},
		"no id":         {"b", "add=%3Cscript%3E", "", "", 400},
		"two":           {"b", "add=a~c", "", "", 400},
		"nothing":       {"b", "", "", "", 400},
		"too long a id": {"b", "add=" + strings.Repeat("x", 65), "", "", 400},
	} {
		form, err := url.ParseQuery(c.form)
		if err != nil {
			t.Fatal(err)
		}
		resp, _ := w.do("POST", "/en-us/compare", form, "Cookie: __Host-compare="+c.was)
		now := ""
		if cookies := resp.Cookies(); len(cookies) > 0 {
			now = cookies[0].Value
		}
		if resp.StatusCode != c.status || resp.Header.Get("Location") != c.to || now != c.now {
			t.Errorf("%s: %d %q %q", name, resp.StatusCode, resp.Header.Get("Location"), now)
		}
	}
	_, part := w.do("POST", "/en-us/compare", url.Values{"add": {"e"}}, "Cookie: __Host-compare=d~c~b~a", "HX-Request: true")
	for _, s := range []string{`id="compare-bar"`, "(4)", `id="cmp-e"`, `id="cmp-a"`, `aria-pressed="true"`} {
		if !strings.Contains(part, s) || strings.Contains(part, "<html") {
			t.Errorf("lacks %q: %s", s, part)
		}
	}
}
