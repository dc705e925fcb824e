package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
)

// broker remembers what it accepted, in order. reply, when set, decides the answer of a call before anything is accepted.
type broker struct {
	mu    sync.Mutex
	got   []outbox.Message
	calls [][]outbox.Message
	fresh chan struct{} // closed and renewed at each acceptance
	reply func(ctx context.Context, topic string, msgs []outbox.Message) (failed []uuid.UUID, err error)
}

func newBroker() *broker { return &broker{fresh: make(chan struct{})} }

func (b *broker) PublishBulk(ctx context.Context, topic string, msgs []outbox.Message) (failed []uuid.UUID, err error) {
	b.mu.Lock()
	b.calls = append(b.calls, msgs)
	reply := b.reply
	b.mu.Unlock()
	if reply != nil {
		if failed, err = reply(ctx, topic, msgs); err != nil && len(failed) == 0 {
			return nil, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range msgs {
		if !slices.Contains(failed, m.ID) {
			b.got = append(b.got, m)
		}
	}
	close(b.fresh)
	b.fresh = make(chan struct{})
	return failed, err
}

func (b *broker) setReply(f func(ctx context.Context, topic string, msgs []outbox.Message) ([]uuid.UUID, error)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reply = f
}

func (b *broker) received() ([]outbox.Message, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got), b.fresh
}

// await returns what was accepted as soon as done says that it is enough.
func (b *broker) await(t *testing.T, done func([]outbox.Message) bool) []outbox.Message {
	t.Helper()
	timeout := time.NewTimer(testkit.Patience)
	defer timeout.Stop()
	for {
		got, fresh := b.received()
		if done(got) {
			return got
		}
		select {
		case <-fresh:
		case <-timeout.C:
			t.Fatalf("the broker got %d messages only: %v", len(got), summary(got))
		}
	}
}

func atLeast(n int) func([]outbox.Message) bool {
	return func(got []outbox.Message) bool { return len(distinct(got)) >= n }
}

func distinct(msgs []outbox.Message) map[uuid.UUID]outbox.Message {
	ids := map[uuid.UUID]outbox.Message{}
	for _, m := range msgs {
		ids[m.ID] = m
	}
	return ids
}

func summary(msgs []outbox.Message) (s []string) {
	for _, m := range msgs {
		s = append(s, fmt.Sprintf("%s#%d", m.Subject, m.Sequence))
	}
	return s
}

// checkOrder fails the test unless the first arrivals of each subject's sequences are 1, 2, 3 … without gap.
func checkOrder(t *testing.T, msgs []outbox.Message) {
	t.Helper()
	last := map[string]int64{}
	for _, m := range msgs {
		if m.Sequence > last[m.Subject]+1 {
			t.Errorf("%s: %d arrived after %d", m.Subject, m.Sequence, last[m.Subject])
		}
		last[m.Subject] = max(last[m.Subject], m.Sequence)
	}
}

// start runs the relay of a box until the test ends or the returned function is called.
func start(t *testing.T, box *outbox.Box) (stop func()) {
	t.Helper()
	service := box.Service()
	if err := service.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
		defer cancel()
		if err := service.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func event(subject string, n int) outbox.Event {
	return outbox.Event{Topic: "thing", Type: "thing.changed.v1", Subject: subject, Data: map[string]any{"n": n}}
}

func appendEvents(t *testing.T, pool *pgxpool.Pool, box *outbox.Box, events ...outbox.Event) {
	t.Helper()
	if err := tryAppend(t.Context(), pool, box, events...); err != nil {
		t.Fatal(err)
	}
}

func tryAppend(ctx context.Context, pool *pgxpool.Pool, box *outbox.Box, events ...outbox.Event) error {
	return pg.InTx(ctx, pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error { return box.Append(ctx, tx, events...) })
}

// allSent waits until no row is unsent: marking comes after publishing.
func allSent(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	testkit.Eventually(t, testkit.Patience, func() error {
		if n := unsent(t, pool); n > 0 {
			return fmt.Errorf("%d unsent", n)
		}
		return nil
	})
}

func unsent(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM outbox WHERE sent_at IS NULL").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

var errBroker = errors.New("broker")
