package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/trace"

	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
)

func TestAppendIsOneStatement(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, outbox.Migrations)
	box := outbox.New(pool, outbox.Options{Source: "test"})
	ctx, counter := pg.WithCounter(t.Context())
	if err := tryAppend(ctx, pool, box, event("a", 1), event("b", 1), event("a", 2)); err != nil {
		t.Fatal(err)
	}
	if n := counter.Statements(); n != 1 {
		t.Errorf("%d statements, want 1", n)
	}
	if err := tryAppend(ctx, pool, box); err != nil || counter.Statements() != 1 {
		t.Errorf("nothing to append: %v, %d statements", err, counter.Statements())
	}
}

func TestMessageCarriesTheEvent(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, outbox.Migrations)
	b := newBroker()
	box := outbox.New(pool, outbox.Options{Source: "things", Publisher: b})
	start(t, box)
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
	at := time.Date(2026, 2, 3, 4, 5, 6, 789_012_345, time.FixedZone("", 3600))
	e := outbox.Event{
		Topic: "thing", Type: "thing.made.v1", Subject: "t-1", Time: at, ID: uuid.MustParse("0190b5a0-0000-7000-8000-000000000001"),
		Data: struct {
			Sequence int64  `json:"sequence"` // typed events have it, unset
			Name     string `json:"name"`
		}{Name: "ünï <b>"},
	}
	if err := tryAppend(trace.ContextWithSpanContext(t.Context(), span), pool, box, e, event("t-1", 7)); err != nil {
		t.Fatal(err)
	}
	got := b.await(t, atLeast(2))
	m := got[0]
	if m.ID != e.ID || m.Type != e.Type || m.Source != "things" || m.Subject != "t-1" || m.Sequence != 1 ||
		!m.Time.Equal(at.Truncate(time.Microsecond)) || m.Time.Location() != time.UTC ||
		m.TraceParent != "00-01000000000000000000000000000000-0200000000000000-01" {
		t.Errorf("%+v", m)
	}
	if string(m.Data) != `{"name": "ünï <b>", "sequence": 1}` {
		t.Errorf("data = %s", m.Data)
	}
	if m := got[1]; m.ID.Version() != 7 || m.Sequence != 2 || string(m.Data) != `{"n": 7, "sequence": 2}` || time.Since(m.Time) > time.Minute {
		t.Errorf("%+v %s", m, m.Data)
	}
}

func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, outbox.Migrations)
	box := outbox.New(pool, outbox.Options{Source: "test"})
	for want, e := range map[string]outbox.Event{
		"all three are needed":          {Topic: "thing", Type: "thing.made.v1", Data: struct{}{}},
		"must encode to a JSON object":  {Topic: "thing", Type: "thing.made.v1", Subject: "s", Data: []int{1}},
		"data of thing.made.v1: json: ": {Topic: "thing", Type: "thing.made.v1", Subject: "s", Data: func() {}},
	} {
		if err := tryAppend(t.Context(), pool, box, event("s", 1), e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q", err, want)
		}
	}
	if n := unsent(t, pool); n != 0 {
		t.Errorf("%d rows", n)
	}
}

func TestRolledBackEventsLeaveNoGapAndWakeNobody(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, outbox.Migrations)
	b := newBroker()
	box := outbox.New(pool, outbox.Options{Source: "test", Publisher: b})
	start(t, box)
	boom := errors.New("boom")
	for i := range 5 {
		err := pg.InTx(t.Context(), pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
			if err := box.Append(ctx, tx, event("s", i), event("s", i)); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		appendEvents(t, pool, box, event("s", i))
	}
	got := b.await(t, atLeast(5))
	checkOrder(t, got)
	if len(got) != 5 || got[4].Sequence != 5 {
		t.Errorf("got %v", summary(got))
	}
}

// 64 writers append to 8 aggregates, one to four events each, some rolled back, under two isolation levels: what arrives is gapless
// and in order per aggregate.
func TestOrderPerAggregateUnderConcurrency(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, outbox.Migrations)
	b := newBroker()
	box := outbox.New(pool, outbox.Options{Source: "test", Publisher: b, Batch: 17})
	start(t, box)
	var mu sync.Mutex
	want := 0
	errs := testkit.Race(64, func(i int) error {
		o := pg.TxOptions{}
		if i%2 == 0 {
			o = pg.TxOptions{Iso: pgx.Serializable, Attempts: 200}
		}
		for round := range 8 {
			events := []outbox.Event{}
			for n := range i%4 + 1 {
				events = append(events, event(fmt.Sprintf("s%d", (i+n+round)%8), i))
			}
			boom := errors.New("boom")
			err := pg.InTx(t.Context(), pool, o, func(ctx context.Context, tx *pg.Tx) error {
				if err := box.Append(ctx, tx, events...); err != nil {
					return err
				}
				if round == 3 {
					return boom
				}
				return nil
			})
			if err != nil && !errors.Is(err, boom) {
				return err
			}
			if err == nil {
				mu.Lock()
				want += len(events)
				mu.Unlock()
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	got := b.await(t, atLeast(want))
	checkOrder(t, got)
	if len(got) != want {
		t.Errorf("%d arrivals of %d events: nothing failed, so none comes twice", len(got), want)
	}
}
