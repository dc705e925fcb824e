package postgres

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// Book implements app.StockStore with as many statements for a thousand lines as for one.
func (s *Store) Book(ctx context.Context, b inventory.Booking, by app.Change, key idem.Key) (done inventory.Booked, replayed bool, err error) {
	cols := columnsOf(b)
	err = s.locked(ctx, cols.skus, func(ctx context.Context, tx *pg.Tx) error {
		done, replayed, err = idem.Do(ctx, tx, key, func() (inventory.Booked, error) { return s.book(ctx, tx, b, cols, by) })
		return err
	})
	if err != nil {
		return inventory.Booked{}, false, fmt.Errorf("%s %s: %w", b.Kind, b.Reference, err)
	}
	return done, replayed, nil
}

// bookingColumns are the lines turned on their side, as unnest takes them.
type bookingColumns struct {
	sku, location, lot []string
	expires            []*time.Time
	skus               []string // each once, sorted
	lots               bool     // some line is of a lot
}

func columnsOf(b inventory.Booking) (c bookingColumns) {
	for _, l := range b.Lines {
		c.sku, c.location = append(c.sku, l.SKU), append(c.location, l.LocationID)
		c.lot, c.expires, c.lots = append(c.lot, l.Lot), append(c.expires, orNull(l.ExpiresOn)), c.lots || l.Lot != ""
	}
	c.skus = slices.Clone(c.sku)
	slices.Sort(c.skus)
	c.skus = slices.Compact(c.skus)
	return c
}

func hashOf(b inventory.Booking) []byte {
	h := sha256.New()
	h.Write([]byte(b.Kind))
	for _, l := range b.Lines {
		h.Write([]byte("\n" + l.SKU + "\n" + l.LocationID + "\n"))
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(l.Quantity)))
		if l.Lot != "" {
			h.Write([]byte(l.Lot + "\n" + l.ExpiresOn.Format(time.DateOnly)))
		}
	}
	return h.Sum(nil)
}

func (s *Store) book(ctx context.Context, tx *pg.Tx, b inventory.Booking, cols bookingColumns, by app.Change) (inventory.Booked, error) {
	done := inventory.Booked{Reference: b.Reference, Kind: b.Kind, Lines: len(b.Lines), At: by.At}
	at, again, err := bookedBefore(ctx, tx, b.Kind, b.Reference, len(b.Lines), hashOf(b), by)
	var diffs []int64
	if err == nil && again {
		done.At = at
		diffs, err = differences(ctx, tx, b)
	} else if err == nil {
		diffs, err = s.change(ctx, tx, b, cols, by)
	}
	if err != nil {
		return done, err
	}
	done.Variances = b.VariancesOf(diffs)
	return done, nil
}

// differences reads what a count changed when it was booked.
func differences(ctx context.Context, tx *pg.Tx, b inventory.Booking) ([]int64, error) {
	if b.Kind != inventory.KindCount {
		return nil, nil
	}
	at := make(map[inventory.Place]int, len(b.Lines))
	for i, l := range b.Lines {
		at[l.Place] = i
	}
	all := make([]int64, len(b.Lines))
	rows, err := tx.Query(ctx, `SELECT sku, location_id, on_hand_delta FROM stock_ledger WHERE reference = $1 AND kind = $2`, b.Reference, b.Kind)
	if err != nil {
		return nil, fmt.Errorf("count: %w", err)
	}
	var p inventory.Place
	var delta int64
	_, err = pgx.ForEachRow(rows, []any{&p.SKU, &p.LocationID, &delta}, func() error { all[at[p]] = delta; return nil })
	if err != nil {
		return nil, fmt.Errorf("count: %w", err)
	}
	return all, nil
}

// change writes what a booking changes, in a transaction that holds the stripes of its SKUs, and returns what each line changed.
func (s *Store) change(ctx context.Context, tx *pg.Tx, b inventory.Booking, cols bookingColumns, by app.Change) ([]int64, error) {
	levels, err := levelsAt(ctx, tx, b, cols)
	if err != nil {
		return nil, err
	}
	diffs, err := b.Differences(levels)
	if err != nil {
		return nil, err
	}
	var batch pgx.Batch
	batch.Queue(`INSERT INTO stock_levels (sku, location_id, on_hand) SELECT u.*, 0 FROM unnest($1::text[], $2::text[]) AS u ON CONFLICT DO NOTHING`,
		cols.sku, cols.location)
	batch.Queue(`UPDATE stock_levels l SET on_hand = l.on_hand + u.q FROM unnest($1::text[], $2::text[], $3::bigint[]) AS u (sku, location_id, q)
		WHERE l.sku = u.sku AND l.location_id = u.location_id`, cols.sku, cols.location, diffs)
	batch.Queue(`INSERT INTO hold_totals (sku) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING`, cols.skus)
	batch.Queue(`INSERT INTO stock_ledger (at, sku, location_id, kind, on_hand_delta, allocated_delta, reference, actor, reason, lot)
		SELECT $1, u.sku, u.location_id, $2, u.q, 0, $3, $4, $5, u.lot FROM unnest($6::text[], $7::text[], $8::bigint[], $9::text[]) AS u (sku, location_id, q, lot)`,
		by.At, b.Kind, b.Reference, by.Actor, b.Reason, cols.sku, cols.location, diffs, cols.lot)
	if cols.lots {
		bookLots(&batch, cols, diffs)
	}
	batch.Queue(`INSERT INTO level_changes (sku) SELECT unnest($1::text[])`, cols.skus)
	batch.Queue(`INSERT INTO audit_log (at, actor, action, entity, after) VALUES ($1, $2, $3, $4, $5)`,
		by.At, by.Actor, b.Kind, "booking/"+b.Reference, map[string]any{"lines": len(b.Lines), "reason": b.Reason})
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("write: %w", err)
	}
	for _, l := range levels {
		if l.Owed > 0 {
			return diffs, s.fill(ctx, tx, cols.skus, by)
		}
	}
	return diffs, nil
}

