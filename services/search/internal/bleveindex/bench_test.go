package bleveindex_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/search/query"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/bleveindex"
	"github.com/sidecart/sidecart/services/search/internal/indextest"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Run them with: go test -run '^$' -bench . ./services/search/internal/bleveindex

var sizes = []int{1_500, 50_000}

// BenchmarkListing is a page of 24 with ten facets: for random words, two of them, a category, and everything.
func BenchmarkListing(b *testing.B) {
	for _, n := range sizes {
		xs, x := built(b, n)
		for name, ask := range map[string]func() search.Plan{
			"word":     func() search.Plan { return plan(word()) },
			"words":    func() search.Plan { return plan(word(), word()) },
			"category": func() search.Plan { return listing(fmt.Sprintf("c%d", rand.IntN(4))) },
			"all":      func() search.Plan { return plan() },
		} {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				b.ReportAllocs()
				hits, since := 0, cpu(b)
				for b.Loop() {
					hits += searched(b, x, ask()).Total
				}
				reportCPU(b, since)
				b.ReportMetric(float64(hits)/float64(b.N), "found/op")
			})
		}
		_ = xs.Close()
	}
}

// BenchmarkSuggest is a prefix of one letter and more, and the beginning of an identifier that all products share.
func BenchmarkSuggest(b *testing.B) {
	for _, n := range sizes {
		xs, x := built(b, n)
		for _, prefix := range []string{"b", "ba", "bado", "sku", "sku0001", "brand1"} {
			b.Run(fmt.Sprintf("%d/%s", n, prefix), func(b *testing.B) {
				defer reportCPU(b, cpu(b))
				for b.Loop() {
					p := plan()
					p.Facets, p.Limit = nil, 6
					p.Groups = []search.Group{{Weight: 1, Any: []search.Alternative{{Words: []string{prefix}, Prefix: true, Weight: 1}}}}
					searched(b, x, p)
				}
			})
		}
		_ = xs.Close()
	}
}

// BenchmarkBleve is the listing by bleve's own queries, scores and facets, over the same documents.
func BenchmarkBleve(b *testing.B) {
	for _, n := range sizes {
		x := bleveOwn(b, n)
		for name, ask := range map[string]func() query.Query{
			"word":  func() query.Query { return bleveWords(word()) },
			"words": func() query.Query { return bleveWords(word(), word()) },
			"all":   func() query.Query { return bleve.NewMatchAllQuery() },
		} {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				b.ReportAllocs()
				defer reportCPU(b, cpu(b))
				for b.Loop() {
					r := bleve.NewSearchRequestOptions(ask(), 24, 0, false)
					for _, f := range asked {
						r.AddFacet(f.Field, bleve.NewFacetRequest(f.Field, 20))
					}
					if _, err := x.Search(r); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		_ = x.Close()
	}
}

// BenchmarkRebuild makes an index of 20,000 products, and says what it takes on disk.
func BenchmarkRebuild(b *testing.B) {
	docs := indextest.Products(20_000)
	defer reportCPU(b, cpu(b))
	var disk int64
	for b.Loop() {
		dir := b.TempDir()
		xs := opened(b, dir)
		rebuild(b, xs, docs)
		_ = xs.Close()
		disk = size(b, dir)
	}
	b.ReportMetric(float64(len(docs)*b.N)/b.Elapsed().Seconds(), "documents/s")
	b.ReportMetric(float64(disk)/float64(len(docs)), "disk-bytes/product")
}

func size(b *testing.B, dir string) (bytes int64) {
	b.Helper()
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return bytes
}

// BenchmarkOpen reads 50,000 products from disk, and says what they take in memory.
func BenchmarkOpen(b *testing.B) {
	const n = 50_000
	dir := b.TempDir()
	xs := opened(b, dir)
	rebuild(b, xs, indextest.Products(n))
	_ = xs.Close()
	var kept uint64
	for b.Loop() {
		before := heap()
		xs := opened(b, dir)
		kept = heap() - before
		_ = xs.Close()
	}
	b.ReportMetric(float64(kept)/n, "heap-bytes/product")
}

// BenchmarkWrite is one product whose stock has changed.
func BenchmarkWrite(b *testing.B) {
	for _, n := range sizes {
		xs, x := built(b, n)
		docs := indextest.Products(100)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			defer reportCPU(b, cpu(b))
			for i := 0; b.Loop(); i++ {
				d := docs[i%len(docs)]
				if err := x.Write(b.Context(), int64(n+i), []app.Change{{ID: d.ID, Parts: app.Offer, Document: d}}); err != nil {
					b.Fatal(err)
				}
			}
		})
		_ = xs.Close()
	}
}

var asked = []search.FacetAsk{{Field: search.FieldBrand, Limit: 20}, {Field: search.FieldCategory, Limit: 20}, {Field: search.FieldInStock}, {Field: "attr.colour"}, {Field: "attr.size"},
	{Field: "attr.feature0"}, {Field: "attr.feature1"}, {Field: "attr.washable"}, {Field: search.FieldPrice, Range: true}, {Field: "attr.weight", Range: true}}

