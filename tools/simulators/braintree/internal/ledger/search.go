package ledger

import (
	"slices"
	"strings"
	"time"
)

// Query is a search; every part that is set must hold.
type Query struct {
	IDs     []string // only these; nil for all
	OrderID *Text
	Texts   map[string]Text // by field: id, merchant-account-id as text …
	OneOf   map[string][]string
	Amount  *Span[float64]
	Times   map[string]Span[time.Time]
}

// Text is a text criterion.
type Text struct{ Is, IsNot, StartsWith, EndsWith, Contains string }

// Span is a closed range; nil ends are open.
type Span[T any] struct{ Min, Max *T }

// MaxResults is the documented limit of a transaction search.
const MaxResults = 50_000

// Search answers the matching transactions, youngest first.
func (b *Book) Search(q Query) []*Transaction {
	ids := b.sequence
	switch {
	case q.IDs != nil:
		ids = slices.Clone(q.IDs) // a page: in the order asked for
		slices.Reverse(ids)
	case q.OrderID != nil && q.OrderID.Is != "":
		ids = b.byOrder[q.OrderID.Is]
	}
	var found []*Transaction
	for _, id := range slices.Backward(ids) {
		if t := b.transactions[id]; t != nil && q.matches(t) {
			found = append(found, t)
			if len(found) == MaxResults {
				break
			}
		}
	}
	return found
}

// texts tells whether all text and list criteria hold for what the fields of something say.
func (q Query) texts(of func(field string) string) bool {
	if q.OrderID != nil && !q.OrderID.matches(of("order-id")) {
		return false
	}
	for field, text := range q.Texts {
		if !text.matches(of(field)) {
			return false
		}
	}
	for field, values := range q.OneOf {
		if !slices.Contains(values, of(field)) {
			return false
		}
	}
	return true
}

func (q Query) matches(t *Transaction) bool {
	if !q.texts(func(field string) string { return textField(t, field) }) {
		return false
	}
	for field, span := range q.Times {
		if !inTime(t, field, span) {
			return false
		}
	}
	return q.Amount == nil || inRange(float64(t.Amount.hundredths())/100, *q.Amount)
}

func (c Text) matches(s string) bool {
	return (c.Is == "" || s == c.Is) && (c.IsNot == "" || s != c.IsNot) && strings.HasPrefix(s, c.StartsWith) &&
		strings.HasSuffix(s, c.EndsWith) && strings.Contains(s, c.Contains)
}

// Searchable tells whether a text or list criterion on this field is understood.
func Searchable(field string) bool {
	return slices.Contains([]string{"id", "order-id", "status", "type", "merchant-account-id", "currency", "payment-method-token",
		"payment-instrument-type", "customer-id", "customer-email", "customer-first-name", "customer-last-name", "processor-authorization-code",
		"settlement-batch-id", "refund", "credit-card-card-type", "credit-card-unique-identifier", "billing-postal-code", "channel"}, field)
}

func textField(t *Transaction, field string) string {
	customer := t.Customer
	if customer == nil {
		customer = &Customer{}
	}
	switch field {
	case "id":
		return t.ID
	case "status":
		return string(t.Status)
	case "type":
		return string(t.Kind)
	case "merchant-account-id":
		return t.Account
	case "currency":
		return t.Amount.Currency
	case "payment-method-token":
		return t.Token
	case "payment-instrument-type":
		return string(t.Method.Type)
	case "customer-id":
		return customer.ID
	case "customer-email":
		return customer.Email
	case "customer-first-name":
		return customer.FirstName
	case "customer-last-name":
		return customer.LastName
	case "processor-authorization-code":
		return t.AuthCode
	case "credit-card-card-type":
		return t.Method.Brand
	case "credit-card-unique-identifier":
		return t.Method.Identifier()
	case "billing-postal-code":
		if t.Billing == nil {
			return ""
		}
		return t.Billing.PostalCode
	case "channel":
		return t.Channel
	case "settlement-batch-id":
		return t.BatchID
	case "refund":
		if t.Refunds != "" {
			return "true"
		}
		return "false"
	}
	return t.OrderID
}

var statusOfTime = map[string]Status{
	"authorized-at": Authorized, "authorization-expired-at": AuthorizationExpired, "submitted-for-settlement-at": Submitted,
	"settled-at": Settled, "voided-at": Voided, "failed-at": Failed, "gateway-rejected-at": GatewayRejected,
	"processor-declined-at": ProcessorDeclined,
}

// SearchableTime tells whether a time criterion on this field is understood.
func SearchableTime(field string) bool {
	_, ok := statusOfTime[field]
	return ok || field == "created-at" || field == "disbursement-date"
}

// inTime compares to the second, the wire's precision.
func inTime(t *Transaction, field string, span Span[time.Time]) bool {
	within := func(at time.Time) bool { return inSpan(at, span) }
	switch field {
	case "created-at":
		return within(t.Created)
	case "disbursement-date":
		paid, err := time.Parse(time.DateOnly, t.Disbursed)
		return err == nil && within(paid)
	}
	return slices.ContainsFunc(t.History, func(c Change) bool { return c.Status == statusOfTime[field] && within(c.At) })
}

func inSpan(at time.Time, span Span[time.Time]) bool {
	at = at.Truncate(time.Second)
	return (span.Min == nil || !at.Before(*span.Min)) && (span.Max == nil || !at.After(*span.Max))
}

func inRange(v float64, span Span[float64]) bool {
	return (span.Min == nil || v >= *span.Min) && (span.Max == nil || v <= *span.Max)
}
