// Package checkout is the core of checkout: the states of a session between a cart and an order, what each event does in each
// state, what an address must hold per country, and what shipping costs where. It computes no totals: those are pricing's.
//
//	      change, hold expired        unsent, attempt failed
//	            ┌──┐                ┌────────────────────────┐
//	            ▼  │                ▼                        │
//	(made) ──► open ──────────── complete ──────────► completing
//	            │ │                                      │  │ expire (stuck), order ended
//	   expire ──┘ └── cancel                      placed │  └──► expired
//	     ▼             ▼                                 ▼
//	   expired ──► cancelled ─────── placed ────────► completed
//
// Decide answers what an event does to a checkout; whoever records the answer does so under the version that was seen. The order
// has the last word: when it says that it was placed, the checkout is completed, whatever it was before.
package checkout

import (
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
)

// Status is the state of a checkout.
type Status string

// The states.
const (
	Open       Status = "open"
	Completing Status = "completing" // an attempt to place the order is under way
	Completed  Status = "completed"  // the order was placed
	Expired    Status = "expired"    // nobody completed it in time
	Cancelled  Status = "cancelled"  // the shopper gave it up
)

// Statuses are all of them.
var Statuses = []Status{Open, Completing, Completed, Expired, Cancelled}

// HoldStatus is the state of the soft holds of all lines.
type HoldStatus string

// The states of the holds.
const (
	Held         HoldStatus = "held"
	HoldExpired  HoldStatus = "expired"
	HoldReleased HoldStatus = "released"
)

// Recovery is what was told of a checkout that was left.
type Recovery string

// The states of a recovery. Each is told once in the life of a checkout.
const (
	NotLeft   Recovery = ""
	Abandoned Recovery = "abandoned" // left with an e-mail address
	Resumed   Recovery = "resumed"   // somebody came back
)

// Tale is what a decision tells the world, with its record.
type Tale string

// The tales.
const (
	TellsNothing   Tale = ""
	TellsExpired   Tale = "expired"
	TellsAbandoned Tale = "abandoned"
	TellsResumed   Tale = "resumed"
)

// The times that the core knows.
const (
	RenewHoldsBelow = 2 * time.Minute // a hold with less left is renewed before money is touched
	StuckAfter      = 2 * time.Minute // how long an attempt is surely worked on by whoever began it
)

