package web

import (
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

const script = `<script>alert("x")</script>`

// hostile is a listing in which every text is one that nobody should ever run.
func hostile() searchapi.Products {
	next, total := "c2", 25
	was, highest := money.New(4999, "USD"), money.New(500, "USD")
	return searchapi.Products{
		Items: []catalogapi.ProductSummary{
			{ID: "1", Slug: "boot", Title: script, Brand: script, ImageURL: "javascript:alert(1)", Price: money.New(2999, "USD"), CompareAtPrice: &was, InStock: true},
			{ID: "2", Slug: "out", Title: "Sold out boot", Price: money.New(100, "USD"), PriceMax: &highest},
		},
		NextCursor: &next, Total: &total, CorrectedQuery: script, Relaxed: []string{script},
		Facets: []searchapi.Facet{
			{Code: "colour", Param: "attr.colour", Label: script, Type: searchapi.FacetTerms, Values: []searchapi.FacetValue{{Value: script, Label: script, Count: 3, Hex: "#ff0000"}}},
		},
		Banners: []searchapi.Banner{{Title: script, Text: script, URL: "javascript:alert(1)"}, {Title: "Sale", URL: "/c/sale"}},
	}
}

func TestListingShowsAndEscapes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("GET search/v1/products", hostile())
	page := w.shows(200, "/en-us/c/shoes?attr.colour=red", "Shoes", "Boots", "$29.99", "$49.99", "−40 %", "from $1.00", "Sold out", "25 products", `href="/en-us/p/boot"`, "cursor=c2", `noindex`)
	if strings.Contains(page, "<script>alert") || strings.Contains(page, `"javascript:`) {
		t.Error("what somebody stored is run:\n", page)
	}
	w.shows(200, "/en-us/c/shoes", `rel="canonical" href="https://shop.example/en-us/c/shoes"`, `hreflang="de-DE" href="https://shop.example/de-de/c/shoes"`, "BreadcrumbList")
	w.shows(200, "/de-de/search?q=x", "25 Produkte", "Ergebnisse für")
	if !strings.Contains(page, `href="/en-us/c/sale"`) {
		t.Error("a banner leads out of the market")
	}
	w.shows(404, "/en-us/c/none", "This page is not here")
	w.shows(404, "/fr-fr/c/shoes", "This page is not here")
	if n := w.count("GET catalog/v1/categories"); n != 2 {
		t.Errorf("the departments of two languages were asked for %d times", n)
	}
}

// Where nothing was found and nothing is chosen there is nothing to choose from; what is chosen can be taken back.
func TestNothingToChooseFrom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	none := 0
	w.says("GET search/v1/products", searchapi.Products{Total: &none})
	if page := w.shows(200, "/en-us/search?q=qqq", "qqq", "Shoes"); strings.Contains(page, "Filter and sort") {
		t.Error("what was not found can be filtered")
	}
	w.shows(200, "/en-us/search?q=qqq&in_stock=true", "Filter and sort")
}

func TestListingsAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("GET search/v1/products", searchapi.Products{Redirect: "/c/shoes"})
	for path, want := range map[string]string{
		"/":                                  "/en-us/",
		"/en-us/search?q=boots":              "/en-us/c/shoes",
		"/en-us/c/shoes?price_min=&sort=":    "/en-us/c/shoes",
		"/en-us/c/shoes?min.attr.width=1":    "/en-us/c/shoes?attr.width=1..",
		"/de-de/c/shoes?sort=price&brand=&q": "/de-de/c/shoes?sort=price",
	} {
		if resp, _ := w.do("GET", path, nil); resp.StatusCode != 302 || resp.Header.Get("Location") != want {
			t.Errorf("%s leads to %d %s, want %s", path, resp.StatusCode, resp.Header.Get("Location"), want)
		}
	}
	if resp, _ := w.do("GET", "/en-us/c/shoes?price_min=&sort=price", nil, "HX-Request: true"); resp.Header.Get("HX-Push-Url") != "/en-us/c/shoes?sort=price" {
		t.Error(resp.Header)
	}
}

