package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/cart/internal/app"
)

// Left implements app.Idle.
func (s *Store) Left(ctx context.Context, from, to time.Time, afterID string, limit int) ([]app.LeftCart, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT id, version, total FROM carts
		WHERE status = 'open' AND line_count > 0 AND abandoned_version < version AND updated_at > $1 AND updated_at <= $2 AND id > $3
		ORDER BY id LIMIT $4`, from, to, afterID, limit)
	if err != nil {
		return nil, fmt.Errorf("carts left alone: %w", pg.AsFault(err))
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[app.LeftCart])
	if err != nil {
		return nil, fmt.Errorf("carts left alone: %w", pg.AsFault(err))
	}
	return all, nil
}

// Tell implements app.Idle: the events and the note that they were told are one transaction.
func (s *Store) Tell(ctx context.Context, all []cartapi.AbandonedV1, at time.Time) (told int, err error) {
	ids, versions, byID := make([]string, len(all)), make([]int64, len(all)), make(map[string]cartapi.AbandonedV1, len(all))
	for i, a := range all {
		ids[i], versions[i], byID[a.CartID] = a.CartID, a.Version, a
	}
	err = pg.InTx(ctx, s.pool, pg.TxOptions{Attempts: 3}, func(ctx context.Context, tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `
			UPDATE carts c SET abandoned_version = c.version FROM unnest($1::text[], $2::bigint[]) AS u (id, version)
			WHERE c.id = u.id AND c.version = u.version AND c.abandoned_version < c.version RETURNING c.id`, ids, versions)
		if err != nil {
			return fmt.Errorf("note abandoned carts: %w", err)
		}
		won, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("note abandoned carts: %w", err)
		}
		events := make([]outbox.Event, len(won))
		for i, id := range won {
			events[i] = outbox.Event{Topic: cartapi.Topic, Type: cartapi.TypeAbandonedV1, Subject: id, Time: at, Data: byID[id]}
		}
		told = len(won)
		return s.box.Append(ctx, tx, events...)
	})
	return told, err
}

const forgetChunk = 1000

// Forget implements app.Idle: it deletes what was not changed since before, in transactions of some thousand, and old keys.
func (s *Store) Forget(ctx context.Context, before time.Time) (total int64, err error) {
	for {
		tag, err := s.pool.Exec(ctx, `
			DELETE FROM carts WHERE id IN (SELECT id FROM carts WHERE updated_at < $1 ORDER BY updated_at LIMIT $2 FOR UPDATE SKIP LOCKED)
				AND updated_at < $1`, before, forgetChunk)
		if err != nil {
			return total, fmt.Errorf("forget carts: %w", pg.AsFault(err))
		}
		total += tag.RowsAffected()
		if tag.RowsAffected() < forgetChunk {
			break
		}
	}
	_, err = idem.Prune(ctx, s.pool, idem.Lifetime)
	return total, err
}
