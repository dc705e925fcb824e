package app_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

func TestTheExampleOfProviders(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../../../docs/examples/payment-providers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	offers, err := app.ParseOffers(data)
	if err != nil {
		t.Fatal(err)
	}
	a := app.App{Offers: offers}
	for _, tc := range []struct {
		country string
		amount  money.Amount
		want    string
		channel string
	}{
		{"DE", money.New(5000, "EUR"), "braintree bank_transfer cash_on_delivery", ""},
		{"DE", money.New(19700, "EUR"), "braintree bank_transfer cash_on_delivery", ""},
		{"DE", money.New(19701, "EUR"), "braintree bank_transfer", ""},
		{"DE", money.New(999, "EUR"), "braintree cash_on_delivery", ""},
		{"NL", money.New(500001, "EUR"), "braintree", ""},
		{"US", money.New(5000, "EUR"), "braintree", ""},
		{"DE", money.New(5000, "JPY"), "braintree", ""},
		{"DE", money.New(5000, "CAD"), "", ""},
		{"US", money.New(5000, "USD"), "braintree", ""},
		{"US", money.New(5000, "USD"), "braintree bank_transfer", "phone"},
		{"US", money.New(5000, "USD"), "braintree", "app"},
		{"DE", money.New(5000, "EUR"), "braintree bank_transfer cash_on_delivery", "app"},
	} {
		var got []string
		for _, o := range a.Offered(app.Sold{Country: tc.country, Channel: tc.channel, Amount: tc.amount, BeforeFee: true}) {
			got = append(got, o.Provider)
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%s in %s %s: %v, want %s", tc.amount, tc.country, tc.channel, got, tc.want)
		}
	}
	if err := app.CheckOffers(offers, app.Accounts{"USD": "usd", "EUR": "eur"}); err == nil || !strings.Contains(err.Error(), "providers[0].amounts.GBP") {
		t.Errorf("a currency without an account: %v", err)
	}
}

