package postgres

import (
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

const paymentColumns = `p.id, p.order_id, p.attempt, p.provider, p.account, p.currency, p.amount, p.status, p.authorised, p.captured, p.refunded,
	p.transaction_id, p.live_operation, p.version, p.created_at, p.updated_at, p.settled_at,
	p.checks, p.review, p.review_rule, p.review_until, p.credit, p.credit_captured, p.credit_refunded, p.split, p.converted, p.customer_id, p.channel, p.like_payment,
	(SELECT jsonb_agg(to_jsonb(x) ORDER BY x.number) FROM payment_parts x WHERE x.payment_id = p.id)`

const operationColumns = `o.operation_id, o.payment_id, o.kind, o.currency, o.amount, o.result, o.answer_amount, o.transaction_id, o.code, o.retryable,
	o.message, o.reason, o.actor, o.request_hash, o.created_at, o.answered_at, o.sent_at, o.due_at, o.stamp, o.tries, o.credit, o.more, o.asked, o.to_credit, o.credit_expires_at`

// leaseRow takes the columns of an operation and of its payment.
type leaseRow struct {
	o                            app.Record
	p                            payment.Payment
	oCurrency, pCurrency         money.Currency
	answered, sent, due, expires *time.Time
	settled, reviewUntil         *time.Time
	checks                       *checksRow
	parts                        []partRow
	amount, auth, capt, refunds  int64
}

func (r *leaseRow) operation() []any {
	o := &r.o
	return []any{&o.ID, &o.PaymentID, &o.Kind, &r.oCurrency, &o.Amount.Minor, &o.Outcome.Result, &o.Outcome.Amount.Minor, &o.Outcome.TransactionID,
		&o.Outcome.Code, &o.Outcome.Retryable, &o.Outcome.Message, &o.Reason, &o.Actor, &o.Hash, &o.CreatedAt, &r.answered, &r.sent, &r.due, &o.Stamp, &o.Tries, &o.Credit.Minor, &o.More, &o.Asked.TransactionID, &o.ToCredit, &r.expires}
}

func (r *leaseRow) paymentFields() []any {
	p := &r.p
	return []any{&p.ID, &p.OrderID, &p.Attempt, &p.Provider, &p.Account, &r.pCurrency, &r.amount, &p.Status, &r.auth, &r.capt, &r.refunds,
		&p.TransactionID, &p.Live, &p.Version, &p.CreatedAt, &p.UpdatedAt, &r.settled, &r.checks,
		&p.Review, &p.ReviewRule, &r.reviewUntil, &p.Credit.Minor, &p.CreditCaptured.Minor, &p.CreditRefunded.Minor, &p.Split, &p.Converted.Minor, &p.CustomerID, &p.Channel, &p.Like, &r.parts}
}

func (r *leaseRow) payment() payment.Payment {
	c, p := r.pCurrency, r.p
	p.Amount, p.Authorised, p.Captured, p.Refunded = money.New(r.amount, c), money.New(r.auth, c), money.New(r.capt, c), money.New(r.refunds, c)
	p.Credit.Currency, p.CreditCaptured.Currency, p.CreditRefunded.Currency, p.Converted.Currency = c, c, c, c
	p.SettledAt, p.ReviewUntil, p.Checks = orZero(r.settled), orZero(r.reviewUntil), r.checks.value()
	p.Parts = partsOf(r.parts)
	return p
}

func (r *leaseRow) lease() app.Lease {
	o := r.o
	o.Amount.Currency, o.Credit.Currency, o.Outcome.Amount.Currency = r.oCurrency, r.oCurrency, r.oCurrency
	o.AnsweredAt, o.SentAt, o.DueAt, o.Expires = orZero(r.answered), orZero(r.sent), orZero(r.due), orZero(r.expires)
	return app.Lease{Record: o, Payment: r.payment()}
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func scanPayment(row pgx.Row) (payment.Payment, error) {
	var r leaseRow
	err := row.Scan(r.paymentFields()...)
	return r.payment(), err
}

// queueAudit notes what staff did: the payment before, and the operation.
func queueAudit(batch *pgx.Batch, p payment.Payment, r app.Record, now time.Time) {
	before, after := map[string]any{"status": p.Status, "authorised": p.Authorised, "captured": p.Captured, "refunded": p.Refunded},
		map[string]any{"operation_id": r.ID, "amount": r.Amount, "reason": r.Reason}
	batch.Queue(`INSERT INTO audit_log (at, actor, action, entity, before, after) VALUES ($1, $2, $3, $4, $5, $6)`,
		now, r.Actor, string(r.Kind), "payment/"+p.ID, encode(before), encode(after))
}

func encode(v map[string]any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and amounts always encode
	}
	return raw
}

// checksRow is the form of payment.Checks in a column.
type checksRow struct {
	SecureStatus     string `json:"three_d_secure_status,omitempty"`
	SecureEnrolled   string `json:"three_d_secure_enrolled,omitempty"`
	LiabilityShifted bool   `json:"liability_shifted,omitempty"`
	ShiftPossible    bool   `json:"liability_shift_possible,omitempty"`
	AVSError         string `json:"avs_error,omitempty"`
	AVSPostal        string `json:"avs_postal,omitempty"`
	AVSStreet        string `json:"avs_street,omitempty"`
	CVV              string `json:"cvv,omitempty"`
	GatewayDecision  string `json:"gateway_decision,omitempty"`
	GatewayRiskID    string `json:"gateway_risk_id,omitempty"`
	Instrument       string `json:"instrument,omitempty"`
}

func (c *checksRow) value() payment.Checks {
	if c == nil {
		return payment.Checks{}
	}
	return payment.Checks(*c)
}

// checksOf writes nothing known as NULL.
func checksOf(c payment.Checks) *checksRow {
	if c == (payment.Checks{}) {
		return nil
	}
	row := checksRow(c)
	return &row
}
