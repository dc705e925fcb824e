package order

import (
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
)

// Order is what deciding needs of an order; addresses, titles and prices of lines travel beside it. The zero Order is New.
type Order struct {
	ID, CheckoutID, CartID string
	State                  State
	Version                int64 // counts decisions; guards every write
	Attempt                int   // of placing; 0 before the first
	Total                  money.Amount
	Captured               money.Amount // by the gateway's answer
	Returned               money.Amount // of Captured
	Refunding              money.Amount // of Captured: what staff are giving back and is on its way; one at a time
	ReturnedBefore         money.Amount // Returned when Refunding began
	Edit                   EditStage    // of the edit that is under way; one at a time
	EditNumber             int          // of the last edit that was asked for
	Proposed               money.Amount // what the order costs once it is edited, while Edit is EditAsked
	Reduced                money.Amount // what edits made the order cost less: Captured is of Total and of this
	Owing                  money.Amount // of Reduced: what has not gone back yet
	Outcome                Outcome      // of the last attempt that ended, or of a pending undoing
	CancelReason           string       // set once somebody asked to cancel
	Review                 string       // of the payment: ReviewPending or how it ended; "" for most
	Unpaid                 bool         // the bank did not pay what was captured
	AbandonRequested       bool
	PlacedAt               time.Time
	CapturedAt             time.Time
	CancelledAt            time.Time
	Facts                  *Facts // nil unless the machine's guards ask for them
}

// EditStage is how far an edit has come; "" is none under way.
type EditStage string

// The stages.
const (
	EditAsked   EditStage = "asked"
	EditMade    EditStage = "made"    // the order is the edited one; what it has no more is given back
	EditRefused EditStage = "refused" // the order is as it was; what was taken for the edit is given back
)

// The outcomes of an attempt.
const (
	Declined   = "declined"
	OutOfStock = "out_of_stock"
	Failed     = "failed"
	Abandoned  = "abandoned"
)

// Outcome is why an attempt to place the order ended without one.
type Outcome struct {
	Kind        string
	DeclineCode string
	Retryable   bool
	Message     string
	Shortages   []Shortage
}

// Shortage is a SKU of which less could be had than was ordered.
type Shortage struct {
	SKU                  string
	Requested, Available int64
}

// EventName names what can happen to an order.
type EventName string

// The events: commands of people and services, and the answers of effects.
const (
	Place              EventName = "place"
	Abandon            EventName = "abandon"
	Cancel             EventName = "cancel"
	Authorised         EventName = "authorised"
	AuthoriseDeclined  EventName = "authorise_declined"
	AuthoriseFailed    EventName = "authorise_failed"
	Allocated          EventName = "allocated"
	AllocateShort      EventName = "allocate_short"
	AllocateRefused    EventName = "allocate_refused"
	CartTaken          EventName = "cart_taken" // allocated, but another order of the same cart was placed meanwhile
	Voided             EventName = "voided"
	VoidRefused        EventName = "void_refused"
	CaptureDone        EventName = "captured"
	CaptureDeclined    EventName = "capture_declined"
	CaptureFailed      EventName = "capture_failed"
	MoneyReturned      EventName = "money_returned"
	MoneyReturnFailed  EventName = "money_return_failed"
	Released           EventName = "released"
	MoneyGone          EventName = "money_gone" // went back at the gateway without the order's asking: staff did it
	ReviewOpened       EventName = "review_opened"
	ReviewClosed       EventName = "review_closed"
	SettlementDeclined EventName = "settlement_declined" // the bank did not pay what was captured
	Disputed           EventName = "disputed"            // a cardholder disputes the payment, or the dispute is decided
	Refund             EventName = "refund"              // staff give back a part, or all
	Refunded           EventName = "refunded"            // so it was done
	RefundUnsettled    EventName = "refund_unsettled"    // nothing can be given back yet
	RefundRefused      EventName = "refund_refused"
	Edit               EventName = "edit"         // staff change what is ordered, or where it goes
	MoreTaken          EventName = "more_taken"   // what an edit adds is allocated
	MoreRefused        EventName = "more_refused" // there is not enough of it
	Charged            EventName = "charged"      // what an edit costs more is captured
	ChargeRefused      EventName = "charge_refused"
	LessGiven          EventName = "less_given" // what an edited order does not have is free
	Filled             EventName = "filled"     // a location has what it owed
	Pick               EventName = "pick"
	Ship               EventName = "ship"
	Deliver            EventName = "deliver"
	Return             EventName = "return"
	Advance            EventName = "advance" // to a state that a definition adds; To says which
	TimePassed         EventName = "time_passed"
)

