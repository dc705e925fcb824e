package indextest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Every order has ties broken by id, and a position says where a hit stands.
func orders(t *testing.T, place Place) {
	with := func(cents, sold int64, rating float64, day int) func(*search.Document) {
		return func(d *search.Document) {
			d.Popularity, d.Rating, d.Published = sold, rating, time.Date(2026, 3, day, 0, 0, 0, 1000, time.UTC)
			d.Variants = []search.Variant{{SKU: "s", Prices: map[search.Market]search.Price{USD: {Amount: cents + 500}}},
				{SKU: "t", Prices: map[search.Market]search.Price{USD: {Amount: cents}}}}
		}
	}
	x := fill(t, place(), a("b", "lamp", with(500, 10, 4, 2)), a("a", "lamp", with(700, 10, 5, 1)), a("d", "lamp", with(500, 0, 4, 9)),
		a("c", "desk lamp", with(900, 700, 3.5, 2)), a("e", "desk", with(100, 9, 1, 1)))
	for _, c := range []struct {
		sort search.Sort
		want []string
		key  float64 // of the first
	}{
		{search.ByPriceUp, []string{"b", "d", "a", "c"}, 500}, {search.ByPriceDown, []string{"c", "a", "b", "d"}, 900},
		{search.ByNewest, []string{"d", "b", "c", "a"}, float64(time.Date(2026, 3, 9, 0, 0, 0, 1000, time.UTC).UnixMicro())},
		{search.ByRating, []string{"a", "b", "d", "c"}, 5}, {search.ByPopularity, []string{"c", "a", "b", "d"}, 700},
		{search.ByRelevance, []string{"c", "a", "b", "d"}, 10 * search.Popular(700)}, {"", []string{"c", "a", "b", "d"}, 10 * search.Popular(700)},
	} {
		p := words("lamp")
		p.Sort = c.sort
		found := ask(t, x, p)
		wantIDs(t, string(c.sort), found, c.want...)
		if at := found.Hits[0].Position; !near(at.Key, c.key) || at.ID != c.want[0] {
			t.Errorf("%s: the first is at %+v, not %v", c.sort, at, c.key)
		}
		for i, h := range found.Hits { // each hit is the beginning of the rest
			p.After, p.Limit = &h.Position, 2
			rest := ask(t, x, p)
			if want := c.want[i+1 : min(i+3, len(c.want))]; !slices.Equal(ids(rest), want) || rest.Total != len(c.want) || rest.More != (i+3 < len(c.want)) {
				t.Errorf("%s after %s: %q of %d, more %v; not %q", c.sort, h.Document.ID, ids(rest), rest.Total, rest.More, want)
			}
		}
		p.After = nil
	}
}

// Who pages through a result sees each product once, whatever happens to others meanwhile.
func pages(t *testing.T, place Place) {
	docs := Products(120)
	x := fill(t, place(), docs...)
	revision, others := int64(1000), Products(400)[120:]
	for _, sort := range []search.Sort{search.ByRelevance, search.ByPriceUp, search.ByPriceDown, search.ByNewest, search.ByRating, search.ByPopularity} {
		p := usual(search.Plan{Sort: sort, Limit: 7})
		seen := map[string]int{}
		for page := 0; ; page++ {
			found := ask(t, x, p)
			for _, h := range found.Hits {
				seen[h.Document.ID]++
			}
			if !found.More {
				break
			}
			p.After = &found.Hits[len(found.Hits)-1].Position
			revision++
			var changes []app.Change // written, changed, taken out
			for i := range 9 {
				d := *others[(page*5+i*3)%len(others)]
				d.Popularity, d.Rating = int64(page*37%1000), float64(page%5)
				changes = append(changes, put(&d)...)
				if i%3 == 2 {
					changes = append(changes, app.Change{ID: others[(page+i)%len(others)].ID})
				}
			}
			changes = slices.CompactFunc(changes, func(a, b app.Change) bool { return a.ID == b.ID })
			must(t, x.Write(t.Context(), revision, changes))
		}
		for _, d := range docs {
			if seen[d.ID] != 1 {
				t.Errorf("%s: %s was seen %d times", sort, d.ID, seen[d.ID])
			}
		}
		for id, n := range seen {
			if n > 1 && id < others[0].ID {
				t.Errorf("%s: %s was seen %d times", sort, id, n)
			}
		}
	}
}

func onlyAndExclude(t *testing.T, place Place) {
	x := fill(t, place(), a("a", "lamp"), a("b", "lamp"), a("c", "lamp"), a("d", "desk"))
	p := words("lamp")
	p.Only = []string{"c", "a", "d", "unknown", "a"}
	wantIDs(t, "only", ask(t, x, p), "a", "c")
	p.Exclude = []string{"a", "unknown"}
	wantIDs(t, "only, without", ask(t, x, p), "c")
	p.Only = nil
	wantIDs(t, "without", ask(t, x, p), "b", "c")
	wantIDs(t, "only what is unknown", ask(t, x, search.Plan{Only: []string{"unknown"}}))
	p = search.Plan{Only: []string{"d", "b"}, Facets: []search.FacetAsk{{Field: search.FieldInStock}}}
	found := ask(t, x, p)
	wantIDs(t, "only, without words", found, "b", "d")
	if v := found.Facets[0].Values; len(v) != 1 || v[0].Count != 2 {
		t.Errorf("facets count what is not listed: %+v", v)
	}
}

