package opensearch

import (
	"encoding/json"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sidecart/sidecart/services/search/internal/grammar"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// entry is a document as OpenSearch gets it.
func (xs *Indexes) entry(d *search.Document) (object, error) {
	raw, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	e := object{
		fieldID: d.ID, fieldLanguages: slices.Sorted(maps.Keys(d.Texts)), fieldDocument: string(raw), fieldPopular: search.Popular(d.Popularity),
		fieldSold: d.Popularity, fieldRating: d.Rating, fieldPublished: d.Published.UnixMicro(),
	}
	xs.words(e, d)
	var of facts
	of.product(d)
	e[fieldFacets] = of.facets
	all := []object{}
	for i := range d.Variants {
		all = append(all, of.offers(&d.Variants[i])...)
	}
	e[offers] = all
	return e, nil
}

// words adds what a document is found by: the texts of a field in all languages, each word with its language.
func (xs *Indexes) words(e object, d *search.Document) {
	stems, words := map[string][]string{}, map[string][]string{}
	add := func(p *grammar.Place) {
		var s, w []string
		p.Language.Words(p.Text(d), func(word, stem string) {
			s, w = append(s, in(p, stem)), append(w, in(p, word))
		})
		stems[p.Name] = append(stems[p.Name], strings.Join(s, " "))
		if p.Prefixes {
			words[p.Name] = append(words[p.Name], strings.Join(w, " "))
		}
	}
	add(&grammar.Identifiers)
	for _, code := range slices.Sorted(maps.Keys(d.Texts)) {
		for _, p := range xs.grammar.Own(code) {
			add(&p)
		}
	}
	for name := range stems {
		e[name] = stems[name]
	}
	for name := range words {
		e[name+wordsSuffix] = words[name]
	}
}

// in is a word as it stands in a place: "en:chair".
func in(p *grammar.Place, word string) string {
	if p.Code == "" {
		return word
	}
	return url.QueryEscape(p.Code) + ":" + word
}

// Between the parts of a token, which may hold anything, and what stands for the first byte of that.
const (
	divider = "\x01\x00"
	escape  = "\x01"
	escaped = "\x01\x02"
)

// token is a value of a field, with whatever else, as one keyword; tokens are in the order of their parts.
func token(parts ...string) string {
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], escape, escaped)
	}
	return strings.Join(parts, divider)
}

// untoken returns the parts of a token.
func untoken(token string) []string {
	parts := strings.Split(token, divider)
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], escaped, escape)
	}
	return parts
}

// tokenParts is how many parts a token of facets has.
const tokenParts = 7

// facts are what filters and facets ask of a product, and of each of its variants.
type facts struct {
	values  []string             // field, value
	facets  []string             // field, value, label, hex; label, type, unit of the field
	numbers map[string][]float64 // by numberField
}

func (f *facts) value(field string, t search.Term, a *search.Attribute) {
	v := token(field, t.Value)
	if slices.Contains(f.values, v) {
		return
	}
	f.values = append(f.values, v)
	f.facets = append(f.facets, token(field, t.Value, t.Label, a.Hex, a.Label, a.Type, a.Unit))
}

func (f *facts) number(field string, n float64) {
	if f.numbers == nil {
		f.numbers = map[string][]float64{}
	}
	if !math.IsNaN(n) && !math.IsInf(n, 0) {
		f.numbers[numberField(field)] = append(f.numbers[numberField(field)], n)
	}
}

// numberField is the name of the field that has the numbers of one: names have no dots.
func numberField(field string) string { return strings.ReplaceAll(url.QueryEscape(field), ".", "%2E") }

func (f *facts) attributes(all []search.Attribute) {
	for i := range all {
		a := &all[i]
		f.value(search.AttributePrefix+a.Code, a.Term, a)
		if a.Number != nil {
			f.number(search.AttributePrefix+a.Code, *a.Number)
		}
	}
}

func (f *facts) product(d *search.Document) {
	if d.Brand.Value != "" {
		f.value(search.FieldBrand, d.Brand, &search.Attribute{})
	}
	for _, c := range d.Categories {
		f.value(search.FieldCategory, c.Term, &search.Attribute{})
	}
	f.number(search.FieldRating, d.Rating)
	f.number(search.FieldPublished, float64(d.Published.Unix()))
	f.attributes(d.Attributes)
}

// offers returns the prices of a variant of the product that f is of, each with the markets where it holds. In a market a variant has one.
func (f *facts) offers(v *search.Variant) []object {
	of := facts{values: slices.Clone(f.values), facets: slices.Clone(f.facets), numbers: map[string][]float64{}}
	for field, all := range f.numbers {
		of.numbers[field] = slices.Clone(all)
	}
	of.value(search.FieldInStock, search.Term{Value: strconv.FormatBool(v.InStock())}, &search.Attribute{})
	of.attributes(v.Attributes)
	by := map[int64][]search.Market{}
	for m, price := range v.Prices {
		by[price.Amount] = append(by[price.Amount], m)
	}
	var all []object
	for amount, markets := range by {
		names, not := []string{}, []string{}
		for _, m := range markets {
			names = append(names, marketName(m))
			for other := range v.Prices {
				if m.Country == "" && other.Country != "" && other.Currency == m.Currency && !slices.Contains(markets, other) {
					not = append(not, marketName(other))
				}
			}
		}
		all = append(all, object{"markets": names, "not": not, "amount": amount, "values": of.values, "facets": of.facets[len(f.facets):], "numbers": of.numbers})
	}
	return all
}

func marketName(m search.Market) string {
	name, _ := m.MarshalText() // never fails
	return string(name)
}
