package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

var errRepeated = errors.New("the id has an allocation")

// Allocate implements app.AllocationStore: one SERIALIZABLE transaction under the stripes of the SKUs. The row of the order is
// written before anything is read, so a repeat finds out at once and reads outside.
func (s *Store) Allocate(ctx context.Context, o inventory.Order, by app.Change) (inventory.Allocation, error) {
	done := inventory.Allocation{ID: o.ID, Owner: o.Owner, Status: inventory.Allocated}
	err := s.locked(ctx, o.SKUs(), pgx.Serializable, func(ctx context.Context, tx *pg.Tx) error {
		levels, err := open(ctx, tx, o, by)
		if err != nil {
			return err
		}
		lines, short := o.Split(levels)
		if len(short) > 0 {
			return inventory.OutOfStock(short)
		}
		done.Lines = lines
		return take(ctx, tx, o, lines, by)
	})
	if errors.Is(err, errRepeated) {
		return s.Allocation(ctx, o.ID)
	}
	if err != nil {
		return inventory.Allocation{}, fmt.Errorf("allocate %s: %w", o.ID, err)
	}
	return done, nil
}

// open writes the row of the order and reads the levels, in one round trip. Index scans only: a scan of a whole small table
// would let orders of unrelated SKUs fail each other.
func open(ctx context.Context, tx *pg.Tx, o inventory.Order, by app.Change) (levels []inventory.Level, err error) {
	var fresh bool
	var batch pgx.Batch
	batch.Queue(`INSERT INTO allocations (id, owner, status, created_at) VALUES ($1, $2, 'allocated', $3) ON CONFLICT DO NOTHING RETURNING true`,
		o.ID, o.Owner, by.At).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&fresh)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	batch.Queue(`SELECT set_config('enable_seqscan', 'off', true)`)
	batch.Queue(`SELECT l.sku, l.location_id, l.on_hand, l.allocated, o.country, o.priority
		FROM stock_levels l JOIN locations o ON o.id = l.location_id WHERE l.sku = ANY ($1) AND o.enabled`, o.SKUs()).Query(func(rows pgx.Rows) error {
		levels, err = pgx.CollectRows(rows, scanLevel)
		return err
	})
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	if !fresh {
		return nil, errRepeated
	}
	return levels, nil
}

func scanLevel(row pgx.CollectableRow) (l inventory.Level, err error) {
	err = row.Scan(&l.SKU, &l.LocationID, &l.OnHand, &l.Allocated, &l.Country, &l.Priority)
	return l, err
}

// moveSQL adds to what is allocated at each place, and refuses the place that would leave its bounds.
const moveSQL = `
	UPDATE stock_levels l SET allocated = l.allocated + u.q FROM unnest($1::text[], $2::text[], $3::bigint[]) AS u (sku, location_id, q)
	WHERE l.sku = u.sku AND l.location_id = u.location_id AND l.allocated + u.q BETWEEN 0 AND l.on_hand`

// take moves the levels and writes reservations, ledger, taken holds and changed levels, in one round trip.
func take(ctx context.Context, tx *pg.Tx, o inventory.Order, lines []inventory.AllocatedLine, by app.Change) error {
	var r reservations
	for no, l := range lines {
		for part, p := range l.Parts {
			r.line, r.part = append(r.line, int32(no)), append(r.part, int32(part))
			r.lineID, r.sku = append(r.lineID, l.ID), append(r.sku, l.SKU)
			r.location, r.quantity = append(r.location, p.LocationID), append(r.quantity, p.Quantity)
		}
	}
	m := movesOf(lines, 1)
	var batch pgx.Batch
	m.queue(&batch, o.ID, inventory.KindAllocate, by)
	batch.Queue(`INSERT INTO inventory_reservations (allocation_id, line_no, part_no, line_id, sku, location_id, quantity)
		SELECT $1, u.* FROM unnest($2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::bigint[]) AS u`,
		o.ID, r.line, r.part, r.lineID, r.sku, r.location, r.quantity)
	skus := o.SKUs()
	holds := make([]string, len(skus))
	for i, sku := range skus {
		holds[i] = inventory.HoldID(o.Owner, sku)
	}
	batch.Queue(`INSERT INTO taken_holds (sku, id) SELECT * FROM unnest($1::text[], $2::text[])`, skus, holds)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("take: %w", err)
	}
	return nil
}

