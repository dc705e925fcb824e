package daprkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
)

// probe is an actor that a test can hold in a turn.
type probe struct {
	id       string
	entered  chan string // gets the data of a turn that has begun
	release  chan struct{}
	running  *atomic.Int64
	overlaps *atomic.Int64
	gone     chan string
}

func (p *probe) Invoke(ctx context.Context, method string, data []byte) (any, error) {
	if p.running.Add(1) > 1 {
		p.overlaps.Add(1)
	}
	defer p.running.Add(-1)
	switch method {
	case "hold":
		p.entered <- string(data)
		select {
		case <-p.release:
			return map[string]string{"was": string(data)}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case "refuse":
		return nil, fault.New(fault.Conflict, "out-of-stock", "2 left").With("available", "2").WithField("quantity", "too many", "3").WithRetryAfter(time.Second)
	case "fail":
		return nil, errors.New("secret text")
	case "panic":
		panic("secret text")
	case "bad-result":
		return make(chan int), nil
	case "nothing":
		return nil, nil
	}
	return nil, daprkit.ErrUnknownMethod
}

func (p *probe) Deactivate() { p.gone <- p.id }

func (p *probe) Remind(_ context.Context, name string, data []byte) error {
	if name == "fail" {
		return errors.New("not now")
	}
	p.entered <- name + string(data)
	return nil
}

type host struct {
	router http.Handler
	actors *daprkit.Actors
	probe  *probe
	made   atomic.Int64
}

func newHost(o daprkit.ActorOptions) *host {
	h := &host{probe: &probe{
		entered: make(chan string, 100), release: make(chan struct{}), gone: make(chan string, 10),
		running: &atomic.Int64{}, overlaps: &atomic.Int64{},
	}}
	o.Log = quiet()
	a := daprkit.NewActors(o)
	a.Register("probe", func(id string) daprkit.Actor {
		h.made.Add(1)
		p := *h.probe
		p.id = id
		return &p
	})
	r := chi.NewRouter()
	daprkit.Mount(r, daprkit.Routes{AppID: "me", AppToken: appToken, Actors: a})
	h.router, h.actors = r, a
	return h
}

func (h *host) do(ctx context.Context, method, path, body string) *httptest.ResponseRecorder {
	req := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	req.Header.Set("dapr-api-token", appToken)
	w := httptest.NewRecorder()
	h.router.ServeHTTP(w, req)
	return w
}

func TestActorConfig(t *testing.T) {
	t.Parallel()
	h := newHost(daprkit.ActorOptions{IdleTimeout: time.Minute, DrainTimeout: 8 * time.Second})
	var got map[string]any
	if err := json.Unmarshal(h.do(t.Context(), http.MethodGet, "/dapr/config", "").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"entities": []any{"probe"}, "actorIdleTimeout": "1m0s", "drainOngoingCallTimeout": "8s",
		"drainRebalancedActors": true, "reentrancy": map[string]any{"enabled": false},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestActorReplies(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		path   string
		status int
		body   string
	}{
		"nothing":                     {"/actors/probe/1/method/nothing", 200, `{}`},
		"refusal":                     {"/actors/probe/1/method/refuse", 200, `{"kind":"conflict","code":"out-of-stock","message":"2 left","fields":[{"location":"quantity","message":"too many","value":"3"}],"extra":{"available":"2"},"retry_after_ms":1000}`},
		"error":                       {"/actors/probe/1/method/fail", 200, `{"kind":"internal","code":"internal","message":"something went wrong"}`},
		"panic":                       {"/actors/probe/1/method/panic", 200, `{"kind":"internal","code":"internal","message":"something went wrong"}`},
		"bad result":                  {"/actors/probe/1/method/bad-result", 200, `{"kind":"internal","code":"internal","message":"something went wrong"}`},
		"unknown method":              {"/actors/probe/1/method/what", 200, `{"kind":"internal","code":"unknown-method","message":"the actor has no such method"}`},
		"unknown type":                {"/actors/other/1/method/hold", 404, ``},
		"reminder":                    {"/actors/probe/1/method/remind/tick", 200, ``},
		"failed reminder":             {"/actors/probe/1/method/remind/fail", 500, ``},
		"timer it does not take":      {"/actors/probe/1/method/timer/tick", 404, ``},
		"reminder of an unknown type": {"/actors/other/1/method/remind/tick", 404, ``},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newHost(daprkit.ActorOptions{}).do(t.Context(), http.MethodPut, tc.path, `"d"`)
			if w.Code != tc.status || (tc.body != "" && w.Body.String() != tc.body) {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, tc.status, tc.body)
			}
		})
	}
}

