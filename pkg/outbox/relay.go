package outbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	queryTimeout  = 5 * time.Second // for the relay's own statements
	countInterval = 5 * time.Second // how often outbox_pending is counted
	pruneInterval = time.Hour
)

// term is the time of one leader.
type term struct {
	stamp   int64
	deposed context.CancelCauseFunc // ends the term

	mu    sync.Mutex
	until time.Time // by the monotonic clock of this process
}

func (t *term) renewed(until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.until = until
}

// remaining is how long the lease surely lasts; nothing is published after it.
func (t *term) remaining() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Until(t.until)
}

// relay leads whenever the lease is free. It ends with ctx only: whatever fails is tried again.
func (b *Box) relay(ctx context.Context) error {
	if b.opt.Publisher == nil {
		return errors.New("outbox: the relay needs a Publisher")
	}
	holder := b.opt.Source + " " + uuid.NewString()
	silent := false // an outage is logged once
	for ctx.Err() == nil {
		before := time.Now()
		stamp, held, err := within(ctx, func(ctx context.Context) (int64, bool, error) { return b.acquire(ctx, holder) })
		switch {
		case err != nil && ctx.Err() == nil && !silent:
			b.opt.Log.WarnContext(ctx, "outbox lease cannot be asked for", slog.Any("error", err))
			silent = true
		case held:
			silent = false
			b.lead(ctx, &term{stamp: stamp, until: before.Add(b.opt.Lease)})
		case err == nil:
			silent = false
		}
		pause(ctx, b.opt.Poll)
	}
	return nil
}

func within(ctx context.Context, acquire func(context.Context) (int64, bool, error)) (int64, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	return acquire(ctx)
}

// lead runs one term: until ctx ends or the lease is lost. Each topic has a worker of its own, so that one that hangs stops
// neither the others nor the renewal.
func (b *Box) lead(ctx context.Context, t *term) {
	ctx, t.deposed = context.WithCancelCause(ctx)
	b.metrics.lead()
	b.opt.Log.InfoContext(ctx, "outbox: leading", slog.Int64("stamp", t.stamp))
	var tasks sync.WaitGroup
	tasks.Go(func() { b.renew(ctx, t) })
	tasks.Go(func() { b.tidy(ctx) })
	b.dispatch(ctx, t, &tasks)
	t.deposed(nil)
	tasks.Wait()
	b.metrics.follow()
	b.opt.Log.InfoContext(ctx, "outbox: led", slog.Int64("stamp", t.stamp), slog.Any("end", context.Cause(ctx)))
	b.handBack(ctx, t)
}

// handBack frees the lease for a successor, after the last mark of this term.
func (b *Box) handBack(ctx context.Context, t *term) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queryTimeout)
	defer cancel()
	if err := b.extend(ctx, t.stamp, 0); err != nil && !errors.Is(err, errDeposed) {
		b.opt.Log.WarnContext(ctx, "outbox lease cannot be handed back, it runs out by itself", slog.Any("error", err))
	}
}

// dispatch wakes the worker of a topic when something was committed to it here, or found by the poll.
func (b *Box) dispatch(ctx context.Context, t *term, tasks *sync.WaitGroup) {
	workers := map[string]*worker{}
	wake := func(topic string) {
		w, ok := workers[topic]
		if !ok {
			w = newWorker(b, t, topic)
			workers[topic] = w
			tasks.Go(func() { w.run(ctx) })
		}
		w.wake()
	}
	poll := time.NewTicker(b.opt.Poll)
	defer poll.Stop()
	b.scan(ctx, wake) // what was left by the leader before
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
			for topic := range b.woken() {
				wake(topic)
			}
		case <-poll.C:
			b.scan(ctx, wake)
		}
	}
}

func (b *Box) scan(ctx context.Context, wake func(topic string)) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	ages, err := b.backlog(ctx)
	if err != nil {
		return // renew tells of a database that is away
	}
	lag := 0.0
	for topic, age := range ages {
		lag = max(lag, age)
		wake(topic)
	}
	b.metrics.lag.Set(lag)
}

// renew keeps the lease, and ends the term when it is lost or cannot be renewed in time.
func (b *Box) renew(ctx context.Context, t *term) {
	for pause(ctx, b.opt.Lease/3) {
		before := time.Now()
		query, cancel := context.WithTimeout(ctx, min(queryTimeout, max(t.remaining(), time.Millisecond)))
		err := b.extend(query, t.stamp, b.opt.Lease)
		cancel()
		switch {
		case err == nil:
			t.renewed(before.Add(b.opt.Lease))
		case errors.Is(err, errDeposed) || t.remaining() <= 0:
			t.deposed(err)
			return
		case ctx.Err() == nil:
			b.opt.Log.WarnContext(ctx, "outbox lease cannot be renewed", slog.Any("error", err))
		}
	}
}

// tidy counts the backlog and prunes.
func (b *Box) tidy(ctx context.Context) {
	var pruned time.Time
	for {
		query, cancel := context.WithTimeout(ctx, queryTimeout)
		n, err := b.pending(query)
		cancel()
		if err == nil {
			b.metrics.pending.Set(float64(n))
		}
		if time.Since(pruned) > pruneInterval {
			pruned = time.Now()
			if _, err := b.prune(ctx); err != nil && ctx.Err() == nil {
				b.opt.Log.WarnContext(ctx, "outbox is not pruned, next attempt in an hour", slog.Any("error", err))
			}
		}
		if !pause(ctx, countInterval) {
			return
		}
	}
}

// pause waits for d and reports whether ctx still runs.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
