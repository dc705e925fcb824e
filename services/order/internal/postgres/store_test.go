package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/internal/ordertest"
	"github.com/sidecart/sidecart/services/order/internal/postgres"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// decided is the change that an event makes to a record.
func decided(t testing.TB, rec app.Record, ev order.Event, stamp int64) app.Change {
	t.Helper()
	m, err := app.Machine()
	if err != nil {
		t.Fatal(err)
	}
	d, err := m.Decide(rec.Order, ev, now)
	if err != nil {
		t.Fatal(err)
	}
	after := rec
	after.Order, after.MachineVersion, after.UpdatedAt = d.Order, 1, now
	return app.Change{Seen: rec.Version, After: after, Announce: d.Announce, Effect: d.Effect, Stamp: stamp, Keep: d.Effect == nil && stamp == 0,
		Entry: app.Entry{At: now, Transition: d.Transition, Event: string(ev.Name), From: string(d.From), To: string(d.Order.State), Attempt: d.Order.Attempt, Actor: "test"}}
}

// first is the command that makes an order of a cart.
func first(t testing.TB, id, cart string) app.Change {
	t.Helper()
	snapshot := ordertest.Snapshot(id, 1)
	c := decided(t, app.Record{Order: order.Order{ID: id}}, order.Event{Name: order.Place, Attempt: 1, Place: &order.Placing{
		OrderID: id, CheckoutID: snapshot.CheckoutID, CartID: cart, Total: ordertest.Total}}, 0)
	c.Payment = snapshot.Payment
	c.After.Snapshot, c.After.AccessToken, c.After.CreatedAt = snapshot, "token-"+id, now
	return c
}

func save(t testing.TB, s app.Store, c app.Change) (app.Record, *app.Lease) {
	t.Helper()
	rec, lease, err := s.Save(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return rec, lease
}

// allocating brings an order to where its stock is being taken.
func allocating(t testing.TB, s app.Store, id, cart string) (app.Record, *app.Lease) {
	t.Helper()
	rec, lease := save(t, s, first(t, id, cart))
	return save(t, s, decided(t, rec, order.Event{Name: order.Authorised, Attempt: 1}, lease.Stamp))
}

// oneWinner lets n callers save the same at once: one is told so, the others that the order has moved.
func oneWinner(t *testing.T, s app.Store, c app.Change) {
	t.Helper()
	errs := testkit.Race(8, func(int) error {
		_, _, err := s.Save(t.Context(), c)
		return err
	})
	if wins := testkit.Wins(errs); wins != 1 {
		t.Errorf("%d winners: %v", wins, errs)
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, app.ErrMoved) {
			t.Errorf("a loser was told %v", err)
		}
	}
}

func TestStoreContract(t *testing.T) {
	t.Parallel()
	make := map[string]func(t *testing.T) app.Store{"postgres": func(t *testing.T) app.Store {
		pool := testkit.Schema(t, postgres.Migrations()...)
		return postgres.New(pool, outbox.New(pool, outbox.Options{Source: "order"}))
	}}
	testkit.Contract(t, make,
		testkit.Case[app.Store]{Name: "an order is made once", Run: func(t *testing.T, s app.Store) { oneWinner(t, s, first(t, "a", "cart")) }},
		testkit.Case[app.Store]{Name: "an answer is recorded once", Run: func(t *testing.T, s app.Store) {
			rec, lease := save(t, s, first(t, "a", "cart"))
			oneWinner(t, s, decided(t, rec, order.Event{Name: order.Authorised, Attempt: 1}, lease.Stamp))
			log, err := s.Log(t.Context(), "a")
			if err != nil || len(log) != 2 {
				t.Errorf("the log has %d entries (%v)", len(log), err)
			}
		}},
		testkit.Case[app.Store]{Name: "an order is placed and announced once", Run: func(t *testing.T, s app.Store) {
			rec, lease := allocating(t, s, "a", "cart")
			oneWinner(t, s, decided(t, rec, order.Event{Name: order.Allocated, Attempt: 1}, lease.Stamp))
		}},
		testkit.Case[app.Store]{Name: "a command and an answer at once", Run: commandAgainstAnswer},
		testkit.Case[app.Store]{Name: "a cart is ordered once", Run: cartOnce},
		testkit.Case[app.Store]{Name: "a checkout has one order", Run: func(t *testing.T, s app.Store) {
			save(t, s, first(t, "a", "cart"))
			other := first(t, "b", "cart")
			other.After.CheckoutID = "checkout-a"
			if _, _, err := s.Save(t.Context(), other); !errors.Is(err, app.ErrCheckoutTaken) {
				t.Errorf("%v", err)
			}
		}},
		testkit.Case[app.Store]{Name: "an effect is leased to one", Run: leasedOnce},
		testkit.Case[app.Store]{Name: "a lost lease does nothing", Run: lostLease},
		testkit.Case[app.Store]{Name: "a portion is kept with its effect", Run: portionKept},
		testkit.Case[app.Store]{Name: "unknown", Run: func(t *testing.T, s app.Store) {
			if _, err := s.Load(t.Context(), "nobody"); !errors.Is(err, app.ErrNotFound) {
				t.Errorf("%v", err)
			}
		}},
	)
}

