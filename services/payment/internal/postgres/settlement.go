package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// Unsettled implements app.SettlementStore: whoever takes a payment moves its next look on, so that no other replica takes it.
func (s *Store) Unsettled(ctx context.Context, now time.Time, n int) ([]app.Unsettled, error) {
	rows, err := s.pool.Query(ctx, `
		WITH p AS (
			UPDATE payments SET settle_tries = settle_tries + 1, settle_due_at = $1 + least($3::interval * power(2, least(settle_tries, 16)), $4::interval)
			WHERE id IN (SELECT id FROM payments WHERE settle_due_at <= $1 ORDER BY settle_due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
			RETURNING *
		)
		SELECT p.settle_tries, `+paymentColumns+` FROM p`, now, n, app.SettleFirst, app.SettleLast)
	if err != nil {
		return nil, fmt.Errorf("unsettled payments: %w", pg.AsFault(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u app.Unsettled, err error) {
		var r leaseRow
		err = row.Scan(append([]any{&u.Tries}, r.paymentFields()...)...)
		u.Payment = r.payment()
		return u, err
	})
	if err != nil {
		return nil, fmt.Errorf("unsettled payments: %w", pg.AsFault(err))
	}
	return all, nil
}

// Settle implements app.SettlementStore. The version decides: when the payment has changed since it was read, or an operation is
// under way, nothing is written, and it is looked at again.
func (s *Store) Settle(ctx context.Context, p payment.Payment, e payment.Event, actor string) (bool, error) {
	after, err := p.Apply(e)
	if err != nil {
		return false, err
	}
	written := false
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE payments SET status = $3, authorised = $4, captured = $5, version = $6, updated_at = $7, settled_at = $8, settle_due_at = CASE WHEN $10 THEN settle_due_at END, credit = $9
			WHERE id = $1 AND version = $2 AND live_operation = ''`,
			p.ID, p.Version, string(after.Status), after.Authorised.Minor, after.Captured.Minor, after.Version, e.At, at(after.SettledAt), after.Credit.Minor, after.Split && (after.Status == payment.StatusPartly || len(after.Unsettled()) > 0))
		if written = err == nil && tag.RowsAffected() == 1; !written {
			return err
		}
		var batch pgx.Batch
		queueEvent(&batch, p.ID, e)
		queueParts(&batch, p, after)
		if actor != "" {
			batch.Queue(`INSERT INTO audit_log (at, actor, action, entity, before, after) VALUES ($1, $2, $3, $4, $5, $6)`, e.At, actor, string(e.Type), "payment/"+p.ID,
				encode(map[string]any{"status": p.Status}), encode(map[string]any{"status": after.Status, "amount": e.Amount, "reference": e.Detail}))
		}
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return err
		}
		if e.Type != payment.SettlementDeclined {
			return nil
		}
		return s.box.Append(ctx, tx, outbox.Event{Topic: paymentapi.Topic, Type: paymentapi.TypeSettlementDeclinedV1, Subject: p.ID, Time: e.At, Data: paymentapi.MoneyMovedV1{
			PaymentID: p.ID, OrderID: p.OrderID, Attempt: p.Attempt, OperationID: e.OperationID, Amount: e.Amount, TransactionID: e.TransactionID,
			DeclineCode: e.Code, Captured: after.Captured, Refunded: after.Refunded, OccurredAt: e.At}})
	})
	if err != nil {
		return false, fmt.Errorf("settlement of payment %s: %w", p.ID, pg.AsFault(err))
	}
	return written, nil
}

// SettleNoMore implements app.SettlementStore.
func (s *Store) SettleNoMore(ctx context.Context, p payment.Payment) error {
	_, err := s.pool.Exec(ctx, `UPDATE payments SET settle_due_at = NULL WHERE id = $1 AND version = $2`, p.ID, p.Version)
	if err != nil {
		return fmt.Errorf("settlement of payment %s: %w", p.ID, pg.AsFault(err))
	}
	return nil
}
