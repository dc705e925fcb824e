package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/postgres"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// CreditReader is what may be looked at of credit.
type CreditReader interface {
	Credit(ctx context.Context, id string) (payment.Credit, error)
	Credits(ctx context.Context, f postgres.CreditFilter) ([]payment.Credit, error)
	Ledger(ctx context.Context, id string, after int64, n int) ([]payment.Entry, error)
}

// registerCredit adds the doors to gift cards and store credit: for whoever has a code, for customers and for staff.
func (h *api) registerCredit(s *httpx.Server) {
	op := func(method, path, id, summary string, status int, scope, tag string) huma.Operation {
		o := httpx.NoCards(huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, DefaultStatus: status, Tags: []string{tag}})
		if tag != "shoppers" {
			o.Security = httpx.Scope(scope)
		}
		return o
	}
	httpx.Register(s, op(http.MethodPost, paymentapi.PathGiftCardBalance, "get-gift-card-balance", "What a gift card is worth", http.StatusOK, "", "shoppers"), h.giftCardBalance)
	httpx.Register(s, op(http.MethodGet, paymentapi.PathMyStoreCredit, "get-my-store-credit", "Your store credit", http.StatusOK, "", "customers"), h.myStoreCredit)

	staff := func(method, path, id, summary string, status int, scope string) huma.Operation {
		return op(method, paymentapi.PathCredits+path, id, summary, status, scope, "staff")
	}
	httpx.Register(s, staff(http.MethodPost, "", "issue-credit", "Issue a gift card, or a customer's store credit", http.StatusCreated, ScopeWrite), h.issueCredit, httpx.NeedsKey())
	httpx.Register(s, staff(http.MethodGet, "", "list-credits", "Gift cards and store credit, the latest first", http.StatusOK, ScopeRead), h.listCredits)
	httpx.Register(s, staff(http.MethodGet, "/{id}", "get-credit", "A gift card or a store credit", http.StatusOK, ScopeRead), h.getCredit)
	httpx.Register(s, staff(http.MethodGet, "/{id}/ledger", "get-credit-ledger", "What happened to a credit, oldest first", http.StatusOK, ScopeRead), h.creditLedger)
	httpx.Register(s, staff(http.MethodPost, "/{id}/adjustments", "adjust-credit", "Change a balance, up or down", http.StatusCreated, ScopeWrite), h.adjustCredit, httpx.NeedsKey())
	httpx.Register(s, staff(http.MethodPost, "/{id}/code", "replace-gift-card-code", "Give a gift card another code; the old one is worth nothing then", http.StatusCreated, ScopeWrite), h.replaceCode)
}

type codeInput struct{ Body paymentapi.GiftCardCode }

func (h *api) giftCardBalance(ctx context.Context, in *codeInput) (*bodyOf[paymentapi.GiftCardBalance], error) {
	c, err := h.Credits.Balance(ctx, in.Body.Code)
	if err != nil {
		return nil, err
	}
	return &bodyOf[paymentapi.GiftCardBalance]{Body: paymentapi.GiftCardBalance{Balance: c.Spendable(h.app.Clock()), ExpiresAt: orNil(c.ExpiresAt)}}, nil
}

func (h *api) myStoreCredit(ctx context.Context, _ *struct{}) (*bodyOf[paymentapi.StoreCredit], error) {
	id, err := me(ctx)
	if err != nil {
		return nil, err
	}
	all, totals, err := h.Credits.StoreCredit(ctx, id)
	if err != nil {
		return nil, err
	}
	out := &bodyOf[paymentapi.StoreCredit]{Body: paymentapi.StoreCredit{Totals: append([]money.Amount{}, totals...), Items: make([]paymentapi.StoreCreditItem, len(all))}}
	for i, c := range all {
		out.Body.Items[i] = paymentapi.StoreCreditItem{ID: c.ID, Balance: c.Balance, ExpiresAt: orNil(c.ExpiresAt)}
	}
	return out, nil
}

// orNil is nil for the zero time.
func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func creditView(c payment.Credit) paymentapi.Credit {
	return paymentapi.Credit{ID: c.ID, Kind: string(c.Kind), CodeEnd: c.CodeEnd, CustomerID: c.CustomerID, Balance: c.Balance, Held: c.Held, ExpiresAt: orNil(c.ExpiresAt),
		CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC()}
}

// NewCredit is what staff issue.
type NewCredit struct {
	Amount     money.Amount `json:"amount"`
	CustomerID string       `json:"customer_id,omitempty" doc:"Given: store credit of this customer; else a gift card"`
	ExpiresAt  *time.Time   `json:"expires_at,omitempty"`
	Reason     string       `json:"reason,omitempty" maxLength:"255"`
}

type issueInput struct {
	httpx.IdempotencyHeader
	Body NewCredit
}

