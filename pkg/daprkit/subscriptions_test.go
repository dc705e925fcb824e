package daprkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/otel/trace"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
)

func mounted(o daprkit.Routes) http.Handler {
	o.AppID, o.AppToken = "shop", appToken
	r := chi.NewRouter()
	daprkit.Mount(r, o)
	return r
}

func post(t *testing.T, h http.Handler, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	req.Header.Set("dapr-api-token", appToken)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

func TestSubscribeAnswer(t *testing.T) {
	t.Parallel()
	ack := func(context.Context, daprkit.Event) error { return nil }
	s := daprkit.NewSubscriptions(daprkit.PubSub, quiet())
	s.On("order", "order.placed.v1", ack)
	s.On("order", "order.cancelled.v1", ack)
	s.On("catalog", "catalog.product_changed.v1", ack)
	req := httptest.NewRequest(http.MethodGet, "/dapr/subscribe", nil)
	req.Header.Set("dapr-api-token", appToken)
	w := httptest.NewRecorder()
	mounted(daprkit.Routes{Subscriptions: s}).ServeHTTP(w, req)
	var got bytes.Buffer
	if err := json.Indent(&got, w.Body.Bytes(), "", " "); err != nil {
		t.Fatal(err)
	}
	const want = `[
 {
  "pubsubname": "pubsub",
  "topic": "catalog",
  "deadLetterTopic": "catalog.dead.shop",
  "metadata": {
   "types": "catalog.product_changed.v1"
  },
  "routes": {
   "rules": [
    {
     "match": "event.type == \"catalog.product_changed.v1\"",
     "path": "/events/catalog/catalog.product_changed.v1"
    }
   ],
   "default": "/events/catalog"
  }
 },
 {
  "pubsubname": "pubsub",
  "topic": "order",
  "deadLetterTopic": "order.dead.shop",
  "metadata": {
   "types": "order.cancelled.v1,order.placed.v1"
  },
  "routes": {
   "rules": [
    {
     "match": "event.type == \"order.cancelled.v1\"",
     "path": "/events/order/order.cancelled.v1"
    },
    {
     "match": "event.type == \"order.placed.v1\"",
     "path": "/events/order/order.placed.v1"
    }
   ],
   "default": "/events/order"
  }
 }
]`
	if got.String() != want {
		t.Errorf("got %s", got.String())
	}
}

func TestOutcomeOfEveryKind(t *testing.T) {
	t.Parallel()
	want := map[fault.Kind]daprkit.Outcome{
		fault.Internal: daprkit.Retry, fault.Malformed: daprkit.Drop, fault.Invalid: daprkit.Drop, fault.Unauthenticated: daprkit.Drop,
		fault.Forbidden: daprkit.Drop, fault.PaymentRequired: daprkit.Drop, fault.NotFound: daprkit.Drop, fault.Conflict: daprkit.Retry,
		fault.Gone: daprkit.Drop, fault.Precondition: daprkit.Retry, fault.TooLarge: daprkit.Drop, fault.UnsupportedMedia: daprkit.Drop,
		fault.RateLimited: daprkit.Retry, fault.Unavailable: daprkit.Retry, fault.Timeout: daprkit.Retry,
	}
	for k := fault.Internal; k <= fault.Timeout; k++ {
		if got := daprkit.OutcomeOf(fmt.Errorf("wrapped: %w", fault.New(k, "x", "y"))); got != want[k] || got == "" {
			t.Errorf("%s: %s, want %s", k, got, want[k])
		}
	}
	if got := daprkit.OutcomeOf(errors.New("no fault")); got != daprkit.Retry {
		t.Errorf("an error without kind: %s", got)
	}
	if got := daprkit.OutcomeOf(nil); got != daprkit.Ack {
		t.Errorf("nil: %s", got)
	}
	if got := daprkit.OutcomeOf(fault.New(fault.Timeout+1, "x", "y")); got != daprkit.Retry {
		t.Errorf("a kind of tomorrow: %s", got)
	}
}

func TestEventDelivery(t *testing.T) {
	t.Parallel()
	const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	const event = `{"specversion":"1.0","id":"e1","type":"order.placed.v1","source":"order","subject":"o1","time":"2026-01-02T03:04:05.678901Z","traceparent":"` + traceparent + `","data":{"sequence":7,"n":9007199254740993}}`
	good := func(ctx context.Context, ev daprkit.Event) error {
		if got := trace.SpanContextFromContext(ctx).TraceID().String(); got != "0af7651916cd43dd8448eb211c80319c" {
			return fault.New(fault.Invalid, "trace", got)
		}
		want := daprkit.Event{
			ID: "e1", Type: "order.placed.v1", Source: "order", Subject: "o1", Topic: "order", TraceParent: traceparent,
			Time: time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC), Sequence: 7, Data: json.RawMessage(`{"sequence":7,"n":9007199254740993}`),
		}
		if fmt.Sprintf("%+v", ev) != fmt.Sprintf("%+v", want) {
			return fault.Newf(fault.Invalid, "event", "%+v", ev)
		}
		return nil
	}
	decoding := func(_ context.Context, ev daprkit.Event) error {
		var v struct{ N string }
		return ev.Decode(&v)
	}
	cases := map[string]struct {
		handler daprkit.Handler
		body    string
		want    string
	}{
		"good":                  {good, event, "SUCCESS"},
		"broken base64":         {good, `{"id":"e1","type":"order.placed.v1","data_base64":"ey I6"}`, "DROP"},
		"base64 of no JSON":     {good, `{"id":"e1","type":"order.placed.v1","data_base64":"AAEC"}`, "DROP"},
		"refused":               {func(context.Context, daprkit.Event) error { return fault.New(fault.Invalid, "x", "y") }, event, "DROP"},
		"failed":                {func(context.Context, daprkit.Event) error { return errors.New("database away") }, event, "RETRY"},
		"panicked":              {func(context.Context, daprkit.Event) error { panic("bug") }, event, "RETRY"},
		"data of another shape": {decoding, event, "DROP"},
		"of no interest":        {good, strings.Replace(event, "placed", "other", 1), "SUCCESS"},
		"no JSON":               {good, "<event/>", "DROP"},
		"no id":                 {good, strings.Replace(event, `"e1"`, `""`, 1), "DROP"},
		"a bad time":            {good, strings.Replace(event, "2026-01", "yesterday", 1), "DROP"},
		"a bad sequence":        {good, strings.Replace(event, `"sequence":7`, `"sequence":"seven"`, 1), "DROP"},
		"too slow": {func(ctx context.Context, _ daprkit.Event) error {
			<-ctx.Done()
			return ctx.Err()
		}, event, "RETRY"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			s := daprkit.NewSubscriptions(daprkit.PubSub, slog.New(slog.NewJSONHandler(&log, nil)))
			s.On("order", "order.placed.v1", tc.handler, daprkit.WithDeadline(50*time.Millisecond))
			w := post(t, mounted(daprkit.Routes{Subscriptions: s}), "/events/order/order.placed.v1", tc.body)
			if want := `{"status":"` + tc.want + `"}`; w.Code != http.StatusOK || w.Body.String() != want {
				t.Errorf("%d %s, want %s; log %s", w.Code, w.Body, want, log.String())
			}
			if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), `"outcome":"`+tc.want+`"`) {
				t.Errorf("%d log lines: %s", n, log.String())
			}
		})
	}
}

