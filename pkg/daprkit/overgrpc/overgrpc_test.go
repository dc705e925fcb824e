package overgrpc_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/sidecart/sidecart/pkg/daprkit/overgrpc"
)

// port serves h both ways at one address, as an app does.
func port(t *testing.T, h http.Handler) (string, *grpc.ClientConn) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	framed, plain := overgrpc.Split(l)
	server, web := overgrpc.NewServer(h), &http.Server{Handler: h, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(framed) }() // both end with the test
	go func() { _ = web.Serve(plain) }()
	conn, err := grpc.NewClient("passthrough:///"+l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(8<<20), grpc.MaxCallSendMsgSize(8<<20)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		_ = web.Close()
		server.Stop()
	})
	return l.Addr().String(), conn
}

func request(t *testing.T, method, url, body string, header http.Header) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		r.Header[k] = v
	}
	return r
}

// A request that takes either way is answered as one over HTTP: status, headers, body, whatever the handler does.
func TestBothWaysAnswerAlike(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /echo/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("X-Many", "1")
		w.Header().Add("X-Many", "2")
		w.Header().Set("Content-Type", "text/x-echo")
		w.WriteHeader(http.StatusCreated)
		w.Header().Set("X-Late", "after the status")
		_, _ = io.WriteString(w, r.PathValue("id")+"?"+r.URL.RawQuery+" "+r.Header.Get("If-Match")+" "+r.Header.Get("Content-Type")+" ")
		_, _ = io.Copy(w, r.Body)
	})
	mux.HandleFunc("/unchanged", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "500")
		w.WriteHeader(http.StatusNotModified)
	})
	mux.HandleFunc("/nothing", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/silent", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/untyped", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `<html>`) })
	mux.HandleFunc("/early", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusTeapot)
	})
	addr, conn := port(t, mux)
	measured := httptest.NewServer(overgrpc.Plain(mux))
	t.Cleanup(measured.Close)
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/echo/a%20b?x=1&y=%2F", `{"quantity":2}`},
		{"POST", "/echo/empty", ""},
		{"POST", "/echo/large", strings.Repeat("0123456789", 200_000)},
		{"GET", "/nothing", ""},
		{"GET", "/unchanged", ""},
		{"GET", "/silent", ""},
		{"GET", "/untyped", ""},
		{"HEAD", "/untyped", ""},
		{"GET", "/early", ""},
		{"GET", "/absent", ""},
		{"PUT", "/echo/1", "wrong method"},
	} {
		header := http.Header{"If-Match": {`"7"`}, "Content-Type": {"application/json"}}
		plain, err := http.DefaultTransport.RoundTrip(request(t, c.method, "http://"+addr+c.path, c.body, header))
		if err != nil {
			t.Fatal(err)
		}
		framed, err := overgrpc.Do(conn, request(t, c.method, "http://cart"+c.path, c.body, header))
		if err != nil {
			t.Fatalf("%s %s: %v", c.method, c.path, err)
		}
		whole, err := http.DefaultTransport.RoundTrip(request(t, c.method, measured.URL+c.path, c.body, header))
		if err != nil {
			t.Fatalf("%s %s: %v", c.method, c.path, err)
		}
		if err := overgrpc.Whole(whole); err != nil {
			t.Fatalf("%s %s: %v", c.method, c.path, err)
		}
		want := read(t, plain)
		plain.Header.Del("Date")
		for way, resp := range map[string]*http.Response{"framed": framed, "plain": whole} {
			if got := read(t, resp); resp.StatusCode != plain.StatusCode || !bytes.Equal(got, want) {
				t.Errorf("%s %s, %s: %d %.80q, over HTTP %d %.80q", c.method, c.path, way, resp.StatusCode, got, plain.StatusCode, want)
			}
			for k, v := range plain.Header {
				if strings.Join(resp.Header[k], "|") != strings.Join(v, "|") && k != "Content-Length" {
					t.Errorf("%s %s, %s: %s %q, over HTTP %q", c.method, c.path, way, k, resp.Header[k], v)
				}
			}
			if resp.Header.Get("X-Late") != "" || resp.Header.Get(overgrpc.BodyLength) != "" {
				t.Errorf("%s %s, %s: %v", c.method, c.path, way, resp.Header)
			}
		}
	}
}

