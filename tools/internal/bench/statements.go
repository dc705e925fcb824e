package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// letCount tells a server what it loads at its next start: what counts statements, where it has that, and the memory of when each
// transaction was committed.
func letCount(ctx context.Context, server string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var available bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements')`).Scan(&available); err != nil {
		return err
	}
	set := []string{"ALTER SYSTEM SET track_commit_timestamp = on"}
	if available {
		set = append(set, "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
	}
	for _, sql := range set {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// counter counts statements with pg_stat_statements, between begin and end only: counting is not free.
type counter struct {
	server string
	able   bool // the server has loaded it
}

// newCounter looks whether the server can count, and makes it idle until it is asked.
func newCounter(ctx context.Context, server string) (counter, error) {
	c := counter{server: server}
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return c, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, `SELECT current_setting('shared_preload_libraries') LIKE '%pg_stat_statements%'`).Scan(&c.able)
	if err != nil || !c.able {
		return c, err
	}
	if _, err := conn.Exec(ctx, `CREATE EXTENSION IF NOT EXISTS pg_stat_statements`); err != nil {
		return c, err
	}
	return c, track(ctx, conn, "none")
}

// track says what is counted, and waits until the server's processes have heard it. Every other one hears it before its next statement.
func track(ctx context.Context, conn *pgx.Conn, what string) error {
	if _, err := conn.Exec(ctx, "ALTER SYSTEM SET pg_stat_statements.track = '"+what+"'"); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `SELECT pg_reload_conf()`); err != nil {
		return err
	}
	for begun := time.Now(); time.Since(begun) < 5*time.Second; time.Sleep(10 * time.Millisecond) {
		var now string
		if err := conn.QueryRow(ctx, `SELECT current_setting('pg_stat_statements.track')`).Scan(&now); err != nil || now == what {
			return err
		}
	}
	return errors.New("postgres does not take a new setting")
}

// begin counts from nothing.
func (c counter) begin(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, c.server)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if err := track(ctx, conn, "top"); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `SELECT pg_stat_statements_reset()`)
	return err
}

// end returns what clients have sent since begin, BEGIN and COMMIT included, by database, and stops counting.
func (c counter) end(ctx context.Context) (shares, error) {
	all, err := byDatabase(ctx, c.server, `
		SELECT datname, sum(calls)::float8 FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid
		WHERE datname LIKE '%\_%' GROUP BY datname`)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, c.server)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	var lost int64
	if err := conn.QueryRow(ctx, `SELECT dealloc FROM pg_stat_statements_info`).Scan(&lost); err != nil {
		return nil, err
	}
	if lost > 0 {
		return nil, fmt.Errorf("pg_stat_statements had no room for all kinds of statements: it forgot %d times", lost)
	}
	return all, track(ctx, conn, "none")
}