// Checkout is the state. It is a value: Decide returns a new one.
type Checkout struct {
	ID, CartID   string
	OrderID      string // drawn with the checkout; all attempts are of this order
	Status       Status
	Version      int64
	Attempt      int // of placing the order: the last one begun
	Covered      int // the attempt that credit alone was to pay for; 0: none
	Failed       Failure
	CartVersion  int64
	Currency     money.Currency
	Country      string // the cart's, until there is an address
	Channel      string // the cart's; "": none
	Email        string
	Shipping     *Address
	Billing      *Address     // nil: the shipping address
	OptionID     string       // the shipping option that was chosen
	Provider     string       // chosen to be paid with; "": none
	Fee          money.Amount // that it costs, in each quote with shipping; the zero Amount: none
	Note         string
	Hold         HoldStatus
	HoldUntil    time.Time
	CompletingAt time.Time // when the present attempt began; zero: none is under way
	OrderNumber  string
	AccessToken  string // the order's capability; empty until it was asked for
	Loose        bool   // ended, and its holds and order are still to be ended
	Recovery     Recovery
	Tells        Tale // of the last decision; never kept
	ExpiresAt    time.Time
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Failure is why the last attempt failed, as order told it; the zero Failure: there was none, or another one has begun since.
type Failure struct {
	Outcome     string // declined, out_of_stock, failed
	DeclineCode string
	Retryable   bool
}

// The refusals of a state.
var (
	ErrInProgress = fault.New(fault.Conflict, "request-in-progress", "An attempt to place the order is under way.").WithRetryAfter(2 * time.Second)
	ErrCompleted  = fault.New(fault.Conflict, "checkout-completed", "The order of this checkout was placed.")
	ErrExpired    = fault.New(fault.Gone, "checkout-expired", "This checkout has expired: begin a new one.")
	ErrCancelled  = fault.New(fault.Gone, "checkout-cancelled", "This checkout was cancelled: begin a new one.")
)

var refusals = map[Status]error{Completing: ErrInProgress, Completed: ErrCompleted, Expired: ErrExpired, Cancelled: ErrCancelled}

// EventName names what can happen to a checkout.
type EventName string

// The events: commands, the outcomes of an attempt, and what time does.
const (
	Change        EventName = "change"         // the shopper or the cart changed something
	Complete      EventName = "complete"       // an attempt begins
	Unsent        EventName = "unsent"         // the attempt surely never reached order: its number is free again
	AttemptFailed EventName = "attempt_failed" // order undid the attempt
	OrderEnded    EventName = "order_ended"    // order ended for good without being placed
	Placed        EventName = "placed"
	Cancel        EventName = "cancel"
	Expire        EventName = "expire"
	HoldsExpired  EventName = "hold_expired"
	HoldsRenewed  EventName = "hold_renewed" // what had run out is held again
	Abandon       EventName = "abandon"      // nobody has touched it for a while
	CleanedUp     EventName = "cleaned_up"   // holds and order of an ended checkout are ended too
)

// Events are all of them.
var Events = []EventName{Change, Complete, Unsent, AttemptFailed, OrderEnded, Placed, Cancel, Expire, HoldsExpired, HoldsRenewed, Abandon, CleanedUp}

// Event is something that happened.
type Event struct {
	Name    EventName
	Attempt int       // of unsent, attempt_failed, order_ended; of placed, where it is known
	At      time.Time // of hold_expired: when the hold ended; of hold_renewed: until when it lasts; of
	// abandon: since when it is left at least
	OrderNumber string  // of placed
	AccessToken string  // of placed; may be empty
	Failure     Failure // of attempt_failed
	TTL         time.Duration
}

// transition is one row of the table. A row whose guard says no is as good as none.
type transition struct {
	from  []Status
	to    Status // empty: stays
	guard func(c Checkout, ev Event, now time.Time) bool
	apply func(c *Checkout, ev Event, now time.Time)
}

// table is the whole life of a checkout. An event that has no row for a state is refused by that state when it is a command,
// and does nothing when it is a tale of what happened elsewhere: tales come late, twice and in any order.
var table = map[EventName]transition{
	Change: {from: []Status{Open}, apply: func(c *Checkout, ev Event, now time.Time) {
		c.ExpiresAt = now.Add(ev.TTL)
		comeBack(c)
	}},
	// An attempt that nobody works on any more may be taken up again: it keeps its number, and order answers for it.
	Complete: {from: []Status{Open, Completing}, to: Completing, guard: notWorkedOn, apply: func(c *Checkout, ev Event, now time.Time) {
		if c.CompletingAt.IsZero() {
			c.Attempt++
			c.Failed = Failure{}
		}
		c.CompletingAt, c.ExpiresAt = now, now.Add(ev.TTL)
		comeBack(c)
	}},
	Unsent:        {from: []Status{Completing}, to: Open, guard: sameAttempt, apply: func(c *Checkout, _ Event, _ time.Time) { c.Attempt, c.Covered = c.Attempt-1, 0 }},
	AttemptFailed: {from: []Status{Completing}, to: Open, guard: sameAttempt, apply: func(c *Checkout, ev Event, _ time.Time) { c.Failed = ev.Failure }},
	OrderEnded:    {from: []Status{Completing}, to: Expired, guard: sameAttempt, apply: end},
	Placed:        {from: []Status{Open, Completing, Completed, Expired, Cancelled}, to: Completed, guard: tellsMore, apply: placed},
	Cancel: {from: []Status{Open}, to: Cancelled, apply: func(c *Checkout, ev Event, now time.Time) {
		end(c, ev, now)
		comeBack(c)
	}},
	Expire: {from: []Status{Open, Completing}, to: Expired, guard: overdue, apply: func(c *Checkout, ev Event, now time.Time) {
		end(c, ev, now)
		c.Tells = TellsExpired
	}},
	HoldsExpired: {from: []Status{Open}, guard: func(c Checkout, ev Event, _ time.Time) bool { return c.Hold == Held && !c.HoldUntil.After(ev.At) },
		apply: func(c *Checkout, _ Event, _ time.Time) { c.Hold = HoldExpired }},
	// Only a change makes a checkout live longer: who merely looks keeps stock to himself for that time, and not for ever.
	HoldsRenewed: {from: []Status{Open}, guard: func(c Checkout, ev Event, now time.Time) bool { return c.RanOut(now) && ev.At.After(now) },
		apply: func(c *Checkout, ev Event, _ time.Time) { c.Hold, c.HoldUntil = Held, ev.At }},
	Abandon: {from: []Status{Open}, guard: left, apply: func(c *Checkout, _ Event, _ time.Time) { c.Recovery, c.Tells = Abandoned, TellsAbandoned }},
	CleanedUp: {from: []Status{Expired, Cancelled}, guard: func(c Checkout, _ Event, _ time.Time) bool { return c.Loose },
		apply: func(c *Checkout, _ Event, _ time.Time) { c.Loose, c.Hold = false, HoldReleased }},
}

func notWorkedOn(c Checkout, _ Event, now time.Time) bool {
	return c.Status == Open || now.Sub(c.CompletingAt) >= StuckAfter
}

func sameAttempt(c Checkout, ev Event, _ time.Time) bool { return ev.Attempt == c.Attempt }

// tellsMore: a completed checkout learns the access token once, and nothing else.
func tellsMore(c Checkout, ev Event, _ time.Time) bool {
	return c.Status != Completed || c.AccessToken == "" && ev.AccessToken != ""
}

// overdue: an open checkout past its time, or a completing one that nobody works on any more.
func overdue(c Checkout, _ Event, now time.Time) bool {
	return !now.Before(c.ExpiresAt) && notWorkedOn(c, Event{}, now)
}

func end(c *Checkout, _ Event, _ time.Time) { c.Loose = true }

// left: within its time, with an address to write to, and for the first time. A checkout's time runs from its last change.
func left(c Checkout, ev Event, now time.Time) bool {
	return c.Recovery == NotLeft && c.Email != "" && now.Before(c.ExpiresAt) && !c.LastTouched(ev.TTL).After(ev.At)
}

// comeBack: what was told as left is not left any more.
func comeBack(c *Checkout) {
	if c.Recovery == Abandoned {
		c.Recovery, c.Tells = Resumed, TellsResumed
	}
}

func placed(c *Checkout, ev Event, _ time.Time) {
	if c.OrderNumber == "" {
		c.OrderNumber = ev.OrderNumber
	}
	if ev.AccessToken != "" {
		c.AccessToken = ev.AccessToken
	}
	c.Attempt = max(c.Attempt, ev.Attempt)
	c.Hold, c.Loose, c.Failed = HoldReleased, false, Failure{}
}

// commands are refused where they have no row.
var commands = map[EventName]bool{Change: true, Complete: true, Cancel: true}

// Decide answers what ev does to c, and whether it does anything. It changes nothing itself.
func Decide(c Checkout, ev Event, now time.Time) (after Checkout, moves bool, err error) {
	t := table[ev.Name]
	if commands[ev.Name] && c.Status == Open && !now.Before(c.ExpiresAt) && ev.Name != Cancel {
		return c, false, ErrExpired // nobody has swept it yet
	}
	found := slices.Contains(t.from, c.Status) && (t.guard == nil || t.guard(c, ev, now))
	switch {
	case !found && ev.Name == Cancel && (c.Status == Expired || c.Status == Cancelled):
		return c, false, nil // it is over already
	case !found && commands[ev.Name]:
		return c, false, refusals[c.Status]
	case !found:
		return c, false, nil
	}
	after = c
	after.Tells = TellsNothing
	if t.to != "" {
		after.Status = t.to
	}
	if t.apply != nil {
		t.apply(&after, ev, now)
	}
	if after.Status != Completing {
		after.CompletingAt = time.Time{}
	}
	after.Version++
	after.UpdatedAt = now
	return after, true, nil
}

// Missing names what has to be given before the order can be placed. needsMeans says that money is due, hasMeans that a means of
// payment came with the command.
func (c Checkout) Missing(needsMeans, hasMeans bool) []string {
	var missing []string
	add := func(ok bool, name string) {
		if !ok {
			missing = append(missing, name)
		}
	}
	add(c.Email != "", "email")
	add(c.Shipping != nil, "shipping_address")
	add(c.OptionID != "", "shipping_option")
	add(hasMeans || !needsMeans, "payment_method")
	return missing
}

// LastTouched is when the shopper changed something last, where a checkout lives for ttl after that.
func (c Checkout) LastTouched(ttl time.Duration) time.Time { return c.ExpiresAt.Add(-ttl) }

// RanOut reports whether an open checkout, within its time, holds its stock no longer.
func (c Checkout) RanOut(now time.Time) bool {
	return c.Status == Open && now.Before(c.ExpiresAt) && !c.HoldUntil.After(now)
}

// HoldsLast reports whether the holds last long enough to place the order without renewing them.
func (c Checkout) HoldsLast(now time.Time) bool {
	return c.Hold == Held && c.HoldUntil.Sub(now) >= RenewHoldsBelow
}