// Events are all of them.
var Events = []EventName{Place, Abandon, Cancel, Authorised, AuthoriseDeclined, AuthoriseFailed, Allocated, AllocateShort, AllocateRefused, CartTaken,
	Voided, VoidRefused, CaptureDone, CaptureDeclined, CaptureFailed, MoneyReturned, MoneyReturnFailed, Released, MoneyGone, ReviewOpened, ReviewClosed, SettlementDeclined, Disputed,
	Refund, Refunded, RefundUnsettled, RefundRefused, Edit, MoreTaken, MoreRefused, Charged, ChargeRefused, LessGiven, Filled, Pick, Ship, Deliver, Return, Advance, TimePassed}

// EffectKind names what a driver does for an order.
type EffectKind string

// The effects. Each has one answer of those in the comment; while nobody knows, there is none.
const (
	Authorise   EffectKind = "authorise"    // authorised, authorise_declined, authorise_failed
	Allocate    EffectKind = "allocate"     // allocated, allocate_short, allocate_refused
	Void        EffectKind = "void"         // voided, void_refused
	Capture     EffectKind = "capture"      // captured, capture_declined, capture_failed
	ReturnMoney EffectKind = "return_money" // money_returned, money_return_failed
	Release     EffectKind = "release"      // released
	GiveBack    EffectKind = "refund"       // refunded, refund_unsettled, refund_refused
	TakeMore    EffectKind = "take_more"    // more_taken, more_refused
	Charge      EffectKind = "charge"       // charged, charge_refused
	GiveLess    EffectKind = "give_less"    // less_given
	Wait        EffectKind = "wait"         // time_passed
)

// EffectKinds are all of them.
var EffectKinds = []EffectKind{Authorise, Allocate, Void, Capture, ReturnMoney, Release, GiveBack, TakeMore, Charge, GiveLess, Wait}

// Announcement names what the world is told.
type Announcement string

// The announcements.
const (
	Nothing           Announcement = ""
	AnnouncePlaced    Announcement = "placed"
	AnnounceFailed    Announcement = "attempt_failed"
	AnnounceConfirmed Announcement = "confirmed"
	AnnounceCancelled Announcement = "cancelled"
	AnnounceEdited    Announcement = "edited"
	AnnounceAdvanced  Announcement = "advanced" // for rows that a definition adds
)

// Announcements are all of them.
var Announcements = []Announcement{Nothing, AnnouncePlaced, AnnounceFailed, AnnounceConfirmed, AnnounceCancelled, AnnounceEdited, AnnounceAdvanced}

// Event is something that happened. Attempt is that of the command or of the effect that answers; an answer for another
// attempt than the present one is late and refused with ErrStale.
type Event struct {
	Name    EventName
	Attempt int
	Place   *Placing     // of Place
	Outcome Outcome      // of answers that end an attempt
	Amount  money.Amount // of captured, charged, money_returned, refund and refunded; of edit what the order costs then; of less_given what it costs less than before; of refund_refused what of an edit is owed; of money_gone what has gone back in all; of settlement_declined what stays captured
	Reason  string       // of cancel
	To      State        // of advance
	Review  string       // of authorised, review_opened and review_closed
	Same    bool         // of edit: it changes no goods
}

// Where the review of a payment stands. While it is pending nothing is captured; what was rejected or has expired never is.
const (
	ReviewPending  = "pending"
	ReviewApproved = "approved"
	ReviewRejected = "rejected"
	ReviewExpired  = "expired"
)

