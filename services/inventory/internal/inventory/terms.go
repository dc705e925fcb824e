package inventory

import (
	"fmt"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
)

// The kinds of a part of an order: from the shelf, or owed.
const (
	FromStock = "stock"
	Backorder = "backorder"
	Preorder  = "preorder"
)

// Terms say how much of what lies at a location is for sale, and how much may be owed beyond it.
//
//	before ReleaseAt   nothing is taken from the shelf; up to Preorder pieces are owed
//	from then on       what lies there less Safety and what is owed; when that is gone, up to Backorder pieces are owed
type Terms struct {
	Safety    int64     // pieces that stay on the shelf
	Backorder int64     // the most that may be owed
	ShipsAt   time.Time // of backorders; zero: not known
	Preorder  int64     // the most that may be owed before ReleaseAt
	ReleaseAt time.Time // zero: released
}

// TermsLine are the terms of a SKU at a location.
type TermsLine struct {
	Place
	Terms
}

// CheckTerms reports all faults of the lines at once.
func CheckTerms(lines []TermsLine) error {
	var c fault.Collector
	c.Check(len(lines) >= 1 && len(lines) <= MaxBooking, "body.lines", fmt.Sprintf("must have 1 to %d entries", MaxBooking), len(lines))
	seen := make(map[Place]bool, len(lines))
	for i, l := range lines {
		at := fmt.Sprintf("body.lines[%d]", i)
		c.Check(ValidSKU(l.SKU), at+".sku", "must be 1 to 64 letters, digits, . _ or -", l.SKU)
		c.Check(!seen[l.Place], at, "stands twice: same SKU and location", l.SKU)
		seen[l.Place] = true
		for _, n := range []struct {
			name  string
			value int64
		}{{"safety_stock", l.Safety}, {"backorder_limit", l.Backorder}, {"preorder_limit", l.Preorder}} {
			c.Check(n.value >= 0 && n.value <= MaxStock, at+"."+n.name, fmt.Sprintf("must be from 0 to %d", int64(MaxStock)), n.value)
		}
		c.Check(l.Backorder > 0 || l.ShipsAt.IsZero(), at+".backorder_ships_at", "needs a backorder_limit", nil)
		c.Check((l.Preorder > 0) == !l.ReleaseAt.IsZero(), at+".release_at", "goes with a preorder_limit", nil)
	}
	return c.Err()
}

// ErrBelowOwed refuses terms that allow less than is owed already; its member "lines" names the places with what is owed there.
var ErrBelowOwed = fault.New(fault.Conflict, "below-owed", "Orders are owed more than that. Cancel or fill them first.")

// Owing refuses terms below what the levels owe.
func Owing(lines []TermsLine, levels map[Place]Level) error {
	var below []map[string]any
	for _, l := range lines {
		if owed := levels[l.Place].Owed; owed > l.Backorder+l.Preorder {
			below = append(below, map[string]any{"sku": l.SKU, "location_id": l.LocationID, "owed": owed})
		}
	}
	if len(below) > 0 {
		return ErrBelowOwed.With("lines", below)
	}
	return nil
}

func (l Level) released(now time.Time) bool { return !l.ReleaseAt.After(now) }

// Stock is what can be sold from the shelf. What is owed comes before it, and safety stock stays; what has expired is not for
// sale.
func (l Level) Stock(now time.Time) int64 {
	if !l.released(now) {
		return 0
	}
	return max(l.OnHand-l.Allocated-l.Safety-l.Owed-l.expired(now), 0)
}

// Promise is what can be sold beyond the shelf.
func (l Level) Promise(now time.Time) int64 {
	limit := l.Backorder
	if !l.released(now) {
		limit = l.Preorder
	}
	return max(limit-l.Owed, 0)
}

// Free is what can be sold.
func (l Level) Free(now time.Time) int64 { return l.Stock(now) + l.Promise(now) }

// promised is a part that the location will owe.
func (l Level) promised(quantity int64, now time.Time) Part {
	p := Part{LocationID: l.LocationID, Quantity: quantity, Kind: Backorder, ShipsAt: l.ShipsAt}
	if !l.released(now) {
		p.Kind, p.ShipsAt = Preorder, l.ReleaseAt
	}
	return p
}

// Debt is a part of a living allocation that its place owes.
type Debt struct {
	Place
	AllocationID, Owner, LineID string
	Line, Part                  int // where the part stands
	Quantity                    int64
}

// Fill serves debts of the place from its shelf, in their order, and returns what each gets. Safety stock stays.
func (l Level) Fill(debts []Debt, now time.Time) []int64 {
	got := make([]int64, len(debts))
	if !l.released(now) {
		return got
	}
	left := max(l.OnHand-l.Allocated-l.Safety-l.expired(now), 0)
	for i, d := range debts {
		got[i] = min(left, d.Quantity)
		left -= got[i]
	}
	return got
}
