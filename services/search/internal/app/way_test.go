package app

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// rungs are a query whose steps want all of its words, all that are known, two of them and one.
type rungs struct{ leftOut []string } // by all but the first

func (r rungs) Query(_ context.Context, _ search.Ask, plan search.Plan, _ *Synonyms) (q search.Query) {
	if plan.Sort == "" {
		plan.Sort = search.ByRelevance
	}
	for groups, atLeast := range []int{0, 0, 2, 1} {
		step := search.Step{Plan: plan}
		step.Plan.AtLeast, step.Plan.Groups = atLeast, make([]search.Group, groups)
		if groups > 0 {
			step.LeftOut = r.leftOut
		}
		q.Steps = append(q.Steps, step)
	}
	return q
}

// What an index is asked: each step once, facets with the first step and with the one that is shown alone, and the products with all words once.
func TestWhatAnIndexIsAsked(t *testing.T) {
	t.Parallel()
	facets := func(n int) []search.Facet {
		return []search.Facet{{Field: "brand", Values: []search.FacetValue{{Count: 100 + n}}}}
	}
	for name, tc := range map[string]struct {
		totals [4]int // of the steps
		l      Listing
		want   []string
		shown  int // step
	}{
		"the first is enough":         {[4]int{9}, Listing{Facets: true, Limit: 24}, []string{"0 hits facets"}, 0},
		"the second":                  {[4]int{0, 9}, Listing{Facets: true, Limit: 24}, []string{"0 hits facets", "1 hits", "1 facets"}, 1},
		"the last":                    {[4]int{0, 2, 3, 9}, Listing{Facets: true, Limit: 24}, []string{"0 hits facets", "1 hits", "2 hits after 2", "3 hits after 2", "3 facets"}, 3},
		"nobody asks for facets":      {[4]int{0, 2, 3, 9}, Listing{Limit: 24}, []string{"0 hits", "1 hits", "2 hits after 2", "3 hits after 2"}, 3},
		"none finds more":             {[4]int{2, 2, 2, 2}, Listing{Facets: true, Limit: 24}, []string{"0 hits facets", "1 hits", "2 hits after 2", "3 hits after 2"}, 0},
		"too few on a page":           {[4]int{0, 2, 9}, Listing{Facets: true, Limit: 1}, []string{"0 hits facets", "1 hits", "1 hits", "2 hits after 2", "2 facets"}, 2},
		"by price":                    {[4]int{0, 0, 3, 9}, Listing{Facets: true, Limit: 24, Sort: search.ByPriceUp}, []string{"0 hits facets", "1 hits", "2 hits", "2 facets"}, 2},
		"a page that goes on":         {[4]int{0, 2, 9}, Listing{Limit: 24, After: &Position{Step: 2, Sort: search.ByRelevance}}, []string{"1 hits", "2 hits after 2"}, 2},
		"a page that has facets, too": {[4]int{0, 2, 9}, Listing{Facets: true, Limit: 24, After: &Position{Step: 2, Sort: search.ByRelevance}}, []string{"1 hits", "2 hits facets after 2"}, 2},
	} {
		var asked []string
		s := shop(rungs{}, func(p search.Plan) (search.Found, error) {
			n := len(p.Groups)
			found := search.Found{Total: tc.totals[n]}
			what := fmt.Sprint(n)
			if p.Limit > 0 {
				what += " hits"
			}
			if len(p.Facets) > 0 {
				what += " facets"
				found.Facets = facets(n)
			}
			for _, b := range p.Boosts {
				what += fmt.Sprint(" after ", len(b.IDs))
			}
			asked = append(asked, what)
			for i := range min(found.Total, p.Limit) {
				found.Hits = append(found.Hits, search.Hit{Document: &search.Document{ID: id(i), Texts: map[string]search.Text{"en": {}}}})
			}
			return found, nil
		})
		tc.l.Visit, tc.l.Words = here, "a b c"
		got, err := s.List(t.Context(), tc.l)
		if diff := cmp.Diff(tc.want, asked); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
			continue
		}
		if got.Total != tc.totals[tc.shown] || tc.l.Facets != (len(got.Facets) > 0) || tc.l.Facets && got.Facets[0].Values[0].Count != 100+tc.shown {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Whoever chooses something finds as many as its facet says: what is chosen leaves few, but the query is taken as if nothing was chosen. Where
// nothing is left it is relaxed further.
func TestWhatIsChosenIsNotWidened(t *testing.T) {
	t.Parallel()
	low := int64(5)
	for name, tc := range map[string]struct {
		all, fit [4]int // of the steps, without and with what is chosen
		sort     search.Sort
		total    int
		want     []string
	}{
		"enough":                {[4]int{20, 30, 40, 50}, [4]int{8, 9, 10, 11}, "", 8, []string{"0 fit"}},
		"few of many":           {[4]int{20, 30, 40, 50}, [4]int{3, 9, 10, 11}, "", 3, []string{"0 fit", "0"}},
		"few of what is wider":  {[4]int{2, 3, 19, 50}, [4]int{1, 2, 4, 9}, "", 4, []string{"0 fit", "0", "1", "2", "1 fit", "2 fit"}},
		"few in any way":        {[4]int{2, 3, 4, 4}, [4]int{1, 1, 2, 3}, "", 2, []string{"0 fit", "0", "1", "2", "3", "1 fit", "2 fit"}},
		"none of many":          {[4]int{20, 30, 40, 50}, [4]int{0, 0, 2, 9}, "", 2, []string{"0 fit", "0", "1 fit", "1 fit", "2 fit"}},
		"none at all":           {[4]int{20, 30, 40, 50}, [4]int{}, search.ByPriceUp, 0, []string{"0 fit", "0", "1 fit", "2 fit", "3 fit"}},
		"by price, few of some": {[4]int{0, 2, 19, 50}, [4]int{0, 1, 4, 9}, search.ByPriceUp, 1, []string{"0 fit", "0", "1", "1 fit"}},
	} {
		var asked []string
		s := shop(rungs{}, func(p search.Plan) (search.Found, error) {
			n := len(p.Groups)
			found, what := search.Found{Total: tc.all[n]}, fmt.Sprint(n)
			if len(p.Filters) > 0 {
				found.Total, what = tc.fit[n], what+" fit"
			}
			asked = append(asked, what)
			return found, nil
		})
		got, err := s.List(t.Context(), Listing{Visit: here, Words: "a b c", Min: &low, Sort: tc.sort, Facets: true, Limit: 24})
		if err != nil || got.Total != tc.total {
			t.Errorf("%s: %v %+v", name, err, got)
		}
		if diff := cmp.Diff(tc.want, asked); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// What has a word that the dictionary does not know yet is found by it, and by it alone.
func TestANewWordIsNotLeftOut(t *testing.T) {
	t.Parallel()
	for total, relaxed := range map[int][]string{0: {"a"}, 1: nil} {
		s := shop(rungs{[]string{"a"}}, func(p search.Plan) (search.Found, error) {
			if len(p.Groups) == 0 {
				return search.Found{Total: total}, nil
			}
			return search.Found{Total: 20}, nil
		})
		got, err := s.List(t.Context(), Listing{Visit: here, Words: "a b c", Limit: 24})
		if err != nil || cmp.Diff(relaxed, got.Relaxed) != "" || total > 0 && got.Total != total {
			t.Errorf("%d have it: %v %+v", total, err, got)
		}
	}
}

// A failure in any of the questions is one of the listing.
func TestAStepThatFails(t *testing.T) {
	t.Parallel()
	for fails := 1; fails <= 5; fails++ {
		n := 0
		s := shop(rungs{}, func(p search.Plan) (search.Found, error) {
			if n++; n == fails {
				return search.Found{}, ErrUnavailable
			}
			return search.Found{Total: len(p.Groups)}, nil
		})
		if _, err := s.List(t.Context(), Listing{Visit: here, Words: "a b c", Facets: true, Limit: 24}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("question %d: %v", fails, err)
		}
	}
}
