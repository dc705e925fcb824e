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

// announceSQL notes the levels as they are now and returns those that differ from what was announced before, with what it was then.
// A SKU is low from its low_at on down until there is low_until again; $3 and $4 are those of SKUs without a rule.
var announceSQL = `
	WITH fresh AS (
		SELECT u.sku, l.*, CASE WHEN old.low THEN l.stock < coalesce(r.low_until, $4) ELSE l.stock <= coalesce(r.low_at, $3) END AS low,
			coalesce(r.low_at, $3) AS low_at, old.sku IS NOT NULL AS known, coalesce(old.low, false) AS was_low, coalesce(old.stock + old.promise, 0) AS was_free
		FROM unnest($1::text[]) AS u (sku) LEFT JOIN announced_levels old ON old.sku = u.sku LEFT JOIN sku_rules r ON r.sku = u.sku,
			LATERAL (SELECT ` + sumsOf("$2") + ` FROM stock_levels l JOIN locations o ON o.id = l.location_id
				WHERE l.sku = u.sku AND o.enabled) AS l (on_hand, allocated, owed, stock, promise, ships_at, preorder)
	), put AS (
		INSERT INTO announced_levels AS a (sku, at, on_hand, allocated, owed, stock, promise, ships_at, preorder, low)
		SELECT sku, $2, on_hand, allocated, owed, stock, promise, ships_at, preorder, low FROM fresh
		ON CONFLICT (sku) DO UPDATE SET at = excluded.at, on_hand = excluded.on_hand, allocated = excluded.allocated, owed = excluded.owed,
			stock = excluded.stock, promise = excluded.promise, ships_at = excluded.ships_at, preorder = excluded.preorder, low = excluded.low
		WHERE (a.on_hand, a.allocated, a.owed, a.stock, a.promise, a.preorder, a.low)
				<> (excluded.on_hand, excluded.allocated, excluded.owed, excluded.stock, excluded.promise, excluded.preorder, excluded.low)
			OR a.ships_at IS DISTINCT FROM excluded.ships_at
		RETURNING sku
	)
	SELECT sku, on_hand, allocated, owed, stock, promise, ships_at, preorder, low, low_at, known, was_low, was_free FROM put JOIN fresh USING (sku)`

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
	levels, err := collect(ctx, tx, "levels", scanAnnounced, announceSQL, skus, now, s.LowAt, s.LowUntil)
	if err != nil {
		return 0, err
	}
	var events []outbox.Event
	for _, a := range levels {
		events = append(events, a.events(now)...)
	}
	return len(skus), s.box.Append(ctx, tx, events...)
}

// announced is a level that changed since others were told of it.
type announced struct {
	inventory.Available
	low     bool
	lowAt   int64
	known   bool // others were told before
	wasLow  bool
	wasFree int64
}

func scanAnnounced(row pgx.CollectableRow) (a announced, err error) {
	var ships *time.Time
	err = row.Scan(&a.SKU, &a.OnHand, &a.Allocated, &a.Owed, &a.Stock, &a.Promise, &ships, &a.Preorder, &a.low, &a.lowAt, &a.known, &a.wasLow, &a.wasFree)
	a.ShipsAt = orZero(ships)
	return a, err
}

// events tells what a level means, that little is left or that there is something again, and then the level: whoever keeps a replica of
// it has the last of the SKU's events.
func (a announced) events(now time.Time) []outbox.Event {
	event := func(kind string, data any) outbox.Event {
		return outbox.Event{Topic: inventoryapi.Topic, Type: kind, Subject: a.SKU, Time: now, Data: data}
	}
	level := a.level()
	status, ships := level.Status, level.ShipsAt
	var all []outbox.Event
	if a.known && a.low && !a.wasLow {
		all = append(all, event(inventoryapi.TypeLowStockV1, inventoryapi.LowStockV1{SKU: a.SKU, InStock: a.Stock, Threshold: a.lowAt}))
	}
	if a.known && a.wasFree == 0 && a.Free() > 0 {
		all = append(all, event(inventoryapi.TypeBackInStockV1, inventoryapi.BackInStockV1{SKU: a.SKU, Available: a.Free(), Status: status, ShipsAt: ships}))
	}
	return append(all, event(inventoryapi.TypeLevelChangedV1, level))
}

func (a announced) level() inventoryapi.LevelChangedV1 {
	return inventoryapi.LevelChangedV1{SKU: a.SKU, OnHand: a.OnHand, Allocated: a.Allocated, Owed: a.Owed, Available: a.Free(), InStock: a.Stock,
		Status: a.status(), ShipsAt: orNull(a.ShipsAt)}
}

// Told lists levels as they were announced, with the sequences of the last events of their SKUs, in one statement.
func (s *Store) Told(ctx context.Context, after string, limit int) (inventoryapi.Told, error) {
	out := inventoryapi.Told{}
	all, err := collect(ctx, s.pool, "told levels", func(row pgx.CollectableRow) (inventoryapi.LevelChangedV1, error) {
		var a announced
		var sequence int64
		var ships *time.Time
		err := row.Scan(&a.SKU, &a.OnHand, &a.Allocated, &a.Owed, &a.Stock, &a.Promise, &ships, &a.Preorder, &a.low, &sequence)
		a.ShipsAt = orZero(ships)
		level := a.level()
		level.Sequence = sequence
		return level, err
	}, `SELECT a.sku, a.on_hand, a.allocated, a.owed, a.stock, a.promise, a.ships_at, a.preorder, a.low, s.last
		FROM announced_levels a JOIN outbox_sequences s ON s.topic = $1 AND s.subject = a.sku WHERE a.sku > $2 ORDER BY a.sku LIMIT $3`,
		inventoryapi.Topic, after, limit+1)
	if len(all) > limit {
		all = all[:limit]
		out.Next = all[limit-1].SKU
	}
	out.Items = append([]inventoryapi.LevelChangedV1{}, all...)
	return out, err
}

func (a announced) status() string {
	switch {
	case a.Stock > 0 && a.low:
		return inventoryapi.StatusLowStock
	case a.Stock > 0:
		return inventoryapi.StatusInStock
	case a.Promise > 0 && a.Preorder:
		return inventoryapi.StatusPreorder
	case a.Promise > 0:
		return inventoryapi.StatusBackorder
	}
	return inventoryapi.StatusOutOfStock
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
