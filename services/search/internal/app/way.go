package app

import (
	"context"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// few is how many products leave room on a page: where no more have all words, those that have most of them follow.
const few = 8

// way is how a query is performed, and what that has found.
type way struct {
	n        int // of the step
	step     *search.Step
	found    search.Found
	complete int // how many of them have all words that are looked for
}

// heard is how many products are what was asked for: none where words had to be left out.
func (w *way) heard() int {
	if w.step.LeftOut != nil {
		return 0
	}
	return w.complete
}

// perform performs a query by the first of its steps that finds more than a few, and else by the one that finds most. What has all words comes
// first there. Few are enough where the order is not by relevance, and of what is called by its number. A page that is not the first goes on
// by the step of the first; nil: the query has no such step any more.
func (s *Shop) perform(ctx context.Context, live Index, q *search.Query, l Listing) (*way, error) {
	n := 0
	if l.After != nil {
		n = l.After.Step
	}
	if n >= len(q.Steps) {
		return nil, nil
	}
	best, err := s.take(ctx, live, q, n)
	for err == nil && l.After == nil && n < len(q.Steps)-1 && !enough(q, best) {
		n++
		var wider *way
		if wider, err = s.take(ctx, live, q, n); err == nil && wider.found.Total > best.found.Total {
			best = wider
		}
	}
	return best, err
}

func enough(q *search.Query, w *way) bool {
	return w.found.Total >= few || w.found.Total > 0 && (q.Name || w.step.Plan.Sort != search.ByRelevance)
}

// take takes a step of a query.
func (s *Shop) take(ctx context.Context, live Index, q *search.Query, n int) (w *way, err error) {
	w = &way{n: n, step: &q.Steps[n]}
	plan := w.step.Plan
	if plan.AtLeast > 0 && plan.Sort == search.ByRelevance {
		all := allWords(q.Steps[:n])
		all.Limit, all.Facets, all.After, all.Explain = few, nil, nil, false
		found, err := live.Search(ctx, all)
		if err != nil {
			return nil, err
		}
		w.complete = found.Total
		first := search.Boost{Factor: search.Complete, Why: search.RuleComplete}
		for _, h := range found.Hits {
			first.IDs = append(first.IDs, h.Document.ID)
		}
		if len(first.IDs) > 0 {
			plan.Boosts = append(plan.Boosts[:len(plan.Boosts):len(plan.Boosts)], first)
		}
	}
	if w.found, err = live.Search(ctx, plan); err == nil && plan.AtLeast == 0 {
		w.complete = w.found.Total
	}
	return w, err
}

// allWords is the plan of the last step that wants all of its words; the first does.
func allWords(steps []search.Step) (p search.Plan) {
	for i := range steps {
		if steps[i].Plan.AtLeast == 0 {
			p = steps[i].Plan
		}
	}
	return p
}
