package payment

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// PartStatus is where a part stands.
type PartStatus string

// The statuses of a part.
const (
	PartCaptured PartStatus = "captured"
	PartSettled  PartStatus = "settled"             // the bank has paid
	PartUnpaid   PartStatus = "settlement_declined" // it has not
	PartVoided   PartStatus = "voided"
)

// Part is what was captured of an authorisation by itself, as when an order is sent in several shipments: a transaction of its own at the
// gateway, which settles, is disputed and is refunded by itself.
type Part struct {
	TransactionID string
	OperationID   string // that captured it
	Status        PartStatus
	Amount        money.Amount
	Refunded      money.Amount
	RefundIDs     []string // the gateway's
}

// PartChange is what went back of a part: refunded, or, all of it before it settled, voided.
type PartChange struct {
	TransactionID string
	Amount        int64 // minor units
	RefundID      string
	Voided        bool
}

// stands tells whether money of it may be there.
func (x Part) stands() bool { return x.Status == PartCaptured || x.Status == PartSettled }

func (x Part) left() int64 { return x.Amount.Minor - x.Refunded.Minor }

// Uncaptured is what is authorised still of a payment that is captured in parts.
func (p Payment) Uncaptured() money.Amount {
	return money.New(p.Authorised.Minor-p.Captured.Minor, p.Amount.Currency)
}

// held is the gateway's part of it.
func (p Payment) held() int64 {
	if p.Status != StatusAuthorised && p.Status != StatusPartly {
		return 0
	}
	return p.Uncaptured().Minor - p.Credit.Minor + p.CreditCaptured.Minor
}

// Unsettled are the transactions of which nobody knows yet whether the bank paid.
func (p Payment) Unsettled() (ids []string) {
	if !p.Split {
		return []string{p.TransactionID}
	}
	for _, x := range p.Parts {
		if x.Status == PartCaptured {
			ids = append(ids, x.TransactionID)
		}
	}
	return ids
}

// Knows tells whether a transaction of the gateway is part of the payment.
func (p Payment) Knows(transaction string) bool {
	return transaction == p.TransactionID || slices.ContainsFunc(p.Parts, func(x Part) bool {
		return x.TransactionID == transaction || slices.Contains(x.RefundIDs, transaction)
	})
}

// part returns a part to be changed, in a list of its own: a Payment that others have stays as it was.
func (p *Payment) part(transaction string) (*Part, error) {
	i := slices.IndexFunc(p.Parts, func(x Part) bool { return x.TransactionID == transaction })
	if i < 0 {
		return nil, fmt.Errorf("no part of it is transaction %q", transaction)
	}
	p.Parts = slices.Clone(p.Parts)
	return &p.Parts[i], nil
}

// back counts what went back of the parts.
func (p *Payment) back(changes []PartChange) error {
	for _, c := range changes {
		x, err := p.part(c.TransactionID)
		if err != nil {
			return err
		}
		if c.Amount <= 0 || !x.stands() || c.Amount > x.left() || c.Voided && (c.Amount != x.Amount.Minor || x.Status == PartSettled) {
			return fmt.Errorf("%d went back of part %s, which is %s with %s of %s refunded", c.Amount, c.TransactionID, x.Status, x.Refunded, x.Amount)
		}
		x.Refunded.Minor, p.Refunded.Minor = x.Refunded.Minor+c.Amount, p.Refunded.Minor+c.Amount
		if c.Voided {
			x.Status = PartVoided
		}
		if c.RefundID != "" {
			x.RefundIDs = append(slices.Clone(x.RefundIDs), c.RefundID)
		}
	}
	return nil
}

func (p *Payment) voidParts() {
	p.Parts = slices.Clone(p.Parts)
	for i := range p.Parts {
		if p.Parts[i].stands() {
			p.Parts[i].Status = PartVoided
		}
	}
}

func (p *Payment) partPaid(e Event) error {
	x, err := p.part(e.TransactionID)
	if err != nil {
		return err
	}
	if x.Status != PartCaptured {
		return fmt.Errorf("part %s is %s", x.TransactionID, x.Status)
	}
	x.Status = PartSettled
	p.partsSettled(e.At)
	return nil
}

// partsSettled says when the last of the parts has settled, and that no other will come.
func (p *Payment) partsSettled(at time.Time) {
	settled := func(x Part) bool { return x.Status == PartSettled }
	if p.Status != StatusPartly && p.SettledAt.IsZero() && slices.ContainsFunc(p.Parts, settled) && len(p.Unsettled()) == 0 {
		p.SettledAt = at
	}
}

