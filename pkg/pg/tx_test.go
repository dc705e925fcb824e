package pg_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
)

const insert = "INSERT INTO things (id, name) VALUES ($1, $2)"

func TestInTxCommitsAndRunsHooksInOrder(t *testing.T) {
	t.Parallel()
	pool := things(t)
	var hooks []int
	err := pg.InTx(t.Context(), pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		tx.OnCommit(func() { hooks = append(hooks, 1) })
		tx.OnCommit(func() { hooks = append(hooks, 2+count(t, pool, "a")) }) // seen from outside: committed
		_, err := tx.Exec(ctx, insert, 1, "a")
		return err
	})
	if err != nil || len(hooks) != 2 || hooks[0] != 1 || hooks[1] != 3 {
		t.Fatalf("err %v, hooks %v, want 1 3", err, hooks)
	}
}

func TestInTxRollsBack(t *testing.T) {
	t.Parallel()
	pool := things(t)
	mine := errors.New("mine")
	hook := func() { t.Error("hook ran after a roll-back") }

	err := pg.InTx(t.Context(), pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		tx.OnCommit(hook)
		if _, err := tx.Exec(ctx, insert, 1, "a"); err != nil {
			return err
		}
		return mine
	})
	if !errors.Is(err, mine) {
		t.Errorf("err = %v, want the one of fn", err)
	}

	func() {
		defer func() {
			if recover() != "boom" {
				t.Error("the panic did not arrive")
			}
		}()
		_ = pg.InTx(t.Context(), pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
			tx.OnCommit(hook)
			if _, err := tx.Exec(ctx, insert, 2, "a"); err != nil {
				return err
			}
			panic("boom")
		})
	}()

	ctx, cancel := context.WithCancel(t.Context())
	err = pg.InTx(ctx, pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		tx.OnCommit(hook)
		_, err := tx.Exec(ctx, insert, 3, "a")
		cancel()
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want cancelled", err)
	}
	if n := count(t, pool, "a"); n != 0 {
		t.Errorf("%d rows survived", n)
	}
	if n := pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections leaked", n)
	}
}

// A statement that failed and was not reported must not look like a commit.
func TestInTxReportsASwallowedFailure(t *testing.T) {
	t.Parallel()
	pool := things(t)
	err := pg.InTx(t.Context(), pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		tx.OnCommit(func() { t.Error("hook ran") })
		_, _ = tx.Exec(ctx, insert, 1, "a")
		_, _ = tx.Exec(ctx, insert, 1, "a")
		return nil
	})
	if !errors.Is(err, pgx.ErrTxCommitRollback) {
		t.Errorf("err = %v", err)
	}
}

// 16 writers add to one row under SERIALIZABLE: every success counts once, every refusal is Unavailable.
func TestInTxRetriesSerializationFailures(t *testing.T) {
	t.Parallel()
	pool := things(t)
	if _, err := pool.Exec(t.Context(), insert, 1, "a"); err != nil {
		t.Fatal(err)
	}
	var attempts, hooks, done atomic.Int64
	var writers sync.WaitGroup
	for range 16 {
		writers.Go(func() {
			err := pg.InTx(t.Context(), pool, pg.TxOptions{Iso: pgx.Serializable, Attempts: 50}, func(ctx context.Context, tx *pg.Tx) error {
				attempts.Add(1)
				tx.OnCommit(func() { hooks.Add(1) })
				var n int
				if err := tx.QueryRow(ctx, "SELECT n FROM things WHERE id = 1").Scan(&n); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, "UPDATE things SET n = $1 WHERE id = 1", n+1)
				return err
			})
			switch {
			case err == nil:
				done.Add(1)
			case fault.KindOf(err) != fault.Unavailable:
				t.Errorf("refused with %v", err)
			}
		})
	}
	writers.Wait()
	var n int64
	if err := pool.QueryRow(t.Context(), "SELECT n FROM things WHERE id = 1").Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n != done.Load() || n != hooks.Load() || n == 0 {
		t.Errorf("n = %d, commits %d, hooks %d: they must agree", n, done.Load(), hooks.Load())
	}
	t.Logf("%d attempts for %d commits", attempts.Load(), n)
}

