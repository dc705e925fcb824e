package gateway_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/services/gateway/internal/gateway"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	table := gateway.NewTable(gateway.Routes())
	const id = "0123456789abcdef0123456789abcdef"
	for _, tc := range []struct {
		method, path, app string
		access            gateway.Access
		rate              gateway.Rate
	}{
		{"GET", "/v1/products", "search", gateway.Open, gateway.Usual},
		{"GET", "/v1/products/suggest", "search", gateway.Open, gateway.Usual},
		{"GET", "/v1/products/rows", "search", gateway.Open, gateway.Usual},
		{"GET", "/v1/products/linen-shirt/similar", "search", gateway.Open, gateway.Usual},
		{"POST", "/v1/products/interactions", "search", gateway.Open, gateway.Usual},
		{"GET", "/v1/products/linen-shirt", "catalog", gateway.Open, gateway.Usual},
		{"GET", "/v1/products/linen-shirt/reviews", "catalog", gateway.Open, gateway.Usual},
		{"POST", "/v1/admin/search/rebuild", "search", gateway.Staff, gateway.Usual},
		{"GET", "/v1/products/compare", "catalog", gateway.Open, gateway.Usual},
		{"GET", "/v1/categories", "catalog", gateway.Open, gateway.Usual},
		{"POST", "/v1/carts", "cart", gateway.Open, gateway.Usual},
		{"PATCH", "/v1/carts/" + id + "/lines/1", "cart", gateway.Open, gateway.Usual},
		{"POST", "/v1/carts/" + id + "/coupons", "cart", gateway.Open, gateway.Coupon},
		{"DELETE", "/v1/carts/" + id + "/coupons/TEN", "cart", gateway.Open, gateway.Usual},
		{"POST", "/v1/checkouts", "checkout", gateway.Open, gateway.Usual},
		{"POST", "/v1/checkouts/" + id + "/complete", "checkout", gateway.Open, gateway.Complete},
		{"GET", "/v1/orders/" + id + "/timeline", "order", gateway.Open, gateway.Usual},
		{"PUT", "/v1/admin/attributes/size", "catalog", gateway.Staff, gateway.Usual},
		{"PUT", "/v1/admin/price-lists/us/prices", "pricing", gateway.Staff, gateway.Usual},
		{"GET", "/v1/admin/prices", "pricing", gateway.Staff, gateway.Usual},
		{"POST", "/v1/admin/stock/receive", "inventory", gateway.Staff, gateway.Usual},
		{"POST", "/v1/admin/payments/" + id + "/refunds", "payment", gateway.Staff, gateway.Usual},
		{"POST", "/v1/admin/disputes/" + id + "/accept", "payment", gateway.Staff, gateway.Usual},
		{"DELETE", "/v1/me/payment-methods/" + id, "payment", gateway.Staff, gateway.Usual},
		{"GET", "/v1/me/store-credit", "payment", gateway.Staff, gateway.Usual},
		{"POST", "/v1/gift-cards/balance", "payment", gateway.Open, gateway.Coupon},
		{"POST", "/v1/admin/credits", "payment", gateway.Staff, gateway.Usual},
		{"POST", "/v1/webhooks/braintree", "payment", gateway.Open, gateway.Usual},
		{"GET", "/v1/admin/orders", "order", gateway.Staff, gateway.Usual},
	} {
		segments, ok := gateway.Segments(tc.path)
		r := table.Match(tc.method, segments)
		if !ok || r == nil || r.App != tc.app || r.Access != tc.access || r.Rate != tc.rate || r.MaxBody <= 0 || r.Timeout <= 0 {
			t.Errorf("%s %s: %+v", tc.method, tc.path, r)
		}
	}
	for _, path := range []string{
		"/", "/v1", "/v2/products", "/v1/internal/quote", "/v1/internal/holds/x", "/v1/admin", "/v1/admin/internal", "/v1/webhooks", "/v1/webhooks/carriers",
		"/v1/product", "/v1/productsx", "/v1/Products", "/v1.0/invoke/cart/method/v1/carts", "/healthz", "/dapr/subscribe", "/events/order", "/job/sweep",
	} {
		segments, _ := gateway.Segments(path)
		if r := table.Match("GET", segments); r != nil {
			t.Errorf("%s is routed to %s", path, r.App)
		}
	}
	if r := table.Match("POST", []string{"v1", "carts", id, "lines", "batch"}); r.App != "cart" || r.MaxBody < 500*(2<<10+50) {
		t.Errorf("500 lines with all their metadata do not pass: %+v", r)
	}
	if apps := table.Apps(); len(apps) != 8 {
		t.Errorf("apps %v", apps)
	}
}

func TestSegments(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/v1/products":                    "/v1/products",
		"/v1/%70roducts":                  "/v1/products",
		"/v1/products/a.b_c~d+e":          "/v1/products/a.b_c~d+e",
		"/v1/products/%41%2B":             "/v1/products/A+",
		"/v1/" + strings.Repeat("a", 200): "/v1/" + strings.Repeat("a", 200),
	} {
		segments, ok := gateway.Segments(path)
		if !ok || gateway.Path(segments) != want {
			t.Errorf("%s: %v %v", path, segments, ok)
		}
	}
	for _, path := range []string{
		"", "*", "v1/products", "/", "//", "/v1//products", "/v1/products/", "/v1/products/..", "/v1/./products", "/v1/products/%2e%2e", "/v1/products/.%2E",
		"/v1/products/..%2f..%2fhealthz", "/v1/products%2f..", "/v1/%252e%252e", "/v1/%2", "/v1/%", "/v1/%zz", "/v1/%00", "/v1/a%00b", "/v1/a b",
		"/v1/a%20b", "/v1/é", "/v1/%C3%A9", "/v1/%EF%BC%8E%EF%BC%8E", "/v1/a;b", "/v1/a\\b", "/v1/%5c..", "/v1/a?b", "/v1/a%3fb", "/v1/a#b", "/v1/a:b", "/v1/@",
		"/v1/" + strings.Repeat("a", 201), "/v1/" + strings.Repeat("%61", 201), strings.Repeat("/a", 17), strings.Repeat("/", 5000),
	} {
		if segments, ok := gateway.Segments(path); ok {
			t.Errorf("%.60q passes as %q", path, segments)
		}
	}
}

// Whatever passes reads the same, however often it is read.
func TestSegmentsLaw(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.OneOf(rapid.String(), rapid.StringMatching(`(/(%[0-9a-fA-F]{2}|[a-z.%/~+]){0,12}){1,5}`)).Draw(t, "path")
		segments, ok := gateway.Segments(path)
		if !ok {
			return
		}
		again, ok := gateway.Segments(gateway.Path(segments))
		if !ok || !slices.Equal(again, segments) || strings.Contains(gateway.Path(segments), "..") && slices.Contains(segments, "..") {
			t.Fatalf("%q reads as %q and then as %q", path, segments, again)
		}
	})
}