// A boost multiplies the score of what fits all of it, and moves nothing in other orders.
func boosts(t *testing.T, place Place) {
	x := fill(t, place(), a("a", "shirt", variants(shirt("a1", "red", "s", 1000, 0))), a("b", "shirt", variants(shirt("b1", "blue", "s", 1000, 1), shirt("b2", "red", "l", 1000, 0))),
		a("c", "shirt", variants(shirt("c1", "blue", "l", 1000, 1))))
	p := words("shirt")
	p.Boosts = []search.Boost{{Filters: []search.Filter{oneOf(colour, "red"), oneOf(size, "l")}, Factor: 3, Why: "large red"}}
	wantScores(t, "one variant that is both", ask(t, x, p), []string{"b", "a", "c"}, 30, 10, 10)
	p.Boosts = append(p.Boosts, search.Boost{IDs: []string{"c", "unknown"}, Factor: 2, Why: "pinned"}, search.Boost{Filters: []search.Filter{oneOf(search.FieldInStock, "true")}, Factor: 0.25})
	wantScores(t, "several", ask(t, x, p), []string{"a", "b", "c"}, 10, 7.5, 5)
	p.Boosts = []search.Boost{{IDs: []string{"a", "b"}, Filters: []search.Filter{oneOf(colour, "blue")}, Factor: 10}, {Factor: 2}, {IDs: []string{"a"}, Factor: 0}}
	wantScores(t, "ids that fit, all, none", ask(t, x, p), []string{"b", "c", "a"}, 200, 20, 0)
	p.Sort = search.ByPriceUp
	wantIDs(t, "another order", ask(t, x, p), "a", "b", "c")
}

func wantScores(t *testing.T, what string, found search.Found, want []string, scores ...float64) {
	t.Helper()
	wantIDs(t, what, found, want...)
	for i, h := range found.Hits {
		if i < len(scores) && !near(h.Score, scores[i]) {
			t.Errorf("%s: %s scores %v, not %v", what, h.Document.ID, h.Score, scores[i])
		}
	}
}

// The reasons say of what a score is made: those of words add up, those of rules multiply.
func reasons(t *testing.T, place Place) {
	x := fill(t, place(), a("a", "wooden chairs", text("en", search.Text{Title: "wooden chairs", Attributes: "oak", Description: "for the table"}),
		func(d *search.Document) { d.Popularity = 50; d.Identifiers = "oak12" }), a("b", "chair", text("de", search.Text{Title: "stuhl"})))
	p := words("the", "chair", "desk")
	p.Groups[2].Any = append(p.Groups[2].Any, search.Alternative{Words: []string{"for", "the", "tables"}, Weight: 0.5}, search.Alternative{Words: []string{"oak"}, Prefix: true, Weight: 0.75})
	p.Groups[1].Weight = 2
	p.Boosts = []search.Boost{{IDs: []string{"a"}, Factor: 1.5, Why: "pin"}, {IDs: []string{"b"}, Factor: 7, Why: "other"}}
	p.Explain = true
	found := ask(t, x, p)
	wantScores(t, "explained", found, []string{"a"}, 30.5*search.Popular(50)*1.5)
	if len(found.Hits) != 1 {
		return
	}
	want := []search.Reason{{Word: "chair", Field: search.InTitle, Amount: 20}, {Word: "oak", Field: search.InIdentifiers, Amount: 10.5},
		{Rule: search.RulePopularity, Amount: search.Popular(50)}, {Rule: "pin", Amount: 1.5}}
	got := found.Hits[0].Reasons
	if !slices.EqualFunc(got, want, func(a, b search.Reason) bool {
		return a.Word == b.Word && a.Field == b.Field && a.Rule == b.Rule && near(a.Amount, b.Amount)
	}) {
		t.Errorf("reasons %+v, not %+v", got, want)
	}
	p = search.Plan{Explain: true, Boosts: p.Boosts, Groups: words("oak").Groups, Language: "de"}
	p.Groups = append(p.Groups, words("stuhle", "chairs", "lamp").Groups...)
	p.AtLeast = 1
	found = ask(t, x, p)
	if len(found.Hits) != 2 {
		t.Errorf("found %q", ids(found))
	}
	for _, plan := range []search.Plan{p, {Explain: true}} {
		for _, h := range ask(t, x, plan).Hits {
			if product := multiplied(h.Reasons); !near(product, h.Score) {
				t.Errorf("%s: the reasons %+v come to %v, not %v", h.Document.ID, h.Reasons, product, h.Score)
			}
		}
	}
	if found = ask(t, x, words("chair")); found.Hits[0].Reasons != nil {
		t.Error(fmt.Sprint("reasons that nobody asked for: ", found.Hits[0].Reasons))
	}
}

func multiplied(reasons []search.Reason) float64 {
	sum, product, words := 0.0, 1.0, false
	for _, r := range reasons {
		if r.Rule == "" {
			sum, words = sum+r.Amount, true
		} else {
			product *= r.Amount
		}
	}
	if !words {
		sum = 1
	}
	return sum * product
}
