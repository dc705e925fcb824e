package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// How the tail goes along.
const (
	poll       = 200 * time.Millisecond // how often it looks: what comes meanwhile is written together
	turnEvery  = time.Second            // how often it looks at the clock
	maxBackoff = 5 * time.Second        // between attempts while something is away
	stepLimit  = 60 * time.Second       // of one step
	batch      = 500                    // products written at once
)

// Tail follows the replica and brings what changes into the index that is read. Where there is none, or one of another database, form or
// build, it makes a new one beside it, from the replica's first revision on: once that has caught up, it is the one that is read. Until then
// the old one is read, and followed too.
//
// A process has one. It may be killed at any moment: the index says how far it has come, and one that is not finished is begun again.
type Tail struct {
	replica  Replica
	indexes  Indexes
	language string
	clock    func() time.Time
	log      *slog.Logger

	terms  atomic.Pointer[Terms]
	words  atomic.Int64 // the last revision that changed what products are found by
	turned time.Time
	read   bool // there is an index of this build

	mu      sync.Mutex
	next    *building
	failed  string    // why the last step did
	current time.Time // when the index had all that the replica has
}

// building is an index that is being made.
type building struct {
	index    Index
	epoch    string
	since    time.Time
	revision int64
	written  int
}

// NewTail returns a tail that has not begun. Language is that of the shop.
func NewTail(replica Replica, indexes Indexes, language string, now func() time.Time, log *slog.Logger) *Tail {
	return &Tail{replica: replica, indexes: indexes, language: language, clock: now, log: log, current: now()}
}

// Take takes in news, for the tail to find.
func (t *Tail) Take(ctx context.Context, news ...News) error {
	return t.replica.Take(ctx, t.now(), news...)
}

func (t *Tail) now() time.Time { return t.clock().UTC().Truncate(time.Microsecond) }

// Terms returns what words in addresses may name; nil before the replica was read.
func (t *Tail) Terms() *Terms { return t.terms.Load() }

