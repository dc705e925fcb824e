package indextest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// An index that was never made is away: nobody takes it for an empty one.
func nothingThere(t *testing.T, place Place) {
	xs := place()
	if _, err := xs.Live(t.Context()); !errors.Is(err, app.ErrUnavailable) || !errors.Is(err, app.ErrNoIndex) {
		t.Errorf("the live index: %v", err)
	}
	_, err := xs.Create(t.Context(), Epoch)
	must(t, err)
	if _, err := xs.Live(t.Context()); !errors.Is(err, app.ErrUnavailable) || !errors.Is(err, app.ErrNoIndex) {
		t.Errorf("the live index after Create: %v", err)
	}
	x := fill(t, xs)
	wantState(t, x, 0, 0)
	p := search.Plan{Facets: []search.FacetAsk{{Field: search.FieldPrice, Range: true}, {Field: search.FieldBrand}}}
	found := ask(t, x, p)
	wantIDs(t, "an empty index", found)
	if f := found.Facets; len(f) != 2 || f[0].Min != nil || f[0].Max != nil || len(f[1].Values) != 0 {
		t.Errorf("facets of nothing: %+v", f)
	}
	wantIDs(t, "words in an empty index", ask(t, x, words("tent")))
}

func wantState(t *testing.T, x app.Index, revision int64, count int) {
	t.Helper()
	state, err := x.State(t.Context())
	must(t, err)
	if want := (app.State{Epoch: Epoch, Form: search.Form, Revision: revision}); state != want {
		t.Errorf("the index is at %+v, not %+v", state, want)
	}
	n, err := x.Count(t.Context())
	must(t, err)
	if n != count {
		t.Errorf("the index has %d documents, not %d", n, count)
	}
}

// What is written is found by the next search, with its revision; what is taken out is found no more; both may be said again.
func writes(t *testing.T, place Place) {
	x := fill(t, place(), a("a", "tent"), a("b", "lamp"))
	wantState(t, x, 1, 2)
	change := append(put(a("a", "boat"), a("c", "tent")), app.Change{ID: "b"}, app.Change{ID: "unknown"})
	for range 3 {
		must(t, x.Write(t.Context(), 7, change))
		wantState(t, x, 7, 2)
		wantIDs(t, "tent", ask(t, x, words("tent")), "c")
		wantIDs(t, "boat", ask(t, x, words("boat")), "a")
		wantIDs(t, "lamp", ask(t, x, words("lamp")))
		wantIDs(t, "all", ask(t, x, search.Plan{}), "a", "c")
	}
	must(t, x.Write(t.Context(), 9, nil))
	wantState(t, x, 9, 2)
	must(t, x.Write(t.Context(), 8, put(a("b", "lamp")))) // said again after a crash
	wantState(t, x, 9, 3)
	wantIDs(t, "lamp again", ask(t, x, words("lamp")), "b")
	must(t, x.Write(t.Context(), 10, []app.Change{{ID: "a"}, {ID: "b"}, {ID: "c"}}))
	wantState(t, x, 10, 0)
	wantIDs(t, "nothing left", ask(t, x, search.Plan{}))
	must(t, x.Write(t.Context(), 11, put(a("a", "tent"))))
	wantIDs(t, "back again", ask(t, x, words("tent")), "a")
}

// A part of a document is written without the rest.
func parts(t *testing.T, place Place) {
	open := place
	x := fill(t, open(), a("a", "tent", func(d *search.Document) { d.Brand = search.Term{Value: "alder", Label: "Alder"} }), a("b", "tent"))
	d := a("a", "tent", func(d *search.Document) {
		d.Brand = search.Term{Value: "alder", Label: "Alder"}
		d.Revision, d.Popularity, d.Variants[0].Available, d.Variants[0].Prices = 2, 20, 0, map[search.Market]search.Price{USD: {Amount: 700, CompareAt: 1000}}
	})
	must(t, x.Write(t.Context(), 502, []app.Change{{ID: "a", Parts: app.Offer, Document: d}, {ID: "new", Parts: app.Offer, Document: a("new", "tent pegs")}}))
	check := func(when string, x app.Index, title string) {
		t.Helper()
		found := ask(t, x, search.Plan{Groups: words(title).Groups, Filters: []search.Filter{oneOf(search.FieldBrand, "alder")}, Sort: search.ByPriceUp})
		wantIDs(t, when, found, "a")
		if len(found.Hits) == 1 && (found.Hits[0].Position.Key != 700 || !cmp.Equal(found.Hits[0].Document, d)) {
			t.Errorf("%s: %s", when, cmp.Diff(d, found.Hits[0].Document))
		}
		wantIDs(t, when+", in stock", ask(t, x, search.Plan{Groups: words(title).Groups, Filters: []search.Filter{oneOf(search.FieldInStock, "true")}, Only: []string{"a"}}))
	}
	check("a new offer", x, "tent")
	wantIDs(t, "a product of which there was nothing", ask(t, x, words("pegs")), "new")
	d = a("a", "boat", func(to *search.Document) {
		to.Brand, to.Revision, to.Popularity, to.Variants = d.Brand, 3, 20, d.Variants
	})
	must(t, x.Write(t.Context(), 503, []app.Change{{ID: "a", Parts: app.Content, Document: d}}))
	check("a new content", x, "boat")
	wantIDs(t, "the content before", ask(t, x, words("tent")), "b", "new")
	x, err := open().Live(t.Context())
	must(t, err)
	check("after a restart", x, "boat")
}

