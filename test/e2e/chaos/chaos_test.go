// Package chaos breaks a whole shop while guests buy, lets it settle, and counts the invariants from every database and from the payment
// simulator's own books. A test ends only when the shop is whole again, so that the next one begins on firm ground.
package chaos

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

var s *shop.Shop

func TestMain(m *testing.M) { shop.Main(m, func(running *shop.Shop) { s = running }) }

const (
	recovery = 90 * time.Second // until everything runs and answers again
	settle   = "120s"           // until the books are clean
)

// buying starts guests and returns a function that waits until all are served.
func buying(t *testing.T, guests, seed int) (done <-chan error) {
	t.Helper()
	ch := make(chan error, 1)
	go func() {
		_, err := s.Run(t.Context(), "load", "--orders", fmt.Sprint(guests), "--shoppers", "8", "--seed", fmt.Sprint(seed), "--patience", "120s")
		ch <- err
	}()
	return ch
}

// clean waits until the shop is well and holds it to its books.
func clean(t *testing.T) {
	t.Helper()
	s.AwaitHealthy(t, recovery)
	out, err := s.Run(t.Context(), "books", "--wait", settle)
	if err != nil {
		t.Errorf("the books are not clean: %v", err)
	}
	t.Log(out)
}

// every calls break each time the clock strikes until done yields, and returns what it yielded.
func every(t *testing.T, d time.Duration, done <-chan error, strike func(n int)) error {
	t.Helper()
	tick := time.NewTicker(d)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			strike(n)
		}
	}
}

// kill ends a process at once. One that is away already is no fault.
func kill(t *testing.T, name string) {
	t.Helper()
	if err := s.Signal(t.Context(), name, syscall.SIGKILL); err != nil {
		t.Logf("kill %s: %v", name, err)
		return
	}
	t.Logf("killed %s", name)
}

// Two hundred orders while every app, every sidecar, the database and the payment simulator die by kill -9, one after the other.
func TestKillEverythingWhileGuestsBuy(t *testing.T) {
	var victims []string
	for _, id := range s.Services() {
		victims = append(victims, id, id+".daprd")
	}
	victims = append(victims, "postgres", "braintree-simulator")
	killed := 0
	for round := 0; killed < len(victims); round++ { // guests may be faster than the killer
		err := every(t, 1500*time.Millisecond, buying(t, 200, 11+100*round), func(int) {
			if killed < len(victims) {
				kill(t, victims[killed])
				killed++
			}
		})
		if err != nil {
			t.Error(err)
		}
	}
	clean(t)
}

// The state store is wiped in the middle of two hundred edits of carts: no line is lost, none is there twice.
func TestStateStoreWiped(t *testing.T) {
	sku := s.Goods(t, "wiped", 0)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wiped := 0
	wg.Go(func() {
		pool := s.DB(t, "dapr_carts")
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				tag, err := pool.Exec(t.Context(), `DELETE FROM state`)
				if err != nil {
					t.Error(err)
					return
				}
				wiped += int(tag.RowsAffected())
			}
		}
	})
	var edits sync.WaitGroup
	for range 4 {
		edits.Go(func() {
			c := s.Cart(t)
			for n := 1; n <= 50; n++ {
				s.Must(t, 201, "POST", "/v1/carts/"+c.ID+"/lines", map[string]any{"sku": sku, "quantity": 1}, &c)
				if len(c.Lines) != 1 || c.Lines[0].Quantity != int64(n) {
					t.Errorf("after %d edits the cart has %+v", n, c.Lines)
					return
				}
			}
			var read cartapi.Cart
			s.Must(t, 200, "GET", "/v1/carts/"+c.ID, nil, &read)
			if read.Version != c.Version || read.Lines[0].Quantity != 50 {
				t.Errorf("read back %+v", read)
			}
		})
	}
	edits.Wait()
	close(stop)
	wg.Wait()
	if wiped == 0 {
		t.Error("nothing was ever wiped")
	}
}

// The broker is away for half a minute while guests buy: the outboxes hold, then every subscription lives again and drains.
func TestBrokerAway(t *testing.T) {
	done := buying(t, 60, 12)
	frozen(t, "broker", 30*time.Second)
	if err := <-done; err != nil {
		t.Error(err)
	}
	kill(t, "broker")
	done = buying(t, 30, 13)
	if err := <-done; err != nil {
		t.Error(err)
	}
	clean(t)
}

// Placement is away for half a minute: actors cannot be found, and selling goes on.
func TestPlacementAway(t *testing.T) {
	done := buying(t, 60, 14)
	frozen(t, "placement", 30*time.Second)
	kill(t, "placement")
	if err := <-done; err != nil {
		t.Error(err)
	}
	clean(t)
}

// frozen stops a process for a while (SIGSTOP): it holds its sockets and says nothing.
func frozen(t *testing.T, name string, d time.Duration) {
	t.Helper()
	if err := s.Signal(t.Context(), name, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
	if err := s.Signal(context.Background(), name, syscall.SIGCONT); err != nil {
		t.Logf("wake %s: %v", name, err) // its supervisor may have replaced it
	}
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

// A second shop beside this one: a hundred calls to each reach its own services, none strays.
func TestTwoShopsSideBySide(t *testing.T) {
	dir := folder(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	second, err := shop.Start(ctx, shop.Options{Data: dir, Args: []string{"--no-seed"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := second.Stop(); err != nil {
			t.Error(err)
		}
	})
	for i := range 100 {
		here, there := s, second
		if i%2 == 1 {
			here, there = second, s
		}
		var c cartapi.Cart
		here.Must(t, 201, "POST", "/v1/carts", map[string]string{"currency": "USD", "country": "US"}, &c)
		here.Must(t, 200, "GET", "/v1/carts/"+c.ID, nil, nil)
		if a := there.Must(t, 404, "GET", "/v1/carts/"+c.ID, nil, nil); a.Status != http.StatusNotFound {
			t.Errorf("call %d strayed: %s", i, a.Body)
		}
	}
}

// The tool is killed: nothing is left that blocks the next start, and nothing that was sold is forgotten.
func TestToolKilled(t *testing.T) {
	dir := folder(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	first, err := shop.Start(ctx, shop.Options{Data: dir, Args: []string{"--no-seed"}})
	if err != nil {
		t.Fatal(err)
	}
	var c cartapi.Cart
	first.Must(t, 201, "POST", "/v1/carts", map[string]string{"currency": "USD", "country": "US"}, &c)
	if out, err := first.Run(ctx, "up", "--free-ports"); err == nil {
		t.Errorf("a second start was let through: %s", out)
	}
	first.Kill()
	again, err := shop.Start(ctx, shop.Options{Data: dir, Args: []string{"--no-seed"}})
	if err != nil {
		t.Fatal(err)
	}
	again.Must(t, 200, "GET", "/v1/carts/"+c.ID, nil, nil)
	if err := again.Stop(); err != nil {
		t.Error(err)
	}
	if out, err := exec.Command("pgrep", "-f", dir).Output(); err == nil {
		t.Errorf("processes were left: %s", out)
	}
}
