package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// Attempt implements app.RiskStore. What was noted of the attempt before is counted for as well.
func (s *Store) Attempt(ctx context.Context, paymentID string, keys []app.AttemptKey, velocities []payment.Velocity, at time.Time) (map[payment.Velocity]int, error) {
	var batch pgx.Batch
	for _, k := range keys {
		batch.Queue(`INSERT INTO risk_attempts (key, hash, payment_id, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, string(k.Key), k.Hash, paymentID, at)
	}
	counts := map[payment.Velocity]int{}
	for _, v := range velocities {
		batch.Queue(`SELECT count(*) FROM risk_attempts mine JOIN risk_attempts a ON a.key = mine.key AND a.hash = mine.hash
			WHERE mine.payment_id = $1 AND mine.key = $2 AND a.at > mine.at - $3::interval AND a.at <= mine.at HAVING count(*) > 0`,
			paymentID, string(v.By), v.Within).QueryRow(func(row pgx.Row) error {
			var n int
			err := row.Scan(&n)
			if err == nil {
				counts[v] = n
			}
			return missingIsFine(err)
		})
	}
	if err := s.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("attempts of %s: %w", paymentID, pg.AsFault(err))
	}
	return counts, nil
}

func missingIsFine(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}

// Decided implements app.RiskStore.
func (s *Store) Decided(ctx context.Context, p payment.Payment, e payment.Event, actor string) (bool, error) {
	after, err := p.Apply(e)
	if err != nil {
		return false, err
	}
	written := false
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE payments SET review = $3, review_until = $4, version = $5, updated_at = $6
			WHERE id = $1 AND version = $2 AND live_operation = '' AND review = 'pending'`, p.ID, p.Version, string(after.Review), at(after.ReviewUntil), after.Version, e.At)
		if written = err == nil && tag.RowsAffected() == 1; !written {
			return err
		}
		var batch pgx.Batch
		queueEvent(&batch, p.ID, e)
		if actor != "" {
			batch.Queue(`INSERT INTO audit_log (at, actor, action, entity, before, after) VALUES ($1, $2, $3, $4, $5, $6)`, e.At, actor, string(e.Type), "payment/"+p.ID,
				encode(map[string]any{"review": p.Review, "rule": p.ReviewRule}), encode(map[string]any{"review": after.Review, "reason": e.Detail}))
		}
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return err
		}
		return s.box.Append(ctx, tx, review(paymentapi.TypeReviewClosedV1, after, actor, e.At))
	})
	if err != nil {
		return false, fmt.Errorf("review of payment %s: %w", p.ID, pg.AsFault(err))
	}
	return written, nil
}

// review is the event about the review of a payment.
func review(name string, p payment.Payment, actor string, now time.Time) outbox.Event {
	data := paymentapi.ReviewV1{PaymentID: p.ID, OrderID: p.OrderID, Attempt: p.Attempt, Review: string(p.Review), Rule: p.ReviewRule, Amount: p.Amount,
		Checks: checksView(p.Checks), Actor: actor, OccurredAt: now}
	if !p.ReviewUntil.IsZero() {
		until := p.ReviewUntil.UTC()
		data.Until = &until
	}
	return outbox.Event{Topic: paymentapi.Topic, Type: name, Subject: p.ID, Time: now, Data: data}
}

func checksView(c payment.Checks) paymentapi.Checks {
	return paymentapi.Checks{ThreeDSecure: c.SecureStatus, Enrolled: c.SecureEnrolled, LiabilityShifted: c.LiabilityShifted, LiabilityShiftPossible: c.ShiftPossible,
		AVSError: c.AVSError, AVSPostal: c.AVSPostal, AVSStreet: c.AVSStreet, CVV: c.CVV, GatewayDecision: c.GatewayDecision, GatewayRiskID: c.GatewayRiskID}
}

// Overdue implements app.RiskStore.
func (s *Store) Overdue(ctx context.Context, now time.Time, n int) ([]payment.Payment, error) {
	return s.payments(ctx, `WHERE p.review = 'pending' AND p.review_until <= $1 ORDER BY p.review_until LIMIT $2`, now, n)
}

// Refused implements app.RiskStore.
func (s *Store) Refused(ctx context.Context, n int) ([]payment.Payment, error) {
	return s.payments(ctx, `WHERE p.review IN ('rejected', 'expired') AND p.status = 'authorised' ORDER BY p.updated_at LIMIT $1`, n)
}

// Forget implements app.RiskStore.
func (s *Store) Forget(ctx context.Context, before time.Time) error {
	if _, err := s.pool.Exec(ctx, `DELETE FROM risk_attempts WHERE at < $1`, before); err != nil {
		return fmt.Errorf("old attempts: %w", pg.AsFault(err))
	}
	return nil
}