// partUnpaid takes off what the bank did not pay. The other parts stand.
func (p *Payment) partUnpaid(e Event) error {
	x, err := p.part(e.TransactionID)
	if err != nil {
		return err
	}
	if x.Status != PartCaptured || x.Refunded.IsPositive() {
		return fmt.Errorf("part %s is %s", x.TransactionID, x.Status)
	}
	x.Status = PartUnpaid
	p.Captured.Minor -= x.Amount.Minor
	switch {
	case p.Status == StatusPartly:
	case p.Captured == p.CreditCaptured && p.Refunded == p.CreditRefunded && p.CreditRefunded.IsZero():
		p.unpaid()
	default:
		p.complete(e.At)
	}
	return nil
}

// Ask is what the gateway is asked about one part.
type Ask struct {
	Kind          Kind
	TransactionID string
	Amount        money.Amount
}

// AsksGateway tells whether the gateway has to do something for an operation.
func (op Operation) AsksGateway(p Payment) bool {
	if op.ToCredit {
		return false
	}
	return !op.Gateway().IsZero() || !op.More && p.Split && p.held() > 0
}

// OverParts tells whether an operation is about transactions of their own, and not about the authorisation's.
func (op Operation) OverParts(p Payment) bool {
	return p.Split && op.Kind != Authorise && !op.ToCredit
}

// judgeParts says what the gateway's books mean for an operation over parts. Found are the authorisation, its parts, and what bears the
// operation as its reference: a part that it captured, or refunds.
//
//	capture      a part is taken once: like a refund it is not sent again before its absence is believed
//	void         part by part, then the authorisation; as soon as one has settled it ends, and says what went back
//	refund       of the oldest part first; a whole part that has not settled is voided
func judgeParts(p Payment, op Operation, found []Transaction, now time.Time) Verdict {
	if op.Kind == Capture {
		return judgePart(p, op, found, now)
	}
	return judgeBack(p, op, found, now)
}

func judgePart(p Payment, op Operation, found []Transaction, now time.Time) Verdict {
	amount, parent := op.Gateway(), find(found, p.TransactionID)
	i := slices.IndexFunc(found, func(t Transaction) bool { return !t.Credit && t.Reference == op.ID })
	if parent == nil || parent.State == TxPending || i >= 0 && found[i].State == TxPending {
		return Verdict{}
	}
	done := answer(Captured, Outcome{Result: Succeeded, Amount: op.Amount})
	switch {
	case amount.IsZero():
		return done.release(p, op, parent)
	case i >= 0:
		part := found[i]
		done.Outcome.TransactionID = part.ID
		switch {
		case part.Amount != amount && part.Live():
			return mismatch(CaptureDeclined, Operation{Amount: amount}, part)
		case part.Live():
			return done.release(p, op, parent)
		case part.Amount != amount:
			return no(CaptureDeclined, op, part.ID, CodeMismatch)
		case part.State == TxUnsettled:
			return no(CaptureDeclined, op, part.ID, CodeSettlement)
		}
		return no(CaptureDeclined, op, part.ID, cmp.Or(part.Code, CodeVoided))
	case parent.State == TxExpired:
		return no(CaptureDeclined, op, parent.ID, CodeExpired)
	case parent.State == TxVoided:
		return no(CaptureDeclined, op, parent.ID, CodeVoided)
	case op.Refusal != nil:
		return refused(CaptureDeclined, op, parent.ID)
	case op.SentAt.IsZero():
		return Verdict{Step: Send, Ask: Ask{Kind: Capture, TransactionID: parent.ID, Amount: amount}}
	case now.Sub(op.SentAt) < Belief:
		return Verdict{}
	}
	return Verdict{Step: Answer, Type: CaptureFailed, Outcome: Outcome{Result: FailedSurely, Amount: op.Amount, Retryable: true}, Strays: true}
}

// release lets go, before the answer, of what is authorised and not captured any more. A part that came to nothing is authorised again.
func (v Verdict) release(p Payment, op Operation, parent *Transaction) Verdict {
	free := slices.ContainsFunc(v.Parts, func(c PartChange) bool { return c.Voided }) || slices.ContainsFunc(p.Parts, func(x Part) bool { return !x.stands() })
	rest := free || op.Kind == Void || p.held() > 0
	if op.Kind == Capture {
		rest = free || p.held() > op.Gateway().Minor
	}
	if op.More || !rest || parent == nil || parent.State != TxAuthorised && parent.State != TxSubmitted {
		return v
	}
	v.Step, v.Undoes, v.Lapses = Undo, parent.ID, true
	return v
}
