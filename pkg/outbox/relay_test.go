package outbox_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/testkit"
)

// The poll is an hour away: only the commit can have woken the relay.
func TestCommitWakesTheRelay(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, outbox.Migrations)
	b := newBroker()
	box := outbox.New(pool, outbox.Options{Source: "test", Publisher: b, Poll: time.Hour})
	appendEvents(t, pool, box, event("before the relay started", 0))
	start(t, box)
	b.await(t, atLeast(1))
	for i := range 5 {
		appendEvents(t, pool, box, event("s", i))
		b.await(t, atLeast(2+i))
	}
}

// What another process commits is found by the poll.
func TestPollFindsEventsOfOthers(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, outbox.Migrations)
	b := newBroker()
	start(t, outbox.New(pool, outbox.Options{Source: "test", Publisher: b, Poll: 5 * time.Millisecond}))
	other := outbox.New(pool, outbox.Options{Source: "test"})
	appendEvents(t, pool, other, event("s", 1), event("s", 2))
	checkOrder(t, b.await(t, atLeast(2)))
}

func TestOfTwoRelaysOnePublishes(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, outbox.Migrations)
	brokers := []*broker{newBroker(), newBroker()}
	var stops []func()
	for _, b := range brokers {
		stops = append(stops, start(t, outbox.New(pool, outbox.Options{Source: "test", Publisher: b, Poll: 5 * time.Millisecond, Lease: time.Hour})))
	}
	writer := outbox.New(pool, outbox.Options{Source: "test"})
	for i := range 50 {
		appendEvents(t, pool, writer, event(fmt.Sprint("s", i%5), i))
	}
	allSent(t, pool)
	first, _ := brokers[0].received()
	second, _ := brokers[1].received()
	if len(first)+len(second) != 50 || (len(first) > 0 && len(second) > 0) {
		t.Fatalf("%d and %d messages: exactly one relay publishes, each event once", len(first), len(second))
	}
	leader, follower := 0, 1
	if len(second) > 0 {
		leader, follower = 1, 0
	}
	stops[leader]() // hands the lease back, which would last an hour
	appendEvents(t, pool, writer, event("s0", 99))
	brokers[follower].await(t, atLeast(1))
}

// A crash between publishing and marking: the successor publishes the same event again, under the same id.
func TestCrashBeforeMark(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, outbox.Migrations)
	b := newBroker()
	crashed := make(chan struct{})
	b.setReply(func(ctx context.Context, _ string, _ []outbox.Message) ([]uuid.UUID, error) {
		select {
		case <-crashed:
		default: // the lease is taken away while the first call is under way, as if this process had died after it
			if _, err := pool.Exec(ctx, "UPDATE outbox_lease SET stamp = stamp + 1, holder = 'successor', until = now()"); err != nil {
				return nil, err
			}
			close(crashed)
		}
		return nil, nil
	})
	box := outbox.New(pool, outbox.Options{Source: "test", Publisher: b, Poll: 5 * time.Millisecond})
	start(t, box)
	appendEvents(t, pool, box, event("s", 1))
	got := b.await(t, func(got []outbox.Message) bool { return len(got) >= 2 })
	if got[0].ID != got[1].ID || got[0].Sequence != 1 || got[1].Sequence != 1 {
		t.Errorf("got %v", summary(got))
	}
	allSent(t, pool)
}

// A relay that hangs in a call loses its lease to another; when it wakes it must not mark what it has published.
func TestStaleLeaderCannotMark(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, outbox.Migrations)
	entered, release := make(chan struct{}), make(chan struct{})
	stale := newBroker()
	stale.setReply(func(context.Context, string, []outbox.Message) ([]uuid.UUID, error) {
		close(entered)
		<-release // deaf to its context, like a frozen process
		return nil, nil
	})
	staleBox := outbox.New(pool, outbox.Options{Source: "test", Publisher: stale, Poll: 5 * time.Millisecond, Lease: time.Hour})
	stop := start(t, staleBox)
	appendEvents(t, pool, staleBox, event("s", 1))
	<-entered

	// The lease runs out, as on the clock of the database. The successor hangs in its call too, so that nobody marks before the test says.
	if _, err := pool.Exec(t.Context(), "UPDATE outbox_lease SET until = now() - interval '1 s'"); err != nil {
		t.Fatal(err)
	}
	successor := newBroker()
	took, finish := make(chan struct{}), make(chan struct{})
	successor.setReply(func(context.Context, string, []outbox.Message) ([]uuid.UUID, error) {
		close(took)
		<-finish
		return nil, nil
	})
	start(t, outbox.New(pool, outbox.Options{Source: "test", Publisher: successor, Poll: 5 * time.Millisecond, Lease: time.Hour}))
	<-took
	close(release)
	stop() // has published, tried to mark, and ended
	if n := unsent(t, pool); n != 1 {
		t.Errorf("%d unsent, want 1: the stale leader marked", n)
	}
	var stamp int
	if err := pool.QueryRow(t.Context(), "SELECT stamp FROM outbox_lease WHERE until > now()").Scan(&stamp); err != nil || stamp != 2 {
		t.Errorf("lease stamp %d (%v), want 2: the stale leader must not hand back what is not its own", stamp, err)
	}
	close(finish)
	allSent(t, pool)
	one, _ := stale.received()
	two, _ := successor.received()
	if len(one) != 1 || len(two) != 1 || one[0].ID != two[0].ID {
		t.Errorf("published %v and %v", summary(one), summary(two))
	}
}

