package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// lotsColumn reads the lots of the level l as JSON, what expires first first; NULL without a look at them where there are none.
const lotsColumn = `CASE WHEN l.has_lots THEN (SELECT json_agg(json_build_object('Name', lot, 'ExpiresOn', to_char(expires_on, 'YYYY-MM-DD"T00:00:00Z"'),
		'OnHand', on_hand, 'Allocated', allocated) ORDER BY expires_on, lot) FROM stock_lots WHERE sku = l.sku AND location_id = l.location_id) END`

// moveLots queues what lots gain and lose by the parts of lines; nothing, when no part is of one.
func moveLots(batch *pgx.Batch, lines []inventory.AllocatedLine, sign int64) {
	type key struct {
		inventory.Place
		lot string
	}
	var sku, location, lot []string
	var taken []int64
	at := map[key]int{}
	for _, l := range lines {
		for _, p := range l.Parts {
			if p.Lot == "" {
				continue
			}
			k := key{inventory.Place{SKU: l.SKU, LocationID: p.LocationID}, p.Lot}
			i, ok := at[k]
			if !ok {
				i = len(sku)
				at[k] = i
				sku, location, lot, taken = append(sku, l.SKU), append(location, p.LocationID), append(lot, p.Lot), append(taken, 0)
			}
			taken[i] += sign * p.Quantity
		}
	}
	if len(sku) > 0 {
		batch.Queue(`UPDATE stock_lots o SET allocated = o.allocated + u.q FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS u (sku, location_id, lot, q)
			WHERE o.sku = u.sku AND o.location_id = u.location_id AND o.lot = u.lot`, sku, location, lot, taken)
	}
}

// bookLots queues what the lines of a booking change of their lots. One that is new was checked to say when it expires.
func bookLots(batch *pgx.Batch, cols bookingColumns, diffs []int64) {
	const lines = `unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::bigint[]) AS u (sku, location_id, lot, expires_on, q)`
	args := []any{cols.sku, cols.location, cols.lot, cols.expires, diffs}
	batch.Queue(`INSERT INTO stock_lots (sku, location_id, lot, expires_on, on_hand) SELECT u.sku, u.location_id, u.lot, u.expires_on, 0 FROM `+lines+`
		WHERE u.lot <> '' AND u.expires_on IS NOT NULL AND u.q IS NOT NULL ON CONFLICT DO NOTHING`, args...)
	batch.Queue(`WITH booked AS (
			UPDATE stock_lots o SET on_hand = o.on_hand + u.q FROM `+lines+`
			WHERE o.sku = u.sku AND o.location_id = u.location_id AND o.lot = u.lot RETURNING o.sku, o.location_id
		) UPDATE stock_levels l SET has_lots = true FROM booked b WHERE l.sku = b.sku AND l.location_id = b.location_id AND NOT l.has_lots`, args...)
}

// fillFromLots queues that a part of a reservation, or its first pieces, are pieces of lots from now on: one after the other, for each takes
// its own off what is owed.
func fillFromLots(batch *pgx.Batch, d inventory.Debt, parts []inventory.Part) {
	for _, p := range parts {
		batch.Queue(filledSQL, []string{d.AllocationID}, []int32{int32(d.Line)}, []int32{int32(d.Part)}, []int64{p.Quantity}, []string{p.Lot})
	}
	moveLots(batch, []inventory.AllocatedLine{{OrderLine: inventory.OrderLine{SKU: d.SKU}, Parts: parts}}, 1)
}

// expireSQL takes the free pieces of lots whose last day is over off their levels.
const expireSQL = `
	WITH due AS (
		UPDATE stock_lots o SET on_hand = o.allocated FROM stock_lots b
		WHERE b.sku = o.sku AND b.location_id = o.location_id AND b.lot = o.lot AND o.sku = ANY ($1) AND o.expires_on < $2::date AND o.on_hand > o.allocated
		RETURNING o.sku, o.location_id, o.lot, o.expires_on, b.on_hand - o.allocated AS gone
	), less AS (
		UPDATE stock_levels l SET on_hand = l.on_hand - d.gone FROM (SELECT sku, location_id, sum(gone)::bigint AS gone FROM due GROUP BY sku, location_id) d
		WHERE l.sku = d.sku AND l.location_id = d.location_id
	), changed AS (
		INSERT INTO level_changes (sku) SELECT DISTINCT sku FROM due
	), audited AS (
		INSERT INTO audit_log (at, actor, action, entity, after)
		SELECT $3, $4, 'expire', 'lot/' || sku || '/' || location_id || '/' || lot, jsonb_build_object('quantity', gone, 'expires_on', expires_on) FROM due
	)
	INSERT INTO stock_ledger (at, sku, location_id, kind, on_hand_delta, allocated_delta, reference, actor, reason, lot)
	SELECT $3, sku, location_id, 'expire', -gone, 0, '', $4, 'its last day was ' || expires_on, lot FROM due`

// emptySQL forgets the lots of which nothing is left and whose last day is over. A level without lots pays nothing for them.
const emptySQL = `
	WITH empty AS (
		DELETE FROM stock_lots WHERE sku = ANY ($1) AND expires_on < $2::date AND on_hand = 0 RETURNING sku, location_id, lot
	)
	UPDATE stock_levels l SET has_lots = false FROM (SELECT DISTINCT sku, location_id FROM empty) e
	WHERE l.sku = e.sku AND l.location_id = e.location_id
		AND NOT EXISTS (SELECT FROM stock_lots o WHERE o.sku = l.sku AND o.location_id = l.location_id
			AND NOT EXISTS (SELECT FROM empty x WHERE x.sku = o.sku AND x.location_id = o.location_id AND x.lot = o.lot))`

// ExpireLots implements app.SweepStore, under the stripes of the SKUs. What orders have taken of a lot is theirs; what they give back of an
// expired one goes with the next sweep. A lot is forgotten when nothing is left of it; before its last day something may come again.
func (s *Store) ExpireLots(ctx context.Context, by app.Change, limit int) (expired int, err error) {
	today := by.At.UTC().Truncate(24 * time.Hour)
	skus, err := collect(ctx, s.pool, "expired lots", pgx.RowTo[string], `
		SELECT sku FROM stock_lots WHERE expires_on < $1::date AND on_hand > allocated
		UNION SELECT sku FROM stock_lots WHERE expires_on < $1::date AND on_hand = 0
		ORDER BY sku LIMIT $2`, today, limit)
	if err != nil || len(skus) == 0 {
		return 0, err
	}
	err = s.locked(ctx, skus, func(ctx context.Context, tx *pg.Tx) error {
		if _, err := tx.Exec(ctx, expireSQL, skus, today, by.At, by.Actor); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, emptySQL, skus, today)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("expire lots: %w", err)
	}
	return len(skus), nil
}
