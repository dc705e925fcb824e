package shop

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// Answer is what the shop said.
type Answer struct {
	asked  string
	Status int
	Header http.Header
	Body   []byte
}

// Ask makes a call through the gateway. A body that is a string is sent as it is, nil sends none, anything else is encoded. Headers are
// pairs of name and value.
func (s *Shop) Ask(ctx context.Context, method, path string, body any, headers ...string) (*Answer, error) {
	var data []byte
	switch b := body.(type) {
	case nil:
	case string:
		data = []byte(b)
	default:
		var err error
		if data, err = json.Marshal(b); err != nil {
			return nil, err
		}
	}
	url := path
	if strings.HasPrefix(path, "/") {
		url = s.Gateway + path
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a := &Answer{asked: method + " " + path, Status: resp.StatusCode, Header: resp.Header}
	a.Body, err = io.ReadAll(resp.Body)
	return a, err
}

// token is the secret that a service shows to its sidecar.
func (s *Shop) token() (string, error) {
	raw, err := os.ReadFile(filepath.Join(s.Data, "keys", "shop.json"))
	if err != nil {
		return "", err
	}
	var keys struct {
		Token string `json:"dapr_api_token"`
	}
	return keys.Token, json.Unmarshal(raw, &keys)
}

// AskSidecar is Ask for a service's own sidecar, as the service may.
func (s *Shop) AskSidecar(ctx context.Context, service, method, path string, body any) (*Answer, error) {
	token, err := s.token()
	if err != nil {
		return nil, err
	}
	return s.Ask(ctx, method, s.Sidecar(service)+path, body, "dapr-api-token", token)
}

// Must is Ask for a test that cannot go on without an answer of this status, decoded into out unless that is nil.
func (s *Shop) Must(t testing.TB, status int, method, path string, body, out any, headers ...string) *Answer {
	t.Helper()
	a, err := s.Ask(t.Context(), method, path, body, headers...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if err := a.Into(status, out); err != nil {
		t.Fatal(err)
	}
	return a
}

// Into decodes the body, or says that the status is another.
func (a *Answer) Into(status int, out any) error {
	if a.Status != status {
		return fmt.Errorf("%s: %d, want %d: %.1000s", a.asked, a.Status, status, a.Body)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(a.Body, out); err != nil {
		return fmt.Errorf("%s: %w: %.1000s", a.asked, err, a.Body)
	}
	return nil
}

// Code is the slug of a problem document, or "".
func (a *Answer) Code() string {
	var p struct{ Type string }
	if json.Unmarshal(a.Body, &p) != nil {
		return ""
	}
	return p.Type[strings.LastIndexByte(p.Type, '/')+1:]
}

// ProblemDocument says what the answer lacks to be a problem document as docs promise it: RFC 9457 with what an operator looks for.
func (a *Answer) ProblemDocument() error {
	var p struct {
		Type, Title, Instance string
		Status                int
		TraceID               string `json:"trace_id"`
	}
	err := json.Unmarshal(a.Body, &p)
	if err != nil || a.Header.Get("Content-Type") != "application/problem+json" || a.Header.Get("X-Request-Id") == "" ||
		!strings.HasPrefix(p.Type, "https://sidecart.dev/problems/") || p.Title == "" || p.Instance == "" || p.TraceID == "" || p.Status != a.Status {
		return fmt.Errorf("%.60s: %d is no problem document: %v %.500s", a.asked, a.Status, a.Header, a.Body)
	}
	return nil
}

// Problem fails the test unless the answer is this problem.
func (a *Answer) Problem(t testing.TB, status int, code string) *Answer {
	t.Helper()
	if a.Status != status || a.Code() != code {
		t.Errorf("%.60s: %d %s, want %d %s: %.1000s", a.asked, a.Status, a.Code(), status, code, a.Body)
	}
	if err := a.ProblemDocument(); err != nil {
		t.Error(err)
	}
	return a
}

// Key draws an Idempotency-Key.
func Key() string { return rand.Text() + rand.Text() }

// Address is a plain address in the United States.
var Address = orderapi.Address{Name: "Sample Customer", Line1: "1 Main Street", City: "Columbus", Region: "OH", PostalCode: "43004", Country: "US"}

// Cart makes a cart with one piece of each SKU.
func (s *Shop) Cart(t testing.TB, skus ...string) cartapi.Cart {
	t.Helper()
	var c cartapi.Cart
	s.Must(t, 201, "POST", "/v1/carts", map[string]string{"currency": "USD", "country": "US"}, &c)
	for _, sku := range skus {
		s.Must(t, 201, "POST", "/v1/carts/"+c.ID+"/lines", map[string]any{"sku": sku, "quantity": 1}, &c)
	}
	return c
}

// Checkout brings a cart to the point where only the payment is missing.
func (s *Shop) Checkout(t testing.TB, cartID string) checkoutapi.Checkout {
	t.Helper()
	var co checkoutapi.Checkout
	s.Must(t, 201, "POST", "/v1/checkouts", checkoutapi.CreateInput{CartID: cartID, Email: "customer@example.com"}, &co)
	path := "/v1/checkouts/" + co.ID
	s.Must(t, 200, "PATCH", path, map[string]any{"shipping_address": Address, "billing_address": Address}, &co)
	var options struct{ Items []orderapi.ShippingOption }
	s.Must(t, 200, "GET", path+"/shipping-options", nil, &options)
	if len(options.Items) == 0 {
		t.Fatal("nothing ships to the United States")
	}
	s.Must(t, 200, "PATCH", path, map[string]string{"shipping_option_id": options.Items[0].ID}, &co)
	return co
}

// Pay is the body of complete.
func Pay(nonce string, total money.Amount) checkoutapi.CompleteInput {
	return checkoutapi.CompleteInput{Nonce: nonce, ExpectedTotal: total}
}

// Good is a nonce that the simulator takes.
const Good = "fake-valid-nonce"

// Complete pays a checkout under a key.
func (s *Shop) Complete(ctx context.Context, co checkoutapi.Checkout, nonce, key string) (*Answer, error) {
	return s.Ask(ctx, "POST", "/v1/checkouts/"+co.ID+"/complete", Pay(nonce, co.Totals.Total), "Idempotency-Key", key)
}

// Buy goes the whole way of a guest who wants one piece. refused is the answer that ended it before there was an order.
func (s *Shop) Buy(ctx context.Context, sku string) (o orderapi.Order, refused *Answer, err error) {
	step := func(status int, method, path string, body, out any, headers ...string) (went bool) {
		if err != nil || refused != nil {
			return false
		}
		var a *Answer
		if a, err = s.Ask(ctx, method, path, body, headers...); err == nil && a.Status != status {
			refused = a
		} else if err == nil {
			err = a.Into(status, out)
		}
		return err == nil && refused == nil
	}
	var cart cartapi.Cart
	var co checkoutapi.Checkout
	var options struct{ Items []orderapi.ShippingOption }
	if step(201, "POST", "/v1/carts", map[string]string{"currency": "USD", "country": "US"}, &cart) &&
		step(201, "POST", "/v1/carts/"+cart.ID+"/lines", map[string]any{"sku": sku, "quantity": 1}, nil) &&
		step(201, "POST", "/v1/checkouts", checkoutapi.CreateInput{CartID: cart.ID, Email: "customer@example.com"}, &co) &&
		step(200, "PATCH", "/v1/checkouts/"+co.ID, map[string]any{"shipping_address": Address, "billing_address": Address}, nil) &&
		step(200, "GET", "/v1/checkouts/"+co.ID+"/shipping-options", nil, &options) &&
		step(200, "PATCH", "/v1/checkouts/"+co.ID, map[string]string{"shipping_option_id": options.Items[0].ID}, &co) {
		step(201, "POST", "/v1/checkouts/"+co.ID+"/complete", Pay(Good, co.Totals.Total), &o, "Idempotency-Key", Key())
	}
	return o, refused, err
}

// Eventually repeats check until it is nil, and fails the test with what it said last after the limit.
func Eventually(t testing.TB, limit time.Duration, check func() error) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("after %s: %v", limit, err)
		case <-tick.C:
		}
	}
}