// An answer that broke off is no answer: neither one that the handler cut, nor one that a sidecar passed on in part.
func TestWhatIsShorterThanItsLengthBrokeOff(t *testing.T) {
	t.Parallel()
	cut := httptest.NewServer(overgrpc.Plain(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "part")
		panic(http.ErrAbortHandler)
	})))
	t.Cleanup(cut.Close)
	if resp, err := http.DefaultTransport.RoundTrip(request(t, "GET", cut.URL, "", nil)); err == nil {
		_ = resp.Body.Close()
		t.Errorf("a handler that broke off answered %d", resp.StatusCode)
	}
	for _, empty := range []*http.Response{{StatusCode: http.StatusNotModified}, {StatusCode: http.StatusNoContent}, {StatusCode: http.StatusOK, Request: request(t, "HEAD", "http://cart/", "", nil)}} {
		empty.Header, empty.Body = http.Header{overgrpc.BodyLength: {"7"}}, http.NoBody
		if err := overgrpc.Whole(empty); err != nil {
			t.Errorf("%d: %v", empty.StatusCode, err)
		}
		if _, err := io.ReadAll(empty.Body); err != nil {
			t.Errorf("%d: %v", empty.StatusCode, err)
		}
	}
	for length, want := range map[string]error{"4": nil, "5": io.ErrUnexpectedEOF, "3": io.ErrUnexpectedEOF, "": nil, "four": nil, "-1": nil} {
		resp := &http.Response{Header: http.Header{overgrpc.BodyLength: {length}}, Body: io.NopCloser(strings.NewReader("part"))}
		if err := overgrpc.Whole(resp); err != nil {
			t.Errorf("length %q: %v", length, err)
		}
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if string(got) != "part" || !errors.Is(err, want) {
			t.Errorf("length %q: %q, %v", length, got, err)
		}
	}
}

// A sidecar whose app dies before its first word says 200 and nothing else.
func TestNothingAtAllBrokeOff(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{"": io.ErrUnexpectedEOF, "a": nil, strings.Repeat("long", 4000): nil} {
		resp := &http.Response{Request: request(t, "POST", "http://cart/", "", nil), StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
		if err := overgrpc.Whole(resp); !errors.Is(err, want) {
			t.Errorf("%.9q: %v", body, err)
		}
		if got := read(t, resp); string(got) != body {
			t.Errorf("%.9q became %.9q", body, got)
		}
	}
	for method, status := range map[string]int{"POST": http.StatusAccepted, "PUT": http.StatusInternalServerError, "GET": http.StatusOK} {
		if err := overgrpc.Whole(&http.Response{Request: request(t, method, "http://cart/", "", nil), StatusCode: status, Header: http.Header{}, Body: http.NoBody}); err != nil {
			t.Errorf("%s %d: %v", method, status, err)
		}
	}
}

func read(t *testing.T, r *http.Response) []byte {
	t.Helper()
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What sidecars say stands in the metadata; a caller cannot say it for them.
func TestSidecarsHeadersCannotBeForged(t *testing.T) {
	t.Parallel()
	_, conn := port(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Join(r.Header.Values("dapr-caller-app-id"), ",")+";"+r.Header.Get("dapr-api-token")+";"+r.Header.Get("x-other"))
	}))
	forged := http.Header{"Dapr-Caller-App-Id": {"order"}, "Dapr-Api-Token": {"guessed"}}
	req := request(t, "GET", "http://cart/", "", forged)
	req = req.WithContext(metadata.AppendToOutgoingContext(t.Context(), "dapr-caller-app-id", "checkout", "x-other", "no header"))
	resp, err := overgrpc.Do(conn, req)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(read(t, resp)); got != "checkout;;" {
		t.Errorf("the app saw %q", got)
	}
}

