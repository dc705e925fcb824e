package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// announce appends an event for each SKU with all its rows in all lists.
func (s *Store) announce(ctx context.Context, tx *pg.Tx, at time.Time, skus []string) error {
	if len(skus) == 0 {
		return nil
	}
	bySKU, err := rowsOf(ctx, tx, skus)
	if err != nil {
		return fmt.Errorf("prices to announce: %w", err)
	}
	events := make([]outbox.Event, 0, len(skus))
	for _, sku := range skus {
		events = append(events, outbox.Event{Topic: pricingapi.Topic, Type: pricingapi.TypePricesChangedV1, Subject: sku, Time: at,
			Data: pricingapi.PricesChangedV1{SKU: sku, Prices: bySKU[sku]}})
	}
	return s.box.Append(ctx, tx, events...)
}

// rowsOf returns all rows of each SKU in all lists; none is an empty list.
func rowsOf(ctx context.Context, q pg.Querier, skus []string) (map[string][]pricingapi.ListPriceV1, error) {
	rows, err := q.Query(ctx, `
		SELECT p.sku, p.list_id, p.currency, p.amount, p.compare_at, p.min_quantity, p.valid_from, p.valid_to,
			l.tax_included, l.channel, l.customer_group, l.countries, l.priority, l.valid_from, l.valid_to
		FROM prices p JOIN price_lists l ON l.id = p.list_id WHERE p.sku = ANY ($1)
		ORDER BY p.sku, p.list_id, p.min_quantity, p.valid_from`, skus)
	if err != nil {
		return nil, err
	}
	bySKU := make(map[string][]pricingapi.ListPriceV1, len(skus))
	for _, sku := range skus {
		bySKU[sku] = []pricingapi.ListPriceV1{}
	}
	var sku, currency string
	var p pricingapi.ListPriceV1
	var compare *int64
	var listFrom, listTo *time.Time
	_, err = pgx.ForEachRow(rows, []any{&sku, &p.PriceListID, &currency, &p.Amount.Minor, &compare, &p.MinQuantity, &p.ValidFrom, &p.ValidTo,
		&p.TaxIncluded, &p.Channel, &p.CustomerGroup, &p.Countries, &p.Priority, &listFrom, &listTo}, func() error {
		row := p
		row.Amount.Currency, row.Countries = money.Currency(currency), slices.Clone(p.Countries)
		row.ValidFrom, row.ValidTo = later(p.ValidFrom, listFrom), sooner(p.ValidTo, listTo)
		if compare != nil {
			row.CompareAtPrice = &money.Amount{Minor: *compare, Currency: row.Amount.Currency}
		}
		bySKU[sku] = append(bySKU[sku], row)
		p.ValidFrom, p.ValidTo = nil, nil // the row keeps what was scanned
		return nil
	})
	return bySKU, err
}

// Told lists the prices of SKUs with the sequences of their last events. The sequences are read first: what is told with one is what its event
// said, or what a later one says.
func (s *Store) Told(ctx context.Context, after string, limit int) (pricingapi.Told, error) {
	out := pricingapi.Told{Items: []pricingapi.PricesChangedV1{}}
	rows, err := s.pool.Query(ctx, `SELECT subject, last FROM outbox_sequences WHERE topic = $1 AND subject > $2 ORDER BY subject LIMIT $3`, pricingapi.Topic, after, limit+1)
	if err != nil {
		return out, fmt.Errorf("told prices: %w", pg.AsFault(err))
	}
	var skus []string
	var one pricingapi.PricesChangedV1
	_, err = pgx.ForEachRow(rows, []any{&one.SKU, &one.Sequence}, func() error {
		if len(skus) == limit {
			out.Next = skus[limit-1]
			return nil
		}
		out.Items, skus = append(out.Items, one), append(skus, one.SKU)
		return nil
	})
	if err != nil {
		return out, fmt.Errorf("told prices: %w", pg.AsFault(err))
	}
	bySKU, err := rowsOf(ctx, s.pool, skus)
	if err != nil {
		return out, fmt.Errorf("told prices: %w", pg.AsFault(err))
	}
	for i := range out.Items {
		out.Items[i].Prices = bySKU[out.Items[i].SKU]
	}
	return out, nil
}

// later and sooner narrow a row's window by its list's; nil is open.
func later(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.After(*a) {
		return b
	}
	return a
}

func sooner(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.Before(*a) {
		return b
	}
	return a
}
