package testkit

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/pg"
)

// DatabaseEnv names the variable that holds the URL of the Postgres for tests. Its user may create schemas.
const DatabaseEnv = "SIDECART_TEST_DATABASE_URL"

const (
	poolSize       = 8 // so that thirty tests at once stay below the usual limits of a test server
	setupTimeout   = 60 * time.Second
	cleanupTimeout = 20 * time.Second
)

// Schema returns a pool on a new, migrated schema of the test Postgres. The schema is dropped when the test ends, so tests run
// in parallel without seeing each other. It fails the test when there is no Postgres, or when a connection is still in use at
// the end.
func Schema(t testing.TB, sets ...pg.Migrations) *pgxpool.Pool {
	t.Helper()
	pool, err := pg.Open(context.Background(), pg.Config{URL: SchemaURL(t, sets...), MaxConns: poolSize, AppName: "testkit"})
	if err != nil {
		t.Fatalf("open the schema of the test: %v", err)
	}
	t.Cleanup(func() { closePool(t, pool) })
	return pool
}

// SchemaURL is [Schema] for code that opens its own pool: it returns the URL of the new schema (by its search_path). Whatever is
// opened on it must be closed before the test ends.
func SchemaURL(t testing.TB, sets ...pg.Migrations) string {
	t.Helper()
	base := os.Getenv(DatabaseEnv)
	if base == "" {
		t.Fatalf("%s is not set: run through `make test`, or point it at a Postgres that tests may use", DatabaseEnv)
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatalf("%s is not a URL", DatabaseEnv) // the error of Parse would show the password
	}
	name := "t_" + randomHex(8)
	admin(t, base, setupTimeout, "CREATE SCHEMA "+name)
	t.Cleanup(func() { admin(t, base, cleanupTimeout, "DROP SCHEMA "+name+" CASCADE") })

	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	if err := pg.Migrate(ctx, u.String(), sets...); err != nil {
		t.Fatalf("migrate the schema of the test: %v", err)
	}
	return u.String()
}

// admin runs one statement on a connection of its own, so that an idle test holds none.
func admin(t testing.TB, url string, timeout time.Duration, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatalf("reach the Postgres for tests (%s): %v", DatabaseEnv, err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func closePool(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	closed := make(chan struct{})
	go func() { pool.Close(); close(closed) }()
	timer := time.NewTimer(cleanupTimeout)
	defer timer.Stop()
	select {
	case <-closed:
	case <-timer.C:
		t.Errorf("%d connections are still in use when the test ends: something was not closed", pool.Stat().AcquiredConns())
	}
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
