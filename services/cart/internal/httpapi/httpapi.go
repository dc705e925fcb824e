// Package httpapi is cart's HTTP edge. It maps wire forms to commands and back; statuses follow from the faults.
package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/cart/internal/app"
	"github.com/sidecart/sidecart/services/cart/internal/cart"
)

// anonymousKey is how long a stranger's Idempotency-Key for a new cart must be: a shorter one could be guessed, and the answer
// to a replay is the capability.
const anonymousKey = 32

// Defaults are a new cart's currency and country where the shopper names none.
type Defaults struct{ Currency, Country string }

type api struct {
	carts    *app.Carts
	defaults Defaults
}

// Register adds all routes.
func Register(s *httpx.Server, carts *app.Carts, d Defaults) {
	a := &api{carts: carts, defaults: d}
	op := func(method, path, id, summary string, status int) huma.Operation {
		return huma.Operation{Method: method, Path: "/v1/carts" + path, OperationID: id, Summary: summary, Tags: []string{"cart"}, DefaultStatus: status}
	}
	batch := op(http.MethodPost, "/{id}/lines/batch", "add-cart-lines", "Add several lines, all or none", http.StatusCreated)
	batch.MaxBodyBytes = 2 << 20 // 500 lines with 2 kB of metadata each, and their quotes
	httpx.Register(s, op(http.MethodPost, "", "create-cart", "Make a cart", http.StatusCreated), a.create)
	httpx.Register(s, op(http.MethodGet, "/{id}", "get-cart", "A cart with its totals", http.StatusOK), a.get)
	httpx.Register(s, op(http.MethodPost, "/{id}/lines", "add-cart-line", "Add a SKU, or raise the quantity of its line", http.StatusCreated), a.add)
	httpx.Register(s, batch, a.addAll)
	httpx.Register(s, op(http.MethodPatch, "/{id}/lines/{line_id}", "change-cart-line", "Set the quantity of a line; 0 removes it", http.StatusOK), a.change)
	httpx.Register(s, op(http.MethodDelete, "/{id}/lines/{line_id}", "remove-cart-line", "Remove a line", http.StatusOK), a.remove)
	httpx.Register(s, op(http.MethodPost, "/{id}/coupons", "add-cart-coupon", "Note a coupon code", http.StatusCreated), a.addCoupon)
	httpx.Register(s, op(http.MethodDelete, "/{id}/coupons/{code}", "remove-cart-coupon", "Forget a coupon code", http.StatusOK), a.removeCoupon)
	httpx.Register(s, op(http.MethodPost, "/{id}/merge", "merge-cart", "Move another cart's lines and coupons into this one", http.StatusOK), a.merge)
	httpx.Register(s, op(http.MethodGet, "/{id}/events", "list-cart-events", "The append-only log of a cart", http.StatusOK), a.events)
	httpx.Register(s, huma.Operation{Method: http.MethodGet, Path: cartapi.PathSnapshot + "{id}/snapshot", OperationID: "get-cart-snapshot",
		Summary: "A cart with its quote", Tags: []string{"internal"}}, a.snapshot, httpx.Callers("checkout"), httpx.Timeout(5*time.Second))
	httpx.Register(s, huma.Operation{Method: http.MethodPost, Path: cartapi.PathWeights, OperationID: "get-weights",
		Summary: "What SKUs weigh, also those that catalog knows no more", Tags: []string{"internal"}}, a.weights, httpx.Callers("checkout"), httpx.Timeout(5*time.Second))
}

// CartPath is embedded in what addresses a cart; huma reads only what is exported.
type CartPath struct {
	ID string `path:"id" maxLength:"200"`
}

type cartOutput struct {
	httpx.ETagHeader
	httpx.ReplayedHeader
	Body cartapi.Cart
}

func output(res app.Result, err error) (*cartOutput, error) {
	if err != nil {
		return nil, err
	}
	return &cartOutput{ETagHeader: httpx.ETag(res.Cart.Version), ReplayedHeader: httpx.Replayed(res.Replayed), Body: res.Cart}, nil
}

// command reads what every change carries. Nothing but the path, the version and the key says who may: the id is the capability.
func command(ctx context.Context, id, ifMatch, key string) (app.Command, error) {
	k, err := httpx.IdemFrom(ctx, key)
	if err != nil {
		return app.Command{}, err
	}
	version, given, err := httpx.ParseIfMatch(ifMatch)
	if err != nil {
		return app.Command{}, err
	}
	if given && version == 0 {
		version = -1 // no cart has it
	}
	cmd := app.Command{CartID: id, Actor: "anonymous", IfMatch: version, Key: idem.Key(k)}
	if p, ok := auth.From(ctx); ok {
		cmd.Actor = p.Kind + ":" + p.Subject
	}
	return cmd, nil
}

type createInput struct {
	httpx.IdempotencyHeader
	Body *cartapi.CreateInput
}

type createOutput struct {
	httpx.ETagHeader
	httpx.ReplayedHeader
	Location string `header:"Location"`
	Body     cartapi.Cart
}

