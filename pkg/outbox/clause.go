package outbox

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/propagation"
)

// Clause appends one event within a statement of the caller's, for a use case whose whole decision is one statement and needs no
// transaction around it. It returns two items of a WITH list, and what wakes the relay: to be called once the statement is known to
// have been executed. The event is appended once for the row of the item named from, and not when that has none. extra is an
// SQL expression over that row, of type jsonb, that is laid over the event's data; empty: none. arg takes an argument of the
// statement and returns its placeholder. The lock on the aggregate is held to the end of the statement.
func (b *Box) Clause(ctx context.Context, e Event, from, extra string, arg func(any) string) (items string, wake func(), err error) {
	rows, err := encode([]Event{e})
	if err != nil {
		return "", nil, fmt.Errorf("append to outbox: %w", err)
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	data := arg(rows.data[0]) + "::jsonb"
	if extra != "" {
		data += " || " + extra
	}
	topic, subject := arg(e.Topic)+"::text", arg(e.Subject)+"::text"
	items = fmt.Sprintf(`outbox_told AS (
	SELECT %s AS data FROM %s
), outbox_bumped AS (
	INSERT INTO outbox_sequences AS s (topic, subject, last) SELECT %s, %s, 1 FROM outbox_told
	ON CONFLICT (topic, subject) DO UPDATE SET last = s.last + 1
	RETURNING last
), outbox_appended AS (
	INSERT INTO outbox (id, topic, type, subject, sequence, data, traceparent, time)
	SELECT %s::uuid, %s, %s, %s, last, data || jsonb_build_object('sequence', last), %s, %s::timestamptz FROM outbox_bumped, outbox_told
)`, data, from, topic, subject, arg(rows.ids[0]), topic, arg(e.Type), subject, arg(carrier.Get("traceparent")), arg(rows.times[0]))
	return items, func() { b.wakeFor(rows.topics) }, nil
}