// Run follows until ctx ends. It never gives up: what is away comes back.
func (t *Tail) Run(ctx context.Context) error {
	var backoff time.Duration
	for {
		more, err := t.Step(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end, whatever it broke off
		}
		pause := poll
		switch {
		case err != nil:
			backoff = min(max(2*backoff, poll), maxBackoff)
			pause = backoff
			t.log.WarnContext(ctx, "the index is not brought up to date", "error", err, "again_in", pause)
		case more:
			backoff, pause = 0, 0
		default:
			backoff = 0
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// Step does the next bit of what is to be done, and tells whether there is more.
func (t *Tail) Step(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	more, err = t.step(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed = ""; err != nil {
		t.failed = err.Error()
	}
	if err == nil && !more && t.read {
		t.current = t.now()
	}
	return more, err
}

// Behind tells for how long the index has not had all that the replica has. It is a metric of every process.
func (t *Tail) Behind() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "search_index_behind_seconds", Help: "For how long the index has not had all that the replica has"},
		func() float64 {
			t.mu.Lock()
			defer t.mu.Unlock()
			return max(0, t.now().Sub(t.current).Seconds())
		})
}

func (t *Tail) step(ctx context.Context) (more bool, err error) {
	if now := t.now(); now.Sub(t.turned) >= turnEvery {
		turned, err := t.replica.Turn(ctx, now)
		if err != nil {
			return false, err
		}
		if t.turned = now; turned > 0 {
			t.turned, more = time.Time{}, true // there may be more of them
		}
	}
	head, err := t.replica.Head(ctx)
	if err != nil {
		return false, err
	}
	if have := t.Terms(); have == nil || have.Version != head.Terms {
		terms, err := t.replica.Terms(ctx)
		if err != nil {
			return false, err
		}
		t.terms.Store(terms)
	}
	live, state, err := t.live(ctx)
	if err != nil {
		return false, err
	}
	t.read = live != nil && state.Epoch == head.build() && state.Form == search.Form
	if live != nil && state.follows(head) && state.Revision < head.Revision {
		wrote, _, err := t.follow(ctx, live, state.Revision)
		if err != nil && (t.read || !head.Filled) {
			return false, fmt.Errorf("follow from %d: %w", state.Revision, err)
		}
		if err != nil { // whatever it suffers from, the new one comes
			t.log.WarnContext(ctx, "the index that is to be replaced is not brought up to date", "error", err)
		}
		more = more || wrote == batch
	}
	switch {
	case t.read:
		t.abandon()
		return more, nil
	case !head.Filled:
		return more, nil // an index would lack what the replica lacks
	}
	done, err := t.build(ctx, head)
	return more || !done, err
}

// live returns the index that is read with its state; nil where there is none.
func (t *Tail) live(ctx context.Context) (Index, State, error) {
	live, err := t.indexes.Live(ctx)
	if errors.Is(err, ErrNoIndex) {
		return nil, State{}, nil
	}
	if err != nil {
		return nil, State{}, fmt.Errorf("the index that is read: %w", err)
	}
	state, err := live.State(ctx)
	if err != nil {
		return nil, state, fmt.Errorf("state of the index: %w", err)
	}
	return live, state, nil
}

// build names what an index has to be made of: the database, and how often it was to be made anew.
func (h Head) build() string { return fmt.Sprintf("%s.%d", h.Epoch, h.Build) }

// follows tells whether an index has revisions of this database.
func (s State) follows(h Head) bool {
	database, _, _ := strings.Cut(s.Epoch, ".")
	return database == h.Epoch && s.Revision <= h.Revision
}

// build goes on with the index that is being made, and switches to it once it has caught up.
func (t *Tail) build(ctx context.Context, head Head) (done bool, err error) {
	if t.next == nil || t.next.epoch != head.build() {
		t.abandon()
		index, err := t.indexes.Create(ctx, head.build())
		if err != nil {
			return false, fmt.Errorf("begin an index: %w", err)
		}
		t.mu.Lock()
		t.next = &building{index: index, epoch: head.build(), since: t.now()}
		t.mu.Unlock()
		t.log.InfoContext(ctx, "an index is being made", "epoch", head.build(), "form", search.Form)
	}
	wrote, last, err := t.follow(ctx, t.next.index, t.next.revision)
	if errors.Is(err, ErrReplaced) {
		t.abandon() // somebody else makes one
	}
	if err != nil {
		return false, fmt.Errorf("make an index, from %d: %w", last, err)
	}
	t.mu.Lock()
	t.next.revision, t.next.written = last, t.next.written+wrote
	next := *t.next
	t.mu.Unlock()
	if wrote == batch {
		return false, nil
	}
	if err := t.indexes.Switch(ctx, next.index); err != nil {
		return false, fmt.Errorf("switch to the new index: %w", err)
	}
	t.mu.Lock()
	t.next = nil
	t.mu.Unlock()
	t.log.InfoContext(ctx, "a new index is read", "epoch", next.epoch, "revision", last, "products", next.written, "took", t.now().Sub(next.since))
	return true, nil
}

// abandon lets go of an index that is not finished.
func (t *Tail) abandon() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next = nil
}

// follow writes the next products beyond a revision, and returns how many, and the revision of the last.
func (t *Tail) follow(ctx context.Context, index Index, after int64) (wrote int, last int64, err error) {
	rows, err := t.replica.Changes(ctx, after, batch)
	if err != nil || len(rows) == 0 {
		return 0, after, err
	}
	now, words := t.now(), t.words.Load()
	changes := make([]Change, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		c := Change{ID: r.ID, Parts: r.Parts}
		if r.Parts&Content != 0 {
			words = r.Revision
		}
		if r.Listed {
			at := now
			if at.Before(r.Clock) { // the clock of the process that gave the revision goes before ours
				at = r.Clock
			}
			c.Document = search.NewDocument(&r.Source, t.language, at)
		}
		changes = append(changes, c)
	}
	last = rows[len(rows)-1].Revision
	if err := index.Write(ctx, last, changes); err != nil {
		return 0, after, err
	}
	t.words.Store(words)
	return len(rows), last, nil
}
