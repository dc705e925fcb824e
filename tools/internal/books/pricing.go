package books

import (
	"context"

	"github.com/jackc/pgx/v5"
)

func readPricing(ctx context.Context, tx pgx.Tx, s *Snapshot) error {
	if err := readTold(ctx, tx, "pricing", s); err != nil {
		return err
	}
	if err := readConsumed(ctx, tx, pricingOfCatalog, s, inboxSQL, "catalog"); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `SELECT event_id FROM inbox WHERE consumer = 'coupon-uses'`)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	s.Counted = make(map[string]bool, len(ids))
	for _, id := range ids {
		s.Counted[id] = true
	}
	return readOutbox(ctx, tx, "pricing", s)
}
