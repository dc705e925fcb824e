package books

import (
	"context"

	"github.com/jackc/pgx/v5"
)

func readCatalog(ctx context.Context, tx pgx.Tx, s *Snapshot) error {
	if err := readTold(ctx, tx, "catalog", s); err != nil {
		return err
	}
	// Cart goes by the product's version: an event that only tells of new labels does not raise it.
	var versions []Told
	if err := collect(ctx, tx, &versions, `SELECT $1::text, id::text, version, updated_at FROM products`, productVersions); err != nil {
		return err
	}
	s.Told = append(s.Told, versions...)
	for consumer, subscription := range map[string]string{"pricing": catalogOfPricing, "inventory": catalogOfInventory} {
		if err := readConsumed(ctx, tx, subscription, s, inboxSQL, consumer); err != nil {
			return err
		}
	}
	return readOutbox(ctx, tx, "catalog", s)
}
