package app

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// ErrProductNotFound says that a product is not, and was never, in the shop.
var ErrProductNotFound = fault.New(fault.NotFound, "product-not-found", "There is no such product.")

// Past finds products that are or were in the shop by their ids or slugs, as they were told last, in no order.
type Past interface {
	Products(ctx context.Context, ids, slugs []string) ([]search.Product, error)
}

// documents are those of products by their ids or slugs, in this order. One that is not in the shop any more has no prices.
func (s *Shop) documents(ctx context.Context, live Index, names []string) ([]*search.Document, error) {
	by := map[string]*search.Document{}
	lacking := func() (ids, slugs []string) {
		for _, name := range names {
			switch {
			case by[name] != nil:
			case uuid.Validate(name) == nil && len(name) == 36:
				ids = append(ids, name)
			default:
				slugs = append(slugs, name)
			}
		}
		return ids, slugs
	}
	have := func(ids []string) error {
		found, err := live.Documents(ctx, ids)
		for _, d := range found {
			by[d.ID], by[d.Slug] = d, d
		}
		return err
	}
	ids, _ := lacking()
	if err := have(ids); err != nil {
		return nil, err
	}
	var err error
	if ids, slugs := lacking(); len(ids)+len(slugs) > 0 {
		var past []search.Product
		past, err = s.Past.Products(ctx, ids, slugs)
		ids = nil
		for i := range past {
			d := search.NewDocument(&search.Source{Product: past[i]}, s.Language, s.Now())
			by[d.ID], by[d.Slug] = d, d
			ids = append(ids, d.ID)
		}
		if here := have(ids); err == nil {
			err = here
		}
	}
	var all []*search.Document
	for _, name := range names {
		if d := by[name]; d != nil {
			all = append(all, d)
		}
	}
	return all, err
}

// seenPatience is how long a listing waits for what was seen: it is shown without as well.
const seenPatience = 300 * time.Millisecond

// looked are the boosts by what a visit has seen, once they were looked up.
type looked struct {
	up     bool
	boosts []search.Boost
}

// seen are the boosts by what a visit has seen, where the order of a list is the shop's. What cannot be found out is unknown.
func (s *Shop) seen(ctx context.Context, live Index, l Listing, looked *looked) []search.Boost {
	if len(l.Seen) == 0 || !l.byRelevance() {
		return nil
	}
	if !looked.up {
		ctx, cancel := context.WithTimeout(ctx, seenPatience)
		defer cancel()
		seen, _ := s.documents(ctx, live, l.Seen)
		looked.boosts, looked.up = search.Like(seen), true
	}
	return looked.boosts
}

// byRelevance tells whether scores make the order of a list, or may make it.
func (l *Listing) byRelevance() bool {
	if l.After != nil {
		return l.After.Sort == search.ByRelevance
	}
	return l.Sort == "" || l.Sort == search.ByRelevance
}

// Similar lists products that are similar to one, by its id or slug: of its category, what can be had first. ErrProductNotFound.
func (s *Shop) Similar(ctx context.Context, v Visit, name string, limit int) (*Listed, error) {
	terms, steering, live, err := s.ready(ctx)
	if err != nil {
		return nil, err
	}
	one, err := s.documents(ctx, live, []string{name})
	if err != nil {
		return nil, err
	}
	if len(one) == 0 {
		return nil, ErrProductNotFound
	}
	out := &Listed{Language: s.Language}
	filters, boosts := search.Similar(one[0], v.Market)
	if len(filters) == 0 {
		return out, nil
	}
	plan := search.Plan{Market: v.Market, Language: cmp.Or(v.Language, s.Language), Filters: filters, Boosts: boosts, Exclude: []string{one[0].ID}, Sort: search.ByRelevance, Limit: limit, Now: s.Now()}
	who, now := v.context(s.Now())
	who.Category = terms.path(filters[0].Any[0])
	for _, h := range steering.Rules.Apply(who, now).Hidden {
		plan.Exclude = append(plan.Exclude, h.Product)
	}
	found, err := live.Search(ctx, plan)
	if err != nil {
		return nil, err
	}
	out.Total = found.Total
	s.put(out, terms, v.Locale, found.Hits)
	return out, nil
}
