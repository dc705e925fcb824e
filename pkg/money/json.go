package money

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// UnmarshalJSON reads the wire form and nothing else: both members once, the amount a whole number, the currency known, no
// other member, no null. The errors are ErrFormat, ErrOverflow or ErrCurrency.
func (a *Amount) UnmarshalJSON(data []byte) error {
	if read, ok := canonical(data); ok {
		*a = read
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("%w: want an object with amount and currency", ErrFormat)
	}
	var read Amount
	var haveMinor, haveCurrency bool
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrFormat, err)
		}
		value, err := d.Token()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrFormat, err)
		}
		switch {
		case name == "amount" && !haveMinor:
			haveMinor = true
			read.Minor, err = parseMinor(value)
		case name == "currency" && !haveCurrency:
			haveCurrency = true
			text, _ := value.(string)
			read.Currency, err = ParseCurrency(text)
		default:
			err = fmt.Errorf("%w: member %.16q is unknown or repeated", ErrFormat, name)
		}
		if err != nil {
			return err
		}
	}
	if !haveMinor || !haveCurrency {
		return fmt.Errorf("%w: want amount and currency", ErrFormat)
	}
	*a = read
	return nil
}

func parseMinor(token json.Token) (int64, error) {
	number, ok := token.(json.Number)
	if !ok {
		return 0, fmt.Errorf("%w: amount is not a number", ErrFormat)
	}
	minor, err := strconv.ParseInt(number.String(), 10, 64)
	switch {
	case err == nil:
		return minor, nil
	case isDigits(strings.TrimPrefix(number.String(), "-")):
		return 0, fmt.Errorf("%w: %.40s", ErrOverflow, number)
	default:
		return 0, fmt.Errorf("%w: amount %.40s is not a whole number of minor units", ErrFormat, number)
	}
}

// canonical reads the form that this package writes itself, {"amount":1999,"currency":"USD"}, without allocating: a quote of 500
// lines holds 2,000 amounts. Whatever is written otherwise is left to the slow way, and so are all errors.
func canonical(data []byte) (a Amount, ok bool) {
	const head, middle, tail = `{"amount":`, `,"currency":"`, `"}`
	rest, ok := bytes.CutPrefix(data, []byte(head))
	if !ok {
		return a, false
	}
	digits, rest, ok := bytes.Cut(rest, []byte(middle))
	code, closed := bytes.CutSuffix(rest, []byte(tail))
	number, negative := bytes.CutPrefix(digits, []byte("-"))
	if !ok || !closed || len(number) == 0 || len(number) > 18 || number[0] == '0' && len(digits) > 1 {
		return a, false
	}
	for _, d := range number {
		if d < '0' || d > '9' {
			return a, false
		}
		a.Minor = 10*a.Minor + int64(d-'0')
	}
	if negative {
		a.Minor = -a.Minor
	}
	a.Currency, ok = interned[string(code)]
	return a, ok
}

// interned gives each code without an allocation.
var interned = func() map[string]Currency {
	all := make(map[string]Currency, len(exponents))
	for c := range exponents {
		all[string(c)] = c
	}
	return all
}()
