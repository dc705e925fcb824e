package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The bounds of single values.
const (
	maxTextValue = 5000
	maxDigits    = 40      // of a decimal
	maxInteger   = 1 << 53 // exact for every JSON reader (RFC 8259, section 6), exclusive
)

var decimalForm = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// plainDecimal returns the shortest form of a plain decimal: no exponent, no needless zeros.
func plainDecimal(s string) (string, bool) {
	if len(s) > maxDigits || !decimalForm.MatchString(s) {
		return "", false
	}
	negative := strings.HasPrefix(s, "-")
	whole, frac, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	whole, frac = strings.TrimLeft(whole, "0"), strings.TrimRight(frac, "0")
	if whole == "" {
		whole = "0"
	}
	if frac != "" {
		whole += "." + frac
	}
	if negative && whole != "0" {
		whole = "-" + whole
	}
	return whole, true
}

// Parse returns the normal form of a value as it was sent; message says why it does not fit, empty when it does.
func (a *Attribute) Parse(raw json.RawMessage) (normal json.RawMessage, message string) {
	raw = bytes.TrimSpace(raw)
	switch a.Type {
	case Integer:
		n, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil || n >= maxInteger || n <= -maxInteger {
			return nil, "must be a whole number"
		}
		return json.RawMessage(strconv.FormatInt(n, 10)), a.inBounds(strconv.FormatInt(n, 10))
	case Decimal:
		return a.parseDecimal(raw)
	case Boolean:
		if s := string(raw); s == "true" || s == "false" {
			return raw, ""
		}
		return nil, "must be true or false"
	case MultiEnum:
		return a.parseMany(raw)
	}
	var s string
	if json.Unmarshal(raw, &s) != nil || len(raw) == 0 || raw[0] != '"' {
		return nil, "must be a string"
	}
	switch a.Type {
	case Text:
		if strings.TrimSpace(s) == "" || len(s) > maxTextValue || strings.ContainsRune(s, 0) {
			return nil, fmt.Sprintf("must have 1 to %d bytes, not blank", maxTextValue)
		}
	case Date:
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			return nil, "must be a date, YYYY-MM-DD"
		}
	case Enum:
		if a.choice(s) < 0 {
			return nil, "must be " + a.listed()
		}
	case Colour:
		if s, message = a.parseColour(s); message != "" {
			return nil, message
		}
	}
	return quote(s), ""
}

func (a *Attribute) parseDecimal(raw json.RawMessage) (json.RawMessage, string) {
	s := string(raw)
	if len(raw) > 0 && raw[0] == '"' {
		if json.Unmarshal(raw, &s) != nil {
			return nil, "must be a decimal number"
		}
		if number, unit, found := strings.Cut(s, " "); found {
			if a.Unit == "" || unit != a.Unit {
				return nil, strings.TrimSpace("must be a decimal number in "+a.Unit) + a.noUnit()
			}
			s = number
		}
	}
	plain, ok := plainDecimal(s)
	if !ok {
		return nil, "must be a decimal number" + a.noUnit()
	}
	return quote(plain), a.inBounds(plain)
}

// noUnit ends the complaint about a number.
func (a *Attribute) noUnit() string {
	if a.Unit == "" {
		return " without a unit"
	}
	return fmt.Sprintf(`, such as "12.5" or "12.5 %s"`, a.Unit)
}

func (a *Attribute) parseMany(raw json.RawMessage) (json.RawMessage, string) {
	var given []string
	if json.Unmarshal(raw, &given) != nil || len(given) == 0 {
		return nil, "must be an array of strings, not empty"
	}
	places := make([]int, 0, len(given))
	for _, s := range given {
		i := a.choice(s)
		if i < 0 {
			return nil, "must only have " + a.listed()
		}
		if slices.Contains(places, i) {
			return nil, "has an entry twice"
		}
		places = append(places, i)
	}
	slices.Sort(places)
	for i, p := range places {
		given[i] = a.Choices[p].Value
	}
	normal, err := json.Marshal(given)
	if err != nil {
		return nil, "must be an array of strings"
	}
	return normal, ""
}

// parseColour takes a code of the palette or a colour in it; without a palette any colour.
func (a *Attribute) parseColour(s string) (normal, message string) {
	hex := strings.ToLower(s)
	if len(a.Choices) == 0 {
		if !hexForm.MatchString(s) {
			return "", "must be a colour, #RRGGBB"
		}
		return hex, ""
	}
	if i := a.choice(s); i >= 0 {
		return s, ""
	}
	if i := slices.IndexFunc(a.Choices, func(c Choice) bool { return c.Hex == hex }); i >= 0 {
		return a.Choices[i].Value, ""
	}
	return "", "must be " + a.listed()
}

