package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// Revise implements app.AllocationStore: one transaction under the stripes of all SKUs that the allocation has or shall have. Nothing is
// booked but the difference; the reservations are written anew, those that stay as they were.
func (s *Store) Revise(ctx context.Context, o inventory.Order, edition int64, by app.Change) (inventory.Allocation, error) {
	a, err := s.Allocation(ctx, o.ID)
	if err != nil || a.Status == inventory.Released {
		return a, err
	}
	skus := append(skusOf(a.Lines), o.SKUs()...)
	var refusal error
	err = s.locked(ctx, skus, func(ctx context.Context, tx *pg.Tx) (err error) {
		a, refusal, err = s.revise(ctx, tx, o, edition, skus, by)
		return err
	})
	if err != nil {
		return a, fmt.Errorf("revise %s: %w", o.ID, err)
	}
	return a, refusal
}

// revise returns a refusal beside the error: nothing is written then, and nothing to be rolled back.
func (s *Store) revise(ctx context.Context, tx *pg.Tx, o inventory.Order, edition int64, skus []string, by app.Change) (a inventory.Allocation, refusal, err error) {
	var known int64
	if err := tx.QueryRow(ctx, `SELECT edition FROM allocations WHERE id = $1 FOR UPDATE`, o.ID).Scan(&known); err != nil {
		return a, nil, err
	}
	if a, err = allocation(ctx, tx, o.ID); err != nil || a.Status == inventory.Released || known == edition {
		return a, nil, err
	}
	if known > edition {
		return a, app.ErrEdition.With("edition", known), nil
	}
	for _, l := range a.Lines {
		if !slices.Contains(skus, l.SKU) { // somebody came between, and its stripe is not held
			return a, fault.New(fault.Unavailable, "busy", "The allocation is being changed by others; repeat the call."), nil
		}
		if i := slices.IndexFunc(o.Lines, func(x inventory.OrderLine) bool { return x.ID == l.ID }); i >= 0 && o.Lines[i].SKU != l.SKU {
			return a, app.ErrDiffers.With("line_id", l.ID), nil
		}
	}
	levels, err := collect(ctx, tx, "levels", scanLevel, `SELECT `+levelColumns+` FROM stock_levels l JOIN locations o ON o.id = l.location_id
		WHERE l.sku = ANY ($1) AND o.enabled`, o.SKUs())
	if err != nil {
		return a, nil, err
	}
	customer := inventory.CustomerHash(o.Customer)
	var limited []had
	if o.Limited {
		if limited, err = collect(ctx, tx, "limits", scanHad, hadSQL, o.SKUs(), customer); err != nil {
			return a, nil, err
		}
		if over := inventory.Over(limits(limited), sums(limited), o.More(a).Asked(), by.At); over != nil {
			return a, over, nil
		}
	}
	r, short := a.Revise(o, levels, by.At)
	if len(short) > 0 {
		return a, inventory.OutOfStock(short), nil
	}
	var batch pgx.Batch
	batch.Queue(`UPDATE allocations SET edition = $2 WHERE id = $1`, o.ID, edition)
	reserveAnew(&batch, o.ID, r.Lines)
	if len(r.Taken) > 0 {
		move(&batch, moveSQL, r.Taken, 1, o.ID, inventory.KindAllocate, by)
	}
	if len(r.Given) > 0 {
		move(&batch, moveSQL, r.Given, -1, o.ID, inventory.KindRelease, by)
	}
	takeAnew(&batch, o, customer, limited, by)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return a, nil, err
	}
	if len(r.Given) > 0 {
		if err := s.fill(ctx, tx, skusOf(r.Given), by); err != nil {
			return a, nil, err
		}
	}
	a, err = allocation(ctx, tx, o.ID) // what was given back may have been owed to it
	return a, nil, err
}

func reserveAnew(batch *pgx.Batch, id string, lines []inventory.AllocatedLine) {
	r := reservationsOf(lines)
	batch.Queue(`DELETE FROM inventory_reservations WHERE allocation_id = $1`, id)
	batch.Queue(`INSERT INTO inventory_reservations (allocation_id, line_no, part_no, line_id, sku, location_id, quantity, kind, ships_at, lot)
		SELECT $1, u.* FROM unnest($2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::timestamptz[], $10::text[]) AS u`,
		id, r.line, r.part, r.lineID, r.sku, r.location, r.quantity, r.kind, r.ships, r.lot)
}

// takeAnew notes what the customer has of limited SKUs now; when it was taken stays.
func takeAnew(batch *pgx.Batch, o inventory.Order, customer []byte, limited []had, by app.Change) {
	asked := o.Asked()
	skus, quantities := o.SKUs(), []int64{}
	for _, sku := range skus {
		quantities = append(quantities, asked[sku])
	}
	batch.Queue(`DELETE FROM customer_takes WHERE allocation_id = $1 AND NOT sku = ANY ($2)`, o.ID, skus)
	batch.Queue(`UPDATE customer_takes t SET quantity = u.q FROM unnest($2::text[], $3::bigint[]) AS u (sku, q) WHERE t.allocation_id = $1 AND t.sku = u.sku`, o.ID, skus, quantities)
	if customer == nil {
		return
	}
	for _, h := range limited {
		batch.Queue(`INSERT INTO customer_takes (allocation_id, sku, customer, at, quantity) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, o.ID, h.SKU, customer, by.At, asked[h.SKU])
	}
}
