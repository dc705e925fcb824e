package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// termsColumns are the lines turned on their side, as unnest takes them.
type termsColumns struct {
	sku, location               []string
	safety, backorder, preorder []int64
	ships, release              []*time.Time
}

const putTermsSQL = `
	INSERT INTO stock_levels (sku, location_id, on_hand, safety_stock, backorder_limit, backorder_ships_at, preorder_limit, release_at, released)
	SELECT u.sku, u.location_id, 0, u.safety, u.backorder, u.ships, u.preorder, u.release, u.release IS NULL
	FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::bigint[], $7::timestamptz[])
		AS u (sku, location_id, safety, backorder, ships, preorder, release)
	ON CONFLICT (sku, location_id) DO UPDATE SET safety_stock = excluded.safety_stock, backorder_limit = excluded.backorder_limit,
		backorder_ships_at = excluded.backorder_ships_at, preorder_limit = excluded.preorder_limit, release_at = excluded.release_at, released = excluded.released`

// PutTerms implements app.StockStore. What is owed is served at once where the new terms leave something for it.
func (s *Store) PutTerms(ctx context.Context, lines []inventory.TermsLine, by app.Change) error {
	var places []inventory.BookingLine
	var cols termsColumns
	for _, l := range lines {
		places = append(places, inventory.BookingLine{Place: l.Place})
		cols.safety, cols.backorder, cols.preorder = append(cols.safety, l.Safety), append(cols.backorder, l.Backorder), append(cols.preorder, l.Preorder)
		cols.ships, cols.release = append(cols.ships, orNull(l.ShipsAt)), append(cols.release, orNull(l.ReleaseAt))
	}
	at := inventory.Booking{Lines: places}
	booked := columnsOf(at)
	cols.sku, cols.location = booked.sku, booked.location
	err := s.locked(ctx, booked.skus, func(ctx context.Context, tx *pg.Tx) error {
		levels, err := levelsAt(ctx, tx, at, booked)
		if err != nil {
			return err
		}
		if err := inventory.Owing(lines, levels); err != nil {
			return err
		}
		var batch pgx.Batch
		batch.Queue(putTermsSQL, cols.sku, cols.location, cols.safety, cols.backorder, cols.ships, cols.preorder, cols.release)
		batch.Queue(`INSERT INTO hold_totals (sku) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING`, booked.skus)
		batch.Queue(`INSERT INTO level_changes (sku) SELECT unnest($1::text[])`, booked.skus)
		batch.Queue(`INSERT INTO audit_log (at, actor, action, entity, after) VALUES ($1, $2, 'put', 'terms', $3)`, by.At, by.Actor, lines)
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return err
		}
		return s.fill(ctx, tx, booked.skus, by)
	})
	if err != nil {
		return fmt.Errorf("terms: %w", err)
	}
	return nil
}

// ReleaseDue implements app.SweepStore: what was owed until a release that has come is served, and others learn that it has come.
func (s *Store) ReleaseDue(ctx context.Context, by app.Change, limit int) (released int, err error) {
	skus, err := collect(ctx, s.pool, "due releases", pgx.RowTo[string],
		`SELECT DISTINCT sku FROM stock_levels WHERE NOT released AND release_at <= $1 ORDER BY sku LIMIT $2`, by.At, limit)
	if err != nil || len(skus) == 0 {
		return 0, err
	}
	err = s.locked(ctx, skus, func(ctx context.Context, tx *pg.Tx) error {
		if _, err := tx.Exec(ctx, `WITH due AS (
				UPDATE stock_levels SET released = true WHERE sku = ANY ($1) AND NOT released AND release_at <= $2 RETURNING sku
			) INSERT INTO level_changes (sku) SELECT DISTINCT sku FROM due`, skus, by.At); err != nil {
			return err
		}
		return s.fill(ctx, tx, skus, by)
	})
	if err != nil {
		return 0, fmt.Errorf("release: %w", err)
	}
	return len(skus), nil
}

// PutRule implements app.StockStore.
func (s *Store) PutRule(ctx context.Context, sku string, rule app.Rule, by app.Change) error {
	err := pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO sku_rules (sku, low_at, low_until, per_customer, sale_from, sale_until)
			VALUES ($1, $2, $3, nullif($4::bigint, 0), $5, $6) ON CONFLICT (sku) DO UPDATE SET low_at = excluded.low_at, low_until = excluded.low_until,
				per_customer = excluded.per_customer, sale_from = excluded.sale_from, sale_until = excluded.sale_until`,
			sku, rule.LowAt, rule.LowUntil, rule.Limit.Quantity, orNull(rule.Limit.From), orNull(rule.Limit.Until)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO level_changes (sku) SELECT sku FROM hold_totals WHERE sku = $1`, sku); err != nil {
			return err
		}
		return audit(ctx, tx, by, "put", "rule/"+sku, nil, rule)
	})
	if err != nil {
		return fmt.Errorf("rule of %s: %w", sku, err)
	}
	return nil
}

// Rule returns what holds for a SKU: its own rule, or that of all without one.
func (s *Store) Rule(ctx context.Context, sku string) (app.Rule, error) {
	rule := app.Rule{LowAt: s.LowAt, LowUntil: s.LowUntil}
	var from, until *time.Time
	err := s.pool.QueryRow(ctx, `SELECT low_at, low_until, coalesce(per_customer, 0), sale_from, sale_until FROM sku_rules WHERE sku = $1`, sku).
		Scan(&rule.LowAt, &rule.LowUntil, &rule.Limit.Quantity, &from, &until)
	rule.Limit.From, rule.Limit.Until = orZero(from), orZero(until)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return rule, fmt.Errorf("rule of %s: %w", sku, pg.AsFault(err))
	}
	return rule, nil
}
