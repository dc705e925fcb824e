package indextest

import (
	"cmp"
	"slices"
	"strconv"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// oracle reads documents as a plan without words means, one after the other.
type oracle []*search.Document

// fits tells whether a variant fits a filter.
func fits(d *search.Document, v *search.Variant, m search.Market, f search.Filter) bool {
	within := func(n float64) bool { return (f.Min == nil || n >= *f.Min) && (f.Max == nil || n <= *f.Max) }
	ranged := f.Min != nil || f.Max != nil
	for _, x := range values(d, v, m, f.Field) {
		if ranged && x.number != nil && within(*x.number) || !ranged && slices.Contains(f.Any, x.value) {
			return true
		}
	}
	return false
}

type oracleValue struct {
	value  string
	number *float64
}

// values returns what a variant of a product has of a field.
func values(d *search.Document, v *search.Variant, m search.Market, field string) []oracleValue {
	switch field {
	case search.FieldBrand:
		return []oracleValue{{value: d.Brand.Value}}
	case search.FieldCategory:
		var all []oracleValue
		for _, c := range d.Categories {
			all = append(all, oracleValue{value: c.Value})
		}
		return all
	case search.FieldRating:
		return []oracleValue{{number: &d.Rating}}
	case search.FieldPublished:
		since := float64(d.Published.Unix())
		return []oracleValue{{number: &since}}
	case search.FieldInStock:
		return []oracleValue{{value: strconv.FormatBool(v.Available > 0)}}
	case search.FieldPrice:
		p, _ := v.In(m)
		n := float64(p.Amount)
		return []oracleValue{{number: &n}}
	}
	var all []oracleValue
	for _, at := range slices.Concat(d.Attributes, v.Attributes) {
		if search.AttributePrefix+at.Code == field {
			all = append(all, oracleValue{at.Term.Value, at.Number})
		}
	}
	return all
}

// variant tells whether a variant is sold, and fits all filters but those of a field.
func fitsAllBut(d *search.Document, v *search.Variant, m search.Market, filters []search.Filter, but string) bool {
	_, sold := v.In(m)
	return sold && !slices.ContainsFunc(filters, func(f search.Filter) bool { return f.Field != but && !fits(d, v, m, f) })
}

func (o oracle) listed(p search.Plan) []*search.Document {
	return slices.DeleteFunc(slices.Clone(o), func(d *search.Document) bool {
		return slices.Contains(p.Exclude, d.ID) || len(p.Only) > 0 && !slices.Contains(p.Only, d.ID)
	})
}

// search returns all ids in their order, without regard to pages, and the facets.
func (o oracle) search(p search.Plan) (all []string, facets []oracleFacet) {
	var found []*search.Document
	for _, d := range o.listed(p) {
		if slices.ContainsFunc(d.Variants, func(v search.Variant) bool { return fitsAllBut(d, &v, p.Market, p.Filters, "none") }) {
			found = append(found, d)
		}
	}
	slices.SortFunc(found, func(a, b *search.Document) int { return cmp.Or(order(p, a, b), cmp.Compare(a.ID, b.ID)) })
	for _, d := range found {
		all = append(all, d.ID)
	}
	for _, ask := range p.Facets {
		facets = append(facets, o.facet(p, ask))
	}
	return all, facets
}

func order(p search.Plan, a, b *search.Document) int {
	switch p.Sort {
	case search.ByPriceUp, search.ByPriceDown:
		x, _, _ := a.Best(p.Market)
		y, _, _ := b.Best(p.Market)
		if p.Sort == search.ByPriceUp {
			return cmp.Compare(x.Amount, y.Amount)
		}
		return cmp.Compare(y.Amount, x.Amount)
	case search.ByNewest:
		return b.Published.Compare(a.Published)
	case search.ByRating:
		return cmp.Compare(b.Rating, a.Rating)
	}
	return cmp.Compare(b.Popularity, a.Popularity) // without words the score is that too
}

type oracleFacet struct {
	counts map[string]int // of values
	bounds [2]float64
	bands  []search.Band
}

func (o oracle) facet(p search.Plan, ask search.FacetAsk) oracleFacet {
	out := oracleFacet{counts: map[string]int{}}
	var numbers [][]float64 // of each product
	for _, d := range o.listed(p) {
		seen := map[string]bool{}
		var own []float64
		for i := range d.Variants {
			v := &d.Variants[i]
			if !fitsAllBut(d, v, p.Market, p.Filters, ask.Field) {
				continue
			}
			for _, x := range values(d, v, p.Market, ask.Field) {
				if ask.Range && x.number != nil {
					own = append(own, *x.number)
				}
				if !ask.Range {
					seen[x.value] = true
				}
			}
		}
		for s := range seen {
			out.counts[s]++
		}
		if len(own) > 0 {
			numbers = append(numbers, own)
		}
	}
	if all := slices.Concat(numbers...); len(all) > 0 {
		out.bounds, out.bands = [2]float64{slices.Min(all), slices.Max(all)}, oracleBands(ask.Field, numbers)
	}
	return out
}

// oracleBands counts products by their cells, and then by the bands that these make.
func oracleBands(field string, products [][]float64) []search.Band {
	cells := make([]int, len(search.Edges(field))+1)
	for _, own := range products {
		seen := map[uint8]bool{}
		for _, n := range own {
			seen[search.Cell(field, n)] = true
		}
		for cell := range seen {
			cells[cell]++
		}
	}
	bands := search.Bands(field, search.Begin(field, cells))
	for i := range bands {
		b := &bands[i]
		for _, own := range products {
			if slices.ContainsFunc(own, func(n float64) bool { return (b.Min == nil || n >= *b.Min) && (b.Max == nil || n <= *b.Max) }) {
				b.Count++
			}
		}
	}
	return bands
}

// asOracle asks plans drawn at random of generated documents.
func asOracle(t *testing.T, place Place) {
	docs := Products(400)
	x := fill(t, place(), docs...)
	o, r := oracle(docs), generator{testkit.Rand(t)}
	bands := 0
	for range 150 {
		p := r.plan(docs)
		found, err := x.Search(t.Context(), p)
		must(t, err)
		all, facets := o.search(p)
		page := all[:min(len(all), p.Limit)]
		if got := ids(found); !gocmp.Equal(got, page, cmpopts.EquateEmpty()) || found.Total != len(all) || found.More != (len(all) > p.Limit) {
			t.Errorf("%+v\nfound %q of %d, more %v; not %q of %d", p, got, found.Total, found.More, page, len(all))
		}
		for i, f := range found.Facets {
			got := map[string]int{}
			for _, v := range f.Values {
				got[v.Value] = v.Count
			}
			var bound [2]float64
			if f.Min != nil {
				bound = [2]float64{*f.Min, *f.Max}
			}
			want := facets[i]
			if diff := gocmp.Diff(want.bands, f.Bands, cmpopts.EquateEmpty()); !gocmp.Equal(got, want.counts, cmpopts.EquateEmpty()) || bound != want.bounds || diff != "" {
				t.Errorf("%+v\nfacet %s: %v %v, not %v %v; bands %s", p, f.Field, got, bound, want.counts, want.bounds, diff)
			}
			bands += len(f.Bands)
		}
	}
	if bands < 300 {
		t.Errorf("all plans together found %d bands: that says nothing", bands)
	}
}

// plan draws a plan without words.
func (g generator) plan(docs []*search.Document) search.Plan {
	pick := func(n int) int { return g.IntN(n) }
	p := search.Plan{Market: []search.Market{USD, EUR, Germany, France}[pick(4)], Language: "en", Limit: 1 + pick(30),
		Sort: []search.Sort{search.ByRelevance, search.ByPriceUp, search.ByPriceDown, search.ByNewest, search.ByRating, search.ByPopularity}[pick(6)]}
	for range pick(4) {
		d := docs[pick(len(docs))]
		v := d.Variants[pick(len(d.Variants))]
		other := docs[pick(len(docs))]
		all := []search.Filter{
			oneOf(search.FieldBrand, d.Brand.Value, other.Brand.Value), oneOf(search.FieldCategory, d.Categories[pick(3)].Value), oneOf(search.FieldInStock, "true"),
			oneOf(colour, v.Attributes[0].Term.Value, generatedColours[pick(4)]), oneOf(size, v.Attributes[1].Term.Value),
			oneOf(search.AttributePrefix+d.Attributes[2].Code, d.Attributes[2].Term.Value, other.Attributes[2].Term.Value), oneOf("attr.washable", "true"),
			between(search.FieldPrice, float64(pick(20_000)), float64(20_000+pick(60_000))), between(search.FieldRating, 2, float64(3+pick(2))),
			between("attr.weight", 0, float64(100*pick(60))), between(search.FieldPublished, float64(other.Published.Unix()), float64(other.Published.Unix()+60*24*3600)),
		}
		p.Filters = append(p.Filters, all[pick(len(all))])
	}
	for _, f := range []string{search.FieldBrand, search.FieldCategory, search.FieldInStock, colour, size, "attr.feature2", "attr.washable"} {
		p.Facets = append(p.Facets, search.FacetAsk{Field: f})
	}
	for _, f := range []string{search.FieldPrice, search.FieldRating, "attr.weight"} {
		p.Facets = append(p.Facets, search.FacetAsk{Field: f, Range: true})
	}
	for range pick(3) * 50 {
		if id := docs[pick(len(docs))].ID; len(p.Filters)%2 == 0 {
			p.Only = append(p.Only, id)
		} else {
			p.Exclude = append(p.Exclude, id)
		}
	}
	return p
}
