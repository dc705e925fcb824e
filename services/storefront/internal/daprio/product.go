package daprio

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
)

// Product asks catalog for a product by its slug, a former one, or its id: its slug says where it is now. Of an archived one the error is
// fault.Gone and has its category_path.
func (s *Services) Product(ctx context.Context, m storefront.Market, name string) (*catalogapi.Product, error) {
	out := &catalogapi.Product{}
	err := get(ctx, s.Catalog, "/v1/products/"+url.PathEscape(name), m.Query(), out)
	if !errors.Is(err, errMoved) {
		return out, err
	}
	now, err := s.Compare(ctx, m, []string{name}) // which takes former slugs as well, and says the present one
	if err != nil {
		return nil, err
	}
	if len(now.Products) == 0 {
		return nil, fault.New(fault.NotFound, "product-not-found", "There is no such product.")
	}
	return &catalogapi.Product{ID: now.Products[0].ID, Slug: now.Products[0].Slug}, nil
}

// Compare asks catalog for products side by side.
func (s *Services) Compare(ctx context.Context, m storefront.Market, names []string) (catalogapi.Comparison, error) {
	q := m.Query()
	q.Set("ids", strings.Join(names, ","))
	var out catalogapi.Comparison
	err := get(ctx, s.Catalog, "/v1/products/compare", q, &out)
	return out, err
}

// listed is what of a list a row needs.
type listed struct {
	Items []catalogapi.ProductSummary `json:"items"`
}

// Similar asks search for what is like a product.
func (s *Services) Similar(ctx context.Context, m storefront.Market, id, limit string) ([]catalogapi.ProductSummary, error) {
	q := m.Query()
	q.Set("limit", limit)
	var out listed
	err := get(ctx, s.Search, "/v1/products/"+url.PathEscape(id)+"/similar", q, &out)
	return out.Items, err
}

// ByID asks search for products in the order of their ids. What is no longer sold is left out.
func (s *Services) ByID(ctx context.Context, m storefront.Market, ids []string) ([]catalogapi.ProductSummary, error) {
	q := m.Query()
	q.Set("ids", strings.Join(ids, ","))
	q.Set("limit", "50")
	var out listed
	err := get(ctx, s.Search, "/v1/products", q, &out)
	return out.Items, err
}
