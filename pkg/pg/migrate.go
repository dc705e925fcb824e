package pg

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"log/slog"
	"regexp"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Migrations is a named set of goose .sql files at the root of FS. Each set keeps its own version table, goose_<Name>, so that a
// service applies its own set beside those of the packages it uses, each numbered from 1. Tables are named without a schema:
// they live in the first schema of the search_path.
type Migrations struct {
	Name string
	FS   fs.FS
}

const migrationLockSeconds = 300

var setName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)

// Migrate applies what is missing of each set, in the given order, each file in a transaction of its own unless it says
// NO TRANSACTION. Two runs at once on one schema wait for each other, five minutes at most. It is the `migrate` command of a
// service, never part of its start. A file that fails leaves the ones before it applied; running again goes on from there.
func Migrate(ctx context.Context, url string, sets ...Migrations) error {
	return eachSet(ctx, url, sets, func(p *goose.Provider) error {
		_, err := p.Up(ctx)
		if e, ok := errors.AsType[*goose.PartialError](err); ok && e.Failed != nil {
			return fmt.Errorf("%s: %w", e.Failed.Source.Path, e.Err)
		}
		return err
	})
}

// Pending counts the migrations of the sets that the database has not seen; a service is not ready while there are any. It opens
// connections of its own, so ask when starting and not at each probe. It changes nothing but that it makes the version tables
// when they are missing.
func Pending(ctx context.Context, url string, sets ...Migrations) (int, error) {
	n := 0
	err := eachSet(ctx, url, sets, func(p *goose.Provider) error {
		status, err := p.Status(ctx)
		for _, s := range status {
			if s.State == goose.StatePending {
				n++
			}
		}
		return err
	})
	return n, err
}

func eachSet(ctx context.Context, url string, sets []Migrations, do func(*goose.Provider) error) error {
	cfg, err := pgxpool.ParseConfig(url) // unlike pgx.ParseConfig it understands pool_* parameters
	if err != nil {
		return fmt.Errorf("database URL: %w", err)
	}
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = connectTimeout
	}
	db := stdlib.OpenDB(*cfg.ConnConfig)
	defer func() { _ = db.Close() }() // nothing is buffered in it
	locker, err := schemaLock(ctx, db)
	if err != nil {
		return AsFault(err)
	}
	for _, set := range sets {
		provider, err := newProvider(db, set, locker)
		if err != nil {
			return fmt.Errorf("migrations %q: %w", set.Name, err)
		}
		if err := do(provider); err != nil {
			return fmt.Errorf("migrations %q: %w", set.Name, AsFault(err))
		}
	}
	return nil
}

func newProvider(db *sql.DB, set Migrations, locker lock.SessionLocker) (*goose.Provider, error) {
	if !setName.MatchString(set.Name) {
		return nil, fmt.Errorf("name must match %s", setName)
	}
	return goose.NewProvider(goose.DialectPostgres, db, set.FS,
		goose.WithTableName("goose_"+set.Name),
		goose.WithSessionLocker(locker),
		goose.WithDisableGlobalRegistry(true),
		goose.WithSlog(slog.New(slog.DiscardHandler)))
}

// schemaLock returns an advisory lock of the current schema, so that runs on several schemas of one database do not wait for each
// other. It is taken by polling: a session that waits inside Postgres would hold up CREATE INDEX CONCURRENTLY for ever.
func schemaLock(ctx context.Context, db *sql.DB) (lock.SessionLocker, error) {
	var schema sql.NullString
	if err := db.QueryRowContext(ctx, "SELECT current_schema()").Scan(&schema); err != nil {
		return nil, fmt.Errorf("current schema: %w", err)
	}
	if !schema.Valid {
		return nil, fmt.Errorf("no schema of the search_path exists")
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte("sidecart migrate " + schema.String)) // never fails
	return lock.NewPostgresSessionLocker(
		lock.WithLockID(int64(h.Sum64())),
		lock.WithLockTimeout(1, migrationLockSeconds))
}
