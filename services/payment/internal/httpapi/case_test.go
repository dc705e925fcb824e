package httpapi

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// gateway is whoever posts to the webhook.
func (s *shop) gateway() apitest.Client {
	return s.plain.With("Content-Type", "application/x-www-form-urlencoded")
}

// paid makes a captured payment that has settled, and returns its transaction.
func (s *shop) paid(sim *paymenttest.Simulator, order string) string {
	s.t.Helper()
	s.authorise(order, paymenttest.NonceValid, usd(2599))
	s.move(paymentapi.PathCapture, order, order+"-c", nil)
	sim.Post(s.t, "/_sim/settle", struct{}{})
	return s.payment(order).TransactionID
}

// A dispute from the cardholder's bank to its end, through the doors: the gateway's and those of staff.
func TestADisputeFromEndToEnd(t *testing.T) {
	t.Parallel()
	s, sim := atSimulator(t)
	order := newOrder()
	id := sim.Dispute(t, s.paid(sim, order))
	for range 2 { // it comes twice
		for _, n := range sim.Notices(t) {
			s.gateway().Do("POST", paymentapi.PathWebhook, n.Form()).Want(204)
		}
	}
	var page struct{ Items []paymentapi.Dispute }
	s.staff.Do("GET", "/v1/admin/disputes?status=open&order_id="+order, nil).Want(200).JSON(&page)
	if len(page.Items) != 1 || page.Items[0].ID != id || page.Items[0].PaymentID != order+"-1" || page.Items[0].Amount != usd(2599) || page.Items[0].ReplyBy == "" {
		t.Fatalf("%+v", page.Items)
	}
	evidence := s.staff.With("Idempotency-Key", "key-0123456789abcdef0123456789abcdef")
	body := `{"text":"compelling_evidence","category":"PROOF_OF_DELIVERY"}`
	evidence.Do("POST", "/v1/admin/disputes/"+id+"/evidence", body).Want(201)
	if again := evidence.Do("POST", "/v1/admin/disputes/"+id+"/evidence", body).Want(201); again.Header.Get("Idempotency-Replayed") != "true" {
		t.Error("the second was not the first")
	}
	evidence.Do("POST", "/v1/admin/disputes/"+id+"/evidence", `{"text":"other"}`).Problem(422, "idempotency-key-reused")
	s.staff.Do("POST", "/v1/admin/disputes/"+id+"/evidence", `{"text":"x","category":"BOGUS"}`).Problem(409, "gateway-refused-95706")
	var done ActResult
	s.staff.Do("POST", "/v1/admin/disputes/"+id+"/finalize", nil).Want(201).JSON(&done)
	if done.Outcome != paymentapi.Succeeded || done.Dispute.Status != "won" || done.Dispute.Won != usd(2599) {
		t.Errorf("%+v", done)
	}
	s.staff.Do("POST", "/v1/admin/disputes/"+id+"/accept", nil).Problem(409, "dispute-not-open")
	for _, n := range sim.Notices(t) {
		s.gateway().Do("POST", paymentapi.PathWebhook, n.Form()).Want(204)
	}
	var d paymentapi.Dispute
	s.staff.Do("GET", "/v1/admin/disputes/"+id, nil).Want(200).JSON(&d)
	if d.Status != "won" || len(d.Evidence) != 1 || d.Evidence[0].Text != "compelling_evidence" || len(d.Events) < 5 {
		t.Errorf("%+v", d)
	}
	if got := fmt.Sprint(s.announced(order)); got != "[payment.dispute_opened.v1 payment.dispute_closed.v1]" {
		t.Errorf("others heard %s", got)
	}
}

func TestDisbursementsAreListed(t *testing.T) {
	t.Parallel()
	s, sim := atSimulator(t)
	transaction := s.paid(sim, newOrder())
	sim.Post(t, "/_sim/disburse", map[string]string{"exception": "bank_rejected"})
	sim.Post(t, "/_sim/disburse", struct{}{})
	for _, n := range sim.Notices(t) {
		s.gateway().Do("POST", paymentapi.PathWebhook, n.Form()).Want(204)
	}
	var page struct{ Items []paymentapi.Disbursement }
	s.staff.Do("GET", "/v1/admin/disbursements", nil).Want(200).JSON(&page)
	if len(page.Items) != 2 {
		t.Fatalf("%+v", page.Items)
	}
	s.staff.Do("GET", "/v1/admin/disbursements?failed=true", nil).Want(200).JSON(&page)
	if len(page.Items) != 1 || page.Items[0].Exception != "bank_rejected" || page.Items[0].Amount != usd(2599) || page.Items[0].TransactionIDs[0] != transaction {
		t.Errorf("%+v", page.Items)
	}
}

