package indextest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// oneOf takes values, between takes numbers with both bounds.
func oneOf(field string, values ...string) search.Filter {
	return search.Filter{Field: field, Any: values}
}

func between(field string, low, high float64) search.Filter {
	return search.Filter{Field: field, Min: &low, Max: &high}
}

func filtered(filters ...search.Filter) search.Plan { return search.Plan{Filters: filters} }

func shirt(sku, colour, size string, cents, available int64) search.Variant {
	return search.Variant{SKU: sku, Available: available, Prices: map[search.Market]search.Price{USD: {Amount: cents}},
		Attributes: []search.Attribute{attribute("colour", "text", colour, nil), attribute("size", "text", size, nil)}}
}

const (
	colour = search.AttributePrefix + "colour"
	size   = search.AttributePrefix + "size"
)

// What is asked of variants must be true of one of them.
func oneVariant(t *testing.T, place Place) {
	x := fill(t, place(),
		a("a", "shirt", variants(shirt("a1", "red", "s", 1000, 1), shirt("a2", "blue", "l", 2000, 0))),
		a("b", "shirt", variants(shirt("b1", "red", "l", 1500, 0), shirt("b2", "red", "m", 3000, 2))),
		a("c", "shirt", variants(shirt("c1", "blue", "s", 1000, 5)), func(d *search.Document) {
			d.Attributes = []search.Attribute{attribute("size", "text", "one", nil)} // of the product: of every variant
		}))
	red, large, inStock := oneOf(colour, "red"), oneOf(size, "l"), oneOf(search.FieldInStock, "true")
	wantIDs(t, "red", ask(t, x, filtered(red)), "a", "b")
	wantIDs(t, "red and large", ask(t, x, filtered(red, large)), "b")
	wantIDs(t, "red, large, in stock", ask(t, x, filtered(red, large, inStock)))
	wantIDs(t, "red, in stock", ask(t, x, filtered(red, inStock)), "a", "b")
	wantIDs(t, "red, in stock, at most 20", ask(t, x, filtered(red, inStock, between(search.FieldPrice, 0, 2000))), "a")
	wantIDs(t, "large or one size", ask(t, x, filtered(oneOf(size, "l", "one"))), "a", "b", "c")
	wantIDs(t, "blue of one size", ask(t, x, filtered(oneOf(colour, "blue"), oneOf(size, "one"))), "c")
	wantIDs(t, "not in stock", ask(t, x, filtered(oneOf(search.FieldInStock, "false"))), "a", "b")
	wantIDs(t, "two filters of a field", ask(t, x, filtered(oneOf(colour, "red", "blue"), oneOf(colour, "blue"))), "a", "c")
	wantIDs(t, "a value that there is not", ask(t, x, filtered(oneOf(colour, "pink"))))
	wantIDs(t, "a field that there is not", ask(t, x, filtered(oneOf("attr.wheels", "4"))))
	wantIDs(t, "with words", ask(t, x, search.Plan{Groups: words("shirt").Groups, Filters: []search.Filter{red, large}}), "b")
}

