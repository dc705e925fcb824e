package daprio

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/daprkit/daprtest"
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

// counted is a door that counts its turns.
type counted struct {
	app.Door
	turns *atomic.Int64
}

func (c counted) Turn(ctx context.Context, sku string, changes []inventory.Change) ([]inventory.Outcome, error) {
	c.turns.Add(1)
	return c.Door.Turn(ctx, sku, changes)
}

// Through a real sidecar: buyers race for ten pieces at the actor; then the sidecar dies, and holding goes on here.
func TestSellingWithAndWithoutTheSidecar(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, postgres.Migrations()...)
	hot, err := postgres.Hot(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hot.Close)
	store := postgres.New(pool, hot, outbox.New(pool, outbox.Options{Source: "inventory"}))
	by := app.Change{Actor: "test", At: noon}
	if err := store.PutLocation(t.Context(), app.Location{ID: "east", Name: "East", Country: "US", Enabled: true}, by); err != nil {
		t.Fatal(err)
	}
	goods := inventory.Booking{Kind: inventory.KindReceive, Reference: "r", Lines: []inventory.BookingLine{
		{Place: inventory.Place{SKU: "mug", LocationID: "east"}, Quantity: 10}, {Place: inventory.Place{SKU: "cup", LocationID: "east"}, Quantity: 10}}}
	if _, _, err := store.Book(t.Context(), goods, by, idem.Key{}); err != nil {
		t.Fatal(err)
	}

	quiet := slog.New(slog.DiscardHandler)
	actors := daprkit.NewActors(daprkit.ActorOptions{Log: quiet})
	var atActor, here atomic.Int64
	direct := app.Direct{Store: store, Now: time.Now}
	Host(actors, counted{direct, &atActor}, store, time.Now)
	r := chi.NewRouter()
	daprkit.Mount(r, daprkit.Routes{AppID: "inventory", AppToken: daprtest.AppToken, Actors: actors})
	side := daprtest.Start(t, daprtest.Options{
		AppID: "inventory", App: r, Placement: daprtest.Placement(t), Resources: map[string]string{"actorstate.yaml": actorStore},
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := actors.Check(ctx, side.Client); err != nil {
		t.Fatalf("%v\n%s", err, side.Log())
	}
	door := &app.Fallback{Actor: Door{Caller: side.Client}, Direct: counted{direct, &here}, Now: time.Now, Log: quiet}
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
