package httpapi

import (
	"encoding/json"
	"math"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
)

// Filters by attribute stand in the document in the one way that it has for names that are not fixed: an object, spread out.
func TestAttributeFiltersAreDocumented(t *testing.T) {
	t.Parallel()
	var doc struct {
		Paths map[string]struct {
			Get struct {
				Parameters []struct {
					Name, In, Style, Description string
					Explode, Required            bool
					Schema                       struct {
						Type          any // several for what may be null
						PropertyNames struct{ Pattern string }
					}
				}
			}
		}
	}
	open(t).guest.Do("GET", "/openapi.json", nil).Want(200).JSON(&doc)
	for _, p := range doc.Paths["/v1/products"].Get.Parameters {
		if p.Name == "attr.<code>" {
			if p.In != "query" || p.Style != "form" || !p.Explode || p.Required || p.Description == "" || p.Schema.Type != "object" || p.Schema.PropertyNames.Pattern != `^attr\.` {
				t.Errorf("%+v", p)
			}
			return
		}
	}
	t.Error("not documented")
}

func TestProductPage(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	w := s.write(shirt)
	compare := money.New(5900, "USD")
	s.prices("SH-S-N", app.Price{List: "us", Amount: money.New(4900, "USD"), CompareAt: &compare}, app.Price{List: "eu", Amount: money.New(4500, "EUR")})
	s.level("SH-S-N", 3, "low_stock")
	s.level("SH-M-N", 30, "in_stock")
	var p catalogapi.Product
	first := s.guest.Do("GET", "/v1/products/linen-shirt", nil).Want(200).JSON(&p)
	if p.ID != w.ID || p.Brand != "Alder & Co" || p.Status != "published" || p.TaxCategory != "standard" || len(p.CategoryPath) != 2 || p.CategoryPath[0].Slug != "clothing" {
		t.Errorf("product %+v", p)
	}
	wantOptions := []catalogapi.Option{{Code: "colour", Label: "Colour", Values: []string{"Navy"}}, {Code: "size", Label: "Size", Values: []string{"S", "M"}}}
	if diff := cmp.Diff(wantOptions, p.Options); diff != "" {
		t.Error(diff)
	}
	wantAttributes := []catalogapi.AttributeValue{
		{Code: "material", Label: "Material", Type: "enum", Value: []byte(`"linen"`), Text: "Linen"},
		{Code: "season", Label: "Season", Type: "multi_enum", Value: []byte(`["spring","summer"]`), Text: "Spring, Summer"},
	}
	if diff := cmp.Diff(wantAttributes, p.Attributes); diff != "" {
		t.Error(diff)
	}
	v := p.Variants[0]
	if v.Title != "Linen Shirt, Navy, S" || v.Price.Minor != 4900 || v.CompareAtPrice.Minor != 5900 || v.Availability.Status != "low_stock" ||
		v.Availability.Available != 3 || v.ImageURL != "/media/shirt.svg" || v.Attributes[0].Hex != "#1f2a44" || v.Options["size"] != "S" || v.Dimensions.HeightMM != 3 {
		t.Errorf("first variant %+v", v)
	}
	if v = p.Variants[1]; v.Price != nil || v.Availability.Status != "in_stock" || v.ImageURL != "https://img.example/m.png" || v.Options["colour"] != "Navy" {
		t.Errorf("second variant %+v", v)
	}
	byID := s.guest.Do("GET", "/v1/products/"+w.ID, nil).Want(200)
	tag := first.Header.Get("ETag")
	if tag == "" || tag != byID.Header.Get("ETag") || first.Header.Get("Cache-Control") != "public, max-age=10" {
		t.Errorf("headers %v", first.Header)
	}
	if a := s.guest.With("If-None-Match", tag).Do("GET", "/v1/products/linen-shirt", nil).Want(304); len(a.Body) != 0 {
		t.Errorf("304 with %s", a.Body)
	}
	ships := time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
	if err := s.store.KeepLevel(t.Context(), app.Event{Subject: "SH-S-N", Sequence: s.next("inventory", "SH-S-N")}, "SH-S-N",
		app.Level{Available: 8, Status: "preorder", ShipsAt: &ships}); err != nil {
		t.Fatal(err)
	}
	s.guest.With("If-None-Match", tag).Do("GET", "/v1/products/linen-shirt", nil).Want(200).JSON(&p)
	if a := p.Variants[0].Availability; a.Status != "preorder" || a.Available != 8 || !a.ShipsAt.Equal(ships) {
		t.Errorf("availability %+v", a)
	}
	s.level("SH-S-N", 0, "out_of_stock")
	s.guest.With("If-None-Match", tag).Do("GET", "/v1/products/linen-shirt", nil).Want(200).JSON(&p)
	if p.Variants[0].Availability.Status != "out_of_stock" {
		t.Errorf("availability %+v", p.Variants[0].Availability)
	}
	s.guest.Do("GET", "/v1/products/linen-shirt?currency=EUR", nil).Want(200).JSON(&p)
	if p.Variants[0].Price.Currency != "EUR" {
		t.Errorf("price %v", p.Variants[0].Price)
	}
}

