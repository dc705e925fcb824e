package storefront

import (
	"strconv"
	"strings"

	"github.com/sidecart/sidecart/pkg/money"
)

// Variant is what a choice between variants depends on.
type Variant struct {
	SKU     string
	Options map[string]string // value by the option's code
	Buyable bool
}

// Variants are those of a product, in their order.
type Variants []Variant

// ChoiceState is what a value of an option would be, given all others.
type ChoiceState int

// The states of a choice.
const (
	Available ChoiceState = iota
	SoldOut               // there is such a variant, and nothing left of it
	Elsewhere             // there is no such variant: other choices change with it
)

// Find is the place of a SKU; without it that of the first variant that can be bought, else of the first one.
func (vs Variants) Find(sku string) int {
	first := -1
	for i, v := range vs {
		if v.SKU == sku {
			return i
		}
		if v.Buyable && first < 0 {
			first = i
		}
	}
	return max(first, 0)
}

// Nearest is the place of the variant that fits what is wanted best: what differs from the variant that was chosen counts before all else, then
// what it has in common with the rest, then whether it can be bought.
func (vs Variants) Nearest(was int, wanted map[string]string) int {
	const changed, same, buyable = 1000, 10, 1
	best, most := was, -1
	for i, v := range vs {
		score := 0
		for code, value := range wanted {
			switch {
			case v.Options[code] != value:
			case vs[was].Options[code] != value:
				score += changed
			default:
				score += same
			}
		}
		if v.Buyable {
			score += buyable
		}
		if score > most {
			best, most = i, score
		}
	}
	return best
}

// Choice is what a value of an option would mean beside all other values of the variant at a place.
func (vs Variants) Choice(at int, code, value string) ChoiceState {
	for _, v := range vs {
		if v.Options[code] != value || !alike(v.Options, vs[at].Options, code) {
			continue
		}
		if v.Buyable {
			return Available
		}
		return SoldOut
	}
	return Elsewhere
}

// alike reports whether two have the same options but one.
func alike(a, b map[string]string, but string) bool {
	for code, value := range a {
		if code != but && b[code] != value {
			return false
		}
	}
	return true
}

// The attributes by which a product tells its unit price: how much is in it, and whether that is to be told per 100 or per 1000.
const (
	NetWeight      = "net_weight"
	NetVolume      = "net_volume"
	UnitPriceBasis = "unit_price_basis"
)

// The measures of a unit price.
const (
	Gram       = "g"
	Millilitre = "ml"
)

// Content is how much is in a package.
type Content struct {
	Milli   int64  // thousandths of its measure
	Measure string // Gram or Millilitre
}

// measures are thousandths of a gram or millilitre by unit.
var measures = map[string]Content{"g": {1_000, Gram}, "kg": {1_000_000, Gram}, "mg": {1, Gram}, "ml": {1_000, Millilitre}, "cl": {10_000, Millilitre}, "l": {1_000_000, Millilitre}}

// maxContent is above what anybody sells in a package, in thousandths.
const maxContent = 1 << 40

// ParseContent reads a decimal with its unit, "250" "g". False: it says nothing that a price could be told of.
func ParseContent(value, unit string) (Content, bool) {
	c, known := measures[unit]
	whole, fraction, _ := strings.Cut(value, ".")
	if !known || len(fraction) > 6 {
		return Content{}, false
	}
	n, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil || n <= 0 || n > maxContent/c.Milli {
		return Content{}, false
	}
	c.Milli *= n
	for range fraction {
		c.Milli /= 10
	}
	return c, c.Milli > 0
}

// Price is what so many grams or millilitres cost at the price of all, rounded half up.
func (c Content) Price(price money.Amount, per int64) (money.Amount, error) {
	return price.Ratio(per*1000, c.Milli, money.HalfUp)
}
