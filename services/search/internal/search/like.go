package search

import (
	"cmp"
	"slices"
)

// MaxSeen is how many products somebody has looked at are regarded at most.
const MaxSeen = 20

// SeenPrefix is what the rule of a boost begins with that comes of what somebody has looked at; "category" or "brand" and its name follow.
const SeenPrefix = "seen "

// What somebody has looked at raises products of the same categories and brand. A part of a view is for each, the later the view the larger,
// and one view more than there were is for nothing. All together multiply by less than 1.3: e^0.18 × 1.08.
const (
	likeCategory, likedCategories = 0.18, 2
	likeBrand, likedBrands        = 0.08, 1
	forgets                       = 0.8 // of what the view after counts
)

// Like returns what raises products that are like those that somebody has looked at, the last one last: at most three boosts of one filter.
func Like(seen []*Document) []Boost {
	var categories, brands tally
	part, all := 1.0, 1.0
	for _, d := range slices.Backward(seen) {
		if n := len(d.Categories); n > 0 {
			categories.add(d.Categories[n-1].Term, part)
		}
		brands.add(d.Brand, part)
		all += part
		part *= forgets
	}
	return slices.Concat(categories.boosts(FieldCategory, likedCategories, likeCategory/all), brands.boosts(FieldBrand, likedBrands, likeBrand/all))
}

// tally counts values in the order in which they came.
type tally []counted

type counted struct {
	Term
	n float64
}

func (t *tally) add(v Term, n float64) {
	for i := range *t {
		if have := &(*t)[i]; have.Value == v.Value {
			have.n += n
			return
		}
	}
	if v.Value != "" {
		*t = append(*t, counted{v, n})
	}
}

// boosts are those of the values that count most; of equal ones the first that came.
func (t tally) boosts(field string, most int, each float64) (all []Boost) {
	slices.SortStableFunc(t, func(a, b counted) int { return cmp.Compare(b.n, a.n) })
	for _, v := range t[:min(len(t), most)] {
		all = append(all, Boost{Filters: []Filter{{Field: field, Any: []string{v.Value}}}, Factor: 1 + each*v.n, Why: SeenPrefix + field + " " + v.Label})
	}
	return all
}

// What makes a product similar to another one of its category.
const (
	similarStock      = 1000.0 // more than all others together: what can be had comes first
	similarPrice      = 1.5    // within a quarter of the price
	similarHalf       = 1.2    // within half of it
	similarBrand      = 1.1
	similarAttribute  = 1.2 // each value that both have
	similarAttributes = 20
)

// Similar returns what is asked of products that are similar to one in a market, and what brings them forward: what can be had first, then
// the same attributes, a near price, the same brand. There are none for a product without a category.
func Similar(d *Document, m Market) (filters []Filter, boosts []Boost) {
	if len(d.Categories) == 0 {
		return nil, nil
	}
	raise := func(factor float64, f Filter) { boosts = append(boosts, Boost{Filters: []Filter{f}, Factor: factor}) }
	one := func(field, value string) Filter { return Filter{Field: field, Any: []string{value}} }
	raise(similarStock, one(FieldInStock, "true"))
	for _, a := range d.Attributes[:min(len(d.Attributes), similarAttributes)] {
		raise(similarAttribute, one(AttributePrefix+a.Code, a.Term.Value))
	}
	if d.Brand.Value != "" {
		raise(similarBrand, one(FieldBrand, d.Brand.Value))
	}
	if price, _, ok := d.Best(m); ok {
		for _, near := range []struct{ part, factor float64 }{{0.25, similarPrice}, {0.5, similarHalf}} {
			low, high := float64(price.Amount)*(1-near.part), float64(price.Amount)*(1+near.part)
			raise(near.factor, Filter{Field: FieldPrice, Min: &low, Max: &high})
		}
	}
	return []Filter{one(FieldCategory, d.Categories[len(d.Categories)-1].Value)}, boosts
}
