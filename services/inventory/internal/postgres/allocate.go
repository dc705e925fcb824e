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

// Allocate implements app.AllocationStore: one transaction under the stripes of the SKUs, in two round trips. Who repeats it finds out by
// the key of the order's row and reads what the first one did; so does who is refused, because what is missing may be what the first one took.
func (s *Store) Allocate(ctx context.Context, o inventory.Order, by app.Change) (inventory.Allocation, error) {
	done := inventory.Allocation{ID: o.ID, Owner: o.Owner, Status: inventory.Allocated}
	var levels []inventory.Level
	var limited []had
	var refusal error
	customer := inventory.CustomerHash(o.Customer)
	err := s.halved(ctx, o.SKUs(), func(batch *pgx.Batch) {
		batch.Queue(`SELECT `+levelColumns+` FROM stock_levels l JOIN locations o ON o.id = l.location_id
			WHERE l.sku = ANY ($1) AND o.enabled`, o.SKUs()).Query(func(rows pgx.Rows) (err error) {
			levels, err = pgx.CollectRows(rows, scanLevel)
			return err
		})
		if !o.Limited {
			return
		}
		batch.Queue(hadSQL, o.SKUs(), customer).Query(func(rows pgx.Rows) (err error) {
			limited, err = pgx.CollectRows(rows, scanHad)
			return err
		})
	}, func(batch *pgx.Batch) error {
		if refusal = inventory.Over(limits(limited), sums(limited), o.Asked(), by.At); refusal != nil {
			return refusal
		}
		lines, short := o.Split(levels, by.At)
		if len(short) > 0 {
			refusal = inventory.OutOfStock(short)
			return refusal
		}
		done.Lines = lines
		allocate(batch, o, lines, by)
		takeLimited(batch, o, customer, limited, by)
		return nil
	})
	if refusal != nil || pg.Violates(err, "allocations_pkey") {
		earlier, missing := s.Allocation(ctx, o.ID)
		if errors.Is(missing, app.ErrNoAllocation) && refusal != nil {
			return earlier, refusal
		}
		return earlier, missing
	}
	if err != nil {
		return inventory.Allocation{}, fmt.Errorf("allocate %s: %w", o.ID, err)
	}
	return done, nil
}

const levelColumns = `l.sku, l.location_id, l.on_hand, l.allocated, l.owed, l.safety_stock, l.backorder_limit, l.backorder_ships_at,
	l.preorder_limit, l.release_at, o.country, o.priority, o.region, o.postal_code, o.latitude, o.longitude, ` + lotsColumn

func scanLevel(row pgx.CollectableRow) (l inventory.Level, err error) {
	var ships, release *time.Time
	var lat, lon *float64
	err = row.Scan(&l.SKU, &l.LocationID, &l.OnHand, &l.Allocated, &l.Owed, &l.Safety, &l.Backorder, &ships, &l.Preorder, &release, &l.Country, &l.Priority,
		&l.Region, &l.Postal, &lat, &lon, &l.Lots)
	l.ShipsAt, l.ReleaseAt, l.At = orZero(ships), orZero(release), point(lat, lon)
	return l, err
}

// point is where a location stands, nil when nobody has said it.
func point(lat, lon *float64) *inventory.Point {
	if lat == nil || lon == nil {
		return nil
	}
	return &inventory.Point{Lat: *lat, Lon: *lon}
}

// moved adds to what is allocated and owed at each place, and notes in the ledger and among the changed levels what it has added. The
// CHECKs on stock_levels refuse a place that would leave its bounds.
const moved = `moved AS (
		UPDATE stock_levels l SET allocated = l.allocated + u.q, owed = l.owed + u.d
		FROM unnest($1::text[], $2::text[], $3::bigint[], $8::bigint[]) AS u (sku, location_id, q, d)
		WHERE l.sku = u.sku AND l.location_id = u.location_id RETURNING u.sku, u.location_id, u.q, u.d
	), changed AS (
		INSERT INTO level_changes (sku) SELECT DISTINCT sku FROM moved
	)
	INSERT INTO stock_ledger (at, sku, location_id, kind, on_hand_delta, allocated_delta, owed_delta, reference, actor, reason)
	SELECT $4::timestamptz, sku, location_id, $5, 0, q, d, $6, $7, '' FROM moved`

