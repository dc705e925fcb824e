package search

import (
	"strconv"
	"strings"
	"time"
)

// The types of an attribute, as catalog names them.
const (
	TypeText      = "text"
	TypeInteger   = "integer"
	TypeDecimal   = "decimal"
	TypeBoolean   = "boolean"
	TypeEnum      = "enum"
	TypeMultiEnum = "multi_enum"
	TypeDate      = "date"
	TypeColour    = "colour"
)

// Kind is what is known of an attribute. Hexes are the values of a palette by their colours, #rrggbb.
type Kind struct {
	Code, Label, Type, Unit string
	Hexes                   map[string]string
}

// Numeric tells whether values are numbers, and have bounds.
func (k Kind) Numeric() bool { return k.Type == TypeInteger || k.Type == TypeDecimal }

// Normal returns the normal form of a value as it stands in an address, and otherwise what is wrong with it. Of an enum and a colour
// any word may be a value: one that nothing has finds nothing.
func (k Kind) Normal(s string) (normal, message string) {
	switch k.Type {
	case TypeInteger:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return "", "must be a whole number"
		}
		return strconv.FormatInt(n, 10), ""
	case TypeDecimal:
		return k.decimal(s)
	case TypeBoolean:
		if s != "true" && s != "false" {
			return "", "must be true or false"
		}
	case TypeDate:
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			return "", "must be a date, YYYY-MM-DD"
		}
	case TypeColour:
		if strings.HasPrefix(s, "#") {
			s = strings.ToLower(s)
			if value, known := k.Hexes[s]; known {
				return value, ""
			}
			return s, ""
		}
	}
	if s == "" {
		return "", "must not be empty"
	}
	return s, ""
}

// decimal takes the unit away, and the zeros that say nothing.
func (k Kind) decimal(s string) (normal, message string) {
	s = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s), k.Unit))
	digits, negative := strings.CutPrefix(s, "-")
	whole, part, dotted := strings.Cut(digits, ".")
	if whole == "" || dotted && part == "" || len(s) > 40 || strings.Trim(whole+part, "0123456789") != "" {
		return "", "must be a decimal number"
	}
	whole, part = strings.TrimLeft(whole, "0"), strings.TrimRight(part, "0")
	if whole == "" {
		whole = "0"
	}
	if part != "" {
		whole += "." + part
	}
	if negative && whole != "0" {
		whole = "-" + whole
	}
	return whole, ""
}
