// Package app holds the use cases of order: take a command, decide, record, perform what follows, answer who waits.
//
// The core decides; Store records a decision under the order's version, together with the log entry, the one live effect and
// the announcement, or not at all. The Driver performs effects and feeds their answers back in the same way. Who waits for
// an outcome is woken by the Driver of this replica, and looks for itself every quarter of a second in case another did it.
//
// What may go wrong: two commands at once (the version decides, the loser decides again on what it finds), an answer that
// comes twice or late (the attempt or the state refuses it), a crash anywhere (the effect's lease runs out and another
// replica asks the callee again under the same operation id).
package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// Record is an order with what travels beside the core.
type Record struct {
	order.Order
	Number         string // "" until placed
	AccessToken    string // the guest's capability: 32 hex digits
	MachineVersion int
	Snapshot       orderapi.PlaceRequest // of the present attempt, without the means of payment
	Parts          []Part                // where the stock comes from, once allocated
	Disputes       Disputes              // of the payment
	Refunds        Refunds               // that staff asked for; the last may be on its way
	Edits          Edits                 // that staff asked for; the last may be under way
	Invoiced       bool                  // an invoice was issued
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Part is a quantity of a line at a location.
type Part struct {
	LineID     string     `json:"line_id"`
	LocationID string     `json:"location_id"`
	Quantity   int64      `json:"quantity"`
	Owed       string     `json:"owed,omitempty"` // "backorder" or "preorder": not on the shelf yet
	ShipsAt    *time.Time `json:"ships_at,omitempty"`
}

// Disputes are what cardholders dispute of an order's payment, in the order they were heard of.
type Disputes []dispute

// Entry is one line of the append-only log.
type Entry struct {
	Version    int64
	At         time.Time
	Transition string
	Event      string
	From, To   string
	Attempt    int
	Actor      string
	Metadata   map[string]any
}

// Change is one decision, ready to be recorded.
type Change struct {
	Seen  int64 // the version decided upon; 0 makes the order
	After Record
	// What else a decision changed: most leave the two alone.
	NewSnapshot, NewParts, NewNotes bool // notes: disputes, refunds and edits
	Uninvoiced                      bool // only while there is no invoice
	Entry                           Entry
	Announce                        order.Announcement
	Effect                          *order.Effect         // the next effect; nil: none
	Payment                         orderapi.PaymentInput // input of an authorise effect
	Keep                            bool                  // the live effect stays as it is; Effect is nil
	Wake                            bool                  // of Keep: it is due now, whoever performs it
	Stamp                           int64                 // of the effect that is answered; 0: not an answer
	Audit                           bool                  // the entry goes into the audit log too
}

// Lease is an effect that this replica may perform until Until. Version is the order's when the effect was scheduled: part of
// its operation id. Stamp must still match when it is answered.
type Lease struct {
	Record  Record
	Kind    order.EffectKind
	Version int64
	Stamp   int64
	Tries   int
	Payment orderapi.PaymentInput
	Portion *Portion // of a refund, once it is pinned
	Until   time.Time
}

// Portion is what of a refund one payment gives back.
type Portion struct {
	Version int64        `json:"version"` // of the effect
	Attempt int          `json:"attempt"` // of the payment
	Amount  money.Amount `json:"amount"`
	Given   money.Amount `json:"given"` // what people gave back of it meanwhile
}

// The refusals of a Store.
var (
	ErrNotFound      = fault.New(fault.NotFound, "order-not-found", "There is no such order.")
	ErrMoved         = errors.New("the order has moved")
	ErrCartTaken     = errors.New("another order of this cart was placed")
	ErrCheckoutTaken = fault.New(fault.Conflict, "another-order", "This checkout has another order.")
)

// Store keeps orders, their log and their effects.
type Store interface {
	// Load returns an order, or ErrNotFound.
	Load(ctx context.Context, id string) (Record, error)
	// Save records a change in one transaction. ErrMoved: the version or the stamp is not the one seen. It returns the record
	// as it is now, and a lease when an effect is due at once.
	Save(ctx context.Context, c Change) (Record, *Lease, error)
	// Take leases up to n effects that are due and free.
	Take(ctx context.Context, now time.Time, n int) ([]Lease, error)
	// Postpone gives a lease back until due; nothing happens when the stamp has moved.
	Postpone(ctx context.Context, l Lease, due time.Time) error
	// Pin keeps what a leased refund asks payment for, for every further try; ErrMoved when the stamp has moved.
	Pin(ctx context.Context, l Lease, p Portion) error
	// Log returns the entries of an order, oldest first.
	Log(ctx context.Context, id string) ([]Entry, error)
}

// App decides and records.
type App struct {
	Machines Machines
	Store    Store
	Now      func() time.Time
	Log      *slog.Logger
	hub      hub
	driver   *Driver
	alarms   *prometheus.CounterVec
}

// New returns an app whose effects are performed by a driver over these ports.
func New(m Machines, store Store, pay Payments, stock Stock, now func() time.Time, log *slog.Logger) *App {
	a := &App{Machines: m, Store: store, Now: now, Log: log, hub: newHub(),
		alarms: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "order_alarms_total", Help: "What a person should look at, by reason"}, []string{"reason"})}
	a.driver = newDriver(a, pay, stock)
	return a
}

