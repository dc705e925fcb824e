// Package outbox publishes events if and only if the transaction that made them was committed.
//
//	use case                          relay (one leader per database)                 broker
//	BEGIN                                   ┌── woken by the commit, else every 200 ms
//	  change                                ▼
//	  Append: row + sequence          fetch what is unsent, per topic
//	COMMIT ── OnCommit: wake ─────►   publish in bulk ───────────────────────────────►
//	                                  mark sent, if the lease's stamp is still ours
//
// Publishing beside a transaction loses events in a crash, or tells of changes that never happened; so [Box.Append] writes a
// row in the transaction, and the relay publishes it later, at least once, with the row's id as the event's id. Consumers drop
// what comes twice (package inbox).
//
// Order. Events of one aggregate (topic and subject) carry a gapless sequence and are published in its order: an event is handed
// over only after its predecessor was accepted. A bulk call therefore holds at most one event per aggregate, because brokers may
// take the events of a call in any order, or only some of them. Between aggregates there is no order.
//
// One relay publishes at a time: it holds a lease row, renews it, and every "sent" mark checks the lease's stamp, so a relay that
// was frozen and lost the lease cannot mark. What it was publishing is then published again, which is the at-least-once that
// consumers expect. A relay that stops gives the lease back.
//
// What may go wrong: the broker is away or refuses → the topic is tried again after a back-off, other topics go on; it refuses
// single events → only their aggregates wait; the database is away → nothing is lost, the relay waits for it. Nothing is ever given
// up: outbox_lag_seconds and outbox_failures_total tell.
//
// There is no NOTIFY: it takes a server-wide lock over the commit. An event that was committed by another process than
// the leader waits for the next poll.
package outbox

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/propagation"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/run"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations creates the tables outbox, outbox_sequences and outbox_lease.
var Migrations = pg.Migrations{Name: "outbox", FS: sub()}

func sub() fs.FS {
	dir, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the path is a constant
	}
	return dir
}

// Event is what happened to an aggregate.
type Event struct {
	Topic   string    // the owner's topic, "order"
	Type    string    // "order.placed.v1"
	Subject string    // id of the aggregate
	Data    any       // encodes to a JSON object; its top-level member "sequence" is set by Append, whatever it was
	Time    time.Time // when it happened; zero means now
	ID      uuid.UUID // zero means a new UUIDv7
}

// Message is an event on its way out.
type Message struct {
	ID          uuid.UUID // CloudEvents id: the same each time the event is published
	Type        string
	Source      string
	Subject     string // also the partition key
	TraceParent string // W3C traceparent of the request that appended it, or ""
	Time        time.Time
	Data        json.RawMessage // a JSON object with the member "sequence"
	Sequence    int64
}

// Publisher hands messages to the broker. It returns the ids of those that did not arrive, or may not have; an error with no ids
// means that none did. It must return soon after ctx ends.
type Publisher interface {
	PublishBulk(ctx context.Context, topic string, msgs []Message) (failed []uuid.UUID, err error)
}

// Options of a Box. Durations and sizes that are zero mean what their comment says.
type Options struct {
	Source    string    // CloudEvents source: the name of the service
	Publisher Publisher // needed by Service only
	Log       *slog.Logger
	Metrics   prometheus.Registerer // nil: not registered

	Poll           time.Duration // how often to look for events of other processes, and for a free lease; 200 ms
	Lease          time.Duration // how long a leader that was killed blocks its successor; 6 s
	PublishTimeout time.Duration // for one bulk call; 4 s
	MaxBackoff     time.Duration // between attempts of a failing topic or aggregate; 5 s
	Retention      time.Duration // how long sent events are kept for replay; 7 days
	Batch          int           // events fetched at once per topic; 500
}

