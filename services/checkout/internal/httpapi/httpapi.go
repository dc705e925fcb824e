// Package httpapi is checkout's HTTP edge. It maps wire forms to values and back; statuses follow from the faults. Who knows the
// id of a checkout may do everything with it: the id is a capability.
package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/checkout/internal/postgres"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

type api struct {
	app   *app.App
	store *postgres.Store
}

// Register adds all routes.
func Register(s *httpx.Server, a *app.App, store *postgres.Store) {
	h := &api{app: a, store: store}
	route := func(method, path, id, summary string) huma.Operation {
		return huma.Operation{Method: method, Path: "/v1/checkouts" + path, OperationID: id, Summary: summary, Tags: []string{"checkout"}}
	}
	create := route(http.MethodPost, "", "create-checkout", "Begin the checkout of a cart, or bring the open one up to date")
	create.DefaultStatus = http.StatusCreated
	httpx.Register(s, create, h.create, httpx.Also(http.StatusOK))
	httpx.Register(s, route(http.MethodGet, "/delivery", "estimate-delivery", "How goods in stock can be sent to a country, and when they arrive as a rule"), h.delivery)
	httpx.Register(s, route(http.MethodGet, "/{id}", "get-checkout", "A checkout"), h.get)
	httpx.Register(s, route(http.MethodPatch, "/{id}", "change-checkout", "Give an address, choose how it is sent"), h.patch)
	httpx.Register(s, route(http.MethodGet, "/{id}/shipping-options", "list-shipping-options", "How it can be sent to the address"), h.options)
	httpx.Register(s, route(http.MethodPost, "/{id}/payment-session", "create-payment-session", "Choose how to pay, and get what a browser needs to collect a card"), h.paymentSession)
	remove := route(http.MethodDelete, "/{id}", "cancel-checkout", "Give a checkout up and release what it holds")
	remove.DefaultStatus = http.StatusNoContent
	httpx.Register(s, remove, h.cancel)

	complete := route(http.MethodPost, "/{id}/complete", "complete-checkout", "Pay and place the order")
	complete.Description = "202: the outcome is not known yet, repeat with the same key."
	complete.DefaultStatus = http.StatusCreated
	complete.Middlewares = huma.Middlewares{replayable}
	complete.Errors = []int{http.StatusPaymentRequired, http.StatusConflict, http.StatusGone, http.StatusTooManyRequests}
	complete.Responses = map[string]*huma.Response{"202": {Description: "Accepted", Content: map[string]*huma.MediaType{
		"application/json": {Schema: s.API().OpenAPI().Components.Schemas.Schema(reflect.TypeFor[checkoutapi.Checkout](), true, "")}}}}
	httpx.Register(s, complete, h.complete, httpx.NeedsKey(), httpx.Timeout(app.CompleteLimit))
	httpx.Register(s, huma.Operation{Method: http.MethodPost, Path: checkoutapi.PathReprice, OperationID: "reprice", Summary: "What an order costs once it is edited",
		Tags: []string{"internal"}}, h.reprice, httpx.Callers("order"), httpx.Timeout(app.RepriceLimit))
}

// IDInput names a checkout by the path.
type IDInput struct {
	ID string `path:"id" minLength:"32" maxLength:"32" pattern:"^[0-9a-f]{32}$"`
}

type checkoutOutput struct {
	httpx.ETagHeader
	httpx.ReplayedHeader
	Status int
	Body   checkoutapi.Checkout
}

func (h *api) view(r app.Record) checkoutapi.Checkout { return app.View(r, h.app.Now()) }

func (h *api) answer(r app.Record, status int) *checkoutOutput {
	return &checkoutOutput{ETagHeader: httpx.ETag(r.Version), Status: status, Body: h.view(r)}
}

type createInput struct {
	httpx.IdempotencyHeader
	Body checkoutapi.CreateInput
}

// created is the answer that is kept with a key.
type created struct {
	Made     bool                 `json:"made"`
	Checkout checkoutapi.Checkout `json:"checkout"`
}

func (h *api) create(ctx context.Context, in *createInput) (*checkoutOutput, error) {
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey, in.Body.CartID)
	if err != nil {
		return nil, err
	}
	c, replayed, err := postgres.Once(ctx, h.store, app.Key(key), func() (created, error) {
		r, made, err := h.app.Create(ctx, in.Body)
		if err != nil {
			return created{}, err
		}
		return created{Made: made, Checkout: h.view(r)}, nil
	})
	if err != nil {
		return nil, err
	}
	out := &checkoutOutput{ETagHeader: httpx.ETag(c.Checkout.Version), ReplayedHeader: httpx.Replayed(replayed), Status: http.StatusOK, Body: c.Checkout}
	if c.Made {
		out.Status = http.StatusCreated
	}
	return out, nil
}

