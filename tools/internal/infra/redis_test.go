//go:build redis

package infra

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

func runRedis(t *testing.T, r Redis) *process {
	t.Helper()
	argv, err := r.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(strings.Join(argv, " "), r.Password) {
		t.Errorf("everybody may read the password: %q", argv)
	}
	p := start(t, argv)
	p.await(t, r.Ready)
	return p
}

// Killed and started again, on another port even, the durable one has every event and everybody's place.
func TestDurableRedisKeepsAll(t *testing.T) {
	t.Parallel()
	r := Redis{Dir: filepath.Join(t.TempDir(), `with "blanks" and ünlauts`), Port: freePort(t), Password: password, Durable: true}
	p := runRedis(t, r)
	c := r.Client()
	defer c.Close() //nolint:errcheck // the server is the test's own
	for i := range 100 {
		if err := c.XAdd(t.Context(), &redis.XAddArgs{Stream: "order", Values: []any{"n", i}}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.XGroupCreate(t.Context(), "order", "cart", "0").Err(); err != nil {
		t.Fatal(err)
	}
	if err := c.XReadGroup(t.Context(), &redis.XReadGroupArgs{Group: "cart", Consumer: "cart", Streams: []string{"order", ">"}, Count: 40}).Err(); err != nil {
		t.Fatal(err)
	}
	p.kill()
	r.Port = freePort(t)
	runRedis(t, r)
	c = r.Client()
	groups, err := c.XInfoGroups(t.Context(), "order").Result()
	if err != nil || len(groups) != 1 || groups[0].Pending != 40 {
		t.Fatalf("after kill -9: %+v %v", groups, err)
	}
	if rest, err := c.XRange(t.Context(), "order", "("+groups[0].LastDeliveredID, "+").Result(); err != nil || len(rest) != 60 {
		t.Errorf("%d events are to come, want 60: %v", len(rest), err)
	}
}

// The other one writes nothing down, and forgets rather than refuses when its memory is full.
func TestForgetfulRedis(t *testing.T) {
	t.Parallel()
	r := Redis{Dir: t.TempDir(), Port: freePort(t), Password: password}
	p := runRedis(t, r)
	c := r.Client()
	defer c.Close() //nolint:errcheck // the server is the test's own
	if err := c.ConfigSet(t.Context(), "maxmemory", "3mb").Err(); err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		if err := c.Set(t.Context(), fmt.Sprint("cart", i), strings.Repeat("x", 4096), 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if n := c.DBSize(t.Context()).Val(); n == 0 || n >= 2000 {
		t.Errorf("it holds %d carts", n)
	}
	p.kill()
	runRedis(t, r)
	c = r.Client()
	if n, err := c.DBSize(t.Context()).Result(); n != 0 || err != nil {
		t.Errorf("it still holds %d carts: %v", n, err)
	}
	left, err := os.ReadDir(r.Dir)
	if err != nil || len(left) != 1 {
		t.Errorf("it wrote something down: %v %v", left, err)
	}
}

func TestRedisTakesNobodyElse(t *testing.T) {
	t.Parallel()
	r := Redis{Dir: t.TempDir(), Port: freePort(t), Password: password}
	runRedis(t, r)
	for _, wrong := range []string{"", "another"} {
		r.Password = wrong
		if err := r.Ready(t.Context()); err == nil {
			t.Errorf("the password %q is taken", wrong)
		}
	}
}

func TestRedisOnATakenPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	argv, err := Redis{Dir: t.TempDir(), Port: l.Addr().(*net.TCPAddr).Port, Password: password}.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if log := start(t, argv).ends(t); !strings.Contains(log, "Address already in use") {
		t.Errorf("it says %s", log)
	}
}
