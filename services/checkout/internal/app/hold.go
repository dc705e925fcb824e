package app

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

// hold holds the stock of all lines for the hold TTL, in one call, and notes it in r.
func (a *App) hold(ctx context.Context, r *Record, now time.Time) error {
	until := now.Add(a.HoldTTL)
	if err := a.Holds.Put(ctx, r.CartID, inventoryapi.HoldRequest{ExpiresAt: until, Customer: inventoryapi.Customer(r.CustomerID, r.Email), Lines: r.holdLines()}); err != nil {
		return err
	}
	r.Hold, r.HoldUntil = checkout.Held, until
	return nil
}

// holdLines sums the lines of each SKU: inventory takes a SKU once.
func (r *Record) holdLines() []inventoryapi.HoldLine {
	lines := make([]inventoryapi.HoldLine, 0, len(r.Quote.Lines))
	at := map[string]int{}
	for _, l := range r.Quote.Lines {
		if i, twice := at[l.SKU]; twice {
			lines[i].Quantity += l.Quantity
			continue
		}
		at[l.SKU] = len(lines)
		lines = append(lines, inventoryapi.HoldLine{SKU: l.SKU, Quantity: l.Quantity})
	}
	return lines
}

// renew holds the stock once more. Only when it is really gone does the shopper hear of it.
func (a *App) renew(ctx context.Context, r *Record, now time.Time) error {
	err := a.hold(ctx, r, now)
	if fault.CodeOf(err) != "out-of-stock" {
		return err
	}
	f, _ := fault.As(err)
	return fault.New(fault.Conflict, "hold-expired", "The stock was held no longer, and is gone.").With("lines", f.Extra["lines"])
}

// reheld holds the stock of an open checkout again when its holds have run out, and returns it as it is then: held, or with the warnings
// why not. That inventory does not answer, or another writes at the same time, is no reason to refuse a reader.
func (a *App) reheld(ctx context.Context, r Record) Record {
	now := a.now()
	after, ranOut, _ := checkout.Decide(r.Checkout, checkout.Event{Name: checkout.HoldsRenewed, At: now.Add(a.HoldTTL)}, now) // no command: never refused
	if !ranOut {
		return r
	}
	held := r
	err := a.hold(ctx, &held, now)
	if warnings := warningsOf(err); warnings != nil {
		r.Warnings = warnings
		return r
	}
	if err == nil {
		held.Checkout = after
		if err = a.Store.Save(ctx, Change{Seen: r.Version, After: held}); err == nil {
			return held
		}
	}
	if errors.Is(err, ErrMoved) {
		var found Record
		if found, err = a.settled(ctx, r); err == nil {
			return found
		}
	}
	a.Log.WarnContext(ctx, "holds are not renewed", "order_id", r.OrderID, "error", err)
	return r
}

// settled returns a checkout that moved while what it held before was held again: the holds are brought to what it is now.
func (a *App) settled(ctx context.Context, before Record) (Record, error) {
	r, err := a.Get(ctx, before.ID)
	switch {
	case err != nil:
		return r, err
	case r.Status == checkout.Open && r.CartVersion != before.CartVersion:
		return r, a.hold(ctx, &r, a.now())
	case r.Status == checkout.Completed: // its order has taken what it needs, and the cart is closed
		return r, a.Holds.Release(ctx, r.CartID)
	case r.Status == checkout.Expired, r.Status == checkout.Cancelled:
		return r, a.letGo(ctx, r)
	}
	return r, nil
}

// letGo releases the holds of an ended checkout. They are the cart's: when another checkout of the cart lives, they are its own.
func (a *App) letGo(ctx context.Context, r Record) error {
	_, err := a.Store.OfCart(ctx, r.CartID)
	if errors.Is(err, ErrNotFound) {
		return a.Holds.Release(ctx, r.CartID)
	}
	return err
}

// warningsOf reads what a refusal of inventory says of each SKU; nil: it is none.
func warningsOf(err error) (all []checkoutapi.Warning) {
	f, ok := fault.As(err)
	if !ok {
		return nil
	}
	lines, _ := json.Marshal(f.Extra["lines"]) // it came as JSON
	switch f.Code {
	case checkoutapi.WarningOutOfStock:
		var short []inventoryapi.Shortage
		if json.Unmarshal(lines, &short) != nil {
			return nil
		}
		for _, s := range short {
			all = append(all, checkoutapi.Warning{Type: f.Code, SKU: s.SKU, Requested: s.Requested, Available: s.Available})
		}
	case checkoutapi.WarningQuantityLimit:
		var over []inventoryapi.OverLimit
		if json.Unmarshal(lines, &over) != nil {
			return nil
		}
		for _, o := range over {
			all = append(all, checkoutapi.Warning{Type: f.Code, SKU: o.SKU, Requested: o.Requested, Available: max(o.Limit-o.Had, 0)})
		}
	}
	return all
}
