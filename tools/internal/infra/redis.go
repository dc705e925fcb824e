package infra

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/redis/go-redis/v9"

	"github.com/sidecart/sidecart/tools/internal/shop"
)

// oldestRedis tells how far consumers are behind; older ones do not.
const oldestRedis = 7

var redisVersion = regexp.MustCompile(`server v=([0-9.]+)`)

func findRedis(ctx context.Context) (program, error) {
	p, err := find(ctx, []string{"redis-server", "valkey-server"}, "--version", redisVersion, oldestRedis)
	if err != nil {
		return program{}, &MissingError{
			Server: fmt.Sprintf("Redis %d or newer", oldestRedis), Reason: err.Error(),
			Advice: "`" + InstallCommand(shop.Standard) + "` installs it (as root on Debian), or put one into the PATH",
		}
	}
	return p, nil
}

// Redis is one private server. A durable one holds what exists nowhere else: each write is on the disk before it is answered, and it
// refuses rather than forgets. The other one writes nothing down, and forgets what was not used for longest.
type Redis struct {
	Dir      string
	Port     int
	Password string
	Durable  bool
}

// memoryOfCarts is some hundred thousand carts.
const memoryOfCarts = "256mb"

// Prepare writes the server's configuration and returns the command that runs it in the foreground.
func (r Redis) Prepare(ctx context.Context) (argv []string, err error) {
	p, err := findRedis(ctx)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(r.Dir, 0o700); err != nil {
		return nil, err
	}
	keep := "appendonly no\nmaxmemory " + memoryOfCarts + "\nmaxmemory-policy allkeys-lru\n"
	if r.Durable {
		keep = "appendonly yes\nappendfsync always\nmaxmemory-policy noeviction\n"
	}
	// Quoted as Redis reads it: a path may have blanks.
	conf := fmt.Sprintf("bind 127.0.0.1\nport %d\ndir %q\nrequirepass %q\ndaemonize no\nsave \"\"\n%s", r.Port, r.Dir, r.Password, keep)
	path := filepath.Join(r.Dir, "redis.conf")
	// The password stands in the file, not among the arguments, which everybody may read.
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		return nil, err
	}
	return []string{p.path, path}, nil
}

// silence is for what the client library says beside the errors that it returns.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

// Client speaks to the server. The caller closes it.
func (r Redis) Client() *redis.Client {
	redis.SetLogger(silence{})
	return redis.NewClient(&redis.Options{Addr: shop.Local(r.Port), Password: r.Password, MaxRetries: -1, DisableIdentity: true})
}

// Ready succeeds when the server has loaded its data and answers.
func (r Redis) Ready(ctx context.Context) error {
	c := r.Client()
	defer c.Close() //nolint:errcheck // nothing was written
	return c.Ping(ctx).Err()
}
