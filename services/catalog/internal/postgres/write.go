package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
)

// Write implements app.Store with as many statements for 500 products as for one.
func (s *Store) Write(ctx context.Context, by app.Change, key idem.Key, w app.Write) (results []app.Result, replayed bool, err error) {
	err = s.change(ctx, false, func(ctx context.Context, tx *pg.Tx, reg *catalog.Registry) error {
		results, replayed, err = idem.Do(ctx, tx, key, func() ([]app.Result, error) {
			return s.write(ctx, tx, reg, by, w)
		})
		return err
	})
	return results, replayed, err
}

// Move implements app.Store.
func (s *Store) Move(ctx context.Context, by app.Change, key idem.Key, id, status string) (r app.Result, replayed bool, err error) {
	err = s.change(ctx, false, func(ctx context.Context, tx *pg.Tx, reg *catalog.Registry) error {
		r, replayed, err = idem.Do(ctx, tx, key, func() (app.Result, error) {
			known, err := load(ctx, tx, []catalog.Item{{ID: id}})
			if err != nil {
				return app.Result{}, err
			}
			have := known.ByID[id]
			if have == nil {
				return app.Result{}, catalog.ErrNotFound
			}
			p := have.Product
			p.Status = status
			results, err := s.write(ctx, tx, reg, by, app.Write{Alone: true, Items: []catalog.Item{{ID: id, Product: p}}})
			if err != nil {
				return app.Result{}, err
			}
			return results[0], nil
		})
		return err
	})
	return r, replayed, err
}

func (s *Store) write(ctx context.Context, tx *pg.Tx, reg *catalog.Registry, by app.Change, w app.Write) ([]app.Result, error) {
	for i := range w.Items {
		it := &w.Items[i]
		if len(it.Faults) > 0 {
			continue // it could not be read
		}
		var c fault.Collector
		it.Product = reg.Check(it.Product, it.Prefix, &c)
		if f, ok := fault.As(c.Err()); ok {
			it.Faults = f.Fields
		}
	}
	known, err := load(ctx, tx, w.Items)
	if err != nil {
		return nil, err
	}
	outcomes := catalog.Plan(known, w.Items)
	if w.Alone && outcomes[0].Err != nil {
		return nil, outcomes[0].Err
	}
	if err := save(ctx, tx, by, w, outcomes); err != nil {
		return nil, err
	}
	results := make([]app.Result, len(outcomes))
	var events []outbox.Event
	for i := range outcomes {
		o := &outcomes[i]
		results[i] = app.Result{Kind: o.Kind, ID: o.ID, Version: o.Version, Faults: faults(o.Err)}
		if o.Kind == catalog.Created || o.Kind == catalog.Updated {
			if o.Published.IsZero() && o.Product.Status == catalog.Published {
				o.Published = by.At
			}
			events = append(events, changed(reg, &o.Record, by.At))
		}
	}
	return results, s.box.Append(ctx, tx, events...)
}

// faults returns where an item is wrong; a refusal without a place has none.
func faults(err error) []fault.Field {
	f, ok := fault.As(err)
	if !ok {
		return nil
	}
	if len(f.Fields) == 0 {
		return []fault.Field{{Message: f.Message}}
	}
	return f.Fields
}

