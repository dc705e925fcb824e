package idem_test

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/pg"
)

// A command keeps its answer with its effect; the transport says with the flag that an answer was replayed.
func ExampleDo() {
	type thing struct {
		ID string `json:"id"`
	}
	create := func(ctx context.Context, pool *pgxpool.Pool, k idem.Key, name string) (res thing, replayed bool, err error) {
		err = pg.InTx(ctx, pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
			res, replayed, err = idem.Do(ctx, tx, k, func() (thing, error) {
				var t thing
				err := tx.QueryRow(ctx, "INSERT INTO things (name) VALUES ($1) RETURNING id", name).Scan(&t.ID)
				return t, err
			})
			return err
		})
		return res, replayed, err
	}
	_ = create // needs a database, see TestDoReplays
}
