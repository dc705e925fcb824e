package app

import (
	"context"
	"slices"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// steer applies the rules that hold for a listing to its query. Boosts are for scores: where the order is ours to choose, it is by them. Pins
// stand where the order is ours too, and through all pages of a list that began with them. Seen are boosts by what the reader has seen.
func (s *Shop) steer(q *search.Query, rules *search.Rules, terms *Terms, l Listing, seen []search.Boost) search.Effects {
	who, now := l.context(s.Now())
	who.Words, who.Category = q.Words, terms.path(l.Category)
	e := rules.Apply(who, now)
	if !l.ours() {
		e.Pins = nil
	}
	e.Boosts = append(e.Boosts, seen...)
	q.Steer(e)
	for i := range q.Steps {
		p := &q.Steps[i].Plan
		p.Limit += len(e.Pins) // as many of the hits may be pinned
		p.Explain = l.Explain
		if l.Sort == "" && l.After == nil && p.Sort == search.ByPopularity && len(e.Boosts) > 0 {
			p.Sort = search.ByRelevance // which without words is popularity, and boosts
		}
	}
	return e
}

// ours tells whether the order of a list is the shop's to choose, from its beginning.
func (l *Listing) ours() bool {
	if l.After != nil {
		return l.After.First > 0
	}
	return l.Sort == "" || l.Sort == search.ByRelevance
}

// path returns the codes of a category and those above it, root first.
func (t *Terms) path(category string) (codes []string) {
	if category == "" {
		return nil
	}
	if c, known := t.Categories[category]; known {
		category = c.Value
	}
	for category != "" && !slices.Contains(codes, category) { // two that say that they are below each other are none to go round in
		codes = append(codes, category)
		category = t.Parents[category]
	}
	slices.Reverse(codes)
	return codes
}

// pinned finds those of the pinned products that a plan finds.
func pinned(ctx context.Context, live Index, plan search.Plan, pins []search.Pin) (all []search.Pinned, err error) {
	if len(pins) == 0 {
		return nil, nil
	}
	plan.Only, plan.After, plan.Facets, plan.Limit = nil, nil, nil, len(pins)
	for _, p := range pins {
		plan.Only = append(plan.Only, p.Product)
	}
	found, err := live.Search(ctx, plan)
	if err != nil {
		return nil, err
	}
	for _, p := range pins {
		if i := slices.IndexFunc(found.Hits, func(h search.Hit) bool { return h.Document.ID == p.Product }); i >= 0 {
			all = append(all, search.Pinned{Position: p.Position, Hit: found.Hits[i]})
		}
	}
	return all, nil
}

// weave makes a page of what a step has found and what is pinned, and returns where the next one begins; nil: it is the last.
func weave(found search.Found, pinned []search.Pinned, pins []search.Pin, l Listing) (page []search.Hit, next *Position) {
	first, last := 0, search.Position{}
	switch {
	case l.After != nil:
		first, last = l.After.First, l.After.Position
	case l.ours():
		first = 1
	}
	hits := slices.DeleteFunc(slices.Clone(found.Hits), func(h search.Hit) bool {
		return slices.ContainsFunc(pins, func(p search.Pin) bool { return p.Product == h.Document.ID })
	})
	total := found.Total - len(pinned)
	page, taken := search.Weave(hits, pinned, total, max(first, 1), l.Limit)
	if taken > 0 {
		last = hits[taken-1].Position
	}
	more := taken < len(hits) || found.More
	for i, p := range pinned {
		more = more || first > 0 && min(p.Position, total+i+1) >= first+len(page)
	}
	if !more {
		return page, nil
	}
	next = &Position{Position: last}
	if first > 0 {
		next.First = first + len(page)
	}
	return page, next
}