// load reads everything that the items touch, in one round trip.
func load(ctx context.Context, tx *pg.Tx, items []catalog.Item) (*catalog.Known, error) {
	var ids, external, skus, slugs []string
	for i := range items {
		it := &items[i]
		if it.ID != "" {
			ids = append(ids, it.ID)
		}
		if it.Product.ExternalID != "" {
			external = append(external, it.Product.ExternalID)
		}
		for _, v := range it.Product.Variants {
			skus = append(skus, v.SKU)
		}
		slugs = append(slugs, it.Slugs()...)
	}
	known := &catalog.Known{ByID: map[string]*catalog.Record{}, ByExternal: map[string]*catalog.Record{}, SKUs: map[string]string{}, Slugs: map[string]string{}}
	var batch pgx.Batch
	batch.Queue(`SELECT id::text, version, doc, content_hash, published_at FROM products WHERE id = ANY ($1::uuid[]) OR external_id = ANY ($2::text[])`, ids, external).
		Query(func(rows pgx.Rows) error {
			records, err := pgx.CollectRows(rows, scanRecord)
			for i := range records {
				known.ByID[records[i].ID] = &records[i]
				if e := records[i].Product.ExternalID; e != "" {
					known.ByExternal[e] = &records[i]
				}
			}
			return err
		})
	pairs := func(into map[string]string) func(pgx.Rows) error {
		return func(rows pgx.Rows) error {
			var key, id string
			_, err := pgx.ForEachRow(rows, []any{&key, &id}, func() error { into[key] = id; return nil })
			return err
		}
	}
	batch.Queue(`SELECT sku, product_id::text FROM variants WHERE sku = ANY ($1::text[])`, skus).Query(pairs(known.SKUs))
	batch.Queue(`SELECT slug, product_id::text FROM product_slugs WHERE slug = ANY ($1::text[])`, slugs).Query(pairs(known.Slugs))
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("what the products touch: %w", err)
	}
	return known, nil
}

// productColumns are products turned on their side, as unnest takes them.
type productColumns struct {
	id, slug, title, category, status, attributes, doc, action []string
	external, brand, before                                    []*string
	popularity, version                                        []int64
	hash                                                       [][]byte
}

// variantColumns are the variants of all products written.
type variantColumns struct {
	sku, product, attributes []string
	position                 []int32
}

func columns(outcomes []catalog.Outcome) (c productColumns, v variantColumns) {
	for i := range outcomes {
		o := &outcomes[i]
		if o.Kind != catalog.Created && o.Kind != catalog.Updated {
			continue
		}
		p := &o.Product
		c.id, c.slug, c.title = append(c.id, o.ID), append(c.slug, p.Slug), append(c.title, p.Title)
		c.category, c.status = append(c.category, p.Category), append(c.status, p.Status)
		c.external, c.brand = append(c.external, optional(p.ExternalID)), append(c.brand, optional(p.Brand))
		c.attributes, c.doc = append(c.attributes, asJSON(p.Values, "{}")), append(c.doc, asJSON(p, "{}"))
		c.popularity, c.version, c.hash = append(c.popularity, p.Popularity), append(c.version, o.Version), append(c.hash, o.Hash[:])
		var before *string
		if o.Before != nil {
			doc := asJSON(o.Before.Product, "{}")
			before = &doc
		}
		c.before, c.action = append(c.before, before), append(c.action, o.Kind)
		for n, variant := range p.Variants {
			v.sku, v.product = append(v.sku, variant.SKU), append(v.product, o.ID)
			v.attributes, v.position = append(v.attributes, asJSON(variant.Values, "{}")), append(v.position, int32(n))
		}
	}
	return c, v
}

// save writes what the plan says in one round trip.
func save(ctx context.Context, tx *pg.Tx, by app.Change, w app.Write, outcomes []catalog.Outcome) error {
	var batch pgx.Batch
	c, v := columns(outcomes)
	if len(c.id) > 0 {
		batch.Queue(upsertProducts, c.id, c.external, c.slug, c.title, c.brand, c.category, c.status, c.popularity, c.attributes, c.doc, c.version, c.hash, by.At)
		batch.Queue(`INSERT INTO product_slugs (slug, product_id) SELECT * FROM unnest($1::text[], $2::uuid[]) ON CONFLICT (slug) DO NOTHING`, c.slug, c.id)
		batch.Queue(`DELETE FROM variants WHERE product_id = ANY ($1::uuid[]) AND NOT sku = ANY ($2::text[])`, c.id, v.sku)
		batch.Queue(`INSERT INTO variants (sku, product_id, position, attributes) SELECT * FROM unnest($1::text[], $2::uuid[], $3::int[], $4::jsonb[])
			ON CONFLICT (sku) DO UPDATE SET product_id = excluded.product_id, position = excluded.position, attributes = excluded.attributes`,
			v.sku, v.product, v.position, v.attributes)
		batch.Queue(`INSERT INTO audit_log (at, actor, action, entity, before, after)
			SELECT $1, $2, u.action, 'product/' || u.id, u.before, u.after FROM unnest($3::text[], $4::text[], $5::jsonb[], $6::jsonb[]) AS u (action, id, before, after)`,
			by.At, by.Actor, c.action, c.id, c.before, c.doc)
	}
	exceptions(&batch, by.At, w, outcomes)
	if batch.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("write products: %w", err)
	}
	return nil
}

