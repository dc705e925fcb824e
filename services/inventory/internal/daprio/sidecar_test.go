package daprio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/daprkit/daprtest"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
	"github.com/sidecart/sidecart/services/inventory/internal/postgres"
)

const actorStore = `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: actorstate
spec:
  type: state.in-memory
  version: v1
  metadata:
    - name: actorStateStore
      value: "true"
`

var quiet = slog.New(slog.DiscardHandler)

// counted is a door that counts its turns.
type counted struct {
	app.Door
	turns *atomic.Int64
}

func (c counted) Turn(ctx context.Context, sku string, changes []inventory.Change) ([]inventory.Outcome, error) {
	c.turns.Add(1)
	return c.Door.Turn(ctx, sku, changes)
}

// shelf is a stock of mugs and cups.
func shelf(t *testing.T, pieces int64) (*postgres.Store, *pgxpool.Pool) {
	t.Helper()
	pool := testkit.Schema(t, postgres.Migrations()...)
	store := postgres.New(pool, outbox.New(pool, outbox.Options{Source: "inventory"}))
	by := app.Change{Actor: "test", At: noon}
	if err := store.PutLocation(t.Context(), app.Location{ID: "east", Name: "East", Site: inventory.Site{Country: "US"}, Enabled: true}, by); err != nil {
		t.Fatal(err)
	}
	goods := inventory.Booking{Kind: inventory.KindReceive, Reference: "r", Lines: []inventory.BookingLine{
		{Place: inventory.Place{SKU: "mug", LocationID: "east"}, Quantity: pieces}, {Place: inventory.Place{SKU: "cup", LocationID: "east"}, Quantity: pieces}}}
	if _, _, err := store.Book(t.Context(), goods, by, idem.Key{}); err != nil {
		t.Fatal(err)
	}
	return store, pool
}

// stocked hosts the actors of a stock of mugs and cups beside a real sidecar; each turn goes through door.
func stocked(t *testing.T, pieces int64, door func(app.Direct) app.Door) (*postgres.Store, *daprtest.Sidecar, *daprkit.Actors) {
	t.Helper()
	store, _ := shelf(t, pieces)
	side, actors := host(t, store, daprtest.Placement(t), door)
	return store, side, actors
}

