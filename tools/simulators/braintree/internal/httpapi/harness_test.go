package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/braintree-go/braintree-go"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/httpapi"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/merchant"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/store"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/webhook"
)

const (
	merchantID = "shop"
	publicKey  = "pub"
	privateKey = "priv"
)

// clock is a gateway's clock that the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// sim is a running simulator and the real SDK's client for it.
type sim struct {
	*braintree.Braintree
	t     *testing.T
	url   string
	clock *clock
	dir   string
	close func()

	sender *webhook.Sender
}

func start(t *testing.T) *sim { return startIn(t, t.TempDir()) }

func startIn(t *testing.T, dir string) *sim {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	st, err := store.Open(dir, log)
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	accounts := []ledger.Account{{ID: "usd", Currency: "USD"}, {ID: "eur", Currency: "EUR"}, {ID: "jpy", Currency: "JPY"}, {ID: "kwd", Currency: "KWD"}}
	m, err := merchant.New(merchantID, publicKey, privateKey, accounts, c.Now, merchant.Settings{DuplicateWindow: merchant.DefaultDuplicateWindow, TestAmounts: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.View(func(b *ledger.Book) { m.Turn(b.Clock().Ahead) }); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(httpapi.New(st, m, log).Handler())
	s := &sim{t: t, url: server.URL, clock: c, dir: dir, sender: &webhook.Sender{Store: st, Merchant: m, Client: http.DefaultClient, Log: log}}
	s.Braintree = s.client(publicKey, privateKey, merchantID, 10*time.Second)
	s.close = sync.OnceFunc(func() {
		server.CloseClientConnections()
		server.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.close)
	return s
}

func (s *sim) client(public, private, id string, timeout time.Duration) *braintree.Braintree {
	return braintree.NewWithHttpClient(braintree.NewEnvironment(s.url), id, public, private, &http.Client{Timeout: timeout, Transport: http.DefaultTransport.(*http.Transport).Clone()})
}

func usd(cents int64) *braintree.Decimal { return braintree.NewDecimal(cents, 2) }

func request(cents int64, order string) *braintree.TransactionRequest {
	return &braintree.TransactionRequest{Type: "sale", Amount: usd(cents), OrderId: order, PaymentMethodNonce: braintree.FakeNonceTransactable}
}

// sale makes a sale that must succeed.
func (s *sim) sale(q *braintree.TransactionRequest) *braintree.Transaction {
	s.t.Helper()
	tx, err := s.Transaction().Create(s.t.Context(), q)
	if err != nil {
		s.t.Fatalf("sale: %v", err)
	}
	return tx
}

// settled makes a sale and settles it.
func (s *sim) settled(cents int64, order string) *braintree.Transaction {
	s.t.Helper()
	q := request(cents, order)
	q.Options = &braintree.TransactionOptions{SubmitForSettlement: true}
	tx, err := s.Testing().Settle(s.t.Context(), s.sale(q).Id)
	if err != nil {
		s.t.Fatalf("settle: %v", err)
	}
	return tx
}

// refused asserts a validation error with this code on this attribute of the transaction.
func refused(t *testing.T, err error, attribute, code string) {
	t.Helper()
	var e *braintree.BraintreeError
	if !errors.As(err, &e) {
		t.Fatalf("want validation error %s, got %v", code, err)
	}
	if e.StatusCode() != http.StatusUnprocessableEntity {
		t.Errorf("status %d", e.StatusCode())
	}
	for _, v := range e.For("Transaction").On(attribute) {
		if v.Code == code {
			return
		}
	}
	t.Fatalf("want %s on %s, got %+v", code, attribute, e.All())
}

// declined asserts a recorded sale that did not succeed, and answers it.
func declined(t *testing.T, err error, status braintree.TransactionStatus, message string) *braintree.Transaction {
	t.Helper()
	var e *braintree.BraintreeError
	if !errors.As(err, &e) || e.Transaction == nil {
		t.Fatalf("want a declined transaction, got %v", err)
	}
	if e.StatusCode() != http.StatusUnprocessableEntity || e.Error() != message || e.Transaction.Status != status || len(e.All()) != 0 {
		t.Fatalf("got %d %q %s %v, want %q %s", e.StatusCode(), e.Error(), e.Transaction.Status, e.All(), message, status)
	}
	return e.Transaction
}

func statusOf(err error) int {
	var e braintree.APIError
	if errors.As(err, &e) {
		return e.StatusCode()
	}
	return 0
}

// raw sends a request by hand and answers status and body.
func (s *sim) raw(method, path, body string, header http.Header) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.SetBasicAuth(publicKey, privateKey)
	r.Header.Set("Content-Type", "application/xml")
	r.Header.Set("X-ApiVersion", "4")
	for k, v := range header {
		r.Header[k] = v
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// sim calls a switch with JSON and decodes its answer.
func (s *sim) switchTo(method, path string, in, out any) int {
	s.t.Helper()
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			s.t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(context.Background(), method, s.url+path, &body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if out != nil {
		if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
			s.t.Fatal(err)
		}
	}
	return resp.StatusCode
}

func (s *sim) books() httpapi.Books {
	s.t.Helper()
	var b httpapi.Books
	if code := s.switchTo(http.MethodGet, "/_sim/books", nil, &b); code != http.StatusOK {
		s.t.Fatalf("books: %d", code)
	}
	return b
}

// byOrder finds one order's transactions as the shop would: by search.
func (s *sim) byOrder(order string) []*braintree.Transaction {
	s.t.Helper()
	q := new(braintree.SearchQuery)
	q.AddTextField("order-id").Is = order
	found, err := s.Transaction().SearchIDs(s.t.Context(), q)
	if err != nil {
		s.t.Fatal(err)
	}
	var all []*braintree.Transaction
	for page := 1; page <= found.PageCount; page++ {
		got, err := s.Transaction().SearchPage(s.t.Context(), q, found, page)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, got.Transactions...)
	}
	return all
}
