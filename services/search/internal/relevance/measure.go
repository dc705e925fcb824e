package relevance

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Deep is how many hits are looked at.
const Deep = 10

// Engine finds products for what is typed.
type Engine interface {
	// Search returns the ids of the best Deep products.
	Search(ctx context.Context, text, language string) ([]string, error)
}

// Result is what an engine made of a query.
type Result struct {
	*Query
	NDCG  float64
	Found []*Product
}

// Results are those of a set.
type Results []Result

// Measure asks an engine all queries of a set.
func Measure(ctx context.Context, e Engine, set []Query, products []*Product) (all Results, err error) {
	byID := make(map[string]*Product, len(products))
	for _, p := range products {
		byID[p.ID] = p
	}
	for i := range set {
		q := &set[i]
		ids, err := e.Search(ctx, q.Text, q.Language)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", q.Text, err)
		}
		r := Result{Query: q}
		got := make([]int, len(ids))
		for n, id := range ids {
			r.Found = append(r.Found, byID[id])
			got[n] = q.Worth(byID[id])
		}
		ideal := make([]int, len(products))
		for n, p := range products {
			ideal[n] = q.Worth(p)
		}
		slices.SortFunc(ideal, func(a, b int) int { return b - a })
		r.NDCG = gain(got) / gain(ideal)
		all = append(all, r)
	}
	return all, nil
}

// gain is the discounted cumulative gain of the first Deep, with 2^worth-1 each.
func gain(worth []int) (sum float64) {
	for i, w := range worth[:min(len(worth), Deep)] {
		sum += (math.Exp2(float64(w)) - 1) / math.Log2(float64(i)+2)
	}
	return sum
}

// Only are those whose query passes.
func (rs Results) Only(passes func(*Query) bool) (some Results) {
	for _, r := range rs {
		if passes(r.Query) {
			some = append(some, r)
		}
	}
	return some
}

// NDCG is the mean of all queries.
func (rs Results) NDCG() (mean float64) {
	for _, r := range rs {
		mean += r.NDCG / float64(len(rs))
	}
	return mean
}

// Nothing is the share of the queries that find nothing.
func (rs Results) Nothing() (share float64) {
	for _, r := range rs {
		if len(r.Found) == 0 {
			share += 1 / float64(len(rs))
		}
	}
	return share
}

// The floors, of each set: a change by which the search falls below one is a step back. They stand a little below what was measured.
const (
	leastNDCG    = 0.88
	leastHeldOut = 0.84
	leastBetter  = 0.15 // than the engine by itself
	mostNothing  = 0.02
)

// HeldOut are those of the queries that were not looked at.
func (rs Results) HeldOut() Results { return rs.Only(func(q *Query) bool { return q.HeldOut }) }

// Enough says which floors these fall below, beside what the engine finds by itself.
func (rs Results) Enough(plain Results) error {
	var all []error
	for _, f := range []struct {
		what       string
		got, floor float64
	}{
		{"NDCG@10", rs.NDCG(), leastNDCG},
		{"NDCG@10 of what is held out", rs.HeldOut().NDCG(), leastHeldOut},
		{"what NDCG@10 is better by than the engine by itself", rs.NDCG() - plain.NDCG(), leastBetter},
		{"the share of queries that find something", 1 - rs.Nothing(), 1 - mostNothing},
	} {
		if f.got < f.floor {
			all = append(all, fmt.Errorf("%s is %.3f, less than %.3f", f.what, f.got, f.floor))
		}
	}
	return errors.Join(all...)
}
