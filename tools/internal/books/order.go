package books

import (
	"context"

	"github.com/jackc/pgx/v5"
)

const ordersSQL = `
SELECT id, checkout_id, cart_id, state, attempt, currency, total + reduced, captured, returned, placed_at IS NOT NULL, updated_at, coalesce(
	(SELECT jsonb_object_agg(sku, n) FROM
		(SELECT l->>'sku' AS sku, sum((l->>'quantity')::bigint) AS n FROM jsonb_array_elements(snapshot->'lines') l GROUP BY 1) q), '{}'), unpaid,
	coalesce((SELECT sum((e->'charged'->>'amount')::bigint) FROM jsonb_array_elements(edits) e), 0)::bigint
FROM orders`

// The constraints of order rule these out; the books do not take its word for it.
const doublesSQL = `
SELECT 'checkout', checkout_id, count(*) FROM orders GROUP BY checkout_id HAVING count(*) > 1
UNION ALL
SELECT 'cart', cart_id, count(*) FROM orders WHERE placed_at IS NOT NULL GROUP BY cart_id HAVING count(*) > 1
UNION ALL
SELECT 'number', number, count(*) FROM orders WHERE number IS NOT NULL GROUP BY number HAVING count(*) > 1`

const usesSQL = `
SELECT id::text, subject, created_at FROM outbox
WHERE type = 'order.placed.v1' AND jsonb_typeof(data->'promotions') = 'array' AND jsonb_array_length(data->'promotions') > 0`

func readOrder(ctx context.Context, tx pgx.Tx, s *Snapshot) error {
	for _, read := range []func() error{
		func() error { return collect(ctx, tx, &s.Orders, ordersSQL) },
		func() error { return collect(ctx, tx, &s.Doubles, doublesSQL) },
		func() error { return collect(ctx, tx, &s.Coupons, usesSQL) },
		func() error { return broken(ctx, tx, s, "I7", promotionsSQL) },
		func() error { return broken(ctx, tx, s, "I3", editsSQL) },
		func() error { return broken(ctx, tx, s, "I8", transitionsSQL) },
		func() error { return broken(ctx, tx, s, "I9", meansSQL) },
		func() error { return readOutbox(ctx, tx, "order", s) },
	} {
		if err := read(); err != nil {
			return err
		}
	}
	return nil
}
