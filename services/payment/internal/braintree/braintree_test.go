package braintree_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit/daprtest"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/braintree"
	"github.com/sidecart/sidecart/services/payment/internal/daprio"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
)

// outcome says in one word what an answer means.
func outcome(tx payment.Transaction, err error) string {
	refusal, isRefusal := errors.AsType[*payment.Refusal](err)
	switch {
	case isRefusal:
		return "refused " + refusal.Code
	case errors.Is(err, app.ErrNotSent):
		return "not sent"
	case err != nil:
		return "unknown"
	case tx.State == payment.TxDeclined:
		return fmt.Sprint("declined ", tx.Code, " ", tx.Retryable)
	}
	return string(tx.State)
}

func TestDeclinesByAmountAndNonce(t *testing.T) {
	t.Parallel()
	sim := paymenttest.StartSimulator(t, simulator, "--test-amounts=true")
	g := direct(sim.URL)
	for want, change := range map[string]func(s *app.Sale){
		"declined 2001 true":                    func(s *app.Sale) { s.Amount = usd(200100) },
		"declined 3000 true":                    func(s *app.Sale) { s.Amount = usd(300000) },
		"declined application_incomplete false": func(s *app.Sale) { s.Amount = usd(500100) },
		"declined fraud false":                  func(s *app.Sale) { s.Nonce = "fake-gateway-rejected-fraud-nonce" },
		"declined 91565 true":                   func(s *app.Sale) { s.Nonce = "nobody" },
		"declined 81715 true":                   func(s *app.Sale) { s.Nonce = "fake-luhn-invalid-nonce" },
		"declined 91513 true":                   func(s *app.Sale) { s.Account = "nobody" },
	} {
		s := sale(1000)
		change(&s)
		if got := outcome(g.Authorise(t.Context(), s)); got != want {
			t.Errorf("%+v: %s, want %s", s, got, want)
		}
	}
	hard := sale(200400) // expired card: a hard decline, where the processor says so
	if got := outcome(g.Authorise(t.Context(), hard)); got != "declined 2004 false" {
		t.Errorf("an expired card: %s", got)
	}
}

func TestDuplicateCheck(t *testing.T) {
	t.Parallel()
	g := direct(paymenttest.StartSimulator(t, simulator, "--duplicate-window=30s").URL)
	s := sale(1000)
	if got := outcome(g.Authorise(t.Context(), s)); got != "authorised" {
		t.Fatal(got)
	}
	if got := outcome(g.Authorise(t.Context(), s)); got != "declined "+payment.CodeDuplicate+" false" {
		t.Error(got)
	}
}

func TestExponents(t *testing.T) {
	t.Parallel()
	g := direct(paymenttest.StartSimulator(t, simulator).URL)
	for account, amounts := range map[string][]money.Amount{
		"sidecart-usd": {usd(1), usd(80), usd(100), usd(123456789)},
		"sidecart-jpy": {money.New(1, "JPY"), money.New(123456, "JPY")},
		"sidecart-kwd": {money.New(5, "KWD"), money.New(80, "KWD"), money.New(999, "KWD"), money.New(1234567, "KWD")},
	} {
		for _, amount := range amounts {
			s := sale(0)
			s.Account, s.Amount = account, amount
			tx, err := g.Authorise(t.Context(), s)
			if err != nil || tx.Amount != amount {
				t.Errorf("%s: %+v %v", amount, tx, err)
			}
			if tx, err = g.Capture(t.Context(), tx.ID, amount); err != nil || tx.Amount != amount {
				t.Errorf("capture of %s: %+v %v", amount, tx, err)
			}
		}
	}
}

// What a fault of the gateway means: an error after the effect must never look like a refusal.
func TestFaultsOfTheGateway(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"error_before": "unknown", "error_after": "unknown", "drop_before": "unknown", "drop_after": "unknown", "empty_after": "unknown",
		"timeout_after": "unknown", "unavailable": "unknown", "rate_limited": "not sent",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			sim := paymenttest.StartSimulator(t, simulator)
			g := direct(sim.URL)
			sim.Fault(t, kind, "sale", 1)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			s := sale(1000)
			if got := outcome(g.Authorise(ctx, s)); got != want {
				t.Errorf("%s, want %s", got, want)
			}
			found, err := g.Find(t.Context(), app.Ref{Reference: s.Reference})
			if after := kind[len(kind)-5:] == "after"; err != nil || (len(found) == 1) != after {
				t.Errorf("found %+v %v", found, err)
			}
		})
	}
}

// Answers that the gateway should not give.
func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"wrong keys":          {401, "", "not sent"},
		"another merchant":    {403, "", "not sent"},
		"no such path":        {404, "", "not sent"},
		"request time-out":    {408, "", "unknown"},
		"old client":          {426, "", "not sent"},
		"no XML":              {201, "hello", "unknown"},
		"half of it":          {201, "<transaction><id>x</id><status>authori", "unknown"},
		"no status":           {201, "<transaction><id>x</id><amount>1.00</amount></transaction>", "unknown"},
		"a new status":        {201, "<transaction><id>x</id><status>quantum</status><amount>1.00</amount><currency-iso-code>USD</currency-iso-code></transaction>", "unknown"},
		"no currency":         {201, "<transaction><id>x</id><status>authorized</status><amount>1.00</amount></transaction>", "unknown"},
		"a tenth of a cent":   {201, "<transaction><id>x</id><status>authorized</status><amount>1.001</amount><currency-iso-code>USD</currency-iso-code></transaction>", "unknown"},
		"no amount":           {201, "<transaction><id>x</id><status>authorized</status><currency-iso-code>USD</currency-iso-code></transaction>", "unknown"},
		"a zero more":         {201, "<transaction><id>x</id><status>authorized</status><amount>1.000</amount><currency-iso-code>USD</currency-iso-code></transaction>", "authorised"},
		"no decimals":         {201, "<transaction><id>x</id><status>authorized</status><amount>1</amount><currency-iso-code>USD</currency-iso-code></transaction>", "authorised"},
		"refusal without one": {422, "<api-error-response><errors/><message>No.</message></api-error-response>", "declined refused true"},
		"an error as a 500":   {500, "<api-error-response><errors/><message>No.</message></api-error-response>", "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				fmt.Fprint(w, tc.body)
			}))
			defer far.Close()
			tx, err := direct(far.URL).Authorise(t.Context(), sale(100))
			if got := outcome(tx, err); got != tc.want {
				t.Errorf("%s (%v), want %s", got, err, tc.want)
			}
			if tx.State == payment.TxAuthorised && tx.Amount != usd(100) {
				t.Errorf("read as %s", tx.Amount)
			}
		})
	}
}

