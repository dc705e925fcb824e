package wire

import (
	"slices"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
)

// PageSize is how many transactions the second step of a search asks for at once.
const PageSize = 50

// Shown is a transaction with its disputes.
type Shown struct {
	*ledger.Transaction
	Disputes []*ledger.Dispute
}

// Transaction writes one transaction as an answer.
func Transaction(t Shown) []byte {
	b := document()
	b.transaction(t)
	return b.bytes()
}

// SearchIDs writes the first step of a search: every id and the page size.
func SearchIDs(ids []string) []byte {
	b := document()
	b.in("search-results", "", func() {
		b.integer("page-size", PageSize)
		b.array("ids", ids)
	})
	return b.bytes()
}

// SearchPage writes the second step of a search: the transactions of one page.
func SearchPage(found []Shown) []byte {
	b := document()
	b.in("credit-card-transactions", "collection", func() {
		b.integer("current-page-number", 1)
		b.integer("page-size", PageSize)
		b.integer("total-items", len(found))
		for _, t := range found {
			b.transaction(t)
		}
	})
	return b.bytes()
}

// MerchantAccount writes one merchant account.
func MerchantAccount(a ledger.Account, isDefault bool) []byte {
	b := document()
	b.in("merchant-account", "", func() {
		b.text("id", a.ID)
		b.text("status", "active")
		b.text("currency-iso-code", a.Currency)
		b.boolean("default", isDefault)
		b.boolean("sub-merchant-account", false)
	})
	return b.bytes()
}

func (b *builder) transaction(shown Shown) {
	t := shown.Transaction
	b.in("transaction", "", func() {
		b.text("id", t.ID)
		b.text("status", string(t.Status))
		b.text("type", string(t.Kind))
		b.text("currency-iso-code", t.Amount.Currency)
		b.text("amount", t.Amount.Decimal())
		b.text("merchant-account-id", t.Account)
		b.text("sub-merchant-account-id", "")
		b.text("master-merchant-account-id", "")
		b.text("order-id", t.OrderID)
		b.time("created-at", t.Created)
		b.time("updated-at", t.Updated)
		b.customer(t.Customer)
		b.address("billing", t.Billing)
		b.relations(t)
		b.address("shipping", t.Shipping)
		b.in("custom-fields", "", func() {
			for _, f := range t.Fields {
				b.text(f.Name, f.Value)
			}
		})
		b.processor(t)
		b.text("channel", t.Channel)
		b.text("purchase-order-number", t.PONumber)
		b.text("tax-amount", t.TaxAmount)
		b.boolean("tax-exempt", t.TaxExempt)
		b.descriptor(t.Statement)
		b.boolean("recurring", false)
		b.text("escrow-status", "")
		b.method(t)
		b.history(t)
		b.in("disputes", "array", func() {
			for _, d := range shown.Disputes {
				b.dispute(d)
			}
		})
		b.disbursementDetails(t)
		b.time("authorization-expires-at", t.AuthExpires)
	})
}

func (b *builder) relations(t *ledger.Transaction) {
	refund := ""
	if len(t.RefundIDs) > 0 {
		refund = t.RefundIDs[0]
	}
	b.text("refund-id", refund)
	b.array("refund-ids", t.RefundIDs)
	b.text("refunded-transaction-id", t.Refunds)
	b.array("partial-settlement-transaction-ids", t.PartIDs)
	b.text("authorized-transaction-id", t.AuthorizedBy)
	b.text("settlement-batch-id", t.BatchID)
}

func (b *builder) processor(t *ledger.Transaction) {
	b.text("avs-error-response-code", t.AVS.Error)
	b.text("avs-postal-code-response-code", t.AVS.Postal)
	b.text("avs-street-address-response-code", t.AVS.Street)
	b.text("cvv-response-code", t.CVV)
	b.text("gateway-rejection-reason", t.Rejection)
	b.text("processor-authorization-code", t.AuthCode)
	b.text("processor-response-code", t.Processor.Code)
	b.text("processor-response-text", t.Processor.Text)
	b.text("processor-response-type", t.Processor.Type)
	b.text("additional-processor-response", t.Processor.Additional)
	switch t.Status {
	case ledger.Settled:
		b.text("processor-settlement-response-code", "4000")
		b.text("processor-settlement-response-text", "Settled")
	case ledger.SettlementDeclined:
		b.text("processor-settlement-response-code", "4001")
		b.text("processor-settlement-response-text", "Settlement Declined")
	}
}

