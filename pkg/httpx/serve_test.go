package httpx_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
)

func TestRoutesThatAreNotThere(t *testing.T) {
	t.Parallel()
	s := shop(httpx.Config{})
	call(t, s, "GET", "/nowhere", "").want(t, 404, "not-found")
	a := call(t, s, "PUT", "/v1/carts/c1/lines", goodLine)
	a.want(t, 405, "method-not-allowed")
	if got := a.Header().Values("Allow"); !slices.Equal(got, []string{"POST"}) {
		t.Errorf("Allow %v", got)
	}
	call(t, s, "POST", "/v1/carts/"+strings.Repeat("x", 33)+"/lines", goodLine).want(t, 404, "not-found") // an id that cannot exist
	call(t, s, "BREW", "/nowhere", "").want(t, 405, "method-not-allowed")
	ok := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }
	s.Router().Get("/file", ok)
	s.Router().Route("/{place}", func(r chi.Router) { r.Get("/", ok) })
	for _, path := range []string{"/healthz", "/file", "/here/"} { // the second is also below the prefix of the third
		if a := call(t, s, "HEAD", path, ""); a.Code != 200 {
			t.Errorf("HEAD %s: %d", path, a.Code)
		}
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

// A status that the handler sets itself stands in the document: with a body where there is one.
func TestOtherStatuses(t *testing.T) {
	t.Parallel()
	s := httpx.New(httpx.Config{})
	type output struct {
		Status   int
		Location string `header:"Location"`
		Body     string
	}
	httpx.Register(s, huma.Operation{Method: "POST", Path: "/things", DefaultStatus: 201},
		func(context.Context, *struct{}) (*output, error) { return &output{Status: 202}, nil }, httpx.Also(202, 303))
	responses := s.API().OpenAPI().Paths["/things"].Post.Responses
	for status, content := range map[string]int{"201": 1, "202": 1, "303": 0} {
		if r := responses[status]; r == nil || len(r.Content) != content || r.Headers["Location"] == nil || r.Description == "" {
			t.Errorf("%s: %+v", status, r)
		}
	}
	if len(responses) != 4 { // and the problems
		t.Errorf("%v", responses)
	}
}

// What does not say how it may be cached is not: neither an answer with a body, nor one without, nor one written past huma.
func TestNothingIsCachedUnasked(t *testing.T) {
	t.Parallel()
	s := fails(shop(httpx.Config{}), nil)
	type public struct {
		CacheControl string `header:"Cache-Control"`
		Body         string
	}
	httpx.Register(s, huma.Operation{Method: "GET", Path: "/public"}, func(_ context.Context, in *struct {
		Broken bool `query:"broken"`
	}) (*public, error) {
		if in.Broken {
			return nil, errors.New("boom")
		}
		return &public{CacheControl: "public, max-age=10"}, nil
	})
	s.Router().Get("/raw", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") })
	s.Router().Get("/silent", func(http.ResponseWriter, *http.Request) {})
	for path, want := range map[string]string{
		"/fail": "no-store", "/raw": "no-store", "/silent": "no-store", "/healthz": "no-store", "/nowhere": "no-store",
		"/public": "public, max-age=10", "/public?broken=true": "no-store",
	} {
		if got := call(t, s, "GET", path, "").Header().Values("Cache-Control"); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: Cache-Control %q, want %q", path, got, want)
		}
	}
	if got := call(t, s, "POST", "/v1/carts/c1/lines", goodLine).Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("an answer in JSON: Cache-Control %q", got)
	}
}

func TestDocsLoadNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	a := call(t, httpx.New(httpx.Config{Title: "Sho</script>p"}), "GET", "/docs", "")
	page := a.Body.String()
	if a.Code != 200 || !strings.Contains(page, "openapi.json") || regexp.MustCompile(`(https?:)?//[a-z]`).MatchString(page) {
		t.Errorf("%d, %s", a.Code, page)
	}
	for _, want := range []string{"securitySchemes", "an API key", "a bearer token"} { // each way in is named, as the document has it
		if !strings.Contains(page, want) {
			t.Errorf("the page says nothing of %q", want)
		}
	}
	if strings.Contains(page, "Sho</script>p") || !strings.Contains(a.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("title or policy: %v", a.Header())
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

// A request that hangs is cut off when the time to stop is over, whichever way the listener takes requests.
func TestListenerCutsOffWhatHangs(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { entered <- struct{}{}; <-r.Context().Done() })
	for range 8 {
		for _, l := range []*httpx.Listener{httpx.Listen("127.0.0.1:0", hang), httpx.ListenSidecar("127.0.0.1:0", hang)} {
			if err := l.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			go func() {
				if resp, err := http.Get("http://" + l.Addr()); err == nil {
					_ = resp.Body.Close()
					t.Error("answered")
				}
			}()
			<-entered
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			if err := l.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			cancel()
		}
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

// A handler that panics when its status is out has no answer: neither the status nor what it had written passes for one.
func TestAHandlerThatBreaksInItsAnswer(t *testing.T) {
	t.Parallel()
	s := httpx.New(httpx.Config{})
	s.Router().Get("/half", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"a":`)
		panic("boom")
	})
	l := s.Listen("127.0.0.1:0")
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Stop(context.Background()) })
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr()+"/half", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultTransport.RoundTrip(r); err == nil {
		_ = resp.Body.Close()
		t.Errorf("answered %d", resp.StatusCode)
	}
}
