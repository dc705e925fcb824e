package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/pricing/internal/app"
	"github.com/sidecart/sidecart/services/pricing/internal/pricing"
)

// Lists returns all price lists by id.
func (s *Store) Lists(ctx context.Context) ([]pricing.List, error) {
	set, err := s.loadSettings(ctx)
	if err != nil {
		return nil, err
	}
	var all []pricing.List
	for _, l := range set.lists {
		all = append(all, *l)
	}
	slices.SortFunc(all, func(a, b pricing.List) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// TaxRates returns all tax rates by place and category.
func (s *Store) TaxRates(ctx context.Context) ([]pricing.TaxRate, error) {
	set, err := s.loadSettings(ctx)
	if err != nil {
		return nil, err
	}
	var all []pricing.TaxRate
	for _, r := range set.tax {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b pricing.TaxRate) int {
		return cmp.Or(cmp.Compare(a.Country, b.Country), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Category, b.Category))
	})
	return all, nil
}

// Prices returns the rows of a SKU by list id; nothing for an unknown one.
func (s *Store) Prices(ctx context.Context, sku string) (map[string][]app.PriceRow, error) {
	rows, err := s.pool.Query(ctx, `SELECT list_id, currency, amount, compare_at, min_quantity, valid_from, valid_to FROM prices
		WHERE sku = $1 ORDER BY list_id, min_quantity, valid_from NULLS FIRST`, sku)
	if err != nil {
		return nil, pg.AsFault(err)
	}
	all := map[string][]app.PriceRow{}
	var list string
	var currency money.Currency
	var amount, tier int64
	var compare *int64
	var from, to *time.Time
	_, err = pgx.ForEachRow(rows, []any{&list, &currency, &amount, &compare, &tier, &from, &to}, func() error {
		r := app.PriceRow{SKU: sku, Amount: money.New(amount, currency), MinQuantity: tier, Window: window(from, to)}
		if compare != nil {
			r.CompareAt = &money.Amount{Minor: *compare, Currency: currency}
		}
		all[list] = append(all[list], r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("prices of %s: %w", sku, pg.AsFault(err))
	}
	return all, nil
}

// Coupon returns a coupon by its normal code, or app.ErrCouponNotFound.
func (s *Store) Coupon(ctx context.Context, code string) (pricing.Coupon, error) {
	loaded, err := s.Load(ctx, app.Ask{Codes: []string{code}})
	if err != nil {
		return pricing.Coupon{}, err
	}
	c, ok := loaded.Coupons[code]
	if !ok {
		return pricing.Coupon{}, app.ErrCouponNotFound
	}
	return c, nil
}
