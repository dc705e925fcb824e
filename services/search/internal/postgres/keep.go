package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/search/internal/app"
)

// Lacks implements app.Keeper.
func (s *Store) Lacks(ctx context.Context, consumer string, told []app.Event) ([]string, error) {
	subjects, sequences, digests := make([]string, len(told)), make([]int64, len(told)), make([]string, len(told))
	for i, e := range told {
		subjects[i], sequences[i], digests[i] = e.Subject, e.Sequence, e.Digest
	}
	rows, err := s.pool.Query(ctx, `
		SELECT u.subject FROM unnest($2::text[], $3::bigint[], $4::text[]) AS u (subject, sequence, digest)
		LEFT JOIN inbox_sequences s ON s.consumer = $1 AND s.subject = u.subject
		LEFT JOIN digests d ON d.consumer = $1 AND d.subject = u.subject
		WHERE coalesce(s.sequence, 0) < u.sequence OR coalesce(d.digest, '') <> u.digest`, consumer, subjects, sequences, digests)
	if err != nil {
		return nil, fmt.Errorf("what is lacking of %s: %w", consumer, pg.AsFault(err))
	}
	lacking, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("what is lacking of %s: %w", consumer, pg.AsFault(err))
	}
	return lacking, nil
}

// Filled implements app.Keeper.
func (s *Store) Filled(ctx context.Context, now time.Time) error {
	if _, err := s.pool.Exec(ctx, `UPDATE replica SET filled_at = coalesce(filled_at, $1)`, now); err != nil {
		return fmt.Errorf("note that nothing is missing: %w", pg.AsFault(err))
	}
	return nil
}

// Rebuild implements app.Keeper.
func (s *Store) Rebuild(ctx context.Context, key idem.Key) (build int64, replayed bool, err error) {
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		build, replayed, err = idem.Do(ctx, tx, key, func() (n int64, err error) {
			err = tx.QueryRow(ctx, `UPDATE replica SET build = build + 1 RETURNING build`).Scan(&n)
			return n, err
		})
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("ask for a build: %w", err)
	}
	return build, replayed, nil
}

// Listed implements app.Keeper in one statement.
func (s *Store) Listed(ctx context.Context) (products int, revision int64, err error) {
	err = s.pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM products WHERE published), revision FROM replica`).Scan(&products, &revision)
	if err != nil {
		return 0, 0, fmt.Errorf("count products: %w", pg.AsFault(err))
	}
	return products, revision, nil
}
