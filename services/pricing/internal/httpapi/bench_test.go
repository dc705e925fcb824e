package httpapi

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/pricing/internal/app"
	"github.com/sidecart/sidecart/services/pricing/internal/postgres"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// BenchmarkQuote prices two lines with one shipping option, through the handler and a real database.
func BenchmarkQuote(b *testing.B) {
	pool := testkit.Schema(b, postgres.Migrations()...)
	store := postgres.New(pool, outbox.New(pool, outbox.Options{Source: "pricing"}))
	s := httpx.New(httpx.Config{Name: "pricing"})
	Register(s, &app.Quoter{Loader: store, Now: time.Now}, &app.Staff{Store: store, Now: time.Now}, store)
	body := []byte(`{"currency":"USD","country":"US","region":"CA","lines":[{"id":"1","sku":"shirt","quantity":2},{"id":"2","sku":"mug","quantity":1}],
		"shipping_options":[{"id":"std","price":{"amount":500,"currency":"USD"}}]}`)
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, pricingapi.PathQuote, bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("dapr-caller-app-id", "cart")
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
	}
}
