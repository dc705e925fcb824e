// Package postgres keeps inventory's levels, ledger, holds and allocations.
//
// Two kinds of writers never wait for each other. A turn of holds locks the row of its SKU in hold_totals and reads the levels
// as they are; whoever changes levels holds the stripes of the SKUs (lock.go) and only inserts what concerns holds. The
// constraints say the invariants again; a constraint's name is what code matches on.
package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are all sets that inventory's database needs.
func Migrations() []pg.Migrations {
	own, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the path is a constant
	}
	return []pg.Migrations{outbox.Migrations, idem.Migrations, {Name: "inventory", FS: own}}
}

// Store is inventory's database. It implements the ports of app.
type Store struct {
	LowAt, LowUntil int64 // when a SKU without a rule of its own counts as low; set before use

	pool    *pgxpool.Pool
	box     *outbox.Box
	stripes *stripeLocks
}

// New returns a store on a migrated database. The pool plans [pg.ByKey]: rows are found by their keys, and the lists of SKUs are short.
func New(pool *pgxpool.Pool, box *outbox.Box) *Store {
	return &Store{pool: pool, box: box, stripes: newStripeLocks()}
}

func audit(ctx context.Context, tx *pg.Tx, by app.Change, action, entity string, before, after any) error {
	_, err := tx.Exec(ctx, `INSERT INTO audit_log (at, actor, action, entity, before, after) VALUES ($1, $2, $3, $4, $5, $6)`,
		by.At, by.Actor, action, entity, before, after)
	if err != nil {
		return fmt.Errorf("audit %s %s: %w", action, entity, err)
	}
	return nil
}

// collect reads all rows of a query outside of a transaction.
func collect[T any](ctx context.Context, q pg.Querier, what string, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, pg.AsFault(err))
	}
	all, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, pg.AsFault(err))
	}
	return all, nil
}
