package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

var (
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	soon = noon.Add(15 * time.Minute)
	by   = app.Change{Actor: "test", At: noon}
)

func do(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// replica is another process on the database of pool.
func replica(pool *pgxpool.Pool) *Store {
	s := New(pool, outbox.New(pool, outbox.Options{Source: "inventory"}))
	s.LowAt, s.LowUntil = 5, 10
	return s
}

// empty is a store with two open locations; its books are held at the end of the test.
func empty(t testing.TB) (*Store, *pgxpool.Pool) {
	t.Helper()
	pool := testkit.Schema(t, Migrations()...)
	s := replica(pool)
	do(t, s.PutLocation(t.Context(), app.Location{ID: "east", Name: "East", Site: inventory.Site{Country: "US"}, Enabled: true}, by))
	do(t, s.PutLocation(t.Context(), app.Location{ID: "west", Name: "West", Site: inventory.Site{Country: "US"}, Priority: 1, Enabled: true}, by))
	t.Cleanup(func() {
		var n int
		if err := pool.QueryRow(context.Background(), `SELECT count(*) FROM stock_faults`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d faults in the books (%v)", n, err)
		}
	})
	return s, pool
}

var references atomic.Int64

func receive(t testing.TB, s *Store, sku, location string, quantity int64) {
	t.Helper()
	_, _, err := s.Book(t.Context(), inventory.Booking{Kind: inventory.KindReceive, Reference: fmt.Sprint("r", references.Add(1)),
		Lines: []inventory.BookingLine{{Place: inventory.Place{SKU: sku, LocationID: location}, Quantity: quantity}}}, by, idem.Key{})
	do(t, err)
}

func hold(t testing.TB, s *Store, sku, owner string, quantity int64) inventory.Outcome {
	t.Helper()
	o, err := s.Turn(t.Context(), sku, []inventory.Change{{Owner: owner, Quantity: quantity, ExpiresAt: soon}}, noon)
	do(t, err)
	return o[0]
}

func order(id, owner string, lines ...inventory.OrderLine) inventory.Order {
	for i := range lines {
		lines[i].ID = fmt.Sprint(i)
	}
	return inventory.Order{ID: id, Owner: owner, To: inventory.Destination{Country: "US"}, Lines: lines}
}

func line(sku string, quantity int64) inventory.OrderLine {
	return inventory.OrderLine{SKU: sku, Quantity: quantity}
}

func stock(t testing.TB, s *Store, sku string, now time.Time) inventory.Available {
	t.Helper()
	all, err := s.Availability(t.Context(), []string{sku}, now)
	do(t, err)
	if len(all) != 1 {
		t.Fatalf("availability of %s: %v", sku, all)
	}
	return all[0]
}

func want[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestTurn(t *testing.T) {
	t.Parallel()
	s, _ := empty(t)
	receive(t, s, "mug", "east", 3)
	receive(t, s, "mug", "west", 2)
	want(t, "hold", hold(t, s, "mug", "a", 4), inventory.Outcome{Held: true, Available: 5})
	want(t, "too much", hold(t, s, "mug", "b", 2), inventory.Outcome{Available: 1})
	want(t, "repeated", hold(t, s, "mug", "a", 4), inventory.Outcome{Held: true, Available: 5})
	want(t, "raised", hold(t, s, "mug", "a", 5), inventory.Outcome{Held: true, Available: 5})
	want(t, "released", hold(t, s, "mug", "a", 0), inventory.Outcome{Held: true, Available: 5})
	want(t, "unknown SKU", hold(t, s, "ghost", "a", 1), inventory.Outcome{})
	want(t, "unknown SKU released", hold(t, s, "ghost", "a", 0), inventory.Outcome{Held: true})
	got, err := s.Turn(t.Context(), "mug", []inventory.Change{{Owner: "c", Quantity: 5, ExpiresAt: soon}, {Owner: "d", Quantity: 1, ExpiresAt: soon}, {Owner: "c"}, {Owner: "d", Quantity: 2, ExpiresAt: soon}}, noon)
	do(t, err)
	want(t, "combined", got, []inventory.Outcome{{Held: true, Available: 5}, {Available: 0}, {Held: true, Available: 5}, {Held: true, Available: 5}})
	held, err := s.HoldsOf(t.Context(), "d", noon)
	do(t, err)
	want(t, "holds", held, []inventory.Hold{{Owner: "d", SKU: "mug", Quantity: 2, ExpiresAt: soon}})
}

func TestTurnFoldsWhatDied(t *testing.T) {
	t.Parallel()
	s, pool := empty(t)
	receive(t, s, "mug", "east", 5)
	hold(t, s, "mug", "a", 3)
	hold(t, s, "mug", "b", 2)
	_, err := s.Allocate(t.Context(), order("o-1", "b", line("mug", 2)), by)
	do(t, err)
	want(t, "available", stock(t, s, "mug", noon), inventory.Available{SKU: "mug", OnHand: 5, Allocated: 2, Stock: 3, Held: 3})
	held, err := s.HoldsOf(t.Context(), "b", noon)
	do(t, err)
	want(t, "taken", len(held), 0)
	want(t, "the taken one is not counted twice", hold(t, s, "mug", "c", 1), inventory.Outcome{Available: 0})

	got, err := s.Turn(t.Context(), "mug", []inventory.Change{{Owner: "c", Quantity: 3, ExpiresAt: soon.Add(time.Hour)}}, soon)
	do(t, err)
	want(t, "the expired one is free", got, []inventory.Outcome{{Held: true, Available: 3}})
	folded, err := s.Fold(t.Context(), soon, 10)
	do(t, err)
	want(t, "folded", folded, 1)
	var rows int
	do(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM stock_holds`).Scan(&rows))
	want(t, "holds left", rows, 1)
	taken, err := s.AnnounceExpired(t.Context(), soon)
	do(t, err)
	want(t, "expired, the taken one not", taken, 1)
}

// A hot SKU: a thousand buyers, each through one of two hosts that both believe they own the actor.
func TestThousandBuyersForTen(t *testing.T) {
	t.Parallel()
	s, pool := empty(t)
	receive(t, s, "mug", "east", 6)
	receive(t, s, "mug", "west", 4)
	other := replica(pool)
	clock := func() time.Time { return noon }
	hosts := []*app.Combiner[inventory.Change, inventory.Outcome]{app.NewCombiner(app.Direct{Store: s, Now: clock}), app.NewCombiner(app.Direct{Store: other, Now: clock})}
	var refused atomic.Int64
	errs := testkit.Race(1000, func(i int) error {
		o, err := hosts[i%2].Apply(t.Context(), "mug", inventory.Change{Owner: fmt.Sprint("cart", i), Quantity: 1, ExpiresAt: soon})
		if err == nil && !o.Held {
			refused.Add(1)
			return inventory.ErrOutOfStock
		}
		return err
	})
	want(t, "held", testkit.Wins(errs), 10)
	want(t, "refused", refused.Load(), 990)
}

// Without holds: a thousand orders race for ten pieces, through two replicas.
func TestThousandOrdersForTen(t *testing.T) {
	t.Parallel()
	s, pool := empty(t)
	receive(t, s, "mug", "east", 6)
	receive(t, s, "mug", "west", 4)
	replicas := []*Store{s, replica(pool)}
	errs := testkit.Race(1000, func(i int) error {
		_, err := replicas[i%2].Allocate(t.Context(), order(fmt.Sprint("o", i), "c", line("mug", 1)), by)
		return err
	})
	for _, err := range errs {
		if err != nil && !errors.Is(err, inventory.ErrOutOfStock) {
			t.Fatal(err)
		}
	}
	want(t, "sold", testkit.Wins(errs), 10)
	want(t, "level", stock(t, s, "mug", noon), inventory.Available{SKU: "mug", OnHand: 10, Allocated: 10})
}

// Overlapping turns of several hosts, holding, raising, releasing, expiring, while orders take what they held: the guard holds.
func TestOverlappingTurnsKeepTheGuard(t *testing.T) {
	t.Parallel()
	s, pool := empty(t)
	const pieces = 40
	receive(t, s, "mug", "east", pieces)
	rng := testkit.Rand(t)
	type move struct{ owner, quantity int64 }
	plans := make([][]move, 6)
	for i := range plans {
		for range 60 {
			plans[i] = append(plans[i], move{rng.Int64N(12), rng.Int64N(8)})
		}
	}
	var hosts sync.WaitGroup
	for i, plan := range plans {
		hosts.Go(func() {
			host := replica(pool)
			for n, m := range plan {
				owner := fmt.Sprint("cart", m.owner)
				_, err := host.Turn(t.Context(), "mug", []inventory.Change{{Owner: owner, Quantity: m.quantity, ExpiresAt: noon.Add(time.Duration(n) * time.Second)}},
					noon.Add(time.Duration(n/2)*time.Second))
				if err != nil {
					t.Error(err)
				}
				if n%10 != 0 {
					continue
				}
				if _, err := host.Allocate(t.Context(), order(fmt.Sprintf("o%d-%d", i, n), owner, line("mug", 1)), by); err != nil && !errors.Is(err, inventory.ErrOutOfStock) {
					t.Error(err)
				}
			}
		})
	}
	hosts.Wait()
	a := stock(t, s, "mug", noon)
	if a.Held > pieces || a.Allocated != int64(len(plans)*6) {
		t.Errorf("stock %+v", a)
	}
}

// A turn whose shelf has changed since it looked writes nothing, whatever changed it: another host's turn, also one that leaves
// the held total as it was, or the sweep. A change of levels alone stops nobody: orders look at no hold.
func TestTurnThatComesSecondWritesNothing(t *testing.T) {
	t.Parallel()
	changes := []inventory.Change{{Owner: "late", Quantity: 2, ExpiresAt: soon}}
	for name, tc := range map[string]struct {
		between func(s *Store) error
		kept    bool
	}{
		"nobody":         {func(*Store) error { return nil }, true},
		"another hold":   {func(s *Store) error { hold(t, s, "mug", "other", 3); return nil }, false},
		"the own hold":   {func(s *Store) error { hold(t, s, "mug", "late", 2); return nil }, false},
		"a renewal":      {func(s *Store) error { return turned(s, "a", 1, soon.Add(time.Minute)) }, false},
		"a release":      {func(s *Store) error { hold(t, s, "mug", "a", 0); return nil }, false},
		"the sweep":      {func(s *Store) error { _, err := s.Fold(t.Context(), soon, 10); return err }, false},
		"a refused hold": {func(s *Store) error { hold(t, s, "mug", "other", 9); return nil }, true},
		"an order": {func(s *Store) error {
			_, err := s.Allocate(t.Context(), order("o", "x", line("mug", 1)), by)
			return err
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, pool := empty(t)
			receive(t, s, "mug", "east", 5)
			hold(t, s, "mug", "a", 1)
			at, err := look(t.Context(), s.pool, "mug", changes, noon)
			do(t, err)
			do(t, tc.between(s))
			before := total(t, pool)
			kept, err := write(t.Context(), s.pool, "mug", at, at.Decide("mug", changes))
			do(t, err)
			want(t, "kept", kept, tc.kept)
			if !tc.kept {
				want(t, "held", total(t, pool), before)
			}
		})
	}
}

// A fold that waits for a turn goes by what the turn has left, not by its own snapshot: a raised hold that has lapsed is taken off
// as it was raised, a renewed one stays.
func TestFoldBehindATurn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		until time.Time
		left  int64
	}{"raised": {soon, 0}, "renewed": {soon.Add(time.Hour), 5}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, pool := empty(t)
			receive(t, s, "mug", "east", 5)
			hold(t, s, "mug", "a", 1)
			folded := make(chan error, 1)
			err := pg.InTx(t.Context(), s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
				var pid int
				if err := tx.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
					return err
				}
				if _, _, err := s.turn(ctx, tx, "mug", []inventory.Change{{Owner: "a", Quantity: 5, ExpiresAt: tc.until}}, noon); err != nil {
					return err
				}
				go func() { _, err := s.Fold(ctx, soon, 10); folded <- err }()
				testkit.Eventually(t, testkit.Patience, func() error {
					var waiting bool
					err := pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND $1 = ANY (pg_blocking_pids(pid)))`, pid).Scan(&waiting)
					if err == nil && !waiting {
						err = errors.New("the fold does not wait")
					}
					return err
				})
				return nil
			})
			do(t, err)
			do(t, <-folded)
			want(t, "held", total(t, pool), tc.left)
		})
	}
}

