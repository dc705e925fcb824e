package indextest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Bands of a range count a product once however many of its variants are in one, and in each that one of them is in; whatever is chosen of the
// range itself they stay, and who chooses one finds as many as it says.
func bands(t *testing.T, place Place) {
	var docs []*search.Document
	for n := range 12 {
		cents := int64(500 + 250*n)
		docs = append(docs, a(fmt.Sprintf("p%02d", n), "lamp", variants(shirt(fmt.Sprint(n, "a"), "red", "s", cents, 1), shirt(fmt.Sprint(n, "b"), "red", "l", cents+100, 1),
			shirt(fmt.Sprint(n, "c"), "blue", "l", 99_900, 1)), func(d *search.Document) {
			width := float64(n) / 4
			d.Attributes = []search.Attribute{attribute("width", "decimal", "w", &width)}
		}))
	}
	x := fill(t, place(), docs...)
	plan := func(filters ...search.Filter) search.Plan {
		p := words("lamp")
		p.Filters, p.Facets = filters, []search.FacetAsk{{Field: search.FieldPrice, Range: true}, {Field: "attr.width", Range: true}, {Field: "attr.wheels", Range: true}}
		return p
	}
	red, anyWidth := oneOf(colour, "red"), "..0.49999999999999994:2 0.5..1.4999999999999998:4 1.5..1.9999999999999998:2 2..:4"
	for _, c := range []struct {
		what          string
		filters       []search.Filter
		prices, width string
	}{
		{"too few products", []search.Filter{red, between("attr.width", 2.5, 9)}, "", anyWidth},
		{"all", nil, "..999:2 1000..1999:4 2000..4999:6 5000..:12", anyWidth},
		{"red", []search.Filter{red}, "..999:2 1000..1999:4 2000..2499:2 2500..:4", anyWidth},
		{"red, of a price", []search.Filter{red, between(search.FieldPrice, 0, 1200)}, "..999:2 1000..1999:4 2000..2499:2 2500..:4", ""},
		{"red, of a width", []search.Filter{red, between("attr.width", 1, 9)}, "..2499:4 2500..:4", anyWidth},
		{"one price", []search.Filter{oneOf(colour, "blue")}, "", anyWidth},
		{"nothing", []search.Filter{oneOf(colour, "pink")}, "", ""},
	} {
		what, found := c.what, ask(t, x, plan(c.filters...))
		alone := usual(plan(c.filters...))
		alone.Limit = 0
		if without, err := x.Search(t.Context(), alone); err != nil || len(without.Hits) != 0 || without.Total != found.Total || !cmp.Equal(without.Facets, found.Facets) {
			t.Errorf("%s: without hits %v %+v, not %+v", what, err, without, found.Facets)
		}
		for i, want := range []string{c.prices, c.width, ""} {
			f := found.Facets[i]
			var got []string
			for _, b := range f.Bands {
				got = append(got, fmt.Sprintf("%s:%d", written(b), b.Count))
				chosen := plan(append(but(f.Field, c.filters), search.Filter{Field: f.Field, Min: b.Min, Max: b.Max})...)
				again := ask(t, x, chosen)
				if diff := cmp.Diff(f.Bands, again.Facets[i].Bands); diff != "" || again.Total != b.Count {
					t.Errorf("%s: %s %s said %d, and finds %d %s", what, f.Field, written(b), b.Count, again.Total, diff)
				}
			}
			if got := strings.Join(got, " "); got != want {
				t.Errorf("%s: %s %s, not %s", what, f.Field, got, want)
			}
		}
	}
}

func written(b search.Band) string {
	low, high := "", ""
	if b.Min != nil {
		low = fmt.Sprint(*b.Min)
	}
	if b.Max != nil {
		high = fmt.Sprint(*b.Max)
	}
	return low + ".." + high
}

// but are the filters of other fields.
func but(field string, filters []search.Filter) (all []search.Filter) {
	for _, f := range filters {
		if f.Field != field {
			all = append(all, f)
		}
	}
	return all
}
