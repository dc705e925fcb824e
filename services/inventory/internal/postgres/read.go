package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// What can be sold of a level l at a time, given as a parameter: from the shelf, and beyond it.
func stockOf(at string) string {
	return `level_stock(l.on_hand, l.allocated, l.owed, l.safety_stock, l.release_at, ` + at + `)`
}

func promiseOf(at string) string {
	return `level_promise(l.owed, l.backorder_limit, l.preorder_limit, l.release_at, ` + at + `)`
}

func sellable(at string) string { return stockOf(at) + ` + ` + promiseOf(at) }

// sumsOf is the select list of scanSums for the levels l at enabled locations: what is there and what can be sold; when the first of
// what would be owed ships, and whether it waits for its release.
func sumsOf(at string) string {
	return `coalesce(sum(l.on_hand), 0)::bigint, coalesce(sum(l.allocated), 0)::bigint, coalesce(sum(l.owed), 0)::bigint,
		coalesce(sum(` + stockOf(at) + `), 0)::bigint, coalesce(sum(` + promiseOf(at) + `), 0)::bigint,
		min(CASE WHEN l.release_at > ` + at + ` THEN l.release_at ELSE l.backorder_ships_at END) FILTER (WHERE ` + promiseOf(at) + ` > 0),
		coalesce(bool_and(l.release_at > ` + at + ` IS TRUE) FILTER (WHERE ` + promiseOf(at) + ` > 0), false)`
}

var availabilitySQL = `
	SELECT t.sku, l.on_hand, l.allocated, l.owed, l.stock, l.promise, l.ships_at, l.preorder,
		t.held - coalesce((SELECT sum(h.quantity) FROM stock_holds h WHERE h.sku = t.sku AND h.expires_at <= $1), 0)::bigint
			- coalesce((SELECT sum(` + unlessLapsed("$1") + `) FROM stock_holds h WHERE h.id = ANY (ARRAY(SELECT k.id FROM taken_holds k WHERE k.sku = t.sku))), 0)::bigint
	FROM hold_totals t, LATERAL (SELECT ` + sumsOf("$1") + ` FROM stock_levels l JOIN locations o ON o.id = l.location_id
		WHERE l.sku = t.sku AND o.enabled) AS l (on_hand, allocated, owed, stock, promise, ships_at, preorder)
	WHERE t.sku = ANY ($2) ORDER BY t.sku`

// Availability returns the stock of the SKUs that are known, over all enabled locations, with the holds that still count.
func (s *Store) Availability(ctx context.Context, skus []string, now time.Time) ([]inventory.Available, error) {
	return collect(ctx, s.pool, "availability", func(row pgx.CollectableRow) (a inventory.Available, err error) {
		var ships *time.Time
		err = row.Scan(&a.SKU, &a.OnHand, &a.Allocated, &a.Owed, &a.Stock, &a.Promise, &ships, &a.Preorder, &a.Held)
		a.ShipsAt = orZero(ships)
		return a, err
	}, availabilitySQL, now, skus)
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

const locationSQL = `SELECT id, name, country, region, postal_code, priority, enabled, latitude, longitude FROM locations`

func scanLocation(row pgx.CollectableRow) (l app.Location, err error) {
	var lat, lon *float64
	err = row.Scan(&l.ID, &l.Name, &l.Country, &l.Region, &l.Postal, &l.Priority, &l.Enabled, &lat, &lon)
	l.At = point(lat, lon)
	return l, err
}

// Locations returns all locations by id.
func (s *Store) Locations(ctx context.Context) ([]app.Location, error) {
	return collect(ctx, s.pool, "locations", scanLocation, locationSQL+` ORDER BY id`)
}

// Levels returns levels by SKU and location after a place, up to limit. An empty SKU or location means all.
func (s *Store) Levels(ctx context.Context, of, after inventory.Place, limit int) ([]inventory.Level, error) {
	return collect(ctx, s.pool, "levels", scanLevel, `
		SELECT `+levelColumns+` FROM stock_levels l JOIN locations o ON o.id = l.location_id
		WHERE ($1 = '' OR l.sku = $1) AND ($2 = '' OR l.location_id = $2) AND (l.sku, l.location_id) > ($3, $4)
		ORDER BY l.sku, l.location_id LIMIT $5`, of.SKU, of.LocationID, after.SKU, after.LocationID, limit)
}

// Ledger returns entries, the newest first, older than the entry before (0: all), up to limit; of one reference, if one is given.
func (s *Store) Ledger(ctx context.Context, of inventory.Place, reference string, before int64, limit int) ([]app.Entry, error) {
	return collect(ctx, s.pool, "ledger", func(row pgx.CollectableRow) (e app.Entry, err error) {
		err = row.Scan(&e.ID, &e.At, &e.SKU, &e.LocationID, &e.Kind, &e.OnHand, &e.Allocated, &e.Owed, &e.Reference, &e.Actor, &e.Reason, &e.Lot)
		return e, err
	}, `SELECT id, at, sku, location_id, kind, on_hand_delta, allocated_delta, owed_delta, reference, actor, reason, lot FROM stock_ledger
		WHERE ($1 = '' OR sku = $1) AND ($2 = '' OR location_id = $2) AND ($3::bigint = 0 OR id < $3) AND ($5 = '' OR reference = $5) ORDER BY id DESC LIMIT $4`,
		of.SKU, of.LocationID, before, limit, reference)
}

// Holds returns the holds that still count, by SKU and owner after a hold, up to limit. An empty SKU or owner means all.
func (s *Store) Holds(ctx context.Context, sku, owner string, after inventory.Hold, now time.Time, limit int) ([]inventory.Hold, error) {
	return collect(ctx, s.pool, "holds", scanHold, `SELECT h.owner, h.sku, h.quantity, h.expires_at FROM stock_holds h
		WHERE `+alive+` AND ($2 = '' OR h.sku = $2) AND ($3 = '' OR h.owner = $3) AND (h.sku, h.owner) > ($4, $5) ORDER BY h.sku, h.owner LIMIT $6`,
		now, sku, owner, after.SKU, after.Owner, limit)
}

// HoldOwners returns up to limit owners after one, of holds that count and end before a time.
func (s *Store) HoldOwners(ctx context.Context, now, before time.Time, after string, limit int) ([]string, error) {
	return collect(ctx, s.pool, "owners of holds", pgx.RowTo[string], ownersSQL, now, before, after, limit)
}

const ownersSQL = `SELECT DISTINCT h.owner FROM stock_holds h WHERE ` + alive + `
	AND h.expires_at AT TIME ZONE 'UTC' < $2::timestamptz AT TIME ZONE 'UTC' AND h.owner > $3 ORDER BY h.owner LIMIT $4`
