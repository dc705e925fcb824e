package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

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

type listInput struct {
	httpx.PageQuery
	Status   string `query:"status" enum:"authorising,authorised,declined,failed,partially_captured,captured,voided,refunded,settlement_declined" doc:"Only payments of this status"`
	OrderID  string `query:"order_id" maxLength:"200" doc:"Only payments of this order"`
	Currency string `query:"currency" maxLength:"3" doc:"Only payments in this currency"`
	Review   string `query:"review" enum:"pending,approved,rejected,expired,needless" doc:"Only payments whose review stands so"`
}

type position struct {
	At time.Time `json:"at"`
	ID string    `json:"id"`
}

// paged answers a page of a list: read returns the rows after a place, one more than the page has, view shows a row, and at says where it stands.
func paged[Row, View, Place any](q httpx.PageQuery, read func(from Place, n int) ([]Row, error), view func(Row) View, at func(View) Place) (*bodyOf[httpx.Page[View]], error) {
	from, _, err := httpx.DecodeCursor[Place](q.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := read(from, q.Limit+1)
	if err != nil {
		return nil, err
	}
	items := make([]View, len(rows))
	for i, row := range rows {
		items[i] = view(row)
	}
	return &bodyOf[httpx.Page[View]]{Body: httpx.NewPage(items, q.Limit, func(last View) string { return httpx.EncodeCursor(at(last)) })}, nil
}

func (h *api) list(ctx context.Context, in *listInput) (*bodyOf[httpx.Page[paymentapi.Payment]], error) {
	return paged(in.PageQuery, func(from position, n int) ([]payment.Payment, error) {
		return h.read.List(ctx, postgres.Filter{Status: in.Status, OrderID: in.OrderID, Currency: in.Currency, Review: in.Review, After: from.At, AfterID: from.ID, Limit: n})
	}, view, func(last paymentapi.Payment) position { return position{At: last.CreatedAt, ID: last.ID} })
}

// IDInput names a payment by the path.
type IDInput struct {
	ID string `path:"id" maxLength:"200"`
}

func (h *api) get(ctx context.Context, in *IDInput) (*bodyOf[paymentapi.Payment], error) {
	p, err := h.read.Payment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	events, err := h.read.Events(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	tenders, err := h.read.Tenders(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &bodyOf[paymentapi.Payment]{Body: view(p)}
	out.Body.Events, out.Body.Tenders = eventViews(events), tenderViews(p, tenders)
	return out, nil
}

type eventsOutput struct {
	Body struct {
		Items []paymentapi.Event `json:"items"`
	}
}

func (h *api) events(ctx context.Context, in *IDInput) (*eventsOutput, error) {
	events, err := h.read.Events(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &eventsOutput{}
	out.Body.Items = eventViews(events)
	return out, nil
}

// StaffMove is what staff ask for. Without an amount it is the whole.
type StaffMove struct {
	Amount *money.Amount `json:"amount,omitempty"`
	Reason string        `json:"reason,omitempty" maxLength:"255"`
}

// StaffCapture is what staff ask for. Without an amount it is the whole.
type StaffCapture struct {
	StaffMove
	FinalCapture *bool `json:"final_capture,omitempty" doc:"False: others follow, as when an order is sent in several shipments, and the rest stays authorised. With an amount of zero nothing more is captured of a payment that was captured in parts. Default: true"`
}

type staffCaptureInput struct {
	IDInput
	httpx.IdempotencyHeader
	Body StaffCapture
}

// StaffRefund is what staff ask for. Without an amount it is the whole.
type StaffRefund struct {
	StaffMove
	To        string     `json:"to,omitempty" enum:"original,store_credit" doc:"Store credit of the order's customer instead of where the money came from; what gift cards and store credit paid goes back to them as ever. Default: original"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"Of the store credit"`
}

type staffRefundInput struct {
	IDInput
	httpx.IdempotencyHeader
	Body StaffRefund
}

// StaffVoid is why staff void a payment.
type StaffVoid struct {
	Reason string `json:"reason,omitempty" maxLength:"255"`
}

type staffVoidInput struct {
	IDInput
	httpx.IdempotencyHeader
	Body StaffVoid
}

type reviewInput struct {
	IDInput
	Body struct {
		Decision string `json:"decision" enum:"approve,reject" doc:"What is rejected is voided"`
		Reason   string `json:"reason,omitempty" maxLength:"255"`
	}
}

// review is safe to repeat: the same decision again is no error.
func (h *api) review(ctx context.Context, in *reviewInput) (*bodyOf[paymentapi.Payment], error) {
	p, err := h.Risk.Decide(ctx, in.ID, in.Body.Decision == "approve", auth.Actor(ctx), in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return &bodyOf[paymentapi.Payment]{Body: view(p)}, nil
}

type staffOutput struct {
	httpx.ReplayedHeader
	Status int
	Body   paymentapi.Result
}

func (h *api) staffCapture(ctx context.Context, in *staffCaptureInput) (*staffOutput, error) {
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	return h.asStaff(ctx, key, app.Movement{Kind: payment.Capture, PaymentID: in.ID, Amount: in.Body.Amount, More: follows(in.Body.FinalCapture), Reason: in.Body.Reason})
}

func (h *api) staffRefund(ctx context.Context, in *staffRefundInput) (*staffOutput, error) {
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	m := app.Movement{Kind: payment.Refund, PaymentID: in.ID, Amount: in.Body.Amount, ToCredit: in.Body.To == "store_credit", Reason: in.Body.Reason}
	if in.Body.ExpiresAt != nil {
		m.Expires = *in.Body.ExpiresAt
	}
	return h.asStaff(ctx, key, m)
}

func (h *api) staffVoid(ctx context.Context, in *staffVoidInput) (*staffOutput, error) {
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	return h.asStaff(ctx, key, app.Movement{Kind: payment.Void, PaymentID: in.ID, Reason: in.Body.Reason})
}

// asStaff performs an operation whose id is made of the Idempotency-Key, so that the operation itself remembers the request.
func (h *api) asStaff(ctx context.Context, key httpx.Idem, m app.Movement) (*staffOutput, error) {
	m.Actor = auth.Actor(ctx)
	m.OperationID, m.Hash = operationOf(key)
	a, err := h.app.Move(ctx, m)
	if fault.CodeOf(err) == app.ErrReused.Code {
		return nil, idem.ErrReused
	}
	if err != nil {
		return nil, err
	}
	out := &staffOutput{ReplayedHeader: httpx.Replayed(a.Replayed), Status: http.StatusCreated, Body: result(a)}
	switch a.Outcome.Result {
	case payment.DeclinedIt:
		return nil, fault.New(fault.Conflict, slug(a.Outcome.Code), a.Outcome.Message).With("operation_id", a.ID)
	case payment.FailedSurely:
		// Final for this key: 503 would have clients repeat it.
		return nil, fault.New(fault.Conflict, "operation-failed", "The gateway did not get the request; nothing happened. Ask again with another key.").
			With("operation_id", a.ID)
	case payment.StillUnknown:
		out.Status = http.StatusAccepted
	}
	return out, nil
}

// operationOf makes an operation id of an Idempotency-Key, and the hash that tells the same request from another; without a key
// each request is an operation of its own.
func operationOf(key httpx.Idem) (id string, hash []byte) {
	if key.Key == "" {
		return "staff-" + uuid.NewString(), nil
	}
	sum := sha256.Sum256([]byte(key.Scope + "\x00" + key.Key))
	return "staff-" + hex.EncodeToString(sum[:16]), key.Hash[:]
}

// slug makes a problem type of a decline code; those of the gateway are numbers.
func slug(code string) string {
	if strings.Trim(code, "0123456789") == "" {
		return fmt.Sprintf("gateway-refused-%s", code)
	}
	return code
}
