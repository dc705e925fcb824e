package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

var quiet = slog.New(slog.DiscardHandler)

func holdsOn(s app.HoldStore, door app.Door) *app.Holds {
	return &app.Holds{Store: s, Combiner: app.NewCombiner(door), Now: clock, Log: quiet}
}

func lines(quantities map[string]int64) (all []inventory.Hold) {
	for _, sku := range []string{"a", "b", "c", "d"} {
		if q := quantities[sku]; q > 0 {
			all = append(all, inventory.Hold{SKU: sku, Quantity: q})
		}
	}
	return all
}

// Whatever sets the owners ask for, one after the other: each is held whole, or refused for what is short and nothing moves.
func TestSetLaw(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		stock := map[string]int64{"a": 5, "b": 3, "c": 8}
		s := newShelves(stock)
		h := holdsOn(s, s)
		model := map[string]map[string]int64{"x": {}, "y": {}, "z": {}}
		for range rapid.IntRange(1, 12).Draw(t, "calls") {
			owner := rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "owner")
			ask := map[string]int64{}
			for _, sku := range []string{"a", "b", "c", "d"} {
				if q := rapid.Int64Range(0, 5).Draw(t, sku); q > 0 && (sku != "d" || q == 5) {
					ask[sku] = q
				}
			}
			fits := true
			for sku, q := range ask {
				rest := stock[sku]
				for o, held := range model {
					if o != owner {
						rest -= held[sku]
					}
				}
				fits = fits && q <= rest
			}
			_, err := h.Set(context.Background(), owner, lines(ask), soon)
			if fits != (err == nil) || err != nil && !errors.Is(err, inventory.ErrOutOfStock) {
				t.Fatalf("%s asks %v beside %v: %v", owner, ask, model, err)
			}
			if err == nil {
				model[owner] = ask
			}
			for o, held := range model {
				got, _ := s.HoldsOf(context.Background(), o, noon)
				now := map[string]int64{}
				for _, g := range got {
					now[g.SKU] = g.Quantity
				}
				if diff := cmp.Diff(held, now); diff != "" {
					t.Fatalf("%s holds:\n%s", o, diff)
				}
			}
		}
	})
}

// Turns fail before and after they ran. Whatever a caller was told: nobody ever holds more than there is, and once the faults
// end, repeating the call settles it.
func TestSetWithLyingTurns(t *testing.T) {
	t.Parallel()
	s := newShelves(map[string]int64{"a": 6, "b": 6})
	faults := testkit.NewFaults(t, map[string]testkit.Rate{"Turn": {Before: 0.2, After: 0.2}})
	h := holdsOn(s, faultyDoor{s, faults})
	rng := testkit.Rand(t)
	for range 300 {
		owner := fmt.Sprint("o", rng.IntN(4))
		_, err := h.Set(t.Context(), owner, lines(map[string]int64{"a": rng.Int64N(4), "b": rng.Int64N(4)}), soon)
		if err != nil && !errors.Is(err, inventory.ErrOutOfStock) && fault.KindOf(err) != fault.Unavailable && fault.KindOf(err) != fault.Timeout {
			t.Fatal(err)
		}
		if s.held("a") > 6 || s.held("b") > 6 {
			t.Fatal("more is held than there is")
		}
	}
	faults.Heal()
	for i := range 4 {
		if err := h.Release(t.Context(), fmt.Sprint("o", i)); err != nil {
			t.Fatal(err)
		}
	}
	if faults.Injected("Turn") == 0 || s.held("a") != 0 || s.held("b") != 0 {
		t.Errorf("%d faults, held %d and %d in the end", faults.Injected("Turn"), s.held("a"), s.held("b"))
	}
}

