// Package app holds the use cases of inventory: what an owner holds, what an order takes, what staff book, and what others are
// told. It owns the ports; the database decides.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// Change is who changes something, and when.
type Change struct {
	Actor string
	At    time.Time
}

// Door lets changes of one SKU through, in turn. The same changes may go through twice, late, or beside others.
type Door interface {
	Turn(ctx context.Context, sku string, changes []inventory.Change) ([]inventory.Outcome, error)
}

// HoldStore reads what an owner holds, by SKU, without what was taken or has expired.
type HoldStore interface {
	HoldsOf(ctx context.Context, owner string, now time.Time) ([]inventory.Hold, error)
}

// Holds sets what owners hold.
type Holds struct {
	Store    HoldStore
	Combiner *Combiner[inventory.Change, inventory.Outcome]
	Queue    int // calls that may wait for one SKU; 0: any number
	Now      func() time.Time
	Log      *slog.Logger

	owners keyed
}

const (
	maxHold     = 24 * time.Hour // a hold is a courtesy, not a warehouse
	undoTimeout = 2 * time.Second
	sideBySide  = 8 // SKUs of one call that are asked at once
)

// Set makes the lines all that the owner holds, until then, all or nothing. What is new or raised goes first; when any of it is
// refused, what this call took is given back, and inventory.ErrOutOfStock names all shortages. An error of another kind leaves
// the owner with what it held, or what it asked for, or some of both until then: repeating the call settles it.
func (h *Holds) Set(ctx context.Context, owner string, lines []inventory.Hold, until time.Time) ([]inventory.Hold, error) {
	now := h.Now()
	if err := checkHolds(owner, lines, until, now); err != nil {
		return nil, err
	}
	unlock, err := h.owners.lock(ctx, owner)
	if err != nil {
		return nil, err
	}
	defer unlock()
	before, err := h.Store.HoldsOf(ctx, owner, now)
	if err != nil {
		return nil, err
	}
	until = until.UTC().Truncate(time.Microsecond)
	p := planOf(owner, before, lines, until)
	if err := h.room(p.more); err != nil {
		return nil, err
	}
	short, err := h.apply(ctx, p.more)
	if err == nil && len(short) == 0 {
		short, err = h.apply(ctx, p.less)
	}
	if len(short) > 0 || err != nil {
		h.undo(ctx, owner, p)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("hold: %w", err)
	case len(short) > 0:
		return nil, inventory.OutOfStock(short)
	}
	return p.after, nil
}

// ErrWaitingRoom sends a caller away whose turn would come too late; it was surely not executed.
var ErrWaitingRoom = fault.New(fault.Unavailable, "waiting-room", "More people want this than can be served at once: come back in a moment.")

// Who is sent away comes back when the queue has been served, at the speed that one SKU usually has.
const (
	servedASecond = 1000
	roomAtLeast   = time.Second
)

// room refuses a call that wants more of a SKU for which too many wait. Giving back and renewing always find room.
func (h *Holds) room(more []step) error {
	for _, s := range more {
		if n := h.Combiner.Waiting(s.sku); h.Queue > 0 && n >= h.Queue {
			return ErrWaitingRoom.With("sku", s.sku).WithRetryAfter(max(roomAtLeast, time.Duration(n)*time.Second/servedASecond))
		}
	}
	return nil
}

// Release gives back everything that the owner holds.
func (h *Holds) Release(ctx context.Context, owner string) error {
	_, err := h.Set(ctx, owner, nil, h.Now().Add(time.Minute))
	return err
}

// Of returns what the owner holds.
func (h *Holds) Of(ctx context.Context, owner string) ([]inventory.Hold, error) {
	return h.Store.HoldsOf(ctx, owner, h.Now())
}