func turned(s *Store, owner string, quantity int64, until time.Time) error {
	_, err := s.Turn(context.Background(), "mug", []inventory.Change{{Owner: owner, Quantity: quantity, ExpiresAt: until}}, noon)
	return err
}

func total(t testing.TB, pool *pgxpool.Pool) (held int64) {
	t.Helper()
	do(t, pool.QueryRow(t.Context(), `SELECT sum(held) FROM hold_totals`).Scan(&held))
	return held
}

// Turns and folds do not wait for the disk; orders do.
func TestOnlyHoldsAreAsynchronous(t *testing.T) {
	t.Parallel()
	s, _ := empty(t)
	receive(t, s, "mug", "east", 5)
	hold(t, s, "mug", "a", 1)
	setting := func(what string, do func(ctx context.Context, tx *pg.Tx) error) (value string) {
		t.Helper()
		err := pg.InTx(t.Context(), s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
			if _, err := tx.Exec(ctx, `SET LOCAL synchronous_commit = on`); err != nil {
				return err
			}
			if err := do(ctx, tx); err != nil {
				return err
			}
			return tx.QueryRow(ctx, `SHOW synchronous_commit`).Scan(&value)
		})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return value
	}
	want(t, "a turn", setting("turn", func(ctx context.Context, tx *pg.Tx) error {
		_, _, err := s.turn(ctx, tx, "mug", []inventory.Change{{Owner: "b", Quantity: 1, ExpiresAt: soon}}, noon)
		return err
	}), "off")
	want(t, "a fold", setting("fold", func(ctx context.Context, tx *pg.Tx) error {
		_, err := tx.Exec(ctx, foldSQL, []string{"mug"}, noon)
		return err
	}), "off")
	want(t, "an order", setting("order", func(ctx context.Context, tx *pg.Tx) error {
		var batch pgx.Batch
		allocate(&batch, order("o", "a"), []inventory.AllocatedLine{{OrderLine: line("mug", 1), Parts: []inventory.Part{{LocationID: "east", Quantity: 1, Kind: inventory.FromStock}}}}, by)
		return tx.SendBatch(ctx, &batch).Close()
	}), "on")
}

