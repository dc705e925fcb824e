package inventory

import (
	"slices"
	"time"
)

// Revision is what an allocation becomes when its order is edited: the lines as they are then, and what is taken and given back for it.
type Revision struct {
	Lines        []AllocatedLine
	Taken, Given []AllocatedLine
}

// Revise makes an allocation that of the lines of o, by the difference alone: what a line has more is taken as for a new order, all or
// nothing; what it has less is given back as it was taken, what is owed before what lies on a shelf, what was taken last first. What is
// given back is not taken again in the same revision.
func (a Allocation) Revise(o Order, levels []Level, now time.Time) (r Revision, short []Shortage) {
	had := map[string]AllocatedLine{}
	for _, l := range a.Lines {
		had[l.ID] = l
	}
	more := o.More(a)
	taken, short := more.Split(levels, now)
	if len(short) > 0 {
		return r, short
	}
	extra := map[string][]Part{}
	for _, l := range taken {
		extra[l.ID] = l.Parts
	}
	for _, l := range o.Lines {
		parts := slices.Clone(had[l.ID].Parts)
		if less := had[l.ID].Quantity - l.Quantity; less > 0 {
			var back []Part
			parts, back = giveBack(parts, less)
			r.Given = append(r.Given, AllocatedLine{OrderLine: OrderLine{ID: l.ID, SKU: l.SKU, Quantity: less}, Parts: back})
		}
		r.Lines = append(r.Lines, AllocatedLine{OrderLine: l, Parts: append(parts, extra[l.ID]...)})
		delete(had, l.ID)
	}
	for _, l := range a.Lines { // in their order
		if _, gone := had[l.ID]; gone {
			r.Given = append(r.Given, l)
		}
	}
	r.Taken = taken
	return r, nil
}

// More is what an order has more than an allocation.
func (o Order) More(a Allocation) Order {
	had := map[string]int64{}
	for _, l := range a.Lines {
		had[l.ID] = l.Quantity
	}
	more := o
	more.Lines = nil
	for _, l := range o.Lines {
		if l.Quantity -= had[l.ID]; l.Quantity > 0 {
			more.Lines = append(more.Lines, l)
		}
	}
	return more
}

// giveBack splits parts into what stays and what goes back.
func giveBack(parts []Part, less int64) (stay, back []Part) {
	for _, owed := range []bool{true, false} {
		for i := len(parts) - 1; i >= 0; i-- {
			p := &parts[i]
			q := min(less, p.Quantity)
			if q == 0 || (p.Kind != FromStock) != owed {
				continue
			}
			gone := *p
			gone.Quantity = q
			back = append(back, gone)
			p.Quantity -= q
			less -= q
		}
	}
	return slices.DeleteFunc(parts, func(p Part) bool { return p.Quantity == 0 }), back
}
