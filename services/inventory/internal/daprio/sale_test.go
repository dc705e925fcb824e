package daprio

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit/daprtest"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
	"github.com/sidecart/sidecart/services/inventory/internal/postgres"
)

// The sale of the year: ten thousand buyers of five hundred pieces at two replicas, each with its combiner, the actor of the SKU behind
// them, and the sidecar that hosts it killed in the middle. Whoever got no answer asks again. Five hundred are held, and nobody is told
// wrong: neither that something is sold out before it is, nor that it is held when it is not. Turns run beside the actor until it has moved to
// the other replica.
func TestSaleOfTheYear(t *testing.T) {
	t.Parallel()
	const buyers, pieces = 10_000, 500
	store, pool := shelf(t, pieces)
	placement := daprtest.Placement(t)
	var atActor, direct [2]atomic.Int64
	var sides [2]*daprtest.Sidecar
	var combiners [2]*app.Combiner[inventory.Change, inventory.Outcome]
	for i := range sides {
		own := postgres.New(pool, outbox.New(pool, outbox.Options{Source: "inventory"})) // a process of its own
		side, actors := host(t, own, placement, func(d app.Direct) app.Door { return counted{d, &atActor[i]} })
		sides[i] = side
		combiners[i] = app.NewCombiner(&app.Fallback{Actor: Door{Caller: side.Client, Actors: actors},
			Direct: counted{app.Direct{Store: own, Now: time.Now}, &direct[i]}, Now: time.Now, Log: quiet})
	}
	var answered, early atomic.Int64
	killed := make(chan struct{})
	survivor, before := -1, int64(0) // and its turns at the actor when the other was killed
	go func() {
		defer close(killed)
		host, turns := -1, [2]int64{} // the one whose actor had the last turn
		for (answered.Load() < buyers/3 || host < 0) && t.Context().Err() == nil {
			for i := range sides {
				if n := atActor[i].Load(); n > turns[i] {
					host, turns[i] = i, n
				}
			}
			<-time.After(time.Millisecond)
		}
		if host >= 0 {
			sides[host].Kill()
			survivor, before = 1-host, atActor[1-host].Load()
		}
	}()
	won := testkit.Wins(testkit.Race(buyers, func(i int) error {
		if i >= buyers/2 { // half of them come when the host is gone, however fast the others were
			<-killed
		}
		change := inventory.Change{Owner: fmt.Sprint("cart", i), Quantity: 1, ExpiresAt: time.Now().Add(time.Hour)}
		for {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			o, err := combiners[i%2].Apply(ctx, "mug", change)
			cancel()
			if t.Context().Err() != nil {
				return t.Context().Err()
			}
			if err != nil {
				continue // nobody knows: ask again
			}
			answered.Add(1)
			if !o.Held && o.Available > 0 {
				early.Add(1)
			}
			if !o.Held {
				return inventory.ErrOutOfStock
			}
			return nil
		}
	}))
	<-killed
	held, err := store.Holds(t.Context(), "mug", "", inventory.Hold{}, time.Now(), buyers)
	if err != nil {
		t.Fatal(err)
	}
	if won != pieces || len(held) != pieces || early.Load() != 0 {
		t.Errorf("%d told that they hold one, %d do, of %d; %d sent away while there was some", won, len(held), pieces, early.Load())
	}
	var faults int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM stock_faults`).Scan(&faults); err != nil || faults != 0 {
		t.Errorf("%d faults in the books (%v)", faults, err)
	}
	if survivor < 0 {
		t.Fatal("the actor had no turn")
	}
	if direct[survivor].Load() == 0 {
		t.Error("no turn ran beside the actor while it moved")
	}
	testkit.Eventually(t, 30*time.Second, func() error {
		_, err := combiners[survivor].Apply(t.Context(), "mug", inventory.Change{Owner: "late", Quantity: 1, ExpiresAt: time.Now().Add(time.Hour)})
		if err == nil && atActor[survivor].Load() == before {
			err = errors.New("the actor has not moved")
		}
		return err
	})
	t.Logf("turns at the actor %d and %d, beside it %d and %d", atActor[0].Load(), atActor[1].Load(), direct[0].Load(), direct[1].Load())
}