// What an actor refuses reaches the caller as the same fault, through host, envelope and client.
func TestActorFaultRoundTrip(t *testing.T) {
	t.Parallel()
	w := newHost(daprkit.ActorOptions{}).do(t.Context(), http.MethodPut, "/actors/probe/1/method/refuse", "")
	err := sidecar(t, &fakeActors{status: 200, reply: w.Body.String()}, nil).Actor(soon(t), "probe", "1", "refuse", nil, nil)
	want := fault.New(fault.Conflict, "out-of-stock", "2 left").With("available", "2").WithField("quantity", "too many", "3").WithRetryAfter(time.Second)
	if got, _ := fault.As(err); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v\nwant %#v", got, want)
	}
}

func TestActorPanicDropsTheInstance(t *testing.T) {
	t.Parallel()
	h := newHost(daprkit.ActorOptions{})
	h.do(t.Context(), http.MethodPut, "/actors/probe/1/method/panic", "")
	h.do(t.Context(), http.MethodPut, "/actors/probe/1/method/nothing", "")
	h.do(t.Context(), http.MethodPut, "/actors/probe/1/method/nothing", "")
	if n := h.made.Load(); n != 2 {
		t.Errorf("made %d instances, want 2", n)
	}
}

func TestActorTurnTimeout(t *testing.T) {
	t.Parallel()
	h := newHost(daprkit.ActorOptions{TurnTimeout: 50 * time.Millisecond})
	w := h.do(t.Context(), http.MethodPut, "/actors/probe/1/method/hold", "a")
	if !strings.Contains(w.Body.String(), `"kind":"timeout"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Hasty callers that give up while they wait break neither the turn that runs nor the queue behind it.
func TestActorTurnsNeverOverlap(t *testing.T) {
	t.Parallel()
	h := newHost(daprkit.ActorOptions{TurnTimeout: time.Minute})
	var wg sync.WaitGroup
	call := func(ctx context.Context, data string) {
		wg.Go(func() { h.do(ctx, http.MethodPut, "/actors/probe/1/method/hold", data) })
	}
	call(t.Context(), "first")
	if got := <-h.probe.entered; got != "first" {
		t.Fatal(got)
	}
	hasty, giveUp := context.WithCancel(t.Context())
	for range 30 {
		call(hasty, "hasty")
		call(t.Context(), "patient")
	}
	giveUp()
	for range 30 {
		h.probe.release <- struct{}{}
		if got := <-h.probe.entered; got != "patient" {
			t.Errorf("a turn for %q", got)
		}
	}
	h.probe.release <- struct{}{}
	wg.Wait()
	if h.probe.overlaps.Load() != 0 || h.made.Load() != 1 || len(h.probe.entered) != 0 {
		t.Errorf("%d overlaps, %d instances, %d turns too many", h.probe.overlaps.Load(), h.made.Load(), len(h.probe.entered))
	}
	if other := h.do(t.Context(), http.MethodPut, "/actors/probe/2/method/nothing", ""); other.Code != http.StatusOK {
		t.Errorf("another id: %d", other.Code)
	}
}

func TestActorDeactivateWaitsForTheTurn(t *testing.T) {
	t.Parallel()
	h := newHost(daprkit.ActorOptions{TurnTimeout: time.Minute})
	done := make(chan string, 2)
	go func() {
		h.do(context.Background(), http.MethodPut, "/actors/probe/1/method/hold", "x")
		done <- "turn"
	}()
	<-h.probe.entered
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if w := h.do(impatient, http.MethodDelete, "/actors/probe/1", ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a deactivation that gave up: %d", w.Code)
	}
	go func() {
		h.do(context.Background(), http.MethodDelete, "/actors/probe/1", "")
		done <- "deactivated"
	}()
	if len(h.probe.gone) != 0 {
		t.Error("deactivated within a turn")
	}
	h.probe.release <- struct{}{}
	<-done
	<-done
	if id := <-h.probe.gone; id != "1" {
		t.Errorf("deactivated %q", id)
	}
	h.do(t.Context(), http.MethodPut, "/actors/probe/1/method/nothing", "")
	if h.made.Load() != 2 {
		t.Errorf("made %d instances, want a new one", h.made.Load())
	}
	if w := h.do(t.Context(), http.MethodDelete, "/actors/probe/unknown", ""); w.Code != http.StatusOK {
		t.Errorf("unknown id: %d", w.Code)
	}
	if w := h.do(t.Context(), http.MethodDelete, "/actors/other/1", ""); w.Code != http.StatusNotFound {
		t.Errorf("unknown type: %d", w.Code)
	}
}

// A sidecar that starts knows no actors; those that it would never deactivate are dropped.
func TestActorsAreDroppedWhenTheSidecarStartsAnew(t *testing.T) {
	t.Parallel()
	h := newHost(daprkit.ActorOptions{})
	h.do(t.Context(), http.MethodPut, "/actors/probe/1/method/nothing", "")
	h.do(t.Context(), http.MethodGet, "/dapr/config", "")
	if id := <-h.probe.gone; id != "1" {
		t.Errorf("dropped %q", id)
	}
}

// A turn past the sidecar needs an instance that the sidecar asked for, takes its place in the queue, and ends with the instance.
func TestActorTurnsNear(t *testing.T) {
	t.Parallel()
	h := newHost(daprkit.ActorOptions{TurnTimeout: time.Minute})
	turns := 0
	near := func(ctx context.Context, typ, id string) bool {
		here, err := h.actors.Near(ctx, typ, id, func(_ context.Context, a daprkit.Actor) error {
			turns++
			if got := a.(*probe).id; got != id {
				t.Errorf("the turn of %s is at %s", id, got)
			}
			return errors.New("as it is")
		})
		if here != (err != nil) {
			t.Errorf("here %v, error %v", here, err)
		}
		return here
	}
	if near(t.Context(), "probe", "1") || near(t.Context(), "other", "1") || h.made.Load() != 0 {
		t.Error("a turn without an instance")
	}
	h.do(t.Context(), http.MethodPut, "/actors/probe/1/method/nothing", "")
	if !near(t.Context(), "probe", "1") || turns != 1 || near(t.Context(), "probe", "2") {
		t.Errorf("%d turns at the instance that lives here", turns)
	}

	done := make(chan struct{})
	go func() {
		h.do(context.Background(), http.MethodPut, "/actors/probe/1/method/hold", "x")
		close(done)
	}()
	<-h.probe.entered
	hasty, cancel := context.WithCancel(t.Context())
	cancel()
	if !near(hasty, "probe", "1") || turns != 1 {
		t.Error("a turn beside another")
	}
	h.probe.release <- struct{}{}
	<-done
	h.do(t.Context(), http.MethodDelete, "/actors/probe/1", "")
	if near(t.Context(), "probe", "1") || turns != 1 {
		t.Error("a turn at an instance that was taken back")
	}
}

func TestMountLetsOnlyTheSidecarIn(t *testing.T) {
	t.Parallel()
	h := newHost(daprkit.ActorOptions{})
	for _, route := range []string{"GET /dapr/config", "GET /dapr/subscribe", "PUT /actors/probe/1/method/nothing", "DELETE /actors/probe/1", "POST /events/order", "POST /job/x"} {
		for _, token := range []string{"", "wrong"} {
			method, path, _ := strings.Cut(route, " ")
			req := httptest.NewRequest(method, path, strings.NewReader("{}"))
			req.Header.Set("dapr-api-token", token)
			w := httptest.NewRecorder()
			h.router.ServeHTTP(w, req)
			if w.Code != http.StatusUnauthorized {
				t.Errorf("%s with %q: %d", route, token, w.Code)
			}
		}
	}
	w := httptest.NewRecorder()
	daprkit.RequireAppToken("")(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "in") })).
		ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("no token configured: %d", w.Code)
	}
}
