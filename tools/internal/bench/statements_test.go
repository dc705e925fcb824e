package bench

import (
	"context"
	"fmt"
	"maps"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/tools/internal/pgserver"
)

// server starts a Postgres of the test's own, for its settings are changed.
func server(t *testing.T, dir string) *pgserver.Server {
	t.Helper()
	s, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir, Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func send(t *testing.T, conn *pgx.Conn, times int, sql string, args ...any) {
	t.Helper()
	for range times {
		if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func TestStatementsAreCountedOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "bench-test-") //nolint:usetesting // t.TempDir is closed to the server's account
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pgserver.Remove(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := server(t, dir)
	for _, name := range []string{"sidecart_cart", "dapr_carts"} {
		if err := s.EnsureDatabase(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if c, err := newCounter(t.Context(), s.URL("postgres")); err != nil || c.able {
		t.Fatalf("%v: a server that was not told can count: %+v", err, c)
	}
	if err := letCount(t.Context(), s.URL("postgres")); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	s = server(t, dir)
	t.Cleanup(func() { _ = s.Stop() })

	cart, carts := connect(t, s.OwnerURL("sidecart_cart")), connect(t, s.OwnerURL("dapr_carts"))
	begun := time.Now().Add(-time.Second)
	send(t, cart, 1, `CREATE TABLE t (n integer)`)
	send(t, cart, 1, `INSERT INTO t VALUES (1)`)
	var committed time.Time
	if err := cart.QueryRow(t.Context(), `SELECT pg_xact_commit_timestamp(xmin) FROM t`).Scan(&committed); err != nil || committed.Before(begun) {
		t.Errorf("%v: committed at %s", err, committed)
	}
	before, err := byDatabase(t.Context(), s.URL("postgres"), transactions)
	if err != nil {
		t.Fatal(err)
	}
	countsExactly(t, s, cart, carts)
	cart.Close(t.Context()) // a backend tells what it did when it ends
	carts.Close(t.Context())
	testkit.Eventually(t, 10*time.Second, func() error {
		after, err := byDatabase(t.Context(), s.URL("postgres"), transactions)
		if err == nil && (after["cart"] < before["cart"]+20 || after["dapr_carts"] < before["dapr_carts"]+8) {
			err = fmt.Errorf("transactions %v, before %v", after, before)
		}
		return err
	})
}

func countsExactly(t *testing.T, s *pgserver.Server, cart, carts *pgx.Conn) {
	c, err := newCounter(t.Context(), s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	if !c.able { // a Postgres without contrib: then the server must really lack it
		admin := connect(t, s.URL("postgres"))
		var n int
		if err := admin.QueryRow(t.Context(), `SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_stat_statements'`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%v: the server has pg_stat_statements and does not load it", err)
		}
		return
	}
	send(t, cart, 5, `SELECT 1`) // not counted
	for range 2 {                // the second time it begins from nothing again
		if err := c.begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		send(t, cart, 3, `INSERT INTO t VALUES ($1)`, 2)
		send(t, cart, 1, `BEGIN`)
		send(t, cart, 2, `UPDATE t SET n = 3 WHERE n = 2`)
		send(t, cart, 1, `COMMIT`)
		send(t, carts, 4, `SELECT now()`)
		got, err := c.end(t.Context())
		if want := (shares{"cart": 7, "dapr_carts": 4}); err != nil || !maps.Equal(got, want) {
			t.Errorf("%v: counted %v, want %v", err, got, want)
		}
		send(t, cart, 5, `SELECT 1`) // not counted again
	}
	if err := c.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := c.end(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("%v: counted %v where nothing was asked", err, got)
	}
}
