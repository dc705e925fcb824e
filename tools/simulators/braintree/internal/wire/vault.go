package wire

import (
	"encoding/xml"
	"slices"
	"strings"
	"time"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
)

type kind struct {
	of        ledger.MethodType
	one, many string
}

// kinds are the elements of payment methods: alone, and as a list of a customer.
var kinds = []kind{
	{ledger.Card, "credit-card", "credit-cards"}, {ledger.PayPal, "paypal-account", "paypal-accounts"}, {ledger.Venmo, "venmo-account", "venmo-accounts"},
	{ledger.ApplePay, "apple-pay-card", "apple-pay-cards"}, {ledger.AndroidPay, "android-pay-card", "android-pay-cards"},
}

// PaymentMethod writes a stored payment method; the root element tells its type.
func PaymentMethod(v *ledger.Vaulted, now time.Time) []byte {
	b := document()
	b.vaulted(v, now)
	return b.bytes()
}

func (b *builder) vaulted(v *ledger.Vaulted, now time.Time) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.of == v.Method.Type })
	b.in(kinds[i].one, "", func() {
		b.text("customer-id", v.CustomerID)
		switch v.Method.Type {
		case ledger.PayPal, ledger.Venmo:
			b.text("token", v.Token)
			b.text("email", v.Method.Email)
			if v.Method.Type == ledger.Venmo {
				b.text("username", v.Method.Email)
			}
		case ledger.AndroidPay:
			b.deviceCard(v.Method, v.Token, "virtual-card-type", "virtual-card-last-4")
		case ledger.ApplePay:
			b.deviceCard(v.Method, v.Token, "card-type", "last-4")
		default:
			b.card(v.Method, v.Token)
		}
		b.boolean("default", v.Default)
		b.boolean("expired", v.Method.Expired(now))
		b.text("image-url", "https://assets.braintreegateway.com/payment_method_logo/"+string(v.Method.Type)+".png")
		b.in("subscriptions", "array", func() {})
		b.time("created-at", v.Created)
		b.time("updated-at", v.Updated)
	})
}

// Profile is a customer with what the vault holds of theirs.
type Profile struct {
	*ledger.Profile
	Methods []*ledger.Vaulted
}

// Customer writes one customer as an answer.
func Customer(p Profile, now time.Time) []byte {
	b := document()
	b.profile(p, now)
	return b.bytes()
}

// CustomerPage writes the second step of a search of customers.
func CustomerPage(found []Profile, now time.Time) []byte {
	b := document()
	b.in("customers", "collection", func() {
		b.integer("current-page-number", 1)
		b.integer("page-size", PageSize)
		b.integer("total-items", len(found))
		for _, p := range found {
			b.profile(p, now)
		}
	})
	return b.bytes()
}

func (b *builder) profile(p Profile, now time.Time) {
	b.in("customer", "", func() {
		b.text("id", p.ID)
		b.text("first-name", p.FirstName)
		b.text("last-name", p.LastName)
		b.text("company", p.Company)
		b.text("email", p.Email)
		b.text("phone", p.Phone)
		b.text("fax", p.Fax)
		b.text("website", p.Website)
		b.time("created-at", p.Created)
		b.time("updated-at", p.Updated)
		b.in("custom-fields", "", func() {
			for _, f := range p.Fields {
				b.text(f.Name, f.Value)
			}
		})
		b.in("addresses", "array", func() {})
		for _, k := range kinds {
			b.in(k.many, "array", func() {
				for _, v := range p.Methods {
					if v.Method.Type == k.of {
						b.vaulted(v, now)
					}
				}
			})
		}
	})
}

// CustomerRequest is the body of creating and changing a customer.
type CustomerRequest struct {
	XMLName xml.Name `xml:"customer"`
	customer
	Fax          string       `xml:"fax"`
	Website      string       `xml:"website"`
	Nonce        string       `xml:"payment-method-nonce"`
	DefaultToken string       `xml:"default-payment-method-token"`
	Fields       customFields `xml:"custom-fields"`
	Card         struct {
		Number string `xml:"number"`
		Nonce  string `xml:"payment-method-nonce"`
	} `xml:"credit-card"`
}

// ParseCustomer reads a customer; an empty body is an empty one.
func ParseCustomer(body []byte) (CustomerRequest, error) {
	var q CustomerRequest
	if len(body) == 0 {
		return q, nil
	}
	return q, decode(body, &q)
}

// Profile turns the request into the ledger's terms.
func (q CustomerRequest) Profile() ledger.Profile {
	p := ledger.Profile{Customer: ledger.Customer(q.customer), Fax: q.Fax, Website: q.Website}
	for _, f := range q.Fields.Items {
		p.Fields = append(p.Fields, ledger.Field{Name: f.XMLName.Local, Value: f.Value})
	}
	return p
}

// MethodRequest is the body of storing and changing a payment method.
type MethodRequest struct {
	XMLName    xml.Name `xml:"payment-method"`
	CustomerID string   `xml:"customer-id"`
	Token      string   `xml:"token"`
	Nonce      string   `xml:"payment-method-nonce"`
	Holder     string   `xml:"cardholder-name"`
	Options    struct {
		MakeDefault     string `xml:"make-default"`
		FailOnDuplicate string `xml:"fail-on-duplicate-payment-method"`
		Verify          string `xml:"verify-card"`
	} `xml:"options"`
}

// ParseMethod reads a request to store or change a payment method.
func ParseMethod(body []byte) (ledger.MethodRequest, error) {
	var q MethodRequest
	err := decode(body, &q)
	return ledger.MethodRequest{CustomerID: strings.TrimSpace(q.CustomerID), Token: q.Token, Nonce: q.Nonce, Holder: q.Holder,
		MakeDefault: isTrue(q.Options.MakeDefault), FailOnDuplicate: isTrue(q.Options.FailOnDuplicate), VerifyCard: isTrue(q.Options.Verify)}, err
}

// CloneRequest is the body of cloning a transaction.
type CloneRequest struct {
	XMLName xml.Name `xml:"transaction-clone"`
	Amount  string   `xml:"amount"`
	Channel string   `xml:"channel"`
	Options struct {
		Submit string `xml:"submit-for-settlement"`
	} `xml:"options"`
}

// ParseClone reads a request to clone a transaction.
func ParseClone(body []byte) (CloneRequest, error) {
	var q CloneRequest
	return q, decode(body, &q)
}
