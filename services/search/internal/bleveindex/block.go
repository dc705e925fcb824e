package bleveindex

import (
	"slices"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// blockSize is how many products share their columns. A search reads columns from their beginning to their end, so that memory is read in
// order; a write makes the blocks anew in which it changes something.
const blockSize = 512

// block is some products side by side: what filters, facets and orders read of them, field by field. Slots are those within the block.
type block struct {
	rows    []*row    // nil where there is no product (any more)
	first   []int32   // number of the first variant by slot, and one more
	columns []*column // by field, nil where no product has it
	markets []market

	popular, sold, rating, published []float64 // by slot
}

// column is what the products and variants of a block have of a field.
type column struct {
	values, variantValues   list[uint32]
	numbers, variantNumbers list[placed]
}

// placed is a number, and where it stands between the edges of bands.
type placed struct {
	value float64
	cell  uint8
}

// list has any number of items for each slot or variant.
type list[T any] struct {
	start []int32
	items []T
}

func (l *list[T]) add(at int, item T) {
	l.reach(at)
	l.items = append(l.items, item)
}

func (l *list[T]) reach(n int) {
	for len(l.start) <= n {
		l.start = append(l.start, int32(len(l.items)))
	}
}

func (l *list[T]) at(n int32) []T { return l.items[l.start[n]:l.start[n+1]] }

func (l *list[T]) empty() bool { return len(l.items) == 0 }

// market is what the products of a block cost in a market.
type market struct {
	search.Market
	best    []int64 // by slot
	amounts []int64 // by variant, noPrice where it is not sold
	cells   []uint8 // where they stand between the edges of bands
}

// newBlock makes the columns of rows. fields is how many fields there are.
func newBlock(rows []*row, fields int) *block {
	b := &block{rows: rows, first: make([]int32, 1, len(rows)+1), columns: make([]*column, fields), popular: make([]float64, len(rows)),
		sold: make([]float64, len(rows)), rating: make([]float64, len(rows)), published: make([]float64, len(rows))}
	variants := 0
	for slot, r := range rows {
		if r != nil {
			d := r.document
			b.popular[slot], b.sold[slot], b.rating[slot] = search.Popular(d.Popularity), float64(d.Popularity), d.Rating
			b.published[slot] = float64(d.Published.UnixMicro())
			b.add(slot, variants, r)
			variants += len(r.variants)
		}
		b.first = append(b.first, int32(variants))
	}
	for _, c := range b.columns {
		if c != nil {
			c.values.reach(len(rows))
			c.numbers.reach(len(rows))
			c.variantValues.reach(variants)
			c.variantNumbers.reach(variants)
		}
	}
	b.price(variants)
	return b
}

// add puts a row into the columns. Rows come in the order of their slots.
func (b *block) add(slot, variant int, r *row) {
	for _, v := range r.values {
		b.column(v.field).values.add(slot, v.value)
	}
	for _, n := range r.numbers {
		b.column(n.field).numbers.add(slot, n.placed)
	}
	for i := range r.variants {
		for _, v := range r.variants[i].values {
			b.column(v.field).variantValues.add(variant+i, v.value)
		}
		for _, n := range r.variants[i].numbers {
			b.column(n.field).variantNumbers.add(variant+i, n.placed)
		}
	}
}

func (b *block) column(field uint32) *column {
	if b.columns[field] == nil {
		b.columns[field] = &column{}
	}
	return b.columns[field]
}

// price fills in what is paid in each market that a row names.
func (b *block) price(variants int) {
	for _, r := range b.rows {
		if r == nil {
			continue
		}
		for i := range r.prices {
			m := r.prices[i].market
			if slices.ContainsFunc(b.markets, func(have market) bool { return have.Market == m }) {
				continue
			}
			b.markets = append(b.markets, b.in(m, variants))
		}
	}
}

func (b *block) in(m search.Market, variants int) market {
	out := market{m, make([]int64, len(b.rows)), make([]int64, variants), make([]uint8, variants)}
	for i := range out.amounts {
		out.amounts[i] = noPrice
	}
	for slot, r := range b.rows {
		if r == nil {
			continue
		}
		if p := r.in(m); p != nil {
			out.best[slot] = p.best
			copy(out.amounts[b.first[slot]:], p.amounts)
		}
	}
	for i, amount := range out.amounts {
		out.cells[i] = search.Cell(search.FieldPrice, float64(amount))
	}
	return out
}

// market returns the prices of a market, nil where nothing is sold.
func (b *block) market(m search.Market) *market {
	var general *market
	for i := range b.markets {
		switch have := &b.markets[i]; have.Market {
		case m:
			return have
		case search.Market{Currency: m.Currency}:
			general = have
		}
	}
	return general
}

// of returns the column of a field, nil where no product of the block has it.
func (b *block) of(field uint32) *column {
	if int(field) < len(b.columns) {
		return b.columns[field]
	}
	return nil
}