// Driver performs the effects; it is a run.Service.
func (a *App) Driver() *Driver { return a.driver }

func (a *App) now() time.Time { return a.Now().UTC().Truncate(time.Microsecond) }

// machine is the one that an order was placed under; a new order gets the current one. Of a version that only a newer replica knows,
// the current one tells what can be told.
func (a *App) machine(rec Record) *order.Machine {
	if m := a.Machines.Of(rec.MachineVersion); m != nil {
		return m
	}
	return a.Machines.Current()
}

func (a *App) state(rec Record) order.StateDef { return a.machine(rec).State(rec.State) }

// facts are what the guards of a merchant's file ask of an order.
func facts(s orderapi.PlaceRequest) *order.Facts {
	f := order.Facts{Country: s.ShippingAddress.Country, ShippingOption: s.ShippingOption.ID, Registered: s.CustomerID != "", Noted: s.Note != ""}
	for _, l := range s.Lines {
		line := order.LineFacts{SKU: l.SKU}
		_ = json.Unmarshal(l.Metadata, &line.Metadata) // cart let only objects in; what is none has no members
		f.Lines = append(f.Lines, line)
	}
	return &f
}

// considered is the order with what its machine's guards ask for.
func (a *App) considered(rec Record) order.Order {
	if a.machine(rec).Asks() {
		rec.Facts = facts(rec.Snapshot)
	}
	return rec.Order
}

// ErrUnknownMachine says that an order was placed under a machine that this replica does not have: one of a newer version does.
var ErrUnknownMachine = fault.New(fault.Unavailable, "unknown-machine", "The order cannot be changed here for the moment.")

// command is an event with what surrounds it.
type command struct {
	event    order.Event
	actor    string
	metadata map[string]any
	snapshot *orderapi.PlaceRequest       // of place
	parts    []Part                       // of allocated
	edit     func(*Record)                // of disputed and refund: what else of the record changes
	check    func(Record, *command) error // of refund: what else has to hold of the order as it is now, and what follows for the event
	stamp    int64                        // of an answer
	audit    bool                         // asked by staff

	uninvoiced bool // of edit: only while there is no invoice
}

const maxMoves = 8 // how often a command decides again before it gives up

