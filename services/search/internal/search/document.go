package search

import (
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// Document is what an index holds of a published product.
type Document struct {
	ID          string
	Revision    int64
	Slug        string
	ImageURL    string
	Texts       map[string]Text // by language, "en"; that of the shop is always there
	Identifiers string          // its SKUs, as Index writes them
	Brand       Term
	Categories  []Category // root first
	Attributes  []Attribute
	Variants    []Variant
	Popularity  int64 // pieces sold lately, and what catalog says
	Rating      float64
	Published   time.Time
}

// Text is what can be read of a product in one language. All but Name is as Index writes it.
type Text struct {
	Name        string // the title as people read it
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

// Category is a category of a product, or one above it.
type Category struct {
	Term
	Slug string
}

// Attribute is a value of a product or a variant that can be filtered by. Number is set for integers, decimals.
type Attribute struct {
	Code, Label, Type, Unit string
	Term                    Term
	Number                  *float64
	Hex                     string
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

// MarshalText writes "EUR" or "EUR/DE".
func (m Market) MarshalText() ([]byte, error) {
	if m.Country == "" {
		return []byte(m.Currency), nil
	}
	return []byte(string(m.Currency) + "/" + m.Country), nil
}

// UnmarshalText reads what MarshalText wrote.
func (m *Market) UnmarshalText(text []byte) error {
	currency, country, _ := strings.Cut(string(text), "/")
	*m = Market{Currency: money.Currency(currency), Country: country}
	return nil
}

// Price is what a SKU costs in a market, in minor units of its currency. CompareAt is 0 where there is none.
type Price struct {
	Amount, CompareAt int64
}

// In returns what a variant costs in a market: the price of its country, else that of the currency; false where it has neither.
func (v *Variant) In(m Market) (p Price, ok bool) {
	if p, ok = v.Prices[m]; !ok && m.Country != "" {
		p, ok = v.Prices[Market{Currency: m.Currency}]
	}
	return p, ok
}

// Highest is the highest price of a document's variants in a market, in minor units; 0 where none has a price.
func (d *Document) Highest(m Market) (amount int64) {
	for i := range d.Variants {
		if price, ok := d.Variants[i].In(m); ok {
			amount = max(amount, price.Amount)
		}
	}
	return amount
}

// Best returns the lowest price of a document's variants in a market, and whether one that has a price is in stock; false where none has a price.
func (d *Document) Best(m Market) (p Price, inStock, ok bool) {
	for i := range d.Variants {
		v := &d.Variants[i]
		price, has := v.In(m)
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
