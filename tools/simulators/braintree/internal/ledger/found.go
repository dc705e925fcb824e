package ledger

import (
	"slices"
	"time"
)

// SearchableCustomer tells whether a text or list criterion on this field of customers is understood.
func SearchableCustomer(field string) bool {
	return slices.Contains([]string{"id", "first-name", "last-name", "company", "email", "phone", "payment-method-token"}, field)
}

// SearchProfiles answers the customers that match, youngest first.
func (b *Book) SearchProfiles(q Query) []*Profile {
	var found []*Profile
	for _, p := range b.Profiles() {
		if q.IDs != nil && !slices.Contains(q.IDs, p.ID) {
			continue
		}
		if span, ok := q.Times["created-at"]; ok && !inSpan(p.Created, span) {
			continue
		}
		tokens := b.MethodsOf(p.ID)
		if q.texts(func(field string) string {
			switch field {
			case "first-name":
				return p.FirstName
			case "last-name":
				return p.LastName
			case "company":
				return p.Company
			case "email":
				return p.Email
			case "phone":
				return p.Phone
			case "payment-method-token":
				i := slices.IndexFunc(tokens, func(v *Vaulted) bool { return v.Token == q.Texts[field].Is })
				if i < 0 {
					return ""
				}
				return tokens[i].Token
			}
			return p.ID
		}) {
			found = append(found, p)
		}
	}
	return found
}

// SearchableDispute tells whether a text or list criterion on this field of disputes is understood.
func SearchableDispute(field string) bool {
	return slices.Contains([]string{"id", "case-number", "reference-number", "kind", "reason", "reason-code", "status", "merchant-account-id", "transaction-id"}, field)
}

// SearchableDisputeDay tells whether a criterion on a day of disputes is understood.
func SearchableDisputeDay(field string) bool {
	return field == "received-date" || field == "reply-by-date" || field == "effective-date"
}

// SearchDisputes answers the disputes that match, youngest first.
func (b *Book) SearchDisputes(q Query) []*Dispute {
	var found []*Dispute
	for _, d := range slices.Backward(b.Disputes()) {
		if q.texts(d.field) && d.onDays(q.Times) && (q.Amount == nil || inRange(float64(d.Amount.hundredths())/100, *q.Amount)) {
			found = append(found, d)
		}
	}
	return found
}

func (d *Dispute) field(name string) string {
	switch name {
	case "case-number":
		return d.CaseNumber
	case "reference-number":
		return d.Reference
	case "kind":
		return d.Kind
	case "reason":
		return d.Reason
	case "reason-code":
		return d.ReasonCode
	case "status":
		return string(d.Status)
	case "merchant-account-id":
		return d.Account
	case "transaction-id":
		return d.Transaction
	}
	return d.ID
}

func (d *Dispute) onDays(spans map[string]Span[time.Time]) bool {
	for name, span := range spans {
		days := map[string][]time.Time{"received-date": {d.Received}, "reply-by-date": {d.ReplyBy}}[name]
		if name == "effective-date" {
			for _, c := range d.History {
				days = append(days, day(c.At))
			}
		}
		if !slices.ContainsFunc(days, func(at time.Time) bool { return inSpan(at, span) }) {
			return false
		}
	}
	return true
}
