package httpx_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
)

type lineBody struct {
	SKU      string         `json:"sku" minLength:"1" maxLength:"64"`
	Quantity int64          `json:"quantity" minimum:"1"`
	Price    *money.Amount  `json:"price,omitempty"`
	At       *time.Time     `json:"at,omitempty"`
	Tags     []string       `json:"tags,omitempty"`
	Metadata map[string]any `json:"metadata,omitempty"`
	Count    int64          `json:"count,omitempty"`
}

type addInput struct {
	ID string `path:"id"`
	httpx.IdempotencyHeader
	Body struct {
		Lines []lineBody `json:"lines" minItems:"1"`
		Note  string     `json:"note,omitempty"`
	}
}

type addOutput struct {
	httpx.ETagHeader
	httpx.ReplayedHeader
	Body struct {
		ID    string     `json:"id"`
		Lines []lineBody `json:"lines"`
	}
}

// shop is a server with one operation of each sort.
func shop(c httpx.Config) *httpx.Server {
	if c.Name == "" {
		c.Name = "test"
	}
	s := httpx.New(c)
	httpx.Register(s, huma.Operation{Method: http.MethodPost, Path: "/v1/carts/{id}/lines", DefaultStatus: http.StatusCreated,
		Errors: []int{404, 409}, MaxBodyBytes: 4096},
		func(_ context.Context, in *addInput) (*addOutput, error) {
			out := &addOutput{ETagHeader: httpx.ETag(7), ReplayedHeader: httpx.Replayed(in.Body.Note == "again")}
			out.Body.ID, out.Body.Lines = in.ID, in.Body.Lines
			return out, nil
		})
	return s
}

// fails registers GET /fail, which answers err.
func fails(s *httpx.Server, err error) *httpx.Server {
	httpx.Register(s, huma.Operation{Method: http.MethodGet, Path: "/fail"},
		func(context.Context, *struct{}) (*struct{}, error) { return nil, err })
	return s
}

type answer struct {
	*httptest.ResponseRecorder
	problem httpx.ProblemDetails
}

