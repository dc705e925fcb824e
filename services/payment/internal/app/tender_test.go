package app_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
)

// giftCard issues one and returns its id and code.
func (w *world) giftCard(id string, minor int64) string {
	w.t.Helper()
	c, err := w.credits.Issue(w.t.Context(), app.Issue{ID: id, Amount: usd(minor), Actor: "staff:7"})
	if err != nil {
		w.t.Fatal(err)
	}
	return c.Code
}

func (w *world) storeCredit(id, customer string, minor int64) {
	w.t.Helper()
	if _, err := w.credits.Issue(w.t.Context(), app.Issue{ID: id, CustomerID: customer, Amount: usd(minor), Actor: "staff:7"}); err != nil {
		w.t.Fatal(err)
	}
}

// credit returns balance and held of a credit, which must be the sums of its ledger, and of what payments use of it.
func (w *world) credit(id string) (balance, held int64) {
	w.t.Helper()
	var sum, sumHeld, used int64
	err := w.pool.QueryRow(w.t.Context(), `SELECT balance, held, (SELECT sum(amount) FROM credit_ledger WHERE credit_id = id), (SELECT sum(held) FROM credit_ledger WHERE credit_id = id),
		(SELECT coalesce(sum(u.held), 0) FROM credit_uses u WHERE u.credit_id = id) FROM credits WHERE id = $1`, id).Scan(&balance, &held, &sum, &sumHeld, &used)
	if err != nil {
		w.t.Fatal(err)
	}
	if balance != sum || held != sumHeld || held != used || balance < 0 || held < 0 {
		w.t.Errorf("%s has %d and holds %d; its ledger says %d and %d, payments hold %d", id, balance, held, sum, sumHeld, used)
	}
	return balance, held
}

func (w *world) wantCredit(id string, balance, held int64) {
	w.t.Helper()
	if b, h := w.credit(id); b != balance || h != held {
		w.t.Errorf("%s has %d and holds %d, want %d and %d", id, b, h, balance, held)
	}
}

