package httpapi_test

import (
	"log/slog"
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/checkout/internal/checkouttest"
	. "github.com/sidecart/sidecart/services/checkout/internal/httpapi"
	"github.com/sidecart/sidecart/services/checkout/internal/postgres"
)

const (
	cartID      = "0123456789abcdef0123456789abcdef"
	otherCartID = "fedcba9876543210fedcba9876543210"
	address     = `{"name":"Sample Customer","line1":"1 Main Street","city":"Springfield","region":"IL","postal_code":"62701","country":"US"}`
)

// session is the whole service on a real database, with fakes behind the sidecar. Its clock can be turned.
type session struct {
	t      *testing.T
	pool   *pgxpool.Pool
	shop   *checkouttest.Neighbours
	app    *app.App
	client apitest.Client
	ahead  *atomic.Int64
	start  time.Time

	signer   *auth.Signer
	verifier *auth.Verifier
}

func open(t *testing.T) *session {
	t.Helper()
	pool := testkit.Schema(t, postgres.Migrations()...)
	s := &session{t: t, pool: pool, ahead: &atomic.Int64{}, start: time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)}
	s.shop = checkouttest.New(s.now)
	s.shop.Cart(cartID, 3, "USD", map[string]int64{"shirt": 2, "mug": 1})
	s.signer, s.verifier = apitest.Signer(t)
	s.app, s.client = s.replica()
	return s
}

// replica is another process of the service on the same database.
func (s *session) replica() (*app.App, apitest.Client) {
	rates, err := app.Rates("")
	if err != nil {
		s.t.Fatal(err)
	}
	c := s.shop.Config()
	store := postgres.New(s.pool, outbox.New(s.pool, outbox.Options{Source: "checkout"}))
	c.Store, c.Sweeps, c.Rates, c.LeftFor = store, store, rates, 30*time.Minute
	a := app.New(c)
	server := httpx.New(httpx.Config{Name: "checkout", Verifier: s.verifier, Log: slog.New(slog.NewTextHandler(s.t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))})
	Register(server, a, store)
	return a, apitest.Client{T: s.t, Handler: server}
}

func (s *session) now() time.Time            { return s.start.Add(time.Duration(s.ahead.Load())) }
func (s *session) turnClock(d time.Duration) { s.ahead.Add(int64(d)) }

func (s *session) create() (c checkoutapi.Checkout) {
	s.t.Helper()
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`","email":"customer@example.com"}`).Want(201).JSON(&c)
	return c
}

func (s *session) patch(id, body string) (c checkoutapi.Checkout) {
	s.t.Helper()
	s.client.Do("PATCH", "/v1/checkouts/"+id, body).Want(200).JSON(&c)
	return c
}

// ready is a checkout that only waits to be paid: 50.99 USD.
func (s *session) ready() checkoutapi.Checkout {
	s.t.Helper()
	return s.patch(s.create().ID, `{"shipping_address":`+address+`,"shipping_option_id":"standard"}`)
}

func (s *session) get(id string) (c checkoutapi.Checkout) {
	s.t.Helper()
	s.client.Do("GET", "/v1/checkouts/"+id, nil).Want(200).JSON(&c)
	return c
}

func pay(minor int64) checkoutapi.CompleteInput {
	return checkoutapi.CompleteInput{Nonce: "fake-valid-nonce", ExpectedTotal: money.New(minor, "USD")}
}

const total = 2*2000 + 500 + 599

func (s *session) complete(id, key string, in any) *apitest.Answer {
	s.t.Helper()
	return s.client.With("Idempotency-Key", key).Do("POST", "/v1/checkouts/"+id+"/complete", in)
}

// wantCalls checks what a step has asked of the neighbours.
func (s *session) wantCalls(step string, want map[string]int) {
	s.t.Helper()
	if got := s.shop.Calls(); !maps.Equal(got, want) {
		s.t.Errorf("%s asked %v, want %v", step, got, want)
	}
}
