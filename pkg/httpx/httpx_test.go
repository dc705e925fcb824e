package httpx_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/httpx"
)

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
		"twice":       `{"lines":[{"sku":"A","quantity":1,"count":-1}],"note":"","note":""}`,
		"twice deep":  `{"lines":[{"sku":"A","quantity":1,"metadata":{"a":{"b":1,"\u0062":2}}}]}`,
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
	addresses := []string{"/v1/carts/a%00b/lines", "/v1/carts/%ff/lines", "/fail?x=%00", "/fail?x=%ff", "/fail?x=%zz"}
	for _, address := range addresses {
		call(t, s, "POST", address, goodLine).want(t, 400, "malformed")
	}
	s.Unreadable(func(w http.ResponseWriter, _ *http.Request, _ error) { http.Error(w, "a page", http.StatusBadRequest) })
	for _, address := range addresses {
		a := httptest.NewRecorder()
		if s.ServeHTTP(a, httptest.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)); a.Code != 400 || !strings.HasPrefix(a.Body.String(), "a page") {
			t.Errorf("%s: %d %s", address, a.Code, a.Body)
		}
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
