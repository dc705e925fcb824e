package app

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

func newTail(r *replica, i *indexes) *Tail {
	t := NewTail(r, i, "en", func() time.Time { return noon }, quiet)
	t.bulk = batch // so that an index of few products is made in several steps
	return t
}

// behindFor reads the metric.
func behindFor(t *testing.T, tail *Tail) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(tail.Behind())
	all, err := registry.Gather()
	if err != nil || len(all) != 1 || all[0].GetName() != "search_index_behind_seconds" {
		t.Fatalf("%v %v", all, err)
	}
	return all[0].GetMetric()[0].GetGauge().GetValue()
}

// settle steps until there is nothing more to do, and returns how often.
func settle(t *testing.T, tail *Tail) (steps int) {
	t.Helper()
	for more := true; more; steps++ {
		var err error
		if more, err = tail.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if steps > 1000 {
			t.Fatal("it never comes to an end")
		}
	}
	return steps
}

func same(t *testing.T, what string, r *replica, i *indexes) {
	t.Helper()
	if diff := cmp.Diff(r.titles(), i.titles()); diff != "" {
		t.Errorf("%s: the index has not what the replica has: %s", what, diff)
	}
}

func TestTheIndexFollows(t *testing.T) {
	t.Parallel()
	r, i := newReplica(), &indexes{}
	tail := newTail(r, i)
	r.put(1, true, "Shirt")
	r.put(2, true, "Mug")
	r.put(3, false, "Draft")
	settle(t, tail)
	same(t, "the first index", r, i)
	r.put(1, true, "Linen shirt")
	r.put(2, false, "Mug")
	settle(t, tail)
	same(t, "changes", r, i)
	if i.made != 1 || i.live.state != (State{Epoch: "e.1", Form: search.Form, Revision: 5}) {
		t.Errorf("%d indexes, %+v", i.made, i.live.state)
	}
	before := i.wrote
	settle(t, tail)
	if i.wrote != before {
		t.Error("it writes though nothing has changed")
	}
}

// A service that starts late does not show an empty shop: there is no index before the replica has all.
func TestNoIndexBeforeTheReplicaIsFilled(t *testing.T) {
	t.Parallel()
	r, i := newReplica(), &indexes{}
	r.head.Filled = false
	r.put(1, true, "Shirt")
	tail := newTail(r, i)
	settle(t, tail)
	if i.titles() != nil {
		t.Error("an index of what was told by chance")
	}
	if err := r.Filled(t.Context(), noon); err != nil {
		t.Fatal(err)
	}
	settle(t, tail)
	same(t, "filled", r, i)
}

// While a new index is made the old one is read and followed, and what changes meanwhile is in the new one too.
func TestRebuild(t *testing.T) {
	t.Parallel()
	r, i := newReplica(), &indexes{}
	tail := newTail(r, i)
	const products = 3*batch + 10
	for n := range products {
		r.put(n, true, "First")
	}
	settle(t, tail)
	old := i.live
	if _, _, err := r.Rebuild(t.Context(), idem.Key{}); err != nil {
		t.Fatal(err)
	}
	steps := 0
	for more := true; more; steps++ {
		r.put(steps, true, "Changed meanwhile")
		r.put(products+steps, true, "Come meanwhile")
		r.put(batch+steps, false, "Gone meanwhile")
		var err error
		if more, err = tail.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if i.live == old {
			same(t, fmt.Sprint("the old one at step ", steps), r, i)
			status, err := Desk{Keeper: r, Tail: tail}.Status(t.Context())
			if err != nil || status.Building == nil || status.Building.Written == 0 || status.Documents != len(i.live.documents) || status.Current {
				t.Errorf("status at step %d: %+v %v", steps, status, err)
			}
		}
		if steps > 100 {
			t.Fatal("it never catches up")
		}
	}
	settle(t, tail)
	same(t, "the new one", r, i)
	status, err := Desk{Keeper: r, Tail: tail}.Status(t.Context())
	if err != nil || i.live == old || i.live.state.Epoch != "e.2" || steps < 4 || status.Building != nil || !status.Current || status.Documents != status.Products {
		t.Errorf("after %d steps: %+v, %+v %v", steps, i.live.state, status, err)
	}
}

func TestKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	r, i := newReplica(), &indexes{}
	for n := range 2*batch + 1 {
		r.put(n, true, "Shirt")
	}
	for range 2 { // the second one dies as well
		if more, err := newTail(r, i).Step(t.Context()); err != nil || !more {
			t.Fatal(more, err)
		}
		if i.titles() != nil {
			t.Fatal("a part of an index is read")
		}
	}
	settle(t, newTail(r, i))
	same(t, "at last", r, i)
	if i.made != 3 {
		t.Errorf("%d indexes were begun: what a dead one left must not be gone on with", i.made)
	}
}

func TestOtherIndexesAreMadeAnew(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]State{
		"of another database":        {Epoch: "other.1", Form: search.Form, Revision: 1},
		"of another form":            {Epoch: "e.1", Form: "0", Revision: 1},
		"of the build before":        {Epoch: "e.0", Form: search.Form, Revision: 1},
		"ahead of a database of old": {Epoch: "e.1", Form: search.Form, Revision: 99},
	} {
		r, i := newReplica(), &indexes{}
		r.put(1, true, "Shirt")
		i.live = &index{in: i, state: state, documents: map[string]*search.Document{"gone": {}}}
		settle(t, newTail(r, i))
		same(t, name, r, i)
	}
}