// cpu returns the processor time of this process; on a machine that others use it says more than the clock.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// reportCPU reports what an operation has cost since.
func reportCPU(b *testing.B, since time.Duration) {
	b.Helper()
	b.ReportMetric(float64((cpu(b)-since).Microseconds())/float64(b.N), "cpu-µs/op")
}

func word() string { return indextest.Word(rand.IntN(1000)) }

func plan(words ...string) search.Plan {
	p := search.Plan{Market: indextest.USD, Language: "en", Limit: 24, Facets: asked}
	for _, w := range words {
		p.Groups = append(p.Groups, search.Group{Any: []search.Alternative{{Words: []string{w}, Weight: 1}}, Weight: 1})
	}
	return p
}

func listing(category string) search.Plan {
	p := plan()
	p.Filters = []search.Filter{{Field: search.FieldCategory, Any: []string{category}}, {Field: search.FieldInStock, Any: []string{"true"}}}
	return p
}

func searched(b *testing.B, x app.Index, p search.Plan) search.Found {
	b.Helper()
	found, err := x.Search(b.Context(), p)
	if err != nil {
		b.Fatal(err)
	}
	return found
}

func opened(b *testing.B, dir string) *bleveindex.Indexes {
	b.Helper()
	xs, err := bleveindex.Open(dir, indextest.Shop)
	if err != nil {
		b.Fatal(err)
	}
	return xs
}

func built(b *testing.B, n int) (*bleveindex.Indexes, app.Index) {
	b.Helper()
	xs := opened(b, b.TempDir())
	return xs, rebuild(b, xs, indextest.Products(n))
}

func rebuild(b *testing.B, xs *bleveindex.Indexes, docs []*search.Document) app.Index {
	b.Helper()
	x, err := xs.Create(b.Context(), indextest.Epoch)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i < len(docs); i += 1000 {
		var changes []app.Change
		for _, d := range docs[i:min(i+1000, len(docs))] {
			changes = append(changes, app.Change{ID: d.ID, Parts: app.Content | app.Offer, Document: d})
		}
		if err := x.Write(b.Context(), int64(i+1), changes); err != nil {
			b.Fatal(err)
		}
	}
	if err := xs.Switch(b.Context(), x); err != nil {
		b.Fatal(err)
	}
	return x
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// bleveOwn indexes the documents as bleve would have them: texts with boosts at the query, values as keywords. Its facets count values of
// products, not of one variant, and are not disjunctive: it does less.
func bleveOwn(b *testing.B, n int) bleve.Index {
	b.Helper()
	keyword := bleve.NewKeywordFieldMapping()
	keyword.Store, keyword.IncludeInAll = false, false
	text := bleve.NewTextFieldMapping()
	text.Store, text.IncludeInAll, text.IncludeTermVectors, text.DocValues, text.Analyzer = false, false, false, false, "en"
	mapping := bleve.NewIndexMapping()
	mapping.DefaultMapping.Dynamic = false
	for _, f := range asked {
		mapping.DefaultMapping.AddFieldMappingsAt(f.Field, keyword)
	}
	for _, f := range bleveTexts {
		mapping.DefaultMapping.AddFieldMappingsAt(f.name, text)
	}
	x, err := bleve.New(b.TempDir()+"/own", mapping)
	if err != nil {
		b.Fatal(err)
	}
	batch := x.NewBatch()
	for i, d := range indextest.Products(n) {
		if err := batch.Index(d.ID, bleveFields(d)); err != nil {
			b.Fatal(err)
		}
		if i%1000 == 999 || i == n-1 {
			if err := x.Batch(batch); err != nil {
				b.Fatal(err)
			}
			batch = x.NewBatch()
		}
	}
	return x
}

var bleveTexts = []struct {
	name  string
	boost float64
}{{search.InIdentifiers, 12}, {search.InTitle, 8}, {search.InCategory, 4}, {search.InAttributes, 3}, {search.InDescription, 1}}

func bleveFields(d *search.Document) map[string]any {
	t := d.Texts["en"]
	out := map[string]any{search.InIdentifiers: d.Identifiers, search.InTitle: t.Title, search.InCategory: t.Category, search.InAttributes: t.Attributes,
		search.InDescription: t.Description, search.FieldBrand: d.Brand.Value}
	values := map[string][]string{}
	for _, c := range d.Categories {
		values[search.FieldCategory] = append(values[search.FieldCategory], c.Value)
	}
	for _, a := range d.Attributes {
		values[search.AttributePrefix+a.Code] = append(values[search.AttributePrefix+a.Code], a.Term.Value)
	}
	for _, v := range d.Variants {
		values[search.FieldInStock] = append(values[search.FieldInStock], fmt.Sprint(v.InStock()))
		for _, a := range v.Attributes {
			values[search.AttributePrefix+a.Code] = append(values[search.AttributePrefix+a.Code], a.Term.Value)
		}
	}
	for f, v := range values {
		out[f] = v
	}
	return out
}

func bleveWords(words ...string) query.Query {
	all := bleve.NewConjunctionQuery()
	for _, w := range words {
		any := bleve.NewDisjunctionQuery()
		for _, f := range bleveTexts {
			q := bleve.NewMatchQuery(w)
			q.SetField(f.name)
			q.SetBoost(f.boost)
			any.AddQuery(q)
		}
		all.AddQuery(any)
	}
	return all
}
