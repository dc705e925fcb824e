package outbox

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"
)

const (
	firstBackoff = 50 * time.Millisecond
	gather       = 50 * time.Millisecond // least time between two looks: under load, what was committed meanwhile goes together, by one statement and one fsync
	maxBlocked   = 200                   // more failing aggregates than this are a failing topic
	maxCallBytes = 1 << 20               // of data in one bulk call: a sidecar refuses 4 MiB
	suspectBatch = 10                    // how many events are tried one by one when bulk calls keep failing
	suspectAfter = 3                     // failed bulk calls in a row
)

// retry is the back-off of a topic or of one of its aggregates.
type retry struct {
	failures int
	at       time.Time // not before
}

func (r *retry) fail(limit time.Duration) {
	d := min(firstBackoff<<min(r.failures, 16), limit)
	r.failures++
	r.at = time.Now().Add(d/2 + rand.N(d/2+1))
}

// worker publishes one topic during one term. Only its goroutine touches it, but for signal.
type worker struct {
	box    *Box
	term   *term
	topic  string
	signal chan struct{} // holds one

	looked     time.Time // when it last began to drain
	topicRetry retry
	blocked    map[string]*retry // aggregates whose event was refused
}

func newWorker(b *Box, t *term, topic string) *worker {
	return &worker{box: b, term: t, topic: topic, signal: make(chan struct{}, 1), blocked: map[string]*retry{}}
}

func (w *worker) wake() {
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

func (w *worker) run(ctx context.Context) {
	for {
		timer := time.NewTimer(w.untilRetry())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-w.signal:
			timer.Stop()
		case <-timer.C:
		}
		if time.Now().Before(w.topicRetry.at) {
			continue // the signal is answered by the retry
		}
		if pause(ctx, gather-time.Since(w.looked)); ctx.Err() != nil {
			return
		}
		w.looked = time.Now()
		if err := w.drain(ctx); errors.Is(err, errDeposed) {
			w.term.deposed(err)
			return
		} else if err != nil && ctx.Err() == nil {
			w.box.opt.Log.WarnContext(ctx, "outbox: database", slog.String("topic", w.topic), slog.Any("error", err))
		}
	}
}

// untilRetry is how long nothing needs to be tried again: until the back-off of the topic, or of an aggregate, ends.
func (w *worker) untilRetry() time.Duration {
	const idle = time.Hour
	next := time.Now().Add(idle)
	if w.topicRetry.failures > 0 {
		return time.Until(w.topicRetry.at)
	}
	for _, r := range w.blocked {
		if r.at.Before(next) {
			next = r.at
		}
	}
	return time.Until(next)
}

// drain publishes batches until the topic has nothing more that may go now. It returns errors of the database only.
func (w *worker) drain(ctx context.Context) error {
	for ctx.Err() == nil {
		limit := w.box.opt.Batch
		if w.suspicious() {
			limit = suspectBatch
		}
		waiting := w.waiting()
		query, cancel := context.WithTimeout(ctx, queryTimeout)
		batch, err := w.box.fetch(query, w.topic, waiting, limit)
		cancel()
		if err != nil {
			w.topicRetry.fail(w.box.opt.Poll) // do not spin when the database is away
			return err
		}
		if len(batch) == 0 {
			w.topicRetry = retry{}
			w.forget(waiting)
			return nil
		}
		sent, up := w.publish(ctx, batch)
		if len(sent) > 0 {
			if err := w.mark(ctx, sent); err != nil {
				w.topicRetry.fail(w.box.opt.MaxBackoff) // or a full disk would have the same events published again and again
				return err
			}
		}
		if !up {
			return nil
		}
		w.topicRetry = retry{}
		if len(batch) < limit && len(sent) == len(batch) {
			return nil // what was committed since has left a signal
		}
	}
	return nil
}

// suspicious: bulk calls keep failing as a whole, perhaps for one event in them.
func (w *worker) suspicious() bool { return w.topicRetry.failures >= suspectAfter }

// waiting returns the aggregates that are not due.
func (w *worker) waiting() []string {
	now := time.Now()
	subjects := []string{}
	for subject, r := range w.blocked {
		if now.Before(r.at) {
			subjects = append(subjects, subject)
		}
	}
	return subjects
}

// forget drops the aggregates that were due and turned out to have nothing unsent (an operator removed it).
func (w *worker) forget(waiting []string) {
	for subject := range w.blocked {
		if !slices.Contains(waiting, subject) {
			delete(w.blocked, subject)
		}
	}
}

