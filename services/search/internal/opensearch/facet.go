package opensearch

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// maxValues is how many values a facet has at most.
const maxValues = 10_000

// facetGroup are facets that are counted among the same documents: those that fit all filters but those of a field.
type facetGroup struct {
	but  string // "" for none
	asks []int  // of the plan
}

func facetGroups(p *search.Plan) (groups []facetGroup) {
	for i, a := range p.Facets {
		but := ""
		if slices.ContainsFunc(p.Filters, func(f search.Filter) bool { return f.Field == a.Field }) {
			but = a.Field
		}
		at := slices.IndexFunc(groups, func(g facetGroup) bool { return g.but == but })
		if at < 0 {
			at = len(groups)
			groups = append(groups, facetGroup{but: but})
		}
		groups[at].asks = append(groups[at].asks, i)
	}
	return groups
}

// filters are those of a group.
func (g *facetGroup) filters(p *search.Plan) []search.Filter {
	return slices.DeleteFunc(slices.Clone(p.Filters), func(f search.Filter) bool { return g.but != "" && f.Field == g.but })
}

// The names of aggregations; those of facets end in the number of the ask.
const (
	ofProducts = "products"
	ofVariants = "variants"
	fitting    = "fitting"
)

// aggregations count values of products by their documents, and those of variants by the offers that fit.
func (q *query) aggregations() object {
	all := object{}
	for i := range q.facets {
		g := &q.facets[i]
		documents, variants := object{}, object{}
		together := q.together(g)
		if together {
			documents[ofAll] = object{"terms": object{"field": fieldFacets, "size": q.atOnce}}
			variants[ofAll] = object{"terms": object{"field": offerFacets, "size": q.atOnce}, "aggs": counted}
		}
		for _, at := range g.asks {
			a, name := &q.plan.Facets[at], fmt.Sprint(at)
			switch {
			case together && valued(a):
			case a.Range:
				q.numbers(variants, at)
			case !together && len(a.Field) <= longestField:
				documents["values "+name] = object{"terms": values(fieldFacets, a, "_count")}
				variants["values "+name] = object{"terms": values(offerFacets, a, ofProducts), "aggs": counted}
			}
		}
		all[fmt.Sprint(i)] = q.among(g.filters(q.plan), documents, variants)
	}
	return all
}

// valued tells whether the numbers of a range are values too: those of attributes are.
func valued(a *search.FacetAsk) bool { return strings.HasPrefix(a.Field, search.AttributePrefix) }

// ofAll names the aggregation of the values of all fields.
const ofAll = "values"

// together tells whether the values of all fields are counted at once, and those that were not asked for left aside: to have one field's picked
// out costs as much as to count some thousand values. Where there are too many, each field is counted for itself.
func (q *query) together(g *facetGroup) bool {
	const few = 2
	n := 0
	for _, at := range g.asks {
		if !q.plan.Facets[at].Range {
			n++
		}
	}
	return n > few && !q.apart
}

// counted counts the products of offers.
var counted = object{ofProducts: object{"reverse_nested": object{}}}

// among are aggregations of the documents that fit filters, and of their offers that do. That they are listed at all is the query's matter.
func (q *query) among(filters []search.Filter, documents, variants object) object {
	fit := object{"match_all": object{}}
	if len(filters) > 0 {
		fit = object{"bool": object{"filter": q.listed(filters)}}
	}
	documents[ofVariants] = object{"nested": object{"path": offers},
		"aggs": object{fitting: object{"filter": object{"bool": object{"filter": q.fits(filters)}}, "aggs": variants}}}
	return object{"filter": fit, "aggs": documents}
}

// longestField is the longest name of a field of which values are counted: no field that exists has a longer one.
const longestField = 200

// anything is ".*" in words that OpenSearch does not take for a prefix alone: those it answers with an error where no value has it
// (opensearch-project/OpenSearch#19636).
const anything = ".{0,}"

// values asks for the most frequent tokens of a field.
func values(in string, a *search.FacetAsk, order string) object {
	size := a.Limit
	if size <= 0 || size > maxValues {
		size = maxValues
	}
	var pattern strings.Builder
	for _, c := range token(a.Field) + divider {
		if c < 0x80 && unicode.In(c, unicode.Punct, unicode.Symbol) {
			pattern.WriteByte('\\')
		}
		pattern.WriteRune(c)
	}
	return object{"field": in, "include": pattern.String() + anything, "size": size, "order": []object{{order: "desc"}, {"_key": "asc"}}}
}

