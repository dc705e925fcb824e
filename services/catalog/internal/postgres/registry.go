package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
)

// asJSON encodes what is stored as jsonb; none is the text for a nil slice or map.
func asJSON(v any, none string) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Errorf("catalog: what is stored must be JSON: %w", err)) // values of the core always are
	}
	if string(data) == "null" {
		return none
	}
	return string(data)
}

// PutAttribute implements app.Store.
func (s *Store) PutAttribute(ctx context.Context, by app.Change, a catalog.Attribute) error {
	return s.change(ctx, true, func(ctx context.Context, tx *pg.Tx, reg *catalog.Registry) error {
		before, known := reg.Attributes[a.Code]
		if known && reflect.DeepEqual(before, a) {
			return nil
		}
		if known {
			if err := fits(ctx, tx, before, a); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO attributes (code, label, type, unit, choices, min, max, updated_at, labels) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (code) DO UPDATE SET label = excluded.label, type = excluded.type, unit = excluded.unit,
				choices = excluded.choices, min = excluded.min, max = excluded.max, updated_at = excluded.updated_at, labels = excluded.labels`,
			a.Code, a.Label, a.Type, a.Unit, asJSON(a.Choices, "[]"), a.Min, a.Max, by.At, asJSON(a.Labels, "{}"))
		if err != nil {
			return fmt.Errorf("attribute %s: %w", a.Code, err)
		}
		if err := audit(ctx, tx, by, "put", "attribute/"+a.Code, old(before, known), a); err != nil {
			return err
		}
		if !known {
			return nil
		}
		return s.announceAll(ctx, tx, by, `jsonb_exists(p.attributes, $1) OR EXISTS (SELECT 1 FROM variants v WHERE v.product_id = p.id AND jsonb_exists(v.attributes, $1))`, a.Code)
	})
}

// old is what stands in the audit log as before.
func old[T any](before T, known bool) any {
	if !known {
		return nil
	}
	return before
}

// fits refuses a change that would make nonsense of values that products have.
func fits(ctx context.Context, tx *pg.Tx, before, after catalog.Attribute) error {
	var gone []string
	for _, c := range before.Choices {
		if !slices.ContainsFunc(after.Choices, func(o catalog.Choice) bool { return o.Value == c.Value }) {
			gone = append(gone, c.Value)
		}
	}
	retyped := before.Type != after.Type || len(before.Choices) == 0 && len(after.Choices) > 0 || before.Unit != "" && before.Unit != after.Unit
	if !retyped && len(gone) == 0 {
		return nil
	}
	var used bool
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT 1 FROM (SELECT attributes FROM products UNION ALL SELECT attributes FROM variants) a
			WHERE jsonb_exists(a.attributes, $1) AND ($2 OR jsonb_exists_any(a.attributes -> $1, $3::text[])))`, before.Code, retyped, gone).Scan(&used)
	if err != nil {
		return fmt.Errorf("use of attribute %s: %w", before.Code, err)
	}
	if used {
		return app.ErrAttributeInUse.With("attribute", before.Code)
	}
	return nil
}

// PutCategory implements app.Store.
func (s *Store) PutCategory(ctx context.Context, by app.Change, c catalog.Category) error {
	return s.change(ctx, true, func(ctx context.Context, tx *pg.Tx, reg *catalog.Registry) error {
		var faults fault.Collector
		reg.CheckCategory(c, "body", &faults)
		if err := faults.Err(); err != nil {
			return err
		}
		before, known := reg.Categories[c.Code]
		if known && reflect.DeepEqual(before, c) {
			return nil
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO categories (code, name, slug, parent_code, position, rules, updated_at, names) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (code) DO UPDATE SET name = excluded.name, slug = excluded.slug, parent_code = excluded.parent_code,
				position = excluded.position, rules = excluded.rules, updated_at = excluded.updated_at, names = excluded.names`,
			c.Code, c.Name, c.Slug, optional(c.Parent), c.Position, asJSON(c.Rules, "[]"), by.At, asJSON(c.Names, "{}"))
		if err != nil {
			return fmt.Errorf("category %s: %w", c.Code, err)
		}
		if err := audit(ctx, tx, by, "put", "category/"+c.Code, old(before, known), c); err != nil {
			return err
		}
		if !known {
			return nil
		}
		return s.announceAll(ctx, tx, by, `p.category_code = ANY ($1)`, reg.Below(c.Code))
	})
}

// PutBrand implements app.Store.
func (s *Store) PutBrand(ctx context.Context, by app.Change, b catalog.Brand) error {
	return s.change(ctx, true, func(ctx context.Context, tx *pg.Tx, reg *catalog.Registry) error {
		before, known := reg.Brands[b.Code]
		if known && before == b {
			return nil
		}
		_, err := tx.Exec(ctx, `INSERT INTO brands (code, name, updated_at) VALUES ($1, $2, $3)
			ON CONFLICT (code) DO UPDATE SET name = excluded.name, updated_at = excluded.updated_at`, b.Code, b.Name, by.At)
		if err != nil {
			return fmt.Errorf("brand %s: %w", b.Code, err)
		}
		if err := audit(ctx, tx, by, "put", "brand/"+b.Code, old(before, known), b); err != nil {
			return err
		}
		if !known {
			return nil
		}
		return s.announceAll(ctx, tx, by, `p.brand_code = $1`, b.Code)
	})
}

// announceAll tells others again of the products that a change of the registry shows in: events carry labels and names.
func (s *Store) announceAll(ctx context.Context, tx *pg.Tx, by app.Change, where string, arg any) error {
	reg, _, err := s.loadRegistry(ctx, tx) // as this transaction has changed it
	if err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	rows, err := tx.Query(ctx, `SELECT p.id::text, p.version, p.doc, p.content_hash, p.published_at FROM products p WHERE `+where+` ORDER BY p.id`, arg)
	if err != nil {
		return fmt.Errorf("products to announce: %w", err)
	}
	records, err := pgx.CollectRows(rows, scanRecord)
	if err != nil {
		return fmt.Errorf("products to announce: %w", err)
	}
	events := make([]outbox.Event, len(records))
	for i := range records {
		events[i] = changed(reg, &records[i], by.At)
	}
	return s.box.Append(ctx, tx, events...)
}

func scanRecord(row pgx.CollectableRow) (catalog.Record, error) {
	var id string
	var version int64
	var doc, hash []byte
	var published *time.Time
	if err := row.Scan(&id, &version, &doc, &hash, &published); err != nil {
		return catalog.Record{}, err
	}
	r, err := record(id, version, doc, hash)
	if published != nil {
		r.Published = published.UTC()
	}
	return r, err
}