// A product is listed where one of its variants has a price; that of the country goes before that of the currency.
func markets(t *testing.T, place Place) {
	sold := func(prices map[search.Market]search.Price) func(*search.Document) {
		return variants(search.Variant{SKU: "s", Available: 1, Prices: prices})
	}
	x := fill(t, place(),
		a("both", "x", sold(map[search.Market]search.Price{USD: {Amount: 1000}, EUR: {Amount: 900}})),
		a("germany", "x", sold(map[search.Market]search.Price{EUR: {Amount: 1200}, Germany: {Amount: 800}})),
		a("only-germany", "x", sold(map[search.Market]search.Price{Germany: {Amount: 850}})),
		a("mixed", "x", variants(search.Variant{SKU: "m1", Prices: map[search.Market]search.Price{EUR: {Amount: 700}, Germany: {Amount: 1100}}},
			search.Variant{SKU: "m2", Available: 3, Prices: map[search.Market]search.Price{EUR: {Amount: 1000}}}, search.Variant{SKU: "m3", Available: 9})),
		a("nowhere", "x", sold(nil)))
	for _, c := range []struct {
		market search.Market
		want   []string // by price
		keys   []float64
	}{
		{USD, []string{"both"}, []float64{1000}}, {search.Market{Currency: "JPY"}, nil, nil},
		{EUR, []string{"mixed", "both", "germany"}, []float64{700, 900, 1200}},
		{France, []string{"mixed", "both", "germany"}, []float64{700, 900, 1200}},
		{Germany, []string{"germany", "only-germany", "both", "mixed"}, []float64{800, 850, 900, 1000}},
	} {
		found := ask(t, x, search.Plan{Market: c.market, Sort: search.ByPriceUp})
		wantIDs(t, c.market.Country+string(c.market.Currency), found, c.want...)
		for i, h := range found.Hits {
			if h.Position.Key != c.keys[i] {
				t.Errorf("%v: %s is at %v, not %v", c.market, h.Document.ID, h.Position.Key, c.keys[i])
			}
		}
	}
	p := filtered(between(search.FieldPrice, 1000, 1000))
	p.Market = Germany
	wantIDs(t, "at 10 in Germany", ask(t, x, p), "mixed")
	p = filtered(between(search.FieldPrice, 1200, 2000))
	p.Market = Germany
	wantIDs(t, "the price of the currency does not count beside that of the country", ask(t, x, p))
	p = filtered(oneOf(search.FieldInStock, "true"), between(search.FieldPrice, 0, 799))
	p.Market = EUR
	wantIDs(t, "a variant that is not sold is not in stock", ask(t, x, p))
}

// Every field that can be filtered by, with both bounds included.
func fields(t *testing.T, place Place) {
	weight := func(n float64) search.Attribute { return attribute("weight", "decimal", "w", &n) }
	with := func(rating float64, brand string, categories []string, attributes ...search.Attribute) func(*search.Document) {
		return func(d *search.Document) {
			d.Rating, d.Brand, d.Attributes = rating, search.Term{Value: brand, Label: brand}, attributes
			d.Published = time.Unix(int64(1000*rating), 500_000_000)
			for _, c := range categories {
				d.Categories = append(d.Categories, search.Category{Term: search.Term{Value: c, Label: c}, Slug: c})
			}
		}
	}
	x := fill(t, place(), a("a", "x", with(4.5, "alder", []string{"out", "tents", "domes"}, weight(1.5))), a("b", "x", with(3, "birch", []string{"out", "tents"}, weight(-2))),
		a("c", "x", with(5, "alder", []string{"in", "lamps"}, weight(3), attribute("led", "boolean", "true", nil))))
	low := 3.0
	for what, c := range map[string]struct {
		filter search.Filter
		want   []string
	}{
		"a brand": {oneOf(search.FieldBrand, "alder"), []string{"a", "c"}}, "brands": {oneOf(search.FieldBrand, "alder", "birch"), []string{"a", "b", "c"}},
		"a brand of other letters": {oneOf(search.FieldBrand, "Alder"), nil},
		"the top of the tree":      {oneOf(search.FieldCategory, "out"), []string{"a", "b"}}, "a leaf": {oneOf(search.FieldCategory, "domes"), []string{"a"}},
		"branches": {oneOf(search.FieldCategory, "domes", "in"), []string{"a", "c"}}, "a rating and better": {search.Filter{Field: search.FieldRating, Min: &low}, []string{"a", "b", "c"}},
		"a rating between": {between(search.FieldRating, 3, 4.5), []string{"a", "b"}}, "at most": {search.Filter{Field: "attr.weight", Max: &low}, []string{"a", "b", "c"}},
		"a number": {between("attr.weight", -2, 1.5), []string{"a", "b"}}, "a number between": {between("attr.weight", -1.9, 1.4), nil},
		"a boolean": {oneOf("attr.led", "true"), []string{"c"}}, "a number of words": {between("attr.led", 0, 1), nil}, "in the shop since": {between(search.FieldPublished, 4500, 5000), []string{"a", "c"}}, "turned bounds": {between("attr.weight", 3, 1), nil},
	} {
		wantIDs(t, what, ask(t, x, filtered(c.filter)), c.want...)
	}
}

