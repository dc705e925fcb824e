package httpapi_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/braintree-go/braintree-go"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/httpapi"
)

func TestCredentials(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, c := range map[string]struct {
		public, private, merchant string
		want                      int
	}{
		"wrong private key": {publicKey, "no", merchantID, 401}, "wrong public key": {"no", privateKey, merchantID, 401},
		"no keys": {"", "", merchantID, 401}, "another merchant": {publicKey, privateKey, "other", 403}, "wrong both": {"no", "no", "other", 401},
	} {
		_, err := s.client(c.public, c.private, c.merchant, time.Second).Transaction().Create(t.Context(), request(1000, name))
		if statusOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(s.books().Transactions); n != 0 {
		t.Errorf("a stranger made %d transactions", n)
	}
}

func TestProtocolRefusals(t *testing.T) {
	t.Parallel()
	s := start(t)
	const sale = "<transaction><type>sale</type><amount>1.00</amount><payment-method-nonce>fake-valid-nonce</payment-method-nonce></transaction>"
	for name, c := range map[string]struct {
		method, path, body string
		header             http.Header
		want               int
	}{
		"no version":        {"POST", "/transactions", sale, http.Header{"X-Apiversion": nil}, 426},
		"old version":       {"POST", "/transactions", sale, http.Header{"X-Apiversion": {"1"}}, 426},
		"version of words":  {"POST", "/transactions", sale, http.Header{"X-Apiversion": {"four"}}, 426},
		"a form":            {"POST", "/transactions", sale, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, 415},
		"XML as JSON":       {"POST", "/transactions", sale, http.Header{"Content-Type": {"application/json"}}, 400},
		"JSON cut off":      {"POST", "/transactions", `{"transaction":{"type":"sale"`, http.Header{"Content-Type": {"application/json"}}, 400},
		"two roots":         {"POST", "/transactions", `{"transaction":{},"customer":{}}`, http.Header{"Content-Type": {"application/json"}}, 400},
		"no name":           {"POST", "/transactions", `{"transaction":{"a b":1}}`, http.Header{"Content-Type": {"application/json"}}, 400},
		"empty JSON":        {"POST", "/transactions", `{}`, http.Header{"Content-Type": {"application/json"}}, 422},
		"capitals":          {"POST", "/transactions", "<transaction><type>sale</type><amount>2.00</amount><paymentMethodNonce>fake-valid-nonce</paymentMethodNonce></transaction>", nil, 201}, // as Java writes it
		"underscores":       {"POST", "/transactions", "<transaction><type>sale</type><amount>3.00</amount><payment_method_nonce>fake-valid-nonce</payment_method_nonce></transaction>", nil, 201},
		"text/xml":          {"POST", "/transactions", sale, http.Header{"Content-Type": {"text/xml; charset=utf-8"}}, 201},
		"not XML":           {"POST", "/transactions", "{}", nil, 400},
		"cut off":           {"POST", "/transactions", sale[:60], nil, 400},
		"another document":  {"POST", "/transactions", "<customer/>", nil, 400},
		"empty":             {"POST", "/transactions", "", nil, 422},
		"huge":              {"POST", "/transactions", "<transaction>" + strings.Repeat("x", 2<<20), nil, 413},
		"unknown path":      {"GET", "/moon", "", nil, 404},
		"wrong method":      {"DELETE", "/transactions/abc", "", nil, 405},
		"unknown operation": {"PUT", "/transactions/abc/fly", "", nil, 404},
		"bad time":          {"POST", "/transactions/advanced_search_ids", "<search><created-at><min>noon</min></created-at></search>", nil, 400},
	} {
		if status, answer := s.raw(c.method, "/merchants/shop"+c.path, c.body, c.header); status != c.want {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
}

// The Node SDK writes JSON and reads XML.
func TestJSON(t *testing.T) {
	t.Parallel()
	s := start(t)
	as := http.Header{"Content-Type": {"application/json"}}
	status, answer := s.raw("POST", "/merchants/shop/transactions", `{"transaction":{"type":"sale","amount":"1.00","order_id":"<&>","payment_method_nonce":"fake-valid-nonce","options":{"submit_for_settlement":true},"custom_fields":{"gift_note":"a & b"},"channel":null}}`, as)
	if status != 201 || !strings.Contains(answer, "<status>submitted_for_settlement<") || !strings.Contains(answer, "<order-id>&lt;&amp;&gt;<") || !strings.Contains(answer, "a &amp; b") {
		t.Errorf("%d %s", status, answer)
	}
	id := regexp.MustCompile(`<id>([0-9a-z]{8})</id>`).FindStringSubmatch(answer)[1]
	status, answer = s.raw("POST", "/merchants/shop/transactions/advanced_search_ids", `{"search":{"ids":["`+id+`","x"],"status":["submitted_for_settlement"],"amount":{"min":0.5}}}`, as)
	if status != 200 || strings.Count(answer, "<item>") != 1 || !strings.Contains(answer, id) {
		t.Errorf("%d %s", status, answer)
	}
}

func TestGzipOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	s := start(t)
	tx := s.sale(request(1000, "o"))
	get := func(encoding string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/merchants/shop/transactions/"+tx.Id, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(publicKey, privateKey)
		r.Header.Set("X-ApiVersion", "4")
		r.Header.Set("Accept-Encoding", encoding)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	zipped := get("gzip")
	defer func() { _ = zipped.Body.Close() }()
	if zipped.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("headers %v", zipped.Header)
	}
	z, err := gzip.NewReader(zipped.Body)
	if err != nil {
		t.Fatal(err)
	}
	a, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	plain := get("identity")
	defer func() { _ = plain.Body.Close() }()
	b, err := io.ReadAll(plain.Body)
	if err != nil || plain.Header.Get("Content-Encoding") != "" || string(a) != string(b) {
		t.Fatalf("plain: %v %v", err, plain.Header)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind   httpapi.Kind
		status int // 0: no answer
		effect bool
	}{
		{httpapi.TimeoutBefore, 0, false}, {httpapi.TimeoutAfter, 0, true}, {httpapi.DropBefore, 0, false}, {httpapi.DropAfter, 0, true},
		{httpapi.ErrorBefore, 500, false}, {httpapi.ErrorAfter, 500, true}, {httpapi.Unavailable, 503, false}, {httpapi.RateLimited, 429, false}, {httpapi.EmptyAfter, -1, true},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			t.Parallel()
			s := start(t)
			if code := s.switchTo(http.MethodPost, "/_sim/faults", httpapi.Fault{Kind: c.kind, Operation: "sale", Count: 1, OrderID: "^bad", Delay: "100ms"}, nil); code != http.StatusCreated {
				t.Fatal(code)
			}
			if _, err := s.Transaction().Create(t.Context(), request(1000, "good")); err != nil {
				t.Fatalf("an order that the fault does not name: %v", err)
			}
			_, err := s.Transaction().Create(t.Context(), request(1000, "bad-1"))
			if err == nil || c.status >= 0 && statusOf(err) != c.status {
				t.Fatalf("got %v (%d)", err, statusOf(err))
			}
			if got := len(s.byOrder("bad-1")) == 1; got != c.effect {
				t.Errorf("the sale is on the books: %v", got)
			}
			if _, err := s.Transaction().Create(t.Context(), request(1999, "bad-2")); err != nil {
				t.Errorf("the fault was ordered once: %v", err)
			}
		})
	}
}

