//go:build opensearch

package opensearch_test

import (
	"testing"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/indextest"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

const benchProducts = 5000

// BenchmarkSearch makes an index of products, and asks it what shoppers ask.
func BenchmarkSearch(b *testing.B) {
	xs := open(b, config(b))
	x, err := xs.Create(b.Context(), indextest.Epoch)
	must(b, err)
	docs := indextest.Products(benchProducts)
	for i := 0; i < len(docs); i += 500 {
		var changes []app.Change
		for _, d := range docs[i:min(i+500, len(docs))] {
			changes = append(changes, app.Change{ID: d.ID, Parts: app.Content | app.Offer, Document: d})
		}
		must(b, x.Write(b.Context(), int64(i+1), changes))
	}
	must(b, xs.Switch(b.Context(), x))
	facets := []search.FacetAsk{{Field: search.FieldPrice, Range: true}}
	for _, f := range []string{search.FieldBrand, search.FieldCategory, search.FieldInStock, "attr.colour", "attr.size", "attr.washable", "attr.feature1",
		"attr.feature2", "attr.feature3"} {
		facets = append(facets, search.FacetAsk{Field: f, Limit: 50})
	}
	prefix := plan("b")
	prefix.Groups[0].Any[0].Prefix = true
	for name, p := range map[string]search.Plan{"word": plan(indextest.Word(20)), "everything": plan(), "prefix": prefix} {
		p.Limit = 24
		if name != "prefix" {
			b.Run(name, func(b *testing.B) { benchSearch(b, x, p) })
			name, p.Facets = name+" with ten facets", facets
		}
		b.Run(name, func(b *testing.B) { benchSearch(b, x, p) })
	}
	b.Run("a write of one", func(b *testing.B) {
		for i := range b.N {
			must(b, x.Write(b.Context(), int64(benchProducts+i), []app.Change{{ID: docs[i%len(docs)].ID, Parts: app.Offer, Document: docs[i%len(docs)]}}))
		}
	})
}

func benchSearch(b *testing.B, x app.Index, p search.Plan) {
	for b.Loop() {
		found, err := x.Search(b.Context(), p)
		must(b, err)
		if found.Total == 0 {
			b.Fatal("nothing found")
		}
	}
}
