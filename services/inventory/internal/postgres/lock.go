package postgres

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/pg"
)

// stripes is how many locks all SKUs share: a booking of a thousand SKUs takes no more than these of Postgres' lock table.
const stripes = 256

const (
	attempts      = 10 // of a transaction that Postgres asks to repeat
	firstBackoff  = 2 * time.Millisecond
	unlockTimeout = 2 * time.Second
)

// stripeLocks are the locks of this process, so that at most one transaction of it waits in Postgres for a stripe, and a
// queue for a hot SKU does not sit on all connections.
type stripeLocks [stripes]chan struct{}

func newStripeLocks() *stripeLocks {
	var s stripeLocks
	for i := range s {
		s[i] = make(chan struct{}, 1)
	}
	return &s
}

// stripesOf returns the stripes of the SKUs in the order in which everybody locks them.
func stripesOf(skus []string) []int32 {
	keys := make([]int32, len(skus))
	for i, sku := range skus {
		h := fnv.New32a()
		_, _ = h.Write([]byte(sku)) // never fails
		keys[i] = int32(h.Sum32() % stripes)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (s *stripeLocks) lock(ctx context.Context, keys []int32) (unlock func(), err error) {
	held := 0
	unlock = func() {
		for _, k := range keys[:held] {
			<-s[k]
		}
	}
	for _, k := range keys {
		select {
		case s[k] <- struct{}{}:
			held++
		case <-ctx.Done():
			unlock()
			return nil, context.Cause(ctx)
		}
	}
	return unlock, nil
}

// lockSQL waits for the session locks of the stripes, which are given back after the transaction that they protect.
const lockSQL = `SELECT pg_advisory_lock(hashtext(current_schema()), k) FROM unnest($1::int[]) AS k`

const unlockSQL = `SELECT pg_advisory_unlock_all()`

// locked runs fn in a READ COMMITTED transaction while no other transaction that changes the levels of these SKUs runs, here or
// in another replica. fn is repeated when Postgres asks for it. Hooks of the transaction are not run.
func (s *Store) locked(ctx context.Context, skus []string, fn func(ctx context.Context, tx *pg.Tx) error) error {
	return s.alone(ctx, skus, func(ctx context.Context, conn *pgxpool.Conn, keys []int32) error {
		defer unlock(ctx, conn)
		if _, err := conn.Exec(ctx, lockSQL, keys); err != nil {
			return err
		}
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return fn(ctx, &pg.Tx{Tx: tx}) })
	})
}

// holdSQL waits for the locks of the stripes until the end of the transaction. Each statement of a READ COMMITTED transaction sees what was
// committed before it began, so that those behind this one see everything that the locks' owners before left (ADR 013).
const holdSQL = `SELECT pg_advisory_xact_lock(hashtext(current_schema()), k) FROM unnest($1::int[]) AS k`

// halved is locked in two round trips: BEGIN, the locks and what first queues; then what second queues and COMMIT, unless second returns an
// error. Second cannot look at the answers of what it queues: a constraint has to refuse it.
func (s *Store) halved(ctx context.Context, skus []string, first func(*pgx.Batch), second func(*pgx.Batch) error) error {
	return s.alone(ctx, skus, func(ctx context.Context, conn *pgxpool.Conn, keys []int32) (err error) {
		defer func() {
			if err != nil {
				unlock(ctx, conn)
			}
		}()
		var batch pgx.Batch
		batch.Queue(`BEGIN`)
		batch.Queue(holdSQL, keys)
		first(&batch)
		if err := conn.SendBatch(ctx, &batch).Close(); err != nil {
			return err
		}
		var rest pgx.Batch
		if err := second(&rest); err != nil {
			return err
		}
		rest.Queue(`COMMIT`)
		return conn.SendBatch(ctx, &rest).Close()
	})
}

// alone runs fn on a connection while nobody else in this process does so for a stripe of the SKUs, and again when Postgres asks
// for it. fn leaves neither a transaction nor a lock on the connection.
func (s *Store) alone(ctx context.Context, skus []string, fn func(ctx context.Context, conn *pgxpool.Conn, keys []int32) error) error {
	keys := stripesOf(skus)
	leave, err := s.stripes.lock(ctx, keys)
	if err != nil {
		return pg.AsFault(err)
	}
	defer leave()
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return pg.AsFault(err)
	}
	defer conn.Release()
	for n := 1; ; n++ {
		err := fn(ctx, conn, keys)
		if err == nil || n == attempts || !repeatable(err) {
			return pg.AsFault(err)
		}
		select {
		case <-time.After(rand.N(firstBackoff << min(n, 5))):
		case <-ctx.Done():
			return pg.AsFault(context.Cause(ctx))
		}
	}
}

func repeatable(err error) bool {
	code := pg.Code(err)
	return code == "40001" || code == "40P01"
}

// unlock ends the transaction of a connection and gives its locks back. It outlives the caller's context. A connection on which
// that fails is closed, which does both as well.
func unlock(ctx context.Context, conn *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
	defer cancel()
	sql := unlockSQL
	if conn.Conn().PgConn().TxStatus() != 'I' {
		sql = `ROLLBACK; ` + unlockSQL
	}
	// Nothing can be prepared in a transaction that has failed.
	if _, err := conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		_ = conn.Conn().Close(ctx) // it is of no use any more
	}
}
