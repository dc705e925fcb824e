package httpapi

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/limit"
)

// echo tells what reached the sidecar: the line, the headers by name, the length of the body.
func echo(w http.ResponseWriter, r *http.Request) {
	n, _ := io.Copy(io.Discard, r.Body)
	h := w.Header()
	h.Set("ETag", `"7"`)
	h.Set("Location", "/v1/x")
	h.Set("X-Request-Id", "of the service")
	h.Set("Dapr-Secret", "1")
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	_, _ = fmt.Fprintf(w, "%s %s %s host=%s n=%d\n", r.Method, r.Header.Get("dapr-app-id"), r.RequestURI, r.Host, n)
	for _, name := range names {
		_, _ = fmt.Fprintf(w, "%s: %s\n", name, strings.Join(r.Header[name], " | "))
	}
}

func TestPassesOn(t *testing.T) {
	t.Parallel()
	s := open(t, http.HandlerFunc(echo))
	resp, text := s.do("POST", "/v1/carts/abc/lines?x=a%20b&y=1", strings.NewReader(`{"sku":"mug"}`),
		"Content-Type: application/json", "Idempotency-Key: k", `If-Match: "3"`, "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "X-Request-Id: mine")
	first, headers, _ := strings.Cut(text, "\n")
	if resp.StatusCode != 200 || !strings.HasPrefix(first, "POST cart /v1/carts/abc/lines?x=a%20b&y=1 host=127.0.0.1:") || !strings.HasSuffix(first, " n=13") {
		t.Errorf("%d %s", resp.StatusCode, first)
	}
	for _, want := range []string{"Content-Type: application/json\n", "Idempotency-Key: k\n", "If-Match: \"3\"\n", "X-Request-Id: mine\n",
		"Dapr-Api-Token: api-token\n", "Dapr-App-Id: cart\n", "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-"} {
		if !strings.Contains(headers, want) {
			t.Errorf("no %q in\n%s", want, headers)
		}
	}
	if h := resp.Header; h.Get("ETag") != `"7"` || h.Get("Location") != "/v1/x" || !slices.Equal(h["X-Request-Id"], []string{"mine"}) || h.Get("Dapr-Secret") != "" ||
		len(h["Traceparent"]) != 1 {
		t.Errorf("answer %v", h)
	}
	for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "HEAD"} {
		if resp, text := s.do(method, "/v1/carts/abc", nil); resp.StatusCode != 200 || method != "HEAD" && !strings.HasPrefix(text, method+" cart /v1/carts/abc ") {
			t.Errorf("%s: %d %s", method, resp.StatusCode, text)
		}
	}
}

// What a service says about caching goes out as it is; of what says nothing, nothing is kept.
func TestCachingIsTheServices(t *testing.T) {
	t.Parallel()
	s := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if said := r.URL.Query().Get("said"); said != "" {
			w.Header().Set("Cache-Control", said)
		}
	}))
	for query, want := range map[string]string{"?said=public,+max-age=10": "public, max-age=10", "?said=no-store": "no-store", "": "no-store"} {
		if resp, _ := s.do("GET", "/v1/carts/abc"+query, nil); !slices.Equal(resp.Header["Cache-Control"], []string{want}) {
			t.Errorf("%q: %q", query, resp.Header["Cache-Control"])
		}
	}
}