// Limits are of what is paid, the fee within, whether it is offered or paid.
func TestAFeeAndTheLimits(t *testing.T) {
	t.Parallel()
	offers, err := app.ParseOffers([]byte("version: 1\nproviders:\n- {provider: cash_on_delivery, amounts: {EUR: {from: 1000, to: 20000, fee: 300}, KWD: {fee: 5}, JPY: {}}}\n" +
		"- {provider: cash_on_delivery, channels: [phone], amounts: {EUR: {from: 19000, to: 30000}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	a := app.App{Offers: offers}
	for _, tc := range []struct {
		amount  money.Amount
		channel string
		fee     int64 // -1: it is not offered
	}{
		{money.New(699, "EUR"), "", -1}, {money.New(700, "EUR"), "", 300}, {money.New(19700, "EUR"), "", 300}, {money.New(19701, "EUR"), "", -1},
		{money.New(19701, "EUR"), "phone", 0}, {money.New(19700, "EUR"), "phone", 300}, {money.New(1, "KWD"), "", 5}, {money.New(1, "JPY"), "", 0}, {money.New(1, "USD"), "", -1},
	} {
		offered := a.Offered(app.Sold{Channel: tc.channel, Amount: tc.amount, BeforeFee: true})
		if tc.fee < 0 && len(offered) > 0 || tc.fee >= 0 && (len(offered) != 1 || offered[0].Amounts[tc.amount.Currency].Fee != tc.fee) {
			t.Errorf("%s %s: %+v", tc.amount, tc.channel, offered)
			continue
		}
		paid := app.Sold{Channel: tc.channel, Amount: money.New(tc.amount.Minor+max(tc.fee, 0), tc.amount.Currency)}
		if _, ok := offers.Find(payment.CashOnDelivery, paid); ok != (tc.fee >= 0) && tc.amount.Minor != 19701 { // what is paid is what is limited
			t.Errorf("%s is to be paid: %t", paid.Amount, ok)
		}
	}
}

// All faults of a file come at once, each with its place.
func TestFaultsOfAFileOfProviders(t *testing.T) {
	t.Parallel()
	_, err := app.ParseOffers([]byte("version: 2\nproviders:\n- {provider: cowries, countries: [deu], channels: [app, Phone]}\n- {provider: bank_transfer, amounts: {XXY: {}, USD: {from: 5, to: 4, open_to: 3}, EUR: {fee: 1}}}\n- {provider: braintree, pay_within: 5h, pay_to: us, amounts: {USD: {}}}\n- {provider: cash_on_delivery, amounts: {USD: {fee: -1}, EUR: {to: 5, fee: 5}, GBP: {fee: 1000000001}, JPY: {to: 5, fee: 4}}}\n"))
	for _, want := range []string{"version: ", "providers[0].provider: ", "providers[0].countries[0]: ", "providers[0].channels[1]: ", "providers[0].amounts: ", "providers[1].pay_within: ", "providers[1].pay_to: ", "providers[2].pay_to: ",
		"providers[1].amounts.XXY: ", "providers[1].amounts.USD: ", "providers[1].amounts.USD.open_to: ", "providers[1].amounts.EUR.fee: ", "providers[3].amounts.USD.fee: ", "providers[3].amounts.EUR.fee: ", "providers[3].amounts.GBP.fee: ", "providers[2].pay_within: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("nothing is said of %s: %v", want, err)
		}
	}
	for _, text := range []string{"", "version: 1", "version: 1\nsurprise: yes", "providers: 5", "\t"} {
		if _, err := app.ParseOffers([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

// byHand opens a world that offers bank transfer and cash on delivery up to 1000 in one country.
func byHand(t *testing.T) (*world, *app.Manual) {
	w := open(t)
	amounts := map[money.Currency]app.Limits{"USD": {To: 1000}}
	w.app.Offers = app.Offers{{Provider: payment.BankTransfer, Amounts: amounts, Countries: []string{"DE"}, PayWithin: time.Hour},
		{Provider: payment.CashOnDelivery, Amounts: amounts, Countries: []string{"DE"}}}
	w.gateway.down = true
	w.gateway.always(lostBefore) // nobody is asked
	return w, &app.Manual{App: w.app, Risk: app.NewRisk(w.app, w.store, payment.Rules{}), Store: w.store}
}

func (w *world) payByHand(order, provider string, codes ...string) app.Answer {
	w.t.Helper()
	m := authorisation(order)
	m.Nonce, m.Provider, m.Country, m.GiftCards = "", provider, "DE", codes
	a, err := w.app.Authorise(w.t.Context(), m)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// A bank transfer is authorised as a promise; it is captured once staff have the money, and voided when that does not come.
func TestABankTransfer(t *testing.T) {
	t.Parallel()
	w, manual := byHand(t)
	code := w.giftCard("g", 400)
	if a := w.payByHand("o", payment.BankTransfer, code); a.Outcome.Result != payment.Succeeded || !a.InReview {
		t.Fatalf("%+v", a)
	}
	w.wantCredit("g", 0, 400)
	if a := w.move(payment.Capture, "o", "c"); a.Outcome.Result != payment.StillUnknown || !a.InReview || a.RetryAfter == 0 {
		t.Errorf("%+v", a)
	}
	for range 2 {
		if p, err := manual.Record(t.Context(), "o-1", true, "staff:7", "statement 5"); err != nil || p.Review != payment.ReviewIsApproved {
			t.Fatalf("%+v %v", p, err)
		}
	}
	if _, err := manual.Record(t.Context(), "o-1", false, "staff:7", ""); fault.CodeOf(err) != app.ErrRecorded.Code {
		t.Errorf("the contrary: %v", err)
	}
	w.want(w.move(payment.Capture, "o", "c"), payment.Succeeded)
	if a := w.move(payment.Void, "o", "v"); a.Outcome.Code != payment.CodeSettled {
		t.Errorf("%+v", a.Outcome)
	}
	w.want(w.move(payment.Refund, "o", "r"), payment.Succeeded)
	w.wantCredit("g", 400, 0)

	w.want(w.payByHand("crossed", payment.BankTransfer), payment.Succeeded)
	if _, err := manual.Record(t.Context(), "crossed-1", true, "staff:7", "statement 6"); err != nil {
		t.Fatal(err)
	}
	w.want(w.move(payment.Void, "crossed", "crossed-v"), payment.Succeeded)
	events, err := w.store.Events(t.Context(), "crossed-1")
	if err != nil || !strings.Contains(events[len(events)-1].Detail, "paid back by hand") {
		t.Errorf("nobody is told of money that is there and is nobody's: %+v %v", events, err)
	}

	w.want(w.payByHand("late", payment.BankTransfer, code), payment.Succeeded)
	w.clock.Add(time.Hour)
	if err := manual.Risk.Run(t.Context()); err != nil || w.standing("late-1") != payment.StatusVoided {
		t.Errorf("%v; it is %s", err, w.standing("late-1"))
	}
	if a := w.move(payment.Capture, "late", "late-c"); a.Outcome.Result != payment.DeclinedIt {
		t.Errorf("%+v", a.Outcome)
	}
	w.wantCredit("g", 400, 0)
}

// Cash on delivery is captured as a promise, so that the order is sent; what the carrier brought is its settlement.
func TestCashOnDelivery(t *testing.T) {
	t.Parallel()
	w, manual := byHand(t)
	for _, order := range []string{"brought", "refused", "cancelled"} {
		if a := w.payByHand(order, payment.CashOnDelivery); a.Outcome.Result != payment.Succeeded || a.InReview {
			t.Fatalf("%+v", a)
		}
		if _, err := manual.Record(t.Context(), order+"-1", true, "staff:7", ""); fault.CodeOf(err) != app.ErrRecorded.Code {
			t.Errorf("before it was sent: %v", err)
		}
		w.want(w.move(payment.Capture, order, order+"-c"), payment.Succeeded)
	}
	part := usd(300)
	refund := app.Movement{Kind: payment.Refund, OperationID: "r", PaymentID: "brought-1", Amount: &part}
	if a, err := w.app.Move(t.Context(), refund); err != nil || a.Outcome.Code != payment.CodeNotSettled {
		t.Errorf("before it was brought: %+v %v", a.Outcome, err)
	}
	for range 2 {
		if p, err := manual.Record(t.Context(), "brought-1", true, "staff:7", "route 5"); err != nil || p.SettledAt.IsZero() {
			t.Fatalf("%+v %v", p, err)
		}
		if p, err := manual.Record(t.Context(), "refused-1", false, "staff:7", "nobody home"); err != nil || p.Status != payment.StatusUnsettled || !p.Captured.IsZero() {
			t.Fatalf("%+v %v", p, err)
		}
	}
	if a := w.move(payment.Void, "brought", "v"); a.Outcome.Code != payment.CodeSettled {
		t.Errorf("%+v", a.Outcome)
	}
	refund.OperationID = "r2"
	if a, err := w.app.Move(t.Context(), refund); err != nil || a.Outcome.Result != payment.Succeeded {
		t.Errorf("%+v %v", a.Outcome, err)
	}
	w.want(w.move(payment.Void, "cancelled", "cv"), payment.Succeeded)
	var audits int
	if err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM audit_log WHERE actor = 'staff:7' AND action IN ('settled', 'settlement_declined')`).Scan(&audits); err != nil || audits != 2 {
		t.Errorf("%d entries of the audit log: %v", audits, err)
	}
	if n := w.gateway.Sends("Authorise") + w.gateway.Sends("Capture") + w.gateway.Sends("Void"); n != 0 {
		t.Errorf("the gateway was asked %d times", n)
	}
}

// Rules count attempts to promise money as others, and may have people look at an order before it is sent unpaid. What hangs on the answer of a
// gateway that is not asked does not hold.
func TestRulesForWhatPeopleTake(t *testing.T) {
	t.Parallel()
	w, manual := byHand(t)
	manual.Risk = w.rules("- {name: promises, then: reject, when: {provider: [bank_transfer], velocity: {by: email, above: 3, within: 1h}}}\n- {name: shifted, then: reject, when: {liability_shifted: false}}\n- {name: mail, then: reject, when: {velocity: {by: email, above: 2, within: 1h}}}\n" +
		"- {name: card, then: reject, when: {velocity: {by: instrument, above: 1, within: 1h}}}\n- {name: much, then: review, when: {amount_above: {USD: 900}}}\n")
	for i, step := range []struct {
		provider, email, rule string
		amount                int64
	}{
		{payment.BankTransfer, "a@example.com", payment.BankTransfer, 1000}, {payment.CashOnDelivery, "A@example.com", "", 900}, {payment.CashOnDelivery, "a@example.com", "rejected", 900},
		{payment.BankTransfer, "a@example.com", "rejected", 900}, {payment.CashOnDelivery, "b@example.com", "much", 1000},
	} {
		m := authorisation(fmt.Sprint("o", i))
		m.Nonce, m.Provider, m.Country, m.Amount, m.Shopper = "", step.provider, "DE", usd(step.amount), app.Shopper{Email: step.email}
		a, err := w.app.Authorise(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		got := w.payment(fmt.Sprint("o", i)).ReviewRule
		if a.Outcome.Code == payment.CodeRisk {
			got = "rejected"
		}
		if got != step.rule || a.InReview != (step.rule == "much" || step.rule == payment.BankTransfer) {
			t.Errorf("step %d: %q, %+v", i, got, a)
		}
	}
	if a := w.move(payment.Capture, "o4", "c"); a.Outcome.Result != payment.StillUnknown {
		t.Errorf("captured before anybody looked: %+v", a.Outcome)
	}
	if _, err := manual.Risk.Decide(t.Context(), "o4-1", true, "staff:7", "known"); err != nil {
		t.Fatal(err)
	}
	w.want(w.move(payment.Capture, "o4", "c"), payment.Succeeded)
	if p, err := manual.Record(t.Context(), "o4-1", true, "staff:7", "route 5"); err != nil || p.SettledAt.IsZero() {
		t.Errorf("%+v %v", p, err)
	}
}

// What is not offered is refused before anything is written; what was begun and not answered is given up.
func TestWhatIsNotOffered(t *testing.T) {
	t.Parallel()
	w, _ := byHand(t)
	for name, change := range map[string]func(m *app.Authorisation){
		"another country": func(m *app.Authorisation) { m.Country = "US" },
		"too much":        func(m *app.Authorisation) { m.Amount = usd(1001) },
		"a currency":      func(m *app.Authorisation) { m.Amount = money.New(500, "EUR") },
		"the gateway":     func(m *app.Authorisation) { m.Provider, m.Nonce = "", "fake-valid-nonce" },
		"an invention":    func(m *app.Authorisation) { m.Provider = "cowries" },
	} {
		m := authorisation("o")
		m.Nonce, m.Provider, m.Country = "", payment.BankTransfer, "DE"
		change(&m)
		if _, err := w.app.Authorise(t.Context(), m); fault.CodeOf(err) != app.ErrNotOffered.Code {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := payment.New("q-1", "q", 1, payment.BankTransfer, "", usd(1000))
	begun := app.Start{New: &p, Record: app.Record{Operation: payment.Operation{ID: "q-authorise", PaymentID: "q-1", Kind: payment.Authorise, Amount: usd(1000)}}}
	if _, err := w.store.Begin(t.Context(), begun, w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	w.sweep(app.LeaseTime + time.Second)
	if w.standing("q-1") != payment.StatusFailed {
		t.Errorf("it is %s", w.standing("q-1"))
	}
}
