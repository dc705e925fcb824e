// Package hosts is Dapr's SQLite name resolution with a memory of one second.
//
// Dapr asks its resolver once for each invocation, and up to three times for a proxied one, and keeps the answers only of
// resolvers that give all addresses at once. The SQLite one does not: every call of the shop would compile and run a query, which
// costs as much as the rest of the hop. Registration, renewal and the file are the original's; here is only the reading. The
// second is what a caller may be behind: so long may it call a replica that has just left, or not call one that has just come.
package hosts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	auth "github.com/dapr/components-contrib/common/authentication/sqlite"
	"github.com/dapr/components-contrib/nameresolution"
	"github.com/dapr/components-contrib/nameresolution/sqlite"
	"github.com/dapr/kit/logger"
	"github.com/dapr/kit/metadata"
)

const fresh = time.Second

// New returns the resolver.
func New(log logger.Logger) nameresolution.Resolver {
	return &resolver{Resolver: sqlite.NewResolver(log), log: log, now: time.Now}
}

type resolver struct {
	nameresolution.Resolver
	log   logger.Logger
	now   func() time.Time
	db    *sql.DB
	query string
	limit time.Duration
	known sync.Map // app id → answer
}

type answer struct {
	addresses []string
	until     time.Time
}

// settings are those of the original that reading needs, with its defaults.
type settings struct {
	auth.SqliteAuthMetadata `mapstructure:",squash"`

	TableName      string        `mapstructure:"tableName"`
	UpdateInterval time.Duration `mapstructure:"updateInterval"`
}

// Init registers the host as the original does, which also makes the file, and opens it for reading.
func (r *resolver) Init(ctx context.Context, md nameresolution.Metadata) error {
	if err := r.Resolver.Init(ctx, md); err != nil {
		return err
	}
	s := settings{TableName: "hosts", UpdateInterval: 5 * time.Second}
	s.Reset()
	s.Timeout, s.BusyTimeout = time.Second, 800*time.Millisecond
	if err := metadata.DecodeMetadata(md.Configuration, &s); err != nil {
		return fmt.Errorf("hosts: settings: %w", err)
	}
	from, err := s.GetConnectionString(r.log, auth.GetConnectionStringOpts{})
	if err != nil {
		return fmt.Errorf("hosts: %w", err)
	}
	if r.db, err = sql.Open("sqlite", from); err != nil {
		return fmt.Errorf("hosts: open: %w", err)
	}
	r.limit = s.Timeout
	// The table's name was checked by the original.
	r.query = fmt.Sprintf("SELECT address FROM %s WHERE app_id = ? AND unixepoch(CURRENT_TIMESTAMP) - last_update < %d",
		s.TableName, int(s.UpdateInterval.Seconds()))
	return nil
}

// ResolveID returns one of the addresses of an app at random, or the original's ErrNoHost.
func (r *resolver) ResolveID(ctx context.Context, req nameresolution.ResolveRequest) (string, error) {
	if known, ok := r.known.Load(req.ID); ok {
		if a := known.(answer); r.now().Before(a.until) { //nolint:forcetypeassert // nothing else is stored
			return a.pick(), nil
		}
	}
	a, err := r.look(ctx, req.ID)
	if err != nil {
		return "", err
	}
	r.known.Store(strings.Clone(req.ID), a) // the caller's text may lie in a buffer that is used again
	return a.pick(), nil
}

func (a answer) pick() string { return a.addresses[rand.IntN(len(a.addresses))] }

func (r *resolver) look(ctx context.Context, id string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	a := answer{until: r.now().Add(fresh)}
	rows, err := r.db.QueryContext(ctx, r.query, id)
	if err != nil {
		return a, fmt.Errorf("failed to look up address: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var address string
		if err := rows.Scan(&address); err != nil {
			return a, fmt.Errorf("failed to look up address: %w", err)
		}
		a.addresses = append(a.addresses, address)
	}
	if err := rows.Err(); err != nil {
		return a, fmt.Errorf("failed to look up address: %w", err)
	}
	if len(a.addresses) == 0 {
		return a, sqlite.ErrNoHost
	}
	return a, nil
}

// Close ends both.
func (r *resolver) Close() error {
	var err error
	if r.db != nil {
		err = r.db.Close()
	}
	return errors.Join(err, r.Resolver.Close())
}