// facet reads what was counted for an ask by itself. A value that some products have and variants of others is counted with both.
func facet(a *search.FacetAsk, name string, in span, documents, variants level) (search.Facet, error) {
	out := search.Facet{Field: a.Field}
	if a.Range {
		var bounds struct{ Min, Max *float64 }
		err := variants.read("bounds "+name, &bounds)
		out.Min, out.Max = bounds.Min, bounds.Max
		if err == nil && out.Min != nil {
			out.Bands, err = bands(&out, name, in, variants)
		}
		return out, err
	}
	var ofProducts, ofVariants tokens
	if err := errors.Join(documents.read("values "+name, &ofProducts), variants.read("values "+name, &ofVariants)); err != nil {
		return out, err
	}
	counts := counts{}
	counts.add(&ofProducts, &ofVariants)
	return counts.facet(a), nil
}

// errTooMany says that there are more values than were counted together.
var errTooMany = errors.New("there are more values than are counted at once")

// counts are what was counted of values, by field and value.
type counts map[string]map[string]*counting

type counting struct {
	search.FacetValue
	label, kind, unit string // of the field: they are in each of its tokens
	ofVariants        bool   // not all of it is of products
}

// readTogether reads the values of all fields of a group.
func readTogether(documents, variants level) (counts, error) {
	var ofProducts, ofVariants tokens
	if err := errors.Join(documents.read(ofAll, &ofProducts), variants.read(ofAll, &ofVariants)); err != nil {
		return nil, err
	}
	if ofProducts.Rest+ofVariants.Rest > 0 {
		return nil, errTooMany
	}
	all := counts{}
	all.add(&ofProducts, &ofVariants)
	return all, nil
}

func (c counts) add(ofProducts, ofVariants *tokens) {
	for _, b := range ofProducts.Buckets {
		c.count(b.Key, b.Count, false)
	}
	for _, b := range ofVariants.Buckets {
		c.count(b.Key, b.Products.Count, true)
	}
}

// count adds n to a value.
func (c counts) count(key string, n int, ofVariants bool) {
	parts := untoken(key)
	if len(parts) != tokenParts {
		return
	}
	field, value := parts[0], parts[1]
	if c[field] == nil {
		c[field] = map[string]*counting{}
	}
	v := c[field][value]
	if v == nil {
		v = &counting{search.FacetValue{Term: search.Term{Value: value, Label: parts[2]}, Hex: parts[3]}, parts[4], parts[5], parts[6], false}
		c[field][value] = v
	}
	v.Count += n
	v.ofVariants = v.ofVariants || ofVariants
}

// numbers is what was counted of the numbers of an ask's field. It is not sure where they are of variants: a product may have several.
func (c counts) numbers(a *search.FacetAsk) (out search.Facet, sure bool) {
	out, sure = search.Facet{Field: a.Field}, true
	products := make([]int, len(search.Edges(a.Field))+1)
	for value, v := range c[a.Field] {
		n, err := strconv.ParseFloat(value, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			continue // as in facts
		}
		if out.Min == nil {
			out.Min, out.Max = new(n), new(n)
		}
		*out.Min, *out.Max = min(*out.Min, n), max(*out.Max, n)
		products[search.Cell(a.Field, n)] += v.Count
		sure = sure && !v.ofVariants
	}
	out.Bands = banded(a.Field, products)
	return out, sure
}

// facet is what was counted of an ask's field.
func (c counts) facet(a *search.FacetAsk) search.Facet {
	out := search.Facet{Field: a.Field}
	for _, v := range c[a.Field] {
		out.Label, out.Type, out.Unit = v.label, v.kind, v.unit
		out.Values = append(out.Values, v.FacetValue)
	}
	slices.SortFunc(out.Values, func(a, b search.FacetValue) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	})
	if a.Limit > 0 && len(out.Values) > a.Limit {
		out.Values = out.Values[:a.Limit]
	}
	return out
}
