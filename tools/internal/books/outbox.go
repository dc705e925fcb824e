package books

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// readOutbox reads what waits in a service's outbox. Every service has the same one.
func readOutbox(ctx context.Context, tx pgx.Tx, service string, s *Snapshot) error {
	var unsent []Unsent
	err := collect(ctx, tx, &unsent, `SELECT $1::text, topic, subject, type, created_at FROM outbox WHERE sent_at IS NULL ORDER BY position`, service)
	s.Unsent = append(s.Unsent, unsent...)
	return err
}

// readTold reads the last sequence of each subject of the service's topic. Events that were pruned are long told.
func readTold(ctx context.Context, tx pgx.Tx, topic string, s *Snapshot) error {
	var told []Told
	err := collect(ctx, tx, &told, `SELECT q.topic, q.subject, q.last, coalesce(o.created_at, 'epoch'::timestamptz)
		FROM outbox_sequences q LEFT JOIN outbox o ON o.topic = q.topic AND o.subject = q.subject AND o.sequence = q.last
		WHERE q.topic = $1`, topic)
	s.Told = append(s.Told, told...)
	return err
}

// known is a subject with the highest sequence or version that a subscriber applied.
type known struct {
	Subject  string
	Sequence int64
}

// readConsumed reads what a subscription knows.
func readConsumed(ctx context.Context, tx pgx.Tx, subscription string, s *Snapshot, sql string, args ...any) error {
	var rows []known
	if err := collect(ctx, tx, &rows, sql, args...); err != nil {
		return err
	}
	m := make(map[string]int64, len(rows))
	for _, r := range rows {
		m[r.Subject] = r.Sequence
	}
	s.Consumed[subscription] = m
	return nil
}

// inboxSQL is what a consumer that keeps the latest state of a subject has applied.
const inboxSQL = `SELECT subject, sequence FROM inbox_sequences WHERE consumer = $1`
