package httpapi

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/braintree"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
	"github.com/sidecart/sidecart/services/payment/internal/postgres"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

var simulator string // path of the binary, set by TestMain alone

func TestMain(m *testing.M) {
	binary, remove, err := paymenttest.BuildSimulator()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	simulator = binary
	code := m.Run()
	remove()
	os.Exit(code)
}

// clock is moved by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// shop is the whole service on a real database, before the simulator or a fake, without a sidecar.
type shop struct {
	t      *testing.T
	order  apitest.Client
	staff  apitest.Client
	plain  apitest.Client
	signer *auth.Signer
	pool   *pgxpool.Pool
	app    *app.App
	clock  *clock
	server *httpx.Server
}

var accounts = app.Accounts{"USD": "sidecart-usd", "EUR": "sidecart-eur", "JPY": "sidecart-jpy", "KWD": "sidecart-kwd"}

var keys = braintree.Keys{"sidecart_public": "sidecart_private"}

// provider is the gateway with all that it can do; the fake one knows nothing of disputes.
type provider interface {
	app.FullGateway
	app.DisputeGateway
	app.VaultGateway
}

func open(t *testing.T, gateway provider) *shop { return openWith(t, gateway, payment.Rules{}) }

func openWith(t *testing.T, gateway provider, rules payment.Rules) *shop {
	t.Helper()
	pool := testkit.Schema(t, postgres.Migrations()...)
	store := postgres.New(pool, outbox.New(pool, outbox.Options{Source: "payment"}))
	signer, verifier := apitest.Signer(t)
	s := httpx.New(httpx.Config{Name: "payment", Verifier: verifier})
	clock := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	a := app.New(store, gateway, accounts, clock.Now, slog.New(slog.DiscardHandler), nil)
	risk := app.NewRisk(a, store, rules)
	Register(s, Parts{App: a, Cases: app.NewCases(a, store, gateway), Vault: app.NewVault(a, store, gateway), Risk: risk, Credits: app.NewCredits(a, store), Manual: &app.Manual{App: a, Risk: risk, Store: store},
		Read: store, CaseReader: store, CreditReader: store, Signatures: keys})
	plain := apitest.Client{T: t, Handler: s}
	return &shop{t: t, order: plain.As("order"), staff: plain.Staff(signer, ScopeRead, ScopeWrite), plain: plain, signer: signer, pool: pool, app: a, clock: clock, server: s}
}

func atSimulator(t *testing.T, flags ...string) (*shop, *paymenttest.Simulator) {
	t.Helper()
	sim := paymenttest.StartSimulator(t, simulator, flags...)
	return open(t, braintree.New(braintree.Options{URL: sim.URL, MerchantID: "sidecart", PublicKey: "sidecart_public", PrivateKey: "sidecart_private",
		Transport: &http.Transport{}})), sim
}

func newOrder() string { return uuid.Must(uuid.NewV7()).String() }

func (s *shop) authorise(order, nonce string, amount money.Amount) (r paymentapi.Result) {
	s.t.Helper()
	s.order.Do("POST", paymentapi.PathAuthorise, paymentapi.AuthoriseRequest{OperationID: order + "-1-authorise-1", PaymentID: order + "-1", OrderID: order,
		Attempt: 1, Amount: amount, Nonce: nonce, DeviceData: `{"correlation_id":"0123456789abcdef0123456789abcdef"}`}).Want(200).JSON(&r)
	return r
}

func (s *shop) move(path, order, operation string, amount *money.Amount) (r paymentapi.Result) {
	s.t.Helper()
	s.order.Do("POST", path, paymentapi.MoneyRequest{OperationID: operation, PaymentID: order + "-1", Amount: amount}).Want(200).JSON(&r)
	return r
}

func (s *shop) payment(order string) paymentapi.Payment {
	s.t.Helper()
	var all paymentapi.Payments
	s.order.Do("GET", paymentapi.PathPayments+order, nil).Want(200).JSON(&all)
	if len(all.Items) != 1 {
		s.t.Fatalf("payments of %s: %+v", order, all.Items)
	}
	return all.Items[0]
}

