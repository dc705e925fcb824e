package httpapi

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
	"github.com/sidecart/sidecart/services/catalog/internal/postgres"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// shop is the whole service on a real database, without a sidecar.
type shop struct {
	t                    testing.TB
	guest, staff, reader apitest.Client
	store                *postgres.Store
	pool                 *pgxpool.Pool
}

func open(t testing.TB) *shop {
	t.Helper()
	pool := testkit.Schema(t, postgres.Migrations()...)
	store := postgres.New(pool, outbox.New(pool, outbox.Options{Source: "catalog"}), "en")
	signer, verifier := apitest.Signer(t)
	s := httpx.New(httpx.Config{Name: "catalog", Verifier: verifier})
	Register(s, &app.Staff{Store: store, Language: "en", Now: clock}, store, store, Options{Currency: "USD", Country: "US", Language: "en", MaxAge: 10 * time.Second, Now: clock})
	guest := apitest.Client{T: t, Handler: s}
	return &shop{t: t, guest: guest, staff: guest.Staff(signer, ScopeRead, ScopeWrite), reader: guest.Staff(signer, ScopeRead), store: store, pool: pool}
}

// stocked is a shop with a registry: clothing (size and colour), below it shirts (material), and furniture.
func stocked(t testing.TB) *shop {
	t.Helper()
	s := open(t)
	for path, body := range map[string]string{
		"attributes/size":     `{"label":"Size","type":"enum","values":[{"value":"s","label":"S"},{"value":"m","label":"M"},{"value":"l","label":"L"}]}`,
		"attributes/colour":   `{"label":"Colour","type":"colour","values":[{"value":"navy","label":"Navy","hex":"#1F2A44"},{"value":"sand","label":"Sand","hex":"#D9C7A0"}]}`,
		"attributes/material": `{"label":"Material","type":"enum","values":[{"value":"linen","label":"Linen"},{"value":"cotton","label":"Cotton"}]}`,
		"attributes/season":   `{"label":"Season","type":"multi_enum","values":[{"value":"spring","label":"Spring"},{"value":"summer","label":"Summer"}]}`,
		"attributes/width":    `{"label":"Width","type":"decimal","unit":"cm","min":"1","max":"500"}`,
		"attributes/seats":    `{"label":"Seats","type":"integer"}`,
		"brands/alder":        `{"name":"Alder & Co"}`,
	} {
		s.staff.Do("PUT", "/v1/admin/"+path, body).Want(204)
	}
	s.staff.Do("PUT", "/v1/admin/categories/clothing", `{"name":"Clothing","slug":"clothing","attributes":[
		{"code":"colour","required":true,"variant_defining":true,"filterable":true},{"code":"size","required":true,"variant_defining":true,"filterable":true,"comparable":true}]}`).Want(204)
	s.staff.Do("PUT", "/v1/admin/categories/shirts", `{"name":"Shirts","slug":"shirts","parent_code":"clothing","position":2,"attributes":[
		{"code":"material","required":true,"filterable":true,"searchable":true},{"code":"season","filterable":true}]}`).Want(204)
	s.staff.Do("PUT", "/v1/admin/categories/furniture", `{"name":"Furniture","slug":"furniture","attributes":[{"code":"width","required":true,"comparable":true},{"code":"seats","comparable":true}]}`).Want(204)
	return s
}

const shirt = `{"external_id":"shirt-1","title":"Linen Shirt","description":"Cool.","brand_code":"alder","category_code":"shirts","status":"published",
	"popularity":7,"attributes":{"material":"linen","season":["summer","spring"]},"images":[{"url":"/media/shirt.svg","alt":"A shirt"}],
	"variants":[{"sku":"SH-S-N","barcode":"2000000000015","weight_grams":200,"dimensions":{"length_mm":1,"width_mm":2,"height_mm":3},
		"attributes":{"size":"s","colour":"navy"}},
	{"sku":"SH-M-N","attributes":{"size":"m","colour":"#1f2a44"},"images":[{"url":"https://img.example/m.png"}]}]}`

// sofa is a product of one variant.
func sofa(n int) string {
	return fmt.Sprintf(`{"external_id":"sofa-%[1]d","title":"Sofa number %[1]d","category_code":"furniture","status":"published","popularity":%[1]d,
		"attributes":{"width":"%[1]d.50 cm"},"variants":[{"sku":"SOFA-%[1]d"}]}`, 100+n)
}

func (s *shop) write(body string) (out catalogapi.ProductWritten) {
	s.t.Helper()
	s.staff.Do("POST", "/v1/admin/products", body).Want(201).JSON(&out)
	return out
}

// price sells a SKU in US dollars.
func (s *shop) price(sku string, minor int64) {
	s.t.Helper()
	s.prices(sku, app.Price{List: "us", Amount: money.New(minor, "USD")})
}

func (s *shop) prices(sku string, prices ...app.Price) {
	s.t.Helper()
	if err := s.store.KeepPrices(s.t.Context(), app.Event{Subject: sku, Sequence: s.next("pricing", sku)}, sku, prices); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) level(sku string, available int64, status string) {
	s.t.Helper()
	if err := s.store.KeepLevel(s.t.Context(), app.Event{Subject: sku, Sequence: s.next("inventory", sku)}, sku, app.Level{Available: available, Status: status}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) next(consumer, subject string) (n int64) {
	s.t.Helper()
	err := s.pool.QueryRow(s.t.Context(), `SELECT coalesce(max(sequence), 0) + 1 FROM inbox_sequences WHERE consumer = $1 AND subject = $2`, consumer, subject).Scan(&n)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}
