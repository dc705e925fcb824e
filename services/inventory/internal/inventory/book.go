package inventory

import (
	"fmt"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
)

// The kinds of bookings, and of ledger entries beside KindAllocate, KindRelease and KindFill, which serves what was owed.
const (
	KindReceive  = "receive"
	KindAdjust   = "adjust"
	KindCount    = "count"
	KindAllocate = "allocate"
	KindRelease  = "release"
	KindFill     = "fill"
	KindExpire   = "expire"

	KindTransferOut = "transfer_out"
	KindTransferIn  = "transfer_in"
)

// Booking changes what is on hand, all lines or none.
type Booking struct {
	Kind, Reference, Reason string
	Lines                   []BookingLine
}

// BookingLine is a quantity: received, the difference, or the count, by the kind.
type BookingLine struct {
	Place
	Quantity int64
	Mark
}

// Place is a SKU at a location.
type Place struct{ SKU, LocationID string }

// Booked is the answer to a booking, the same each time it is repeated.
type Booked struct {
	Reference, Kind string
	Lines           int
	At              time.Time
	Variances       []Variance // of a count, one per line
}

// Variance is what was counted beside what should have been there.
type Variance struct {
	Place
	Expected, Counted int64
}

// VariancesOf are those of a count whose lines changed what is on hand by differences.
func (b Booking) VariancesOf(differences []int64) []Variance {
	if b.Kind != KindCount {
		return nil
	}
	all := make([]Variance, len(b.Lines))
	for i, l := range b.Lines {
		all[i] = Variance{Place: l.Place, Counted: l.Quantity, Expected: l.Quantity - differences[i]}
	}
	return all
}

// ErrBelowAllocated refuses a booking that leaves less than orders have taken; its member "lines" names
// the places with what is on hand there and what of it is allocated.
var ErrBelowAllocated = fault.New(fault.Conflict, "below-allocated", "Orders have taken more than would be left. Release or ship them first.")

// Check reports all faults of a booking at once.
func (b Booking) Check() error {
	var c fault.Collector
	c.Check(b.Reference != "" && len(b.Reference) <= 100, "body.reference", "must have 1 to 100 bytes", nil)
	c.Check(b.Kind != KindAdjust || b.Reason != "", "body.reason", "says why, for a correction", nil)
	c.Check(len(b.Reason) <= 500, "body.reason", "must have at most 500 bytes", nil)
	c.Check(len(b.Lines) >= 1 && len(b.Lines) <= MaxBooking, "body.lines", fmt.Sprintf("must have 1 to %d entries", MaxBooking), len(b.Lines))
	seen := make(map[Place]bool, len(b.Lines))
	for i, l := range b.Lines {
		at := fmt.Sprintf("body.lines[%d]", i)
		c.Check(ValidSKU(l.SKU), at+".sku", "must be 1 to 64 letters, digits, . _ or -", l.SKU)
		c.Check(!seen[l.Place], at, "stands twice: same SKU and location", l.SKU)
		seen[l.Place] = true
		c.Check(l.Lot == "" || ValidLot(l.Lot), at+".lot", "must be 1 to 64 letters, digits, . _ / or -", l.Lot)
		c.Check((l.ExpiresOn.IsZero() || b.Kind == KindReceive) && (l.Lot != "" || l.ExpiresOn.IsZero()), at+".expires_on", "goes with a lot that is received", nil)
		switch b.Kind {
		case KindReceive:
			c.Check(l.Quantity >= 1 && l.Quantity <= MaxStock, at+".quantity", fmt.Sprintf("must be from 1 to %d", int64(MaxStock)), l.Quantity)
		case KindAdjust:
			c.Check(l.Quantity != 0 && l.Quantity >= -MaxStock && l.Quantity <= MaxStock, at+".quantity", fmt.Sprintf("must not be 0, and from -%d to %[1]d", int64(MaxStock)), l.Quantity)
		case KindCount:
			c.Check(l.Quantity >= 0 && l.Quantity <= MaxStock, at+".quantity", fmt.Sprintf("must be from 0 to %d", int64(MaxStock)), l.Quantity)
		}
	}
	return c.Err()
}

// Differences returns what each line adds to what is on hand, given the levels of the places (none: no stock). Where a
// level has lots, a line without one is of what is in none. A level would leave its bounds: ErrBelowAllocated, or validation-failed above MaxStock.
func (b Booking) Differences(levels map[Place]Level) ([]int64, error) {
	var c fault.Collector
	var below []map[string]any
	all := make([]int64, len(b.Lines))
	for i, l := range b.Lines {
		level := levels[l.Place]
		bin, known := level.bin(l.Lot)
		at := fmt.Sprintf("body.lines[%d]", i)
		c.Check(known || !l.ExpiresOn.IsZero(), at+".lot", "there is no such lot here: a receipt of a new one says when it expires", l.Lot)
		c.Check(!known || l.ExpiresOn.IsZero() || l.Lot == "" || l.ExpiresOn.Equal(bin.ExpiresOn), at+".expires_on", "is not that of the lot", nil)
		if !known {
			bin = Lot{}
		}
		if all[i] = l.Quantity; b.Kind == KindCount {
			all[i] -= bin.OnHand
		}
		after := bin.OnHand + all[i]
		c.Check(level.OnHand+all[i] <= MaxStock, fmt.Sprintf("body.lines[%d].quantity", i), fmt.Sprintf("would make more than %d", int64(MaxStock)), l.Quantity)
		if after < bin.Allocated {
			short := map[string]any{"sku": l.SKU, "location_id": l.LocationID, "on_hand": bin.OnHand, "allocated": bin.Allocated}
			if len(level.Lots) > 0 {
				short["lot"] = l.Lot
			}
			below = append(below, short)
		}
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	if len(below) > 0 {
		return nil, ErrBelowAllocated.With("lines", below)
	}
	return all, nil
}