// Against the naive model: the same changes, allocations and steps of the clock give the same outcomes and the same holds.
func TestTurnsAreThoseOfTheModel(t *testing.T) {
	t.Parallel()
	s, _ := empty(t)
	var run int
	rapid.Check(t, func(rt *rapid.T) {
		run++
		sku, now, sellable := fmt.Sprint("sku", run), noon, rapid.Int64Range(0, 10).Draw(rt, "stock")
		if sellable > 0 {
			receive(t, s, sku, "east", sellable)
		}
		model := map[string]inventory.Hold{}
		for step := range rapid.IntRange(1, 6).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 2).Draw(rt, "minutes")) * time.Minute)
			maps.DeleteFunc(model, func(_ string, h inventory.Hold) bool { return !h.ExpiresAt.After(now) })
			var changes []inventory.Change
			for range rapid.IntRange(0, 4).Draw(rt, "changes") {
				changes = append(changes, inventory.Change{Owner: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "owner"),
					Quantity: rapid.Int64Range(0, 6).Draw(rt, "quantity"), ExpiresAt: now.Add(time.Duration(rapid.IntRange(1, 3).Draw(rt, "ends")) * time.Minute)})
			}
			var expect []inventory.Outcome
			for _, c := range changes {
				shelf := inventory.Shelf{Sellable: sellable, Own: model}
				for _, h := range model {
					shelf.Held += h.Quantity
				}
				turn := shelf.Decide(sku, []inventory.Change{c})
				for _, h := range turn.Put {
					model[h.Owner] = h
				}
				for _, owner := range turn.Gone {
					delete(model, owner)
				}
				expect = append(expect, turn.Outcomes...)
			}
			got, err := s.Turn(t.Context(), sku, changes, now)
			if diff := cmp.Diff(expect, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
				rt.Fatalf("step %d: %v %s", step, err, diff)
			}
			if owner := rapid.SampledFrom([]string{"", "", "a", "b"}).Draw(rt, "orders"); owner != "" {
				_, err := s.Allocate(t.Context(), order(fmt.Sprint(sku, step), owner, line(sku, 1)), by)
				if (err == nil) != (sellable > 0) || err != nil && !errors.Is(err, inventory.ErrOutOfStock) {
					rt.Fatalf("allocate one of %d: %v", sellable, err)
				}
				if err == nil {
					sellable--
					delete(model, owner)
				}
			}
			for _, owner := range []string{"a", "b", "c"} {
				held, err := s.HoldsOf(t.Context(), owner, now)
				do(t, err)
				held = slices.DeleteFunc(held, func(h inventory.Hold) bool { return h.SKU != sku })
				if h, ok := model[owner]; ok != (len(held) == 1) || ok && held[0] != h {
					rt.Fatalf("step %d: %s holds %v, want %v", step, owner, held, h)
				}
			}
		}
	})
}

