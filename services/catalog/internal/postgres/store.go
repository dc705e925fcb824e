// Package postgres keeps catalog's registry and products, and its replicas of prices and stock. Uniqueness and references stand
// as constraints with names of their own.
//
// Writers of the registry and of products hold the row registry_version, so that a product is checked against the registry
// in force and no two writers claim one SKU or slug; readers do not wait.
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

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/inbox"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are all sets that catalog's database needs.
func Migrations() []pg.Migrations {
	own, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the path is a constant
	}
	return []pg.Migrations{outbox.Migrations, inbox.Migrations, idem.Migrations, {Name: "catalog", FS: own}}
}

// Store is catalog's database. It implements app.Store, app.Replica and app.Shelf.
type Store struct {
	pool     *pgxpool.Pool
	box      *outbox.Box
	language string
	registry atomic.Pointer[versioned]
}

// versioned is the registry as of a version.
type versioned struct {
	version int64
	*catalog.Registry
}

// New returns a store on a migrated database, of a shop whose texts are in a language.
func New(pool *pgxpool.Pool, box *outbox.Box, language string) *Store {
	return &Store{pool: pool, box: box, language: language}
}

// Prune forgets the idempotency keys that are too old to be asked for.
func (s *Store) Prune(ctx context.Context) error {
	_, err := idem.Prune(ctx, s.pool, idem.Lifetime)
	return err
}

// Registry returns the registry of now.
func (s *Store) Registry(ctx context.Context) (*catalog.Registry, error) {
	var version int64
	if err := s.pool.QueryRow(ctx, `SELECT version FROM registry_version`).Scan(&version); err != nil {
		return nil, fmt.Errorf("registry: %w", pg.AsFault(err))
	}
	return s.registryAt(ctx, s.pool, version)
}

// registryAt returns the registry of a version or a later one, from memory if it is there.
func (s *Store) registryAt(ctx context.Context, q pg.Querier, version int64) (*catalog.Registry, error) {
	if have := s.registry.Load(); have != nil && have.version == version {
		return have.Registry, nil
	}
	reg, at, err := s.loadRegistry(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("registry: %w", pg.AsFault(err))
	}
	if at == version {
		s.registry.Store(&versioned{at, reg})
	}
	return reg, nil
}

// loadRegistry reads everything in one statement, and so of one moment.
func (s *Store) loadRegistry(ctx context.Context, q pg.Querier) (*catalog.Registry, int64, error) {
	var attributes []catalog.Attribute
	var categories []catalog.Category
	var brands []catalog.Brand
	var version int64
	rows, err := q.Query(ctx, `
		SELECT 'version', '', '', '', '', '', '', 0, version, '[]'::jsonb, '{}'::jsonb FROM registry_version
		UNION ALL SELECT 'attribute', code, label, type, unit, min, max, 0, 0, choices, labels FROM attributes
		UNION ALL SELECT 'category', code, name, slug, coalesce(parent_code, ''), '', '', position, 0, rules, names FROM categories
		UNION ALL SELECT 'brand', code, name, '', '', '', '', 0, 0, '[]', '{}' FROM brands`)
	if err != nil {
		return nil, 0, err
	}
	var kind, code, a, b, c, d, e string
	var position int
	var n int64
	var list []byte
	var texts catalog.Texts
	_, err = pgx.ForEachRow(rows, []any{&kind, &code, &a, &b, &c, &d, &e, &position, &n, &list, &texts}, func() error {
		t := texts
		texts = nil // the next one has its own
		if len(t) == 0 {
			t = nil
		}
		switch kind {
		case "version":
			version = n
		case "attribute":
			attr := catalog.Attribute{Code: code, Label: a, Labels: t, Type: b, Unit: c, Min: d, Max: e}
			if err := json.Unmarshal(list, &attr.Choices); err != nil {
				return fmt.Errorf("choices of %s: %w", code, err)
			}
			attr.Choices = orNil(attr.Choices)
			attributes = append(attributes, attr)
		case "category":
			cat := catalog.Category{Code: code, Name: a, Names: t, Slug: b, Parent: c, Position: position}
			if err := json.Unmarshal(list, &cat.Rules); err != nil {
				return fmt.Errorf("rules of %s: %w", code, err)
			}
			cat.Rules = orNil(cat.Rules)
			categories = append(categories, cat)
		case "brand":
			brands = append(brands, catalog.Brand{Code: code, Name: a})
		}
		return nil
	})
	return catalog.NewRegistry(s.language, attributes, categories, brands), version, err
}

// change runs fn as the one writer. A change of the registry moves its version.
func (s *Store) change(ctx context.Context, ofRegistry bool, fn func(ctx context.Context, tx *pg.Tx, reg *catalog.Registry) error) error {
	return pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		var version int64
		if err := tx.QueryRow(ctx, `SELECT version FROM registry_version FOR UPDATE`).Scan(&version); err != nil {
			return fmt.Errorf("lock the catalogue: %w", err)
		}
		reg, err := s.registryAt(ctx, tx, version)
		if err != nil {
			return err
		}
		if ofRegistry {
			if _, err := tx.Exec(ctx, `UPDATE registry_version SET version = version + 1`); err != nil {
				return fmt.Errorf("registry version: %w", err)
			}
		}
		return fn(ctx, tx, reg)
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

// record makes a product of its stored form.
func record(id string, version int64, doc, hash []byte) (catalog.Record, error) {
	r := catalog.Record{ID: id, Version: version}
	copy(r.Hash[:], hash)
	if err := json.Unmarshal(doc, &r.Product); err != nil {
		return r, fmt.Errorf("stored product %s: %w", id, err)
	}
	return r, nil
}

// orNil makes what was read equal to what was written.
func orNil[T any](all []T) []T {
	if len(all) == 0 {
		return nil
	}
	return all
}

// optional is NULL for an empty text.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// moment is NULL for a zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Microsecond)
	return &t
}
