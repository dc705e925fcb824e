package payment

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// share is what an operation gives back of a part.
type share struct {
	Part
	minor int64
}

// whole tells whether it is all of the part, so that it can be voided.
func (s share) whole() bool { return s.minor == s.Amount.Minor }

// shares spreads what an operation gives back over the parts, the oldest first.
func (p Payment) shares(op Operation) (out []share) {
	left := op.Gateway().Minor
	for _, x := range p.Parts {
		n := x.left()
		if op.Kind == Refund {
			n = min(n, left)
		}
		if x.stands() && n > 0 {
			out, left = append(out, share{x, n}), left-n
		}
	}
	return out
}

// giving is how far an operation has got.
type giving struct {
	p       Payment
	op      Operation
	found   []Transaction
	now     time.Time
	changes []PartChange
	gone    int64
	raise   string
}

func judgeBack(p Payment, op Operation, found []Transaction, now time.Time) Verdict {
	g := giving{p: p, op: op, found: found, now: now}
	shares, parent := p.shares(op), find(found, p.TransactionID)
	if parent == nil || parent.State == TxPending {
		return Verdict{}
	}
	last := slices.IndexFunc(shares, func(s share) bool { return s.TransactionID == op.Asked.TransactionID })
	for i, s := range shares {
		done, v := g.share(s, i < last)
		if done {
			continue
		}
		if v.Step == Send && g.gone == 0 { // nothing is touched unless all can be done
			for _, later := range shares[i+1:] {
				if code := g.obstacle(later); code != "" {
					return g.stop(code, messages[code], false)
				}
			}
		}
		return v
	}
	amount := money.New(g.gone+op.Credit.Minor, op.Amount.Currency)
	out := answer(Refunded, Outcome{Result: Succeeded, Amount: amount})
	if op.Kind == Void {
		out = answer(Voided, Outcome{Result: Succeeded, Amount: op.Amount})
	} else {
		out.Parts = g.changes
	}
	if n := len(g.changes); n > 0 {
		out.Outcome.TransactionID = cmp.Or(g.changes[n-1].RefundID, g.changes[n-1].TransactionID)
	}
	out.Raise = g.raise
	return out.release(p, op, parent)
}

// share tells whether the share of a part has gone back, and else what is to be done. Passed: a later one was asked for, so this one was seen
// to be done; what the gateway's search does not show is not sent again.
func (g *giving) share(s share, passed bool) (bool, Verdict) {
	t := find(g.found, s.TransactionID)
	if i := slices.IndexFunc(g.found, func(t Transaction) bool { return t.Credit && t.Reference == g.op.ID && t.RefundOf == s.TransactionID }); i >= 0 {
		switch back := g.found[i]; {
		case back.State == TxPending:
			return false, Verdict{}
		case back.Live():
			if back.Amount.Minor != s.minor {
				g.raise = "the gateway refunded " + back.Amount.String() + " for " + money.New(s.minor, g.op.Amount.Currency).String()
			}
			g.did(PartChange{TransactionID: s.TransactionID, Amount: back.Amount.Minor, RefundID: back.ID})
			return true, Verdict{}
		default:
			return false, g.stop(cmp.Or(back.Code, CodeVoided), back.Message, back.Retryable)
		}
	}
	if t == nil || t.State == TxPending {
		return false, Verdict{}
	}
	if gone := t.State == TxVoided || t.State == TxUnsettled; gone && s.whole() { // run out, voided, never paid: nothing is held
		g.did(PartChange{TransactionID: s.TransactionID, Amount: s.minor, Voided: true})
		return true, Verdict{}
	}
	if code := g.obstacle(s); code != "" {
		return false, g.stop(code, messages[code], code == CodeNotSettled)
	}
	ask := Ask{Kind: Void, TransactionID: t.ID, Amount: money.New(s.minor, g.op.Amount.Currency)}
	if t.State == TxSettled {
		ask.Kind = Refund
	}
	switch {
	case g.op.Refusal != nil && g.op.Asked == ask:
		return false, g.stop(g.op.Refusal.Code, g.op.Refusal.Message, false)
	case ask.Kind == Refund && passed:
		return false, Verdict{}
	case ask.Kind == Void || g.op.SentAt.IsZero() || g.op.Asked.TransactionID != t.ID:
		return false, Verdict{Step: Send, Ask: ask}
	case g.now.Sub(g.op.SentAt) < Belief:
		return false, Verdict{}
	}
	return false, g.fail()
}

func (g *giving) did(c PartChange) { g.changes, g.gone = append(g.changes, c), g.gone+c.Amount }

// obstacle is why a share cannot go back as the gateway's books are, or nothing.
func (g *giving) obstacle(s share) string {
	t := find(g.found, s.TransactionID)
	switch {
	case t == nil:
		return ""
	case t.State == TxUnsettled && !s.whole():
		return CodeSettlement
	case t.State == TxVoided && !s.whole():
		return CodeVoided
	case t.State == TxSettled && g.op.Kind == Void:
		return CodeSettled
	case t.State != TxSettled && !s.whole():
		return CodeNotSettled
	}
	return ""
}

// stop ends an operation that cannot go on. What went back before is part of the answer.
func (g *giving) stop(code, message string, retryable bool) Verdict {
	o := Outcome{Result: DeclinedIt, Amount: g.op.Amount, TransactionID: g.p.TransactionID, Code: code, Message: message, Retryable: retryable}
	switch {
	case g.op.Kind == Void:
		v := answer(VoidDeclined, o)
		v.Parts, v.Halfway = g.changes, true
		if g.gone > 0 {
			v = g.free(v)
		}
		return v
	case g.gone == 0:
		return answer(RefundDeclined, o)
	}
	return g.half(code)
}

// fail gives a refund up that never arrived.
func (g *giving) fail() Verdict {
	v := Verdict{Step: Answer, Type: RefundFailed, Outcome: Outcome{Result: FailedSurely, Amount: g.op.Amount, Retryable: true}}
	if g.gone > 0 {
		v = g.half("it did not arrive")
	}
	v.Strays = true
	return v
}

// half answers with what went back, which is less than was asked for.
func (g *giving) half(why string) Verdict {
	v := answer(Refunded, Outcome{Result: Succeeded, Amount: money.New(g.gone, g.op.Amount.Currency), TransactionID: g.p.TransactionID})
	v.Parts, v.Halfway = g.changes, true
	v.Raise = fmt.Sprintf("%s went back of %s: %s", v.Outcome.Amount, g.op.Amount, why)
	return g.free(v)
}

// free lets go of what voided parts have left authorised, unless more may be captured.
func (g *giving) free(v Verdict) Verdict {
	if g.p.Status == StatusPartly {
		return v
	}
	return v.release(g.p, g.op, find(g.found, g.p.TransactionID))
}
