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

type refundInput struct {
	IDInput
	httpx.IdempotencyHeader
	Body struct {
		Amount *money.Amount         `json:"amount,omitempty" doc:"Either this or lines"`
		Lines  []orderapi.RefundLine `json:"lines,omitempty" maxItems:"500" doc:"Pieces of lines, at what they cost"`
		Reason string                `json:"reason" minLength:"1" maxLength:"255" pattern:"\\S" patternDescription:"text that is not blank"`
	}
}

type refundOutput struct {
	httpx.ReplayedHeader
	Body orderapi.Refund
}

// refund needs a key: its hash is the refund's id, so that it happens once even when the answer to the key could not be kept.
func (h *api) refund(ctx context.Context, in *refundInput) (*refundOutput, error) {
	if (in.Body.Amount == nil) == (len(in.Body.Lines) == 0) {
		return nil, fault.New(fault.Invalid, "validation-failed", "body: needs either amount or lines").WithField("body", "needs either amount or lines", nil)
	}
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	req := app.RefundRequest{ID: idFrom(key), Amount: in.Body.Amount, Lines: in.Body.Lines, Reason: in.Body.Reason}
	body, replayed, err := postgres.Once(ctx, h.store, key, func() (orderapi.Refund, error) {
		if err := h.door.Refund(ctx, in.ID, auth.Actor(ctx), req); err != nil {
			return orderapi.Refund{}, err
		}
		rec, err := h.app.Get(ctx, in.ID)
		if err != nil {
			return orderapi.Refund{}, err
		}
		for _, f := range rec.Refunds {
			if f.ID == req.ID {
				return f, nil
			}
		}
		return orderapi.Refund{}, fault.New(fault.Internal, "internal", "the refund was recorded and is not there")
	})
	if err != nil {
		return nil, err
	}
	return &refundOutput{ReplayedHeader: httpx.Replayed(replayed), Body: body}, nil
}

// Note is what staff wrote about an order.
type Note struct {
	ID    int64     `json:"id"`
	At    time.Time `json:"at"`
	Actor string    `json:"actor"`
	Text  string    `json:"text"`
}

type noteInput struct {
	IDInput
	httpx.IdempotencyHeader
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"4000" pattern:"\\S" patternDescription:"text that is not blank"`
	}
}

type noteOutput struct {
	httpx.ReplayedHeader
	Body Note
}

func (h *api) addNote(ctx context.Context, in *noteInput) (*noteOutput, error) {
	if _, err := h.app.Get(ctx, in.ID); err != nil {
		return nil, err
	}
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	note, replayed, err := h.store.AddNote(ctx, key, in.ID, auth.Actor(ctx), in.Body.Text, h.app.Now().UTC().Truncate(time.Microsecond))
	if err != nil {
		return nil, err
	}
	return &noteOutput{ReplayedHeader: httpx.Replayed(replayed), Body: Note(note)}, nil
}

type notesInput struct {
	IDInput
	httpx.PageQuery
}

type notesOutput struct{ Body httpx.Page[Note] }

func (h *api) notes(ctx context.Context, in *notesInput) (*notesOutput, error) {
	if _, err := h.app.Get(ctx, in.ID); err != nil {
		return nil, err
	}
	after, _, err := httpx.DecodeCursor[int64](in.Cursor)
	if err != nil {
		return nil, err
	}
	all, err := h.store.Notes(ctx, in.ID, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	notes := make([]Note, len(all))
	for i, n := range all {
		notes[i] = Note(n)
	}
	return &notesOutput{Body: httpx.NewPage(notes, in.Limit, func(last Note) string { return httpx.EncodeCursor(last.ID) })}, nil
}

type reorderInput struct {
	GuestInput
	httpx.IdempotencyHeader
	Body *struct{} // nothing, or an object without members
}

type reorderOutput struct {
	httpx.ReplayedHeader
	Body orderapi.Reordered
}

func (h *api) reorder(ctx context.Context, in *reorderInput) (*reorderOutput, error) {
	rec, _, err := h.load(ctx, in.GuestInput, ScopeWrite)
	if err != nil {
		return nil, err
	}
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey, in.AccessToken)
	if err != nil {
		return nil, err
	}
	once := key.Scope + "\n" + key.Key
	if key.Key == "" {
		once = app.NewToken() // another cart each time
	}
	body, replayed, err := postgres.Once(ctx, h.store, key, func() (orderapi.Reordered, error) { return h.app.Reorder(ctx, h.carts, rec, once) })
	if err != nil {
		return nil, err
	}
	return &reorderOutput{ReplayedHeader: httpx.Replayed(replayed), Body: body}, nil
}