// TestCallerGivesUpAfterTheCharge is the fault that lies: the caller's own time-out ends the wait, the sale stands.
func TestCallerGivesUpAfterTheCharge(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.switchTo(http.MethodPost, "/_sim/faults", httpapi.Fault{Kind: httpapi.TimeoutAfter, Operation: "sale"}, nil)
	var timeout net.Error
	_, err := s.client(publicKey, privateKey, merchantID, 200*time.Millisecond).Transaction().Create(t.Context(), request(1000, "o"))
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("got %v", err)
	}
	deadline := time.Now().Add(10 * time.Second) // the charge may come after the caller left
	for len(s.byOrder("o")) != 1 {
		if time.Now().After(deadline) {
			t.Fatal("the sale never reached the books")
		}
	}
	if tx := s.byOrder("o")[0]; tx.Status != braintree.TransactionStatusAuthorized {
		t.Errorf("found %s", tx.Status)
	}
}

func TestFaultOnAVoidIsNamedByItsOrder(t *testing.T) {
	t.Parallel()
	s := start(t)
	tx := s.sale(request(1000, "o-1"))
	s.switchTo(http.MethodPost, "/_sim/faults", httpapi.Fault{Kind: httpapi.ErrorAfter, Operation: "void", OrderID: "^o-1$"}, nil)
	if _, err := s.Transaction().Void(t.Context(), tx.Id); statusOf(err) != http.StatusInternalServerError {
		t.Fatalf("got %v", err)
	}
	if tx, err := s.Transaction().Find(t.Context(), tx.Id); err != nil || tx.Status != braintree.TransactionStatusVoided {
		t.Errorf("after: %v %v", tx.Status, err)
	}
}

