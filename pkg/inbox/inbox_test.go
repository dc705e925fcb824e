package inbox_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/inbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
)

var errBoom = errors.New("boom")

func handle(ctx context.Context, pool *pgxpool.Pool, o pg.TxOptions, id string, effect func() error) error {
	return pg.InTx(ctx, pool, o, func(ctx context.Context, tx *pg.Tx) error {
		fresh, err := inbox.Once(ctx, tx, "mailer", id)
		if err != nil || !fresh {
			return err
		}
		return effect()
	})
}

func TestOnce(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, inbox.Migrations)
	effects := 0
	effect := func() error { effects++; return nil }
	if err := handle(t.Context(), pool, pg.TxOptions{}, "e1", func() error { return errBoom }); !errors.Is(err, errBoom) {
		t.Fatal(err)
	}
	for range 3 {
		if err := handle(t.Context(), pool, pg.TxOptions{}, "e1", effect); err != nil {
			t.Fatal(err)
		}
	}
	if effects != 1 {
		t.Errorf("%d effects, want 1: what was rolled back does not count, what was kept does", effects)
	}
	err := pg.InTx(t.Context(), pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		if fresh, err := inbox.Once(ctx, tx, "analytics", "e1"); !fresh {
			t.Errorf("another consumer did not get the event: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The same event delivered 32 times at once, half of the handlers failing after the effect: exactly one effect is kept.
func TestOnceUnderConcurrency(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]pg.TxOptions{"read committed": {}, "serializable": {Iso: pgx.Serializable, Attempts: 40}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testkit.Schema(t, inbox.Migrations)
			var kept atomic.Int64
			var wg sync.WaitGroup
			for i := range 32 {
				wg.Go(func() {
					ran := false
					err := handle(t.Context(), pool, o, "e1", func() error {
						ran = true
						if i%2 == 0 {
							return errBoom
						}
						return nil
					})
					if err != nil && !errors.Is(err, errBoom) {
						t.Error(err)
					}
					if err == nil && ran {
						kept.Add(1)
					}
				})
			}
			wg.Wait()
			if kept.Load() != 1 {
				t.Errorf("%d effects kept, want 1", kept.Load())
			}
		})
	}
}

func TestNewer(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, inbox.Migrations)
	for _, c := range []struct {
		consumer, subject string
		sequence          int64
		want              bool
	}{
		{"cart", "sku-1", 2, true}, {"cart", "sku-1", 1, false}, {"cart", "sku-1", 2, false}, {"cart", "sku-1", 7, true},
		{"cart", "sku-2", 1, true}, {"search", "sku-1", 1, true},
	} {
		err := pg.InTx(t.Context(), pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
			got, err := inbox.Newer(ctx, tx, c.consumer, c.subject, c.sequence)
			if got != c.want {
				t.Errorf("%+v: got %v", c, got)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// 50 sequences of one subject, each twice, in any order at once: the replica ends at the highest, and never went back.
func TestNewerUnderConcurrency(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, inbox.Migrations)
	if _, err := pool.Exec(t.Context(), "CREATE TABLE replica (value bigint); INSERT INTO replica VALUES (0)"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			sequence := int64(i*37%50 + 1)
			err := pg.InTx(t.Context(), pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
				if ok, err := inbox.Newer(ctx, tx, "cart", "sku", sequence); err != nil || !ok {
					return err
				}
				tag, err := tx.Exec(ctx, "UPDATE replica SET value = $1 WHERE value < $1", sequence)
				if err == nil && tag.RowsAffected() != 1 {
					t.Errorf("sequence %d was called newer and is not", sequence)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var value int64
	if err := pool.QueryRow(t.Context(), "SELECT value FROM replica").Scan(&value); err != nil || value != 50 {
		t.Errorf("replica at %d (%v), want 50", value, err)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, inbox.Migrations)
	_, err := pool.Exec(t.Context(), `INSERT INTO inbox (consumer, event_id, seen_at)
		SELECT 'c', n::text, now() - n * interval '1 hour' FROM generate_series(1, 12000) n`)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := inbox.Prune(t.Context(), pool, 30*time.Minute+24*time.Hour); n != 11976 || err != nil {
		t.Errorf("pruned %d (%v), want all but the 24 of the last day", n, err)
	}
}
