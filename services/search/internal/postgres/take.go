package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// lockSQL comes first in every transaction that writes: the statements behind it see all that others wrote before.
const lockSQL = `SELECT FROM replica FOR UPDATE`

// newerSQL is inbox.Newer as the head of a statement; newer is empty when the event is stale. What was asked for ($4) may say more than the
// event of its sequence.
const newerSQL = `WITH newer AS (
		INSERT INTO inbox_sequences AS s (consumer, subject, sequence) VALUES ($1, $2, $3)
		ON CONFLICT (consumer, subject) DO UPDATE SET sequence = excluded.sequence, updated_at = now()
			WHERE s.sequence < excluded.sequence OR $4 AND s.sequence = excluded.sequence
		RETURNING sequence
	)`

// touchedSQL are the products of the SKUs in put.
const touchedSQL = `touched AS (SELECT DISTINCT v.product_id FROM put JOIN variants v ON v.sku = put.sku)`

// markSQL gives the products in touched the next revisions, as of a time that is its parameter.
const markSQL = `, marked AS (
		SELECT p.id, row_number() OVER (ORDER BY p.id) AS n FROM products p WHERE p.id IN (SELECT product_id FROM touched)
	), moved AS (
		UPDATE replica SET revision = revision + (SELECT count(*) FROM marked) WHERE EXISTS (SELECT FROM marked)
	)
	UPDATE products p SET revision = r.revision + m.n, clock = greatest(p.clock, %s) FROM marked m, replica r WHERE p.id = m.id`

// nextChangeSQL is when the first of prices (a jsonb column) begins or ends after a time. Open ends are the year 1.
const nextChangeSQL = `(SELECT min(t.at) FROM jsonb_array_elements(%[1]s) AS row,
		LATERAL (VALUES ((row ->> 'From')::timestamptz), ((row ->> 'To')::timestamptz)) AS t (at) WHERE t.at > %[2]s)`

// Take implements app.Replica: one round trip, however much it is.
func (s *Store) Take(ctx context.Context, now time.Time, news ...app.News) error {
	if len(news) == 0 {
		return nil
	}
	var batch pgx.Batch
	batch.Queue(lockSQL)
	for i := range news {
		n := &news[i]
		switch {
		case n.Product != nil:
			takeProduct(&batch, now, n)
			takeNames(&batch, n)
		case n.Prices != nil:
			batch.Queue(takePricesSQL, app.FromPricing, n.Subject, n.Sequence, n.Asked, n.Prices.SKU, asJSON(n.Prices.Rows, "[]"), now)
		case n.Level != nil:
			batch.Queue(takeLevelSQL, app.FromInventory, n.Subject, n.Sequence, n.Asked, n.Level.SKU, n.Level.Available, now)
		default:
			takeSold(&batch, now, n)
		}
	}
	if err := s.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("take in %d news, first of %s: %w", len(news), news[0].Subject, pg.AsFault(err))
	}
	return nil
}

var takePricesSQL = newerSQL + `, put AS (
		INSERT INTO skus AS k (sku, prices, next_change_at)
		SELECT $5, u.prices, ` + fmt.Sprintf(nextChangeSQL, "u.prices", "$7::timestamptz") + ` FROM newer, (VALUES ($6::jsonb)) AS u (prices)
		ON CONFLICT (sku) DO UPDATE SET prices = excluded.prices, next_change_at = excluded.next_change_at WHERE k.prices <> excluded.prices
		RETURNING k.sku
	), ` + touchedSQL + fmt.Sprintf(markSQL, "$7")

var takeLevelSQL = newerSQL + `, put AS (
		INSERT INTO skus AS k (sku, available) SELECT $5, $6 FROM newer
		ON CONFLICT (sku) DO UPDATE SET available = excluded.available WHERE k.available <> excluded.available
		RETURNING k.sku
	), ` + touchedSQL + fmt.Sprintf(markSQL, "$7")

const takeProductSQL = newerSQL + `, told AS (
		INSERT INTO digests AS d (consumer, subject, digest) SELECT $1, $2, $19 FROM newer
		ON CONFLICT (consumer, subject) DO UPDATE SET digest = excluded.digest WHERE d.digest <> excluded.digest
	), put AS (
		INSERT INTO products AS p (id, published, doc, revision, content, clock)
		SELECT $5, $6, $7::jsonb, r.revision + 1, r.revision + 1, $8 FROM newer, replica r
		ON CONFLICT (id) DO UPDATE SET published = excluded.published, doc = excluded.doc, revision = excluded.revision, content = excluded.content,
			clock = greatest(p.clock, excluded.clock)
		WHERE (p.published, p.doc) IS DISTINCT FROM (excluded.published, excluded.doc)
		RETURNING id
	), gone AS (
		DELETE FROM variants WHERE product_id IN (SELECT id FROM put) AND NOT sku = ANY ($9::text[])
	), came AS (
		INSERT INTO variants (product_id, sku) SELECT put.id, u.sku FROM put, unnest($9::text[]) AS u (sku) ON CONFLICT DO NOTHING
	), kinds AS (
		INSERT INTO attributes AS a (code, label, type, unit, hexes)
		SELECT u.* FROM (SELECT FROM put WHERE $6) AS put, unnest($10::text[], $11::text[], $12::text[], $13::text[], $14::jsonb[]) AS u (code, label, type, unit, hexes)
		ON CONFLICT (code) DO UPDATE SET label = excluded.label, type = excluded.type, unit = excluded.unit, hexes = a.hexes || excluded.hexes
		WHERE (a.label, a.type, a.unit, a.hexes) <> (excluded.label, excluded.type, excluded.unit, a.hexes || excluded.hexes)
		RETURNING code
	), path AS (
		INSERT INTO categories AS c (code, name, slug, parent) SELECT u.* FROM (SELECT FROM put WHERE $6) AS put, unnest($15::text[], $16::text[], $17::text[], $18::text[]) AS u (code, name, slug, parent)
		ON CONFLICT (code) DO UPDATE SET name = excluded.name, slug = excluded.slug, parent = excluded.parent
		WHERE (c.name, c.slug, c.parent) <> (excluded.name, excluded.slug, excluded.parent)
		RETURNING code
	)
	UPDATE replica SET revision = revision + 1, words = revision + 1, terms = terms + (EXISTS (SELECT FROM kinds) OR EXISTS (SELECT FROM path))::int
	WHERE EXISTS (SELECT FROM put)`