const moveSQL = `
	WITH ` + moved

// allocateSQL is all that an order takes, in one statement: its row, whose key refuses a repeat, its reservations, and which holds it has taken, whether there are such
// or not.
const allocateSQL = `
	WITH placed AS (
		INSERT INTO allocations (id, owner, status, created_at) VALUES ($6, $9, 'allocated', $4) RETURNING id
	), taken AS (
		INSERT INTO taken_holds (sku, id) SELECT * FROM unnest($10::text[], $11::text[])
	), reserved AS (
		INSERT INTO inventory_reservations (allocation_id, line_no, part_no, line_id, sku, location_id, quantity, kind, ships_at, lot)
		SELECT placed.id, u.* FROM placed, unnest($12::int[], $13::int[], $14::text[], $15::text[], $16::text[], $17::bigint[], $18::text[], $19::timestamptz[], $20::text[]) AS u
	), ` + moved

func allocate(batch *pgx.Batch, o inventory.Order, lines []inventory.AllocatedLine, by app.Change) {
	r := reservationsOf(lines)
	skus := o.SKUs()
	holds := make([]string, len(skus))
	for i, sku := range skus {
		holds[i] = inventory.HoldID(o.Owner, sku)
	}
	move(batch, allocateSQL, lines, 1, o.ID, inventory.KindAllocate, by,
		o.Owner, skus, holds, r.line, r.part, r.lineID, r.sku, r.location, r.quantity, r.kind, r.ships, r.lot)
}

// takeLimited notes what the customer takes of limited SKUs.
func takeLimited(batch *pgx.Batch, o inventory.Order, customer []byte, limited []had, by app.Change) {
	if customer == nil {
		return
	}
	asked := o.Asked()
	for _, h := range limited {
		batch.Queue(`INSERT INTO customer_takes (allocation_id, sku, customer, at, quantity) VALUES ($1, $2, $3, $4, $5)`, o.ID, h.SKU, customer, by.At, asked[h.SKU])
	}
}

// reservations turned on their side, as unnest takes them.
type reservations struct {
	line, part                       []int32
	lineID, sku, location, kind, lot []string
	quantity                         []int64
	ships                            []*time.Time
}

func reservationsOf(lines []inventory.AllocatedLine) (r reservations) {
	for no, l := range lines {
		for part, p := range l.Parts {
			r.line, r.part = append(r.line, int32(no)), append(r.part, int32(part))
			r.lineID, r.sku = append(r.lineID, l.ID), append(r.sku, l.SKU)
			r.location, r.quantity = append(r.location, p.LocationID), append(r.quantity, p.Quantity)
			r.kind, r.ships, r.lot = append(r.kind, p.Kind), append(r.ships, orNull(p.ShipsAt)), append(r.lot, p.Lot)
		}
	}
	return r
}

// move queues moveSQL, or a statement that ends with it and takes more, for the parts of lines, each place once.
func move(batch *pgx.Batch, sql string, lines []inventory.AllocatedLine, sign int64, reference, kind string, by app.Change, more ...any) {
	var sku, location []string
	var taken, owed []int64
	at := map[inventory.Place]int{}
	for _, l := range lines {
		for _, p := range l.Parts {
			place := inventory.Place{SKU: l.SKU, LocationID: p.LocationID}
			i, ok := at[place]
			if !ok {
				i = len(sku)
				at[place] = i
				sku, location, taken, owed = append(sku, l.SKU), append(location, p.LocationID), append(taken, 0), append(owed, 0)
			}
			if p.Kind == inventory.FromStock {
				taken[i] += sign * p.Quantity
			} else {
				owed[i] += sign * p.Quantity
			}
		}
	}
	batch.Queue(sql, append([]any{sku, location, taken, by.At, kind, reference, by.Actor, owed}, more...)...)
	moveLots(batch, lines, sign)
}

