package books

import (
	"context"

	"github.com/jackc/pgx/v5"
)

func readSearch(ctx context.Context, tx pgx.Tx, s *Snapshot) error {
	for consumer, subscription := range map[string]string{"catalog": searchOfCatalog, "pricing": searchOfPricing, "inventory": searchOfInventory} {
		if err := readConsumed(ctx, tx, subscription, s, inboxSQL, consumer); err != nil {
			return err
		}
	}
	return nil
}
