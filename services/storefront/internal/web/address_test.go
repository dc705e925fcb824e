package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
)

// Whatever stands in an address, people get a page, and no call goes to another address of a service than it was meant for.
func TestOddAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, status := range map[string]int{
		"/en-us/search?q=%FF": 400, "/en-us/search?q=%00": 400, "/en-us/c/%FF": 400, "/docs": 404, "/openapi.json": 404, "/en-us/p/..": 404, "/en-us/p/.": 404, "/en-us/p/%2e%2e": 404,
		"/en-us/nothing": 404, "/en-us/checkout/nothing": 404, "/en-us/c/shoes/nothing": 404,
	} {
		resp, page := w.do("GET", path, nil)
		h := resp.Header
		if resp.StatusCode != status || !strings.HasPrefix(h.Get("Content-Type"), "text/html") || !strings.Contains(page, "</html>") || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %d %v", path, resp.StatusCode, h)
		}
	}
	for _, form := range []string{"GET /en-us/cart/lines", "GET /en-us/market", "POST /en-us/search"} { // as who loads again what a form was sent to
		method, path, _ := strings.Cut(form, " ")
		if resp, page := w.do(method, path, nil); resp.StatusCode != 405 || !strings.Contains(page, "</html>") {
			t.Errorf("%s: %d %v", form, resp.StatusCode, resp.Header)
		}
	}
	w.shows(404, "/de-de/nichts", "Diese Seite gibt es nicht")
	if w.count("GET catalog/v1/products?")+w.count("GET catalog/v1/products/.")+w.count("GET catalog/v1?") != 0 {
		t.Error(w.calls)
	}
}

// Whoever asks for the head alone, as those do who watch a shop or look at its links, is answered as for the page.
func TestHeads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("GET search/v1/products", hostile())
	w.says("GET search/v1/products/rows", map[string]any{})
	for _, path := range []string{"/en-us/", "/de-de/", "/en-us/search", "/robots.txt"} {
		if resp, _ := w.do("HEAD", path, nil); resp.StatusCode != 200 {
			t.Errorf("HEAD %s: %d", path, resp.StatusCode)
		}
	}
}

// A department has one address. Its slug comes before the code of another one.
func TestDepartmentsHaveOneAddress(t *testing.T) {
	t.Parallel()
	tree := []catalogapi.Category{{Code: "b", Slug: "a"}, {Code: "c1", Slug: "c", Children: []catalogapi.Category{{Code: "a", Slug: "b"}, {Code: "d1", Slug: "d"}}}}
	for name, want := range map[string]string{"a": "a", "b": "c/b", "c1": "c", "d1": "c/d", "x": ""} {
		var slugs []string
		for _, c := range find(tree, name) {
			slugs = append(slugs, c.Slug)
		}
		if got := strings.Join(slugs, "/"); got != want {
			t.Errorf("%s is found at %q, want %q", name, got, want)
		}
	}
	w := newWorld(t)
	w.mux = http.NewServeMux()
	w.says("GET catalog/v1/categories", map[string]any{"items": []catalogapi.Category{{Code: "c-1", Name: "Shoes", Slug: "shoes"}}})
	w.says("GET search/v1/products", hostile())
	w.shows(200, "/en-us/c/shoes")
	if resp, _ := w.do("GET", "/en-us/c/c-1?brand=x&sort=price", nil); resp.StatusCode != 301 || resp.Header.Get("Location") != "/en-us/c/shoes?brand=x&sort=price" {
		t.Error(resp.StatusCode, resp.Header)
	}
}

// A page of a listing that has changed since leads to its first one, with all that was chosen; only what is refused there as well is dropped.
func TestStaleCursorsKeepFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mux.HandleFunc("GET search/v1/products", func(rw http.ResponseWriter, r *http.Request) {
		httpx.WriteProblem(rw, r, fault.New(fault.Invalid, "validation-failed", "no"))
	})
	for path, want := range map[string]string{
		"/en-us/c/shoes?brand=x&cursor=old&page=3&price_min=10&sort=price": "/en-us/c/shoes?brand=x&price_min=10&sort=price",
		"/en-us/c/shoes?brand=x&price_min=10&sort=price":                   "/en-us/c/shoes?sort=price",
	} {
		if resp, _ := w.do("GET", path, nil); resp.StatusCode/100 != 3 || resp.Header.Get("Location") != want {
			t.Errorf("%s leads to %d %s", path, resp.StatusCode, resp.Header.Get("Location"))
		}
	}
}

// What a page shall say is said by a page, and not used up by a part of one, a suggestion or a picture that is missing.
func TestPartsUseNothingUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("GET search/v1/products", hostile())
	const said = "Cookie: __Host-said=ended"
	for path, header := range map[string]string{
		"/en-us/c/shoes?sort=price": "HX-Request: true", "/en-us/suggest?q=x": "Sec-Fetch-Dest: empty", "/media/none.svg": "Sec-Fetch-Dest: image", "/en-us/c/shoes": "Sec-Fetch-Dest: empty",
	} {
		resp, page := w.do("GET", path, nil, said, header)
		if strings.Contains(strings.Join(resp.Header["Set-Cookie"], ""), saidCookie) || strings.Contains(page, "had ended") {
			t.Errorf("%s has used it up: %v", path, resp.Header)
		}
	}
	for _, header := range []string{"Sec-Fetch-Dest: document", "Accept: text/html"} {
		resp, page := w.do("GET", "/en-us/c/shoes", nil, said, header)
		has(t, page, "Your checkout had ended.")
		if !strings.Contains(strings.Join(resp.Header["Set-Cookie"], ""), saidCookie+"=;") || resp.Header.Get("Cache-Control") != "no-store" {
			t.Error("it will be said again:", resp.Header)
		}
	}
}
