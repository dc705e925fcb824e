package web

import (
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

func TestHomeShowsRowsAndDepartments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("GET search/v1/products/rows", searchapi.Rows{Rows: []searchapi.Row{
		{ID: "a", Title: "Reduced " + script, Items: hostile().Items, Query: "category=shoes&price_max=5000&sort=newest&in_stock=true"},
		{ID: "b", Title: "Chosen by hand", Items: hostile().Items},
	}})
	w.says("GET search/v1/products", searchapi.Products{Items: []catalogapi.ProductSummary{{ID: "p", Slug: "p", Title: "Popular", ImageURL: "/media/popular.svg", Price: money.New(1, "USD")}}})
	page := w.shows(200, "/en-us/", "Reduced", "Chosen by hand", "Sold out boot", `href="/en-us/c/shoes?in_stock=true&amp;price_max=50.00&amp;sort=newest"`, `src="/media/popular.svg"`,
		`rel="canonical" href="https://shop.example/en-us/"`, "SearchAction")
	if strings.Contains(page, "<script>alert") || strings.Contains(page, "Recently viewed") || strings.Count(page, "Show all") != 2 { // its text and its name
		t.Error(page)
	}
	w.shows(200, "/en-us/")
	if n := w.count("GET search/v1/products?category=shoes"); n != 1 {
		t.Errorf("the picture of a department was asked for %d times", n)
	}
	if _, page := w.do("GET", "/de-de/", nil, "Cookie: __Host-seen=2~1"); !strings.Contains(page, "Zuletzt angesehen") || w.count("GET search/v1/products/rows?country=DE&currency=EUR&language=de&seen=1%2C2") != 1 {
		t.Error(w.calls)
	}
}

func TestHomeWhileSearchIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.refuses("GET search/v1/products/rows", fault.New(fault.Unavailable, "unavailable", "away"))
	w.says("GET catalog/v1/products", map[string]any{"items": hostile().Items})
	w.shows(200, "/en-us/", "Popular right now", "Sold out boot", "Shoes")
	if w.count("GET search/v1/products?") != 0 {
		t.Error("search is asked for pictures though it is away:", w.calls)
	}
	none := newWorld(t)
	none.shows(200, "/de-de/", "Nach Abteilung stöbern", "Shoes")
}
