// Package postgres keeps pricing's lists, prices, rates and coupons, and its replica of catalog. The invariants of the core
// stand again as constraints; a name of a constraint is what code matches on.
package postgres

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/inbox"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/pricing/internal/app"
	"github.com/sidecart/sidecart/services/pricing/internal/pricing"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are all sets that pricing's database needs.
func Migrations() []pg.Migrations {
	own, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the path is a constant
	}
	return []pg.Migrations{outbox.Migrations, inbox.Migrations, {Name: "pricing", FS: own}}
}

// Store is pricing's database. It implements app.Loader, app.Store and app.Replica.
type Store struct {
	pool     *pgxpool.Pool
	box      *outbox.Box
	settings atomic.Pointer[settings]
}

// settings are the lists and rates as of a version: few, read by every quote, so kept in memory until the version moves.
type settings struct {
	version int64
	lists   map[string]*pricing.List
	tax     pricing.TaxTable
}

// New returns a store on a migrated database.
func New(pool *pgxpool.Pool, box *outbox.Box) *Store { return &Store{pool: pool, box: box} }

// loadSQL answers, in one statement and so of one moment: the version of the settings, the prices of the SKUs in the
// currency, their tax categories, and the coupons.
const loadSQL = `
SELECT 'version', '', '', version, NULL::bigint, 0::bigint, NULL::timestamptz, NULL::timestamptz, NULL::jsonb FROM settings_version
UNION ALL
SELECT 'price', sku, list_id, amount, compare_at, min_quantity, valid_from, valid_to, NULL FROM prices WHERE sku = ANY ($1) AND currency = $2
UNION ALL
SELECT 'tax', sku, tax_category, 0, NULL, 0, NULL, NULL, NULL FROM sku_taxes WHERE sku = ANY ($1)
UNION ALL
SELECT 'coupon', code, label, percent_bp, usage_limit, used, valid_from, valid_to,
	jsonb_build_object('kind', kind, 'amounts', amounts, 'min_totals', min_totals, 'enabled', enabled) FROM coupons WHERE code = ANY ($3)`

// couponDoc is what of a coupon does not fit the columns of loadSQL.
type couponDoc struct {
	Kind      string         `json:"kind"`
	Amounts   []money.Amount `json:"amounts"`
	MinTotals []money.Amount `json:"min_totals"`
	Enabled   bool           `json:"enabled"`
}

// loadRow is a row of loadSQL; what its fields mean depends on kind.
type loadRow struct {
	kind, key, ref string
	n              int64
	m              *int64
	k              int64
	from, to       *time.Time
	doc            []byte
}

// Load implements app.Loader in one statement, or two after the settings have changed.
func (s *Store) Load(ctx context.Context, ask app.Ask) (*app.Loaded, error) {
	rows, err := s.pool.Query(ctx, loadSQL, ask.SKUs, string(ask.Currency), ask.Codes)
	if err != nil {
		return nil, pg.AsFault(err)
	}
	var version int64
	var found []loadRow
	var r loadRow
	_, err = pgx.ForEachRow(rows, []any{&r.kind, &r.key, &r.ref, &r.n, &r.m, &r.k, &r.from, &r.to, &r.doc}, func() error {
		if r.kind == "version" {
			version = r.n
		} else {
			found = append(found, r)
			found[len(found)-1].doc = append([]byte(nil), r.doc...)
		}
		return nil
	})
	if err != nil {
		return nil, pg.AsFault(err)
	}
	set := s.settings.Load()
	if set == nil || set.version != version {
		if set, err = loadSettings(ctx, s.pool); err != nil {
			return nil, err
		}
		s.settings.Store(set)
	}
	return set.assemble(ask, found)
}

func (set *settings) assemble(ask app.Ask, found []loadRow) (*app.Loaded, error) {
	out := &app.Loaded{
		Book:        pricing.Book{Rows: make(map[string][]pricing.Row, len(ask.SKUs)), Tax: set.tax},
		TaxCategory: make(map[string]string, len(ask.SKUs)),
		Coupons:     pricing.Coupons{},
	}
	for _, r := range found {
		switch r.kind {
		case "price":
			list := set.lists[r.ref]
			if list == nil {
				continue // made after the settings were read: the next quote knows it
			}
			row := pricing.Row{List: list, Amount: money.New(r.n, ask.Currency), MinQuantity: r.k, Window: window(r.from, r.to)}
			if r.m != nil {
				compare := money.New(*r.m, ask.Currency)
				row.CompareAt = &compare
			}
			out.Book.Rows[r.key] = append(out.Book.Rows[r.key], row)
		case "tax":
			out.TaxCategory[r.key] = r.ref
		case "coupon":
			c, err := r.coupon()
			if err != nil {
				return nil, err
			}
			out.Coupons[r.key] = c
		}
	}
	return out, nil
}

func (r loadRow) coupon() (pricing.Coupon, error) {
	var doc couponDoc
	if err := json.Unmarshal(r.doc, &doc); err != nil {
		return pricing.Coupon{}, fmt.Errorf("coupon %s: %w", r.key, err)
	}
	return pricing.Coupon{
		Code: r.key, Label: r.ref, Kind: doc.Kind, BasisPoints: r.n, Amounts: doc.Amounts, MinSubtotal: doc.MinTotals,
		Window: window(r.from, r.to), UsageLimit: *r.m, Used: r.k, Enabled: doc.Enabled,
	}, nil
}

const settingsSQL = `
SELECT 'version', '', '', '', '', '', '{}'::text[], false, version, NULL::timestamptz, NULL::timestamptz FROM settings_version
UNION ALL
SELECT 'list', id, name, currency, channel, customer_group, countries, tax_included, priority, valid_from, valid_to FROM price_lists
UNION ALL
SELECT 'rate', country, region, tax_category, rounding, '', '{}', false, rate_bp, NULL, NULL FROM tax_rates`

func loadSettings(ctx context.Context, q pg.Querier) (*settings, error) {
	rows, err := q.Query(ctx, settingsSQL)
	if err != nil {
		return nil, pg.AsFault(err)
	}
	set := &settings{lists: map[string]*pricing.List{}, tax: pricing.TaxTable{}}
	var kind, a, b, c, d, e string
	var countries []string
	var flag bool
	var n int64
	var from, to *time.Time
	_, err = pgx.ForEachRow(rows, []any{&kind, &a, &b, &c, &d, &e, &countries, &flag, &n, &from, &to}, func() error {
		switch kind {
		case "version":
			set.version = n
		case "list":
			set.lists[a] = &pricing.List{ID: a, Name: b, Currency: money.Currency(c), Channel: d, Group: e,
				Countries: countries, TaxIncluded: flag, Priority: int(n), Window: window(from, to)}
			countries = nil // the list keeps it
		case "rate":
			rounding, err := money.ParseRounding(d)
			if err != nil {
				return err
			}
			set.tax[pricing.TaxKey{Country: a, Region: b, Category: c}] = pricing.TaxRate{
				Country: a, Region: b, Category: c, BasisPoints: n, Rounding: rounding}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load price lists and tax rates: %w", pg.AsFault(err))
	}
	return set, nil
}

// window reads open ends as zero times.
func window(from, to *time.Time) (w pricing.Window) {
	if from != nil {
		w.From = *from
	}
	if to != nil {
		w.To = *to
	}
	return w
}

// bound is the inverse of window for one end.
func bound(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Microsecond)
	return &t
}
