package httpapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

// facetOf is a facet of a listing.
func (s *shop) facetOf(code, query string) searchapi.Facet {
	s.t.Helper()
	var page searchapi.Products
	s.guest.Do("GET", "/v1/products?facets=true&"+query, nil).Want(200).JSON(&page)
	for _, f := range page.Facets {
		if f.Code == code {
			return f
		}
	}
	s.t.Fatalf("%s: no facet %s", query, code)
	return searchapi.Facet{}
}

// Categories say which one they are in, whatever order their counts put them in.
func TestCategoriesOfAFacetAreATree(t *testing.T) {
	t.Parallel()
	s := open(t)
	if err := s.store.Filled(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	category := func(code string) search.Category {
		return search.Category{Term: search.Term{Value: code, Label: strings.ToUpper(code)}, Slug: "of-" + code}
	}
	for n, path := range [][]string{{"home", "light", "lamps"}, {"home", "light", "bulbs"}, {"home", "rugs"}, {"attic"}} {
		p := search.Product{Slug: fmt.Sprint(n), Title: "Thing", Variants: []search.Item{{SKU: fmt.Sprint(n)}}}
		for _, code := range path {
			p.Path = append(p.Path, category(code))
		}
		s.tell(product(50+n, p, true), price(fmt.Sprint(n), usd(100, 0)))
	}
	for _, query := range []string{"", "category=lamps"} {
		var got []string
		for _, v := range s.facetOf("category", query).Values {
			got = append(got, fmt.Sprintf("%s in %q at %d: %d %v", v.Label, v.Parent, *v.Level, v.Count, v.Selected))
		}
		chosen := query != ""
		want := []string{`HOME in "" at 0: 3 false`, `LIGHT in "home" at 1: 2 false`, `ATTIC in "" at 0: 1 false`, `BULBS in "light" at 2: 1 false`,
			fmt.Sprintf(`LAMPS in "light" at 2: 1 %v`, chosen), `RUGS in "home" at 1: 1 false`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	for _, v := range s.facetOf("price", "").Values {
		if v.Level != nil {
			t.Errorf("%s has a level", v.Value)
		}
	}
}

// Each band is named in the language, finds as many as it says when it is chosen, and then is what is selected.
func TestBands(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	for n := range 12 {
		sku := fmt.Sprint("LAMP", n)
		wide := fmt.Sprint(float64(n+1) / 2)
		s.tell(product(20+n, search.Product{Slug: sku, Title: "Lamp", Filterable: []string{"width"}, Variants: []search.Item{{SKU: sku}, {SKU: sku + "B"}},
			Values: []search.Value{{Code: "width", Label: "Width", Type: search.TypeDecimal, Unit: "cm", Terms: []search.Term{{Value: wide, Label: wide + " cm"}}}}}, true),
			price(sku, usd(int64(500+250*n), 0), search.Row{List: "de", Currency: "EUR", Amount: int64(100_000 * (1 + n/6)), Countries: []string{"DE"}}), price(sku+"B", usd(int64(600+250*n), 0)))
	}
	for query, want := range map[string]string{
		"q=lamp":             "Up to $9.99: 2, $10.00 – $19.99: 4, $20.00 – $24.99: 2, From $25.00: 4",
		"q=lamp&language=de": "Bis 9,99\u00a0$: 2, 10,00\u00a0$ – 19,99\u00a0$: 4, 20,00\u00a0$ – 24,99\u00a0$: 2, Ab 25,00\u00a0$: 4",
		"q=lamp&language=fr&country=DE&currency=EUR": "Jusqu’à 1\u202f999,99\u00a0€: 6, À partir de 2\u202f000,00\u00a0€: 6",
		"q=lamp&language=nl":                         "Up to $9.99: 2, $10.00 – $19.99: 4, $20.00 – $24.99: 2, From $25.00: 4",
		"q=mug":                                      "",
	} {
		var got []string
		for _, v := range s.facetOf("price", query).Values {
			got = append(got, fmt.Sprintf("%s: %d", v.Label, v.Count))
		}
		if got := strings.Join(got, ", "); got != want {
			t.Errorf("%s: %q, not %q", query, got, want)
		}
	}
	for query, want := range map[string]string{
		"": "Under 2 cm: 3, 2 to under 3 cm: 2, 3 to under 5 cm: 4, From 5 cm: 3", "&language=de": "Unter 2 cm: 3, 2 bis unter 3 cm: 2, 3 bis unter 5 cm: 4, Ab 5 cm: 3",
	} {
		var got []string
		for _, v := range s.facetOf("width", "q=lamp"+query).Values {
			got = append(got, fmt.Sprintf("%s: %d", v.Label, v.Count))
		}
		if got := strings.Join(got, ", "); got != want {
			t.Errorf("%s: %q, not %q", query, got, want)
		}
	}
	for _, code := range []string{"price", "width"} {
		all := s.facetOf(code, "q=lamp").Values
		for i, v := range all {
			choice := "attr.width=" + v.Value
			if code == "price" {
				low, high, _ := strings.Cut(v.Value, "..")
				choice = strings.ReplaceAll("price_min="+low+"&price_max="+high, "price_min=&", "")
				choice = strings.TrimSuffix(choice, "&price_max=")
			}
			if found := s.slugs("?limit=100&q=lamp&" + choice); len(found) != v.Count {
				t.Errorf("%s: %s finds %d, not %d", code, choice, len(found), v.Count)
			}
			want := append([]searchapi.FacetValue(nil), all...)
			want[i].Selected = true
			if diff := cmp.Diff(want, s.facetOf(code, "q=lamp&"+choice).Values); diff != "" {
				t.Errorf("%s: %s", choice, diff)
			}
		}
	}
	for _, v := range s.facetOf("price", "q=lamp&price_min=1000&price_max=2000").Values {
		if v.Selected {
			t.Errorf("%s is selected, and not what was asked", v.Value)
		}
	}
}
