package storefront

import (
	"slices"
	"strings"

	"github.com/sidecart/sidecart/pkg/money"
)

// Step is a part of a checkout.
type Step string

// The steps, in their order.
const (
	StepAddress  Step = "address"
	StepShipping Step = "shipping"
	StepPayment  Step = "payment"
)

// StepOf is the step that is shown: the one that was asked for, if all before it are done, else the first that is not.
func StepOf(asked string, hasAddress, hasOption bool) Step {
	switch {
	case !hasAddress || asked == string(StepAddress):
		return StepAddress
	case !hasOption || asked == string(StepShipping):
		return StepShipping
	}
	return StepPayment
}

// Ticket is a checkout as a browser knows it. Its id is a capability: it stands in a cookie alone.
type Ticket struct{ Checkout, Cart string }

// ParseTicket reads the cookie of a checkout, "<checkout id>.<cart id>". What cannot be one is none.
func ParseTicket(s string) Ticket {
	checkout, cart, _ := strings.Cut(s, ".")
	if !capability(checkout) || !capability(cart) {
		return Ticket{}
	}
	return Ticket{checkout, cart}
}

// String is the checkout as its cookie has it.
func (t Ticket) String() string { return t.Checkout + "." + t.Cart }

// MaxOrders is how many orders a browser may look at without their mails.
const MaxOrders = 5

// Receipt leads to an order: who has the token may see it.
type Receipt struct{ ID, Token string }

// Receipts are the latest orders of a browser, the last one first.
type Receipts []Receipt

// ParseReceipts reads the cookie of orders, "<id>.<token>~<id>.<token>". What cannot be one is left out.
func ParseReceipts(s string) (all Receipts) {
	for one := range strings.SplitSeq(s, "~") {
		id, token, _ := strings.Cut(one, ".")
		if OrderID(id) && AccessToken(token) && len(all) < MaxOrders {
			all = append(all, Receipt{id, token})
		}
	}
	return all
}

// Token is that of an order, "" where this browser has none.
func (r Receipts) Token(id string) string {
	i := slices.IndexFunc(r, func(x Receipt) bool { return x.ID == id })
	if i < 0 {
		return ""
	}
	return r[i].Token
}

// With puts one in front.
func (r Receipts) With(id, token string) Receipts {
	rest := slices.DeleteFunc(slices.Clone(r), func(x Receipt) bool { return x.ID == id })
	all := append(Receipts{{id, token}}, rest...)
	return all[:min(len(all), MaxOrders)]
}

// String is the list as its cookie has it.
func (r Receipts) String() string {
	parts := make([]string, len(r))
	for i, x := range r {
		parts[i] = x.ID + "." + x.Token
	}
	return strings.Join(parts, "~")
}

// OrderID reports whether s can be the id of an order: a UUID.
func OrderID(s string) bool {
	return len(s) == 36 && strings.Trim(s, "0123456789abcdef-") == ""
}

// AccessToken reports whether s can be the token of an order.
func AccessToken(s string) bool { return capability(s) }

// MaxGiftCards is how many gift cards pay for one order.
const MaxGiftCards = 5

// GiftCards are codes that a shopper has typed, in the order in which they are used.
type GiftCards []string

// ParseGiftCards reads the cookie of codes, "<code>~<code>". What cannot be one is left out.
func ParseGiftCards(s string) GiftCards {
	var all GiftCards
	for code := range strings.SplitSeq(s, "~") {
		if code != "" && len(code) <= 64 && strings.IndexFunc(code, odd) < 0 && !slices.Contains(all, code) && len(all) < MaxGiftCards {
			all = append(all, code)
		}
	}
	return all
}

// GiftCode is a code as it was typed without what means nothing in it; "" when it cannot be one.
func GiftCode(s string) string {
	code := strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(strings.TrimSpace(s)))
	if len(code) > 64 || strings.IndexFunc(code, odd) >= 0 {
		return ""
	}
	return code
}

// String is the codes as their cookie has them.
func (g GiftCards) String() string { return strings.Join(g, "~") }

// CodeEnd is what is shown of a code: its last five letters.
func CodeEnd(code string) string { return code[max(0, len(code)-5):] }

// Remainder is what is left to be paid of a total when cards of these balances are used first. It is what a page says before payment has decided; cards of
// another currency count nothing.
func Remainder(total money.Amount, balances []money.Amount) money.Amount {
	for _, b := range balances {
		if b.Currency == total.Currency && b.Minor > 0 {
			total.Minor -= min(total.Minor, b.Minor)
		}
	}
	return total
}

// Declined sorts decline codes by what a shopper can do: the gateway's numbers (developer.paypal.com/braintree, "Authorization decline codes") and
// payment's own words. The answer is the key of a text.
func Declined(code string) string {
	if key := declines[code]; key != "" {
		return key
	}
	if strings.HasPrefix(code, "3") && len(code) == 4 { // the processor's network
		return "network"
	}
	return "other"
}

var declines = map[string]string{
	"2001": "funds", "2002": "limit", "2003": "limit", "2004": "expired", "2005": "number", "2006": "number", "2008": "number", "91723": "number", "81715": "number", "2010": "cvv", "cvv": "cvv",
	"2007": "bank", "2000": "bank", "2038": "bank", "2044": "bank", "2046": "bank", "2015": "bank", "2019": "bank", "2012": "blocked", "2013": "blocked", "2014": "blocked", "2047": "blocked",
	"fraud": "blocked", "risk_threshold": "blocked", "risk-rejected": "blocked", "three_d_secure": "secure", "2099": "secure", "avs": "address", "2059": "address", "2060": "address",
	"91564": "again", "91565": "again", "gift-card-refused": "giftcard", "credit-insufficient": "credit", "too-much-promised": "promised",
	"payment-provider-not-offered": "provider", "amount-too-large": "limit", "duplicate": "duplicate", "payment-method-unknown": "again",
}
