package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/pg"
)

// settled is how long after it was seen an entry of the ledger is surely in the sums with all entries before it: no transaction that writes
// one lasts as long.
const settled = 30 * time.Second

// sumsSQL adds the entries after $1 up to $2 to the sums.
const sumsSQL = `
	INSERT INTO stock_sums AS s (sku, location_id, lot, on_hand, allocated, owed)
	SELECT sku, location_id, lot, sum(on_hand_delta), sum(allocated_delta), sum(owed_delta) FROM stock_ledger WHERE id > $1 AND id <= $2 GROUP BY sku, location_id, lot
	ON CONFLICT (sku, location_id, lot) DO UPDATE SET on_hand = s.on_hand + excluded.on_hand, allocated = s.allocated + excluded.allocated, owed = s.owed + excluded.owed`

// differSQL counts, in one moment, what is not what it should be by the sums and the entries after them ($1): levels, lots, what orders have
// taken that moved since, and held totals. It reads all levels and holds, and of ledger and reservations only what is new.
const differSQL = `
	WITH since AS (
		SELECT sku, location_id, lot, sum(on_hand_delta)::bigint AS on_hand, sum(allocated_delta)::bigint AS allocated, sum(owed_delta)::bigint AS owed
		FROM stock_ledger WHERE id > $1 GROUP BY sku, location_id, lot
	), counted AS (
		SELECT sku, location_id, lot, coalesce(s.on_hand, 0) + coalesce(n.on_hand, 0) AS on_hand, coalesce(s.allocated, 0) + coalesce(n.allocated, 0) AS allocated,
			coalesce(s.owed, 0) + coalesce(n.owed, 0) AS owed
		FROM stock_sums s FULL JOIN since n USING (sku, location_id, lot)
	), levels AS (
		SELECT count(*) AS n
		FROM stock_levels l FULL JOIN (SELECT sku, location_id, sum(on_hand) AS on_hand, sum(allocated) AS allocated, sum(owed) AS owed FROM counted GROUP BY sku, location_id) c
			USING (sku, location_id)
		WHERE (coalesce(l.on_hand, 0), coalesce(l.allocated, 0), coalesce(l.owed, 0)) <> (coalesce(c.on_hand, 0), coalesce(c.allocated, 0), coalesce(c.owed, 0))
	), lots AS (
		SELECT count(*) AS n FROM stock_lots o FULL JOIN (SELECT sku, location_id, lot, on_hand FROM counted WHERE lot <> '') c USING (sku, location_id, lot)
		WHERE coalesce(o.on_hand, 0) <> coalesce(c.on_hand, 0)
	), over AS (
		SELECT count(*) AS n FROM stock_levels l JOIN (SELECT sku, location_id, sum(on_hand) AS on_hand, sum(allocated) AS allocated FROM stock_lots GROUP BY sku, location_id) o
			USING (sku, location_id)
		WHERE NOT l.has_lots OR o.on_hand > l.on_hand OR o.allocated > l.allocated OR o.on_hand - o.allocated > l.on_hand - l.allocated
	), orders AS MATERIALIZED (
		SELECT DISTINCT reference AS id FROM stock_ledger WHERE id > $1 AND (allocated_delta, owed_delta) <> (0, 0) AND reference <> ''
	), taken AS (
		SELECT g.reference AS id, g.sku, g.location_id, sum(g.allocated_delta) AS allocated, sum(g.owed_delta) AS owed
		FROM orders JOIN stock_ledger g ON g.reference = orders.id GROUP BY g.reference, g.sku, g.location_id
	), reserved AS (
		SELECT orders.id, v.sku, v.location_id, coalesce(sum(v.quantity) FILTER (WHERE v.kind = 'stock'), 0) AS allocated,
			coalesce(sum(v.quantity) FILTER (WHERE v.kind <> 'stock'), 0) AS owed
		FROM orders JOIN allocations a ON a.id = orders.id AND a.status = 'allocated' JOIN inventory_reservations v ON v.allocation_id = a.id
		GROUP BY orders.id, v.sku, v.location_id
	), moved AS (
		SELECT count(*) AS n FROM taken t FULL JOIN reserved r USING (id, sku, location_id)
		WHERE (coalesce(t.allocated, 0), coalesce(t.owed, 0)) <> (coalesce(r.allocated, 0), coalesce(r.owed, 0))
	), holds AS (
		SELECT count(*) AS n FROM hold_totals t FULL JOIN (SELECT sku, sum(quantity) AS held FROM stock_holds GROUP BY sku) h USING (sku)
		WHERE coalesce(t.held, 0) <> coalesce(h.held, 0)
	)
	SELECT levels.n + lots.n + over.n + moved.n + holds.n FROM levels, lots, over, moved, holds`

