package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/order/internal/app"
)

// AddNote keeps a note, once per key.
func (s *Store) AddNote(ctx context.Context, k httpx.Idem, orderID, actor, text string, now time.Time) (note app.Note, replayed bool, err error) {
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		add := func() (app.Note, error) {
			n := app.Note{At: now, Actor: actor, Text: text}
			err := tx.QueryRow(ctx, `WITH note AS (
					INSERT INTO order_notes (order_id, at, actor, text) VALUES ($1, $2, $3, $4) RETURNING id
				), audited AS (
					INSERT INTO audit_log (at, actor, action, entity, after) SELECT $2, $3, 'note', 'order/' || $1, jsonb_build_object('note_id', id) FROM note
				)
				SELECT id FROM note`, orderID, now, actor, text).Scan(&n.ID)
			return n, err
		}
		if k.Key == "" {
			note, err = add()
			return err
		}
		note, replayed, err = idem.Do(ctx, tx, idem.Key(k), add)
		return err
	})
	if err != nil {
		return note, false, fmt.Errorf("note on order %s: %w", orderID, pg.AsFault(err))
	}
	return note, replayed, nil
}

// Notes returns the notes on an order, oldest first, after the one of an id.
func (s *Store) Notes(ctx context.Context, orderID string, after int64, n int) ([]app.Note, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, at, actor, text FROM order_notes WHERE order_id = $1 AND id > $2 ORDER BY id LIMIT $3`, orderID, after, n)
	if err != nil {
		return nil, pg.AsFault(err)
	}
	notes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[app.Note])
	if err != nil {
		return nil, fmt.Errorf("notes on order %s: %w", orderID, pg.AsFault(err))
	}
	return notes, nil
}
