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
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/postgres"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// CaseReader is what may be looked at of disputes and disbursements.
type CaseReader interface {
	Dispute(ctx context.Context, id string) (payment.Dispute, error)
	Disputes(ctx context.Context, f postgres.DisputeFilter) ([]payment.Dispute, error)
	DisputeLog(ctx context.Context, id string) ([]postgres.DisputeEvent, error)
	DisputeActs(ctx context.Context, id string) ([]app.ActRecord, error)
	Disbursements(ctx context.Context, failed bool, after time.Time, afterID string, limit int) ([]postgres.Received, error)
}

func (h *api) registerDisputes(s *httpx.Server) {
	op := func(method, path, id, summary, scope string) huma.Operation {
		return httpx.NoCards(huma.Operation{Method: method, Path: "/v1/admin/" + path, OperationID: id, Summary: summary, Tags: []string{"staff"}, Security: httpx.Scope(scope)})
	}
	httpx.Register(s, op(http.MethodGet, "disputes", "list-disputes", "Disputes, the latest first", ScopeRead), h.disputes)
	httpx.Register(s, op(http.MethodGet, "disputes/{id}", "get-dispute", "A dispute with its evidence and log", ScopeRead), h.dispute)
	httpx.Register(s, op(http.MethodGet, "disbursements", "list-disbursements", "What the gateway has paid out, the latest first", ScopeRead), h.disbursements)
	act := func(path, id, summary string) huma.Operation {
		o := op(http.MethodPost, "disputes/{id}/"+path, id, summary, ScopeWrite)
		o.DefaultStatus, o.Description = http.StatusCreated, "202: the outcome is not known yet, repeat with the same key."
		return o
	}
	money, unknown := httpx.Timeout(moneyTime), httpx.Also(http.StatusAccepted)
	httpx.Register(s, act("accept", "accept-dispute", "Give a dispute up"), h.act(payment.AcceptDispute), money, unknown)
	httpx.Register(s, act("evidence", "add-dispute-evidence", "Give the gateway a text for us; it counts when the dispute is finalized"), h.addEvidence, money, unknown)
	httpx.Register(s, act("finalize", "finalize-dispute", "Send the evidence to the bank; nothing can be added afterwards"), h.act(payment.FinalizeDispute), money, unknown)
}

type disputesInput struct {
	httpx.PageQuery
	Status    string `query:"status" enum:"open,disputed,under_review,won,lost,accepted,auto_accepted,expired" doc:"Only disputes of this status"`
	PaymentID string `query:"payment_id" maxLength:"200" doc:"Only disputes about this payment"`
	OrderID   string `query:"order_id" maxLength:"200" doc:"Only disputes about this order"`
}

func (h *api) disputes(ctx context.Context, in *disputesInput) (*bodyOf[httpx.Page[paymentapi.Dispute]], error) {
	return paged(in.PageQuery, func(from position, n int) ([]payment.Dispute, error) {
		return h.CaseReader.Disputes(ctx, postgres.DisputeFilter{Status: in.Status, PaymentID: in.PaymentID, OrderID: in.OrderID, After: from.At, AfterID: from.ID, Limit: n})
	}, disputeView, func(last paymentapi.Dispute) position { return position{At: last.OpenedAt, ID: last.ID} })
}

func disputeView(d payment.Dispute) paymentapi.Dispute {
	v := paymentapi.Dispute{ID: d.DisputeID, PaymentID: d.PaymentID, TransactionID: d.TransactionID, Account: d.Account, Status: string(d.Status), Kind: d.Kind,
		Reason: d.Reason, ReasonCode: d.ReasonCode, CaseNumber: d.CaseNumber, Amount: d.Amount, Won: d.Won, OpenedAt: d.OpenedAt.UTC(), ReportedAt: d.At.UTC()}
	if !d.ReplyBy.IsZero() {
		v.ReplyBy = d.ReplyBy.Format(time.DateOnly)
	}
	return v
}