// Documents come back as they were written, in the order in which they were asked for.
func documents(t *testing.T, place Place) {
	docs := Products(50)
	check := func(when string, x app.Index) {
		t.Helper()
		got, err := x.Documents(t.Context(), []string{docs[30].ID, "unknown", docs[2].ID, docs[30].ID})
		must(t, err)
		if diff := cmp.Diff([]*search.Document{docs[30], docs[2], docs[30]}, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", when, diff)
		}
	}
	check("written", fill(t, place(), docs...))
	x, err := place().Live(t.Context())
	must(t, err)
	check("after a restart", x)
}

// A search sees all of a write or nothing of it.
func allOrNothing(t *testing.T, place Place) {
	const products, rounds = 40, 12
	version := func(n int64) []app.Change {
		docs := make([]*search.Document, products)
		for i := range docs {
			docs[i] = a(fmt.Sprintf("p%02d", i), fmt.Sprintf("version%d", n%3), func(d *search.Document) {
				d.Revision, d.Variants[0].Prices[USD] = n, search.Price{Amount: n}
			})
		}
		return put(docs...)
	}
	x := fill(t, place())
	must(t, x.Write(t.Context(), 1, version(1)))
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for ctx.Err() == nil {
				found, err := x.Search(t.Context(), usual(search.Plan{Facets: []search.FacetAsk{{Field: search.FieldPrice, Range: true}}}))
				if err != nil || found.Total != products || *found.Facets[0].Min != *found.Facets[0].Max {
					t.Errorf("a search between writes: %d, %v, %+v", found.Total, err, found.Facets)
					return
				}
				one := found.Hits[0].Document.Revision
				for _, h := range found.Hits {
					if h.Document.Revision != one {
						t.Errorf("a search sees revisions %d and %d", one, h.Document.Revision)
						return
					}
				}
			}
		})
	}
	for n := range int64(rounds) {
		must(t, x.Write(t.Context(), n+2, version(n+2)))
		if found := ask(t, x, words(fmt.Sprintf("version%d", (n+2)%3))); found.Total != products {
			t.Errorf("after write %d: %d", n+2, found.Total)
		}
	}
	stop()
	readers.Wait()
}

// What an index has outlives the process.
func reopened(t *testing.T, place Place) {
	docs := Products(60)
	x := fill(t, place(), docs...)
	must(t, x.Write(t.Context(), 99, append(put(a("late", "tent")), app.Change{ID: docs[3].ID})))
	for range 2 {
		xs := place()
		x, err := xs.Live(t.Context())
		must(t, err)
		wantState(t, x, 99, 60)
		wantIDs(t, "tent", ask(t, x, words("tent")), "late")
		_, facets := oracle(append(append([]*search.Document{a("late", "tent")}, docs[:3]...), docs[4:]...)).search(
			usual(search.Plan{Facets: []search.FacetAsk{{Field: colour}}}))
		found := ask(t, x, search.Plan{Facets: []search.FacetAsk{{Field: colour}}})
		for _, v := range found.Facets[0].Values {
			if v.Count != facets[0].counts[v.Value] {
				t.Errorf("%s: %d, not %d", v.Value, v.Count, facets[0].counts[v.Value])
			}
		}
		_, err = xs.Create(t.Context(), "e2") // begun, and never finished
		must(t, err)
	}
}

