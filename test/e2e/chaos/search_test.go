package chaos

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
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
	s.WipeIndex(t)
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

// Search dies in the middle of rebuilds while products change all the time: no change is lost, and in the end the index has what the
// replica has.
func TestSearchKilledInARebuild(t *testing.T) {
	s.AwaitHealthy(t, recovery)
	staff := []string{"Authorization", "Bearer " + s.Token(t)}
	skus := []string{s.Goods(t, "anew-1", 0), s.Goods(t, "anew-2", 0), s.Goods(t, "anew-3", 0)}
	last, changes := map[string]int{}, 0 // the price of each in cents
	stop, changed := make(chan struct{}), make(chan error, 1)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				changed <- nil
				return
			default:
			}
			sku := skus[n%len(skus)]
			a, err := s.Ask(t.Context(), "PUT", "/v1/admin/price-lists/test-usd/prices",
				fmt.Sprintf(`{"prices":[{"sku":%q,"amount":{"amount":%d,"currency":"USD"}}]}`, sku, 2000+n), staff...)
			if err == nil {
				err = a.Into(204, nil)
			}
			if err != nil {
				changed <- fmt.Errorf("price %d of %s: %w", n, sku, err)
				return
			}
			last[sku], changes = 2000+n, n+1
		}
	}()
	index := func() (i searchapi.Index, err error) {
		a, err := s.Ask(t.Context(), "GET", "/v1/admin/search/index", nil, staff...)
		if err == nil {
			err = a.Into(200, &i)
		}
		return i, err
	}
	var asked searchapi.Rebuild
	died := 0
	for round := 0; died < 3 && round < 20; round++ {
		key := shop.Key()
		shop.Eventually(t, recovery, func() error {
			a, err := s.Ask(t.Context(), "POST", "/v1/admin/search/rebuild", nil, append(staff, "Idempotency-Key", key)...)
			if err != nil {
				return err
			}
			return a.Into(202, &asked)
		})
		shop.Eventually(t, recovery, func() error {
			i, err := index()
			switch {
			case err != nil:
				return err
			case i.Building != nil && kill(t, "search") != 0:
				died++
			case i.Status != searchapi.IndexCurrent || i.Build < asked.Build:
				return fmt.Errorf("%+v", i)
			}
			return nil
		})
	}
	close(stop)
	if err := <-changed; err != nil {
		t.Fatal(err)
	}
	if died == 0 {
		t.Error("search was never killed in the middle: then this test says nothing")
	}
	shop.Eventually(t, 3*time.Minute, func() error {
		i, err := index()
		if err == nil && (i.Status != searchapi.IndexCurrent || i.Build != asked.Build || i.Documents != i.Products || i.Revision != i.Replica) {
			err = fmt.Errorf("after build %d was asked for: %+v", asked.Build, i)
		}
		for _, sku := range skus {
			var page searchapi.Products
			if err == nil {
				var a *shop.Answer
				if a, err = s.Ask(t.Context(), "GET", "/v1/products?as_typed=true&q="+sku, nil); err == nil {
					err = a.Into(200, &page)
				}
			}
			at := slices.IndexFunc(page.Items, func(p catalogapi.ProductSummary) bool { return slices.Contains(p.SKUs, sku) })
			if err == nil && (page.Degraded || at < 0 || page.Items[at].Price.Minor != int64(last[sku])) {
				err = fmt.Errorf("%s, of %d cents, is not listed so: %+v", sku, last[sku], page.Items)
			}
		}
		return err
	})
	t.Logf("search was killed %d times, prices changed %d times", died, changes)
	s.AwaitHealthy(t, recovery)
	clean(t)
}
