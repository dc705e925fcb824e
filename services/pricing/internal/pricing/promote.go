package pricing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// Promoter decides which promotions apply to a basket and what they take off each line. It must keep invariant I7: no line
// and no total below zero, the sum of the lines' discounts equals the promotions' amounts, and the order in which lines or
// codes were added changes nothing.
type Promoter interface {
	Promote(b Basket) (Outcome, error)
}

// Basket is what a Promoter sees: priced lines without discounts.
type Basket struct {
	Context Context
	Lines   []Priced
	Codes   []string
}

// Outcome is what a Promoter decided. Edge is the next moment at which it might decide otherwise, or zero.
type Outcome struct {
	Promotions []Promotion
	Codes      []CodeStatus
	Edge       time.Time
}

// Promotion is one that applied. PerLine runs parallel to the basket's lines; its sum is Amount.
type Promotion struct {
	ID, Label, Explanation string
	Amount                 money.Amount
	PerLine                []money.Amount
}

// CodeStatus says of a code whether it applied, and if not, why.
type CodeStatus struct {
	Code    string
	Applied bool
	Why     Refusal
}

// Refusal is why a code does not apply, the zero one that it does.
type Refusal struct {
	Code   ReasonCode
	Reason string // in words

	Least, Missing money.Amount // with MinSubtotal: the least subtotal, and what is missing of it
}

// ReasonCode names a Refusal.
type ReasonCode string

// The reasons of a Refusal.
const (
	Unknown     ReasonCode = "unknown"
	NotYet      ReasonCode = "not-yet"
	Expired     ReasonCode = "expired"
	UsedUp      ReasonCode = "used-up"
	NoCurrency  ReasonCode = "currency"
	MinSubtotal ReasonCode = "min-subtotal"
	NothingLeft ReasonCode = "nothing-left"
)

var unknownCode = Refusal{Code: Unknown, Reason: "this code is not known"}

// The kinds of a coupon.
const (
	Percentage = "percentage"
	Fixed      = "fixed"
)

// Coupon is a discount that a code unlocks. Percentage takes BasisPoints off what is left of every line; Fixed takes an
// amount off the whole, spread over the lines by their value. Amounts and MinSubtotal are per currency.
type Coupon struct {
	Code, Label string
	Kind        string
	BasisPoints int64
	Amounts     []money.Amount
	MinSubtotal []money.Amount
	Window      Window
	UsageLimit  int64 // 0: none
	Used        int64
	Enabled     bool
}

// NormalCode is the form in which codes are stored and compared: trimmed, upper case.
func NormalCode(code string) string { return strings.ToUpper(strings.TrimSpace(code)) }

// Coupons is the Promoter of coupons, by normal code.
type Coupons map[string]Coupon

// Promote applies every code that may be applied: percentages first, then fixed amounts, each by code, so that neither the
// order of codes nor that of lines matters. Each works on what the ones before it left.
func (cs Coupons) Promote(b Basket) (Outcome, error) {
	var out Outcome
	left := make([]money.Amount, len(b.Lines))
	for i, l := range b.Lines {
		left[i] = l.Subtotal
	}
	subtotal, err := money.Sum(b.Context.Currency, left...)
	if err != nil {
		return Outcome{}, overflow(err)
	}
	status := map[string]CodeStatus{}
	for _, c := range cs.sorted(b.Codes) {
		out.Edge = earlier(out.Edge, c.Window.next(b.Context.Now))
		why := c.refusal(b.Context, subtotal)
		if why.Code == "" {
			p, err := c.take(b.Context.Currency, b.Lines, left)
			if err != nil {
				return Outcome{}, err
			}
			if p.Amount.IsZero() {
				why = Refusal{Code: NothingLeft, Reason: "there is nothing left to take it off"}
			} else {
				out.Promotions = append(out.Promotions, p)
			}
		}
		status[c.Code] = CodeStatus{Code: c.Code, Applied: why.Code == "", Why: why}
	}
	for _, code := range b.Codes {
		s, ok := status[NormalCode(code)]
		if !ok {
			s = CodeStatus{Why: unknownCode}
		}
		s.Code = code
		out.Codes = append(out.Codes, s)
	}
	return out, nil
}

