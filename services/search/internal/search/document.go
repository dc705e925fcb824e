package search

import (
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// Document is what an index holds of a published product.
type Document struct {
	ID         string
	Revision   int64
	Slug       string
	ImageURL   string
	Texts      map[string]Text // by language, "en"; that of the shop is always there
	Brand      Term
	Categories []Term // root first
	Attributes []Attribute
	Variants   []Variant
	Popularity int64 // pieces sold lately, and what catalog says
	Rating     float64
	Published  time.Time
}

// Text is what can be read of a product in one language. Words are as Words writes them.
type Text struct {
	Title       string
	Description string
	Brand       string
	Category    string // names of the whole path
	Attributes  string // those that the registry calls searchable
}

// Term is a value with its name for people.
type Term struct {
	Value, Label string
}

// Attribute is a value of a product or a variant that can be filtered by. Number is set for integers, decimals.
type Attribute struct {
	Code, Label, Type, Unit string
	Term
	Number *float64
	Hex    string
}

// Variant is a SKU of a product.
type Variant struct {
	SKU        string
	Attributes []Attribute
	Prices     map[Market]Price
	Available  int64
}

// InStock tells whether a variant can be had.
func (v *Variant) InStock() bool { return v.Available > 0 }

// Market is where prices are read. Country is empty for all countries that no price names.
type Market struct {
	Currency money.Currency
	Country  string
}

// Price is what a SKU costs in a market, in minor units of its currency. CompareAt is 0 where there is none.
type Price struct {
	Amount, CompareAt int64
}

// Best returns the lowest price of a document's variants in a market, and whether one that has a price is in stock; false where none has a price.
func (d *Document) Best(m Market) (p Price, inStock, ok bool) {
	for i := range d.Variants {
		v := &d.Variants[i]
		price, has := v.Prices[m]
		if !has {
			continue
		}
		if !ok || price.Amount < p.Amount {
			p, ok = price, true
		}
		inStock = inStock || v.InStock()
	}
	return p, inStock, ok
}