// apply decides and records. rec is what the caller believes the order to be; when that has moved, it is loaded and decided
// upon again. An effect that is due at once is handed to the driver.
func (a *App) apply(ctx context.Context, rec Record, c command) (Record, error) {
	for range maxMoves {
		now := a.now()
		if rec.MachineVersion != 0 && a.Machines.Of(rec.MachineVersion) == nil {
			return rec, ErrUnknownMachine
		}
		if c.check != nil {
			if err := c.check(rec, &c); err != nil {
				return rec, err
			}
		}
		d, err := a.machine(rec).Decide(a.considered(rec), c.event, now)
		if err != nil {
			return rec, err
		}
		saved, lease, err := a.record(ctx, a.change(rec, d, c, now))
		switch {
		case errors.Is(err, ErrMoved):
			id := rec.ID
			if rec, err = a.Store.Load(ctx, id); fault.KindOf(err) == fault.Unavailable {
				return rec, ErrUnsure.WithCause(err) // what moved the order may have been this command, sent before
			} else if err != nil {
				return rec, err
			}
			continue
		case errors.Is(err, ErrCartTaken):
			c = cartTaken(c)
			continue
		case err != nil:
			return rec, fmt.Errorf("record %s of order %s: %w", c.event.Name, rec.ID, err)
		}
		a.hub.tell(saved)
		if lease != nil {
			a.driver.start(*lease, func() {})
		}
		return saved, nil
	}
	return rec, fault.New(fault.Unavailable, "busy", "The order is being changed by others; repeat the call.")
}

// record saves under a clock of its own: the caller's may run out while the database commits, and then nobody would perform the
// effect until its lease is over. A caller who has gone already records nothing.
func (a *App) record(ctx context.Context, c Change) (Record, *Lease, error) {
	if err := ctx.Err(); err != nil {
		return c.After, nil, ErrUnsure.WithCause(err)
	}
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer done()
	return a.Store.Save(ctx, c)
}

// cartTaken turns the answer "allocated" into its counterpart: the stock is there, but not for this order.
func cartTaken(c command) command {
	c.event.Name = order.CartTaken
	c.event.Outcome = order.Outcome{Kind: order.Failed, Message: "This cart has been ordered already."}
	c.parts, c.metadata = nil, outcomeMetadata(c.event.Outcome)
	return c
}

// endsWaiting are the events after which nobody decides upon a payment any more: its capture is asked for at once.
var endsWaiting = []order.EventName{order.Cancel, order.ReviewClosed, order.MoneyGone}

func (a *App) change(rec Record, d order.Decision, c command, now time.Time) Change {
	after := rec
	after.Order = d.Order
	after.Facts = nil
	after.UpdatedAt = now
	if rec.MachineVersion == 0 {
		after.MachineVersion = a.Machines.Current().Version()
	}
	if c.snapshot != nil {
		after.Snapshot, after.Parts = *c.snapshot, nil
		after.Snapshot.Payment = orderapi.PaymentInput{Provider: c.snapshot.Payment.Provider} // no means of payment is kept
		if rec.CreatedAt.IsZero() {
			after.CreatedAt, after.AccessToken = now, NewToken()
		}
	}
	if c.parts != nil {
		after.Parts = c.parts
	}
	if c.edit != nil {
		c.edit(&after)
	}
	after.settleEdit(rec.Order, c, now)
	after.settleRefund(rec.Order, c, now)
	after.noteRefund(now)
	ch := Change{
		Seen: rec.Version, After: after, Announce: d.Announce, Effect: d.Effect, Stamp: c.stamp, Audit: c.audit,
		Keep: d.Effect == nil && c.stamp == 0 && c.event.Name != order.Refunded && // that needs no further try
			(d.From == d.Order.State || a.machine(rec).EffectOf(d.From) != order.Wait), // whoever moves on waits no more
		Entry: Entry{Version: d.Order.Version, At: now, Transition: d.Transition, Event: string(c.event.Name), From: string(d.From),
			To: string(d.Order.State), Attempt: d.Order.Attempt, Actor: c.actor, Metadata: c.metadata},
	}
	ch.Wake = ch.Keep && rec.Review == order.ReviewPending && slices.Contains(endsWaiting, c.event.Name)
	if c.snapshot != nil {
		ch.Payment = c.snapshot.Payment
	}
	made := after.Edit == order.EditMade && rec.Edit != after.Edit || c.event.Name == order.Edit && after.Edit == ""
	ch.NewSnapshot, ch.NewParts, ch.Uninvoiced = c.snapshot != nil || made, c.snapshot != nil || c.parts != nil, c.uninvoiced
	ch.NewNotes = c.edit != nil || rec.Edit != after.Edit || rec.Refunding.IsPositive() != after.Refunding.IsPositive() || len(rec.Refunds) != len(after.Refunds)
	return ch
}