// host is a replica of inventory: it hosts actors beside a sidecar of its own.
func host(t *testing.T, store *postgres.Store, placement string, door func(app.Direct) app.Door) (*daprtest.Sidecar, *daprkit.Actors) {
	t.Helper()
	actors := daprkit.NewActors(daprkit.ActorOptions{Log: quiet})
	Host(actors, door(app.Direct{Store: store, Now: time.Now}), store, time.Now)
	r := chi.NewRouter()
	daprkit.Mount(r, daprkit.Routes{AppID: "inventory", AppToken: daprtest.AppToken, Actors: actors})
	side := daprtest.Start(t, daprtest.Options{
		AppID: "inventory", App: r, Placement: placement, Resources: map[string]string{"actorstate.yaml": actorStore},
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := actors.Check(ctx, side.Client); err != nil {
		t.Fatalf("%v\n%s", err, side.Log())
	}
	return side, actors
}

// elsewhere hosts no actor: every turn goes through the sidecar.
var elsewhere = daprkit.NewActors(daprkit.ActorOptions{})

// Through a real sidecar: buyers race for ten pieces at the actor; then the sidecar dies, and holding goes on here.
func TestSellingWithAndWithoutTheSidecar(t *testing.T) {
	t.Parallel()
	var atActor, here atomic.Int64
	store, side, _ := stocked(t, 10, func(d app.Direct) app.Door { return counted{d, &atActor} })
	direct := app.Direct{Store: store, Now: time.Now}
	door := &app.Fallback{Actor: Door{Caller: side.Client, Actors: elsewhere}, Direct: counted{direct, &here}, Now: time.Now, Log: quiet}
	c := app.NewCombiner(door)
	buy := func(sku string) int {
		return testkit.Wins(testkit.Race(200, func(i int) error {
			o, err := c.Apply(t.Context(), sku, inventory.Change{Owner: fmt.Sprint("cart", i), Quantity: 1, ExpiresAt: time.Now().Add(time.Hour)})
			if err == nil && !o.Held {
				err = inventory.ErrOutOfStock
			}
			return err
		}))
	}
	if won := buy("mug"); won != 10 || atActor.Load() == 0 {
		t.Errorf("%d of 200 got one of ten, in %d turns at the actor and %d here", won, atActor.Load(), here.Load())
	}
	side.Kill()
	turns := atActor.Load()
	if won := buy("cup"); won != 10 || here.Load() == 0 || atActor.Load() != turns {
		t.Errorf("without the sidecar %d of 200 got one of ten, in %d turns here", won, here.Load())
	}
}

// The sidecar puts the actor here with its first turn; further ones need it no more, until it takes the actor back.
func TestTurnsWithoutADetour(t *testing.T) {
	t.Parallel()
	var turns atomic.Int64
	_, side, actors := stocked(t, 10, func(d app.Direct) app.Door { return counted{d, &turns} })
	calls := &calls{Caller: side.Client}
	door := Door{Caller: calls, Actors: actors}
	hold := func(owner string) (inventory.Outcome, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		o, err := door.Turn(ctx, "mug", []inventory.Change{{Owner: owner, Quantity: 6, ExpiresAt: time.Now().Add(time.Hour)}})
		return append(o, inventory.Outcome{})[0], err
	}
	for i, want := range []inventory.Outcome{{Held: true, Available: 10}, {Available: 4}, {Available: 4}} {
		if got, err := hold(fmt.Sprint("cart", i)); got != want || err != nil {
			t.Errorf("hold %d: %+v, %v, want %+v", i, got, err, want)
		}
	}
	if _, err := hold(""); fault.KindOf(err) != fault.Invalid {
		t.Errorf("nobody's hold: %v", err)
	}
	if n := calls.n.Load(); n != 1 || turns.Load() != 3 {
		t.Errorf("%d calls through the sidecar, %d turns", n, turns.Load())
	}
}

// calls counts what goes through the sidecar.
type calls struct {
	Caller
	n atomic.Int64
}

func (c *calls) Actor(ctx context.Context, typ, id, method string, in, out any) error {
	c.n.Add(1)
	return c.Caller.Actor(ctx, typ, id, method, in, out)
}

// slow is a door whose turns take a while, and tell when two overlap.
type slow struct {
	app.Door
	running, overlaps *atomic.Int64
}

func (s slow) Turn(ctx context.Context, sku string, changes []inventory.Change) ([]inventory.Outcome, error) {
	if s.running.Add(1) > 1 {
		s.overlaps.Add(1)
	}
	defer s.running.Add(-1)
	<-time.After(10 * time.Millisecond) // the work of a turn
	return s.Door.Turn(ctx, sku, changes)
}

// Hasty callers give up in the queue of one actor beside patient ones, which breaks daprd's own turn lock; some of both kinds take no
// detour through the sidecar. Each repeats until it
// knows, as checkout does. No hold is made twice, none is lost, and no turn overlaps another.
func TestHastyCallersBesidePatientOnes(t *testing.T) {
	t.Parallel()
	const callers, pieces = 60, 40
	var running, overlaps, gaveUp atomic.Int64
	store, side, actors := stocked(t, pieces, func(d app.Direct) app.Door { return slow{d, &running, &overlaps} })
	doors := []Door{{Caller: side.Client, Actors: elsewhere}, {Caller: side.Client, Actors: actors}}
	until := time.Now().Add(time.Hour)
	owner := func(i int) string { return fmt.Sprint("cart", i) }
	ask := func(i int, patience time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		o, err := doors[i/2%2].Turn(ctx, "mug", []inventory.Change{{Owner: owner(i), Quantity: 1, ExpiresAt: until}})
		if err == nil && !o[0].Held {
			err = inventory.ErrOutOfStock
		}
		return err
	}
	errs := testkit.Race(callers, func(i int) error {
		if i%2 == 0 {
			err := ask(i, 40*time.Millisecond)
			if err == nil || fault.KindOf(err) != fault.Timeout && !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			gaveUp.Add(1)
		}
		return ask(i, 30*time.Second)
	})
	var held int64
	for i, err := range errs {
		holds, readErr := store.HoldsOf(t.Context(), owner(i), time.Now())
		if readErr != nil || err != nil && !errors.Is(err, inventory.ErrOutOfStock) {
			t.Fatalf("caller %d: %v, %v", i, err, readErr)
		}
		if (err == nil) != (len(holds) == 1) {
			t.Errorf("caller %d was told %v and has %v", i, err, holds)
		}
		for _, h := range holds {
			held += h.Quantity
		}
	}
	levels, err := store.Availability(t.Context(), []string{"mug"}, time.Now())
	if err != nil || len(levels) != 1 || held != pieces || levels[0].Held != pieces {
		t.Errorf("%d held by carts, levels %+v (%v), want all %d", held, levels, err, pieces)
	}
	if gaveUp.Load() == 0 || overlaps.Load() != 0 {
		t.Errorf("%d callers gave up, %d turns overlapped", gaveUp.Load(), overlaps.Load())
	}
}

// Through a real scheduler: the sweep is called, again and again.
func TestSweepIsScheduled(t *testing.T) {
	t.Parallel()
	jobs := daprkit.NewJobs(slog.New(slog.DiscardHandler))
	swept := make(chan struct{}, 100)
	schedule := Jobs(jobs, func(ctx context.Context) error {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("a sweep without a deadline")
		}
		swept <- struct{}{}
		return nil
	}, nil)
	for i := range schedule {
		if schedule[i].Name == jobSweep {
			schedule[i].Schedule = "@every 1s" // the test has less time
		}
	}
	r := chi.NewRouter()
	daprkit.Mount(r, daprkit.Routes{AppID: "inventory", AppToken: daprtest.AppToken, Jobs: jobs})
	side := daprtest.Start(t, daprtest.Options{AppID: "inventory", App: r, Scheduler: daprtest.Scheduler(t)})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := side.Schedule(ctx, schedule...); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		select {
		case <-swept:
		case <-ctx.Done():
			t.Fatalf("no sweep\n%s", side.Log())
		}
	}
}
