package app

import (
	"context"
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
	ID, Name, Country, Region, Postal string
	Priority                          int
	Enabled                           bool
}

// Entry is a line of the ledger.
type Entry struct {
	ID int64
	At time.Time
	inventory.Place
	Kind              string
	OnHand, Allocated int64 // what it added
	Reference         string
	Actor, Reason     string
}

// StockStore keeps locations and levels. Each write is one transaction with its audit entry.
type StockStore interface {
	PutLocation(ctx context.Context, l Location, by Change) error
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
	if err := c.Err(); err != nil {
		return err
	}
	return s.Store.PutLocation(ctx, l, stamp(actor, s.Now()))
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
