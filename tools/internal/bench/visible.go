package bench

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// visible measures how long it takes until shoppers find a product at its new price, from the answer to whom has set it, while guests buy.
func (r *runner) visible(ctx context.Context) error {
	const changers, shoppers = 3, 8
	if err := r.restock(ctx); err != nil {
		return err
	}
	var skus []string
	for range changers {
		sku, err := r.makeGoods(ctx, 1)
		if err != nil {
			return err
		}
		skus = append(skus, sku)
	}
	notes, err := r.quiet(ctx)
	if err != nil {
		return err
	}
	took, err := r.change(ctx, skus, func(ctx context.Context) error {
		_, _, err := r.k6(ctx, "checkout", max(r.Duration, 20*time.Second), fmt.Sprintf("SHOPPERS=%d", shoppers))
		return err
	})
	if err != nil {
		return err
	}
	r.note(Result{What: fmt.Sprintf("a new price, from the answer to whom has set it until a search shows it, %d of them while %d shoppers check out", len(took), shoppers),
		Figure: fmt.Sprintf("p50 %.0f ms, p95 %.0f ms, p99 %.0f ms", median(took), quantile(took, 0.95), quantile(took, 0.99)),
		Goals:  []Goal{below("p99", quantile(took, 0.99), 2000, " ms")}, Notes: notes})
	return nil
}

// change sets prices of goods again and again while something else is done, and returns how long each was on its way, in milliseconds.
func (r *runner) change(ctx context.Context, skus []string, load func(context.Context) error) ([]float64, error) {
	var mu sync.Mutex
	var all []float64
	over := make(chan struct{})
	var group errgroup.Group
	group.Go(func() error { defer close(over); return load(ctx) })
	for _, sku := range skus {
		group.Go(func() error {
			for minor := int64(2000); ; minor++ {
				select {
				case <-over:
					return nil
				default:
				}
				ms, err := r.shown(ctx, sku, money.New(minor, "USD"))
				if err != nil {
					return err
				}
				mu.Lock()
				all = append(all, ms)
				mu.Unlock()
			}
		})
	}
	return all, group.Wait()
}

// shown sets a price, and asks a search for it until it says so.
func (r *runner) shown(ctx context.Context, sku string, price money.Amount) (ms float64, err error) {
	const pause, limit = 50 * time.Millisecond, 30 * time.Second
	in := pricingapi.PricesInput{Prices: []pricingapi.PriceInput{{SKU: sku, Amount: price, MinQuantity: 1}}}
	if err := r.staff.Put(ctx, "/v1/admin/price-lists/bench/prices", in, nil); err != nil {
		return 0, err
	}
	begun := time.Now()
	guest := shopclient.New(r.state.Gateway)
	query := "/v1/products?" + url.Values{"q": {sku}, "as_typed": {"true"}, "limit": {"1"}, "currency": {string(price.Currency)}, "country": {"US"}}.Encode()
	for {
		var found searchapi.Products
		if err := guest.Get(ctx, query, &found); err != nil {
			return 0, err
		}
		since := time.Since(begun)
		if len(found.Items) == 1 && found.Items[0].Price == price {
			return float64(since) / float64(time.Millisecond), nil
		}
		if since > limit {
			return 0, fmt.Errorf("%s is not shown at %s after %s", sku, strconv.FormatInt(price.Minor, 10), limit)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(pause):
		}
	}
}
