// Package httpapi is payment's HTTP edge: operations for order, the client token for checkout, and what staff see and do. Every
// request is searched for card numbers before anything else is made of it; what is found is refused and not logged.
package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/postgres"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// The scopes of staff.
const (
	ScopeRead  = "payment:read"
	ScopeWrite = "payment:write"
)

// Time limits: an operation may wait for the gateway, see app; its caller's own limit is 15 s.
const (
	moneyTime = 14500 * time.Millisecond
	tokenTime = 12 * time.Second
)

// Reader is what may be looked at.
type Reader interface {
	Payment(ctx context.Context, id string) (payment.Payment, error)
	ByOrder(ctx context.Context, orderID string) ([]payment.Payment, error)
	Open(ctx context.Context, now, unchangedSince time.Time) ([]payment.Payment, error)
	List(ctx context.Context, f postgres.Filter) ([]payment.Payment, error)
	Events(ctx context.Context, paymentID string) ([]payment.Event, error)
	Tenders(ctx context.Context, paymentID string) ([]postgres.Tender, error)
}

// Parts are what the routes need.
type Parts struct {
	App          *app.App
	Cases        *app.Cases
	Vault        *app.Vault
	Risk         *app.Risk
	Credits      *app.Credits
	Manual       *app.Manual
	Read         Reader
	CaseReader   CaseReader
	CreditReader CreditReader
	Signatures   Signatures
}

type api struct {
	Parts
	app  *app.App
	read Reader
}

// Register adds all routes.
func Register(s *httpx.Server, p Parts) {
	h := &api{Parts: p, app: p.App, read: p.Read}
	h.registerWebhook(s)
	h.registerDisputes(s)
	h.registerVault(s)
	h.registerCredit(s)
	internal := func(method, path, id, summary string) huma.Operation {
		return httpx.NoCards(huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Tags: []string{"internal"}})
	}
	order, money := httpx.Callers("order"), httpx.Timeout(moneyTime)
	httpx.Register(s, internal(http.MethodPost, paymentapi.PathAuthorise, "authorise-payment", "Reserve an amount"), h.authorise, order, money)
	httpx.Register(s, internal(http.MethodPost, paymentapi.PathCapture, "capture-payment", "Take an authorised amount"), h.move(payment.Capture), order, money)
	httpx.Register(s, internal(http.MethodPost, paymentapi.PathVoid, "void-payment", "Give back what has not settled"), h.move(payment.Void), order, money)
	httpx.Register(s, internal(http.MethodPost, paymentapi.PathRefund, "refund-payment", "Give back what has settled"), h.move(payment.Refund), order, money)
	httpx.Register(s, internal(http.MethodPost, paymentapi.PathClientToken, "create-client-token", "What a browser needs to collect a card"), h.clientToken,
		httpx.Callers("checkout"), httpx.Timeout(tokenTime))
	httpx.Register(s, internal(http.MethodGet, paymentapi.PathPayments+"{order_id}", "get-payments-of-order", "The payments of an order"), h.byOrder,
		httpx.Callers("order", "checkout"))
	httpx.Register(s, internal(http.MethodGet, paymentapi.PathTransfers+"{order_id}", "get-transfer-of-order", "The bank transfer that an order waits for"), h.transfer,
		httpx.Callers("storefront"))
	httpx.Register(s, internal(http.MethodGet, paymentapi.PathOpen, "get-open-payments", "Payments whose money is still there"), h.open, order)

	staff := func(method, path, id, summary, scope string) huma.Operation {
		return httpx.NoCards(huma.Operation{Method: method, Path: "/v1/admin/payments" + path, OperationID: id, Summary: summary, Tags: []string{"staff"}, Security: httpx.Scope(scope)})
	}
	httpx.Register(s, staff(http.MethodGet, "", "list-payments", "Payments, the latest first", ScopeRead), h.list)
	httpx.Register(s, staff(http.MethodGet, "/{id}", "get-payment", "A payment with its log", ScopeRead), h.get)
	httpx.Register(s, staff(http.MethodGet, "/{id}/events", "get-payment-events", "What happened to a payment", ScopeRead), h.events)
	move := func(path, id, summary string) huma.Operation {
		op := staff(http.MethodPost, "/{id}"+path, id, summary, ScopeWrite)
		op.DefaultStatus, op.Description = http.StatusCreated, "202: the outcome is not known yet, repeat with the same key."
		return op
	}
	unknown := httpx.Also(http.StatusAccepted)
	httpx.Register(s, staff(http.MethodPost, "/{id}/review", "review-payment", "Approve or reject a payment under review", ScopeWrite), h.review, money)
	httpx.Register(s, staff(http.MethodPost, "/{id}/money", "record-manual-money", "Record what came of a bank transfer or of cash on delivery", ScopeWrite), h.manualMoney, money)
	httpx.Register(s, move("/captures", "staff-capture-payment", "Capture a payment, whole or in part"), h.staffCapture, httpx.NeedsKey(), money, unknown)
	httpx.Register(s, move("/refunds", "staff-refund-payment", "Refund a payment, whole or in part"), h.staffRefund, httpx.NeedsKey(), money, unknown)
	httpx.Register(s, move("/void", "staff-void-payment", "Void a payment that has not settled"), h.staffVoid, money, unknown)
}