func TestSlowAndRate(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.switchTo(http.MethodPost, "/_sim/faults", httpapi.Fault{Kind: httpapi.Slow, Operation: "find", Delay: "50ms"}, nil)
	tx := s.sale(request(1000, "o"))
	begun := time.Now()
	if _, err := s.Transaction().Find(t.Context(), tx.Id); err != nil || time.Since(begun) < 50*time.Millisecond {
		t.Errorf("slow: %v after %v", err, time.Since(begun))
	}
	hits := func(seed uint64) string {
		var f httpapi.Fault
		s.switchTo(http.MethodPost, "/_sim/faults", httpapi.Fault{Kind: httpapi.Unavailable, Operation: "client_token", Rate: 0.5, Seed: seed}, &f)
		out := ""
		for range 40 {
			if _, err := s.ClientToken().Generate(t.Context()); err != nil {
				out += "x"
			} else {
				out += "."
			}
		}
		if code := s.switchTo(http.MethodDelete, fmt.Sprint("/_sim/faults/", f.ID), nil, nil); code != http.StatusOK {
			t.Fatal(code)
		}
		return out
	}
	first := hits(7)
	if n := strings.Count(first, "x"); n < 8 || n > 32 || first != hits(7) || first == hits(8) {
		t.Errorf("rate 0.5: %s", first)
	}
	var list struct{ Items []httpapi.Fault }
	if s.switchTo(http.MethodGet, "/_sim/faults", nil, &list); len(list.Items) != 1 || list.Items[0].Hits != 1 {
		t.Errorf("in force: %+v", list)
	}
	var removed struct{ Removed int }
	if s.switchTo(http.MethodDelete, "/_sim/faults", nil, &removed); removed.Removed != 1 {
		t.Errorf("removed %+v", removed)
	}
}

func TestSwitchesRefuseNonsense(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/_sim/faults", `{"kind":"explode"}`, 400}, {"POST", "/_sim/faults", `{"kind":"slow","operation":"fly"}`, 400}, {"POST", "/_sim/faults", `{"kind":"slow","rate":2}`, 400},
		{"POST", "/_sim/faults", `{"kind":"slow","order_id":"("}`, 400}, {"POST", "/_sim/faults", `{"kind":"slow","delay":"soon"}`, 400}, {"POST", "/_sim/faults", `{"kin":"slow"}`, 400}, {"POST", "/_sim/faults", `{`, 400},
		{"DELETE", "/_sim/faults/9", "", 404}, {"DELETE", "/_sim/faults/x", "", 404}, {"PUT", "/_sim/settings", `{"duplicate_window":"-1s"}`, 400}, {"PUT", "/_sim/settings", `{"x":1}`, 400}, {"POST", "/_sim/expire", `{"id":""}`, 404},
	} {
		status, answer := s.raw(c.method, c.path, c.body, http.Header{"Content-Type": {"application/json"}})
		if status != c.want || !json.Valid([]byte(answer)) {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, status, answer)
		}
	}
	if status, _ := s.raw("POST", "/_sim/settle", "", http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}); status != http.StatusForbidden {
		t.Errorf("a page of another origin: %d", status)
	}
	if status, answer := s.raw("GET", "/healthz", "", nil); status != 200 || !strings.Contains(answer, "ok") {
		t.Errorf("healthz: %d %s", status, answer)
	}
}

