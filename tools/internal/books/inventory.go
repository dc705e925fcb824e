package books

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// The four books of a level, side by side; a level that is missing in one of them is zero there.
const levelsSQL = `
SELECT sku, location_id, sum(on_hand)::bigint, sum(allocated)::bigint, sum(owed)::bigint, sum(may_owe)::bigint,
	sum(ledger_on_hand)::bigint, sum(ledger_allocated)::bigint, sum(ledger_owed)::bigint, sum(reserved)::bigint, sum(reserved_owed)::bigint
FROM (
	SELECT sku, location_id, on_hand, allocated, owed, backorder_limit + preorder_limit AS may_owe,
		0 AS ledger_on_hand, 0 AS ledger_allocated, 0 AS ledger_owed, 0 AS reserved, 0 AS reserved_owed FROM stock_levels
	UNION ALL
	SELECT sku, location_id, 0, 0, 0, 0, on_hand_delta, allocated_delta, owed_delta, 0, 0 FROM stock_ledger
	UNION ALL
	SELECT v.sku, v.location_id, 0, 0, 0, 0, 0, 0, 0, CASE v.kind WHEN 'stock' THEN v.quantity ELSE 0 END, CASE v.kind WHEN 'stock' THEN 0 ELSE v.quantity END
	FROM inventory_reservations v JOIN allocations a ON a.id = v.allocation_id WHERE a.status = 'allocated'
) b GROUP BY sku, location_id`

const stockedSQL = `SELECT sku, sum(on_hand_delta)::bigint FROM stock_ledger GROUP BY sku`

const allocationsSQL = `
SELECT a.id, a.status, coalesce(a.released_at, a.created_at), coalesce(
	(SELECT jsonb_object_agg(sku, n) FROM (SELECT sku, sum(quantity) AS n FROM inventory_reservations v WHERE v.allocation_id = a.id GROUP BY sku) l), '{}')
FROM allocations a`

// The hold's id is in the subject; owner and SKU are in the data.
const expiredSQL = `
SELECT data->>'owner', data->>'sku', (data->>'expired_at')::timestamptz, created_at FROM outbox WHERE type = 'inventory.hold_expired.v1'`

func readInventory(ctx context.Context, tx pgx.Tx, s *Snapshot) error {
	for _, read := range []func() error{
		func() error { return collect(ctx, tx, &s.Levels, levelsSQL) },
		func() error { return collect(ctx, tx, &s.Stocked, stockedSQL) },
		func() error { return collect(ctx, tx, &s.Allocations, allocationsSQL) },
		func() error { return collect(ctx, tx, &s.Expired, expiredSQL) },
		func() error { return broken(ctx, tx, s, "I1", lotsSQL) },
		func() error { return readTold(ctx, tx, "inventory", s) },
		func() error { return readOutbox(ctx, tx, "inventory", s) },
	} {
		if err := read(); err != nil {
			return err
		}
	}
	return nil
}

// young reports whether something moved so lately that it may be under way.
func (s *Snapshot) young(at time.Time, grace time.Duration) bool { return s.At.Sub(at) < grace }
