package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

func scanLimit(row pgx.CollectableRow) (l inventory.Limit, err error) {
	var from, until *time.Time
	err = row.Scan(&l.SKU, &l.Quantity, &from, &until)
	l.From, l.Until = orZero(from), orZero(until)
	return l, err
}

// Limits implements app.LimitStore: those of all SKUs that have one.
func (s *Store) Limits(ctx context.Context) ([]inventory.Limit, error) {
	return collect(ctx, s.pool, "limits", scanLimit, `SELECT sku, per_customer, sale_from, sale_until FROM sku_rules WHERE per_customer IS NOT NULL`)
}

// hadSQL sums what a customer ($2) has of limited SKUs in their present windows.
const hadSQL = `
	SELECT r.sku, r.per_customer, r.sale_from, r.sale_until, coalesce((SELECT sum(t.quantity) FROM customer_takes t JOIN allocations a ON a.id = t.allocation_id
		WHERE t.sku = r.sku AND t.customer = $2 AND a.status = 'allocated' AND t.at >= coalesce(r.sale_from, '-infinity') AND t.at < coalesce(r.sale_until, 'infinity')), 0)::bigint
	FROM sku_rules r WHERE r.sku = ANY ($1) AND r.per_customer IS NOT NULL`

// had is what a customer has had of a limited SKU.
type had struct {
	inventory.Limit
	quantity int64
}

func scanHad(row pgx.CollectableRow) (h had, err error) {
	var from, until *time.Time
	err = row.Scan(&h.SKU, &h.Quantity, &from, &until, &h.quantity)
	h.From, h.Until = orZero(from), orZero(until)
	return h, err
}

// Had implements app.LimitStore.
func (s *Store) Had(ctx context.Context, customer []byte, skus []string) (map[string]int64, error) {
	all, err := collect(ctx, s.pool, "takes of a customer", scanHad, hadSQL, skus, customer)
	return sums(all), err
}

func limits(all []had) []inventory.Limit {
	out := make([]inventory.Limit, len(all))
	for i, h := range all {
		out[i] = h.Limit
	}
	return out
}

func sums(all []had) map[string]int64 {
	out := make(map[string]int64, len(all))
	for _, h := range all {
		out[h.SKU] = h.quantity
	}
	return out
}
