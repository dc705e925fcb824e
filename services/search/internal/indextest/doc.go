// Package indextest is what every index of search is held to, on the same documents: the ports of app, and nothing of an adapter.
//
// Words, weights, languages, writes and switches are shown on documents made by hand. Filters, facets, orders and pages are asked at
// random of generated documents, and compared with a plain reading of what a plan means (oracle). Scores may differ from it by what a
// 32-bit number cannot hold.
package indextest

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Shop is the language in which every product has its texts: adapters that are tested are to be opened with it.
const Shop = "en"

// The markets of the documents.
var (
	USD     = search.Market{Currency: "USD"}
	EUR     = search.Market{Currency: "EUR"}
	Germany = search.Market{Currency: "EUR", Country: "DE"}
	France  = search.Market{Currency: "EUR", Country: "FR"} // no price names it
)

// Epoch is that of the indexes that are tested.
const Epoch = "e1"

// Place opens the indexes of one place, which is empty at first; called again it opens the same ones anew, as after a restart.
type Place func() app.Indexes

// Run holds an adapter to the contract. place makes a place of its own for a test, and clears it away in the end.
func Run(t *testing.T, place func(t *testing.T) Place) {
	t.Helper()
	for name, run := range map[string]func(*testing.T, Place){
		"weights": weights, "groups": groups, "alternatives": alternatives, "phrases": phrases, "prefixes": prefixes, "languages": languages,
		"stop words": stopWords, "language of the shop": shopLanguage, "regions": regions,
		"one variant": oneVariant, "markets": markets, "fields": fields, "facets": facets, "bands": bands, "as the oracle": asOracle,
		"orders": orders, "pages": pages, "only and exclude": onlyAndExclude, "boosts": boosts, "reasons": reasons,
		"nothing there": nothingThere, "writes": writes, "parts": parts, "documents": documents, "all or nothing": allOrNothing, "reopened": reopened,
		"create": create, "switch": switched, "switch under load": switchUnderLoad,
		"hostile": hostile, "hostile documents": hostileDocuments,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, place(t))
		})
	}
}

// a makes a document with an English title that is sold for 10.00 in both currencies.
func a(id, title string, more ...func(*search.Document)) *search.Document {
	d := &search.Document{
		ID: id, Revision: 1, Slug: id, Texts: map[string]search.Text{"en": {Name: title, Title: title}}, Published: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Variants: []search.Variant{{SKU: id, Available: 1, Prices: map[search.Market]search.Price{USD: {Amount: 1000}, EUR: {Amount: 1000}}}},
	}
	for _, m := range more {
		m(d)
	}
	return d
}

func text(language string, t search.Text) func(*search.Document) {
	return func(d *search.Document) { d.Texts[language] = t }
}

func variants(all ...search.Variant) func(*search.Document) {
	return func(d *search.Document) { d.Variants = all }
}

// put returns the changes that write documents whole.
func put(docs ...*search.Document) []app.Change {
	changes := make([]app.Change, len(docs))
	for i, d := range docs {
		changes[i] = app.Change{ID: d.ID, Parts: app.Content | app.Offer, Document: d}
	}
	return changes
}

// fill makes an index of documents the live one.
func fill(t *testing.T, xs app.Indexes, docs ...*search.Document) app.Index {
	t.Helper()
	x, err := xs.Create(t.Context(), Epoch)
	must(t, err)
	for i := 0; i < len(docs); i += 500 {
		must(t, x.Write(t.Context(), int64(i+1), put(docs[i:min(i+500, len(docs))]...)))
	}
	must(t, xs.Switch(t.Context(), x))
	live, err := xs.Live(t.Context())
	must(t, err)
	return live
}

// ask performs a plan: in USD, in English, of as many hits as a test needs where it does not say otherwise.
func ask(t *testing.T, x app.Index, p search.Plan) search.Found {
	t.Helper()
	found, err := x.Search(t.Context(), usual(p))
	must(t, err)
	return found
}

func usual(p search.Plan) search.Plan {
	if p.Market == (search.Market{}) {
		p.Market = USD
	}
	if p.Language == "" {
		p.Language = "en"
	}
	if p.Limit == 0 {
		p.Limit = 100
	}
	return p
}

// words makes a plan of words that must all be found.
func words(all ...string) search.Plan {
	var p search.Plan
	for _, w := range all {
		p.Groups = append(p.Groups, search.Group{Any: []search.Alternative{{Words: []string{w}, Weight: 1}}, Weight: 1})
	}
	return p
}

// phrase makes a plan of words that must stand beside each other.
func phrase(prefix bool, all ...string) search.Plan {
	return search.Plan{Groups: []search.Group{{Any: []search.Alternative{{Words: all, Prefix: prefix, Weight: 1}}, Weight: 1}}}
}

// wantIDs compares the ids of hits in their order.
func wantIDs(t *testing.T, what string, found search.Found, want ...string) {
	t.Helper()
	if got := ids(found); !cmp.Equal(got, want, cmpopts.EquateEmpty()) || found.Total != len(want) {
		t.Errorf("%s: found %q of %d, not %q", what, got, found.Total, want)
	}
}

func ids(found search.Found) []string {
	out := make([]string, len(found.Hits))
	for i, h := range found.Hits {
		out[i] = h.Document.ID
	}
	return out
}

// near compares scores.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-5*max(math.Abs(a), math.Abs(b)) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
