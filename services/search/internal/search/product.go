package search

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// Product is a product as its owner told of it last.
type Product struct {
	ID, Slug, Title, Description, ImageURL string

	Brand      Term
	Path       []Category // root first
	Popularity int64
	Published  time.Time
	Values     []Value // of all variants
	Variants   []Item
	Filterable []string // codes of attributes
	Searchable []string

	Translations map[string]Translation // by language
}

// Translation is what of a product reads differently in another language.
type Translation struct {
	Title, Description string                       // empty: as in the shop's own
	Categories         map[string]string            // by code
	Labels             map[string]string            // of attributes, by code
	Values             map[string]map[string]string // by code of the attribute, and value
}

// Item is a variant of a product.
type Item struct {
	SKU    string
	Values []Value
}

// Value is what a product has of an attribute: Terms in catalog's normal form with what people read, more than one of a multi_enum.
type Value struct {
	Code, Label, Type, Unit string
	Terms                   []Term
	Hex                     string
}

// Row is a price that anybody pays for one piece, while it holds. Zero times are open ends.
type Row struct {
	List              string
	Currency          money.Currency
	Amount, CompareAt int64
	Countries         []string // none: everywhere
	Priority          int
	From, To          time.Time // From included, To not
}

// Offer is what is known of a SKU.
type Offer struct {
	Rows      []Row
	Available int64
}

// Source is all that a document is made of.
type Source struct {
	Product
	Revision int64
	Offers   map[string]Offer // by SKU
	Sold     int64            // pieces lately
}

// NewDocument makes the document of a product as of now, with its text in the shop's language and those that it is translated to.
func NewDocument(s *Source, language string, now time.Time) *Document {
	d := &Document{ID: s.ID, Revision: s.Revision, Slug: s.Slug, ImageURL: s.ImageURL, Brand: s.Brand, Categories: s.Path,
		Popularity: s.Popularity + s.Sold, Published: s.Published, Attributes: s.attributes(s.Values)}
	var skus []string
	for _, v := range s.Variants {
		offer := s.Offers[v.SKU]
		skus = append(skus, v.SKU)
		d.Variants = append(d.Variants, Variant{SKU: v.SKU, Attributes: s.attributes(v.Values), Prices: prices(offer.Rows, now), Available: offer.Available})
	}
	d.Identifiers = identifiers(skus)
	d.Texts = map[string]Text{language: s.text(Translation{})}
	for other, t := range s.Translations {
		if other != language {
			d.Texts[other] = s.text(t)
		}
	}
	return d
}

// identifiers are what SKUs are found by: of one with digits that which has some. The others of its words say what it is, as "white" in
// TSH-101-WHITE-M, and are no name of it.
func identifiers(skus []string) string {
	var words, rows []string
	for _, sku := range skus {
		of, makes := Held(Index(sku))
		if slices.ContainsFunc(of, hasDigit) {
			plain := func(w string) bool { return !hasDigit(w) }
			of, makes = slices.DeleteFunc(of, plain), slices.DeleteFunc(makes, plain)
		}
		words = append(words, strings.Join(of, " "))
		for _, row := range makes {
			if !slices.Contains(rows, row) {
				rows = append(rows, row)
			}
		}
	}
	text := strings.Join(words, " "+edge+" ")
	if len(rows) > 0 {
		text += " " + barrier + " " + strings.Join(rows, " ")
	}
	return text
}

// text is what can be read of a product in the language of a translation.
func (s *Source) text(t Translation) Text {
	title, description := cmp.Or(t.Title, s.Title), cmp.Or(t.Description, s.Description)
	var names []string
	for _, c := range s.Path {
		names = append(names, cmp.Or(t.Categories[c.Value], c.Label))
	}
	found := s.texts(t, s.Values)
	for _, v := range s.Variants {
		found = append(found, s.texts(t, v.Values)...)
	}
	return Text{Name: title, Title: Index(title), Description: Index(description), Brand: Index(s.Brand.Label), Category: Index(names...), Attributes: Index(found...)}
}

// attributes are the values that shoppers may filter by.
func (s *Source) attributes(values []Value) (all []Attribute) {
	for _, v := range values {
		if !slices.Contains(s.Filterable, v.Code) {
			continue
		}
		for _, t := range v.Terms {
			a := Attribute{Code: v.Code, Label: v.Label, Type: v.Type, Unit: v.Unit, Term: t, Hex: v.Hex}
			if v.Type == TypeInteger || v.Type == TypeDecimal {
				if n, err := strconv.ParseFloat(t.Value, 64); err == nil {
					a.Number = &n
				}
			}
			all = append(all, a)
		}
	}
	return all
}

// texts are what of the values is found by words in the language of a translation: of what is true its label ("waterproof"), of what is
// not nothing.
func (s *Source) texts(t Translation, values []Value) (all []string) {
	for _, v := range values {
		if !slices.Contains(s.Searchable, v.Code) {
			continue
		}
		for _, term := range v.Terms {
			switch {
			case v.Type != TypeBoolean:
				all = append(all, cmp.Or(t.Values[v.Code][term.Value], term.Label))
			case term.Value == "true":
				all = append(all, cmp.Or(t.Labels[v.Code], v.Label))
			}
		}
	}
	return all
}

// prices are what a SKU costs now: by currency, and in each country that a row of that currency names.
func prices(rows []Row, now time.Time) map[Market]Price {
	var out map[Market]Price
	for _, r := range rows {
		for _, country := range append([]string{""}, r.Countries...) {
			m := Market{Currency: r.Currency, Country: country}
			if best := pick(rows, m, now); best != nil {
				if out == nil {
					out = map[Market]Price{}
				}
				out[m] = Price{Amount: best.Amount, CompareAt: best.CompareAt}
			}
		}
	}
	return out
}

// pick returns the row that a SKU is sold by, as pricing does: the list with the highest priority, then the lowest amount, and of equal
// ones what began last; nil when none holds.
func pick(rows []Row, m Market, now time.Time) (best *Row) {
	for i := range rows {
		r := &rows[i]
		here := len(r.Countries) == 0 || slices.Contains(r.Countries, m.Country)
		if r.Currency == m.Currency && here && !r.From.After(now) && (r.To.IsZero() || r.To.After(now)) && (best == nil || r.before(best)) {
			best = r
		}
	}
	return best
}

func (r *Row) before(o *Row) bool {
	switch {
	case r.Priority != o.Priority:
		return r.Priority > o.Priority
	case r.Amount != o.Amount:
		return r.Amount < o.Amount
	case r.List != o.List:
		return r.List < o.List
	}
	return r.From.After(o.From)
}
