// Package postgres keeps the replica that indexes are made of: products, prices, levels and what was sold, as the neighbours told.
//
// Writers hold the row replica and so come one after the other; each product that changes takes the next revision. Whoever reads beyond a
// revision therefore misses nothing, and readers wait for nobody.
package postgres

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/inbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are all sets that search's database needs.
func Migrations() []pg.Migrations {
	own, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the path is a constant
	}
	return []pg.Migrations{inbox.Migrations, idem.Migrations, {Name: "search", FS: own}}
}

// Store is search's database. It implements app.Replica and app.Keeper.
type Store struct{ pool *pgxpool.Pool }

// New returns a store on a migrated database.
func New(pool *pgxpool.Pool) *Store { return &Store{pool: pool} }

var _ interface {
	app.Replica
	app.Keeper
} = (*Store)(nil)

// Head implements app.Replica.
func (s *Store) Head(ctx context.Context) (h app.Head, err error) {
	err = s.pool.QueryRow(ctx, `SELECT epoch::text, build, revision, words, terms, filled_at IS NOT NULL FROM replica`).
		Scan(&h.Epoch, &h.Build, &h.Revision, &h.Words, &h.Terms, &h.Filled)
	if err != nil {
		return h, fmt.Errorf("head of the replica: %w", pg.AsFault(err))
	}
	return h, nil
}

// Changes implements app.Replica in one statement, so that all of it is of one moment.
func (s *Store) Changes(ctx context.Context, after int64, limit int) ([]app.Row, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT p.id::text, p.published, p.doc, p.revision, p.content > $1, p.clock, coalesce(o.offers, '{}'), coalesce(s.pieces, 0)
		FROM products p
		LEFT JOIN LATERAL (
			SELECT jsonb_object_agg(k.sku, jsonb_build_object('Rows', k.prices, 'Available', k.available)) AS offers
			FROM variants v JOIN skus k ON k.sku = v.sku WHERE v.product_id = p.id
		) o ON true
		LEFT JOIN LATERAL (SELECT sum(pieces)::bigint AS pieces FROM sold WHERE product_id = p.id) s ON true
		WHERE p.revision > $1 ORDER BY p.revision LIMIT $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("changes after %d: %w", after, pg.AsFault(err))
	}
	all, err := pgx.CollectRows(rows, scanRow)
	if err != nil {
		return nil, fmt.Errorf("changes after %d: %w", after, pg.AsFault(err))
	}
	return all, nil
}

func scanRow(row pgx.CollectableRow) (app.Row, error) {
	r := app.Row{Parts: app.Offer}
	var id string
	var doc, offers []byte
	var content bool
	if err := row.Scan(&id, &r.Listed, &doc, &r.Revision, &content, &r.Clock, &offers, &r.Sold); err != nil {
		return r, err
	}
	if content {
		r.Parts |= app.Content
	}
	if err := json.Unmarshal(doc, &r.Product); err != nil {
		return r, fmt.Errorf("product %s: %w", id, err)
	}
	if err := json.Unmarshal(offers, &r.Offers); err != nil {
		return r, fmt.Errorf("offers of %s: %w", id, err)
	}
	r.ID = id
	return r, nil
}

// Terms implements app.Replica. The version is read first: what is newer is read again.
func (s *Store) Terms(ctx context.Context) (*app.Terms, error) {
	t := &app.Terms{Kinds: map[string]search.Kind{}, Categories: map[string]search.Category{}, Parents: map[string]string{}}
	var batch pgx.Batch
	batch.Queue(`SELECT terms FROM replica`).QueryRow(func(row pgx.Row) error { return row.Scan(&t.Version) })
	batch.Queue(`SELECT code, label, type, unit, hexes FROM attributes`).Query(func(rows pgx.Rows) error {
		var k search.Kind
		_, err := pgx.ForEachRow(rows, []any{&k.Code, &k.Label, &k.Type, &k.Unit, &k.Hexes}, func() error {
			t.Kinds[k.Code] = k
			k.Hexes = nil // the next one has its own
			return nil
		})
		return err
	})
	batch.Queue(`SELECT code, name, slug, parent FROM categories ORDER BY code`).Query(func(rows pgx.Rows) error {
		var c search.Category
		var parent string
		_, err := pgx.ForEachRow(rows, []any{&c.Value, &c.Label, &c.Slug, &parent}, func() error {
			t.Parents[c.Value] = parent
			t.Categories[c.Value] = c
			if _, code := t.Categories[c.Slug]; !code {
				t.Categories[c.Slug] = c
			}
			return nil
		})
		return err
	})
	readNames(&batch, t)
	if err := s.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("terms: %w", pg.AsFault(err))
	}
	return t, nil
}

// Prune forgets events and idempotency keys that are too old to come again, who met a test long ago, and what was searched for long ago.
func (s *Store) Prune(ctx context.Context) error {
	if _, err := idem.Prune(ctx, s.pool, idem.Lifetime); err != nil {
		return err
	}
	if _, err := inbox.Prune(ctx, s.pool, remembered); err != nil {
		return err
	}
	return s.prune(ctx)
}

// remembered is how long the ids of orders are kept: longer than they count, and than any broker holds an event back.
const remembered = 60 * 24 * time.Hour
