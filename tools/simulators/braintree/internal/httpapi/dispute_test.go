package httpapi_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/braintree-go/braintree-go"
)

// refusedWith asserts a validation error with this code, wherever it lies.
func refusedWith(t *testing.T, err error, code string) {
	t.Helper()
	var e *braintree.BraintreeError
	if !errors.As(err, &e) || e.StatusCode() != http.StatusUnprocessableEntity {
		t.Fatalf("want validation error %s, got %v", code, err)
	}
	for _, v := range e.All() {
		if v.Code == code {
			return
		}
	}
	t.Fatalf("want %s, got %+v", code, e.All())
}

// disputed makes a sale that is disputed at once, as the sandbox's test card does, and answers its dispute.
func (s *sim) disputed(cents int64, order string) *braintree.Dispute {
	s.t.Helper()
	q := request(cents, order)
	q.PaymentMethodNonce, q.Options = "sim-disputed-visa-nonce", &braintree.TransactionOptions{SubmitForSettlement: true}
	sale := s.sale(q)
	if sale.Status != braintree.TransactionStatusSubmittedForSettlement {
		s.t.Fatalf("the sale's answer is %s", sale.Status)
	}
	tx, err := s.Transaction().Find(s.t.Context(), sale.Id)
	if err != nil || tx.Status != braintree.TransactionStatusSettled || len(tx.Disputes) != 1 {
		s.t.Fatalf("%+v %v", tx, err)
	}
	return tx.Disputes[0]
}

func TestADisputeIsFoundWithWhatItSays(t *testing.T) {
	t.Parallel()
	s := start(t)
	d, err := s.Dispute().Find(t.Context(), s.disputed(1310, "o-1").ID)
	if err != nil {
		t.Fatal(err)
	}
	if d.Status != braintree.DisputeStatusOpen || d.Kind != braintree.DisputeKindChargeback || d.Reason != braintree.DisputeReasonFraud ||
		d.AmountDisputed.String() != "13.10" || d.AmountWon.String() != "0.00" || d.CurrencyISOCode != "USD" || d.ReplyByDate != "2026-03-11" ||
		d.Transaction.OrderID != "o-1" || d.Transaction.Amount.String() != "13.10" || len(d.StatusHistory) != 1 || d.StatusHistory[0].Status != "open" {
		t.Errorf("%+v", d)
	}
	if _, err := s.Dispute().Find(t.Context(), "nobody"); statusOf(err) != http.StatusNotFound {
		t.Errorf("unknown dispute: %v", err)
	}
}

