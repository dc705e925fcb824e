package app

import (
	"context"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// ErrEdition refuses an edition that a later one has overtaken.
var ErrEdition = fault.New(fault.Conflict, "edition-passed", "The allocation has a later edition.")

// Revise makes an allocation that of other lines, by the difference alone, once per edition. An edition is above those before it, so that
// a call which comes late changes nothing.
func (a *Allocator) Revise(ctx context.Context, actor string, o inventory.Order, edition int64) (inventory.Allocation, error) {
	o.Owner = o.ID // nobody's holds are taken
	if err := checkOrder(o); err != nil {
		return inventory.Allocation{}, err
	}
	limited, err := a.Limits.Any(ctx, o.SKUs())
	if err != nil {
		return inventory.Allocation{}, err
	}
	o.Limited, o.Nearest = limited, a.Nearest
	got, err := a.Store.Revise(ctx, o, edition, stamp(actor, a.Now()))
	switch {
	case err != nil:
		return got, err
	case got.Status == inventory.Released:
		return got, ErrReleased
	}
	a.Log.InfoContext(ctx, "allocation revised", "allocation", o.ID, "edition", edition, "lines", len(o.Lines))
	return got, nil
}
