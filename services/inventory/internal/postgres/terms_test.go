package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

func terms(t testing.TB, s *Store, sku, location string, terms inventory.Terms) {
	t.Helper()
	do(t, s.PutTerms(t.Context(), []inventory.TermsLine{{Place: inventory.Place{SKU: sku, LocationID: location}, Terms: terms}}, by))
}

func parts(t testing.TB, s *Store, id string) (all []inventory.Part) {
	t.Helper()
	a, err := s.Allocation(t.Context(), id)
	do(t, err)
	for _, l := range a.Lines {
		all = append(all, l.Parts...)
	}
	return all
}

// What the statements say can be sold is what the core says, whatever the terms; and a hold sees the same.
func TestSellableIsThatOfTheCore(t *testing.T) {
	t.Parallel()
	s, _ := empty(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		sku := fmt.Sprint("sku", n)
		draw := func(name string) int64 { return rapid.Int64Range(0, 9).Draw(rt, name) }
		var stockWant, promiseWant int64
		for _, location := range []string{"east", "west"} {
			l := inventory.Level{OnHand: draw("on hand"), Terms: inventory.Terms{Safety: draw("safety"), Backorder: draw("backorder")}}
			if rapid.Bool().Draw(rt, "preorder") {
				l.Preorder, l.ReleaseAt = 1+draw("preorder"), noon.Add(time.Duration(rapid.IntRange(-1, 1).Draw(rt, "release"))*time.Minute)
			}
			if l.OnHand > 0 {
				receive(t, s, sku, location, l.OnHand)
			}
			terms(t, s, sku, location, l.Terms)
			stockWant += l.Stock(noon)
			promiseWant += l.Promise(noon)
		}
		got := stock(t, s, sku, noon)
		if got.Stock != stockWant || got.Promise != promiseWant {
			rt.Fatalf("%+v, want %d and %d", got, stockWant, promiseWant)
		}
		if o := hold(t, s, sku, "c", stockWant+promiseWant+1); o.Held || o.Available != stockWant+promiseWant {
			rt.Fatalf("a hold of one too many: %+v, want %d", o, stockWant+promiseWant)
		}
	})
}

// What is owed is served by whatever brings goods: a receipt, a released order, a count, a place that is opened further.
func TestDebtsAreServedInTheirOrder(t *testing.T) {
	t.Parallel()
	s, pool := empty(t)
	receive(t, s, "mug", "east", 2)
	terms(t, s, "mug", "east", inventory.Terms{Backorder: 10, ShipsAt: soon})
	for i, quantity := range []int64{2, 3, 4} {
		_, err := s.Allocate(t.Context(), order(fmt.Sprint("o-", i), "c", line("mug", quantity)), app.Change{Actor: "test", At: noon.Add(time.Duration(i) * time.Second)})
		do(t, err)
	}
	shelf, owed := inventory.Part{LocationID: "east", Kind: inventory.FromStock}, inventory.Part{LocationID: "east", Kind: inventory.Backorder, ShipsAt: soon}
	part := func(p inventory.Part, q int64) inventory.Part { p.Quantity = q; return p }
	want(t, "all owed", parts(t, s, "o-1"), []inventory.Part{part(owed, 3)})
	receive(t, s, "mug", "east", 1)
	want(t, "in part", parts(t, s, "o-1"), []inventory.Part{part(owed, 2), part(shelf, 1)})
	_, err := s.Release(t.Context(), "o-0", by) // its two pieces go to the next
	do(t, err)
	want(t, "whole", parts(t, s, "o-1"), []inventory.Part{part(shelf, 2), part(shelf, 1)})
	want(t, "the later one waits", parts(t, s, "o-2"), []inventory.Part{part(owed, 4)})
	_, _, err = s.Book(t.Context(), inventory.Booking{Kind: inventory.KindCount, Reference: "found",
		Lines: []inventory.BookingLine{{Place: inventory.Place{SKU: "mug", LocationID: "east"}, Quantity: 20}}}, by, idem.Key{})
	do(t, err)
	want(t, "counted", parts(t, s, "o-2"), []inventory.Part{part(shelf, 4)})
	want(t, "level", stock(t, s, "mug", noon), inventory.Available{SKU: "mug", OnHand: 20, Allocated: 7, Stock: 13, Promise: 10, ShipsAt: soon})
	var told []string
	for _, e := range events[inventoryapi.BackorderFilledV1](t, pool, inventoryapi.TypeBackorderFilledV1) {
		told = append(told, fmt.Sprint(e.AllocationID, " ", e.Quantity, " ", e.Sequence))
	}
	want(t, "told", told, []string{"o-1 1 1", "o-1 2 2", "o-2 4 1"})
	_, err = s.Release(t.Context(), "o-1", by)
	do(t, err)
	want(t, "given back", stock(t, s, "mug", noon).Allocated, int64(4))
}

