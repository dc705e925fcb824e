package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// Due implements app.Store.
func (s *Store) Due(ctx context.Context, now time.Time, n int) ([]app.Lease, error) {
	rows, err := s.pool.Query(ctx, `
		WITH o AS (
			UPDATE payment_operations SET lease_until = $2, stamp = stamp + 1
			WHERE operation_id IN (SELECT operation_id FROM payment_operations
				WHERE due_at <= $1 AND (lease_until IS NULL OR lease_until <= $1) ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
			RETURNING *
		)
		SELECT `+operationColumns+`, `+paymentColumns+` FROM o JOIN payments p ON p.id = o.payment_id`, now, now.Add(app.LeaseTime), n)
	if err != nil {
		return nil, fmt.Errorf("due operations: %w", pg.AsFault(err))
	}
	leases, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (app.Lease, error) {
		var r leaseRow
		err := row.Scan(append(r.operation(), r.paymentFields()...)...)
		return r.lease(), err
	})
	if err != nil {
		return nil, fmt.Errorf("due operations: %w", pg.AsFault(err))
	}
	return leases, nil
}

// Sent implements app.Store.
func (s *Store) Sent(ctx context.Context, l app.Lease, sent time.Time) error {
	tag, err := s.pool.Exec(ctx, `UPDATE payment_operations SET sent_at = $3, asked = $4 WHERE operation_id = $1 AND stamp = $2`, l.ID, l.Stamp, at(sent), l.Asked.TransactionID)
	return stamped(l, tag.RowsAffected(), err)
}

// Postpone implements app.Store.
func (s *Store) Postpone(ctx context.Context, l app.Lease, due time.Time) error {
	tag, err := s.pool.Exec(ctx, `UPDATE payment_operations SET lease_until = NULL, due_at = $3, tries = $4 WHERE operation_id = $1 AND stamp = $2`,
		l.ID, l.Stamp, at(due), l.Tries)
	return stamped(l, tag.RowsAffected(), err)
}

func stamped(l app.Lease, rows int64, err error) error {
	if err != nil {
		return fmt.Errorf("operation %s: %w", l.ID, pg.AsFault(err))
	}
	if rows == 0 {
		return app.ErrLost
	}
	return nil
}

// recordSQL writes an answer, the payment's new state and its event, each only if the lease and the version still hold.
const recordSQL = `
WITH answered AS (
	UPDATE payment_operations SET result = $3, answer_amount = $4, transaction_id = $5, code = $6, retryable = $7, message = $8,
		answered_at = coalesce(answered_at, $9), due_at = $10, lease_until = NULL
	WHERE operation_id = $1 AND stamp = $2 RETURNING payment_id
), moved AS (
	UPDATE payments p SET status = $11, authorised = $12, captured = $13, refunded = $14, transaction_id = $15, live_operation = $16,
		version = $17::bigint, updated_at = $9,
		settle_due_at = CASE WHEN $18 = 'captured' THEN $23::timestamptz WHEN $11 IN ('partially_captured', 'captured', 'refunded') THEN p.settle_due_at END,
		checks = $24::jsonb, review = $25, review_rule = $26, review_until = $27, credit = $31, credit_captured = $32, credit_refunded = $33, settled_at = $37, converted = $38
	FROM answered WHERE p.id = answered.payment_id AND p.version = $17::bigint - 1 RETURNING p.id
)
INSERT INTO payment_events (payment_id, version, type, operation_id, currency, amount, transaction_id, code, detail, at, checks, review_until, credit, more, parts, converted)
SELECT id, $17::bigint, $18, $1, $19, $20, $21, $28, $22, $9, $29::jsonb, $30, $34, $35, $36::jsonb, $39 FROM moved`

