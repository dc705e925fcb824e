//go:build redis || kafka

// Package profiles starts the shop on real servers and buys something: the services are those of the embedded profile, bit for bit. What
// the servers may lose is taken from them. The suites of journeys and chaos run on every profile too: make e2e PROFILE=standard.
package profiles

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

const (
	startLimit = 10 * time.Minute // builds included
	recovery   = 90 * time.Second
)

// folder is a state folder that the database's user may enter.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sidecart-profile-") //nolint:usetesting // t.TempDir is closed to everybody else
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			_ = os.RemoveAll(dir)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// open starts a shop.
func open(t *testing.T, dir, profile string) *shop.Shop {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	s, err := shop.Start(ctx, shop.Options{Data: dir, Profile: profile, Args: []string{"--no-seed"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closing(t, s) })
	return s
}

// closing stops a shop, once more does no harm.
func closing(t *testing.T, s *shop.Shop) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if t.Failed() {
		t.Logf("logs are in %s/logs", s.Data)
	}
}

// clean waits until the shop is well and holds it to its books.
func clean(t *testing.T, s *shop.Shop) {
	t.Helper()
	s.AwaitHealthy(t, recovery)
	out, err := s.Run(t.Context(), "books", "--wait", "120s")
	if err != nil {
		t.Errorf("the books are not clean: %v", err)
	}
	t.Log(out)
}

// kill ends a process by kill -9 and waits until its successor runs and the shop is well.
func kill(t *testing.T, s *shop.Shop, name string) {
	t.Helper()
	pid := s.PID(name)
	if pid == 0 || syscall.Kill(pid, syscall.SIGKILL) != nil {
		t.Fatalf("%s does not run", name)
	}
	shop.Eventually(t, recovery, func() error {
		if now := s.PID(name); now == 0 || now == pid {
			return fmt.Errorf("%s does not come back", name)
		}
		return nil
	})
	s.AwaitHealthy(t, recovery)
}

// buy goes the whole way and keeps the order.
func buy(t *testing.T, s *shop.Shop, sku string) orderapi.Order {
	t.Helper()
	o, refused, err := s.Buy(t.Context(), sku)
	if err != nil {
		t.Fatal(err)
	}
	if refused != nil {
		t.Fatalf("%d %s", refused.Status, refused.Body)
	}
	if o.Status != "confirmed" || o.PaymentStatus != "captured" {
		t.Errorf("order %+v", o)
	}
	return o
}

// buyAndCancel is the way of an order there and back.
func buyAndCancel(t *testing.T, s *shop.Shop, sku string) {
	t.Helper()
	buy(t, s, sku)
	o := buy(t, s, sku)
	path := "/v1/orders/" + o.ID
	s.Must(t, 200, "POST", path+"/cancel?access_token="+o.AccessToken, map[string]string{"reason": "changed my mind"}, nil)
	shop.Eventually(t, 15*time.Second, func() error {
		s.Must(t, 200, "GET", path+"?access_token="+o.AccessToken, nil, &o)
		if o.CancelledAt == nil {
			return fmt.Errorf("order is %s, payment %s", o.Status, o.PaymentStatus)
		}
		return nil
	})
}

// cartsSurvive has carts edited, something done to their store, and the carts read back with every line, by a service that remembers
// nothing of them; and they can be edited still.
func cartsSurvive(t *testing.T, s *shop.Shop, sku string, happens func()) {
	t.Helper()
	var carts []cartapi.Cart
	const n = 20
	for range n {
		carts = append(carts, s.Cart(t, sku, sku))
	}
	settled(t, s)
	happens()
	kill(t, s, "cart") // what it remembers goes too
	for _, c := range carts {
		readBack(t, s, c, sku)
	}
}

// readBack wants a cart of two pieces as it was, and edits it.
func readBack(t *testing.T, s *shop.Shop, c cartapi.Cart, sku string) {
	t.Helper()
	var read cartapi.Cart
	s.Must(t, 200, "GET", "/v1/carts/"+c.ID, nil, &read)
	if read.Version != c.Version || len(read.Lines) != 1 || read.Lines[0].Quantity != 2 {
		t.Errorf("read back %+v, was %+v", read, c)
	}
	s.Must(t, 201, "POST", "/v1/carts/"+c.ID+"/lines", map[string]any{"sku": sku, "quantity": 1}, &read)
	if len(read.Lines) != 1 || read.Lines[0].Quantity != 3 {
		t.Errorf("edited afterwards %+v", read)
	}
}

// settled waits until every subscriber has what there is: what is under way to a service that is killed comes again a minute later.
func settled(t *testing.T, s *shop.Shop) {
	t.Helper()
	shop.Eventually(t, recovery, func() error { return s.Events(t.Context()).Waiting() })
}

// redis is shop.Redis for a test that cannot go on without the answer.
func redis(t *testing.T, s *shop.Shop, server, command string) string {
	t.Helper()
	text, err := s.Redis(t.Context(), server, command)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// full has a Redis at its memory limit refuse writes, or forget.
func full(t *testing.T, s *shop.Shop, server, policy string) (restore func()) {
	t.Helper()
	redis(t, s, server, "CONFIG SET maxmemory-policy "+policy)
	redis(t, s, server, "CONFIG SET maxmemory 1")
	if _, err := s.Redis(t.Context(), server, "SET x y"); err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Fatalf("the memory is not full: %v", err)
	}
	return func() { redis(t, s, server, "CONFIG SET maxmemory 0") }
}

// frozen stops a service's sidecar for as long as it takes until events of a topic wait for it. The returned function lets it go on.
func frozen(t *testing.T, s *shop.Shop, service, topic string, happens func()) (goOn func()) {
	t.Helper()
	pid := s.PID(service + ".daprd")
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	goOn = func() { _ = syscall.Kill(pid, syscall.SIGCONT) }
	t.Cleanup(goOn)
	shop.Eventually(t, recovery, func() error {
		happens()
		for _, known := range s.Events(t.Context()).Topics {
			for _, c := range known.Consumers {
				if known.Name == topic && c.App == service && c.Lag > 0 {
					return nil
				}
			}
		}
		return fmt.Errorf("no event of %s waits for %s", topic, service)
	})
	return goOn
}