func checkHolds(owner string, lines []inventory.Hold, until, now time.Time) error {
	var c fault.Collector
	c.Check(inventory.ValidID(owner), "path.owner", "must be 1 to 80 letters, digits, . _ ~ : or -", owner)
	c.Check(len(lines) <= inventory.MaxLines, "body.lines", fmt.Sprintf("must have at most %d entries", inventory.MaxLines), len(lines))
	c.Check(until.After(now) && until.Before(now.Add(maxHold)), "body.expires_at", "must be within the next 24 hours", until)
	seen := make(map[string]bool, len(lines))
	for i, l := range lines {
		at := fmt.Sprintf("body.lines[%d]", i)
		c.Check(inventory.ValidSKU(l.SKU), at+".sku", "must be 1 to 64 letters, digits, . _ or -", l.SKU)
		c.Check(!seen[l.SKU], at+".sku", "stands twice", l.SKU)
		c.Check(l.Quantity >= 1 && l.Quantity <= inventory.MaxQuantity, at+".quantity", fmt.Sprintf("must be from 1 to %d", inventory.MaxQuantity), l.Quantity)
		seen[l.SKU] = true
	}
	return c.Err()
}

// step is what happens to one SKU, and how it is undone.
type step struct {
	sku          string
	change, undo inventory.Change
}

// plan is the way from what an owner holds to what it shall hold.
type plan struct {
	more  []step // new or raised: may be refused
	less  []step // lowered, renewed, released: refused only when the hold has expired since it was read
	after []inventory.Hold
}

func planOf(owner string, before, lines []inventory.Hold, until time.Time) (p plan) {
	had := make(map[string]inventory.Hold, len(before))
	for _, b := range before {
		had[b.SKU] = b
	}
	for _, l := range lines {
		b := had[l.SKU]
		delete(had, l.SKU)
		s := step{sku: l.SKU, change: inventory.Change{Owner: owner, Quantity: l.Quantity, ExpiresAt: until},
			undo: inventory.Change{Owner: owner, Quantity: b.Quantity, ExpiresAt: b.ExpiresAt}}
		switch {
		case l.Quantity > b.Quantity:
			p.more = append(p.more, s)
		case l.Quantity < b.Quantity || !b.ExpiresAt.Equal(until):
			p.less = append(p.less, s)
		}
		p.after = append(p.after, inventory.Hold{Owner: owner, SKU: l.SKU, Quantity: l.Quantity, ExpiresAt: until})
	}
	for _, b := range before {
		if _, left := had[b.SKU]; left {
			p.less = append(p.less, step{sku: b.SKU, change: inventory.Change{Owner: owner},
				undo: inventory.Change{Owner: owner, Quantity: b.Quantity, ExpiresAt: b.ExpiresAt}})
		}
	}
	return p
}

// apply runs steps side by side and returns the shortages in the order of the steps. It does all of them whatever happens to
// one, so that all shortages are known.
func (h *Holds) apply(ctx context.Context, steps []step) ([]inventory.Shortage, error) {
	outcomes, errs := make([]inventory.Outcome, len(steps)), make([]error, len(steps))
	places := make(chan struct{}, sideBySide)
	var all sync.WaitGroup
	for i, s := range steps {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			outcomes[i], errs[i] = h.Combiner.Apply(ctx, s.sku, s.change)
		})
	}
	all.Wait()
	var short []inventory.Shortage
	for i, o := range outcomes {
		if errs[i] == nil && !o.Held {
			short = append(short, inventory.Shortage{SKU: steps[i].sku, Requested: steps[i].change.Quantity, Available: o.Available})
		}
	}
	return short, errors.Join(errs...)
}

// undo brings back what the owner held, whichever steps were done. It outlives the caller. What cannot be brought back ends by
// the clock.
func (h *Holds) undo(ctx context.Context, owner string, p plan) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	back := make([]step, 0, len(p.more)+len(p.less))
	for _, s := range append(p.more, p.less...) {
		back = append(back, step{sku: s.sku, change: s.undo})
	}
	if short, err := h.apply(ctx, back); err != nil || len(short) > 0 {
		h.Log.WarnContext(ctx, "holds not brought back, they end by the clock", "owner", owner, "short", len(short), "error", err)
	}
}