// Release implements app.AllocationStore. An id without an allocation is noted as released, so that an allocation that
// comes late is refused.
func (s *Store) Release(ctx context.Context, id string, by app.Change) (inventory.Allocation, error) {
	a, err := s.Allocation(ctx, id)
	if errors.Is(err, app.ErrNoAllocation) {
		tag, err := s.pool.Exec(ctx, `INSERT INTO allocations (id, owner, status, created_at, released_at) VALUES ($1, '', 'released', $2, $2) ON CONFLICT DO NOTHING`, id, by.At)
		if err != nil {
			return a, fmt.Errorf("release %s: %w", id, pg.AsFault(err))
		}
		if tag.RowsAffected() == 1 {
			return inventory.Allocation{ID: id, Status: inventory.Released, ReleasedAt: by.At}, nil
		}
		a, err = s.Allocation(ctx, id) // somebody came between
		if err != nil {
			return a, err
		}
	} else if err != nil {
		return a, err
	}
	if a.Status == inventory.Released {
		return a, nil
	}
	err = s.locked(ctx, skusOf(a.Lines), func(ctx context.Context, tx *pg.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE allocations SET status = 'released', released_at = $2 WHERE id = $1 AND status = 'allocated'`, id, by.At)
		if err != nil {
			return err
		}
		a, err = allocation(ctx, tx, id)           // as it is now: what was owed may have been filled
		if err != nil || tag.RowsAffected() == 0 { // somebody released it meanwhile
			return err
		}
		var batch pgx.Batch
		move(&batch, moveSQL, a.Lines, -1, id, inventory.KindRelease, by)
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return err
		}
		return s.fill(ctx, tx, skusOf(a.Lines), by)
	})
	if err != nil {
		return a, fmt.Errorf("release %s: %w", id, err)
	}
	return a, nil
}

func skusOf(lines []inventory.AllocatedLine) []string {
	all := make([]string, len(lines))
	for i, l := range lines {
		all[i] = l.SKU
	}
	return all
}

// Allocation implements app.AllocationStore.
func (s *Store) Allocation(ctx context.Context, id string) (inventory.Allocation, error) {
	return allocation(ctx, s.pool, id)
}

func allocation(ctx context.Context, q pg.Querier, id string) (inventory.Allocation, error) {
	a := inventory.Allocation{ID: id}
	rows, err := q.Query(ctx, `
		SELECT a.owner, a.status, a.released_at, r.line_no, coalesce(r.line_id, ''), coalesce(r.sku, ''), coalesce(r.location_id, ''), coalesce(r.quantity, 0),
			coalesce(r.kind, ''), r.ships_at, coalesce(r.lot, '')
		FROM allocations a LEFT JOIN inventory_reservations r ON r.allocation_id = a.id WHERE a.id = $1 ORDER BY r.line_no, r.part_no`, id)
	if err != nil {
		return a, fmt.Errorf("allocation %s: %w", id, pg.AsFault(err))
	}
	var released, ships *time.Time
	var no *int32
	var line inventory.OrderLine
	var part inventory.Part
	tag, err := pgx.ForEachRow(rows, []any{&a.Owner, &a.Status, &released, &no, &line.ID, &line.SKU, &part.LocationID, &part.Quantity, &part.Kind, &ships, &part.Lot}, func() error {
		if no == nil {
			return nil
		}
		if int(*no) == len(a.Lines) {
			a.Lines = append(a.Lines, inventory.AllocatedLine{OrderLine: line})
		}
		part.ShipsAt = orZero(ships)
		l := &a.Lines[*no]
		l.Quantity += part.Quantity
		l.Parts = append(l.Parts, part)
		return nil
	})
	switch {
	case err != nil:
		return a, fmt.Errorf("allocation %s: %w", id, pg.AsFault(err))
	case tag.RowsAffected() == 0:
		return a, app.ErrNoAllocation
	case released != nil:
		a.ReleasedAt = *released
	}
	return a, nil
}
