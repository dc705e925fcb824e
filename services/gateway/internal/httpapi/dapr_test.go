package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/daprkit/daprtest"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/testkit"
)

const appTimeout = `apiVersion: dapr.io/v1alpha1
kind: Resiliency
metadata:
  name: resiliency
spec:
  policies:
    timeouts:
      call: 10s
  targets:
    apps:
      cart: {timeout: call}
      catalog: {timeout: call}
      order: {timeout: call}
`

// service is an app that notes what reaches it and answers as its path says.
type service struct {
	*httpx.Server
	mu   sync.Mutex
	seen []string
}

func newService() *service {
	s := &service{Server: httpx.New(httpx.Config{Name: "cart", AppToken: daprtest.AppToken})}
	type output struct {
		Body struct {
			ID string `json:"id"`
		}
	}
	httpx.Register(s.Server, huma.Operation{Method: "GET", Path: "/v1/carts/{id}", OperationID: "get-cart"},
		func(context.Context, *struct {
			ID string `path:"id"`
		}) (*output, error) {
			return &output{}, nil
		}, httpx.OpenQuery())
	s.Router().Post("/v1/carts/hang/lines", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s.Router().Post("/v1/carts/echo/lines", echo)
	s.Router().Get("/v1/carts/echo", echo)
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.seen = append(s.seen, r.Method+" "+r.RequestURI)
	s.mu.Unlock()
	s.Server.ServeHTTP(w, r)
}

func (s *service) calls(prefix string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(s.seen), func(c string) bool { return !strings.HasPrefix(c, prefix) }))
}

// Everything at once through two real sidecars; they take seconds to start.
func TestThroughRealSidecars(t *testing.T) {
	t.Parallel()
	names := t.TempDir()
	cart := newService()
	callee := daprtest.Start(t, daprtest.Options{AppID: "cart", App: cart, Dir: names})
	own := daprtest.Start(t, daprtest.Options{AppID: "gateway", Dir: names, Resources: map[string]string{"resiliency.yaml": appTimeout}})
	s := serve(t, own.Client, quick(3*time.Second, 1<<20))

	checkPassing(t, s)
	checkTricks(t, s, cart)
	checkLimits(t, s, cart)
	checkPages(t, s)
	callee.Kill()
	testkit.Eventually(t, testkit.Patience, func() error {
		resp, text := s.do("GET", "/v1/carts/echo", nil)
		if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || !strings.Contains(text, "/unavailable") {
			return fmt.Errorf("the callee's sidecar is away: %d %s", resp.StatusCode, text)
		}
		return nil
	})
	own.Kill()
	testkit.Eventually(t, testkit.Patience, func() error {
		if resp, text := s.do("GET", "/v1/carts/echo", nil); resp.StatusCode != 503 {
			return fmt.Errorf("the own sidecar is away: %d %s", resp.StatusCode, text)
		}
		return nil
	})
}

