package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
)

// Look is what staff ask for in a list of products.
type Look struct {
	Status, Category, Words string
	After                   string // id of the last one
	Limit                   int    // one more is returned if there is one
}

// Kept is a product as staff see it.
type Kept struct {
	catalog.Record
	CreatedAt, UpdatedAt time.Time
}

// Products lists products of any status, the newest first.
func (s *Store) Products(ctx context.Context, l Look) ([]Kept, error) {
	q := &query{}
	q.WriteString(keptSQL + " WHERE true")
	if l.Status != "" {
		q.and("p.status = %s", q.arg(l.Status))
	}
	if l.Category != "" {
		q.and("p.category_code = %s", q.arg(l.Category))
	}
	if l.Words != "" {
		at := q.arg("%" + likeEscape.Replace(l.Words) + "%")
		exact := q.arg(l.Words)
		q.and("(p.title ILIKE %s OR p.external_id = %[2]s OR EXISTS (SELECT 1 FROM variants v WHERE v.product_id = p.id AND v.sku = %[2]s))", at, exact)
	}
	if l.After != "" {
		q.and("p.id < %s::uuid", q.arg(l.After))
	}
	fmt.Fprintf(q, " ORDER BY p.id DESC LIMIT %s", q.arg(l.Limit+1))
	rows, err := s.pool.Query(ctx, q.String(), q.args...)
	if err != nil {
		return nil, fmt.Errorf("list products: %w", pg.AsFault(err))
	}
	kept, err := pgx.CollectRows(rows, scanKept)
	if err != nil {
		return nil, fmt.Errorf("list products: %w", pg.AsFault(err))
	}
	return kept, nil
}

const keptSQL = `SELECT p.id::text, p.version, p.doc, p.content_hash, p.created_at, p.updated_at FROM products p`

func scanKept(row pgx.CollectableRow) (k Kept, err error) {
	var id string
	var version int64
	var doc, hash []byte
	if err = row.Scan(&id, &version, &doc, &hash, &k.CreatedAt, &k.UpdatedAt); err != nil {
		return k, err
	}
	k.Record, err = record(id, version, doc, hash)
	return k, err
}

// Product finds a product by id, whatever its status; catalog.ErrNotFound.
func (s *Store) Product(ctx context.Context, id string) (Kept, error) {
	if !catalog.IsID(id) {
		return Kept{}, catalog.ErrNotFound
	}
	rows, err := s.pool.Query(ctx, keptSQL+` WHERE p.id = $1::uuid`, id)
	if err != nil {
		return Kept{}, fmt.Errorf("product %s: %w", id, pg.AsFault(err))
	}
	k, err := pgx.CollectExactlyOneRow(rows, scanKept)
	if errors.Is(err, pgx.ErrNoRows) {
		return Kept{}, catalog.ErrNotFound
	}
	if err != nil {
		return Kept{}, fmt.Errorf("product %s: %w", id, pg.AsFault(err))
	}
	return k, nil
}

// KeptException is a row of a source that was refused.
type KeptException struct {
	ID         int64
	ImportID   string
	Row        int64
	Source     json.RawMessage
	Errors     json.RawMessage // [{"location", "message"}]
	NotedAt    time.Time
	ResolvedAt *time.Time
}

// Exceptions lists refused rows by id from after on, of one import or of all, with those that went in later only if resolved.
func (s *Store) Exceptions(ctx context.Context, importID string, resolved bool, after int64, limit int) ([]KeptException, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT id, import_id, row_number, source::text, errors::text, noted_at, resolved_at FROM migration_exceptions
		WHERE ($1 = '' OR import_id = $1) AND ($2 OR resolved_at IS NULL) AND id > $3 ORDER BY id LIMIT $4`, importID, resolved, after, limit+1)
	if err != nil {
		return nil, fmt.Errorf("exceptions: %w", pg.AsFault(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e KeptException, err error) {
		var source *string
		var errs string
		err = row.Scan(&e.ID, &e.ImportID, &e.Row, &source, &errs, &e.NotedAt, &e.ResolvedAt)
		if source != nil {
			e.Source = json.RawMessage(*source)
		}
		e.Errors = json.RawMessage(errs)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("exceptions: %w", pg.AsFault(err))
	}
	return all, nil
}
