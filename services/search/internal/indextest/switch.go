package indextest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// An index that is made is seen by nobody but its maker; one that was begun before is given up.
func create(t *testing.T, place Place) {
	xs := place()
	live := fill(t, xs, a("a", "tent"))
	first, err := xs.Create(t.Context(), "e2")
	must(t, err)
	must(t, first.Write(t.Context(), 5, put(a("b", "tent"))))
	wantIDs(t, "the live one", ask(t, live, words("tent")), "a")
	wantIDs(t, "the new one", ask(t, first, words("tent")), "b")
	second, err := xs.Create(t.Context(), "e3")
	must(t, err)
	if err := first.Write(t.Context(), 6, put(a("c", "tent"))); !errors.Is(err, app.ErrReplaced) {
		t.Errorf("a write to an index that was given up: %v", err)
	}
	if err := xs.Switch(t.Context(), first); !errors.Is(err, app.ErrReplaced) {
		t.Errorf("a switch to an index that was given up: %v", err)
	}
	n, err := second.Count(t.Context())
	must(t, err)
	if n != 0 {
		t.Errorf("the second one begins with %d documents", n)
	}
	wantIDs(t, "the live one still", ask(t, live, words("tent")), "a")
	must(t, live.Write(t.Context(), 501, put(a("d", "tent"))))
	wantState(t, live, 501, 2)
}

// After a switch everybody reads the new index, also by the old one, which takes no more writes.
func switched(t *testing.T, place Place) {
	xs := place()
	old := fill(t, xs, a("a", "tent"))
	next, err := xs.Create(t.Context(), "e2")
	must(t, err)
	must(t, next.Write(t.Context(), 5, put(a("b", "tent"))))
	must(t, xs.Switch(t.Context(), next))
	live, err := xs.Live(t.Context())
	must(t, err)
	for name, x := range map[string]app.Index{"live": live, "next": next, "old": old} {
		wantIDs(t, name, ask(t, x, words("tent")), "b")
	}
	if err := old.Write(t.Context(), 99, put(a("c", "tent"))); !errors.Is(err, app.ErrReplaced) {
		t.Errorf("a write to the old one: %v", err)
	}
	must(t, live.Write(t.Context(), 6, put(a("c", "tent"))))
	if err := xs.Switch(t.Context(), old); !errors.Is(err, app.ErrReplaced) {
		t.Errorf("a switch back: %v", err)
	}
	x, err := place().Live(t.Context())
	must(t, err)
	wantIDs(t, "after a restart", ask(t, x, words("tent")), "b", "c")
	state, err := x.State(t.Context())
	must(t, err)
	if want := (app.State{Epoch: "e2", Form: search.Form, Revision: 6}); state != want {
		t.Errorf("after a restart the index is at %+v, not %+v", state, want)
	}
}

// Switches under searches and writes: no search fails or finds less than there was, no write that was confirmed is lost.
func switchUnderLoad(t *testing.T, place Place) {
	const base, switches = 200, 4
	xs := place()
	docs := Products(base)
	fill(t, xs, docs...)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	var written atomic.Int64 // extra documents that were confirmed
	var extra []*search.Document
	for range 2 {
		running.Go(func() {
			x, err := xs.Live(t.Context())
			for n := 0; err == nil && ctx.Err() == nil; n++ {
				if n%3 == 0 { // else by one that may be old by now
					x, err = xs.Live(t.Context())
				}
				at := written.Load()
				var found search.Found
				if err == nil {
					found, err = x.Search(t.Context(), usual(search.Plan{Limit: 5, Facets: []search.FacetAsk{{Field: search.FieldInStock}}}))
				}
				if err == nil && found.Total < base+int(at) {
					err = fmt.Errorf("found %d of %d", found.Total, base+at)
				}
			}
			if err != nil {
				t.Errorf("a search while indexes are switched: %v", err)
			}
		})
	}
	for range switches {
		next, err := xs.Create(t.Context(), Epoch)
		must(t, err)
		must(t, next.Write(t.Context(), 1, put(slices.Concat(docs, extra)...)))
		for range 5 { // what changes meanwhile is written to both
			d := a(fmt.Sprintf("x%03d", len(extra)), "extra tent")
			extra = append(extra, d)
			live, err := xs.Live(t.Context())
			must(t, err)
			must(t, live.Write(t.Context(), 1000+int64(len(extra)), put(d)))
			must(t, next.Write(t.Context(), 1000+int64(len(extra)), put(d)))
			written.Add(1)
		}
		must(t, xs.Switch(t.Context(), next))
	}
	stop()
	running.Wait()
	live, err := xs.Live(t.Context())
	must(t, err)
	wantState(t, live, 1000+written.Load(), base+int(written.Load()))
}