// A turn reads no more blocks when ten thousand carts hold the SKU, even with the plans of a shop that has just opened, or whose statistics are
// of a quiet hour.
func TestTurnCostsTheSameForTenThousandHolds(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]string{"opened": `SELECT 1`, "quiet": quietHour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turnForTenThousandHolds(t, begin)
		})
	}
}

// quietHour gathers statistics while there is hardly a hold: every index then looks as good as another.
const quietHour = `WITH one AS (INSERT INTO stock_holds (id, owner, sku, quantity, expires_at) VALUES ('me:other', 'me', 'other', 1, '2026-03-02'))
	SELECT; ANALYZE stock_holds, taken_holds, hold_totals`

func turnForTenThousandHolds(t *testing.T, begin string) {
	s, _ := empty(t)
	for _, sku := range []string{"cold", "hot"} {
		receive(t, s, sku, "east", 1_000_000)
	}
	conn, err := s.pool.Acquire(t.Context())
	do(t, err)
	defer conn.Release()
	exec := func(sql string, args ...any) {
		t.Helper()
		_, err := conn.Exec(t.Context(), sql, args...)
		do(t, err)
	}
	_, err = conn.Exec(t.Context(), begin, pgx.QueryExecModeSimpleProtocol)
	do(t, err)
	exec(`DELETE FROM stock_holds`)
	exec(`PREPARE look (text, timestamptz, text[]) AS ` + shelfSQL)
	exec(`PREPARE fold (text[], timestamptz) AS ` + foldSQL)
	exec(`PREPARE held (timestamptz, text[]) AS ` + holdsSQL)
	exec(`PREPARE put (text, xid, bigint, text[], text[], bigint[], timestamptz[], text[]) AS ` + writeSQL)
	version := func(sku string) (xmin uint32) {
		t.Helper()
		do(t, conn.QueryRow(t.Context(), `SELECT xmin FROM hold_totals WHERE sku = $1`, sku).Scan(&xmin))
		return xmin
	}
	blocks := func(sku string) (n float64) {
		for _, call := range []string{
			fmt.Sprintf(`look ('%[1]s', '2026-03-01', '{me:%[1]s,cart5:%[1]s}')`, sku), fmt.Sprintf(`fold ('{%s}', '2026-03-01')`, sku),
			`held ('2026-03-01', '{me,cart5}')`,
			fmt.Sprintf(`put ('%[1]s', '%[2]d', 0, '{me:%[1]s}', '{me}', '{1}', '2026-04-01'::timestamptz || '{}'::timestamptz[], '{cart7:%[1]s}')`, sku, version(sku)),
		} {
			n += blocksOf(t, conn, call)
		}
		return n
	}
	blocks("cold") // makes the plans
	none := blocks("cold")
	exec(`INSERT INTO stock_holds (id, owner, sku, quantity, expires_at)
		SELECT 'cart' || n || ':hot', 'cart' || n, 'hot', 1, $1 FROM generate_series(1, 10000) n`, soon)
	exec(`UPDATE hold_totals SET held = 10000 WHERE sku = 'hot'`)
	blocks("hot") // marks what is dead in the indexes
	cold, hot := blocks("cold"), blocks("hot")
	t.Logf("blocks: %v with no holds at all, %v with ten thousand of another SKU, %v with ten thousand", none, cold, hot)
	if hot > 1.3*cold || cold > 1.3*none {
		t.Errorf("a turn reads %v blocks with ten thousand holds, %v where another SKU has them, %v without", hot, cold, none)
	}
}