// Two calls of one owner at once do not mix: in the end it holds one of the two sets.
func TestSetOfOneOwnerAtOnce(t *testing.T) {
	t.Parallel()
	s := newShelves(map[string]int64{"a": 10, "b": 10})
	h := holdsOn(s, s)
	for _, err := range testkit.Race(20, func(i int) error {
		_, err := h.Set(t.Context(), "x", lines(map[string]int64{"a": int64(1 + i%2*4), "b": int64(1 + i%2*4)}), soon)
		return err
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if s.held("a") != s.held("b") {
		t.Errorf("held %d and %d", s.held("a"), s.held("b"))
	}
}

// gate lets turns through one by one.
type gate struct {
	app.Door
	entered, let chan struct{}
}

func (g gate) Turn(ctx context.Context, sku string, changes []inventory.Change) ([]inventory.Outcome, error) {
	g.entered <- struct{}{}
	select {
	case <-g.let:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return g.Door.Turn(ctx, sku, changes)
}

// What waits while a turn runs goes through in the next one, all at once and in order; a caller that left is not in it.
func TestCombinerCombinesWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelves(map[string]int64{"mug": 3})
		g := gate{s, make(chan struct{}), make(chan struct{})}
		c := app.NewCombiner(g)
		outcomes := make([]inventory.Outcome, 6)
		var all sync.WaitGroup
		ask := func(ctx context.Context, i int) {
			all.Go(func() {
				var err error
				outcomes[i], err = c.Apply(ctx, "mug", inventory.Change{Owner: fmt.Sprint("o", i), Quantity: 1, ExpiresAt: soon})
				if err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			})
			synctest.Wait() // it stands in the lane, or at the gate
		}
		ask(t.Context(), 0)
		<-g.entered
		gone, leave := context.WithCancel(t.Context())
		ask(gone, 1)
		for i := 2; i < 6; i++ {
			ask(t.Context(), i)
		}
		leave()
		g.let <- struct{}{}
		<-g.entered
		g.let <- struct{}{}
		all.Wait()
		want := []inventory.Outcome{{Held: true, Available: 3}, {}, {Held: true, Available: 2}, {Held: true, Available: 1}, {}, {}}
		if diff := cmp.Diff(want, outcomes); diff != "" || s.turns != 2 || s.largest != 4 {
			t.Errorf("%d turns, the largest of %d: %s", s.turns, s.largest, diff)
		}
	})
}

// reads answers with what was asked, when it is let.
type reads struct {
	entered chan []string
	let     chan error
}

func (r reads) HoldsOfEach(_ context.Context, owners []string, _ time.Time) (map[string][]inventory.Hold, error) {
	r.entered <- owners
	held := map[string][]inventory.Hold{}
	for _, o := range owners {
		if o != "nobody" {
			held[o] = []inventory.Hold{{Owner: o, SKU: "mug", Quantity: 1}}
		}
	}
	return held, <-r.let
}

// Owners that wait while a read runs are read together, each gets its own, and a read that fails fails those who waited for it.
func TestTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := reads{make(chan []string), make(chan error)}
		store := app.Together(r, clock)
		var all sync.WaitGroup
		ask := func(owner string, want int, fails bool) {
			all.Go(func() {
				held, err := store.HoldsOf(t.Context(), owner, noon)
				if (err != nil) != fails || len(held) != want || want > 0 && held[0].Owner != owner {
					t.Errorf("%s holds %v, %v", owner, held, err)
				}
			})
			synctest.Wait()
		}
		ask("a", 1, false)
		if got := <-r.entered; len(got) != 1 {
			t.Errorf("the first read is of %v", got)
		}
		ask("b", 1, false)
		ask("nobody", 0, false)
		ask("b", 1, false)
		r.let <- nil
		if got := <-r.entered; len(got) != 3 {
			t.Errorf("the second read is of %v", got)
		}
		ask("c", 0, true)
		r.let <- nil
		<-r.entered
		r.let <- errors.New("broken")
		all.Wait()
	})
}

// Many callers of many SKUs at once: every change is made once, no turn is lost, and the lanes end.
func TestCombinerManyAtOnce(t *testing.T) {
	t.Parallel()
	s := newShelves(map[string]int64{"a": 100, "b": 7, "c": 0})
	c := app.NewCombiner(s)
	var mu sync.Mutex
	got := map[string]int64{}
	for _, err := range testkit.Race(600, func(i int) error {
		sku := []string{"a", "b", "c"}[i%3]
		o, err := c.Apply(t.Context(), sku, inventory.Change{Owner: fmt.Sprint("o", i), Quantity: 1, ExpiresAt: soon})
		if o.Held {
			mu.Lock()
			got[sku]++
			mu.Unlock()
		}
		return err
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(map[string]int64{"a": 100, "b": 7}, got); diff != "" || s.held("a") != 100 || s.held("b") != 7 {
		t.Error(diff)
	}
}

// First come, first held: what waits for a SKU is served in the order in which it came, within a turn and from turn to turn.
func TestFirstComeFirstHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const buyers, pieces = 450, 230 // more than two turns of 200
		s := newShelves(map[string]int64{"hot": pieces})
		g := gate{s, make(chan struct{}, 9), make(chan struct{})}
		c := app.NewCombiner(g)
		got := make([]bool, buyers)
		var all sync.WaitGroup
		for i := range buyers {
			all.Go(func() {
				o, err := c.Apply(t.Context(), "hot", inventory.Change{Owner: fmt.Sprint("o", i), Quantity: 1, ExpiresAt: soon})
				if err != nil {
					t.Error(err)
				}
				got[i] = o.Held
			})
			synctest.Wait() // it stands in the queue
		}
		close(g.let)
		all.Wait()
		for i, held := range got {
			if held != (i < pieces) {
				t.Fatalf("buyer %d: held %t", i, held)
			}
		}
		if s.turns < 3 || s.largest != 200 {
			t.Errorf("%d turns, the largest of %d", s.turns, s.largest)
		}
	})
}

