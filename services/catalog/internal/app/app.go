// Package app holds the use cases of catalog: staff and imports write the registry and products, other services ask what a SKU
// is, the replicas of prices and stock follow their owners. It owns the ports; what may go wrong is a fault with all places
// named.
package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
)

// The refusals that belong to no single field.
var (
	ErrAttributeNotFound = fault.New(fault.NotFound, "attribute-not-found", "There is no such attribute.")
	ErrCategoryNotFound  = fault.New(fault.NotFound, "category-not-found", "There is no such category.")
	ErrBrandNotFound     = fault.New(fault.NotFound, "brand-not-found", "There is no such brand.")
	// ErrAttributeInUse says that products have values that the change would make nonsense of.
	ErrAttributeInUse = fault.New(fault.Conflict, "attribute-in-use", "Products have values of this attribute that the change does not allow.")
)

// Change is who changes something, and when.
type Change struct {
	Actor string
	At    time.Time
}

// Write is a set of products to write in one transaction. Alone means that there is one, and that its refusal is the error of the
// call; otherwise each item stands for itself. Rows, as many as items, say where a named import found them.
type Write struct {
	Items    []catalog.Item
	Alone    bool
	ImportID string
	Rows     []Row
}

// Row is a row of a source.
type Row struct {
	Number int64
	Source json.RawMessage
}

// Result is what became of an item. It is stored as JSON with the Idempotency-Key.
type Result struct {
	Kind    string        `json:"kind"`
	ID      string        `json:"id,omitempty"`
	Version int64         `json:"version,omitempty"`
	Faults  []fault.Field `json:"faults,omitempty"`
}

// Exception is a row of a source that is no product yet.
type Exception struct {
	ImportID string
	Row      Row
	Faults   []fault.Field
}

// Store keeps the registry and the products. Each write is one transaction with its audit entry and its events; replayed tells
// that the key's first answer came back and nothing was done.
type Store interface {
	PutAttribute(ctx context.Context, by Change, a catalog.Attribute) error
	PutCategory(ctx context.Context, by Change, c catalog.Category) error
	PutBrand(ctx context.Context, by Change, b catalog.Brand) error
	Write(ctx context.Context, by Change, key idem.Key, w Write) (results []Result, replayed bool, err error)
	// Move changes the status of a product; catalog.ErrNotFound, catalog.ErrStatus.
	Move(ctx context.Context, by Change, key idem.Key, id, status string) (r Result, replayed bool, err error)
	// NoteException keeps a row, in the place of what was kept of it before.
	NoteException(ctx context.Context, by Change, key idem.Key, e Exception) (replayed bool, err error)
}

// Staff is what staff and imports may change.
type Staff struct {
	Store    Store
	Language string // of the shop
	Now      func() time.Time
}

func (s *Staff) change(actor string) Change {
	return Change{Actor: actor, At: s.Now().UTC().Truncate(time.Microsecond)}
}

// PutAttribute creates or changes an attribute. Its type cannot change, and no choice can go, while products have such values.
func (s *Staff) PutAttribute(ctx context.Context, actor string, a catalog.Attribute) error {
	var c fault.Collector
	a = catalog.CheckAttribute(a, s.Language, "body", &c)
	if err := c.Err(); err != nil {
		return err
	}
	return s.Store.PutAttribute(ctx, s.change(actor), a)
}

// PutCategory creates or changes a category; the store checks it against the registry of that moment.
func (s *Staff) PutCategory(ctx context.Context, actor string, c catalog.Category) error {
	return s.Store.PutCategory(ctx, s.change(actor), c)
}

// PutBrand creates or changes a brand.
func (s *Staff) PutBrand(ctx context.Context, actor string, b catalog.Brand) error {
	var c fault.Collector
	catalog.CheckBrand(b, "body", &c)
	if err := c.Err(); err != nil {
		return err
	}
	return s.Store.PutBrand(ctx, s.change(actor), b)
}

// Create writes a product: a new one, or the one that has its external id.
func (s *Staff) Create(ctx context.Context, actor string, key idem.Key, p catalog.Product) (Result, bool, error) {
	items := []catalog.Item{{Product: p, Prefix: "body."}}
	return s.alone(ctx, actor, key, items)
}

// Put writes the whole of a product that exists. ifMatch is nil for any version.
func (s *Staff) Put(ctx context.Context, actor, id string, ifMatch *int64, p catalog.Product) (Result, error) {
	if !catalog.IsID(id) {
		return Result{}, catalog.ErrNotFound
	}
	r, _, err := s.alone(ctx, actor, idem.Key{}, []catalog.Item{{ID: id, IfMatch: ifMatch, Product: p, Prefix: "body."}})
	return r, err
}

func (s *Staff) alone(ctx context.Context, actor string, key idem.Key, items []catalog.Item) (Result, bool, error) {
	if err := draw(items); err != nil {
		return Result{}, false, err
	}
	results, replayed, err := s.Store.Write(ctx, s.change(actor), key, Write{Items: items, Alone: true})
	if err != nil {
		return Result{}, false, err
	}
	return results[0], replayed, nil
}

// Batch writes products that each stand for themselves. Refused rows of a named import are kept as exceptions.
func (s *Staff) Batch(ctx context.Context, actor string, key idem.Key, w Write) ([]Result, bool, error) {
	if err := draw(w.Items); err != nil {
		return nil, false, err
	}
	return s.Store.Write(ctx, s.change(actor), key, w)
}

// Move publishes or archives a product.
func (s *Staff) Move(ctx context.Context, actor string, key idem.Key, id, status string) (Result, bool, error) {
	if !catalog.IsID(id) {
		return Result{}, false, catalog.ErrNotFound
	}
	return s.Store.Move(ctx, s.change(actor), key, id, status)
}

// NoteException keeps a row that could not even be mapped to a product.
func (s *Staff) NoteException(ctx context.Context, actor string, key idem.Key, e Exception) (replayed bool, err error) {
	return s.Store.NoteException(ctx, s.change(actor), key, e)
}

// draw gives each item the id that it gets if it is new.
func draw(items []catalog.Item) error {
	for i := range items {
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("draw a product id: %w", err)
		}
		items[i].NewID = id.String()
	}
	return nil
}
