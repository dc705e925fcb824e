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
	bulk       = 2000                   // the same into an index that nobody reads yet
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

	bulk   int // products written at once into an index that nobody reads yet
	terms  atomic.Pointer[Terms]
	words  atomic.Int64 // the last revision that changed what products are found by, whoever writes it into the index
	turned time.Time
	read   bool // there is an index of this build

	mu      sync.Mutex
	told    *Terms          // as the replica has them
	inUse   map[string]bool // categories, by code
	next    *building
	counted counted
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
	ahead    *portion // what was read while the last one was written
}

// portion are products as they are to be written.
type portion struct {
	changes []Change
	last    int64 // revision of the last
	full    bool  // there may be more
}

// NewTail returns a tail that has not begun. Language is that of the shop.
func NewTail(replica Replica, indexes Indexes, language string, now func() time.Time, log *slog.Logger) *Tail {
	return &Tail{replica: replica, indexes: indexes, language: language, clock: now, log: log, bulk: bulk, current: now()}
}

// Take takes in news, for the tail to find.
func (t *Tail) Take(ctx context.Context, news ...News) error {
	return t.replica.Take(ctx, t.now(), news...)
}

func (t *Tail) now() time.Time { return t.clock().UTC().Truncate(time.Microsecond) }

// Terms returns what words in addresses may name; nil before the replica was read.
func (t *Tail) Terms() *Terms { return t.terms.Load() }

// know takes note of terms, or of the categories that are in use; nil: as it is known.
func (t *Tail) know(told *Terms, inUse map[string]bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if told != nil {
		t.told = told
	}
	if inUse != nil {
		t.inUse = inUse
	}
	if t.told != nil {
		t.terms.Store(t.told.with(t.inUse))
	}
}

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
	live, state, unread := t.live(ctx) // before the head: an index of this database is then never ahead of it
	head, err := t.replica.Head(ctx)
	if err != nil {
		return false, err
	}
	t.words.Store(head.Words)
	if have := t.Terms(); have == nil || have.Version != head.Terms {
		terms, err := t.replica.Terms(ctx)
		if err != nil {
			return false, err
		}
		t.know(terms, nil)
	}
	if unread != nil {
		return false, unread
	}
	// One that is ahead has what a database that was restored, or has failed over, has lost.
	t.read = live != nil && state.Epoch == head.build() && state.Form == search.Form && state.Revision <= head.Revision
	if live != nil && state.follows(head) && state.Revision < head.Revision {
		full, err := t.follow(ctx, live, state.Revision)
		if err != nil && (t.read || !head.Filled) {
			return false, fmt.Errorf("follow from %d: %w", state.Revision, err)
		}
		if err != nil { // whatever it suffers from, the new one comes
			t.log.WarnContext(ctx, "the index that is to be replaced is not brought up to date", "error", err)
		}
		more = more || full
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
	more, err := t.advance(ctx, t.next)
	if errors.Is(err, ErrReplaced) {
		t.abandon() // somebody else makes one
	}
	if err != nil || more {
		return false, err
	}
	next := t.next
	if err := t.indexes.Switch(ctx, next.index); err != nil {
		return false, fmt.Errorf("switch to the new index: %w", err)
	}
	t.mu.Lock()
	t.next = nil
	t.mu.Unlock()
	t.log.InfoContext(ctx, "a new index is read", "epoch", next.epoch, "revision", next.revision, "products", next.written, "took", t.now().Sub(next.since))
	return true, nil
}

// abandon lets go of an index that is not finished.
func (t *Tail) abandon() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next = nil
}

// advance writes the next products into an index that is being made, and reads those after them meanwhile. What was read ahead may have changed
// since: then it comes again. There is no more once it was looked for after all else had been written.
func (t *Tail) advance(ctx context.Context, b *building) (more bool, err error) {
	p := b.ahead
	more = p != nil
	if b.ahead = nil; p == nil {
		if p, err = t.gather(ctx, b.revision, t.bulk); err != nil {
			return false, fmt.Errorf("make an index, from %d: %w", b.revision, err)
		}
	}
	var reading sync.WaitGroup
	if p.full {
		reading.Go(func() {
			b.ahead, _ = t.gather(ctx, p.last, t.bulk) // what fails is read again
		})
	}
	err = t.write(ctx, b.index, p)
	reading.Wait()
	if err != nil {
		b.ahead = nil
		return false, fmt.Errorf("make an index, from %d: %w", b.revision, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	b.revision, b.written = p.last, b.written+len(p.changes)
	return more || p.full, nil
}

// follow writes the next products beyond a revision, and tells whether there are more.
func (t *Tail) follow(ctx context.Context, index Index, after int64) (more bool, err error) {
	p, err := t.gather(ctx, after, batch)
	if err != nil {
		return false, err
	}
	return p.full, t.write(ctx, index, p)
}

// gather reads the next products beyond a revision.
func (t *Tail) gather(ctx context.Context, after int64, limit int) (*portion, error) {
	rows, err := t.replica.Changes(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	p := &portion{changes: make([]Change, 0, len(rows)), last: after, full: len(rows) == limit}
	now := t.now()
	for i := range rows {
		r := &rows[i]
		c := Change{ID: r.ID, Parts: r.Parts}
		p.last = r.Revision
		if r.Listed {
			at := now
			if at.Before(r.Clock) { // the clock of the process that gave the revision goes before ours
				at = r.Clock
			}
			c.Document = search.NewDocument(&r.Source, t.language, at)
		}
		p.changes = append(p.changes, c)
	}
	return p, nil
}

// write writes what was read.
func (t *Tail) write(ctx context.Context, index Index, p *portion) error {
	if len(p.changes) == 0 {
		return nil
	}
	return index.Write(ctx, p.last, p.changes)
}
