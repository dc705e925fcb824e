package payment

import (
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// DisputeStatus is where a dispute stands, in the gateway's words.
type DisputeStatus string

// The statuses of disputes.
const (
	DisputeOpen         DisputeStatus = "open"         // we may answer until the day to reply by
	DisputeDisputed     DisputeStatus = "disputed"     // our evidence is with the bank
	DisputeUnderReview  DisputeStatus = "under_review" // the bank thinks about it
	DisputeWon          DisputeStatus = "won"          // the money comes back
	DisputeLost         DisputeStatus = "lost"
	DisputeAccepted     DisputeStatus = "accepted"      // by us: the money is gone
	DisputeAutoAccepted DisputeStatus = "auto_accepted" // nobody answered in time
	DisputeExpired      DisputeStatus = "expired"
)

// stages order the statuses. A dispute never goes back to an earlier stage; within one the later report counts.
var stages = map[DisputeStatus]int{
	DisputeOpen: 1, DisputeDisputed: 2, DisputeUnderReview: 3,
	DisputeWon: 4, DisputeLost: 4, DisputeAccepted: 4, DisputeAutoAccepted: 4, DisputeExpired: 4,
}

const closedStage = 4

// DisputeStatuses lists all of them.
func DisputeStatuses() []DisputeStatus {
	return []DisputeStatus{DisputeOpen, DisputeDisputed, DisputeUnderReview, DisputeWon, DisputeLost, DisputeAccepted, DisputeAutoAccepted, DisputeExpired}
}

// Known tells whether we know what a status means.
func (s DisputeStatus) Known() bool { return stages[s] > 0 }

// Closed tells whether a dispute is decided.
func (s DisputeStatus) Closed() bool { return stages[s] == closedStage }

// DisputeReport is what the gateway says of a dispute at a time: a notification, or an answer when it was asked.
type DisputeReport struct {
	DisputeID, TransactionID string
	Reference                string // of the transaction: our payment id
	Account                  string
	Status                   DisputeStatus
	Kind, Reason, ReasonCode string
	CaseNumber               string
	Amount, Won              money.Amount
	ReplyBy                  time.Time // a day; zero when there is none
	OpenedAt                 time.Time
	At                       time.Time // the gateway's time of the report
}

// Dispute is a claim of a cardholder against a payment: the fold of its reports. The zero value is one that nobody has heard of.
type Dispute struct {
	DisputeReport
	PaymentID string // empty: no payment of ours
}

// Apply returns the dispute after a report. Reports may come in any order and more than once: the fold is the same. The report that
// counts is the one of the latest stage, and of these the youngest.
func (d Dispute) Apply(r DisputeReport) Dispute {
	if before(d.DisputeReport, r) {
		d.DisputeReport = r
	}
	return d
}

func before(a, b DisputeReport) bool {
	if sa, sb := stages[a.Status], stages[b.Status]; sa != sb {
		return sa < sb
	}
	if !a.At.Equal(b.At) {
		return a.At.Before(b.At)
	}
	return a.Status < b.Status
}

// DisputeNews is what others should hear of a change of a dispute.
type DisputeNews struct{ Opened, Closed bool }

// News compares a dispute before a report with what it is after it.
func (d Dispute) News(after Dispute) DisputeNews {
	return DisputeNews{Opened: d.DisputeID == "", Closed: after.Status.Closed() && after.Status != d.Status}
}

// DisputeAct is what staff can do about a dispute.
type DisputeAct string

// The acts.
const (
	AcceptDispute   DisputeAct = "accept"   // give it up
	AddEvidence     DisputeAct = "evidence" // say something for ourselves; it counts when finalized
	FinalizeDispute DisputeAct = "finalize" // send the evidence to the bank
)

// acted are the statuses that show that an act was done.
var acted = map[DisputeAct][]DisputeStatus{
	AcceptDispute:   {DisputeAccepted},
	FinalizeDispute: {DisputeDisputed, DisputeUnderReview, DisputeWon, DisputeLost},
}

// Did tells whether an act shows in what the gateway says of the dispute; evidence shows among the evidence instead.
func (a DisputeAct) Did(s DisputeStatus) bool {
	for _, x := range acted[a] {
		if x == s {
			return true
		}
	}
	return false
}

// Disbursement is money that the gateway has paid out to our bank, or could not pay out.
type Disbursement struct {
	ID, Account      string
	Amount           money.Amount
	Day              time.Time
	Success, Retry   bool
	Exception        string // why it failed
	FollowUp         string // what to do then
	TransactionIDs   []string
	NotifiedAt       time.Time
	NotificationKind string
}

// Notification is what the gateway tells by itself. At most one of Dispute, Disbursement and TransactionID is set; none for a check
// and for kinds that we do not act upon.
type Notification struct {
	ID            string // of what it says: the same when it comes again
	Kind          string
	At            time.Time
	Dispute       *DisputeReport
	Disbursement  *Disbursement
	TransactionID string
}
