package httpapi

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/braintree"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

func ruled(t *testing.T, rules ...payment.Rule) *shop {
	t.Helper()
	sim := paymenttest.StartSimulator(t, simulator)
	return openWith(t, braintree.New(braintree.Options{URL: sim.URL, MerchantID: "sidecart", PublicKey: "sidecart_public", PrivateKey: "sidecart_private", Transport: &http.Transport{}}),
		payment.Rules{ReviewFor: time.Hour, Rules: rules})
}

// pay authorises with what is known of the shopper.
func (s *shop) pay(order, nonce string, shopper *paymentapi.Shopper) (r paymentapi.Result) {
	s.t.Helper()
	s.order.Do("POST", paymentapi.PathAuthorise, paymentapi.AuthoriseRequest{OperationID: order + "-a", PaymentID: order + "-1", OrderID: order, Attempt: 1, Amount: usd(1000),
		Nonce: nonce, Shopper: shopper}).Want(200).JSON(&r)
	return r
}

// What 3-D Secure, AVS and the bank say is kept, and staff see it.
func TestChecksAreKept(t *testing.T) {
	t.Parallel()
	s := ruled(t)
	secure, wrong := newOrder(), newOrder()
	s.pay(secure, "fake-three-d-secure-visa-full-authentication-nonce", nil)
	s.pay(wrong, paymenttest.NonceValid, &paymentapi.Shopper{Email: "ada@example.com", IP: "192.0.2.1", Browser: "b",
		Billing: &paymentapi.Address{Name: "Ada L", Line1: "200 Main St", PostalCode: "20000", City: "X", Country: "US"}})
	see := func(order string) (p paymentapi.Payment) {
		s.staff.Do("GET", "/v1/admin/payments/"+order+"-1", nil).Want(200).JSON(&p)
		return p
	}
	if p := see(secure); p.Checks == nil || p.Checks.ThreeDSecure != "authenticate_successful" || p.Checks.Enrolled != "Y" || !p.Checks.LiabilityShifted || !p.Checks.LiabilityShiftPossible {
		t.Errorf("%+v", p.Checks)
	}
	p := see(wrong)
	if p.Checks == nil || p.Checks.AVSPostal != "N" || p.Checks.AVSStreet != "N" || p.Checks.CVV != "I" || p.Checks.ThreeDSecure != "" || p.Checks.LiabilityShifted {
		t.Errorf("%+v", p.Checks)
	}
	if last := p.Events[len(p.Events)-1]; last.Type != "authorised" || last.Checks == nil || last.Checks.AVSPostal != "N" {
		t.Errorf("%+v", last)
	}
}

// A review through the doors, from the authorisation to the capture, and to the void.
func TestAReviewFromEndToEnd(t *testing.T) {
	t.Parallel()
	s := ruled(t, payment.Rule{Name: "far-too-much", When: payment.Condition{AmountAbove: map[money.Currency]int64{"USD": 9999999}}, Then: payment.Reject},
		payment.Rule{Name: "wrong-address", When: payment.Condition{AVSPostal: []string{"N"}}, Then: payment.Review})
	wrong := &paymentapi.Shopper{Billing: &paymentapi.Address{Line1: "1 Main St", PostalCode: "20000"}}
	good, bad, fine := newOrder(), newOrder(), newOrder()
	for _, order := range []string{good, bad} {
		if r := s.pay(order, paymenttest.NonceValid, wrong); r.Outcome != paymentapi.Succeeded || r.Review != paymentapi.ReviewPending {
			t.Errorf("%+v", r)
		}
	}
	if r := s.pay(fine, paymenttest.NonceValid, nil); r.Outcome != paymentapi.Succeeded || r.Review != "" {
		t.Errorf("%+v", r)
	}
	amount := usd(1000)
	if r := s.move(paymentapi.PathCapture, good, good+"-c", &amount); r.Outcome != paymentapi.Pending || r.Review != paymentapi.ReviewPending || r.RetryAfterMS < 1000 {
		t.Errorf("%+v", r)
	}
	var page struct{ Items []paymentapi.Payment }
	s.staff.Do("GET", "/v1/admin/payments?review=pending", nil).Want(200).JSON(&page)
	if len(page.Items) != 2 || page.Items[0].ReviewRule != "wrong-address" || page.Items[0].ReviewUntil == nil {
		t.Errorf("%+v", page.Items)
	}
	decide := func(order string) string { return fmt.Sprintf("/v1/admin/payments/%s-1/review", order) }
	s.staff.With("Idempotency-Key", "k-captures").Do("POST", "/v1/admin/payments/"+good+"-1/captures", `{}`).Problem(409, "payment-in-review")
	s.plain.Staff(s.signer, ScopeRead).Do("POST", decide(good), `{"decision":"approve"}`).Problem(403, "forbidden")
	s.staff.Do("POST", decide(good), `{"decision":"perhaps"}`).Problem(422, "validation-failed")
	s.staff.Do("POST", decide("nobody"), `{"decision":"approve"}`).Problem(404, "payment-not-found")
	s.staff.Do("POST", decide(fine), `{"decision":"approve"}`).Problem(409, "payment-not-in-review")
	for range 2 {
		s.staff.Do("POST", decide(good), `{"decision":"approve","reason":"known"}`).Want(200)
	}
	s.staff.Do("POST", decide(good), `{"decision":"reject"}`).Problem(409, "payment-not-in-review")
	if r := s.move(paymentapi.PathCapture, good, good+"-c", &amount); r.Outcome != paymentapi.Succeeded || r.Review != "" {
		t.Errorf("%+v", r)
	}
	var p paymentapi.Payment
	s.staff.Do("POST", decide(bad), `{"decision":"reject","reason":"stolen"}`).Want(200).JSON(&p)
	if p.Status != paymentapi.StatusVoided || p.Review != paymentapi.ReviewRejected {
		t.Errorf("%+v", p)
	}
	if r := s.move(paymentapi.PathCapture, bad, bad+"-c", &amount); r.Outcome != paymentapi.Declined || r.DeclineCode != paymentapi.DeclineReview {
		t.Errorf("%+v", r)
	}
	if got := fmt.Sprint(s.announced(bad)); got != "[payment.review_opened.v1 payment.review_closed.v1 payment.voided.v1]" {
		t.Errorf("others heard %s", got)
	}
}

func TestShoppersAreChecked(t *testing.T) {
	t.Parallel()
	s := open(t, paymenttest.NewGateway())
	body := func(shopper string) string {
		return `{"operation_id":"a","payment_id":"o-1","order_id":"o","attempt":1,"amount":{"amount":100,"currency":"USD"},"payment_method_nonce":"n","shopper":` + shopper + `}`
	}
	s.order.Do("POST", paymentapi.PathAuthorise, body(`{"shoe_size":44}`)).Problem(422, "validation-failed")
	s.order.Do("POST", paymentapi.PathAuthorise, body(`{"billing_address":{"country":"USA"}}`)).Problem(422, "validation-failed")
	s.order.Do("POST", paymentapi.PathAuthorise, body(`{"billing_address":{"line1":"4111 1111 1111 1111"}}`)).Problem(422, "card-number-refused")
}