// announced returns the types of the events that others hear of.
func (s *shop) announced(order string) (types []string) {
	s.t.Helper()
	rows, err := s.pool.Query(s.t.Context(), `SELECT type FROM outbox WHERE subject = $1 ORDER BY sequence`, order+"-1")
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			s.t.Fatal(err)
		}
		types = append(types, name)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return types
}

func usd(minor int64) money.Amount { return money.New(minor, "USD") }

// The journey of one order: authorised, captured, settled, refunded in two parts.
func TestJourney(t *testing.T) {
	t.Parallel()
	s, sim := atSimulator(t)
	order := newOrder()
	var token paymentapi.ClientToken
	s.plain.As("checkout").Do("POST", paymentapi.PathClientToken, `{"currency":"EUR"}`).Want(200).JSON(&token)
	if token.Provider != "braintree" || len(token.ClientToken) < 50 {
		t.Errorf("client token %+v", token)
	}
	r := s.authorise(order, paymenttest.NonceValid, usd(2599))
	if r.Outcome != paymentapi.Succeeded || r.Amount != usd(2599) || r.TransactionID == "" {
		t.Fatalf("authorise %+v", r)
	}
	if again := s.authorise(order, paymenttest.NonceValid, usd(2599)); again != r {
		t.Errorf("again %+v, first %+v", again, r)
	}
	whole := usd(2599)
	if r := s.move(paymentapi.PathCapture, order, "c1", &whole); r.Outcome != paymentapi.Succeeded || r.Amount != whole {
		t.Fatalf("capture %+v", r)
	}
	part := usd(600)
	if r := s.move(paymentapi.PathRefund, order, "r1", &part); r.Outcome != paymentapi.Declined || r.DeclineCode != paymentapi.DeclineNotSettled || !r.Retryable {
		t.Errorf("part refund before settlement %+v", r)
	}
	sim.Post(t, "/_sim/settle", struct{}{})
	if r := s.move(paymentapi.PathVoid, order, "v1", nil); r.Outcome != paymentapi.Declined || r.DeclineCode != paymentapi.DeclineSettled {
		t.Errorf("void after settlement %+v", r)
	}
	if r := s.move(paymentapi.PathRefund, order, "r2", &part); r.Outcome != paymentapi.Succeeded || r.Amount != part {
		t.Errorf("part refund %+v", r)
	}
	if r := s.move(paymentapi.PathRefund, order, "r3", nil); r.Outcome != paymentapi.Succeeded || r.Amount != usd(1999) {
		t.Errorf("refund of the rest %+v", r)
	}
	p := s.payment(order)
	if p.Status != paymentapi.StatusRefunded || p.Captured != whole || p.Refunded != whole {
		t.Errorf("payment %+v", p)
	}
	want := "[payment.refunded.v1 payment.refunded.v1]"
	if got := fmt.Sprint(s.announced(order)); got != want {
		t.Errorf("announced %s, want %s", got, want)
	}
	if books := sim.Books(t); len(books) != 3 || books[0].OrderID != order+"-1" || books[0].Account != "sidecart-usd" || books[1].OrderID != "r2" || books[2].Type != "credit" {
		t.Errorf("books %+v", books)
	}
}

