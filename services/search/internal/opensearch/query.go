package opensearch

import (
	"cmp"
	"fmt"
	"math"

	"github.com/sidecart/sidecart/services/search/internal/grammar"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// query is a plan as OpenSearch is asked.
type query struct {
	plan   *search.Plan
	groups []search.Group // that count
	places []grammar.Place
	words  object
	facets []facetGroup
	atOnce int    // how many values of all fields are counted together
	whole  bool   // documents come with their hits
	apart  bool   // the values of each field are counted for themselves
	spans  []span // of facets that are ranges, by their number in the plan
	unsure []bool // of those, which are to be counted once more
}

func (xs *Indexes) query(p *search.Plan) (*query, error) {
	q := &query{plan: p, groups: xs.grammar.Language(p.Language).Counting(p.Groups), places: xs.grammar.Places(p.Language)}
	q.atOnce = cmp.Or(xs.ValuesAtOnce, maxValues)
	q.facets, q.spans, q.unsure = facetGroups(p), xs.spans.of(p), make([]bool, len(p.Facets))
	var err error
	q.words, err = q.matching()
	return q, err
}

// body is the request. Filters stand behind the query where facets are to count without some of them.
func (q *query) body() object {
	filters := q.plan.Filters
	if len(q.facets) > 0 {
		filters = nil
	}
	body := object{
		"query": object{"function_score": object{"query": q.matched(filters), "functions": q.functions(), "score_mode": "multiply", "boost_mode": "multiply"}},
		"size":  q.plan.Limit, "track_total_hits": true, "track_scores": true, "_source": q.whole, "version": true, "sort": q.sort(),
	}
	if q.plan.Limit > 0 {
		body["size"] = q.plan.Limit + 1 // to know that there is more
	}
	if at := q.plan.After; at != nil {
		body["search_after"] = []any{q.key(at.Key), at.ID}
	}
	if len(q.facets) > 0 {
		if len(q.plan.Filters) > 0 {
			body["post_filter"] = object{"bool": object{"filter": q.listed(q.plan.Filters)}}
		}
		body["aggs"] = q.aggregations()
	}
	return body
}

// matched takes the documents that the words find and that fit filters.
func (q *query) matched(filters []search.Filter) object {
	found := object{"must": q.words, "filter": q.listed(filters)}
	if len(q.plan.Exclude) > 0 {
		found["must_not"] = object{"terms": object{fieldID: q.plan.Exclude}}
	}
	return object{"bool": found}
}

// listed are the filters of documents: one of their offers is in the market and fits, and they are among those that are listed.
func (q *query) listed(filters []search.Filter) []object {
	all := []object{{"nested": object{"path": offers, "score_mode": "none", "query": object{"bool": object{"filter": q.fits(filters)}}}}}
	if len(q.plan.Only) > 0 {
		all = append(all, object{"terms": object{fieldID: q.plan.Only}})
	}
	return all
}

// fits are the filters of an offer.
func (q *query) fits(filters []search.Filter) []object {
	all := []object{inMarket(q.plan.Market)}
	for i := range filters {
		all = append(all, fit(&filters[i]))
	}
	return all
}

// inMarket takes the offers that hold in a market: those of the country, and those of the currency where the variant has none of the country.
func inMarket(m search.Market) object {
	has := func(field string, m search.Market) object { return object{"term": object{field: marketName(m)}} }
	if m.Country == "" {
		return has(offerMarkets, m)
	}
	general := object{"bool": object{"filter": has(offerMarkets, search.Market{Currency: m.Currency}), "must_not": has(offerNot, m)}}
	return object{"bool": object{"should": []object{has(offerMarkets, m), general}}}
}

var nothing = object{"match_none": object{}}

func fit(f *search.Filter) object {
	if len(f.Any) > 0 {
		values := make([]string, len(f.Any))
		for i, v := range f.Any {
			values[i] = token(f.Field, v)
		}
		return object{"terms": object{offerValues: values}}
	}
	low, high := math.Inf(-1), math.Inf(1)
	if f.Min != nil {
		low = *f.Min
	}
	if f.Max != nil {
		high = *f.Max
	}
	if low > high || math.IsInf(low, 1) || math.IsInf(high, -1) {
		return nothing
	}
	if f.Field == search.FieldPrice {
		from, to := whole(math.Ceil(low)), whole(math.Floor(high))
		return object{"range": object{offerNumber(f.Field): object{"gte": from, "lte": to}}}
	}
	bounds := object{}
	if !math.IsInf(low, -1) {
		bounds["gte"] = low
	}
	if !math.IsInf(high, 1) {
		bounds["lte"] = high
	}
	return object{"range": object{offerNumber(f.Field): bounds}}
}

// whole is the nearest whole number of 64 bits.
func whole(f float64) int64 {
	switch {
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

// functions are what multiplies the score of the words: popularity, and the boosts.
func (q *query) functions() []object {
	all := []object{{"field_value_factor": object{"field": fieldPopular, "missing": 1}}}
	for i := range q.plan.Boosts {
		b := &q.plan.Boosts[i]
		filters := []object{}
		if len(b.IDs) > 0 {
			filters = append(filters, object{"terms": object{fieldID: b.IDs}})
		}
		if len(b.Filters) > 0 {
			filters = append(filters, object{"nested": object{"path": offers, "query": object{"bool": object{"filter": q.fits(b.Filters)}}}})
		}
		boosted := object{"filter": filters}
		if q.plan.Explain {
			boosted["_name"] = boostName(i)
		}
		all = append(all, object{"filter": object{"bool": boosted}, "weight": b.Factor})
	}
	return all
}

// boostName names a boost in what OpenSearch says of a hit.
func boostName(i int) string { return fmt.Sprintf("boost %d", i) }

// sort is the order; of equal ones the lower id comes first.
func (q *query) sort() []object {
	by := object{"_score": "desc"}
	price := func(order string) object {
		return object{offerAmount: object{"order": order, "mode": "min", "nested": object{"path": offers, "filter": inMarket(q.plan.Market)}}}
	}
	switch q.plan.Sort {
	case search.ByPriceUp:
		by = price("asc")
	case search.ByPriceDown:
		by = price("desc")
	case search.ByNewest:
		by = object{fieldPublished: "desc"}
	case search.ByRating:
		by = object{fieldRating: "desc"}
	case search.ByPopularity:
		by = object{fieldSold: "desc"}
	}
	return []object{by, {fieldID: "asc"}}
}

// key is the key of a position as the field has it that is sorted by.
func (q *query) key(key float64) any {
	switch q.plan.Sort {
	case search.ByRating:
		return key
	case search.ByRelevance, "":
		return max(-math.MaxFloat32, min(math.MaxFloat32, key))
	}
	return whole(key)
}
