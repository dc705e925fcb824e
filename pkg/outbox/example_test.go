package outbox_test

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
)

// A use case changes its rows and appends what happened, in one transaction.
func ExampleBox_Append() {
	rename := func(ctx context.Context, pool *pgxpool.Pool, box *outbox.Box, id, name string) error {
		return pg.InTx(ctx, pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
			if _, err := tx.Exec(ctx, "UPDATE things SET name = $2 WHERE id = $1", id, name); err != nil {
				return err
			}
			return box.Append(ctx, tx, outbox.Event{
				Topic: "thing", Type: "thing.renamed.v1", Subject: id, Data: map[string]string{"id": id, "name": name},
			})
		})
	}
	_ = rename // needs a database, see TestMessageCarriesTheEvent
}