func (o Options) withDefaults() Options {
	or := func(d *time.Duration, fallback time.Duration) {
		if *d <= 0 {
			*d = fallback
		}
	}
	or(&o.Poll, 200*time.Millisecond)
	or(&o.Lease, 6*time.Second)
	or(&o.PublishTimeout, 4*time.Second)
	or(&o.MaxBackoff, 5*time.Second)
	or(&o.Retention, 7*24*time.Hour)
	if o.Batch <= 0 {
		o.Batch = 500
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Box is the outbox of one database. It is safe for concurrent use; a process has one per database.
type Box struct {
	pool    *pgxpool.Pool
	opt     Options
	metrics *metrics

	wake   chan struct{} // holds one signal: look at fresh
	mu     sync.Mutex
	topics map[string]struct{} // committed to since the relay looked
}

// New returns the outbox in the database of pool. It panics when the metrics are registered already.
func New(pool *pgxpool.Pool, opt Options) *Box {
	return &Box{
		pool: pool, opt: opt.withDefaults(), metrics: newMetrics(opt.Metrics),
		wake: make(chan struct{}, 1), topics: map[string]struct{}{},
	}
}

// appendSQL writes all events of a call in one statement. The sequence rows are locked in one order, so that two calls do not
// deadlock; the identity column is drawn after the lock is held, so that positions follow sequences.
const appendSQL = `
	WITH events AS (
		SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
			WITH ORDINALITY AS e (id, topic, type, subject, data, time, n)
	), bumped AS (
		INSERT INTO outbox_sequences AS s (topic, subject, last)
		SELECT topic, subject, count(*) FROM events GROUP BY topic, subject ORDER BY topic, subject
		ON CONFLICT (topic, subject) DO UPDATE SET last = s.last + excluded.last
		RETURNING topic, subject, last
	), numbered AS (
		SELECT e.*, b.last - count(*) OVER aggregate + row_number() OVER (aggregate ORDER BY e.n) AS sequence
		FROM events e JOIN bumped b USING (topic, subject)
		WINDOW aggregate AS (PARTITION BY topic, subject)
	)
	INSERT INTO outbox (id, topic, type, subject, sequence, data, traceparent, time)
	SELECT id, topic, type, subject, sequence, data::jsonb || jsonb_build_object('sequence', sequence), $7, time
	FROM numbered ORDER BY n`

// Append writes events in tx, all in one statement, and wakes the relay when tx is committed. It numbers each aggregate's events
// without gaps, and so holds a lock on the aggregate until tx ends: append last. A transaction that appends for several
// aggregates does it in one call, or two such transactions may deadlock (40P01). The trace context of ctx travels along.
func (b *Box) Append(ctx context.Context, tx *pg.Tx, events ...Event) error {
	if len(events) == 0 {
		return nil
	}
	rows, err := encode(events)
	if err != nil {
		return fmt.Errorf("append to outbox: %w", err)
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	if _, err := tx.Exec(ctx, appendSQL, rows.ids, rows.topics, rows.types, rows.subjects, rows.data, rows.times, carrier.Get("traceparent")); err != nil {
		return fmt.Errorf("append %s of %s to outbox: %w", events[0].Type, events[0].Subject, err)
	}
	tx.OnCommit(func() { b.wakeFor(rows.topics) })
	return nil
}

// columns are the events by column, as unnest takes them.
type columns struct {
	ids                           []uuid.UUID
	topics, types, subjects, data []string
	times                         []time.Time
}

func encode(events []Event) (c columns, err error) {
	for _, e := range events {
		if e.Topic == "" || e.Type == "" || e.Subject == "" {
			return c, fmt.Errorf("event %q of %q on topic %q: all three are needed", e.Type, e.Subject, e.Topic)
		}
		if e.ID == uuid.Nil {
			if e.ID, err = uuid.NewV7(); err != nil {
				return c, fmt.Errorf("draw an id: %w", err)
			}
		}
		if e.Time.IsZero() {
			e.Time = time.Now()
		}
		data, err := json.Marshal(e.Data)
		if err != nil {
			return c, fmt.Errorf("data of %s: %w", e.Type, err)
		}
		if data[0] != '{' {
			return c, fmt.Errorf("data of %s: %w", e.Type, errNoObject)
		}
		c.ids = append(c.ids, e.ID)
		c.topics = append(c.topics, e.Topic)
		c.types = append(c.types, e.Type)
		c.subjects = append(c.subjects, e.Subject)
		c.data = append(c.data, string(data))
		c.times = append(c.times, e.Time.Truncate(time.Microsecond))
	}
	return c, nil
}

var errNoObject = errors.New("must encode to a JSON object")

func (b *Box) wakeFor(topics []string) {
	b.mu.Lock()
	for _, t := range topics {
		b.topics[t] = struct{}{}
	}
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default: // a signal is waiting already
	}
}

// woken takes the topics that were committed to since the last call.
func (b *Box) woken() map[string]struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	topics := b.topics
	b.topics = map[string]struct{}{}
	return topics
}

// Service returns the relay. Every replica runs it; the database decides who leads. Stopping waits for the call under way.
func (b *Box) Service() run.Service { return run.Func("outbox relay", b.relay) }
