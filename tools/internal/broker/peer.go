package broker

import (
	"context"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// instanceHeader carries the component's name (not the sidecar's: every sidecar sends the same one), so that two
// components on one socket can be told apart.
const instanceHeader = "x-component-instance"

// A sidecar is one connection: Init comes on it first and says whose it is. daprd's client may drop an idle connection and
// come back on another one without Init; the process id behind the socket then says who it is.
type conn struct {
	net.Conn
	id     uint64
	pid    int
	peers  *peers
	closed sync.Once
}

// connAddr is what peer.FromContext gives a handler: the way from a call to its connection.
type connAddr struct{ c *conn }

func (connAddr) Network() string  { return "unix" }
func (a connAddr) String() string { return "unix" }

func (c *conn) RemoteAddr() net.Addr { return connAddr{c} }

func (c *conn) Close() error {
	c.closed.Do(func() { c.peers.remove(c.id) })
	return c.Conn.Close()
}

// peerState is what is known about one live connection.
type peerState struct {
	id        uint64
	pid       int
	app       string // "" until Init
	component string
	since     time.Time
}

type processKey struct {
	pid       int
	component string
}

type peers struct {
	mu    sync.Mutex
	next  uint64
	live  map[uint64]*peerState
	known map[processKey]string // app id by process and component, for connections without Init
}

func newPeers() *peers {
	return &peers{live: map[uint64]*peerState{}, known: map[processKey]string{}}
}

func (p *peers) add(c net.Conn) *conn {
	pid := peerPID(c)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	p.live[p.next] = &peerState{id: p.next, pid: pid, since: time.Now()}
	return &conn{Conn: c, id: p.next, pid: pid, peers: p}
}

func (p *peers) remove(id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.live, id)
}

// introduce notes who a connection belongs to (Init).
func (p *peers) introduce(ctx context.Context, app string) {
	c := connOf(ctx)
	if c == nil {
		return
	}
	component := componentOf(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if st := p.live[c.id]; st != nil {
		st.app, st.component = app, component
	}
	if c.pid != 0 {
		p.known[processKey{c.pid, component}] = app
	}
}

// caller says which connection and app a call belongs to; app is "" when the connection never sent Init and its process
// is unknown too.
func (p *peers) caller(ctx context.Context) (id uint64, pid int, app string) {
	c := connOf(ctx)
	if c == nil {
		return 0, 0, ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return c.id, c.pid, p.appOf(c, componentOf(ctx))
}

// appOf needs p.mu.
func (p *peers) appOf(c *conn, component string) string {
	st := p.live[c.id]
	if st == nil {
		return ""
	}
	if st.app == "" && c.pid != 0 {
		if known, ok := p.known[processKey{c.pid, component}]; ok {
			st.app, st.component = known, component
		}
	}
	return st.app
}

func (p *peers) list() []Peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]Peer, 0, len(p.live))
	for _, st := range p.live {
		out = append(out, Peer{ID: st.id, PID: st.pid, App: st.app, Component: st.component, Since: st.since})
	}
	return out
}

func connOf(ctx context.Context) *conn {
	pr, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	addr, ok := pr.Addr.(connAddr)
	if !ok {
		return nil
	}
	return addr.c
}

func componentOf(ctx context.Context) string {
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		if v := md.Get(instanceHeader); len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

// listener hands gRPC connections that know their peer.
type listener struct {
	net.Listener
	peers *peers
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.peers.add(c), nil
}
