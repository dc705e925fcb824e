package testkit

import (
	"fmt"
	"math/rand/v2"
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

// FreePort returns a TCP port of 127.0.0.1 that was free a moment ago, for servers that cannot choose one by themselves. It lies
// below the ports that kernels give to outgoing connections and those that tests take whole shops from, so that none of these takes
// it meanwhile; another server may: prefer 127.0.0.1:0 where it can be had.
func FreePort(t testing.TB) int {
	t.Helper()
	const lowest, highest, attempts = 12000, 24000, 200
	var err error
	for range attempts {
		port := lowest + rand.IntN(highest-lowest)
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatalf("no free port after %d attempts: %v", attempts, err)
	return 0
}
