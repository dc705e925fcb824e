package books

import (
	"context"

	"github.com/jackc/pgx/v5"
)

const paymentsSQL = `
SELECT id, order_id, status, currency, attempt, amount, authorised, captured, refunded, transaction_id, updated_at,
	review = 'pending' AND review_until > now() FROM payments`

const operationsSQL = `SELECT operation_id, payment_id, kind, created_at FROM payment_operations WHERE result = 'pending'`

func readPayment(ctx context.Context, tx pgx.Tx, s *Snapshot) error {
	if err := collect(ctx, tx, &s.Payments, paymentsSQL); err != nil {
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
