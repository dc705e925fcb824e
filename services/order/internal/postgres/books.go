package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/order/internal/app"
)

// unfinished are the states of orders_unfinished: all that wait for an effect.
const unfinished = `('authorising', 'allocating', 'freeing', 'undoing', 'placed', 'returning_money', 'releasing')`

// Stuck implements app.Books.
func (s *Store) Stuck(ctx context.Context, before time.Time, n int) ([]app.Stuck, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+orderColumns+`, CASE WHEN e.order_id IS NULL THEN 'no-effect' ELSE 'overdue' END
		FROM orders o LEFT JOIN order_effects e ON e.order_id = o.id
		WHERE o.state IN `+unfinished+` AND o.updated_at < $1 AND (e.due_at IS NULL OR e.due_at < $1)
		ORDER BY o.updated_at LIMIT $2`, before, n)
	if err != nil {
		return nil, pg.AsFault(err)
	}
	stuck, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f app.Stuck, err error) {
		f.Record, err = scan(row, &f.Why)
		return f, err
	})
	if err != nil {
		return nil, pg.AsFault(err)
	}
	return stuck, nil
}

// Reschedule implements app.Books.
func (s *Store) Reschedule(ctx context.Context, rec app.Record, kind string, now time.Time) error {
	tag, err := s.pool.Exec(ctx, `INSERT INTO order_effects (order_id, kind, attempt, version, due_at, stamp, tries)
		SELECT id, $3, attempt, version, $4, 1, 0 FROM orders WHERE id = $1 AND version = $2
		ON CONFLICT (order_id) DO NOTHING`, rec.ID, rec.Version, kind, now)
	if err != nil {
		return pg.AsFault(err)
	}
	if tag.RowsAffected() == 0 {
		return app.ErrMoved
	}
	return nil
}

// Unsent implements app.Books.
func (s *Store) Unsent(ctx context.Context, before time.Time) (n int, err error) {
	err = s.pool.QueryRow(ctx, `SELECT count(*) FROM outbox WHERE sent_at IS NULL AND created_at < $1`, before).Scan(&n)
	if err != nil {
		return 0, pg.AsFault(err)
	}
	return n, nil
}

// Filter narrows List. Zero fields do not narrow.
type Filter struct {
	Status   []string // states
	Number   string
	After    time.Time // the last page's end: placed_at and id
	AfterID  string
	PageSize int
}

// List returns placed orders, the latest first.
func (s *Store) List(ctx context.Context, f Filter) ([]app.Record, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+orderColumns+` FROM orders o
		WHERE o.placed_at IS NOT NULL AND ($1::text[] IS NULL OR o.state = ANY ($1)) AND ($2 = '' OR o.number = $2)
			AND ($3::timestamptz IS NULL OR (o.placed_at, o.id) < ($3, $4))
		ORDER BY o.placed_at DESC, o.id DESC LIMIT $5`, f.Status, f.Number, orNull(f.After), f.AfterID, f.PageSize)
	if err != nil {
		return nil, pg.AsFault(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (app.Record, error) { return scan(row) })
	if err != nil {
		return nil, fmt.Errorf("list orders: %w", pg.AsFault(err))
	}
	return all, nil
}

// Once runs a command once per Idempotency-Key and replays its answer. The command has its own transaction and is idempotent
// by itself: should this process die between the two, the repeat runs it again.
func Once[T any](ctx context.Context, s *Store, k httpx.Idem, fn func() (T, error)) (answer T, replayed bool, err error) {
	if k.Key == "" {
		answer, err = fn()
		return answer, false, err
	}
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		answer, replayed, err = idem.Do(ctx, tx, idem.Key(k), fn)
		return err
	})
	return answer, replayed, err
}

// Audit writes an entry of the audit log.
func (s *Store) Audit(ctx context.Context, at time.Time, actor, action, entity string, before, after any) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO audit_log (at, actor, action, entity, before, after) VALUES ($1, $2, $3, $4, $5, $6)`,
		at, actor, action, entity, before, after)
	if err != nil {
		return errors.Join(fmt.Errorf("audit %s %s", action, entity), pg.AsFault(err))
	}
	return nil
}
