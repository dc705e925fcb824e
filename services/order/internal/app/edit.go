package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// Edits are those of an order, in the order in which they were asked for.
type Edits []edit

// edit is one of a record's. Proposed is the whole order as it shall be, until the edit is over; Before, of one that was made, as it was.
type edit struct {
	orderapi.Edit
	Hash      string                 `json:"hash,omitempty"` // of the request that asked for it
	SameGoods bool                   `json:"same_goods,omitempty"`
	Proposed  *orderapi.PlaceRequest `json:"proposed,omitempty"`
	Before    *orderapi.PlaceRequest `json:"before,omitempty"`
}

// View returns them as staff see them.
func (all Edits) View() orderapi.Edits {
	v := orderapi.Edits{Items: make([]orderapi.Edit, len(all))}
	for i, e := range all {
		v.Items[i] = e.Edit
	}
	return v
}

// ErrEditReused says that the key of an edit came with another body before.
var ErrEditReused = fault.New(fault.Invalid, "idempotency-key-reused", "This Idempotency-Key was used for another request.")

// Find returns the edit of an id that this request asked for; ErrEditReused when another one did.
func (all Edits) Find(id, hash string) (orderapi.Edit, bool, error) {
	i := slices.IndexFunc(all, func(e edit) bool { return e.ID == id })
	switch {
	case i < 0:
		return orderapi.Edit{}, false, nil
	case all[i].Hash != "" && all[i].Hash != hash: // one that was recorded before hashes were has none
		return orderapi.Edit{}, false, ErrEditReused
	}
	return all[i].Edit, true, nil
}

// errEditKnown ends a command that was recorded before.
var errEditKnown = errors.New("the edit is known")

// Edit records that an order shall be as proposed. It is executed behind it.
func (a *App) Edit(ctx context.Context, id, actor string, p Proposal) (Record, error) {
	rec, err := a.visible(ctx, id)
	if err != nil {
		return rec, err
	}
	asked := edit{Edit: p.Edit, Hash: p.Hash, SameGoods: p.SameGoods, Proposed: &p.Proposed}
	asked.RequestedBy = actor
	rec, err = a.apply(ctx, rec, command{event: order.Event{Name: order.Edit, Attempt: rec.Attempt, Amount: p.TotalAfter, Same: p.SameGoods}, actor: actor, audit: true,
		metadata: map[string]any{"edit": p.Number, "edit_id": p.ID, "lines": p.Lines, "readdressed": p.Readdressed, "total_before": p.TotalBefore.Minor,
			"total_after": p.TotalAfter.Minor, "currency": string(p.TotalAfter.Currency), "note": p.Note},
		check: func(now Record, _ *command) error {
			if _, known, err := now.Edits.Find(p.ID, p.Hash); known || err != nil {
				return cmp.Or(err, errEditKnown)
			}
			if err := a.mayEdit(now); err != nil {
				return err
			}
			return p.allowed(now)
		},
		edit:       func(r *Record) { r.Edits = append(slices.Clone(r.Edits), asked) },
		uninvoiced: !rec.Invoiced && p.beyondInvoice(rec)})
	if errors.Is(err, errEditKnown) {
		return rec, nil
	}
	return rec, err
}

