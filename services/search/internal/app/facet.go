package app

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/bojanz/currency"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Facet is what can be chosen of a field. Param is the parameter that chooses it.
type Facet struct {
	search.Facet
	Code, Param string
	Selected    []string
	Paths       map[string][]string // of categories: codes from the root to each value
}

const manyValues = 100 // of a facet

// facets are what is asked for: the fields of every product, what is chosen already, and as many other attributes as there is room for.
func facets(terms *Terms, selected map[string][]string) []search.FacetAsk {
	asks := []search.FacetAsk{{Field: search.FieldCategory, Limit: manyValues}, {Field: search.FieldBrand, Limit: manyValues},
		{Field: search.FieldPrice, Range: true}, {Field: search.FieldInStock}}
	codes := slices.Sorted(maps.Keys(terms.Kinds))
	slices.SortStableFunc(codes, func(a, b string) int {
		chosen := func(code string) int { return -len(selected[search.AttributePrefix+code]) }
		return min(1, max(-1, chosen(a)-chosen(b)))
	})
	for _, code := range codes[:min(len(codes), search.MaxFacets-len(asks))] {
		asks = append(asks, search.FacetAsk{Field: search.AttributePrefix + code, Range: terms.Kinds[code].Type == search.TypeDecimal, Limit: manyValues})
	}
	return asks
}

func (s *Shop) facet(terms *Terms, in Locale, f search.Facet, selected map[string][]string) Facet {
	out := Facet{Facet: f, Code: f.Field, Param: f.Field, Selected: selected[f.Field]}
	ours := labelsIn(in.Language, s.Language)
	if code, isAttribute := strings.CutPrefix(f.Field, search.AttributePrefix); isAttribute {
		kind := terms.Kinds[code]
		out.Code, out.Label, out.Type, out.Unit = code, terms.Names[search.Name{Field: f.Field}].In(in.Language, kind.Label), kind.Type, kind.Unit
	} else {
		out.Label = ours.fields[f.Field]
	}
	for i := range out.Values {
		v := &out.Values[i]
		if f.Field == search.FieldInStock {
			v.Label = map[string]string{"true": ours.yes, "false": ours.no}[v.Value]
		}
		v.Label = terms.Names[search.Name{Field: f.Field, Value: v.Value}].In(in.Language, v.Label)
	}
	if f.Field == search.FieldCategory {
		out.Paths = make(map[string][]string, len(f.Values))
		for i := range f.Values {
			out.Paths[f.Values[i].Value] = terms.path(f.Values[i].Value)
		}
	}
	for _, b := range f.Bands {
		label := ours.numbers(b, out.Unit)
		if f.Field == search.FieldPrice {
			label = ours.prices(b, in.Market, cmp.Or(in.Language, s.Language))
		}
		out.Values = append(out.Values, search.FacetValue{Term: search.Term{Value: between(b.Min, b.Max), Label: label}, Count: b.Count})
	}
	return out
}

// between is a range as it stands in an address: "10..20", where either bound may be missing.
func between(low, high *float64) string { return plain(low) + ".." + plain(high) }

func plain(n *float64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatFloat(*n, 'f', -1, 64)
}

// prices is what a band of prices is called: with both of its bounds, because both are in it.
func (l *labels) prices(b search.Band, m search.Market, language string) string {
	if search.Nearest(inLanguages, language, "") == "" {
		language = l.language // that of the words
	}
	if !strings.Contains(language, "-") {
		language += "-" + m.Country
	}
	format := currency.NewFormatter(currency.NewLocale(language))
	format.MinDigits, format.MaxDigits = currency.DefaultDigits, currency.DefaultDigits
	written := func(n *float64) string {
		a, err := currency.NewAmountFromInt64(int64(*n), string(m.Currency))
		if err != nil {
			return plain(n)
		}
		return format.Format(a)
	}
	switch {
	case b.Min == nil:
		return l.upTo + " " + written(b.Max)
	case b.Max == nil:
		return l.from + " " + written(b.Min)
	}
	return written(b.Min) + " – " + written(b.Max)
}

// numbers is what a band of numbers is called. The one where the next band begins is not in it.
func (l *labels) numbers(b search.Band, unit string) string {
	written := func(n float64) string {
		s := strconv.FormatFloat(n, 'g', edgeDigits, 64)
		f, _ := strconv.ParseFloat(s, 64) // never fails
		return strings.ReplaceAll(plain(&f), ".", l.point)
	}
	var text string
	switch {
	case b.Min == nil:
		text = l.below + " " + written(*b.Max)
	case b.Max == nil:
		text = l.from + " " + written(*b.Min)
	default:
		text = written(*b.Min) + " " + l.toBelow + " " + written(*b.Max)
	}
	return strings.TrimSpace(text + " " + unit)
}

const edgeDigits = 6 // of the number where a band begins: fewer than tell it from the one before