func TestDepartmentsBesideAListing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	found := hostile()
	found.Facets = []searchapi.Facet{{Code: "category", Param: "category", Type: searchapi.FacetTerms, Values: []searchapi.FacetValue{{Value: "shoes", Count: 25}, {Value: "boots", Count: 12}}}}
	w.says("GET search/v1/products", found)
	w.shows(200, "/en-us/c/shoes?brand=x", `href="/en-us/c/boots?brand=x"`, `href="/en-us/c/shoes?brand=x" aria-current="page"`, ">12<")
	w.shows(200, "/en-us/c/boots", `href="/en-us/c/shoes"`, `href="/en-us/c/boots" aria-current="page"`)
	if page := w.shows(200, "/en-us/search?q=boot", `href="/en-us/c/shoes?q=boot"`); strings.Contains(page, "/c/boots?q=boot") {
		t.Error("a department stands beside one that is within it")
	}
}

func TestFiltersOfLaterPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("GET search/v1/products", hostile())
	w.shows(200, "/en-us/search?q=boot&cursor=c1&page=2", `name="attr.colour"`, "Back to the first page")
	if w.count("GET search/") != 1 || w.count("GET search/v1/products?country=US&currency=USD&cursor=c1&facets=true&language=en&limit=24&q=boot") != 1 {
		t.Error("a first page is asked for, which search hears as another search", w.calls)
	}
	w.do("GET", "/en-us/search?q=boot&cursor=c1&page=2", nil, "HX-Request: true")
	if w.count("GET search/") != 2 || w.count("GET search/v1/products?country=US&currency=USD&cursor=c1&language=en&limit=24&q=boot") != 1 {
		t.Error("filters are asked for that nobody shows", w.calls)
	}
}

// A script that asks for more of a listing that cannot go on is led to its first page, and does not put that below what it shows.
func TestListingsThatCannotGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.refuses("GET search/v1/products", fault.New(fault.Invalid, "validation-failed", "query.cursor"))
	resp, _ := w.do("GET", "/en-us/search?cursor=c1&in_stock=true&page=2&q=boot", nil, "HX-Request: true")
	if resp.StatusCode != 204 || resp.Header.Get("HX-Redirect") != "/en-us/search?in_stock=true&q=boot" {
		t.Error(resp.StatusCode, resp.Header)
	}
}

func TestListingsDependOnWhatWasSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("GET search/v1/products", hostile())
	w.do("GET", "/en-us/c/shoes", nil, "Cookie: __Host-seen=b~a~<x>")
	if w.count("GET search/v1/products?category=shoes&country=US&currency=USD&facets=true&language=en&limit=24&seen=a%2Cb") != 1 {
		t.Error(w.calls)
	}
}

func TestListingFromCatalogWhileSearchIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.refuses("GET search/v1/products", fault.New(fault.Unavailable, "unavailable", "away"))
	w.says("GET catalog/v1/products", hostile())
	w.shows(200, "/en-us/c/shoes", "Sold out boot", "filters are away")
}

func TestListingWhileServicesAreAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.refuses("GET search/v1/products", fault.New(fault.Unavailable, "unavailable", "away"))
	w.shows(503, "/en-us/c/shoes", "The departments still work", "Shoes")
	resp, page := w.do("GET", "/en-us/suggest?q=bo", nil)
	if resp.StatusCode != 204 || page != "" { // nobody answers: the field works on
		t.Error(resp.StatusCode, page)
	}
	all := newWorld(t, func(c *Config) { c.Maintenance = true })
	all.shows(503, "/de-de/c/shoes", "Wir sind gleich zurück")
}