func TestInTxAttempts(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t)
	for name, c := range map[string]struct {
		options  pg.TxOptions
		sqlstate string
		want     int
		kind     fault.Kind
	}{
		"serializable by default":       {pg.TxOptions{Iso: pgx.Serializable}, "40001", 5, fault.Unavailable},
		"deadlock":                      {pg.TxOptions{Attempts: 3}, "40P01", 3, fault.Unavailable},
		"read committed by default":     {pg.TxOptions{}, "40001", 1, fault.Unavailable},
		"only what Postgres asks for":   {pg.TxOptions{Attempts: 3}, "23505", 1, fault.Internal},
		"disk full":                     {pg.TxOptions{Attempts: 3}, "53100", 1, fault.Unavailable},
		"lock not available":            {pg.TxOptions{Attempts: 3}, "55P03", 1, fault.Unavailable},
		"statement timeout":             {pg.TxOptions{Attempts: 3}, "57014", 1, fault.Timeout},
		"a standby after the fail-over": {pg.TxOptions{Attempts: 3}, "25006", 1, fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attempts := 0
			err := pg.InTx(t.Context(), pool, c.options, func(ctx context.Context, tx *pg.Tx) error {
				attempts++
				_, err := tx.Exec(ctx, "DO $$ BEGIN RAISE EXCEPTION SQLSTATE '"+c.sqlstate+"'; END $$")
				return err
			})
			if attempts != c.want || fault.KindOf(err) != c.kind || pg.Code(err) != c.sqlstate {
				t.Errorf("%d attempts, kind %v, code %q (%v), want %d, %v, %q", attempts, fault.KindOf(err), pg.Code(err), err, c.want, c.kind, c.sqlstate)
			}
		})
	}
}

// The fault that lies: COMMIT was executed, and the connection broke before the answer came.
func TestInTxCommitUnknown(t *testing.T) {
	t.Parallel()
	direct := testkit.SchemaURL(t, set(t, "migrations"))
	for name, executed := range map[string]bool{"executed": true, "not executed": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := open(t, pg.Config{URL: cut(t, direct, "commit", executed)})
			err := pg.InTx(t.Context(), pool, pg.TxOptions{Attempts: 5}, func(ctx context.Context, tx *pg.Tx) error {
				tx.OnCommit(func() { t.Error("hook ran without knowing") })
				id := 1
				if executed {
					id = 2
				}
				_, err := tx.Exec(ctx, insert, id, name)
				return err
			})
			if fault.KindOf(err) != fault.Timeout {
				t.Errorf("kind = %v (%v), want timeout: nobody knows", fault.KindOf(err), err)
			}
			want := map[bool]int{true: 1, false: 0}[executed]
			if n := count(t, open(t, pg.Config{URL: direct}), name); n != want {
				t.Errorf("%d rows, want %d", n, want)
			}
		})
	}
}

func TestConnectionLostBeforeCommitIsUnavailable(t *testing.T) {
	t.Parallel()
	direct := testkit.SchemaURL(t, set(t, "migrations"))
	pool := open(t, pg.Config{URL: cut(t, direct, "cut here", true)})
	for name, classed := range map[string]bool{"plain": false, "by the adapter": true} {
		err := pg.InTx(t.Context(), pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO things (id, name) VALUES (1, 'cut here')")
			if classed {
				err = pg.AsFault(err) // says Timeout, because alone it cannot know
			}
			return err
		})
		if fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: kind = %v (%v), want unavailable", name, fault.KindOf(err), err)
		}
	}
	if n := count(t, open(t, pg.Config{URL: direct}), "cut here"); n != 0 {
		t.Errorf("%d rows survived", n)
	}
	_, err := pool.Exec(t.Context(), "INSERT INTO things (id, name) VALUES (1, 'cut here')")
	if k := fault.KindOf(pg.AsFault(err)); k != fault.Timeout {
		t.Errorf("outside of a transaction: %v (%v), want timeout", k, err)
	}
}

func TestServerGoingDownIsUnavailable(t *testing.T) {
	t.Parallel()
	pool := things(t)
	err := pg.InTx(t.Context(), pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		_, err := tx.Exec(ctx, "SELECT pg_terminate_backend(pg_backend_pid())")
		return err
	})
	if fault.KindOf(err) != fault.Unavailable || pg.Code(err) != "57P01" {
		t.Errorf("%v (%v)", fault.KindOf(err), err)
	}
	if n := count(t, pool, "x"); n != 0 { // the pool has recovered
		t.Error(n)
	}
}

func TestNoServerIsUnavailable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	pool := open(t, pg.Config{URL: "postgres://nobody@" + address + "/x?sslmode=disable"})
	err = pg.InTx(t.Context(), pool, pg.TxOptions{}, func(context.Context, *pg.Tx) error { return nil })
	if fault.KindOf(err) != fault.Unavailable || !pg.IsUnavailable(err) {
		t.Errorf("%v (%v)", fault.KindOf(err), err)
	}
}

func TestDeadlineIsTimeout(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := pg.InTx(ctx, pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		_, err := tx.Exec(ctx, "SELECT pg_sleep(20)")
		return err
	})
	if fault.KindOf(err) != fault.Timeout {
		t.Errorf("in the transaction: %v (%v)", fault.KindOf(err), err)
	}
	if err := pg.AsFault(ctx.Err()); fault.KindOf(err) != fault.Timeout {
		t.Errorf("bare: %v", err)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	err := pg.InTx(t.Context(), things(t), pg.TxOptions{ReadOnly: true}, func(ctx context.Context, tx *pg.Tx) error {
		_, err := tx.Exec(ctx, insert, 1, "a")
		return err
	})
	if pg.Code(err) != "25006" {
		t.Errorf("err = %v", err)
	}
}