type creditOutput struct {
	httpx.ReplayedHeader
	Body paymentapi.Credit
}

// creditError writes the reuse of an id as what it is for a caller: the reuse of a key.
func creditError(err error) error {
	if fault.CodeOf(err) == app.ErrReused.Code {
		return idem.ErrReused
	}
	return err
}

func (h *api) issueCredit(ctx context.Context, in *issueInput) (*creditOutput, error) {
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	i := app.Issue{CustomerID: in.Body.CustomerID, Amount: in.Body.Amount, Reason: in.Body.Reason, Actor: auth.Actor(ctx)}
	if in.Body.ExpiresAt != nil {
		i.ExpiresAt = *in.Body.ExpiresAt
	}
	i.ID, i.Hash = tokenOf(key, "credit")
	issued, err := h.Credits.Issue(ctx, i)
	if err != nil {
		return nil, creditError(err)
	}
	out := &creditOutput{ReplayedHeader: httpx.Replayed(issued.Replayed), Body: creditView(issued.Credit)}
	out.Body.Code = issued.Code
	return out, nil
}

type creditsInput struct {
	httpx.PageQuery
	Kind       string `query:"kind" enum:"gift_card,store_credit" doc:"Only credit of this kind"`
	CustomerID string `query:"customer_id" maxLength:"200" doc:"Only store credit of this customer"`
	Currency   string `query:"currency" maxLength:"3" doc:"Only credit in this currency"`
}

func (h *api) listCredits(ctx context.Context, in *creditsInput) (*bodyOf[httpx.Page[paymentapi.Credit]], error) {
	return paged(in.PageQuery, func(from position, n int) ([]payment.Credit, error) {
		return h.CreditReader.Credits(ctx, postgres.CreditFilter{Kind: in.Kind, CustomerID: in.CustomerID, Currency: in.Currency, After: from.At, AfterID: from.ID, Limit: n})
	}, creditView, func(last paymentapi.Credit) position { return position{At: last.CreatedAt, ID: last.ID} })
}

func (h *api) getCredit(ctx context.Context, in *IDInput) (*bodyOf[paymentapi.Credit], error) {
	c, err := h.CreditReader.Credit(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &bodyOf[paymentapi.Credit]{Body: creditView(c)}, nil
}

type ledgerInput struct {
	IDInput
	httpx.PageQuery
}

type ledgerPosition struct {
	Version int64 `json:"version"`
}

func (h *api) creditLedger(ctx context.Context, in *ledgerInput) (*bodyOf[httpx.Page[paymentapi.CreditEntry]], error) {
	return paged(in.PageQuery, func(from ledgerPosition, n int) ([]payment.Entry, error) {
		if _, err := h.CreditReader.Credit(ctx, in.ID); err != nil {
			return nil, err
		}
		return h.CreditReader.Ledger(ctx, in.ID, from.Version, n)
	}, entryView, func(last paymentapi.CreditEntry) ledgerPosition { return ledgerPosition{Version: last.Version} })
}

func entryView(e payment.Entry) paymentapi.CreditEntry {
	return paymentapi.CreditEntry{CreditID: e.CreditID, Version: e.Version, Type: string(e.Type), OperationID: e.OperationID, PaymentID: e.PaymentID, Amount: e.Amount,
		Held: e.Held, Balance: e.Balance, Reason: e.Reason, Actor: e.Actor, At: e.At.UTC()}
}

// CreditAdjustment is what staff change.
type CreditAdjustment struct {
	Amount money.Amount `json:"amount" doc:"Below zero takes away"`
	Reason string       `json:"reason" minLength:"1" maxLength:"255"`
}

type adjustInput struct {
	IDInput
	httpx.IdempotencyHeader
	Body CreditAdjustment
}

func (h *api) adjustCredit(ctx context.Context, in *adjustInput) (*creditOutput, error) {
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	operation, _ := operationOf(key)
	c, replayed, err := h.Credits.Adjust(ctx, app.Adjustment{OperationID: operation, CreditID: in.ID, Amount: in.Body.Amount, Reason: in.Body.Reason, Actor: auth.Actor(ctx)})
	if err != nil {
		return nil, creditError(err)
	}
	return &creditOutput{ReplayedHeader: httpx.Replayed(replayed), Body: creditView(c)}, nil
}

// replaceCode takes no key: another code each time, and the last one counts.
func (h *api) replaceCode(ctx context.Context, in *IDInput) (*creditOutput, error) {
	issued, err := h.Credits.ReplaceCode(ctx, in.ID, auth.Actor(ctx))
	if err != nil {
		return nil, err
	}
	out := &creditOutput{Body: creditView(issued.Credit)}
	out.Body.Code = issued.Code
	return out, nil
}
