package order

import (
	"fmt"
	"math"
	"slices"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
)

// Facts are what the guards of a merchant's file may ask of an order beside its state.
type Facts struct {
	Country        string // that it goes to
	ShippingOption string
	Registered     bool // bought by a signed-in customer
	Noted          bool // the shopper left a note
	Lines          []LineFacts
}

// LineFacts are those of a line. Metadata values are as JSON has them: string, float64, bool.
type LineFacts struct {
	SKU      string
	Metadata map[string]any
}

// Condition holds when all of its parts hold; one without parts does not.
type Condition struct {
	TotalAbove     map[money.Currency]int64 // minor units; a currency that is not named is never above
	Countries      []string
	ShippingOption []string
	Registered     *bool
	Noted          *bool
	SKUs           []string         // a line has one of them
	Metadata       map[string][]any // a line has, under each name, one of the values
	Not            *Condition
}

func (c Condition) check(faults *fault.Collector, at string) {
	parts := len(c.TotalAbove) + len(c.Countries) + len(c.ShippingOption) + len(c.SKUs) + len(c.Metadata)
	faults.Check(parts > 0 || c.Registered != nil || c.Noted != nil || c.Not != nil, at, "must ask something", nil)
	for currency, minor := range c.TotalAbove {
		faults.Check(currency.Valid() && minor >= 0, at+".total_above", "must be minor units by currency", string(currency))
	}
	for name, values := range c.Metadata {
		faults.Check(name != "" && len(values) > 0, at+".line_metadata", "must name values", name)
		for _, v := range values {
			ok := false
			switch v := v.(type) {
			case string, bool:
				ok = true
			case float64:
				ok = !math.IsNaN(v) && !math.IsInf(v, 0)
			}
			if !ok {
				faults.Add(at+".line_metadata."+name, "must be texts, finite numbers, true or false", fmt.Sprint(v))
			}
		}
	}
	if c.Not != nil {
		c.Not.check(faults, at+".not")
	}
}

func (c Condition) holds(o Order) bool {
	f := o.Facts
	if f == nil {
		return false
	}
	above, named := c.TotalAbove[o.Total.Currency]
	anyLine := func(is func(LineFacts) bool) bool { return slices.ContainsFunc(f.Lines, is) }
	switch {
	case c.TotalAbove != nil && (!named || o.Total.Minor <= above),
		c.Countries != nil && !slices.Contains(c.Countries, f.Country),
		c.ShippingOption != nil && !slices.Contains(c.ShippingOption, f.ShippingOption),
		c.Registered != nil && *c.Registered != f.Registered,
		c.Noted != nil && *c.Noted != f.Noted,
		c.SKUs != nil && !anyLine(func(l LineFacts) bool { return slices.Contains(c.SKUs, l.SKU) }),
		c.Metadata != nil && !anyLine(c.line),
		c.Not != nil && c.Not.holds(o):
		return false
	}
	return true
}

func (c Condition) line(l LineFacts) bool {
	for name, values := range c.Metadata {
		v, ok := l.Metadata[name]
		if !ok || !slices.ContainsFunc(values, func(want any) bool { return same(want, v) }) {
			return false
		}
	}
	return true
}

// same compares plain JSON values; lists and objects equal nothing.
func same(a, b any) bool {
	switch b.(type) {
	case string, float64, bool:
		return a == b
	}
	return false
}