func call(t testing.TB, h http.Handler, method, path, body string, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	} else {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Del(headers[i])
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] != "" {
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	a := answer{ResponseRecorder: httptest.NewRecorder()}
	h.ServeHTTP(a, r)
	if a.Code >= 400 && a.Body.Len() > 0 && !strings.HasPrefix(path, "/readyz") {
		if got := a.Header().Get("Content-Type"); got != httpx.ContentTypeProblem {
			t.Errorf("%s %s: content type %q of a problem", method, path, got)
		}
		if err := json.Unmarshal(a.Body.Bytes(), &a.problem); err != nil {
			t.Errorf("%s %s: %v in %s", method, path, err, a.Body)
		}
		checkProblem(t, a)
	}
	if !regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$`).MatchString(a.Header().Get("traceparent")) {
		t.Errorf("%s %s: traceparent %q", method, path, a.Header().Get("traceparent"))
	}
	if a.Header().Get("X-Request-Id") == "" {
		t.Errorf("%s %s: no request id", method, path)
	}
	return a
}

func checkProblem(t testing.TB, a answer) {
	t.Helper()
	p := a.problem
	if p.Status != a.Code || !strings.HasPrefix(p.Type, httpx.ProblemBase) || p.Title == "" || p.Detail == "" ||
		p.Instance != "urn:sidecart:request:"+a.Header().Get("X-Request-Id") ||
		p.TraceID == "" || !strings.Contains(a.Header().Get("traceparent"), p.TraceID) {
		t.Errorf("incomplete problem %+v for status %d", p, a.Code)
	}
}

func (a answer) want(t testing.TB, status int, code string) {
	t.Helper()
	if a.Code != status || a.problem.Type != httpx.ProblemBase+code {
		t.Errorf("answered %d %s, want %d %s: %s", a.Code, a.problem.Type, status, code, a.Body)
	}
}

const goodLine = `{"lines":[{"sku":"A-1","quantity":2}]}`

func TestGoodRequest(t *testing.T) {
	t.Parallel()
	a := call(t, shop(httpx.Config{}), "POST", "/v1/carts/c1/lines",
		`{"lines":[{"sku":"A-1","quantity":2,"price":{"amount":1999,"currency":"USD"},"metadata":{"gift":true}}],"note":"again"}`)
	if a.Code != 201 || a.Header().Get("ETag") != `"v7"` || a.Header().Get("Idempotency-Replayed") != "true" {
		t.Fatalf("%d %v %s", a.Code, a.Header(), a.Body)
	}
	want := `{"id":"c1","lines":[{"sku":"A-1","quantity":2,"price":{"amount":1999,"currency":"USD"},"metadata":{"gift":true}}]}`
	if got := strings.TrimSpace(a.Body.String()); got != want {
		t.Errorf("answer %s", got)
	}
	if got := a.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("content type %s", got)
	}
}

// places lists the locations of a problem's errors.
func (a answer) places() []string {
	var out []string
	for _, e := range a.problem.Errors {
		out = append(out, e.Location)
	}
	return out
}

func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	s := shop(httpx.Config{})
	for name, tc := range map[string]struct {
		body   string
		places []string
	}{
		"missing":       {`{}`, []string{"body.lines"}},
		"unknown":       {`{"lines":[{"sku":"A","quantity":1,"colour":"red"}],"colour":1}`, []string{"body.colour", "body.lines[0].colour"}},
		"casing":        {`{"lines":[{"sku":"A","Quantity":1}]}`, []string{"body.lines[0].Quantity", "body.lines[0].quantity"}},
		"types":         {`{"lines":[{"sku":7,"quantity":"2"}],"note":[]}`, []string{"body.lines[0].quantity", "body.lines[0].sku", "body.note"}},
		"ranges":        {`{"lines":[{"sku":"","quantity":0}]}`, []string{"body.lines[0].quantity", "body.lines[0].sku"}},
		"empty":         {`{"lines":[]}`, []string{"body.lines"}},
		"nulls":         {`{"lines":null}`, []string{"body.lines"}},
		"fraction":      {`{"lines":[{"sku":"A","quantity":1.5}]}`, []string{"body.lines[0].quantity"}},
		"overflow":      {`{"lines":[{"sku":"A","quantity":9223372036854775808}]}`, []string{"body.lines[0].quantity"}},
		"huge":          {`{"lines":[{"sku":"A","quantity":1e300}]}`, []string{"body.lines[0].quantity"}},
		"not exact":     {`{"lines":[{"sku":"A","quantity":9007199254740993}]}`, []string{"body.lines[0].quantity"}},
		"negative":      {`{"lines":[{"sku":"A","quantity":1,"count":-9223372036854775808}]}`, []string{"body.lines[0].count"}},
		"money float":   {`{"lines":[{"sku":"A","quantity":1,"price":{"amount":19.99,"currency":"USD"}}]}`, []string{"body.lines[0].price.amount"}},
		"money code":    {`{"lines":[{"sku":"A","quantity":1,"price":{"amount":1,"currency":"DEM"}}]}`, []string{"body.lines[0].price.currency"}},
		"money extra":   {`{"lines":[{"sku":"A","quantity":1,"price":{"amount":1,"currency":"USD","x":1}}]}`, []string{"body.lines[0].price.x"}},
		"money parts":   {`{"lines":[{"sku":"A","quantity":1,"price":{}}]}`, []string{"body.lines[0].price.amount", "body.lines[0].price.currency"}},
		"exponent":      {`{"lines":[{"sku":"A","quantity":1e2}]}`, []string{"body.lines.quantity"}},
		"time":          {`{"lines":[{"sku":"A","quantity":1,"at":"yesterday"}]}`, []string{"body.lines[0].at"}},
		"not an object": {`[]`, []string{"body"}},
		"null":          {`null`, []string{"body"}},
		"text":          {`"x"`, []string{"body"}},
	} {
		a := call(t, s, "POST", "/v1/carts/c1/lines", tc.body)
		a.want(t, 422, "validation-failed")
		if got := slices.Compact(a.places()); !slices.Equal(got, tc.places) {
			t.Errorf("%s: faults at %v, want %v: %s", name, got, tc.places, a.Body)
		}
		for _, e := range a.problem.Errors {
			if e.Message == "" || strings.Contains(e.Message, "Go ") || strings.Contains(e.Message, "json:") || len(e.Message) > 160 {
				t.Errorf("%s: message %q", name, e.Message)
			}
		}
	}
}

func TestUnreadableRequests(t *testing.T) {
	t.Parallel()
	s := shop(httpx.Config{})
	const path = "/v1/carts/c1/lines"
	for name, body := range map[string]string{
		"broken":      `{"lines":[`,
		"two values":  goodLine + goodLine,
		"no JSON":     `hello`,
		"not UTF-8":   "{\"lines\":[{\"sku\":\"\xff\",\"quantity\":1}]}",
		"zero":        `{"lines":[{"sku":"a\u0000b","quantity":1}]}`,
		"zero behind": `{"lines":[{"sku":"\\\u0000","quantity":1}]}`,
		"blank":       "  ",
	} {
		a := call(t, s, "POST", path, body)
		a.want(t, 400, "malformed")
		if len(body) > 3 && strings.Contains(a.Body.String(), "quantity") {
			t.Errorf("%s: the body is echoed: %s", name, a.Body)
		}
	}
	call(t, s, "POST", path, "").want(t, 400, "malformed")
	if a := call(t, s, "POST", path, `{"lines":[{"sku":"\\u0000","quantity":1}]}`); a.Code != 201 {
		t.Errorf("a backslash before u0000 is text: %s", a.Body)
	}
	for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml",
		"application/vnd.api+json", "application/json; charset=latin1", ";;;", "application/json, text/plain"} {
		call(t, s, "POST", path, goodLine, "Content-Type", media).want(t, 415, "unsupported-media-type")
	}
	for _, media := range []string{"", "application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"} {
		if a := call(t, s, "POST", path, goodLine, "Content-Type", media); a.Code != 201 {
			t.Errorf("%q: %s", media, a.Body)
		}
	}
	for _, address := range []string{"/v1/carts/a%00b/lines", "/v1/carts/%ff/lines", "/fail?x=%00", "/fail?x=%ff", "/fail?x=%zz"} {
		call(t, s, "POST", address, goodLine).want(t, 400, "malformed")
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	s := shop(httpx.Config{})
	fill := func(n int) string {
		const head, tail = `{"lines":[{"sku":"A","quantity":1}],"note":"`, `"}`
		return head + strings.Repeat("x", n-len(head)-len(tail)) + tail
	}
	if a := call(t, s, "POST", "/v1/carts/c/lines", fill(4096)); a.Code != 201 {
		t.Errorf("at the limit: %s", a.Body)
	}
	a := call(t, s, "POST", "/v1/carts/c/lines", fill(4097))
	a.want(t, 413, "body-too-large")
	if fmt.Sprint(a.problem.Extra["limit"]) != "4096" {
		t.Errorf("extra %v", a.problem.Extra)
	}
	// without a length, as chunked bodies come
	r := httptest.NewRequest("POST", "/v1/carts/c/lines", io.LimitReader(neverEnding('x'), 10<<20))
	r.Header.Set("Content-Type", "application/json")
	r.ContentLength = -1
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != 413 {
		t.Errorf("chunked: %d", w.Code)
	}
	// a body that breaks off
	r = httptest.NewRequest("POST", "/v1/carts/c/lines", io.MultiReader(strings.NewReader(`{"li`), brokenReader{}))
	r.ContentLength = 100
	w = httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != 400 {
		t.Errorf("broken off: %d %s", w.Code, w.Body)
	}
}

type neverEnding byte

func (b neverEnding) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestRoutesThatAreNotThere(t *testing.T) {
	t.Parallel()
	s := shop(httpx.Config{})
	call(t, s, "GET", "/nowhere", "").want(t, 404, "not-found")
	a := call(t, s, "PUT", "/v1/carts/c1/lines", goodLine)
	a.want(t, 405, "method-not-allowed")
	if got := a.Header().Values("Allow"); !slices.Equal(got, []string{"POST"}) {
		t.Errorf("Allow %v", got)
	}
	call(t, s, "BREW", "/nowhere", "").want(t, 405, "method-not-allowed")
	if a := call(t, s, "HEAD", "/healthz", ""); a.Code != 200 {
		t.Errorf("HEAD /healthz: %d", a.Code)
	}
}

func TestUnknownQuery(t *testing.T) {
	t.Parallel()
	s := fails(httpx.New(httpx.Config{}), nil)
	httpx.Register(s, huma.Operation{Method: "GET", Path: "/open"},
		func(context.Context, *httpx.PageQuery) (*struct{}, error) { return nil, nil }, httpx.OpenQuery())
	a := call(t, s, "GET", "/fail?limt=3&x=1", "")
	a.want(t, 422, "validation-failed")
	if !slices.Equal(a.places(), []string{"query.limt", "query.x"}) {
		t.Errorf("faults at %v", a.places())
	}
	if a := call(t, s, "GET", "/open?attr.colour=red&limit=7", ""); a.Code != 204 {
		t.Errorf("open query: %d %s", a.Code, a.Body)
	}
	for _, q := range []string{"limit=0", "limit=101", "limit=x", "limit=-1", "limit=1.5", "limit=99999999999999999999"} {
		call(t, s, "GET", "/open?"+q, "").want(t, 422, "validation-failed")
	}
}

func TestEveryKindHasItsStatus(t *testing.T) {
	t.Parallel()
	want := map[fault.Kind]int{
		fault.Internal: 500, fault.Malformed: 400, fault.Invalid: 422, fault.Unauthenticated: 401, fault.Forbidden: 403,
		fault.PaymentRequired: 402, fault.NotFound: 404, fault.Conflict: 409, fault.Gone: 410, fault.Precondition: 412,
		fault.TooLarge: 413, fault.UnsupportedMedia: 415, fault.RateLimited: 429, fault.Unavailable: 503, fault.Timeout: 504,
	}
	for k := fault.Internal; !strings.HasPrefix(k.String(), "kind("); k++ {
		a := call(t, fails(httpx.New(httpx.Config{}), fmt.Errorf("op: %w", fault.New(k, "some-code", "words"))), "GET", "/fail", "")
		a.want(t, want[k], "some-code")
		if httpx.KindOf(want[k]) != k || httpx.Status(k) != want[k] {
			t.Errorf("%s: status %d, back %s", k, httpx.Status(k), httpx.KindOf(want[k]))
		}
		delete(want, k)
	}
	if len(want) != 0 {
		t.Errorf("kinds that are gone: %v", want)
	}
	for status, k := range map[int]fault.Kind{405: fault.Malformed, 418: fault.Malformed, 502: fault.Timeout, 501: fault.Internal, 200: fault.Internal} {
		if httpx.KindOf(status) != k {
			t.Errorf("%d is %s", status, httpx.KindOf(status))
		}
	}
	if httpx.Status(fault.Kind(99)) != 500 {
		t.Error("a kind that is not there")
	}
}

func TestFaultCrossesServices(t *testing.T) {
	t.Parallel()
	sent := fault.New(fault.Conflict, "out-of-stock", "two lines are gone").
		With("lines", []map[string]any{{"sku": "A-1", "requested": 3, "available": 1}}).
		With("big", int64(9007199254740993)).
		With("title", "cannot replace the title").
		WithField("body.quantity", "is too much", 3).
		WithField("body.sku", "is unknown", "A-1").
		WithRetryAfter(1500 * time.Millisecond).
		WithCause(errors.New("secret"))
	a := call(t, fails(httpx.New(httpx.Config{}), sent), "GET", "/fail", "")
	a.want(t, 409, "out-of-stock")
	if a.Header().Get("Retry-After") != "2" || a.problem.Title != "Out of stock" || strings.Contains(a.Body.String(), "secret") {
		t.Errorf("%v %s", a.Header(), a.Body)
	}
	got := httpx.ParseProblem(a.Code, a.Body.Bytes())
	if got.Kind != sent.Kind || got.Code != sent.Code || got.Message != sent.Message || got.RetryAfter != sent.RetryAfter || !errors.Is(got, sent) {
		t.Errorf("crossed as %+v", got)
	}
	type line struct {
		SKU                  string
		Requested, Available int
	}
	if lines, ok := httpx.Member[[]line](got, "lines"); !ok || !reflect.DeepEqual(lines, []line{{"A-1", 3, 1}}) {
		t.Errorf("lines %v %v", lines, ok)
	}
	if n, ok := httpx.Member[int64](got, "big"); !ok || n != 9007199254740993 {
		t.Errorf("big %v %v", n, ok)
	}
	if _, ok := httpx.Member[int](got, "lines"); ok {
		t.Error("lines as a number")
	}
	if _, ok := httpx.Member[int](got, "none"); ok {
		t.Error("a member that is not there")
	}
	// a second crossing changes nothing
	again := call(t, fails(httpx.New(httpx.Config{}), got), "GET", "/fail", "")
	if twice := httpx.ParseProblem(again.Code, again.Body.Bytes()); !reflect.DeepEqual(twice, got) {
		t.Errorf("second crossing %+v, first %+v", twice, got)
	}
}

func TestParseProblemOfStrangers(t *testing.T) {
	t.Parallel()
	for body, status := range map[string]int{
		`{"errorCode":"ERR_DIRECT_INVOKE","message":"dial tcp 10.0.0.1"}`: 500,
		`<html>`:                              502,
		``:                                    503,
		`{"type":"about:blank","detail":"x"}`: 404,
		`{"type":"https://sidecart.dev/problems/","detail":"x"}`: 409,
		`null`:                    400,
		`{"type":7}`:              422,
		`[{"type":"x"}]`:          429,
		`{"errors":"not a list"}`: 504,
	} {
		f := httpx.ParseProblem(status, []byte(body))
		if f.Code != "upstream-error" || f.Kind != httpx.KindOf(status) || strings.Contains(f.Error(), "dial") {
			t.Errorf("%d %s: %+v", status, body, f)
		}
	}
}

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
		if hasStack := strings.Contains(fmt.Sprint(line["stack"]), "httpx_test.go"); hasStack != strings.HasPrefix(path, "/panic") {
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

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := httpx.New(httpx.Config{Timeout: 3 * time.Second})
		wait := func(ctx context.Context, _ *struct{}) (*struct{}, error) {
			<-ctx.Done()
			return nil, fmt.Errorf("wait: %w", ctx.Err())
		}
		httpx.Register(s, huma.Operation{Method: "GET", Path: "/slow"}, wait)
		httpx.Register(s, huma.Operation{Method: "GET", Path: "/slower"}, wait, httpx.Timeout(20*time.Second))
		for path, want := range map[string]time.Duration{"/slow": 3 * time.Second, "/slower": 20 * time.Second} {
			begun := time.Now()
			call(t, s, "GET", path, "").want(t, 504, "timeout")
			if took := time.Since(begun); took != want {
				t.Errorf("%s took %s", path, took)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		r := httptest.NewRequestWithContext(ctx, "GET", "/slow", nil)
		w := httptest.NewRecorder()
		go cancel()
		s.ServeHTTP(w, r)
		if w.Code != 504 || !strings.Contains(w.Body.String(), "problems/cancelled") {
			t.Errorf("a client that went away: %d %s", w.Code, w.Body)
		}
	})
}

func TestReadyz(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		get := func(ready func(context.Context) map[string]error) (int, httpx.Readiness, string) {
			a := call(t, httpx.New(httpx.Config{Ready: ready}), "GET", "/readyz", "")
			var out httpx.Readiness
			if err := json.Unmarshal(a.Body.Bytes(), &out); err != nil {
				t.Fatal(err)
			}
			return a.Code, out, a.Body.String()
		}
		code, out, _ := get(nil)
		if code != 200 || out.Status != "ready" {
			t.Errorf("no dependencies: %d %+v", code, out)
		}
		code, out, text := get(func(context.Context) map[string]error {
			return map[string]error{"postgres": errors.New("dial 10.0.0.1"), "sidecar": nil}
		})
		if code != 503 || out.Dependencies["postgres"] != "failed" || out.Dependencies["sidecar"] != "ok" || strings.Contains(text, "10.0.0.1") {
			t.Errorf("one down: %d %s", code, text)
		}
		begun := time.Now()
		stuck := make(chan struct{})
		code, out, _ = get(func(context.Context) map[string]error { <-stuck; return nil })
		close(stuck)
		if code != 503 || out.Status != "not-ready" || time.Since(begun) != 2*time.Second {
			t.Errorf("stuck: %d %+v after %s", code, out, time.Since(begun))
		}
		if code, _, _ = get(func(context.Context) map[string]error { panic("x") }); code != 503 {
			t.Errorf("panic: %d", code)
		}
	})
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	s := shop(httpx.Config{Title: "Test shop", Version: "1.2.3"})
	a := call(t, s, "GET", "/openapi.json", "")
	var doc struct {
		OpenAPI string
		Info    struct{ Title, Version string }
		Paths   map[string]map[string]struct {
			Responses map[string]struct{ Content map[string]any }
		}
		Components struct {
			Schemas map[string]struct {
				AdditionalProperties any
				Properties           map[string]struct {
					Maximum float64
					Enum    []string
				}
			}
		}
	}
	if err := json.Unmarshal(a.Body.Bytes(), &doc); err != nil || a.Code != 200 {
		t.Fatalf("%d %v", a.Code, err)
	}
	if doc.OpenAPI != "3.1.0" || doc.Info.Title != "Test shop" || doc.Info.Version != "1.2.3" {
		t.Errorf("head %+v %s", doc.Info, doc.OpenAPI)
	}
	responses := doc.Paths["/v1/carts/{id}/lines"]["post"].Responses
	for _, status := range []string{"404", "409", "default"} {
		if responses[status].Content[httpx.ContentTypeProblem] == nil {
			t.Errorf("%s is no problem document: %+v", status, responses[status])
		}
	}
	amount := doc.Components.Schemas["Amount"]
	if amount.AdditionalProperties != false || amount.Properties["amount"].Maximum != 1<<53-1 || len(amount.Properties["currency"].Enum) != len(money.Currencies()) {
		t.Errorf("money %+v", amount)
	}
	if doc.Components.Schemas["ErrorModel"].Properties != nil || doc.Components.Schemas["ProblemDetails"].AdditionalProperties != true {
		t.Errorf("schemas %v", doc.Components.Schemas)
	}
}

func TestDocsLoadNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	a := call(t, httpx.New(httpx.Config{Title: "Sho</script>p"}), "GET", "/docs", "")
	page := a.Body.String()
	if a.Code != 200 || !strings.Contains(page, "openapi.json") || regexp.MustCompile(`(https?:)?//[a-z]`).MatchString(page) {
		t.Errorf("%d, %s", a.Code, page)
	}
	if strings.Contains(page, "Sho</script>p") || !strings.Contains(a.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("title or policy: %v", a.Header())
	}
}

