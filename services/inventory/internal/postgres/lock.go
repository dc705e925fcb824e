package postgres

import (
	"context"
	"errors"
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

// locked runs fn in a transaction while no other transaction that changes the levels of these SKUs runs, here or in another
// replica. The locks are taken before BEGIN: a serializable transaction that waited inside would go on with the snapshot of
// before the wait, and fail. fn is repeated when Postgres asks for it. Hooks of the transaction are not run.
func (s *Store) locked(ctx context.Context, skus []string, iso pgx.TxIsoLevel, fn func(ctx context.Context, tx *pg.Tx) error) error {
	keys := stripesOf(skus)
	unlock, err := s.stripes.lock(ctx, keys)
	if err != nil {
		return pg.AsFault(err)
	}
	defer unlock()
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return pg.AsFault(err)
	}
	defer conn.Release()
	defer unlockSession(ctx, conn)
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(hashtext(current_schema()), k) FROM unnest($1::int[]) AS k`, keys); err != nil {
		return pg.AsFault(err)
	}
	for n := 1; ; n++ {
		err := once(ctx, conn, iso, fn)
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

// unlockSession outlives the caller's context. A connection that cannot unlock is closed, which unlocks as well.
func unlockSession(ctx context.Context, conn *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
	defer cancel()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock_all()`); err != nil {
		_ = conn.Conn().Close(ctx) // it is of no use any more
	}
}

func once(ctx context.Context, conn *pgxpool.Conn, iso pgx.TxIsoLevel, fn func(ctx context.Context, tx *pg.Tx) error) error {
	inner, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: iso})
	if err != nil {
		return err
	}
	defer func() { // after a commit, or when the connection is gone, it does nothing
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
		defer cancel()
		if err := inner.Rollback(ctx); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
			_ = conn.Conn().Close(ctx) // it is of no use any more
		}
	}()
	if err := fn(ctx, &pg.Tx{Tx: inner}); err != nil {
		return err
	}
	return inner.Commit(ctx)
}
