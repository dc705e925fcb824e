package view

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
	"github.com/sidecart/sidecart/services/storefront/internal/text"
)

// CheckoutModel is the one page of a checkout's steps.
type CheckoutModel struct {
	Checkout checkoutapi.Checkout
	Products Products
	Step     storefront.Step
	Now      time.Time
	Notices  []Notice
	Faults   []Fault
	Address  *AddressInput // at the address step
	Options  []orderapi.ShippingOption
	Payment  *PaymentInput // at the payment step
}

// Notice is what a page has to say before anything else.
type Notice struct {
	Kind   string // "bad", "warn", "good"
	Title  string
	Lines  []string
	Adjust bool // offers to take what is in stock and go on
}

// Fault is what is wrong with a field.
type Fault struct{ Field, Text string }

// AddressInput is the first step as it was typed.
type AddressInput struct {
	Email    string
	Shipping orderapi.Address
	Own      bool // billing address
	Billing  orderapi.Address
}

// PaymentInput is the last step.
type PaymentInput struct {
	Key       string // of the one call that buys
	Offers    []paymentapi.Offer
	Provider  string
	Dropin    bool
	Token     string // of the gateway, for Drop-in
	Cards     []GiftCard
	CardFault string
	Remainder money.Amount
}

// GiftCard is one that is to be used. Its code is shown to nobody.
type GiftCard struct {
	Index   int
	End     string
	Balance *money.Amount // nil: it could not be asked for
}

// Nonces are the simulator's test cards, in the order of their texts.
var Nonces = [11]string{
	"fake-valid-visa-nonce", "fake-valid-mastercard-nonce", "fake-paypal-one-time-nonce", "fake-processor-declined-visa-nonce", "fake-processor-failure-jcb-nonce",
	"fake-gateway-rejected-fraud-nonce", "fake-consumed-nonce", "fake-three-d-secure-two-visa-successful-step-up-authentication-nonce",
	"fake-three-d-secure-two-visa-successful-frictionless-authentication-nonce", "fake-three-d-secure-visa-failed-authentication-nonce", "fake-three-d-secure-visa-lookup-timeout-nonce",
}

// ByCard is the provider that takes cards; the others are told of in words alone.
const ByCard = "braintree"

// NeedsCard reports whether a card has to be given: something is left to pay, and by card.
func (m *PaymentInput) NeedsCard() bool {
	return m.Remainder.IsPositive() && m.Provider == ByCard
}

// fault is what is wrong with a field, "" where nothing is.
func (m *CheckoutModel) fault(field string) string {
	i := slices.IndexFunc(m.Faults, func(f Fault) bool { return f.Field == field })
	if i < 0 {
		return ""
	}
	return m.Faults[i].Text
}

// done reports whether a step lies behind the one that is shown.
func (m *CheckoutModel) done(s storefront.Step) bool {
	switch s {
	case storefront.StepAddress:
		return m.Step != s && m.Checkout.ShippingAddress != nil
	case storefront.StepShipping:
		return m.Step == storefront.StepPayment && m.Checkout.ShippingOption != nil
	}
	return false
}

// held is for how long the stock is held, in whole seconds; 0: no longer.
func (m *CheckoutModel) held() int {
	if m.Checkout.Hold.Status != "held" {
		return 0
	}
	return max(0, int(m.Checkout.Hold.ExpiresAt.Sub(m.Now).Seconds()))
}

// heldMinutes rounds up: nobody is told less than there is.
func (m *CheckoutModel) heldMinutes() int { return int(math.Ceil(float64(m.held()) / 60)) }

// ownBilling reports whether the invoice goes elsewhere.
func (m *CheckoutModel) ownBilling() bool {
	c := m.Checkout
	return c.BillingAddress != nil && c.ShippingAddress != nil && *c.BillingAddress != *c.ShippingAddress
}

// fieldID names a field in the page.
func fieldID(prefix, name string) string { return prefix + "-" + name }

// fieldName is a field in a form: "shipping.name".
func fieldName(prefix, name string) string { return prefix + "." + name }

// anchor is the id of the field that a fault is about.
func (f Fault) anchor() string { return strings.ReplaceAll(f.Field, ".", "-") }

// part is a part of an address by its name.
func part(a orderapi.Address, name string) string {
	return map[string]string{"name": a.Name, "company": a.Company, "line1": a.Line1, "line2": a.Line2, "city": a.City, "region": a.Region, "postal_code": a.PostalCode, "phone": a.Phone}[name]
}

// AddressLines is an address as its country writes it, in the words of the reader.
func AddressLines(p *Page, a orderapi.Address) (lines []string) {
	for _, s := range []string{a.Name, a.Company, a.Line1, a.Line2, storefront.CityLine(a.Country, a.City, a.Region, a.PostalCode), countryName(p.T, a.Country)} {
		if strings.TrimSpace(s) != "" {
			lines = append(lines, s)
		}
	}
	return lines
}