// A facet counts the products that fit all other filters, each once.
func facets(t *testing.T, place Place) {
	x := fill(t, place(),
		a("a", "shirt", variants(shirt("a1", "red", "s", 1000, 1), shirt("a2", "red", "l", 1200, 0), shirt("a3", "blue", "l", 2000, 0))),
		a("b", "shirt", variants(shirt("b1", "red", "l", 1500, 0), shirt("b2", "red", "m", 3000, 2))),
		a("c", "shirt", variants(shirt("c1", "blue", "s", 500, 5))), a("d", "trousers", variants(shirt("d1", "green", "s", 9000, 5))))
	asks := []search.FacetAsk{{Field: colour}, {Field: size, Limit: 2}, {Field: search.FieldInStock}, {Field: search.FieldPrice, Range: true}, {Field: "attr.wheels"}}
	p := words("shirt")
	p.Facets = asks
	wantFacets(t, "of a word", ask(t, x, p), map[string]map[string]int{
		colour: {"red": 2, "blue": 2}, size: {"l": 2, "s": 2}, search.FieldInStock: {"true": 3, "false": 2}, "attr.wheels": {}}, 500, 3000)
	p.Filters = []search.Filter{oneOf(colour, "red")}
	wantFacets(t, "red", ask(t, x, p), map[string]map[string]int{
		colour: {"red": 2, "blue": 2}, size: {"l": 2, "m": 1}, search.FieldInStock: {"true": 2, "false": 2}, "attr.wheels": {}}, 1000, 3000)
	p.Filters = []search.Filter{oneOf(colour, "red"), oneOf(size, "l")}
	wantFacets(t, "red and large", ask(t, x, p), map[string]map[string]int{
		colour: {"red": 2, "blue": 1}, size: {"l": 2, "m": 1}, search.FieldInStock: {"false": 2}, "attr.wheels": {}}, 1200, 1500)
	p.Filters = append(p.Filters, between(search.FieldPrice, 0, 1300))
	wantFacets(t, "red, large, cheap", ask(t, x, p), map[string]map[string]int{
		colour: {"red": 1}, size: {"l": 1, "s": 1}, search.FieldInStock: {"false": 1}, "attr.wheels": {}}, 1200, 1500)
	p.Limit = 1
	found := ask(t, x, p)
	if f := found.Facets[0]; f.Label != "Colour" || f.Type != "text" || len(f.Values) != 1 || f.Values[0].Label != "RED" {
		t.Errorf("labels: %+v", f)
	}
	p.Exclude = []string{"a"}
	wantFacets(t, "without the only one", ask(t, x, p), map[string]map[string]int{colour: {}, size: {}, search.FieldInStock: {}, "attr.wheels": {}}, 1500, 1500)
}

// wantFacets compares the counts of values, that the most frequent come first, and the bounds of the price.
func wantFacets(t *testing.T, what string, found search.Found, want map[string]map[string]int, low, high float64) {
	t.Helper()
	for _, f := range found.Facets {
		if f.Field == search.FieldPrice {
			if f.Min == nil || f.Max == nil || *f.Min != low || *f.Max != high {
				t.Errorf("%s: prices from %v to %v, not %v to %v", what, show(f.Min), show(f.Max), low, high)
			}
			continue
		}
		got := map[string]int{}
		for i, v := range f.Values {
			got[v.Value] = v.Count
			if i > 0 && (v.Count > f.Values[i-1].Count || v.Count == f.Values[i-1].Count && v.Value < f.Values[i-1].Value) {
				t.Errorf("%s: %s has %v after %v", what, f.Field, v, f.Values[i-1])
			}
		}
		if diff := cmp.Diff(want[f.Field], got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s (-want +got)\n%s", what, f.Field, diff)
		}
	}
	if len(found.Facets) != len(want)+1 {
		t.Errorf("%s: %d facets", what, len(found.Facets))
	}
}

func show(n *float64) any {
	if n == nil {
		return nil
	}
	return *n
}
