package pg_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
)

func TestViolates(t *testing.T) {
	t.Parallel()
	pool := things(t)
	if _, err := pool.Exec(t.Context(), insert, 1, "a"); err != nil {
		t.Fatal(err)
	}
	_, err := pool.Exec(t.Context(), insert, 2, "a")
	err = fmt.Errorf("layer: %w", err)
	if !pg.Violates(err, "things_name_unique") || pg.Violates(err, "things_pkey") || pg.Code(err) != "23505" {
		t.Errorf("unique: %v", err)
	}
	if _, err = pool.Exec(t.Context(), "UPDATE things SET n = -1"); !pg.Violates(err, "things_n_positive") {
		t.Errorf("check: %v", err)
	}
	if got := pg.AsFault(err); !errors.Is(got, err) || fault.KindOf(got) != fault.Internal {
		t.Errorf("a violation is for its owner to name, not %v", got)
	}
	if pg.Violates(nil, "") || pg.Code(errors.New("x")) != "" || pg.AsFault(nil) != nil || pg.IsUnavailable(nil) {
		t.Error("nil and foreign errors are none of ours")
	}
}

func TestMigrateAndPending(t *testing.T) {
	t.Parallel()
	url := testkit.SchemaURL(t)
	ctx := t.Context()
	if n, err := pg.Pending(ctx, url, set(t, "migrations")); n != 2 || err != nil {
		t.Fatalf("before: %d %v", n, err)
	}
	var runs sync.WaitGroup
	for range 3 { // at once: one applies, the others wait and find nothing to do
		runs.Go(func() {
			if err := pg.Migrate(ctx, url, set(t, "migrations")); err != nil {
				t.Error(err)
			}
		})
	}
	runs.Wait()
	if n, err := pg.Pending(ctx, url, set(t, "migrations"), set(t, "broken")); n != 2 || err != nil {
		t.Errorf("after: %d %v, want those of the other set", n, err)
	}
	pool := open(t, pg.Config{URL: url + "&pool_max_conns=2"})
	if pool.Config().MaxConns != 2 {
		t.Errorf("MaxConns = %d", pool.Config().MaxConns)
	}
	var tables int
	err := pool.QueryRow(ctx, "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename IN ('things', 'goose_migrations')").Scan(&tables)
	if err != nil || tables != 2 {
		t.Errorf("tables = %d %v: they belong into the current schema", tables, err)
	}
}

func TestMigrateStopsAtTheFirstFault(t *testing.T) {
	t.Parallel()
	url := testkit.SchemaURL(t)
	err := pg.Migrate(t.Context(), url, set(t, "broken"), set(t, "migrations"))
	if err == nil || !strings.Contains(err.Error(), "00002_second.sql") || pg.Code(err) != "42P07" {
		t.Errorf("err = %v, want the file and the cause", err)
	}
	if n, err := pg.Pending(t.Context(), url, set(t, "broken"), set(t, "migrations")); n != 3 || err != nil {
		t.Errorf("pending %d %v, want 3: the first file stays", n, err)
	}
	if err := pg.Migrate(t.Context(), url, pg.Migrations{Name: "no; good", FS: testdata}); err == nil {
		t.Error("a name that is no identifier was taken")
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	if _, err := pg.Open(t.Context(), pg.Config{URL: "postgres://u:secret@h:x/"}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("err = %v, want one without the password", err)
	}
	pool := open(t, pg.Config{URL: testkit.SchemaURL(t), AppName: "tester", StatementTimeout: 1234 * time.Millisecond})
	for setting, want := range map[string]string{"application_name": "tester", "statement_timeout": "1234ms", "timezone": "UTC"} {
		var got string
		if err := pool.QueryRow(t.Context(), "SELECT current_setting($1)", setting).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %q %v, want %q", setting, got, err, want)
		}
	}
	var at time.Time
	var ats []time.Time
	if err := pool.QueryRow(t.Context(), "SELECT now(), ARRAY[now()]").Scan(&at, &ats); err != nil || at.Location() != time.UTC || ats[0].Location() != time.UTC {
		t.Errorf("times in %v and %v, %v, want UTC", at, ats, err)
	}
}

func TestCounter(t *testing.T) {
	t.Parallel()
	pool := things(t)
	ctx, counter := pg.WithCounter(t.Context())
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		batch.Queue(insert, 1, "a")
		batch.Queue(insert, 2, "b")
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, insert, 3, "c")
		return err
	})
	if _, uncounted := pool.Exec(t.Context(), "SELECT 1"); err != nil || uncounted != nil {
		t.Fatal(err, uncounted)
	}
	if n := counter.Statements(); n != 3 {
		t.Errorf("%d statements, want 3", n)
	}
}