func (h *api) dispute(ctx context.Context, in *IDInput) (*bodyOf[paymentapi.Dispute], error) {
	d, err := h.CaseReader.Dispute(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	log, err := h.CaseReader.DisputeLog(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	acts, err := h.CaseReader.DisputeActs(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	v := disputeView(d)
	for _, e := range log {
		v.Events = append(v.Events, paymentapi.DisputeEvent{Type: e.Type, Amount: e.Amount, Won: e.Won, Actor: e.Actor, Detail: e.Detail, At: e.At.UTC()})
	}
	for _, a := range acts {
		if a.Kind == payment.AddEvidence && a.Result == payment.Succeeded {
			v.Evidence = append(v.Evidence, paymentapi.Evidence{Text: a.Evidence.Text, Category: a.Evidence.Category})
		}
	}
	return &bodyOf[paymentapi.Dispute]{Body: v}, nil
}

type disbursementsInput struct {
	httpx.PageQuery
	Failed bool `query:"failed" doc:"Only those that failed"`
}

func (h *api) disbursements(ctx context.Context, in *disbursementsInput) (*bodyOf[httpx.Page[paymentapi.Disbursement]], error) {
	return paged(in.PageQuery, func(from position, n int) ([]postgres.Received, error) {
		return h.CaseReader.Disbursements(ctx, in.Failed, from.At, from.ID, n)
	}, disbursementView, func(last paymentapi.Disbursement) position { return position{At: last.ReceivedAt, ID: last.ID} })
}

func disbursementView(d postgres.Received) paymentapi.Disbursement {
	v := paymentapi.Disbursement{ID: d.ID, Account: d.Account, Amount: d.Amount, Success: d.Success, Retry: d.Retry, Exception: d.Exception,
		FollowUp: d.FollowUp, TransactionIDs: d.TransactionIDs, ReceivedAt: d.At.UTC()}
	if !d.Day.IsZero() {
		v.Day = d.Day.Format(time.DateOnly)
	}
	return v
}

// ActInput names a dispute and makes an act of staff safe to repeat.
type ActInput struct {
	IDInput
	httpx.IdempotencyHeader
}

type evidenceInput struct {
	ActInput
	Body struct {
		Text     string `json:"text" minLength:"1" maxLength:"4000"`
		Category string `json:"category,omitempty" maxLength:"100" pattern:"^[A-Z_]+$" doc:"One of the gateway's categories of evidence, such as PROOF_OF_DELIVERY"`
	}
}

// ActResult is what became of an act of staff about a dispute.
type ActResult struct {
	OperationID string             `json:"operation_id"`
	Outcome     string             `json:"outcome" enum:"succeeded,pending"`
	Dispute     paymentapi.Dispute `json:"dispute"`
}

type actOutput struct {
	httpx.ReplayedHeader
	Status int
	Body   ActResult
}

func (h *api) act(kind payment.DisputeAct) func(context.Context, *ActInput) (*actOutput, error) {
	return func(ctx context.Context, in *ActInput) (*actOutput, error) {
		return h.do(ctx, in, app.Act{DisputeID: in.ID, Kind: kind})
	}
}

func (h *api) addEvidence(ctx context.Context, in *evidenceInput) (*actOutput, error) {
	return h.do(ctx, &in.ActInput, app.Act{DisputeID: in.ID, Kind: payment.AddEvidence, Evidence: app.Evidence{Text: in.Body.Text, Category: in.Body.Category}})
}

func (h *api) do(ctx context.Context, in *ActInput, a app.Act) (*actOutput, error) {
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	a.Actor = auth.Actor(ctx)
	a.OperationID, a.Hash = operationOf(key)
	r, err := h.Cases.Do(ctx, a)
	if fault.CodeOf(err) == app.ErrReused.Code {
		return nil, idem.ErrReused
	}
	if err != nil {
		return nil, err
	}
	if r.Result == payment.DeclinedIt {
		return nil, fault.New(fault.Conflict, slug(r.Code), r.Message).With("operation_id", r.OperationID)
	}
	d, err := h.CaseReader.Dispute(ctx, a.DisputeID)
	if err != nil {
		return nil, err
	}
	out := &actOutput{ReplayedHeader: httpx.Replayed(r.Replayed), Status: http.StatusCreated, Body: ActResult{OperationID: r.OperationID, Outcome: string(r.Result), Dispute: disputeView(d)}}
	if r.Result == payment.StillUnknown {
		out.Status = http.StatusAccepted
	}
	return out, nil
}
