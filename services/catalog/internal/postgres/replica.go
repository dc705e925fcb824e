package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/inbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
)

// KeepPrices implements app.Replica.
func (s *Store) KeepPrices(ctx context.Context, ev app.Event, sku string, prices []app.Price) error {
	return pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		newer, err := inbox.Newer(ctx, tx, "pricing", ev.Subject, ev.Sequence)
		if err != nil || !newer {
			return err
		}
		var batch pgx.Batch
		batch.Queue(`DELETE FROM sku_prices WHERE sku = $1`, sku)
		for _, p := range prices {
			var compare *int64
			if p.CompareAt != nil {
				compare = &p.CompareAt.Minor
			}
			batch.Queue(`INSERT INTO sku_prices (sku, currency, list_id, amount, compare_at, countries, priority, valid_from, valid_to)
				VALUES ($1, $2, $3, $4, $5, coalesce($6::text[], '{}'), $7, $8, $9)`,
				sku, string(p.Amount.Currency), p.List, p.Amount.Minor, compare, p.Countries, p.Priority, moment(p.From), moment(p.To))
		}
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return fmt.Errorf("prices of %s: %w", sku, err)
		}
		return nil
	})
}

// KeepLevel implements app.Replica.
func (s *Store) KeepLevel(ctx context.Context, ev app.Event, sku string, available int64) error {
	return pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		newer, err := inbox.Newer(ctx, tx, "inventory", ev.Subject, ev.Sequence)
		if err != nil || !newer {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO sku_levels (sku, available) VALUES ($1, $2) ON CONFLICT (sku) DO UPDATE SET available = excluded.available`, sku, available)
		if err != nil {
			return fmt.Errorf("level of %s: %w", sku, err)
		}
		return nil
	})
}

var _ interface {
	app.Store
	app.Replica
	app.Shelf
} = (*Store)(nil)