func TestIdemFrom(t *testing.T) {
	t.Parallel()
	signer, err := auth.Generate()
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := auth.NewVerifier(auth.JWKS{Keys: []auth.JWK{signer.JWK()}})
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Mint(auth.Principal{Subject: "u", Kind: auth.KindCustomer}, time.Minute, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var got httpx.Idem
	s := httpx.New(httpx.Config{Verifier: verifier})
	httpx.Register(s, huma.Operation{Method: "POST", Path: "/v1/things/{id}"},
		func(ctx context.Context, in *struct {
			ID string `path:"id"`
			httpx.IdempotencyHeader
			Body map[string]any
		}) (*struct{}, error) {
			var err error
			got, err = httpx.IdemFrom(ctx, in.IdempotencyKey)
			return nil, errors.Join(err)
		})
	post := func(path, body, key string, headers ...string) httpx.Idem {
		got = httpx.Idem{}
		a := call(t, s, "POST", path, body, append(headers, "Idempotency-Key", key)...)
		if a.Code != 204 {
			t.Errorf("%s %s: %s", path, key, a.Body)
		}
		return got
	}
	first := post("/v1/things/1", `{"a":1,"b":[1,2]}`, "k-1")
	if first.Key != "k-1" || first.Scope != "POST /v1/things/1 anonymous" || first.Hash == [32]byte{} {
		t.Errorf("first %+v", first)
	}
	if same := post("/v1/things/1", "{ \"b\": [1, 2],\n \"a\": 1 }", "k-1"); same != first {
		t.Errorf("spacing and order count: %+v", same)
	}
	for name, other := range map[string]httpx.Idem{
		"body":  post("/v1/things/1", `{"a":1,"b":[2,1]}`, "k-1"),
		"float": post("/v1/things/1", `{"a":1.0,"b":[1,2]}`, "k-1"),
		"path":  post("/v1/things/2", `{"a":1,"b":[1,2]}`, "k-1"),
	} {
		if other.Hash == first.Hash {
			t.Errorf("%s does not count", name)
		}
	}
	if mine := post("/v1/things/1", `{"a":1,"b":[1,2]}`, "k-1", "Authorization", "Bearer "+token); mine.Scope != "POST /v1/things/1 customer:u" {
		t.Errorf("caller: %+v", mine)
	}
	if none := post("/v1/things/1", `{}`, ""); none != (httpx.Idem{}) {
		t.Errorf("none: %+v", none)
	}
	post("/v1/things/1", `{}`, strings.Repeat("k", 255))
	for _, bad := range []string{strings.Repeat("k", 256), "a\tb", "é", "a\x7f"} {
		call(t, s, "POST", "/v1/things/1", `{}`, "Idempotency-Key", bad).want(t, 400, "malformed")
	}
	if _, err := httpx.IdemFrom(context.Background(), "k"); err == nil {
		t.Error("outside of a request")
	}
	if err := (httpx.Idem{}).Require(); fault.CodeOf(err) != "idempotency-key-required" || fault.KindOf(err) != fault.Malformed {
		t.Errorf("required: %v", err)
	}
	if err := first.Require(); err != nil {
		t.Error(err)
	}
	if first.AtLeast(4) == nil || first.AtLeast(3) != nil || (httpx.Idem{}).AtLeast(3) != nil {
		t.Error("length of a key")
	}
}

func TestIfMatch(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]int64{`"v1"`: 1, `"v0"`: 0, `"v9223372036854775807"`: 1<<63 - 1} {
		if v, given, err := httpx.ParseIfMatch(header); v != want || !given || err != nil {
			t.Errorf("%s: %d %v %v", header, v, given, err)
		}
		if httpx.ETag(want).ETag != header {
			t.Errorf("tag of %d: %s", want, httpx.ETag(want).ETag)
		}
	}
	for _, header := range []string{"", "*"} {
		if _, given, err := httpx.ParseIfMatch(header); given || err != nil {
			t.Errorf("%q: %v %v", header, given, err)
		}
	}
	for _, header := range []string{"v1", `"1"`, `W/"v1"`, `"v1", "v2"`, `"v-1"`, `"v"`, `"v9223372036854775808"`, `"v1`, `"v1 "`, "null"} {
		if _, given, err := httpx.ParseIfMatch(header); given || fault.KindOf(err) != fault.Malformed {
			t.Errorf("%q: %v %v", header, given, err)
		}
	}
}