// Shipment by shipment: order captures a part, staff the next, which is the last; refunds are spread over them.
func TestJourneyInParts(t *testing.T) {
	t.Parallel()
	s, sim := atSimulator(t)
	order := newOrder()
	s.authorise(order, paymenttest.NonceValid, usd(2599))
	var r paymentapi.Result
	body := fmt.Sprintf(`{"operation_id":"%s-c1","payment_id":"%s-1","amount":{"amount":1000,"currency":"USD"},"final_capture":false}`, order, order)
	for range 2 {
		s.plain.As("order").Do("POST", paymentapi.PathCapture, body).Want(200).JSON(&r)
		if r.Outcome != paymentapi.Succeeded || r.Amount != usd(1000) {
			t.Fatalf("%+v", r)
		}
	}
	s.plain.As("order").Do("POST", paymentapi.PathCapture, strings.ReplaceAll(body, "false", "true")).Problem(422, "operation-id-reused")
	if p := s.payment(order); p.Status != paymentapi.StatusPartiallyCaptured || p.Captured != usd(1000) || len(p.Captures) != 1 || p.Captures[0].Status != "captured" {
		t.Errorf("%+v", p)
	}
	captures := "/v1/admin/payments/" + order + "-1/captures"
	keyed(s.staff).Do("POST", captures, `{"final_capture":false}`).Problem(422, "validation-failed")
	keyed(s.staff).Do("POST", captures, `{"amount":{"amount":1600,"currency":"USD"},"final_capture":false}`).Problem(409, payment.CodeTooMuch)
	keyed(s.staff).Do("POST", captures, `{"amount":{"amount":1500,"currency":"USD"}}`).Want(201)
	sim.Post(t, "/_sim/settle", struct{}{})
	part := usd(1200)
	if r := s.move(paymentapi.PathRefund, order, order+"-r1", &part); r.Outcome != paymentapi.Succeeded || r.Amount != part {
		t.Errorf("%+v", r)
	}
	p := s.payment(order)
	if p.Status != paymentapi.StatusCaptured || p.Captured != usd(2500) || p.Refunded != part || len(p.Captures) != 2 || p.Captures[0].Refunded != usd(1000) || p.Captures[1].Refunded != usd(200) {
		t.Errorf("%+v", p)
	}
	refunds := "/v1/admin/payments/" + order + "-1/refunds"
	keyed(s.staff).Do("POST", refunds, `{"to":"store_credit"}`).Problem(409, payment.CodeNoCustomer)
	keyed(s.staff).Do("POST", refunds, `{"to":"nowhere"}`).Problem(422, "validation-failed")
	keyed(s.staff).Do("POST", refunds, `{"expires_at":"2099-01-01T00:00:00Z"}`).Problem(422, "validation-failed")
	var states []string
	for _, b := range sim.Books(t) {
		states = append(states, b.Type+" "+b.Status+" "+b.Amount)
	}
	if got := fmt.Sprint(states); got != "[sale voided 25.99 sale settled 10.00 sale settled 15.00 credit submitted_for_settlement 10.00 credit submitted_for_settlement 2.00]" {
		t.Error(got)
	}
}

func TestExponents(t *testing.T) {
	t.Parallel()
	s, sim := atSimulator(t)
	for amount, want := range map[money.Amount]string{money.New(1234, "JPY"): "1234", money.New(1234, "KWD"): "1.234", money.New(80, "USD"): "0.80", money.New(5, "KWD"): "0.005"} {
		order := newOrder()
		if r := s.authorise(order, paymenttest.NonceValid, amount); r.Outcome != paymentapi.Succeeded || r.Amount != amount {
			t.Errorf("%s: %+v", amount, r)
		}
		books := sim.Books(t)
		if last := books[len(books)-1]; last.Amount != want || last.Currency != string(amount.Currency) {
			t.Errorf("%s is booked as %+v", amount, last)
		}
	}
}