// The library asks for gzip, which costs both ends more than the rest of an answer.
func TestAnswersAreNotCompressed(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	far := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Header.Get("Accept-Encoding") }))
	defer far.Close()
	_, _ = direct(far.URL).Find(t.Context(), app.Ref{ID: "x"}) // what it makes of an empty answer is of no matter
	if got := <-asked; got != "identity" {
		t.Errorf("asked for %q", got)
	}
}

const binding = `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: payment-gateway
spec:
  type: bindings.http
  version: v1
  metadata:
    - name: url
      value: %s
    - name: responseTimeout
      value: "1s"
    - name: errorIfNot2XX
      value: "false"
    - name: securityTokenHeader
      value: Authorization
    - name: securityToken
      value: Basic c2lkZWNhcnRfcHVibGljOnNpZGVjYXJ0X3ByaXZhdGU=
`

// Through a real sidecar: every call, the keys from the component alone, declines as answers, and the breaker.
func TestThroughTheBinding(t *testing.T) {
	t.Parallel()
	sim := paymenttest.StartSimulator(t, simulator)
	side := daprtest.Start(t, daprtest.Options{AppID: "payment", Resources: map[string]string{"gateway.yaml": fmt.Sprintf(binding, sim.URL)}})
	g := braintree.New(braintree.Options{URL: "http://payment-gateway", MerchantID: "sidecart", Transport: daprio.Transport(side.Client, slog.New(slog.DiscardHandler))})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p := port{g, func() { sim.Post(t, "/_sim/settle", struct{}{}) }, func(transaction string) string { return sim.Dispute(t, transaction) }}
	vault(t, p)
	_, dispute := p.disputed(t)
	if _, err := g.AddEvidence(ctx, dispute, app.Evidence{Text: "x"}); err != nil {
		t.Error(err)
	}
	_ = g.Finalize(ctx, dispute) // its answer has no body, so that the sidecar cannot vouch for it: the dispute tells
	if d, err := g.Dispute(ctx, dispute); err != nil || d.Status != payment.DisputeDisputed {
		t.Errorf("%+v %v", d, err)
	}
	s, tx := p.captured(t, 2599)
	sim.Post(t, "/_sim/settle", struct{}{})
	if got := outcome(g.Void(ctx, tx.ID)); got != "refused 91504" {
		t.Error(got)
	}
	if got := outcome(g.Refund(ctx, tx.ID, usd(80), "refund")); got != "submitted" {
		t.Error(got)
	}
	if found, err := g.Find(ctx, app.Ref{Reference: s.Reference}); err != nil || len(found) != 1 || found[0].State != payment.TxSettled {
		t.Errorf("%+v %v", found, err)
	}
	if found, err := g.Find(ctx, app.Ref{ID: "nobody"}); err != nil || found != nil {
		t.Errorf("%+v %v", found, err)
	}
	if token, err := g.ClientToken(ctx, "sidecart-eur"); err != nil || token == "" {
		t.Errorf("%q %v", token, err)
	}
	declined := sale(1000)
	declined.Nonce = paymenttest.NonceDeclined
	if got := outcome(g.Authorise(ctx, declined)); got != "declined 2000 true" {
		t.Error(got)
	}
	for _, kind := range []string{"timeout_after", "drop_after", "error_after", "empty_after"} {
		sim.Fault(t, kind, "sale", 1)
		s := sale(1000)
		if got := outcome(g.Authorise(ctx, s)); got != "unknown" {
			t.Errorf("%s: %s", kind, got)
		}
		found, err := g.Find(ctx, app.Ref{Reference: s.Reference})
		if err != nil || len(found) != 1 || found[0].State != payment.TxAuthorised { // one sale: nobody repeated it
			t.Errorf("%s: found %+v %v", kind, found, err)
		}
	}
	sim.Fault(t, "error_before", "*", 5)
	for range 5 {
		if got := outcome(g.Authorise(ctx, sale(1000))); got != "unknown" {
			t.Error(got)
		}
	}
	if got := outcome(g.Authorise(ctx, sale(1000))); got != "not sent" {
		t.Errorf("the breaker lets it through: %s", got)
	}
	side.Kill()
	other := braintree.New(braintree.Options{URL: "http://payment-gateway", MerchantID: "sidecart", Transport: daprio.Transport(side.Client, slog.New(slog.DiscardHandler))})
	testkit.Eventually(t, testkit.Patience, func() error { // the process may take a moment to be gone
		if got := outcome(other.Authorise(ctx, sale(1000))); got != "not sent" {
			return fmt.Errorf("without a sidecar: %s", got)
		}
		return nil
	})
}