// What is away is waited for to the deadline of the delivery, and then by the sidecar. What fails with everything there gets its
// chances and is a dead letter.
func TestEventWaitsForWhatIsAway(t *testing.T) {
	t.Parallel()
	missing, bug := fault.New(fault.Unavailable, "database-unavailable", "away"), errors.New("a bug")
	for name, tt := range map[string]struct {
		err   error
		away  time.Duration
		want  string
		tries int
	}{
		"away for three seconds":   {missing, 3 * time.Second, "SUCCESS", 7},
		"away for good":            {missing, time.Hour, "RETRY", 8},
		"slow for good":            {fault.New(fault.Timeout, "timeout", "slow"), time.Hour, "RETRY", 8},
		"out of time":              {fmt.Errorf("x: %w", context.DeadlineExceeded), time.Hour, "RETRY", 8},
		"a bug that passes":        {bug, 500 * time.Millisecond, "SUCCESS", 4},
		"a bug that does not pass": {bug, time.Hour, "DROP", 5},
		"a conflict for good":      {fault.New(fault.Conflict, "conflict", "not now"), time.Hour, "DROP", 5},
	} {
		synctest.Test(t, func(t *testing.T) {
			begin, tries := time.Now(), 0
			s := daprkit.NewSubscriptions(daprkit.PubSub, quiet())
			s.On("order", "order.placed.v1", func(context.Context, daprkit.Event) error {
				if tries++; time.Since(begin) < tt.away {
					return tt.err
				}
				return nil
			})
			w := post(t, mounted(daprkit.Routes{Subscriptions: s}), "/events/order", `{"id":"1","type":"order.placed.v1","data":{"sequence":1}}`)
			if took := time.Since(begin); !strings.Contains(w.Body.String(), tt.want) || took > 5*time.Second || tries != tt.tries {
				t.Errorf("%s: %s after %s and %d tries, want %s after %d", name, w.Body, took, tries, tt.want, tt.tries)
			}
		})
	}
}