// Placing is what a Place command brings.
type Placing struct {
	OrderID, CheckoutID, CartID string
	Total                       money.Amount
}

// Effect is something to be done, not before After has passed.
type Effect struct {
	Kind    EffectKind
	Attempt int
	After   time.Duration
}

// Decision is what an event did. Effect is nil when nothing is to be done next.
type Decision struct {
	Order      Order
	From       State
	Transition string
	Effect     *Effect
	Announce   Announcement
}

// The refusals of Decide.
var (
	// ErrForbidden: the state does not allow the event.
	ErrForbidden = fault.New(fault.Conflict, "invalid-transition", "the order's state does not allow that")
	// ErrRefunding: one refund at a time.
	ErrRefunding = fault.New(fault.Conflict, "refund-in-progress", "A refund of this order is on its way.")
	// ErrEditing: one edit at a time, and nothing beside it.
	ErrEditing = fault.New(fault.Conflict, "edit-in-progress", "An edit of this order is on its way.")
	// ErrNotEditable: an order that is picked, cancelled or not paid.
	ErrNotEditable = fault.New(fault.Conflict, "order-not-editable", "Only an order that is confirmed and not picked yet can be edited.")
	// ErrStale: an answer for an attempt that is over.
	ErrStale = fault.New(fault.Conflict, "stale-answer", "the attempt is over")
)

// Decide answers what ev does to o, or why it does nothing. It changes nothing: the caller records the decision under the
// order's version, and drops it when that has moved.
func (m *Machine) Decide(o Order, ev Event, now time.Time) (Decision, error) {
	if o.State == "" {
		o.State = New
	}
	if answers(ev.Name) && ev.Attempt != o.Attempt {
		return Decision{}, ErrStale.With("attempt", o.Attempt)
	}
	var refused error = ErrForbidden.WithMessage("an order that is %s cannot take %q", o.State, ev.Name).With("state", string(o.State))
	for _, t := range m.rows[rowKey{ev.Name, o.State}] {
		if ev.Name == Advance && ev.To != t.Dest(o.State) {
			continue
		}
		if err := m.guard(t.Guard, o, ev); err != nil {
			refused = err
			continue
		}
		if o.Refunding.IsPositive() && slices.ContainsFunc(t.Effects, func(e EffectDef) bool { return e.Kind == Wait }) {
			return Decision{}, ErrRefunding // the wait would take the place of the refund
		}
		d := Decision{From: o.State, Transition: t.Name, Announce: t.Announce}
		returned := o.Returned.Minor
		for _, name := range t.Apply {
			appliers[name](&o, ev, now)
		}
		o.Owing.Minor -= min(o.Owing.Minor, max(0, o.Returned.Minor-returned)) // whatever goes back is of what is owed first
		if o.Unpaid {
			o.Owing.Minor = min(o.Owing.Minor, max(0, o.Captured.Minor-o.Returned.Minor-o.Total.Minor)) // no more than what was paid too much
		}
		o.State = t.Dest(o.State)
		o.Version++
		d.Order = o
		for _, e := range t.Effects {
			d.Effect = &Effect{Kind: e.Kind, Attempt: o.Attempt, After: time.Duration(e.Later) * time.Second}
			if e.Kind != GiveBack { // it takes the place of a refund
				d.Order.Refunding = money.Zero(o.Total.Currency)
			}
		}
		return d, nil
	}
	return Decision{}, refused
}

func (m *Machine) guard(name string, o Order, ev Event) error {
	if own, ok := m.def.Guards[name]; ok {
		if !own.holds(o) {
			return ErrForbidden.WithMessage("the order is not %q", name)
		}
		return nil
	}
	return guards[name](o, ev)
}

// answers reports whether an event is the answer of an effect.
func answers(e EventName) bool {
	switch e {
	case Place, Abandon, Cancel, Refund, Edit, Pick, Ship, Deliver, Return, Advance:
		return false
	}
	return true
}