func TestDeclines(t *testing.T) {
	t.Parallel()
	s, _ := atSimulator(t)
	for nonce, want := range map[string]string{paymenttest.NonceDeclined: "2000", paymenttest.NonceConsumed: "91564", "nobody-knows-it": "91565", "fake-gateway-rejected-fraud-nonce": "fraud"} {
		order := newOrder()
		r := s.authorise(order, nonce, usd(1000))
		if r.Outcome != paymentapi.Declined || r.DeclineCode != want || r.Message == "" {
			t.Errorf("%s: %+v", nonce, r)
		}
		if p := s.payment(order); p.Status != paymentapi.StatusDeclined {
			t.Errorf("%s: payment %+v", nonce, p)
		}
		if r := s.move(paymentapi.PathVoid, order, order+"-void", nil); r.Outcome != paymentapi.Succeeded || !r.Amount.IsZero() {
			t.Errorf("void of nothing: %+v", r)
		}
		if r := s.move(paymentapi.PathCapture, order, order+"-capture", nil); r.Outcome != paymentapi.Declined || r.DeclineCode != payment.CodeNotAuthorised {
			t.Errorf("capture of nothing: %+v", r)
		}
	}
}

// A whole refund before settlement is a void at the gateway: the same money goes back.
func TestWholeRefundBeforeSettlementVoids(t *testing.T) {
	t.Parallel()
	s, sim := atSimulator(t)
	order := newOrder()
	s.authorise(order, paymenttest.NonceValid, usd(500))
	s.move(paymentapi.PathCapture, order, "c", nil)
	if r := s.move(paymentapi.PathRefund, order, "r", nil); r.Outcome != paymentapi.Succeeded || r.Amount != usd(500) {
		t.Fatalf("refund %+v", r)
	}
	if p := s.payment(order); p.Status != paymentapi.StatusVoided || !p.Captured.IsZero() {
		t.Errorf("payment %+v", p)
	}
	if books := sim.Books(t); len(books) != 1 || books[0].Status != "voided" {
		t.Errorf("books %+v", books)
	}
}

func TestPartCaptureAndVoid(t *testing.T) {
	t.Parallel()
	s, sim := atSimulator(t)
	order, part := newOrder(), usd(300)
	s.authorise(order, paymenttest.NonceValid, usd(500))
	if r := s.move(paymentapi.PathCapture, order, "c", &part); r.Outcome != paymentapi.Succeeded || r.Amount != part {
		t.Fatalf("capture %+v", r)
	}
	if r := s.move(paymentapi.PathCapture, order, "c2", &part); r.Outcome != paymentapi.Succeeded {
		t.Errorf("the same capture under another id %+v", r)
	}
	if books := sim.Books(t); books[0].Captured != 300 {
		t.Errorf("books %+v", books)
	}
	if r := s.move(paymentapi.PathVoid, order, "v", nil); r.Outcome != paymentapi.Succeeded || r.Amount != part {
		t.Errorf("void %+v", r)
	}
	if r := s.move(paymentapi.PathVoid, order, "v2", nil); r.Outcome != paymentapi.Succeeded {
		t.Errorf("void again %+v", r)
	}
	if got := fmt.Sprint(s.announced(order)); got != "[payment.voided.v1]" {
		t.Errorf("announced %s", got)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	s := open(t, paymenttest.NewGateway())
	authorised, captured, voided := newOrder(), newOrder(), newOrder()
	for _, order := range []string{authorised, captured, voided} {
		s.authorise(order, paymenttest.NonceValid, usd(100))
	}
	s.move(paymentapi.PathCapture, captured, "c", nil)
	s.move(paymentapi.PathVoid, voided, "v", nil)
	s.clock.Add(time.Minute)
	list := func(query string) string {
		var all paymentapi.Payments
		s.order.Do("GET", paymentapi.PathOpen+query, nil).Want(200).JSON(&all)
		var ids []string
		for _, p := range all.Items {
			ids = append(ids, p.OrderID)
		}
		return fmt.Sprint(ids)
	}
	if got, want := list(""), fmt.Sprint([]string{authorised, captured}); got != want {
		t.Errorf("open %s, want %s", got, want)
	}
	if got := list("?older_than_seconds=61"); got != "[]" {
		t.Errorf("open since 61 s: %s", got)
	}
	s.clock.Add(25 * time.Hour)
	if got, want := list(""), fmt.Sprint([]string{authorised}); got != want {
		t.Errorf("open a day later %s, want %s", got, want)
	}
}