// reservations turned on their side, as unnest takes them.
type reservations struct {
	line, part            []int32
	lineID, sku, location []string
	quantity              []int64
}

// moves are what an order adds to the allocated quantity of each place, turned on their side.
type moves struct {
	skus          []string // each once
	sku, location []string
	quantity      []int64
}

func movesOf(lines []inventory.AllocatedLine, sign int64) (m moves) {
	at := map[inventory.Place]int{}
	seen := map[string]bool{}
	for _, l := range lines {
		if !seen[l.SKU] {
			seen[l.SKU] = true
			m.skus = append(m.skus, l.SKU)
		}
		for _, p := range l.Parts {
			place := inventory.Place{SKU: l.SKU, LocationID: p.LocationID}
			i, ok := at[place]
			if !ok {
				i = len(m.sku)
				at[place] = i
				m.sku, m.location, m.quantity = append(m.sku, l.SKU), append(m.location, p.LocationID), append(m.quantity, 0)
			}
			m.quantity[i] += sign * p.Quantity
		}
	}
	return m
}

// queue moves the levels, writes the ledger and notes the changed levels.
func (m moves) queue(batch *pgx.Batch, reference, kind string, by app.Change) {
	batch.Queue(moveSQL, m.sku, m.location, m.quantity).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() != int64(len(m.sku)) {
			return fmt.Errorf("%s moved %d of %d places", kind, tag.RowsAffected(), len(m.sku))
		}
		return nil
	})
	batch.Queue(`INSERT INTO stock_ledger (at, sku, location_id, kind, on_hand_delta, allocated_delta, reference, actor, reason)
		SELECT $1, u.sku, u.location_id, $2, 0, u.q, $3, $4, '' FROM unnest($5::text[], $6::text[], $7::bigint[]) AS u (sku, location_id, q)`,
		by.At, kind, reference, by.Actor, m.sku, m.location, m.quantity)
	batch.Queue(`INSERT INTO level_changes (sku) SELECT unnest($1::text[])`, m.skus)
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
	err = s.locked(ctx, movesOf(a.Lines, -1).skus, pgx.ReadCommitted, func(ctx context.Context, tx *pg.Tx) error { return giveBack(ctx, tx, a, by) })
	if err != nil {
		return a, fmt.Errorf("release %s: %w", id, err)
	}
	return s.Allocation(ctx, id)
}

func giveBack(ctx context.Context, tx *pg.Tx, a inventory.Allocation, by app.Change) error {
	tag, err := tx.Exec(ctx, `UPDATE allocations SET status = 'released', released_at = $2 WHERE id = $1 AND status = 'allocated'`, a.ID, by.At)
	if err != nil || tag.RowsAffected() == 0 { // somebody released it meanwhile
		return err
	}
	var batch pgx.Batch
	movesOf(a.Lines, -1).queue(&batch, a.ID, inventory.KindRelease, by)
	return tx.SendBatch(ctx, &batch).Close()
}

// Allocation implements app.AllocationStore.
func (s *Store) Allocation(ctx context.Context, id string) (inventory.Allocation, error) {
	a := inventory.Allocation{ID: id}
	rows, err := s.pool.Query(ctx, `
		SELECT a.owner, a.status, a.released_at, r.line_no, coalesce(r.line_id, ''), coalesce(r.sku, ''), coalesce(r.location_id, ''), coalesce(r.quantity, 0)
		FROM allocations a LEFT JOIN inventory_reservations r ON r.allocation_id = a.id WHERE a.id = $1 ORDER BY r.line_no, r.part_no`, id)
	if err != nil {
		return a, fmt.Errorf("allocation %s: %w", id, pg.AsFault(err))
	}
	var released *time.Time
	var no *int32
	var line inventory.OrderLine
	var part inventory.Part
	tag, err := pgx.ForEachRow(rows, []any{&a.Owner, &a.Status, &released, &no, &line.ID, &line.SKU, &part.LocationID, &part.Quantity}, func() error {
		if no == nil {
			return nil
		}
		if int(*no) == len(a.Lines) {
			a.Lines = append(a.Lines, inventory.AllocatedLine{OrderLine: line})
		}
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
