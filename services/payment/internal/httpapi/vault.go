package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// registerVault adds the doors to payment methods: for services, which name the customer, and for customers, whose token does.
func (h *api) registerVault(s *httpx.Server) {
	op := func(method, path, id, summary string, status int, more ...string) huma.Operation {
		return httpx.NoCards(huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, DefaultStatus: status, Tags: more})
	}
	callers, money := httpx.Callers("customer", "checkout"), httpx.Timeout(moneyTime)
	base := paymentapi.PathMethods
	httpx.Register(s, op(http.MethodPost, base, "keep-payment-method", "Keep a payment method of a customer", http.StatusCreated, "internal"), h.keepMethod, callers, money)
	httpx.Register(s, op(http.MethodGet, base, "list-payment-methods", "The payment methods of a customer", http.StatusOK, "internal"), h.methods, callers)
	httpx.Register(s, op(http.MethodPost, base+"/{id}/default", "make-payment-method-default", "Make a payment method the default", http.StatusOK, "internal"), h.defaultMethod, callers, money)
	httpx.Register(s, op(http.MethodDelete, base+"/{id}", "delete-payment-method", "Delete a payment method", http.StatusNoContent, "internal"), h.dropMethod, callers, money)

	mine := func(method, path, id, summary string, status int) huma.Operation {
		o := op(method, paymentapi.PathMyMethods+path, id, summary, status, "customers")
		o.Security = httpx.Scope("") // any caller; me tells customers from others
		return o
	}
	httpx.Register(s, mine(http.MethodPost, "", "keep-my-payment-method", "Keep a payment method", http.StatusCreated), h.keepMine, money)
	httpx.Register(s, mine(http.MethodGet, "", "list-my-payment-methods", "Your payment methods", http.StatusOK), h.myMethods)
	httpx.Register(s, mine(http.MethodPost, "/{id}/default", "make-my-payment-method-default", "Make a payment method the default", http.StatusOK), h.defaultMine, money)
	httpx.Register(s, mine(http.MethodDelete, "/{id}", "delete-my-payment-method", "Delete a payment method", http.StatusNoContent), h.dropMine, money)
}

type keepInput struct {
	httpx.IdempotencyHeader
	Body paymentapi.KeepMethodRequest
}

type methodOutput struct {
	httpx.ReplayedHeader
	Body paymentapi.Method
}

func (h *api) keepMethod(ctx context.Context, in *keepInput) (*methodOutput, error) {
	return h.keep(ctx, in.IdempotencyKey, in.Body)
}

func (h *api) keep(ctx context.Context, header string, q paymentapi.KeepMethodRequest) (*methodOutput, error) {
	key, err := httpx.IdemFrom(ctx, header)
	if err != nil {
		return nil, err
	}
	k := app.Keeping{CustomerID: q.CustomerID, Nonce: q.Nonce, MakeDefault: q.MakeDefault}
	k.ID, k.Hash = tokenOf(key, q.CustomerID)
	r, err := h.Vault.Keep(ctx, k)
	if fault.CodeOf(err) == app.ErrReused.Code {
		return nil, idem.ErrReused
	}
	if err != nil {
		return nil, err
	}
	return &methodOutput{ReplayedHeader: httpx.Replayed(r.Replayed), Body: h.methodView(r.Method)}, nil
}

// tokenOf draws the token of a method: the same for the same key of the same customer.
func tokenOf(key httpx.Idem, customerID string) (token string, hash []byte) {
	if key.Key == "" {
		id := uuid.New()
		return hex.EncodeToString(id[:]), nil
	}
	sum := sha256.Sum256([]byte("method\x00" + customerID + "\x00" + key.Scope + "\x00" + key.Key))
	return hex.EncodeToString(sum[:16]), key.Hash[:]
}

func (h *api) methodView(m payment.Method) paymentapi.Method {
	return paymentapi.Method{ID: m.ID, Type: m.Type, Brand: m.Brand, Last4: m.Last4, Expiry: m.Expiry, Account: m.Account, Expired: m.Expired(h.app.Clock()),
		Default: m.Default, CreatedAt: m.CreatedAt.UTC()}
}

func (h *api) listMethods(ctx context.Context, customerID string) (*bodyOf[paymentapi.Methods], error) {
	all, err := h.Vault.Methods(ctx, customerID)
	if err != nil {
		return nil, err
	}
	out := &bodyOf[paymentapi.Methods]{Body: paymentapi.Methods{Items: make([]paymentapi.Method, len(all))}}
	for i, m := range all {
		out.Body.Items[i] = h.methodView(m)
	}
	return out, nil
}

func (h *api) setDefault(ctx context.Context, customerID, id string) (*bodyOf[paymentapi.Method], error) {
	m, err := h.Vault.SetDefault(ctx, customerID, id)
	if err != nil {
		return nil, err
	}
	return &bodyOf[paymentapi.Method]{Body: h.methodView(m)}, nil
}

type ownerInput struct {
	CustomerID string `query:"customer_id" required:"true" maxLength:"200"`
}

func (h *api) methods(ctx context.Context, in *ownerInput) (*bodyOf[paymentapi.Methods], error) {
	return h.listMethods(ctx, in.CustomerID)
}

type defaultInput struct {
	IDInput
	Body paymentapi.MethodOwner
}

func (h *api) defaultMethod(ctx context.Context, in *defaultInput) (*bodyOf[paymentapi.Method], error) {
	return h.setDefault(ctx, in.Body.CustomerID, in.ID)
}

type dropInput struct {
	IDInput
	CustomerID string `query:"customer_id" required:"true" maxLength:"200"`
}

func (h *api) dropMethod(ctx context.Context, in *dropInput) (*struct{}, error) {
	return nil, h.Vault.Drop(ctx, in.CustomerID, in.ID)
}

// me is the customer who calls.
func me(ctx context.Context) (string, error) {
	p, ok := auth.From(ctx)
	if !ok || p.Kind != auth.KindCustomer {
		return "", fault.New(fault.Forbidden, "forbidden", "this is for customers only")
	}
	return p.Subject, nil
}

// KeepMine leaves a payment method.
type KeepMine struct {
	Nonce       string `json:"payment_method_nonce" minLength:"1" maxLength:"255"`
	MakeDefault bool   `json:"make_default,omitempty"`
}

type keepMineInput struct {
	httpx.IdempotencyHeader
	Body KeepMine
}

func (h *api) keepMine(ctx context.Context, in *keepMineInput) (*methodOutput, error) {
	id, err := me(ctx)
	if err != nil {
		return nil, err
	}
	return h.keep(ctx, in.IdempotencyKey, paymentapi.KeepMethodRequest{CustomerID: id, Nonce: in.Body.Nonce, MakeDefault: in.Body.MakeDefault})
}

func (h *api) myMethods(ctx context.Context, _ *struct{}) (*bodyOf[paymentapi.Methods], error) {
	id, err := me(ctx)
	if err != nil {
		return nil, err
	}
	return h.listMethods(ctx, id)
}

func (h *api) defaultMine(ctx context.Context, in *IDInput) (*bodyOf[paymentapi.Method], error) {
	id, err := me(ctx)
	if err != nil {
		return nil, err
	}
	return h.setDefault(ctx, id, in.ID)
}

func (h *api) dropMine(ctx context.Context, in *IDInput) (*struct{}, error) {
	id, err := me(ctx)
	if err != nil {
		return nil, err
	}
	return nil, h.Vault.Drop(ctx, id, in.ID)
}
