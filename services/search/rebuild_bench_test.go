package main

import (
	"fmt"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/bleveindex"
	"github.com/sidecart/sidecart/services/search/internal/indextest"
	"github.com/sidecart/sidecart/services/search/internal/postgres"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

const benchProducts = 10_000

// BenchmarkRebuild makes the embedded index anew of a replica in Postgres, from the first read until the new index is the one that is read:
// bin/sidecart testenv --dapr=false -- go test -run '^$' -bench Rebuild ./services/search
func BenchmarkRebuild(b *testing.B) {
	store := postgres.New(testkit.Schema(b, postgres.Migrations()...))
	fill(b, store)
	xs, err := bleveindex.Open(b.TempDir(), indextest.Shop)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = xs.Close() })
	tail := app.NewTail(store, xs, indextest.Shop, time.Now, slog.New(slog.DiscardHandler))
	since := cpu(b)
	for b.Loop() {
		if _, _, err := store.Rebuild(b.Context(), idem.Key{}); err != nil {
			b.Fatal(err)
		}
		settle(b, tail)
	}
	n := float64(benchProducts * b.N)
	b.ReportMetric(n/b.Elapsed().Seconds(), "products/s")
	b.ReportMetric(float64((cpu(b)-since).Microseconds())/n, "cpu-µs/product")
	live, err := xs.Live(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if count, err := live.Count(b.Context()); err != nil || count != benchProducts {
		b.Fatalf("%d products, %v", count, err)
	}
}

func settle(b *testing.B, tail *app.Tail) {
	b.Helper()
	for more := true; more; {
		var err error
		if more, err = tail.Step(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// cpu is what this process has used: what Postgres does is in it no more than what the disk does.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fill has the replica told of products, as their owners tell.
func fill(b *testing.B, store *postgres.Store) {
	b.Helper()
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	var news []app.News
	for i, d := range indextest.Products(benchProducts) {
		news = append(news, told(i, d)...)
		if len(news) < 500 && i < benchProducts-1 {
			continue
		}
		if err := store.Take(b.Context(), now, news...); err != nil {
			b.Fatal(err)
		}
		news = nil
	}
	if err := store.Filled(b.Context(), now); err != nil {
		b.Fatal(err)
	}
}

// told are the events of which a document is made.
func told(i int, d *search.Document) []app.News {
	d.ID = fmt.Sprintf("019c0000-0000-7000-8000-%012d", i)
	p := search.Product{ID: d.ID, Slug: d.Slug, Title: d.Texts["en"].Title, Description: d.Texts["en"].Description, ImageURL: d.ImageURL, Brand: d.Brand, Path: d.Categories,
		Popularity: d.Popularity, Published: d.Published, Filterable: []string{"colour", "size", "washable", "weight", "feature1", "feature2", "feature3"},
		Searchable: []string{"colour", "feature1", "feature4"}, Values: values(d.Attributes)}
	if t, translated := d.Texts["de"]; translated {
		p.Translations = map[string]search.Translation{"de": {Title: t.Title, Description: t.Description}}
	}
	var all []app.News
	for _, v := range d.Variants {
		p.Variants = append(p.Variants, search.Item{SKU: v.SKU, Values: values(v.Attributes)})
		prices := &app.PriceNews{SKU: v.SKU}
		for m, price := range v.Prices {
			row := search.Row{List: m.Country, Currency: m.Currency, Amount: price.Amount, CompareAt: price.CompareAt}
			if m.Country != "" {
				row.Countries = []string{m.Country}
			}
			prices.Rows = append(prices.Rows, row)
		}
		at := app.Event{Subject: v.SKU, Sequence: 1}
		all = append(all, app.News{Event: at, Prices: prices}, app.News{Event: at, Level: &app.LevelNews{SKU: v.SKU, Available: v.Available}})
	}
	return append(all, app.News{Event: app.Event{Subject: d.ID, Sequence: 1}, Product: &app.ProductNews{Product: p, Listed: true}})
}

func values(all []search.Attribute) (out []search.Value) {
	for _, a := range all {
		out = append(out, search.Value{Code: a.Code, Label: a.Label, Type: a.Type, Unit: a.Unit, Terms: []search.Term{a.Term}, Hex: a.Hex})
	}
	return out
}
