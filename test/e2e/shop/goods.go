package shop

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// Token mints a staff token.
func (s *Shop) Token(t testing.TB) string {
	t.Helper()
	out, err := s.Run(t.Context(), "token")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(out)
	return lines[len(lines)-1]
}

// Staff is Must with a staff token.
func (s *Shop) Staff(t testing.TB, status int, method, path string, body, out any, headers ...string) *Answer {
	t.Helper()
	return s.Must(t, status, method, path, body, out, append(headers, "Authorization", "Bearer "+s.Token(t))...)
}

// Goods makes a product with one SKU for a test alone: published, 19.99 USD, with stock at one location, and waits until carts know it.
// The name may hold lower-case letters, digits and hyphens.
func (s *Shop) Goods(t testing.TB, name string, stock int64) (sku string) {
	t.Helper()
	sku = fmt.Sprintf("T-%s-%s", name, Key()[:6])
	s.Staff(t, 204, "PUT", "/v1/admin/categories/test-goods", catalogapi.CategoryInput{Name: "Test goods", Slug: "test-goods"}, nil)
	s.Staff(t, 201, "POST", "/v1/admin/products", catalogapi.ProductInput{
		Title: "Test goods " + sku, CategoryCode: "test-goods", Status: catalogapi.StatusPublished, TaxCategory: "standard",
		Variants: []catalogapi.VariantInput{{SKU: sku, WeightGrams: 100}}, Attributes: map[string]json.RawMessage{},
	}, nil)
	s.Staff(t, 204, "PUT", "/v1/admin/price-lists/test-usd", pricingapi.PriceListInput{Name: "Tests", Currency: "USD"}, nil)
	s.Staff(t, 204, "PUT", "/v1/admin/price-lists/test-usd/prices", pricingapi.PricesInput{Prices: []pricingapi.PriceInput{
		{SKU: sku, Amount: money.New(1999, "USD"), MinQuantity: 1}}}, nil)
	s.Staff(t, 204, "PUT", "/v1/admin/locations/test-shelf", inventoryapi.LocationInput{Name: "Test shelf", Country: "US", Enabled: true}, nil)
	if stock > 0 {
		s.Staff(t, 200, "POST", "/v1/admin/stock/receive", inventoryapi.StockInput{Reference: "test " + sku,
			Lines: []inventoryapi.StockLine{{SKU: sku, LocationID: "test-shelf", Quantity: stock}}}, nil)
	}
	s.awaitSellable(t, sku)
	return sku
}

// awaitSellable waits until a cart takes the SKU at its price.
func (s *Shop) awaitSellable(t testing.TB, sku string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c := s.Cart(t)
	for {
		a, err := s.Ask(ctx, "POST", "/v1/carts/"+c.ID+"/lines", map[string]any{"sku": sku, "quantity": 1})
		if err == nil && a.Status == 201 {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s does not become sellable: %+v %v", sku, a, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
