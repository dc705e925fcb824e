// Package postgres keeps the logs of carts, which are the truth, and the replicas of catalog and inventory. The row of a cart
// decides who won: an append moves its version from n to n+1, or finds that somebody else did.
package postgres

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/cart/internal/app"
	"github.com/sidecart/sidecart/services/cart/internal/cart"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are all sets that cart's database needs.
func Migrations() []pg.Migrations {
	own, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the path is a constant
	}
	return []pg.Migrations{outbox.Migrations, idem.Migrations, {Name: "cart", FS: own}}
}

// snapshotEvery is after how many events a cart's row takes its state along, so that a rebuild folds fewer than that.
const snapshotEvery = 50

// Store is cart's database. It implements app.Store, app.Idle and app.Replica.
type Store struct {
	pool *pgxpool.Pool
	box  *outbox.Box
}

// New returns a store on a migrated database.
func New(pool *pgxpool.Pool, box *outbox.Box) *Store { return &Store{pool: pool, box: box} }

const loadSQL = `
SELECT 0 AS part, snapshot_version AS version, '' AS type, snapshot AS data, updated_at AS at FROM carts WHERE id = $1
UNION ALL
SELECT 1, e.version, e.type, e.data, e.at FROM carts c JOIN cart_events e ON e.cart_id = c.id AND e.version > c.snapshot_version WHERE c.id = $1
ORDER BY part, version`

// Load implements app.Store in one statement.
func (s *Store) Load(ctx context.Context, id string) (cart.Cart, error) {
	rows, err := s.pool.Query(ctx, loadSQL, id)
	if err != nil {
		return cart.Cart{}, fmt.Errorf("load cart %s: %w", id, pg.AsFault(err))
	}
	var c cart.Cart
	var events []cart.Recorded
	var part int
	var r cart.Recorded
	var typ string
	var data []byte
	_, err = pgx.ForEachRow(rows, []any{&part, &r.Version, &typ, &data, &r.At}, func() (err error) {
		if part == 0 {
			c, err = decodeSnapshot(id, r.Version, data)
			return err
		}
		r.At = r.At.UTC()
		r.Event, err = decodeEvent(typ, data)
		events = append(events, r)
		return err
	})
	if err != nil {
		return cart.Cart{}, fmt.Errorf("load cart %s: %w", id, pg.AsFault(err))
	}
	if c.ID == "" {
		return cart.Cart{}, cart.ErrNotFound
	}
	return c.Apply(events...)
}

// itemColumns reads the replica for the SKUs of parameter $1; the join yields one row without a SKU when there are none. The LIMITs
// make it look each SKU up, whatever the planner believes of the length of the array: a plain join reads all of levels for two SKUs.
const itemColumns = `u.sku, s.product_id, s.title, s.image_url, s.sellable, s.weight_grams, l.available, l.in_stock, l.status
FROM (SELECT 1) AS one LEFT JOIN unnest($1::text[]) AS u (sku) ON true
LEFT JOIN LATERAL (SELECT product_id, title, image_url, sellable, weight_grams FROM sellables WHERE sku = u.sku LIMIT 1) AS s ON true
LEFT JOIN LATERAL (SELECT available, in_stock, status FROM levels WHERE sku = u.sku LIMIT 1) AS l ON true`

const readSQL = `SELECT coalesce((SELECT version FROM carts WHERE id = $2), 0), 0::bigint, ` + itemColumns

// Read implements app.Store.
func (s *Store) Read(ctx context.Context, id string, skus []string) (int64, map[string]app.Item, error) {
	version, _, items, err := s.items(ctx, s.pool, readSQL, skus, id)
	if err != nil {
		return 0, nil, fmt.Errorf("read cart %s: %w", id, pg.AsFault(err))
	}
	return version, items, nil
}

// items runs a query whose rows are two numbers, alike in all rows, and itemColumns.
func (s *Store) items(ctx context.Context, q pg.Querier, sql string, args ...any) (n, m int64, items map[string]app.Item, err error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return 0, 0, nil, err
	}
	items = map[string]app.Item{}
	var sku, product, title, image *string
	var sellable *bool
	var grams, available, inStock *int64
	var status *string
	_, err = pgx.ForEachRow(rows, []any{&n, &m, &sku, &product, &title, &image, &sellable, &grams, &available, &inStock, &status}, func() error {
		if sku == nil {
			return nil
		}
		var it app.Item
		if available != nil {
			it.Level = &app.Level{Available: *available, InStock: *inStock, Status: *status}
		}
		if product != nil {
			it.ProductID, it.Title, it.ImageURL, it.Known, it.Sellable, it.Grams = *product, *title, *image, true, *sellable, *grams
		}
		items[*sku] = it
		return nil
	})
	return n, m, items, err
}

// Apply implements app.Store: one statement for one change without a key, else a transaction.
func (s *Store) Apply(ctx context.Context, w app.Write) (cartapi.Cart, bool, error) {
	if w.Key.Key == "" && len(w.Changes) <= 1 {
		answer, err := s.write(ctx, s.pool, w)
		return answer, false, pg.AsFault(err)
	}
	var answer cartapi.Cart
	var replayed bool
	err := pg.InTx(ctx, s.pool, pg.TxOptions{Attempts: 3}, func(ctx context.Context, tx *pg.Tx) (err error) {
		answer, replayed, err = idem.Do(ctx, tx, w.Key, func() (cartapi.Cart, error) { return s.write(ctx, tx, w) })
		return err
	})
	return answer, replayed, err
}

