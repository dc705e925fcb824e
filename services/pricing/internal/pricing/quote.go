package pricing

import (
	"fmt"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
)

// Validity is how long a quote holds when no window ends earlier.
const Validity = 15 * time.Minute

// Totals are sums in one currency. Total = Subtotal − Discount + Shipping, and + Tax unless TaxIncluded.
type Totals struct {
	Subtotal, Discount, Shipping, Tax, Total money.Amount
	TaxIncluded                              bool
	Fee                                      money.Amount // a part of Shipping; the zero Amount: none
}

// Priced is a line with its money. Total = Subtotal − Σ Discounts.
type Priced struct {
	Line
	UnitPrice money.Amount
	CompareAt *money.Amount
	Subtotal  money.Amount
	Discounts []LineDiscount
	Tax       money.Amount
	TaxRate   TaxRate
	Total     money.Amount
}

// LineDiscount is what a promotion takes off a line; positive.
type LineDiscount struct {
	PromotionID, Label string
	Amount             money.Amount
}

// Unsellable is a line without a price.
type Unsellable struct{ ID, SKU, Reason string }

// The reasons of Unsellable.
const (
	NoPrice    = "no-price"
	UnknownSKU = "unknown-sku"
)

// ShippingTotals are the totals with one shipping option.
type ShippingTotals struct {
	OptionID string
	Totals   Totals
}

// Quote is the whole answer.
type Quote struct {
	ValidUntil time.Time
	Lines      []Priced
	Unsellable []Unsellable
	Codes      []CodeStatus
	Promotions []Promotion
	Totals     Totals
	Shipping   []ShippingTotals
}

// Request is what a quote is asked for.
type Request struct {
	Context  Context
	Lines    []Line
	Codes    []string
	Shipping []Shipping
	Fee      money.Amount // for how it is paid, on top of each shipping price; the zero Amount: none

	KeptIncluded bool // kept prices contain tax
}

// Compute answers a request from a book. It is pure and its cost is linear in lines and rows. Faults: amount-overflow where
// the sums leave the range of an amount, ErrTaxMode where lists mix gross and net.
func Compute(req Request, book *Book, promoter Promoter) (*Quote, error) {
	q := &Quote{ValidUntil: req.Context.Now.Add(Validity)}
	included, err := q.price(req, book)
	if err != nil {
		return nil, err
	}
	outcome, err := promoter.Promote(Basket{Context: req.Context, Lines: q.Lines, Codes: req.Codes})
	if err != nil {
		return nil, fmt.Errorf("promote: %w", err)
	}
	q.ValidUntil = earlier(q.ValidUntil, outcome.Edge)
	q.Codes, q.Promotions = outcome.Codes, outcome.Promotions
	if err := q.discountAndTax(req.Context, included); err != nil {
		return nil, err
	}
	for _, s := range req.Shipping {
		t, err := q.Totals.withShipping(s, req.Fee, req.Context, book)
		if err != nil {
			return nil, fmt.Errorf("shipping option %s: %w", s.ID, err)
		}
		q.Shipping = append(q.Shipping, ShippingTotals{OptionID: s.ID, Totals: t})
	}
	return q, nil
}

// price chooses the unit prices and computes subtotals; it reports whether prices contain tax.
func (q *Quote) price(req Request, book *Book) (included bool, err error) {
	for _, l := range req.Lines {
		row, edge, ok := req.choose(book, l)
		q.ValidUntil = earlier(q.ValidUntil, edge)
		if !ok {
			reason := NoPrice
			if !l.Known && len(book.Rows[l.SKU]) == 0 {
				reason = UnknownSKU
			}
			q.Unsellable = append(q.Unsellable, Unsellable{ID: l.ID, SKU: l.SKU, Reason: reason})
			continue
		}
		if len(q.Lines) > 0 && row.List.TaxIncluded != included {
			return false, ErrTaxMode
		}
		included = row.List.TaxIncluded
		subtotal, err := row.Amount.Mul(l.Quantity)
		if err != nil {
			return false, overflow(err)
		}
		q.Lines = append(q.Lines, Priced{
			Line: l, UnitPrice: row.Amount, CompareAt: row.CompareAt, Subtotal: subtotal, Total: subtotal,
			TaxRate: book.Tax.Find(req.Context.Country, req.Context.Region, l.TaxCategory),
		})
	}
	return included, nil
}

