package inventory

import "time"

// Change sets what one owner holds of the SKU of the turn, whatever it held before. Quantity 0 releases. Doing it twice is
// doing it once.
type Change struct {
	Owner     string
	Quantity  int64
	ExpiresAt time.Time
}

// Outcome of a Change. Available is what the owner could have had: what is free and what it holds already.
type Outcome struct {
	Held      bool
	Available int64
}

// Shelf is a SKU at the beginning of a turn, without the holds that were taken or have expired.
type Shelf struct {
	Sellable int64           // on hand − allocated; may be below Held when goods were written off
	Held     int64           // by all owners
	Own      map[string]Hold // what the owners of the turn's changes hold, by owner
}

// Turn is what a turn writes.
type Turn struct {
	Outcomes []Outcome // one per change
	Put      []Hold    // made or changed
	Gone     []string  // owners whose hold is released
	Held     int64     // by all owners afterwards
}

// Decide applies changes one after the other. A change that asks for no more than its owner holds always succeeds, so that
// renewing and shrinking never fail; more is given when it is free, whole or not at all.
func (s Shelf) Decide(sku string, changes []Change) Turn {
	t := Turn{Outcomes: make([]Outcome, len(changes)), Held: s.Held}
	own := make(map[string]Hold, len(changes))
	touched := make([]string, 0, len(changes))
	for i, c := range changes {
		had, seen := own[c.Owner]
		if !seen {
			had = s.Own[c.Owner]
		}
		available := max(s.Sellable-t.Held, 0) + had.Quantity
		t.Outcomes[i] = Outcome{Held: c.Quantity <= available, Available: available}
		if !t.Outcomes[i].Held {
			continue
		}
		t.Held += c.Quantity - had.Quantity
		if !seen {
			touched = append(touched, c.Owner)
		}
		own[c.Owner] = Hold{Owner: c.Owner, SKU: sku, Quantity: c.Quantity, ExpiresAt: c.ExpiresAt}
	}
	for _, owner := range touched {
		before, held := s.Own[owner]
		switch after := own[owner]; {
		case after.Quantity == 0 && held:
			t.Gone = append(t.Gone, owner)
		case after.Quantity > 0 && (!held || after.Quantity != before.Quantity || !after.ExpiresAt.Equal(before.ExpiresAt)):
			t.Put = append(t.Put, after)
		}
	}
	return t
}
