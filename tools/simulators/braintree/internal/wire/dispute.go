package wire

import (
	"encoding/xml"
	"time"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
)

// disputesPerPage is the page of a search of disputes.
const disputesPerPage = 50

// Dispute writes one dispute as an answer.
func Dispute(d *ledger.Dispute) []byte {
	b := document()
	b.dispute(d)
	return b.bytes()
}

// DisputePage writes a page of a search of disputes; pages count from 1.
func DisputePage(found []*ledger.Dispute, page int) []byte {
	b := document()
	b.in("disputes", "collection", func() {
		b.integer("current-page-number", page)
		b.integer("page-size", disputesPerPage)
		b.integer("total-items", len(found))
		from := min((page-1)*disputesPerPage, len(found))
		for _, d := range found[from:min(from+disputesPerPage, len(found))] {
			b.dispute(d)
		}
	})
	return b.bytes()
}

// Evidence writes one piece of evidence as an answer.
func Evidence(e ledger.Evidence) []byte {
	b := document()
	b.evidence(e)
	return b.bytes()
}

func (b *builder) day(name string, at time.Time) {
	if at.IsZero() {
		b.typed(name, "date", "")
		return
	}
	b.typed(name, "date", at.UTC().Format(time.DateOnly))
}

func (b *builder) dispute(d *ledger.Dispute) {
	decimal := func(minor int64) string { return ledger.Money{Minor: minor, Currency: d.Amount.Currency}.Decimal() }
	b.in("dispute", "", func() {
		b.text("id", d.ID)
		b.text("amount", d.Amount.Decimal())
		b.text("amount-disputed", d.Amount.Decimal())
		b.text("amount-won", decimal(d.Won))
		b.text("case-number", d.CaseNumber)
		b.text("chargeback-protection-level", "not_protected")
		b.time("created-at", d.Created)
		b.text("currency-iso-code", d.Amount.Currency)
		b.day("date-opened", d.Created)
		b.wonOn(d)
		b.text("forwarded-comments", "")
		b.text("kind", d.Kind)
		b.text("merchant-account-id", d.Account)
		b.text("original-dispute-id", d.Original)
		b.text("pre-dispute-program", "none")
		b.text("processor-comments", "")
		b.text("reason", d.Reason)
		b.text("reason-code", d.ReasonCode)
		b.text("reason-description", "")
		b.day("received-date", d.Received)
		b.text("reference-number", d.Reference)
		b.day("reply-by-date", d.ReplyBy)
		b.text("status", string(d.Status))
		b.time("updated-at", d.Updated)
		b.in("status-history", "array", func() {
			for _, c := range d.History {
				b.in("status-history", "", func() {
					b.typed("disbursement-date", "date", "")
					b.day("effective-date", c.At)
					b.text("status", string(c.Status))
					b.time("timestamp", c.At)
				})
			}
		})
		b.in("evidence", "array", func() {
			for _, e := range d.Evidence {
				b.evidence(e)
			}
		})
		b.in("paypal-messages", "array", func() {})
		b.in("transaction", "", func() {
			b.text("id", d.Transaction)
			b.text("amount", decimal(d.Sold))
			b.time("created-at", d.SoldAt)
			b.text("order-id", d.OrderID)
			b.text("purchase-order-number", d.PONumber)
			b.text("payment-instrument-subtype", d.Brand)
		})
	})
}

func (b *builder) wonOn(d *ledger.Dispute) {
	at := time.Time{}
	if d.Status == ledger.DisputeWon {
		at = d.Updated
	}
	b.day("date-won", at)
}

func (b *builder) evidence(e ledger.Evidence) {
	b.in("evidence", "", func() {
		b.text("id", e.ID)
		b.text("category", e.Category)
		b.text("comment", e.Comments)
		b.text("comments", e.Comments)
		b.time("created-at", e.Created)
		b.day("sent-to-processor-at", e.Sent)
		b.text("sequence-number", e.Sequence)
		b.text("url", "")
	})
}

// EvidenceRequest is the body of adding evidence.
type EvidenceRequest struct {
	XMLName  xml.Name `xml:"evidence"`
	Comments string   `xml:"comments"`
	Category string   `xml:"category"`
	Sequence string   `xml:"sequence-number"`
	Document string   `xml:"document-upload-id"`
}

// ParseEvidence reads a request to add evidence.
func ParseEvidence(body []byte) (EvidenceRequest, error) {
	var q EvidenceRequest
	return q, decode(body, &q)
}
