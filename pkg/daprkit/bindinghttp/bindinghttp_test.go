package bindinghttp_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	dapr "github.com/dapr/go-sdk/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sidecart/sidecart/pkg/daprkit/bindinghttp"
	"github.com/sidecart/sidecart/pkg/fault"
)

// binding is a fake of the sidecar.
type binding struct {
	got   *dapr.InvokeBindingRequest
	calls int
	ev    *dapr.BindingEvent
	err   error
}

func (b *binding) InvokeBinding(_ context.Context, in *dapr.InvokeBindingRequest) (*dapr.BindingEvent, error) {
	b.got = in
	b.calls++
	return b.ev, b.err
}

func event(code, body string) *dapr.BindingEvent {
	return &dapr.BindingEvent{Data: []byte(body), Metadata: map[string]string{
		"statusCode": code, "status": code + " x", "Content-Type": "application/xml", "Content-Length": "99", "X-Many": "a, b",
	}}
}

func request(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, r)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestRequestMapping(t *testing.T) {
	t.Parallel()
	b := &binding{ev: event("201", "<ok/>")}
	req := request(t, http.MethodPost, "https://provider.example:8443/merchants/a%2Fb/transactions?x=1&y=%20", "<sale/>")
	req.Header.Set("Authorization", "Basic secret")
	req.Header.Set("Traceparent", "00-tp")
	req.Header.Set("content-type", "application/xml")
	req.Header["x-api-version"] = []string{"6"}
	req.Header["X-Multi"] = []string{"a", "b"}
	resp, err := bindinghttp.New(b, "payment-gateway").RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	want := map[string]string{
		"path": "/merchants/a%2Fb/transactions?x=1&y=%20", "errorIfNot2XX": "false", "traceparent": "",
		"Content-Type": "application/xml", "X-Api-Version": "6", "X-Multi": "a, b",
	}
	if b.got.Name != "payment-gateway" || b.got.Operation != "post" || string(b.got.Data) != "<sale/>" || !maps.Equal(b.got.Metadata, want) {
		t.Errorf("sent %+v", b.got)
	}
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusCreated || resp.Status != "201 Created" || string(body) != "<ok/>" || resp.ContentLength != 5 ||
		resp.Header.Get("X-Many") != "a, b" || resp.Header.Get("Content-Length") != "" || len(resp.Header) != 2 || resp.Request != req {
		t.Errorf("%+v %s", resp, body)
	}
}

func TestRequestsThatCannotPassAreNotSent(t *testing.T) {
	t.Parallel()
	b := &binding{}
	bad := request(t, http.MethodGet, "http://x/y", "")
	bad.Header["9lives"] = []string{"1"}
	broken := request(t, http.MethodPost, "http://x/y", "")
	broken.Body = io.NopCloser(io.MultiReader(strings.NewReader("<sa"), failing{}))
	opaque := request(t, http.MethodGet, "http://x/y", "")
	opaque.URL.Opaque = "//x/y"
	for name, req := range map[string]*http.Request{"header": bad, "body": broken, "opaque": opaque} {
		if err := failure(b, req); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	if b.calls != 0 {
		t.Errorf("%d calls", b.calls)
	}
}

// failure sends a request that gets no answer.
func failure(b *binding, req *http.Request) error {
	resp, err := bindinghttp.New(b, "c").RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	return err
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk") }

func TestFailuresAreClassedOnce(t *testing.T) {
	t.Parallel()
	internal := func(text string) error { return status.Error(codes.Internal, "error invoking output binding c: "+text) }
	cases := map[string]struct {
		ev   *dapr.BindingEvent
		err  error
		key  string
		verb string
		want fault.Kind
	}{
		"refused":                  {nil, internal(`Post "http://p/": dial tcp 127.0.0.1:1: connect: connection refused`), "", "POST", fault.Unavailable},
		"refused, but repeated":    {nil, internal(`Post "http://p/": dial tcp 127.0.0.1:1: connect: connection refused`), "k", "POST", fault.Timeout},
		"no component":             {nil, internal("couldn't find output binding c"), "", "POST", fault.Unavailable},
		"breaker of the component": {nil, internal("circuit breaker is open"), "", "POST", fault.Unavailable},
		"sidecar away":             {nil, status.Error(codes.Unavailable, `connection error: desc = "transport: Error while dialing: dial tcp"`), "", "POST", fault.Unavailable},
		"sidecar refuses us":       {nil, status.Error(codes.Unauthenticated, "invalid token"), "", "POST", fault.Unavailable},
		"component time-out":       {nil, internal(`Post "http://p/": context deadline exceeded`), "", "POST", fault.Timeout},
		"provider hung up":         {nil, internal(`Post "http://p/": EOF`), "", "POST", fault.Timeout},
		"our deadline":             {nil, status.Error(codes.DeadlineExceeded, "context deadline exceeded"), "", "POST", fault.Timeout},
		"sidecar died":             {nil, status.Error(codes.Unavailable, "error reading from server: EOF"), "", "POST", fault.Timeout},
		"plain error":              {nil, errors.New("?"), "", "POST", fault.Timeout},
		"no response":              {nil, nil, "", "POST", fault.Timeout},
		"no status":                {&dapr.BindingEvent{Data: []byte("x")}, nil, "", "POST", fault.Timeout},
		"mad status":               {event("42", "x"), nil, "", "POST", fault.Timeout},
		"empty 200":                {event("200", ""), nil, "", "POST", fault.Timeout},
		"empty 201 of PUT":         {event("201", ""), nil, "", "PUT", fault.Timeout},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &binding{ev: tc.ev, err: tc.err}
			req := request(t, tc.verb, "http://x/y", "b")
			if tc.key != "" {
				req.Header.Set("Idempotency-Key", tc.key)
			}
			err := failure(b, req)
			if err == nil || fault.KindOf(err) != tc.want {
				t.Errorf("%v, want %s", err, tc.want)
			}
			if b.calls != 1 {
				t.Errorf("%d calls", b.calls)
			}
		})
	}
}