// pay authorises 1000 with gift cards first.
func (w *world) pay(order, nonce string, codes ...string) app.Answer {
	w.t.Helper()
	m := authorisation(order)
	m.Nonce, m.GiftCards = nonce, codes
	a, err := w.app.Authorise(w.t.Context(), m)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// A gift card and a card, all the way: each gets back what it gave.
func TestAGiftCardAndACard(t *testing.T) {
	t.Parallel()
	w := open(t)
	code := w.giftCard("g", 400)
	w.want(w.pay("o", paymenttest.NonceValid, code), payment.Succeeded)
	w.wantCredit("g", 0, 400)
	w.want(w.pay("o", paymenttest.NonceValid, code), payment.Succeeded) // again: the same
	w.wantCredit("g", 0, 400)
	if books := w.gateway.Books(); len(books) != 1 || books[0].Amount != usd(600) {
		t.Errorf("%+v", books)
	}
	w.audit("o")
	w.want(w.move(payment.Capture, "o", "c"), payment.Succeeded)
	w.wantCredit("g", 0, 0)
	w.audit("o")
	part := usd(700)
	refund := app.Movement{Kind: payment.Refund, OperationID: "r", PaymentID: "o-1", Amount: &part}
	if a, err := w.app.Move(t.Context(), refund); err != nil || a.Outcome.Code != payment.CodeNotSettled {
		t.Fatalf("%+v %v", a, err)
	}
	w.gateway.Settle()
	refund.OperationID = "r2"
	if a, err := w.app.Move(t.Context(), refund); err != nil || a.Outcome.Result != payment.Succeeded {
		t.Fatalf("%+v %v", a, err)
	}
	w.wantCredit("g", 100, 0) // the card's 600 went back first
	w.want(w.move(payment.Refund, "o", "r3"), payment.Succeeded)
	w.wantCredit("g", 400, 0)
	if p := w.payment("o"); p.Status != payment.StatusRefunded {
		t.Errorf("payment is %s", p.Status)
	}
	w.audit("o")
}

// A second tender that declines, or surely did not arrive, gives the first back; one of which nobody knows keeps it until it is known.
func TestASecondTenderThatFails(t *testing.T) {
	t.Parallel()
	w := open(t)
	code := w.giftCard("g", 400)
	if a := w.pay("declined", "fake-processor-declined-visa-nonce", code); a.Outcome.Result != payment.DeclinedIt || a.Outcome.Code != "2000" {
		t.Errorf("%+v", a.Outcome)
	}
	w.wantCredit("g", 400, 0)
	w.gateway.always(notSent)
	w.want(w.pay("gone", paymenttest.NonceValid, code), payment.FailedSurely)
	w.wantCredit("g", 400, 0)
	w.gateway.always(lostBefore)
	w.want(w.pay("lost", paymenttest.NonceValid, code), payment.StillUnknown)
	w.wantCredit("g", 0, 400)
	if a := w.pay("second", paymenttest.NonceValid, code); a.Outcome.Code != payment.CodeGiftCard || !a.Outcome.Retryable {
		t.Errorf("what is reserved was taken: %+v", a.Outcome)
	}
	w.sweep(62 * time.Second)
	w.wantCredit("g", 400, 0)
	w.gateway.always(fine)
	w.want(w.pay("o", paymenttest.NonceValid, code), payment.Succeeded)
	w.want(w.move(payment.Void, "o", "v"), payment.Succeeded)
	w.wantCredit("g", 400, 0)
	for _, order := range []string{"declined", "gone", "lost", "second", "o"} {
		w.audit(order)
	}
}

// What credit covers needs no gateway, down or not, and never settles.
func TestCreditAlone(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.gateway.always(lostBefore)
	w.gateway.down = true
	code := w.giftCard("g", 700)
	w.storeCredit("s", "ada", 5000)
	m := authorisation("o")
	m.Nonce, m.GiftCards, m.StoreCredit, m.CustomerID = "", []string{code}, true, "ada"
	a, err := w.app.Authorise(t.Context(), m)
	if err != nil || a.Outcome.Result != payment.Succeeded || a.Outcome.Amount != usd(1000) {
		t.Fatalf("%+v %v", a, err)
	}
	w.wantCredit("g", 0, 700)
	w.wantCredit("s", 4700, 300)
	w.want(w.move(payment.Capture, "o", "c"), payment.Succeeded)
	if p := w.payment("o"); p.Status != payment.StatusCaptured || p.Provider != app.ProviderCredit || p.Captured != usd(1000) {
		t.Errorf("%+v", p)
	}
	s := app.Settlements{App: w.app, Store: w.store, Books: w.gateway}
	w.clock.Add(time.Hour)
	if err := s.Run(t.Context()); err != nil || w.gateway.Sends("Transactions") != 0 {
		t.Errorf("the gateway was asked for what it does not know: %v", err)
	}
	part := usd(800)
	if a, err := w.app.Move(t.Context(), app.Movement{Kind: payment.Refund, OperationID: "r", PaymentID: "o-1", Amount: &part}); err != nil || a.Outcome.Result != payment.Succeeded {
		t.Errorf("%+v %v", a, err)
	}
	w.wantCredit("g", 700, 0)
	w.wantCredit("s", 4800, 0)
	if a := w.move(payment.Void, "o", "v"); a.Outcome.Code != payment.CodeSettled {
		t.Errorf("%+v", a.Outcome)
	}
	w.want(w.move(payment.Refund, "o", "r2"), payment.Succeeded)
	w.wantCredit("s", 5000, 0)
	w.audit("o")

	m = authorisation("p")
	m.Nonce, m.GiftCards = "", []string{code}
	if a, err := w.app.Authorise(t.Context(), m); err != nil || a.Outcome.Code != payment.CodeCredit {
		t.Errorf("%+v %v", a, err)
	}
	w.wantCredit("g", 700, 0)
	if n := w.gateway.Sends("Authorise"); n != 0 {
		t.Errorf("%d sales", n)
	}
}

// What a gift card paid stays captured when the rest is refused at the door. Others hear how much it is, and whoever looks for money that
// nobody wants finds it until it goes back.
func TestWhatTheBankDoesNotPayLeavesTheGiftCard(t *testing.T) {
	t.Parallel()
	w, manual := byHand(t)
	code := w.giftCard("g", 300)
	w.want(w.payByHand("o", payment.CashOnDelivery, code), payment.Succeeded)
	w.want(w.move(payment.Capture, "o", "c"), payment.Succeeded)
	if _, err := manual.Record(t.Context(), "o-1", false, "staff:7", "nobody home"); err != nil {
		t.Fatal(err)
	}
	var missing, left int64
	err := w.pool.QueryRow(t.Context(), `SELECT (data->'amount'->>'amount')::bigint, (data->'captured'->>'amount')::bigint FROM outbox WHERE type = 'payment.settlement_declined.v1'`).Scan(&missing, &left)
	if err != nil || missing != 700 || left != 300 {
		t.Errorf("others heard that %d is missing and %d is left: %v", missing, left, err)
	}
	open := func() (ids []string) {
		now := w.clock.Now().Add(48 * time.Hour)
		all, err := w.store.Open(t.Context(), now, now)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			ids = append(ids, p.ID)
		}
		return ids
	}
	if ids := open(); !slices.Equal(ids, []string{"o-1"}) {
		t.Errorf("open are %q", ids)
	}
	w.wantCredit("g", 0, 0)
	w.want(w.move(payment.Void, "o", "v"), payment.Succeeded)
	w.wantCredit("g", 300, 0)
	if ids := open(); len(ids) > 0 {
		t.Errorf("open are %q", ids)
	}
}

