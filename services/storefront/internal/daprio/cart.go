package daprio

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
)

// writeTime is how long a change may take, with its repeat.
const writeTime = 8 * time.Second

// change sends a change. Its outcome is asked for once more where it is not known: by its key, or because it says what shall be, it has one effect.
// Whoever asked may be gone by then: it is done all the same.
func change(ctx context.Context, c daprkit.Caller, method, path, key string, in, out any) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	var opts []daprkit.CallOption
	if key != "" {
		opts = append(opts, daprkit.WithHeader("Idempotency-Key", key))
	}
	err := c.JSON(ctx, method, path, in, out, opts...)
	if fault.KindOf(err) == fault.Timeout && ctx.Err() == nil {
		err = c.JSON(ctx, method, path, in, out, opts...)
	}
	return err
}

const carts = "/v1/carts"

func cartPath(id string, more ...string) string {
	path := carts + "/" + url.PathEscape(id)
	for _, m := range more {
		path += "/" + url.PathEscape(m)
	}
	return path
}

// NewCart makes a cart of a market. Key is of 32 characters or more, and nobody else's: the same makes the same cart.
func (s *Services) NewCart(ctx context.Context, m storefront.Market, key string) (c cartapi.Cart, err error) {
	err = change(ctx, s.Cart, http.MethodPost, carts, key, cartapi.CreateInput{Currency: string(m.Currency), Country: m.Country}, &c)
	return c, err
}

// GetCart returns a cart: fault.NotFound if it is not known any more, and as it was if it is closed.
func (s *Services) GetCart(ctx context.Context, id string) (c cartapi.Cart, err error) {
	err = get(ctx, s.Cart, cartPath(id), nil, &c)
	return c, err
}

// AddLines adds lines, all or none.
func (s *Services) AddLines(ctx context.Context, id, key string, lines []cartapi.LineInput) (c cartapi.Cart, err error) {
	err = change(ctx, s.Cart, http.MethodPost, cartPath(id, "lines", "batch"), key, cartapi.BatchInput{Lines: lines}, &c)
	return c, err
}

// SetQuantity sets how many pieces a line has; 0 removes it.
func (s *Services) SetQuantity(ctx context.Context, id, line string, quantity int64) (c cartapi.Cart, err error) {
	err = change(ctx, s.Cart, http.MethodPatch, cartPath(id, "lines", line), "", cartapi.QuantityInput{Quantity: quantity}, &c)
	return c, err
}

// AddCoupon notes a code; the answer says whether it applies.
func (s *Services) AddCoupon(ctx context.Context, id, code string) (c cartapi.Cart, err error) {
	err = change(ctx, s.Cart, http.MethodPost, cartPath(id, "coupons"), "", cartapi.CouponInput{Code: code}, &c)
	return c, err
}

// RemoveCoupon forgets a code.
func (s *Services) RemoveCoupon(ctx context.Context, id, code string) (c cartapi.Cart, err error) {
	err = change(ctx, s.Cart, http.MethodDelete, cartPath(id, "coupons", code), "", nil, &c)
	return c, err
}

// MergeCart moves everything of another cart into a cart. Again it changes nothing.
func (s *Services) MergeCart(ctx context.Context, id, from string) (c cartapi.Cart, err error) {
	err = change(ctx, s.Cart, http.MethodPost, cartPath(id, "merge"), "", cartapi.MergeInput{FromCartID: from}, &c)
	return c, err
}

// How many products are asked for to name what is in a cart: so many at once, and no more in all.
const (
	productsAtOnce = 8
	productsInAll  = 100
	productsTime   = time.Second
)

// Products asks catalog for products by their ids, in the market's language. Those that cannot be had, or not in time, are missing.
func (s *Services) Products(ctx context.Context, m storefront.Market, ids []string) map[string]*catalogapi.Product {
	ctx, cancel := context.WithTimeout(ctx, productsTime)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(productsAtOnce)
	var mu sync.Mutex
	found, asked := map[string]*catalogapi.Product{}, map[string]bool{"": true}
	for _, id := range ids {
		if asked[id] || len(asked) > productsInAll {
			continue
		}
		asked[id] = true
		g.Go(func() error {
			p := &catalogapi.Product{}
			if err := get(ctx, s.Catalog, "/v1/products/"+url.PathEscape(id), m.Query(), p); err == nil && p.ID == id {
				mu.Lock()
				defer mu.Unlock()
				found[id] = p
			}
			return nil
		})
	}
	_ = g.Wait() // none fails
	return found
}