type bodyOf[T any] struct{ Body T }

func (h *api) authorise(ctx context.Context, in *bodyOf[paymentapi.AuthoriseRequest]) (*bodyOf[paymentapi.Result], error) {
	b := in.Body
	answer, err := h.app.Authorise(ctx, app.Authorisation{OperationID: b.OperationID, PaymentID: b.PaymentID, OrderID: b.OrderID, Attempt: b.Attempt,
		Amount: b.Amount, Nonce: b.Nonce, MethodID: b.MethodID, DeviceData: b.DeviceData, CustomerID: b.CustomerID, Provider: b.Provider, Country: b.Country, Channel: b.Channel, GiftCards: b.GiftCards, StoreCredit: b.StoreCredit,
		Shopper: shopper(b.Shopper), Like: b.Like})
	if err != nil {
		return nil, err
	}
	return &bodyOf[paymentapi.Result]{Body: result(answer)}, nil
}

func shopper(s *paymentapi.Shopper) (out app.Shopper) {
	if s == nil {
		return out
	}
	out = app.Shopper{Email: s.Email, IP: s.IP, Browser: s.Browser}
	if s.Billing != nil {
		b := app.BillingAddress(*s.Billing)
		out.Billing = &b
	}
	return out
}

func (h *api) move(kind payment.Kind) func(context.Context, *bodyOf[paymentapi.MoneyRequest]) (*bodyOf[paymentapi.Result], error) {
	return func(ctx context.Context, in *bodyOf[paymentapi.MoneyRequest]) (*bodyOf[paymentapi.Result], error) {
		b := in.Body
		answer, err := h.app.Move(ctx, app.Movement{Kind: kind, OperationID: b.OperationID, PaymentID: b.PaymentID, Amount: b.Amount, More: follows(b.FinalCapture), Reason: b.Reason})
		if err != nil {
			return nil, err
		}
		return &bodyOf[paymentapi.Result]{Body: result(answer)}, nil
	}
}

// follows tells whether other captures follow: not unless it is said.
func follows(final *bool) bool { return final != nil && !*final }

func (h *api) clientToken(ctx context.Context, in *bodyOf[paymentapi.ClientTokenRequest]) (*bodyOf[paymentapi.ClientToken], error) {
	currency, err := money.ParseCurrency(in.Body.Currency)
	if err != nil {
		return nil, fault.New(fault.Invalid, "validation-failed", "body.currency: must be an ISO 4217 code").
			WithField("body.currency", "must be an ISO 4217 code", nil)
	}
	return h.session(ctx, currency, in.Body)
}

type orderInput struct {
	OrderID string `path:"order_id" maxLength:"200"`
}

func (h *api) byOrder(ctx context.Context, in *orderInput) (*bodyOf[paymentapi.Payments], error) {
	all, err := h.read.ByOrder(ctx, in.OrderID)
	return views(all), err
}

type openInput struct {
	OlderThan int64 `query:"older_than_seconds" minimum:"0" maximum:"86400" default:"60" doc:"Only what has not changed for so long"`
}

func (h *api) open(ctx context.Context, in *openInput) (*bodyOf[paymentapi.Payments], error) {
	now := h.app.Clock()
	all, err := h.read.Open(ctx, now, now.Add(-time.Duration(in.OlderThan)*time.Second))
	return views(all), err
}

func views(all []payment.Payment) *bodyOf[paymentapi.Payments] {
	out := &bodyOf[paymentapi.Payments]{Body: paymentapi.Payments{Items: make([]paymentapi.Payment, len(all))}}
	for i, p := range all {
		out.Body.Items[i] = view(p)
	}
	return out
}
