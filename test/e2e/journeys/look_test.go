//go:build chromium

package journeys

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/test/e2e/browser"
)

// newer is what the checker of 2020 does not know: htmx's attributes, media on a meta element, and what of a page comes first.
var newer = regexp.MustCompile(` (?:hx-[a-z-]+|fetchpriority)="[^"]*"|( name="theme-color") media="[^"]*"`)

// validOfEachKind is how many pages of a kind are checked: those that are made alike are right or wrong alike.
const validOfEachKind = 4

// manyOfKind reports whether enough pages of a kind are checked already.
func manyOfKind(kind string, n int) bool { return n > validOfEachKind || narrowed(kind) && n > 1 }

// Pages of every kind are valid HTML, and so are all that a shopper sees.
func TestPagesAreValid(t *testing.T) {
	dir := t.TempDir()
	_, own := walk(t)
	names, kinds := map[string]string{}, map[string]int{}
	for i, p := range append(own, pages(t)...) {
		if kinds[kind(p.address)]++; i >= len(own) && (p.doc == nil || p.status != 200 || manyOfKind(kind(p.address), kinds[kind(p.address)])) {
			continue
		}
		name := filepath.Join(dir, strings.NewReplacer("/", "_", "?", "_", "&", "_").Replace(p.address)[:min(len(p.address), 80)]+".html")
		if i < len(own) {
			name = filepath.Join(dir, fmt.Sprintf("own_%d.html", i))
		}
		if names[name] != "" {
			continue
		}
		names[name] = p.address
		if err := os.WriteFile(name, newer.ReplaceAll(p.body, []byte("$1")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if said, err := s.Sidecart(t.Context(), "infra", "html", dir); err != nil {
		t.Errorf("of %d pages: %.5000s", len(names), strings.ReplaceAll(said, "file:"+dir, ""))
	}
}

// sights are the pages that are looked at: one of each kind, and what they are when there is nothing or too much.
func sights() map[string]string {
	return map[string]string{
		"home":        "/en-us/",
		"category":    "/en-us/c/kitchen",
		"filtered":    "/en-us/c/kitchen?in_stock=true&sort=price",
		"search":      "/en-us/search?q=coffee",
		"nothing":     "/en-us/search?q=zzqxv+zzqxw",
		"german":      "/de-de/c/kitchen",
		"not there":   "/en-us/c/no-such-department",
		"product":     "/en-us/p/claywend-dinner-plate",
		"ein Produkt": "/de-de/p/claywend-dinner-plate",
		"empty cart":  "/en-us/cart",
		"gift card":   "/de-de/gift-card",
		"comparison":  "/en-us/compare",
	}
}

// Each page is one that everybody can use, in light and dark and on the smallest screen, and moves nothing about while it comes.
func TestEverybodyCanUseThePages(t *testing.T) {
	tab := browser.Open(t, s.Storefront)
	tab.Allow(`^404 .*/no-such-`)
	for name, path := range sights() {
		look(t, tab, name, path)
	}
}

// And so is each that a shopper has: what is compared, the cart with what is saved and what does not apply, the steps, a gift card's balance, the order.
func TestShoppersCanUseTheirPages(t *testing.T) {
	tab := browser.Open(t, s.Storefront)
	v, _ := shops(t)
	payment := v.sends(v.sends(v.sends(v.goes("/en-us/cart"), "/checkout"), "/checkout/address", whole...), "/checkout/shipping")
	code := giftCard(t)
	payment = v.sends(payment, "/checkout/gift-card", "code", code)
	tab.Carry(v.cookies)
	for _, path := range []string{"/compare", "/compare?only=differences", "/cart", "/checkout?step=address", "/checkout?step=shipping", "/checkout", "/c/kitchen", "/"} {
		look(t, tab, "with a cart, "+path, "/en-us"+path)
	}
	tab.Go("/en-us/gift-card")
	tab.Fill("#code", code)
	tab.Click(".balance form button")
	tab.Sees(".worth", "$20.00")
	seen(t, tab, "balance")
	tab.Go("/en-us/checkout")
	tab.Click(`#pay [value="fake-processor-declined-visa-nonce"]`)
	tab.Click("#pay button[type=submit]")
	tab.Await("what was declined", `document.querySelector("#pay") && document.activeElement.matches("[role=alert]")`)
	seen(t, tab, "declined")
	order := v.sends(payment, "/checkout/complete", "nonce", "fake-valid-visa-nonce")
	tab.Carry(v.cookies)
	look(t, tab, "order", order.address)
}

// look opens a page and tries it in each way that it may be seen.
func look(t *testing.T, tab *browser.Tab, name, path string) {
	t.Helper()
	tab.Size(1280, 900)
	tab.Scheme("light")
	tab.Go(path)
	if p := tab.Painted(); p.Shift >= 0.02 {
		t.Errorf("%s moves by %.3f while it comes", name, p.Shift)
	} else {
		t.Logf("%s: its largest part is seen after %.0f ms, shifts %.3f", name, p.Largest, p.Shift)
	}
	seen(t, tab, name)
}

// seen tries the page that is open.
func seen(t *testing.T, tab *browser.Tab, name string) {
	t.Helper()
	for _, way := range []struct {
		scheme        string
		width, height int64
	}{{"light", 1280, 900}, {"dark", 1280, 900}, {"light", 320, 640}} {
		tab.Size(way.width, way.height)
		tab.Scheme(way.scheme)
		for _, f := range tab.Audit() {
			t.Errorf("%s, %s, %d px: %s", name, way.scheme, way.width, f)
		}
		if over := tab.Sideways(); over != "" {
			t.Errorf("%s, %d px: wider than the window by %s", name, way.width, over)
		}
	}
	tab.Size(1280, 900)
}
