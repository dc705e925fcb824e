package overgrpc

import (
	"cmp"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Split tells connections that begin with HTTP/2, as gRPC's do, from all others, so that one port serves both. Closing either
// listener closes the port.
func Split(port net.Listener) (grpc, rest net.Listener) {
	s := &splitter{port: port, done: make(chan struct{})}
	g, r := &half{s, make(chan net.Conn)}, &half{s, make(chan net.Conn)}
	go s.accept(g, r)
	return g, r
}

const (
	preface  = "PRI" // no HTTP/1.1 method begins like this
	patience = 5 * time.Second
)

type splitter struct {
	port net.Listener
	once sync.Once
	done chan struct{}
	err  error // of the port; read after done
}

func (s *splitter) close(err error) {
	s.once.Do(func() {
		s.err = errors.Join(err, s.port.Close())
		close(s.done)
	})
}

func (s *splitter) accept(grpc, rest *half) {
	for {
		c, err := s.port.Accept()
		if err != nil {
			var passing interface{ Temporary() bool }
			if errors.As(err, &passing) && passing.Temporary() { // out of files, say
				select {
				case <-time.After(10 * time.Millisecond):
					continue
				case <-s.done:
				}
			}
			s.close(err)
			return
		}
		go s.sort(c, grpc, rest)
	}
}

// sort waits for the first bytes, no longer than an HTTP server waits for a head.
func (s *splitter) sort(c net.Conn, grpc, rest *half) {
	first := make([]byte, len(preface))
	_ = c.SetReadDeadline(time.Now().Add(patience)) // a connection that is broken already says so in the next line
	n, err := io.ReadFull(c, first)
	if n == 0 && err != nil {
		_ = c.Close() // nobody said anything
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	to := rest
	if string(first[:n]) == preface {
		to = grpc
	}
	select {
	case to.conns <- &begun{Conn: c, first: first[:n]}:
	case <-s.done:
		_ = c.Close()
	}
}

type half struct {
	*splitter
	conns chan net.Conn
}

func (h *half) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, cmp.Or(h.err, net.ErrClosed)
	}
}

func (h *half) Close() error {
	h.close(nil)
	return nil
}

func (h *half) Addr() net.Addr { return h.port.Addr() }

// begun is a connection whose first bytes were read already.
type begun struct {
	net.Conn
	first []byte
}

func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) == 0 {
		return b.Conn.Read(p)
	}
	n := copy(p, b.first)
	b.first = b.first[n:]
	return n, nil
}
