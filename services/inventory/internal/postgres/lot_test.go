package postgres

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// day is midnight of a day after the one on which everything happens.
func day(n int) time.Time { return by.At.Truncate(24*time.Hour).AddDate(0, 0, n) }

func book(t testing.TB, s *Store, kind, lot string, quantity int64, expires time.Time) error {
	t.Helper()
	_, _, err := s.Book(t.Context(), inventory.Booking{Kind: kind, Reference: fmt.Sprint(kind, lot, quantity, time.Now().UnixNano()), Reason: "test",
		Lines: []inventory.BookingLine{{Place: inventory.Place{SKU: "milk", LocationID: "east"}, Quantity: quantity, Mark: inventory.Mark{Lot: lot, ExpiresOn: expires}}}}, by, idem.Key{})
	return err
}

// dated is a store with milk of three lots in the east, four pieces each, and two of none; its books of lots are held at the end.
func dated(t testing.TB) (*Store, *pgxpool.Pool) {
	t.Helper()
	s, pool := empty(t)
	t.Cleanup(func() {
		var n int
		if err := pool.QueryRow(context.Background(), `SELECT count(*) FROM lot_faults`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d faults in the books of lots (%v)", n, err)
		}
	})
	receive(t, s, "milk", "east", 2)
	do(t, book(t, s, inventory.KindReceive, "late", 4, day(9)))
	do(t, book(t, s, inventory.KindReceive, "soon", 4, day(0)))
	do(t, book(t, s, inventory.KindReceive, "mid", 4, day(3)))
	return s, pool
}

// lots are those of the milk: what is on hand and what of it is allocated.
func lots(t testing.TB, s *Store) string {
	t.Helper()
	all, err := s.Levels(t.Context(), inventory.Place{SKU: "milk"}, inventory.Place{}, 10)
	do(t, err)
	out := ""
	for _, l := range all {
		out += fmt.Sprintf("%s %d/%d", l.LocationID, l.Allocated, l.OnHand)
		for _, lot := range l.Lots {
			out += fmt.Sprintf(" %s %d/%d", lot.Name, lot.Allocated, lot.OnHand)
		}
		out += "; "
	}
	return out
}

func TestLotsAreTakenAndGivenBack(t *testing.T) {
	t.Parallel()
	s, _ := dated(t)
	a, err := s.Allocate(t.Context(), order("o1", "c1", line("milk", 5)), by)
	do(t, err)
	want(t, "parts", a.Lines[0].Parts, []inventory.Part{{LocationID: "east", Quantity: 4, Kind: inventory.FromStock, Lot: "soon"}, {LocationID: "east", Quantity: 1, Kind: inventory.FromStock, Lot: "mid"}})
	again, err := s.Allocate(t.Context(), order("o1", "c1", line("milk", 5)), by)
	do(t, err)
	want(t, "again", again.Lines, a.Lines)
	want(t, "taken", lots(t, s), "east 5/14 soon 4/4 mid 1/4 late 0/4; ")
	b, err := s.Allocate(t.Context(), order("o2", "c2", line("milk", 9)), by)
	do(t, err)
	want(t, "parts of none", b.Lines[0].Parts[2], inventory.Part{LocationID: "east", Quantity: 2, Kind: inventory.FromStock})
	if _, err := s.Allocate(t.Context(), order("o3", "c3", line("milk", 1)), by); !errors.Is(err, inventory.ErrOutOfStock) {
		t.Errorf("more than there is: %v", err)
	}
	for range 2 {
		_, err = s.Release(t.Context(), "o1", by)
		do(t, err)
	}
	want(t, "given back", lots(t, s), "east 9/14 soon 0/4 mid 3/4 late 4/4; ")
	if err := book(t, s, inventory.KindCount, "mid", 2, time.Time{}); !errors.Is(err, inventory.ErrBelowAllocated) {
		t.Errorf("counted below what is taken: %v", err)
	}
	do(t, book(t, s, inventory.KindCount, "mid", 3, time.Time{}))
	do(t, book(t, s, inventory.KindAdjust, "soon", -1, time.Time{}))
	want(t, "booked", lots(t, s), "east 9/12 soon 0/3 mid 3/3 late 4/4; ")
}

