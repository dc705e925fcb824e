package httpapi

import (
	"context"

	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
)

type repriceInput struct{ Body checkoutapi.RepriceRequest }

type repriceOutput struct{ Body checkoutapi.Repriced }

func (h *api) reprice(ctx context.Context, in *repriceInput) (*repriceOutput, error) {
	out, err := h.app.Reprice(ctx, in.Body)
	return &repriceOutput{Body: out}, err
}
