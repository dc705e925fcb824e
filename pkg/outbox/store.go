package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// errDeposed says that another relay has the lease.
var errDeposed = errors.New("the outbox lease is lost")

// acquire takes the lease when it is free. held is false when somebody else has it.
func (b *Box) acquire(ctx context.Context, holder string) (stamp int64, held bool, err error) {
	err = b.pool.QueryRow(ctx, `
		UPDATE outbox_lease SET holder = $1, stamp = stamp + 1, until = clock_timestamp() + $2::interval
		WHERE until < clock_timestamp() RETURNING stamp`, holder, b.opt.Lease).Scan(&stamp)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	return stamp, err == nil, err
}

// extend makes the lease end after d from now: the full lease to renew it, zero to give it back.
func (b *Box) extend(ctx context.Context, stamp int64, d time.Duration) error {
	tag, err := b.pool.Exec(ctx, "UPDATE outbox_lease SET until = clock_timestamp() + $2::interval WHERE stamp = $1", stamp, d)
	if err == nil && tag.RowsAffected() == 0 {
		err = errDeposed
	}
	return err
}

// backlog returns the topics with unsent events and the age in seconds of the oldest of each. It hops over the index from topic to
// topic, so it costs the same for one event as for a million.
func (b *Box) backlog(ctx context.Context) (map[string]float64, error) {
	rows, err := b.pool.Query(ctx, `
		WITH RECURSIVE t AS (
			(SELECT topic, created_at FROM outbox WHERE sent_at IS NULL ORDER BY topic, position LIMIT 1)
			UNION ALL
			SELECT next.topic, next.created_at FROM t CROSS JOIN LATERAL (
				SELECT topic, created_at FROM outbox WHERE sent_at IS NULL AND topic > t.topic ORDER BY topic, position LIMIT 1) next
		)
		SELECT topic, extract(epoch FROM clock_timestamp() - created_at)::float8 FROM t`)
	if err != nil {
		return nil, err
	}
	ages := map[string]float64{}
	var topic string
	var age float64
	_, err = pgx.ForEachRow(rows, []any{&topic, &age}, func() error {
		ages[topic] = age
		return nil
	})
	return ages, err
}

// fetch returns the oldest unsent events of topic but those of the given subjects.
func (b *Box) fetch(ctx context.Context, topic string, without []string, limit int) ([]Message, error) {
	rows, err := b.pool.Query(ctx, `
		SELECT id, type, subject, sequence, data, traceparent, time FROM outbox
		WHERE sent_at IS NULL AND topic = $1 AND subject <> ALL ($2)
		ORDER BY position LIMIT $3`, topic, without, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Message, error) {
		m := Message{Source: b.opt.Source}
		err := row.Scan(&m.ID, &m.Type, &m.Subject, &m.Sequence, &m.Data, &m.TraceParent, &m.Time)
		return m, err
	})
}

// mark records events as sent unless the lease has changed hands: its row is locked, so a change of hands comes before or after. It
// does not wait for the disk: what a crash of the server forgets is published again, as consumers expect.
func (b *Box) mark(ctx context.Context, stamp int64, ids []uuid.UUID) error {
	tag, err := b.pool.Exec(ctx, `
		WITH lease AS (SELECT set_config('synchronous_commit', 'off', true) FROM outbox_lease WHERE stamp = $1 FOR SHARE)
		UPDATE outbox SET sent_at = clock_timestamp() FROM lease WHERE id = ANY ($2) AND sent_at IS NULL`, stamp, ids)
	if err == nil && tag.RowsAffected() == 0 {
		err = errDeposed
	}
	return err
}

func (b *Box) pending(ctx context.Context) (n int, err error) {
	err = b.pool.QueryRow(ctx, "SELECT count(*) FROM outbox WHERE sent_at IS NULL").Scan(&n)
	return n, err
}

const pruneChunk = 2000

// prune deletes what was sent longer ago than the retention, a chunk per transaction.
func (b *Box) prune(ctx context.Context) (total int64, err error) {
	for {
		tag, err := b.pool.Exec(ctx, `
			DELETE FROM outbox WHERE id IN (
				SELECT id FROM outbox WHERE sent_at < now() - $1::interval ORDER BY sent_at LIMIT $2)`, b.opt.Retention, pruneChunk)
		if err != nil {
			return total, fmt.Errorf("prune outbox: %w", err)
		}
		total += tag.RowsAffected()
		if tag.RowsAffected() < pruneChunk {
			return total, nil
		}
	}
}
