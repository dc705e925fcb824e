// Package httpapi is order's HTTP edge: the commands of checkout, what a guest or staff may see and do. A guest proves the
// order's access token; a wrong one is the same as no order.
package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/internal/pdf"
	"github.com/sidecart/sidecart/services/order/internal/postgres"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// The scopes of staff.
const (
	ScopeRead  = "order:read"
	ScopeWrite = "order:write"
)

// WaitLimit is how long the command to place waits for its outcome.
const WaitLimit = 20 * time.Second

// Door takes commands; they come in one at a time per order.
type Door interface {
	Place(ctx context.Context, req orderapi.PlaceRequest) error
	Abandon(ctx context.Context, id string) error
	Cancel(ctx context.Context, id, actor, reason string) error
	Transition(ctx context.Context, id, actor, to, note string) error
	Refund(ctx context.Context, id, actor string, req app.RefundRequest) error
	Edit(ctx context.Context, id, actor string, p app.Proposal) error
}

type api struct {
	app    *app.App
	door   Door
	store  *postgres.Store
	carts  app.Carts
	prices app.Repricer
	entity app.Entity // whose invoices these are; zero: there are none
	press  *pdf.Press
}

// Neighbours are the services that are asked while somebody waits.
type Neighbours struct {
	Carts  app.Carts
	Prices app.Repricer
}

// Register adds all routes.
func Register(s *httpx.Server, a *app.App, door Door, store *postgres.Store, n Neighbours, entity app.Entity) {
	h := &api{app: a, door: door, store: store, carts: n.Carts, prices: n.Prices, entity: entity, press: pdf.NewPress()}
	internal := func(method, path, id, summary string) huma.Operation {
		return huma.Operation{Method: method, Path: orderapi.PathOrders + path, OperationID: id, Summary: summary, Tags: []string{"internal"}}
	}
	httpx.Register(s, internal(http.MethodPost, "{id}/place", "place-order", "Place an order and wait for the outcome"), h.place,
		httpx.Callers("checkout"), httpx.Timeout(WaitLimit+5*time.Second))
	httpx.Register(s, internal(http.MethodPost, "{id}/abandon", "abandon-order", "End an order unless it is placed, and say what it is"), h.abandon,
		httpx.Callers("checkout"))

	public := func(method, path, id, summary string) huma.Operation {
		return httpx.NoCards(huma.Operation{Method: method, Path: "/v1/orders/{id}" + path, OperationID: id, Summary: summary, Tags: []string{"orders"}})
	}
	httpx.Register(s, public(http.MethodGet, "", "get-order", "An order"), h.get)
	httpx.Register(s, public(http.MethodGet, "/timeline", "get-timeline", "What happened to an order"), h.timeline)
	httpx.Register(s, public(http.MethodPost, "/cancel", "cancel-order", "Cancel an order before it is picked"), h.cancel)

	paper := func(op huma.Operation) huma.Operation {
		op.Responses = map[string]*huma.Response{"200": {Description: "The document", Content: map[string]*huma.MediaType{"application/pdf": {}}}}
		return op
	}
	httpx.Register(s, paper(public(http.MethodGet, "/invoice", "get-invoice", "The invoice, issued when it is first asked for")), h.invoice)
	httpx.Register(s, paper(public(http.MethodGet, "/credit-notes/{refund_id}", "get-credit-note", "The credit note of a refund that is done")), h.creditNote)
	again := public(http.MethodPost, "/reorder", "reorder", "A new cart of what the order had, as far as it can still be bought")
	again.DefaultStatus = http.StatusCreated
	httpx.Register(s, again, h.reorder)

	staff := func(method, path, id, summary, scope string) huma.Operation {
		return httpx.NoCards(huma.Operation{Method: method, Path: "/v1/admin/orders" + path, OperationID: id, Summary: summary, Tags: []string{"staff"}, Security: httpx.Scope(scope)})
	}
	httpx.Register(s, staff(http.MethodGet, "", "list-orders", "Placed orders, the latest first", ScopeRead), h.list)
	httpx.Register(s, staff(http.MethodGet, "/{id}", "staff-get-order", "An order with its log", ScopeRead), h.staffGet)
	httpx.Register(s, staff(http.MethodPost, "/{id}/transitions", "transition-order", "Bring an order to another status", ScopeWrite), h.transition)
	made := func(op huma.Operation) huma.Operation { op.DefaultStatus = http.StatusCreated; return op }
	httpx.Register(s, made(staff(http.MethodPost, "/{id}/refunds", "refund-order", "Give captured money back, a part or all", ScopeWrite)), h.refund, httpx.NeedsKey())
	httpx.Register(s, made(staff(http.MethodPost, "/{id}/edits", "edit-order", "Change what is ordered, or where it goes, before it is picked", ScopeWrite)), h.edit,
		httpx.NeedsKey(), httpx.Also(http.StatusOK))
	httpx.Register(s, staff(http.MethodGet, "/{id}/edits", "list-order-edits", "The edits of an order, oldest first", ScopeRead), h.edits)
	httpx.Register(s, made(staff(http.MethodPost, "/{id}/notes", "add-order-note", "Write a note about an order, for staff alone", ScopeWrite)), h.addNote)
	httpx.Register(s, staff(http.MethodGet, "/{id}/notes", "list-order-notes", "The notes about an order, oldest first", ScopeRead), h.notes)
}

