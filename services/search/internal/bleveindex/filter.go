package bleveindex

import (
	"math"
	"slices"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// filter is a filter as rows are asked.
type filter struct {
	field    uint32
	price    bool
	none     bool // no document has the field, or none of the values
	values   map[uint32]bool
	min, max float64
	group    int8 // filters of one field: their facet does not ask them
}

// filters are asked together: a document fits where one of its variants does.
type filters struct {
	all    []filter
	groups map[string]int8 // by field
}

func (c *columns) filters(asked []search.Filter) filters {
	out := filters{make([]filter, len(asked)), make(map[string]int8, len(asked))}
	for i, a := range asked {
		group, ok := out.groups[a.Field]
		if !ok {
			group = int8(len(out.groups))
			out.groups[a.Field] = group
		}
		f := filter{price: a.Field == search.FieldPrice, group: group, min: math.Inf(-1), max: math.Inf(1)}
		id, known := c.ids[a.Field]
		f.field, f.none = id, !known && !f.price
		if known && len(a.Any) > 0 {
			f.values = make(map[uint32]bool, len(a.Any))
			for _, v := range a.Any {
				if n, ok := c.fields[id].ids[v]; ok {
					f.values[n] = true
				}
			}
		}
		if a.Min != nil {
			f.min = *a.Min
		}
		if a.Max != nil {
			f.max = *a.Max
		}
		f.none = f.none || len(a.Any) > 0 && len(f.values) == 0
		out.all[i] = f
	}
	return out
}

// has tells whether one of the values, or one of the numbers, fits a filter.
func (f *filter) has(values []value, numbers []number) bool {
	switch {
	case f.none:
		return false
	case f.values != nil:
		for _, v := range values {
			if v.field == f.field && f.values[v.value] {
				return true
			}
		}
		return false
	}
	for _, n := range numbers {
		if n.field == f.field && f.min <= n.value && n.value <= f.max {
			return true
		}
	}
	return false
}

// Which filters a variant does not fit.
const (
	fitsAll  int8 = -1
	fitsNone int8 = -2 // filters of several fields, or it is not sold in the market
)

// variants appends for each variant of a row fitsAll, fitsNone or the one group whose filters it does not fit.
func (fs *filters) variants(r *row, p *prices, fits []int8) []int8 {
	fits = fits[:0]
	for i := range r.variants {
		if p.amounts[i] == noPrice {
			fits = append(fits, fitsNone)
		} else {
			fits = append(fits, fitsAll)
		}
	}
	for i := range fs.all {
		f := &fs.all[i]
		if !f.price && f.has(r.values, r.numbers) {
			continue
		}
		for v := range fits {
			if fits[v] == fitsNone || fits[v] == f.group || f.fits(&r.variants[v], p.amounts[v]) {
				continue
			}
			if fits[v] == fitsAll {
				fits[v] = f.group
			} else {
				fits[v] = fitsNone
			}
		}
	}
	return fits
}

func (f *filter) fits(v *variant, amount int64) bool {
	if f.price {
		return !f.none && f.min <= float64(amount) && float64(amount) <= f.max
	}
	return f.has(v.values, v.numbers)
}

// boost is a boost as rows are asked.
type boost struct {
	filters filters
	slots   map[int32]bool // nil: any
	factor  float64
	why     string
}

// fits tells whether a document is boosted; use is memory for it.
func (b *boost) fits(slot int32, r *row, p *prices, use *[]int8) bool {
	if b.slots != nil && !b.slots[slot] {
		return false
	}
	*use = b.filters.variants(r, p, *use)
	return slices.Contains(*use, fitsAll)
}