func TestAnswersPassWhateverTheirStatus(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ verb, code, body string }{
		{"POST", "402", "<declined/>"}, {"POST", "422", ""}, {"POST", "503", ""}, {"POST", "204", ""}, {"DELETE", "200", ""}, {"HEAD", "200", ""}, {"GET", "404", ""},
	} {
		resp, err := bindinghttp.New(&binding{ev: event(tc.code, tc.body)}, "c").RoundTrip(request(t, tc.verb, "http://x/y", ""))
		if err != nil {
			t.Errorf("%s %s: %v", tc.verb, tc.code, err)
			continue
		}
		_ = resp.Body.Close()
	}
}

func TestClientSeesTheFaultThroughURLError(t *testing.T) {
	t.Parallel()
	c := &http.Client{Transport: bindinghttp.New(&binding{err: errors.New("?")}, "c")}
	resp, err := c.Do(request(t, http.MethodGet, "http://x/y", ""))
	if err == nil {
		_ = resp.Body.Close()
	}
	if f, ok := fault.As(err); !ok || f.Code != "outcome-unknown" {
		t.Error(err)
	}
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &binding{}
		var changes []string
		br := bindinghttp.NewBreaker(bindinghttp.New(b, "c"), bindinghttp.BreakerOptions{
			Name: "c", Failures: 3, OpenFor: time.Minute, OnChange: func(_, from, to string) { changes = append(changes, from+">"+to) },
		})
		send := func(ctx context.Context, ev *dapr.BindingEvent, err error) error {
			b.ev, b.err = ev, err
			resp, rerr := br.RoundTrip(request(t, http.MethodPost, "http://x/y", "b").WithContext(ctx))
			if rerr == nil {
				_ = resp.Body.Close()
			}
			return rerr
		}
		state := func(want string) {
			t.Helper()
			if br.State() != want {
				t.Fatalf("%s, want %s (%v)", br.State(), want, changes)
			}
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		down, decline := event("503", "x"), event("422", "no")

		for range 10 { // neither declines nor callers that give up open it
			_ = send(t.Context(), decline, nil)
			_ = send(gone, nil, context.Canceled)
		}
		_ = send(t.Context(), down, nil)
		_ = send(t.Context(), nil, errors.New("unknown"))
		_ = send(t.Context(), decline, nil) // an answer in between
		_ = send(t.Context(), down, nil)
		_ = send(t.Context(), down, nil)
		state("closed")
		_ = send(t.Context(), nil, errors.New("unknown"))
		state("open")

		calls := b.calls
		if err := send(t.Context(), decline, nil); fault.CodeOf(err) != "circuit-open" || fault.KindOf(err) != fault.Unavailable || b.calls != calls {
			t.Errorf("open: %v after %d calls", err, b.calls-calls)
		}
		<-time.After(time.Minute + time.Second) // of the bubble's clock
		state("half-open")
		_ = send(gone, nil, context.Canceled) // proves nothing
		state("half-open")
		_ = send(t.Context(), down, nil)
		state("open")
		<-time.After(time.Minute + time.Second)
		if err := send(t.Context(), decline, nil); err != nil {
			t.Error(err)
		}
		state("closed")
		if got := strings.Join(changes, " "); got != "closed>open open>half-open half-open>open open>half-open half-open>closed" {
			t.Error(got)
		}
	})
}
