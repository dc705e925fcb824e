package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
)

// KeepPrices implements app.Replica. The rows of a SKU are replaced, so events of one SKU wait for each other before they look: a statement
// that waits inside, for the row of the sequence, would still see the rows of the time before, and leave the other's standing.
func (s *Store) KeepPrices(ctx context.Context, ev app.Event, sku string, prices []app.Price) error {
	var currency, list, countries []string
	var amount []int64
	var compare []*int64
	var priority []int
	var from, to []*time.Time
	for _, p := range prices {
		codes, err := json.Marshal(p.Countries) // an array in an array would have to be rectangular
		if err != nil {
			return fmt.Errorf("countries of a price of %s: %w", sku, err)
		}
		var was *int64
		if p.CompareAt != nil {
			was = &p.CompareAt.Minor
		}
		currency, list, amount, compare = append(currency, string(p.Amount.Currency)), append(list, p.List), append(amount, p.Amount.Minor), append(compare, was)
		countries, priority, from, to = append(countries, string(codes)), append(priority, p.Priority), append(from, moment(p.From)), append(to, moment(p.To))
	}
	var batch pgx.Batch // one round trip, one transaction
	batch.Queue(`SELECT pg_advisory_xact_lock(hashtext(current_schema() || '/prices'), hashtext($1))`, sku)
	batch.Queue(newerSQL+`, gone AS (
			DELETE FROM sku_prices WHERE sku = $4 AND EXISTS (SELECT FROM newer)
		)
		INSERT INTO sku_prices (sku, currency, list_id, amount, compare_at, countries, priority, valid_from, valid_to)
		SELECT $4, u.currency, u.list, u.amount, u.compare, ARRAY (SELECT jsonb_array_elements_text(coalesce(nullif(u.countries, 'null'), '[]')::jsonb)), u.priority, u.since, u.until
		FROM newer, unnest($5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::text[], $10::int[], $11::timestamptz[], $12::timestamptz[])
			AS u (currency, list, amount, compare, countries, priority, since, until)`,
		"pricing", ev.Subject, ev.Sequence, sku, currency, list, amount, compare, countries, priority, from, to)
	if err := s.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("prices of %s: %w", sku, pg.AsFault(err))
	}
	return nil
}

// newerSQL is inbox.Newer as the head of a statement: a replica takes thousands of events a minute while prices are imported, and one
// round trip without a transaction around it is a third of the cost. newer is empty when the event is stale.
const newerSQL = `WITH newer AS (
		INSERT INTO inbox_sequences AS s (consumer, subject, sequence) VALUES ($1, $2, $3)
		ON CONFLICT (consumer, subject) DO UPDATE SET sequence = excluded.sequence, updated_at = now() WHERE s.sequence < excluded.sequence
		RETURNING sequence
	)`

// KeepLevel implements app.Replica.
func (s *Store) KeepLevel(ctx context.Context, ev app.Event, sku string, l app.Level) error {
	_, err := s.pool.Exec(ctx, newerSQL+`
		INSERT INTO sku_levels (sku, available, status, ships_at) SELECT $4, $5, $6, $7 FROM newer
		ON CONFLICT (sku) DO UPDATE SET available = excluded.available, status = excluded.status, ships_at = excluded.ships_at`,
		"inventory", ev.Subject, ev.Sequence, sku, l.Available, l.Status, l.ShipsAt)
	if err != nil {
		return fmt.Errorf("level of %s: %w", sku, pg.AsFault(err))
	}
	return nil
}

var _ interface {
	app.Store
	app.Replica
	app.Shelf
} = (*Store)(nil)
