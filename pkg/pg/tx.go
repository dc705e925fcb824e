package pg

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/fault"
)

// Tx is a running transaction. It is valid until the function that received it returns.
type Tx struct {
	pgx.Tx
	hooks []func()
}

// OnCommit registers fn to run once after the commit is known to have succeeded, in order of registration, on the goroutine
// of [InTx]. It never runs after a roll-back, nor for an attempt that was repeated, nor when the outcome of the commit is
// unknown: use it to wake somebody who would notice by himself later, never for work that must happen. It must not block.
func (tx *Tx) OnCommit(fn func()) { tx.hooks = append(tx.hooks, fn) }

// TxOptions choose how a transaction runs. The zero value is READ COMMITTED, read-write, one attempt.
type TxOptions struct {
	Iso      pgx.TxIsoLevel
	ReadOnly bool
	// Attempts bounds how often fn runs when Postgres answers 40001 or 40P01; zero means 1, and 5 for Serializable.
	Attempts int
}

const (
	serializableAttempts = 5
	backoffFirst         = 2 * time.Millisecond // upper bound of the wait before the second attempt, doubled for each further one
	backoffMax           = 100 * time.Millisecond
	rollbackTimeout      = 5 * time.Second
)

func (o TxOptions) attempts() int {
	switch {
	case o.Attempts > 0:
		return o.Attempts
	case o.Iso == pgx.Serializable:
		return serializableAttempts
	default:
		return 1
	}
}

func (o TxOptions) pgx() pgx.TxOptions {
	opts := pgx.TxOptions{IsoLevel: o.Iso}
	if o.ReadOnly {
		opts.AccessMode = pgx.ReadOnly
	}
	return opts
}

// InTx runs fn in a transaction and commits when fn returns nil; an error or a panic rolls back. fn may run several times
// (see [TxOptions]), so it must have no effect outside of the transaction but through [Tx.OnCommit].
//
// Failures of the database arrive as faults as the package comment lists them; in particular a connection lost during COMMIT
// is fault.Timeout, because nobody knows whether it happened. Errors of fn are passed on as they are.
func InTx(ctx context.Context, pool *pgxpool.Pool, o TxOptions, fn func(ctx context.Context, tx *Tx) error) error {
	attempts := o.attempts()
	for n := 1; ; n++ {
		err := once(ctx, pool, o.pgx(), fn)
		if err == nil || n >= attempts || !retryable(err) {
			return err
		}
		if err := wait(ctx, backoff(n)); err != nil {
			return AsFault(err)
		}
	}
}

func once(ctx context.Context, pool *pgxpool.Pool, o pgx.TxOptions, fn func(ctx context.Context, tx *Tx) error) error {
	inner, err := pool.BeginTx(ctx, o)
	if err != nil {
		return notCommitted(err, lost(err))
	}
	tx := &Tx{Tx: inner}
	ended := false
	defer func() { // also on panic and runtime.Goexit
		if !ended {
			rollback(ctx, inner)
		}
	}()
	if err := fn(ctx, tx); err != nil {
		return notCommitted(err, inner.Conn().IsClosed())
	}
	gone := inner.Conn().IsClosed() // fn kept to itself that the connection broke
	err = inner.Commit(ctx)
	ended = true // Commit gives the connection back, whatever it answers
	if err != nil {
		return commitFault(err, gone)
	}
	for _, hook := range tx.hooks {
		hook()
	}
	return nil
}

// rollback outlives the caller's context: a cancelled request must not cost the pool its connection.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_ = tx.Rollback(ctx) // an error has closed the connection, which rolls back as well
}

func retryable(err error) bool {
	switch Code(err) {
	case codeSerialization, codeDeadlock:
		return true
	}
	return false
}

// notCommitted classes an error that came before COMMIT was sent: when the connection is gone the server rolls back.
func notCommitted(err error, gone bool) error {
	if f, ok := fault.As(err); ok && f.Code != codeUnknown {
		return err // somebody has decided what the caller may learn
	}
	if gone && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		return unavailable.WithCause(err)
	}
	return classify(err)
}

// commitFault classes an error of COMMIT. Postgres answers most of them before anything is durable; a connection that broke, or
// a server that went down while it answered, leaves the outcome unknown.
func commitFault(err error, gone bool) error {
	if gone || neverSent(err) {
		return notCommitted(err, true)
	}
	if lost(err) || shuttingDown(err) {
		return unknown.WithMessage("The database did not say whether the change was kept.").WithCause(err)
	}
	return classify(err)
}

func backoff(n int) time.Duration {
	limit := min(backoffFirst<<min(n-1, 16), backoffMax)
	return rand.N(limit) + time.Microsecond
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