// Who looks for holds without a checkout passes over those that are too young in the index, and reads a page of the others alone: also with the
// plans of a shop that has just opened.
func TestOwnersOfHoldsArePaged(t *testing.T) {
	t.Parallel()
	s, _ := empty(t)
	receive(t, s, "mug", "east", 10_000)
	conn, err := s.pool.Acquire(t.Context())
	do(t, err)
	defer conn.Release()
	for _, sql := range []string{
		`UPDATE hold_totals SET held = 10000 WHERE sku = 'mug'`,
		`INSERT INTO stock_holds (id, owner, sku, quantity, expires_at) SELECT 'old' || n || ':mug', 'old' || n, 'mug', 1, '2026-03-02' FROM generate_series(1, 5000) n`,
		`INSERT INTO stock_holds (id, owner, sku, quantity, expires_at) SELECT 'new' || n || ':mug', 'new' || n, 'mug', 1, '2026-03-04' FROM generate_series(1, 5000) n`,
		`PREPARE owners (timestamptz, timestamptz, text, int) AS ` + ownersSQL,
	} {
		_, err := conn.Exec(t.Context(), sql)
		do(t, err)
	}
	blocks := func(call string) float64 {
		blocksOf(t, conn, call) // makes the plan
		return blocksOf(t, conn, call)
	}
	young := blocks(`owners ('2026-03-01', '2026-03-01 12:00', '', 500)`)
	page := blocks(`owners ('2026-03-01', '2026-03-03', 'old3', 500)`)
	t.Logf("blocks: %v with nothing to find, %v for 500 of 5000", young, page)
	if young > 1000 || page > 7000 {
		t.Errorf("five thousand holds that are too young cost %v blocks, 500 owners %v", young, page)
	}
}

// blocksOf executes a prepared statement, rolls back, and adds up what each node of its plan touched with all below it.
func blocksOf(t *testing.T, conn *pgxpool.Conn, call string) float64 {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	do(t, err)
	var raw string
	do(t, tx.QueryRow(t.Context(), `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE `+call, pgx.QueryExecModeSimpleProtocol).Scan(&raw))
	do(t, tx.Rollback(t.Context()))
	type node struct {
		Hit   float64 `json:"Shared Hit Blocks"`
		Read  float64 `json:"Shared Read Blocks"`
		Plans []node
	}
	var plans []struct{ Plan node }
	do(t, json.Unmarshal([]byte(raw), &plans))
	var sum func(n node) float64
	sum = func(n node) float64 {
		all := n.Hit + n.Read
		for _, below := range n.Plans {
			all += sum(below)
		}
		return all
	}
	return sum(plans[0].Plan)
}

func TestStatements(t *testing.T) {
	t.Parallel()
	s, _ := empty(t)
	receive(t, s, "mug", "east", 1000)
	receive(t, s, "cup", "west", 1000)
	count := func(what string, most int, fn func(ctx context.Context) error) {
		t.Helper()
		ctx, counter := pg.WithCounter(t.Context())
		do(t, fn(ctx))
		if n := counter.Statements(); n != most {
			t.Errorf("%s: %d statements, want %d", what, n, most)
		}
	}
	changes := make([]inventory.Change, 100)
	for i := range changes {
		changes[i] = inventory.Change{Owner: fmt.Sprint("cart", i), Quantity: 1, ExpiresAt: soon}
	}
	turn := func(changes []inventory.Change) func(ctx context.Context) error {
		return func(ctx context.Context) error { _, err := s.Turn(ctx, "mug", changes, noon); return err }
	}
	count("a hold", 2, turn(changes[:1]))
	count("a hundred holds", 2, turn(changes))
	count("a hundred holds again", 1, turn(changes))
	count("a turn that folds", 4, func(ctx context.Context) error {
		_, err := s.Turn(ctx, "mug", []inventory.Change{{Owner: "me", Quantity: 1, ExpiresAt: soon.Add(time.Hour)}}, soon)
		return err
	})
	count("a hundred holds once more", 2, turn(changes))
	count("a sweep", 2, func(ctx context.Context) error { _, err := s.Fold(ctx, soon, 100); return err })
	count("holds of an owner", 1, func(ctx context.Context) error { _, err := s.HoldsOf(ctx, "me", noon); return err })
	count("changed levels", 5, func(ctx context.Context) error { return s.AnnounceLevels(ctx, noon, time.Second) })
	count("no changed levels", 1, func(ctx context.Context) error { return s.AnnounceLevels(ctx, noon, time.Second) })
	o := order("o-1", "cart0", line("mug", 1), line("cup", 2), line("mug", 3))
	count("an allocation", 3, func(ctx context.Context) error { _, err := s.Allocate(ctx, o, by); return err })
	count("a repeated allocation", 5, func(ctx context.Context) error { _, err := s.Allocate(ctx, o, by); return err })
	count("a release", 7, func(ctx context.Context) error { _, err := s.Release(ctx, o.ID, by); return err })
	count("availability", 1, func(ctx context.Context) error {
		_, err := s.Availability(ctx, []string{"mug", "cup"}, noon)
		return err
	})
}