// A write that happened and was answered with an error is done again, and changes nothing then.
func TestAWriteThatLied(t *testing.T) {
	t.Parallel()
	r, i := newReplica(), &indexes{}
	tail := newTail(r, i)
	i.after = func(write int) error {
		if write%2 == 1 {
			return fault.New(fault.Timeout, "timeout", "who knows")
		}
		return nil
	}
	r.put(1, true, "Shirt")
	r.put(2, true, "Mug")
	failed := 0
	step := func() {
		if _, err := tail.Step(t.Context()); err != nil {
			failed++
		}
	}
	step()
	step()
	same(t, "made", r, i)
	r.put(1, true, "Linen shirt")
	r.put(2, false, "Mug")
	step()
	step()
	same(t, "followed", r, i)
	if failed == 0 {
		t.Error("nothing failed: the test proves nothing")
	}
}

func TestAnIndexThatSomebodyElseReplaces(t *testing.T) {
	t.Parallel()
	r, i := newReplica(), &indexes{}
	for n := range batch + 1 {
		r.put(n, true, "Shirt")
	}
	tail := newTail(r, i)
	if _, err := tail.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Create(t.Context(), "e.1"); err != nil {
		t.Fatal(err)
	}
	if _, err := tail.Step(t.Context()); !errors.Is(err, ErrReplaced) {
		t.Errorf("%v", err)
	}
	settle(t, tail)
	same(t, "made again", r, i)
}

// An index that takes nothing any more says so, and does not stand in the way of the one that replaces it.
func TestABrokenIndexIsReplaced(t *testing.T) {
	t.Parallel()
	r, i := newReplica(), &indexes{}
	tail := newTail(r, i)
	settle(t, tail)
	i.live.broken = true
	r.put(1, true, "Shirt")
	if _, err := tail.Step(t.Context()); err == nil {
		t.Error("nobody is told")
	}
	if _, _, err := r.Rebuild(t.Context(), idem.Key{}); err != nil {
		t.Fatal(err)
	}
	settle(t, tail)
	same(t, "made anew", r, i)
}

// The process that gave a revision may have a clock that goes before ours: the document is not older than it.
func TestADocumentIsNotOlderThanItsRevision(t *testing.T) {
	t.Parallel()
	r, i := newReplica(), &indexes{}
	begins := noon.Add(time.Minute)
	r.mark(Row{Listed: true, Parts: Offer, Clock: begins, Source: search.Source{Product: search.Product{ID: id(1), Variants: []search.Item{{SKU: "A"}}},
		Offers: map[string]search.Offer{"A": {Rows: []search.Row{{Currency: "USD", Amount: 500, From: begins}}}}}})
	settle(t, newTail(r, i))
	if p, ok := i.live.documents[id(1)].Variants[0].In(search.Market{Currency: "USD"}); !ok || p.Amount != 500 {
		t.Errorf("%+v %v: the price that began gave the revision, and is not in the document", p, ok)
	}
}

func TestWhatIsDueIsTurned(t *testing.T) {
	t.Parallel()
	r, i := newReplica(), &indexes{}
	r.turn = 3
	tail := newTail(r, i)
	settle(t, tail)
	if r.turn != 0 {
		t.Error("prices that are due stay")
	}
}

func TestRunComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, i := newReplica(), &indexes{}
		tail := NewTail(r, i, "en", time.Now, quiet)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- tail.Run(ctx) }()
		within := func(limit time.Duration) {
			t.Helper()
			<-time.After(limit)
			synctest.Wait()
			same(t, fmt.Sprint("after ", limit), r, i)
		}
		r.put(1, true, "Shirt")
		within(250 * time.Millisecond)
		if err := tail.Take(ctx, News{Event: Event{Subject: id(2), Sequence: 1}, Product: &ProductNews{Listed: true, Product: search.Product{ID: id(2), Title: "Told"}}}); err != nil {
			t.Fatal(err)
		}
		within(250 * time.Millisecond)

		i.mu.Lock()
		i.away = ErrUnavailable
		i.mu.Unlock()
		r.put(3, true, "Nobody is there")
		<-time.After(time.Hour)
		status, err := Desk{Keeper: r, Tail: tail}.Status(t.Context())
		if behind := behindFor(t, tail); err != nil || status.Failed == "" || status.Current || behind < 3599 {
			t.Errorf("%+v %v, behind for %.0f s", status, err, behind)
		}
		i.mu.Lock()
		i.away = nil
		i.mu.Unlock()
		within(maxBackoff + 250*time.Millisecond)
		if behind := behindFor(t, tail); behind > 1 {
			t.Errorf("behind for %f s", behind)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// Whatever happens in whatever order, processes dying and writes that lie among it, the index ends as the replica is.
func TestTailLaw(t *testing.T) {
	t.Parallel()
	rng := testkit.Rand(t)
	for round := range 12 {
		r, i := newReplica(), &indexes{}
		tail := newTail(r, i)
		i.after = func(int) error {
			if rng.IntN(4) == 0 {
				return ErrUnavailable
			}
			return nil
		}
		for range 60 {
			switch rng.IntN(8) {
			case 0, 1, 2:
				for range rng.IntN(400) {
					r.put(rng.IntN(1500), rng.IntN(5) > 0, fmt.Sprint("Title ", rng.Int()))
				}
			case 3:
				tail = newTail(r, i)
			case 4:
				if rng.IntN(4) == 0 {
					r.head.Build++
				}
			default:
				_, _ = tail.Step(t.Context()) // what fails is tried again
			}
		}
		i.after = nil
		settle(t, tail)
		same(t, fmt.Sprint("round ", round), r, i)
	}
}
