package app

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Rows by words show what has all of them as they are written, and nothing else where that is little; what was seen is looked up once for all rows.
func TestRowsShowWhatTheySay(t *testing.T) {
	t.Parallel()
	var asked []int
	boosts := 0
	s := shop(rungs{}, func(p search.Plan) (search.Found, error) {
		asked = append(asked, p.AtLeast+len(p.Groups))
		boosts += len(p.Boosts)
		found := search.Found{Total: len(p.Groups) + 1}
		for i := range found.Total {
			found.Hits = append(found.Hits, search.Hit{Document: &search.Document{ID: id(i), Texts: map[string]search.Text{"en": {}}}})
		}
		return found, nil
	})
	live := s.Indexes.(*indexes).live
	live.documents = map[string]*search.Document{id(7): {ID: id(7), Brand: search.Term{Value: "alder"}}}
	typed := &typed{Reader: s.Read}
	s.Read = typed
	var rows []search.HomeRow
	for _, name := range []string{"a", "b", "c"} {
		rows = append(rows, search.HomeRow{ID: name, Limit: 12, Shows: search.Shown{Words: "green tea " + name}})
	}
	rows = append(rows, search.HomeRow{ID: "d", Limit: 12, Shows: search.Shown{Sort: search.ByNewest}})
	s.Steering = func() *Steering { return &Steering{Rules: search.NewRules(nil), Rows: rows} }
	visit := here
	visit.Seen = []string{id(7)}
	all, _, err := s.Rows(t.Context(), visit)
	if err != nil || len(all) != 4 || len(all[0].Items) != 1 {
		t.Fatalf("%v %+v", err, all)
	}
	if diff := cmp.Diff([]int{0, 0, 0, 0}, asked); diff != "" {
		t.Error("a row is filled with what has some of its words: ", diff)
	}
	if live.looked != 1 || boosts != 3 {
		t.Errorf("what was seen was looked up %d times, and raised something in %d lists", live.looked, boosts)
	}
	if typed.corrected != 0 {
		t.Errorf("%d rows are corrected", typed.corrected)
	}
}

// typed counts what is not read as it was typed.
type typed struct {
	Reader
	corrected int
}

func (t *typed) Query(ctx context.Context, ask search.Ask, plan search.Plan, synonyms *Synonyms) search.Query {
	if !ask.AsTyped {
		t.corrected++
	}
	return t.Reader.Query(ctx, ask, plan, synonyms)
}