func TestPagesAreSentWell(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("GET search/v1/products", hostile())
	resp, packed := w.do("GET", "/en-us/c/shoes", nil, "Accept-Encoding: gzip, br")
	h := resp.Header
	plain, err := io.ReadAll(brotli.NewReader(strings.NewReader(packed)))
	if err != nil || !strings.HasPrefix(string(plain), "<!doctype html>") || h.Get("Content-Encoding") != "br" || !strings.Contains(h.Get("Vary"), "Accept-Encoding") {
		t.Error(err, h)
	}
	if vary := strings.Join(h.Values("Vary"), ", "); !strings.Contains(vary, "HX-Request") {
		t.Error("a browser that goes back may show what a script was answered:", vary)
	}
	if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Error(csp)
	}
	if again, body := w.do("GET", "/en-us/c/shoes", nil, "If-None-Match: "+h.Get("ETag")); again.StatusCode != 304 || body != "" {
		t.Error(again.StatusCode)
	}
	for accept, want := range map[string]string{"br;q=0": "", "br;q=0.0": "", "br; q=0.00": "", "br;q=x": "", "BR;Q=0.1": "br", "br;q=0.0, gzip": "gzip", "brx": ""} {
		for _, path := range []string{"/en-us/c/shoes", w.pages.files.Path("shop.css")} {
			if resp, _ := w.do("GET", path, nil, "Accept-Encoding: "+accept); resp.Header.Get("Content-Encoding") != want {
				t.Errorf("%s: %q is answered in %q", path, accept, resp.Header.Get("Content-Encoding"))
			}
		}
	}
	if resp, _ := w.do("POST", "/en-us/market", url.Values{"place": {"DE:EUR"}}, "Sec-Fetch-Site: cross-site"); resp.StatusCode != 403 {
		t.Error("a form of another site is taken:", resp.StatusCode)
	}
	if resp, _ := w.do("POST", "/en-us/market", url.Values{"place": {strings.Repeat("x", maxForm+1)}}); resp.StatusCode != 413 {
		t.Error("a large form is taken:", resp.StatusCode)
	}
	for path, want := range map[string]string{"/c/shoes?brand=x": "/de-de/c/shoes?brand=x", "//evil.example": "/de-de/", "https://evil.example/x": "/de-de/", `/\evil.example`: "/de-de/", "": "/de-de/"} {
		if resp, _ := w.do("POST", "/en-us/market", url.Values{"place": {"DE:EUR"}, "path": {path}}); resp.StatusCode != 303 || resp.Header.Get("Location") != want {
			t.Errorf("%q leads to %d %q", path, resp.StatusCode, resp.Header.Get("Location"))
		}
	}
}

// Bands of prices are links: each to the listing in it, the chosen one to the listing without it. Whatever else is chosen stays.
func TestPricesAreChosenByBands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	low, high := 500.0, 9900.0
	found := hostile()
	found.Facets = []searchapi.Facet{{Code: "price", Param: "price", Label: "Price", Type: searchapi.FacetRange, Min: &low, Max: &high, Values: []searchapi.FacetValue{
		{Value: "..999", Label: "Up to $9.99", Count: 1200}, {Value: "1000..1999", Label: "$10.00 – $19.99", Count: 7, Selected: true}, {Value: "2000..", Label: "From $20.00", Count: 9}, {Value: "x", Label: "no band", Count: 3}}}}
	w.says("GET search/v1/products", found)
	page := w.shows(200, "/en-us/c/shoes?brand=x&price_min=10.00&price_max=19.99&cursor=c1&page=2",
		`<a href="/en-us/c/shoes?brand=x&amp;price_max=9.99">Up to $9.99 <span class="n">1,200</span></a>`,
		`<a href="/en-us/c/shoes?brand=x" aria-current="true">$10.00 – $19.99 <span class="n">7</span></a>`,
		`<a href="/en-us/c/shoes?brand=x&amp;price_min=20.00">From $20.00 <span class="n">9</span></a>`, `name="price_min" value="10.00"`)
	if strings.Contains(page, "no band") {
		t.Error("what is no band is shown")
	}
	if w.count("GET search/v1/products?brand=x&category=shoes&country=US&currency=USD&cursor=c1&facets=true&language=en&limit=24&price_max=1999&price_min=1000") != 1 {
		t.Error(w.calls)
	}
}