func (w *worker) mark(ctx context.Context, ids []uuid.UUID) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queryTimeout) // a stop must not make what was sent be sent again
	defer cancel()
	err := w.box.mark(ctx, w.term.stamp, ids)
	if err == nil {
		w.box.metrics.published.WithLabelValues(w.topic).Add(float64(len(ids)))
	}
	return err
}

// publish hands a batch over in waves: the first event of each aggregate, then the second of those whose first was accepted, and so
// on. It returns what was accepted; up is false when the topic as a whole fails and is to be left alone for a while.
func (w *worker) publish(ctx context.Context, batch []Message) (sent []uuid.UUID, up bool) {
	for len(batch) > 0 {
		wave, rest := firstOfEach(batch)
		accepted, refused, err := w.publishWave(ctx, wave)
		sent = append(sent, accepted...)
		if len(refused) > 0 && ctx.Err() == nil {
			w.box.metrics.failures.WithLabelValues(w.topic).Add(float64(len(refused)))
		}
		if ctx.Err() != nil || (err != nil && len(accepted) == 0) || len(w.blocked)+len(refused) > maxBlocked {
			w.failTopic(ctx, len(refused), err)
			return sent, false
		}
		w.settle(ctx, wave, refused, err)
		batch = slices.DeleteFunc(rest, func(m Message) bool { return refused[m.Subject] })
	}
	return sent, true
}

func (w *worker) failTopic(ctx context.Context, n int, err error) {
	w.topicRetry.fail(w.box.opt.MaxBackoff)
	if ctx.Err() == nil {
		w.box.opt.Log.WarnContext(ctx, "outbox: topic is not accepted", slog.String("topic", w.topic), slog.Int("events", n),
			slog.Int("failures", w.topicRetry.failures), slog.Time("next", w.topicRetry.at), slog.Any("error", err))
	}
}

// settle notes which aggregates have to wait, and which need not any more.
func (w *worker) settle(ctx context.Context, wave []Message, refused map[string]bool, err error) {
	for _, m := range wave {
		if !refused[m.Subject] {
			delete(w.blocked, m.Subject)
			continue
		}
		r, ok := w.blocked[m.Subject]
		if !ok {
			r = &retry{}
			w.blocked[m.Subject] = r
		}
		r.fail(w.box.opt.MaxBackoff)
		w.box.opt.Log.WarnContext(ctx, "outbox: event is not accepted", slog.String("topic", w.topic), slog.String("event", m.ID.String()),
			slog.String("type", m.Type), slog.Int("failures", r.failures), slog.Time("next", r.at), slog.Any("error", err))
	}
}

// publishWave hands over events of different aggregates, in as few calls as possible: those that were refused before go alone, so
// that they take no others with them. It returns the accepted ids, the refused subjects and the last error.
func (w *worker) publishWave(ctx context.Context, wave []Message) (accepted []uuid.UUID, refused map[string]bool, last error) {
	refused = map[string]bool{}
	for _, call := range w.calls(wave) {
		failed, err := w.call(ctx, call)
		if err != nil {
			last = err
		}
		for _, m := range call {
			if (err != nil && len(failed) == 0) || slices.Contains(failed, m.ID) {
				refused[m.Subject] = true
			} else {
				accepted = append(accepted, m.ID)
			}
		}
	}
	return accepted, refused, last
}

func (w *worker) call(ctx context.Context, msgs []Message) ([]uuid.UUID, error) {
	left := w.term.remaining()
	if left <= 0 {
		return nil, errDeposed // mark would refuse: do not publish beside the next leader
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(w.box.opt.PublishTimeout, left)) // a stop waits for the call
	defer cancel()
	return w.box.opt.Publisher.PublishBulk(ctx, w.topic, msgs)
}

// calls cuts a wave into bulk calls.
func (w *worker) calls(wave []Message) (calls [][]Message) {
	var bulk []Message
	size := 0
	for _, m := range wave {
		if w.suspicious() || w.blocked[m.Subject] != nil {
			calls = append(calls, []Message{m})
			continue
		}
		if size += len(m.Data); size > maxCallBytes && len(bulk) > 0 {
			calls = append(calls, bulk)
			bulk, size = nil, len(m.Data)
		}
		bulk = append(bulk, m)
	}
	if len(bulk) > 0 {
		calls = append(calls, bulk)
	}
	return calls
}

// firstOfEach splits off the first event of each aggregate, keeping the order.
func firstOfEach(batch []Message) (first, rest []Message) {
	seen := make(map[string]bool, len(batch))
	for _, m := range batch {
		if seen[m.Subject] {
			rest = append(rest, m)
			continue
		}
		seen[m.Subject] = true
		first = append(first, m)
	}
	return first, rest
}