// disbursementDetails say when the money was paid out; before that they are empty.
func (b *builder) disbursementDetails(t *ledger.Transaction) {
	b.in("disbursement-details", "", func() {
		b.typed("disbursement-date", "date", t.Disbursed)
		if t.Disbursed == "" {
			return
		}
		b.text("settlement-amount", t.Amount.Decimal())
		b.text("settlement-currency-iso-code", t.Amount.Currency)
		b.text("settlement-currency-exchange-rate", "1")
		b.boolean("funds-held", false)
		b.boolean("success", true)
	})
}

func (b *builder) customer(c *ledger.Customer) {
	if c == nil {
		c = &ledger.Customer{}
	}
	b.in("customer", "", func() {
		b.text("id", c.ID)
		b.text("first-name", c.FirstName)
		b.text("last-name", c.LastName)
		b.text("company", c.Company)
		b.text("email", c.Email)
		b.text("phone", c.Phone)
	})
}

func (b *builder) address(name string, a *ledger.Address) {
	if a == nil {
		a = &ledger.Address{}
	}
	b.in(name, "", func() {
		b.text("first-name", a.FirstName)
		b.text("last-name", a.LastName)
		b.text("company", a.Company)
		b.text("street-address", a.Street)
		b.text("extended-address", a.Extended)
		b.text("locality", a.Locality)
		b.text("region", a.Region)
		b.text("postal-code", a.PostalCode)
		b.text("country-code-alpha2", a.CountryAlpha2)
	})
}

func (b *builder) descriptor(d *ledger.Descriptor) {
	if d == nil {
		d = &ledger.Descriptor{}
	}
	b.in("descriptor", "", func() {
		b.text("name", d.Name)
		b.text("phone", d.Phone)
		b.text("url", d.URL)
	})
}

func (b *builder) history(t *ledger.Transaction) {
	b.in("status-history", "array", func() {
		for _, c := range t.History {
			b.in("status-event", "", func() {
				b.time("timestamp", c.At)
				b.text("status", string(c.Status))
				b.text("amount", ledger.Money{Minor: c.Amount, Currency: t.Amount.Currency}.Decimal())
				b.text("user", c.By)
				b.text("transaction-source", "api")
			})
		}
	})
}

func (b *builder) method(t *ledger.Transaction) {
	m := t.Method
	b.text("payment-instrument-type", string(m.Type))
	switch m.Type {
	case ledger.PayPal:
		b.in("paypal", "", func() {
			b.text("payer-email", m.Email)
			b.text("token", t.Token)
		})
	case ledger.Venmo:
		b.in("venmo-account", "", func() {
			b.text("token", t.Token)
			b.text("username", m.Email)
		})
	case ledger.ApplePay:
		b.in("apple-pay", "", func() { b.deviceCard(m, t.Token, "card-type", "last-4") })
	case ledger.AndroidPay:
		b.in("android-pay-card", "", func() { b.deviceCard(m, t.Token, "virtual-card-type", "virtual-card-last-4") })
	default:
		b.in("credit-card", "", func() { b.card(m, t.Token) })
	}
	b.secure(m.Secure)
}

func (b *builder) deviceCard(m ledger.Method, token, brand, last4 string) {
	b.text("token", token)
	b.text(brand, m.Brand)
	b.text(last4, m.Last4)
	b.text("bin", m.Bin)
	b.text("expiration-month", m.ExpMonth)
	b.text("expiration-year", m.ExpYear)
}

func (b *builder) card(m ledger.Method, token string) {
	b.text("token", token)
	b.text("unique-number-identifier", m.Identifier())
	b.text("bin", m.Bin)
	b.text("last-4", m.Last4)
	b.text("card-type", m.Brand)
	b.text("expiration-month", m.ExpMonth)
	b.text("expiration-year", m.ExpYear)
	b.text("customer-location", "US")
	b.text("cardholder-name", m.Holder)
	for _, mark := range []string{"prepaid", "payroll", "debit", "commercial", "healthcare", "durbin-regulated"} {
		says := m.Marked
		if slices.Contains(m.Marks, mark) {
			says = "Yes"
		}
		b.text(mark, says)
	}
	b.text("country-of-issuance", m.Country)
	b.text("issuing-bank", m.Bank)
	b.text("product-id", "Unknown")
	b.boolean("venmo-sdk", false)
}

func (b *builder) secure(s *ledger.ThreeDSecure) {
	if s == nil {
		b.text("three-d-secure-info", "")
		return
	}
	b.in("three-d-secure-info", "", func() {
		b.text("status", s.Status)
		b.text("enrolled", s.Enrolled)
		b.boolean("liability-shifted", s.Shifted)
		b.boolean("liability-shift-possible", s.ShiftPossible)
	})
}
