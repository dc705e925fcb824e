package chaos

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

// Two hundred orders while every process of the shop dies by kill -9, one after the other: each app, each sidecar, and everything that
// they share. The next one dies when the shop has sold a few orders more, so each dies in the middle of orders under way.
func TestKillEverythingWhileGuestsBuy(t *testing.T) {
	const between = 4 // orders
	var victims []string
	for _, id := range s.Services() {
		victims = append(victims, id, id+".daprd")
	}
	victims = append(append(victims, s.Servers()...), "postgres", "braintree-simulator", "placement", "scheduler", "dapr")
	died := map[string]int{}
	for round := 0; len(died) < len(victims); round++ { // guests may be faster than the killer
		last := placed(t)
		err := every(100*time.Millisecond, buying(t, 200, 11+100*round), func() {
			if now := placed(t); len(died) < len(victims) && now >= last+between {
				if pid := kill(t, victims[len(died)]); pid != 0 {
					died[victims[len(died)]], last = pid, now
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	clean(t)
	for name, pid := range died {
		if now := s.PID(name); now == 0 || now == pid {
			t.Errorf("%s has pid %d, and died with pid %d", name, now, pid)
		}
	}
}

// every calls look each time the clock strikes until done yields, and returns what it yielded.
func every(d time.Duration, done <-chan error, look func()) error {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			look()
		}
	}
}

// The state store is wiped twenty times in the middle of two hundred edits of carts, once together with what the service remembers of
// them, and the carts are read back from the log alone: no line is lost, none is there twice.
func TestStateStoreWiped(t *testing.T) {
	sku := s.Goods(t, "wiped", 0)
	var wiped atomic.Int64
	wipe := func() { wiped.Add(s.WipeCarts(t)) }
	var carts [4]cartapi.Cart
	var edits sync.WaitGroup
	for editor := range carts {
		edits.Go(func() {
			c := s.Cart(t)
			for n := 1; n <= 50; n++ {
				insist(t, 201, "POST", "/v1/carts/"+c.ID+"/lines", map[string]any{"sku": sku, "quantity": 1}, &c)
				if len(c.Lines) != 1 || c.Lines[0].Quantity != int64(n) {
					t.Errorf("after %d edits the cart has %+v", n, c.Lines)
					return
				}
				if n%10 == 0 { // the others are in the middle of their edits
					wipe()
				}
				if editor == 0 && n == 25 {
					wipe()
					kill(t, "cart")
				}
			}
			carts[editor] = c
		})
	}
	edits.Wait()
	s.AwaitHealthy(t, recovery)
	kill(t, "cart")
	wipe()
	for _, c := range carts {
		var read cartapi.Cart
		insist(t, 200, "GET", "/v1/carts/"+c.ID, nil, &read)
		if read.Version != c.Version || len(read.Lines) != 1 || read.Lines[0].Quantity != 50 {
			t.Errorf("read back %+v", read)
		}
	}
	if wiped.Load() == 0 {
		t.Error("nothing was ever wiped: the store was not in use")
	}
	clean(t)
}

// insist asks again under the same key until the answer has this status, as a guest's browser does while a service starts.
func insist(t *testing.T, status int, method, path string, body, out any) {
	t.Helper()
	key := shop.Key()
	shop.Eventually(t, recovery, func() error {
		a, err := s.Ask(t.Context(), method, path, body, "Idempotency-Key", key)
		if err != nil {
			return err
		}
		return a.Into(status, out)
	})
}
