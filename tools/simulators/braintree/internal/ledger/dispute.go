package ledger

import (
	"slices"
	"strings"
	"time"
)

// DisputeStatus is where a dispute stands.
type DisputeStatus string

// The statuses of disputes.
const (
	DisputeOpen         DisputeStatus = "open"
	DisputeDisputed     DisputeStatus = "disputed" // finalized: the evidence is with the bank
	DisputeUnderReview  DisputeStatus = "under_review"
	DisputeAccepted     DisputeStatus = "accepted"
	DisputeAutoAccepted DisputeStatus = "auto_accepted"
	DisputeExpired      DisputeStatus = "expired"
	DisputeWon          DisputeStatus = "won"
	DisputeLost         DisputeStatus = "lost"
)

// disputeSteps are the steps of a dispute: from which statuses each is possible.
var disputeSteps = map[DisputeStatus][]DisputeStatus{
	DisputeAccepted:     {DisputeOpen},
	DisputeAutoAccepted: {DisputeOpen},
	DisputeExpired:      {DisputeOpen},
	DisputeDisputed:     {DisputeOpen},
	DisputeUnderReview:  {DisputeOpen, DisputeDisputed},
	DisputeWon:          {DisputeOpen, DisputeDisputed, DisputeUnderReview},
	DisputeLost:         {DisputeOpen, DisputeDisputed, DisputeUnderReview},
}

// DisputeChange is one line of a dispute's history.
type DisputeChange struct {
	At     time.Time
	Status DisputeStatus
}

// Evidence is what the merchant says for themselves.
type Evidence struct {
	ID, Comments, Category, Sequence string
	Created, Sent                    time.Time // Sent: to the bank, when finalized
}

// Dispute is a claim of a cardholder against a transaction. A stored Dispute is never changed: a step makes a copy.
type Dispute struct {
	ID, Transaction, OrderID, PONumber, Account string
	Brand                                       string // of the card
	Status                                      DisputeStatus
	Kind, Reason, ReasonCode                    string
	Amount                                      Money // disputed
	Won                                         int64 // minor units that came back
	Sold                                        int64 // the transaction's amount
	SoldAt                                      time.Time
	CaseNumber, Reference, Original             string
	Received, ReplyBy                           time.Time // days
	Created, Updated                            time.Time
	Evidence                                    []Evidence
	History                                     []DisputeChange
}

// DisputeRequest opens a dispute; empty parts take defaults.
type DisputeRequest struct{ Transaction, Amount, Kind, Reason, ReasonCode, ReplyBy string }

// replyWithin is how long a merchant may answer.
const replyWithin = 10 * 24 * time.Hour

// The words that decide a dispute when they are text evidence. Source: "Testing and go live" of the public guide on disputes.
const (
	winningEvidence = "compelling_evidence"
	losingEvidence  = "losing_evidence"
)

var (
	disputeReasons = []string{"cancelled_recurring_transaction", "credit_not_processed", "duplicate", "fraud", "general", "invalid_account",
		"not_recognized", "product_not_received", "product_unsatisfactory", "retrieval", "transaction_amount_differs"}
	disputeKinds = []string{"chargeback", "pre_arbitration", "retrieval"}
)

// reasonOfAmount are the documented amounts of disputed test sales, in hundredths, and the reason codes that they set.
var reasonOfAmount = map[int64]string{83_00: "83", 10_40: "1040", 13_10: "1310", 70_30: "7030"}

// needsEvidence are the reason codes whose disputes need compelling evidence to be finalized.
var needsEvidence = []string{"37", "83", "1040", "1310", "7030", "C08", "F29", "UA02"}

// evidenceCategories are those of text evidence. Source: the SDKs' constants.
var evidenceCategories = strings.Fields(`CARRIER_NAME CREDIT_ISSUED DEVICE_ID DEVICE_NAME DOWNLOAD_DATE_TIME EVIDENCE_TYPE GENERAL GEOGRAPHICAL_LOCATION
	LEGIT_PAYMENTS_FOR_SAME_MERCHANDISE MERCHANT_WEBSITE_OR_APP_ACCESS PRIOR_DIGITAL_GOODS_TRANSACTION_ARN
	PRIOR_DIGITAL_GOODS_TRANSACTION_DATE_TIME PRIOR_DIGITAL_GOODS_TRANSACTION_ID PRIOR_NON_DISPUTED_TRANSACTION_ARN
	PRIOR_NON_DISPUTED_TRANSACTION_DATE_TIME PRIOR_NON_DISPUTED_TRANSACTION_EMAIL_ADDRESS PRIOR_NON_DISPUTED_TRANSACTION_ID
	PRIOR_NON_DISPUTED_TRANSACTION_IP_ADDRESS PRIOR_NON_DISPUTED_TRANSACTION_PHONE_NUMBER PRIOR_NON_DISPUTED_TRANSACTION_PHYSICAL_ADDRESS
	PROFILE_SETUP_OR_APP_ACCESS PROOF_OF_AUTHORIZED_SIGNER PROOF_OF_DELIVERY PROOF_OF_DELIVERY_EMP_ADDRESS PROOF_OF_FULFILLMENT
	PROOF_OF_POSSESSION_OR_USAGE PURCHASER_EMAIL_ADDRESS PURCHASER_IP_ADDRESS PURCHASER_NAME RECURRING_TRANSACTION_ARN
	RECURRING_TRANSACTION_DATE_TIME REFUND_ID SIGNED_DELIVERY_FORM SIGNED_ORDER_FORM TICKET_PROOF TRACKING_NUMBER TRACKING_URL`)

