package httpx_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/pkg/httpx"
)

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