// Wrong codes are counted wherever they are tried, and all of them however many come at once; right ones are not, however often.
func TestCodesCannotBeGuessedByPaying(t *testing.T) {
	t.Parallel()
	w := open(t)
	code := w.giftCard("g", 400)
	ask := func(order, code string) error {
		m := authorisation(order)
		m.Nonce, m.GiftCards = "", []string{code}
		_, err := w.app.Authorise(t.Context(), m)
		return err
	}
	const many = 800 // at two doors
	for range many / 2 {
		if _, err := w.credits.Balance(t.Context(), code); err != nil {
			t.Fatal(err)
		}
		if err := ask("o", code); err != nil { // declined, for it is too little, and with a right code
			t.Fatal(err)
		}
	}
	var refused int
	for _, err := range testkit.Race(many, func(i int) error {
		wrong := payment.Code([payment.CodeLength]byte{10 + byte(i%20), 10 + byte(i/20%20), 10 + byte(i/400)}) // letters: no card number
		if i%2 == 0 {
			_, err := w.credits.Balance(t.Context(), wrong)
			return err
		}
		return ask(fmt.Sprint("wrong", i), wrong)
	}) {
		switch {
		case fault.CodeOf(err) == app.ErrGuesses.Code:
			refused++
		case err != nil && fault.CodeOf(err) != app.ErrNoCard.Code:
			t.Fatal(err)
		}
	}
	if refused < many-2*300 {
		t.Errorf("%d of %d guesses were refused", refused, many)
	}
	if err := ask("p", code); fault.CodeOf(err) != app.ErrGuesses.Code {
		t.Errorf("after too many guesses: %v", err)
	}
	w.clock.Add(time.Second)
	if err := ask("p", code); err != nil {
		t.Errorf("a second later: %v", err)
	}
}

