package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// MethodType is the payment instrument's type as the API spells it.
type MethodType string

// The instruments that a fake nonce can stand for.
const (
	Card       MethodType = "credit_card"
	PayPal     MethodType = "paypal_account"
	Venmo      MethodType = "venmo_account"
	ApplePay   MethodType = "apple_pay_card"
	AndroidPay MethodType = "android_pay_card"
)

// Method is a payment method as the gateway knows it after the nonce was resolved. It holds no card number: the first six
// and last four digits only.
type Method struct {
	Type       MethodType
	Brand      string // "Visa"
	Bin, Last4 string
	ExpMonth   string
	ExpYear    string
	Email      string // PayPal and Venmo
	Holder     string
	Country    string
	Bank       string
	Marks      []string // commercial, debit, durbin-regulated, healthcare, payroll, prepaid: those that are "Yes"
	Marked     string   // what the other marks say: "No" or "Unknown"
	Secure     *ThreeDSecure
}

// fingerprint tells two uses of one instrument: number and expiry of a card, the device's number, the payer's address.
func (m Method) fingerprint() string {
	return strings.Join([]string{string(m.Type), m.Bin, m.Last4, m.ExpMonth, m.ExpYear, m.Email}, "|")
}

// Expired tells whether a card's last month is over.
func (m Method) Expired(now time.Time) bool {
	last, err := time.Parse("01/2006", m.ExpMonth+"/"+m.ExpYear)
	return err == nil && !last.AddDate(0, 1, 0).After(now)
}

// Identifier tells one card number from another without holding it; empty for what is no card.
func (m Method) Identifier() string {
	if m.Last4 == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(m.Brand + m.Bin + m.Last4))
	return hex.EncodeToString(sum[:16])
}

// ThreeDSecure is the outcome of the cardholder's authentication that a nonce carries.
type ThreeDSecure struct {
	Status, Enrolled       string
	Shifted, ShiftPossible bool
}

// fate is what a fake nonce does to a sale, before amounts are looked at.
type fate int

const (
	fateTransactable fate = iota
	fateConsumed
	fateLuhn
	fateDeclined
	fateFailed
	fateFraud
	fateRisk
	fateDisputed
)

type fakeNonce struct {
	method Method
	fate   fate
}

// resolve finds what a fake nonce stands for. Fake nonces are never used up, as in the real sandbox.
func resolve(nonce string) (fakeNonce, bool) {
	if f, ok := fakes[nonce]; ok {
		return f, true
	}
	name, ok := strings.CutSuffix(nonce, "-nonce")
	if !ok {
		return fakeNonce{}, false
	}
	if rest, ok := strings.CutPrefix(name, "fake-three-d-secure-"); ok {
		info, ok := secures[rest]
		m := card("Visa", "400000", "0002")
		m.Secure = &info
		return fakeNonce{method: m}, ok
	}
	return fakeNonce{}, false
}

func card(brand, bin, last4 string) Method {
	return Method{Type: Card, Brand: brand, Bin: bin, Last4: last4, ExpMonth: "12", ExpYear: "2030", Country: "Unknown", Bank: "Unknown", Marked: "Unknown"}
}

func marked(mark string) fakeNonce {
	m := card("Visa", "400611", "1111")
	m.Marked = "No"
	if mark != "" {
		m.Marks = []string{mark}
	}
	return fakeNonce{method: m}
}

func device(t MethodType, brand, last4 string) fakeNonce {
	m := card(brand, "411111", last4)
	m.Type = t
	return fakeNonce{method: m}
}

func issued(country, bank string) fakeNonce {
	m := card("Visa", "411111", "1111")
	m.Country, m.Bank = country, bank
	return fakeNonce{method: m}
}

func account(t MethodType, email string) fakeNonce {
	return fakeNonce{method: Method{Type: t, Email: email, Holder: "Payer"}}
}

var (
	visa       = card("Visa", "401288", "1881")
	amex       = card("American Express", "378282", "0005")
	mastercard = card("MasterCard", "555555", "4444")
	discover   = card("Discover", "601111", "1117")
	jcb        = card("JCB", "353011", "0000")
)

