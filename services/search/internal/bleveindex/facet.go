package bleveindex

import (
	"cmp"
	"math"
	"slices"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// facet counts the values of a field, or finds the bounds of its numbers and counts them.
type facet struct {
	field    uint32
	price    bool
	bits     uint64  // a product counts that has one of them: it fits all, or all but the filters of this field
	counts   []int32 // nil: bounds
	last     []int32 // the slot, plus one, that counted a value of its variants last
	min, max float64 // turned round: there are none
	tally    tally   // of numbers
}

// facets returns those of a plan in its order, nil for one of a field that there is not.
func (c *columns) facets(asks []search.FacetAsk, fs *filters) []*facet {
	out := make([]*facet, len(asks))
	for i, a := range asks {
		id, known := c.ids[a.Field]
		f := &facet{field: id, price: a.Field == search.FieldPrice, bits: fitsAll | fs.bits[a.Field], min: math.Inf(1), max: math.Inf(-1)}
		if known && !a.Range {
			f.counts, f.last = make([]int32, len(c.fields[id].values)), make([]int32, len(c.fields[id].values))
		}
		if a.Range {
			f.tally.cells = make([]int, len(search.Edges(a.Field))+1)
		}
		if known || f.price && a.Range {
			out[i] = f
		}
	}
	return out
}

// count counts the products of some slots whose bits, and those of their variants, are given.
func (f *facet) count(b *block, m *market, base int32, slots []int32, product, variants []uint64) {
	c := b.of(f.field)
	switch {
	case f.price && f.tally.cells != nil:
		f.prices(b, m, slots, variants)
	case f.price || c == nil:
	case f.counts == nil:
		f.numbers(b, c, slots, product, variants)
	default:
		f.values(b, c, base, slots, product, variants)
	}
}

func (f *facet) values(b *block, c *column, base int32, slots []int32, product, variants []uint64) {
	if !c.values.empty() {
		for i, slot := range slots {
			if product[i]&f.bits != 0 {
				for _, v := range c.values.at(slot) {
					f.counts[v]++
				}
			}
		}
	}
	if c.variantValues.empty() {
		return
	}
	for i, slot := range slots {
		if product[i]&f.bits == 0 {
			continue
		}
		for n := b.first[slot]; n < b.first[slot+1]; n++ {
			if variants[n]&f.bits == 0 {
				continue
			}
			for _, v := range c.variantValues.at(n) {
				if f.last[v] != base+slot+1 {
					f.last[v] = base + slot + 1
					f.counts[v]++
				}
			}
		}
	}
}

func (f *facet) numbers(b *block, c *column, slots []int32, product, variants []uint64) {
	for i, slot := range slots {
		if product[i]&f.bits == 0 {
			continue
		}
		if !c.numbers.empty() {
			f.numbered(c.numbers.at(slot))
		}
		for n := b.first[slot]; n < b.first[slot+1] && !c.variantNumbers.empty(); n++ {
			if variants[n]&f.bits != 0 {
				f.numbered(c.variantNumbers.at(n))
			}
		}
		f.tally.product()
	}
}

func (f *facet) prices(b *block, m *market, slots []int32, variants []uint64) {
	for _, slot := range slots {
		for n := b.first[slot]; n < b.first[slot+1]; n++ {
			if variants[n]&f.bits != 0 {
				f.bound(float64(m.amounts[n]))
				f.tally.add(m.cells[n])
			}
		}
		f.tally.product()
	}
}

func (f *facet) numbered(numbers []placed) {
	for _, n := range numbers {
		f.bound(n.value)
		f.tally.add(n.cell)
	}
}

func (f *facet) bound(n float64) { f.min, f.max = min(f.min, n), max(f.max, n) }

// answer returns what a facet has come to.
func (f *facet) answer(c *columns, ask search.FacetAsk) search.Facet {
	out := search.Facet{Field: ask.Field}
	if f == nil {
		return out
	}
	if !f.price {
		from := c.fields[f.field]
		out.Label, out.Type, out.Unit = from.Label, from.Type, from.Unit
		if f.counts != nil {
			out.Values = f.most(from, ask.Limit)
		}
	}
	if f.min <= f.max {
		out.Min, out.Max = &f.min, &f.max
		out.Bands = f.tally.bands(ask.Field)
	}
	return out
}

// most returns the most frequent values.
func (f *facet) most(from *field, limit int) []search.FacetValue {
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