const maxEvidence = 4000

func onDispute(code, message string) *Problem {
	return &Problem{Object: "dispute", Attribute: "status", Code: code, Message: message}
}

// The validation errors of disputes.
var (
	cannotAddEvidence    = onDispute("95701", "Evidence can only be attached to disputes that are in an Open state")
	cannotRemoveEvidence = onDispute("95702", "Evidence can only be removed from disputes that are in an Open state")
	cannotAccept         = onDispute("95704", "Disputes can only be accepted when they are in an Open state")
	cannotFinalize       = onDispute("95705", "Disputes can only be finalized when they are in an Open state")
	categoryIsInvalid    = &Problem{Object: "dispute", Attribute: "evidence", Code: "95706", Message: "The category you supplied on the evidence record is not valid"}
	evidenceIsTooLong    = &Problem{Object: "dispute", Attribute: "evidence", Code: "95708", Message: "Content is too long"}
	evidenceIsNeeded     = &Problem{Object: "dispute", Attribute: "dispute", Code: "95726", Message: "Evidence is required to finalize this dispute"}
)

func (b *Book) putDispute(d *Dispute) {
	if b.disputes[d.ID] == nil {
		b.disputed = append(b.disputed, d.ID)
		b.disputesOf[d.Transaction] = append(b.disputesOf[d.Transaction], d.ID)
	}
	b.disputes[d.ID] = d
}

// Dispute answers the dispute, or ErrNotFound.
func (b *Book) Dispute(id string) (*Dispute, error) {
	if d, ok := b.disputes[id]; ok {
		return d, nil
	}
	return nil, ErrNotFound
}

// Disputes answers every dispute, oldest first.
func (b *Book) Disputes() []*Dispute {
	all := make([]*Dispute, len(b.disputed))
	for i, id := range b.disputed {
		all[i] = b.disputes[id]
	}
	return all
}

// DisputesOf answers the disputes of a transaction, oldest first.
func (b *Book) DisputesOf(transaction string) []*Dispute {
	var all []*Dispute
	for _, id := range b.disputesOf[transaction] {
		all = append(all, b.disputes[id])
	}
	return all
}

// OpenDispute opens a dispute against a settled sale. A sale may have several, one after the other.
func (b *Book) OpenDispute(q DisputeRequest, terms Terms) (*Dispute, []Record, error) {
	t, err := b.Find(q.Transaction)
	if err != nil {
		return nil, nil, err
	}
	if t.Kind != Sale || t.Status != Settled && t.Status != Settling {
		return nil, nil, refuse(onDispute("base", "Only a settled sale can be disputed"))
	}
	sum, err := amountWithin(q.Amount, t.Amount, refundIsTooLarge)
	if err != nil {
		return nil, nil, err
	}
	d := &Dispute{ID: b.fresh(terms), Transaction: t.ID, OrderID: t.OrderID, PONumber: t.PONumber, Account: t.Account, Brand: t.Method.Brand, Kind: q.Kind,
		Reason: q.Reason, ReasonCode: q.ReasonCode, Amount: sum, Sold: t.Amount.Minor, SoldAt: t.Created, Created: terms.Now, Updated: terms.Now, Status: DisputeOpen,
		CaseNumber: "CASE-" + strings.ToUpper(terms.NewID()), Reference: "REF-" + strings.ToUpper(terms.NewID()), Received: day(terms.Now), ReplyBy: day(terms.Now.Add(replyWithin)),
		History: []DisputeChange{{terms.Now, DisputeOpen}}}
	if d.Kind == "" {
		d.Kind = "chargeback"
	}
	if d.Reason == "" {
		d.Reason = "fraud"
	}
	if q.ReplyBy != "" {
		if d.ReplyBy, err = time.Parse(time.DateOnly, q.ReplyBy); err != nil {
			return nil, nil, refuse(onDispute("base", "reply_by must be a day"))
		}
	}
	if !slices.Contains(disputeReasons, d.Reason) || !slices.Contains(disputeKinds, d.Kind) {
		return nil, nil, refuse(onDispute("base", "Unknown kind or reason"))
	}
	if earlier := b.DisputesOf(t.ID); len(earlier) > 0 {
		d.Original = earlier[0].ID
	}
	return d, b.told(d, NoticeDisputeOpened, terms), nil
}