// The lease of a relay that cannot renew ends by itself, and it publishes no more even if nobody else took over.
func TestLeaseIsRenewed(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, outbox.Migrations)
	b := newBroker()
	box := outbox.New(pool, outbox.Options{Source: "test", Publisher: b, Poll: 5 * time.Millisecond, Lease: 300 * time.Millisecond})
	start(t, box)
	var first time.Time
	testkit.Eventually(t, testkit.Patience, func() error {
		var until time.Time
		var stamp int
		if err := pool.QueryRow(t.Context(), "SELECT until, stamp FROM outbox_lease WHERE stamp > 0").Scan(&until, &stamp); err != nil {
			return err
		}
		if first.IsZero() {
			first = until
		}
		if stamp != 1 {
			t.Fatalf("stamp %d: the lease was lost in between", stamp)
		}
		if until.Sub(first) < time.Second {
			return fmt.Errorf("renewed until %v only", until)
		}
		return nil
	})
}

// A call holds at most one event of an aggregate and at most a megabyte.
func TestBulkCalls(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, outbox.Migrations)
	b := newBroker()
	box := outbox.New(pool, outbox.Options{Source: "test", Publisher: b})
	var events []outbox.Event
	for i := range 30 {
		e := event(fmt.Sprint("s", i%10), i)
		e.Data = map[string]string{"text": fmt.Sprintf("%0200000d", i)}
		events = append(events, e)
	}
	appendEvents(t, pool, box, events...)
	start(t, box)
	checkOrder(t, b.await(t, atLeast(30)))
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, call := range b.calls {
		subjects, size := map[string]bool{}, 0
		for _, m := range call {
			subjects[m.Subject] = true
			size += len(m.Data)
		}
		if len(subjects) != len(call) || size > 1<<20 {
			t.Errorf("a call of %d bytes with %v", size, summary(call))
		}
	}
	if len(b.calls) != 6 {
		t.Errorf("%d calls, want 3 waves of 2 MB in 2 calls each", len(b.calls))
	}
}

func TestMetricsAndPrune(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, outbox.Migrations)
	registry := prometheus.NewRegistry()
	b := newBroker()
	b.setReply(func(context.Context, string, []outbox.Message) ([]uuid.UUID, error) { return nil, errBroker })
	box := outbox.New(pool, outbox.Options{Source: "test", Publisher: b, Metrics: registry, Poll: 5 * time.Millisecond, MaxBackoff: 5 * time.Millisecond})
	appendEvents(t, pool, box, event("old", 1), event("new", 1), event("unsent", 1))
	if _, err := pool.Exec(t.Context(), `UPDATE outbox SET sent_at = now() - CASE subject WHEN 'old' THEN interval '8 days' ELSE interval '6 days' END
		WHERE subject <> 'unsent'`); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "UPDATE outbox SET created_at = now() - interval '1 minute'"); err != nil {
		t.Fatal(err)
	}
	stop := start(t, box)
	value := func(name string) float64 {
		metrics, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range metrics {
			if m.GetName() == name {
				return m.GetMetric()[0].GetGauge().GetValue() + m.GetMetric()[0].GetCounter().GetValue()
			}
		}
		return -1
	}
	testkit.Eventually(t, testkit.Patience, func() error {
		lag, pending, failures, leader := value("outbox_lag_seconds"), value("outbox_pending"), value("outbox_failures_total"), value("outbox_leader")
		if lag < 60 || lag > 120 || pending != 1 || failures < 1 || leader != 1 {
			return fmt.Errorf("lag %v, pending %v, failures %v, leader %v", lag, pending, failures, leader)
		}
		return nil
	})
	b.setReply(nil)
	b.await(t, atLeast(1))
	allSent(t, pool)
	testkit.Eventually(t, testkit.Patience, func() error {
		var subjects []string
		if err := pool.QueryRow(t.Context(), "SELECT array_agg(subject ORDER BY subject) FROM outbox").Scan(&subjects); err != nil {
			return err
		}
		if !slices.Equal(subjects, []string{"new", "unsent"}) {
			return fmt.Errorf("rows of %v: older than a week must go, the rest must stay", subjects)
		}
		return nil
	})
	if got := value("outbox_published_total"); got != 1 {
		t.Errorf("published %v", got)
	}
	stop()
	for _, name := range []string{"outbox_leader", "outbox_lag_seconds", "outbox_pending"} {
		if value(name) != 0 {
			t.Errorf("%s = %v after the end", name, value(name))
		}
	}
}
