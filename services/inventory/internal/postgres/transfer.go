package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// PutTransfer implements app.TransferStore.
func (s *Store) PutTransfer(ctx context.Context, t inventory.Transfer, by app.Change) (inventory.Transfer, error) {
	err := pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO stock_transfers (id, from_location, to_location, status, note, created_at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (id) DO NOTHING`, t.ID, t.From, t.To, t.Status, t.Note, t.CreatedAt)
		switch {
		case pg.Violates(err, "stock_transfers_from"):
			return fault.New(fault.Invalid, "validation-failed", "body.from: there is no such location").WithField("body.from", "there is no such location", t.From)
		case pg.Violates(err, "stock_transfers_to"):
			return fault.New(fault.Invalid, "validation-failed", "body.to: there is no such location").WithField("body.to", "there is no such location", t.To)
		case err != nil || tag.RowsAffected() == 0:
			return err
		}
		var skus, lots []string
		var quantities []int64
		for _, l := range t.Lines {
			skus, quantities, lots = append(skus, l.SKU), append(quantities, l.Quantity), append(lots, l.Lot)
		}
		_, err = tx.Exec(ctx, `INSERT INTO stock_transfer_lines (transfer_id, line_no, sku, quantity, lot, expires_on)
			SELECT $1, u.no, u.sku, u.quantity, u.lot, (SELECT o.expires_on FROM stock_lots o WHERE o.sku = u.sku AND o.location_id = $5 AND o.lot = u.lot)
			FROM unnest($2::text[], $3::bigint[], $4::text[]) WITH ORDINALITY AS u (sku, quantity, lot, no)`, t.ID, skus, quantities, lots, t.From)
		if pg.Violates(err, "stock_transfer_lines_lot") {
			return fault.New(fault.Invalid, "validation-failed", "body.lines: there is no such lot at that location").WithField("body.lines", "there is no such lot at that location", nil)
		}
		if err != nil {
			return err
		}
		return audit(ctx, tx, by, "put", "transfer/"+t.ID, nil, t)
	})
	if err != nil {
		return t, fmt.Errorf("transfer %s: %w", t.ID, err)
	}
	return s.Transfer(ctx, t.ID)
}

// MoveTransfer implements app.TransferStore: under the stripes of its SKUs, which its lines never leave.
func (s *Store) MoveTransfer(ctx context.Context, m app.TransferMove, by app.Change, key idem.Key) (t inventory.Transfer, replayed bool, err error) {
	if t, err = s.Transfer(ctx, m.ID); err != nil {
		return t, false, err
	}
	skus := make([]string, len(t.Lines))
	for i, l := range t.Lines {
		skus[i] = l.SKU
	}
	err = s.locked(ctx, skus, func(ctx context.Context, tx *pg.Tx) (err error) {
		t, replayed, err = idem.Do(ctx, tx, key, func() (inventory.Transfer, error) { return s.moveTransfer(ctx, tx, m, by) })
		return err
	})
	if err != nil {
		return t, false, fmt.Errorf("transfer %s: %w", m.ID, err)
	}
	return t, replayed, nil
}

func (s *Store) moveTransfer(ctx context.Context, tx *pg.Tx, m app.TransferMove, by app.Change) (inventory.Transfer, error) {
	t, err := one(transfers(ctx, tx, ` WHERE t.id = $1 FOR UPDATE OF t`, m.ID))
	if err != nil {
		return t, err
	}
	if m.Reference != "" {
		if _, again, err := bookedBefore(ctx, tx, m.Kind, m.Reference, len(t.Lines), m.Hash, by); again || err != nil {
			return t, err
		}
	}
	after, lines, err := m.Decide(t)
	if err != nil || after.Status == t.Status && len(lines) == 0 {
		return t, err
	}
	return after, s.moved(ctx, tx, t, after, inventory.Booking{Kind: m.Kind, Reference: m.ID, Reason: m.Reference, Lines: lines}, by)
}

// moved writes a transfer and what it moves.
func (s *Store) moved(ctx context.Context, tx *pg.Tx, before, t inventory.Transfer, b inventory.Booking, by app.Change) error {
	if len(b.Lines) > 0 {
		if _, err := s.change(ctx, tx, b, columnsOf(b), by); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `UPDATE stock_transfers SET status = $2, sent_at = $3, ended_at = $4 WHERE id = $1`,
		t.ID, t.Status, orNull(t.SentAt), orNull(t.EndedAt)); err != nil {
		return err
	}
	var skus []string
	var received []int64
	for _, l := range t.Lines {
		skus, received = append(skus, l.SKU), append(received, l.Received)
	}
	if _, err := tx.Exec(ctx, `UPDATE stock_transfer_lines l SET received = u.received FROM unnest($2::text[], $3::bigint[]) AS u (sku, received)
		WHERE l.transfer_id = $1 AND l.sku = u.sku AND l.received <> u.received`, t.ID, skus, received); err != nil {
		return err
	}
	return audit(ctx, tx, by, t.Status, "transfer/"+t.ID, before, t)
}

// Transfer returns a transfer, or app.ErrNoTransfer.
func (s *Store) Transfer(ctx context.Context, id string) (inventory.Transfer, error) {
	return one(transfers(ctx, s.pool, ` WHERE t.id = $1`, id))
}

func one(all []inventory.Transfer, err error) (inventory.Transfer, error) {
	switch {
	case err != nil:
		return inventory.Transfer{}, err
	case len(all) == 0:
		return inventory.Transfer{}, app.ErrNoTransfer
	}
	return all[0], nil
}

// Transfers returns transfers, the newest first, older than after (zero: all), up to limit. An empty status means all.
func (s *Store) Transfers(ctx context.Context, status string, after inventory.Transfer, limit int) ([]inventory.Transfer, error) {
	return transfers(ctx, s.pool, ` WHERE ($1 = '' OR t.status = $1) AND ($2::timestamptz IS NULL OR (t.created_at, t.id) < ($2, $3))
		ORDER BY t.created_at DESC, t.id DESC LIMIT $4`, status, orNull(after.CreatedAt), after.ID, limit)
}

func transfers(ctx context.Context, q pg.Querier, where string, args ...any) ([]inventory.Transfer, error) {
	return collect(ctx, q, "transfers", func(row pgx.CollectableRow) (t inventory.Transfer, err error) {
		var sent, ended *time.Time
		var skus, lots []string
		var quantities, received []int64
		var expires []*time.Time
		err = row.Scan(&t.ID, &t.From, &t.To, &t.Status, &t.Note, &t.CreatedAt, &sent, &ended, &skus, &quantities, &received, &lots, &expires)
		t.SentAt, t.EndedAt = orZero(sent), orZero(ended)
		for i, sku := range skus {
			t.Lines = append(t.Lines, inventory.TransferLine{SKU: sku, Quantity: quantities[i], Received: received[i],
				Mark: inventory.Mark{Lot: lots[i], ExpiresOn: orZero(expires[i])}})
		}
		return t, err
	}, `SELECT t.id, t.from_location, t.to_location, t.status, t.note, t.created_at, t.sent_at, t.ended_at, l.skus, l.quantities, l.received, l.lots, l.expires
		FROM stock_transfers t, LATERAL (SELECT array_agg(sku ORDER BY line_no), array_agg(quantity ORDER BY line_no), array_agg(received ORDER BY line_no),
				array_agg(lot ORDER BY line_no), array_agg(expires_on ORDER BY line_no)
			FROM stock_transfer_lines WHERE transfer_id = t.id) AS l (skus, quantities, received, lots, expires)`+where, args...)
}
