package ledger

import "slices"

// Step names a change of status that a caller may ask for.
type Step string

// The steps.
const (
	StepSubmit     Step = "submit"             // whole, or a smaller amount of the same transaction
	StepSubmitPart Step = "submit_part"        // the parent's side of a partial settlement
	StepSettle     Step = "settle"             // the processor paid
	StepConfirm    Step = "settlement_confirm" // sandbox only
	StepPend       Step = "settlement_pending"
	StepDecline    Step = "settlement_decline"
	StepVoid       Step = "void"
	StepExpire     Step = "expire"
)

// rule is one row of the transition table.
type rule struct {
	from    []Status
	to      Status
	refusal *Problem
}

// rules is the whole state machine of a recorded transaction; what is not listed is refused with the rule's error.
var rules = map[Step]rule{
	StepSubmit:     {[]Status{Authorized}, Submitted, cannotSubmit},
	StepSubmitPart: {[]Status{Authorized, SettlementPending}, SettlementPending, cannotSubmitPart},
	StepSettle:     {[]Status{Submitted, Settling, SettlementPending, SettlementConfirmed}, Settled, cannotSettle},
	StepConfirm:    {[]Status{Submitted, Settling}, SettlementConfirmed, cannotSettle},
	StepPend:       {[]Status{Submitted, Settling}, SettlementPending, cannotSettle},
	StepDecline:    {[]Status{Submitted, Settling, SettlementPending}, SettlementDeclined, cannotSettle},
	StepVoid:       {[]Status{Authorized, Submitted}, Voided, cannotVoid},
	StepExpire:     {[]Status{Authorized}, AuthorizationExpired, cannotSettle},
}

// Target answers where a step leads from the transaction as it stands, or the gateway's refusal.
func (t *Transaction) Target(step Step) (Status, error) {
	r := rules[step]
	allowed := slices.Contains(r.from, t.Status)
	switch {
	case step == StepSubmitPart && (t.AuthorizedBy != "" || t.Status == SettlementPending && len(t.PartIDs) == 0):
		allowed = false // a part cannot be split again
	case step == StepVoid && t.Status == SettlementPending && len(t.PartIDs) > 0:
		allowed = true // what has not been split is let go; the parts stay
	case step != StepSubmitPart && len(t.PartIDs) > 0:
		allowed = false // a parent's parts settle, not the parent
	case step == StepVoid && t.Status == SettlementPending && t.Method.Type == PayPal:
		allowed = true
	}
	if !allowed {
		return "", refuse(r.refusal)
	}
	if step == StepSubmit && t.Method.Type == PayPal {
		return Settling, nil // PayPal captures at once
	}
	return r.to, nil
}
