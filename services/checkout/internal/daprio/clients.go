// Package daprio is checkout's side of the sidecar: it asks cart, pricing, inventory, payment and order, takes in what order and
// inventory tell, and runs the sweep's job. It guards nothing: the version in the database does.
package daprio

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// How long a neighbour may take. Order answers within 20 s, and says then that it does not know yet.
const (
	callTime  = 2 * time.Second
	placeTime = 23 * time.Second
)

func ask(ctx context.Context, c daprkit.Caller, limit time.Duration, method, path string, in, out any, opts ...daprkit.CallOption) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return ours(c.JSON(ctx, method, path, in, out, opts...))
}

// ours keeps what a shopper may be told of a neighbour's refusal. That a neighbour took our request for bad is our fault and not
// the shopper's: the places in it are none of his.
func ours(err error) error {
	f, ok := fault.As(err)
	if !ok {
		return err
	}
	switch {
	case f.Kind == fault.Malformed, f.Kind == fault.Forbidden, f.Kind == fault.Unauthenticated, f.Kind == fault.Invalid && f.Code == "validation-failed":
		return fault.New(fault.Internal, "internal", "Something went wrong on our side.").WithCause(err)
	}
	return err
}

// Carts asks cart. It implements app.Carts.
type Carts struct{ Caller daprkit.Caller }

// Snapshot implements app.Carts.
func (c Carts) Snapshot(ctx context.Context, id string) (cartapi.Snapshot, error) {
	var s cartapi.Snapshot
	err := ask(ctx, c.Caller, callTime, http.MethodGet, cartapi.PathSnapshot+url.PathEscape(id)+"/snapshot", nil, &s)
	return s, err
}

// Weights implements app.Carts.
func (c Carts) Weights(ctx context.Context, skus []string) (map[string]int64, error) {
	var w cartapi.Weights
	err := ask(ctx, c.Caller, callTime, http.MethodPost, cartapi.PathWeights, cartapi.WeightsRequest{SKUs: skus}, &w)
	return w.Grams, err
}

// Prices asks pricing. It implements app.Prices.
type Prices struct{ Caller daprkit.Caller }

// Quote implements app.Prices.
func (p Prices) Quote(ctx context.Context, req pricingapi.QuoteRequest) (pricingapi.Quote, error) {
	var q pricingapi.Quote
	err := ask(ctx, p.Caller, callTime, http.MethodPost, pricingapi.PathQuote, req, &q)
	return q, err
}

// Catalog asks catalog. It implements app.Catalog.
type Catalog struct{ Caller daprkit.Caller }

// Sellables implements app.Catalog.
func (c Catalog) Sellables(ctx context.Context, skus []string) ([]catalogapi.Sellable, error) {
	var out catalogapi.Sellables
	err := ask(ctx, c.Caller, callTime, http.MethodPost, catalogapi.PathSellables, catalogapi.SellablesRequest{SKUs: skus}, &out)
	return out.Items, err
}

// Holds asks inventory. It implements app.Holds.
type Holds struct{ Caller daprkit.Caller }

// Put implements app.Holds.
func (h Holds) Put(ctx context.Context, owner string, req inventoryapi.HoldRequest) error {
	return ask(ctx, h.Caller, callTime, http.MethodPut, inventoryapi.PathHolds+url.PathEscape(owner), req, nil)
}

// Release implements app.Holds.
func (h Holds) Release(ctx context.Context, owner string) error {
	return ask(ctx, h.Caller, callTime, http.MethodDelete, inventoryapi.PathHolds+url.PathEscape(owner), nil, nil)
}

// Owners implements app.Holds.
func (h Holds) Owners(ctx context.Context, before time.Time, after string) ([]string, error) {
	query := url.Values{"before": {before.UTC().Format(time.RFC3339Nano)}, "after": {after}}
	var page inventoryapi.HoldOwners
	err := ask(ctx, h.Caller, callTime, http.MethodGet, inventoryapi.PathHoldOwners+"?"+query.Encode(), nil, &page)
	return page.Owners, err
}

