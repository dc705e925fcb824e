package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// turnSettings hold for the transaction. Index scans only, and one plan for all: a statement that is planned while the tables are
// small keeps its plan when they have grown, until the server looks at their statistics; and planning each time anew costs more
// than the turn.
const turnSettings = `SELECT set_config('synchronous_commit', 'off', true), set_config('enable_seqscan', 'off', true),
	set_config('plan_cache_mode', 'force_generic_plan', true)`

// foldSQL deletes the holds of a SKU that were taken or have expired, and answers what they held and what can be sold, both of
// one moment: an allocation counts on one side only. Its cost follows the dead holds, not the living ones.
const foldSQL = `
	WITH taken AS (
		DELETE FROM taken_holds WHERE sku = $1 RETURNING id
	), used AS (
		DELETE FROM stock_holds WHERE id = ANY (ARRAY(SELECT id FROM taken)) RETURNING quantity
	), lapsed AS (
		DELETE FROM stock_holds WHERE sku = $1 AND expires_at <= $2 RETURNING id, owner, quantity, expires_at
	), noted AS (
		INSERT INTO expired_holds (owner, sku, quantity, expires_at)
		SELECT owner, $1, quantity, expires_at FROM lapsed WHERE id <> ALL (ARRAY(SELECT id FROM taken))
	)
	SELECT (SELECT coalesce(sum(l.on_hand - l.allocated), 0)::bigint FROM stock_levels l JOIN locations o ON o.id = l.location_id
			WHERE l.sku = $1 AND o.enabled),
		(SELECT coalesce(sum(quantity), 0)::bigint FROM (SELECT quantity FROM used UNION ALL SELECT quantity FROM lapsed) dead)`

// ownSQL reads what owners hold.
const ownSQL = `SELECT owner, quantity, expires_at FROM stock_holds WHERE id = ANY ($1::text[])`

// writeSQL writes what a turn decided. The guard on what was held stands beside the row lock that the turn has.
const writeSQL = `
	WITH put AS (
		INSERT INTO stock_holds (id, owner, sku, quantity, expires_at)
		SELECT i, o, $1, q, e FROM unnest($2::text[], $3::text[], $4::bigint[], $5::timestamptz[]) AS u (i, o, q, e)
		ON CONFLICT (id) DO UPDATE SET quantity = excluded.quantity, expires_at = excluded.expires_at
	), gone AS (
		DELETE FROM stock_holds WHERE id = ANY ($6)
	)
	UPDATE hold_totals SET held = $7 WHERE sku = $1 AND held = $8`

// Turn implements app.TurnStore: one READ COMMITTED transaction that locks the SKU's row, folds what died, decides and writes.
// It may lose the last moments in a crash of Postgres (synchronous_commit off): that disappoints somebody and sells nothing
// twice. A SKU that never had stock has no row: every hold of it is refused.
func (s *Store) Turn(ctx context.Context, sku string, changes []inventory.Change, now time.Time) ([]inventory.Outcome, error) {
	var turn inventory.Turn
	err := pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		shelf, total, known, err := fold(ctx, tx, sku, changes, now)
		if err != nil {
			return err
		}
		if turn = shelf.Decide(sku, changes); !known || len(turn.Put) == 0 && len(turn.Gone) == 0 && turn.Held == total {
			return nil
		}
		return write(ctx, tx, sku, turn, total)
	})
	if err != nil {
		return nil, fmt.Errorf("turn of %s: %w", sku, err)
	}
	return turn.Outcomes, nil
}

// fold locks the SKU in hold_totals, whose held total it returns as it stands there; the shelf is without the dead.
func fold(ctx context.Context, tx *pg.Tx, sku string, changes []inventory.Change, now time.Time) (shelf inventory.Shelf, total int64, known bool, err error) {
	ids := make([]string, len(changes))
	for i, c := range changes {
		ids[i] = inventory.HoldID(c.Owner, sku)
	}
	var dead int64
	var batch pgx.Batch
	batch.Queue(turnSettings)
	batch.Queue(`SELECT held FROM hold_totals WHERE sku = $1 FOR UPDATE`, sku).QueryRow(func(row pgx.Row) error {
		known = true
		err := row.Scan(&total)
		if errors.Is(err, pgx.ErrNoRows) {
			known, err = false, nil
		}
		return err
	})
	batch.Queue(foldSQL, sku, now).QueryRow(func(row pgx.Row) error { return row.Scan(&shelf.Sellable, &dead) })
	batch.Queue(ownSQL, ids).Query(func(rows pgx.Rows) error {
		shelf.Own = map[string]inventory.Hold{}
		h := inventory.Hold{SKU: sku}
		_, err := pgx.ForEachRow(rows, []any{&h.Owner, &h.Quantity, &h.ExpiresAt}, func() error {
			shelf.Own[h.Owner] = h
			return nil
		})
		return err
	})
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return shelf, 0, false, fmt.Errorf("fold: %w", err)
	}
	if !known {
		return inventory.Shelf{}, 0, false, nil
	}
	shelf.Held = total - dead
	return shelf, total, true, nil
}

func write(ctx context.Context, tx *pg.Tx, sku string, turn inventory.Turn, before int64) error {
	n := len(turn.Put)
	ids, owners, quantities, ends, gone := make([]string, n), make([]string, n), make([]int64, n), make([]time.Time, n), make([]string, len(turn.Gone))
	for i, h := range turn.Put {
		ids[i], owners[i], quantities[i], ends[i] = h.ID(), h.Owner, h.Quantity, h.ExpiresAt
	}
	for i, owner := range turn.Gone {
		gone[i] = inventory.HoldID(owner, sku)
	}
	tag, err := tx.Exec(ctx, writeSQL, sku, ids, owners, quantities, ends, gone, turn.Held, before)
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if tag.RowsAffected() != 1 {
		return fmt.Errorf("write: held total moved under its lock")
	}
	return nil
}

// alive is the condition of a hold h that still counts at $1.
const alive = `h.expires_at > $1 AND NOT EXISTS (SELECT FROM taken_holds t WHERE t.sku = h.sku AND t.id = h.id)`

// HoldsOf implements app.HoldStore.
func (s *Store) HoldsOf(ctx context.Context, owner string, now time.Time) ([]inventory.Hold, error) {
	return collect(ctx, s.pool, "holds of an owner", scanHold,
		`SELECT h.owner, h.sku, h.quantity, h.expires_at FROM stock_holds h WHERE h.owner = $2 AND `+alive+` ORDER BY h.sku`, now, owner)
}

func scanHold(row pgx.CollectableRow) (h inventory.Hold, err error) {
	err = row.Scan(&h.Owner, &h.SKU, &h.Quantity, &h.ExpiresAt)
	return h, err
}
