package bleveindex

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/sidecart/sidecart/services/search/internal/grammar"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// query is one performance of a plan on a snapshot.
type query struct {
	*snapshot
	plan    *search.Plan
	groups  []search.Group // that count
	places  []grammar.Place
	filters filters
	facets  []*facet
	boosts  []boost
	*scratch

	total int
	kept  []entry // of the page, and up to twice as many
	worst *entry  // that stays on the page, once it is full
}

// scratch is memory that searches use one after the other.
type scratch struct {
	matches
	marks             []uint8 // by slot: what the plan says of ids
	here              []int32 // slots of the present block that may be found
	scores            []float64
	product           []uint64 // by the order of slots
	variants, boosted []uint64 // by variant
}

const (
	excluded uint8 = 1 << iota
	only
)

// entry is a document that was found. The higher rank comes first, of equal ones the lower id.
type entry struct {
	rank, score float64
	slot        int32
}

// search performs a plan.
func (s *snapshot) search(ctx context.Context, p *search.Plan, use *scratch) (search.Found, error) {
	q := &query{snapshot: s, plan: p, filters: s.columns.filters(p.Filters), scratch: use}
	q.facets = s.columns.facets(p.Facets, &q.filters)
	q.places = s.index.grammar.Places(p.Language)
	q.groups = s.index.grammar.Language(p.Language).Counting(p.Groups)
	for _, b := range p.Boosts {
		q.boosts = append(q.boosts, boost{s.columns.filters(b.Filters), s.slotsOf(b.IDs), b.Factor, b.Why})
	}
	if len(p.Groups) > 0 && len(q.groups) == 0 {
		return q.answer(), nil // nothing but stop words
	}
	if err := s.match(ctx, &use.matches, q.groups, placesOf(q.places), p.AtLeast); err != nil {
		return search.Found{}, err
	}
	excludes, onlies := s.slotsOf(p.Exclude), s.slotsOf(p.Only)
	use.mark(len(s.blocks)*blockSize, excludes, excluded)
	use.mark(len(s.blocks)*blockSize, onlies, only)
	defer use.unmark(excludes, onlies)
	for i, b := range s.blocks {
		if err := ctx.Err(); err != nil {
			return search.Found{}, err
		}
		if m := b.market(p.Market); m != nil {
			q.block(b, m, int32(i*blockSize))
		}
	}
	return q.answer(), nil
}

// block looks at the products of a block: those that the words find, and that the plan lists.
func (q *query) block(b *block, m *market, base int32) {
	want := uint8(0)
	if len(q.plan.Only) > 0 {
		want = only
	}
	q.here = q.here[:0]
	for slot, r := range b.rows {
		if at := int(base) + slot; r != nil && q.found[at] >= q.need && q.marks[at] == want {
			q.here = append(q.here, int32(slot))
		}
	}
	if len(q.here) == 0 {
		return
	}
	variants := int(b.first[len(b.rows)])
	q.variants, q.boosted = room(q.variants, variants), room(q.boosted, variants)
	q.product, q.scores = room(q.product, len(q.here)), room(q.scores, len(q.here))
	q.filters.fits(b, m, q.here, q.variants)
	for i, slot := range q.here {
		q.product[i] = together(b, slot, q.variants)
	}
	for _, f := range q.facets {
		if f != nil {
			f.count(b, m, base, q.here, q.product, q.variants)
		}
	}
	if byScore := q.plan.Sort == "" || q.plan.Sort == search.ByRelevance; byScore {
		q.score(b, m, base, q.here, q.scores)
	}
	for i, slot := range q.here {
		if q.product[i]&fitsAll != 0 {
			q.total++
			q.consider(entry{q.rank(b, m, slot, q.scores[i]), q.scores[i], base + slot})
		}
	}
}