// choose returns the price of a line: the kept one, or that of the book.
func (r Request) choose(book *Book, l Line) (row Row, edge time.Time, ok bool) {
	if l.Kept != nil {
		return Row{List: &List{TaxIncluded: r.KeptIncluded}, Amount: *l.Kept}, time.Time{}, true
	}
	return book.Choose(r.Context, l.SKU, l.Quantity)
}

// discountAndTax takes the promotions' amounts off their lines, taxes each line and adds up.
func (q *Quote) discountAndTax(c Context, included bool) error {
	t := Totals{
		Subtotal: money.Zero(c.Currency), Discount: money.Zero(c.Currency), Shipping: money.Zero(c.Currency),
		Tax: money.Zero(c.Currency), Total: money.Zero(c.Currency), TaxIncluded: included,
	}
	for _, p := range q.Promotions {
		for i, off := range p.PerLine {
			if off.IsZero() {
				continue
			}
			l := &q.Lines[i]
			l.Discounts = append(l.Discounts, LineDiscount{PromotionID: p.ID, Label: p.Label, Amount: off})
			l.Total = money.New(l.Total.Minor-off.Minor, c.Currency)
			if off.IsNegative() || l.Total.IsNegative() {
				return fault.Newf(fault.Internal, "promotion-out-of-bounds", "promotion %s takes %s off a line of %s", p.ID, off, l.Subtotal)
			}
		}
	}
	for i := range q.Lines {
		l := &q.Lines[i]
		var err error
		if l.Tax, err = l.TaxRate.on(l.Total, included); err != nil {
			return overflow(err)
		}
		off := money.New(l.Subtotal.Minor-l.Total.Minor, c.Currency)
		if t.Subtotal, t.Discount, t.Tax, err = add3(t.Subtotal, l.Subtotal, t.Discount, off, t.Tax, l.Tax); err != nil {
			return overflow(err)
		}
	}
	var err error
	q.Totals, err = t.sum()
	return err
}

// on computes the tax contained in (included) or due on top of an amount, rounded once per line by the rate's rule.
func (r TaxRate) on(a money.Amount, included bool) (money.Amount, error) {
	if included {
		return a.Ratio(r.BasisPoints, 10_000+r.BasisPoints, r.Rounding)
	}
	return a.BasisPoints(r.BasisPoints, r.Rounding)
}

// withShipping returns the totals with an option added, and the fee with it: nothing that makes shipping cheaper takes it off.
func (t Totals) withShipping(s Shipping, fee money.Amount, c Context, book *Book) (Totals, error) {
	if fee.IsPositive() {
		sum, err := s.Price.Add(fee)
		if err != nil {
			return Totals{}, shippingFault(err)
		}
		s.Price, t.Fee = sum, fee
	}
	tax, err := book.Tax.Find(c.Country, c.Region, s.TaxCategory).on(s.Price, t.TaxIncluded)
	if err != nil {
		return Totals{}, overflow(err)
	}
	if t.Shipping, err = t.Shipping.Add(s.Price); err != nil {
		return Totals{}, shippingFault(err)
	}
	if t.Tax, err = t.Tax.Add(tax); err != nil {
		return Totals{}, overflow(err)
	}
	return t.sum()
}

// sum computes Total from the parts.
func (t Totals) sum() (Totals, error) {
	total, err := t.Subtotal.Sub(t.Discount)
	if err == nil {
		total, err = total.Add(t.Shipping)
	}
	if err == nil && !t.TaxIncluded {
		total, err = total.Add(t.Tax)
	}
	if err != nil {
		return Totals{}, overflow(err)
	}
	t.Total = total
	return t, nil
}

func add3(a, x, b, y, c, z money.Amount) (ax, by, cz money.Amount, err error) {
	if ax, err = a.Add(x); err != nil {
		return
	}
	if by, err = b.Add(y); err != nil {
		return
	}
	cz, err = c.Add(z)
	return
}

func overflow(err error) error {
	return fault.New(fault.Invalid, "amount-overflow", "an amount leaves the range that can be counted").WithCause(err)
}

func shippingFault(err error) error {
	return fault.New(fault.Invalid, "shipping-price", "a shipping price cannot be added to the total").WithCause(err)
}
