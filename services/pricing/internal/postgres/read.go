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
	set, err := loadSettings(ctx, s.pool)
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
	set, err := loadSettings(ctx, s.pool)
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
	rows, err := s.pool.Query(ctx, priceSQL+` WHERE sku = $1 ORDER BY list_id, min_quantity, valid_from NULLS FIRST`, sku)
	if err != nil {
		return nil, pg.AsFault(err)
	}
	defer rows.Close()
	all := map[string][]app.PriceRow{}
	for rows.Next() {
		list, r, err := scanPrice(rows)
		if err != nil {
			return nil, fmt.Errorf("prices of %s: %w", sku, err)
		}
		all[list] = append(all[list], r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("prices of %s: %w", sku, pg.AsFault(err))
	}
	return all, nil
}

const priceSQL = `SELECT list_id, sku, currency, amount, compare_at, min_quantity, valid_from, valid_to FROM prices`

// scanPrice reads a row of priceSQL.
func scanPrice(row pgx.CollectableRow) (list string, r app.PriceRow, err error) {
	var compare *int64
	var from, to *time.Time
	err = row.Scan(&list, &r.SKU, &r.Amount.Currency, &r.Amount.Minor, &compare, &r.MinQuantity, &from, &to)
	if compare != nil {
		r.CompareAt = &money.Amount{Minor: *compare, Currency: r.Amount.Currency}
	}
	r.Window = window(from, to)
	return list, r, err
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