type position struct {
	At time.Time `json:"t"`
	ID string    `json:"i"`
}

func TestCursor(t *testing.T) {
	t.Parallel()
	at := position{time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), "x"}
	got, ok, err := httpx.DecodeCursor[position](httpx.EncodeCursor(at))
	if got != at || !ok || err != nil {
		t.Errorf("%+v %v %v", got, ok, err)
	}
	if _, ok, err := httpx.DecodeCursor[position](""); ok || err != nil {
		t.Errorf("first page: %v %v", ok, err)
	}
	for _, bad := range []string{"!!!", "e30x", httpx.EncodeCursor("text"), httpx.EncodeCursor(map[string]int{"z": 1}), httpx.EncodeCursor(at) + "AAAA", "e30=", "bnVsbCBudWxs"} {
		got, ok, err := httpx.DecodeCursor[position](bad)
		f, isFault := fault.As(err)
		if ok || got != (position{}) || !isFault || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Location != "query.cursor" {
			t.Errorf("%s: %+v %v %v", bad, got, ok, err)
		}
	}
}

func TestNewPage(t *testing.T) {
	t.Parallel()
	cursor := func(n int) string { return fmt.Sprint("after ", n) }
	for _, tc := range []struct {
		rows []int
		want string
	}{
		{nil, `{"items":[],"next_cursor":null}`},
		{[]int{1, 2}, `{"items":[1,2],"next_cursor":null}`},
		{[]int{1, 2, 3}, `{"items":[1,2],"next_cursor":"after 2"}`},
	} {
		data, err := json.Marshal(httpx.NewPage(tc.rows, 2, cursor))
		if err != nil || string(data) != tc.want {
			t.Errorf("%v: %s %v", tc.rows, data, err)
		}
	}
}

