package daprio

import (
	"context"
	"net/http"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// invokeDeadline bounds a call to another service.
const invokeDeadline = 2 * time.Second

// Pricing asks pricing. It implements app.Pricer.
type Pricing struct{ Caller daprkit.Caller }

// Quote implements app.Pricer.
func (p Pricing) Quote(ctx context.Context, req pricingapi.QuoteRequest) (q pricingapi.Quote, err error) {
	ctx, cancel := context.WithTimeout(ctx, invokeDeadline)
	defer cancel()
	err = p.Caller.JSON(ctx, http.MethodPost, pricingapi.PathQuote, req, &q)
	return q, err
}

// Catalog asks catalog. It implements app.Catalog.
type Catalog struct{ Caller daprkit.Caller }

// Sellables implements app.Catalog.
func (c Catalog) Sellables(ctx context.Context, skus []string) ([]catalogapi.Sellable, error) {
	ctx, cancel := context.WithTimeout(ctx, invokeDeadline)
	defer cancel()
	var out catalogapi.Sellables
	err := c.Caller.JSON(ctx, http.MethodPost, catalogapi.PathSellables, catalogapi.SellablesRequest{SKUs: skus}, &out)
	return out.Items, err
}
