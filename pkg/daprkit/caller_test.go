package daprkit_test

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
)

func TestCallerSendsAndDecodesJSON(t *testing.T) {
	t.Parallel()
	c := sidecar(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Authorization") != "Bearer tok" || string(b) != `{"n":1}` {
			t.Errorf("%s %v %s", r.Method, r.Header, b)
		}
		w.Header().Set("Content-Language", "de")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"n":2,"new":true}`)
	}), nil)
	type msg struct {
		N int `json:"n"`
	}
	var out msg
	var status int
	var language string
	err := c.Caller("order").JSON(soon(t), http.MethodPost, "/v1/orders", msg{1}, &out, daprkit.WithBearer("tok"), daprkit.WithStatus(&status), daprkit.WithAnswered("Content-Language", &language))
	if err != nil || out.N != 2 || status != http.StatusAccepted || language != "de" {
		t.Errorf("%v, %+v, status %d in %s", err, out, status, language)
	}
}

// What is no JSON is taken as it is.
func TestCallerTakesADocument(t *testing.T) {
	t.Parallel()
	c := sidecar(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/pdf")
		w.Header().Set("Content-Disposition", `inline; filename="1.pdf"`)
		_, _ = io.WriteString(w, "%PDF")
	}), nil)
	var out daprkit.Document
	if err := c.Caller("order").JSON(soon(t), http.MethodGet, "/v1/invoice", nil, &out); err != nil || string(out.Body) != "%PDF" || out.ContentType != "application/pdf" ||
		out.Disposition != `inline; filename="1.pdf"` {
		t.Errorf("%v, %+v", err, out)
	}
}

// Every kind of fault that a service raises reaches its caller as the same fault.
func TestCallerReturnsTheCalleesFault(t *testing.T) {
	t.Parallel()
	for k := fault.Internal; k <= fault.Timeout; k++ {
		t.Run(k.String(), func(t *testing.T) {
			t.Parallel()
			sent := fault.New(k, "out-of-stock", "only 2 are left").With("available", "2").With("skus", []any{"A", "B"}).
				WithField("body.lines[0].quantity", "too many", "3").WithRetryAfter(2 * time.Second)
			c := sidecar(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { httpx.WriteProblem(w, r, sent) }), nil)
			got, ok := fault.As(c.Caller("inventory").JSON(soon(t), http.MethodGet, "/v1", nil, nil))
			if !ok || !reflect.DeepEqual(got, sent) {
				t.Errorf("got  %#v\nwant %#v", got, sent)
			}
		})
	}
}

func TestCallerClassesAnswersThatAreNoProblemDocument(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		status int
		body   string
		want   fault.Kind
	}{
		"plain 404":           {404, "404 page not found", fault.NotFound},
		"plain 400":           {400, "bad", fault.Internal},
		"plain 500":           {500, "oops", fault.Timeout},
		"502 of a proxy":      {502, "bad gateway", fault.Timeout},
		"redirect":            {302, "", fault.Internal},
		"200 that is no JSON": {200, "<html>", fault.Internal},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := sidecar(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/plain")
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			}), nil)
			var out map[string]any
			if err := c.Caller("order").JSON(soon(t), http.MethodGet, "/v1", nil, &out); err == nil || fault.KindOf(err) != tc.want {
				t.Errorf("%v, want %s", err, tc.want)
			}
		})
	}
}

func TestCallerKeepsCapabilitiesOutOfErrors(t *testing.T) {
	t.Parallel()
	c := sidecar(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }), nil)
	const id = "0123456789abcdef0123456789abcdef"
	err := c.Caller("order").JSON(soon(t), http.MethodGet, "/v1/carts/"+id+"/lines?access_token="+id, nil, nil)
	if err == nil || strings.Contains(err.Error(), id) || strings.Contains(err.Error(), "access_token") || !strings.Contains(err.Error(), "GET /v1/carts/…/lines") {
		t.Error(err)
	}
}

func TestCallerTakesABrokenAnswerForUnknown(t *testing.T) {
	t.Parallel()
	c := sidecar(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"n":`)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}), nil)
	var out json.RawMessage
	if err := c.Caller("order").JSON(soon(t), http.MethodPost, "/v1", nil, &out); fault.KindOf(err) != fault.Timeout {
		t.Error(err)
	}
}

func TestCallerReadsRetryAfterOfTheHeader(t *testing.T) {
	t.Parallel()
	c := sidecar(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"type":"https://sidecart.dev/problems/rate-limited","detail":"slower"}`)
	}), nil)
	f, _ := fault.As(c.Caller("order").JSON(soon(t), http.MethodGet, "/v1", nil, nil))
	if f == nil || f.RetryAfter != 3*time.Second || f.Kind != fault.RateLimited || f.Message != "slower" {
		t.Errorf("%+v", f)
	}
}