// fakes are the published test nonces. Source: "Testing: payment method nonces" and the constants of the public SDKs.
var fakes = map[string]fakeNonce{
	"fake-valid-nonce":                    {method: visa},
	"fake-abstract-transactable-nonce":    {method: visa},
	"fake-valid-no-billing-address-nonce": {method: visa},
	"fake-valid-visa-nonce":               {method: visa},
	"fake-valid-amex-nonce":               {method: amex},
	"fake-valid-mastercard-nonce":         {method: mastercard},
	"fake-valid-discover-nonce":           {method: discover},
	"fake-valid-jcb-nonce":                {method: jcb},
	"fake-valid-maestro-nonce":            {method: card("Maestro", "630400", "0000")},
	"fake-valid-dinersclub-nonce":         {method: card("Diners Club", "362596", "0004")},

	"fake-valid-prepaid-nonce":                   marked("prepaid"),
	"fake-valid-commercial-nonce":                marked("commercial"),
	"fake-valid-durbin-regulated-nonce":          marked("durbin-regulated"),
	"fake-valid-healthcare-nonce":                marked("healthcare"),
	"fake-valid-debit-nonce":                     marked("debit"),
	"fake-valid-payroll-nonce":                   marked("payroll"),
	"fake-valid-no-indicators-nonce":             marked(""),
	"fake-valid-unknown-indicators-nonce":        {method: visa},
	"fake-valid-country-of-issuance-usa-nonce":   issued("USA", "Unknown"),
	"fake-valid-country-of-issuance-cad-nonce":   issued("CAN", "Unknown"),
	"fake-valid-issuing-bank-network-only-nonce": issued("Unknown", "NETWORK ONLY"),

	"fake-processor-declined-visa-nonce":       {method: visa, fate: fateDeclined},
	"fake-processor-declined-mastercard-nonce": {method: mastercard, fate: fateDeclined},
	"fake-processor-declined-amex-nonce":       {method: amex, fate: fateDeclined},
	"fake-processor-declined-discover-nonce":   {method: discover, fate: fateDeclined},
	"fake-processor-failure-jcb-nonce":         {method: jcb, fate: fateFailed},

	"fake-luhn-invalid-nonce":                     {method: visa, fate: fateLuhn},
	"fake-consumed-nonce":                         {method: visa, fate: fateConsumed},
	"fake-gateway-rejected-fraud-nonce":           {method: visa, fate: fateFraud},
	"fake-gateway-rejected-risk-thresholds-nonce": {method: visa, fate: fateRisk},

	// Not Braintree's: stands for its test card of disputes, whose number is not taken here.
	"sim-disputed-visa-nonce": {method: card("Visa", "402389", "8028"), fate: fateDisputed},

	"fake-apple-pay-visa-nonce":         device(ApplePay, "Apple Pay - Visa", "8886"),
	"fake-apple-pay-mastercard-nonce":   device(ApplePay, "Apple Pay - MasterCard", "0017"),
	"fake-apple-pay-amex-nonce":         device(ApplePay, "Apple Pay - American Express", "0002"),
	"fake-android-pay-nonce":            device(AndroidPay, "Visa", "1881"),
	"fake-android-pay-visa-nonce":       device(AndroidPay, "Visa", "1881"),
	"fake-android-pay-mastercard-nonce": device(AndroidPay, "MasterCard", "4444"),
	"fake-android-pay-amex-nonce":       device(AndroidPay, "American Express", "0005"),
	"fake-android-pay-discover-nonce":   device(AndroidPay, "Discover", "1117"),

	"fake-paypal-one-time-nonce":          account(PayPal, "payer@example.com"),
	"fake-paypal-billing-agreement-nonce": account(PayPal, "payer@example.com"),
	"fake-paypal-future-nonce":            account(PayPal, "payer@example.com"),
	"fake-venmo-account-nonce":            account(Venmo, "venmojoe@example.com"),
}

// secures are the published 3-D Secure nonces between "fake-three-d-secure-" and "-nonce". Source: the SDKs' constants and
// the legacy 3-D Secure testing page for the statuses.
var secures = map[string]ThreeDSecure{
	"visa-full-authentication":                        {"authenticate_successful", "Y", true, true},
	"visa-lookup-timeout":                             {"lookup_error", "U", false, false},
	"visa-failed-signature":                           {"authenticate_signature_verification_failed", "Y", false, true},
	"visa-failed-authentication":                      {"authenticate_failed", "Y", false, true},
	"visa-attempts-non-participating":                 {"authenticate_attempt_successful", "Y", true, true},
	"visa-not-enrolled":                               {"lookup_not_enrolled", "N", true, true},
	"visa-unavailable":                                {"authentication_unavailable", "U", false, false},
	"visa-mpi-lookup-error":                           {"lookup_error", "E", false, false},
	"visa-mpi-authenticate-error":                     {"authenticate_error", "Y", false, true},
	"visa-authentication-unavailable":                 {"authenticate_unable_to_authenticate", "Y", false, true},
	"visa-bypassed-authentication":                    {"lookup_bypassed", "B", false, false},
	"two-visa-successful-frictionless-authentication": {"authenticate_successful", "Y", true, true},
	"two-visa-successful-step-up-authentication":      {"authenticate_successful", "Y", true, true},
	"two-visa-error-on-lookup":                        {"lookup_error", "U", false, false},
	"two-visa-timeout-on-lookup":                      {"lookup_error", "U", false, false},
}
