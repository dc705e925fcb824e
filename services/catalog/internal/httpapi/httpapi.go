// Package httpapi is catalog's HTTP edge: what shoppers read, what other services ask, what staff and imports write. It maps
// wire forms to values and back; statuses follow from the faults.
package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
	"github.com/sidecart/sidecart/services/catalog/internal/postgres"
)

// The scopes of staff.
const (
	ScopeRead  = "catalog:read"
	ScopeWrite = "catalog:write"
)

// maxProducts is the largest body that carries products: what a sidecar takes by default.
const maxProducts = 4 << 20

// Reader is what staff may look at beside the shelf.
type Reader interface {
	// Product returns catalog.ErrNotFound for an unknown id.
	Product(ctx context.Context, id string) (postgres.Kept, error)
	Products(ctx context.Context, l postgres.Look) ([]postgres.Kept, error)
	Told(ctx context.Context, after string, limit int, whole bool) (catalogapi.Told, error)
	Exceptions(ctx context.Context, importID string, resolved bool, after int64, limit int) ([]postgres.KeptException, error)
}

// Options of the shop front.
type Options struct {
	Currency money.Currency   // of readers who name none
	Country  string           // of readers who name none
	Language string           // of the shop
	MaxAge   time.Duration    // how long shoppers' caches may keep a page
	Now      func() time.Time // the clock
}

type api struct {
	staff *app.Staff
	shelf app.Shelf
	read  Reader
	opt   Options
	check func(raw []byte) (catalogapi.ProductInput, []huma.ErrorDetail)
}

// Register adds all routes.
func Register(s *httpx.Server, staff *app.Staff, shelf app.Shelf, read Reader, opt Options) {
	a := &api{staff: staff, shelf: shelf, read: read, opt: opt}
	a.registerShop(s)
	a.registerRegistry(s)
	a.registerProducts(s)
	httpx.Register(s, huma.Operation{Method: http.MethodPost, Path: catalogapi.PathSellables, Tags: []string{"internal"},
		Summary: "What a cart needs to know of SKUs", OperationID: "sellables"}, a.sellables,
		httpx.Callers("cart", "checkout"), httpx.Timeout(2*time.Second))
	httpx.Register(s, huma.Operation{Method: http.MethodGet, Path: catalogapi.PathTold, Tags: []string{"internal"},
		Summary: "All products as they were told last", OperationID: "told-products"}, a.told,
		httpx.Callers("search"), httpx.Timeout(10*time.Second))
	a.check = productChecker(s)
}

type toldInput struct {
	After string `query:"after" format:"uuid" doc:"Id of the last product of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Whole bool   `query:"whole" doc:"With the products themselves. A page may be shorter than its limit"`
}

func (a *api) told(ctx context.Context, in *toldInput) (*httpx.Body[catalogapi.Told], error) {
	out, err := a.read.Told(ctx, in.After, in.Limit, in.Whole)
	return &httpx.Body[catalogapi.Told]{Body: out}, err
}

func operation(method, path, id, summary, scope string) huma.Operation {
	return huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Tags: []string{"staff"}, Security: httpx.Scope(scope)}
}

func (a *api) registerRegistry(s *httpx.Server) {
	put := func(what string) huma.Operation {
		op := operation(http.MethodPut, "/v1/admin/"+what+"/{code}", "admin-put-"+what, "Create or change one of the "+what, ScopeWrite)
		op.DefaultStatus = http.StatusNoContent
		return op
	}
	get := func(what string) huma.Operation {
		return operation(http.MethodGet, "/v1/admin/"+what+"/{code}", "admin-get-"+what, "One of the "+what, ScopeRead)
	}
	list := func(what string) huma.Operation {
		return operation(http.MethodGet, "/v1/admin/"+what, "admin-list-"+what, "All "+what, ScopeRead)
	}
	httpx.Register(s, put("attributes"), a.putAttribute)
	httpx.Register(s, get("attributes"), a.attribute)
	httpx.Register(s, list("attributes"), a.attributes)
	httpx.Register(s, put("categories"), a.putCategory)
	httpx.Register(s, get("categories"), a.category)
	httpx.Register(s, list("categories"), a.categories)
	httpx.Register(s, put("brands"), a.putBrand)
	httpx.Register(s, get("brands"), a.brand)
	httpx.Register(s, list("brands"), a.brands)
}

func (a *api) registerProducts(s *httpx.Server) {
	post := operation(http.MethodPost, "/v1/admin/products", "post-product", "Write a product; one with a known external id is changed", ScopeWrite)
	post.MaxBodyBytes, post.DefaultStatus = maxProducts, http.StatusCreated
	httpx.Register(s, post, a.postProduct, httpx.Also(http.StatusOK))
	put := operation(http.MethodPut, "/v1/admin/products/{id}", "put-product", "Write the whole of a product", ScopeWrite)
	put.MaxBodyBytes = maxProducts
	httpx.Register(s, put, a.putProduct)
	batch := operation(http.MethodPost, "/v1/admin/products/batch", "batch-products", "Write up to 500 products, each for itself", ScopeWrite)
	batch.MaxBodyBytes = maxProducts
	httpx.Register(s, batch, a.batch, httpx.Timeout(30*time.Second))
	httpx.Register(s, operation(http.MethodGet, "/v1/admin/products", "admin-list-products", "Products of any status, the newest first", ScopeRead), a.staffList)
	httpx.Register(s, operation(http.MethodGet, "/v1/admin/products/{id}", "admin-get-product", "A product as it was written", ScopeRead), a.staffProduct)
	httpx.Register(s, operation(http.MethodPost, "/v1/admin/products/{id}/publish", "publish-product", "Show and sell a product", ScopeWrite), a.move(catalog.Published))
	httpx.Register(s, operation(http.MethodPost, "/v1/admin/products/{id}/archive", "archive-product", "Take a product out of the shop", ScopeWrite), a.move(catalog.Archived))
	note := operation(http.MethodPost, "/v1/admin/migration-exceptions", "post-migration-exception", "Keep a row that could not be mapped", ScopeWrite)
	note.DefaultStatus = http.StatusNoContent
	httpx.Register(s, note, a.noteException)
	httpx.Register(s, operation(http.MethodGet, "/v1/admin/migration-exceptions", "list-migration-exceptions", "Rows that are no product", ScopeRead), a.exceptions)
}

func (a *api) sellables(ctx context.Context, in *httpx.Body[catalogapi.SellablesRequest]) (*httpx.Body[catalogapi.Sellables], error) {
	found, reg, err := a.shelf.Sellables(ctx, in.Body.SKUs)
	if err != nil {
		return nil, err
	}
	out := &httpx.Body[catalogapi.Sellables]{Body: catalogapi.Sellables{Items: []catalogapi.Sellable{}}}
	for _, sku := range in.Body.SKUs {
		r, ok := found[sku]
		if !ok {
			continue
		}
		delete(found, sku) // asked for twice: told once
		p := &r.Product
		for i := range p.Variants {
			if v := &p.Variants[i]; v.SKU == sku {
				out.Body.Items = append(out.Body.Items, catalogapi.Sellable{SKU: sku, ProductID: r.ID, Version: r.Version, Title: reg.TitleOf(p, v),
					ImageURL: p.ImageOf(v), TaxCategory: p.TaxCategory, WeightGrams: v.WeightGrams, Sellable: p.Status == catalog.Published})
			}
		}
	}
	return out, nil
}
