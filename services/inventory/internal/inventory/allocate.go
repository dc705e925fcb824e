package inventory

import (
	"cmp"
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
	ID      string // of the allocation
	Owner   string // whose holds become taken
	Country string // preferred; "" for none
	Lines   []OrderLine
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

// Part is a quantity at one location.
type Part struct {
	LocationID string
	Quantity   int64
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

// Split spreads the lines over the levels, all or nothing. Locations in the order's country come first, then those of lower
// priority, then those with more stock. When anything is missing, every SKU that is short is named and nothing is taken.
func (o Order) Split(levels []Level) ([]AllocatedLine, []Shortage) {
	free := map[string][]Level{}
	for _, l := range levels {
		if l.Free() > 0 {
			free[l.SKU] = append(free[l.SKU], l)
		}
	}
	if short := o.shortages(free); len(short) > 0 {
		return nil, short
	}
	for _, at := range free {
		slices.SortFunc(at, func(a, b Level) int {
			return cmp.Or(-cmp.Compare(o.near(a), o.near(b)), cmp.Compare(a.Priority, b.Priority), -cmp.Compare(a.Free(), b.Free()), cmp.Compare(a.LocationID, b.LocationID))
		})
	}
	lines := make([]AllocatedLine, len(o.Lines))
	for i, line := range o.Lines {
		lines[i].OrderLine = line
		at, rest := free[line.SKU], line.Quantity
		for rest > 0 { // the sums were compared: it ends before the levels do
			if at[0].Free() == 0 {
				at = at[1:]
				continue
			}
			q := min(rest, at[0].Free())
			at[0].Allocated += q
			rest -= q
			lines[i].Parts = append(lines[i].Parts, Part{LocationID: at[0].LocationID, Quantity: q})
		}
		free[line.SKU] = at
	}
	return lines, nil
}

func (o Order) near(l Level) int {
	if o.Country != "" && l.Country == o.Country {
		return 1
	}
	return 0
}

// shortages sums the lines of each SKU first.
func (o Order) shortages(free map[string][]Level) (short []Shortage) {
	asked := map[string]int64{}
	for _, l := range o.Lines {
		asked[l.SKU] += l.Quantity
	}
	for _, sku := range o.SKUs() {
		var have int64
		for _, l := range free[sku] {
			have += l.Free()
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