func checkPassing(t *testing.T, s *shop) {
	t.Helper()
	resp, text := s.do("POST", "/v1/carts/echo/lines?q=a%20b%26c&x=1;2", bytes.NewReader(make([]byte, 500_000)), "Content-Type: application/json",
		"Idempotency-Key: k", "Dapr-Caller-App-Id: checkout", "Dapr-App-Id: order", "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if resp.StatusCode != 200 || !strings.Contains(text, " n=500000\n") {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	for _, want := range []string{"Idempotency-Key: k\n", "Dapr-Caller-App-Id: gateway\n", "-0af7651916cd43dd8448eb211c80319c-", "POST  /v1/carts/echo/lines?q=a+b%26c"} {
		if !strings.Contains(text, want) && !strings.Contains(text, strings.ReplaceAll(want, "+", "%20")) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for name, values := range resp.Header {
		if strings.HasPrefix(name, "Dapr") || len(values) != 1 {
			t.Errorf("answer %s: %q", name, values)
		}
	}
	if resp, _ := s.do("HEAD", "/v1/carts/abc", nil); resp.StatusCode != 200 {
		t.Errorf("HEAD: %d", resp.StatusCode)
	}
	if resp, _ := s.do("GET", "/v1/carts/abc?q="+strings.Repeat("a", 20_000), nil); resp.StatusCode != 200 {
		t.Errorf("an address longer than the 8 KiB that sidecars take over HTTP: %d", resp.StatusCode)
	}
	s.problem(405, "method-not-allowed", "PUT", "/v1/carts/abc", nil)
	s.problem(404, "not-found", "GET", "/v1/carts/abc/nothing", nil)
}

func checkTricks(t *testing.T, s *shop, cart *service) {
	t.Helper()
	for _, path := range []string{
		"/v1/carts/..%2f..%2fopenapi.json", "/v1/carts/%2e%2e/%2e%2e/openapi.json", "/v1/carts/../../openapi.json", "/v1/carts//../../openapi.json", "/v1/carts/%00", "//openapi.json",
		"/v1/carts/%252e%252e%252fopenapi.json", "/v1/carts/..%5c..%5copenapi.json", "/v1/carts/a%3f/../../openapi.json", "/v1/carts/%ef%bc%8e%ef%bc%8e%ef%bc%8fopenapi.json",
		"/v1/carts/" + strings.Repeat("x", 300), "/v1/internal/carts/abc", "/v1.0/invoke/cart/method/openapi.json", "/v1/carts/abc/", "/v1.0/metadata", "/v1.0/shutdown",
	} {
		answer := s.raw("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 404") && !strings.HasPrefix(answer, "HTTP/1.1 400") {
			t.Errorf("%.60s: %.200s", path, answer)
		}
	}
	if n := cart.calls("GET /openapi.json") + cart.calls("GET /v1/internal"); n != 0 {
		t.Errorf("%d calls strayed: %v", n, cart.seen)
	}
	answer := s.raw("GET /v1/carts/echo HTTP/1.1\r\nHost: x\r\nConnection: close, dapr-app-id, dapr-api-token, traceparent\r\ndapr-app-id: order\r\ndapr-caller-app-id: checkout\r\n" +
		"dapr-caller-namespace: x\r\ndapr-callee-app-id: x\r\ndapr-stream: true\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 200") || !strings.Contains(answer, "Dapr-Caller-App-Id: gateway\n") || !strings.Contains(answer, "Dapr-Callee-App-Id: cart\n") ||
		strings.Contains(answer, "checkout") || strings.Contains(answer, "order\n") {
		t.Errorf("smuggled: %s", answer)
	}
}

func checkLimits(t *testing.T, s *shop, cart *service) {
	t.Helper()
	s.problem(504, "timeout", "POST", "/v1/carts/hang/lines", strings.NewReader("{}"))
	if n := cart.calls("POST /v1/carts/hang"); n != 1 {
		t.Errorf("a call that hangs arrived %d times", n)
	}
	for _, body := range []io.Reader{bytes.NewReader(make([]byte, 10<<20)), struct{ io.Reader }{bytes.NewReader(make([]byte, 2<<20))}} {
		s.problem(413, "body-too-large", "POST", "/v1/carts/echo/lines", body)
	}
	s.problem(503, "unavailable", "GET", "/v1/products", nil) // there is no such service
}

func checkPages(t *testing.T, s *shop) {
	t.Helper()
	resp, text := s.do("GET", "/openapi.json", nil)
	var doc struct {
		Paths   map[string]any
		Missing []string `json:"x-sidecart-missing"`
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil || resp.StatusCode != 200 || doc.Paths["/v1/carts/{id}"] == nil || len(doc.Missing) != 7 {
		t.Errorf("%d %v %s", resp.StatusCode, err, text)
	}
	resp, text = s.do("GET", "/readyz", nil)
	var ready Readiness
	if err := json.Unmarshal([]byte(text), &ready); err != nil || resp.StatusCode != 200 || ready.Status != "degraded" || ready.Services["cart"] != "ready" ||
		ready.Services["order"] != "unreachable" || ready.Dependencies["sidecar"] != "ok" {
		t.Errorf("%d %v %s", resp.StatusCode, err, text)
	}
}
