package httpx_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/httpx"
)

func TestInternalErrorsSayNothing(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	s := httpx.New(httpx.Config{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	fails(s, fmt.Errorf("load cart 42: %w", errors.New("password=hunter2")))
	httpx.Register(s, huma.Operation{Method: "GET", Path: "/panic/{id}"},
		func(context.Context, *struct {
			ID string `path:"id"`
		}) (*struct{}, error) {
			panic("password=hunter2")
		})
	for _, path := range []string{"/fail", "/panic/capability"} {
		a := call(t, s, "GET", path, "", "X-Request-Id", "req-1")
		a.want(t, 500, "internal")
		if strings.Contains(a.Body.String(), "hunter2") {
			t.Errorf("%s leaks: %s", path, a.Body)
		}
		line := log.take(t)
		if line["level"] != "ERROR" || !strings.Contains(fmt.Sprint(line["error"]), "hunter2") || line["request_id"] != "req-1" ||
			line["trace_id"] != a.problem.TraceID || strings.Contains(fmt.Sprint(line), "capability") {
			t.Errorf("%s logs %v", path, line)
		}
		if hasStack := strings.Contains(fmt.Sprint(line["stack"]), "edge_test.go"); hasStack != strings.HasPrefix(path, "/panic") {
			t.Errorf("%s logs the stack %v", path, line["stack"])
		}
	}
}

type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// take returns the one line that was logged and empties the buffer.
func (b *syncBuffer) take(t *testing.T) map[string]any {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.Reset()
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	var m map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &m); err != nil || len(lines) != 1 {
		t.Fatalf("want one line of JSON, got %q", b.String())
	}
	return m
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	registry := prometheus.NewRegistry()
	s := shop(httpx.Config{Log: slog.New(slog.NewJSONHandler(&log, nil)), Metrics: registry})
	call(t, s, "POST", "/v1/carts/secretcapability/lines", goodLine)
	line := log.take(t)
	for key, want := range map[string]any{"level": "INFO", "msg": "request", "method": "POST", "route": "/v1/carts/{id}/lines", "status": 201.0} {
		if line[key] != want {
			t.Errorf("%s is %v, want %v", key, line[key], want)
		}
	}
	if strings.Contains(fmt.Sprint(line), "secretcapability") || strings.Contains(fmt.Sprint(line), "A-1") {
		t.Errorf("the log tells ids or bodies: %v", line)
	}
	call(t, s, "POST", "/v1/carts/secretcapability/lines", `{}`)
	if line := log.take(t); line["code"] != "validation-failed" || line["error"] != nil {
		t.Errorf("refused: %v", line)
	}
	call(t, s, "GET", "/unknown/secretcapability?token=secret", "")
	if line := log.take(t); line["route"] != "unmatched" || strings.Contains(fmt.Sprint(line), "secret") {
		t.Errorf("unmatched: %v", line)
	}
	call(t, s, "GET", "/healthz", "")
	if log.Len() != 0 {
		t.Errorf("probes are logged: %s", log.String())
	}
	families, err := registry.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "http_server_request_duration_seconds" || len(families[0].GetMetric()) != 4 {
		t.Errorf("metrics %v, %v", families, err)
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	s := httpx.New(httpx.Config{})
	for id, kept := range map[string]bool{
		"abc-123_X.y:z": true, strings.Repeat("a", 128): true, strings.Repeat("a", 129): false, "a b": false, "a\"b": false,
		"<script>": false, "é": false,
	} {
		got := call(t, s, "GET", "/healthz", "", "X-Request-Id", id).Header().Get("X-Request-Id")
		if (got == id) != kept || got == "" {
			t.Errorf("%q answered as %q", id, got)
		}
	}
}

func TestTraceIsContinued(t *testing.T) {
	t.Parallel()
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	got := call(t, httpx.New(httpx.Config{}), "GET", "/healthz", "", "Traceparent", parent).Header().Get("Traceparent")
	if !strings.HasPrefix(got, "00-4bf92f3577b34da6a3ce929d0e0e4736-") {
		t.Errorf("answered %s", got)
	}
	got = call(t, httpx.New(httpx.Config{}), "GET", "/healthz", "", "Traceparent", "garbage").Header().Get("Traceparent")
	if strings.Contains(got, "garbage") {
		t.Errorf("answered %s", got)
	}
}

func TestAppToken(t *testing.T) {
	t.Parallel()
	s := fails(httpx.New(httpx.Config{AppToken: "s3cret"}), nil)
	for _, token := range []string{"", "s3cre", "s3cret2", "S3CRET"} {
		call(t, s, "GET", "/fail", "", "dapr-api-token", token).want(t, 401, "unauthenticated")
		call(t, s, "GET", "/openapi.json", "", "dapr-api-token", token).want(t, 401, "unauthenticated")
	}
	if a := call(t, s, "GET", "/fail", "", "dapr-api-token", "s3cret"); a.Code != 204 {
		t.Errorf("with the token: %d", a.Code)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if a := call(t, s, "GET", path, ""); a.Code != 200 {
			t.Errorf("%s without a token: %d", path, a.Code)
		}
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	signer, err := auth.Generate()
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := auth.NewVerifier(auth.JWKS{Keys: []auth.JWK{signer.JWK()}})
	if err != nil {
		t.Fatal(err)
	}
	mint := func(scopes ...string) string {
		token, err := signer.Mint(auth.Principal{Subject: "u", Scopes: scopes, Kind: auth.KindStaff}, time.Minute, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + token
	}
	s := fails(httpx.New(httpx.Config{Verifier: verifier}), nil)
	type input struct {
		Body struct {
			Name string `json:"name"`
		}
	}
	httpx.Register(s, huma.Operation{Method: "POST", Path: "/v1/admin/things", Security: httpx.Scope("things.write")},
		func(ctx context.Context, _ *input) (*struct{}, error) { return nil, auth.Require(ctx, "things.write") })
	post := func(headers ...string) answer {
		return call(t, s, "POST", "/v1/admin/things", `{"wrong":1}`, headers...) // the guard comes before the body
	}
	a := post()
	a.want(t, 401, "unauthenticated")
	if a.Header().Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("headers %v", a.Header())
	}
	post("Authorization", mint("things.read")).want(t, 403, "forbidden")
	post("Authorization", mint("things.write")).want(t, 422, "validation-failed")
	post("Authorization", mint(auth.AnyScope)).want(t, 422, "validation-failed")
	post("Authorization", "Bearer nonsense").want(t, 401, "unauthenticated")
	post("Authorization", "Basic dTpw").want(t, 401, "unauthenticated")
	post("Authorization", mint("things.write"), "Authorization", mint("things.write")).want(t, 401, "unauthenticated")
	if a := call(t, s, "POST", "/v1/admin/things", `{"name":"x"}`, "Authorization", mint("things.write")); a.Code != 204 {
		t.Errorf("with scope: %d %s", a.Code, a.Body)
	}
	// a bad token is refused where none is needed
	call(t, s, "GET", "/fail", "", "Authorization", "Bearer nonsense").want(t, 401, "unauthenticated")
	if a := call(t, s, "GET", "/fail", ""); a.Code != 204 {
		t.Errorf("anonymous: %d", a.Code)
	}
}

func TestInternalCallers(t *testing.T) {
	t.Parallel()
	s := httpx.New(httpx.Config{})
	httpx.Register(s, huma.Operation{Method: "GET", Path: "/v1/internal/quote"},
		func(context.Context, *struct{}) (*struct{}, error) { return nil, nil }, httpx.Callers("cart", "checkout"))
	get := func(headers ...string) answer { return call(t, s, "GET", "/v1/internal/quote", "", headers...) }
	get().want(t, 403, "forbidden")
	get("dapr-caller-app-id", "gateway").want(t, 403, "forbidden")
	get("dapr-caller-app-id", "cart", "dapr-caller-app-id", "gateway").want(t, 403, "forbidden")
	get("dapr-caller-app-id", "cart", "dapr-caller-app-id", "cart").want(t, 403, "forbidden")
	if a := get("dapr-caller-app-id", "checkout"); a.Code != 204 {
		t.Errorf("a listed caller: %d", a.Code)
	}
}

func TestOpenRoutesAreRefusedAtStart(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/v1/internal/quote", "/v1/admin/things"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was registered without a guard", path)
				}
			}()
			httpx.Register(httpx.New(httpx.Config{}), huma.Operation{Method: "GET", Path: path},
				func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
		}()
	}
}