// CountNew implements app.AuditStore. One replica counts at a time; another finds nothing then.
func (s *Store) CountNew(ctx context.Context, now time.Time) (differ int, due bool, err error) {
	err = s.whole(ctx, func(ctx context.Context, tx *pg.Tx) error {
		var through, seen int64
		var at time.Time
		err := tx.QueryRow(ctx, `SELECT through, seen, seen_at, whole_at <= $1 FROM stock_counted FOR UPDATE SKIP LOCKED`, now).Scan(&through, &seen, &at, &due)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if now.Sub(at) >= settled {
			if _, err := tx.Exec(ctx, sumsSQL, through, seen); err != nil {
				return fmt.Errorf("sums: %w", err)
			}
			through = seen
			if _, err := tx.Exec(ctx, `UPDATE stock_counted SET through = $1, seen = (SELECT coalesce(max(id), 0) FROM stock_ledger), seen_at = $2`, through, now); err != nil {
				return err
			}
		}
		return tx.QueryRow(ctx, differSQL, through).Scan(&differ)
	})
	if err != nil {
		return 0, false, fmt.Errorf("count what is new: %w", err)
	}
	return differ, due, nil
}

// resumSQL makes the sums those of all entries up to $1.
const resumSQL = `
	WITH g AS (
		SELECT sku, location_id, lot, sum(on_hand_delta) AS on_hand, sum(allocated_delta) AS allocated, sum(owed_delta) AS owed
		FROM stock_ledger WHERE id <= $1 GROUP BY sku, location_id, lot
	), gone AS (
		DELETE FROM stock_sums s WHERE NOT EXISTS (SELECT FROM g WHERE (g.sku, g.location_id, g.lot) = (s.sku, s.location_id, s.lot))
	)
	INSERT INTO stock_sums AS s (sku, location_id, lot, on_hand, allocated, owed) SELECT * FROM g
	ON CONFLICT (sku, location_id, lot) DO UPDATE SET on_hand = excluded.on_hand, allocated = excluded.allocated, owed = excluded.owed
	WHERE (s.on_hand, s.allocated, s.owed) <> (excluded.on_hand, excluded.allocated, excluded.owed)`

// Resum implements app.AuditStore.
func (s *Store) Resum(ctx context.Context, next time.Time) error {
	err := s.whole(ctx, func(ctx context.Context, tx *pg.Tx) error {
		var through int64
		if err := tx.QueryRow(ctx, `UPDATE stock_counted SET whole_at = $1 RETURNING through`, next).Scan(&through); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, resumSQL, through)
		return err
	})
	if err != nil {
		return fmt.Errorf("sum the ledger: %w", err)
	}
	return nil
}

// whole runs what may read whole tables: planned by what there is to read, and for longer than what shoppers wait for.
func (s *Store) whole(ctx context.Context, fn func(ctx context.Context, tx *pg.Tx) error) error {
	return pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT set_config('enable_seqscan', 'on', true), set_config('plan_cache_mode', 'force_custom_plan', true),
			set_config('work_mem', '64MB', true), set_config('statement_timeout', '5min', true)`); err != nil {
			return err
		}
		return fn(ctx, tx)
	})
}
