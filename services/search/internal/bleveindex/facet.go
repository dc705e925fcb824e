package bleveindex

import (
	"cmp"
	"slices"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// facet counts the values of a field, or finds the bounds of its numbers.
type facet struct {
	group    int8 // of the filters of the field, which do not shrink it; fitsNone where there are none
	open     bool // whether the present document counts
	counts   []int32
	last     []int32 // the slot, plus one, that counted a value of its variants last
	any      bool    // there are bounds
	min, max float64
}

// facets are those of a plan, by the numbers of fields; the price has none.
type facets struct {
	by    []*facet
	price *facet
	all   []*facet
}

func (c *columns) facets(asks []search.FacetAsk, fs *filters) facets {
	out := facets{by: make([]*facet, len(c.fields))}
	for _, a := range asks {
		group, filtered := fs.groups[a.Field]
		if !filtered {
			group = fitsNone
		}
		f := &facet{group: group}
		switch id, known := c.ids[a.Field]; {
		case a.Field == search.FieldPrice && out.price == nil:
			out.price = f
		case known && out.by[id] == nil:
			out.by[id] = f
			f.counts, f.last = make([]int32, len(c.fields[id].values)), make([]int32, len(c.fields[id].values))
		default:
			continue // unknown, or asked twice
		}
		out.all = append(out.all, f)
	}
	return out
}

// count counts a document whose variants fit as said.
func (fs *facets) count(slot int32, r *row, p *prices, fits []int8) {
	for _, f := range fs.all {
		f.open = slices.Contains(fits, fitsAll) || f.group >= 0 && slices.Contains(fits, f.group)
	}
	for _, v := range r.values {
		if f := fs.by[v.field]; f != nil && f.open {
			f.counts[v.value]++
		}
	}
	for _, n := range r.numbers {
		if f := fs.by[n.field]; f != nil && f.open {
			f.bound(n.value)
		}
	}
	for i := range r.variants {
		if fits[i] == fitsNone {
			continue
		}
		for _, v := range r.variants[i].values {
			if f := fs.by[v.field]; f.takes(fits[i]) && f.last[v.value] != slot+1 {
				f.last[v.value] = slot + 1
				f.counts[v.value]++
			}
		}
		for _, n := range r.variants[i].numbers {
			if f := fs.by[n.field]; f.takes(fits[i]) {
				f.bound(n.value)
			}
		}
		if fs.price.takes(fits[i]) {
			fs.price.bound(float64(p.amounts[i]))
		}
	}
}

// takes tells whether a variant that fits as said counts.
func (f *facet) takes(fits int8) bool {
	return f != nil && (fits == fitsAll || fits == f.group)
}

func (f *facet) bound(n float64) {
	if !f.any {
		f.any, f.min, f.max = true, n, n
	}
	f.min, f.max = min(f.min, n), max(f.max, n)
}

// answer returns the facets in the order in which they were asked.
func (fs *facets) answer(c *columns, asks []search.FacetAsk) []search.Facet {
	out := make([]search.Facet, len(asks))
	for i, a := range asks {
		o := &out[i]
		o.Field = a.Field
		f := fs.price
		var from *field
		if id, known := c.ids[a.Field]; known {
			f, from = fs.by[id], c.fields[id]
			o.Label, o.Type, o.Unit = from.Label, from.Type, from.Unit
		} else if a.Field != search.FieldPrice {
			continue
		}
		switch {
		case a.Range && f.any:
			low, high := f.min, f.max
			o.Min, o.Max = &low, &high
		case !a.Range && from != nil:
			o.Values = f.values(from, a.Limit)
		}
	}
	return out
}

// values returns the most frequent values.
func (f *facet) values(from *field, limit int) []search.FacetValue {
	var out []search.FacetValue
	for i, n := range f.counts {
		if n > 0 {
			out = append(out, search.FacetValue{Term: from.values[i].Term, Count: int(n), Hex: from.values[i].hex})
		}
	}
	slices.SortFunc(out, func(a, b search.FacetValue) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	})
	if limit > 0 && len(out) > limit {
		out = out[:limit]
	}
	return out
}
