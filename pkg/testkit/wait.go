package testkit

import (
	"net"
	"testing"
	"time"
)

// Patience is a good timeout for [Eventually]: far above what a loaded machine needs, far below the limit of go test.
const Patience = 20 * time.Second

// Eventually calls check until it returns nil and fails the test with its last error after timeout. It is for conditions in
// another process (a server, a sidecar); within a process wait for a channel, or use testing/synctest.
func Eventually(t testing.TB, timeout time.Duration, check func() error) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	pause := time.Millisecond
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().Add(pause).After(deadline) {
			t.Fatalf("not within %v: %v", timeout, err)
		}
		<-time.After(pause)
		pause = min(2*pause, 100*time.Millisecond)
	}
}

// FreePort returns a TCP port of 127.0.0.1 that was free a moment ago, for servers that cannot choose one by themselves.
// Another process may take it first: prefer 127.0.0.1:0.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