func day(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

// told records a dispute and notifies the merchant of it.
func (b *Book) told(d *Dispute, kind string, terms Terms) []Record {
	n := b.notice(kind, terms)
	n.Dispute = d
	return []Record{{Dispute: d}, {Notice: n}}
}

func (d *Dispute) next(to DisputeStatus, now time.Time) *Dispute {
	n := *d
	n.Status, n.Updated = to, now
	n.History = append(slices.Clone(d.History), DisputeChange{now, to})
	return &n
}

// ChangeDispute takes a dispute a step further, as the bank, the merchant or time does, and notifies the merchant.
func (b *Book) ChangeDispute(id string, to DisputeStatus, terms Terms) (*Dispute, []Record, error) {
	d, err := b.Dispute(id)
	if err != nil {
		return nil, nil, err
	}
	from, ok := disputeSteps[to]
	if !ok || !slices.Contains(from, d.Status) {
		return nil, nil, refuse(onDispute("base", "From "+string(d.Status)+" no dispute becomes "+string(to)))
	}
	n := d.next(to, terms.Now)
	if to == DisputeWon {
		n.Won = n.Amount.Minor
	}
	return n, b.told(n, NoticeDisputePrefix+string(to), terms), nil
}

// AcceptDispute gives an open dispute up.
func (b *Book) AcceptDispute(id string, terms Terms) ([]Record, error) {
	if err := b.open(id, cannotAccept); err != nil {
		return nil, err
	}
	_, records, err := b.ChangeDispute(id, DisputeAccepted, terms)
	return records, err
}

func (b *Book) open(id string, otherwise *Problem) error {
	d, err := b.Dispute(id)
	if err == nil && d.Status != DisputeOpen {
		return refuse(otherwise)
	}
	return err
}

// FinalizeDispute sends the evidence to the bank. The documented words of the sandbox decide at once.
func (b *Book) FinalizeDispute(id string, terms Terms) ([]Record, error) {
	if err := b.open(id, cannotFinalize); err != nil {
		return nil, err
	}
	d := *b.disputes[id]
	if slices.Contains(needsEvidence, d.ReasonCode) && len(d.Evidence) == 0 {
		return nil, refuse(evidenceIsNeeded)
	}
	d.Evidence = slices.Clone(d.Evidence)
	won, lost := false, false
	for i := range d.Evidence {
		d.Evidence[i].Sent = terms.Now
		won, lost = won || d.Evidence[i].Comments == winningEvidence, lost || d.Evidence[i].Comments == losingEvidence
	}
	n := d.next(DisputeDisputed, terms.Now)
	records := b.told(n, NoticeDisputePrefix+string(DisputeDisputed), terms)
	if !won && !lost {
		return records, nil
	}
	last := n.next(DisputeLost, terms.Now.Add(time.Second)) // times on the wire have seconds
	if won {
		last = n.next(DisputeWon, terms.Now.Add(time.Second))
		last.Won = last.Amount.Minor
	}
	decided := b.told(last, NoticeDisputePrefix+string(last.Status), terms)
	decided[1].Notice.At = last.Updated
	return append(records, decided...), nil
}

// AddEvidence attaches text to an open dispute.
func (b *Book) AddEvidence(id string, e Evidence, terms Terms) (Evidence, []Record, error) {
	if err := b.open(id, cannotAddEvidence); err != nil {
		return e, nil, err
	}
	switch {
	case len(e.Comments) > maxEvidence:
		return e, nil, refuse(evidenceIsTooLong)
	case e.Category != "" && !slices.Contains(evidenceCategories, e.Category):
		return e, nil, refuse(categoryIsInvalid)
	}
	d := *b.disputes[id]
	e.ID, e.Created, d.Updated = b.fresh(terms), terms.Now, terms.Now
	d.Evidence = append(slices.Clone(d.Evidence), e)
	return e, []Record{{Dispute: &d}}, nil
}

// RemoveEvidence takes text off an open dispute.
func (b *Book) RemoveEvidence(id, evidence string, terms Terms) ([]Record, error) {
	if err := b.open(id, cannotRemoveEvidence); err != nil {
		return nil, err
	}
	d := *b.disputes[id]
	i := slices.IndexFunc(d.Evidence, func(e Evidence) bool { return e.ID == evidence })
	if i < 0 {
		return nil, ErrNotFound
	}
	d.Evidence, d.Updated = slices.Delete(slices.Clone(d.Evidence), i, i+1), terms.Now
	return []Record{{Dispute: &d}}, nil
}