// Whatever a plan asks, it is answered or refused as invalid, in good time.
func hostile(t *testing.T, place Place) {
	x := fill(t, place(), Products(300)...)
	inf, nan := math.Inf(1), math.NaN()
	long := strings.Repeat("(a+)+", 2000)
	many := func(n int, w string) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = w
		}
		return out
	}
	plans := map[string]search.Plan{
		"1,000 facets": {Facets: make([]search.FacetAsk, 1000)}, "one facet often": {Facets: []search.FacetAsk{{Field: colour}, {Field: colour}, {Field: colour, Range: true}, {Field: search.FieldPrice}}},
		"1,000 words": words(many(1000, "tent")...), "as many words as may be": words(many(search.MaxGroups, Word(0))...),
		"a phrase of one word": phrase(false, many(search.MaxPhrase, Word(0))...), "the shortest prefix": phrase(true, "b"),
		"empty words": words("", ""), "an empty prefix": phrase(true, ""), "no words": phrase(false), "control characters": words("\x00", "a\x00b", "\x1b[2J", "\u202eabc"),
		"spaces": words(" ", "a b", "\n"), "no UTF-8": words("\xff\xfe"), "a pattern": words("b.*", "*", "?", "[a-z]+"), "a query language": words("title:tent", "OR", "AND", "-x", `"`),
		"emoji": words("🎪", "👩‍👩‍👧"), "right to left": words("שלום", "خيمة"), "HTML": words("<script>alert(1)</script>"), "10 kB": words(long),
		"the last character": phrase(true, "\U0010ffff"), "NaN": filtered(between(search.FieldPrice, nan, 1)), "infinite": filtered(between(search.FieldPrice, -inf, inf)),
		"no filter": filtered(search.Filter{}), "a filter without a field": filtered(oneOf("", "")), "bounds of words": filtered(between(search.FieldBrand, 0, 1)), "values of a price": filtered(oneOf(search.FieldPrice, "1000")),
		"1,000 filters": {Filters: make([]search.Filter, 1000)}, "10,000 values": filtered(oneOf(search.FieldBrand, many(10_000, "brand1")...)), "10,000 ids": {Only: many(10_000, "p000001")},
		"NaN weights": {Groups: []search.Group{{Weight: nan, Any: []search.Alternative{{Words: []string{"a"}}}}}}, "a NaN factor": {Boosts: []search.Boost{{Factor: nan}}},
		"an infinite place": {After: &search.Position{Key: inf}}, "a place beyond": {After: &search.Position{Key: -1e300, ID: "\x00"}}, "a sort of code": {Sort: "price; drop"},
		"less than none": {Limit: -1}, "a million": {Limit: 1_000_000}, "no language": {Language: "../../etc/passwd", Groups: words("tent").Groups}, "no market": {Market: search.Market{Currency: "\x00", Country: "'"}},
		"an unknown field":       {Facets: []search.FacetAsk{{Field: "attr.\x00"}, {Field: ""}, {Field: "_id"}, {Field: "_json", Range: true}}},
		"alternatives to excess": {Groups: []search.Group{{Weight: 1, Any: make([]search.Alternative, 100)}}},
	}
	for name, p := range plans {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		found, err := x.Search(ctx, usual(p))
		if f, ok := fault.As(err); err != nil && (!ok || f.Kind != fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && len(found.Facets) != len(p.Facets) {
			t.Errorf("%s: %d facets for %d", name, len(found.Facets), len(p.Facets))
		}
		cancel()
	}
	wantIDs(t, "afterwards", ask(t, x, search.Plan{Only: []string{"p000001"}}), "p000001")
}

// Documents of any content are kept, found and given back.
func hostileDocuments(t *testing.T, place Place) {
	odd := "\x00\u202e<b>'\"\\\xe2\x80\xa8 🎪"
	x := fill(t, place(), a("empty", "", func(d *search.Document) { *d = search.Document{ID: "empty", Variants: d.Variants} }),
		a("odd", odd, func(d *search.Document) {
			d.Slug, d.Identifiers, d.Brand = odd, odd, search.Term{Value: odd, Label: odd}
			d.Attributes = []search.Attribute{attribute("k", "text", odd, nil), attribute("k", "text", odd, nil), {}}
			d.Categories = []search.Category{{Term: d.Brand}, {Term: d.Brand}}
			d.Variants = append(d.Variants, search.Variant{SKU: odd, Attributes: d.Attributes, Prices: map[search.Market]search.Price{{}: {Amount: -1 << 62}}})
		}),
		a("long", strings.Repeat("word ", 5000), func(d *search.Document) { d.Texts[odd] = search.Text{Title: strings.Repeat("x", 40_000)} }),
		a("none", "no variants", variants()))
	p := filtered(oneOf("attr.k", odd), oneOf(search.FieldBrand, odd), oneOf(search.FieldCategory, odd))
	p.Facets = []search.FacetAsk{{Field: "attr.k"}, {Field: search.FieldCategory}}
	found := ask(t, x, p)
	wantIDs(t, "odd values", found, "odd")
	for _, f := range found.Facets {
		if len(f.Values) != 1 || f.Values[0].Count != 1 || f.Values[0].Value != odd {
			t.Errorf("counted %+v", f)
		}
	}
	wantIDs(t, "a long text", ask(t, x, words("word")), "long")
	wantIDs(t, "an odd word", ask(t, x, words("🎪")), "odd")
	wantIDs(t, "all that are sold", ask(t, x, search.Plan{}), "empty", "long", "odd")
	got, err := x.Documents(t.Context(), []string{"none", "empty"})
	must(t, err)
	if len(got) != 2 || got[0].ID != "none" || len(got[0].Variants) != 0 {
		t.Errorf("documents: %+v", got)
	}
}