// Where too many wait, whoever wants more is told when to come back, before anything is changed; giving back and renewing go on.
func TestWaitingRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelves(map[string]int64{"hot": 100, "cold": 5})
		g := gate{s, make(chan struct{}, 99), make(chan struct{})}
		h := &app.Holds{Store: s, Combiner: app.NewCombiner(g), Queue: 3, Now: clock, Log: quiet}
		mine := inventory.Hold{Owner: "me", SKU: "hot", Quantity: 2, ExpiresAt: soon}
		s.holds[mine.ID()] = mine
		var all sync.WaitGroup
		for i := range 4 { // one in its turn, three behind it
			all.Go(func() {
				if _, err := h.Set(t.Context(), fmt.Sprint("o", i), []inventory.Hold{{SKU: "hot", Quantity: 1}}, soon); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		_, err := h.Set(t.Context(), "late", []inventory.Hold{{SKU: "cold", Quantity: 1}, {SKU: "hot", Quantity: 1}}, soon)
		f, ok := fault.As(err)
		if !ok || !errors.Is(err, app.ErrWaitingRoom) || f.RetryAfter != time.Second || f.Extra["sku"] != "hot" || s.held("cold") != 0 {
			t.Errorf("%v, %d of the other SKU held", err, s.held("cold"))
		}
		all.Go(func() {
			if err := h.Release(t.Context(), "me"); err != nil {
				t.Errorf("giving back: %v", err)
			}
		})
		synctest.Wait()
		close(g.let)
		all.Wait()
		if _, err := h.Set(t.Context(), "late", []inventory.Hold{{SKU: "hot", Quantity: 1}}, soon); err != nil || s.held("hot") != 5 {
			t.Errorf("afterwards: %v, %d held", err, s.held("hot"))
		}
	})
}

// A door that hangs: callers get their answer when the turn is given up, and the lane goes on.
func TestCombinerGivesUpATurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelves(map[string]int64{"mug": 3})
		g := gate{s, make(chan struct{}, 9), make(chan struct{})}
		c := app.NewCombiner(g)
		change := inventory.Change{Owner: "o", Quantity: 1, ExpiresAt: soon}
		if _, err := c.Apply(t.Context(), "mug", change); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a turn that hangs: %v", err)
		}
		close(g.let)
		if o, err := c.Apply(t.Context(), "mug", change); err != nil || !o.Held {
			t.Errorf("the next turn: %v %v", o, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		<-ctx.Done()
		if _, err := c.Apply(ctx, "mug", change); fault.KindOf(err) != fault.Timeout {
			t.Errorf("a caller without time: %v", err)
		}
	})
}

// door is what an actor does in a test.
type door func(ctx context.Context, sku string, changes []inventory.Change) ([]inventory.Outcome, error)

func (d door) Turn(ctx context.Context, sku string, changes []inventory.Change) ([]inventory.Outcome, error) {
	return d(ctx, sku, changes)
}

// Without placement an actor call hangs: after 300 ms the turn runs here, and for a second nobody asks the actor.
func TestFallback(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelves(map[string]int64{"mug": 3})
		calls, hangs := 0, true
		actor := door(func(ctx context.Context, sku string, changes []inventory.Change) ([]inventory.Outcome, error) {
			if calls++; hangs {
				<-ctx.Done()
				return nil, fault.New(fault.Timeout, "timeout", "").WithCause(ctx.Err())
			}
			return s.Turn(ctx, sku, changes)
		})
		f := &app.Fallback{Actor: actor, Direct: s, Now: time.Now, Log: quiet}
		turn := func(wantCalls int, took time.Duration) {
			t.Helper()
			start := time.Now()
			o, err := f.Turn(t.Context(), "mug", []inventory.Change{{Owner: "o", Quantity: 1, ExpiresAt: soon}})
			if err != nil || !o[0].Held || calls != wantCalls || time.Since(start) != took {
				t.Errorf("%v %v after %s, %d calls", o, err, time.Since(start), calls)
			}
		}
		turn(1, 300*time.Millisecond)
		turn(1, 0)
		<-time.After(time.Second)
		turn(2, 300*time.Millisecond)
		hangs = false
		<-time.After(time.Second)
		turn(3, 0)
		turn(4, 0)
	})
}
