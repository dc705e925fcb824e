//go:build opensearch

package opensearch_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/bleveindex"
	"github.com/sidecart/sidecart/services/search/internal/indextest"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Plans drawn at random find the same products in both indexes, with the same scores and reasons, but for what 32 bits cannot hold, and
// count the same, at once or each facet for itself.
func TestAlike(t *testing.T) {
	t.Parallel()
	docs := indextest.Products(400)
	embedded, err := bleveindex.Open(t.TempDir(), indextest.Shop)
	must(t, err)
	t.Cleanup(func() { must(t, embedded.Close()) })
	few := config(t)
	few.ValuesAtOnce = 3
	var all [3]app.Index
	for i, xs := range []app.Indexes{embedded, open(t, config(t)), open(t, few)} {
		x, err := xs.Create(t.Context(), indextest.Epoch)
		must(t, err)
		var changes []app.Change
		for _, d := range docs {
			changes = append(changes, app.Change{ID: d.ID, Parts: app.Content | app.Offer, Document: d})
		}
		must(t, x.Write(t.Context(), 1, changes))
		all[i] = x
	}
	r := testkit.Rand(t)
	matched := 0
	for range 150 {
		p := drawn(r, docs)
		var found [3]search.Found
		for i, x := range all {
			found[i], err = x.Search(t.Context(), p)
			must(t, err)
		}
		matched += found[0].Total
		byID := func(f search.Found) map[string]search.Hit {
			all := map[string]search.Hit{}
			last := math.Inf(1)
			for _, h := range f.Hits {
				if h.Score > last {
					t.Errorf("%s scores %v after %v", h.Document.ID, h.Score, last)
				}
				last = h.Score
				all[h.Document.ID] = h
			}
			return all
		}
		near := cmp.Options{cmpopts.EquateApprox(1e-5, 0), cmpopts.EquateEmpty()}
		if diff := cmp.Diff(byID(found[0]), byID(found[1]), near); diff != "" || found[0].Total != found[1].Total {
			t.Errorf("%+v\n%d and %d hits (-bleve +OpenSearch)\n%.2000s", p, found[0].Total, found[1].Total, diff)
		}
		for _, other := range found[1:] {
			if diff := cmp.Diff(found[0].Facets, other.Facets, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(search.Facet{}, "Label", "Type", "Unit")); diff != "" {
				t.Errorf("%+v\nfacets (-bleve +OpenSearch)\n%.2000s", p, diff)
			}
		}
	}
	if matched < 1000 {
		t.Errorf("all plans together found %d products: that says nothing", matched)
	}
}

// drawn is a plan of words, some of which stand in documents.
func drawn(r *rand.Rand, docs []*search.Document) search.Plan {
	d := docs[r.IntN(len(docs))]
	p := search.Plan{Market: []search.Market{indextest.USD, indextest.EUR, indextest.Germany, indextest.France}[r.IntN(4)],
		Language: []string{"en", "de", "fr"}[r.IntN(3)], Limit: search.MaxLimit, Explain: true, AtLeast: r.IntN(3)}
	text := d.Texts["en"]
	if own, has := d.Texts[p.Language]; has {
		text = own
	}
	texts := [][]string{strings.Fields(text.Title), strings.Fields(text.Description), strings.Fields(text.Category), strings.Fields(text.Attributes), strings.Fields(d.Identifiers)}
	alternative := func() search.Alternative {
		words := texts[r.IntN(len(texts))]
		at := r.IntN(len(words))
		a := search.Alternative{Words: words[at:min(at+1+r.IntN(5)/3, len(words))], Weight: []float64{1, 0.8}[r.IntN(2)]}
		if r.IntN(4) == 0 {
			last := a.Words[len(a.Words)-1]
			a.Words = append(append([]string{}, a.Words[:len(a.Words)-1]...), last[:1+r.IntN(len(last))])
			a.Prefix = true
		}
		return a
	}
	for range 1 + r.IntN(3) {
		g := search.Group{Weight: []float64{0.5, 1, 1.5, 2.5}[r.IntN(4)]}
		for range 1 + r.IntN(3) {
			g.Any = append(g.Any, alternative())
		}
		p.Groups = append(p.Groups, g)
	}
	for i := range r.IntN(3) {
		p.Boosts = append(p.Boosts, search.Boost{Factor: 0.5 + float64(r.IntN(5)), Why: fmt.Sprint("rule ", i),
			Filters: []search.Filter{{Field: search.FieldBrand, Any: []string{d.Brand.Value}}, {Field: search.FieldInStock, Any: []string{"true"}}}})
	}
	if r.IntN(3) == 0 {
		p.Filters = []search.Filter{{Field: search.FieldCategory, Any: []string{d.Categories[0].Value}}}
	}
	p.Facets = []search.FacetAsk{{Field: search.FieldBrand, Limit: 5}, {Field: search.FieldCategory}, {Field: "attr.colour", Limit: 3}, {Field: search.FieldPrice, Range: true}, {Field: "attr.weight", Range: true}}
	return p
}
