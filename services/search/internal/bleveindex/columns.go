package bleveindex

import (
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// row is a document with its values and numbers, by the numbers of their fields: what the columns of a block are made of.
type row struct {
	document *search.Document
	values   []value // of the product, and so of each variant
	numbers  []number
	variants []variant
	prices   []prices
	offered  bool // its offer is a document of bleve's
}

type value struct{ field, value uint32 }

type number struct {
	field uint32
	placed
}

func numberOf(id uint32, name string, n float64) number {
	return number{id, placed{n, search.Cell(name, n)}}
}

// variant has what the product does not say for all.
type variant struct {
	values  []value
	numbers []number
}

// prices are what the variants cost in a market; noPrice where one is not sold.
type prices struct {
	market  search.Market
	best    int64
	amounts []int64
}

const noPrice = math.MinInt64

// in returns the prices of a market, nil where no variant has one.
func (r *row) in(m search.Market) *prices {
	var general *prices
	for i := range r.prices {
		p := &r.prices[i]
		if p.market == m {
			return p
		}
		if p.market.Country == "" && p.market.Currency == m.Currency {
			general = p
		}
	}
	return general
}

// field is what the documents have of an attribute, a brand, categories: the labels of the field and its values.
type field struct {
	search.Attribute // Code, Label, Type, Unit
	values           []choice
	ids              map[string]uint32 // of values
}

type choice struct {
	search.Term
	hex string
}

// columns number the fields and their values. Numbers are given once and stay; a snapshot has columns that nobody changes.
type columns struct {
	fields []*field
	ids    map[string]uint32
}

// builder makes rows, and the columns that they need from those of the snapshot before: it copies what it changes.
type builder struct {
	columns
	own map[uint32]bool // fields that are copies already
}

func newBuilder(from columns) *builder {
	return &builder{columns{slices.Clone(from.fields), maps.Clone(from.ids)}, map[uint32]bool{}}
}

// field returns the number of a field, and its copy where it has to change.
func (b *builder) field(name string, a search.Attribute) uint32 {
	id, ok := b.ids[name]
	if !ok {
		if b.ids == nil {
			b.ids = map[string]uint32{}
		}
		id = uint32(len(b.fields))
		b.ids[name], b.own[id] = id, true
		b.fields = append(b.fields, &field{ids: map[string]uint32{}})
	}
	if f := b.fields[id]; f.Label != a.Label || f.Type != a.Type || f.Unit != a.Unit {
		f = b.change(id)
		f.Code, f.Label, f.Type, f.Unit = a.Code, a.Label, a.Type, a.Unit
	}
	return id
}

func (b *builder) change(id uint32) *field {
	if !b.own[id] {
		f := *b.fields[id]
		f.ids, f.values = maps.Clone(f.ids), slices.Clone(f.values)
		b.fields[id], b.own[id] = &f, true
	}
	return b.fields[id]
}

// value numbers a value; its label is the one that was written last.
func (b *builder) value(id uint32, t search.Term, hex string) value {
	c := choice{t, hex}
	v, ok := b.fields[id].ids[t.Value]
	switch {
	case !ok:
		f := b.change(id)
		v = uint32(len(f.values))
		f.ids[t.Value], f.values = v, append(f.values, c)
	case b.fields[id].values[v] != c:
		b.change(id).values[v] = c
	}
	return value{id, v}
}

func (b *builder) row(d *search.Document) *row {
	r := &row{document: d, variants: make([]variant, len(d.Variants))}
	if d.Brand.Value != "" {
		r.values = append(r.values, b.value(b.field(search.FieldBrand, search.Attribute{}), d.Brand, ""))
	}
	for _, c := range d.Categories {
		r.values = add(r.values, b.value(b.field(search.FieldCategory, search.Attribute{}), c.Term, ""))
	}
	r.numbers = append(r.numbers, numberOf(b.field(search.FieldRating, search.Attribute{}), search.FieldRating, d.Rating),
		numberOf(b.field(search.FieldPublished, search.Attribute{}), search.FieldPublished, float64(d.Published.Unix())))
	b.attributes(d.Attributes, &r.values, &r.numbers, nil)
	stock := b.field(search.FieldInStock, search.Attribute{})
	for i := range d.Variants {
		v := &r.variants[i]
		v.values = append(v.values, b.value(stock, search.Term{Value: strconv.FormatBool(d.Variants[i].InStock())}, ""))
		b.attributes(d.Variants[i].Attributes, &v.values, &v.numbers, r.values)
	}
	r.prices = pricesOf(d)
	return r
}

// attributes adds the values of attributes that are not among those of the product already.
func (b *builder) attributes(attributes []search.Attribute, values *[]value, numbers *[]number, product []value) {
	for i := range attributes {
		a := &attributes[i]
		name := search.AttributePrefix + a.Code
		id := b.field(name, *a)
		if a.Number != nil {
			*numbers = append(*numbers, numberOf(id, name, *a.Number))
		}
		if v := b.value(id, a.Term, a.Hex); !slices.Contains(product, v) {
			*values = add(*values, v)
		}
	}
}

func add(values []value, v value) []value {
	if slices.Contains(values, v) {
		return values
	}
	return append(values, v)
}

func pricesOf(d *search.Document) []prices {
	var all []prices
	for i := range d.Variants {
		for m := range d.Variants[i].Prices {
			if slices.ContainsFunc(all, func(p prices) bool { return p.market == m }) {
				continue
			}
			best, _, _ := d.Best(m)
			p := prices{market: m, best: best.Amount, amounts: make([]int64, len(d.Variants))}
			for j := range d.Variants {
				p.amounts[j] = noPrice
				if price, ok := d.Variants[j].In(m); ok {
					p.amounts[j] = price.Amount
				}
			}
			all = append(all, p)
		}
	}
	return all
}
