package web

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/limit"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/storefront/internal/daprio"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
	"github.com/sidecart/sidecart/services/storefront/internal/text"
)

// world is a storefront whose services answer as a test says, by http.ServeMux patterns with the app id as host: "GET search/v1/products".
type world struct {
	t *testing.T
	http.Handler
	mu    sync.Mutex
	mux   *http.ServeMux
	calls []string // "GET search/v1/products?…", in order
	pages *Shop
}

func newWorld(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, mux: http.NewServeMux()}
	markets, err := storefront.ParseMarkets("en-US:USD:net,de-DE:EUR:gross", text.Languages())
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Markets: markets, Base: "https://shop.example", Codes: limit.Rate{PerSecond: 1000, Burst: 1000}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	c.Services = daprio.NewServices(func(app string) daprkit.Caller { return daprkit.NewCaller(w, app) }, time.Now)
	for _, f := range change {
		f(&c)
	}
	server := httpx.New(httpx.Config{Name: "storefront"})
	w.pages = Register(server, c)
	w.Handler = server
	w.says("GET catalog/v1/categories", map[string]any{"items": []catalogapi.Category{
		{Code: "shoes", Name: "Shoes", Slug: "shoes", Children: []catalogapi.Category{{Code: "boots", Name: "Boots", Slug: "boots"}}},
	}})
	return w
}

// RoundTrip implements http.RoundTripper: it is the sidecar.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.calls = append(w.calls, r.Method+" "+r.URL.Host+r.URL.RequestURI())
	w.mu.Unlock()
	r.Host, r.RequestURI = r.URL.Host, r.URL.RequestURI()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	answer := httptest.NewRecorder()
	w.mux.ServeHTTP(answer, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return answer.Result(), nil
}

// says lets a service answer with JSON.
func (w *world) says(pattern string, v any) {
	w.mux.HandleFunc(pattern, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(v)
	})
}

// refuses lets a service answer with a problem.
func (w *world) refuses(pattern string, f *fault.Fault) {
	w.mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) { httpx.WriteProblem(rw, r, f) })
}

// count says how many calls began so.
func (w *world) count(prefix string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.calls {
		if strings.HasPrefix(c, prefix) {
			n++
		}
	}
	return n
}

// do sends a request as a browser would; form is the body of a POST. Headers are "Name: value".
func (w *world) do(method, path string, form url.Values, headers ...string) (*http.Response, string) {
	w.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequestWithContext(w.t.Context(), method, "https://shop.example"+path, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	answer := httptest.NewRecorder()
	w.ServeHTTP(answer, r)
	resp := answer.Result()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp, string(text)
}

// shows asks for a page and reports what is not on it.
func (w *world) shows(status int, path string, texts ...string) string {
	w.t.Helper()
	resp, page := w.do("GET", path, nil)
	if resp.StatusCode != status {
		w.t.Errorf("GET %s: %d, want %d", path, resp.StatusCode, status)
	}
	for _, s := range texts {
		if !strings.Contains(page, s) {
			w.t.Errorf("GET %s lacks %q:\n%s", path, s, page)
		}
	}
	return page
}
