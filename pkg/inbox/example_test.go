package inbox_test

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/inbox"
	"github.com/sidecart/sidecart/pkg/pg"
)

// A replica takes an event over unless it knows better already.
func ExampleNewer() {
	apply := func(ctx context.Context, pool *pgxpool.Pool, sku string, sequence int64, available int) error {
		return pg.InTx(ctx, pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
			newer, err := inbox.Newer(ctx, tx, "cart", sku, sequence)
			if err != nil || !newer {
				return err
			}
			_, err = tx.Exec(ctx, "UPDATE replica SET available = $2 WHERE sku = $1", sku, available)
			return err
		})
	}
	_ = apply // needs a database, see TestNewer
}
