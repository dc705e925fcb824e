//go:build redis

package profiles

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

// Redis for carts, Redis Streams for events, OpenSearch for listings: a guest buys and cancels, no cart is lost whatever Redis loses, no event
// by a kill or a full memory, and nothing but facets and words while OpenSearch is away.
func TestStandard(t *testing.T) {
	s := open(t, folder(t), shop.Standard)
	sku := s.Goods(t, "redis", 100)
	buyAndCancel(t, s, sku)

	t.Run("the store of carts is wiped", func(t *testing.T) {
		cartsSurvive(t, s, sku, func() {
			shop.Eventually(t, recovery, func() error {
				if n := s.WipeCarts(t); n == 0 {
					return fmt.Errorf("nothing was wiped: the store is not in use")
				}
				return nil
			})
		})
	})
	t.Run("it starts again without what it held", func(t *testing.T) {
		cartsSurvive(t, s, sku, func() {
			redis(t, s, "carts-redis", "SET mark 1")
			kill(t, s, "carts-redis")
			if n := redis(t, s, "carts-redis", "EXISTS mark"); n != "0" {
				t.Error("it still has what it held: then this test says nothing")
			}
		})
	})
	t.Run("its address moves to a replica that is behind", func(t *testing.T) { movedBehind(t, s, sku) })
	for _, policy := range []string{"noeviction", "allkeys-lru"} {
		t.Run("its memory is full, "+policy, func(t *testing.T) {
			restore := full(t, s, "carts-redis", policy)
			defer restore()
			cartsSurvive(t, s, sku, func() { buy(t, s, sku) })
		})
	}
	t.Run("events are refused for want of memory", func(t *testing.T) {
		restore := full(t, s, "events-redis", "noeviction")
		buy(t, s, sku)
		var waiting int
		if err := s.DB(t, "order").QueryRow(t.Context(), `SELECT count(*) FROM outbox WHERE sent_at IS NULL`).Scan(&waiting); err != nil || waiting == 0 {
			t.Errorf("%d events wait in the outbox of order: %v", waiting, err)
		}
		restore()
		clean(t, s)
	})
	t.Run("the events' server is killed", func(t *testing.T) {
		buy(t, s, sku)
		before := redis(t, s, "events-redis", "XLEN order")
		kill(t, s, "events-redis")
		if after := redis(t, s, "events-redis", "XLEN order"); before == "0" || after < before {
			t.Errorf("it held %s events of orders, and holds %s", before, after)
		}
		buyAndCancel(t, s, sku)
	})
	t.Run("the events' server loses what nobody has taken in", func(t *testing.T) {
		lost := frozen(t, s, "catalog", "inventory", func() { buy(t, s, sku) })
		redis(t, s, "events-redis", "FLUSHALL")
		lost()
		if out, err := s.Sidecart(t.Context(), "events", "resend", "--since", "10m", "--dir", s.Root, "--data", s.Data); err != nil {
			t.Error(err, out)
		}
		var left int64
		if err := s.DB(t, "inventory").QueryRow(t.Context(), `SELECT sum(on_hand - allocated) FROM stock_levels WHERE sku = $1`, sku).Scan(&left); err != nil {
			t.Fatal(err)
		}
		shop.Eventually(t, recovery, func() error {
			var known int64
			err := s.DB(t, "catalog").QueryRow(t.Context(), `SELECT available FROM sku_levels WHERE sku = $1`, sku).Scan(&known)
			if err == nil && known != left {
				err = fmt.Errorf("catalog knows of %d pieces, there are %d", known, left)
			}
			return err
		})
	})
	t.Run("the index's server is killed", func(t *testing.T) {
		indexAway(t, s, sku, 2099, func() { signalled(t, s, syscall.SIGKILL) }, func() {})
	})
	t.Run("the index's server hangs", func(t *testing.T) {
		indexAway(t, s, sku, 2199, func() { signalled(t, s, syscall.SIGSTOP) }, func() { signalled(t, s, syscall.SIGCONT) })
	})
	t.Run("the index is made anew", func(t *testing.T) {
		out, err := s.Run(t.Context(), "search", "rebuild")
		if t.Log(out); err != nil {
			t.Error(err)
		}
	})
	clean(t, s)
}

// movedBehind has the carts' store go back to what it held some edits ago, as a replica has it that was promoted too early: behind the same
// address each cart is there, and old. No edit is lost, and the store is brought up to date again.
func movedBehind(t *testing.T, s *shop.Shop, sku string) {
	held := func(c cartapi.Cart) string {
		a, err := s.AskSidecar(t.Context(), "cart", "GET", "/v1.0/state/carts/"+c.ID, nil)
		if err != nil {
			return err.Error()
		}
		return string(a.Body)
	}
	var carts []cartapi.Cart
	old := map[string]string{}
	for range 10 {
		c := s.Cart(t, sku)
		carts = append(carts, c)
		shop.Eventually(t, recovery, func() error { // it is written a moment later
			if old[c.ID] = held(c); old[c.ID] == "" {
				return errors.New("the store has nothing of it")
			}
			return nil
		})
	}
	redis(t, s, "carts-redis", "SAVE")
	t.Cleanup(func() { _ = os.Remove(filepath.Join(s.Data, "carts-redis", "dump.rdb")) })
	for i, c := range carts {
		s.Must(t, 201, "POST", "/v1/carts/"+c.ID+"/lines", map[string]any{"sku": sku, "quantity": 1}, &carts[i])
		shop.Eventually(t, recovery, func() error {
			if held(c) == old[c.ID] {
				return errors.New("the store has not heard of the edit")
			}
			return nil
		})
	}
	settled(t, s)
	kill(t, s, "carts-redis")
	kill(t, s, "cart")
	for _, c := range carts {
		if held(c) != old[c.ID] {
			t.Error("the store is not behind: then this test says nothing")
		}
		readBack(t, s, c, sku)
	}
}
