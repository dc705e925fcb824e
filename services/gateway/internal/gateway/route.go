// Package gateway is the core of the edge: which address belongs to which service, what an address may look like, and how
// the services' OpenAPI documents become one. It is pure; who calls, how often and over what is decided around it.
//
// The table is the only list of public addresses: what no route covers does not exist for the world, /v1/internal/* above
// all. The merged OpenAPI document is cut by the same table, so that document and routing cannot part.
//
// What may go wrong: a service adds a public path that no route covers; it then answers 404 here and is missing in the
// merged document, though the service itself serves it.
package gateway

import (
	"slices"
	"strings"
	"time"
)

// Access says which credential an address wants.
type Access uint8

// The classes of access.
const (
	Open  Access = iota // the address is a capability or public; a credential that comes along must be valid
	Staff               // somebody with a valid credential; which scope is the service's to judge
)

// Rate says which limit counts beside the one per address.
type Rate uint8

// The classes of rates.
const (
	Usual    Rate = iota // none
	Coupon               // guessing codes, of coupons and gift cards: strict per address
	Complete             // buying: strict per checkout, the third segment
)

// Route sends an address and everything below it to one service.
type Route struct {
	Method  string // empty: every method
	Pattern string // "/v1/carts/*/coupons"; * stands for one segment
	App     string // app id of the service
	Access  Access
	Rate    Rate
	MaxBody int64         // bytes
	Timeout time.Duration // from the last byte of the header to the last byte of the answer
}

// Limits of the routes. The sidecars take bodies of up to 4 MiB.
const (
	bodyUsual = 1 << 20
	bodyBatch = 2 << 20 // 500 lines with all the metadata that they may have
	bodyStaff = 4 << 20

	timeUsual    = 15 * time.Second
	timeComplete = 30 * time.Second // complete waits up to 20 s for stock and money
	timeBulk     = 60 * time.Second // staff imports
)

// Routes lists every public address. Of two routes that cover an address the first counts.
func Routes() []Route {
	open := func(pattern, app string, timeout time.Duration) Route {
		return Route{Pattern: pattern, App: app, Access: Open, MaxBody: bodyUsual, Timeout: timeout}
	}
	list := []Route{
		{Method: "POST", Pattern: "/v1/carts/*/coupons", App: "cart", Rate: Coupon, MaxBody: bodyUsual, Timeout: timeUsual},
		{Method: "POST", Pattern: "/v1/carts/*/lines/batch", App: "cart", MaxBody: bodyBatch, Timeout: timeUsual},
		{Method: "POST", Pattern: "/v1/checkouts/*/complete", App: "checkout", Rate: Complete, MaxBody: bodyUsual, Timeout: timeComplete},
		open("/v1/products/suggest", "search", timeUsual),
		open("/v1/products/rows", "search", timeUsual),
		open("/v1/products/*/similar", "search", timeUsual),
		open("/v1/products/interactions", "search", timeUsual),
		open("/v1/products/*", "catalog", timeUsual), // a page and what belongs to it
		open("/v1/products", "search", timeUsual),
		open("/v1/categories", "catalog", timeUsual),
		open("/v1/carts", "cart", timeUsual),
		open("/v1/checkouts", "checkout", timeComplete),
		open("/v1/orders", "order", timeComplete),
		open("/v1/webhooks/braintree", "payment", timeUsual), // its signature is the credential
		{Method: "POST", Pattern: "/v1/gift-cards/balance", App: "payment", Rate: Coupon, MaxBody: bodyUsual, Timeout: timeUsual},
		{Pattern: "/v1/me/store-credit", App: "payment", Access: Staff, MaxBody: bodyUsual, Timeout: timeUsual},
		{Pattern: "/v1/me/payment-methods", App: "payment", Access: Staff, MaxBody: bodyUsual, Timeout: timeUsual}, // customers: payment tells
	}
	for _, staff := range []struct{ app, areas string }{
		{"catalog", "products attributes categories brands migration-exceptions imports"},
		{"pricing", "price-lists prices tax-rates coupons promotions"},
		{"inventory", "locations stock holds"},
		{"payment", "payments disputes disbursements credits"},
		{"order", "orders"},
		{"search", "search"},
	} {
		for area := range strings.FieldsSeq(staff.areas) {
			list = append(list, Route{Pattern: "/v1/admin/" + area, App: staff.app, Access: Staff, MaxBody: bodyStaff, Timeout: timeBulk})
		}
	}
	return list
}

// Table finds routes.
type Table struct {
	routes   []Route
	segments [][]string // of the patterns
}

// NewTable returns a table of routes.
func NewTable(routes []Route) *Table {
	t := &Table{routes: routes}
	for _, r := range routes {
		t.segments = append(t.segments, strings.Split(strings.TrimPrefix(r.Pattern, "/"), "/"))
	}
	return t
}

// Match returns the route of an address, or nil when there is none.
func (t *Table) Match(method string, segments []string) *Route {
	for i := range t.routes {
		if r := &t.routes[i]; (r.Method == "" || r.Method == method) && covers(t.segments[i], segments) {
			return r
		}
	}
	return nil
}

// Apps returns the app ids of all services, each once, in the order of the table.
func (t *Table) Apps() (apps []string) {
	for _, r := range t.routes {
		if !slices.Contains(apps, r.App) {
			apps = append(apps, r.App)
		}
	}
	return apps
}

func covers(pattern, segments []string) bool {
	if len(segments) < len(pattern) {
		return false
	}
	for i, p := range pattern {
		if p != "*" && p != segments[i] {
			return false
		}
	}
	return true
}
