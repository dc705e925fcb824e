package postgres

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// An edited order takes and gives back the difference alone, once per edition, whatever is repeated or comes late.
func TestRevise(t *testing.T) {
	t.Parallel()
	s, pool := empty(t)
	receive(t, s, "mug", "east", 5)
	receive(t, s, "mug", "west", 5)
	receive(t, s, "cap", "east", 2)
	_, err := s.Allocate(t.Context(), order("o-1", "c", line("mug", 6)), by)
	do(t, err)
	edit := func(edition int64, lines ...inventory.OrderLine) (inventory.Allocation, error) {
		return s.Revise(t.Context(), order("o-1", "", lines...), edition, by)
	}
	a, err := edit(1, line("mug", 7), line("cap", 2))
	do(t, err)
	want(t, "more", a.Lines, []inventory.AllocatedLine{
		{OrderLine: inventory.OrderLine{ID: "0", SKU: "mug", Quantity: 7}, Parts: []inventory.Part{{LocationID: "east", Quantity: 5, Kind: "stock"}, {LocationID: "west", Quantity: 1, Kind: "stock"}, {LocationID: "west", Quantity: 1, Kind: "stock"}}},
		{OrderLine: inventory.OrderLine{ID: "1", SKU: "cap", Quantity: 2}, Parts: []inventory.Part{{LocationID: "east", Quantity: 2, Kind: "stock"}}}})
	again, err := edit(1, line("mug", 9))
	do(t, err)
	want(t, "the same edition again", again, a)
	if _, err := edit(2, line("mug", 11)); !errors.Is(err, inventory.ErrOutOfStock) {
		t.Errorf("more than there is: %v", err)
	}
	if _, err := edit(2, line("cap", 1)); !errors.Is(err, app.ErrDiffers) {
		t.Errorf("another SKU in a line: %v", err)
	}
	want(t, "nothing of it", stock(t, s, "mug", noon).Allocated, 7)
	a, err = edit(3, line("mug", 1))
	do(t, err)
	want(t, "less", a.Lines, []inventory.AllocatedLine{{OrderLine: inventory.OrderLine{ID: "0", SKU: "mug", Quantity: 1}, Parts: []inventory.Part{{LocationID: "east", Quantity: 1, Kind: "stock"}}}})
	want(t, "mugs", stock(t, s, "mug", noon).Allocated, 1)
	want(t, "caps", stock(t, s, "cap", noon).Allocated, 0)
	if _, err := edit(2, line("mug", 5)); !errors.Is(err, app.ErrEdition) {
		t.Errorf("one that comes late: %v", err)
	}
	if _, err := s.Revise(t.Context(), order("nobody", "", line("mug", 1)), 1, by); !errors.Is(err, app.ErrNoAllocation) {
		t.Errorf("of nobody: %v", err)
	}
	_, err = s.Release(t.Context(), "o-1", by)
	do(t, err)
	a, err = edit(4, line("mug", 5))
	do(t, err)
	want(t, "released", a.Status, inventory.Released)
	want(t, "all back", stock(t, s, "mug", noon).Allocated, 0)
	var moved int64
	do(t, pool.QueryRow(t.Context(), `SELECT sum(allocated_delta) FROM stock_ledger WHERE reference = 'o-1'`).Scan(&moved))
	want(t, "the ledger", moved, 0)
}

// What is owed goes back before what lies on a shelf, and what it frees serves the next in line.
func TestReviseOwed(t *testing.T) {
	t.Parallel()
	s, _ := empty(t)
	receive(t, s, "mug", "east", 3)
	terms(t, s, "mug", "east", inventory.Terms{Backorder: 5})
	_, err := s.Allocate(t.Context(), order("o-1", "c", line("mug", 5)), by)
	do(t, err)
	_, err = s.Allocate(t.Context(), order("o-2", "d", line("mug", 1)), by)
	do(t, err)
	a, err := s.Revise(t.Context(), order("o-1", "", line("mug", 4)), 1, by)
	do(t, err)
	want(t, "one owed less", a.Lines[0].Parts, []inventory.Part{{LocationID: "east", Quantity: 3, Kind: "stock"}, {LocationID: "east", Quantity: 1, Kind: "backorder"}})
	a, err = s.Revise(t.Context(), order("o-1", "", line("mug", 2)), 2, by)
	do(t, err)
	want(t, "from the shelf", a.Lines[0].Parts, []inventory.Part{{LocationID: "east", Quantity: 2, Kind: "stock"}})
	want(t, "the next in line", parts(t, s, "o-2"), []inventory.Part{{LocationID: "east", Quantity: 1, Kind: "stock"}})
}

// Lots are given back as they were taken.
func TestReviseLots(t *testing.T) {
	t.Parallel()
	s, _ := dated(t)
	_, err := s.Allocate(t.Context(), order("o-1", "c", line("milk", 5)), by)
	do(t, err)
	a, err := s.Revise(t.Context(), order("o-1", "", line("milk", 2)), 1, by)
	do(t, err)
	want(t, "left", a.Lines[0].Parts, []inventory.Part{{LocationID: "east", Quantity: 2, Kind: "stock", Lot: "soon"}})
	want(t, "lots", lots(t, s), "east 2/14 soon 2/4 mid 0/4 late 0/4; ")
}

// Editions, releases and other orders side by side: nothing is taken twice, and no late edition undoes a later one.
func TestRevisionsRace(t *testing.T) {
	t.Parallel()
	s, pool := empty(t)
	replicas := []*Store{s, replica(pool)}
	receive(t, s, "mug", "east", 20)
	receive(t, s, "cap", "west", 20)
	_, err := s.Allocate(t.Context(), order("o-1", "c", line("mug", 1)), by)
	do(t, err)
	for _, err := range testkit.Race(40, func(i int) error {
		lines := []inventory.OrderLine{line("mug", int64(i/4+1))}
		if i%8 == 7 {
			lines = append(lines, line("cap", 1))
		}
		_, err := replicas[i%2].Revise(t.Context(), order("o-1", "", lines...), int64(i/4+1), app.Change{Actor: "test", At: noon.Add(time.Duration(i))})
		if errors.Is(err, app.ErrEdition) {
			return nil
		}
		return err
	}) {
		if err != nil && fault.CodeOf(err) != "busy" {
			do(t, err)
		}
	}
	a, err := s.Allocation(t.Context(), "o-1")
	do(t, err)
	want(t, "the last edition", a.Lines[0].Quantity, 10)
	want(t, "taken", fmt.Sprint(stock(t, s, "mug", noon).Allocated), "10")
}