// Payments asks payment. It implements app.Payments.
type Payments struct{ Caller daprkit.Caller }

// ClientToken implements app.Payments.
func (p Payments) ClientToken(ctx context.Context, req paymentapi.ClientTokenRequest) (paymentapi.ClientToken, error) {
	var t paymentapi.ClientToken
	err := ask(ctx, p.Caller, 5*time.Second, http.MethodPost, paymentapi.PathClientToken, req, &t)
	return t, err
}

// Credit implements app.Payments. Each door is the shopper's own: whoever has a code, and whose token it is. Payment declines whoever comes with a
// card that nobody has, so that no other is asked for then. A card that is given twice counts once, as it does there.
func (p Payments) Credit(ctx context.Context, currency money.Currency, in checkoutapi.CompleteInput) (money.Amount, error) {
	var worth []money.Amount
	counted := map[string]bool{}
	for _, code := range in.GiftCards {
		plain := paymentapi.PlainCode(code)
		if counted[plain] {
			continue
		}
		counted[plain] = true
		var card paymentapi.GiftCardBalance
		err := ask(ctx, p.Caller, callTime, http.MethodPost, paymentapi.PathGiftCardBalance, paymentapi.GiftCardCode{Code: code}, &card)
		if fault.KindOf(err) == fault.NotFound {
			return money.Zero(currency), nil
		}
		if err != nil {
			return money.Amount{}, err
		}
		worth = append(worth, card.Balance)
	}
	if in.StoreCredit {
		var credit paymentapi.StoreCredit
		if err := ask(ctx, p.Caller, callTime, http.MethodGet, paymentapi.PathMyStoreCredit, nil, &credit, daprkit.WithBearer(in.Bearer)); err != nil {
			return money.Amount{}, err
		}
		worth = append(worth, credit.Totals...)
	}
	return money.Sum(currency, slices.DeleteFunc(worth, func(a money.Amount) bool { return a.Currency != currency })...)
}

// Orders asks order. It implements app.Orders.
type Orders struct{ Caller daprkit.Caller }

// outcomes are the words of order that are understood. Another one is an outcome that nobody knows.
var outcomes = map[string]bool{orderapi.OutcomePending: true, orderapi.OutcomePlaced: true, orderapi.OutcomeConfirmed: true, orderapi.OutcomeDeclined: true,
	orderapi.OutcomeOutOfStock: true, orderapi.OutcomeFailed: true, orderapi.OutcomeAbandoned: true}

// Place implements app.Orders.
func (o Orders) Place(ctx context.Context, req orderapi.PlaceRequest) (orderapi.PlaceResult, error) {
	var r orderapi.PlaceResult
	ctx, cancel := context.WithTimeout(ctx, placeTime)
	defer cancel()
	if err := o.Caller.JSON(ctx, http.MethodPost, orderapi.PathOrders+url.PathEscape(req.OrderID)+"/place", req, &r); err != nil {
		return r, err
	}
	if r.Attempt != req.Attempt {
		return r, fmt.Errorf("order answered the outcome %q of attempt %d to attempt %d", r.Outcome, r.Attempt, req.Attempt)
	}
	return r, understood(r)
}

// Abandon implements app.Orders.
func (o Orders) Abandon(ctx context.Context, id string) (orderapi.PlaceResult, error) {
	var r orderapi.PlaceResult
	if err := ask(ctx, o.Caller, 5*time.Second, http.MethodPost, orderapi.PathOrders+url.PathEscape(id)+"/abandon", nil, &r); err != nil {
		return r, err
	}
	return r, understood(r)
}

// understood refuses an outcome without a meaning, and a placed order that is not shown.
func understood(r orderapi.PlaceResult) error {
	placed := r.Outcome == orderapi.OutcomePlaced || r.Outcome == orderapi.OutcomeConfirmed
	if !outcomes[r.Outcome] || placed && r.Order == nil {
		return fmt.Errorf("order answered the outcome %q", r.Outcome)
	}
	return nil
}
