package inventory

import (
	"regexp"
	"time"
)

// Lot is pieces of a level that bear a number and a last day.
type Lot struct {
	Name              string
	ExpiresOn         time.Time // midnight UTC of the last day on which it is sold
	OnHand, Allocated int64
}

// Mark says which pieces of a place are meant: those of a lot, or those of none. ExpiresOn is given where a lot may be new.
type Mark struct {
	Lot       string
	ExpiresOn time.Time
}

var lotForm = regexp.MustCompile(`^[A-Za-z0-9._/-]{1,64}$`)

// ValidLot says whether a lot can exist.
func ValidLot(s string) bool { return lotForm.MatchString(s) }

// Expired reports whether a lot's last day is over, in UTC.
func (l Lot) Expired(now time.Time) bool { return !now.Before(l.ExpiresOn.AddDate(0, 0, 1)) }

func (l Lot) free() int64 { return l.OnHand - l.Allocated }

// expired is what of the level nobody may buy any more, and no order has taken.
func (l Level) expired(now time.Time) (n int64) {
	for _, lot := range l.Lots {
		if lot.Expired(now) {
			n += lot.free()
		}
	}
	return n
}

// bin is what is meant by a mark, as if it were the whole level: a lot, or what is in none. ok: there is such a lot.
func (l Level) bin(lot string) (bin Lot, ok bool) {
	loose := Lot{OnHand: l.OnHand, Allocated: l.Allocated}
	for _, one := range l.Lots {
		if one.Name == lot {
			return one, true
		}
		loose.OnHand -= one.OnHand
		loose.Allocated -= one.Allocated
	}
	return loose, lot == ""
}

// Take takes from the shelf what Stock says is there: the lot that expires first comes first, an expired one never, and what is in no lot
// last. Lots are in that order.
func (l *Level) Take(quantity int64, now time.Time) (parts []Part) {
	l.Allocated += quantity
	for i := range l.Lots {
		lot := &l.Lots[i]
		if q := min(quantity, lot.free()); q > 0 && !lot.Expired(now) {
			lot.Allocated += q
			quantity -= q
			parts = append(parts, Part{LocationID: l.LocationID, Quantity: q, Kind: FromStock, Lot: lot.Name})
		}
	}
	if quantity > 0 {
		parts = append(parts, Part{LocationID: l.LocationID, Quantity: quantity, Kind: FromStock})
	}
	return parts
}
