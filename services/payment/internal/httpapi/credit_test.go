package httpapi

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

func keyed(c apitest.Client) apitest.Client { return c.With("Idempotency-Key", uuid.NewString()) }

// issue makes a gift card, or store credit of a customer.
func (s *shop) issue(customer string, amount money.Amount) (c paymentapi.Credit) {
	s.t.Helper()
	keyed(s.staff).Do("POST", paymentapi.PathCredits, NewCredit{Amount: amount, CustomerID: customer}).Want(201).JSON(&c)
	return c
}

func (s *shop) credit(id string) (c paymentapi.Credit) {
	s.t.Helper()
	s.staff.Do("GET", paymentapi.PathCredits+"/"+id, nil).Want(200).JSON(&c)
	return c
}

// The life of a gift card before it is spent: its code is shown once, tells its balance, and is worth nothing when it is replaced.
func TestAGiftCard(t *testing.T) {
	t.Parallel()
	s := open(t, paymenttest.NewGateway())
	until := s.clock.Now().Add(24 * time.Hour)
	key := keyed(s.staff)
	var card, again paymentapi.Credit
	body := NewCredit{Amount: usd(5000), ExpiresAt: &until, Reason: "birthday"}
	key.Do("POST", paymentapi.PathCredits, body).Want(201).JSON(&card)
	replay := key.Do("POST", paymentapi.PathCredits, body).Want(201)
	replay.JSON(&again)
	if card.Code == "" || !strings.HasSuffix(card.Code, card.CodeEnd) || again.Code != "" || again.ID != card.ID || replay.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%+v, again %+v", card, again)
	}
	body.Amount = usd(5001)
	key.Do("POST", paymentapi.PathCredits, body).Problem(422, "idempotency-key-reused")

	worth := func(code string) (b paymentapi.GiftCardBalance) {
		t.Helper()
		s.plain.Do("POST", paymentapi.PathGiftCardBalance, paymentapi.GiftCardCode{Code: code}).Want(200).JSON(&b)
		return b
	}
	if b := worth(strings.ToLower(strings.ReplaceAll(card.Code, "-", " "))); b.Balance != usd(5000) || b.ExpiresAt == nil || !b.ExpiresAt.Equal(until) {
		t.Errorf("%+v", b)
	}
	adjust := keyed(s.staff)
	for range 2 {
		adjust.Do("POST", paymentapi.PathCredits+"/"+card.ID+"/adjustments", CreditAdjustment{Amount: usd(-1000), Reason: "typo"}).Want(201).JSON(&again)
	}
	if again.Balance != usd(4000) || s.credit(card.ID).Balance != usd(4000) {
		t.Errorf("%+v", again)
	}
	keyed(s.staff).Do("POST", paymentapi.PathCredits+"/"+card.ID+"/adjustments", CreditAdjustment{Amount: usd(-4001), Reason: "too much"}).Problem(409, "credit-insufficient")
	s.staff.Do("POST", paymentapi.PathCredits+"/"+card.ID+"/code", nil).Want(201).JSON(&again)
	s.plain.Do("POST", paymentapi.PathGiftCardBalance, paymentapi.GiftCardCode{Code: card.Code}).Problem(404, "gift-card-not-found")
	if b := worth(again.Code); b.Balance != usd(4000) {
		t.Errorf("%+v", b)
	}
	var ledger struct {
		Items      []paymentapi.CreditEntry `json:"items"`
		NextCursor *string                  `json:"next_cursor"`
	}
	s.staff.Do("GET", paymentapi.PathCredits+"/"+card.ID+"/ledger?limit=1", nil).Want(200).JSON(&ledger)
	if len(ledger.Items) != 1 || ledger.Items[0].Type != "issued" || ledger.Items[0].Amount != usd(5000) || ledger.NextCursor == nil {
		t.Fatalf("%+v", ledger)
	}
	s.staff.Do("GET", paymentapi.PathCredits+"/"+card.ID+"/ledger?cursor="+*ledger.NextCursor, nil).Want(200).JSON(&ledger)
	if len(ledger.Items) != 1 || ledger.Items[0].Type != "adjusted" || ledger.Items[0].Balance != usd(4000) || ledger.Items[0].Reason != "typo" {
		t.Errorf("%+v", ledger)
	}
	s.clock.Add(24 * time.Hour)
	if b := worth(again.Code); !b.Balance.IsZero() {
		t.Errorf("run out: %+v", b)
	}
	var kept string
	if err := s.pool.QueryRow(t.Context(), `SELECT string_agg(credits::text, ' ') || (SELECT string_agg(a::text, ' ') FROM audit_log a) FROM credits`).Scan(&kept); err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{card.Code, again.Code} {
		if strings.Contains(kept, code) || strings.Contains(kept, strings.ReplaceAll(code, "-", "")) {
			t.Error("a code is kept")
		}
	}
}

