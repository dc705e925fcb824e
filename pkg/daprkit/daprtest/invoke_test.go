package daprtest_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/daprkit/daprtest"
	"github.com/sidecart/sidecart/pkg/daprkit/overgrpc"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/testkit"
)

// A call through two sidecars: the answer, the callee's own fault, and what is left when the callee, its app or its sidecar is away.
func TestInvocationThroughRealSidecars(t *testing.T) {
	t.Parallel()
	names := t.TempDir()
	out := fault.New(fault.Conflict, "out-of-stock", "2 left").With("available", "2")
	r := chi.NewRouter()
	r.Post("/v1/echo", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	r.Post("/v1/refuse", func(w http.ResponseWriter, r *http.Request) { httpx.WriteProblem(w, r, out) })
	daprkit.Mount(r, daprkit.Routes{AppID: "inventory", AppToken: daprtest.AppToken})
	r.Post("/v1/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	callee := daprtest.Start(t, daprtest.Options{AppID: "inventory", App: r, Dir: names})
	caller := daprtest.Start(t, daprtest.Options{AppID: "checkout", Dir: names, Resources: map[string]string{"resiliency.yaml": appTimeout}})
	daprtest.Start(t, daprtest.Options{AppID: "headless", Dir: names})

	call := func(app, path string, patience time.Duration) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		var got string
		err := caller.Caller(app).JSON(ctx, http.MethodPost, path, "hello", &got)
		return got, err
	}
	if got, err := call("inventory", "/v1/echo", 10*time.Second); err != nil || got != "hello" {
		t.Fatalf("%q %v\n%s", got, err, caller.Log())
	}
	_, err := call("inventory", "/v1/refuse", 10*time.Second)
	if f, ok := fault.As(err); !ok || f.Code != "out-of-stock" || f.Kind != fault.Conflict || f.Extra["available"] != "2" {
		t.Errorf("refusal: %v", err)
	}
	for _, tc := range []struct {
		name, app, path string
		want            fault.Kind
	}{
		{"no such app", "nobody", "/v1/echo", fault.Unavailable},
		{"a sidecar without an app", "headless", "/v1/echo", fault.Unavailable},
		{"an event forged by another app", "inventory", "/events/order", fault.NotFound},
		{"an app that hangs", "inventory", "/v1/hang", fault.Timeout},
	} {
		if _, err := call(tc.app, tc.path, 2*time.Second); err == nil || fault.KindOf(err) != tc.want {
			t.Errorf("%s: %v, want %s", tc.name, err, tc.want)
		}
	}
	callee.Kill()
	testkit.Eventually(t, testkit.Patience, func() error {
		_, err := call("inventory", "/v1/echo", 10*time.Second)
		switch fault.KindOf(err) {
		case fault.Unavailable:
			return nil
		case fault.Timeout: // it was sent into a connection that broke
			return err
		default:
			t.Fatalf("the callee's sidecar is away: %v", err)
			return err
		}
	})
}

// A time-out for the app switches daprd's blind retries off, which would make every lost call one of unknown outcome.
const appTimeout = `apiVersion: dapr.io/v1alpha1
kind: Resiliency
metadata:
  name: resiliency
spec:
  policies:
    timeouts:
      call: 5s
  targets:
    apps:
      inventory:
        timeout: call
`

// A job fires through scheduler and sidecar at this app, with its data.
func TestJobThroughARealScheduler(t *testing.T) {
	t.Parallel()
	fired := make(chan string, 10)
	jobs := daprkit.NewJobs(quiet())
	jobs.On("sweep", func(_ context.Context, data []byte) error {
		fired <- string(data)
		return nil
	})
	r := chi.NewRouter()
	daprkit.Mount(r, daprkit.Routes{AppID: "inventory", AppToken: daprtest.AppToken, Jobs: jobs})
	side := daprtest.Start(t, daprtest.Options{AppID: "inventory", App: r, Scheduler: daprtest.Scheduler(t)})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	job := daprkit.Job{Name: "sweep", Schedule: "@every 1s", Data: map[string]int{"limit": 100}}
	if err := side.Schedule(ctx, job, job); err != nil { // twice: the second finds it there
		t.Fatalf("%v\n%s", err, side.Log())
	}
	for range 2 {
		select {
		case data := <-fired:
			if data != `{"limit":100}` {
				t.Errorf("data %q", data)
			}
		case <-ctx.Done():
			t.Fatalf("the job did not fire\n%s", side.Log())
		}
	}
}

// An app that dies in the middle of an answer: sidecars end what is left of it as if it were the whole, so its length tells.
func TestAnAnswerThatBreaksOffIsNone(t *testing.T) {
	t.Parallel()
	names := t.TempDir()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // HTTP alone: the plain way
		switch r.URL.Path {
		case "/whole":
			w.Header().Set(overgrpc.BodyLength, "7")
			_, _ = io.WriteString(w, `"hello"`)
		case "/head", "/half":
			w.Header().Set(overgrpc.BodyLength, "7")
			w.WriteHeader(http.StatusCreated)
			if r.URL.Path == "/half" {
				_, _ = io.WriteString(w, `"he`)
			}
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(app.Close)
	_, port, _ := net.SplitHostPort(app.Listener.Addr().String())
	daprtest.Start(t, daprtest.Options{AppID: "inventory", Port: port, Dir: names})
	caller := daprtest.Start(t, daprtest.Options{AppID: "checkout", Dir: names})
	for path, want := range map[string]string{"/whole": "", "/head": "timeout", "/half": "timeout"} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		var got string
		err := caller.Caller("inventory").JSON(ctx, http.MethodGet, path, nil, &got)
		cancel()
		if fault.CodeOf(err) != want || (err == nil) != (got == "hello") {
			t.Errorf("%s: %q, %v\n%s", path, got, err, caller.Log())
		}
	}
}
