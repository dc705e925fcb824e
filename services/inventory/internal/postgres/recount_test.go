package postgres

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// looks counts what is new, again and again, each time a little later than entries take to settle.
type looks struct {
	t   testing.TB
	s   *Store
	now time.Time
}

func (l *looks) differ() int {
	l.t.Helper()
	l.now = l.now.Add(settled + time.Second)
	n, _, err := l.s.CountNew(l.t.Context(), l.now)
	do(l.t, err)
	return n
}

// traded is a store in which everything has happened that moves stock, without the check of its books at the end.
func traded(t testing.TB) (*looks, *pgxpool.Pool) {
	t.Helper()
	pool := testkit.Schema(t, Migrations()...)
	s := replica(pool)
	do(t, s.PutLocation(t.Context(), app.Location{ID: "east", Name: "East", Site: inventory.Site{Country: "US"}, Enabled: true}, by))
	do(t, s.PutLocation(t.Context(), app.Location{ID: "west", Name: "West", Site: inventory.Site{Country: "US"}, Priority: 1, Enabled: true}, by))
	l := &looks{t: t, s: s, now: noon}
	for i, step := range []func() error{
		func() error { receive(t, s, "mug", "east", 5); receive(t, s, "mug", "west", 3); return nil },
		func() error {
			receive(t, s, "milk", "east", 2)
			return book(t, s, inventory.KindReceive, "soon", 4, day(0))
		},
		func() error { hold(t, s, "mug", "c1", 2); hold(t, s, "mug", "c2", 1); return nil },
		func() error {
			_, err := s.Allocate(t.Context(), order("o1", "c1", line("mug", 7), line("milk", 5)), by)
			return err
		},
		func() error {
			return s.PutTerms(t.Context(), []inventory.TermsLine{{Place: inventory.Place{SKU: "mug", LocationID: "east"}, Terms: inventory.Terms{Backorder: 9}}}, by)
		},
		func() error { _, err := s.Allocate(t.Context(), order("o2", "c3", line("mug", 4)), by); return err },
		func() error { _, err := s.Release(t.Context(), "o1", by); return err }, // fills what o2 is owed
		func() error { return book(t, s, inventory.KindCount, "soon", 3, time.Time{}) },
		func() error {
			_, err := s.ExpireLots(t.Context(), app.Change{Actor: "job:sweep", At: day(1)}, 10)
			return err
		},
	} {
		do(t, step())
		if n := l.differ(); n != 0 {
			t.Fatalf("after step %d %d differ", i, n)
		}
	}
	return l, pool
}

