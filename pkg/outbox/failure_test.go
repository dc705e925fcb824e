package outbox_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
)

// Half of the calls fail, some after they were executed, some as a whole, some for single events: each event arrives, in order.
func TestFaultyPublisher(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, outbox.Migrations)
	b := newBroker()
	faults := testkit.NewFaults(t, map[string]testkit.Rate{
		"PublishBulk": {Before: 0.25, After: 0.25, Delay: 2 * time.Millisecond},
		"message":     {Before: 0.2},
	})
	b.setReply(func(ctx context.Context, _ string, msgs []outbox.Message) (failed []uuid.UUID, err error) {
		for _, m := range msgs {
			if err := faults.Do(ctx, "message", func() error { return nil }); err != nil {
				failed = append(failed, m.ID)
			}
		}
		return failed, nil
	})
	publisher := faultyPublisher{b, faults}
	box := outbox.New(pool, outbox.Options{Source: "test", Publisher: publisher, Batch: 40, MaxBackoff: 20 * time.Millisecond})
	start(t, box)
	for i := range 200 {
		appendEvents(t, pool, box, event(fmt.Sprint("s", i%9), i), event(fmt.Sprint("s", i%7), i))
	}
	checkOrder(t, b.await(t, atLeast(400)))
	allSent(t, pool)
	if faults.Injected("PublishBulk") == 0 || faults.Injected("message") == 0 {
		t.Error("no fault was injected")
	}
}

// Every connection to the database is killed again and again while events are written and published: what was committed arrives,
// in order, and the relay recovers by itself.
func TestDatabaseConnectionsDie(t *testing.T) {
	t.Parallel()
	url := testkit.SchemaURL(t, outbox.Migrations)
	name := fmt.Sprintf("outbox-%d", testkit.Seed(t))
	victims, err := pg.Open(t.Context(), pg.Config{URL: url, AppName: name, MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(victims.Close)
	b := newBroker()
	box := outbox.New(victims, outbox.Options{Source: "test", Publisher: b, Poll: 5 * time.Millisecond, MaxBackoff: 10 * time.Millisecond})
	start(t, box)
	killer, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = killer.Close(context.WithoutCancel(t.Context())) })
	killed := 0
	for i := range 100 {
		if err := tryAppend(t.Context(), victims, box, event(fmt.Sprint("s", i%3), i)); err != nil && fault.KindOf(err) == fault.Internal {
			t.Errorf("append: %v", err)
		}
		if i%10 == 0 {
			tag, err := killer.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", name)
			if err != nil {
				t.Fatal(err)
			}
			killed += int(tag.RowsAffected())
		}
	}
	var committed int
	if err := killer.QueryRow(t.Context(), "SELECT count(*) FROM outbox").Scan(&committed); err != nil {
		t.Fatal(err)
	}
	got := b.await(t, atLeast(committed))
	checkOrder(t, got)
	if n := len(distinct(got)); n != committed || committed < 50 || killed < 10 {
		t.Errorf("%d of %d committed events arrived, %d connections killed", n, committed, killed)
	}
	allSent(t, victims)
}

type faultyPublisher struct {
	outbox.Publisher
	faults *testkit.Faults
}

func (p faultyPublisher) PublishBulk(ctx context.Context, topic string, msgs []outbox.Message) ([]uuid.UUID, error) {
	return testkit.Inject(ctx, p.faults, "PublishBulk", func() ([]uuid.UUID, error) { return p.Publisher.PublishBulk(ctx, topic, msgs) })
}

// A topic that hangs or is refused, and an aggregate whose event is never accepted, hold nobody else up.
func TestFailuresStayWhereTheyAre(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, outbox.Migrations)
	b := newBroker()
	var healed atomic.Bool
	b.setReply(func(ctx context.Context, topic string, msgs []outbox.Message) (failed []uuid.UUID, err error) {
		if healed.Load() {
			return nil, nil
		}
		switch topic {
		case "refused":
			return nil, errBroker
		case "hanging":
			<-ctx.Done()
			return nil, ctx.Err()
		}
		for _, m := range msgs {
			if m.Subject == "poison" {
				failed = append(failed, m.ID)
			}
		}
		return failed, nil
	})
	box := outbox.New(pool, outbox.Options{Source: "test", Publisher: b, Batch: 3, MaxBackoff: 50 * time.Millisecond, PublishTimeout: time.Second})
	start(t, box)
	on := func(topic string, e outbox.Event) outbox.Event { e.Topic = topic; return e }
	for i := range 5 {
		appendEvents(t, pool, box, on("hanging", event("h", i)), on("refused", event("r", i)), event("poison", i))
	}
	for i := range 20 {
		appendEvents(t, pool, box, event("healthy", i))
	}
	got := b.await(t, atLeast(20))
	checkOrder(t, got)
	if slices.ContainsFunc(got, func(m outbox.Message) bool { return m.Subject != "healthy" }) {
		t.Errorf("got %v", summary(got))
	}
	healed.Store(true)
	checkOrder(t, b.await(t, atLeast(35)))
	allSent(t, pool)
}

// One event makes every bulk call that holds it fail as a whole: after some attempts the others go without it.
func TestPoisonOfBulkCalls(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, outbox.Migrations)
	b := newBroker()
	b.setReply(func(_ context.Context, _ string, msgs []outbox.Message) ([]uuid.UUID, error) {
		if slices.ContainsFunc(msgs, func(m outbox.Message) bool { return m.Subject == "poison" }) {
			return nil, errBroker
		}
		return nil, nil
	})
	box := outbox.New(pool, outbox.Options{Source: "test", Publisher: b, MaxBackoff: 20 * time.Millisecond})
	events := []outbox.Event{event("poison", 0)}
	for i := range 30 {
		events = append(events, event(fmt.Sprint("s", i), i))
	}
	appendEvents(t, pool, box, events...)
	start(t, box)
	b.await(t, atLeast(30))
}
