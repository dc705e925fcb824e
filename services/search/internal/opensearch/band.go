package opensearch

import (
	"context"
	"errors"
	"fmt"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// offerNumber is the field that has the numbers of one.
func offerNumber(field string) string {
	if field == search.FieldPrice {
		return offerAmount
	}
	return offerNumbers + "." + numberField(field)
}

// ranges counts the products of which an offer has a number of a field in one of some parts, from the lower bound on and below the upper one.
func ranges(field string, parts []object) object {
	return object{"range": object{"field": offerNumber(field), "ranges": parts}, "aggs": counted}
}

// cells are the parts between the edges of a field, those of a span.
func cells(field string, in span) []object {
	edges := search.Edges(field)
	parts := make([]object, len(edges)+1)
	for i := range parts {
		parts[i] = object{}
		if i > 0 {
			parts[i]["from"] = edges[i-1]
		}
		if i < len(edges) {
			parts[i]["to"] = edges[i]
		}
	}
	return parts[in.first : in.last+1]
}

// bands makes those of what was counted by cell. A product with numbers in two cells of a band is counted twice in it: where there is one, each
// count is toCount. errBeyond where there is more than was counted.
func bands(f *search.Facet, name string, in span, variants level) ([]search.Band, error) {
	if is := spanOf(f); is.first < in.first || is.last > in.last {
		return nil, errBeyond
	}
	var by tokens
	var all struct {
		Products struct {
			Count int `json:"doc_count"`
		}
	}
	if err := errors.Join(variants.read("cells "+name, &by), variants.read("all "+name, &all)); err != nil {
		return nil, err
	}
	products, sum := make([]int, len(search.Edges(f.Field))+1), 0
	for i, b := range by.Buckets {
		products[in.first+i] = b.Products.Count
		sum += b.Products.Count
	}
	out := banded(f.Field, products)
	if sum != all.Products.Count {
		for i := range out {
			out[i].Count = toCount
		}
	}
	return out, nil
}

// banded makes bands of products that were counted by cell; none where there are too few.
func banded(field string, products []int) []search.Band {
	begins := search.Begin(field, products)
	out := search.Bands(field, begins)
	if len(out) == 0 {
		return nil
	}
	for cell, n := range products {
		out[search.BandOf(begins, cell)].Count += n
	}
	return out
}

// toCount stands for a count that is to be asked for.
const toCount = -1

// numbers adds what is asked for of a range.
func (q *query) numbers(to object, at int) {
	field, name := q.plan.Facets[at].Field, fmt.Sprint(at)
	numbers := object{"field": offerNumber(field)}
	to["bounds "+name] = object{"stats": numbers}
	if in := q.spans[at]; in != nowhere {
		to["all "+name] = object{"filter": object{"exists": numbers}, "aggs": counted}
		to["cells "+name] = ranges(field, cells(field, in))
	}
}

// renumber asks for ranges whose numbers are of variants.
func (x *Index) renumber(ctx context.Context, q *query, facets []search.Facet) error {
	return x.more(ctx, q, func(to object, at int) {
		if q.unsure[at] {
			q.numbers(to, at)
		}
	}, func(variants level, at int) (err error) {
		if q.unsure[at] {
			facets[at], err = facet(&q.plan.Facets[at], fmt.Sprint(at), q.spans[at], level{}, variants)
		}
		return err
	})
}

// recount counts the bands that products may be in twice.
func (x *Index) recount(ctx context.Context, q *query, facets []search.Facet) error {
	twice := func(at int) bool { return len(facets[at].Bands) > 0 && facets[at].Bands[0].Count == toCount }
	return x.more(ctx, q, func(to object, at int) {
		if twice(at) {
			to["cells "+fmt.Sprint(at)] = ranges(facets[at].Field, parts(facets[at].Bands))
		}
	}, func(variants level, at int) error {
		if !twice(at) {
			return nil
		}
		var by tokens
		err := variants.read("cells "+fmt.Sprint(at), &by)
		for n := range by.Buckets {
			facets[at].Bands[n].Count = by.Buckets[n].Products.Count
		}
		return err
	})
}

// more asks for more of some facets, if there are any: add says what is asked of the offers, and read is given what was answered.
func (x *Index) more(ctx context.Context, q *query, add func(to object, at int), read func(variants level, at int) error) error {
	all := object{}
	for i := range q.facets {
		variants := object{}
		for _, at := range q.facets[i].asks {
			add(variants, at)
		}
		if len(variants) > 0 {
			all[fmt.Sprint(i)] = q.among(q.facets[i].filters(q.plan), object{}, variants)
		}
	}
	if len(all) == 0 {
		return nil
	}
	a, err := x.search(ctx, object{"query": q.matched(nil), "size": 0, "aggs": all})
	if err != nil {
		return err
	}
	for i := range q.facets {
		if all[fmt.Sprint(i)] == nil {
			continue
		}
		var documents, of, variants level
		if err := errors.Join(a.Aggregations.read(fmt.Sprint(i), &documents), documents.read(ofVariants, &of), of.read(fitting, &variants)); err != nil {
			return fmt.Errorf("read bands: %w", err)
		}
		for _, at := range q.facets[i].asks {
			if err := read(variants, at); err != nil {
				return fmt.Errorf("read bands: %w", err)
			}
		}
	}
	return nil
}

// parts are those of bands: each goes on to where the next one begins.
func parts(bands []search.Band) []object {
	all := make([]object, len(bands))
	for i, b := range bands {
		all[i] = object{}
		if b.Min != nil {
			all[i]["from"] = *b.Min
		}
		if i+1 < len(bands) {
			all[i]["to"] = *bands[i+1].Min
		}
	}
	return all
}