// settleEdit notes how far the edit has come with a decision.
func (r *Record) settleEdit(before order.Order, c command, now time.Time) {
	atOnce := c.event.Name == order.Edit && r.Edit == ""
	if r.Edit == before.Edit && !atOnce || c.event.Name == order.Edit && !atOnce {
		return
	}
	r.Edits = slices.Clone(r.Edits)
	e := &r.Edits[len(r.Edits)-1]
	if atOnce {
		e.make(r, now)
		e.Proposed = nil
		return
	}
	if c.event.Name == order.Charged {
		charged := c.event.Amount
		e.Charged = &charged
	}
	switch r.Edit {
	case order.EditMade:
		e.make(r, now)
	case order.EditRefused:
		e.Problem = "order-cancelled"
		if c.event.Name == order.MoreRefused || c.event.Name == order.ChargeRefused {
			e.Problem, e.DeclineCode, e.Detail = c.event.Outcome.Kind, c.event.Outcome.DeclineCode, c.event.Outcome.Message
			for _, s := range c.event.Outcome.Shortages {
				e.Shortages = append(e.Shortages, orderapi.Shortage(s))
			}
		}
	case "": // a refused one is over once what was taken for it is free
		if e.Proposed = nil; e.Problem != "" {
			e.Status, e.DoneAt = orderapi.EditRefused, &now
		}
		if r.Refunding.IsPositive() {
			r.Refunds = append(slices.Clone(r.Refunds), orderapi.Refund{ID: fmt.Sprintf("edit-%d", e.Number), Edit: e.Number, Amount: r.Refunding, Reason: fmt.Sprintf("edit %d", e.Number),
				Status: orderapi.RefundPending, RequestedAt: now})
		}
	}
}

// make makes the order the edited one.
func (e *edit) make(r *Record, now time.Time) {
	was := r.Snapshot
	e.Status, e.DoneAt, e.Before, r.Snapshot = orderapi.EditDone, &now, &was, *e.Proposed
}

// edition names what an allocation is to be for inventory: each edit has two, the later one is above.
func (r Record) edition() int64 {
	n := 2 * int64(r.EditNumber)
	if r.Edit == order.EditAsked {
		return n - 1
	}
	return n
}

func (l Lease) allocation(lines []orderapi.PlaceLine, to orderapi.Address) Allocation {
	s := l.Record.Snapshot
	a := Allocation{Key: PaymentID(l.Record), Owner: l.Record.CartID, Customer: inventoryapi.Customer(s.CustomerID, s.Email), Country: to.Country, Region: to.Region, Postal: to.PostalCode}
	for _, line := range lines {
		a.Lines = append(a.Lines, AllocateLine{LineID: line.ID, SKU: line.SKU, Quantity: line.Quantity})
	}
	return a
}

// takeMore allocates what an edit adds, beside all that the order has.
func (d *Driver) takeMore(ctx context.Context, l Lease) (command, error) {
	c := l.event(order.MoreTaken)
	e := l.Record.Edits[len(l.Record.Edits)-1]
	if err := d.app.HeardOfAll(ctx, l.Record, e.Difference); errors.Is(err, ErrUnheard) {
		return l.refuses(order.MoreRefused, ErrUnheard), nil
	} else if err != nil {
		return command{}, err
	}
	has := l.Record.Snapshot.Lines
	more := added(has, e.Proposed.Lines)
	if len(more) == 0 {
		return c, nil
	}
	_, short, err := d.stock.Revise(ctx, l.Record.edition(), l.allocation(append(slices.Clone(has), more...), e.Proposed.ShippingAddress))
	f, no := refused(err)
	switch {
	case len(short) > 0:
		c.event.Name, c.event.Outcome = order.MoreRefused, order.Outcome{Kind: "out-of-stock", Shortages: short}
		c.metadata = outcomeMetadata(c.event.Outcome)
	case no:
		return l.refuses(order.MoreRefused, f), nil
	case err != nil:
		return command{}, err
	}
	return c, nil
}

// giveLess frees what the order does not have: what was removed, or what was taken for an edit that was refused.
func (d *Driver) giveLess(ctx context.Context, l Lease) (command, error) {
	c := l.event(order.LessGiven)
	e := l.Record.Edits[len(l.Record.Edits)-1]
	c.event.Amount = money.New(max(0, -e.Difference.Minor), l.Record.Total.Currency)
	if e.SameGoods {
		return c, nil
	}
	parts, _, err := d.stock.Revise(ctx, l.Record.edition(), l.allocation(l.Record.Snapshot.Lines, l.Record.Snapshot.ShippingAddress))
	c.parts = parts
	return c, err
}
