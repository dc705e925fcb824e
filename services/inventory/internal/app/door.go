package app

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// TurnStore runs one turn as a transaction whose guard holds whoever else runs one at the same time.
type TurnStore interface {
	Turn(ctx context.Context, sku string, changes []inventory.Change, now time.Time) ([]inventory.Outcome, error)
}

// Direct is the door that runs turns here, as the actor does in its turn, and as the fallback without one.
type Direct struct {
	Store TurnStore
	Now   func() time.Time
}

// Turn implements Door.
func (d Direct) Turn(ctx context.Context, sku string, changes []inventory.Change) ([]inventory.Outcome, error) {
	return d.Store.Turn(ctx, sku, changes, d.Now())
}

// The patience with the actor.
const (
	actorTimeout = 300 * time.Millisecond
	actorPause   = time.Second
)

// Fallback is the door that asks the actor of the SKU, and runs the turn here when the actor gives no answer in time: without
// placement, selling goes on. After a failure the actor is left alone for a second. A turn that runs late as well, at the actor,
// sets what was set already, or at worst holds something for nobody until its expiry.
type Fallback struct {
	Actor  Door
	Direct Door
	Now    func() time.Time
	Log    *slog.Logger

	pausedUntil atomic.Int64 // Unix nanoseconds
}

// Turn implements Door.
func (f *Fallback) Turn(ctx context.Context, sku string, changes []inventory.Change) ([]inventory.Outcome, error) {
	if f.Now().UnixNano() >= f.pausedUntil.Load() {
		asked, cancel := context.WithTimeout(ctx, actorTimeout)
		outcomes, err := f.Actor.Turn(asked, sku, changes)
		cancel()
		if err == nil {
			return outcomes, nil
		}
		f.pausedUntil.Store(f.Now().Add(actorPause).UnixNano())
		f.Log.WarnContext(ctx, "no turn at the actor, running it here", "sku", sku, "error", err)
	}
	return f.Direct.Turn(ctx, sku, changes)
}
