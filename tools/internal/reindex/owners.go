package reindex

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// owners are asked what a product is.
type owners struct {
	staff, guest *shopclient.Client
	places       map[string]bool // locations that are enabled
}

func (r *run) owners(ctx context.Context) (*owners, error) {
	var all struct {
		Items []struct {
			ID      string `json:"id"`
			Enabled bool   `json:"enabled"`
		} `json:"items"`
	}
	if err := r.Staff.Get(ctx, "/v1/admin/locations", &all); err != nil {
		return nil, fmt.Errorf("ask for locations: %w", err)
	}
	o := &owners{staff: r.Staff, guest: r.Guest, places: map[string]bool{}}
	for _, l := range all.Items {
		o.places[l.ID] = l.Enabled
	}
	return o, nil
}

// differs says in what search and the owners of a product differ; empty: in nothing.
func (o *owners) differs(ctx context.Context, p product) (string, error) {
	var page catalogapi.Product
	err := o.guest.Get(ctx, "/v1/products/"+url.PathEscape(p.ID), &page)
	if gone, ok := errors.AsType[*shopclient.Problem](err); ok && (gone.Status == http.StatusNotFound || gone.Status == http.StatusGone) {
		return "", nil // it is published no more
	}
	if err != nil {
		return "", err
	}
	if len(page.Variants) == 0 {
		return "catalog shows no variants", nil
	}
	hit, err := o.find(ctx, page)
	if err != nil {
		return "", err
	}
	lowest, inStock := best(page)
	switch {
	case lowest == nil && hit == nil:
		return "", nil // without a price nobody is shown it
	case lowest == nil:
		return "it has no price, and is listed", nil
	case hit == nil:
		return "it is not found by its SKU " + page.Variants[0].SKU + "; a rule may leave it out, or the index lacks it", nil
	case hit.Title != page.Title || hit.Slug != page.Slug:
		return fmt.Sprintf("search says %q (%s), catalog %q (%s)", hit.Title, hit.Slug, page.Title, page.Slug), nil
	case hit.Price != *lowest:
		return fmt.Sprintf("search says it costs %s, catalog %s", hit.Price, lowest), nil
	case hit.InStock != inStock:
		return fmt.Sprintf("search says in stock: %v, catalog: %v", hit.InStock, inStock), nil
	}
	if detail, err := o.price(ctx, page, hit); detail != "" || err != nil {
		return detail, err
	}
	return o.stock(ctx, page, hit)
}

// find looks for a product as somebody does who types one of its SKUs; nil: it is not found.
func (o *owners) find(ctx context.Context, page catalogapi.Product) (*catalogapi.ProductSummary, error) {
	var found searchapi.Products
	query := url.Values{"q": {page.Variants[0].SKU}, "as_typed": {"true"}, "limit": {"100"}}
	if err := o.guest.Get(ctx, "/v1/products?"+query.Encode(), &found); err != nil {
		return nil, err
	}
	if found.Degraded {
		return nil, errors.New("the index is away: listings come from catalog")
	}
	i := slices.IndexFunc(found.Items, func(p catalogapi.ProductSummary) bool { return p.ID == page.ID })
	if i < 0 {
		return nil, nil
	}
	return &found.Items[i], nil
}

// best is what a listing shows of a product: its lowest price, and whether one of its variants that have one can be had.
func best(page catalogapi.Product) (lowest *money.Amount, inStock bool) {
	for _, v := range page.Variants {
		if v.Price == nil {
			continue
		}
		if lowest == nil || v.Price.Minor < lowest.Minor {
			lowest = v.Price
		}
		inStock = inStock || v.Availability.Available > 0
	}
	return lowest, inStock
}

// price asks pricing whether a variant has the price that search shows.
func (o *owners) price(ctx context.Context, page catalogapi.Product, hit *catalogapi.ProductSummary) (string, error) {
	now := time.Now()
	for _, v := range page.Variants {
		if v.Price == nil || *v.Price != hit.Price {
			continue
		}
		var prices struct {
			Items []pricingapi.Price `json:"items"`
		}
		if err := o.staff.Get(ctx, "/v1/admin/prices?"+url.Values{"sku": {v.SKU}}.Encode(), &prices); err != nil {
			return "", err
		}
		for _, p := range prices.Items {
			if p.Amount == hit.Price && (p.ValidFrom == nil || !p.ValidFrom.After(now)) && (p.ValidTo == nil || p.ValidTo.After(now)) {
				return "", nil
			}
		}
		return fmt.Sprintf("search says it costs %s, pricing has no such price of %s", hit.Price, v.SKU), nil
	}
	return "", nil
}

// mostVariants is of how many variants inventory is asked: of a product that has more, catalog alone.
const mostVariants = 50

// stock asks inventory whether a variant that has a price can be had.
func (o *owners) stock(ctx context.Context, page catalogapi.Product, hit *catalogapi.ProductSummary) (string, error) {
	if len(page.Variants) > mostVariants {
		return "", nil
	}
	var available int64
	for _, v := range page.Variants {
		if v.Price == nil {
			continue
		}
		var levels struct {
			Items []struct {
				LocationID string `json:"location_id"`
				Available  int64  `json:"available"`
			} `json:"items"`
		}
		if err := o.staff.Get(ctx, "/v1/admin/stock/levels?"+url.Values{"sku": {v.SKU}, "limit": {"100"}}.Encode(), &levels); err != nil {
			return "", err
		}
		for _, l := range levels.Items {
			if o.places[l.LocationID] {
				available += max(0, l.Available)
			}
		}
	}
	if hit.InStock != (available > 0) {
		return fmt.Sprintf("search says in stock: %v, inventory has %d pieces", hit.InStock, available), nil
	}
	return "", nil
}
