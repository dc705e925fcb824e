package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/internal/postgres"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

type editInput struct {
	IDInput
	httpx.IdempotencyHeader
	Body struct {
		Lines            []orderapi.EditLine `json:"lines,omitempty" maxItems:"500" doc:"Lines that shall have another quantity"`
		Add              []orderapi.AddLine  `json:"add,omitempty" maxItems:"500" doc:"At today's prices"`
		ShippingAddress  *orderapi.Address   `json:"shipping_address,omitempty"`
		ShippingOptionID string              `json:"shipping_option_id,omitempty" maxLength:"64" doc:"Needed where it does not go as it went before"`
		ExpectedTotal    *money.Amount       `json:"expected_total,omitempty" doc:"Refused with price-changed when it would cost something else"`
		Note             string              `json:"note,omitempty" maxLength:"2000"`
		Preview          bool                `json:"preview,omitempty" doc:"Change nothing, and say what it would come to"`
	}
}

type editOutput struct {
	httpx.ReplayedHeader
	Status int
	Body   orderapi.Edit
}

// idFrom makes an id of a key, so that what it names happens once even when the answer to the key could not be kept.
func idFrom(key httpx.Idem) string {
	sum := sha256.Sum256([]byte(key.Scope + "\n" + key.Key))
	return hex.EncodeToString(sum[:16])
}

func (h *api) edit(ctx context.Context, in *editInput) (*editOutput, error) {
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	req := app.EditRequest{ID: idFrom(key), Hash: hex.EncodeToString(key.Hash[:]), Lines: in.Body.Lines, Add: in.Body.Add, ShippingAddress: in.Body.ShippingAddress, ShippingOptionID: in.Body.ShippingOptionID, ExpectedTotal: in.Body.ExpectedTotal, Note: in.Body.Note}
	if in.Body.Preview {
		body, err := h.preview(ctx, in.ID, req)
		return &editOutput{Status: http.StatusOK, Body: body}, err
	}
	body, replayed, err := postgres.Once(ctx, h.store, key, func() (orderapi.Edit, error) { return h.execute(ctx, in.ID, req) })
	if err != nil {
		return nil, err
	}
	return &editOutput{ReplayedHeader: httpx.Replayed(replayed), Status: http.StatusCreated, Body: body}, nil
}

func (h *api) preview(ctx context.Context, id string, req app.EditRequest) (orderapi.Edit, error) {
	rec, err := h.app.Get(ctx, id)
	if err != nil {
		return orderapi.Edit{}, err
	}
	p, err := h.app.Propose(ctx, h.prices, rec, req)
	if err != nil {
		return p.Edit, err
	}
	p.ID, p.Status, p.Totals = "", orderapi.EditPreview, &p.Proposed.Totals
	p.Shortages, err = h.app.Short(ctx, rec, p)
	return p.Edit, err
}

// execute records the edit, unless it was recorded before and its answer was lost.
func (h *api) execute(ctx context.Context, id string, req app.EditRequest) (orderapi.Edit, error) {
	rec, err := h.app.Get(ctx, id)
	if err != nil {
		return orderapi.Edit{}, err
	}
	if known, ok, err := rec.Edits.Find(req.ID, req.Hash); ok || err != nil {
		return known, err
	}
	p, err := h.app.Propose(ctx, h.prices, rec, req)
	if err == nil {
		err = h.app.HeardOfAll(ctx, rec, p.Difference)
	}
	if err != nil {
		return p.Edit, err
	}
	if err := h.door.Edit(ctx, id, auth.Actor(ctx), p); err != nil {
		return p.Edit, err
	}
	if rec, err = h.app.Get(ctx, id); err != nil {
		return p.Edit, err
	}
	made, ok, err := rec.Edits.Find(req.ID, req.Hash)
	if !ok && err == nil {
		return made, fault.New(fault.Internal, "internal", "the edit was recorded and is not there")
	}
	return made, err
}

type editsOutput struct{ Body orderapi.Edits }

func (h *api) edits(ctx context.Context, in *IDInput) (*editsOutput, error) {
	rec, err := h.app.Get(ctx, in.ID)
	return &editsOutput{Body: rec.Edits.View()}, err
}
