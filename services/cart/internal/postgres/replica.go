package postgres

import (
	"context"
	"fmt"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/cart/internal/app"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
)

// upsertSellables takes rows whose version is at least the newest that is known of their product, also away from another product.
// It reads $1 SKUs, $2 product ids, $3 versions, $4 titles, $5 images, $6 sellable, $7 grams. Locked in one order, so that two events do not
// deadlock.
const upsertSellables = `
INSERT INTO sellables AS s (sku, product_id, version, title, image_url, sellable, weight_grams)
SELECT DISTINCT ON (u.sku) u.* FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::boolean[], $7::bigint[])
	AS u (sku, product_id, version, title, image_url, sellable, weight_grams)
LEFT JOIN (SELECT product_id, max(version) AS version FROM sellables WHERE product_id = ANY ($2) GROUP BY product_id) AS newest USING (product_id)
WHERE u.version >= coalesce(newest.version, 0) ORDER BY u.sku
ON CONFLICT (sku) DO UPDATE SET product_id = excluded.product_id, version = excluded.version, title = excluded.title,
	image_url = excluded.image_url, sellable = excluded.sellable, weight_grams = excluded.weight_grams
WHERE s.version <= excluded.version OR s.product_id <> excluded.product_id`

type sellableColumns struct {
	sku, product, title, image []string
	version, grams             []int64
	sellable                   []bool
}

func sellables(all []catalogapi.Sellable) (c sellableColumns) {
	for _, s := range all {
		c.sku, c.product, c.version = append(c.sku, s.SKU), append(c.product, s.ProductID), append(c.version, s.Version)
		c.title, c.image, c.sellable = append(c.title, s.Title), append(c.image, s.ImageURL), append(c.sellable, s.Sellable)
		c.grams = append(c.grams, s.WeightGrams)
	}
	return c
}

// Keep implements app.Store.
func (s *Store) Keep(ctx context.Context, all []catalogapi.Sellable) error {
	if len(all) == 0 {
		return nil
	}
	c := sellables(all)
	if _, err := s.pool.Exec(ctx, upsertSellables, c.sku, c.product, c.version, c.title, c.image, c.sellable, c.grams); err != nil {
		return fmt.Errorf("keep sellables: %w", pg.AsFault(err))
	}
	return nil
}

// KeepProduct implements app.Replica: variants that are missing are no longer sold. The product's version makes it idempotent and
// immune to reordering, so it needs no inbox.
func (s *Store) KeepProduct(ctx context.Context, productID string, version int64, variants []catalogapi.Sellable) error {
	c := sellables(variants)
	_, err := s.pool.Exec(ctx, `
		WITH gone AS (
			UPDATE sellables SET sellable = false, version = $9 WHERE product_id = $8 AND version < $9 AND NOT sku = ANY (coalesce($1::text[], '{}'))
		)`+upsertSellables, c.sku, c.product, c.version, c.title, c.image, c.sellable, c.grams, productID, version)
	if err != nil {
		return fmt.Errorf("replica of product %s: %w", productID, pg.AsFault(err))
	}
	return nil
}

// KeepLevel implements app.Replica; the event's sequence makes it idempotent and immune to reordering.
func (s *Store) KeepLevel(ctx context.Context, sku string, sequence int64, l app.Level) error {
	_, err := s.pool.Exec(ctx, `
		INSERT INTO levels AS l (sku, sequence, available, in_stock, status) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (sku) DO UPDATE SET sequence = excluded.sequence, available = excluded.available, in_stock = excluded.in_stock, status = excluded.status
		WHERE l.sequence < excluded.sequence`, sku, sequence, l.Available, l.InStock, l.Status)
	if err != nil {
		return fmt.Errorf("replica of the level of %s: %w", sku, pg.AsFault(err))
	}
	return nil
}
