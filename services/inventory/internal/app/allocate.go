package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// What allocations are refused with, beside inventory.ErrOutOfStock.
var (
	ErrNoAllocation = fault.New(fault.NotFound, "allocation-not-found", "There is no such allocation.")
	ErrReleased     = fault.New(fault.Conflict, "allocation-released", "The allocation was released; an order that tries again takes a new id.")
	ErrDiffers      = fault.New(fault.Conflict, "allocation-differs", "The id has an allocation of other lines.")
)

// AllocationStore keeps allocations; each method is one transaction.
type AllocationStore interface {
	// Allocate takes the stock and makes the owner's holds taken, or returns the allocation that is there, in whatever state and
	// of whatever lines. inventory.ErrOutOfStock changes nothing.
	Allocate(ctx context.Context, o inventory.Order, by Change) (inventory.Allocation, error)
	// Revise books the difference between an allocation and the lines of the order, once per edition; of one that is released it changes
	// nothing. ErrNoAllocation, ErrEdition, ErrDiffers and inventory.ErrOutOfStock change nothing either.
	Revise(ctx context.Context, o inventory.Order, edition int64, by Change) (inventory.Allocation, error)
	// Release gives back exactly what was taken. Again, or without an allocation, it changes no stock.
	Release(ctx context.Context, id string, by Change) (inventory.Allocation, error)
	// Allocation returns ErrNoAllocation for an unknown id.
	Allocation(ctx context.Context, id string) (inventory.Allocation, error)
}

// Allocator takes stock for orders, for good.
type Allocator struct {
	Store  AllocationStore
	Limits *Limits
	Now    func() time.Time
	Log    *slog.Logger

	Nearest bool // route by nearness before priority
}

// Allocate takes everything the order names or nothing, once per id, and no more than a customer may have.
func (a *Allocator) Allocate(ctx context.Context, actor string, o inventory.Order) (inventory.Allocation, error) {
	if err := checkOrder(o); err != nil {
		return inventory.Allocation{}, err
	}
	limited, err := a.Limits.Any(ctx, o.SKUs())
	if err != nil {
		return inventory.Allocation{}, err
	}
	o.Limited, o.Nearest = limited, a.Nearest
	got, err := a.Store.Allocate(ctx, o, stamp(actor, a.Now()))
	switch {
	case err != nil:
		return got, err
	case got.Status == inventory.Released:
		return got, ErrReleased
	case !got.Same(o):
		return got, ErrDiffers
	}
	a.Log.InfoContext(ctx, "stock allocated", "allocation", o.ID, "lines", len(o.Lines))
	return got, nil
}

// Release gives back what an id has taken. It may be repeated, and it may come before the allocation, which is then refused.
func (a *Allocator) Release(ctx context.Context, actor, id string) (inventory.Allocation, error) {
	if !inventory.ValidID(id) {
		return inventory.Allocation{}, ErrNoAllocation
	}
	got, err := a.Store.Release(ctx, id, stamp(actor, a.Now()))
	if err == nil {
		a.Log.InfoContext(ctx, "stock released", "allocation", id, "lines", len(got.Lines))
	}
	return got, err
}

// Get returns an allocation.
func (a *Allocator) Get(ctx context.Context, id string) (inventory.Allocation, error) {
	if !inventory.ValidID(id) {
		return inventory.Allocation{}, ErrNoAllocation
	}
	return a.Store.Allocation(ctx, id)
}

func stamp(actor string, now time.Time) Change {
	return Change{Actor: actor, At: now.UTC().Truncate(time.Microsecond)}
}

func checkOrder(o inventory.Order) error {
	var c fault.Collector
	c.Check(inventory.ValidID(o.ID), "path.order", "must be 1 to 80 letters, digits, . _ ~ : or -", o.ID)
	c.Check(inventory.ValidID(o.Owner), "body.owner", "must be 1 to 80 letters, digits, . _ ~ : or -", o.Owner)
	c.Check(o.To.Country == "" || countryForm.MatchString(o.To.Country), "body.country", "must be an ISO 3166-1 alpha-2 code", o.To.Country)
	c.Check(len(o.Lines) >= 1 && len(o.Lines) <= inventory.MaxLines, "body.lines", fmt.Sprintf("must have 1 to %d entries", inventory.MaxLines), len(o.Lines))
	seen := make(map[string]bool, len(o.Lines))
	for i, l := range o.Lines {
		at := fmt.Sprintf("body.lines[%d]", i)
		c.Check(inventory.ValidID(l.ID) && !seen[l.ID], at+".line_id", "must be given and unique", l.ID)
		c.Check(inventory.ValidSKU(l.SKU), at+".sku", "must be 1 to 64 letters, digits, . _ or -", l.SKU)
		c.Check(l.Quantity >= 1 && l.Quantity <= inventory.MaxQuantity, at+".quantity", fmt.Sprintf("must be from 1 to %d", inventory.MaxQuantity), l.Quantity)
		seen[l.ID] = true
	}
	return c.Err()
}
