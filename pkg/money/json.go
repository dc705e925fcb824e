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