// What clients may not send does not arrive, however it is written.
func TestSmuggledHeaders(t *testing.T) {
	t.Parallel()
	s := open(t, http.HandlerFunc(echo))
	answer := s.raw("GET /v1/carts/abc HTTP/1.1\r\nHost: evil.example\r\nConnection: close, Idempotency-Key, dapr-app-id\r\ndapr-app-id: order\r\nDAPR-App-Id: payment\r\n" +
		"dapr-caller-app-id: checkout\r\nDapr-Api-Token: guess\r\ndapr_app_id: order\r\ngrpc-metadata-x: 1\r\nX-Forwarded-For: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\n" +
		"Upgrade: websocket\r\nTE: trailers\r\nCookie: a=b\r\nProxy-Authorization: Basic eA==\r\nX-HTTP-Method-Override: DELETE\r\nX-Original-URL: /v1/internal/quote\r\nAccept: */*\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 200") || !strings.Contains(answer, "GET cart /v1/carts/abc ") || strings.Contains(answer, "evil") {
		t.Errorf("%s", answer)
	}
	_, got, _ := strings.Cut(answer, "n=0\n")
	for line := range strings.Lines(got) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			continue
		}
		want := map[string]string{"Accept": "*/*", "Dapr-App-Id": "cart", "Dapr-Api-Token": "api-token"}
		if name == "X-Request-Id" || name == "Traceparent" {
			continue
		}
		if want[name] != value {
			t.Errorf("arrived: %s: %s", name, value)
		}
	}
	for name, request := range map[string]string{
		"two lengths":       "POST /v1/carts HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab",
		"odd coding":        "POST /v1/carts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
		"space in a header": "GET /v1/carts/a HTTP/1.1\r\nHost: x\r\ndapr-app-id : order\r\nConnection: close\r\n\r\n",
		"no host":           "GET /v1/carts/a HTTP/1.1\r\nConnection: close\r\n\r\n",
		"other target":      "GET http://inside/v1/internal/quote HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"connect":           "CONNECT order:80 HTTP/1.1\r\nHost: order:80\r\nConnection: close\r\n\r\n",
	} {
		if answer := s.raw(request); !strings.HasPrefix(answer, "HTTP/1.1 4") && !strings.HasPrefix(answer, "HTTP/1.1 501") {
			t.Errorf("%s: %s", name, answer)
		}
	}
}

// No address but those of the table reaches the sidecar.
func TestPathTricks(t *testing.T) {
	t.Parallel()
	var reached atomic.Pointer[string]
	s := open(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("dapr-app-id") != "" { // the sidecar's client tries gRPC here, too
			reached.Store(&r.RequestURI)
		}
	}))
	for _, path := range []string{
		"/v1/products/..%2f..%2fhealthz", "/v1/products/%2e%2e/%2e%2e/healthz", "/v1/products/../internal/quote", "/v1//products", "//v1/products", "/v1/products/",
		"/v1/products/a%2fb", "/v1/products/a%5cb", "/v1/products/%252e%252e%252f", "/v1/internal/quote", "/v1/%69nternal/quote", "/v1/products/;/x",
		"/v1.0/invoke/order/method/v1/internal/orders/x/place", "/v1/products/" + strings.Repeat("a", 201), "/v1" + strings.Repeat("/a", 40),
		"/v1/products/%C3%A9", "/v1/products/%E2%80%AE", "/dapr/subscribe", "/events/order", "/actors/sku/a/method/hold", "/job/sweep", "/v1/admin", "/V1/products",
	} {
		answer := s.raw("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 404") || !strings.Contains(answer, "/not-found") {
			t.Errorf("%.80s: %.200s", path, answer)
		}
	}
	for _, path := range []string{"/v1/products/%00", "/v1/products/a%00b", "/v1/products/%ff", "/v1/products/%zz", "/v1/products/é", "/v1/products?q=%zz", "/v1/products?q=%00"} {
		answer := s.raw("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 400") && !strings.HasPrefix(answer, "HTTP/1.1 404") {
			t.Errorf("%s: %.200s", path, answer)
		}
	}
	if at := reached.Load(); at != nil {
		t.Errorf("reached the sidecar: %s", *at)
	}
	s.problem(405, "method-not-allowed", "TRACE", "/v1/carts/a", nil)
}