// The same allocation, fifty times at once and through two replicas, takes the stock once and answers all alike.
func TestAllocateOnce(t *testing.T) {
	t.Parallel()
	s, pool := empty(t)
	receive(t, s, "mug", "east", 100)
	replicas := []*Store{s, replica(pool)}
	answers := make([]inventory.Allocation, 50)
	for _, err := range testkit.Race(len(answers), func(i int) (err error) {
		answers[i], err = replicas[i%2].Allocate(t.Context(), order("o-1", "c", line("mug", 2)), by)
		return err
	}) {
		do(t, err)
	}
	for _, a := range answers {
		want(t, "answer", a, answers[0])
	}
	want(t, "taken", stock(t, s, "mug", noon).Allocated, 2)
}

// Orders of different SKUs side by side do not fail each other, though the tables are small.
func TestOrdersSideBySide(t *testing.T) {
	t.Parallel()
	s, _ := empty(t)
	for i := range 16 {
		receive(t, s, fmt.Sprint("sku", i), "east", 100)
	}
	for _, err := range testkit.Race(160, func(i int) error {
		a, b := fmt.Sprint("sku", i%16), fmt.Sprint("sku", (i*7+3)%16) // in either order: no deadlock
		_, err := s.Allocate(t.Context(), order(fmt.Sprint("o", i), fmt.Sprint("c", i), line(a, 1), line(b, 1)), by)
		return err
	}) {
		do(t, err)
	}
}

