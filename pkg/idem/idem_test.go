package idem_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
)

type answer struct {
	ID   string `json:"id"`
	Note string `json:"note,omitempty"`
}

func key(name, body string) idem.Key {
	return idem.Key{Scope: "POST /v1/things caller-7", Key: name, Hash: sha256.Sum256([]byte(body))}
}

// call runs a command whose effect is a row in effects.
func call(ctx context.Context, pool *pgxpool.Pool, o pg.TxOptions, k idem.Key, fn func() (answer, error)) (res answer, replayed bool, err error) {
	err = pg.InTx(ctx, pool, o, func(ctx context.Context, tx *pg.Tx) error {
		res, replayed, err = idem.Do(ctx, tx, k, func() (answer, error) {
			if _, err := tx.Exec(ctx, "INSERT INTO effects DEFAULT VALUES"); err != nil {
				return answer{}, err
			}
			return fn()
		})
		return err
	})
	return res, replayed, err
}

func schema(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := testkit.Schema(t, idem.Migrations)
	if _, err := pool.Exec(t.Context(), "CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY)"); err != nil {
		t.Fatal(err)
	}
	return pool
}

func rows(t *testing.T, pool *pgxpool.Pool, table string) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func ok() (answer, error) { return answer{ID: "t1", Note: "ünï"}, nil }

func TestDoReplays(t *testing.T) {
	t.Parallel()
	pool := schema(t)
	first, replayed, err := call(t.Context(), pool, pg.TxOptions{}, key("k", "body"), ok)
	if err != nil || replayed {
		t.Fatal(replayed, err)
	}
	again, replayed, err := call(t.Context(), pool, pg.TxOptions{}, key("k", "body"), func() (answer, error) { return answer{ID: "other"}, nil })
	if err != nil || !replayed || again != first {
		t.Errorf("again: %+v %v %v, want %+v replayed", again, replayed, err, first)
	}
	if n := rows(t, pool, "effects"); n != 1 {
		t.Errorf("%d effects", n)
	}
}

func TestDoRefusesAnotherBody(t *testing.T) {
	t.Parallel()
	pool := schema(t)
	if _, _, err := call(t.Context(), pool, pg.TxOptions{}, key("k", "body"), ok); err != nil {
		t.Fatal(err)
	}
	_, _, err := call(t.Context(), pool, pg.TxOptions{}, key("k", "other body"), ok)
	if fault.KindOf(err) != fault.Invalid || fault.CodeOf(err) != "idempotency-key-reused" {
		t.Errorf("err = %v", err)
	}
	other := key("k", "other body")
	other.Scope = "POST /v1/things caller-8"
	if _, replayed, err := call(t.Context(), pool, pg.TxOptions{}, other, ok); err != nil || replayed {
		t.Errorf("the key of another caller: %v %v", replayed, err)
	}
}

func TestDoWithoutKey(t *testing.T) {
	t.Parallel()
	pool := schema(t)
	for range 2 {
		if _, replayed, err := call(t.Context(), pool, pg.TxOptions{}, key("", "body"), ok); err != nil || replayed {
			t.Fatal(replayed, err)
		}
	}
	if e, k := rows(t, pool, "effects"), rows(t, pool, "idempotency_keys"); e != 2 || k != 0 {
		t.Errorf("%d effects, %d keys, want 2 and 0", e, k)
	}
}

func TestRefusalLeavesNoKey(t *testing.T) {
	t.Parallel()
	pool := schema(t)
	refusal := fault.New(fault.Conflict, "sold-out", "Sold out.")
	for range 2 { // worked out anew each time
		if _, _, err := call(t.Context(), pool, pg.TxOptions{}, key("k", "body"), func() (answer, error) { return answer{}, refusal }); !errors.Is(err, refusal) {
			t.Fatal(err)
		}
	}
	if e, k := rows(t, pool, "effects"), rows(t, pool, "idempotency_keys"); e != 0 || k != 0 {
		t.Errorf("%d effects, %d keys stayed", e, k)
	}
	if _, replayed, err := call(t.Context(), pool, pg.TxOptions{}, key("k", "corrected body"), ok); err != nil || replayed {
		t.Errorf("the key is free for a corrected body: %v %v", replayed, err)
	}
}

// 50 callers at once: one effect, 49 replays of its answer.
func TestDoUnderConcurrency(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]pg.TxOptions{"read committed": {}, "serializable": {Iso: pgx.Serializable, Attempts: 60}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := schema(t)
			var ran, replays atomic.Int64
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					res, replayed, err := call(t.Context(), pool, o, key("k", "body"), ok)
					want, _ := ok()
					if err != nil || res != want {
						t.Errorf("%+v %v", res, err)
					}
					if replayed {
						replays.Add(1)
					} else {
						ran.Add(1)
					}
				})
			}
			wg.Wait()
			if n := rows(t, pool, "effects"); n != 1 || ran.Load() != 1 || replays.Load() != 49 {
				t.Errorf("%d effects, %d ran, %d replays", n, ran.Load(), replays.Load())
			}
		})
	}
}

