package httpapi

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

const card = "4111 1111 1111 1111"

func TestBadInput(t *testing.T) {
	t.Parallel()
	s := open(t, paymenttest.NewGateway())
	for name, tc := range map[string]struct {
		path, body string
		status     int
		code       string
		locations  []string
	}{
		"no JSON":        {paymentapi.PathAuthorise, `{`, 400, "malformed", []string{"body"}},
		"unknown member": {paymentapi.PathCapture, `{"operation_id":"c","payment_id":"o-1","tip":5}`, 422, "validation-failed", []string{"body.tip"}},
		"wrong types":    {paymentapi.PathCapture, `{"operation_id":1,"payment_id":[]}`, 422, "validation-failed", []string{"body.operation_id", "body.payment_id"}},
		"a float": {paymentapi.PathCapture, `{"operation_id":"c","payment_id":"o-1","amount":{"amount":1.5,"currency":"USD"}}`, 422, "validation-failed",
			[]string{"body.amount.amount"}},
		"an overflow": {paymentapi.PathCapture, `{"operation_id":"c","payment_id":"o-1","amount":{"amount":99999999999999999999,"currency":"USD"}}`, 422, "validation-failed",
			[]string{"body.amount.amount"}},
		"a currency of nobody": {paymentapi.PathCapture, `{"operation_id":"c","payment_id":"o-1","amount":{"amount":1,"currency":"XXY"}}`, 422, "validation-failed",
			[]string{"body.amount.currency"}},
		"less than nothing": {paymentapi.PathRefund, `{"operation_id":"c","payment_id":"o-1","amount":{"amount":-1,"currency":"USD"}}`, 422, "validation-failed",
			[]string{"body.amount.amount"}},
		"all at once": {paymentapi.PathAuthorise, `{"operation_id":"a b","payment_id":"x","order_id":"","attempt":0,"amount":{"amount":0,"currency":"USD"}}`, 422, "validation-failed",
			[]string{"body.operation_id", "body.order_id", "body.payment_id", "body.amount.amount", "body.payment_method_nonce"}},
		"two means": {paymentapi.PathAuthorise, `{"operation_id":"a","payment_id":"o-1","order_id":"o","attempt":1,"amount":{"amount":1,"currency":"USD"},"payment_method_nonce":"n","payment_method_id":"m"}`,
			422, "validation-failed", []string{"body.payment_method_nonce"}},
		"no merchant account": {paymentapi.PathAuthorise, `{"operation_id":"a","payment_id":"o-1","order_id":"o","attempt":1,"amount":{"amount":1,"currency":"CHF"},"payment_method_nonce":"n"}`,
			422, "currency-not-supported", nil},
		"another's payment": {paymentapi.PathVoid, `{"operation_id":"v","payment_id":"nobody-1"}`, 404, "payment-not-found", nil},
		"a huge body":       {paymentapi.PathVoid, `{"operation_id":"` + strings.Repeat("x", 10<<20) + `"}`, 413, "body-too-large", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := s.order
			c.T = t
			got := apitest.Locations(c.Do("POST", tc.path, tc.body).Problem(tc.status, tc.code))
			if diff := cmp.Diff(tc.locations, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A card number is refused at every door and in every place, and never repeated.
func TestCardNumbersAreRefused(t *testing.T) {
	t.Parallel()
	gateway := paymenttest.NewGateway()
	s := open(t, gateway)
	authorise := func(nonce, device, more string) string {
		return fmt.Sprintf(`{"operation_id":"a","payment_id":"o-1","order_id":"o","attempt":1,"amount":{"amount":100,"currency":"USD"},"payment_method_nonce":%q,"device_data":%q%s}`, nonce, device, more)
	}
	key := s.staff.With("Idempotency-Key", "k1")
	for name, tc := range map[string]struct {
		client       apitest.Client
		method, path string
		body         any
	}{
		"as the nonce":             {s.order, "POST", paymentapi.PathAuthorise, authorise("4111111111111111", "", "")},
		"within the nonce":         {s.order, "POST", paymentapi.PathAuthorise, authorise("card_4111-1111-1111-1111", "", "")},
		"in device data":           {s.order, "POST", paymentapi.PathAuthorise, authorise("n", `{"pan":"`+card+`"}`, "")},
		"in an unknown member":     {s.order, "POST", paymentapi.PathAuthorise, authorise("n", "", `,"card":{"number":"`+card+`"}`)},
		"as the name of a member":  {s.order, "POST", paymentapi.PathAuthorise, authorise("n", "", `,"`+card+`":1`)},
		"as a number":              {s.order, "POST", paymentapi.PathAuthorise, authorise("n", "", `,"card":4111111111111111`)},
		"behind an escape":         {s.order, "POST", paymentapi.PathAuthorise, authorise("n", "", `,"card":"\u0034111111111111111"`)},
		"as the amount":            {s.order, "POST", paymentapi.PathCapture, `{"operation_id":"c","payment_id":"o-1","amount":{"amount":4111111111111111,"currency":"USD"}}`},
		"in broken JSON":           {s.order, "POST", paymentapi.PathVoid, `{"reason":"4111111111111111"`},
		"as a reason":              {s.order, "POST", paymentapi.PathRefund, `{"operation_id":"r","payment_id":"o-1","reason":"to ` + card + `"}`},
		"as an order":              {s.order, "GET", paymentapi.PathPayments + "4111111111111111", nil},
		"as a currency":            {s.plain.As("checkout"), "POST", paymentapi.PathClientToken, `{"currency":"4111111111111111"}`},
		"from staff, as a reason":  {key, "POST", "/v1/admin/payments/o-1/refunds", `{"reason":"` + card + `"}`},
		"from staff, in the path":  {key, "POST", "/v1/admin/payments/4111111111111111/captures", `{}`},
		"from staff, in the query": {s.staff, "GET", "/v1/admin/payments?order_id=4111+1111+1111+1111", nil},
		"from staff, as the key":   {s.staff.With("Idempotency-Key", "4111111111111111"), "POST", "/v1/admin/payments/o-1/void", `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := tc.client
			c.T = t
			answer := c.Do(tc.method, tc.path, tc.body)
			answer.Problem(422, "card-number-refused")
			for _, part := range []string{"11111111", "1111 1111", "1111-1111"} { // a trace id may hold four ones by chance
				if body := string(answer.Body); strings.Contains(body, part) && !strings.Contains(tc.path, "1111") {
					t.Errorf("the answer repeats it: %s", body)
				}
			}
		})
	}
	if n := gateway.Sends("Authorise"); n != 0 {
		t.Errorf("%d were sent", n)
	}
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	s := open(t, paymenttest.NewGateway())
	body := `{"operation_id":"v","payment_id":"nobody-1"}`
	s.plain.Do("POST", paymentapi.PathVoid, body).Problem(403, "forbidden")
	s.plain.As("checkout").Do("POST", paymentapi.PathVoid, body).Problem(403, "forbidden")
	s.staff.Do("POST", paymentapi.PathVoid, body).Problem(403, "forbidden")
	s.order.Do("POST", paymentapi.PathClientToken, `{"currency":"USD"}`).Problem(403, "forbidden")
	s.plain.As("checkout").Do("POST", paymentapi.PathClientToken, `{"currency":"CHF"}`).Problem(422, "currency-not-supported")
	s.plain.As("checkout").Do("POST", paymentapi.PathClientToken, `{"currency":"usd"}`).Problem(422, "validation-failed")
	s.order.Do("GET", paymentapi.PathOpen+"?older_than_seconds=-1", nil).Problem(422, "validation-failed")
	s.plain.Do("GET", "/v1/admin/payments", nil).Problem(401, "unauthenticated")
	s.plain.Staff(s.signer, ScopeWrite).Do("GET", "/v1/admin/payments", nil).Problem(403, "forbidden")
	s.plain.Staff(s.signer, ScopeRead).With("Idempotency-Key", "k").Do("POST", "/v1/admin/payments/o-1/void", `{}`).Problem(403, "forbidden")
}

// The document says what staff are answered and must send. What is answered beyond it fails every other test.
func TestStaffDocument(t *testing.T) {
	t.Parallel()
	paths := open(t, paymenttest.NewGateway()).server.API().OpenAPI().Paths
	for command, needsKey := range map[string]bool{"captures": true, "refunds": true, "void": false} {
		op := paths["/v1/admin/payments/{id}/"+command].Post
		if op.Responses["200"] != nil || op.Responses["201"] == nil || op.Responses["202"] == nil {
			t.Errorf("%s answers %v", command, slices.Sorted(maps.Keys(op.Responses)))
		}
		for _, p := range op.Parameters {
			if p.Name == "Idempotency-Key" && p.Required != needsKey {
				t.Errorf("%s: a key is required: %v", command, p.Required)
			}
		}
	}
}

func TestStaff(t *testing.T) {
	t.Parallel()
	gateway := paymenttest.NewGateway()
	s := open(t, gateway)
	order := newOrder()
	s.authorise(order, paymenttest.NonceValid, usd(1000))
	at := "/v1/admin/payments/" + order + "-1"
	s.staff.Do("POST", at+"/captures", `{}`).Problem(400, "idempotency-key-required")
	s.staff.Do("POST", at+"/refunds", `{}`).Problem(400, "idempotency-key-required")
	capture := s.staff.With("Idempotency-Key", "capture")
	var r, again paymentapi.Result
	if a := capture.Do("POST", at+"/captures", `{"amount":{"amount":900,"currency":"USD"},"reason":"short"}`).Want(201).JSON(&r); a.Header.Get("Idempotency-Replayed") == "true" {
		t.Error("the first is no replay")
	}
	if a := capture.Do("POST", at+"/captures", `{"reason":"short","amount":{"currency":"USD","amount":900}}`).Want(201).JSON(&again); a.Header.Get("Idempotency-Replayed") != "true" || again != r {
		t.Errorf("again %+v, first %+v", again, r)
	}
	capture.Do("POST", at+"/captures", `{"amount":{"amount":800,"currency":"USD"}}`).Problem(422, "idempotency-key-reused")
	if r.Outcome != paymentapi.Succeeded || r.Amount != usd(900) || gateway.Sends("Capture") != 1 {
		t.Errorf("%+v after %d captures", r, gateway.Sends("Capture"))
	}
	refund := func(key, body string) *apitest.Answer {
		return s.staff.With("Idempotency-Key", key).Do("POST", at+"/refunds", body)
	}
	refund("r1", `{"amount":{"amount":100,"currency":"USD"}}`).Problem(409, "not-settled")
	refund("r2", `{"amount":{"amount":901,"currency":"USD"}}`).Problem(409, "amount-too-large")
	refund("r3", `{"amount":{"amount":100,"currency":"EUR"}}`).Problem(422, "validation-failed")
	gateway.Settle()
	s.staff.Do("POST", at+"/void", `{}`).Problem(409, "settled")
	refund("r4", `{"amount":{"amount":100,"currency":"USD"}}`).Want(201)
	refund("r5", `{}`).Want(201).JSON(&r)
	if r.Amount != usd(800) {
		t.Errorf("the rest is %s", r.Amount)
	}
	refund("r6", `{}`).Problem(409, "already-refunded")
	s.staff.With("Idempotency-Key", "k").Do("POST", "/v1/admin/payments/nobody/refunds", `{}`).Problem(404, "payment-not-found")

	var p paymentapi.Payment
	s.staff.Do("GET", at, nil).Want(200).JSON(&p)
	if p.Status != paymentapi.StatusRefunded || len(p.Events) < 8 || p.Events[0].Type != "authorise_requested" || p.Events[0].Version != 1 {
		t.Errorf("payment %+v", p)
	}
	var events struct{ Items []paymentapi.Event }
	s.staff.Do("GET", at+"/events", nil).Want(200).JSON(&events)
	if diff := cmp.Diff(p.Events, events.Items); diff != "" {
		t.Error(diff)
	}
	s.staff.Do("GET", "/v1/admin/payments/nobody", nil).Problem(404, "payment-not-found")
	s.staff.Do("GET", "/v1/admin/payments/nobody/events", nil).Problem(404, "payment-not-found")
	var audited int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM audit_log WHERE actor LIKE '%tester'`).Scan(&audited); err != nil || audited != 7 {
		t.Errorf("%d audited changes, %v", audited, err)
	}
}

func TestStaffList(t *testing.T) {
	t.Parallel()
	s := open(t, paymenttest.NewGateway())
	orders := []string{newOrder(), newOrder(), newOrder()}
	for i, order := range orders {
		s.authorise(order, []string{paymenttest.NonceValid, paymenttest.NonceDeclined, paymenttest.NonceValid}[i], []money.Amount{usd(1), usd(2), money.New(3, "JPY")}[i])
		s.clock.Add(1e9)
	}
	list := func(query string) (ids []string, next string) {
		var page struct {
			Items      []paymentapi.Payment `json:"items"`
			NextCursor *string              `json:"next_cursor"`
		}
		s.staff.Do("GET", "/v1/admin/payments?"+query, nil).Want(200).JSON(&page)
		for _, p := range page.Items {
			ids = append(ids, p.OrderID)
		}
		if page.NextCursor != nil {
			next = *page.NextCursor
		}
		return ids, next
	}
	for query, want := range map[string][]string{"": {orders[2], orders[1], orders[0]}, "status=declined": {orders[1]}, "currency=JPY": {orders[2]}, "order_id=" + orders[0]: {orders[0]}} {
		if got, _ := list(query); !cmp.Equal(got, want) {
			t.Errorf("%q: %v, want %v", query, got, want)
		}
	}
	first, next := list("limit=2")
	second, end := list("limit=2&cursor=" + next)
	if len(first) != 2 || next == "" || !cmp.Equal(second, orders[:1]) || end != "" {
		t.Errorf("pages %v %q, %v %q", first, next, second, end)
	}
	for _, query := range []string{"status=stolen", "cursor=x", "limit=0", "limit=101", "color=red"} {
		s.staff.Do("GET", "/v1/admin/payments?"+query, nil).Problem(422, "validation-failed")
	}
}

// The same request 50 times at once, through the whole service and the simulator: one charge.
func TestConcurrentRequestsChargeOnce(t *testing.T) {
	t.Parallel()
	s, sim := atSimulator(t)
	order := newOrder()
	var mu sync.Mutex
	results := map[string]int{}
	testkit.Race(50, func(int) error {
		r := s.authorise(order, paymenttest.NonceValid, usd(1000))
		mu.Lock()
		defer mu.Unlock()
		results[r.Outcome]++
		return nil
	})
	if books := sim.Books(t); len(books) != 1 || results[paymentapi.Succeeded]+results[paymentapi.Pending] != 50 || results[paymentapi.Succeeded] == 0 {
		t.Errorf("books %+v, results %v", books, results)
	}
	if r := s.authorise(order, paymenttest.NonceValid, usd(1000)); r.Outcome != paymentapi.Succeeded {
		t.Errorf("%+v", r)
	}
}

// The fault that lies, at the simulator: the money moved, and nobody was told.
func TestLyingSimulator(t *testing.T) {
	t.Parallel()
	s, sim := atSimulator(t)
	for _, kind := range []string{"drop_after", "error_after", "empty_after"} {
		order := newOrder()
		sim.Fault(t, kind, "sale", 1)
		if r := s.authorise(order, paymenttest.NonceValid, usd(1000)); r.Outcome != paymentapi.Succeeded {
			t.Errorf("%s: authorise %+v", kind, r)
		}
		sim.Fault(t, kind, "submit_for_settlement", 1)
		if r := s.move(paymentapi.PathCapture, order, order+"-c", nil); r.Outcome != paymentapi.Succeeded {
			t.Errorf("%s: capture %+v", kind, r)
		}
		sim.Post(t, "/_sim/settle", struct{}{})
		sim.Fault(t, kind, "refund", 1)
		if r := s.move(paymentapi.PathRefund, order, order+"-r", nil); r.Outcome != paymentapi.Succeeded {
			t.Errorf("%s: refund %+v", kind, r)
		}
	}
	if books := sim.Books(t); len(books) != 6 {
		t.Errorf("%d transactions for 3 sales and 3 refunds: %+v", len(books), books)
	}
}

// A refund that never reached the gateway is unknown until its absence is believed. Then its key is used up, and says so; another one is
// not in its way.
func TestRefundThatNeverArrived(t *testing.T) {
	t.Parallel()
	s, sim := atSimulator(t)
	order := newOrder()
	s.authorise(order, paymenttest.NonceValid, usd(1000))
	s.move(paymentapi.PathCapture, order, order+"-c", nil)
	sim.Post(t, "/_sim/settle", struct{}{})
	refund := func(key string) *apitest.Answer {
		return s.staff.With("Idempotency-Key", key).Do("POST", "/v1/admin/payments/"+order+"-1/refunds", `{"amount":{"amount":100,"currency":"USD"}}`)
	}
	pending := func(want bool) {
		t.Helper()
		var all paymentapi.Payments
		if s.order.Do("GET", paymentapi.PathPayments+order, nil).Want(200).JSON(&all); len(all.Items) != 1 || all.Items[0].Pending != want {
			t.Errorf("%+v", all.Items)
		}
	}
	sim.Fault(t, "drop_before", "refund", 1)
	refund("first").Want(202)
	pending(true)
	s.clock.Add(2 * time.Minute)
	for range 2 {
		refund("first").Problem(409, "operation-failed")
	}
	pending(false)
	refund("second").Want(201)
}

// unreachable is a gateway behind a broken line.
type unreachable struct{ *paymenttest.Gateway }

func (unreachable) Authorise(context.Context, app.Sale) (payment.Transaction, error) {
	return payment.Transaction{}, app.ErrNotSent
}

func (unreachable) ClientToken(context.Context, string) (string, error) { return "", app.ErrNotSent }

func TestNoGateway(t *testing.T) {
	t.Parallel()
	s := open(t, unreachable{paymenttest.NewGateway()})
	r := s.authorise(newOrder(), paymenttest.NonceValid, usd(1000))
	if r.Outcome != paymentapi.Failed || !r.Retryable {
		t.Errorf("%+v", r)
	}
	answer := s.plain.As("checkout").Do(http.MethodPost, paymentapi.PathClientToken, `{"currency":"USD"}`)
	answer.Problem(503, "gateway-unavailable")
	if answer.Header.Get("Retry-After") == "" {
		t.Error("nobody says when to come back")
	}
}
