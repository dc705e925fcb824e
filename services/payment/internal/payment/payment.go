// Package payment decides about money that is at the gateway: what an operation may do, what the gateway's answer means, and
// what a payment is after what happened to it. It is pure: no clock, no I/O.
//
// A payment is one attempt to pay an order. Its truth is the append-only list of events; Apply folds them.
//
//	authorising ─authorised─▶ authorised ─captured─▶ captured ─refunded (all of it)─▶ refunded     (parts of it first: partially_captured)
//	     │                        └──────voided──────┴──────────▶ voided
//	     ├─declined─▶ declined
//	     └─authorise_failed─▶ failed            a captured one that has not settled is voided, never refunded; the bank
//	                                            may decline to settle it: settlement_declined
//
// Between the request of an operation and its answer the operation is live, and a payment has one live operation at most. What
// may go wrong is that nobody knows whether the gateway did what was asked; Judge says what the gateway's books mean then.
package payment

import (
	"fmt"
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// Kind is what an operation does.
type Kind string

// The kinds.
const (
	Authorise Kind = "authorise" // reserve an amount
	Capture   Kind = "capture"   // take it, whole or in part; the rest lapses, unless more follows
	Void      Kind = "void"      // give all of it back before it settles
	Refund    Kind = "refund"    // give back what has settled, whole or in part
)

// Status is where a payment stands.
type Status string

// The statuses.
const (
	StatusAuthorising Status = "authorising"
	StatusAuthorised  Status = "authorised"
	StatusDeclined    Status = "declined"
	StatusFailed      Status = "failed"
	StatusPartly      Status = "partially_captured" // the rest is still authorised
	StatusCaptured    Status = "captured"
	StatusVoided      Status = "voided"
	StatusRefunded    Status = "refunded"
	StatusUnsettled   Status = "settlement_declined" // captured, and the bank did not pay
)

// Statuses lists all of them.
func Statuses() []Status {
	return []Status{StatusAuthorising, StatusAuthorised, StatusDeclined, StatusFailed, StatusPartly, StatusCaptured, StatusVoided, StatusRefunded, StatusUnsettled}
}

// EventType names what happened.
type EventType string

// The events. A request is written before the gateway hears of it.
const (
	AuthoriseRequested EventType = "authorise_requested"
	Authorised         EventType = "authorised"
	Declined           EventType = "declined"
	AuthoriseFailed    EventType = "authorise_failed"
	CaptureRequested   EventType = "capture_requested"
	Captured           EventType = "captured"
	CaptureDeclined    EventType = "capture_declined"
	CaptureFailed      EventType = "capture_failed" // of a part
	VoidRequested      EventType = "void_requested"
	Voided             EventType = "voided"
	VoidDeclined       EventType = "void_declined"
	RefundRequested    EventType = "refund_requested"
	Refunded           EventType = "refunded"
	RefundDeclined     EventType = "refund_declined"
	RefundFailed       EventType = "refund_failed"
	StrayVoided        EventType = "stray_voided"   // what turned up after it was given up, and was undone
	StrayRefunded      EventType = "stray_refunded" // a refund that turned up after it was given up, and stays
	Settled            EventType = "settled"        // the bank has paid
	SettlementDeclined EventType = "settlement_declined"
	ReviewApproved     EventType = "review_approved"
	ReviewRejected     EventType = "review_rejected" // the authorisation is voided next
	ReviewExpired      EventType = "review_expired"  // nobody decided in time; the same
)

// ReviewState is where the review of an authorised payment stands. While it is pending, nothing is captured.
type ReviewState string

// The states; empty: there is nothing to review.
const (
	ReviewPending    ReviewState = "pending"
	ReviewIsApproved ReviewState = "approved"
	ReviewIsRejected ReviewState = "rejected"
	ReviewHasExpired ReviewState = "expired"
	ReviewIsNeedless ReviewState = "needless" // voided before anybody decided
)

// Refuses tells whether nothing may be captured any more.
func (s ReviewState) Refuses() bool { return s == ReviewIsRejected || s == ReviewHasExpired }

// Event is an entry of the log. Amount is what moved, or what was asked for.
type Event struct {
	Version       int64
	Type          EventType
	OperationID   string
	Amount        money.Amount
	TransactionID string
	Code          string // why it was declined
	Detail        string
	At            time.Time
	Credit        money.Amount // the part of Amount that is gift cards and store credit
	Checks        Checks       // of an authorisation: what the gateway and the bank found out
	ReviewUntil   time.Time    // of an authorisation: it is to be reviewed until then; Code names the rule
	More          bool         // other captures may follow
	Parts         []PartChange // what of which part went back
	Converted     money.Amount // the part of Amount that became store credit of the customer
}

// Payment is the fold of its events. Authorised and Captured are what the gateway holds or has taken now: nothing after a void.
// Refunded is what went back out of Captured. Each has a part that is gift cards and store credit; the rest is the gateway's.
type Payment struct {
	ID             string
	OrderID        string
	Attempt        int
	Provider       string
	Account        string // merchant account at the provider
	Amount         money.Amount
	Status         Status
	Authorised     money.Amount
	Captured       money.Amount
	Refunded       money.Amount
	Credit         money.Amount // of Authorised, and what is reserved before
	CreditCaptured money.Amount // of Captured
	CreditRefunded money.Amount // of Refunded
	Converted      money.Amount // of Refunded: what became store credit of the customer, and did not go back at the gateway
	CustomerID     string       // whose the order is; empty: a guest's
	Channel        string       // of sales, for the rules
	Like           string       // the payment whose means it charges once more; empty: it has its own
	TransactionID  string       // the gateway's, of the authorisation
	Split          bool         // it is captured in parts, or that was tried: each capture is a transaction of its own from then on
	Parts          []Part       // these captures, in their order
	Live           string       // operation without an answer
	SettledAt      time.Time    // zero until we know that the bank has paid
	Checks         Checks
	Review         ReviewState
	ReviewRule     string    // that asked for the review
	ReviewUntil    time.Time // while pending
	Version        int64
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// New returns a payment before its first event.
func New(id, orderID string, attempt int, provider, account string, amount money.Amount) Payment {
	zero := money.Zero(amount.Currency)
	return Payment{ID: id, OrderID: orderID, Attempt: attempt, Provider: provider, Account: account, Amount: amount,
		Authorised: zero, Captured: zero, Refunded: zero, Credit: zero, CreditCaptured: zero, CreditRefunded: zero, Converted: zero}
}

// change is what an event does: from which statuses it is possible, to which it leads (empty: it stays), and what it moves.
type change struct {
	from  []Status
	to    Status
	stray bool // it belongs to no operation, or to one that was answered before
	alone bool // impossible while an operation has no answer
	live  bool // it begins an operation; all others but strays end one
	move  func(p *Payment, e Event) error
}

var (
	anyStatus = Statuses()
	capturing = []Status{StatusAuthorised, StatusPartly}
	taken     = []Status{StatusPartly, StatusCaptured}
	holding   = []Status{StatusAuthorised, StatusPartly, StatusCaptured}
	voidable  = append([]Status{StatusUnsettled}, holding...) // of one that the bank did not pay, the credit
)

var changes = map[EventType]change{
	AuthoriseRequested: {from: []Status{""}, to: StatusAuthorising, live: true, move: func(p *Payment, e Event) error {
		p.CreatedAt, p.Credit.Minor = e.At, e.Credit.Minor
		return nil
	}},
	Authorised: {from: []Status{StatusAuthorising}, to: StatusAuthorised, move: func(p *Payment, e Event) error {
		p.Authorised, p.TransactionID, p.Checks = e.Amount, e.TransactionID, e.Checks
		if !e.ReviewUntil.IsZero() {
			p.Review, p.ReviewRule, p.ReviewUntil = ReviewPending, e.Code, e.ReviewUntil
		}
		return nil
	}},
	Declined: {from: []Status{StatusAuthorising}, to: StatusDeclined, move: func(p *Payment, e Event) error {
		p.Checks, p.Credit.Minor = e.Checks, 0
		return nil
	}},
	AuthoriseFailed: {from: []Status{StatusAuthorising}, to: StatusFailed, move: func(p *Payment, _ Event) error {
		p.Credit.Minor = 0
		return nil
	}},

	CaptureRequested: {from: capturing, live: true, move: func(p *Payment, e Event) error {
		p.Split = p.Split || e.More && !p.Manual()
		return p.capturable()
	}},
	Captured:        {from: capturing, to: StatusCaptured, move: capture},
	CaptureDeclined: {from: capturing},
	CaptureFailed:   {from: capturing},

	VoidRequested: {from: voidable, live: true, move: func(p *Payment, _ Event) error { return p.holds() }},
	Voided: {from: voidable, to: StatusVoided, move: func(p *Payment, _ Event) error {
		if p.Review == ReviewPending {
			p.Review, p.ReviewUntil = ReviewIsNeedless, time.Time{}
		}
		err := p.holds()
		p.Authorised.Minor, p.Captured.Minor, p.Credit.Minor, p.CreditCaptured.Minor = 0, 0, 0, 0
		p.voidParts()
		return err
	}},
	VoidDeclined: {from: holding, move: func(p *Payment, e Event) error { return p.back(e.Parts) }}, // some parts went back before one had settled

	RefundRequested: {from: taken, live: true},
	Refunded:        {from: taken, move: refund},
	RefundDeclined:  {from: taken},
	RefundFailed:    {from: taken},

	StrayVoided:   {from: anyStatus, stray: true},
	StrayRefunded: {from: taken, stray: true, move: refund},

	Settled:        {from: []Status{StatusPartly, StatusCaptured, StatusRefunded}, stray: true, alone: true, move: settle},
	ReviewApproved: {from: []Status{StatusAuthorised}, stray: true, alone: true, move: reviewed(ReviewIsApproved)},
	ReviewRejected: {from: []Status{StatusAuthorised}, stray: true, alone: true, move: reviewed(ReviewIsRejected)},
	ReviewExpired:  {from: []Status{StatusAuthorised}, stray: true, alone: true, move: reviewed(ReviewHasExpired)},

	SettlementDeclined: {from: taken, stray: true, alone: true, move: func(p *Payment, e Event) error {
		if p.Split {
			return p.partUnpaid(e)
		}
		if p.Refunded.IsPositive() || !p.SettledAt.IsZero() {
			return fmt.Errorf("it has settled")
		}
		p.unpaid()
		return nil
	}},
}

// unpaid leaves what credit paid: that does not wait for a bank.
func (p *Payment) unpaid() {
	p.Status, p.Credit, p.Captured, p.Authorised = StatusUnsettled, p.CreditCaptured, p.CreditCaptured, p.CreditCaptured
}

// holds is an error when nothing is there to be voided.
func (p Payment) holds() error {
	if !p.Authorised.IsPositive() {
		return fmt.Errorf("nothing is held")
	}
	return nil
}

// capturable is an error while a review is pending, and after one that ended badly.
func (p Payment) capturable() error {
	if p.Review == ReviewPending || p.Review.Refuses() {
		return fmt.Errorf("its review is %q", p.Review)
	}
	return nil
}

func reviewed(to ReviewState) func(p *Payment, e Event) error {
	return func(p *Payment, _ Event) error {
		if p.Review != ReviewPending {
			return fmt.Errorf("its review is %q", p.Review)
		}
		p.Review, p.ReviewUntil = to, time.Time{}
		return nil
	}
}

// capture takes a part, or all there will be: then what is left of the authorisation is no more.
func capture(p *Payment, e Event) error {
	p.Captured.Minor, p.CreditCaptured.Minor = p.Captured.Minor+e.Amount.Minor, p.CreditCaptured.Minor+e.Credit.Minor
	if p.CreditCaptured.Minor > p.Credit.Minor || p.Captured.Minor > p.Authorised.Minor {
		return fmt.Errorf("%s captured of %s, %s of credit of %s", p.Captured, p.Authorised, p.CreditCaptured, p.Credit)
	}
	if n := e.Amount.Minor - e.Credit.Minor; n > 0 && p.Split && e.TransactionID != "" {
		p.Parts = append(slices.Clone(p.Parts), Part{TransactionID: e.TransactionID, OperationID: e.OperationID, Status: PartCaptured, Amount: money.New(n, p.Amount.Currency), Refunded: money.Zero(p.Amount.Currency)})
	}
	if p.Status = StatusPartly; !e.More || p.Captured == p.Authorised {
		p.complete(e.At)
	}
	return p.capturable()
}

// complete says that nothing more is captured.
func (p *Payment) complete(at time.Time) {
	p.Status = StatusCaptured
	if p.Captured == p.Refunded {
		p.Status = StatusRefunded
	}
	p.partsSettled(at)
}

func settle(p *Payment, e Event) error {
	if p.Split {
		return p.partPaid(e)
	}
	if p.Status == StatusPartly {
		return fmt.Errorf("not all of it is captured")
	}
	p.SettledAt = e.At
	return nil
}

func refund(p *Payment, e Event) (err error) {
	parts, gateway := p.Refunded, e.Amount.Minor-e.Credit.Minor
	if err := p.back(e.Parts); err != nil {
		return err
	}
	if n := p.Refunded.Minor - parts.Minor; p.Split && n != gateway {
		return fmt.Errorf("%d of its parts refunded for %d", n, gateway)
	}
	p.Refunded = parts
	if p.Refunded, err = p.Refunded.Add(e.Amount); err != nil {
		return err
	}
	if p.CreditRefunded.Minor += e.Credit.Minor; p.CreditRefunded.Minor > p.CreditCaptured.Minor || e.Credit.Minor > e.Amount.Minor {
		return fmt.Errorf("%s of credit refunded of %s", p.CreditRefunded, p.CreditCaptured)
	}
	if p.Converted.Minor += e.Converted.Minor; e.Converted.Minor > gateway {
		return fmt.Errorf("%s of %d became store credit", e.Converted, gateway)
	}
	left, err := p.Left()
	switch {
	case err != nil || left.IsNegative():
		return fmt.Errorf("%s refunded of %s", p.Refunded, p.Captured)
	case p.Status == StatusPartly && e.More: // the rest may be captured
	case p.Status == StatusPartly || left.IsZero():
		p.complete(e.At)
	}
	return nil
}

// Left is what can still be refunded.
func (p Payment) Left() (money.Amount, error) { return p.Captured.Sub(p.Refunded) }

// Apply returns the payment after an event. An event that cannot have happened to it is an error.
func (p Payment) Apply(e Event) (Payment, error) {
	c, ok := changes[e.Type]
	if !ok {
		return p, fmt.Errorf("payment %s: unknown event %q", p.ID, e.Type)
	}
	if !slices.Contains(c.from, p.Status) {
		return p, fmt.Errorf("payment %s: %s is not possible while %q", p.ID, e.Type, p.Status)
	}
	if (c.live || c.alone) && p.Live != "" || !c.live && !c.stray && p.Live != e.OperationID {
		return p, fmt.Errorf("payment %s: %s of operation %s while %q is live", p.ID, e.Type, e.OperationID, p.Live)
	}
	if c.to != "" {
		p.Status = c.to
	}
	if c.move != nil {
		if err := c.move(&p, e); err != nil {
			return p, fmt.Errorf("payment %s: %s: %w", p.ID, e.Type, err)
		}
	}
	switch {
	case c.live:
		p.Live = e.OperationID
	case !c.stray:
		p.Live = ""
	}
	p.Version, p.UpdatedAt = p.Version+1, e.At
	return p, nil
}

// Fold applies all events in order to a payment before its first event.
func Fold(p Payment, events []Event) (Payment, error) {
	for _, e := range events {
		var err error
		if p, err = p.Apply(e); err != nil {
			return p, err
		}
	}
	return p, nil
}
