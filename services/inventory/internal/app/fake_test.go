package app_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

var (
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	soon = noon.Add(15 * time.Minute)
)

func clock() time.Time { return noon }

// shelves is a stock in memory: the naive store of turns.
type shelves struct {
	mu       sync.Mutex
	sellable map[string]int64
	holds    map[string]inventory.Hold // by id
	turns    int
	largest  int // changes in one turn
}

func newShelves(sellable map[string]int64) *shelves {
	return &shelves{sellable: sellable, holds: map[string]inventory.Hold{}}
}

func (s *shelves) Turn(_ context.Context, sku string, changes []inventory.Change) ([]inventory.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turns++
	s.largest = max(s.largest, len(changes))
	shelf := inventory.Shelf{Sellable: s.sellable[sku], Own: map[string]inventory.Hold{}}
	for _, h := range s.holds {
		if h.SKU == sku {
			shelf.Held += h.Quantity
			shelf.Own[h.Owner] = h
		}
	}
	turn := shelf.Decide(sku, changes)
	for _, h := range turn.Put {
		s.holds[h.ID()] = h
	}
	for _, owner := range turn.Gone {
		delete(s.holds, inventory.HoldID(owner, sku))
	}
	return turn.Outcomes, nil
}

func (s *shelves) HoldsOf(_ context.Context, owner string, now time.Time) (all []inventory.Hold, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.holds {
		if h.Owner == owner && h.ExpiresAt.After(now) {
			all = append(all, h)
		}
	}
	slices.SortFunc(all, func(a, b inventory.Hold) int { return slices.Compare([]byte(a.SKU), []byte(b.SKU)) })
	return all, nil
}

func (s *shelves) held(sku string) (sum int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.holds {
		if h.SKU == sku {
			sum += h.Quantity
		}
	}
	return sum
}

// faultyDoor lies: a turn that failed may have run.
type faultyDoor struct {
	*shelves
	faults *testkit.Faults
}

func (d faultyDoor) Turn(ctx context.Context, sku string, changes []inventory.Change) ([]inventory.Outcome, error) {
	return testkit.Inject(ctx, d.faults, "Turn", func() ([]inventory.Outcome, error) { return d.shelves.Turn(ctx, sku, changes) })
}