func commandAgainstAnswer(t *testing.T, s app.Store) {
	rec, lease := save(t, s, first(t, "a", "cart"))
	changes := []app.Change{
		decided(t, rec, order.Event{Name: order.Authorised, Attempt: 1}, lease.Stamp),
		decided(t, rec, order.Event{Name: order.Abandon, Attempt: 1}, 0),
	}
	errs := testkit.Race(2, func(i int) error {
		_, _, err := s.Save(t.Context(), changes[i])
		return err
	})
	if testkit.Wins(errs) != 1 || !errors.Is(errors.Join(errs...), app.ErrMoved) {
		t.Fatalf("%v", errs)
	}
	now, err := s.Load(t.Context(), "a")
	if err != nil || now.AbandonRequested != (errs[1] == nil) {
		t.Errorf("%+v, %v", now.Order, err)
	}
}

func cartOnce(t *testing.T, s app.Store) {
	changes := make([]app.Change, 4)
	for i := range changes {
		rec, lease := allocating(t, s, fmt.Sprint("order", i), "the cart")
		changes[i] = decided(t, rec, order.Event{Name: order.Allocated, Attempt: 1}, lease.Stamp)
	}
	errs := testkit.Race(len(changes), func(i int) error {
		_, _, err := s.Save(t.Context(), changes[i])
		return err
	})
	for _, err := range errs {
		if err != nil && !errors.Is(err, app.ErrCartTaken) {
			t.Errorf("a loser was told %v", err)
		}
	}
	if wins := testkit.Wins(errs); wins != 1 {
		t.Errorf("%d orders of one cart", wins)
	}
}

func leasedOnce(t *testing.T, s app.Store) {
	const orders = 20
	for i := range orders {
		save(t, s, first(t, fmt.Sprint("order", i), fmt.Sprint("cart", i)))
	}
	if early, err := s.Take(t.Context(), now.Add(app.LeaseTime-time.Millisecond), orders); err != nil || len(early) != 0 {
		t.Fatalf("%d leases were taken before they ran out (%v)", len(early), err)
	}
	taken := make([][]string, 6)
	errs := testkit.Race(len(taken), func(i int) error {
		leases, err := s.Take(t.Context(), now.Add(app.LeaseTime), orders)
		for _, l := range leases {
			taken[i] = append(taken[i], l.Record.ID)
			if l.Payment.Nonce == "" || l.Stamp != 2 || l.Tries != 1 || l.Version != 1 {
				return fmt.Errorf("lease %+v", l)
			}
		}
		return err
	})
	all := slices.Concat(taken...)
	slices.Sort(all)
	if err := errors.Join(errs...); err != nil || len(all) != orders || len(slices.Compact(all)) != orders {
		t.Errorf("%d leases of %d effects (%v)", len(all), orders, err)
	}
}

func lostLease(t *testing.T, s app.Store) {
	rec, old := save(t, s, first(t, "a", "cart"))
	leases, err := s.Take(t.Context(), now.Add(app.LeaseTime), 1)
	if err != nil || len(leases) != 1 {
		t.Fatalf("%v, %v", leases, err)
	}
	if err := s.Postpone(t.Context(), *old, now); err != nil {
		t.Error(err)
	}
	if again, err := s.Take(context.WithoutCancel(t.Context()), now.Add(app.LeaseTime), 1); err != nil || len(again) != 0 {
		t.Errorf("whoever lost a lease gave it back: %v, %v", again, err)
	}
	if _, _, err := s.Save(t.Context(), decided(t, rec, order.Event{Name: order.Authorised, Attempt: 1}, old.Stamp)); !errors.Is(err, app.ErrMoved) {
		t.Errorf("whoever lost a lease answered: %v", err)
	}
	save(t, s, decided(t, rec, order.Event{Name: order.Authorised, Attempt: 1}, leases[0].Stamp))
}

func portionKept(t *testing.T, s app.Store) {
	rec, old := save(t, s, first(t, "a", "cart"))
	want := app.Portion{Version: old.Version, Attempt: 1_000_001, Amount: ordertest.Total, Given: ordertest.Total}
	if err := s.Pin(t.Context(), *old, want); err != nil {
		t.Error(err)
	}
	leases, err := s.Take(t.Context(), now.Add(app.LeaseTime), 1)
	if err != nil || len(leases) != 1 || leases[0].Portion == nil || *leases[0].Portion != want {
		t.Fatalf("%+v, %v", leases, err)
	}
	if err := s.Pin(t.Context(), *old, app.Portion{Attempt: 1, Amount: ordertest.Total}); !errors.Is(err, app.ErrMoved) {
		t.Errorf("whoever lost a lease pinned: %v", err)
	}
	save(t, s, decided(t, rec, order.Event{Name: order.Authorised, Attempt: 1}, leases[0].Stamp))
	if next, err := s.Take(t.Context(), now.Add(2*app.LeaseTime), 1); err != nil || len(next) != 1 || next[0].Version == want.Version {
		t.Errorf("the next effect: %+v, %v", next, err)
	}
}
