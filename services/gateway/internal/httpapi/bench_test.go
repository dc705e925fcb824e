package httpapi

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/limit"
	"github.com/sidecart/sidecart/services/gateway/internal/gateway"
)

// instant is a sidecar that has answered before it was asked.
type instant struct{ answer []byte }

func (i instant) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	return &http.Response{
		StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Request: r, ContentLength: int64(len(i.answer)), Body: io.NopCloser(bytes.NewReader(i.answer)),
		Header: http.Header{"Content-Type": {"application/json"}, "Etag": {`"7"`}, "Traceparent": {"x"}, "X-Request-Id": {"x"}},
	}, nil
}

// What the gateway itself costs: edge, routing, headers, copy; without sockets and sidecar.
func BenchmarkOverhead(b *testing.B) {
	signer, err := auth.Generate()
	if err != nil {
		b.Fatal(err)
	}
	verifier, err := auth.NewVerifier(auth.JWKS{Keys: []auth.JWK{signer.JWK()}}.Public())
	if err != nil {
		b.Fatal(err)
	}
	token, err := signer.Mint(auth.Principal{Subject: "u"}, 10*time.Minute, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	plenty := limit.Rate{PerSecond: 1e9, Burst: 1e9}
	log := slog.New(slog.DiscardHandler)
	h := Handler(Public{Server: httpx.New(httpx.Config{Name: "gateway"}), Edge: Config{
		Table: gateway.NewTable(gateway.Routes()), Transport: instant{make([]byte, 1200)}, Verifier: verifier, Now: time.Now, Log: log, Limits: Limits{plenty, plenty, plenty},
	}})
	run := func(name, method, path string, body []byte, headers ...string) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			w := &discard{h: http.Header{}}
			for b.Loop() {
				r := httptest.NewRequestWithContext(b.Context(), method, path, bytes.NewReader(body))
				for i := 0; i < len(headers); i += 2 {
					r.Header.Set(headers[i], headers[i+1])
				}
				clear(w.h)
				h.ServeHTTP(w, r)
				if w.status != 200 {
					b.Fatal(w.status)
				}
			}
		})
	}
	run("read", "GET", "/v1/products/some-slug", nil)
	run("write", "POST", "/v1/carts/0123456789abcdef0123456789abcdef/lines", make([]byte, 500), "Content-Type", "application/json", "Idempotency-Key", "k")
	run("staff", "GET", "/v1/admin/orders", nil, "Authorization", "Bearer "+token)
}

type discard struct {
	h      http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