// A preorder is owed until the release, whatever lies there; then the sweep serves it and others are told.
func TestRelease(t *testing.T) {
	t.Parallel()
	s, pool := empty(t)
	terms(t, s, "book", "east", inventory.Terms{Preorder: 3, ReleaseAt: soon, Safety: 1})
	receive(t, s, "book", "east", 3)
	do(t, s.AnnounceLevels(t.Context(), noon, time.Second))
	_, err := s.Allocate(t.Context(), order("o-1", "c", line("book", 3)), by)
	do(t, err)
	_, err = s.Allocate(t.Context(), order("o-2", "d", line("book", 1)), by)
	if !errors.Is(err, inventory.ErrOutOfStock) {
		t.Errorf("above the cap: %v", err)
	}
	at := soon.Add(-time.Second)
	sweeper := &app.Sweeper{Store: s, Now: func() time.Time { return at }}
	do(t, sweeper.Sweep(t.Context()))
	want(t, "before", parts(t, s, "o-1"), []inventory.Part{{LocationID: "east", Quantity: 3, Kind: inventory.Preorder, ShipsAt: soon}})
	do(t, s.AnnounceLevels(t.Context(), at, time.Second))
	at = soon
	do(t, sweeper.Sweep(t.Context()))
	want(t, "after, safety stock stays", parts(t, s, "o-1"), []inventory.Part{{LocationID: "east", Quantity: 1, Kind: inventory.Preorder, ShipsAt: soon},
		{LocationID: "east", Quantity: 2, Kind: inventory.FromStock}})
	do(t, s.AnnounceLevels(t.Context(), at.Add(time.Second), time.Second))
	var told []string
	for _, e := range events[inventoryapi.LevelChangedV1](t, pool, inventoryapi.TypeLevelChangedV1) {
		told = append(told, fmt.Sprint(e.Status, " ", e.Available, " ", e.Owed))
	}
	want(t, "told", told, []string{"preorder 3 0", "out_of_stock 0 3", "out_of_stock 0 1"})
}

// Little is told once, until there is enough again; and what was gone is told when it is back, also when it is only owed.
func TestLowAndBackInStock(t *testing.T) {
	t.Parallel()
	s, pool := empty(t)
	do(t, s.PutRule(t.Context(), "mug", app.Rule{LowAt: 3, LowUntil: 6}, by))
	at := noon
	var orders int
	step := func(change func()) string {
		t.Helper()
		change()
		at = at.Add(2 * time.Second)
		do(t, s.AnnounceLevels(t.Context(), at, time.Second))
		rows, err := pool.Query(t.Context(), `WITH told AS (DELETE FROM outbox RETURNING position, type, data)
			SELECT replace(type, 'inventory.', '') || CASE WHEN type LIKE '%level_changed%' THEN ' ' || (data->>'status') ELSE '' END FROM told ORDER BY position`)
		do(t, err)
		all, err := pgx.CollectRows(rows, pgx.RowTo[string])
		do(t, err)
		return strings.Join(all, ", ")
	}
	take := func(n int64) func() {
		return func() {
			orders++
			_, err := s.Allocate(t.Context(), order(fmt.Sprint("o-", orders), "c", line("mug", n)), by)
			do(t, err)
		}
	}
	bring := func(n int64) func() { return func() { receive(t, s, "mug", "east", n) } }
	for i, tc := range []struct {
		change func()
		want   string
	}{
		{bring(10), "level_changed.v1 in_stock"},
		{take(6), "level_changed.v1 in_stock"},
		{take(1), "low_stock.v1, level_changed.v1 low_stock"},
		{take(1), "level_changed.v1 low_stock"},
		{bring(3), "level_changed.v1 low_stock"}, // 5: not enough yet
		{bring(1), "level_changed.v1 in_stock"},
		{take(6), "low_stock.v1, level_changed.v1 out_of_stock"},
		{bring(1), "back_in_stock.v1, level_changed.v1 low_stock"},
		{take(1), "level_changed.v1 out_of_stock"},
		{func() { terms(t, s, "mug", "east", inventory.Terms{Backorder: 1}) }, "back_in_stock.v1, level_changed.v1 backorder"},
		{func() { do(t, s.PutRule(t.Context(), "mug", app.Rule{LowAt: 0, LowUntil: 1}, by)) }, ""},
	} {
		if got := step(tc.change); got != tc.want {
			t.Errorf("step %d: %q, want %q", i, got, tc.want)
		}
	}
}

// Orders, releases, receipts and changed terms at once: nobody is promised more than the terms allow, nothing is lost.
func TestDebtsUnderFire(t *testing.T) {
	t.Parallel()
	s, pool := empty(t)
	terms(t, s, "mug", "east", inventory.Terms{Backorder: 20})
	receive(t, s, "mug", "east", 10)
	other := replica(pool)
	for i, err := range testkit.Race(120, func(i int) error {
		store, id := s, fmt.Sprint("o-", i)
		if i%2 == 0 {
			store = other
		}
		switch i % 6 {
		case 4:
			_, _, err := store.Book(t.Context(), inventory.Booking{Kind: inventory.KindReceive, Reference: id,
				Lines: []inventory.BookingLine{{Place: inventory.Place{SKU: "mug", LocationID: "east"}, Quantity: 1}}}, by, idem.Key{})
			return err
		case 5:
			return store.PutTerms(t.Context(), []inventory.TermsLine{{Place: inventory.Place{SKU: "mug", LocationID: "east"}, Terms: inventory.Terms{Backorder: 20, Safety: int64(i % 2)}}}, by)
		}
		_, err := store.Allocate(t.Context(), order(id, "c", line("mug", 1)), by)
		if err == nil && i%3 == 0 {
			_, err = store.Release(t.Context(), id, by)
		}
		if errors.Is(err, inventory.ErrOutOfStock) {
			return nil
		}
		return err
	}) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	var owed, free int64
	do(t, pool.QueryRow(context.Background(), `SELECT owed, on_hand - allocated - safety_stock FROM stock_levels WHERE sku = 'mug'`).Scan(&owed, &free))
	if owed > 20 || owed > 0 && free > 0 {
		t.Errorf("%d owed while %d lie there", owed, free)
	}
}
