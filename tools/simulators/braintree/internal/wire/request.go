package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
)

// ErrMalformed says that a request's body is not the XML that the call takes.
var ErrMalformed = errors.New("malformed request body")

// TransactionRequest is the body of sale, submit for settlement, partial settlement and refund.
type TransactionRequest struct {
	XMLName    xml.Name     `xml:"transaction"`
	Type       string       `xml:"type"`
	Amount     string       `xml:"amount"`
	OrderID    string       `xml:"order-id"`
	Account    string       `xml:"merchant-account-id"`
	Nonce      string       `xml:"payment-method-nonce"`
	Token      string       `xml:"payment-method-token"`
	CustomerID string       `xml:"customer-id"`
	Channel    string       `xml:"channel"`
	PONumber   string       `xml:"purchase-order-number"`
	TaxAmount  string       `xml:"tax-amount"`
	TaxExempt  string       `xml:"tax-exempt"`
	Device     string       `xml:"device-data"`
	Customer   *customer    `xml:"customer"`
	Billing    *address     `xml:"billing"`
	Shipping   *address     `xml:"shipping"`
	Fields     customFields `xml:"custom-fields"`
	Descriptor *descriptor  `xml:"descriptor"`
	Card       struct {
		CVV string `xml:"cvv"`
	} `xml:"credit-card"`
	Options struct {
		Submit         string `xml:"submit-for-settlement"`
		Store          string `xml:"store-in-vault"`
		StoreOnSuccess string `xml:"store-in-vault-on-success"`
		ThreeDSecure   struct {
			Required string `xml:"required"`
		} `xml:"three-d-secure"`
	} `xml:"options"`
}

type customer struct {
	ID        string `xml:"id"`
	FirstName string `xml:"first-name"`
	LastName  string `xml:"last-name"`
	Company   string `xml:"company"`
	Email     string `xml:"email"`
	Phone     string `xml:"phone"`
}

type address struct {
	FirstName     string `xml:"first-name"`
	LastName      string `xml:"last-name"`
	Company       string `xml:"company"`
	Street        string `xml:"street-address"`
	Extended      string `xml:"extended-address"`
	Locality      string `xml:"locality"`
	Region        string `xml:"region"`
	PostalCode    string `xml:"postal-code"`
	CountryAlpha2 string `xml:"country-code-alpha2"`
}

type descriptor struct {
	Name  string `xml:"name"`
	Phone string `xml:"phone"`
	URL   string `xml:"url"`
}

type customFields struct {
	Items []struct {
		XMLName xml.Name
		Value   string `xml:",chardata"`
	} `xml:",any"`
}

// ParseTransaction reads a transaction request; an empty body is an empty request, as the calls on an existing transaction
// allow.
func ParseTransaction(body []byte) (TransactionRequest, error) {
	var q TransactionRequest
	if len(body) == 0 {
		return q, nil
	}
	return q, decode(body, &q)
}

func decode(body []byte, into any) error {
	if err := xml.NewTokenDecoder(&dashed{from: xml.NewDecoder(bytes.NewReader(body))}).Decode(into); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// dashed reads XML whose names have underscores, or capitals within them, as some of the public SDKs write them, as if they had dashes. The
// names of custom fields are the merchant's and stay.
type dashed struct {
	from   *xml.Decoder
	custom int // depth below custom-fields
}

// Token implements xml.TokenReader.
func (d *dashed) Token() (xml.Token, error) {
	token, err := d.from.Token()
	switch t := token.(type) {
	case xml.StartElement:
		if d.custom == 0 {
			t.Name.Local = withDashes(t.Name.Local)
		}
		if d.custom > 0 || t.Name.Local == "custom-fields" {
			d.custom++
		}
		return t, err
	case xml.EndElement:
		if d.custom > 0 {
			d.custom--
		}
		if d.custom == 0 {
			t.Name.Local = withDashes(t.Name.Local)
		}
		return t, err
	}
	return token, err
}

// withDashes writes payment_method_nonce and paymentMethodNonce as payment-method-nonce.
func withDashes(name string) string {
	if strings.IndexFunc(name, func(r rune) bool { return r == '_' || unicode.IsUpper(r) }) < 0 {
		return name
	}
	var b strings.Builder
	for i, r := range name {
		switch {
		case r == '_', unicode.IsUpper(r) && i > 0:
			b.WriteByte('-')
		}
		if r != '_' {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// Sale turns the request into the ledger's terms.
func (q TransactionRequest) Sale() ledger.SaleRequest {
	s := ledger.SaleRequest{
		Type: strings.TrimSpace(q.Type), Amount: strings.TrimSpace(q.Amount), OrderID: q.OrderID, Account: q.Account,
		Nonce: q.Nonce, Token: q.Token, Channel: q.Channel, PONumber: q.PONumber, TaxAmount: q.TaxAmount, Device: q.Device,
		TaxExempt: isTrue(q.TaxExempt), SubmitForSettlement: isTrue(q.Options.Submit), StoreInVault: isTrue(q.Options.Store),
		StoreInVaultOnSuccess: isTrue(q.Options.StoreOnSuccess), ThreeDSecureRequired: isTrue(q.Options.ThreeDSecure.Required),
		CVV:     strings.TrimSpace(q.Card.CVV),
		Billing: (*ledger.Address)(q.Billing), Shipping: (*ledger.Address)(q.Shipping),
		Statement: (*ledger.Descriptor)(q.Descriptor), Customer: (*ledger.Customer)(q.Customer),
	}
	if q.CustomerID != "" {
		if s.Customer == nil {
			s.Customer = &ledger.Customer{}
		}
		s.Customer.ID = q.CustomerID
	}
	for _, f := range q.Fields.Items {
		s.Fields = append(s.Fields, ledger.Field{Name: f.XMLName.Local, Value: f.Value})
	}
	return s
}

func isTrue(s string) bool { return strings.TrimSpace(s) == "true" }

// ClientTokenRequest is the body of the client token call.
type ClientTokenRequest struct {
	XMLName    xml.Name `xml:"client-token"`
	Version    string   `xml:"version"`
	CustomerID string   `xml:"customer-id"`
	Account    string   `xml:"merchant-account-id"`
}

// ParseClientToken reads a client token request; an empty body asks for the defaults.
func ParseClientToken(body []byte) (ClientTokenRequest, error) {
	var q ClientTokenRequest
	if len(body) == 0 {
		return q, nil
	}
	return q, decode(body, &q)
}