func TestFailures(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	s := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		say := func(status int, mediaType, text string) {
			w.Header().Set("Content-Type", mediaType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
		switch strings.TrimPrefix(r.URL.Path, "/v1/products/") {
		case "hang":
			<-r.Context().Done()
			close(gone)
		case "absent":
			say(500, "application/json", `{"errorCode":"ERR_DIRECT_INVOKE","message":"failed to invoke, id: catalog, err: failed to resolve address: couldn't find service: catalog"}`)
		case "open":
			say(500, "application/json", `{"errorCode":"ERR_DIRECT_INVOKE","message":"circuit breaker is open"}`)
		case "lost":
			say(500, "application/json", `{"errorCode":"ERR_DIRECT_INVOKE","message":"rpc error: code = Unavailable desc = error reading from server: EOF"}`)
		case "html":
			say(502, "text/html", "<h1>secret</h1>")
		case "plain":
			say(404, "text/plain", "404 page not found")
		case "typed":
			w.Header().Set("Retry-After", "7")
			say(409, "application/problem+json", `{"type":"https://sidecart.dev/problems/out-of-stock","title":"Out of stock","status":409,"lines":[]}`)
		case "reset":
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = conn.Close()
			}
		}
	}), quick(500*time.Millisecond, 1<<20))
	s.problem(504, "timeout", "GET", "/v1/products/hang", nil)
	<-gone // the service is told that nobody waits
	for _, path := range []string{"absent", "open"} {
		if r := s.problem(503, "unavailable", "GET", "/v1/products/"+path, nil); r.Header.Get("Retry-After") != "1" {
			t.Errorf("%s: %v", path, r.Header)
		}
	}
	s.problem(504, "timeout", "GET", "/v1/products/lost", nil)
	s.problem(504, "timeout", "GET", "/v1/products/html", nil)
	s.problem(504, "timeout", "POST", "/v1/products/reset", strings.NewReader("{}"))
	s.problem(404, "not-found", "GET", "/v1/products/plain", nil)
	if r := s.problem(409, "out-of-stock", "GET", "/v1/products/typed", nil); r.Header.Get("Retry-After") != "7" {
		t.Errorf("%v", r.Header)
	}

	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	openAt(t, l.Addr().String()).problem(503, "unavailable", "GET", "/v1/products", nil)
}

// A service that dies in the middle of its answer breaks the connection: half an answer must not look whole.
func TestBrokenAnswer(t *testing.T) {
	t.Parallel()
	s := open(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"half\":")
			_ = rw.Flush()
			_ = conn.Close()
		}
	}))
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.url+"/v1/products", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return // cut before the header left
	}
	defer func() { _ = resp.Body.Close() }()
	if text, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("whole: %s", text)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	var longest atomic.Int64
	s := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		longest.Store(max(longest.Load(), n))
		_, _ = fmt.Fprint(w, n)
	}), quick(5*time.Second, 1000))
	chunked := func(n int) io.Reader { return struct{ io.Reader }{bytes.NewReader(make([]byte, n))} }
	for _, n := range []int{0, 1, 999, 1000} {
		for _, body := range []io.Reader{bytes.NewReader(make([]byte, n)), chunked(n)} {
			if resp, text := s.do("POST", "/v1/carts", body); resp.StatusCode != 200 || text != fmt.Sprint(n) {
				t.Errorf("%d bytes: %d %s", n, resp.StatusCode, text)
			}
		}
	}
	for _, n := range []int{1001, 100_000} {
		for _, body := range []io.Reader{bytes.NewReader(make([]byte, n)), chunked(n)} {
			s.problem(413, "body-too-large", "POST", "/v1/carts", body)
		}
	}
	answer := s.raw("POST /v1/carts HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10000000\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 413") {
		t.Errorf("announced: %s", answer)
	}
	answer = s.raw("POST /v1/carts HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 400") {
		t.Errorf("broken chunks: %s", answer)
	}
	if n := longest.Load(); n > 1000 {
		t.Errorf("%d bytes arrived", n)
	}
}