func TestEventOnTheDefaultRouteStillFindsItsHandler(t *testing.T) {
	t.Parallel()
	got := make(chan daprkit.Event, 1)
	s := daprkit.NewSubscriptions(daprkit.PubSub, quiet())
	s.On("order", "order.placed.v1", func(_ context.Context, ev daprkit.Event) error { got <- ev; return nil })
	h := mounted(daprkit.Routes{Subscriptions: s})
	post(t, h, "/events/order", `{"id":"e1","type":"order.placed.v1","data_base64":"eyJzZXF1ZW5jZSI6M30="}`)
	if ev := <-got; ev.Sequence != 3 || string(ev.Data) != `{"sequence":3}` {
		t.Errorf("%+v", ev)
	}
	req := httptest.NewRequest(http.MethodPost, "/events/order", strings.NewReader(`{}`))
	req.Header.Set("dapr-api-token", appToken)
	req.Header.Set("dapr-callee-app-id", "shop")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	if w.Code != http.StatusNotFound {
		t.Errorf("another app forged an event: %d", w.Code)
	}
}

func TestJobs(t *testing.T) {
	t.Parallel()
	j := daprkit.NewJobs(quiet())
	j.On("sweep", func(_ context.Context, data []byte) error {
		if string(data) == "fail" {
			return errors.New("not now")
		}
		if string(data) == "panic" {
			panic("bug")
		}
		return nil
	})
	h := mounted(daprkit.Routes{Jobs: j})
	for _, tc := range []struct {
		path, data string
		want       int
	}{
		{"/job/sweep", "{}", 200}, {"/job/sweep", "fail", 500}, {"/job/sweep", "panic", 500}, {"/job/of-yesterday", "{}", 404},
	} {
		if w := post(t, h, tc.path, tc.data); w.Code != tc.want {
			t.Errorf("%s %s: %d, want %d", tc.path, tc.data, w.Code, tc.want)
		}
	}
}

// Wiring mistakes end the start, not the first event.
func TestWiringMistakesPanic(t *testing.T) {
	t.Parallel()
	ack := func(context.Context, daprkit.Event) error { return nil }
	do := func(context.Context, []byte) error { return nil }
	actor := func(string) daprkit.Actor { return nil }
	for name, mistake := range map[string]func(){
		"bad topic":    func() { daprkit.NewSubscriptions("pubsub", nil).On("a/b", "t", ack) },
		"bad type":     func() { daprkit.NewSubscriptions("pubsub", nil).On("a", `t" || true`, ack) },
		"no handler":   func() { daprkit.NewSubscriptions("pubsub", nil).On("a", "t", nil) },
		"twice":        func() { s := daprkit.NewSubscriptions("pubsub", nil); s.On("a", "t", ack); s.On("a", "t", ack) },
		"bad job":      func() { daprkit.NewJobs(nil).On("", do) },
		"job twice":    func() { j := daprkit.NewJobs(nil); j.On("a", do); j.On("a", do) },
		"bad actor":    func() { daprkit.NewActors(daprkit.ActorOptions{}).Register("a b", actor) },
		"actor twice":  func() { a := daprkit.NewActors(daprkit.ActorOptions{}); a.Register("a", actor); a.Register("a", actor) },
		"no app token": func() { daprkit.Mount(chi.NewRouter(), daprkit.Routes{AppID: "me"}) },
		"no app id":    func() { daprkit.Mount(chi.NewRouter(), daprkit.Routes{AppToken: "x"}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			mistake()
		})
	}
}