// Whatever happens adds up at every look, and damage is seen by the next one.
func TestCountNewSeesDamage(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]string{
		"a level":                    `UPDATE stock_levels SET on_hand = on_hand + 1 WHERE sku = 'mug' AND location_id = 'west'`,
		"what is taken":              `UPDATE stock_levels SET allocated = allocated - 1 WHERE sku = 'mug' AND location_id = 'west'`,
		"a level that is gone":       `DELETE FROM stock_levels WHERE sku = 'mug' AND location_id = 'west'`,
		"an entry without its level": `INSERT INTO stock_ledger (at, sku, location_id, kind, on_hand_delta, allocated_delta, reference, actor, reason) VALUES (now(), 'mug', 'west', 'adjust', -1, 0, 'x', '', '')`,
		"a lot":                      `INSERT INTO stock_lots VALUES ('milk', 'east', 'ghost', '2026-01-01', 1)`,
		"a level without its lots":   `INSERT INTO stock_lots VALUES ('milk', 'east', 'none', '2026-01-01', 0); UPDATE stock_levels SET has_lots = false WHERE sku = 'milk'`,
		"a held total":               `UPDATE hold_totals SET held = held + 1 WHERE sku = 'mug'`,
		"a hold":                     `DELETE FROM stock_holds WHERE owner = 'c2'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, pool := traded(t)
			_, err := pool.Exec(t.Context(), damage)
			do(t, err)
			for i := range 2 {
				if l.differ() == 0 {
					t.Errorf("not seen by look %d", i)
				}
			}
		})
	}
}

// What an order has taken is compared while it is new; an old one is for the count of all.
func TestCountNewSeesReservations(t *testing.T) {
	t.Parallel()
	l, pool := traded(t)
	_, err := l.s.Allocate(t.Context(), order("o9", "c9", line("mug", 1)), by)
	do(t, err)
	_, err = pool.Exec(t.Context(), `UPDATE inventory_reservations SET quantity = 2 WHERE allocation_id = 'o9'`)
	do(t, err)
	want(t, "while it is new", l.differ(), 1)
	want(t, "later", l.differ(), 0)
	faults, err := l.s.Faults(t.Context(), 10)
	do(t, err)
	want(t, "of all", len(faults), 1)
}

// An entry may be seen after one that is younger. It counts all the same, as long as it does not come later than transactions last; then the
// sums are wrong until they are made anew.
func TestEntriesThatComeLate(t *testing.T) {
	t.Parallel()
	l, pool := traded(t)
	late := func(sku string) (commit func()) {
		tx, err := pool.Begin(t.Context())
		do(t, err)
		t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) })
		for _, sql := range []string{`INSERT INTO stock_levels (sku, location_id, on_hand) VALUES ('%s', 'west', 2)`,
			`INSERT INTO stock_ledger (at, sku, location_id, kind, on_hand_delta, allocated_delta, reference, actor, reason) VALUES (now(), '%s', 'west', 'receive', 2, 0, '%[1]s', '', '')`} {
			_, err := tx.Exec(t.Context(), fmt.Sprintf(sql, sku))
			do(t, err)
		}
		return func() { do(t, tx.Commit(t.Context())) }
	}
	commit := late("cup")
	receive(t, l.s, "mug", "east", 1) // is younger, and seen before it
	want(t, "before", l.differ(), 0)
	commit()
	want(t, "just in time", l.differ(), 0)
	want(t, "settled", l.differ(), 0)

	commit = late("pot")
	receive(t, l.s, "mug", "east", 1)
	for range 3 {
		want(t, "before", l.differ(), 0)
	}
	commit()
	want(t, "much too late", l.differ(), 1)
	do(t, l.s.Resum(t.Context(), l.now))
	want(t, "made anew", l.differ(), 0)
}

// Counting while others buy finds nothing that is not so, and two who count do not count twice.
func TestCountNewUnderFire(t *testing.T) {
	t.Parallel()
	l, pool := traded(t)
	receive(t, l.s, "tea", "east", 500)
	other := replica(pool)
	done := make(chan struct{})
	go func() {
		defer close(done)
		testkit.Race(16, func(i int) error {
			for n := range 20 {
				id := fmt.Sprint("t", i, "-", n)
				if _, err := other.Allocate(t.Context(), order(id, id, line("tea", 1)), by); err != nil {
					return err
				}
				if n%3 == 0 {
					if _, err := other.Release(t.Context(), id, by); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}()
	for bought := false; !bought; {
		select {
		case <-done:
			bought = true
		default:
		}
		now := l.now.Add(settled + time.Second)
		for i, err := range testkit.Race(2, func(i int) error {
			n, _, err := []*Store{l.s, other}[i].CountNew(t.Context(), now)
			if n != 0 {
				t.Errorf("%d differ", n)
			}
			return err
		}) {
			if err != nil {
				t.Errorf("counter %d: %v", i, err)
			}
		}
		l.now = now
	}
	l.differ()
	var sums, ledger int64
	do(t, pool.QueryRow(t.Context(), `SELECT (SELECT sum(on_hand) FROM stock_sums), (SELECT sum(on_hand_delta) FROM stock_ledger, stock_counted WHERE id <= through)`).Scan(&sums, &ledger))
	want(t, "the sums", sums, ledger)
}

// A look reads as much of a ledger of a hundred thousand entries as of a short one.
func TestCountNewCostsWhatIsNew(t *testing.T) {
	t.Parallel()
	l, pool := traded(t)
	conn, err := pool.Acquire(t.Context())
	do(t, err)
	defer conn.Release()
	for _, sql := range []string{`SET enable_seqscan = on`, `SET plan_cache_mode = 'force_custom_plan'`, `PREPARE differ (bigint) AS ` + differSQL} { // as whole does
		_, err := conn.Exec(t.Context(), sql)
		do(t, err)
	}
	blocks := func() float64 {
		t.Helper()
		var through int64
		do(t, conn.QueryRow(t.Context(), `SELECT through FROM stock_counted`).Scan(&through))
		return blocksOf(t, conn, fmt.Sprintf(`differ (%d)`, through))
	}
	want(t, "looks", l.differ()+l.differ(), 0)
	blocks()
	short := blocks()
	_, err = conn.Exec(t.Context(), `INSERT INTO stock_ledger (at, sku, location_id, kind, on_hand_delta, allocated_delta, reference, actor, reason)
		SELECT now(), 'mug', 'east', 'adjust', CASE n % 2 WHEN 0 THEN 1 ELSE -1 END, 0, 'n' || n, '', '' FROM generate_series(1, 100000) n`)
	do(t, err)
	want(t, "looks", l.differ()+l.differ(), 0)
	blocks()
	if long := blocks(); long > 2*short+20 {
		t.Errorf("a look reads %v blocks, and %v when the ledger is long", short, long)
	}
}

// Lots are repaired from the ledger and the reservations; what nobody can know is left to people.
func TestLotsAreRepaired(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		damage string
		faults []string // "what lot repaired"
	}{
		"on hand":             {`UPDATE stock_lots SET on_hand = 9 WHERE lot = 'late'`, []string{"lot late true", "lot  true"}},
		"taken":               {`UPDATE stock_lots SET allocated = 0 WHERE lot = 'soon'`, []string{"lot soon true", "lot  true"}},
		"the level's mark":    {`UPDATE stock_levels SET has_lots = false`, []string{"lot  true"}},
		"the level":           {`UPDATE stock_levels SET on_hand = 5, allocated = 5`, []string{"level  true", "lot  true"}},
		"gone, with its day":  {`DELETE FROM stock_lots WHERE lot = 'mid'`, []string{"lot mid false"}},
		"less than was taken": {`UPDATE stock_ledger SET on_hand_delta = 1 WHERE lot = 'soon'`, []string{"level  false", "lot soon false"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testkit.Schema(t, Migrations()...)
			s := replica(pool)
			do(t, s.PutLocation(t.Context(), app.Location{ID: "east", Name: "East", Site: inventory.Site{Country: "US"}, Enabled: true}, by))
			do(t, book(t, s, inventory.KindReceive, "late", 4, day(9)))
			do(t, book(t, s, inventory.KindReceive, "soon", 4, day(0)))
			do(t, book(t, s, inventory.KindReceive, "mid", 4, day(3)))
			_, err := s.Allocate(t.Context(), order("o1", "c1", line("milk", 10)), by)
			do(t, err)
			_, err = pool.Exec(t.Context(), c.damage)
			do(t, err)
			auditor := &app.Auditor{Store: s, Now: func() time.Time { return noon }}
			faults, err := auditor.Reconcile(t.Context(), "test", true, nil)
			do(t, err)
			var got []string
			for _, f := range faults {
				got = append(got, fmt.Sprint(f.What, " ", f.Lot, " ", f.Repaired))
			}
			want(t, "faults", got, c.faults)
			left, err := s.Faults(t.Context(), 10)
			do(t, err)
			var unrepaired int
			for _, f := range faults {
				if !f.Repaired {
					unrepaired++
				}
			}
			want(t, "left", len(left), unrepaired)
			noted, err := collect(t.Context(), pool, "audit", pgx.RowTo[int], `SELECT count(*)::int FROM audit_log WHERE action = 'reconcile'`)
			do(t, err)
			want(t, "noted", noted[0], len(faults)-unrepaired)
		})
	}
}

// An expired lot is forgotten when nothing is left of it; one that may still come stays, and a level without lots knows it.
func TestEmptiedLotsAreForgotten(t *testing.T) {
	t.Parallel()
	s, pool := dated(t)
	for lot := range map[string]bool{"late": true, "soon": true} {
		do(t, book(t, s, inventory.KindCount, lot, 0, time.Time{}))
	}
	_, err := s.Allocate(t.Context(), order("o1", "c1", line("milk", 1)), by)
	do(t, err)
	sweep := func(n int) {
		t.Helper()
		for range 2 {
			_, err := s.ExpireLots(t.Context(), app.Change{Actor: "job:sweep", At: day(n)}, 10)
			do(t, err)
		}
	}
	sweep(1)
	want(t, "those whose day is over", lots(t, s), "east 1/6 mid 1/4 late 0/0; ")
	do(t, book(t, s, inventory.KindReceive, "late", 3, time.Time{}))
	do(t, book(t, s, inventory.KindReceive, "soon", 3, day(5)))
	want(t, "what came again", lots(t, s), "east 1/12 mid 1/4 soon 0/3 late 0/3; ")
	sweep(10)
	want(t, "but for what is sold", lots(t, s), "east 1/3 mid 1/1; ")
	_, err = s.Release(t.Context(), "o1", by)
	do(t, err)
	sweep(10)
	var marked bool
	do(t, pool.QueryRow(t.Context(), `SELECT has_lots FROM stock_levels WHERE sku = 'milk'`).Scan(&marked))
	want(t, "none left", fmt.Sprint(lots(t, s), marked), "east 0/2; false")
}