// IDInput names an order by the path.
type IDInput struct {
	ID string `path:"id" maxLength:"64"`
}

type placeInput struct {
	IDInput
	Body orderapi.PlaceRequest
}

type placeOutput struct{ Body orderapi.PlaceResult }

func (h *api) place(ctx context.Context, in *placeInput) (*placeOutput, error) {
	if in.Body.OrderID != in.ID {
		return nil, fault.New(fault.Invalid, "validation-failed", "body.order_id: is not the order of the path").
			WithField("body.order_id", "is not the order of the path", in.Body.OrderID)
	}
	wait := h.app.Waiter(in.ID)
	defer wait.Close()
	if err := h.door.Place(ctx, in.Body); err != nil {
		return nil, err
	}
	result, err := wait.Outcome(ctx, in.Body.Attempt, WaitLimit)
	return &placeOutput{Body: result}, err
}

func (h *api) abandon(ctx context.Context, in *IDInput) (*placeOutput, error) {
	if err := h.door.Abandon(ctx, in.ID); err != nil {
		return nil, err
	}
	result, err := h.app.Outcome(ctx, in.ID)
	return &placeOutput{Body: result}, err
}

// GuestInput names an order and proves that the caller may see it.
type GuestInput struct {
	IDInput
	AccessToken string `query:"access_token" doc:"The order's capability; staff need none"`
}

type orderOutput struct {
	httpx.ReplayedHeader
	Body orderapi.Order
}

// load finds an order for its guest or for staff, with the name of who asks.
func (h *api) load(ctx context.Context, in GuestInput, scope string) (app.Record, string, error) {
	rec, err := h.app.Get(ctx, in.ID)
	if err != nil {
		return rec, "", err
	}
	if p, ok := auth.From(ctx); ok && in.AccessToken == "" {
		if err := auth.Require(ctx, scope); err != nil {
			return rec, "", app.ErrNotFound
		}
		return rec, p.Kind + ":" + p.Subject, nil
	}
	return rec, app.Guest, rec.Guest(in.AccessToken)
}

func (h *api) get(ctx context.Context, in *GuestInput) (*orderOutput, error) {
	rec, who, err := h.load(ctx, *in, ScopeRead)
	if err != nil {
		return nil, err
	}
	return &orderOutput{Body: h.view(rec, who)}, nil
}

// view shows an order to its guest or to staff.
func (h *api) view(rec app.Record, who string) orderapi.Order {
	if who != app.Guest {
		return h.app.StaffView(rec)
	}
	return h.app.View(rec)
}

// TimelineEntry is one thing that happened.
type TimelineEntry struct {
	At       time.Time      `json:"at"`
	What     string         `json:"what" doc:"For shoppers placed, confirmed, edited, cancel_requested, cancelled, refunded, payment_returned, payment_failed, allocated (what was owed has come), or the status or fulfillment status that the order came to; for staff the name of the transition"`
	Status   string         `json:"status"`
	Actor    string         `json:"actor"`
	Attempt  int            `json:"attempt"`
	Metadata map[string]any `json:"metadata,omitempty" doc:"For staff only"`
}

// Timeline is what happened to an order, oldest first.
type Timeline struct {
	Items []TimelineEntry `json:"items"`
}

type timelineOutput struct{ Body Timeline }

func (h *api) timeline(ctx context.Context, in *GuestInput) (*timelineOutput, error) {
	rec, who, err := h.load(ctx, *in, ScopeRead)
	if err != nil {
		return nil, err
	}
	items, err := h.entries(ctx, rec, who != app.Guest)
	return &timelineOutput{Body: Timeline{Items: items}}, err
}

// entries reads the log. A guest sees what app.Told has a word for, no metadata, and of staff only that it was staff.
func (h *api) entries(ctx context.Context, rec app.Record, staff bool) ([]TimelineEntry, error) {
	log, err := h.app.Store.Log(ctx, rec.ID)
	if err != nil {
		return nil, err
	}
	items := []TimelineEntry{}
	for _, e := range log {
		item := TimelineEntry{At: e.At, What: e.Transition, Status: h.app.StatusOf(rec, e.To), Actor: e.Actor, Attempt: e.Attempt}
		if staff {
			item.Metadata = e.Metadata
		} else {
			item.What = h.app.Told(rec, e)
			item.Actor, _, _ = strings.Cut(e.Actor, ":")
		}
		if item.What != "" {
			items = append(items, item)
		}
	}
	return items, nil
}

type cancelInput struct {
	GuestInput
	httpx.IdempotencyHeader
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500" pattern:"\\S" patternDescription:"text that is not blank"`
	}
}

func (h *api) cancel(ctx context.Context, in *cancelInput) (*orderOutput, error) {
	_, who, err := h.load(ctx, in.GuestInput, ScopeWrite)
	if err != nil {
		return nil, err
	}
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey, in.AccessToken)
	if err != nil {
		return nil, err
	}
	body, replayed, err := postgres.Once(ctx, h.store, key, func() (orderapi.Order, error) {
		if err := h.door.Cancel(ctx, in.ID, who, in.Body.Reason); err != nil {
			return orderapi.Order{}, err
		}
		rec, err := h.app.Get(ctx, in.ID)
		return h.view(rec, who), err
	})
	if err != nil {
		return nil, err
	}
	return &orderOutput{ReplayedHeader: httpx.Replayed(replayed), Body: body}, nil
}
