package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

// cur is a cursor of this JSON.
func cur(raw string) string { return base64.RawURLEncoding.EncodeToString([]byte(raw)) }

// The whole of an answer, as storefronts read it.
const listing = `{"items":[{"id":"019c0000-0000-7000-8000-000000000001","slug":"linen-shirt","title":"Linen Shirt","brand":"Alder & Co",
		"category_path":[{"code":"clothing","name":"Clothing","slug":"clothing"},{"code":"shirts","name":"Shirts","slug":"tops"}],
		"image_url":"/media/shirt.svg","price":{"amount":1999,"currency":"USD"},"price_max":{"amount":2199,"currency":"USD"},"compare_at_price":{"amount":2499,"currency":"USD"},"in_stock":true,"rating":null,
		"skus":["SH-S","SH-M"]}],
	"next_cursor":null,"total":1,"corrected_query":"linen shirt","facets":[
		{"code":"category","param":"category","label":"Category","type":"terms","values":[{"value":"clothing","label":"Clothing","count":1,"selected":false,"level":0},{"value":"shirts","label":"Shirts","count":1,"selected":false,"parent":"clothing","level":1}]},
		{"code":"brand","param":"brand","label":"Brand","type":"terms","values":[{"value":"alder","label":"Alder & Co","count":1,"selected":false}]},
		{"code":"price","param":"price","label":"Price","type":"range","values":[],"min":1999,"max":1999},
		{"code":"in_stock","param":"in_stock","label":"In stock","type":"terms","values":[{"value":"false","label":"No","count":1,"selected":false}]},
		{"code":"size","param":"attr.size","label":"Size","type":"terms","attribute_type":"enum","values":[{"value":"m","label":"Medium","count":1,"selected":false},{"value":"s","label":"Small","count":1,"selected":true}]},
		{"code":"material","param":"attr.material","label":"Material","type":"terms","attribute_type":"enum","values":[{"value":"linen","label":"Linen","count":1,"selected":false}]}]}`

