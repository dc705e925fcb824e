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
	"github.com/sidecart/sidecart/services/order/internal/order"
)

// resting are the states that orders_unfinished leaves out: none of them waits for an effect. Those of a merchant's machine may.
const resting = `('attempt_failed', 'abandoned', 'cancelled', 'confirmed', 'picking', 'shipped', 'delivered', 'returned')`

// Stuck implements app.Books.
func (s *Store) Stuck(ctx context.Context, waiting []order.State, before time.Time, n int) ([]app.Stuck, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+orderColumns+`, CASE WHEN e.order_id IS NULL THEN 'no-effect' ELSE 'overdue' END
		FROM orders o LEFT JOIN order_effects e ON e.order_id = o.id
		WHERE o.state NOT IN `+resting+` AND o.state = ANY ($3) AND o.updated_at < $1 AND (e.due_at IS NULL OR e.due_at < $1)
		UNION ALL
		SELECT `+orderColumns+`, CASE WHEN e.order_id IS NULL THEN 'no-effect' ELSE 'overdue' END
		FROM orders o LEFT JOIN order_effects e ON e.order_id = o.id
		WHERE o.refunding > 0 AND o.updated_at < $1 AND (e.due_at IS NULL OR e.due_at < $1)
		LIMIT $2`, before, n, waiting)
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

// Lasting implements app.Books. An order's log says when it came to its state, until when its payment may wait, and since when it does not.
func (s *Store) Lasting(ctx context.Context, states []order.State, before time.Time, n int) ([]app.Lasting, error) {
	rows, err := s.pool.Query(ctx, `SELECT o.id, o.state, since.at FROM orders o
		CROSS JOIN LATERAL (SELECT greatest(min(e.at) FILTER (WHERE e.to_state = o.state), max(e.at) FILTER (WHERE e.event = 'review_closed'),
				max((e.metadata->>'until')::timestamptz) FILTER (WHERE o.review = 'pending' AND e.metadata->>'review' = 'pending')) AS at
			FROM order_events e WHERE e.order_id = o.id AND e.attempt = o.attempt) since
		WHERE o.state NOT IN `+resting+` AND o.state = ANY ($1) AND since.at < $2
		ORDER BY since.at LIMIT $3`, states, before, n)
	if err != nil {
		return nil, pg.AsFault(err)
	}
	lasting, err := pgx.CollectRows(rows, pgx.RowToStructByPos[app.Lasting])
	if err != nil {
		return nil, fmt.Errorf("lasting orders: %w", pg.AsFault(err))
	}
	return lasting, nil
}

// Unreturned implements app.Books.
func (s *Store) Unreturned(ctx context.Context, n int) ([]string, error) {
	rows, err := s.pool.Query(ctx, `SELECT id FROM orders WHERE owing > 0 AND refunding = 0 AND edit = ''
		AND cancel_reason = '' ORDER BY id LIMIT $1`, n)
	if err != nil {
		return nil, pg.AsFault(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("unreturned orders: %w", pg.AsFault(err))
	}
	return ids, nil
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

// Standings implements app.Books.
func (s *Store) Standings(ctx context.Context, ids []string) (map[string]app.Standing, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, state, attempt, ARRAY(SELECT (e->>'number')::bigint FROM jsonb_array_elements(edits) e WHERE e ? 'charged')
		FROM orders WHERE id = ANY ($1)`, ids)
	if err != nil {
		return nil, pg.AsFault(err)
	}
	found := make(map[string]app.Standing, len(ids))
	var id string
	var at app.Standing
	_, err = pgx.ForEachRow(rows, []any{&id, &at.State, &at.Attempt, &at.Charged}, func() error {
		found[id] = at
		at.Charged = nil // of this one
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("standings: %w", pg.AsFault(err))
	}
	return found, nil
}

// Once runs a command once per Idempotency-Key and replays its answer. The command has transactions of its own, so none is open
// while it runs: it would wait for a second connection while it keeps the first. It is idempotent by itself: two callers at once,
// or a repeat after this process died before the answer was kept, run it again.
func Once[T any](ctx context.Context, s *Store, k httpx.Idem, fn func() (T, error)) (answer T, replayed bool, err error) {
	if k.Key == "" {
		answer, err = fn()
		return answer, false, err
	}
	keep := func(tx *pg.Tx, made func() (T, error)) error {
		answer, replayed, err = idem.Do(ctx, tx, idem.Key(k), made)
		return err
	}
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(_ context.Context, tx *pg.Tx) error {
		return keep(tx, func() (T, error) { return answer, errNew })
	})
	if !errors.Is(err, errNew) {
		return answer, replayed, err
	}
	fresh, err := fn()
	if err != nil {
		return fresh, false, err
	}
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(_ context.Context, tx *pg.Tx) error {
		return keep(tx, func() (T, error) { return fresh, nil })
	})
	return answer, replayed, err
}

// Prune forgets Idempotency-Keys, and the answers kept with them, that are past their life.
func (s *Store) Prune(ctx context.Context) error {
	_, err := idem.Prune(ctx, s.pool, idem.Lifetime)
	return err
}

// errNew rolls back the look at a key that nobody has used.
var errNew = errors.New("the key is new")
