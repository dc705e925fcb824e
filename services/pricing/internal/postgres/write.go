package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/inbox"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/pricing/internal/app"
	"github.com/sidecart/sidecart/services/pricing/internal/pricing"
)

// change runs fn in a transaction; whoever changes settings holds the version row, so such changes come one after the other.
func (s *Store) change(ctx context.Context, settings bool, fn func(ctx context.Context, tx *pg.Tx) error) error {
	return pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		if settings {
			if _, err := tx.Exec(ctx, `UPDATE settings_version SET version = version + 1`); err != nil {
				return fmt.Errorf("settings version: %w", err)
			}
		}
		return fn(ctx, tx)
	})
}

func audit(ctx context.Context, tx *pg.Tx, by app.Change, action, entity string, before, after any) error {
	_, err := tx.Exec(ctx, `INSERT INTO audit_log (at, actor, action, entity, before, after) VALUES ($1, $2, $3, $4, $5, $6)`,
		by.At, by.Actor, action, entity, before, after)
	if err != nil {
		return fmt.Errorf("audit %s %s: %w", action, entity, err)
	}
	return nil
}

// PutList implements app.Store. Readers of prices need to know of a changed list, so each of its SKUs gets an event.
func (s *Store) PutList(ctx context.Context, by app.Change, l pricing.List) error {
	return s.change(ctx, true, func(ctx context.Context, tx *pg.Tx) error {
		if err := oneWriter(ctx, tx); err != nil { // before the list's row, as PutPrices does
			return err
		}
		others, err := listsOf(ctx, tx, l.Currency)
		if err != nil {
			return err
		}
		var before *pricing.List
		for _, o := range others {
			if o.ID == l.ID {
				before = o
			} else if o.TaxIncluded != l.TaxIncluded && l.Overlaps(o) {
				return pricing.ErrTaxMode.With("price_list_id", o.ID)
			}
		}
		tag, err := tx.Exec(ctx, `
			INSERT INTO price_lists AS p (id, name, currency, tax_included, channel, customer_group, countries, priority, valid_from, valid_to, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, coalesce($7::text[], '{}'), $8, $9, $10, $11)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, tax_included = excluded.tax_included, channel = excluded.channel,
				customer_group = excluded.customer_group, countries = excluded.countries, priority = excluded.priority,
				valid_from = excluded.valid_from, valid_to = excluded.valid_to, updated_at = excluded.updated_at
			WHERE p.currency = excluded.currency`,
			l.ID, l.Name, string(l.Currency), l.TaxIncluded, l.Channel, l.Group, l.Countries, l.Priority,
			bound(l.Window.From), bound(l.Window.To), by.At)
		if err != nil {
			return fmt.Errorf("price list %s: %w", l.ID, err)
		}
		if tag.RowsAffected() == 0 {
			return fault.New(fault.Conflict, "price-list-currency", "The currency of a price list cannot change.")
		}
		if err := audit(ctx, tx, by, "put", "price-list/"+l.ID, before, l); err != nil || before == nil || before.SameTerms(&l) {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT DISTINCT sku FROM prices WHERE list_id = $1 ORDER BY sku`, l.ID)
		if err != nil {
			return fmt.Errorf("SKUs of price list %s: %w", l.ID, err)
		}
		skus, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("SKUs of price list %s: %w", l.ID, err)
		}
		return s.announce(ctx, tx, by.At, skus)
	})
}

func listsOf(ctx context.Context, tx *pg.Tx, c money.Currency) ([]*pricing.List, error) {
	rows, err := tx.Query(ctx, `SELECT id, name, currency, tax_included, channel, customer_group, countries, priority, valid_from, valid_to
		FROM price_lists WHERE currency = $1 ORDER BY id`, string(c))
	if err != nil {
		return nil, fmt.Errorf("price lists of %s: %w", c, err)
	}
	return pgx.CollectRows(rows, scanList)
}

func scanList(row pgx.CollectableRow) (*pricing.List, error) {
	var l pricing.List
	var from, to *time.Time
	err := row.Scan(&l.ID, &l.Name, &l.Currency, &l.TaxIncluded, &l.Channel, &l.Group, &l.Countries, &l.Priority, &from, &to)
	l.Window = window(from, to)
	return &l, err
}

// oneWriter lets writers of prices come one after the other: an event carries all rows of a SKU over all lists, so two
// writers side by side would each announce a state without the other's rows. Readers do not wait.
func oneWriter(ctx context.Context, tx *pg.Tx) error {
	if _, err := tx.Exec(ctx, `LOCK TABLE prices IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		return fmt.Errorf("lock prices: %w", err)
	}
	return nil
}

// PutPrices implements app.Store with as many statements for a thousand rows as for one.
func (s *Store) PutPrices(ctx context.Context, by app.Change, listID string, rows []app.PriceRow) error {
	return s.change(ctx, false, func(ctx context.Context, tx *pg.Tx) error {
		var currency money.Currency
		if err := oneWriter(ctx, tx); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `SELECT currency FROM price_lists WHERE id = $1 FOR SHARE`, listID).Scan(&currency)
		if errors.Is(err, pgx.ErrNoRows) {
			return app.ErrListNotFound
		}
		if err != nil {
			return fmt.Errorf("price list %s: %w", listID, err)
		}
		if err := ofCurrency(rows, currency); err != nil { // before changed takes rows out: a place is that of the input
			return err
		}
		rows, before, err := changed(ctx, tx, listID, rows)
		if err != nil || len(rows) == 0 {
			return err
		}
		cols, skus := columns(rows)
		if _, err := tx.Exec(ctx, `DELETE FROM prices WHERE list_id = $1 AND sku = ANY ($2)`, listID, skus); err != nil {
			return fmt.Errorf("old prices of %s: %w", listID, err)
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO prices (list_id, currency, sku, amount, compare_at, min_quantity, valid_from, valid_to)
			SELECT $1, $2, u.* FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::timestamptz[], $8::timestamptz[]) AS u`,
			listID, string(currency), cols.sku, cols.amount, cols.compareAt, cols.minQuantity, cols.from, cols.to)
		if err != nil {
			return fmt.Errorf("prices of %s: %w", listID, err)
		}
		if err := audit(ctx, tx, by, "put-prices", "price-list/"+listID, before, rows); err != nil {
			return err
		}
		return s.announce(ctx, tx, by.At, skus)
	})
}

// changed keeps the rows of those SKUs whose prices in the list are not these already, and returns what these SKUs had before: writing
// the same again is no change, and tells nobody anything.
func changed(ctx context.Context, tx *pg.Tx, listID string, rows []app.PriceRow) (left, before []app.PriceRow, err error) {
	wanted, present := map[string][]string{}, map[string][]string{}
	for _, r := range rows {
		wanted[r.SKU] = append(wanted[r.SKU], fingerprint(r))
	}
	found, err := tx.Query(ctx, priceSQL+` WHERE list_id = $1 AND sku = ANY ($2)`, listID, slices.Collect(maps.Keys(wanted)))
	if err != nil {
		return nil, nil, fmt.Errorf("present prices of %s: %w", listID, err)
	}
	before, err = pgx.CollectRows(found, func(row pgx.CollectableRow) (app.PriceRow, error) {
		_, r, err := scanPrice(row)
		return r, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("present prices of %s: %w", listID, err)
	}
	for _, r := range before {
		present[r.SKU] = append(present[r.SKU], fingerprint(r))
	}
	same := func(r app.PriceRow) bool {
		a, b := wanted[r.SKU], present[r.SKU]
		slices.Sort(a)
		slices.Sort(b)
		return slices.Equal(a, b)
	}
	return slices.DeleteFunc(slices.Clone(rows), same), slices.DeleteFunc(before, same), nil
}

// fingerprint writes a price row so that two are the same exactly when they mean the same.
func fingerprint(r app.PriceRow) string {
	s := fmt.Sprint(r.Amount, "|", r.MinQuantity, "|")
	if r.CompareAt != nil {
		s += r.CompareAt.String()
	}
	for _, t := range []*time.Time{bound(r.Window.From), bound(r.Window.To)} {
		s += "|"
		if t != nil {
			s += t.Format(time.RFC3339Nano)
		}
	}
	return s
}

// priceColumns are rows turned on their side, as unnest takes them.
type priceColumns struct {
	sku                 []string
	amount, minQuantity []int64
	compareAt           []*int64
	from, to            []*time.Time
}

// ofCurrency reports all rows that are of another currency.
func ofCurrency(rows []app.PriceRow, currency money.Currency) error {
	var wrong fault.Collector
	for i, r := range rows {
		wrong.Check(r.Amount.Currency == currency, fmt.Sprintf("body.prices[%d].amount.currency", i), "must be the list's: "+string(currency), string(r.Amount.Currency))
	}
	return wrong.Err()
}

func columns(rows []app.PriceRow) (c priceColumns, skus []string) {
	for _, r := range rows {
		var compare *int64
		if r.CompareAt != nil {
			compare = &r.CompareAt.Minor
		}
		c.sku, c.amount, c.compareAt = append(c.sku, r.SKU), append(c.amount, r.Amount.Minor), append(c.compareAt, compare)
		c.minQuantity, c.from, c.to = append(c.minQuantity, r.MinQuantity), append(c.from, bound(r.Window.From)), append(c.to, bound(r.Window.To))
	}
	skus = slices.Clone(c.sku)
	slices.Sort(skus)
	return c, slices.Compact(skus)
}

// PutTaxRates implements app.Store.
func (s *Store) PutTaxRates(ctx context.Context, by app.Change, rates []pricing.TaxRate) error {
	return s.change(ctx, true, func(ctx context.Context, tx *pg.Tx) error {
		set, err := loadSettings(ctx, tx)
		if err != nil {
			return err
		}
		var before []pricing.TaxRate
		var batch pgx.Batch
		for _, r := range rates {
			if was, ok := set.tax[pricing.TaxKey{Country: r.Country, Region: r.Region, Category: r.Category}]; ok {
				before = append(before, was)
			}
			batch.Queue(`INSERT INTO tax_rates (country, region, tax_category, rate_bp, rounding) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (country, region, tax_category) DO UPDATE SET rate_bp = excluded.rate_bp, rounding = excluded.rounding`,
				r.Country, r.Region, r.Category, r.BasisPoints, r.Rounding.String())
		}
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return fmt.Errorf("tax rates: %w", err)
		}
		return audit(ctx, tx, by, "put", "tax-rates", before, rates)
	})
}

// PutCoupon implements app.Store.
func (s *Store) PutCoupon(ctx context.Context, by app.Change, c pricing.Coupon) error {
	return s.change(ctx, false, func(ctx context.Context, tx *pg.Tx) error {
		var before json.RawMessage
		err := tx.QueryRow(ctx, `SELECT to_jsonb(c) FROM coupons c WHERE code = $1 FOR UPDATE`, c.Code).Scan(&before)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("coupon %s: %w", c.Code, err)
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO coupons (code, label, kind, percent_bp, amounts, min_totals, valid_from, valid_to, usage_limit, enabled, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
			ON CONFLICT (code) DO UPDATE SET label = excluded.label, kind = excluded.kind, percent_bp = excluded.percent_bp,
				amounts = excluded.amounts, min_totals = excluded.min_totals, valid_from = excluded.valid_from, valid_to = excluded.valid_to,
				usage_limit = excluded.usage_limit, enabled = excluded.enabled, updated_at = excluded.updated_at`,
			c.Code, c.Label, c.Kind, c.BasisPoints, orEmpty(c.Amounts), orEmpty(c.MinSubtotal), bound(c.Window.From), bound(c.Window.To),
			c.UsageLimit, c.Enabled, by.At)
		if err != nil {
			return fmt.Errorf("coupon %s: %w", c.Code, err)
		}
		return audit(ctx, tx, by, "put", "coupon/"+c.Code, before, c)
	})
}

