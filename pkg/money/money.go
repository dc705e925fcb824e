// Package money holds amounts as whole minor units of a currency, so that no cent is invented or lost.
//
// An Amount is an int64 count of minor units (cents for USD, yen for JPY, fils for KWD) and a currency. Nothing here is a
// float, nothing wraps: arithmetic that leaves the range of int64 is ErrOverflow, arithmetic over two currencies is
// ErrMismatch, and where a result is not whole the caller names the Rounding. Splitting is by largest remainder, so the
// parts always add up to the whole. Who prices decides the rounding; this package only keeps the promise.
//
// The wire form is fixed: {"amount":1999,"currency":"USD"}.
package money

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The ways in which money can be wrong. Returned wrapped: match with errors.Is.
var (
	ErrMismatch = errors.New("money: amounts of different currencies")
	ErrOverflow = errors.New("money: amount out of range")
	ErrCurrency = errors.New("money: unknown currency")
	ErrFormat   = errors.New("money: malformed amount")
	ErrRatio    = errors.New("money: division by zero or unusable weights")
)

// Amount is a number of minor units of a currency. Compare with Equal or Cmp; == is right too.
type Amount struct {
	Minor    int64    `json:"amount" doc:"Whole minor units by the currency's ISO 4217 exponent: 1999 is 19.99 USD" example:"1999"`
	Currency Currency `json:"currency" doc:"ISO 4217 alphabetic code" pattern:"^[A-Z]{3}$" example:"USD"`
}

// New returns an amount of minor units. It does not check the currency: see ParseCurrency.
func New(minor int64, c Currency) Amount { return Amount{Minor: minor, Currency: c} }

// Zero returns no money in a currency.
func Zero(c Currency) Amount { return Amount{Currency: c} }

// Parse reads a plain decimal ("19.99", "-5", "1999") of a currency. At most as many decimals as the currency has are
// accepted: a third digit of a cent is ErrFormat, not rounded. An unknown currency is ErrCurrency.
func Parse(s string, c Currency) (Amount, error) {
	if !c.Valid() {
		return Amount{}, fmt.Errorf("%w: %.16q", ErrCurrency, string(c))
	}
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	exp := c.Exponent()
	if !isDigits(whole) || point && !isDigits(fraction) || len(fraction) > exp {
		return Amount{}, fmt.Errorf("%w: %.40q as %s", ErrFormat, s, c)
	}
	number := whole + fraction + strings.Repeat("0", exp-len(fraction))
	if negative {
		number = "-" + number
	}
	minor, err := strconv.ParseInt(number, 10, 64)
	if err != nil { // the syntax is known to be right, so only the range is left
		return Amount{}, fmt.Errorf("%w: %.40q as %s", ErrOverflow, s, c)
	}
	return Amount{Minor: minor, Currency: c}, nil
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// Plain returns the decimal form with all decimals of the currency and no symbol: "19.99", "-0.05", "1999" for JPY.
// Parse is its inverse.
func (a Amount) Plain() string {
	exp := a.Currency.Exponent()
	digits := strconv.FormatInt(a.Minor, 10)
	sign := ""
	if a.Minor < 0 {
		sign, digits = "-", digits[1:]
	}
	if exp == 0 {
		return sign + digits
	}
	if short := exp + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	cut := len(digits) - exp
	return sign + digits[:cut] + "." + digits[cut:]
}

// String returns the plain form and the currency, "19.99 USD", for logs and messages.
func (a Amount) String() string { return a.Plain() + " " + string(a.Currency) }

// IsZero reports an amount of nothing, in whatever currency.
func (a Amount) IsZero() bool { return a.Minor == 0 }

// IsNegative reports an amount below zero.
func (a Amount) IsNegative() bool { return a.Minor < 0 }

// IsPositive reports an amount above zero.
func (a Amount) IsPositive() bool { return a.Minor > 0 }

// Equal reports the same number of minor units of the same currency.
func (a Amount) Equal(b Amount) bool { return a == b }

func (a Amount) same(b Amount) error {
	if a.Currency != b.Currency {
		return fmt.Errorf("%w: %.16q and %.16q", ErrMismatch, string(a.Currency), string(b.Currency))
	}
	return nil
}

// Cmp returns -1, 0 or 1 as a is less than, equal to or more than b; ErrMismatch for two currencies.
func (a Amount) Cmp(b Amount) (int, error) {
	return cmp.Compare(a.Minor, b.Minor), a.same(b)
}

// Add returns a + b, or ErrMismatch or ErrOverflow.
func (a Amount) Add(b Amount) (Amount, error) {
	if err := a.same(b); err != nil {
		return Amount{}, err
	}
	sum := a.Minor + b.Minor
	if (sum > a.Minor) != (b.Minor > 0) {
		return Amount{}, overflow(a, "+", b.Minor)
	}
	return Amount{Minor: sum, Currency: a.Currency}, nil
}

// Sub returns a − b, or ErrMismatch or ErrOverflow.
func (a Amount) Sub(b Amount) (Amount, error) {
	if err := a.same(b); err != nil {
		return Amount{}, err
	}
	difference := a.Minor - b.Minor
	if (difference < a.Minor) != (b.Minor > 0) {
		return Amount{}, overflow(a, "-", b.Minor)
	}
	return Amount{Minor: difference, Currency: a.Currency}, nil
}

// Neg returns −a. Only the most negative amount is ErrOverflow.
func (a Amount) Neg() (Amount, error) { return Zero(a.Currency).Sub(a) }

// Mul returns a × n, as for a quantity, or ErrOverflow.
func (a Amount) Mul(n int64) (Amount, error) {
	minor, err := scale(a.Minor, n, 1, Down)
	if err != nil {
		return Amount{}, overflow(a, "*", n)
	}
	return Amount{Minor: minor, Currency: a.Currency}, nil
}

func overflow(a Amount, op string, n int64) error {
	return fmt.Errorf("%w: %d %s %d %s", ErrOverflow, a.Minor, op, n, a.Currency)
}

// Sum adds amounts of currency c; none at all is zero. ErrMismatch or ErrOverflow like Add. An intermediate sum that leaves
// the range is an overflow even if later amounts would bring it back.
func Sum(c Currency, as ...Amount) (Amount, error) {
	total := Zero(c)
	for _, a := range as {
		var err error
		if total, err = total.Add(a); err != nil {
			return Amount{}, err
		}
	}
	return total, nil
}
