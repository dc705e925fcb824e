package pg_test

import (
	"bytes"
	"embed"
	"io"
	"io/fs"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
)

//go:embed testdata
var testdata embed.FS

func set(t testing.TB, name string) pg.Migrations {
	t.Helper()
	sub, err := fs.Sub(testdata, "testdata/"+name)
	if err != nil {
		t.Fatal(err)
	}
	return pg.Migrations{Name: name, FS: sub}
}

func things(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return testkit.Schema(t, set(t, "migrations"))
}

func open(t testing.TB, c pg.Config) *pgxpool.Pool {
	t.Helper()
	pool, err := pg.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func count(t testing.TB, q pg.Querier, name string) int {
	t.Helper()
	var n int
	if err := q.QueryRow(t.Context(), "SELECT count(*) FROM things WHERE name = $1", name).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// cutter is a TCP proxy before Postgres that breaks every connection when the client sends a given text: before the server
// sees it, or once the server has answered it, without passing the answer on (executed, and nobody knows).
type cutter struct {
	text          []byte
	afterExecuted bool
	network       string
	target        string
	listener      net.Listener
	conns         sync.WaitGroup
}

// cut returns the URL of a cutter before the database of rawURL.
func cut(t *testing.T, rawURL, text string, afterExecuted bool) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to, err := pgconn.ParseConfig(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{text: []byte(text), afterExecuted: afterExecuted, listener: l}
	c.network, c.target = pgconn.NetworkAddress(to.Host, to.Port)
	c.conns.Go(c.accept)
	t.Cleanup(func() { l.Close(); c.conns.Wait() })
	u.Host = l.Addr().String()
	q := u.Query()
	q.Del("host") // of the socket
	q.Del("port")
	u.RawQuery = q.Encode()
	return u.String()
}

func (c *cutter) accept() {
	for {
		client, err := c.listener.Accept()
		if err != nil {
			return
		}
		c.conns.Go(func() { c.serve(client) })
	}
}

func (c *cutter) serve(client net.Conn) {
	server, err := net.Dial(c.network, c.target)
	if err != nil {
		client.Close()
		return
	}
	var mute sync.Mutex // held for good once answers must not pass any more
	c.conns.Go(func() {
		defer client.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if err != nil {
				return
			}
			if !mute.TryLock() {
				server.Close() // the answer of the text: it was executed
				return
			}
			_, err = client.Write(buf[:n])
			mute.Unlock()
			if err != nil {
				return
			}
		}
	})
	defer server.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if bytes.Contains(buf[:n], c.text) {
			if !c.afterExecuted {
				client.Close()
				return
			}
			mute.Lock()
			_, _ = server.Write(buf[:n])
			_, _ = io.Copy(io.Discard, client)
			return
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}
