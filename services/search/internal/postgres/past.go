package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

var _ app.Past = (*Store)(nil)

// Products implements app.Past. A draft was never in the shop.
func (s *Store) Products(ctx context.Context, ids, slugs []string) ([]search.Product, error) {
	rows, err := s.pool.Query(ctx, `SELECT doc FROM products WHERE (id = ANY ($1::uuid[]) OR doc ->> 'Slug' = ANY ($2)) AND (published OR doc ->> 'Published' > '0001-01-02')`, ids, slugs)
	if err == nil {
		var all []search.Product
		if all, err = pgx.CollectRows(rows, pgx.RowTo[search.Product]); err == nil {
			return all, nil
		}
	}
	return nil, fmt.Errorf("products by their ids or slugs: %w", pg.AsFault(err))
}
