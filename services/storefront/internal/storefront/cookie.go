package storefront

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sidecart/sidecart/pkg/money"
)

// Cart is what a browser knows of a cart. The id is a capability: it stands in a cookie alone.
type Cart struct {
	ID       string // 32 hex digits; empty: none yet
	Currency money.Currency
	Country  string // ISO 3166-1 alpha-2
	Pieces   int    // when it was last seen, for the header
}

// ParseCart reads "<id>.<currency>.<country>.<pieces>". What cannot be a cart is none.
func ParseCart(s string) Cart {
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return Cart{}
	}
	n, err := strconv.Atoi(parts[3])
	c := Cart{ID: parts[0], Currency: money.Currency(parts[1]), Country: parts[2], Pieces: n}
	if !capability(c.ID) || !c.Currency.Valid() || len(c.Country) != 2 || strings.Trim(c.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || err != nil || n < 0 {
		return Cart{}
	}
	return c
}

// String is the cart as its cookie has it.
func (c Cart) String() string {
	return c.ID + "." + string(c.Currency) + "." + c.Country + "." + strconv.Itoa(c.Pieces)
}

// In reports whether the cart is one of a market.
func (c Cart) In(m Market) bool { return c.Currency == m.Currency && c.Country == m.Country }

// MaxCarts is how many carts a browser keeps.
const MaxCarts = 4

// Carts are those of a browser, the latest first: at most one of a country and currency, because a cart keeps both for all its life.
type Carts []Cart

// ParseCarts reads the cookie of carts. What cannot be one is left out.
func ParseCarts(s string) Carts {
	var all Carts
	for part := range strings.SplitSeq(s, "~") {
		c := ParseCart(part)
		if c.ID != "" && len(all) < MaxCarts && !slices.ContainsFunc(all, c.rivals) {
			all = append(all, c)
		}
	}
	return all
}

// rivals reports whether only one of two carts is kept.
func (c Cart) rivals(o Cart) bool {
	return c.ID == o.ID || c.Currency == o.Currency && c.Country == o.Country
}

// In returns the cart of a market, or none.
func (cs Carts) In(m Market) Cart {
	if i := slices.IndexFunc(cs, func(c Cart) bool { return c.In(m) }); i >= 0 {
		return cs[i]
	}
	return Cart{}
}

// Elsewhere returns the latest cart of another market that has something in it, or none.
func (cs Carts) Elsewhere(m Market) Cart {
	if i := slices.IndexFunc(cs, func(c Cart) bool { return !c.In(m) && c.Pieces > 0 }); i >= 0 {
		return cs[i]
	}
	return Cart{}
}

// Has reports whether a cart is among them.
func (cs Carts) Has(id string) bool {
	return slices.ContainsFunc(cs, func(c Cart) bool { return c.ID == id })
}

// With puts a cart in front, in the place of the one of its country and currency.
func (cs Carts) With(c Cart) Carts {
	all := append(Carts{c}, slices.DeleteFunc(slices.Clone(cs), c.rivals)...)
	return all[:min(len(all), MaxCarts)]
}

// Without leaves a cart out.
func (cs Carts) Without(id string) Carts {
	return slices.DeleteFunc(slices.Clone(cs), func(c Cart) bool { return c.ID == id })
}

// String is the list as its cookie has it.
func (cs Carts) String() string {
	all := make([]string, len(cs))
	for i, c := range cs {
		all[i] = c.String()
	}
	return strings.Join(all, "~")
}

// capability reports whether s is 32 hex digits.
func capability(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == ""
}

// MaxRemembered is how many products, or SKUs, a cookie holds.
const MaxRemembered = 20

// Remembered are ids of products or SKUs that a cookie holds, the latest first.
type Remembered []string

// IsSKU reports whether s may be a SKU: `[A-Za-z0-9._-]{1,64}`.
func IsSKU(s string) bool { return s != "" && len(s) <= 64 && strings.IndexFunc(s, odd) < 0 }

// ParseRemembered reads such a cookie. What cannot be an id or a SKU is left out.
func ParseRemembered(s string) Remembered {
	var all Remembered
	for id := range strings.SplitSeq(s, "~") {
		if IsSKU(id) && !slices.Contains(all, id) && len(all) < MaxRemembered {
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

// Item is a variant of a product that somebody put aside, or that a page speaks of.
type Item struct {
	Product  string // id
	SKU      string
	Quantity int64
}

// MaxQuantity is how many pieces a line of a cart takes.
const MaxQuantity = 9999

// ParseItem reads "<product>.<quantity>.<sku>"; ok is false for what cannot be one.
func ParseItem(s string) (it Item, ok bool) {
	product, rest, _ := strings.Cut(s, ".")
	quantity, sku, _ := strings.Cut(rest, ".")
	n, err := strconv.ParseInt(quantity, 10, 64)
	it = Item{Product: product, SKU: sku, Quantity: n}
	return it, IsSKU(product) && IsSKU(sku) && err == nil && n >= 1 && n <= MaxQuantity
}

// String is the item as a cookie or an address has it.
func (it Item) String() string {
	return it.Product + "." + strconv.FormatInt(it.Quantity, 10) + "." + it.SKU
}

// Saved are the items that a browser keeps for later, the latest first: one of a SKU.
type Saved []Item

// ParseSaved reads the cookie of saved items. What cannot be one is left out.
func ParseSaved(s string) Saved {
	var all Saved
	for part := range strings.SplitSeq(s, "~") {
		it, ok := ParseItem(part)
		if _, twice := all.Find(it.SKU); ok && !twice && len(all) < MaxRemembered {
			all = append(all, it)
		}
	}
	return all
}

// Find returns the item of a SKU.
func (s Saved) Find(sku string) (Item, bool) {
	if i := slices.IndexFunc(s, func(it Item) bool { return it.SKU == sku }); i >= 0 {
		return s[i], true
	}
	return Item{}, false
}

// With puts an item in front. It reports false, and changes nothing, where no more fit.
func (s Saved) With(it Item) (Saved, bool) {
	all := append(Saved{it}, s.Without(it.SKU)...)
	if len(all) > MaxRemembered {
		return s, false
	}
	return all, true
}

// Without leaves a SKU out.
func (s Saved) Without(sku string) Saved {
	return slices.DeleteFunc(slices.Clone(s), func(it Item) bool { return it.SKU == sku })
}

// String is the list as its cookie has it.
func (s Saved) String() string {
	all := make([]string, len(s))
	for i, it := range s {
		all[i] = it.String()
	}
	return strings.Join(all, "~")
}
