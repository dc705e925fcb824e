package bleveindex

import (
	"math"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// filter is a filter as blocks are asked.
type filter struct {
	field    uint32
	price    bool
	none     bool   // no document has the field, or none of the values
	values   []bool // by number of the value; nil: bounds
	min, max float64
	bit      uint64 // of the field
}

// filters are asked together: a document fits where one of its variants does. A variant that fits all has the bit fitsAll; one that fails
// the filters of a single field has the bit of that field, for its facet does not ask them; any other has none.
type filters struct {
	all  []filter
	bits map[string]uint64 // by field
}

const fitsAll = 1 << search.MaxFilters

func (c *columns) filters(asked []search.Filter) filters {
	out := filters{make([]filter, len(asked)), make(map[string]uint64, len(asked))}
	for i, a := range asked {
		bit, ok := out.bits[a.Field]
		if !ok {
			bit = 1 << len(out.bits)
			out.bits[a.Field] = bit
		}
		f := filter{price: a.Field == search.FieldPrice, bit: bit, min: math.Inf(-1), max: math.Inf(1)}
		id, known := c.ids[a.Field]
		f.field, f.none = id, !known && (!f.price || len(a.Any) > 0)
		if known && len(a.Any) > 0 {
			f.values = make([]bool, len(c.fields[id].values))
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
		out.all[i] = f
	}
	return out
}

// fits sets for the variants of some slots which filters they fit.
func (fs *filters) fits(b *block, m *market, slots []int32, bits []uint64) {
	for _, slot := range slots {
		for v := b.first[slot]; v < b.first[slot+1]; v++ {
			bits[v] = 0
			if m.amounts[v] != noPrice {
				bits[v] = fitsAll
			}
		}
	}
	for i := range fs.all {
		f := &fs.all[i]
		c := b.of(f.field)
		for _, slot := range slots {
			if !f.price && !f.none && c != nil && f.has(&c.values, &c.numbers, slot) {
				continue
			}
			for v := b.first[slot]; v < b.first[slot+1]; v++ {
				if bits[v] == 0 || bits[v] == f.bit || f.fits(c, m, v) {
					continue
				}
				if bits[v] == fitsAll {
					bits[v] = f.bit
				} else {
					bits[v] = 0
				}
			}
		}
	}
}

func (f *filter) fits(c *column, m *market, variant int32) bool {
	switch {
	case f.none:
		return false
	case f.price:
		amount := float64(m.amounts[variant])
		return f.min <= amount && amount <= f.max
	}
	return c != nil && f.has(&c.variantValues, &c.variantNumbers, variant)
}

// has tells whether one of the values, or one of the numbers, fits.
func (f *filter) has(values *list[uint32], numbers *list[placed], at int32) bool {
	if f.values != nil {
		if !values.empty() {
			for _, v := range values.at(at) {
				if int(v) < len(f.values) && f.values[v] {
					return true
				}
			}
		}
		return false
	}
	if !numbers.empty() {
		for _, n := range numbers.at(at) {
			if f.min <= n.value && n.value <= f.max {
				return true
			}
		}
	}
	return false
}

// boost is a boost as blocks are asked.
type boost struct {
	filters filters
	slots   map[int32]bool // nil: any
	factor  float64
	why     string
}

// fits tells whether a slot of a block is boosted, once its filters have been asked.
func (o *boost) fits(b *block, base, slot int32, bits []uint64) bool {
	return (o.slots == nil || o.slots[base+slot]) && together(b, slot, bits)&fitsAll != 0
}

// together returns the bits that the variants of a slot have.
func together(b *block, slot int32, bits []uint64) (all uint64) {
	for _, v := range bits[b.first[slot]:b.first[slot+1]] {
		all |= v
	}
	return all
}