func TestPageInOneStatement(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.write(shirt)
	m := app.Market{Currency: "USD", Country: "US", Now: now}
	if _, err := s.store.Page(t.Context(), "linen-shirt", m); err != nil { // reads the registry
		t.Fatal(err)
	}
	ctx, counter := pg.WithCounter(t.Context())
	if _, err := s.store.Page(ctx, "linen-shirt", m); err != nil || counter.Statements() != 1 {
		t.Errorf("%d statements (%v), want 1", counter.Statements(), err)
	}
	if _, _, err := s.store.Sellables(ctx, []string{"SH-S-N", "SH-M-N"}); err != nil || counter.Statements() != 2 {
		t.Errorf("%d statements (%v), want 2", counter.Statements(), err)
	}
}

func TestFormerSlug(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	w := s.write(sofa(1))
	renamed := `{"title":"Sofa","slug":"big-sofa","category_code":"furniture","attributes":{"width":101.5},"variants":[{"sku":"SOFA-101"}]}`
	s.staff.Do("PUT", "/v1/admin/products/"+w.ID, renamed).Want(200)
	a := s.guest.Do("GET", "/v1/products/sofa-number-101?currency=EUR&country=DE", nil).Want(301)
	if got := a.Header.Get("Location"); got != "/v1/products/big-sofa?country=DE&currency=EUR" {
		t.Errorf("location %q", got)
	}
	s.guest.Do("GET", a.Header.Get("Location"), nil).Want(200)
	other := `{"title":"Sofa number 101","category_code":"furniture","attributes":{"width":1},"variants":[{"sku":"SOFA-X"}]}`
	var p catalogapi.Product
	made := s.write(other)
	s.staff.Do("POST", "/v1/admin/products/"+made.ID+"/publish", nil).Want(200)
	s.guest.Do("GET", "/v1/products/"+made.ID, nil).Want(200).JSON(&p)
	if p.Slug != "sofa-number-101-sofa-x" {
		t.Errorf("slug %q takes what leads elsewhere", p.Slug)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.staff.Do("POST", "/v1/admin/products", `{"title":"Draft","category_code":"furniture","attributes":{"width":1},"variants":[{"sku":"D"}]}`).Want(201)
	for _, name := range []string{"nobody", "draft", "019c0000-0000-7000-8000-000000000000", "UPPER", "a--b", "%F0%9F%9B%8B"} {
		s.guest.Do("GET", "/v1/products/"+name, nil).Problem(404, "product-not-found")
	}
	s.guest.Do("GET", "/v1/products/x?currency=XXY", nil).Problem(422, "validation-failed")
	s.guest.Do("GET", "/v1/products/x?country=us", nil).Problem(422, "validation-failed")
}

// slugs reads a listing over all its pages.
func (s *shop) slugs(query string) (all []string) {
	s.t.Helper()
	cursor := ""
	for range 20 {
		var page struct {
			Items      []catalogapi.ProductSummary `json:"items"`
			NextCursor *string                     `json:"next_cursor"`
		}
		s.guest.Do("GET", "/v1/products?"+query+"&cursor="+url.QueryEscape(cursor), nil).Want(200).JSON(&page)
		for _, p := range page.Items {
			all = append(all, p.Slug)
		}
		if page.NextCursor == nil {
			return all
		}
		cursor = *page.NextCursor
	}
	s.t.Fatal("the listing has no end")
	return nil
}

func TestListing(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.write(shirt)
	s.price("SH-S-N", 4900)
	s.price("SH-M-N", 3900)
	for i := range 5 {
		s.write(sofa(i))
		s.price("SOFA-10"+string(rune('0'+i)), int64(10000+i%2)) // ties
	}
	s.write(`{"title":"Free of price","category_code":"furniture","status":"published","attributes":{"width":1},"variants":[{"sku":"NOPRICE"}]}`)
	s.level("SOFA-103", 2, "low_stock")
	s.level("SH-S-N", 0, "out_of_stock")
	n := func(ns ...string) (all []string) {
		for _, one := range ns {
			all = append(all, "sofa-number-10"+one)
		}
		return all
	}
	for query, want := range map[string][]string{
		"limit=2":             append(n("4", "3", "2", "1", "0"), "linen-shirt"),
		"sort=newest&limit=4": append(n("4", "3", "2", "1", "0"), "linen-shirt"),
		"sort=price&limit=2":  append([]string{"linen-shirt"}, n("0", "2", "4", "1", "3")...),
		"sort=-price&limit=1": append(n("3", "1", "4", "2", "0"), "linen-shirt"),
		"category=clothing":   {"linen-shirt"},
		"category=nowhere":    nil,
		"brand=alder":         {"linen-shirt"},
		"q=SOFA+103":          n("3"),
		"q=100%25":            nil,
		"in_stock=true":       n("3"),
		"price_min=10001":     n("3", "1"),
		"price_max=3900":      {"linen-shirt"},
		"attr.size=m,l":       {"linen-shirt"},
		"attr.size=l":         nil,
		"attr.colour=%231F2A44&attr.material=linen":   {"linen-shirt"},
		"attr.season=summer":                          {"linen-shirt"},
		"currency=EUR":                                nil,
		"attr.material=cotton&attr.material=linen":    {"linen-shirt"},
		"category=shirts&sort=rating&country=CA&q=li": {"linen-shirt"},
	} {
		t.Run(query, func(t *testing.T) {
			s := *s
			s.t, s.guest.T = t, t
			if got := s.slugs(query); !slices.Equal(got, want) {
				t.Errorf("%v\nwant %v", got, want)
			}
		})
	}
}

func TestListedProduct(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	w := s.write(shirt)
	compare := money.New(4400, "USD")
	s.price("SH-S-N", 4900)
	s.prices("SH-M-N", app.Price{List: "us", Amount: money.New(3900, "USD"), CompareAt: &compare})
	s.level("SH-S-N", 1, "low_stock")
	var page struct{ Items []catalogapi.ProductSummary }
	s.guest.Do("GET", "/v1/products", nil).Want(200).JSON(&page)
	want := []catalogapi.ProductSummary{{ID: w.ID, Slug: "linen-shirt", Title: "Linen Shirt", Brand: "Alder & Co", ImageURL: "/media/shirt.svg",
		CategoryPath: []catalogapi.CategoryRefV1{{Code: "clothing", Name: "Clothing", Slug: "clothing"}, {Code: "shirts", Name: "Shirts", Slug: "shirts"}},
		Price:        money.New(3900, "USD"), CompareAtPrice: &compare, InStock: true, SKUs: []string{"SH-S-N", "SH-M-N"}}}
	if diff := cmp.Diff(want, page.Items); diff != "" {
		t.Error(diff)
	}
}

// TestStockWithoutAPrice: what has no price here cannot be bought here, however much of it there is.
func TestStockWithoutAPrice(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.write(shirt)
	s.price("SH-S-N", 4900)
	s.level("SH-M-N", 30, "in_stock")
	if got := s.slugs("in_stock=true"); got != nil {
		t.Errorf("%v in stock", got)
	}
	if got := s.compare("ids=linen-shirt"); got.Products[0].InStock {
		t.Error("compared as in stock")
	}
	s.price("SH-M-N", 4900)
	if got := s.slugs("in_stock=true"); !slices.Equal(got, []string{"linen-shirt"}) {
		t.Errorf("%v in stock", got)
	}
}

func TestPricesFollowTheClockTheCountryAndThePriority(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.write(sofa(0))
	usd := func(n int64) money.Amount { return money.New(n, "USD") }
	was, lately := usd(1500), usd(1200)
	s.prices("SOFA-100",
		app.Price{List: "base", Amount: usd(1000)},
		app.Price{List: "cheaper", Amount: usd(990), CompareAt: &was},
		app.Price{List: "cheaper", Amount: usd(990), CompareAt: &lately, From: now.Add(-time.Hour)},
		app.Price{List: "over", Amount: usd(1), To: now},
		app.Price{List: "tonight", Amount: usd(2), From: now.Add(time.Hour)},
		app.Price{List: "canada", Amount: usd(1100), Countries: []string{"CA"}, Priority: 5},
		app.Price{List: "running", Amount: usd(950), Priority: 1, Countries: []string{"US"}, From: now, To: now.Add(time.Second)},
	)
	for query, want := range map[string]int64{"": 950, "?country=CA": 1100, "?country=MX": 990} {
		var page struct{ Items []catalogapi.ProductSummary }
		s.guest.Do("GET", "/v1/products"+query, nil).Want(200).JSON(&page)
		var p catalogapi.Product
		s.guest.Do("GET", "/v1/products/sofa-number-100"+query, nil).Want(200).JSON(&p)
		if len(page.Items) != 1 || page.Items[0].Price.Minor != want || p.Variants[0].Price.Minor != want {
			t.Errorf("%q: %+v and %+v, want %d", query, page.Items, p.Variants[0].Price, want)
		}
		if compare := p.Variants[0].CompareAtPrice; want == 990 && *compare != lately {
			t.Errorf("%q: compared with %s, want what began last: %s", query, compare, lately)
		}
	}
}

func TestListingRefuses(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	for query, place := range map[string]string{
		"limit=0": "query.limit", "limit=101": "query.limit", "limit=x": "query.limit", "sort=colour": "query.sort", "colour=navy": "query.colour",
		"attr.nothing=1": "query.attr.nothing", "attr.seats=4": "query.attr.seats", "attr.size=xxl": "query.attr.size", "currency=usd": "query.currency",
		"cursor=%21": "query.cursor", "price_min=-1": "query.price_min", "cursor=eyJzIjoicHJpY2UiLCJrIjoxLCJpIjoieCJ9": "query.cursor", "in_stock=perhaps": "query.in_stock",
		"q=a+b+c+d+e+f+g+h+i+j+k": "query.q",
		"sort=newest&cursor=" + httpx.EncodeCursor(app.Position{Sort: "newest", Key: math.MaxInt64, ID: "019c0000-0000-7000-8000-000000000000"}): "query.cursor",
	} {
		got := apitest.Locations(s.guest.Do("GET", "/v1/products?"+query, nil).Problem(422, "validation-failed"))
		if !slices.Equal(got, []string{place}) {
			t.Errorf("%s: %v, want %s", query, got, place)
		}
	}
}

func TestCategoryTree(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.staff.Do("PUT", "/v1/admin/categories/coats", `{"name":"Coats","slug":"coats","parent_code":"clothing","position":1}`).Want(204)
	var got struct{ Items []catalogapi.Category }
	s.guest.Do("GET", "/v1/categories?currency=EUR&country=DE", nil).Want(200) // as every read of the catalogue
	s.guest.Do("GET", "/v1/categories?currency=euro", nil).Problem(422, "validation-failed")
	s.guest.Do("GET", "/v1/categories", nil).Want(200).JSON(&got)
	none := []catalogapi.Category{}
	want := []catalogapi.Category{
		{Code: "clothing", Name: "Clothing", Slug: "clothing", Children: []catalogapi.Category{
			{Code: "coats", Name: "Coats", Slug: "coats", Children: none}, {Code: "shirts", Name: "Shirts", Slug: "shirts", Children: none}}},
		{Code: "furniture", Name: "Furniture", Slug: "furniture", Children: none},
	}
	if diff := cmp.Diff(want, got.Items); diff != "" {
		t.Error(diff)
	}
}

// What a replica can ask for is what it was told: the same members, with the sequence of the last event.
func TestTold(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	for _, body := range []string{shirt, sofa(1), sofa(2)} {
		s.write(body)
	}
	s.staff.Do("PUT", "/v1/admin/brands/alder", `{"name":"Alder"}`).Want(204) // told again
	search := s.guest.As("search")
	var first, second, bare catalogapi.Told
	search.Do("GET", catalogapi.PathTold+"?limit=2&whole=true", "").Want(200).JSON(&first)
	search.Do("GET", catalogapi.PathTold+"?limit=100&whole=true&after="+first.Next, "").Want(200).JSON(&second)
	search.Do("GET", catalogapi.PathTold, "").Want(200).JSON(&bare)
	all := append(first.Items, second.Items...)
	if len(first.Items) != 2 || second.Next != "" || len(all) != len(bare.Items) || len(all) < 3 {
		t.Fatalf("%d and %d of %d", len(first.Items), len(second.Items), len(bare.Items))
	}
	for i, p := range all {
		var data []byte
		if err := s.pool.QueryRow(t.Context(), `SELECT data FROM outbox WHERE subject = $1 ORDER BY sequence DESC LIMIT 1`, p.ID).Scan(&data); err != nil {
			t.Fatal(err)
		}
		told, err := json.Marshal(p.Product)
		if err != nil {
			t.Fatal(err)
		}
		var want, got map[string]any
		for into, raw := range map[*map[string]any][]byte{&want: data, &got: told} {
			if err := json.Unmarshal(raw, into); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("told otherwise than before: %s", diff)
		}
		if b := bare.Items[i]; b.ID != p.ID || b.Sequence != p.Sequence || float64(b.Sequence) != want["sequence"] || b.Product != nil {
			t.Errorf("%+v", b)
		}
		var event catalogapi.ProductChangedV1
		if err := json.Unmarshal(data, &event); err != nil {
			t.Fatal(err)
		}
		if b := bare.Items[i]; b.Digest == "" || b.Digest != event.Digest() || b.Digest != p.Product.Digest() || b.Digest != p.Digest {
			t.Errorf("%s: digests %s, %s, %s, %s", p.ID, b.Digest, event.Digest(), p.Product.Digest(), p.Digest)
		}
		again := event
		again.Sequence, again.Version, again.ChangedAt = 99, 99, time.Now()
		if again.Digest() != event.Digest() {
			t.Error("the same has another digest when it is told again")
		}
		if again.Translations = map[string]catalogapi.TranslationV1{"de": {Title: "x"}}; again.Digest() == event.Digest() {
			t.Error("what says more has the same digest")
		}
	}
	search.Do("GET", catalogapi.PathTold+"?after=nobody", "").Problem(422, "validation-failed")
	s.guest.Do("GET", catalogapi.PathTold, "").Problem(403, "forbidden")
}

func TestSellables(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	w := s.write(shirt)
	s.write(`{"title":"Draft","category_code":"furniture","tax_category":"reduced","attributes":{"width":1},"variants":[{"sku":"D"}]}`)
	cart := s.guest.As("cart")
	var small, got catalogapi.Sellables
	cart.Do("POST", catalogapi.PathSellables, `{"skus":["SH-S-N"]}`).Want(200).JSON(&small)
	if len(small.Items) != 1 || small.Items[0].WeightGrams != 200 {
		t.Errorf("weights %+v", small.Items)
	}
	cart.Do("POST", catalogapi.PathSellables, `{"skus":["SH-M-N","nobody","D","SH-M-N"]}`).Want(200).JSON(&got)
	if len(got.Items) != 2 {
		t.Fatalf("%+v", got)
	}
	want := catalogapi.Sellable{SKU: "SH-M-N", ProductID: w.ID, Version: 1, Title: "Linen Shirt, Navy, M", ImageURL: "https://img.example/m.png", TaxCategory: "standard", Sellable: true}
	if diff := cmp.Diff(want, got.Items[0]); diff != "" {
		t.Error(diff)
	}
	if d := got.Items[1]; d.Sellable || d.TaxCategory != "reduced" {
		t.Errorf("draft %+v", d)
	}
	s.guest.Do("POST", catalogapi.PathSellables, `{"skus":["D"]}`).Problem(403, "forbidden")
	s.guest.As("search").Do("POST", catalogapi.PathSellables, `{"skus":["D"]}`).Problem(403, "forbidden")
	cart.Do("POST", catalogapi.PathSellables, `{"skus":[]}`).Problem(422, "validation-failed")
	cart.Do("POST", catalogapi.PathSellables, `{"skus":["nobody"]}`).Want(200).JSON(&got)
	if got.Items == nil || len(got.Items) != 0 {
		t.Errorf("%+v", got)
	}
}