// Postgres asks to repeat, in either half and on a new connection: it is repeated, and leaves neither transaction nor lock behind.
func TestHalvesAreRepeated(t *testing.T) {
	t.Parallel()
	s, _ := empty(t)
	const conflict = `DO $$ BEGIN RAISE EXCEPTION 'conflict' USING ERRCODE = '40001'; END $$`
	for _, half := range []int{1, 2} {
		s.pool.Reset()
		runs := 0
		queue := func(batch *pgx.Batch, at int) {
			if runs < 3 && half == at {
				batch.Queue(conflict)
			}
		}
		err := s.halved(t.Context(), []string{"mug", "cup"}, func(batch *pgx.Batch) {
			runs++
			queue(batch, 1)
		}, func(batch *pgx.Batch) error {
			queue(batch, 2)
			return nil
		})
		want(t, "runs", runs, 3)
		do(t, err)
		err = s.halved(t.Context(), []string{"mug"}, func(*pgx.Batch) {}, func(*pgx.Batch) error { return errors.ErrUnsupported })
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
		do(t, s.pool.AcquireFunc(t.Context(), func(conn *pgxpool.Conn) error {
			var locks int
			want(t, "transaction", conn.Conn().PgConn().TxStatus(), 'I')
			err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()`).Scan(&locks)
			want(t, "locks", locks, 0)
			return err
		}))
	}
}

// Allocate and release of one id race: whoever wins, nothing is taken in the end, and a late allocate is refused.
func TestReleaseRacesAllocate(t *testing.T) {
	t.Parallel()
	s, _ := empty(t)
	receive(t, s, "mug", "east", 100)
	for n := range 20 {
		id := fmt.Sprint("o", n)
		for _, err := range testkit.Race(4, func(i int) (err error) {
			if i%2 == 0 {
				_, err = s.Release(t.Context(), id, by)
				return err
			}
			_, err = s.Allocate(t.Context(), order(id, "c", line("mug", 2)), by)
			return err
		}) {
			do(t, err)
		}
		a, err := s.Allocation(t.Context(), id)
		do(t, err)
		want(t, "status", a.Status, inventory.Released)
	}
	want(t, "taken", stock(t, s, "mug", noon).Allocated, 0)
}

func TestOutOfStockTakesNothing(t *testing.T) {
	t.Parallel()
	s, pool := empty(t)
	receive(t, s, "mug", "east", 5)
	receive(t, s, "cup", "east", 1)
	hold(t, s, "mug", "c", 5)
	_, err := s.Allocate(t.Context(), order("o-1", "c", line("mug", 5), line("cup", 2)), by)
	if !errors.Is(err, inventory.ErrOutOfStock) {
		t.Fatal(err)
	}
	want(t, "level", stock(t, s, "mug", noon), inventory.Available{SKU: "mug", OnHand: 5, Stock: 5, Held: 5})
	if _, err := s.Allocation(t.Context(), "o-1"); !errors.Is(err, app.ErrNoAllocation) {
		t.Errorf("an allocation is left: %v", err)
	}
	var rows int
	do(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM taken_holds`).Scan(&rows))
	want(t, "taken holds", rows, 0)
}

func events[T any](t testing.TB, pool *pgxpool.Pool, typ string) (all []T) {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT data FROM outbox WHERE type = $1 ORDER BY position`, typ)
	do(t, err)
	defer rows.Close()
	for rows.Next() {
		var raw []byte
		var data T
		do(t, rows.Scan(&raw))
		do(t, json.Unmarshal(raw, &data))
		all = append(all, data)
	}
	do(t, rows.Err())
	return all
}

func TestLevelsAreAnnouncedOnceASecond(t *testing.T) {
	t.Parallel()
	s, pool := empty(t)
	announce := func(after time.Duration) int {
		t.Helper()
		do(t, s.AnnounceLevels(t.Context(), noon.Add(after), time.Second))
		return len(events[inventoryapi.LevelChangedV1](t, pool, inventoryapi.TypeLevelChangedV1))
	}
	want(t, "nothing changed", announce(0), 0)
	receive(t, s, "mug", "east", 5)
	receive(t, s, "mug", "west", 5)
	want(t, "two changes of a SKU", announce(0), 1)
	hold(t, s, "mug", "c", 1)
	want(t, "a hold tells nothing", announce(2*time.Second), 1)
	_, err := s.Allocate(t.Context(), order("o-1", "c", line("mug", 4)), by)
	do(t, err)
	want(t, "within the second", announce(999*time.Millisecond), 1)
	want(t, "after it", announce(time.Second), 2)
	_, err = s.Allocate(t.Context(), order("o-2", "c", line("mug", 1)), by)
	do(t, err)
	_, err = s.Release(t.Context(), "o-2", by)
	do(t, err)
	want(t, "there and back", announce(3*time.Second), 2)
	do(t, s.PutLocation(t.Context(), app.Location{ID: "west", Name: "West", Site: inventory.Site{Country: "US"}, Priority: 1}, by))
	want(t, "a closed location", announce(5*time.Second), 3)
	want(t, "events", events[inventoryapi.LevelChangedV1](t, pool, inventoryapi.TypeLevelChangedV1), []inventoryapi.LevelChangedV1{
		{Sequence: 1, SKU: "mug", OnHand: 10, Available: 10, InStock: 10, Status: "in_stock"},
		{Sequence: 2, SKU: "mug", OnHand: 10, Allocated: 4, Available: 6, InStock: 6, Status: "in_stock"},
		{Sequence: 4, SKU: "mug", OnHand: 5, Allocated: 4, Available: 1, InStock: 1, Status: "low_stock"},
	})
}

// Replicas announce side by side while orders run: the last event is the level, and no SKU is forgotten.
func TestAnnouncersSideBySide(t *testing.T) {
	t.Parallel()
	s, pool := empty(t)
	receive(t, s, "mug", "east", 1000)
	var now atomic.Int64
	for _, err := range testkit.Race(40, func(i int) error {
		if i%2 == 0 {
			return s.AnnounceLevels(t.Context(), noon.Add(time.Duration(now.Add(1))*time.Second), time.Second)
		}
		_, err := s.Allocate(t.Context(), order(fmt.Sprint("o", i), "c", line("mug", 1)), by)
		return err
	}) {
		do(t, err)
	}
	do(t, s.AnnounceLevels(t.Context(), noon.Add(time.Hour), time.Second))
	all := events[inventoryapi.LevelChangedV1](t, pool, inventoryapi.TypeLevelChangedV1)
	want(t, "last event", all[len(all)-1].Allocated, 20)
}

func TestSweep(t *testing.T) {
	t.Parallel()
	s, pool := empty(t)
	receive(t, s, "mug", "east", 10)
	receive(t, s, "cup", "east", 10)
	for i, sku := range []string{"mug", "mug", "cup"} {
		hold(t, s, sku, fmt.Sprint("cart", i), 2)
	}
	_, err := s.Allocate(t.Context(), order("o-1", "cart1", line("mug", 2)), by)
	do(t, err)
	at := noon
	sweeper := &app.Sweeper{Store: s, Now: func() time.Time { return at }}
	do(t, sweeper.Sweep(t.Context()))
	want(t, "nothing has expired", len(events[inventoryapi.HoldExpiredV1](t, pool, inventoryapi.TypeHoldExpiredV1)), 0)
	at = soon
	// cart0 holds again before the sweep: its old hold is not told of.
	_, err = s.Turn(t.Context(), "mug", []inventory.Change{{Owner: "cart0", Quantity: 1, ExpiresAt: soon.Add(time.Hour)}}, at)
	do(t, err)
	for range 2 {
		do(t, sweeper.Sweep(t.Context()))
	}
	want(t, "told", events[inventoryapi.HoldExpiredV1](t, pool, inventoryapi.TypeHoldExpiredV1), []inventoryapi.HoldExpiredV1{
		{Sequence: 1, HoldID: "cart2:cup", Owner: "cart2", SKU: "cup", Quantity: 2, ExpiredAt: soon}})
	folded, err := s.Fold(t.Context(), at, 10)
	do(t, err)
	want(t, "left to fold", folded, 0)
}

func TestBookingsRace(t *testing.T) {
	t.Parallel()
	s, _ := empty(t)
	lines := func(n int64) (all []inventory.BookingLine) {
		for _, sku := range []string{"a", "b", "c"} {
			all = append(all, inventory.BookingLine{Place: inventory.Place{SKU: sku, LocationID: "east"}, Quantity: n})
		}
		return all
	}
	for _, err := range testkit.Race(30, func(i int) error { // ten references, each three times
		_, _, err := s.Book(t.Context(), inventory.Booking{Kind: inventory.KindReceive, Reference: fmt.Sprint("in", i%10), Lines: lines(2)}, by, idem.Key{})
		return err
	}) {
		do(t, err)
	}
	want(t, "received once per reference", stock(t, s, "b", noon).OnHand, 20)
	errs := testkit.Race(12, func(i int) error { // takes and write-offs of the same goods
		if i%2 == 0 {
			_, err := s.Allocate(t.Context(), order(fmt.Sprint("o", i), "c", line("c", 4), line("a", 4)), by)
			return err
		}
		_, _, err := s.Book(t.Context(), inventory.Booking{Kind: inventory.KindAdjust, Reference: fmt.Sprint("off", i), Lines: lines(-4)}, by, idem.Key{})
		return err
	})
	for _, err := range errs {
		if err != nil && !errors.Is(err, inventory.ErrOutOfStock) && !errors.Is(err, inventory.ErrBelowAllocated) {
			t.Error(err)
		}
	}
	want(t, "five of four fit into twenty", testkit.Wins(errs), 5)
}

func TestConstraints(t *testing.T) {
	t.Parallel()
	s, pool := empty(t)
	receive(t, s, "mug", "east", 5)
	for constraint, sql := range map[string]string{
		"stock_levels_allocated":          `UPDATE stock_levels SET allocated = 6`,
		"stock_levels_owed":               `UPDATE stock_levels SET owed = 1`,
		"stock_levels_safety":             `UPDATE stock_levels SET safety_stock = -1`,
		"stock_levels_backorder":          `UPDATE stock_levels SET backorder_limit = -1, preorder_limit = 9`,
		"stock_levels_preorder":           `UPDATE stock_levels SET preorder_limit = -1, backorder_limit = 9`,
		"inventory_reservations_kind":     `INSERT INTO inventory_reservations VALUES ('o', 0, 0, 'l', 'mug', 'east', 1, 'gift')`,
		"sku_rules_per_customer":          `INSERT INTO sku_rules VALUES ('mug', 5, 6, 0)`,
		"sku_rules_sale":                  `INSERT INTO sku_rules VALUES ('mug', 5, 6, 1, now(), now())`,
		"customer_takes_quantity":         `INSERT INTO customer_takes VALUES ('o', 'mug', '', now(), 0)`,
		"stock_transfers_places":          `INSERT INTO stock_transfers VALUES ('t', 'east', 'east', 'draft', '', now())`,
		"stock_transfers_ended":           `INSERT INTO stock_transfers VALUES ('t', 'east', 'west', 'received', '', now())`,
		"sku_rules_low_until":             `INSERT INTO sku_rules VALUES ('mug', 5, 5)`,
		"stock_levels_location":           `INSERT INTO stock_levels VALUES ('mug', 'nowhere', 1, 0)`,
		"hold_totals_held":                `UPDATE hold_totals SET held = -1`,
		"stock_holds_quantity":            `INSERT INTO stock_holds VALUES ('c:mug', 'c', 'mug', 0, now())`,
		"allocations_released":            `INSERT INTO allocations VALUES ('o', 'c', 'released', now(), NULL)`,
		"inventory_reservations_quantity": `INSERT INTO inventory_reservations VALUES ('o', 0, 0, 'l', 'mug', 'east', 0)`,
		"stock_ledger_kind":               `INSERT INTO stock_ledger (at, sku, location_id, kind, on_hand_delta, allocated_delta, reference, actor, reason) VALUES (now(), 'mug', 'east', 'gift', 1, 0, '', '', '')`,
	} {
		if _, err := pool.Exec(context.Background(), sql); !pg.Violates(err, constraint) {
			t.Errorf("%s does not hold: %v", constraint, err)
		}
	}
}

func TestFaultsAreSeen(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, Migrations()...)
	s := replica(pool)
	do(t, s.PutLocation(t.Context(), app.Location{ID: "east", Name: "East", Site: inventory.Site{Country: "US"}, Enabled: true}, by))
	receive(t, s, "mug", "east", 5)
	receive(t, s, "cup", "east", 5)
	for _, sql := range []string{`UPDATE stock_levels SET on_hand = 6 WHERE sku = 'mug'`, `UPDATE hold_totals SET held = 1 WHERE sku = 'cup'`,
		`INSERT INTO allocations VALUES ('o', 'c', 'allocated', now(), NULL)`, `INSERT INTO inventory_reservations VALUES ('o', 0, 0, 'l', 'ghost', 'east', 1)`} {
		_, err := pool.Exec(t.Context(), sql)
		do(t, err)
	}
	whats, err := collect(t.Context(), pool, "faults", pgx.RowTo[string], `SELECT what || ' ' || sku FROM stock_faults ORDER BY 1`)
	do(t, err)
	want(t, "faults", whats, []string{"holds cup", "level ghost", "level mug"})
}