func (h *api) get(ctx context.Context, in *IDInput) (*checkoutOutput, error) {
	r, err := h.app.Read(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return h.answer(r, http.StatusOK), nil
}

// seen reads the version that the caller knows; nil when he does not say.
func seen(header string) (*int64, error) {
	version, given, err := httpx.ParseIfMatch(header)
	if err != nil || !given {
		return nil, err
	}
	return &version, nil
}

type patchInput struct {
	IDInput
	httpx.IfMatchHeader
	Body checkoutapi.PatchInput
}

func (h *api) patch(ctx context.Context, in *patchInput) (*checkoutOutput, error) {
	version, err := seen(in.IfMatch)
	if err != nil {
		return nil, err
	}
	r, err := h.app.Patch(ctx, in.ID, version, in.Body)
	if err != nil {
		return nil, err
	}
	return h.answer(r, http.StatusOK), nil
}

type optionsOutput struct {
	Body struct {
		Items []orderapi.ShippingOption `json:"items"`
	}
}

func (h *api) options(ctx context.Context, in *IDInput) (*optionsOutput, error) {
	options, err := h.app.Options(ctx, in.ID)
	out := &optionsOutput{}
	out.Body.Items = options
	return out, err
}

type deliveryOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         checkoutapi.Delivery
}

// delivery is the same for everybody.
func (h *api) delivery(_ context.Context, in *checkoutapi.DeliveryInput) (*deliveryOutput, error) {
	out := &deliveryOutput{CacheControl: "public, max-age=300"}
	out.Body.Items = h.app.Delivery(in.Country, money.Currency(in.Currency))
	return out, nil
}

type paymentSessionInput struct {
	IDInput
	httpx.IdempotencyHeader // taken and of no effect: a second token does no harm, the same choice neither, and none is kept
	Body                    *checkoutapi.PaymentSessionInput
}

type paymentSessionOutput struct{ Body checkoutapi.PaymentSession }

func (h *api) paymentSession(ctx context.Context, in *paymentSessionInput) (*paymentSessionOutput, error) {
	provider := ""
	if in.Body != nil {
		provider = in.Body.Provider
	}
	r, token, err := h.app.PaymentSession(ctx, in.ID, provider)
	if err != nil {
		return nil, err
	}
	return &paymentSessionOutput{Body: checkoutapi.PaymentSession{Provider: token.Provider, ClientToken: token.ClientToken, Amount: r.Totals().Total, Providers: token.Providers,
		Chosen: r.Provider, Fee: r.Totals().PaymentFee}}, nil
}

type cancelInput struct {
	IDInput
	httpx.IfMatchHeader
}

func (h *api) cancel(ctx context.Context, in *cancelInput) (*struct{}, error) {
	version, err := seen(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, h.app.Cancel(ctx, in.ID, version)
}

type completeInput struct {
	IDInput
	httpx.IdempotencyHeader
	httpx.ClientAddress
	Authorization string `header:"Authorization" hidden:"true"`
	Body          checkoutapi.CompleteInput
}

// completion is the order, or the checkout while the outcome is not known.
type completion struct {
	order    *orderapi.Order
	checkout *checkoutapi.Checkout
}

// Schema documents the 201; the 202 is documented beside it.
func (completion) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[orderapi.Order](), true, "")
}

// MarshalJSON writes the one that is there.
func (c completion) MarshalJSON() ([]byte, error) {
	if c.order != nil {
		return json.Marshal(c.order)
	}
	return json.Marshal(c.checkout)
}

type completeOutput struct {
	httpx.ReplayedHeader
	RetryAfter string `header:"Retry-After"`
	Status     int
	Body       completion
}

// maySpend lets nobody spend a customer's store credit who knows the checkout alone.
func (h *api) maySpend(ctx context.Context, in *completeInput) error {
	if !in.Body.StoreCredit {
		return nil
	}
	r, err := h.app.Get(ctx, in.ID)
	if err != nil {
		return err
	}
	if p, ok := auth.From(ctx); !ok || p.Kind != auth.KindCustomer || p.Subject != r.CustomerID {
		return fault.New(fault.Forbidden, "forbidden", "Store credit is for the signed-in customer whose checkout this is.")
	}
	return nil
}

func (h *api) complete(ctx context.Context, in *completeInput) (*completeOutput, error) {
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	if err := h.maySpend(ctx, in); err != nil {
		return nil, err
	}
	in.Body.ClientIP = in.Address()
	if in.Body.StoreCredit {
		_, in.Body.Bearer, _ = strings.Cut(in.Authorization, " ")
	}
	c, err := h.app.Complete(ctx, in.ID, app.Key(key), in.Body)
	if err != nil {
		if c.Replayed {
			markReplayed(ctx)
		}
		return nil, err
	}
	out := &completeOutput{ReplayedHeader: httpx.Replayed(c.Replayed), Status: http.StatusCreated, Body: completion{order: c.Order}}
	if c.Order == nil {
		v := h.view(c.Checkout)
		out.Status, out.RetryAfter, out.Body = http.StatusAccepted, retryAfter, completion{checkout: &v}
	}
	return out, nil
}

const retryAfter = "2" // seconds

type replayKey struct{}

// replayable lets a handler mark a refusal as replayed: errors carry no headers.
func replayable(ctx huma.Context, next func(huma.Context)) {
	next(huma.WithValue(ctx, replayKey{}, func() { ctx.SetHeader("Idempotency-Replayed", "true") }))
}

func markReplayed(ctx context.Context) {
	if mark, ok := ctx.Value(replayKey{}).(func()); ok {
		mark()
	}
}
