package httpapi

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
)

func (s *shop) compare(query string) (c catalogapi.Comparison) {
	s.t.Helper()
	a := s.guest.Do("GET", "/v1/products/compare?"+query, nil).Want(200).JSON(&c)
	if got := a.Header.Get("Cache-Control"); got != "public, max-age=10" {
		s.t.Errorf("Cache-Control %q", got)
	}
	return c
}

// slugs are the columns of a comparison.
func slugs(c catalogapi.Comparison) (all []string) {
	for _, p := range c.Products {
		all = append(all, p.Slug)
	}
	return all
}

func TestComparison(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	w := s.write(shirt)
	s.write(strings.Replace(sofa(0), `"width":`, `"seats":3,"width":`, 1))
	s.write(sofa(1))
	compareAt := money.New(4400, "USD")
	s.price("SH-S-N", 4900)
	s.prices("SH-M-N", app.Price{List: "us", Amount: money.New(3900, "USD"), CompareAt: &compareAt}, app.Price{List: "eu", Amount: money.New(3700, "EUR")})
	s.price("SOFA-100", 10000)
	s.level("SH-S-N", 1, "low_stock")
	got := s.compare("ids=sofa-number-100," + w.ID + ",sofa-number-101")
	sofas := []catalogapi.CategoryRefV1{{Code: "furniture", Name: "Furniture", Slug: "furniture"}}
	price, none := func(minor int64) *money.Amount { m := money.New(minor, "USD"); return &m }, []catalogapi.ComparedValue{}
	value := func(raw, text string) catalogapi.ComparedValue {
		return catalogapi.ComparedValue{Value: json.RawMessage(raw), Text: text}
	}
	want := catalogapi.Comparison{
		Products: []catalogapi.ComparedProduct{
			{ID: got.Products[0].ID, Slug: "sofa-number-100", Title: "Sofa number 100", CategoryPath: sofas, Price: price(10000), SKUs: []string{"SOFA-100"}},
			{ID: w.ID, Slug: "linen-shirt", Title: "Linen Shirt", Brand: "Alder & Co", ImageURL: "/media/shirt.svg", Price: price(3900), CompareAtPrice: &compareAt, InStock: true,
				CategoryPath: []catalogapi.CategoryRefV1{{Code: "clothing", Name: "Clothing", Slug: "clothing"}, {Code: "shirts", Name: "Shirts", Slug: "shirts"}}, SKUs: []string{"SH-S-N", "SH-M-N"}},
			{ID: got.Products[2].ID, Slug: "sofa-number-101", Title: "Sofa number 101", CategoryPath: sofas, SKUs: []string{"SOFA-101"}},
		},
		Attributes: []catalogapi.ComparedAttribute{
			{Code: "width", Label: "Width", Type: "decimal", Unit: "cm", Differs: true, Values: [][]catalogapi.ComparedValue{{value(`"100.5"`, "100.5 cm")}, none, {value(`"101.5"`, "101.5 cm")}}},
			{Code: "seats", Label: "Seats", Type: "integer", Differs: true, Values: [][]catalogapi.ComparedValue{{value(`3`, "3")}, none, none}},
			{Code: "size", Label: "Size", Type: "enum", Differs: true, Values: [][]catalogapi.ComparedValue{none, {value(`"s"`, "S"), value(`"m"`, "M")}, none}},
		},
		Missing: []string{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var list struct{ Items []catalogapi.ProductSummary }
	s.guest.Do("GET", "/v1/products", nil).Want(200).JSON(&list)
	for _, l := range list.Items { // a listing says the same of a product
		i := slices.IndexFunc(got.Products, func(p catalogapi.ComparedProduct) bool { return p.ID == l.ID })
		if p := got.Products[i]; *p.Price != l.Price || p.InStock != l.InStock || (p.CompareAtPrice == nil) != (l.CompareAtPrice == nil) || !slices.Equal(p.SKUs, l.SKUs) {
			t.Errorf("listed as %+v, compared as %+v", l, p)
		}
	}
	if got = s.compare("currency=EUR&country=DE&ids=linen-shirt,sofa-number-100"); got.Products[0].Price.Minor != 3700 || got.Products[1].Price != nil {
		t.Errorf("in euros %+v", got.Products)
	}
}

func TestComparisonTellsWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	w := s.write(sofa(0))
	s.staff.Do("PUT", "/v1/admin/products/"+w.ID, strings.Replace(sofa(0), `"title"`, `"slug":"big-sofa","title"`, 1)).Want(200)
	gone := s.write(sofa(1))
	s.staff.Do("POST", "/v1/admin/products/"+gone.ID+"/archive", nil).Want(200)
	s.staff.Do("POST", "/v1/admin/products", `{"title":"Draft","category_code":"furniture","attributes":{"width":1},"variants":[{"sku":"D"}]}`).Want(201)
	const unknown = "019c0000-0000-7000-8000-000000000000"
	for ids, want := range map[string]struct{ found, missing []string }{
		w.ID + ",big-sofa,sofa-number-100":                             {[]string{"big-sofa"}, []string{}}, // the same by every name it ever had
		"sofa-number-100," + gone.ID + ",draft,sofa-number-101":        {[]string{"big-sofa"}, []string{gone.ID, "draft", "sofa-number-101"}},
		unknown + ",nobody,UPPER,nobody," + unknown:                    {nil, []string{unknown, "nobody", "UPPER"}},
		"%27%20OR%20true--," + strings.ToUpper(w.ID) + ",%F0%9F%9B%8B": {nil, []string{"' OR true--", strings.ToUpper(w.ID), "🛋"}},
	} {
		got := s.compare("ids=" + ids)
		if diff := cmp.Diff(want.found, slugs(got)); diff != "" {
			t.Errorf("%s: %s", ids, diff)
		}
		if diff := cmp.Diff(want.missing, got.Missing); diff != "" {
			t.Errorf("%s: %s", ids, diff)
		}
		if got.Products == nil || got.Attributes == nil {
			t.Errorf("%s: null in place of an empty list", ids)
		}
	}
}

func TestComparisonRefuses(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	for query, places := range map[string][]string{
		"":                                {"query.ids"},
		"ids=":                            {"query.ids"},
		"ids=a,,b":                        {"query.ids[1]"},
		"ids=a,b,c,d,e,f,g,h,i,j,k":       {"query.ids"},
		"ids=" + strings.Repeat("a", 201): {"query.ids[0]"},
		"ids=a&ids=b":                     {"query.ids"},
		"ids=a&currency=usd":              {"query.currency"},
		"ids=a&country=us&currency=XXY":   {"query.country", "query.currency"},
		"ids=a&facets=true":               {"query.facets"},
	} {
		got := apitest.Locations(s.guest.Do("GET", "/v1/products/compare?"+query, nil).Problem(422, "validation-failed"))
		slices.Sort(got)
		if !slices.Equal(got, places) {
			t.Errorf("%s: %v, want %v", query, got, places)
		}
	}
	s.guest.Do("POST", "/v1/products/compare?ids=a", `{}`).Problem(405, "method-not-allowed")
}

func TestComparisonInOneStatement(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.write(shirt)
	s.write(sofa(0))
	ids := []string{"linen-shirt", "sofa-number-100", "nobody"}
	m := app.Market{Currency: "USD", Country: "US", Now: now}
	if _, _, err := s.store.Pages(t.Context(), ids, m); err != nil { // reads the registry
		t.Fatal(err)
	}
	ctx, counter := pg.WithCounter(t.Context())
	if found, _, err := s.store.Pages(ctx, ids, m); err != nil || len(found) != 2 || counter.Statements() != 1 {
		t.Errorf("%d statements for %d of 2 products (%v), want 1", counter.Statements(), len(found), err)
	}
}

func TestAProductCalledCompare(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.write(`{"title":"Compare","status":"published","category_code":"furniture","attributes":{"width":1},"variants":[{"sku":"C"}]}`)
	s.guest.Do("GET", "/v1/products/compare-c", nil).Want(200)
	body := `{"title":"x","slug":"compare","category_code":"furniture","attributes":{"width":1},"variants":[{"sku":"D"}]}`
	if got := apitest.Locations(s.staff.Do("POST", "/v1/admin/products", body).Problem(422, "validation-failed")); !slices.Equal(got, []string{"body.slug"}) {
		t.Errorf("%v", got)
	}
}
