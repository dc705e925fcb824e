package inventory

import (
	"slices"
	"time"
)

// The states of an allocation.
//
//	(none) ──allocate──▶ allocated ──release──▶ released
//	(none) ──release───▶ released             an allocate that comes late is refused
const (
	Allocated = "allocated"
	Released  = "released"
)

// Order is what an allocation is asked for.
type Order struct {
	ID       string // of the allocation
	Owner    string // whose holds become taken
	Customer string // whose limits count; "" for nobody's
	Limited  bool   // some of the SKUs may have limits
	To       Destination
	Nearest  bool // what is nearer comes before lower priority
	Lines    []OrderLine
}

// OrderLine is a quantity of a SKU; several lines may name one SKU.
type OrderLine struct {
	ID, SKU  string
	Quantity int64
}

// Allocation tells where each line comes from.
type Allocation struct {
	ID, Owner  string
	Status     string
	ReleasedAt time.Time // zero unless released
	Lines      []AllocatedLine
}

// AllocatedLine is a line with its parts; Σ parts = Quantity.
type AllocatedLine struct {
	OrderLine
	Parts []Part
}

// Part is a quantity at one location: taken from its shelf, or owed by it until ShipsAt or longer.
type Part struct {
	LocationID string
	Quantity   int64
	Kind       string
	ShipsAt    time.Time // zero: at once, or not known
	Lot        string    // of what was taken; "": of none
}

// SKUs returns what the order names, sorted, each once.
func (o Order) SKUs() []string {
	all := make([]string, len(o.Lines))
	for i, l := range o.Lines {
		all[i] = l.SKU
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Split spreads the lines over the levels, all or nothing: what lies on shelves first, then what may be owed, at the
// locations in the order of route. When anything is missing, every SKU that
// is short is named and nothing is taken.
func (o Order) Split(levels []Level, now time.Time) ([]AllocatedLine, []Shortage) {
	free := map[string][]Level{}
	for _, l := range levels {
		if l.Free(now) > 0 {
			l.Lots = slices.Clone(l.Lots) // taking changes them
			free[l.SKU] = append(free[l.SKU], l)
		}
	}
	if short := o.shortages(free, now); len(short) > 0 {
		return nil, short
	}
	for _, at := range free {
		o.route(at, now)
	}
	lines := make([]AllocatedLine, len(o.Lines))
	for i, line := range o.Lines { // the sums were compared: there is enough for each
		lines[i] = AllocatedLine{OrderLine: line, Parts: parts(free[line.SKU], line.Quantity, now)}
	}
	return lines, nil
}

// parts takes a quantity from levels, and off them.
func parts(levels []Level, rest int64, now time.Time) (parts []Part) {
	for i := range levels {
		if q := min(rest, levels[i].Stock(now)); q > 0 {
			rest -= q
			parts = append(parts, levels[i].Take(q, now)...)
		}
	}
	for i := range levels {
		if q := min(rest, levels[i].Promise(now)); q > 0 {
			levels[i].Owed += q
			rest -= q
			parts = append(parts, levels[i].promised(q, now))
		}
	}
	return parts
}

// shortages sums the lines of each SKU first.
func (o Order) shortages(free map[string][]Level, now time.Time) (short []Shortage) {
	asked := o.Asked()
	for _, sku := range o.SKUs() {
		var have int64
		for _, l := range free[sku] {
			have += l.Free(now)
		}
		if have < asked[sku] {
			short = append(short, Shortage{SKU: sku, Requested: asked[sku], Available: have})
		}
	}
	return short
}

// Same says whether the allocation was made for the lines of the order.
func (a Allocation) Same(o Order) bool {
	if a.Owner != o.Owner || len(a.Lines) != len(o.Lines) {
		return false
	}
	for i, l := range a.Lines {
		if l.OrderLine != o.Lines[i] {
			return false
		}
	}
	return true
}
