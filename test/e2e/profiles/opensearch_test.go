//go:build redis

package profiles

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

// signalled sends a signal to the index's server.
func signalled(t *testing.T, s *shop.Shop, sig syscall.Signal) {
	t.Helper()
	if pid := s.PID(shop.Cluster); pid == 0 || syscall.Kill(pid, sig) != nil {
		t.Fatal("OpenSearch does not run")
	}
}

// indexAway has the index's server die or hang while guests browse and buy. Listings come from catalog, quickly; when it is back they come
// from the index again, with all that changed meanwhile.
func indexAway(t *testing.T, s *shop.Shop, sku string, cents int, away, back func()) {
	t.Helper()
	shop.Eventually(t, recovery, func() error { return shown(t, s, sku, 0, false) })
	away()
	began := time.Now()
	const asked = 20
	for range asked { // of which each would wait for seconds
		if err := shown(t, s, sku, 0, true); err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("%d listings took %s", asked, took)
	}
	a, err := s.Ask(t.Context(), "GET", "/v1/products/suggest?q=te", nil)
	if err != nil {
		t.Fatal(err)
	}
	a.Problem(t, 503, "search-unavailable")
	pages(t, s, true)
	buy(t, s, sku)
	s.Staff(t, 204, "PUT", "/v1/admin/price-lists/test-usd/prices", fmt.Sprintf(`{"prices":[{"sku":%q,"amount":{"amount":%d,"currency":"USD"}}]}`, sku, cents), nil)
	fresh := s.Goods(t, "fresh", 5)
	back()
	shop.Eventually(t, recovery, func() error { return shown(t, s, sku, cents, false) })
	shop.Eventually(t, recovery, func() error { return shown(t, s, fresh, 1999, false) })
	pages(t, s, false)
	s.AwaitHealthy(t, recovery)
}

// pages wants the storefront to go on: products of a department, filters only where there is an index, and the way to the cart.
func pages(t *testing.T, s *shop.Shop, degraded bool) {
	t.Helper()
	shop.Eventually(t, recovery, func() error { // an answer of before is shown for ten seconds
		a, err := s.Ask(t.Context(), "GET", s.Storefront+"/en-us/c/test-goods?sort=newest", nil)
		if err != nil {
			return err
		}
		page := string(a.Body)
		if a.Status != 200 || !strings.Contains(page, `class="card`) || strings.Contains(page, "filters are away") != degraded || strings.Contains(page, `name="price_min"`) == degraded {
			return fmt.Errorf("the page of a department, degraded %v: %d %.5000s", degraded, a.Status, page)
		}
		return nil
	})
	for _, path := range []string{"/en-us/", "/en-us/cart"} {
		if a, err := s.Ask(t.Context(), "GET", s.Storefront+path, nil); err != nil || a.Status != 200 {
			t.Errorf("%s: %+v %v", path, a, err)
		}
	}
}

// shown wants a product in the listing of its category, which comes from catalog or from the index; cents 0: at whatever price.
func shown(t *testing.T, s *shop.Shop, sku string, cents int, degraded bool) error {
	t.Helper()
	query := url.Values{"category": {"test-goods"}, "limit": {"100"}, "facets": {"true"}}
	a, err := s.Ask(t.Context(), "GET", "/v1/products?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	var page searchapi.Products
	if err := a.Into(200, &page); err != nil {
		return err
	}
	at := slices.IndexFunc(page.Items, func(p catalogapi.ProductSummary) bool { return slices.Contains(p.SKUs, sku) })
	if page.Degraded != degraded || at < 0 || cents != 0 && page.Items[at].Price.Minor != int64(cents) || (page.Facets == nil) != degraded {
		return fmt.Errorf("%s is at %d of %d products, degraded %v: %+v", sku, at, len(page.Items), page.Degraded, page.Items)
	}
	return nil
}
