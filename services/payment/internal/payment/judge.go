package payment

import (
	"cmp"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// State is where a transaction stands in the gateway's books, in the few words that matter to us.
type State string

// The states.
const (
	TxPending    State = "pending"    // the gateway itself does not know yet
	TxAuthorised State = "authorised" // reserved
	TxSubmitted  State = "submitted"  // captured, can still be voided
	TxSettled    State = "settled"    // captured or refunded for good
	TxVoided     State = "voided"
	TxDeclined   State = "declined"  // by the gateway or the bank, see Code
	TxExpired    State = "expired"   // the authorisation ran out
	TxUnsettled  State = "unsettled" // the bank declined the settlement: no money moved
)

// Transaction is an entry of the gateway's books.
type Transaction struct {
	ID        string
	Credit    bool // a refund, not a sale
	State     State
	Amount    money.Amount
	Reference string // ours: the payment id of a sale, the operation id of a refund
	RefundOf  string
	Code      string // of a decline
	Retryable bool
	Message   string
	Paid      bool // settled: the bank cannot decline any more
	Checks    Checks
	Token     string // of a sale, the payment method in the vault that it was paid by
}

// Live says that the money of a sale is held or taken, or that of a refund on its way.
func (t Transaction) Live() bool {
	return t.State == TxAuthorised || t.State == TxSubmitted || t.State == TxSettled
}

// Refusal is the gateway's considered no to a step: surely not done. Code is one of ours where it has a meaning for us, else the gateway's.
type Refusal struct{ Code, Message string }

// Error says why.
func (r *Refusal) Error() string { return "refused by the gateway: " + r.Code + " " + r.Message }

// Operation is a step of a payment on its way.
type Operation struct {
	ID        string
	PaymentID string
	Kind      Kind
	Amount    money.Amount
	Credit    money.Amount // the part of Amount that is gift cards and store credit: the gateway never hears of it
	SentAt    time.Time    // of the last try; zero: surely not sent
	Refusal   *Refusal     // the gateway's answer to the last try, if that was one
	More      bool         // other captures may follow
	ToCredit  bool         // of a refund: what the gateway has taken becomes store credit of the customer
	Expires   time.Time    // that; zero: never
	Asked     Ask          // of an operation over parts: the last try, which SentAt and Refusal are about; read again, its transaction alone
}

// Belief is how long after the last send an operation may still arrive at the gateway: an absence is believed only then.
const Belief = 60 * time.Second

// Step is what comes next for an operation.
type Step int

// The steps.
const (
	Wait   Step = iota // nobody knows: look again later
	Send               // surely not done: ask for it
	Answer             // known
	Undo               // void the transaction Undoes, then the answer holds
)

// Verdict is what the gateway's books mean for an operation. Type is the event of the answer.
type Verdict struct {
	Step    Step
	Type    EventType
	Outcome Outcome
	Undoes  string
	Checks  Checks    // of an authorisation
	Review  time.Time // of an authorisation: staff decide until then
	Rule    string    // that said so
	Strays  bool      // given up unseen: it has to be looked for later
	Raise   string

	// Of an operation over parts.
	Ask     Ask          // of Send
	Parts   []PartChange // what of which part went back
	Lapses  bool         // of Undo: the rest of an authorisation, which lapses by itself if the gateway will not void it
	Became  money.Amount // store credit
	Halfway bool         // it ended before all of it was done: credit was not moved
}

// Judge says what the gateway's books mean. Found is what they hold under the operation's reference (Authorise: the sales of the
// payment; Refund: the refunds of the operation, and the sale) or of the payment's transaction (Capture, Void).
func Judge(p Payment, op Operation, found []Transaction, now time.Time) Verdict {
	if op.ToCredit {
		return judgeConversion(p, op)
	}
	if !op.AsksGateway(p) {
		return answer(successes[op.Kind], Outcome{Result: Succeeded, Amount: op.Amount})
	}
	if p.Manual() {
		return judgeManual(p, op)
	}
	if op.OverParts(p) {
		return judgeParts(p, op, found, now)
	}
	credit := op.Credit.Minor
	p.Captured.Minor -= p.CreditCaptured.Minor
	op.Amount = op.Gateway()
	v := judge(p, op, found, now)
	v.Outcome.Amount.Minor += credit
	return v
}

// successes are the events of operations that did what was asked.
var successes = map[Kind]EventType{Authorise: Authorised, Capture: Captured, Void: Voided, Refund: Refunded}

// judge is about the gateway's part alone, in payment and operation.
func judge(p Payment, op Operation, found []Transaction, now time.Time) Verdict {
	switch op.Kind {
	case Authorise:
		return judgeAuthorise(p, op, found, now)
	case Capture:
		return judgeCapture(p, op, find(found, p.TransactionID))
	case Void:
		return judgeVoid(p, op, find(found, p.TransactionID))
	case Refund:
		return judgeRefund(p, op, found, now)
	}
	return Verdict{}
}

func find(found []Transaction, id string) *Transaction {
	for i := range found {
		if found[i].ID == id && !found[i].Credit {
			return &found[i]
		}
	}
	return nil
}

func answer(t EventType, o Outcome) Verdict { return Verdict{Step: Answer, Type: t, Outcome: o} }

func no(t EventType, op Operation, transaction, code string) Verdict {
	return answer(t, *declined(op.Amount, transaction, code))
}

// refused is the answer when the gateway refused and its books do not say why better.
func refused(t EventType, op Operation, transaction string) Verdict {
	o := Outcome{Result: DeclinedIt, Amount: op.Amount, TransactionID: transaction, Code: op.Refusal.Code, Message: op.Refusal.Message}
	return answer(t, o)
}

func judgeAuthorise(p Payment, op Operation, found []Transaction, now time.Time) Verdict {
	var last *Transaction
	for i, t := range found {
		switch {
		case t.Credit || t.Reference != p.ID:
			continue
		case t.State == TxPending:
			return Verdict{}
		case t.Live():
			if t.Amount != op.Amount {
				return mismatch(Declined, op, t)
			}
			v := answer(Authorised, Outcome{Result: Succeeded, Amount: t.Amount, TransactionID: t.ID})
			v.Checks = t.Checks
			return v
		case last == nil || t.State != TxDeclined: // what was undone says more than a decline
			last = &found[i]
		}
	}
	switch {
	case last == nil && now.Sub(op.SentAt) < Belief:
		return Verdict{}
	case last == nil:
		return Verdict{Step: Answer, Type: AuthoriseFailed, Outcome: Outcome{Result: FailedSurely, Amount: op.Amount, Retryable: true}, Strays: true}
	case last.State == TxDeclined:
		v := answer(Declined, Outcome{Result: DeclinedIt, Amount: op.Amount, TransactionID: last.ID, Code: last.Code,
			Retryable: last.Retryable, Message: last.Message})
		v.Checks = last.Checks
		return v
	case last.Amount != op.Amount:
		return no(Declined, op, last.ID, CodeMismatch)
	case last.State == TxExpired:
		return no(Declined, op, last.ID, CodeExpired)
	}
	return no(Declined, op, last.ID, CodeVoided)
}

// mismatch undoes a transaction over another amount or currency than was asked for, and raises it.
func mismatch(t EventType, op Operation, tx Transaction) Verdict {
	v := no(t, op, tx.ID, CodeMismatch)
	v.Step, v.Undoes = Undo, tx.ID
	v.Raise = "the gateway booked " + tx.Amount.String() + " for " + op.Amount.String()
	return v
}

// Assess applies what the rules say of an authorisation to its verdict: a rejected one is undone, one to be reviewed is kept and waits.
func Assess(v Verdict, op Operation, d RiskDecision, reviewUntil time.Time) Verdict {
	switch {
	case v.Step != Answer || v.Type != Authorised:
		return v
	case d.Action == Reject:
		out := no(Declined, op, v.Outcome.TransactionID, CodeRisk)
		out.Step, out.Undoes, out.Checks, out.Rule = Undo, v.Outcome.TransactionID, v.Checks, d.Rule
		return out
	case d.Action == Review:
		v.Review, v.Rule = reviewUntil, d.Rule
	}
	return v
}

func judgeCapture(p Payment, op Operation, t *Transaction) Verdict {
	switch {
	case t == nil || t.State == TxPending:
		return Verdict{}
	case t.State == TxAuthorised && op.Refusal != nil:
		return refused(CaptureDeclined, op, t.ID)
	case t.State == TxAuthorised:
		return Verdict{Step: Send}
	case t.Live() && t.Amount != op.Amount:
		return mismatch(CaptureDeclined, op, *t)
	case t.Live():
		return answer(Captured, Outcome{Result: Succeeded, Amount: t.Amount, TransactionID: t.ID})
	case t.State == TxExpired:
		return no(CaptureDeclined, op, t.ID, CodeExpired)
	case t.State == TxUnsettled:
		return no(CaptureDeclined, op, t.ID, CodeSettlement)
	case t.State == TxVoided && t.Amount != op.Amount:
		return no(CaptureDeclined, op, t.ID, CodeMismatch)
	}
	return no(CaptureDeclined, op, p.TransactionID, CodeVoided)
}

func judgeVoid(_ Payment, op Operation, t *Transaction) Verdict {
	switch {
	case t == nil || t.State == TxPending:
		return Verdict{}
	case t.State == TxSettled:
		return no(VoidDeclined, op, t.ID, CodeSettled)
	case t.Live() && op.Refusal != nil:
		return refused(VoidDeclined, op, t.ID)
	case t.Live():
		return Verdict{Step: Send}
	}
	return answer(Voided, Outcome{Result: Succeeded, Amount: op.Amount, TransactionID: t.ID}) // voided, run out, never settled: nothing is held
}

func judgeRefund(p Payment, op Operation, found []Transaction, now time.Time) Verdict {
	for _, t := range found {
		switch {
		case !t.Credit || t.Reference != op.ID:
			continue
		case t.State == TxPending:
			return Verdict{}
		case t.Live():
			v := answer(Refunded, Outcome{Result: Succeeded, Amount: t.Amount, TransactionID: t.ID})
			if t.Amount != op.Amount {
				v.Raise = "the gateway refunded " + t.Amount.String() + " for " + op.Amount.String()
			}
			return v
		}
		return answer(RefundDeclined, Outcome{Result: DeclinedIt, Amount: op.Amount, TransactionID: t.ID,
			Code: cmp.Or(t.Code, CodeVoided), Message: t.Message, Retryable: t.Retryable})
	}
	sale := find(found, p.TransactionID)
	whole := op.Amount == p.Captured && op.Credit.Minor == p.CreditCaptured.Minor
	switch {
	case sale != nil && sale.State == TxUnsettled && !whole: // nothing of it moved, and credit is for what is there
		return no(RefundDeclined, op, sale.ID, CodeSettlement)
	case sale != nil && sale.State == TxVoided && !whole && op.Credit.Minor < p.CreditCaptured.Minor:
		v := no(RefundDeclined, op, sale.ID, CodeVoided)
		v.Raise = "what the gateway took was voided there, credit of " + p.CreditCaptured.String() + " was not"
		return v
	case sale != nil && (sale.State == TxVoided || sale.State == TxUnsettled):
		return answer(Voided, Outcome{Result: Succeeded, Amount: op.Amount, TransactionID: sale.ID})
	case op.Refusal != nil:
		return judgeRefusedRefund(p, op, sale)
	case op.SentAt.IsZero():
		return Verdict{Step: Send}
	case now.Sub(op.SentAt) < Belief:
		return Verdict{}
	}
	return Verdict{Step: Answer, Type: RefundFailed, Outcome: Outcome{Result: FailedSurely, Amount: op.Amount, Retryable: true}, Strays: true}
}

// judgeRefusedRefund turns the refund of a whole sale that has not settled into a void: the same money goes back.
func judgeRefusedRefund(p Payment, op Operation, sale *Transaction) Verdict {
	switch {
	case sale == nil:
		return Verdict{}
	case sale.State == TxSubmitted && op.Amount == p.Captured && op.Credit.Minor == p.CreditCaptured.Minor:
		return Verdict{Step: Undo, Type: Voided, Undoes: sale.ID, Outcome: Outcome{Result: Succeeded, Amount: op.Amount, TransactionID: sale.ID}}
	case sale.State == TxSubmitted || op.Refusal.Code == CodeNotSettled:
		return no(RefundDeclined, op, sale.ID, CodeNotSettled)
	}
	return refused(RefundDeclined, op, sale.ID)
}
