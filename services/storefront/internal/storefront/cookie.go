package storefront

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sidecart/sidecart/pkg/money"
)

// Cart is what a browser knows of its cart. The id is a capability: it stands in a cookie alone.
type Cart struct {
	ID       string // 32 hex digits; empty: none yet
	Currency money.Currency
	Pieces   int // when it was last seen, for the header
}

// ParseCart reads the cookie of a cart, "<id>.<currency>.<pieces>". What cannot be one is none.
func ParseCart(s string) Cart {
	id, rest, _ := strings.Cut(s, ".")
	currency, pieces, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(pieces)
	c := Cart{ID: id, Currency: money.Currency(currency), Pieces: n}
	if !capability(id) || !c.Currency.Valid() || err != nil || n < 0 {
		return Cart{}
	}
	return c
}

// String is the cart as its cookie has it.
func (c Cart) String() string {
	return c.ID + "." + string(c.Currency) + "." + strconv.Itoa(c.Pieces)
}

// capability reports whether s is 32 hex digits.
func capability(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == ""
}

// MaxRemembered is how many products, or SKUs, a cookie holds.
const MaxRemembered = 20

// Remembered are ids of products or SKUs that a cookie holds, the latest first.
type Remembered []string

// ParseRemembered reads such a cookie. What cannot be an id or a SKU is left out.
func ParseRemembered(s string) Remembered {
	var all Remembered
	for id := range strings.SplitSeq(s, "~") {
		if id != "" && len(id) <= 64 && strings.IndexFunc(id, odd) < 0 && !slices.Contains(all, id) && len(all) < MaxRemembered {
			all = append(all, id)
		}
	}
	return all
}

// odd reports whether a character stands in no id and no SKU.
func odd(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("-_.", r)
}

// With puts one in front.
func (r Remembered) With(id string) Remembered {
	all := append(Remembered{id}, r.Without(id)...)
	return all[:min(len(all), MaxRemembered)]
}

// Latest is the first n of them.
func (r Remembered) Latest(n int) Remembered { return r[:min(len(r), n)] }

// Without leaves one out.
func (r Remembered) Without(id string) Remembered {
	return slices.DeleteFunc(slices.Clone(r), func(s string) bool { return s == id })
}

// String is the list as its cookie has it.
func (r Remembered) String() string { return strings.Join(r, "~") }
