package daprio

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

const (
	toldDeadline = 10 * time.Second // of a page of all that was told
	listDeadline = 4 * time.Second  // of a listing in the place of ours
)

// Sources asks the neighbours for what they have told. It implements app.Sources.
type Sources struct{ Catalog, Pricing, Inventory daprkit.Caller }

var _ app.Sources = Sources{}

// get asks for a page.
func get(ctx context.Context, c daprkit.Caller, path string, query url.Values, out any) error {
	ctx, cancel := context.WithTimeout(ctx, toldDeadline)
	defer cancel()
	return c.JSON(ctx, http.MethodGet, path+"?"+query.Encode(), nil, out)
}

// Products implements app.Sources.
func (s Sources) Products(ctx context.Context, after string, whole bool) (app.Page, error) {
	query := url.Values{"limit": {"1000"}}
	if after != "" {
		query.Set("after", after)
	}
	if whole {
		query.Set("whole", "true")
		query.Set("limit", "100")
	}
	var told catalogapi.Told
	if err := get(ctx, s.Catalog, catalogapi.PathTold, query, &told); err != nil {
		return app.Page{}, err
	}
	page := app.Page{Next: told.Next}
	for _, t := range told.Items {
		var n app.News
		if t.Product != nil {
			var err error
			if n, err = Product(*t.Product); err != nil {
				return page, err
			}
		}
		n.Event = app.Event{Subject: t.ID, Sequence: t.Sequence, Asked: true, Digest: t.Digest}
		page.News = append(page.News, n)
	}
	return page, nil
}

// Prices implements app.Sources.
func (s Sources) Prices(ctx context.Context, after string) (app.Page, error) {
	var told pricingapi.Told
	err := get(ctx, s.Pricing, pricingapi.PathTold, url.Values{"after": {after}}, &told)
	page := app.Page{Next: told.Next}
	for _, t := range told.Items {
		n := prices(t)
		n.Event = app.Event{Subject: t.SKU, Sequence: t.Sequence, Asked: true}
		page.News = append(page.News, n)
	}
	return page, err
}

// Levels implements app.Sources.
func (s Sources) Levels(ctx context.Context, after string) (app.Page, error) {
	var told inventoryapi.Told
	err := get(ctx, s.Inventory, inventoryapi.PathTold, url.Values{"after": {after}}, &told)
	page := app.Page{Next: told.Next}
	for _, t := range told.Items {
		n := level(t)
		n.Event = app.Event{Subject: t.SKU, Sequence: t.Sequence, Asked: true}
		page.News = append(page.News, n)
	}
	return page, err
}

// Shelf lists products as catalog does. The query is that of GET /v1/products there.
type Shelf struct{ Catalog daprkit.Caller }

// List asks catalog, which says in which language it answers; its refusals are its own.
func (s Shelf) List(ctx context.Context, query url.Values) (p searchapi.Products, language string, err error) {
	ctx, cancel := context.WithTimeout(ctx, listDeadline)
	defer cancel()
	err = s.Catalog.JSON(ctx, http.MethodGet, "/v1/products?"+query.Encode(), nil, &p, daprkit.WithAnswered("Content-Language", &language))
	return p, language, err
}
