package ledger

import (
	"strconv"
	"strings"
)

// Money is an amount in the currency's minor units (cents; whole yen; fils).
//
// The simulator keeps its own table of exponents on purpose: it is the judge of the shop's arithmetic and must not share
// the shop's mistakes.
type Money struct {
	Minor    int64
	Currency string
}

const maxMajorDigits = 8 // 99,999,999 major units; the real limit depends on the processor

// Exponent tells how many decimals ISO 4217 gives the currency.
func Exponent(currency string) int {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	case "CLF", "UYW":
		return 4
	}
	return 2
}

// Decimal writes the amount as the gateway does: "10.00" USD, "1000" JPY, "1.234" KWD.
func (m Money) Decimal() string {
	exp := Exponent(m.Currency)
	if exp == 0 {
		return strconv.FormatInt(m.Minor, 10)
	}
	sign, minor := "", m.Minor
	if minor < 0 {
		sign, minor = "-", -minor
	}
	digits := strconv.FormatInt(minor, 10)
	if pad := exp + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	cut := len(digits) - exp
	return sign + digits[:cut] + "." + digits[cut:]
}

// parseAmount reads "10" or "10.00": no decimals, or exactly as many as the currency has. It answers the validation error
// that the gateway documents for every other text, or none. ".50" is read too: the public Go SDK writes ten to ninety-nine
// cents like that, and its integration tests pass against the real sandbox.
func parseAmount(text, currency string) (Money, *Problem) {
	bad := Money{Currency: currency}
	if text == "" {
		return bad, amountIsRequired
	}
	rest, negative := strings.CutPrefix(text, "-")
	whole, fraction, dotted := strings.Cut(rest, ".")
	exp := Exponent(currency)
	if dotted && whole == "" {
		whole = "0"
	}
	if !digitsOnly(whole) || dotted && (len(fraction) != exp || !digitsOnly(fraction)) {
		return bad, amountIsInvalid
	}
	if !dotted {
		fraction = strings.Repeat("0", exp)
	}
	if len(strings.TrimLeft(whole, "0")) > maxMajorDigits {
		return bad, amountIsTooLarge
	}
	minor, err := strconv.ParseInt(whole+fraction, 10, 64)
	switch {
	case err != nil:
		return bad, amountIsInvalid
	case negative:
		return bad, amountIsNegative
	case minor == 0:
		return bad, amountIsZero
	}
	return Money{Minor: minor, Currency: currency}, nil
}

func digitsOnly(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// hundredths is the amount in hundredths of a major unit, the scale in which the documented test amounts are given.
func (m Money) hundredths() int64 {
	switch exp := Exponent(m.Currency); {
	case exp < 2:
		return m.Minor * 100
	case exp == 2:
		return m.Minor
	case exp == 3:
		return m.Minor / 10
	default:
		return m.Minor / 100
	}
}