func TestListener(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := fails(httpx.New(httpx.Config{}), nil)
	l := s.Listen("127.0.0.1:0")
	if err := l.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(l.Addr()).Start(ctx); err == nil {
		t.Error("a port that is taken was bound")
	}
	resp, err := http.Get("http://" + l.Addr() + "/fail")
	if err != nil || resp.StatusCode != 204 {
		t.Fatalf("%v %v", resp, err)
	}
	_ = resp.Body.Close()
	if err := l.Stop(ctx); err != nil {
		t.Error(err)
	}
	if resp, err := http.Get("http://" + l.Addr() + "/fail"); err == nil {
		_ = resp.Body.Close()
		t.Error("still serving")
	}
}

func TestRawRoutesShareTheEdge(t *testing.T) {
	t.Parallel()
	s := httpx.New(httpx.Config{})
	s.Router().Post("/webhook", func(w http.ResponseWriter, r *http.Request) {
		httpx.WriteProblem(w, r, fault.New(fault.Forbidden, "bad-signature", "not signed").With("x", func() {}))
	})
	s.Router().Get("/id", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, httpx.RequestID(r.Context())) })
	a := call(t, s, "POST", "/webhook", "x=1")
	a.want(t, 403, "bad-signature")
	if a := call(t, s, "GET", "/id", "", "X-Request-Id", "me"); a.Body.String() != "me" {
		t.Errorf("id %s", a.Body)
	}
	w := httptest.NewRecorder()
	httpx.WriteProblem(w, httptest.NewRequest("GET", "/", nil), errors.New("boom")) // outside of any server
	if w.Code != 500 || strings.Contains(w.Body.String(), "boom") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func BenchmarkGet(b *testing.B) {
	s := fails(httpx.New(httpx.Config{}), nil)
	r := httptest.NewRequest("GET", "/fail", nil)
	b.ReportAllocs()
	for b.Loop() {
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
}

func BenchmarkPost(b *testing.B) {
	s := shop(httpx.Config{Log: slog.New(slog.NewJSONHandler(io.Discard, nil)), Metrics: prometheus.NewRegistry()})
	body := []byte(`{"lines":[{"sku":"A-1","quantity":2,"price":{"amount":1999,"currency":"USD"}}]}`)
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "/v1/carts/c1/lines", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != 201 {
			b.Fatal(w.Body)
		}
	}
}
