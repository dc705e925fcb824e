package httpapi

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/limit"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/gateway/internal/app"
	"github.com/sidecart/sidecart/services/gateway/internal/daprio"
	"github.com/sidecart/sidecart/services/gateway/internal/gateway"
)

// shop is a gateway on a socket, with a handler in the place of its sidecar and of all services behind it.
type shop struct {
	t      *testing.T
	url    string
	addr   string
	signer *auth.Signer
	public *Public
}

// open starts a gateway; edit changes its parts beforehand.
func open(t *testing.T, sidecar http.Handler, edit ...func(*Public)) *shop {
	t.Helper()
	side := httptest.NewServer(sidecar)
	t.Cleanup(side.Close)
	return openAt(t, strings.TrimPrefix(side.URL, "http://"), edit...)
}

func openAt(t *testing.T, sidecar string, edit ...func(*Public)) *shop {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	client, err := daprkit.Connect(t.Context(), daprkit.Config{GRPCAddr: sidecar, HTTPAddr: sidecar, APIToken: "api-token", AppID: "gateway"}, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return serve(t, client, edit...)
}

func serve(t *testing.T, client *daprkit.Client, edit ...func(*Public)) *shop {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	signer, verifier := apitest.Signer(t)
	table := gateway.NewTable(gateway.Routes())
	plenty := limit.Rate{PerSecond: 1e6, Burst: 1e6}
	p := Public{
		Server: httpx.New(httpx.Config{Name: "gateway"}),
		Edge: Config{Table: table, Transport: client.Transport(), Verifier: verifier, Now: time.Now, Log: log,
			Limits: Limits{plenty, plenty, plenty}},
		Services: &app.Services{Asker: daprio.Services{Transport: client.Transport()}, Table: table, Now: time.Now, Log: log,
			Info: gateway.Info{Title: "Sidecart", Version: "test"}},
		Ready: func(context.Context) map[string]error { return map[string]error{"sidecar": nil} },
	}
	for _, e := range edit {
		e(&p)
	}
	l := httpx.Listen("127.0.0.1:0", Handler(p))
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
		defer cancel()
		_ = l.Stop(ctx) // a test that left a request hanging has had its say
	})
	return &shop{t: t, url: "http://" + l.Addr(), addr: l.Addr(), signer: signer, public: &p}
}

// quick gives every route a short time and a small body.
func quick(timeout time.Duration, body int64) func(*Public) {
	return func(p *Public) {
		routes := gateway.Routes()
		for i := range routes {
			routes[i].Timeout, routes[i].MaxBody = timeout, body
		}
		p.Edge.Table = gateway.NewTable(routes)
	}
}

// do asks over the socket, with headers given as "Name: value".
func (s *shop) do(method, path string, body io.Reader, headers ...string) (*http.Response, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp, string(text)
}

// problem asks and wants a problem document.
func (s *shop) problem(status int, code, method, path string, body io.Reader, headers ...string) *http.Response {
	s.t.Helper()
	resp, text := s.do(method, path, body, headers...)
	if resp.StatusCode != status || !strings.Contains(text, `"https://sidecart.dev/problems/`+code+`"`) ||
		resp.Header.Get("Content-Type") != httpx.ContentTypeProblem || resp.Header.Get("X-Request-Id") == "" {
		s.t.Errorf("%s %s: %d %v %.300s, want %d %s", method, path, resp.StatusCode, resp.Header, text, status, code)
	}
	return resp
}

// raw sends bytes and returns the whole answer.
func (s *shop) raw(request string) string {
	s.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(s.t.Context(), "tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		s.t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(answer)
}

func (s *shop) token(kind string, scopes ...string) string {
	s.t.Helper()
	token, err := s.signer.Mint(auth.Principal{Subject: "u-1", Kind: kind, Scopes: scopes}, time.Minute, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return "Authorization: Bearer " + token
}