func takeProduct(batch *pgx.Batch, now time.Time, n *app.News) {
	p := n.Product
	skus := make([]string, len(p.Variants))
	for i, v := range p.Variants {
		skus[i] = v.SKU
	}
	kinds := map[string]search.Kind{} // a statement writes a row once
	for _, k := range p.Kinds {
		if have, twice := kinds[k.Code]; twice {
			maps.Copy(have.Hexes, k.Hexes)
			continue
		}
		k.Hexes = maps.Clone(k.Hexes)
		if k.Hexes == nil {
			k.Hexes = map[string]string{}
		}
		kinds[k.Code] = k
	}
	codes := slices.Sorted(maps.Keys(kinds))
	labels, types, units, hexes := make([]string, len(codes)), make([]string, len(codes)), make([]string, len(codes)), make([]string, len(codes))
	for i, code := range codes {
		k := kinds[code]
		labels[i], types[i], units[i], hexes[i] = k.Label, k.Type, k.Unit, asJSON(k.Hexes, "{}")
	}
	var categories, names, slugs, parents []string
	parent := ""
	for _, c := range p.Path {
		if !slices.Contains(categories, c.Value) {
			categories, names, slugs, parents = append(categories, c.Value), append(names, c.Label), append(slugs, c.Slug), append(parents, parent)
		}
		parent = c.Value
	}
	batch.Queue(takeProductSQL, app.FromCatalog, n.Subject, n.Sequence, n.Asked, p.ID, p.Listed, asJSON(p.Product, "{}"), now, skus,
		codes, labels, types, units, hexes, categories, names, slugs, parents, n.Digest)
}

// takeSoldSQL counts an order once; only what was sold lately counts.
var takeSoldSQL = `WITH newer AS (
		INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING event_id
	), put AS (
		INSERT INTO sold AS s (product_id, day, pieces)
		SELECT u.product_id, u.day, sum(u.pieces) FROM newer, unnest($3::uuid[], $4::date[], $5::bigint[]) AS u (product_id, day, pieces)
		WHERE u.day > $6::date GROUP BY u.product_id, u.day
		ON CONFLICT (product_id, day) DO UPDATE SET pieces = s.pieces + excluded.pieces
		RETURNING product_id
	), touched AS (SELECT DISTINCT product_id FROM put)` + fmt.Sprintf(markSQL, "$7")

func takeSold(batch *pgx.Batch, now time.Time, n *app.News) {
	var ids []string
	var days []time.Time
	var pieces []int64
	for _, s := range n.Sold {
		ids, days, pieces = append(ids, s.ProductID), append(days, s.Day.UTC()), append(pieces, s.Pieces)
	}
	batch.Queue(takeSoldSQL, app.FromOrder, n.Subject, ids, days, pieces, counted(now), now)
}

// popular is how many days a sale counts.
const popular = 30

// counted is the day up to which a sale counts no more.
func counted(now time.Time) time.Time { return now.UTC().AddDate(0, 0, -popular) }

const turnAtOnce = 500

var (
	turnPricesSQL = `WITH due AS (
			SELECT sku FROM skus WHERE next_change_at <= $1 ORDER BY next_change_at LIMIT $2
		), turned AS (
			UPDATE skus k SET next_change_at = ` + fmt.Sprintf(nextChangeSQL, "k.prices", "$1") + ` FROM due WHERE k.sku = due.sku
		), touched AS (SELECT v.product_id FROM due JOIN variants v ON v.sku = due.sku)` + fmt.Sprintf(markSQL, "$1")

	turnSoldSQL = `WITH old AS (SELECT product_id, day FROM sold WHERE day <= $3::date ORDER BY day LIMIT $2),
		touched AS (DELETE FROM sold s USING old WHERE s.product_id = old.product_id AND s.day = old.day RETURNING s.product_id)` + fmt.Sprintf(markSQL, "$1")
)

// Turn implements app.Replica: a read while nothing is due. Of several replicas that look at once the second finds it done.
func (s *Store) Turn(ctx context.Context, now time.Time) (int, error) {
	var due int
	err := s.pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM (SELECT FROM skus WHERE next_change_at <= $1 LIMIT $2) AS k)
		+ (SELECT count(*) FROM (SELECT FROM sold WHERE day <= $3::date LIMIT $2) AS s)`, now, turnAtOnce, counted(now)).Scan(&due)
	if err == nil && due > 0 {
		var batch pgx.Batch
		batch.Queue(lockSQL)
		batch.Queue(turnPricesSQL, now, turnAtOnce)
		batch.Queue(turnSoldSQL, now, turnAtOnce, counted(now))
		err = s.pool.SendBatch(ctx, &batch).Close()
	}
	if err != nil {
		return 0, fmt.Errorf("turn of prices: %w", pg.AsFault(err))
	}
	return due, nil
}

// asJSON encodes what is stored as jsonb; none is the text for a nil slice or map.
func asJSON(v any, none string) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Errorf("search: what is stored must be JSON: %w", err)) // values of the core always are
	}
	if string(data) == "null" {
		return none
	}
	return string(data)
}
