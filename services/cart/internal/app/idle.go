package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/cart/internal/cart"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
)

// Replica takes in what catalog and inventory tell. What came before, or is older than what is there, changes nothing.
type Replica interface {
	KeepProduct(ctx context.Context, productID string, version int64, variants []catalogapi.Sellable) error
	KeepLevel(ctx context.Context, sku string, sequence int64, l Level) error
}

// LeftCart is an open cart with lines that nobody touched for a while.
type LeftCart struct {
	ID      string
	Version int64
	Total   int64 // minor units, of the quote of Version
}

// Idle finds and notes carts that were left alone.
type Idle interface {
	Load(ctx context.Context, id string) (cart.Cart, error)
	// Left returns, by id, carts that were changed last in (from, to] and were not told of at their version.
	Left(ctx context.Context, from, to time.Time, afterID string, limit int) ([]LeftCart, error)
	// Tell emits the events of carts that are still at their version and were not told of, and returns how many.
	Tell(ctx context.Context, all []cartapi.AbandonedV1, at time.Time) (int, error)
	// Forget deletes carts that were changed last before a time.
	Forget(ctx context.Context, before time.Time) (int64, error)
}

// Sweeper tells of abandoned carts, once per idle period, and forgets expired ones. Two of them at once tell nothing twice.
type Sweeper struct {
	Store Idle
	Now   func() time.Time
	After time.Duration // how long a cart must have been left alone
	TTL   time.Duration // after which it is forgotten
	Log   *slog.Logger
}

const sweepChunk = 100

// Sweep does one round. A cart that cannot be read is passed over and logged.
func (s *Sweeper) Sweep(ctx context.Context) error {
	now := s.Now().UTC().Truncate(time.Microsecond)
	told, last := 0, ""
	for {
		left, err := s.Store.Left(ctx, now.Add(-s.TTL), now.Add(-s.After), last, sweepChunk)
		if err != nil {
			return err
		}
		var events []cartapi.AbandonedV1
		for _, l := range left {
			last = l.ID
			c, err := s.Store.Load(ctx, l.ID)
			if err != nil {
				s.Log.ErrorContext(ctx, "abandoned cart cannot be read", "cart_id", l.ID, "error", err)
				continue
			}
			if c.Version == l.Version {
				events = append(events, abandoned(&c, l.Total))
			}
		}
		n, err := s.Store.Tell(ctx, events, now)
		if err != nil {
			return err
		}
		told += n
		if len(left) < sweepChunk {
			break
		}
	}
	forgotten, err := s.Store.Forget(ctx, now.Add(-s.TTL))
	if told > 0 || forgotten > 0 {
		s.Log.InfoContext(ctx, "swept carts", "abandoned", told, "forgotten", forgotten)
	}
	return err
}

func abandoned(c *cart.Cart, total int64) cartapi.AbandonedV1 {
	ev := cartapi.AbandonedV1{CartID: c.ID, Version: c.Version, CustomerID: c.CustomerID, Currency: string(c.Currency),
		Lines: make([]cartapi.AbandonedLine, len(c.Lines)), Total: money.New(total, c.Currency), LastTouched: c.UpdatedAt}
	for i, l := range c.Lines {
		ev.Lines[i] = cartapi.AbandonedLine{SKU: l.SKU, Quantity: l.Quantity}
	}
	return ev
}