func (a *api) create(ctx context.Context, in *createInput) (*createOutput, error) {
	body := cartapi.CreateInput{}
	if in.Body != nil {
		body = *in.Body
	}
	k, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	cmd := app.Command{Actor: "anonymous", Key: idem.Key(k)}
	b := app.Begin{Currency: money.Currency(or(body.Currency, a.defaults.Currency)), Country: or(body.Country, a.defaults.Country), Channel: body.Channel}
	p, ok := auth.From(ctx)
	if ok {
		cmd.Actor = p.Kind + ":" + p.Subject
	} else if err := k.AtLeast(anonymousKey); err != nil {
		return nil, err
	}
	if p.Kind == auth.KindCustomer {
		b.CustomerID = p.Subject
	}
	b.Command = cmd
	res, err := a.carts.Create(ctx, b)
	if err != nil {
		return nil, err
	}
	return &createOutput{ETagHeader: httpx.ETag(res.Cart.Version), ReplayedHeader: httpx.Replayed(res.Replayed),
		Location: "/v1/carts/" + res.Cart.ID, Body: res.Cart}, nil
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func (a *api) get(ctx context.Context, in *CartPath) (*cartOutput, error) {
	c, err := a.carts.Get(ctx, in.ID)
	return output(app.Result{Cart: c}, err)
}

type addInput struct {
	CartPath
	httpx.IdempotencyHeader
	httpx.IfMatchHeader
	Body cartapi.LineInput
}

func (a *api) add(ctx context.Context, in *addInput) (*cartOutput, error) {
	cmd, err := command(ctx, in.ID, in.IfMatch, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	return output(a.carts.Add(ctx, cmd, false, item(in.Body)))
}

func item(l cartapi.LineInput) cart.Item {
	return cart.Item{SKU: l.SKU, Quantity: l.Quantity, Metadata: l.Metadata}
}

type addAllInput struct {
	CartPath
	httpx.IdempotencyHeader
	httpx.IfMatchHeader
	Body cartapi.BatchInput
}

func (a *api) addAll(ctx context.Context, in *addAllInput) (*cartOutput, error) {
	cmd, err := command(ctx, in.ID, in.IfMatch, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	items := make([]cart.Item, len(in.Body.Lines))
	for i, l := range in.Body.Lines {
		items[i] = item(l)
	}
	return output(a.carts.Add(ctx, cmd, true, items...))
}

type changeInput struct {
	CartPath
	LineID string `path:"line_id" maxLength:"200"`
	httpx.IfMatchHeader
	Body cartapi.QuantityInput
}

func (a *api) change(ctx context.Context, in *changeInput) (*cartOutput, error) {
	cmd, err := command(ctx, in.ID, in.IfMatch, "")
	if err != nil {
		return nil, err
	}
	return output(a.carts.SetQuantity(ctx, cmd, in.LineID, in.Body.Quantity))
}

type removeInput struct {
	CartPath
	LineID string `path:"line_id" maxLength:"200"`
	httpx.IfMatchHeader
}

func (a *api) remove(ctx context.Context, in *removeInput) (*cartOutput, error) {
	cmd, err := command(ctx, in.ID, in.IfMatch, "")
	if err != nil {
		return nil, err
	}
	return output(a.carts.SetQuantity(ctx, cmd, in.LineID, 0))
}

type addCouponInput struct {
	CartPath
	httpx.IdempotencyHeader
	httpx.IfMatchHeader
	Body cartapi.CouponInput
}

func (a *api) addCoupon(ctx context.Context, in *addCouponInput) (*cartOutput, error) {
	cmd, err := command(ctx, in.ID, in.IfMatch, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	return output(a.carts.AddCoupon(ctx, cmd, in.Body.Code))
}

type removeCouponInput struct {
	CartPath
	Code string `path:"code" maxLength:"200"`
	httpx.IfMatchHeader
}

func (a *api) removeCoupon(ctx context.Context, in *removeCouponInput) (*cartOutput, error) {
	cmd, err := command(ctx, in.ID, in.IfMatch, "")
	if err != nil {
		return nil, err
	}
	return output(a.carts.RemoveCoupon(ctx, cmd, in.Code))
}

type mergeInput struct {
	CartPath
	httpx.IdempotencyHeader
	httpx.IfMatchHeader
	Body cartapi.MergeInput
}

func (a *api) merge(ctx context.Context, in *mergeInput) (*cartOutput, error) {
	cmd, err := command(ctx, in.ID, in.IfMatch, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	return output(a.carts.Merge(ctx, cmd, in.Body.FromCartID))
}

type eventsInput struct {
	CartPath
	httpx.PageQuery
}

type eventsOutput struct {
	Body httpx.Page[cartapi.LogEntry]
}

func (a *api) events(ctx context.Context, in *eventsInput) (*eventsOutput, error) {
	above, _, err := httpx.DecodeCursor[int64](in.Cursor)
	if err != nil {
		return nil, err
	}
	all, more, err := a.carts.Events(ctx, in.ID, above, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &eventsOutput{Body: httpx.NewPage(all, in.Limit, nil)}
	if more {
		next := httpx.EncodeCursor(all[len(all)-1].Version)
		out.Body.NextCursor = &next
	}
	return out, nil
}

type snapshotOutput struct{ Body cartapi.Snapshot }

func (a *api) snapshot(ctx context.Context, in *CartPath) (*snapshotOutput, error) {
	snap, err := a.carts.Snapshot(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &snapshotOutput{Body: snap}, nil
}

type (
	weightsInput  struct{ Body cartapi.WeightsRequest }
	weightsOutput struct{ Body cartapi.Weights }
)

func (a *api) weights(ctx context.Context, in *weightsInput) (*weightsOutput, error) {
	grams, err := a.carts.Weights(ctx, in.Body.SKUs)
	if err != nil {
		return nil, err
	}
	return &weightsOutput{Body: cartapi.Weights{Grams: grams}}, nil
}
