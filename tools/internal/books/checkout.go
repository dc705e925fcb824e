package books

import (
	"context"

	"github.com/jackc/pgx/v5"
)

const checkoutsSQL = `SELECT id, cart_id, order_id, status, hold_status, hold_until, updated_at FROM checkouts`

func readCheckout(ctx context.Context, tx pgx.Tx, s *Snapshot) error {
	if err := collect(ctx, tx, &s.Checkouts, checkoutsSQL); err != nil {
		return err
	}
	return readOutbox(ctx, tx, "checkout", s)
}
