package pg_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/pg"
)

var errNameTaken = fault.New(fault.Conflict, "name-taken", "The name is taken.")

// A repository method runs in the transaction of its use case and turns a constraint into a sentinel.
func ExampleInTx() {
	rename := func(ctx context.Context, tx *pg.Tx, id int, name string) error {
		_, err := tx.Exec(ctx, "UPDATE things SET name = $2 WHERE id = $1", id, name)
		if pg.Violates(err, "things_name_unique") {
			return errNameTaken.WithCause(err)
		}
		return err
	}
	use := func(ctx context.Context, pool *pgxpool.Pool) error {
		return pg.InTx(ctx, pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
			tx.OnCommit(func() { fmt.Println("renamed for good") })
			return rename(ctx, tx, 1, "lamp")
		})
	}
	_ = use // needs a database, see TestInTxCommitsAndRunsHooksInOrder
}

func ExampleAsFault() {
	err := pg.AsFault(fmt.Errorf("load thing 7: %w", context.DeadlineExceeded))
	fmt.Println(fault.KindOf(err), fault.CodeOf(err))
	// Output: timeout database-timeout
}
