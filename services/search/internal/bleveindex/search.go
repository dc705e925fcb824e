package bleveindex

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// query is one performance of a plan on a snapshot.
type query struct {
	*snapshot
	plan    *search.Plan
	groups  []search.Group // that count
	places  []place
	filters filters
	facets  facets
	boosts  []boost
	exclude map[int32]bool
	*scratch

	total int
	kept  []entry // of the page, and up to twice as many
	worst *entry  // that stays on the page, once it is full
}

// scratch is memory that searches use one after the other.
type scratch struct {
	matches
	fits, boosted []int8
}

// entry is a document that was found. The higher rank comes first, of equal ones the lower id.
type entry struct {
	rank float64
	slot int32
}

// search performs a plan.
func (s *snapshot) search(ctx context.Context, p *search.Plan, use *scratch) (search.Found, error) {
	q := &query{snapshot: s, plan: p, filters: s.columns.filters(p.Filters), exclude: s.slots(p.Exclude), scratch: use}
	q.facets = s.columns.facets(p.Facets, &q.filters)
	q.places = s.index.grammar.places(p.Language)
	q.groups = counting(p.Groups, s.index.grammar.language(p.Language))
	for _, b := range p.Boosts {
		q.boosts = append(q.boosts, boost{s.columns.filters(b.Filters), s.slots(b.IDs), b.Factor, b.Why})
	}
	if len(q.groups) > 0 {
		if err := s.match(ctx, &use.matches, q.groups, q.places, p.AtLeast); err != nil {
			return search.Found{}, err
		}
	}
	if err := q.candidates(ctx); err != nil {
		return search.Found{}, err
	}
	return q.answer(), nil
}

// candidates looks at every document that may be found.
func (q *query) candidates(ctx context.Context) error {
	n, each := len(q.rows), func(i int) int32 { return int32(i) }
	switch {
	case len(q.plan.Only) > 0:
		only := make([]int32, 0, len(q.plan.Only))
		for slot := range q.slots(q.plan.Only) {
			only = append(only, slot)
		}
		n, each = len(only), func(i int) int32 { return only[i] }
	case len(q.groups) > 0:
		n, each = len(q.matches.slots), func(i int) int32 { return q.matches.slots[i] }
	case len(q.plan.Groups) > 0:
		return nil // nothing but stop words
	}
	for i := range n {
		if i%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		slot := each(i)
		r := q.rows[slot]
		if r == nil || q.exclude[slot] || len(q.plan.Groups) > 0 && (len(q.groups) == 0 || q.found[slot] < q.need) {
			continue
		}
		if p := r.in(q.plan.Market); p != nil {
			q.look(slot, r, p)
		}
	}
	return nil
}

// look counts a document, and keeps it if it belongs on the page.
func (q *query) look(slot int32, r *row, p *prices) {
	q.fits = q.filters.variants(r, p, q.fits)
	if len(q.facets.all) > 0 {
		q.facets.count(slot, r, p, q.fits)
	}
	if !slices.Contains(q.fits, fitsAll) {
		return
	}
	q.total++
	if q.plan.Limit == 0 {
		return
	}
	e := entry{q.rank(slot, r, p), slot}
	if q.after(e) && (q.worst == nil || q.compare(e, *q.worst) < 0) {
		q.keep(e)
	}
}

// keep adds an entry, and drops those that have fallen off the page. One more than the page is kept, to know that there is more.
func (q *query) keep(e entry) {
	q.kept = append(q.kept, e)
	if len(q.kept) >= 2*(q.plan.Limit+1) {
		q.sort()
	}
}

func (q *query) sort() {
	slices.SortFunc(q.kept, q.compare)
	if n := q.plan.Limit + 1; len(q.kept) >= n {
		q.kept = q.kept[:n]
		q.worst = &entry{q.kept[n-1].rank, q.kept[n-1].slot}
	}
}

func (q *query) compare(a, b entry) int {
	if c := cmp.Compare(b.rank, a.rank); c != 0 {
		return c
	}
	return strings.Compare(q.id(a.slot), q.id(b.slot))
}

func (q *query) id(slot int32) string { return q.rows[slot].document.ID }

// after tells whether an entry comes after the position at which the page begins.
func (q *query) after(e entry) bool {
	at := q.plan.After
	if at == nil {
		return true
	}
	rank := at.Key
	if q.plan.Sort == search.ByPriceUp {
		rank = -rank
	}
	return e.rank < rank || e.rank == rank && q.id(e.slot) > at.ID
}

// rank is what the order compares: the key of a position, turned round where the lower one comes first.
func (q *query) rank(slot int32, r *row, p *prices) float64 {
	switch q.plan.Sort {
	case search.ByPriceUp:
		return -float64(p.best)
	case search.ByPriceDown:
		return float64(p.best)
	case search.ByNewest:
		return float64(r.document.Published.UnixMicro())
	case search.ByRating:
		return r.document.Rating
	case search.ByPopularity:
		return float64(r.document.Popularity)
	}
	return q.score(slot, r, p)
}

// score is what a document counts; the reasons of explain say the same.
func (q *query) score(slot int32, r *row, p *prices) float64 {
	score := 1.0
	if len(q.groups) > 0 {
		score = q.sum[slot]
	}
	score *= r.popular
	for i := range q.boosts {
		if q.boosts[i].fits(slot, r, p, &q.boosted) {
			score *= q.boosts[i].factor
		}
	}
	return score
}

func (q *query) answer() search.Found {
	q.sort()
	out := search.Found{Total: q.total, Facets: q.facets.answer(&q.columns, q.plan.Facets), More: len(q.kept) > q.plan.Limit}
	kept := q.kept[:min(len(q.kept), q.plan.Limit)]
	out.Hits = make([]search.Hit, len(kept))
	for i, e := range kept {
		r := q.rows[e.slot]
		p := r.in(q.plan.Market)
		key := e.rank
		if q.plan.Sort == search.ByPriceUp {
			key = -key
		}
		h := search.Hit{Document: r.document, Position: search.Position{Key: key, ID: r.document.ID}, Score: q.score(e.slot, r, p)}
		if q.plan.Explain {
			h.Reasons = q.explain(e.slot, r, p)
		}
		out.Hits[i] = h
	}
	return out
}

// explain says of what a score is made: what each group adds, and what multiplies the sum.
func (q *query) explain(slot int32, r *row, p *prices) []search.Reason {
	var out []search.Reason
	for g := range q.groups {
		if reason, found := q.because(&q.groups[g], r); found {
			out = append(out, reason)
		}
	}
	out = append(out, search.Reason{Rule: search.RulePopularity, Amount: r.popular})
	for i := range q.boosts {
		if q.boosts[i].fits(slot, r, p, &q.boosted) {
			out = append(out, search.Reason{Rule: q.boosts[i].why, Amount: q.boosts[i].factor})
		}
	}
	return out
}

// because says where the best alternative of a group is found.
func (q *query) because(g *search.Group, r *row) (best search.Reason, found bool) {
	for a := range g.Any {
		for i := range q.places {
			p := &q.places[i]
			pattern, ok := p.pattern(&g.Any[a])
			amount := g.Weight * g.Any[a].Weight * p.weight
			if ok && p.reads(r.document) && (!found || amount > best.Amount) && pattern.in(p.in, p.text(r.document)) {
				best, found = search.Reason{Word: strings.Join(g.Any[a].Words, " "), Field: p.name, Amount: amount}, true
			}
		}
	}
	return best, found
}
