package books

import (
	"context"

	"github.com/jackc/pgx/v5"
)

const paymentsSQL = `
SELECT id, order_id, status, currency, attempt, amount, authorised, captured, refunded, transaction_id, updated_at,
	review = 'pending' AND review_until > now(),
	credit, credit_captured, credit_refunded, coalesce(u.held, 0), coalesce(u.net, 0), converted,
	coalesce((SELECT sum(amount) FROM credit_ledger l WHERE l.payment_id = p.id AND l.type = 'issued'), 0)::bigint, coalesce(x.net, 0), split
FROM payments p
LEFT JOIN (SELECT payment_id, sum(amount - refunded) FILTER (WHERE status IN ('captured', 'settled'))::bigint AS net FROM payment_parts GROUP BY payment_id) x ON x.payment_id = p.id
LEFT JOIN (SELECT payment_id, sum(held)::bigint AS held, sum(captured - refunded)::bigint AS net FROM credit_uses GROUP BY payment_id) u ON u.payment_id = p.id`

const creditsSQL = `
SELECT c.id, c.balance, c.held, coalesce(l.balance, 0), coalesce(l.held, 0), coalesce(u.held, 0)
FROM credits c
LEFT JOIN (SELECT credit_id, sum(amount)::bigint AS balance, sum(held)::bigint AS held FROM credit_ledger GROUP BY credit_id) l ON l.credit_id = c.id
LEFT JOIN (SELECT credit_id, sum(held)::bigint AS held FROM credit_uses GROUP BY credit_id) u ON u.credit_id = c.id`

const operationsSQL = `SELECT operation_id, payment_id, kind, created_at FROM payment_operations WHERE result = 'pending'`

func readPayment(ctx context.Context, tx pgx.Tx, s *Snapshot) error {
	if err := collect(ctx, tx, &s.Payments, paymentsSQL); err != nil {
		return err
	}
	if err := collect(ctx, tx, &s.Credits, creditsSQL); err != nil {
		return err
	}
	if err := collect(ctx, tx, &s.Operations, operationsSQL); err != nil {
		return err
	}
	if err := broken(ctx, tx, s, "I8", paymentLogSQL); err != nil {
		return err
	}
	return readOutbox(ctx, tx, "payment", s)
}

// rest is what the gateway holds of what was captured.
func (p *Payment) rest() int64 { return p.Captured - p.CreditCaptured - p.Refunded + p.CreditRefunded }
