package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

// debtsSQL reads what places owe that have something on the shelf for it, the oldest order first.
const debtsSQL = `
	SELECT ` + levelColumns + `, a.id, a.owner, r.line_no, r.part_no, r.line_id, r.quantity
	FROM stock_levels l JOIN locations o ON o.id = l.location_id
		JOIN inventory_reservations r ON r.sku = l.sku AND r.location_id = l.location_id AND r.kind <> 'stock'
		JOIN allocations a ON a.id = r.allocation_id AND a.status = 'allocated'
	WHERE l.sku = ANY ($1) AND l.owed > 0 AND l.on_hand - l.allocated > l.safety_stock AND (l.release_at IS NULL OR l.release_at <= $2)
	ORDER BY a.created_at, a.id, r.line_no, r.part_no`

// filledSQL makes parts of reservations, or the first pieces of them, pieces from the shelf.
const filledSQL = `
	WITH u AS (
		SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::text[]) AS u (id, line_no, part_no, q, lot)
	), whole AS (
		UPDATE inventory_reservations r SET kind = 'stock', ships_at = NULL, lot = u.lot FROM u
		WHERE r.allocation_id = u.id AND r.line_no = u.line_no AND r.part_no = u.part_no AND r.quantity = u.q
	), rest AS (
		UPDATE inventory_reservations r SET quantity = r.quantity - u.q FROM u
		WHERE r.allocation_id = u.id AND r.line_no = u.line_no AND r.part_no = u.part_no AND r.quantity > u.q
		RETURNING r.allocation_id, r.line_no, r.line_id, r.sku, r.location_id, u.q, u.lot
	)
	INSERT INTO inventory_reservations (allocation_id, line_no, part_no, line_id, sku, location_id, quantity, kind, lot)
	SELECT allocation_id, line_no, (SELECT max(p.part_no) FROM inventory_reservations p WHERE p.allocation_id = rest.allocation_id AND p.line_no = rest.line_no)
			+ row_number() OVER (PARTITION BY allocation_id, line_no),
		line_id, sku, location_id, q, 'stock', lot FROM rest`

type debt struct {
	inventory.Level
	inventory.Debt
}

// fill serves what the SKUs' places owe from their shelves, the oldest order first, and tells of it. The transaction holds the stripes
// of the SKUs.
func (s *Store) fill(ctx context.Context, tx *pg.Tx, skus []string, by app.Change) error {
	debts, err := collect(ctx, tx, "debts", scanDebt, debtsSQL, skus, by.At)
	if err != nil || len(debts) == 0 {
		return err
	}
	levels, owed := map[inventory.Place]inventory.Level{}, map[inventory.Place][]inventory.Debt{}
	var places []inventory.Place // in the order of the oldest debt, so that events and ledger are the same each time
	for _, d := range debts {
		if _, seen := levels[d.Place]; !seen {
			places = append(places, d.Place)
		}
		levels[d.Place] = d.Level
		owed[d.Place] = append(owed[d.Place], d.Debt)
	}
	var ids []string
	var lines, parts []int32
	var quantities []int64
	var events []outbox.Event
	var batch pgx.Batch
	for _, place := range places {
		level := levels[place]
		for i, got := range level.Fill(owed[place], by.At) {
			d := owed[place][i]
			if got == 0 {
				continue
			}
			if len(level.Lots) == 0 {
				ids, lines, parts, quantities = append(ids, d.AllocationID), append(lines, int32(d.Line)), append(parts, int32(d.Part)), append(quantities, got)
			} else {
				fillFromLots(&batch, d, level.Take(got, by.At))
			}
			batch.Queue(moveSQL, []string{d.SKU}, []string{d.LocationID}, []int64{got}, by.At, inventory.KindFill, d.AllocationID, by.Actor, []int64{-got})
			events = append(events, outbox.Event{Topic: inventoryapi.Topic, Type: inventoryapi.TypeBackorderFilledV1, Subject: d.AllocationID + ":" + d.SKU, Time: by.At,
				Data: inventoryapi.BackorderFilledV1{AllocationID: d.AllocationID, Owner: d.Owner, LineID: d.LineID, SKU: d.SKU, LocationID: d.LocationID, Quantity: got}})
		}
	}
	if len(events) == 0 {
		return nil
	}
	if len(ids) > 0 {
		batch.Queue(filledSQL, ids, lines, parts, quantities, make([]string, len(ids)))
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	return s.box.Append(ctx, tx, events...)
}

func scanDebt(row pgx.CollectableRow) (d debt, err error) {
	var ships, release *time.Time
	var lat, lon *float64
	l := &d.Level
	err = row.Scan(&l.SKU, &l.LocationID, &l.OnHand, &l.Allocated, &l.Owed, &l.Safety, &l.Backorder, &ships, &l.Preorder, &release, &l.Country, &l.Priority,
		&l.Region, &l.Postal, &lat, &lon, &l.Lots,
		&d.AllocationID, &d.Owner, &d.Line, &d.Part, &d.LineID, &d.Quantity)
	l.ShipsAt, l.ReleaseAt = orZero(ships), orZero(release)
	d.Place = inventory.Place{SKU: l.SKU, LocationID: l.LocationID}
	return d, err
}
