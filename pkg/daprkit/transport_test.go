package daprkit_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
)

// get returns status and body of the answer.
func get(ctx context.Context, rt http.RoundTripper, url string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestTransportAddressesTheOtherAppThroughTheOwnSidecar(t *testing.T) {
	t.Parallel()
	var got *http.Request
	c := sidecar(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.Background())
		w.WriteHeader(http.StatusTeapot)
	}), nil)
	ctx := trace.ContextWithSpanContext(soon(t), trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled}))
	status, _, err := get(ctx, c.Transport(), "http://order/v1/orders/7?expand=lines")
	if err != nil {
		t.Fatal(err)
	}
	if status != http.StatusTeapot {
		t.Errorf("status %d: an answer of the other app must pass as it is", status)
	}
	for k, want := range map[string]string{
		"dapr-app-id": "order", "dapr-api-token": apiToken,
		"traceparent": "00-01000000000000000000000000000000-0200000000000000-01",
	} {
		if got.Header.Get(k) != want {
			t.Errorf("header %s = %q, want %q", k, got.Header.Get(k), want)
		}
	}
	if got.URL.String() != "/v1/orders/7?expand=lines" {
		t.Errorf("path %q", got.URL)
	}
}

func TestTransportRefusesPathsOfTheSidecarsOwnAPI(t *testing.T) {
	t.Parallel()
	c := sidecar(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached the sidecar") }), nil)
	for _, path := range []string{"/v1.0/state/carts", "/v1.0-alpha1/shutdown"} {
		if _, _, err := get(soon(t), c.Transport(), "http://order"+path); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// What daprd answers by itself becomes a fault; the texts are those of daprd 1.18.1.
func TestTransportTellsTheSidecarsErrorsFromTheApps(t *testing.T) {
	t.Parallel()
	const js = "application/json"
	cases := map[string]struct {
		status      int
		contentType string
		body        string
		want        fault.Kind
		answer      bool
	}{
		"no such app":        {500, js, `{"errorCode":"ERR_DIRECT_INVOKE","message":"failed to invoke, id: order, err: no host found with the given ID"}`, fault.Unavailable, false},
		"app refuses":        {500, js, `{"errorCode":"ERR_DIRECT_INVOKE","message":"failed to invoke, id: order, err: rpc error: code = Internal desc = dial tcp 127.0.0.1:1: connect: connection refused"}`, fault.Unavailable, false},
		"callee unhealthy":   {500, js, `{"errorCode":"ERR_DIRECT_INVOKE","message":"failed to invoke, id: order, err: app is not in a healthy state"}`, fault.Unavailable, false},
		"lost half-way":      {500, js, `{"errorCode":"ERR_DIRECT_INVOKE","message":"failed to invoke, id: order, err: rpc error: code = Unavailable desc = error reading from server: EOF"}`, fault.Timeout, false},
		"time-out policy":    {500, js, `{"errorCode":"ERR_DIRECT_INVOKE","message":"failed to invoke, id: order, err: context deadline exceeded"}`, fault.Timeout, false},
		"repeated by daprd":  {500, js, `{"errorCode":"ERR_DIRECT_INVOKE","message":"failed to invoke, id: order, err: failed to invoke target order after 3 retries. Error: dial tcp: connection refused"}`, fault.Timeout, false},
		"access list":        {403, js, `{"errorCode":"ERR_DIRECT_INVOKE","message":"access control policy has denied access"}`, fault.Forbidden, false},
		"bad request of us":  {404, js, `{"errorCode":"ERR_DIRECT_INVOKE","message":"failed getting app id"}`, fault.Internal, false},
		"body over limit":    {413, js, `{"errorCode":"ERR_DIRECT_INVOKE","message":"request body too large"}`, fault.TooLarge, false},
		"a problem document": {500, "application/problem+json", `{"type":"https://sidecart.dev/problems/internal"}`, 0, true},
		"JSON of the app":    {409, js, `{"message":"mine"}`, 0, true},
		"text of the app":    {500, "text/plain", `ERR_`, 0, true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := sidecar(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tc.contentType)
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			}), nil)
			status, body, err := get(soon(t), c.Transport(), "http://order/v1")
			if tc.answer {
				if err != nil {
					t.Fatal(err)
				}
				if body != tc.body || status != tc.status {
					t.Errorf("%d %s: not passed on as it is", status, body)
				}
				return
			}
			f, ok := fault.As(err)
			if !ok || f.Kind != tc.want {
				t.Fatalf("%v, want kind %s", err, tc.want)
			}
			if strings.Contains(f.Message, "order") || strings.Contains(f.Message, "tcp") {
				t.Errorf("message %q tells internals", f.Message)
			}
		})
	}
}

func TestTransportTellsNotSentFromUnknown(t *testing.T) {
	t.Parallel()
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		if _, _, err := get(soon(t), sidecar(t, nil, nil).Transport(), "http://order/v1"); fault.KindOf(err) != fault.Unavailable {
			t.Error(err)
		}
	})
	t.Run("the caller is gone before anything is sent", func(t *testing.T) {
		t.Parallel()
		c := sidecar(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("sent") }), nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := get(ctx, c.Transport(), "http://order/v1"); fault.KindOf(err) != fault.Unavailable || !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Run("no answer before the deadline", func(t *testing.T) {
		t.Parallel()
		c := sidecar(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), nil)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, _, err := get(ctx, c.Transport(), "http://order/v1"); fault.KindOf(err) != fault.Timeout || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	t.Run("connection lost after sending", func(t *testing.T) {
		t.Parallel()
		c := sidecar(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), nil)
		if _, _, err := get(soon(t), c.Transport(), "http://order/v1"); fault.KindOf(err) != fault.Timeout {
			t.Error(err)
		}
	})
}

// A server announces that the connection is old, and cuts it with the call under way: that may have been executed.
func TestTransportDoesNotRepeatWhatWasCutOff(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer(grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: 50 * time.Millisecond, MaxConnectionAgeGrace: 50 * time.Millisecond}),
		grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error { calls.Add(1); <-s.Context().Done(); return s.Context().Err() }))
	go func() { _ = g.Serve(l) }()
	t.Cleanup(g.Stop)
	api := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	t.Cleanup(api.Close)
	c, err := daprkit.Connect(t.Context(), daprkit.Config{GRPCAddr: l.Addr().String(), HTTPAddr: api.Listener.Addr().String()}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	err = c.Caller("order").JSON(soon(t), http.MethodPost, "/v1", map[string]int{}, nil)
	if fault.KindOf(err) != fault.Timeout || calls.Load() != 1 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}

// Go repeats a request with an Idempotency-Key on a lost connection by itself. When the repetition finds nobody, the first may
// still have been executed.
func TestTransportRemembersThatAnEarlierTryWasSent(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	c := sidecar(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusNoContent)
	}), nil)
	post := func() error {
		return c.Caller("order").JSON(soon(t), http.MethodPost, "/v1", map[string]int{}, nil, daprkit.WithHeader("Idempotency-Key", "k"))
	}
	if err := post(); err != nil {
		t.Fatal(err)
	}
	if err := post(); fault.KindOf(err) != fault.Timeout {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}

func TestHealthy(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{204: true, 500: false} {
		c := sidecar(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v1.0/healthz/outbound" {
				t.Errorf("asked %s", r.URL.Path)
			}
			w.WriteHeader(status)
		}), nil)
		if err := c.Healthy(soon(t)); (err == nil) != want {
			t.Errorf("status %d: %v", status, err)
		}
	}
	if err := sidecar(t, nil, nil).Healthy(soon(t)); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("no sidecar: %v", err)
	}
}
