// Package pricing is the core of pricing: what a basket costs, as a pure function of the rows that were loaded, the context
// and the time. It decides everything about money in the shop; it knows no database, no clock and no request.
//
//	lines + rows ──► Choose a price per line ──► subtotals ──► Promoter (discounts) ──► tax per line ──► totals
//	                                                                                      └─► totals of each shipping option
//
// What may go wrong is said in the answer where the shopper can do something about it (a line without a price, a coupon
// that does not apply), and is a fault where the caller sent nonsense (a quantity that overflows) or the data is
// inconsistent (gross and net lists in one context).
package pricing

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
)

// Window is a span of time, From included, To excluded; a zero end is open.
type Window struct{ From, To time.Time }

// Contains reports whether t lies in the window.
func (w Window) Contains(t time.Time) bool {
	return (w.From.IsZero() || !t.Before(w.From)) && (w.To.IsZero() || t.Before(w.To))
}

// next returns the first edge after t, or zero.
func (w Window) next(t time.Time) time.Time {
	if w.From.After(t) {
		return w.From
	}
	if w.To.After(t) {
		return w.To
	}
	return time.Time{}
}

// List is a price list: a set of prices in one currency for whom its conditions match. Empty conditions match everybody.
type List struct {
	ID          string
	Name        string
	Currency    money.Currency
	TaxIncluded bool // its prices are gross
	Channel     string
	Group       string
	Countries   []string
	Priority    int
	Window      Window
}

// Matches reports whether the list serves a context, its window aside.
func (l *List) Matches(c Context) bool {
	return l.Currency == c.Currency &&
		(l.Channel == "" || l.Channel == c.Channel) &&
		(l.Group == "" || l.Group == c.Group) &&
		(len(l.Countries) == 0 || slices.Contains(l.Countries, c.Country))
}

// Overlaps reports whether some context is served by both lists. Two such lists must agree on TaxIncluded, or a total
// could not say what it contains.
func (l *List) Overlaps(o *List) bool {
	return l.ID != o.ID && l.Currency == o.Currency &&
		(l.Channel == "" || o.Channel == "" || l.Channel == o.Channel) &&
		(l.Group == "" || o.Group == "" || l.Group == o.Group) &&
		(len(l.Countries) == 0 || len(o.Countries) == 0 || slices.ContainsFunc(l.Countries, func(c string) bool {
			return slices.Contains(o.Countries, c)
		}))
}

// SameTerms reports whether prices in both lists apply to the same shoppers at the same time: all but the names.
func (l *List) SameTerms(o *List) bool {
	return l.Currency == o.Currency && l.TaxIncluded == o.TaxIncluded && l.Channel == o.Channel && l.Group == o.Group &&
		l.Priority == o.Priority && slices.Equal(l.Countries, o.Countries) && l.Window.From.Equal(o.Window.From) && l.Window.To.Equal(o.Window.To)
}

// Row is one price of a SKU in a list, for quantities of MinQuantity and more.
type Row struct {
	List        *List
	Amount      money.Amount
	CompareAt   *money.Amount
	MinQuantity int64
	Window      Window
}

// TaxRate is what is due on a tax category in a country and, if Region is set, in that region only.
type TaxRate struct {
	Country, Region, Category string
	BasisPoints               int64
	Rounding                  money.Rounding
}

// TaxKey finds a TaxRate.
type TaxKey struct{ Country, Region, Category string }

// TaxTable holds the rates by their keys, with regions in normal form.
type TaxTable map[TaxKey]TaxRate

// NormalRegion is the form in which regions are stored and compared, trimmed and in upper case: how somebody types the name of a state
// decides no tax.
func NormalRegion(region string) string { return strings.ToUpper(strings.TrimSpace(region)) }

// StandardTax is the category of what says nothing else.
const StandardTax = "standard"

// Find returns the rate for a place and a category: of the region, else of the country; a category that the country does
// not know is taxed as standard; a country without rates is not taxed.
func (t TaxTable) Find(country, region, category string) TaxRate {
	region = NormalRegion(region)
	for _, cat := range [...]string{cmp.Or(category, StandardTax), StandardTax} {
		if r, ok := t[TaxKey{country, region, cat}]; ok && region != "" {
			return r
		}
		if r, ok := t[TaxKey{country, "", cat}]; ok {
			return r
		}
	}
	return TaxRate{}
}

// Context is for whom, where and when a price is asked.
type Context struct {
	Currency        money.Currency
	Country, Region string
	Channel, Group  string
	Now             time.Time
}

// Line is what is to be priced. Known is false for a SKU that nobody has heard of.
type Line struct {
	ID, SKU     string
	Quantity    int64
	TaxCategory string
	Known       bool
	Kept        *money.Amount // the price of a piece that was sold before; nil: what the lists say now
}

// Shipping is an option with its price before tax rules.
type Shipping struct {
	ID          string
	Price       money.Amount
	TaxCategory string
}

// Book is everything that was loaded for one question: the rows of the SKUs asked for and the tax rates.
type Book struct {
	Rows map[string][]Row
	Tax  TaxTable
}

// Choose returns the price of a SKU for a quantity: among the rows that apply now, the list with the highest priority, in
// it the highest tier that the quantity reaches, then the lowest amount. ok is false where none applies. edge is the next
// moment at which the answer might change, or zero.
func (b *Book) Choose(c Context, sku string, quantity int64) (row Row, edge time.Time, ok bool) {
	for _, r := range b.Rows[sku] {
		if !r.List.Matches(c) {
			continue
		}
		edge = earlier(edge, r.Window.next(c.Now))
		edge = earlier(edge, r.List.Window.next(c.Now))
		if quantity < r.MinQuantity || !r.Window.Contains(c.Now) || !r.List.Window.Contains(c.Now) {
			continue
		}
		if !ok || better(r, row) {
			row, ok = r, true
		}
	}
	return row, edge, ok
}

// better orders rows that all apply. The list and, within it, the start of the window make the order total, so that the order of
// rows changes nothing: rows of one amount may differ in what they compare it with.
func better(a, b Row) bool {
	return cmp.Or(
		cmp.Compare(b.List.Priority, a.List.Priority),
		cmp.Compare(b.MinQuantity, a.MinQuantity),
		cmp.Compare(a.Amount.Minor, b.Amount.Minor),
		cmp.Compare(a.List.ID, b.List.ID),
		b.Window.From.Compare(a.Window.From),
	) < 0
}

// earlier returns the earlier of two moments of which zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// ErrTaxMode says that the lists of one context mix gross and net prices.
var ErrTaxMode = fault.New(fault.Conflict, "tax-mode-conflict",
	"price lists that serve the same shoppers must agree on whether their prices contain tax")