// sorted returns the known coupons of the codes in the order in which they are applied, each once.
func (cs Coupons) sorted(codes []string) []Coupon {
	var found []Coupon
	for _, code := range codes {
		if c, ok := cs[NormalCode(code)]; ok {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b Coupon) int {
		return cmp.Or(cmp.Compare(b.Kind, a.Kind), cmp.Compare(a.Code, b.Code)) // "percentage" before "fixed"
	})
	return slices.CompactFunc(found, func(a, b Coupon) bool { return a.Code == b.Code })
}

// refusal says why a coupon does not apply, or nothing.
func (c Coupon) refusal(ctx Context, subtotal money.Amount) Refusal {
	otherwise := Refusal{Code: NoCurrency, Reason: fmt.Sprintf("this code is not valid for %s", ctx.Currency)}
	switch {
	case !c.Enabled:
		return unknownCode
	case !c.Window.From.IsZero() && ctx.Now.Before(c.Window.From):
		return Refusal{Code: NotYet, Reason: "this code is not valid yet"}
	case !c.Window.Contains(ctx.Now):
		return Refusal{Code: Expired, Reason: "this code has expired"}
	case c.UsageLimit > 0 && c.Used >= c.UsageLimit:
		return Refusal{Code: UsedUp, Reason: "this code has been used up"}
	case c.Kind == Fixed && !has(c.Amounts, ctx.Currency):
		return otherwise
	}
	if len(c.MinSubtotal) == 0 {
		return Refusal{}
	}
	least, ok := in(c.MinSubtotal, ctx.Currency)
	if !ok {
		return otherwise
	}
	if subtotal.Minor < least.Minor {
		missing := money.New(least.Minor-subtotal.Minor, ctx.Currency)
		return Refusal{Code: MinSubtotal, Reason: fmt.Sprintf("add %s more to use this code", missing), Least: least, Missing: missing}
	}
	return Refusal{}
}

// take computes the discount and takes it off left. Lines are visited by SKU and id, so that the largest-remainder ties do
// not depend on the order in which they were added.
func (c Coupon) take(cur money.Currency, lines []Priced, left []money.Amount) (Promotion, error) {
	order := make([]int, len(lines))
	weights := make([]int64, len(lines))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(lines[a].SKU, lines[b].SKU), cmp.Compare(lines[a].ID, lines[b].ID))
	})
	total := money.Zero(cur)
	for at, i := range order {
		weights[at] = left[i].Minor
		total = money.New(total.Minor+left[i].Minor, cur) // ≤ the subtotal, which was summed with a check
	}
	off, explanation, err := c.amount(total)
	if err != nil {
		return Promotion{}, overflow(err)
	}
	p := Promotion{ID: c.Code, Label: cmp.Or(c.Label, c.Code), Explanation: explanation, Amount: off, PerLine: make([]money.Amount, len(lines))}
	if off.IsZero() {
		return p, nil
	}
	parts, err := off.Allocate(weights)
	if err != nil {
		return Promotion{}, overflow(err)
	}
	for at, i := range order {
		p.PerLine[i] = parts[at]
		left[i] = money.New(left[i].Minor-parts[at].Minor, cur)
	}
	return p, nil
}

// amount is what the coupon takes off a total, never more than it.
func (c Coupon) amount(total money.Amount) (money.Amount, string, error) {
	if c.Kind == Percentage {
		off, err := total.BasisPoints(c.BasisPoints, money.HalfUp)
		return off, fmt.Sprintf("%s %% off %s", percent(c.BasisPoints), total), err
	}
	off, _ := in(c.Amounts, total.Currency)
	if off.Minor > total.Minor {
		return total, fmt.Sprintf("%s off, as far as the total goes", off), nil
	}
	return off, fmt.Sprintf("%s off", off), nil
}

// percent writes basis points as a percentage without needless zeros: 1500 → "15", 825 → "8.25".
func percent(bp int64) string {
	s := fmt.Sprintf("%d.%02d", bp/100, bp%100)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func in(as []money.Amount, c money.Currency) (money.Amount, bool) {
	if i := slices.IndexFunc(as, func(a money.Amount) bool { return a.Currency == c }); i >= 0 {
		return as[i], true
	}
	return money.Amount{}, false
}

func has(as []money.Amount, c money.Currency) bool {
	_, ok := in(as, c)
	return ok
}
