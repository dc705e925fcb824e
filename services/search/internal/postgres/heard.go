package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/search/internal/app"
)

var _ app.Memory = (*Store)(nil)

// Note implements app.Memory. Rows are locked in one order, for processes that note at once.
func (s *Store) Note(ctx context.Context, day time.Time, all []app.Heard) error {
	words, languages, asked, found := make([]string, len(all)), make([]string, len(all)), make([]int64, len(all)), make([]int64, len(all))
	for i, h := range all {
		words[i], languages[i], asked[i], found[i] = h.Words, h.Language, h.Asked, h.Found
	}
	_, err := s.pool.Exec(ctx, `
		INSERT INTO queries AS q (day, words, language, asked, found)
		SELECT $1::date, u.* FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) AS u (words, language, asked, found) ORDER BY u.words, u.language
		ON CONFLICT (day, words, language) DO UPDATE SET asked = q.asked + excluded.asked, found = excluded.found`, day, words, languages, asked, found)
	if err != nil {
		return fmt.Errorf("note %d queries: %w", len(all), pg.AsFault(err))
	}
	return nil
}

// Heard implements app.Memory. What a query finds is what it found last.
func (s *Store) Heard(ctx context.Context, since time.Time, found bool, limit int) ([]app.Heard, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT words, language, sum(asked)::bigint AS asked, (array_agg(found ORDER BY day DESC))[1] AS found FROM queries WHERE day > $1::date
		GROUP BY words, language HAVING ((array_agg(found ORDER BY day DESC))[1] > 0) = $2 ORDER BY 3 DESC, 1, 2 LIMIT $3`, since, found, limit)
	if err != nil {
		return nil, fmt.Errorf("queries: %w", pg.AsFault(err))
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[app.Heard])
	if err != nil {
		return nil, fmt.Errorf("queries: %w", pg.AsFault(err))
	}
	return all, nil
}
