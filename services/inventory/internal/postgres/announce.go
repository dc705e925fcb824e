package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

// announceBatch is how many events one transaction appends.
const announceBatch = 500

// dueSQL takes the SKUs that changed and were not announced within the last gap. The others stay for the next call.
const dueSQL = `
	WITH due AS (
		SELECT DISTINCT c.sku FROM level_changes c LEFT JOIN announced_levels a ON a.sku = c.sku WHERE a.at IS NULL OR a.at <= $1 LIMIT $2
	), gone AS (
		DELETE FROM level_changes WHERE sku IN (SELECT sku FROM due)
	)
	SELECT sku FROM due`

// announceSQL notes the levels as they are now and returns those that differ from what was announced before.
const announceSQL = `
	INSERT INTO announced_levels AS a (sku, at, on_hand, allocated)
	SELECT u.sku, $2, coalesce(sum(l.on_hand) FILTER (WHERE o.enabled), 0), coalesce(sum(l.allocated) FILTER (WHERE o.enabled), 0)
	FROM unnest($1::text[]) AS u (sku) LEFT JOIN stock_levels l ON l.sku = u.sku LEFT JOIN locations o ON o.id = l.location_id GROUP BY u.sku
	ON CONFLICT (sku) DO UPDATE SET at = excluded.at, on_hand = excluded.on_hand, allocated = excluded.allocated
	WHERE (a.on_hand, a.allocated) <> (excluded.on_hand, excluded.allocated)
	RETURNING sku, on_hand, allocated`

// AnnounceLevels implements app.Announcer. One replica announces at a time: two would tell of one change twice a second, or in
// the wrong order. The change's mark is taken before the levels are read, so what comes between is told next time. A look costs
// one statement while nothing has changed.
func (s *Store) AnnounceLevels(ctx context.Context, now time.Time, gap time.Duration) error {
	var changed bool
	err := s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM level_changes)`).Scan(&changed)
	for taken := announceBatch; err == nil && changed && taken == announceBatch; {
		err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) (err error) {
			taken, err = s.announceSome(ctx, tx, now, gap)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("announce levels: %w", pg.AsFault(err))
	}
	return nil
}

func (s *Store) announceSome(ctx context.Context, tx *pg.Tx, now time.Time, gap time.Duration) (taken int, err error) {
	var mine bool
	if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock(hashtext(current_schema()), -1)`).Scan(&mine); err != nil || !mine {
		return 0, err
	}
	skus, err := collect(ctx, tx, "due", pgx.RowTo[string], dueSQL, now.Add(-gap), announceBatch)
	if err != nil || len(skus) == 0 {
		return 0, err
	}
	levels, err := collect(ctx, tx, "levels", scanAvailable, announceSQL, skus, now)
	if err != nil {
		return 0, err
	}
	events := make([]outbox.Event, len(levels))
	for i, a := range levels {
		events[i] = outbox.Event{Topic: inventoryapi.Topic, Type: inventoryapi.TypeLevelChangedV1, Subject: a.SKU, Time: now,
			Data: inventoryapi.LevelChangedV1{SKU: a.SKU, OnHand: a.OnHand, Allocated: a.Allocated, Available: a.Free()}}
	}
	return len(skus), s.box.Append(ctx, tx, events...)
}

func scanAvailable(row pgx.CollectableRow) (a inventory.Available, err error) {
	err = row.Scan(&a.SKU, &a.OnHand, &a.Allocated)
	return a, err
}

// Fold implements app.SweepStore: a read, and one statement for all SKUs.
func (s *Store) Fold(ctx context.Context, now time.Time, limit int) (folded int, err error) {
	skus, err := collect(ctx, s.pool, "SKUs to fold", pgx.RowTo[string], `
		SELECT t.sku FROM hold_totals t WHERE t.held > 0 AND EXISTS (SELECT FROM stock_holds h WHERE h.sku = t.sku AND h.expires_at <= $1)
		UNION SELECT sku FROM taken_holds
		LIMIT $2`, now, limit)
	if err != nil || len(skus) == 0 {
		return 0, err
	}
	if _, err := s.pool.Exec(ctx, foldSQL, skus, now); err != nil {
		return 0, fmt.Errorf("fold: %w", pg.AsFault(err))
	}
	return len(skus), nil
}

// AnnounceExpired implements app.SweepStore. A hold that its owner has again meanwhile is not told of.
func (s *Store) AnnounceExpired(ctx context.Context, now time.Time) (taken int, err error) {
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		type ended struct {
			inventory.Hold
			again bool
		}
		all, err := collect(ctx, tx, "ended", func(row pgx.CollectableRow) (e ended, err error) {
			err = row.Scan(&e.Owner, &e.SKU, &e.Quantity, &e.ExpiresAt, &e.again)
			return e, err
		}, `
			WITH gone AS (
				DELETE FROM expired_holds WHERE id IN (SELECT id FROM expired_holds ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
				RETURNING id, owner, sku, quantity, expires_at
			)
			SELECT g.owner, g.sku, g.quantity, g.expires_at, EXISTS (SELECT FROM stock_holds h WHERE h.id = g.owner || ':' || g.sku AND `+alive+`)
			FROM gone g ORDER BY g.id`, now, announceBatch)
		if err != nil {
			return err
		}
		taken = len(all)
		var events []outbox.Event
		for _, h := range all {
			if h.again {
				continue
			}
			events = append(events, outbox.Event{Topic: inventoryapi.Topic, Type: inventoryapi.TypeHoldExpiredV1, Subject: h.ID(), Time: h.ExpiresAt,
				Data: inventoryapi.HoldExpiredV1{HoldID: h.ID(), Owner: h.Owner, SKU: h.SKU, Quantity: h.Quantity, ExpiredAt: h.ExpiresAt}})
		}
		return s.box.Append(ctx, tx, events...)
	})
	if err != nil {
		return 0, fmt.Errorf("announce expired holds: %w", err)
	}
	return taken, nil
}