// A lot whose last day is over goes with the next sweep, the free pieces of it; what an order gives back of it goes with the one after.
// Before any sweep nobody is sold a piece of it.
func TestLotsExpire(t *testing.T) {
	t.Parallel()
	s, pool := dated(t)
	_, err := s.Allocate(t.Context(), order("o1", "c1", line("milk", 1)), by)
	do(t, err)
	tomorrow := app.Change{Actor: "job:sweep", At: day(1)}
	a, err := s.Allocate(t.Context(), order("o2", "c2", line("milk", 1)), tomorrow)
	do(t, err)
	want(t, "not of the old one", a.Lines[0].Parts[0].Lot, "mid")
	for i, n := range []int{1, 0} {
		got, err := s.ExpireLots(t.Context(), tomorrow, 10)
		do(t, err)
		want(t, fmt.Sprint("sweep ", i), got, n)
	}
	want(t, "swept", lots(t, s), "east 2/11 soon 1/1 mid 1/4 late 0/4; ")
	want(t, "for sale", stock(t, s, "milk", tomorrow.At).Stock, int64(9))
	entries, err := s.Ledger(t.Context(), inventory.Place{SKU: "milk"}, "", 0, 1)
	do(t, err)
	if e := entries[0]; e.Kind != inventory.KindExpire || e.OnHand != -3 || e.Lot != "soon" || e.Actor != "job:sweep" {
		t.Errorf("%+v", e)
	}
	_, err = s.Release(t.Context(), "o1", tomorrow)
	do(t, err)
	errs := testkit.Race(4, func(int) error { _, err := s.ExpireLots(t.Context(), tomorrow, 10); return err })
	want(t, "sweeps at once", testkit.Wins(errs), 4)
	want(t, "gone", lots(t, s), "east 1/10 mid 1/4 late 0/4; ")
	var told int
	do(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM audit_log WHERE action = 'expire'`).Scan(&told))
	want(t, "audited", told, 2)
}

// What was owed is filled from what comes, and from the lot that expires first of it.
func TestDebtsAreFilledFromLots(t *testing.T) {
	t.Parallel()
	s, _ := dated(t)
	do(t, s.PutTerms(t.Context(), []inventory.TermsLine{{Place: inventory.Place{SKU: "milk", LocationID: "east"}, Terms: inventory.Terms{Backorder: 20}}}, by))
	_, err := s.Allocate(t.Context(), order("o1", "c1", line("milk", 20)), by) // 14 there, 6 owed
	do(t, err)
	do(t, book(t, s, inventory.KindReceive, "new", 2, day(1)))
	do(t, book(t, s, inventory.KindReceive, "gone", 5, day(-1)))
	want(t, "two came", lots(t, s), "east 16/21 gone 0/5 soon 4/4 new 2/2 mid 4/4 late 4/4; ")
	receive(t, s, "milk", "east", 1)
	do(t, book(t, s, inventory.KindReceive, "new", 9, day(1)))
	a, err := s.Allocation(t.Context(), "o1")
	do(t, err)
	var sum int64
	for _, p := range a.Lines[0].Parts {
		sum += p.Quantity
		if p.Kind != inventory.FromStock || p.Lot == "gone" {
			t.Errorf("%+v", p)
		}
	}
	want(t, "all of it", sum, int64(20))
	_, err = s.Release(t.Context(), "o1", by)
	do(t, err)
	want(t, "given back", lots(t, s), "east 0/31 gone 0/5 soon 0/4 new 0/11 mid 0/4 late 0/4; ")
}

// A lot travels with its number and its day; what is in none does not stand in for it.
func TestLotsTravel(t *testing.T) {
	t.Parallel()
	s, _ := dated(t)
	move := func(id, lot string, quantity int64) (err error) {
		tr := inventory.Transfer{ID: id, From: "east", To: "west", Status: inventory.TransferDraft, CreatedAt: by.At,
			Lines: []inventory.TransferLine{{SKU: "milk", Quantity: quantity, Mark: inventory.Mark{Lot: lot}}}}
		if _, err = s.PutTransfer(t.Context(), tr, by); err != nil {
			return err
		}
		_, _, err = s.MoveTransfer(t.Context(), app.TransferMove{ID: id, Kind: inventory.KindTransferOut,
			Decide: func(t inventory.Transfer) (inventory.Transfer, []inventory.BookingLine, error) { return t.Send(by.At) }}, by, idem.Key{})
		return err
	}
	do(t, move("t1", "mid", 3))
	for i := range 2 {
		_, _, err := s.MoveTransfer(t.Context(), app.TransferMove{ID: "t1", Kind: inventory.KindTransferIn, Reference: fmt.Sprint("r", i), Hash: []byte{byte(i)},
			Decide: func(t inventory.Transfer) (inventory.Transfer, []inventory.BookingLine, error) {
				return t.Receive([]inventory.TransferLine{{SKU: "milk", Quantity: int64(i + 1)}}, false, by.At)
			}}, by, idem.Key{})
		do(t, err)
	}
	want(t, "arrived", lots(t, s), "east 0/11 soon 0/4 mid 0/1 late 0/4; west 0/3 mid 0/3; ")
	if err := move("t2", "mid", 2); !errors.Is(err, inventory.ErrBelowAllocated) {
		t.Errorf("more of a lot than there is: %v", err)
	}
	if err := move("t3", "", 3); !errors.Is(err, inventory.ErrBelowAllocated) {
		t.Errorf("more of none than there is: %v", err)
	}
	if err := move("t4", "nobody's", 1); err == nil {
		t.Error("a lot that is not there was planned")
	}
	all, err := s.Transfer(t.Context(), "t1")
	do(t, err)
	want(t, "its day", all.Lines[0].ExpiresOn, day(3))
}

// Forty orders at once take every piece once, each from the lot whose turn it is.
func TestLotsUnderFire(t *testing.T) {
	t.Parallel()
	s, pool := dated(t)
	errs := testkit.Race(40, func(i int) error {
		id := fmt.Sprint("o", i)
		_, err := s.Allocate(t.Context(), order(id, "c"+id, line("milk", 1)), by)
		if err == nil && i%4 == 0 {
			if _, err := s.Release(t.Context(), id, by); err != nil {
				t.Error(err)
			}
			return errors.New("gave it back")
		}
		return err
	})
	var taken int64
	do(t, pool.QueryRow(t.Context(), `SELECT sum(allocated) FROM stock_levels`).Scan(&taken))
	if n := int64(testkit.Wins(errs)); n != taken || taken > 14 || taken < 4 { // ten at most gave back
		t.Errorf("%d took, %d are taken", n, taken)
	}
}

// Lots cost no statement where there are none, and one more for what is written of them where there are.
func TestLotsCount(t *testing.T) {
	t.Parallel()
	s, _ := dated(t)
	receive(t, s, "mug", "east", 5)
	count := func(id, sku string) (allocate, release int64) {
		t.Helper()
		ctx, counter := pg.WithCounter(t.Context())
		_, err := s.Allocate(ctx, order(id, "c"+id, line(sku, 1)), by)
		do(t, err)
		allocate = int64(counter.Statements())
		_, err = s.Release(ctx, id, by)
		do(t, err)
		return allocate, int64(counter.Statements()) - allocate
	}
	mugTaken, mugBack := count("o1", "mug")
	milkTaken, milkBack := count("o2", "milk")
	if milkTaken > mugTaken+1 || milkBack > mugBack+1 {
		t.Errorf("milk %d and %d statements, mugs %d and %d", milkTaken, milkBack, mugTaken, mugBack)
	}
}
