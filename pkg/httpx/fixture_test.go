package httpx_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

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
	ID string `path:"id" maxLength:"32"`
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
