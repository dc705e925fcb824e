package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
)

// The three parts of a snapshot, as they are now.
const (
	levelsNow = `SELECT sku, location_id, on_hand, allocated, owed FROM stock_levels`
	movesNow  = `SELECT sku, location_id, kind, count(*) AS entries, sum(on_hand_delta)::bigint AS on_hand, sum(allocated_delta)::bigint AS allocated,
		sum(owed_delta)::bigint AS owed FROM stock_ledger GROUP BY sku, location_id, kind`
	holdsNow = `SELECT h.sku, count(*) AS owners, sum(h.quantity)::bigint AS held FROM stock_holds h WHERE ` + alive + ` GROUP BY h.sku`
)

// TakeSnapshot implements app.AuditStore.
func (s *Store) TakeSnapshot(ctx context.Context, name string, by app.Change) (app.Snapshot, error) {
	snap := app.Snapshot{Name: name, At: by.At, Actor: by.Actor}
	err := pg.InTx(ctx, s.pool, pg.TxOptions{Iso: pgx.RepeatableRead}, func(ctx context.Context, tx *pg.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO stock_snapshots (name, at, actor) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, name, by.At, by.Actor)
		if err == nil && tag.RowsAffected() == 0 {
			err = app.ErrSnapshotUsed
		}
		if err != nil {
			return err
		}
		if tag, err = tx.Exec(ctx, `INSERT INTO stock_snapshot_levels SELECT $1, l.* FROM (`+levelsNow+`) l`, name); err != nil {
			return err
		}
		snap.Lines = tag.RowsAffected()
		if _, err := tx.Exec(ctx, `INSERT INTO stock_snapshot_moves SELECT $1, m.* FROM (`+movesNow+`) m`, name); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO stock_snapshot_holds SELECT $2, h.* FROM (`+holdsNow+`) h`, by.At, name)
		return err
	})
	if err != nil {
		return snap, fmt.Errorf("snapshot %s: %w", name, err)
	}
	return snap, nil
}

const snapshotSQL = `SELECT s.name, s.at, s.actor, (SELECT count(*) FROM stock_snapshot_levels l WHERE l.name = s.name) FROM stock_snapshots s`

// Snapshots implements app.AuditStore, the newest first.
func (s *Store) Snapshots(ctx context.Context) ([]app.Snapshot, error) {
	return collect(ctx, s.pool, "snapshots", pgx.RowToStructByPos[app.Snapshot], snapshotSQL+` ORDER BY s.at DESC, s.name LIMIT 1000`)
}

// Compare implements app.AuditStore, in one moment.
func (s *Store) Compare(ctx context.Context, from, to string, now time.Time) (c app.Comparison, err error) {
	err = pg.InTx(ctx, s.pool, pg.TxOptions{Iso: pgx.RepeatableRead, ReadOnly: true}, func(ctx context.Context, tx *pg.Tx) error {
		if c.From, err = snapshot(ctx, tx, from); err != nil {
			return err
		}
		c.To = app.Snapshot{At: now.Truncate(time.Microsecond)}
		if to != "" {
			if c.To, err = snapshot(ctx, tx, to); err != nil {
				return err
			}
		}
		if c.Levels, err = between(ctx, tx, from, to); err != nil {
			return err
		}
		if err = movedBy(ctx, tx, to, c.Levels); err != nil {
			return err
		}
		c.Holds, err = heldAt(ctx, tx, from, to, now)
		return err
	})
	if err != nil {
		return c, fmt.Errorf("compare %s: %w", from, err)
	}
	return c, nil
}

func snapshot(ctx context.Context, tx *pg.Tx, name string) (app.Snapshot, error) {
	all, err := collect(ctx, tx, "snapshot", pgx.RowToStructByPos[app.Snapshot], snapshotSQL+` WHERE s.name = $1`, name)
	if err == nil && len(all) == 0 {
		err = app.ErrNoSnapshot
	}
	if err != nil {
		return app.Snapshot{}, err
	}
	return all[0], nil
}

// compareSQL sets levels and sums of the ledger of two moments side by side; the later ones are put in.
const compareSQL = `
	WITH a AS (SELECT * FROM stock_snapshot_levels WHERE name = $1), b AS (%s), ma AS (SELECT * FROM stock_snapshot_moves WHERE name = $1), mb AS (%s),
	d AS (
		SELECT sku, location_id, kind, coalesce(mb.entries, 0) - coalesce(ma.entries, 0) AS entries, coalesce(mb.on_hand, 0) - coalesce(ma.on_hand, 0) AS on_hand,
			coalesce(mb.allocated, 0) - coalesce(ma.allocated, 0) AS allocated, coalesce(mb.owed, 0) - coalesce(ma.owed, 0) AS owed
		FROM ma FULL JOIN mb USING (sku, location_id, kind)
	), m AS (
		SELECT sku, location_id, jsonb_object_agg(kind, jsonb_build_object('Entries', entries, 'OnHand', on_hand, 'Allocated', allocated, 'Owed', owed)) AS moves
		FROM d WHERE (entries, on_hand, allocated, owed) <> (0, 0, 0, 0) GROUP BY sku, location_id
	)
	SELECT sku, location_id, coalesce(a.on_hand, 0), coalesce(a.allocated, 0), coalesce(a.owed, 0),
		coalesce(b.on_hand, 0), coalesce(b.allocated, 0), coalesce(b.owed, 0), coalesce(m.moves, '{}')
	FROM a FULL JOIN b USING (sku, location_id) FULL JOIN m USING (sku, location_id)
	WHERE m.moves IS NOT NULL
		OR (coalesce(a.on_hand, 0), coalesce(a.allocated, 0), coalesce(a.owed, 0)) <> (coalesce(b.on_hand, 0), coalesce(b.allocated, 0), coalesce(b.owed, 0))
	ORDER BY sku, location_id`

func between(ctx context.Context, tx *pg.Tx, from, to string) ([]app.Difference, error) {
	sql, args := fmt.Sprintf(compareSQL, levelsNow, movesNow), []any{from}
	if to != "" {
		sql = fmt.Sprintf(compareSQL, `SELECT * FROM stock_snapshot_levels WHERE name = $2`, `SELECT * FROM stock_snapshot_moves WHERE name = $2`)
		args = append(args, to)
	}
	return collect(ctx, tx, "levels", func(row pgx.CollectableRow) (d app.Difference, err error) {
		err = row.Scan(&d.SKU, &d.LocationID, &d.Before.OnHand, &d.Before.Allocated, &d.Before.Owed, &d.After.OnHand, &d.After.Allocated, &d.After.Owed, &d.Moves)
		return d, err
	}, sql, args...)
}

// movedBySQL names for each place and kind what its newest entries were written for, but for those after the snapshot $6: entries of a SKU have their ids
// in the order in which they were committed.
const movedBySQL = `
	SELECT u.i, ARRAY(
		SELECT r.reference FROM (
			SELECT g.reference, g.id FROM stock_ledger g WHERE g.sku = u.sku AND g.location_id = u.location_id AND g.kind = u.kind ORDER BY g.id DESC
			OFFSET CASE WHEN $6 = '' THEN 0 ELSE (SELECT count(*) FROM stock_ledger g WHERE g.sku = u.sku AND g.location_id = u.location_id AND g.kind = u.kind)
				- coalesce((SELECT m.entries FROM stock_snapshot_moves m WHERE m.name = $6 AND m.sku = u.sku AND m.location_id = u.location_id AND m.kind = u.kind), 0) END
			LIMIT u.n
		) r WHERE r.reference <> '' GROUP BY r.reference ORDER BY max(r.id) DESC LIMIT $7)
	FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::bigint[]) AS u (i, sku, location_id, kind, n)`

// movedBy adds to what has moved levels what that was for.
func movedBy(ctx context.Context, tx *pg.Tx, to string, levels []app.Difference) error {
	type move struct {
		level int
		kind  string
	}
	var moves []move
	var at []int32
	var skus, places, kinds []string
	var entries []int64
	for i, l := range levels {
		for kind, m := range l.Moves {
			if m.Entries > 0 {
				at, moves = append(at, int32(len(moves))), append(moves, move{i, kind})
				skus, places, kinds, entries = append(skus, l.SKU), append(places, l.LocationID), append(kinds, kind), append(entries, m.Entries)
			}
		}
	}
	if len(moves) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, movedBySQL, at, skus, places, kinds, entries, to, app.MovedBy)
	if err != nil {
		return fmt.Errorf("moved by: %w", err)
	}
	var i int
	var references []string
	_, err = pgx.ForEachRow(rows, []any{&i, &references}, func() error {
		l := levels[moves[i].level]
		m := l.Moves[moves[i].kind]
		m.References, references = references, nil
		l.Moves[moves[i].kind] = m
		return nil
	})
	if err != nil {
		return fmt.Errorf("moved by: %w", err)
	}
	return nil
}

func heldAt(ctx context.Context, tx *pg.Tx, from, to string, now time.Time) ([]app.HeldAt, error) {
	later, arg := holdsNow, any(now)
	if to != "" {
		later, arg = `SELECT sku, owners, held FROM stock_snapshot_holds WHERE name = $1`, any(to)
	}
	return collect(ctx, tx, "holds", pgx.RowToStructByPos[app.HeldAt], `
		SELECT sku, coalesce(a.held, 0), coalesce(b.held, 0), coalesce(a.owners, 0), coalesce(b.owners, 0)
		FROM (SELECT * FROM stock_snapshot_holds WHERE name = $2) a FULL JOIN (`+later+`) b USING (sku)
		WHERE (coalesce(a.held, 0), coalesce(a.owners, 0)) <> (coalesce(b.held, 0), coalesce(b.owners, 0)) ORDER BY sku`, arg, from)
}

// Faults implements app.AuditStore: the rows of stock_faults and lot_faults. Those of levels come before those of their lots.
func (s *Store) Faults(ctx context.Context, limit int) (faults []app.Fault, err error) {
	err = s.whole(ctx, func(ctx context.Context, tx *pg.Tx) error {
		faults, err = collect(ctx, tx, "faults", func(row pgx.CollectableRow) (f app.Fault, err error) {
			err = row.Scan(&f.What, &f.SKU, &f.LocationID, &f.Lot, &f.Is.OnHand, &f.Is.Allocated, &f.Is.Owed, &f.Ledger.OnHand, &f.Ledger.Allocated, &f.Ledger.Owed,
				&f.Reserved.Allocated, &f.Reserved.Owed, &f.Missing)
			return f, err
		}, `SELECT what, sku, location_id, '', on_hand, allocated, owed, ledger_on_hand, ledger_allocated, ledger_owed, reserved, reserved_owed, false FROM stock_faults
			UNION ALL SELECT 'lot', f.sku, f.location_id, f.lot, f.on_hand, f.allocated, 0, ledger_on_hand, 0, 0, reserved, 0, f.lot <> '' AND o.lot IS NULL
			FROM lot_faults f LEFT JOIN stock_lots o ON (o.sku, o.location_id, o.lot) = (f.sku, f.location_id, f.lot)
			ORDER BY 1, 2, 3, 4 DESC LIMIT $1`, limit)
		return err
	})
	return faults, err
}

// recountSQL makes a level what the ledger says is on hand, and what the living reservations say is allocated and owed. Where the ledger says
// something else of those two, an entry sets it right.
const recountSQL = `
	WITH r AS (
		SELECT coalesce(sum(v.quantity) FILTER (WHERE v.kind = 'stock'), 0)::bigint AS allocated, coalesce(sum(v.quantity) FILTER (WHERE v.kind <> 'stock'), 0)::bigint AS owed
		FROM inventory_reservations v JOIN allocations a ON a.id = v.allocation_id AND a.status = 'allocated' WHERE v.sku = $1 AND v.location_id = $2
	), g AS (
		SELECT coalesce(sum(on_hand_delta), 0)::bigint AS on_hand, coalesce(sum(allocated_delta), 0)::bigint AS allocated, coalesce(sum(owed_delta), 0)::bigint AS owed
		FROM stock_ledger WHERE sku = $1 AND location_id = $2
	), put AS (
		INSERT INTO stock_levels AS l (sku, location_id, on_hand, allocated, owed) SELECT $1, $2, g.on_hand, r.allocated, r.owed FROM r, g
		ON CONFLICT (sku, location_id) DO UPDATE SET on_hand = excluded.on_hand, allocated = excluded.allocated, owed = excluded.owed
		RETURNING sku
	), mended AS (
		INSERT INTO stock_ledger (at, sku, location_id, kind, on_hand_delta, allocated_delta, owed_delta, reference, actor, reason)
		SELECT $3, $1, $2, 'reconcile', 0, r.allocated - g.allocated, r.owed - g.owed, '', $4, 'recounted from the reservations'
		FROM r, g WHERE (r.allocated, r.owed) <> (g.allocated, g.owed)
	)
	INSERT INTO level_changes (sku) SELECT sku FROM put`

// Repair implements app.AuditStore, under the stripes of the SKU: it recounts anew, so that what changed meanwhile counts.
func (s *Store) Repair(ctx context.Context, f app.Fault, by app.Change) (done bool, err error) {
	done = true
	err = s.locked(ctx, []string{f.SKU}, func(ctx context.Context, tx *pg.Tx) error {
		switch f.What {
		case app.FaultHolds:
			if _, err := tx.Exec(ctx, `INSERT INTO hold_totals (sku) VALUES ($1) ON CONFLICT DO NOTHING`, f.SKU); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `SELECT FROM hold_totals WHERE sku = $1 FOR UPDATE`, f.SKU); err != nil { // no turn writes from here on
				return err
			}
			_, err = tx.Exec(ctx, `UPDATE hold_totals SET held = (SELECT coalesce(sum(quantity), 0) FROM stock_holds WHERE sku = $1) WHERE sku = $1`, f.SKU)
		case app.FaultLot:
			done, err = repairLot(ctx, tx, f)
		default:
			_, err = tx.Exec(ctx, recountSQL, f.SKU, f.LocationID, by.At, by.Actor)
		}
		if err != nil || !done {
			return err
		}
		return audit(ctx, tx, by, "reconcile", strings.TrimSuffix(f.What+"/"+f.SKU+"@"+f.LocationID+"/"+f.Lot, "/"), f, nil)
	})
	for _, bound := range []string{"stock_levels_allocated", "stock_levels_owed", "stock_levels_on_hand", "stock_levels_location", "stock_lots_allocated", "stock_lots_level"} {
		if pg.Violates(err, bound) {
			return false, nil // more is promised than there is: only people can decide who gets it
		}
	}
	if err != nil {
		return false, fmt.Errorf("repair %s: %w", f.SKU, err)
	}
	return done, nil
}

// repairLotSQL makes a lot what the ledger and the living reservations say of it, and one that is missing anew where its last day is given.
const repairLotSQL = `
	WITH counted AS (
		SELECT (SELECT coalesce(sum(on_hand_delta), 0)::bigint FROM stock_ledger WHERE sku = $1 AND location_id = $2 AND lot = $3) AS on_hand,
			(SELECT coalesce(sum(v.quantity), 0)::bigint FROM inventory_reservations v JOIN allocations a ON a.id = v.allocation_id AND a.status = 'allocated'
				WHERE v.sku = $1 AND v.location_id = $2 AND v.lot = $3 AND v.kind = 'stock') AS allocated
	), back AS (
		INSERT INTO stock_lots (sku, location_id, lot, expires_on, on_hand, allocated) SELECT $1, $2, $3, $4::date, on_hand, allocated FROM counted WHERE $4 IS NOT NULL
		ON CONFLICT DO NOTHING RETURNING sku, location_id
	), marked AS (
		UPDATE stock_levels l SET has_lots = true FROM back b WHERE l.sku = b.sku AND l.location_id = b.location_id AND NOT l.has_lots
	)
	UPDATE stock_lots o SET on_hand = c.on_hand, allocated = c.allocated FROM counted c WHERE o.sku = $1 AND o.location_id = $2 AND o.lot = $3`

// repairLot repairs a lot, or the mark of a level that has some. Done says whether that was enough: not when the lot is missing and nobody has
// said its last day, and not when the lots are more than their level.
func repairLot(ctx context.Context, tx *pg.Tx, f app.Fault) (done bool, err error) {
	if f.Lot != "" {
		_, err = tx.Exec(ctx, repairLotSQL, f.SKU, f.LocationID, f.Lot, orNull(f.ExpiresOn))
	} else {
		_, err = tx.Exec(ctx, `UPDATE stock_levels SET has_lots = true WHERE sku = $1 AND location_id = $2`, f.SKU, f.LocationID)
	}
	if err == nil {
		err = tx.QueryRow(ctx, `SELECT NOT EXISTS (SELECT FROM lot_faults WHERE sku = $1 AND location_id = $2 AND lot = $3)`, f.SKU, f.LocationID, f.Lot).Scan(&done)
	}
	return done, err
}
