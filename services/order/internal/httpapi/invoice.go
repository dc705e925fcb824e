package httpapi

import (
	"context"

	"github.com/sidecart/sidecart/services/order/internal/app"
)

type documentOutput struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (h *api) document(s app.Sheet, err error) (*documentOutput, error) {
	if err != nil {
		return nil, err
	}
	data, err := h.press.Draw(s)
	return &documentOutput{ContentType: "application/pdf", Disposition: `inline; filename="` + s.Number + `.pdf"`, Body: data}, err
}

func (h *api) invoice(ctx context.Context, in *GuestInput) (*documentOutput, error) {
	rec, _, err := h.load(ctx, *in, ScopeRead)
	if err != nil {
		return nil, err
	}
	return h.document(h.app.Invoice(ctx, h.store, h.entity, rec))
}

type creditNoteInput struct {
	GuestInput
	RefundID string `path:"refund_id" maxLength:"64" doc:"The id of a refund, or cancellation"`
}

func (h *api) creditNote(ctx context.Context, in *creditNoteInput) (*documentOutput, error) {
	rec, _, err := h.load(ctx, in.GuestInput, ScopeRead)
	if err != nil {
		return nil, err
	}
	return h.document(h.app.CreditNote(ctx, h.store, h.entity, rec, in.RefundID))
}