// room returns a slice of n, in the memory of another one where it is long enough.
func room[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// score sets what products count; the reasons of explain say the same.
func (q *query) score(b *block, m *market, base int32, slots []int32, scores []float64) {
	for i, slot := range slots {
		scores[i] = b.popular[slot]
		if len(q.groups) > 0 {
			scores[i] *= q.sum[base+slot]
		}
	}
	for o := range q.boosts {
		boost := &q.boosts[o]
		boost.filters.fits(b, m, slots, q.boosted)
		for i, slot := range slots {
			if boost.fits(b, base, slot, q.boosted) {
				scores[i] *= boost.factor
			}
		}
	}
}

// rank is what the order compares: the key of a position, turned round where the lower one comes first.
func (q *query) rank(b *block, m *market, slot int32, score float64) float64 {
	switch q.plan.Sort {
	case search.ByPriceUp:
		return -float64(m.best[slot])
	case search.ByPriceDown:
		return float64(m.best[slot])
	case search.ByNewest:
		return b.published[slot]
	case search.ByRating:
		return b.rating[slot]
	case search.ByPopularity:
		return b.sold[slot]
	}
	return score
}

// consider keeps an entry if it belongs on the page. One more than the page is kept, to know that there is more.
func (q *query) consider(e entry) {
	if q.plan.Limit == 0 || q.worst != nil && q.compare(e, *q.worst) >= 0 || !q.after(e) {
		return
	}
	q.kept = append(q.kept, e)
	if len(q.kept) >= 2*(q.plan.Limit+1) {
		q.sort()
	}
}

// sort drops the entries that have fallen off the page.
func (q *query) sort() {
	slices.SortFunc(q.kept, q.compare)
	if n := q.plan.Limit + 1; len(q.kept) >= n {
		q.kept = q.kept[:n]
		worst := q.kept[n-1]
		q.worst = &worst
	}
}

func (q *query) compare(a, b entry) int {
	if c := cmp.Compare(b.rank, a.rank); c != 0 {
		return c
	}
	return strings.Compare(q.at(a.slot).document.ID, q.at(b.slot).document.ID)
}

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
	return e.rank < rank || e.rank == rank && q.at(e.slot).document.ID > at.ID
}

func (q *query) answer() search.Found {
	q.sort()
	out := search.Found{Total: q.total, Facets: make([]search.Facet, len(q.facets)), More: len(q.kept) > q.plan.Limit}
	for i, f := range q.facets {
		out.Facets[i] = f.answer(&q.columns, q.plan.Facets[i])
	}
	kept := q.kept[:min(len(q.kept), q.plan.Limit)]
	out.Hits = make([]search.Hit, len(kept))
	for i, e := range kept {
		out.Hits[i] = q.hit(e)
	}
	return out
}

func (q *query) hit(e entry) search.Hit {
	r, b, base := q.at(e.slot), q.blocks[e.slot/blockSize], e.slot/blockSize*blockSize
	slots, m := []int32{e.slot - base}, b.market(q.plan.Market)
	q.variants, q.boosted = room(q.variants, int(b.first[len(b.rows)])), room(q.boosted, int(b.first[len(b.rows)]))
	key := e.rank
	switch q.plan.Sort {
	case search.ByPriceUp:
		key = -key
		fallthrough
	case search.ByPriceDown, search.ByNewest, search.ByRating, search.ByPopularity:
		score := []float64{0}
		q.score(b, m, base, slots, score)
		e.score = score[0]
	}
	h := search.Hit{Document: r.document, Position: search.Position{Key: key, ID: r.document.ID}, Score: e.score}
	if q.plan.Explain {
		h.Reasons = q.explain(b, m, base, slots, r)
	}
	return h
}

// explain says of what a score is made: what each group adds, and what multiplies the sum.
func (q *query) explain(b *block, m *market, base int32, slots []int32, r *row) []search.Reason {
	var out []search.Reason
	for g := range q.groups {
		if reason, found := grammar.Because(&q.groups[g], q.places, r.document); found {
			out = append(out, reason)
		}
	}
	out = append(out, search.Reason{Rule: search.RulePopularity, Amount: search.Popular(r.document.Popularity)})
	for i := range q.boosts {
		boost := &q.boosts[i]
		if boost.filters.fits(b, m, slots, q.boosted); boost.fits(b, base, slots[0], q.boosted) {
			out = append(out, search.Reason{Rule: boost.why, Amount: boost.factor})
		}
	}
	return out
}

// mark notes what the plan says of products.
func (s *scratch) mark(n int, slots map[int32]bool, mark uint8) {
	if len(s.marks) < n {
		s.marks = append(s.marks, make([]uint8, n-len(s.marks))...)
	}
	for slot := range slots {
		s.marks[slot] |= mark
	}
}

func (s *scratch) unmark(all ...map[int32]bool) {
	for _, slots := range all {
		for slot := range slots {
			s.marks[slot] = 0
		}
	}
}