func (s *Store) write(ctx context.Context, q pg.Querier, w app.Write) (answer cartapi.Cart, err error) {
	var items map[string]app.Item
	if len(w.Changes) == 0 {
		_, _, items, err = s.items(ctx, q, readSQL, w.SKUs, "")
		if err != nil {
			return answer, fmt.Errorf("read items: %w", err)
		}
	}
	changes := slices.Clone(w.Changes)
	slices.SortFunc(changes, func(a, b app.Change) int { // two merges the other way round lock in the same order
		if a.After.ID < b.After.ID {
			return -1
		}
		return 1
	})
	for i, c := range changes {
		skus, fresh := w.SKUs, w.NewSKUs
		if i > 0 {
			skus, fresh = nil, nil
		}
		found, err := s.append(ctx, q, w.Actor, c, fresh, skus)
		if err != nil {
			return answer, fmt.Errorf("append to cart %s: %w", c.After.ID, err)
		}
		if i == 0 {
			items = found
		}
	}
	if w.Answer != nil {
		answer = w.Answer(items)
	}
	return answer, nil
}

// The append, from the version before to the version given. $1 are the SKUs for the answer, $2 those that must be sellable.
const (
	beginSQL = `
WITH missing AS (SELECT 0::bigint AS n), moved AS (
	INSERT INTO carts (id, version, status, line_count, total, updated_at, snapshot)
	SELECT $3::text, $4::bigint, $5::text, $6::integer, $7::bigint, $8::timestamptz, $9::json WHERE coalesce(cardinality($2::text[]), 0) = 0
	ON CONFLICT (id) DO NOTHING RETURNING id
), ` + eventSQL
	moveSQL = `
WITH missing AS (
	SELECT count(*) AS n FROM unnest($2::text[]) AS u (sku) WHERE (SELECT s.sellable FROM sellables s WHERE s.sku = u.sku) IS NOT TRUE
), moved AS (
	UPDATE carts SET version = $4::bigint, status = $5::text, line_count = $6::integer, total = $7::bigint, updated_at = $8::timestamptz,
		snapshot = coalesce($9::json, snapshot), snapshot_version = CASE WHEN $9::json IS NULL THEN snapshot_version ELSE $4::bigint END
	WHERE id = $3::text AND version = $4::bigint - 1 AND (SELECT n FROM missing) = 0 RETURNING id
), ` + eventSQL
	eventSQL = `event AS (
	INSERT INTO cart_events (cart_id, version, type, data, actor, at) SELECT id, $4::bigint, $10::text, $11::json, $12::text, $8::timestamptz FROM moved
)
SELECT (SELECT count(*) FROM moved), (SELECT n FROM missing), ` + itemColumns
)

func (s *Store) append(ctx context.Context, q pg.Querier, actor string, c app.Change, fresh, skus []string) (map[string]app.Item, error) {
	typ, data, err := encodeEvent(c.Event)
	if err != nil {
		return nil, err
	}
	var snapshot []byte
	if c.After.Version%snapshotEvery == 0 {
		if snapshot, err = encodeSnapshot(&c.After); err != nil {
			return nil, err
		}
	}
	sql := moveSQL
	if c.After.Version == 1 {
		sql = beginSQL
	}
	moved, missing, items, err := s.items(ctx, q, sql, skus, fresh, c.After.ID, c.After.Version, string(c.After.Status), len(c.After.Lines), c.Total,
		c.After.UpdatedAt, snapshot, typ, data, actor)
	switch {
	case err != nil:
		return nil, err
	case missing > 0:
		return nil, app.ErrItems
	case moved == 0:
		return nil, app.ErrConflict
	}
	return items, nil
}

var errFree = errors.New("the key is not taken")

// Replay implements app.Store.
func (s *Store) Replay(ctx context.Context, k idem.Key) (answer cartapi.Cart, ok bool, err error) {
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		entry, err := idem.Start(ctx, tx, k, "")
		if err != nil {
			return err
		}
		if entry.State != idem.Done {
			return errFree // rolled back: looking must not take it
		}
		ok = true
		return json.Unmarshal(entry.Answer, &answer)
	})
	if errors.Is(err, errFree) {
		err = nil
	}
	return answer, ok && err == nil, err
}

// maxPage is after how many bytes of data a page of the log ends.
const maxPage = 1 << 20

// Log implements app.Store. What would give another cart's id away is left out.
func (s *Store) Log(ctx context.Context, id string, above int64, limit int) ([]cartapi.LogEntry, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT version, type, at, data FROM (
			SELECT *, sum(octet_length(data::text)) OVER (ORDER BY version) - octet_length(data::text) AS before
			FROM cart_events WHERE cart_id = $1 AND version > $2 ORDER BY version LIMIT $3
		) AS page WHERE before < $4 ORDER BY version`, id, above, limit, maxPage)
	if err != nil {
		return nil, fmt.Errorf("log of cart %s: %w", id, pg.AsFault(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e cartapi.LogEntry, err error) {
		var data []byte
		if err = row.Scan(&e.Version, &e.Type, &e.At, &data); err != nil {
			return e, err
		}
		e.At = e.At.UTC()
		e.Data, err = public(data)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("log of cart %s: %w", id, pg.AsFault(err))
	}
	return all, nil
}
