// Package seed fills a shop with the sample catalogue of package seedshop, through the same API that staff and shoppers use:
// attributes, categories, brands, locations, price lists, taxes and coupons, then products with prices, stock and pictures,
// then the sample orders.
//
// It may be run again at any time and after any interruption: staff's writes are keyed by code, external id or reference and
// change nothing when nothing differs; sample orders are bought once, under Idempotency-Keys that a state file remembers.
//
// Who decides: the shop. A refusal ends the run with everything that the shop said about it.
package seed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/tools/internal/progress"
	"github.com/sidecart/sidecart/tools/internal/seedshop"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// parallel is how many calls are under way at once: a shop on two cores is kept busy by as many.
const parallel = 6

// Options say which shop is filled.
type Options struct {
	Guest *shopclient.Client // without a token
	Staff *shopclient.Client // with all scopes
	Media string             // folder that the gateway serves below /media; "": no pictures are written
	State string             // file that remembers the sample orders
	Out   io.Writer
}

// Run fills the shop.
func Run(ctx context.Context, opt Options, s *seedshop.Shop) error {
	r := &runner{Options: opt, shop: s, ids: map[string]string{}}
	if err := r.memory.load(opt.State); err != nil {
		return err
	}
	steps := r.steps()
	var total int64
	for _, st := range steps {
		total += int64(len(st.calls))
	}
	r.bar = progress.New(opt.Out, "seed", total)
	for _, st := range steps {
		r.bar.Label("seed " + st.label)
		if err := r.all(ctx, st.calls); err != nil {
			return fmt.Errorf("%s: %w", st.label, err)
		}
	}
	r.bar.Label("seed")
	r.bar.End()
	return r.shown(ctx)
}

// shownLimit bounds the wait for the shelves: the news of thousands of prices and levels take their time on a small machine.
const shownLimit = 2 * time.Minute

// shown waits until shoppers are shown goods in stock in every currency: what was written reaches the listing as events.
func (r *runner) shown(ctx context.Context) error {
	currencies := map[money.Currency]bool{}
	for _, p := range r.shop.Products {
		for _, v := range p.Variants {
			for _, price := range v.Prices {
				currencies[price.Amount.Currency] = true
			}
		}
	}
	deadline := time.Now().Add(shownLimit)
	for _, c := range slices.Sorted(maps.Keys(currencies)) {
		for {
			var page struct {
				Items []struct{} `json:"items"`
			}
			if err := r.Guest.Get(ctx, "/v1/products?in_stock=true&limit=1&currency="+string(c), &page); err != nil {
				return fmt.Errorf("what is on offer in %s: %w", c, err)
			}
			if len(page.Items) > 0 {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("nothing is on offer in %s after %s: prices and stock do not reach the listing", c, shownLimit)
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(200 * time.Millisecond):
			}
		}
	}
	return nil
}

type runner struct {
	Options
	shop   *seedshop.Shop
	bar    *progress.Bar
	memory memory

	mu  sync.Mutex
	ids map[string]string // of the products that are written, by slug
}

type call func(context.Context) error

// step is calls that may run side by side; the next step needs them all.
type step struct {
	label string
	calls []call
}

func (r *runner) steps() []step {
	all := []step{{"attributes, brands, locations", r.basics()}}
	all = append(all, r.categories()...)
	all = append(all, step{"price lists, taxes, coupons", r.money()})
	all = append(all, step{"synonyms", r.synonyms()}, step{"products", r.products()}, step{"prices, stock, pictures", append(append(r.prices(), r.stock()...), r.pictures()...)})
	return append(all, step{"rows of the home page", r.rows()}, step{"sample orders", r.orders()})
}

// all makes the calls and reports every failure.
func (r *runner) all(ctx context.Context, calls []call) error {
	var g errgroup.Group
	g.SetLimit(parallel)
	errs := make([]error, len(calls))
	outer := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for i, c := range calls {
		g.Go(func() error {
			if ctx.Err() != nil {
				return nil // another one failed: what it says is enough
			}
			if err := c(ctx); err != nil {
				if ctx.Err() == nil { // else it may have failed because another one did
					errs[i] = err
				}
				cancel()
				return nil
			}
			r.bar.Add(1, "")
			return nil
		})
	}
	_ = g.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return outer.Err()
}

func (r *runner) put(path string, in any) call {
	return func(ctx context.Context) error { return r.Staff.Put(ctx, path, in, nil) }
}