func countryName(t *text.Texts, code string) string {
	if name := t.Checkout.Countries[code]; name != "" {
		return name
	}
	return code
}

// countryChoice is an entry of a select.
type countryChoice struct{ Value, Label string }

// countryChoices are all countries by their names; one that is chosen and not among them stays.
func countryChoices(t *text.Texts, chosen string) (all []countryChoice) {
	codes := storefront.Countries()
	if chosen != "" && !slices.Contains(codes, chosen) {
		codes = append(codes, chosen)
	}
	for _, code := range codes {
		all = append(all, countryChoice{code, countryName(t, code)})
	}
	slices.SortFunc(all, func(a, b countryChoice) int {
		return strings.Compare(sortable.Replace(a.Label), sortable.Replace(b.Label))
	})
	return all
}

var sortable = strings.NewReplacer("Ä", "A", "Ö", "O", "Ü", "U", "ä", "a", "ö", "o", "ü", "u")

// eta says when something arrives, in words.
func eta(p *Page, e orderapi.ETA) string {
	from, err1 := time.Parse(time.DateOnly, e.From)
	to, err2 := time.Parse(time.DateOnly, e.To)
	switch {
	case err1 != nil || err2 != nil:
		return ""
	case from.Equal(to):
		return p.T.Checkout.ArrivesOn(p.T.Day(from))
	}
	return p.T.Checkout.Arrives(p.T.Day(from), p.T.Day(to))
}

// service is what a way of shipping is called.
func service(p *Page, o orderapi.ShippingOption) string {
	id := o.ID
	if i := strings.LastIndexByte(id, '-'); i >= 0 { // zone and service
		id = id[i+1:]
	}
	return p.T.Checkout.Service(id, o.Label)
}

// orFree is an amount, and nothing in words.
func orFree(p *Page, a money.Amount) string {
	if a.IsZero() {
		return p.T.Checkout.Free
	}
	return p.Money(a)
}

// shippingSoFar is what shipping costs, as far as that is known.
func (m *CheckoutModel) shippingSoFar(p *Page) string {
	if m.Checkout.ShippingOption == nil {
		return p.T.Checkout.ShippingLater
	}
	return orFree(p, m.Checkout.Totals.Shipping)
}

// SummaryLine is a line of what is bought, of a checkout or an order.
type SummaryLine struct {
	Title, ImageURL string
	Quantity        int64
	Subtotal, Total money.Amount
	Discounts       []pricingapi.Discount
	Parts           []string // what became of it
}

// Summary is what is bought and what it costs.
type Summary struct {
	Lines      []SummaryLine
	Promotions []pricingapi.Promotion
	Totals     pricingapi.Totals
	Shipping   string
	TaxKnown   bool
}

// Summary is that of the checkout.
func (m *CheckoutModel) Summary(p *Page) Summary {
	s := Summary{Promotions: m.Checkout.Promotions, Totals: m.Checkout.Totals, Shipping: m.shippingSoFar(p), TaxKnown: m.Checkout.ShippingAddress != nil || m.Checkout.Totals.TaxIncluded}
	for _, l := range m.Checkout.Lines {
		line := SummaryLine{Title: l.Title, ImageURL: l.ImageURL, Quantity: l.Quantity, Subtotal: l.Subtotal, Total: l.Total, Discounts: l.Discounts}
		if a, ok := m.Products.Article(l.ProductID, l.SKU); ok { // in the language of the page
			line.Title, line.Parts = a.Title, a.Options
		}
		s.Lines = append(s.Lines, line)
	}
	return s
}

// minor is an amount as a form carries it: "USD 1999".
func minor(a money.Amount) string { return fmt.Sprintf("%s %d", a.Currency, a.Minor) }

// fieldsFollow has the fields of an address follow its country at once, where there is script. Nothing else of the page changes, and the focus stays where it is.
func fieldsFollow(p *Page, prefix string) templ.Attributes {
	rest := "#" + fieldID(prefix, "rest")
	return templ.Attributes{"hx-post": p.URL("/checkout/address"), "hx-vals": `{"action":"country"}`, "hx-trigger": "change", "hx-target": rest, "hx-select": rest, "hx-swap": "outerHTML",
		"hx-sync": "this:replace"}
}

// described ties a field to its hint and to what is wrong with it.
func described(m *CheckoutModel, field string, hint bool) templ.Attributes {
	var ids []string
	id := Fault{Field: field}.anchor()
	a := templ.Attributes{}
	if hint {
		ids = append(ids, id+"-hint")
	}
	if m.fault(field) != "" {
		ids = append(ids, id+"-fault")
		a["aria-invalid"] = "true"
	}
	if len(ids) > 0 {
		a["aria-describedby"] = strings.Join(ids, " ")
	}
	return a
}
