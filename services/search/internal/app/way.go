package app

import (
	"context"
	"slices"

	"github.com/sidecart/sidecart/pkg/fault"
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

// ErrStep says that a list went by a step of its query that there is not any more: its words have other meanings now.
var ErrStep = fault.New(fault.Invalid, "validation-failed", "query.cursor: is of a list that has changed since").
	WithField("query.cursor", "is of a list that has changed since", nil)

// perform performs a query by the first of its steps that finds more than a few, and else by the one that finds most. What has all words comes
// first there. Few are enough where the order is not by relevance, and of what is called by its number. A page that is not the first goes on
// by the step of the first, else ErrStep; nil: the query finds nothing in any way. What is chosen does not move the step (chosen).
func (s *Shop) perform(ctx context.Context, live Index, q *search.Query, l Listing) (*way, error) {
	switch {
	case l.After != nil && l.After.Step >= len(q.Steps):
		return nil, ErrStep
	case l.After != nil:
		return take(ctx, live, q, l.After.Step, nil)
	case len(q.Steps) == 0:
		return nil, nil
	}
	best, err := take(ctx, live, q, 0, nil)
	if err == nil && len(q.Steps) > 1 && len(best.step.Plan.Filters) > 0 && !enough(q, best) {
		return chosen(ctx, live, q, best)
	}
	all := best // the last one that wants all of its words
	for n := 1; err == nil && n < len(q.Steps) && !enough(q, best); n++ {
		var wider *way
		if wider, err = take(ctx, live, q, n, all); err != nil {
			break
		}
		if wider.step.Plan.AtLeast == 0 {
			all = wider
		}
		if wider.found.Total > best.found.Total {
			best = wider
		}
	}
	if err == nil && best.n > 0 && len(best.step.Plan.Facets) > 0 {
		best.found.Facets, err = facetsOf(ctx, live, best.step.Plan)
	}
	return best, err
}

func enough(q *search.Query, w *way) bool {
	return w.found.Total >= few || w.found.Total > 0 && (q.Name || w.step.Plan.Sort != search.ByRelevance || dated(q, w))
}

// dated tells whether products have words that no product has, as the dictionary says, which is older than they are: then nobody is to be told that
// these words were left out.
func dated(q *search.Query, w *way) bool {
	return slices.ContainsFunc(q.Steps, func(s search.Step) bool { return len(s.LeftOut) > len(w.step.LeftOut) })
}

// chosen goes on from the first step of a query of which something is chosen: by the step that would be taken if nothing was, so that a choice finds
// as many as its facet says, and where that finds nothing by the next one that does.
func chosen(ctx context.Context, live Index, q *search.Query, first *way) (*way, error) {
	n, most := 0, 0
	for i := range q.Steps {
		plan := q.Steps[i].Plan
		plan.Filters, plan.Facets, plan.Limit, plan.Boosts, plan.Explain = nil, nil, 0, nil, false
		found, err := live.Search(ctx, plan)
		if err != nil {
			return nil, err
		}
		if found.Total > most {
			n, most = i, found.Total
		}
		if enough(q, &way{step: &q.Steps[i], found: found}) {
			break
		}
	}
	if n == 0 && first.found.Total > 0 {
		return first, nil
	}
	for n = max(n, 1); n < len(q.Steps); n++ {
		if w, err := take(ctx, live, q, n, nil); err != nil || w.found.Total > 0 {
			return w, err
		}
	}
	return first, nil
}

// take takes a step of a query. all is what the last step before it found that wants all of its words; nil: it was not taken, because the page goes
// on. Facets are not asked for after such a step: only those of the best are needed.
func take(ctx context.Context, live Index, q *search.Query, n int, all *way) (w *way, err error) {
	w = &way{n: n, step: &q.Steps[n]}
	plan := w.step.Plan
	if all != nil {
		plan.Facets = nil
	}
	if plan.AtLeast > 0 && plan.Sort == search.ByRelevance {
		found, err := complete(ctx, live, allWords(q.Steps[:n]), all)
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

// complete returns the first few that have all words: of what was found already, where that is as many.
func complete(ctx context.Context, live Index, plan search.Plan, all *way) (search.Found, error) {
	if all != nil && len(all.found.Hits) >= min(all.found.Total, few) {
		found := all.found
		found.Hits = found.Hits[:min(len(found.Hits), few)]
		return found, nil
	}
	plan.Limit, plan.Facets, plan.After, plan.Explain = few, nil, nil, false
	return live.Search(ctx, plan)
}

// facetsOf asks for the facets of a plan alone.
func facetsOf(ctx context.Context, live Index, plan search.Plan) ([]search.Facet, error) {
	plan.Limit, plan.After, plan.Boosts, plan.Explain = 0, nil, nil, false
	found, err := live.Search(ctx, plan)
	return found.Facets, err
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
