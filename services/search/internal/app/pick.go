package app

import (
	"cmp"
	"context"
	"slices"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// pick lists products by their ids, in that order, each once; those that are not listed in the market are left out. Rules have no part in it:
// somebody knows what they want to see.
func (s *Shop) pick(ctx context.Context, l Listing) (*Listed, error) {
	terms, _, live, err := s.ready(ctx)
	if err != nil {
		return nil, err
	}
	found, err := live.Search(ctx, search.Plan{Market: l.Market, Language: cmp.Or(l.Language, s.Language), Only: l.IDs, Sort: search.ByPopularity, Limit: len(l.IDs), Now: s.Now()})
	if err != nil {
		return nil, err
	}
	place := func(h search.Hit) int { return slices.Index(l.IDs, h.Document.ID) }
	slices.SortFunc(found.Hits, func(a, b search.Hit) int { return cmp.Compare(place(a), place(b)) })
	out := &Listed{Total: found.Total, Language: s.Language}
	s.put(out, terms, l.Locale, found.Hits)
	return out, nil
}

// put puts hits into a page as items.
func (s *Shop) put(out *Listed, terms *Terms, in Locale, hits []search.Hit) {
	for _, h := range hits {
		it := s.item(terms, h.Document, in)
		if it.Translated {
			out.Language = in.Language
		}
		it.Score, it.Reasons = h.Score, h.Reasons
		out.Items = append(out.Items, it)
	}
}
