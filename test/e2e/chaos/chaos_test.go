// Package chaos breaks a whole shop while guests buy, lets it settle, and counts the invariants from every database and from the payment
// simulator's own books. A test ends only when the shop is whole again, so that the next one begins on firm ground.
package chaos

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/sidecart/sidecart/test/e2e/shop"
)

var s *shop.Shop

func TestMain(m *testing.M) {
	if disk := os.Getenv(smallDisk); disk != "" {
		fmt.Fprintln(os.Stderr, mountAndRun(disk, os.Args[1:]))
		os.Exit(1)
	}
	shop.Main(m, func(running *shop.Shop) { s = running })
}

const (
	recovery = 90 * time.Second // until everything runs and answers again
	settle   = "120s"           // until they are clean
)

// buying starts guests and returns a channel that yields when all are served.
func buying(t *testing.T, guests, seed int) (done <-chan error) {
	t.Helper()
	ch := make(chan error, 1)
	go func() { ch <- buy(t.Context(), guests, seed) }()
	return ch
}

// buy serves guests, who come again with the same keys for as long as a part of the shop is away.
func buy(ctx context.Context, guests, seed int) error {
	_, err := s.Run(ctx, "load", "--orders", fmt.Sprint(guests), "--shoppers", "8", "--seed", fmt.Sprint(seed), "--patience", "120s")
	return err
}

// selling lets guests come until the returned function is called, which waits for those who are in the shop.
func selling(t *testing.T, seed int) (closing func()) {
	t.Helper()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for ; ; seed++ {
			if err := buy(t.Context(), 40, seed); err != nil {
				t.Error(err)
				return
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	return func() { close(stop); <-done }
}

// clean waits until the shop is well and holds it to its books: nobody has to put anything back.
func clean(t *testing.T) {
	t.Helper()
	s.AwaitHealthy(t, recovery)
	out, err := s.Run(t.Context(), "books", "--wait", settle)
	if err != nil {
		t.Errorf("the books are not clean: %v", err)
	}
	t.Log(out)
}

// placed counts the orders that were ever placed. It is -1 while the database is away.
func placed(t *testing.T) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	n := -1
	_ = s.DB(t, "order").QueryRow(ctx, `SELECT count(*) FROM orders WHERE placed_at IS NOT NULL`).Scan(&n)
	return n
}

// kill ends a process by kill -9 and waits until it is dead. It returns 0 if the process is between two lives.
func kill(t *testing.T, name string) (pid int) {
	t.Helper()
	pid = s.PID(name)
	if pid == 0 || syscall.Kill(pid, syscall.SIGKILL) != nil {
		return 0
	}
	shop.Eventually(t, 5*time.Second, func() error {
		if syscall.Kill(pid, 0) == nil && s.PID(name) == pid {
			return fmt.Errorf("%s (pid %d) outlives kill -9", name, pid)
		}
		return nil
	})
	t.Logf("killed %s (pid %d)", name, pid)
	return pid
}

// folder is a temporary folder that the database's user may enter.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sidecart-chaos-") //nolint:usetesting // t.TempDir is closed to everybody else
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
