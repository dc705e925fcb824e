package httpapi

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// BenchmarkEvents takes in prices one by one, as a broker delivers them, with the index behind them.
func BenchmarkEvents(b *testing.B) {
	s := stocked(b)
	words := strings.Repeat("a comfortable everyday thing for people who like to sit and read in the evening ", 6)
	const products = 500
	for n := range products {
		s.sequence++
		news := product(100+n, search.Product{Slug: fmt.Sprint("p", n), Title: fmt.Sprint("Plate number ", n), Description: words, Variants: []search.Item{{SKU: fmt.Sprint("PL-", n)}, {SKU: fmt.Sprint("PM-", n)}}}, true)
		news.Sequence = 1
		if err := s.tail.Take(b.Context(), news); err != nil {
			b.Fatal(err)
		}
	}
	s.settle()
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = s.tail.Run(ctx) })
	i := 0
	for b.Loop() {
		i++
		sku := fmt.Sprint("PL-", i%products)
		if err := s.tail.Take(ctx, app.News{Event: app.Event{Subject: sku, Sequence: int64(i)}, Prices: &app.PriceNews{SKU: sku, Rows: []search.Row{usd(int64(i), 0)}}}); err != nil {
			b.Fatal(err)
		}
	}
	stop()
	running.Wait()
}