// Many pay with one gift card at once: it is spent once.
func TestAGiftCardIsSpentOnce(t *testing.T) {
	t.Parallel()
	w := open(t)
	code := w.giftCard("g", 2500)
	w.storeCredit("s", "ada", 500)
	errs := testkit.Race(20, func(i int) error {
		m := authorisation(fmt.Sprint("o", i))
		m.Nonce, m.GiftCards, m.StoreCredit, m.CustomerID = "", []string{code}, i%2 == 0, "ada"
		for range 2 { // and again
			if _, err := w.app.Authorise(t.Context(), m); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	var paid int64
	for i := range 20 {
		paid += w.payment(fmt.Sprint("o", i)).Authorised.Minor
	}
	gift, giftHeld := w.credit("g")
	store, storeHeld := w.credit("s")
	if gift+giftHeld != 2500 || store+storeHeld != 500 || paid != giftHeld+storeHeld || paid < 2000 {
		t.Errorf("paid %d; the gift card has %d and holds %d, store credit has %d and holds %d", paid, gift, giftHeld, store, storeHeld)
	}
}

// TestStorm with split tenders: when it is over, no credit is lost or doubled.
func TestStormOfTenders(t *testing.T) {
	t.Parallel()
	w := open(t)
	rng := testkit.Rand(t)
	fates := []fate{fine, fine, fine, notSent, lostBefore, lostAfter, lostAfter, late}
	w.gateway.set(func(string) fate { return fates[rng.IntN(len(fates))] })
	const orders, worth = 60, 9000
	codes := []string{w.giftCard("g0", worth), w.giftCard("g1", worth)}
	w.storeCredit("s", "ada", worth)
	nonces := []string{paymenttest.NonceValid, paymenttest.NonceValid, "fake-processor-declined-visa-nonce", ""}
	for i := range orders {
		m := authorisation(fmt.Sprint("o", i))
		m.Amount, m.Nonce = usd(1+rng.Int64N(3000)), nonces[rng.IntN(len(nonces))]
		m.GiftCards, m.CustomerID, m.StoreCredit = codes[:rng.IntN(3)], "ada", rng.IntN(3) == 0 || m.Nonce == ""
		for range 1 + rng.IntN(4) {
			if _, err := w.app.Authorise(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			w.clock.Add(time.Duration(rng.IntN(20)) * time.Second)
		}
		for step := range rng.IntN(6) {
			move := app.Movement{Kind: []payment.Kind{payment.Capture, payment.Capture, payment.Void, payment.Refund, payment.Refund}[rng.IntN(5)], PaymentID: m.PaymentID}
			move.OperationID = fmt.Sprint(m.OrderID, "-", move.Kind, "-", step)
			if part := usd(1 + rng.Int64N(m.Amount.Minor)); rng.IntN(3) > 0 {
				move.Amount, move.More = &part, move.Kind == payment.Capture && rng.IntN(3) > 0
			}
			move.ToCredit = move.Kind == payment.Refund && rng.IntN(3) == 0
			for range 1 + rng.IntN(3) {
				if _, err := w.app.Move(t.Context(), move); err != nil {
					t.Fatal(err)
				}
				w.clock.Add(time.Duration(rng.IntN(5)) * time.Second)
			}
			if rng.IntN(4) == 0 {
				w.gateway.Settle()
				w.settled()
			}
		}
		w.sweep(time.Second)
		if rng.IntN(5) == 0 {
			w.gateway.arrive()
		}
	}
	w.gateway.always(fine)
	w.gateway.arrive()
	for _, step := range []time.Duration{time.Minute, time.Minute, time.Minute, 6 * time.Minute, time.Hour, 25 * time.Hour} {
		w.sweep(step)
	}
	var held, spent, issued int64
	for i := range orders {
		order := fmt.Sprint("o", i)
		w.audit(order)
		p := w.payment(order)
		issued += p.Converted.Minor
		switch p.Status {
		case payment.StatusAuthorised:
			held += p.Credit.Minor
		case payment.StatusPartly:
			held += p.Credit.Minor - p.CreditCaptured.Minor
			spent += p.CreditCaptured.Minor - p.CreditRefunded.Minor
		default:
			spent += p.CreditCaptured.Minor - p.CreditRefunded.Minor
		}
	}
	var balance, reserved int64
	for _, id := range w.allCredit() {
		b, h := w.credit(id)
		balance, reserved = balance+b, reserved+h
	}
	if reserved != held || balance+reserved+spent != 3*worth+issued {
		t.Errorf("%d issued: %d are there, %d held of %d by payments, %d spent", 3*worth+issued, balance, reserved, held, spent)
	}
	if left := w.due(); left != 0 {
		t.Errorf("%d operations are still to be looked up", left)
	}
}
