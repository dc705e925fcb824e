package chaos

import (
	"context"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

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
