package payment

import (
	"fmt"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

func sale(s State, minor int64) Transaction {
	return Transaction{ID: "tx1", State: s, Amount: usd(minor), Reference: "o-1", Code: map[State]string{TxDeclined: "2001"}[s]}
}

func credit(s State, minor int64) Transaction {
	return Transaction{ID: "tx2", Credit: true, State: s, Amount: usd(minor), Reference: "op", RefundOf: "tx1"}
}

func summary(v Verdict) string {
	step := [...]string{"wait", "send", "answer", "undo"}[v.Step]
	if v.Step == Wait || v.Step == Send {
		return step
	}
	text := fmt.Sprint(step, " ", v.Type, " ", v.Outcome.Amount.Minor)
	if v.Outcome.Code != "" {
		text += " " + v.Outcome.Code
	}
	if v.Strays {
		text += " strays"
	}
	if v.Raise != "" {
		text += " raised"
	}
	return text
}

// What the gateway's books mean, for every kind of operation and every state of a transaction.
func TestJudge(t *testing.T) {
	t.Parallel()
	no := &Refusal{Code: "91500", Message: "no"}
	euro := sale(TxAuthorised, 1000)
	euro.Amount = money.New(1000, "EUR")
	young := sale(TxAuthorised, 1000)
	young.ID = "tx0"
	other := sale(TxAuthorised, 1000)
	other.Reference = "o-2"
	for _, tc := range []struct {
		kind    Kind
		name    string
		amount  int64
		found   []Transaction
		sent    time.Duration // ago; negative: never
		refusal *Refusal
		want    string
	}{
		{Authorise, "nothing yet", 1000, nil, 59 * time.Second, nil, "wait"},
		{Authorise, "nothing for a minute", 1000, nil, 60 * time.Second, nil, "answer authorise_failed 1000 strays"},
		{Authorise, "another order's", 1000, []Transaction{other}, 60 * time.Second, nil, "answer authorise_failed 1000 strays"},
		{Authorise, "a refund of the same order", 1000, []Transaction{{ID: "tx2", Credit: true, State: TxSubmitted, Reference: "o-1", Amount: usd(1000)}}, 60 * time.Second, nil, "answer authorise_failed 1000 strays"},
		{Authorise, "undecided", 1000, []Transaction{sale(TxPending, 1000)}, time.Hour, nil, "wait"},
		{Authorise, "authorised", 1000, []Transaction{sale(TxAuthorised, 1000)}, 0, nil, "answer authorised 1000"},
		{Authorise, "declined, then taken", 1000, []Transaction{sale(TxDeclined, 1000), sale(TxAuthorised, 1000)}, 0, nil, "answer authorised 1000"},
		{Authorise, "declined", 1000, []Transaction{sale(TxDeclined, 1000)}, 0, nil, "answer declined 1000 2001"},
		{Authorise, "another amount", 1000, []Transaction{sale(TxAuthorised, 999)}, 0, nil, "undo declined 1000 amount-mismatch raised"},
		{Authorise, "another currency", 1000, []Transaction{euro}, 0, nil, "undo declined 1000 amount-mismatch raised"},
		{Authorise, "undone for its amount", 1000, []Transaction{sale(TxVoided, 999)}, 0, nil, "answer declined 1000 amount-mismatch"},
		{Authorise, "voided by hand", 1000, []Transaction{sale(TxVoided, 1000)}, 0, nil, "answer declined 1000 voided"},
		{Authorise, "run out", 1000, []Transaction{sale(TxExpired, 1000)}, 0, nil, "answer declined 1000 authorisation-expired"},

		{Capture, "not found", 1000, nil, 0, nil, "wait"},
		{Capture, "another's", 1000, []Transaction{young}, 0, nil, "wait"},
		{Capture, "not done", 1000, []Transaction{sale(TxAuthorised, 1000)}, 0, nil, "send"},
		{Capture, "refused", 1000, []Transaction{sale(TxAuthorised, 1000)}, 0, no, "answer capture_declined 1000 91500"},
		{Capture, "done", 1000, []Transaction{sale(TxSubmitted, 1000)}, 0, nil, "answer captured 1000"},
		{Capture, "done before", 1000, []Transaction{sale(TxSettled, 1000)}, 0, no, "answer captured 1000"},
		{Capture, "another amount", 1000, []Transaction{sale(TxSubmitted, 900)}, 0, nil, "undo capture_declined 1000 amount-mismatch raised"},
		{Capture, "undone", 1000, []Transaction{sale(TxVoided, 900)}, 0, nil, "answer capture_declined 1000 amount-mismatch"},
		{Capture, "voided", 1000, []Transaction{sale(TxVoided, 1000)}, 0, no, "answer capture_declined 1000 voided"},
		{Capture, "run out", 1000, []Transaction{sale(TxExpired, 1000)}, 0, no, "answer capture_declined 1000 authorisation-expired"},
		{Capture, "bank declined", 1000, []Transaction{sale(TxUnsettled, 1000)}, 0, no, "answer capture_declined 1000 settlement-declined"},
		{Capture, "undecided", 1000, []Transaction{sale(TxPending, 1000)}, 0, nil, "wait"},

		{Void, "not found", 1000, nil, 0, nil, "wait"},
		{Void, "not done", 1000, []Transaction{sale(TxAuthorised, 1000)}, 0, nil, "send"},
		{Void, "captured, not done", 1000, []Transaction{sale(TxSubmitted, 1000)}, 0, nil, "send"},
		{Void, "refused", 1000, []Transaction{sale(TxSubmitted, 1000)}, 0, no, "answer void_declined 1000 91500"},
		{Void, "settled", 1000, []Transaction{sale(TxSettled, 1000)}, 0, no, "answer void_declined 1000 settled"},
		{Void, "done", 1000, []Transaction{sale(TxVoided, 1000)}, 0, no, "answer voided 1000"},
		{Void, "run out", 1000, []Transaction{sale(TxExpired, 1000)}, 0, no, "answer voided 1000"},
		{Void, "bank declined", 1000, []Transaction{sale(TxUnsettled, 1000)}, 0, no, "answer voided 1000"},
		{Void, "undecided", 1000, []Transaction{sale(TxPending, 1000)}, 0, nil, "wait"},

		{Refund, "never sent", 300, nil, -1, nil, "send"},
		{Refund, "nothing yet", 300, nil, 59 * time.Second, nil, "wait"},
		{Refund, "nothing for a minute", 300, nil, 60 * time.Second, nil, "answer refund_failed 300 strays"},
		{Refund, "done", 300, []Transaction{credit(TxSubmitted, 300)}, 0, nil, "answer refunded 300"},
		{Refund, "settled", 300, []Transaction{credit(TxSettled, 300)}, 0, nil, "answer refunded 300"},
		{Refund, "another amount is told as it is", 300, []Transaction{credit(TxSubmitted, 250)}, 0, nil, "answer refunded 250 raised"},
		{Refund, "declined", 300, []Transaction{credit(TxDeclined, 300)}, 0, nil, "answer refund_declined 300 voided"},
		{Refund, "undecided", 300, []Transaction{credit(TxPending, 300)}, 0, nil, "wait"},
		{Refund, "voided instead, unheard", 800, []Transaction{sale(TxVoided, 800)}, time.Hour, nil, "answer voided 800"},
		{Refund, "of what the bank did not pay, a part", 300, []Transaction{sale(TxUnsettled, 800)}, time.Hour, nil, "answer refund_declined 300 settlement-declined"},
		{Refund, "of what the bank did not pay, all", 800, []Transaction{sale(TxUnsettled, 800)}, time.Hour, no, "answer voided 800"},
		{Refund, "refused, sale unknown", 300, nil, 0, no, "wait"},
		{Refund, "refused, not settled", 300, []Transaction{sale(TxSubmitted, 800)}, 0, no, "answer refund_declined 300 not-settled"},
		{Refund, "refused, whole, not settled", 800, []Transaction{sale(TxSubmitted, 800)}, 0, no, "undo voided 800"},
		{Refund, "refused, voided already", 800, []Transaction{sale(TxVoided, 800)}, 0, no, "answer voided 800"},
		{Refund, "refused, settled", 300, []Transaction{sale(TxSettled, 800)}, 0, no, "answer refund_declined 300 91500"},
		{Refund, "settlement being confirmed", 300, []Transaction{sale(TxSettled, 800)}, 0, &Refusal{Code: CodeNotSettled}, "answer refund_declined 300 not-settled"},
	} {
		history := map[Kind]string{Authorise: "authorising", Capture: "authorised, live", Void: "captured, live", Refund: "captured, live"}[tc.kind]
		op := Operation{ID: "op", PaymentID: "o-1", Kind: tc.kind, Amount: usd(tc.amount), Refusal: tc.refusal}
		if tc.sent >= 0 {
			op.SentAt = now.Add(-tc.sent)
		}
		if got := summary(Judge(at(t, history), op, tc.found, now)); got != tc.want {
			t.Errorf("%s, %s: %s, want %s", tc.kind, tc.name, got, tc.want)
		}
	}
}

// Every answer can be written down: its event is possible while the operation is live.
func TestEveryAnswerIsPossible(t *testing.T) {
	t.Parallel()
	states := []State{TxPending, TxAuthorised, TxSubmitted, TxSettled, TxVoided, TxDeclined, TxExpired, TxUnsettled}
	for _, kind := range []Kind{Authorise, Capture, Void, Refund} {
		names := map[Kind][]string{Authorise: {"authorising"}, Capture: {"authorised"}, Void: {"authorised", "captured"}, Refund: {"captured", "captured, refunded"}}[kind]
		for _, name := range names {
			p := at(t, name)
			p.Live = "op"
			for _, state := range states {
				for _, refusal := range []*Refusal{nil, {Code: "x"}, {Code: CodeNotSettled}} {
					for _, amount := range []int64{500, 800, 1000} {
						op := Operation{ID: "op", PaymentID: "o-1", Kind: kind, Amount: usd(500), Refusal: refusal, SentAt: now.Add(-time.Hour)}
						v := Judge(p, op, []Transaction{sale(state, amount), credit(state, amount)}, now)
						if v.Step != Answer && v.Step != Undo {
							continue
						}
						if kind == Refund && amount != 500 && v.Type == Refunded {
							continue // more was refunded than is left: raised, and left to people
						}
						if _, err := p.Apply(Event{Type: v.Type, OperationID: "op", Amount: v.Outcome.Amount, At: now}); err != nil {
							t.Errorf("%s at %s, %s %d: %v", kind, name, state, amount, err)
						}
					}
				}
			}
		}
	}
}

// Every status × every state of the transaction: what the books mean for the settlement.
func TestSettlementOf(t *testing.T) {
	t.Parallel()
	for name := range histories {
		p := at(t, name)
		for _, state := range []State{TxPending, TxAuthorised, TxSubmitted, TxSettled, TxVoided, TxDeclined, TxExpired, TxUnsettled} {
			for _, paid := range []bool{false, true} {
				want := EventType("")
				switch {
				case paid && state == TxSettled && (p.Status == StatusCaptured || p.Status == StatusRefunded):
					want = Settled
				case state == TxUnsettled && p.Status == StatusCaptured:
					want = SettlementDeclined
				}
				tx := Transaction{ID: "tx1", State: state, Paid: paid && state == TxSettled}
				if got := SettlementOf(p, "tx1", tx, true).Type; got != want {
					t.Errorf("%q, %s, paid %t: %q, want %q", name, state, paid, got, want)
				}
				if got := SettlementOf(p, "tx1", tx, false).Type; got != "" {
					t.Errorf("%q, absent: %q", name, got)
				}
				tx.ID = "other"
				if got := SettlementOf(p, "tx1", tx, true).Type; got != "" {
					t.Errorf("%q, another transaction: %q", name, got)
				}
			}
		}
	}
}