func TestStoreCreditOfACustomer(t *testing.T) {
	t.Parallel()
	s := open(t, paymenttest.NewGateway())
	s.issue("ada", usd(300))
	s.issue("ada", usd(200))
	s.issue("ada", money.New(700, "JPY"))
	s.issue("bob", usd(1))
	var mine paymentapi.StoreCredit
	s.customer("ada").Do("GET", paymentapi.PathMyStoreCredit, nil).Want(200).JSON(&mine)
	if len(mine.Items) != 3 || len(mine.Totals) != 2 || mine.Totals[0] != usd(500) && mine.Totals[1] != usd(500) {
		t.Errorf("%+v", mine)
	}
	s.customer("eve").Do("GET", paymentapi.PathMyStoreCredit, nil).Want(200).JSON(&mine)
	if mine.Totals == nil || mine.Items == nil || len(mine.Totals)+len(mine.Items) != 0 {
		t.Errorf("%+v", mine)
	}
	var page struct {
		Items []paymentapi.Credit `json:"items"`
	}
	s.staff.Do("GET", paymentapi.PathCredits+"?kind=store_credit&customer_id=ada&currency=USD&limit=10", nil).Want(200).JSON(&page)
	if len(page.Items) != 2 || page.Items[0].Code != "" || page.Items[0].CustomerID != "ada" {
		t.Errorf("%+v", page.Items)
	}
}

func TestTheDoorsOfCredit(t *testing.T) {
	t.Parallel()
	s := open(t, paymenttest.NewGateway())
	s.plain.Do("GET", paymentapi.PathMyStoreCredit, nil).Problem(401, "unauthenticated")
	s.staff.Do("GET", paymentapi.PathMyStoreCredit, nil).Problem(403, "forbidden")
	s.customer("ada").Do("POST", paymentapi.PathCredits, `{}`).Problem(403, "forbidden")
	reader := s.plain.Staff(s.signer, ScopeRead)
	keyed(reader).Do("POST", paymentapi.PathCredits, `{}`).Problem(403, "forbidden")
	s.staff.Do("POST", paymentapi.PathCredits, `{"amount":{"amount":1,"currency":"USD"}}`).Problem(400, "idempotency-key-required")
	got := apitest.Locations(keyed(s.staff).Do("POST", paymentapi.PathCredits, `{"amount":{"amount":0,"currency":"USD"},"customer_id":"no good","expires_at":"2020-01-01T00:00:00Z"}`).Problem(422, "validation-failed"))
	if fmt.Sprint(got) != "[body.amount.amount body.expires_at body.customer_id]" {
		t.Errorf("%v", got)
	}
	for _, body := range []string{`{"amount":{"amount":1.5,"currency":"USD"}}`, `{"amount":{"amount":1,"currency":"XXY"}}`, `{"amount":5}`, `{"amount":{"amount":1,"currency":"USD"},"tip":1}`,
		`{"amount":{"amount":1,"currency":"CHF"}}`} { // nothing takes it
		keyed(s.staff).Do("POST", paymentapi.PathCredits, body).Problem(422, "validation-failed")
	}
	s.staff.Do("GET", paymentapi.PathCredits+"/nobody", nil).Problem(404, "credit-not-found")
	s.staff.Do("GET", paymentapi.PathCredits+"/nobody/ledger", nil).Problem(404, "credit-not-found")
	s.staff.Do("POST", paymentapi.PathCredits+"/nobody/code", nil).Problem(404, "credit-not-found")
	store := s.issue("ada", usd(1))
	s.staff.Do("POST", paymentapi.PathCredits+"/"+store.ID+"/code", nil).Problem(404, "credit-not-found")
	for _, body := range []string{`{"amount":{"amount":0,"currency":"USD"},"reason":"r"}`, `{"amount":{"amount":1,"currency":"USD"}}`, `{"amount":{"amount":1,"currency":"USD"},"reason":""}`} {
		keyed(s.staff).Do("POST", paymentapi.PathCredits+"/"+store.ID+"/adjustments", body).Problem(422, "validation-failed")
	}
	keyed(s.staff).Do("POST", paymentapi.PathCredits+"/"+store.ID+"/adjustments", `{"amount":{"amount":1,"currency":"EUR"},"reason":"r"}`).Problem(422, "currency-not-supported")
}