func TestRestartKeepsState(t *testing.T) {
	t.Parallel()
	s := start(t)
	q := request(1000, "o-1")
	q.Options = &braintree.TransactionOptions{SubmitForSettlement: true, StoreInVaultOnSuccess: true}
	sale := s.sale(q)
	if _, err := s.Transaction().Create(t.Context(), request(200000, "o-2")); err == nil {
		t.Fatal("should be declined")
	}
	refundable := s.settled(2000-1, "o-3")
	credit, err := s.Transaction().Refund(t.Context(), refundable.Id, usd(500))
	if err != nil {
		t.Fatal(err)
	}
	before := s.books()
	s.close()
	again := startIn(t, s.dir)
	after := again.books()
	before.At = after.At
	x, _ := json.Marshal(before)
	y, _ := json.Marshal(after)
	if string(x) != string(y) {
		t.Fatalf("books differ:\n%s\n%s", x, y)
	}
	_, err = again.Transaction().Create(t.Context(), request(1000, "o-1")) // the duplicate check remembers
	declined(t, err, braintree.TransactionStatusGatewayRejected, "Gateway Rejected: duplicate")
	if _, err := again.PaymentMethod().Find(t.Context(), sale.CreditCard.Token); err != nil {
		t.Errorf("vault: %v", err)
	}
	if _, err := again.Testing().Settle(t.Context(), credit.Id); err != nil {
		t.Errorf("settle after restart: %v", err)
	}
	_, err = again.Transaction().Refund(t.Context(), refundable.Id, usd(1500))
	refused(t, err, "Amount", "91521")
}

func TestSixtyFourSalesAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	ids := make(chan string, 64)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			tx, err := s.Transaction().Create(context.Background(), request(1000, fmt.Sprint("o-", i)))
			if err != nil {
				t.Error(err)
				return
			}
			ids <- tx.Id
		})
	}
	wg.Wait()
	close(ids)
	seen := map[string]bool{}
	for id := range ids {
		seen[id] = true
	}
	if len(seen) != 64 || len(s.books().Transactions) != 64 {
		t.Errorf("%d ids, %d on the books", len(seen), len(s.books().Transactions))
	}
	// The same sale sixty-four times at once: one is authorised.
	won := make(chan string, 64)
	for range 64 {
		wg.Go(func() {
			if tx, err := s.Transaction().Create(context.Background(), request(5000, "same")); err == nil {
				won <- tx.Id
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Errorf("%d like sales were authorised", len(won))
	}
}

// Some of the public SDKs write names with underscores.
func TestNamesWithUnderscoresAreRead(t *testing.T) {
	t.Parallel()
	s := start(t)
	code, answer := s.raw(http.MethodPost, "/merchants/shop/transactions", `<transaction><type>sale</type><amount>10.00</amount><order_id>under</order_id>
		<payment_method_nonce>fake-valid-nonce</payment_method_nonce><custom_fields><my_field>x</my_field></custom_fields>
		<options><submit_for_settlement type="boolean">true</submit_for_settlement></options></transaction>`, nil)
	if code != http.StatusCreated || !strings.Contains(answer, "<order-id>under</order-id>") || !strings.Contains(answer, "<my_field>x</my_field>") || !strings.Contains(answer, "submitted_for_settlement") {
		t.Errorf("%d %s", code, answer)
	}
}