func (a *Attribute) choice(s string) int {
	return slices.IndexFunc(a.Choices, func(c Choice) bool { return c.Value == s })
}

// listed names the choices, as far as they fit into a message.
func (a *Attribute) listed() string {
	const most = 8
	var names []string
	for _, c := range a.Choices[:min(most, len(a.Choices))] {
		names = append(names, c.Value)
	}
	if len(a.Choices) > most {
		names = append(names, fmt.Sprintf("… (%d values)", len(a.Choices)))
	}
	return "one of " + strings.Join(names, ", ")
}

func (a *Attribute) inBounds(plain string) string {
	n, ok := new(big.Rat).SetString(plain)
	if !ok {
		return "must be a number"
	}
	if low, ok := new(big.Rat).SetString(a.Min); ok && a.Min != "" && n.Cmp(low) < 0 {
		return "must be at least " + a.Min
	}
	if high, ok := new(big.Rat).SetString(a.Max); ok && a.Max != "" && n.Cmp(high) > 0 {
		return "must be at most " + a.Max
	}
	return ""
}

// quote encodes a string that came out of JSON, and so is valid UTF-8.
func quote(s string) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return json.RawMessage(`""`)
	}
	return bytes.TrimSpace(b.Bytes())
}

// Shown is a value with what its attribute says, ready to show.
type Shown struct {
	Code, Label, Type, Unit string
	Value                   json.RawMessage
	Text                    string // for people: "12.5 cm", "Blue"
	Hex                     string // of a colour, #rrggbb
}

// Show makes a value in normal form readable.
func (a *Attribute) Show(v json.RawMessage) Shown {
	s := Shown{Code: a.Code, Label: a.Label, Type: a.Type, Unit: a.Unit, Value: v}
	switch a.Type {
	case Boolean:
		s.Text = speechOf(a.Language).no
		if string(v) == "true" {
			s.Text = speechOf(a.Language).yes
		}
	case MultiEnum:
		var all []string
		_ = json.Unmarshal(v, &all) // it is in normal form
		for i, one := range all {
			all[i] = a.label(one)
		}
		s.Text = strings.Join(all, ", ")
	case Integer:
		s.Text = string(v)
	default:
		_ = json.Unmarshal(v, &s.Text) // it is in normal form
		if a.Type == Enum || a.Type == Colour {
			if i := a.choice(s.Text); i >= 0 {
				s.Hex = a.Choices[i].Hex
			} else if a.Type == Colour {
				s.Hex = s.Text
			}
			s.Text = a.label(s.Text)
		}
		if a.Type == Decimal && speechOf(a.Language).comma {
			s.Text = strings.Replace(s.Text, ".", ",", 1)
		}
	}
	if a.Unit != "" {
		s.Text += " " + a.Unit
	}
	return s
}

func (a *Attribute) label(value string) string {
	if i := a.choice(value); i >= 0 {
		return a.Choices[i].Label
	}
	return value
}

// ParseText is Parse for a value as it stands in an address: without quotes, one of several for a multi_enum.
func (a *Attribute) ParseText(s string) (normal json.RawMessage, message string) {
	switch a.Type {
	case Integer, Boolean:
		return a.Parse(json.RawMessage(s))
	case MultiEnum:
		return a.Parse(json.RawMessage("[" + string(quote(s)) + "]"))
	}
	return a.Parse(quote(s))
}

// Terms are a value in normal form as plain texts, more than one of a multi_enum.
func (a *Attribute) Terms(v json.RawMessage) (all []string) {
	if a.Type == MultiEnum {
		_ = json.Unmarshal(v, &all) // it is in normal form
		return all
	}
	text := string(v)
	if strings.HasPrefix(text, `"`) {
		_ = json.Unmarshal(v, &text) // as above
	}
	return []string{text}
}

// Say makes one of Terms readable: what Show says of it.
func (a *Attribute) Say(term string) string {
	switch a.Type {
	case MultiEnum:
		return a.label(term)
	case Integer, Boolean:
		return a.Show(json.RawMessage(term)).Text
	}
	return a.Show(quote(term)).Text
}