// bookedBefore notes a reference, and says whether and when it was noted before for the same. Another hash: app.ErrReferenceUsed.
func bookedBefore(ctx context.Context, tx *pg.Tx, kind, reference string, lines int, hash []byte, by app.Change) (at time.Time, again bool, err error) {
	tag, err := tx.Exec(ctx, `INSERT INTO stock_bookings (reference, kind, lines, hash, at, actor) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		reference, kind, lines, hash, by.At, by.Actor)
	if err != nil || tag.RowsAffected() == 1 {
		return by.At, false, err
	}
	var before []byte
	if err := tx.QueryRow(ctx, `SELECT hash, at FROM stock_bookings WHERE reference = $1`, reference).Scan(&before, &at); err != nil {
		return at, false, fmt.Errorf("reference: %w", err)
	}
	if !bytes.Equal(hash, before) {
		return at, false, app.ErrReferenceUsed
	}
	return at, true, nil
}

// levelsAt reads the levels of the places, locked, and refuses locations that do not exist.
func levelsAt(ctx context.Context, tx *pg.Tx, b inventory.Booking, cols bookingColumns) (map[inventory.Place]inventory.Level, error) {
	levels := make(map[inventory.Place]inventory.Level, len(b.Lines))
	known := map[string]bool{}
	var batch pgx.Batch
	batch.Queue(`SELECT id FROM locations WHERE id = ANY ($1) FOR KEY SHARE`, cols.location).Query(func(rows pgx.Rows) error {
		var id string
		_, err := pgx.ForEachRow(rows, []any{&id}, func() error { known[id] = true; return nil })
		return err
	})
	batch.Queue(`SELECT l.sku, l.location_id, l.on_hand, l.allocated, l.owed, `+lotsColumn+` FROM stock_levels l WHERE l.sku = ANY ($1) FOR UPDATE`, cols.skus).Query(func(rows pgx.Rows) error {
		var l inventory.Level
		_, err := pgx.ForEachRow(rows, []any{&l.SKU, &l.LocationID, &l.OnHand, &l.Allocated, &l.Owed, &l.Lots}, func() error {
			levels[inventory.Place{SKU: l.SKU, LocationID: l.LocationID}] = l
			l.Lots = nil // the next row has its own
			return nil
		})
		return err
	})
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("levels: %w", err)
	}
	var c fault.Collector
	for i, l := range b.Lines {
		c.Check(known[l.LocationID], fmt.Sprintf("body.lines[%d].location_id", i), "there is no such location", l.LocationID)
	}
	return levels, c.Err()
}

// PutLocation implements app.StockStore. Opening or closing a location changes what can be sold of all its SKUs.
func (s *Store) PutLocation(ctx context.Context, l app.Location, by app.Change) error {
	err := pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		var before *app.Location
		old, err := collect(ctx, tx, "before", scanLocation, locationSQL+` WHERE id = $1 FOR UPDATE`, l.ID)
		if err != nil {
			return err
		}
		if len(old) == 1 {
			before = &old[0]
		}
		var lat, lon *float64
		if l.At != nil {
			lat, lon = &l.At.Lat, &l.At.Lon
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO locations (id, name, country, region, postal_code, priority, enabled, updated_at, latitude, longitude)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, country = excluded.country, region = excluded.region,
				postal_code = excluded.postal_code, priority = excluded.priority, enabled = excluded.enabled, updated_at = excluded.updated_at,
				latitude = excluded.latitude, longitude = excluded.longitude`,
			l.ID, l.Name, l.Country, l.Region, l.Postal, l.Priority, l.Enabled, by.At, lat, lon)
		if err != nil {
			return err
		}
		if before != nil && before.Enabled != l.Enabled {
			if _, err := tx.Exec(ctx, `INSERT INTO level_changes (sku) SELECT sku FROM stock_levels WHERE location_id = $1`, l.ID); err != nil {
				return err
			}
		}
		return audit(ctx, tx, by, "put", "location/"+l.ID, before, l)
	})
	if err != nil {
		return fmt.Errorf("location %s: %w", l.ID, err)
	}
	return nil
}
