package httpapi

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/internal/postgres"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

type listInput struct {
	httpx.PageQuery
	Status string `query:"status" maxLength:"40" doc:"Only orders of this status"`
	Number string `query:"number" maxLength:"40" doc:"Only the order of this number"`
}

type listOutput struct{ Body httpx.Page[orderapi.Order] }

type position struct {
	At time.Time `json:"at"`
	ID string    `json:"id"`
}

func (h *api) list(ctx context.Context, in *listInput) (*listOutput, error) {
	at, _, err := httpx.DecodeCursor[position](in.Cursor)
	if err != nil {
		return nil, err
	}
	f := postgres.Filter{Number: in.Number, After: at.At, AfterID: at.ID, PageSize: in.Limit + 1}
	if in.Status != "" {
		if f.Status = h.app.StatesOf(in.Status); len(f.Status) == 0 {
			return nil, fault.New(fault.Invalid, "validation-failed", "query.status: is not a status").WithField("query.status", "is not a status", in.Status)
		}
	}
	records, err := h.store.List(ctx, f)
	if err != nil {
		return nil, err
	}
	orders := make([]orderapi.Order, len(records))
	for i, rec := range records {
		orders[i] = h.view(rec, "staff")
	}
	return &listOutput{Body: httpx.NewPage(orders, in.Limit, func(last orderapi.Order) string {
		return httpx.EncodeCursor(position{At: last.PlacedAt, ID: last.ID})
	})}, nil
}

// StaffOrder is an order with its log and what staff may do next.
type StaffOrder struct {
	orderapi.Order
	Timeline []TimelineEntry `json:"timeline"`
	May      []string        `json:"may" doc:"What a transition may bring it to: statuses, and states of a merchant's machine"`
	Owed     money.Amount    `json:"owed,omitzero" doc:"What edits made it cost less and has not gone back yet"`
}

type staffOutput struct {
	httpx.ReplayedHeader
	Body StaffOrder
}

func (h *api) staffGet(ctx context.Context, in *IDInput) (*staffOutput, error) {
	rec, err := h.app.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	view, err := h.staffView(ctx, rec)
	return &staffOutput{Body: view}, err
}

func (h *api) staffView(ctx context.Context, rec app.Record) (StaffOrder, error) {
	entries, err := h.entries(ctx, rec, true)
	v := StaffOrder{Order: h.view(rec, "staff"), Timeline: entries, May: h.app.May(rec)}
	if rec.Owing.IsPositive() {
		v.Owed = rec.Owing
	}
	return v, err
}

type transitionInput struct {
	IDInput
	httpx.IdempotencyHeader
	Body struct {
		To   string `json:"to" minLength:"1" maxLength:"40"`
		Note string `json:"note,omitempty" maxLength:"2000"`
	}
}

func (h *api) transition(ctx context.Context, in *transitionInput) (*staffOutput, error) {
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	p, _ := auth.From(ctx)
	actor := p.Kind + ":" + p.Subject
	body, replayed, err := postgres.Once(ctx, h.store, key, func() (StaffOrder, error) {
		if err := h.door.Transition(ctx, in.ID, actor, in.Body.To, in.Body.Note); err != nil {
			return StaffOrder{}, err
		}
		after, err := h.app.Get(ctx, in.ID)
		if err != nil {
			return StaffOrder{}, err
		}
		return h.staffView(ctx, after)
	})
	if err != nil {
		return nil, err
	}
	return &staffOutput{ReplayedHeader: httpx.Replayed(replayed), Body: body}, nil
}
