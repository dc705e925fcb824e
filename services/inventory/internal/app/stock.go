package app

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// ErrReferenceUsed refuses a booking whose reference was booked with other lines.
var ErrReferenceUsed = fault.New(fault.Conflict, "reference-used", "The reference was booked with other lines.")

// Location is a place where stock lies. A disabled one sells nothing and keeps what it has.
type Location struct {
	ID, Name string
	inventory.Site
	Priority int
	Enabled  bool
}

// Entry is a line of the ledger.
type Entry struct {
	ID int64
	At time.Time
	inventory.Place
	Kind                    string
	OnHand, Allocated, Owed int64 // what it added
	Reference               string
	Actor, Reason           string
	Lot                     string // of what was booked; "": of none
}

// Rule says when a SKU counts as low, from LowAt pieces on down until there are LowUntil again, and what one customer may have of it.
type Rule struct {
	LowAt, LowUntil int64
	Limit           inventory.Limit // Quantity 0: none
}

// StockStore keeps locations and levels. Each write is one transaction with its audit entry.
type StockStore interface {
	PutLocation(ctx context.Context, l Location, by Change) error
	TransferStore
	// PutTerms sets the terms of all lines, or inventory.ErrBelowOwed.
	PutTerms(ctx context.Context, lines []inventory.TermsLine, by Change) error
	PutRule(ctx context.Context, sku string, rule Rule, by Change) error
	// Book books all lines once per reference. A repeat returns what was answered before, ErrReferenceUsed for other lines.
	Book(ctx context.Context, b inventory.Booking, by Change, key idem.Key) (done inventory.Booked, replayed bool, err error)
}

// Staff is what staff may change.
type Staff struct {
	Store StockStore
	Now   func() time.Time
	Log   *slog.Logger
}

var (
	locationForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	countryForm  = regexp.MustCompile(`^[A-Z]{2}$`)
)

// PutLocation creates or changes a location.
func (s *Staff) PutLocation(ctx context.Context, actor string, l Location) error {
	var c fault.Collector
	c.Check(locationForm.MatchString(l.ID), "path.id", "must be lower-case letters, digits, . _ or -", l.ID)
	c.Check(l.Name != "" && len(l.Name) <= 200, "body.name", "must have 1 to 200 bytes", nil)
	c.Check(countryForm.MatchString(l.Country), "body.country", "must be an ISO 3166-1 alpha-2 code", l.Country)
	c.Check(len(l.Region) <= 64, "body.region", "must have at most 64 bytes", nil)
	c.Check(len(l.Postal) <= 32, "body.postal_code", "must have at most 32 bytes", nil)
	c.Check(l.Priority >= -1_000_000 && l.Priority <= 1_000_000, "body.priority", "must be from -1000000 to 1000000", l.Priority)
	if at := l.At; at != nil {
		c.Check(at.Lat >= -90 && at.Lat <= 90, "body.latitude", "must be from -90 to 90", at.Lat)
		c.Check(at.Lon >= -180 && at.Lon <= 180, "body.longitude", "must be from -180 to 180", at.Lon)
	}
	if err := c.Err(); err != nil {
		return err
	}
	return s.Store.PutLocation(ctx, l, stamp(actor, s.Now()))
}

// PutTerms says how much of the places is for sale and how much may be owed beyond it, all lines or none.
func (s *Staff) PutTerms(ctx context.Context, actor string, lines []inventory.TermsLine) error {
	if err := inventory.CheckTerms(lines); err != nil {
		return err
	}
	return s.Store.PutTerms(ctx, lines, stamp(actor, s.Now()))
}

// PutRule says when a SKU counts as low.
func (s *Staff) PutRule(ctx context.Context, actor, sku string, rule Rule) error {
	var c fault.Collector
	c.Check(inventory.ValidSKU(sku), "path.sku", "must be 1 to 64 letters, digits, . _ or -", sku)
	c.Check(rule.LowAt >= 0 && rule.LowAt < inventory.MaxStock, "body.low_at", fmt.Sprintf("must be from 0 and below %d", int64(inventory.MaxStock)), rule.LowAt)
	c.Check(rule.LowUntil > rule.LowAt && rule.LowUntil <= inventory.MaxStock, "body.low_until", "must be more than low_at", rule.LowUntil)
	l := rule.Limit
	c.Check(l.Quantity >= 0 && l.Quantity <= inventory.MaxQuantity, "body.per_customer.quantity", fmt.Sprintf("must be from 1 to %d", inventory.MaxQuantity), l.Quantity)
	c.Check(l.From.IsZero() || l.Until.IsZero() || l.From.Before(l.Until), "body.per_customer.until", "must be after from", nil)
	if err := c.Err(); err != nil {
		return err
	}
	return s.Store.PutRule(ctx, sku, rule, stamp(actor, s.Now()))
}

// Book books goods, all lines or none, once per reference.
func (s *Staff) Book(ctx context.Context, actor string, b inventory.Booking, key idem.Key) (inventory.Booked, bool, error) {
	if err := b.Check(); err != nil {
		return inventory.Booked{}, false, err
	}
	done, replayed, err := s.Store.Book(ctx, b, stamp(actor, s.Now()), key)
	if err == nil && !replayed {
		s.Log.InfoContext(ctx, "stock booked", "kind", b.Kind, "reference", b.Reference, "lines", len(b.Lines), "actor", actor)
	}
	return done, replayed, err
}
