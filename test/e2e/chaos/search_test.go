package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

func listing(t *testing.T) (slugs []string, degraded bool) {
	t.Helper()
	for next := ""; ; {
		var page searchapi.Products
		s.Must(t, 200, "GET", "/v1/products?limit=100&sort=newest"+next, nil, &page)
		for _, p := range page.Items {
			slugs = append(slugs, p.Slug)
		}
		if page.NextCursor == nil {
			return slugs, page.Degraded
		}
		next = "&cursor=" + *page.NextCursor
	}
}

// Search loses its database and its index, and dies. While a neighbour is away that it needs to know all again, listings come from catalog;
// then it asks everybody, and lists what it listed before.
func TestSearchThatLostEverything(t *testing.T) {
	drained(t)
	before, degraded := listing(t)
	if len(before) == 0 || degraded {
		t.Fatalf("%d products, degraded %v", len(before), degraded)
	}
	pricing := s.PID("pricing")
	if err := syscall.Kill(pricing, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	wake := func() { _ = syscall.Kill(pricing, syscall.SIGCONT) }
	defer wake()
	for _, sql := range []string{`TRUNCATE products, variants, skus, sold, attributes, categories, queries, inbox, inbox_sequences`, `DELETE FROM replica`, `INSERT INTO replica DEFAULT VALUES`} {
		if _, err := s.DB(t, "search").Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(filepath.Join(s.Data, "index")); err != nil {
		t.Fatal(err)
	}
	if kill(t, "search") == 0 {
		t.Fatal("search does not run")
	}
	shop.Eventually(t, time.Minute, func() error {
		a, err := s.Ask(t.Context(), "GET", "/v1/products?limit=5", nil)
		if err != nil {
			return err
		}
		var page searchapi.Products
		if err := a.Into(200, &page); err != nil {
			return err
		}
		if !page.Degraded || len(page.Items) == 0 {
			return fmt.Errorf("%d products, degraded %v", len(page.Items), page.Degraded)
		}
		return nil
	})
	a, err := s.Ask(t.Context(), "GET", "/v1/products/suggest?q=a", nil)
	if err != nil {
		t.Fatal(err)
	}
	a.Problem(t, 503, "search-unavailable")
	wake()
	shop.Eventually(t, 3*time.Minute, func() error {
		a, err := s.Ask(t.Context(), "GET", "/v1/products?limit=5", nil)
		var page searchapi.Products
		if err == nil {
			err = a.Into(200, &page)
		}
		if err == nil && page.Degraded {
			err = fmt.Errorf("still from catalog")
		}
		return err
	})
	after, degraded := listing(t)
	if degraded || !slices.Equal(before, after) {
		t.Errorf("degraded %v, %d products, before %d:\n%v\n%v", degraded, len(after), len(before), after, before)
	}
	s.AwaitHealthy(t, time.Minute)
	clean(t)
}