func orEmpty(as []money.Amount) []money.Amount {
	if as == nil {
		return []money.Amount{}
	}
	return as
}

// KeepProduct implements app.Replica.
func (s *Store) KeepProduct(ctx context.Context, ev app.Event, p app.Product) error {
	return s.change(ctx, false, func(ctx context.Context, tx *pg.Tx) error {
		newer, err := inbox.Newer(ctx, tx, "catalog", ev.Subject, ev.Sequence)
		if err != nil || !newer {
			return err
		}
		_, err = tx.Exec(ctx, `
			WITH gone AS (DELETE FROM sku_taxes WHERE product_id = $1 AND NOT sku = ANY ($3))
			INSERT INTO sku_taxes (sku, product_id, tax_category) SELECT sku, $1, $2 FROM unnest($3::text[]) AS u (sku)
			ON CONFLICT (sku) DO UPDATE SET product_id = excluded.product_id, tax_category = excluded.tax_category`,
			p.ID, p.TaxCategory, p.SKUs)
		if err != nil {
			return fmt.Errorf("replica of product %s: %w", p.ID, err)
		}
		return nil
	})
}

// CountUses implements app.Replica.
func (s *Store) CountUses(ctx context.Context, ev app.Event, codes []string) error {
	return s.change(ctx, false, func(ctx context.Context, tx *pg.Tx) error {
		fresh, err := inbox.Once(ctx, tx, "coupon-uses", ev.ID)
		if err != nil || !fresh {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE coupons SET used = used + 1 WHERE code = ANY ($1)`, codes); err != nil {
			return fmt.Errorf("coupon uses: %w", err)
		}
		return nil
	})
}

// remembered is how long an event id is: longer than brokers and dead-letter replays can hold an event back.
const remembered = 30 * 24 * time.Hour

// Prune forgets the ids of events that cannot come again.
func (s *Store) Prune(ctx context.Context) error {
	_, err := inbox.Prune(ctx, s.pool, remembered)
	return err
}
