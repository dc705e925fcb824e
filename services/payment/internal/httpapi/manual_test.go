package httpapi

import (
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// What is offered is told, a transfer is promised, staff record it, and it is captured.
func TestABankTransferThroughTheDoors(t *testing.T) {
	t.Parallel()
	s := open(t, paymenttest.NewGateway())
	s.app.Offers = app.Offers{{Provider: payment.BankTransfer, Countries: []string{"DE"}, PayWithin: 48 * time.Hour, PayTo: "account 5", Amounts: map[money.Currency]app.Limits{"USD": {}}}}
	var session paymentapi.ClientToken
	checkout := s.plain.As("checkout")
	checkout.Do("POST", paymentapi.PathClientToken, `{"currency":"USD","country":"DE","amount":{"amount":100,"currency":"USD"}}`).Want(200).JSON(&session)
	if session.Provider != payment.BankTransfer || session.ClientToken != "" || len(session.Providers) != 1 || session.Providers[0].PayWithinSeconds != 48*3600 || session.Providers[0].PayTo != "account 5" {
		t.Errorf("%+v", session)
	}
	checkout.Do("POST", paymentapi.PathClientToken, `{"currency":"USD","country":"US"}`).Problem(422, "currency-not-supported")
	checkout.Do("POST", paymentapi.PathClientToken, `{"currency":"USD","amount":{"amount":100,"currency":"EUR"}}`).Problem(422, "validation-failed")
	ask := func(more string) string {
		return `{"operation_id":"a","payment_id":"o-1","order_id":"o","attempt":1,"amount":{"amount":100,"currency":"USD"},"country":"DE","payment_provider":"bank_transfer"` + more + `}`
	}
	s.order.Do("POST", paymentapi.PathAuthorise, ask(`,"payment_method_nonce":"n"`)).Problem(422, "validation-failed")
	s.order.Do("POST", paymentapi.PathAuthorise, `{"operation_id":"a","payment_id":"o-1","order_id":"o","attempt":1,"amount":{"amount":100,"currency":"USD"},"payment_method_nonce":"fake-valid-nonce"}`).
		Problem(422, "payment-provider-not-offered")
	var r paymentapi.Result
	s.order.Do("POST", paymentapi.PathAuthorise, ask("")).Want(200).JSON(&r)
	wants := func(outcome string) {
		t.Helper()
		if r.Outcome != outcome || r.Review != paymentapi.ReviewPending || r.ReviewUntil == nil || r.ReviewUntil.Sub(r.OccurredAt) != 48*time.Hour {
			t.Errorf("%+v", r)
		}
		r = paymentapi.Result{}
	}
	wants(paymentapi.Succeeded)
	s.order.Do("POST", paymentapi.PathAuthorise, ask("")).Want(200).JSON(&r)
	wants(paymentapi.Succeeded)
	s.order.Do("POST", paymentapi.PathCapture, `{"operation_id":"c","payment_id":"o-1","amount":{"amount":100,"currency":"USD"}}`).Want(200).JSON(&r)
	wants(paymentapi.Pending)
	var told paymentapi.Transfer
	shop := s.plain.As("storefront")
	shop.Do("GET", paymentapi.PathTransfers+"o?country=DE", nil).Want(200).JSON(&told)
	if told.Amount != usd(100) || told.PayTo != "account 5" || told.PayBy.IsZero() {
		t.Errorf("%+v", told)
	}
	shop.Do("GET", paymentapi.PathTransfers+"other?country=DE", nil).Problem(404, "transfer-not-found")
	s.plain.As("cart").Do("GET", paymentapi.PathTransfers+"o", nil).Problem(403, "forbidden")
	const door = "/v1/admin/payments/o-1/money"
	s.plain.Do("POST", door, `{"outcome":"received"}`).Problem(401, "unauthenticated")
	s.plain.Staff(s.signer, ScopeRead).Do("POST", door, `{"outcome":"received"}`).Problem(403, "forbidden")
	for _, body := range []string{`{}`, `{"outcome":"perhaps"}`, `{"outcome":"received","tip":1}`} {
		s.staff.Do("POST", door, body).Problem(422, "validation-failed")
	}
	s.staff.Do("POST", "/v1/admin/payments/nobody-1/money", `{"outcome":"received"}`).Problem(404, "payment-not-found")
	var p paymentapi.Payment
	s.staff.Do("POST", door, `{"outcome":"received","reference":"statement 5"}`).Want(200).JSON(&p)
	if p.Review != "approved" || p.Provider != payment.BankTransfer {
		t.Errorf("%+v", p)
	}
	s.staff.Do("POST", door, `{"outcome":"refused"}`).Problem(409, "payment-not-awaited")
	shop.Do("GET", paymentapi.PathTransfers+"o?country=DE", nil).Problem(404, "transfer-not-found")
	s.order.Do("POST", paymentapi.PathCapture, `{"operation_id":"c","payment_id":"o-1","amount":{"amount":100,"currency":"USD"}}`).Want(200).JSON(&r)
	if r.Outcome != paymentapi.Succeeded {
		t.Errorf("%+v", r)
	}
	s.app.Offers = nil
	order := newOrder()
	s.authorise(order, paymenttest.NonceValid, usd(100))
	s.staff.Do("POST", "/v1/admin/payments/"+order+"-1/money", `{"outcome":"received"}`).Problem(409, "payment-not-manual")
}

// What credit does not cover has the name of who takes it.
func TestTendersOfCashOnDelivery(t *testing.T) {
	t.Parallel()
	s := open(t, paymenttest.NewGateway())
	s.app.Offers = app.Offers{{Provider: payment.CashOnDelivery, Amounts: map[money.Currency]app.Limits{"USD": {}}}}
	card := s.issue("", usd(30))
	s.order.Do("POST", paymentapi.PathAuthorise, paymentapi.AuthoriseRequest{OperationID: "a", PaymentID: "o-1", OrderID: "o", Attempt: 1, Amount: usd(100), Country: "DE",
		Provider: payment.CashOnDelivery, GiftCards: []string{card.Code}}).Want(200)
	var p paymentapi.Payment
	s.staff.Do("GET", "/v1/admin/payments/o-1", nil).Want(200).JSON(&p)
	if len(p.Tenders) != 2 || p.Tenders[0].Type != "gift_card" || p.Tenders[1].Type != payment.CashOnDelivery || p.Tenders[1].Authorised != usd(70) {
		t.Errorf("%+v", p.Tenders)
	}
}

// What a provider costs is told with it, for what is to be paid and when it is chosen already; of one alone no token is asked for.
func TestAFeeIsTold(t *testing.T) {
	t.Parallel()
	s := open(t, paymenttest.NewGateway())
	s.app.Offers = app.Offers{{Provider: payment.Gateway, Amounts: map[money.Currency]app.Limits{"USD": {}}},
		{Provider: payment.CashOnDelivery, Countries: []string{"DE"}, Channels: []string{"phone"}, Amounts: map[money.Currency]app.Limits{"USD": {To: 1000, Fee: 300}}}}
	checkout := s.plain.As("checkout")
	ask := func(amount, more string) (token paymentapi.ClientToken) {
		t.Helper()
		checkout.Do("POST", paymentapi.PathClientToken, `{"currency":"USD","country":"DE","channel":"phone","amount":{"amount":`+amount+`,"currency":"USD"}`+more+`}`).Want(200).JSON(&token)
		return token
	}
	const fee, alone = `,"payment_fee":{"amount":300,"currency":"USD"}`, `,"payment_provider":"cash_on_delivery"`
	for amount, more := range map[string]string{"700": "", "1000": fee} {
		if got := ask(amount, more); len(got.Providers) != 2 || got.Providers[1].Fee != money.New(300, "USD") || got.Providers[0].Fee != (money.Amount{}) || got.ClientToken == "" {
			t.Errorf("%s%s: %+v", amount, more, got)
		}
	}
	if got := ask("701", ""); len(got.Providers) != 1 {
		t.Errorf("too much: %+v", got)
	}
	if got := ask("1000", fee+alone); len(got.Providers) != 1 || got.Providers[0].Fee.Minor != 300 || got.ClientToken != "" {
		t.Errorf("alone: %+v", got)
	}
	const de = `{"currency":"USD","country":"DE","amount":{"amount":700,"currency":"USD"}`
	checkout.Do("POST", paymentapi.PathClientToken, de+alone+`}`).Problem(422, "payment-provider-not-offered") // not in no channel
	checkout.Do("POST", paymentapi.PathClientToken, de+`,"payment_provider":"cheque"}`).Problem(422, "validation-failed")
	for _, bad := range []string{`{"amount":701,"currency":"USD"}`, `{"amount":-1,"currency":"USD"}`, `{"amount":1,"currency":"EUR"}`} {
		checkout.Do("POST", paymentapi.PathClientToken, de+`,"payment_fee":`+bad+`}`).Problem(422, "validation-failed")
	}
}
