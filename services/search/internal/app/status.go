package app

import (
	"context"
	"time"
)

// Status is how the index of this process is.
type Status struct {
	State     State // zero: none is read
	Documents int
	Head      Head
	Products  int // that should have documents
	Current   bool
	Building  *Progress
	Failed    string // why the last step did
}

// Progress is how far a new index has come.
type Progress struct {
	Since    time.Time
	Revision int64
	Written  int
}

func (t *Tail) status(ctx context.Context, k Keeper) (s Status, err error) {
	if s.Head, err = t.replica.Head(ctx); err != nil {
		return s, err
	}
	if s.Products, err = t.listed(ctx, k, s.Head); err != nil {
		return s, err
	}
	t.mu.Lock()
	s.Failed = t.failed
	if n := t.next; n != nil {
		s.Building = &Progress{Since: n.since, Revision: n.revision, Written: n.written}
	}
	t.mu.Unlock()
	live, state, err := t.live(ctx)
	if err != nil || live == nil {
		return s, nil //nolint:nilerr // that it cannot be read is what is told
	}
	if s.Documents, err = live.Count(ctx); err == nil {
		s.State, s.Current = state, state.Epoch == s.Head.build() && state.Revision == s.Head.Revision
	}
	return s, nil
}

// counted is how many products there were to list at a revision.
type counted struct {
	epoch    string
	revision int64
	products int
}

// listed counts the products that are to be listed, anew where something has changed: whoever waits for an index asks again and again.
func (t *Tail) listed(ctx context.Context, k Keeper, head Head) (int, error) {
	t.mu.Lock()
	have := t.counted
	t.mu.Unlock()
	if have.revision > 0 && have.revision == head.Revision && have.epoch == head.Epoch {
		return have.products, nil
	}
	products, revision, err := k.Listed(ctx)
	if err == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.counted = counted{head.Epoch, revision, products}
	}
	return products, err
}
