package books

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// What a product that left the shop had sold keeps its last version.
const sellablesSQL = `SELECT product_id, min(version) FROM sellables GROUP BY product_id`

func readCart(ctx context.Context, tx pgx.Tx, s *Snapshot) error {
	if err := readConsumed(ctx, tx, cartOfCatalog, s, sellablesSQL); err != nil {
		return err
	}
	if err := readConsumed(ctx, tx, cartOfInventory, s, `SELECT sku, sequence FROM levels`); err != nil {
		return err
	}
	var carts []struct{ ID, Status string }
	if err := collect(ctx, tx, &carts, `SELECT id, status FROM carts`); err != nil {
		return err
	}
	s.Closed = make(map[string]string, len(carts))
	for _, c := range carts {
		s.Closed[c.ID] = c.Status
	}
	if err := broken(ctx, tx, s, "I6", cartsSQL); err != nil {
		return err
	}
	return readOutbox(ctx, tx, "cart", s)
}