// Nothing that is unsigned, broken or of somebody else changes anything.
func TestTheWebhooksDoor(t *testing.T) {
	t.Parallel()
	s, sim := atSimulator(t)
	sim.Dispute(t, s.paid(sim, newOrder()))
	n := sim.Notices(t)[0]
	form := func(signature, payload string) string {
		return url.Values{"bt_signature": {signature}, "bt_payload": {payload}}.Encode()
	}
	for name, tc := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"nothing":            {"", 400, "malformed"},
		"no form":            {"%zz=%zz", 400, "malformed"},
		"no signature":       {form("", n.Payload), 403, "signature-invalid"},
		"a stranger's":       {form("stranger|"+strings.Repeat("a", 40), n.Payload), 403, "signature-invalid"},
		"another payload":    {form(n.Signature, "PG5vdGlmaWNhdGlvbi8+"), 403, "signature-invalid"},
		"changed on its way": {form(n.Signature, strings.Replace(n.Payload, "P", "Q", 1)), 403, "signature-invalid"},
		"huge":               {form(n.Signature, strings.Repeat("A", 2<<20)), 413, "body-too-large"},
	} {
		t.Run(name, func(t *testing.T) {
			c := s.gateway()
			c.T = t
			c.Do("POST", paymentapi.PathWebhook, tc.body).Problem(tc.status, tc.code)
		})
	}
	s.plain.With("Content-Type", "application/json").Do("POST", paymentapi.PathWebhook, `{}`).Problem(415, "unsupported-media-type")
	for _, table := range []string{"gateway_notifications", "disputes", "dispute_events", "disbursements"} {
		var rows int
		if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&rows); err != nil || rows != 0 {
			t.Errorf("%s has %d rows %v", table, rows, err)
		}
	}
	answer := s.plain.Do("GET", paymentapi.PathWebhook+"?bt_challenge=20f9f8ed05f77439fe955c977e4c8a53", nil).Want(200)
	if got := string(answer.Body); got != "sidecart_public|b29526c78f1378007ff7a2fa0347fb6765405777" || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("%q %s", got, answer.Header.Get("Content-Type"))
	}
	s.plain.Do("GET", paymentapi.PathWebhook+"?bt_challenge=%3Cscript%3E", nil).Problem(403, "signature-invalid")
	s.plain.Do("GET", paymentapi.PathWebhook, nil).Problem(422, "validation-failed")
}

func TestWhoMaySeeDisputes(t *testing.T) {
	t.Parallel()
	s := open(t, paymenttest.NewGateway())
	s.plain.Do("GET", "/v1/admin/disputes", nil).Problem(401, "unauthenticated")
	s.plain.As("order").Do("POST", "/v1/admin/disputes/d/accept", nil).Problem(401, "unauthenticated")
	reader := s.plain.Staff(s.signer, ScopeRead)
	reader.Do("GET", "/v1/admin/disputes", nil).Want(200)
	for _, act := range []string{"accept", "finalize"} {
		reader.Do("POST", "/v1/admin/disputes/d/"+act, nil).Problem(403, "forbidden")
		s.staff.Do("POST", "/v1/admin/disputes/nobody/"+act, nil).Problem(404, "dispute-not-found")
	}
	s.staff.Do("GET", "/v1/admin/disputes/nobody", nil).Problem(404, "dispute-not-found")
	s.staff.Do("GET", "/v1/admin/disputes?status=odd&limit=0&cursor=x", nil).Problem(422, "validation-failed")
	s.staff.Do("POST", "/v1/admin/disputes/nobody/evidence", `{"text":"","tip":1}`).Problem(422, "validation-failed")
	s.staff.Do("POST", "/v1/admin/disputes/nobody/evidence", `{"text":"my card 4111 1111 1111 1111"}`).Problem(422, "card-number-refused")
}