// A handler that panics or cuts the connection fails its own call; the next one is answered.
func TestABrokenHandlerCostsItsOwnCall(t *testing.T) {
	t.Parallel()
	_, conn := port(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/panic":
			panic("broken")
		case "/abort":
			panic(http.ErrAbortHandler)
		}
	}))
	for _, path := range []string{"/panic", "/abort"} {
		if _, err := overgrpc.Do(conn, request(t, "POST", "http://cart"+path, "x", nil)); status.Code(err) != codes.Aborted {
			t.Errorf("%s: %v", path, err)
		}
	}
	resp, err := overgrpc.Do(conn, request(t, "GET", "http://cart/", "", nil))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}

// The caller's patience and its leaving reach the handler.
func TestTheHandlerLearnsThatNobodyWaits(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	_, conn := port(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		ended <- r.Context().Err()
	}))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := overgrpc.Do(conn, request(t, "GET", "http://cart/", "", nil).WithContext(ctx)); status.Code(err) != codes.DeadlineExceeded {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("the handler's context did not end")
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	_, conn := port(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, overgrpc.MaxMessage)) }))
	if _, err := overgrpc.Do(conn, request(t, "POST", "http://cart/", strings.Repeat("x", overgrpc.MaxMessage), nil)); !errors.Is(err, overgrpc.ErrTooLarge) {
		t.Errorf("a request: %v", err)
	}
	if _, err := overgrpc.Do(conn, request(t, "GET", "http://cart/", "", nil)); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("an answer: %v", err)
	}
}

// broken is a port that fails on its own.
type broken struct{ net.Listener }

var errBroken = errors.New("broken")

func (broken) Accept() (net.Conn, error) { return nil, errBroken }

// That a port failed is not taken for its closing, which is the end that servers pass over in silence.
func TestAPortThatFails(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	framed, plain := overgrpc.Split(broken{l})
	for _, half := range []net.Listener{framed, plain} {
		if _, err := half.Accept(); !errors.Is(err, errBroken) || errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}
}

// One port: a connection that says nothing is closed in time, and closing one half ends both.
func TestSplit(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	framed, plain := overgrpc.Split(l)
	for _, c := range []struct {
		first string
		to    net.Listener
	}{{"PRI * HTTP/2.0", framed}, {"GET / HTTP/1.1", plain}, {"PR", plain}} {
		out, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(out, c.first); err != nil {
			t.Fatal(err)
		}
		_ = out.(*net.TCPConn).CloseWrite()
		in, err := c.to.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(in); string(got) != c.first {
			t.Errorf("%q arrived as %q", c.first, got)
		}
		_, _ = in.Close(), out.Close()
	}
	if err := plain.Close(); err != nil {
		t.Error(err)
	}
	for _, half := range []net.Listener{framed, plain} {
		if _, err := half.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after closing: %v", err)
		}
	}
}

func BenchmarkServe(b *testing.B) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(make([]byte, 1200))
	})
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	framed, plain := overgrpc.Split(l)
	server, web := overgrpc.NewServer(h), &http.Server{Handler: h, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(framed) }()
	go func() { _ = web.Serve(plain) }()
	defer server.Stop()
	conn, _ := grpc.NewClient("passthrough:///"+l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	body := bytes.Repeat([]byte("x"), 500)
	for name, do := range map[string]func(*http.Request) (*http.Response, error){
		"framed": func(r *http.Request) (*http.Response, error) { return overgrpc.Do(conn, r) },
		"plain":  http.DefaultTransport.RoundTrip,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, _ := http.NewRequest("POST", "http://"+l.Addr().String()+"/v1/carts", bytes.NewReader(body))
				resp, err := do(r)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	}
}