const upsertProducts = `
	INSERT INTO products AS p (id, external_id, slug, title, brand_code, category_code, status, popularity, attributes, doc, version, content_hash,
		created_at, updated_at, published_at)
	SELECT u.*, $13, $13, CASE WHEN u.status = 'published' THEN $13::timestamptz END
	FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::jsonb[], $10::jsonb[], $11::bigint[],
		$12::bytea[]) AS u (id, external_id, slug, title, brand_code, category_code, status, popularity, attributes, doc, version, content_hash)
	ON CONFLICT (id) DO UPDATE SET external_id = excluded.external_id, slug = excluded.slug, title = excluded.title,
		brand_code = excluded.brand_code, category_code = excluded.category_code, status = excluded.status, popularity = excluded.popularity,
		attributes = excluded.attributes, doc = excluded.doc, version = excluded.version, content_hash = excluded.content_hash,
		updated_at = excluded.updated_at, published_at = coalesce(p.published_at, excluded.published_at)`

// exceptions keeps the refused rows of a named import, and marks those that went in this time.
func exceptions(batch *pgx.Batch, at time.Time, w app.Write, outcomes []catalog.Outcome) {
	if w.ImportID == "" {
		return
	}
	var done, rows []int64
	var sources []*string
	var errors []string
	seen := map[int64]bool{}
	for i := range outcomes {
		n := w.Rows[i].Number
		switch {
		case outcomes[i].Kind != catalog.Refused:
			done = append(done, n)
		case !seen[n]:
			seen[n] = true
			rows, errors = append(rows, n), append(errors, asJSON(storedFaults(faults(outcomes[i].Err)), "[]"))
			sources = append(sources, optional(string(w.Rows[i].Source)))
		}
	}
	if len(done) > 0 {
		batch.Queue(`UPDATE migration_exceptions SET resolved_at = $3 WHERE import_id = $1 AND row_number = ANY ($2) AND resolved_at IS NULL`, w.ImportID, done, at)
	}
	if len(rows) > 0 {
		batch.Queue(noteExceptions, w.ImportID, at, rows, sources, errors)
	}
}

const noteExceptions = `
	INSERT INTO migration_exceptions (import_id, noted_at, row_number, source, errors)
	SELECT $1, $2, u.* FROM unnest($3::bigint[], $4::json[], $5::json[]) AS u
	ON CONFLICT (import_id, row_number) DO UPDATE SET source = excluded.source, errors = excluded.errors, noted_at = excluded.noted_at,
		resolved_at = NULL`

// storedFault is a fault as it is kept.
type storedFault struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

func storedFaults(fields []fault.Field) []storedFault {
	out := make([]storedFault, len(fields))
	for i, f := range fields {
		out[i] = storedFault{f.Location, f.Message}
	}
	return out
}

// NoteException implements app.Store.
func (s *Store) NoteException(ctx context.Context, by app.Change, key idem.Key, e app.Exception) (replayed bool, err error) {
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		_, replayed, err = idem.Do(ctx, tx, key, func() (struct{}, error) {
			_, err := tx.Exec(ctx, noteExceptions, e.ImportID, by.At, []int64{e.Row.Number}, []*string{optional(string(e.Row.Source))},
				[]string{asJSON(storedFaults(e.Faults), "[]")})
			if err != nil {
				return struct{}{}, fmt.Errorf("exception of row %d of %s: %w", e.Row.Number, e.ImportID, err)
			}
			return struct{}{}, nil
		})
		return err
	})
	return replayed, err
}
