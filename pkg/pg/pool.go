package pg

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Config says how to reach a database. Only URL is needed.
type Config struct {
	// URL is a libpq connection URL. Parameters such as search_path are passed to the server, pool_* ones to the pool.
	URL string
	// MaxConns bounds the pool; zero means 10, unless the URL says pool_max_conns.
	MaxConns int32
	// AppName is shown in pg_stat_activity.
	AppName string
	// StatementTimeout is enforced by the server on each statement; zero means 15 s.
	StatementTimeout time.Duration
	// Plans is how statements are planned.
	Plans Plans
}

// Plans is how the server plans the statements of a pool.
type Plans int

const (
	// ByKey plans each statement once per connection and reads by an index wherever there is one. It is for services that find rows
	// by their keys: left to itself the server plans a statement with an array of keys anew each time, which costs more than
	// running it, and one that was planned while a table was empty keeps reading all of it until the statistics are next gathered.
	ByKey Plans = iota
	// ByStatistics leaves it to the server: for services whose queries have many shapes and select much or little.
	ByStatistics
)

const (
	defaultMaxConns         = 10
	defaultStatementTimeout = 15 * time.Second
	connectTimeout          = 5 * time.Second
	idleInTransaction       = 60 * time.Second
	maxConnLifetime         = 30 * time.Minute
	maxConnLifetimeJitter   = 5 * time.Minute
	maxConnIdleTime         = 5 * time.Minute
	healthCheckPeriod       = 30 * time.Second
)

// Querier is what a statement needs: a pool, a connection and a [Tx] all are one.
type Querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Open returns a pool that connects when it is first used: a service starts while its database is away, says so in /readyz and
// recovers by itself. It fails only for a URL that cannot be read. Times are scanned in UTC, statements are prepared once per
// connection, and a connection that sits in an open transaction for a minute is ended by the server.
func Open(ctx context.Context, c Config) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err) // pgx redacts the password
	}
	if c.MaxConns > 0 {
		cfg.MaxConns = c.MaxConns
	} else if !urlSetsMaxConns(c.URL) {
		cfg.MaxConns = defaultMaxConns
	}
	cfg.MaxConnLifetime = maxConnLifetime
	cfg.MaxConnLifetimeJitter = maxConnLifetimeJitter
	cfg.MaxConnIdleTime = maxConnIdleTime
	cfg.HealthCheckPeriod = healthCheckPeriod
	cfg.AfterConnect = scanUTC

	conn := cfg.ConnConfig
	if conn.ConnectTimeout == 0 {
		conn.ConnectTimeout = connectTimeout
	}
	conn.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	conn.Tracer = countTracer{}
	timeout := c.StatementTimeout
	if timeout <= 0 {
		timeout = defaultStatementTimeout
	}
	setDefault(conn.RuntimeParams, "application_name", c.AppName)
	setDefault(conn.RuntimeParams, "statement_timeout", milliseconds(timeout))
	setDefault(conn.RuntimeParams, "idle_in_transaction_session_timeout", milliseconds(idleInTransaction))
	setDefault(conn.RuntimeParams, "timezone", "UTC")
	if c.Plans == ByKey {
		setDefault(conn.RuntimeParams, "plan_cache_mode", "force_generic_plan")
		setDefault(conn.RuntimeParams, "enable_seqscan", "off")
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open pool: %w", err)
	}
	return pool, nil
}

func urlSetsMaxConns(url string) bool {
	cfg, err := pgconn.ParseConfig(url) // knows nothing of pools, so that it takes the parameter for a run-time one
	return err == nil && cfg.RuntimeParams["pool_max_conns"] != ""
}

func setDefault(params map[string]string, key, value string) {
	if value != "" && params[key] == "" {
		params[key] = value
	}
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// scanUTC makes timestamptz columns arrive in UTC instead of the zone of the machine.
func scanUTC(_ context.Context, conn *pgx.Conn) error {
	utc := &pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}}
	m := conn.TypeMap()
	m.RegisterType(utc)
	m.RegisterType(&pgtype.Type{Name: "_timestamptz", OID: pgtype.TimestamptzArrayOID, Codec: &pgtype.ArrayCodec{ElementType: utc}})
	return nil
}