// Record implements app.Store: one statement, or a transaction with what happens to credit and with the event that tells others.
func (s *Store) Record(ctx context.Context, l app.Lease, d app.Done, now time.Time) error {
	p, err := l.Payment.Apply(*d.Event)
	if err != nil {
		return err
	}
	news, told := announcement(l, d, p, now)
	credit, parts := l.Payment.Credit.IsPositive(), len(p.Parts) > 0
	if !told && !credit && !parts {
		return s.record(ctx, s.pool, l, d, p, now)
	}
	return pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		if err := s.record(ctx, tx, l, d, p, now); err != nil {
			return err
		}
		if credit {
			if err := s.follow(ctx, tx, l, *d.Event, now); err != nil {
				return err
			}
		}
		if d.Event.Converted.IsPositive() {
			if err := s.convert(ctx, tx, l, *d.Event, now); err != nil {
				return err
			}
		}
		if parts {
			var batch pgx.Batch
			queueParts(&batch, l.Payment, p)
			if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
				return fmt.Errorf("parts of payment %s: %w", p.ID, pg.AsFault(err))
			}
		}
		if !told {
			return nil
		}
		return s.box.Append(ctx, tx, news)
	})
}

func (s *Store) record(ctx context.Context, q pg.Querier, l app.Lease, d app.Done, p payment.Payment, now time.Time) error {
	o, e := d.Outcome, d.Event
	var settle time.Time
	if p.TransactionID != "" { // credit alone settles nowhere
		settle = now.Add(app.SettleFirst)
	}
	tag, err := q.Exec(ctx, recordSQL, l.ID, l.Stamp, string(o.Result), o.Amount.Minor, o.TransactionID, o.Code, o.Retryable, o.Message, now, at(d.DueAt),
		string(p.Status), p.Authorised.Minor, p.Captured.Minor, p.Refunded.Minor, p.TransactionID, p.Live, p.Version,
		string(e.Type), string(e.Amount.Currency), e.Amount.Minor, e.TransactionID, e.Detail, at(settle),
		checksOf(p.Checks), string(p.Review), p.ReviewRule, at(p.ReviewUntil), e.Code, checksOf(e.Checks), at(e.ReviewUntil),
		p.Credit.Minor, p.CreditCaptured.Minor, p.CreditRefunded.Minor, e.Credit.Minor, e.More, changesOf(e.Parts), at(p.SettledAt), p.Converted.Minor, e.Converted.Minor)
	if err != nil {
		return fmt.Errorf("answer of operation %s: %w", l.ID, pg.AsFault(err))
	}
	if tag.RowsAffected() == 0 {
		return app.ErrLost
	}
	return nil
}

// announced are the events that others hear of: money that went back, perhaps because staff said so. What order asked for, order
// itself tells of.
var announced = map[payment.EventType]string{
	payment.Voided: paymentapi.TypeVoidedV1, payment.Refunded: paymentapi.TypeRefundedV1, payment.StrayRefunded: paymentapi.TypeRefundedV1,
}

// announcement is what others hear of an answer, if anything.
func announcement(l app.Lease, d app.Done, p payment.Payment, now time.Time) (outbox.Event, bool) {
	if d.Event.Type == payment.Authorised && p.Review == payment.ReviewPending {
		return review(paymentapi.TypeReviewOpenedV1, p, "", now), true
	}
	name, told := announced[d.Event.Type]
	amount := d.Event.Amount
	if d.Event.Type == payment.VoidDeclined && len(d.Event.Parts) > 0 { // some of it went back before the rest had settled
		name, told = paymentapi.TypeRefundedV1, true
		amount = money.New(p.Refunded.Minor-l.Payment.Refunded.Minor, amount.Currency)
	}
	return outbox.Event{Topic: paymentapi.Topic, Type: name, Subject: p.ID, Time: now, Data: paymentapi.MoneyMovedV1{
		PaymentID: p.ID, OrderID: p.OrderID, Attempt: p.Attempt, OperationID: l.ID, Amount: amount, TransactionID: d.Event.TransactionID,
		DeclineCode: d.Event.Code, Captured: p.Captured, Refunded: p.Refunded, OccurredAt: now}}, told
}
