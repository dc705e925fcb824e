package httpapi

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/services/gateway/internal/gateway"
)

func TestMedia(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		filepath.Join(dir, "mug", "front.svg"): "<svg/>", filepath.Join(dir, "mug", "a.PNG"): "png", filepath.Join(dir, "page.html"): "<script>",
		filepath.Join(dir, ".env"): "x", filepath.Join(outside, "secret.svg"): "secret",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"link.svg": filepath.Join(outside, "secret.svg"), "way": outside, "fine.svg": "mug/front.svg"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.svg"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := open(t, http.NotFoundHandler(), func(p *Public) { p.MediaDir = dir })
	resp, text := s.do("GET", "/media/mug/front.svg", nil)
	h := resp.Header
	if resp.StatusCode != 200 || text != "<svg/>" || h.Get("Content-Type") != "image/svg+xml" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") ||
		h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Cache-Control"), "max-age") || h.Get("ETag") == "" {
		t.Errorf("%d %s %v", resp.StatusCode, text, h)
	}
	if resp, _ := s.do("GET", "/media/mug/front.svg", nil, "If-None-Match: "+h.Get("ETag")); resp.StatusCode != 304 {
		t.Errorf("unchanged: %d", resp.StatusCode)
	}
	if resp, _ := s.do("HEAD", "/media/mug/a.PNG", nil); resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "image/png" || resp.ContentLength != 3 {
		t.Errorf("png: %d %v", resp.StatusCode, resp.Header)
	}
	if resp, text := s.do("GET", "/media/fine.svg", nil); resp.StatusCode != 200 || text != "<svg/>" {
		t.Errorf("a link inside: %d %s", resp.StatusCode, text)
	}
	for _, path := range []string{
		"/media/", "/media/mug", "/media/mug/", "/media/mug/back.svg", "/media/page.html", "/media/.env", "/media/link.svg", "/media/way/secret.svg", "/media/folder.svg",
		"/media/..%2f..%2fetc%2fpasswd.svg", "/media/mug/%2e%2e/mug/front.svg", "/media//mug/front.svg", "/media/%2fetc/x.svg",
	} {
		answer := s.raw("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 404") {
			t.Errorf("%s: %s", path, answer)
		}
	}
	s.problem(405, "method-not-allowed", "PUT", "/media/mug/front.svg", nil)
	open(t, http.NotFoundHandler()).problem(404, "not-found", "GET", "/media/mug/front.svg", nil)
	open(t, http.NotFoundHandler(), func(p *Public) { p.MediaDir = filepath.Join(dir, "later") }).problem(404, "not-found", "GET", "/media/mug/front.svg", nil)
}

func TestCORS(t *testing.T) {
	t.Parallel()
	s := open(t, http.HandlerFunc(echo), func(p *Public) { p.Origins = []string{"https://shop.example"} })
	ask := []string{"Access-Control-Request-Method: PATCH", "Access-Control-Request-Headers: content-type,idempotency-key,if-match"}
	resp, _ := s.do("OPTIONS", "/v1/carts/a/lines/1", nil, append(ask, "Origin: https://shop.example")...)
	if h := resp.Header; resp.StatusCode != 204 || h.Get("Access-Control-Allow-Origin") != "https://shop.example" || h.Get("Access-Control-Allow-Methods") != "PATCH" ||
		h.Get("Access-Control-Allow-Headers") == "" || h.Get("Access-Control-Allow-Credentials") != "" || h.Get("X-Request-Id") == "" {
		t.Errorf("%d %v", resp.StatusCode, h)
	}
	resp, _ = s.do("OPTIONS", "/v1/carts/a/lines/1", nil, append(ask, "Origin: https://evil.example")...)
	if resp.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a stranger: %v", resp.Header)
	}
	for _, path := range []string{"/v1/carts/a", "/v1/nothing", "/v1/admin/products"} { // errors, too: pages must be able to read them
		resp, _ = s.do("GET", path, nil, "Origin: https://shop.example")
		if h := resp.Header; h.Get("Access-Control-Allow-Origin") != "https://shop.example" || !strings.Contains(strings.ToLower(h.Get("Access-Control-Expose-Headers")), "etag") {
			t.Errorf("%s: %v", path, h)
		}
	}
	resp, _ = open(t, http.HandlerFunc(echo)).do("GET", "/v1/carts/a", nil, "Origin: https://shop.example")
	if resp.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("off: %v", resp.Header)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	const doc = `{"openapi":"3.1.0","paths":{"/v1/carts":{"post":{"operationId":"create-cart","responses":{}}},"/v1/internal/x":{"get":{"operationId":"inner"}}}}`
	var away error
	s := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("dapr-app-id") != "cart":
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/openapi.json":
			_, _ = w.Write([]byte(doc))
		}
	}), func(p *Public) {
		p.Ready = func(context.Context) map[string]error { return map[string]error{"sidecar": away} }
	})
	resp, text := s.do("GET", "/openapi.json", nil)
	if resp.StatusCode != 200 || !strings.Contains(text, "create-cart") || strings.Contains(text, "inner") || resp.Header.Get("Content-Type") != "application/openapi+json" {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	if again, _ := s.do("GET", "/openapi.json", nil, "If-None-Match: "+resp.Header.Get("ETag")); again.StatusCode != 304 {
		t.Errorf("unchanged: %d", again.StatusCode)
	}
	if resp, text := s.do("GET", "/docs", nil); resp.StatusCode != 200 || !strings.Contains(text, "openapi.json") {
		t.Errorf("docs: %d", resp.StatusCode)
	}
	if resp, text := s.do("GET", "/readyz", nil); resp.StatusCode != 200 || !strings.Contains(text, `"status":"degraded"`) || !strings.Contains(text, `"cart":"ready"`) ||
		!strings.Contains(text, `"order":"not-ready"`) {
		t.Errorf("readyz: %d %s", resp.StatusCode, text)
	}
	away = errors.New("secret reason")
	if resp, text := s.do("GET", "/readyz", nil); resp.StatusCode != 503 || !strings.Contains(text, `"sidecar":"failed"`) || strings.Contains(text, "secret") {
		t.Errorf("readyz without sidecar: %d %s", resp.StatusCode, text)
	}
	s.problem(404, "not-found", "GET", "/", nil)
}

// A service that hangs uses up the time that it is given, and not that of the gateway's own dependencies.
func TestReadyBesideAServiceThatHangs(t *testing.T) {
	t.Parallel()
	s := open(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("dapr-app-id") != "" { // the sidecar's client tries gRPC here, too
			<-r.Context().Done()
		}
	}), func(p *Public) {
		p.Ready = func(ctx context.Context) map[string]error { return map[string]error{"sidecar": ctx.Err()} }
	})
	if resp, text := s.do("GET", "/readyz", nil); resp.StatusCode != 200 || !strings.Contains(text, `"status":"degraded"`) || !strings.Contains(text, `"cart":"unreachable"`) {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}

// No route may take longer than its answer may be written.
func TestLongRoutes(t *testing.T) {
	t.Parallel()
	for _, r := range gateway.Routes() {
		if r.Timeout >= writeTimeout {
			t.Errorf("%s takes %s", r.Pattern, r.Timeout)
		}
	}
}
