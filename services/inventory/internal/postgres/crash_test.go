package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// Connections die and callers give up in the middle of orders and holds. Repeating a call settles it: every order ends allocated
// once or refused, no lock is left behind, and the books hold.
func TestDyingConnectionsAndHastyCallers(t *testing.T) {
	t.Parallel()
	url := testkit.SchemaURL(t, Migrations()...)
	name := fmt.Sprint("crash-", time.Now().UnixNano())
	pool, err := pg.Open(t.Context(), pg.Config{URL: url, MaxConns: 6, AppName: name})
	do(t, err)
	t.Cleanup(pool.Close)
	admin, err := pg.Open(t.Context(), pg.Config{URL: url, MaxConns: 2, AppName: "admin"})
	do(t, err)
	t.Cleanup(admin.Close)
	s := replica(pool)
	do(t, s.PutLocation(t.Context(), app.Location{ID: "east", Name: "East", Site: inventory.Site{Country: "US"}, Enabled: true}, by))
	receive(t, s, "mug", "east", 50)
	receive(t, s, "cup", "east", 500)

	var killed, failed atomic.Int64
	done := make(chan struct{})
	var killer sync.WaitGroup
	killer.Go(func() {
		tick := time.NewTicker(15 * time.Millisecond)
		defer tick.Stop()
		for killed.Load() < 25 {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			var n int64
			if err := admin.QueryRow(context.Background(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
				WHERE application_name = $1 AND state <> 'idle'`, name).Scan(&n); err != nil {
				t.Error(err)
			}
			killed.Add(n)
		}
	})
	insist := func(what string, hasty bool, call func(ctx context.Context) error) error {
		for n := 0; ; n++ {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if hasty && n == 0 {
				cancel()
				ctx, cancel = context.WithTimeout(t.Context(), 3*time.Millisecond)
			}
			err := call(ctx)
			cancel()
			if err == nil || errors.Is(err, inventory.ErrOutOfStock) {
				return err
			}
			if kind := fault.KindOf(err); kind != fault.Timeout && kind != fault.Unavailable || n > 200 {
				t.Errorf("%s: %v", what, err)
				return err
			}
			failed.Add(1)
		}
	}
	var sold atomic.Int64
	testkit.Race(80, func(i int) error {
		owner := fmt.Sprint("c", i)
		hold := insist("hold", i%3 == 0, func(ctx context.Context) error {
			_, err := s.Turn(ctx, "mug", []inventory.Change{{Owner: owner, Quantity: 1, ExpiresAt: soon}}, noon)
			return err
		})
		err := insist("allocate", i%5 == 0, func(ctx context.Context) error {
			_, err := s.Allocate(ctx, order(fmt.Sprint("o", i), owner, line("cup", 2), line("mug", 1)), by)
			return err
		})
		if err == nil {
			sold.Add(1)
		}
		return errors.Join(hold, err)
	})
	close(done)
	killer.Wait()
	t.Logf("%d connections killed, %d calls repeated", killed.Load(), failed.Load())
	want(t, "sold", sold.Load(), 50)
	want(t, "cups taken", stock(t, s, "cup", noon).Allocated, 100)
	var locks, faults int
	do(t, admin.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		WHERE l.locktype = 'advisory' AND a.application_name = $1`, name).Scan(&locks))
	do(t, admin.QueryRow(t.Context(), `SELECT count(*) FROM stock_faults`).Scan(&faults))
	if locks != 0 || faults != 0 || killed.Load() == 0 || failed.Load() == 0 {
		t.Errorf("%d locks left, %d faults in the books, %d killed, %d repeated", locks, faults, killed.Load(), failed.Load())
	}
}