// The sandbox's words decide when evidence is finalized; other evidence goes to the bank.
func TestEvidenceDecides(t *testing.T) {
	t.Parallel()
	s := start(t)
	for text, want := range map[string]braintree.DisputeStatus{
		"compelling_evidence": braintree.DisputeStatusWon, "losing_evidence": braintree.DisputeStatusLost, "signed for by the neighbour": braintree.DisputeStatusDisputed,
	} {
		id := s.disputed(1000, text).ID
		e, err := s.Dispute().AddTextEvidence(t.Context(), id, &braintree.DisputeTextEvidenceRequest{Content: text, Category: braintree.DisputeEvidenceCategoryProofOfDelivery})
		if err != nil || e.ID == "" || e.Comment != text || e.Category != braintree.DisputeEvidenceCategoryProofOfDelivery || e.SentToProcessorAt != "" {
			t.Fatalf("%+v %v", e, err)
		}
		if err := s.Dispute().Finalize(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		d, err := s.Dispute().Find(t.Context(), id)
		if err != nil || d.Status != want || len(d.Evidence) != 1 || d.Evidence[0].SentToProcessorAt != "2026-03-01" {
			t.Errorf("%s: %+v %v", text, d, err)
		}
		if won := d.AmountWon.String(); (won == "10.00") != (want == braintree.DisputeStatusWon) {
			t.Errorf("%s: won %s", text, won)
		}
		_, err = s.Dispute().AddTextEvidence(t.Context(), id, &braintree.DisputeTextEvidenceRequest{Content: "more"})
		refusedWith(t, err, "95701")
		refusedWith(t, s.Dispute().RemoveEvidence(t.Context(), id, e.ID), "95702")
		refusedWith(t, s.Dispute().Finalize(t.Context(), id), "95705")
		if code, _ := s.raw(http.MethodPut, "/merchants/shop/disputes/"+id+"/accept", "", nil); code != http.StatusUnprocessableEntity { // the SDK hides this answer
			t.Errorf("accept %s: %d", want, code)
		}
	}
	id := s.disputed(8300, "needs evidence").ID // reason code 83
	refusedWith(t, s.Dispute().Finalize(t.Context(), id), "95726")
	_, err := s.Dispute().AddTextEvidence(t.Context(), id, &braintree.DisputeTextEvidenceRequest{Content: "x", Category: "BOGUS"})
	refusedWith(t, err, "95706")
	e, err := s.Dispute().AddTextEvidence(t.Context(), id, &braintree.DisputeTextEvidenceRequest{Content: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Dispute().RemoveEvidence(t.Context(), id, e.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Dispute().RemoveEvidence(t.Context(), id, e.ID); statusOf(err) != http.StatusNotFound {
		t.Errorf("removed twice: %v", err)
	}
	if err := s.Dispute().Accept(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if d, err := s.Dispute().Find(t.Context(), id); err != nil || d.Status != braintree.DisputeStatusAccepted || len(d.Evidence) != 0 {
		t.Errorf("%+v %v", d, err)
	}
}

// merchantsEnd takes webhooks with the real SDK, and refuses the first so many.
type merchantsEnd struct {
	*httptest.Server
	mu      sync.Mutex
	refuse  int
	took    []*braintree.WebhookNotification
	problem []error
}

func (s *sim) listen(refuse int) *merchantsEnd {
	s.t.Helper()
	m := &merchantsEnd{refuse: refuse}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		n, err := s.WebhookNotification().ParseRequest(r)
		if err != nil {
			m.problem = append(m.problem, err)
		}
		if m.refuse > 0 {
			m.refuse--
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		m.took = append(m.took, n)
	}))
	s.t.Cleanup(m.Close)
	if code := s.switchTo(http.MethodPut, "/_sim/settings", map[string]string{"webhook_url": m.URL}, nil); code != http.StatusOK {
		s.t.Fatalf("settings: %d", code)
	}
	return m
}

func (s *sim) send() {
	s.t.Helper()
	if err := s.sender.Send(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// Notifications are signed as the SDK wants them, tried again, and outlive a restart.
func TestWebhooksAreDelivered(t *testing.T) {
	t.Parallel()
	s := start(t)
	d := s.disputed(1000, "o-1")
	down := s.listen(99)
	s.send()
	s.send() // not due yet
	if len(down.problem) != 0 || down.refuse != 98 {
		t.Fatalf("%v, %d left to refuse", down.problem, down.refuse)
	}
	s.close()
	again := startIn(t, s.dir)
	end := again.listen(0)
	again.clock.Advance(time.Minute)
	again.send()
	again.send()
	if len(end.problem) != 0 || len(end.took) != 1 {
		t.Fatalf("%v %+v", end.problem, end.took)
	}
	n := end.took[0]
	if n.Kind != braintree.DisputeOpenedWebhook || n.Dispute() == nil || n.Dispute().ID != d.ID || n.Dispute().Transaction.ID != d.Transaction.ID || !n.Timestamp.Equal(s.clock.Now()) {
		t.Errorf("%+v", n)
	}
	if err := again.Dispute().Accept(t.Context(), d.ID); err != nil {
		t.Fatal(err)
	}
	var check struct{ ID string }
	if code := again.switchTo(http.MethodPost, "/_sim/webhooks", map[string]string{"kind": "check"}, &check); code != http.StatusCreated {
		t.Fatalf("check: %d", code)
	}
	again.send()
	if len(end.took) != 3 || end.took[1].Kind != "dispute_accepted" || end.took[2].Kind != braintree.CheckWebhook {
		t.Fatalf("%+v", end.took)
	}
	again.switchTo(http.MethodPost, "/_sim/webhooks/"+check.ID+"/resend", nil, nil)
	again.send()
	if len(end.took) != 4 || end.took[3].Kind != braintree.CheckWebhook || !end.took[3].Timestamp.Equal(end.took[2].Timestamp) {
		t.Errorf("resent: %+v", end.took)
	}
}

// A turned clock settles, pays out, lets authorisations run out and accepts what nobody answered; it stays turned.
func TestTheClockTurns(t *testing.T) {
	t.Parallel()
	s := start(t)
	q := request(2500, "captured")
	q.Options = &braintree.TransactionOptions{SubmitForSettlement: true}
	captured, held := s.sale(q), s.sale(request(700, "held"))
	dispute := s.disputed(1000, "disputed")
	end := s.listen(0)
	turn := func(by string) {
		if code := s.switchTo(http.MethodPost, "/_sim/clock", map[string]string{"advance": by}, nil); code != http.StatusOK {
			t.Fatalf("turn %s: %d", by, code)
		}
	}
	status := func(id string) braintree.TransactionStatus {
		tx, err := s.Transaction().Find(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return tx.Status
	}
	turn("23h")
	if got := status(captured.Id); got != braintree.TransactionStatusSubmittedForSettlement {
		t.Errorf("after 23 h: %s", got)
	}
	turn("1h")
	if got := status(captured.Id); got != braintree.TransactionStatusSettled {
		t.Errorf("after a day: %s", got)
	}
	turn("24h")
	tx, err := s.Transaction().Find(t.Context(), captured.Id)
	if err != nil || tx.DisbursementDetails == nil || tx.DisbursementDetails.DisbursementDate != "2026-03-03" {
		t.Errorf("disbursed: %+v %v", tx.DisbursementDetails, err)
	}
	if got := status(held.Id); got != braintree.TransactionStatusAuthorized {
		t.Errorf("after two days the authorisation is %s", got)
	}
	turn("240h")
	if got := status(held.Id); got != braintree.TransactionStatusAuthorizationExpired {
		t.Errorf("after twelve days the authorisation is %s", got)
	}
	if d, err := s.Dispute().Find(t.Context(), dispute.ID); err != nil || d.Status != "auto_accepted" {
		t.Errorf("%+v %v", d, err)
	}
	s.send()
	kinds := map[string]int{}
	for _, n := range end.took {
		if kinds[n.Kind]++; n.Kind == braintree.DisbursementWebhook {
			if d := n.Disbursement(); d.Amount.String() != "25.00" && d.Amount.String() != "10.00" || !d.Success || d.MerchantAccount.Id != "usd" {
				t.Errorf("%+v", d)
			}
		}
	}
	if kinds["dispute_opened"] != 1 || kinds["dispute_auto_accepted"] != 1 || kinds["disbursement"] != 2 || len(end.problem) != 0 {
		t.Errorf("%v %v", kinds, end.problem)
	}
	for _, bad := range []string{"", "-1h", "soon"} {
		if code := s.switchTo(http.MethodPost, "/_sim/clock", map[string]string{"advance": bad}, nil); code != http.StatusBadRequest {
			t.Errorf("turn %q: %d", bad, code)
		}
	}
	s.close()
	again := startIn(t, s.dir)
	var at struct{ Now time.Time }
	if again.switchTo(http.MethodGet, "/_sim/clock", nil, &at); !at.Now.Equal(again.clock.Now().Add(288 * time.Hour)) {
		t.Errorf("after a restart the clock says %s", at.Now)
	}
}

func TestADisbursementCanFail(t *testing.T) {
	t.Parallel()
	s := start(t)
	tx := s.settled(1000, "o")
	end := s.listen(0)
	for _, exception := range []string{"bank_rejected", ""} {
		if code := s.switchTo(http.MethodPost, "/_sim/disburse", map[string]string{"exception": exception}, nil); code != http.StatusOK {
			t.Fatalf("disburse: %d", code)
		}
	}
	s.send()
	if len(end.took) != 2 {
		t.Fatalf("%+v", end.took)
	}
	var failed, paid *braintree.Disbursement
	for _, n := range end.took {
		if d := n.Disbursement(); n.Kind == braintree.DisbursementExceptionWebhook {
			failed = d
		} else {
			paid = d
		}
	}
	if failed == nil || failed.Success || failed.ExceptionMessage != "bank_rejected" || failed.FollowUpAction != "update_funding_information" || failed.TransactionIds[0] != tx.Id {
		t.Errorf("%+v", failed)
	}
	if paid == nil || !paid.Success || paid.TransactionIds[0] != tx.Id {
		t.Errorf("%+v", paid)
	}
}