// Bodies are passed on as they come, in both directions.
func TestStreams(t *testing.T) {
	t.Parallel()
	s := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.EnableFullDuplex()
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			_, _ = fmt.Fprintln(w, "got "+lines.Text())
			_ = rc.Flush()
		}
	}))
	body, feed := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/v1/carts", body)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = io.WriteString(feed, "one\ntwo\n")
		_ = feed.Close()
	}()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if text, err := io.ReadAll(resp.Body); err != nil || string(text) != "got one\ngot two\n" {
		t.Errorf("%s %v", text, err)
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := open(t, http.HandlerFunc(echo), func(p *Public) {
		p.Edge.Now = func() time.Time { return now } // time stands still: nothing is refilled
		p.Edge.Limits = Limits{Address: limit.Rate{PerSecond: 10, Burst: 12}, Coupon: limit.Rate{PerSecond: 0.5, Burst: 2}, Complete: limit.Rate{PerSecond: 0.1, Burst: 1}}
	})
	post := func(path string) int {
		resp, _ := s.do("POST", path, strings.NewReader("{}"))
		return resp.StatusCode
	}
	for range 2 {
		if got := post("/v1/carts/a/coupons"); got != 200 {
			t.Errorf("coupon: %d", got)
		}
	}
	if r := s.problem(429, "rate-limited", "POST", "/v1/carts/b/coupons", strings.NewReader("{}")); r.Header.Get("Retry-After") != "2" {
		t.Errorf("%v", r.Header)
	}
	if got := post("/v1/checkouts/one/complete"); got != 200 {
		t.Errorf("complete: %d", got)
	}
	if r := s.problem(429, "rate-limited", "POST", "/v1/checkouts/one/complete", nil); r.Header.Get("Retry-After") != "10" {
		t.Errorf("%v", r.Header)
	}
	if got := post("/v1/checkouts/two/complete"); got != 200 {
		t.Errorf("another checkout: %d", got)
	}
	for range 6 {
		if got := post("/v1/carts"); got != 200 {
			t.Errorf("others: %d", got)
		}
	}
	s.problem(429, "rate-limited", "GET", "/v1/carts/a", nil)
	s.problem(429, "rate-limited", "GET", "/openapi.json", nil)
	if resp, _ := s.do("GET", "/healthz", nil); resp.StatusCode != 200 {
		t.Errorf("healthz: %d", resp.StatusCode)
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	s := open(t, http.HandlerFunc(echo))
	stranger, err := auth.Generate()
	if err != nil {
		t.Fatal(err)
	}
	forged, err := stranger.Mint(auth.Principal{Subject: "u", Kind: auth.KindStaff, Scopes: []string{auth.AnyScope}}, time.Minute, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	plain, _, _ := auth.NewKey()
	good := s.token(auth.KindStaff, "catalog:read")
	s.problem(401, "unauthenticated", "GET", "/v1/admin/products", nil)
	for _, bad := range [][]string{
		{"Authorization: Bearer " + forged}, {"Authorization: Bearer "}, {"Authorization: Basic eDp5"}, {"Authorization: "}, {good, good},
		{good, "X-Api-Key: " + plain}, {"X-Api-Key: " + plain}, {"X-Api-Key: "},
	} {
		s.problem(401, "unauthenticated", "GET", "/v1/admin/products", nil, bad...)
		s.problem(401, "unauthenticated", "GET", "/v1/products", nil, bad...)
	}
	_, token, _ := strings.Cut(good, ": ")
	for _, path := range []string{"/v1/admin/products", "/v1/products"} {
		if resp, text := s.do("GET", path, nil, good); resp.StatusCode != 200 || !strings.Contains(text, "Authorization: "+token+"\n") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
	}
}

// Whoever completes a checkout is named to it by address, as proxies of ours say, and never as the client says.
func TestTheClientsAddressGoesToComplete(t *testing.T) {
	t.Parallel()
	s := open(t, http.HandlerFunc(echo), func(p *Public) { p.Edge.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	_, text := s.do("POST", "/v1/checkouts/one/complete", strings.NewReader("{}"), "X-Forwarded-For: 6.6.6.6, 2001:db8::7", "X-Real-Ip: 6.6.6.6")
	if !strings.Contains(text, "X-Real-Ip: 2001:db8::7\n") {
		t.Error(text)
	}
	if _, text := s.do("POST", "/v1/carts", strings.NewReader("{}"), "X-Real-Ip: 6.6.6.6"); strings.Contains(text, "X-Real-Ip") {
		t.Error(text)
	}
}