func TestListingIsGolden(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	answer := s.guest.Do("GET", "/v1/products?q=linnen+shirt&attr.size=s&facets=true", nil).Want(200)
	if got := answer.Header.Get("Cache-Control"); got != "public, max-age=10" {
		t.Errorf("Cache-Control %q", got)
	}
	var got, want any
	answer.JSON(&got)
	if err := json.Unmarshal([]byte(listing), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestListings(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	for query, want := range map[string][]string{
		"":                                    {"mug", "linen-shirt"},
		"?sort=relevance":                     {"mug", "linen-shirt"},
		"?sort=popularity":                    {"mug", "linen-shirt"},
		"?sort=newest":                        {"mug", "linen-shirt"},
		"?sort=price":                         {"mug", "linen-shirt"},
		"?sort=-price":                        {"linen-shirt", "mug"},
		"?category=clothing":                  {"linen-shirt"},
		"?category=tops":                      {"linen-shirt"},
		"?category=nope":                      {},
		"?brand=alder":                        {"linen-shirt"},
		"?brand=nope":                         {},
		"?price_min=501":                      {"linen-shirt"},
		"?price_max=500":                      {"mug"},
		"?price_max=0":                        {"mug", "linen-shirt"},
		"?price_min=2000&price_max=2100":      {}, // between the prices of its sizes
		"?in_stock=true":                      {"linen-shirt"},
		"?attr.size=s,m":                      {"linen-shirt"},
		"?attr.size=s&attr.size=xl":           {"linen-shirt"},
		"?attr.size=xl":                       {},
		"?attr.size=s&in_stock=true":          {}, // there are only larger ones
		"?attr.size=m&in_stock=true":          {"linen-shirt"},
		"?attr.size=s&attr.material=linen":    {"linen-shirt"},
		"?attr.volume=350.0":                  {"mug"},
		"?attr.volume=300..400":               {"mug"},
		"?attr.volume=400..":                  {},
		"?q=shirts":                           {"linen-shirt"},
		"?q=shrit":                            {"linen-shirt"},
		"?q=SH-M":                             {"linen-shirt"},
		"?q=shirt+linen":                      {"linen-shirt"},
		"?q=sofa":                             {},
		"?q=sofa&currency=EUR&country=DE":     {"sofa"},
		"?currency=EUR&country=FR":            {},
		"?currency=EUR&country=DE&sort=price": {"sofa"},
		"?q=%D7%A9%D7%9C%D7%95%D7%9D":         {},
		"?q=%F0%9F%91%95":                     {},
	} {
		if diff := cmp.Diff(want, s.slugs(query)); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	many := "?" + strings.Repeat("attr.size=s&", maxFilters+1)
	for query, want := range map[string][]string{
		"?limit=0":                   {"query.limit"},
		"?limit=101":                 {"query.limit"},
		"?limit=x&in_stock=maybe":    {"query.in_stock", "query.limit"},
		"?nope=1":                    {"query.nope"},
		"?sort=cheapest":             {"query.sort"},
		"?locale=DE&visitor=%3Cx%3E": {"query.locale", "query.visitor"},
		"?cursor=" + url.QueryEscape(cur(`{"s":"price","n":-1,"k":1,"i":"`+id(1)+`"}`)): {"query.cursor"},
		"?cursor=" + url.QueryEscape(cur(`{"s":"price","k":1}`)):                        {"query.cursor"},
		"?price_min=-1":                  {"query.price_min"},
		"?currency=XXY&country=us":       {"query.country", "query.currency"},
		"?attr.nope=1":                   {"query.attr.nope"},
		"?attr.volume=large":             {"query.attr.volume"},
		"?attr.volume=1..x":              {"query.attr.volume"},
		"?cursor=%21":                    {"query.cursor"},
		"?q=" + strings.Repeat("x", 201): {"query.q"},
		"?q=" + strings.Repeat("x+", 33): {"query.q"},
		many:                             {"query.attr"},
		"?cursor=" + url.QueryEscape(cur(`{"s":"price","k":1,"i":"nobody"}`)):                    {"query.cursor"},
		"?sort=-price&cursor=" + url.QueryEscape(cur(`{"s":"price","k":1,"i":"`+id(1)+`"}`)):     {"query.cursor"},
		"?q=mug&cursor=" + url.QueryEscape(cur(`{"s":"relevance","t":1,"k":1,"i":"`+id(1)+`"}`)): {"query.cursor"}, // of a step that there is not
		"?cursor=" + url.QueryEscape(cur(`{"s":"price","t":99,"k":1,"i":"`+id(1)+`"}`)):          {"query.cursor"},
		"?cursor=" + url.QueryEscape(cur(`{"s":"price","k":1,"i":"`+id(1)+`","nope":1}`)):        {"query.cursor"},
	} {
		got := apitest.Locations(s.guest.Do("GET", "/v1/products"+query, nil).Problem(422, "validation-failed"))
		slices.Sort(got)
		if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
			t.Errorf("%.60s: %s", query, diff)
		}
	}
	s.guest.Do("GET", "/v1/products/suggest", nil).Problem(422, "validation-failed")
	s.guest.Do("GET", "/v1/products/suggest?q=x&nope=1", nil).Problem(422, "validation-failed")
	if len(s.shelf.asked) != 0 {
		t.Errorf("catalog was asked %v", s.shelf.asked)
	}
}

// Every product once, in order, whatever is changed between two pages beside them.
func TestPages(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	for n := 10; n < 21; n++ {
		sku := fmt.Sprint("P", n)
		s.tell(product(n, search.Product{Slug: sku, Title: "Plate", Popularity: int64(n % 3), Variants: []search.Item{{SKU: sku}}}, true), price(sku, usd(int64(100+n%4), 0)))
	}
	for _, sort := range []string{"", "relevance", "price", "-price", "newest", "popularity", "rating"} {
		whole := s.slugs("?limit=100&sort=" + sort)
		if sort == "" {
			whole = s.slugs("?limit=100")
		}
		var paged []string
		query := "?limit=4"
		if sort != "" {
			query += "&sort=" + sort
		}
		for next := ""; ; {
			var page searchapi.Products
			s.guest.Do("GET", "/v1/products"+query+next, nil).Want(200).JSON(&page)
			if *page.Total != 13 || len(page.Items) > 4 {
				t.Fatalf("%s: %d of %d", sort, len(page.Items), *page.Total)
			}
			for _, p := range page.Items {
				paged = append(paged, p.Slug)
			}
			if page.NextCursor == nil {
				break
			}
			next = "&cursor=" + *page.NextCursor
			s.tell(product(30, search.Product{Slug: "other", Title: "Other " + *page.NextCursor}, false))
		}
		if diff := cmp.Diff(whole, paged); diff != "" || len(paged) != 13 {
			t.Errorf("%s: %s", sort, diff)
		}
	}
}

func TestWhileTheIndexIsAway(t *testing.T) {
	t.Parallel()
	s := open(t) // nothing was filled: there is no index
	s.settle()
	answer := s.guest.Do("GET", "/v1/products?q=red+shirt&sort=price&facets=true&attr.size=s,m&attr.width=1..2&limit=5&as_typed=true&locale=de-AT&language=de&seen=a&channel=kiosk&visitor=v1", nil).Want(200)
	var page searchapi.Products
	answer.JSON(&page)
	if !page.Degraded || page.Total != nil || page.Facets != nil || page.Items[0].Slug != "from-the-shelf" || answer.Header.Get("Cache-Control") != "no-store" || answer.Header.Get("Content-Language") != "de" {
		t.Errorf("%+v %v", page, answer.Header)
	}
	want := url.Values{"q": {"red shirt"}, "sort": {"price"}, "attr.size": {"s,m"}, "limit": {"5"}, "language": {"de"}}
	if diff := cmp.Diff(want, s.shelf.asked[0]); diff != "" {
		t.Error(diff)
	}
	s.guest.Do("GET", "/v1/products?cursor="+*page.NextCursor, nil).Want(200)
	if got := s.shelf.asked[1].Get("cursor"); got != "of-catalog" {
		t.Errorf("the next page is asked for with %q", got)
	}
	s.guest.Do("GET", "/v1/products?cursor="+cur(`{"s":"price","k":1,"i":"`+id(1)+`"}`), nil).Problem(503, "search-unavailable")
	s.guest.Do("GET", "/v1/products/suggest?q=sh", nil).Problem(503, "search-unavailable")
	s.guest.Do("GET", "/v1/products?nope=1", nil).Problem(422, "validation-failed")
	s.shelf.err = fault.New(fault.Invalid, "validation-failed", "no")
	s.guest.Do("GET", "/v1/products?attr.nope=1", nil).Problem(422, "validation-failed")
	s.shelf.err = fault.New(fault.Unavailable, "unavailable", "nobody is there")
	s.guest.Do("GET", "/v1/products", nil).Problem(503, "unavailable")

	// A list that began on the shelf goes on there, though the index has come.
	if err := s.store.Filled(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	s.settle()
	s.shelf.err = nil
	if got := s.slugs(""); len(got) != 0 {
		t.Errorf("%v", got)
	}
	s.guest.Do("GET", "/v1/products?cursor="+*page.NextCursor, nil).Want(200).JSON(&page)
	if !page.Degraded {
		t.Error("a list changed its place in the middle")
	}
}

func TestPublishedAndArchived(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	lamp := func(listed bool) {
		s.tell(product(7, search.Product{Slug: "lamp", Title: "Lamp", Variants: []search.Item{{SKU: "L"}}}, listed))
	}
	lamp(false)
	s.tell(price("L", usd(100, 0)))
	if got := s.slugs("?q=lamp"); len(got) != 0 {
		t.Errorf("a draft is listed: %v", got)
	}
	lamp(true)
	if got := s.slugs("?q=lamp"); len(got) != 1 {
		t.Errorf("a published product is not listed: %v", got)
	}
	s.tell(price("L"))
	if got := s.slugs("?q=lamp"); len(got) != 0 {
		t.Errorf("without a price it is listed: %v", got)
	}
	s.tell(price("L", usd(100, 0)))
	lamp(false)
	if got := s.slugs("?q=lamp"); len(got) != 0 {
		t.Errorf("an archived product is listed: %v", got)
	}
}

func TestSuggestions(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	var got searchapi.Suggestions
	s.guest.Do("GET", "/v1/products/suggest?q=shi", nil).Want(200).JSON(&got)
	want := searchapi.Suggestions{Queries: []string{}, Products: []searchapi.SuggestedProduct{{ID: id(1), Slug: "linen-shirt", Title: "Linen Shirt", ImageURL: "/media/shirt.svg"}},
		Categories: []searchapi.SuggestedCategory{{Code: "shirts", Name: "Shirts", Slug: "tops"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	s.guest.Do("GET", "/v1/products/suggest?q=zzzz", nil).Want(200).JSON(&got)
	if len(got.Products) != 0 || got.Categories == nil {
		t.Errorf("%+v", got)
	}
}

func TestStaffSeeTheIndex(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	index := func() (got searchapi.Index) {
		s.reader.Do("GET", "/v1/admin/search/index", nil).Want(200).JSON(&got)
		return got
	}
	first := index()
	if first.Status != searchapi.IndexCurrent || first.Documents != 3 || first.Products != 3 || first.Revision != first.Replica || first.Build != 1 || !first.Filled || first.Building != nil {
		t.Errorf("%+v", first)
	}
	var one, two searchapi.Rebuild
	staff := s.staff.With("Idempotency-Key", "k")
	staff.Do("POST", "/v1/admin/search/rebuild", nil).Want(202).JSON(&one)
	staff.Do("POST", "/v1/admin/search/rebuild", nil).Want(202).JSON(&two)
	if one.Build != 2 || two != one {
		t.Errorf("%+v, then %+v", one, two)
	}
	if got := index(); got.Status != searchapi.IndexBehind || got.Build != 2 {
		t.Errorf("%+v", got)
	}
	s.settle()
	if got := index(); got.Status != searchapi.IndexCurrent || got.Documents != 3 || got.Revision != first.Revision {
		t.Errorf("%+v", got)
	}
	s.guest.Do("GET", "/v1/admin/search/index", nil).Problem(401, "unauthenticated")
	s.reader.Do("POST", "/v1/admin/search/rebuild", nil).Problem(403, "forbidden")
	empty := open(t)
	empty.reader.Do("GET", "/v1/admin/search/index", nil).Want(200).JSON(&first)
	if first.Status != searchapi.IndexMissing || first.Filled {
		t.Errorf("%+v", first)
	}
}

func TestDocumented(t *testing.T) {
	t.Parallel()
	var doc struct {
		Paths map[string]struct {
			Get struct {
				Parameters []struct{ Name, In, Style string }
			}
		}
	}
	open(t).guest.Do("GET", "/openapi.json", nil).Want(200).JSON(&doc)
	var names []string
	for _, p := range doc.Paths["/v1/products"].Get.Parameters {
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	want := []string{"as_typed", "attr.<code>", "brand", "category", "channel", "country", "currency", "cursor", "facets", "ids", "in_stock", "language", "limit", "locale", "price_max", "price_min", "q", "seen", "sort", "visitor"}
	slices.Sort(names)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

// What several shoppers have searched for is suggested to others, and staff see what found nothing.
func TestWhatIsSearchedFor(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	for query, times := range map[string]int{"q=linen+shirt": 4, "q=linnen+shirt": 1, "q=mug": 1, "q=mug&sort=relevance&facets=true": 1, "q=teapot": 3, "q=linen+teapot": 1, "q=linen+shirt&brand=nope": 5, "q=": 2,
		"q=mug&sort=price": 3, "q=mug&facets=true&cursor=" + cur(`{"s":"relevance","k":1,"i":"`+id(9)+`","n":2}`): 3} {
		for range times {
			s.guest.Do("GET", "/v1/products?"+query, nil).Want(200)
		}
	}
	if err := s.ear.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	suggested := func(q string) []string {
		var got searchapi.Suggestions
		s.guest.Do("GET", "/v1/products/suggest?q="+q, nil).Want(200).JSON(&got)
		return got.Queries
	}
	if diff := cmp.Diff([]string{"linen shirt"}, suggested("Linen+sh")); diff != "" {
		t.Error(diff)
	}
	if got := append(suggested("mu"), suggested("teap")...); len(got) != 0 {
		t.Errorf("what too few have asked, or what finds nothing, is suggested: %v", got)
	}
	heard := func(query string) (all []searchapi.Query) {
		var got struct{ Items []searchapi.Query }
		s.reader.Do("GET", "/v1/admin/search/queries"+query, nil).Want(200).JSON(&got)
		return got.Items
	}
	if diff := cmp.Diff([]searchapi.Query{{Language: "en", Words: "linen shirt", Asked: 5, Found: 1}, {Language: "en", Words: "mug", Asked: 2, Found: 1}}, heard("?found=true")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]searchapi.Query{{Language: "en", Words: "teapot", Asked: 3}, {Language: "en", Words: "linen teapot", Asked: 1}}, heard("")); diff != "" {
		t.Error(diff)
	}
	if got := heard("?limit=1"); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	s.guest.Do("GET", "/v1/admin/search/queries", nil).Problem(401, "unauthenticated")
}
