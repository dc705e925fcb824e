package app

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Suggestions are what may be meant by the beginning of a query.
type Suggestions struct {
	Queries    []string
	Products   []Item
	Categories []search.Category
}

// How many suggestions there are at most, of each kind; they are by relevance, and nothing is pinned among them.
const (
	suggested = 8
	unpinned  = search.ByPopularity
)

// Suggest completes what somebody types. ErrUnavailable while there is no index to read.
func (s *Shop) Suggest(ctx context.Context, v Visit, text string) (out Suggestions, err error) {
	terms, steering, live, err := s.ready(ctx)
	if err != nil {
		return out, err
	}
	plan := search.Plan{Market: v.Market, Language: cmp.Or(v.Language, s.Language), Limit: suggested, Now: s.Now()}
	q := s.Read.Query(ctx, search.Ask{Text: text, Prefix: true}, plan, steering.Synonyms)
	s.steer(&q, steering.Rules, terms, Listing{Visit: v, Sort: unpinned}, nil)
	if len(search.Words(text)) == 0 || len(q.Steps) == 0 {
		return out, nil
	}
	found, err := live.Search(ctx, q.Steps[0].Plan)
	if err != nil {
		return out, err
	}
	for _, h := range found.Hits {
		out.Products = append(out.Products, s.item(terms, h.Document, v.Locale))
	}
	out.Categories = terms.begin(text, v.Language)
	out.Queries = s.Ear.Suggest(q.Steps[0].Plan.Language, strings.Join(search.Words(text), " "), suggested)
	return out, nil
}

// begin returns the categories in use whose names have all words of a text, the last one at the beginning of a word.
func (t *Terms) begin(text, language string) (all []search.Category) {
	asked := search.Words(text)
	for key, c := range t.Categories {
		if key != c.Value || t.InUse != nil && !t.InUse[key] {
			continue // by its slug, or nothing is in it any more
		}
		c.Label = t.Names[search.Name{Field: search.FieldCategory, Value: c.Value}].In(language, c.Label)
		words := search.Words(c.Label)
		all = append(all, c)
		for i, w := range asked {
			last := i == len(asked)-1
			if !slices.ContainsFunc(words, func(have string) bool { return have == w || last && strings.HasPrefix(have, w) }) {
				all = all[:len(all)-1]
				break
			}
		}
	}
	slices.SortFunc(all, func(a, b search.Category) int { return strings.Compare(a.Label, b.Label) })
	return all[:min(len(all), suggested)]
}
