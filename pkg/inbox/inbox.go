// Package inbox makes the handlers of events idempotent and immune to reordering: events arrive at least once and in any order.
//
// A handler asks in the transaction that holds its effect, so that effect and memory are kept or lost together:
//
//   - [Once] for effects that each event has on its own ("add the order to the books"): has this consumer seen this event id?
//   - [Newer] for replicas that only keep the latest state of a subject: is this sequence above the highest one applied? It needs no
//     row per event, and an event that arrives late is dropped instead of turning the replica back.
//
// The database decides: two deliveries at once wait for each other on the row, and the second one finds it taken, or runs if the
// first was rolled back. Under SERIALIZABLE the second one fails with 40001 and is repeated by pg.InTx.
//
// An event that comes again after its row was pruned counts as fresh: keep rows longer than brokers and dead-letter replays can
// hold an event back.
package inbox

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/pg"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations creates the tables inbox and inbox_sequences.
var Migrations = pg.Migrations{Name: "inbox", FS: sub()}

func sub() fs.FS {
	dir, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the path is a constant
	}
	return dir
}

// Once records that consumer handles the event and reports whether it is the first time. On false the handler returns nil
// without any effect: the event was handled.
func Once(ctx context.Context, tx *pg.Tx, consumer, eventID string) (fresh bool, err error) {
	tag, err := tx.Exec(ctx, "INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", consumer, eventID)
	if err != nil {
		return false, fmt.Errorf("inbox of %s, event %s: %w", consumer, eventID, err)
	}
	return tag.RowsAffected() == 1, nil
}

// Newer records sequence as the highest that consumer applied for subject and reports whether it is. False means that the event
// is stale or came again: a later state is applied already. The row of the subject stays locked until the transaction ends, so
// two events of one subject are applied one after the other.
func Newer(ctx context.Context, tx *pg.Tx, consumer, subject string, sequence int64) (bool, error) {
	tag, err := tx.Exec(ctx, `
		INSERT INTO inbox_sequences AS s (consumer, subject, sequence) VALUES ($1, $2, $3)
		ON CONFLICT (consumer, subject) DO UPDATE SET sequence = excluded.sequence, updated_at = now()
		WHERE s.sequence < excluded.sequence`, consumer, subject, sequence)
	if err != nil {
		return false, fmt.Errorf("inbox of %s, subject %s, sequence %d: %w", consumer, subject, sequence, err)
	}
	return tag.RowsAffected() == 1, nil
}

const pruneChunk = 5000

// Prune forgets the event ids that were seen longer ago than olderThan and returns how many, in transactions of some thousand.
// The sequences of [Newer] stay: they are one row per subject.
func Prune(ctx context.Context, pool *pgxpool.Pool, olderThan time.Duration) (int64, error) {
	var total int64
	for {
		tag, err := pool.Exec(ctx, `
			DELETE FROM inbox WHERE (consumer, event_id) IN (
				SELECT consumer, event_id FROM inbox WHERE seen_at < now() - $1::interval ORDER BY seen_at LIMIT $2)`, olderThan, pruneChunk)
		if err != nil {
			return total, fmt.Errorf("prune inbox: %w", pg.AsFault(err))
		}
		total += tag.RowsAffected()
		if tag.RowsAffected() < pruneChunk {
			return total, nil
		}
	}
}