// Codes that are wrong and codes that nobody has get the same answer, and after many of them nobody gets one; a moment later one may
// ask again.
func TestCodesCannotBeGuessed(t *testing.T) {
	t.Parallel()
	s := open(t, paymenttest.NewGateway())
	card := s.issue("", usd(100))
	unknown := payment.Code([payment.CodeLength]byte{1, 2, 3})
	first := s.plain.Do("POST", paymentapi.PathGiftCardBalance, paymentapi.GiftCardCode{Code: unknown}).Problem(404, "gift-card-not-found")
	second := s.plain.Do("POST", paymentapi.PathGiftCardBalance, paymentapi.GiftCardCode{Code: "nonsense"}).Problem(404, "gift-card-not-found")
	for _, own := range []string{"instance", "trace_id"} { // each request's
		delete(first, own)
		delete(second, own)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
	refused := 0
	for range 340 {
		if s.plain.Do("POST", paymentapi.PathGiftCardBalance, paymentapi.GiftCardCode{Code: unknown}).Status == 429 {
			refused++
		}
	}
	if refused < 40 {
		t.Errorf("%d of 340 guesses were refused", refused)
	}
	if got := s.plain.Do("POST", paymentapi.PathGiftCardBalance, paymentapi.GiftCardCode{Code: card.Code}); got.Header.Get("Retry-After") == "" {
		t.Error("nothing is said of when to come back")
	} else {
		got.Problem(429, "rate-limited")
	}
	order := newOrder()
	in := paymentapi.AuthoriseRequest{OperationID: order + "-a", PaymentID: order + "-1", OrderID: order, Attempt: 1, Amount: usd(100), GiftCards: []string{card.Code}}
	s.order.Do("POST", paymentapi.PathAuthorise, in).Want(200) // who pays is not held up
	s.clock.Add(2 * time.Second)
	s.plain.Do("POST", paymentapi.PathGiftCardBalance, paymentapi.GiftCardCode{Code: card.Code}).Want(200)
	s.plain.Do("POST", paymentapi.PathGiftCardBalance, `{"code":""}`).Problem(422, "validation-failed")
	s.plain.Do("POST", paymentapi.PathGiftCardBalance, `{"code":"4111111111111111"}`).Problem(422, "card-number-refused")
}

// A payment of three tenders through the doors of order and staff: the simulator sees its part alone, and each tender gets back its own.
func TestTendersAtTheSimulator(t *testing.T) {
	t.Parallel()
	s, _ := atSimulator(t)
	card, store := s.issue("", usd(300)), s.issue("ada", usd(200))
	order := newOrder()
	in := paymentapi.AuthoriseRequest{OperationID: order + "-a", PaymentID: order + "-1", OrderID: order, Attempt: 1, Amount: usd(1000), Nonce: paymenttest.NonceValid,
		CustomerID: "ada", GiftCards: []string{card.Code}, StoreCredit: true}
	var r paymentapi.Result
	s.order.Do("POST", paymentapi.PathAuthorise, in).Want(200).JSON(&r)
	if r.Outcome != paymentapi.Succeeded || r.Amount != usd(1000) || r.TransactionID == "" {
		t.Fatalf("%+v", r)
	}
	tenders := func() string {
		t.Helper()
		var p paymentapi.Payment
		s.staff.Do("GET", "/v1/admin/payments/"+order+"-1", nil).Want(200).JSON(&p)
		text := p.Status
		for _, x := range p.Tenders {
			text += fmt.Sprintf(", %s %d %d %d", x.Type, x.Authorised.Minor, x.Captured.Minor, x.Refunded.Minor)
		}
		return text
	}
	want := func(text string) {
		t.Helper()
		if got := tenders(); got != text {
			t.Errorf("%s, want %s", got, text)
		}
	}
	want("authorised, gift_card 300 0 0, store_credit 200 0 0, gateway 500 0 0")
	whole := usd(1000)
	s.order.Do("POST", paymentapi.PathCapture, paymentapi.MoneyRequest{OperationID: order + "-c", PaymentID: order + "-1", Amount: &whole}).Want(200).JSON(&r)
	want("captured, gift_card 300 300 0, store_credit 200 200 0, gateway 500 500 0")
	if c := s.credit(card.ID); !c.Balance.IsZero() || !c.Held.IsZero() {
		t.Errorf("%+v", c)
	}
	keyed(s.staff).Do("POST", "/v1/admin/payments/"+order+"-1/refunds", `{"amount":{"amount":600,"currency":"USD"}}`).Problem(409, "not-settled")
	s.order.Do("POST", paymentapi.PathVoid, paymentapi.MoneyRequest{OperationID: order + "-v", PaymentID: order + "-1"}).Want(200).JSON(&r)
	if r.Outcome != paymentapi.Succeeded || s.credit(card.ID).Balance != usd(300) || s.credit(store.ID).Balance != usd(200) {
		t.Errorf("%+v", r)
	}
	want("voided, gift_card 0 0 0, store_credit 0 0 0, gateway 0 0 0")
	var ledger struct {
		Items []paymentapi.CreditEntry `json:"items"`
	}
	s.staff.Do("GET", paymentapi.PathCredits+"/"+store.ID+"/ledger", nil).Want(200).JSON(&ledger)
	text := ""
	for _, e := range ledger.Items {
		text += e.Type + " "
	}
	if text != "issued reserved captured refunded " {
		t.Error(text)
	}
}

func TestWhatCannotBePaidByCredit(t *testing.T) {
	t.Parallel()
	s := open(t, paymenttest.NewGateway())
	ask := func(more string) *apitest.Answer {
		return s.order.Do("POST", paymentapi.PathAuthorise, `{"operation_id":"a","payment_id":"o-1","order_id":"o","attempt":1,"amount":{"amount":100,"currency":"USD"}`+more+`}`)
	}
	for more, location := range map[string]string{
		``:                     "body.payment_method_nonce",
		`,"store_credit":true`: "body.store_credit",
		`,"gift_cards":["1","2","3","4","5","6"]`:                                "body.gift_cards",
		`,"gift_cards":["1"],"payment_method_nonce":"n","payment_method_id":"m"`: "body.payment_method_nonce",
	} {
		if got := apitest.Locations(ask(more).Problem(422, "validation-failed")); len(got) != 1 || got[0] != location {
			t.Errorf("%s: %v", more, got)
		}
	}
	ask(`,"gift_cards":["4111 1111 1111 1111"]`).Problem(422, "card-number-refused")
	var r paymentapi.Result
	ask(`,"gift_cards":["nobody"],"payment_method_nonce":"fake-valid-nonce"`).Want(200).JSON(&r)
	if r.Outcome != paymentapi.Declined || r.DeclineCode != payment.CodeGiftCard || !r.Retryable {
		t.Errorf("%+v", r)
	}
}