// The second caller waits on the row: it does not answer before the first has, and takes over when the first is rolled back.
func TestSecondCallerWaits(t *testing.T) {
	t.Parallel()
	for name, outcome := range map[string]error{"commits": nil, "rolls back": errors.New("crash")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := schema(t)
			entered, release := make(chan struct{}), make(chan struct{})
			var wg sync.WaitGroup
			wg.Go(func() {
				_, _, err := call(t.Context(), pool, pg.TxOptions{}, key("k", "body"), func() (answer, error) {
					close(entered)
					<-release
					return answer{ID: "first"}, outcome
				})
				if !errors.Is(err, outcome) {
					t.Error(err)
				}
			})
			<-entered
			wg.Go(func() {
				res, replayed, err := call(t.Context(), pool, pg.TxOptions{}, key("k", "body"), func() (answer, error) { return answer{ID: "second"}, nil })
				want := map[bool]string{true: "first", false: "second"}[outcome == nil]
				if err != nil || replayed != (outcome == nil) || res.ID != want {
					t.Errorf("second caller: %+v %v %v, want %s", res, replayed, err, want)
				}
			})
			waitForLock(t, pool)
			close(release)
			wg.Wait()
		})
	}
}

// waitForLock returns once a statement of this schema waits for a lock.
func waitForLock(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	testkit.Eventually(t, testkit.Patience, func() error {
		var waiting int
		err := pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks l JOIN pg_locks mine ON mine.pid = l.pid
			WHERE NOT l.granted AND mine.relation = 'idempotency_keys'::regclass`).Scan(&waiting)
		if err == nil && waiting == 0 {
			err = errors.New("nobody waits")
		}
		return err
	})
}

func TestWaitingIsBounded(t *testing.T) {
	t.Parallel()
	pool := schema(t)
	err := pg.InTx(t.Context(), pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		if _, err := idem.Start(ctx, tx, key("k", "body"), ""); err != nil {
			return err
		}
		second := pg.InTx(ctx, pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
			if _, err := tx.Exec(ctx, "SET LOCAL statement_timeout = '50ms'"); err != nil {
				return err
			}
			_, err := idem.Start(ctx, tx, key("k", "body"), "")
			return err
		})
		if !errors.Is(second, idem.ErrInProgress) {
			t.Errorf("err = %v, want in progress", second)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestStartAndFinish(t *testing.T) {
	t.Parallel()
	pool := schema(t)
	start := func(k idem.Key, ref string) (e idem.Entry, err error) {
		err = pg.InTx(t.Context(), pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
			e, err = idem.Start(ctx, tx, k, ref)
			return err
		})
		return e, err
	}
	finish := func(k idem.Key, a any) {
		t.Helper()
		err := pg.InTx(t.Context(), pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error { return idem.Finish(ctx, tx, k, a) })
		if err != nil {
			t.Fatal(err)
		}
	}
	k := key("k", "body")
	if e, err := start(k, "order-1"); err != nil || e.State != idem.New {
		t.Fatalf("first: %+v %v", e, err)
	}
	if e, err := start(k, "order-2"); err != nil || e.State != idem.Started || e.Ref != "order-1" {
		t.Errorf("meanwhile: %+v %v", e, err)
	}
	if _, _, err := call(t.Context(), pool, pg.TxOptions{}, k, ok); !errors.Is(err, idem.ErrInProgress) {
		t.Errorf("Do meanwhile: %v", err)
	}
	if _, err := start(key("k", "other"), ""); !errors.Is(err, idem.ErrReused) {
		t.Errorf("another body: %v", err)
	}
	finish(k, map[string]any{"zebra": 1, "ant": 2.50})
	finish(k, "another answer")
	e, err := start(k, "order-3")
	if err != nil || e.State != idem.Done || e.Ref != "order-1" || string(e.Answer) != `{"ant":2.5,"zebra":1}` {
		t.Errorf("after: %+v %s %v", e, e.Answer, err)
	}
	finish(idem.Key{}, "nothing")
	if e, err := start(idem.Key{}, "x"); err != nil || e.State != idem.New || rows(t, pool, "idempotency_keys") != 1 {
		t.Errorf("without a key: %+v %v", e, err)
	}
	var text json.RawMessage = []byte(`null`)
	finish(key("null", ""), text)
	if e, err := start(key("null", ""), ""); err != nil || e.State != idem.Done || string(e.Answer) != "null" {
		t.Errorf("a null answer is an answer: %+v %v", e, err)
	}
}

func TestKeysExpire(t *testing.T) {
	t.Parallel()
	pool := schema(t)
	if _, _, err := call(t.Context(), pool, pg.TxOptions{}, key("old", "body"), ok); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "UPDATE idempotency_keys SET created_at = now() - interval '24 hours 1 second'"); err != nil {
		t.Fatal(err)
	}
	if _, replayed, err := call(t.Context(), pool, pg.TxOptions{}, key("old", "new body"), ok); err != nil || replayed {
		t.Errorf("an expired key: %v %v", replayed, err)
	}
	if _, replayed, err := call(t.Context(), pool, pg.TxOptions{}, key("old", "new body"), ok); err != nil || !replayed {
		t.Errorf("used anew: %v %v", replayed, err)
	}
	if _, err := pool.Exec(t.Context(), `INSERT INTO idempotency_keys (scope, key, hash, created_at)
		SELECT 's', n::text, sha256(''), now() - interval '25 hours' FROM generate_series(1, 6000) n`); err != nil {
		t.Fatal(err)
	}
	if n, err := idem.Prune(t.Context(), pool, idem.Lifetime); n != 6000 || err != nil {
		t.Errorf("pruned %d (%v)", n, err)
	}
}
