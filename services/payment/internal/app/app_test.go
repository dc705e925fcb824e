package app_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

func TestALostAnswerIsLookedUpAndNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.gateway.always(lostAfter)
	w.want(w.authorise("o"), payment.Succeeded)
	w.want(w.move(payment.Capture, "o", "c"), payment.Succeeded)
	w.gateway.Settle()
	w.want(w.move(payment.Refund, "o", "r"), payment.Succeeded)
	w.authorise("p")
	w.want(w.move(payment.Void, "p", "v"), payment.Succeeded)
	for _, method := range []string{"Authorise", "Capture", "Refund", "Void"} {
		if n := w.gateway.Sends(method); n > map[string]int{"Authorise": 2}[method]+1 {
			t.Errorf("%s was sent %d times", method, n)
		}
	}
	w.audit("o")
	w.audit("p")
}

func TestAbsenceIsBelievedAfterAMinute(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.gateway.always(lostBefore)
	w.want(w.authorise("o"), payment.StillUnknown)
	w.sweep(59 * time.Second)
	w.want(w.authorise("o"), payment.StillUnknown)
	w.clock.Add(2 * time.Second)
	w.want(w.authorise("o"), payment.FailedSurely)
	if p := w.payment("o"); p.Status != payment.StatusFailed || w.gateway.Sends("Authorise") != 0 {
		t.Errorf("payment %s after %d sends", p.Status, w.gateway.Sends("Authorise"))
	}
	w.audit("o")
}

// The caller may never ask again: the worker finds out.
func TestTheWorkerFindsOut(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.gateway.down = true
	w.gateway.always(lostAfter)
	w.want(w.authorise("o"), payment.StillUnknown)
	w.gateway.down = false
	w.sweep(2 * time.Second)
	if p := w.payment("o"); p.Status != payment.StatusAuthorised {
		t.Errorf("payment is %s", p.Status)
	}
	w.audit("o")
}

// Money that moves after we have said that it did not goes back, at whichever look it turns up.
func TestWhatArrivesLateIsVoided(t *testing.T) {
	t.Parallel()
	for _, wait := range []time.Duration{0, 10 * time.Minute, 2 * time.Hour} {
		t.Run(wait.String(), func(t *testing.T) {
			t.Parallel()
			w := open(t)
			w.gateway.always(late)
			w.want(w.authorise("o"), payment.StillUnknown)
			w.clock.Add(61 * time.Second)
			w.want(w.authorise("o"), payment.FailedSurely)
			if wait > 0 {
				w.sweep(wait)
			}
			w.gateway.always(fine)
			w.gateway.arrive()
			for _, step := range []time.Duration{6 * time.Minute, time.Hour, 24 * time.Hour, time.Second} {
				w.sweep(step)
			}
			if books := w.gateway.Books(); len(books) != 1 || books[0].State != payment.TxVoided {
				t.Errorf("books %+v", books)
			}
			w.audit("o")
			if left := w.due(); left != 0 {
				t.Errorf("%d look-ups are left after the last", left)
			}
		})
	}
}

func (w *world) due() (n int) {
	w.t.Helper()
	if err := w.pool.QueryRow(w.t.Context(), `SELECT count(*) FROM payment_operations WHERE due_at IS NOT NULL`).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func TestWhatWasNotSent(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.gateway.always(notSent)
	w.want(w.authorise("gone"), payment.FailedSurely) // its nonce is with the shopper, who may try again
	w.audit("gone")
	w.gateway.always(fine)
	w.authorise("o")
	w.gateway.always(notSent)
	w.want(w.move(payment.Capture, "o", "c"), payment.StillUnknown)
	w.want(w.move(payment.Capture, "o", "c"), payment.StillUnknown)
	w.gateway.always(fine)
	w.sweep(time.Minute) // nobody asks again
	w.want(w.move(payment.Capture, "o", "c"), payment.Succeeded)
	w.gateway.Settle()
	w.gateway.always(notSent)
	w.want(w.move(payment.Refund, "o", "r"), payment.StillUnknown)
	w.gateway.always(fine)
	w.want(w.move(payment.Refund, "o", "r"), payment.Succeeded)
	if n := w.gateway.Sends("Refund"); n != 1 {
		t.Errorf("%d refunds", n)
	}
	w.audit("o")
}

func TestOneOfManyAtOnceIsSent(t *testing.T) {
	t.Parallel()
	w := open(t)
	errs := testkit.Race(50, func(int) error {
		_, err := w.app.Authorise(t.Context(), authorisation("o"))
		return err
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if n := w.gateway.Sends("Authorise"); n != 1 {
		t.Errorf("%d authorisations", n)
	}
	w.want(w.authorise("o"), payment.Succeeded)
	var mu sync.Mutex
	results := map[payment.Result]int{}
	errs = testkit.Race(20, func(i int) error { // different operations on the same payment
		a, err := w.app.Move(t.Context(), app.Movement{Kind: payment.Capture, OperationID: fmt.Sprint("c", i), PaymentID: "o-1"})
		mu.Lock()
		defer mu.Unlock()
		results[a.Outcome.Result]++
		return err
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if n := w.gateway.Sends("Capture"); n != 1 || results[payment.Succeeded] == 0 || results[payment.DeclinedIt]+results[payment.FailedSurely] > 0 {
		t.Errorf("%d captures, results %v", n, results)
	}
	w.audit("o")
}

func TestAnotherOperationWaitsForTheFirst(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.authorise("o")
	w.gateway.always(lostAfter)
	w.gateway.down = true
	w.want(w.move(payment.Capture, "o", "c"), payment.StillUnknown)
	a := w.move(payment.Void, "o", "v")
	w.want(a, payment.StillUnknown)
	if a.RetryAfter <= 0 || a.Outcome.Amount != usd(1000) {
		t.Errorf("the caller is told %+v, again in %s", a.Outcome, a.RetryAfter)
	}
	if _, err := w.app.Move(t.Context(), app.Movement{Kind: payment.Void, OperationID: "s", PaymentID: "o-1", Actor: "staff:1"}); !errors.Is(err, payment.ErrBusy) {
		t.Errorf("staff: %v", err)
	}
	w.gateway.down = false
	w.gateway.always(fine)
	w.want(w.move(payment.Capture, "o", "c"), payment.Succeeded)
	w.want(w.move(payment.Void, "o", "v"), payment.Succeeded)
	w.audit("o")
}

// The gateway books another amount than was asked for.
func TestMismatchIsUndone(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.gateway.always(lostAfter)
	w.gateway.down = true
	w.want(w.authorise("o"), payment.StillUnknown)
	w.gateway.Change(func(t *payment.Transaction) { t.Amount = usd(999) })
	w.gateway.down = false
	w.gateway.always(lostAfter) // the void too
	w.want(w.authorise("o"), payment.StillUnknown)
	a := w.authorise("o")
	w.want(a, payment.DeclinedIt)
	if a.Outcome.Code != payment.CodeMismatch || w.gateway.Books()[0].State != payment.TxVoided {
		t.Errorf("%+v, books %+v", a.Outcome, w.gateway.Books())
	}
	w.audit("o")
}

// The gateway calls a sale a duplicate of one that we never heard of: that one is ours.
func TestDuplicateIsAdopted(t *testing.T) {
	t.Parallel()
	w := open(t)
	if _, err := w.gateway.Gateway.Authorise(t.Context(), app.Sale{Reference: "o-1", Amount: usd(1000)}); err != nil {
		t.Fatal(err)
	}
	w.gateway.set(func(string) fate { return fine })
	w.gateway.RejectDuplicates()
	a := w.authorise("o")
	w.want(a, payment.Succeeded)
	if a.Outcome.TransactionID != "tx1" {
		t.Errorf("adopted %s", a.Outcome.TransactionID)
	}
	w.audit("o")
}

// The process dies after the row and before the call.
func TestARowThatWasNeverSent(t *testing.T) {
	t.Parallel()
	w := open(t)
	p := payment.New("o-1", "o", 1, app.Provider, "usd", usd(1000))
	_, err := w.store.Begin(t.Context(), app.Start{New: &p, Record: app.Record{Operation: payment.Operation{ID: "o-authorise", PaymentID: "o-1", Kind: payment.Authorise, Amount: usd(1000)}}}, w.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	w.want(w.authorise("o"), payment.StillUnknown) // leased
	w.sweep(app.LeaseTime)
	w.want(w.authorise("o"), payment.StillUnknown)
	w.sweep(time.Minute)
	w.want(w.authorise("o"), payment.FailedSurely)
	w.audit("o")
}

// A process that hangs loses its lease to another one; what it says then changes nothing.
func TestALostLeaseCannotWrite(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.authorise("o")
	entered, release := make(chan struct{}), make(chan struct{})
	first := true
	w.gateway.wait = func(method string) {
		if method == "Capture" && first {
			first = false
			close(entered)
			<-release
		}
	}
	slow := make(chan app.Answer, 1)
	go func() {
		a, err := w.app.Move(t.Context(), app.Movement{Kind: payment.Capture, OperationID: "c", PaymentID: "o-1"})
		if err != nil {
			t.Error(err)
		}
		slow <- a
	}()
	<-entered
	w.sweep(app.LeaseTime) // looks, finds it not done, and sends it
	if p := w.payment("o"); p.Status != payment.StatusCaptured {
		t.Fatalf("payment is %s", p.Status)
	}
	close(release)
	<-slow // refused by the gateway, looked up, and too late to write
	w.want(w.move(payment.Capture, "o", "c"), payment.Succeeded)
	w.audit("o")
}

// Whoever asked hangs up while the gateway works: the answer is recorded all the same.
func TestTheCallerHangsUp(t *testing.T) {
	t.Parallel()
	w := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.gateway.set(func(string) fate { cancel(); return fine })
	if _, err := w.app.Authorise(ctx, authorisation("o")); err != nil {
		t.Fatal(err)
	}
	if p := w.payment("o"); p.Status != payment.StatusAuthorised {
		t.Errorf("payment is %s", p.Status)
	}
}

func TestReusedIDs(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.authorise("o")
	w.authorise("p")
	w.move(payment.Capture, "o", "c")
	other := authorisation("o")
	other.Amount = usd(1)
	again := authorisation("o")
	again.OperationID = "another"
	stolen := authorisation("q")
	stolen.OperationID = "c"
	for name, tc := range map[string]struct {
		do   func() error
		code string
	}{
		"another amount":             {func() error { _, err := w.app.Authorise(t.Context(), other); return err }, app.ErrReused.Code},
		"another first operation":    {func() error { _, err := w.app.Authorise(t.Context(), again); return err }, app.ErrExists.Code},
		"another payment's, to open": {func() error { _, err := w.app.Authorise(t.Context(), stolen); return err }, app.ErrReused.Code},
		"another kind": {func() error {
			_, err := w.app.Move(t.Context(), app.Movement{Kind: payment.Void, OperationID: "c", PaymentID: "o-1"})
			return err
		}, app.ErrReused.Code},
		"another payment": {func() error {
			_, err := w.app.Move(t.Context(), app.Movement{Kind: payment.Capture, OperationID: "c", PaymentID: "p-1"})
			return err
		}, app.ErrReused.Code},
		"no payment": {func() error {
			_, err := w.app.Move(t.Context(), app.Movement{Kind: payment.Capture, OperationID: "x", PaymentID: "x-1"})
			return err
		}, app.ErrNotFound.Code},
	} {
		if err := tc.do(); fault.CodeOf(err) != tc.code {
			t.Errorf("%s: %v, want %s", name, err, tc.code)
		}
	}
	w.audit("o")
	w.audit("p")
}

// A storm: every call meets a random fate, everything is asked several times, time passes, some is late. When it is over, our
// books are the gateway's, nothing waits, and nobody was charged twice.
func TestStorm(t *testing.T) {
	t.Parallel()
	w := open(t)
	rng := testkit.Rand(t)
	fates := []fate{fine, fine, fine, notSent, lostBefore, lostAfter, lostAfter, late}
	w.gateway.set(func(string) fate { return fates[rng.IntN(len(fates))] })
	const orders = 60
	for i := range orders {
		order := fmt.Sprint("o", i)
		for range 1 + rng.IntN(4) {
			w.authorise(order)
			w.clock.Add(time.Duration(rng.IntN(20)) * time.Second)
		}
		for step := range rng.IntN(8) {
			kind := []payment.Kind{payment.Capture, payment.Capture, payment.Capture, payment.Void, payment.Refund, payment.Refund}[rng.IntN(6)]
			m := app.Movement{Kind: kind, OperationID: fmt.Sprint(order, "-", kind, "-", step), PaymentID: order + "-1"}
			if rng.IntN(3) == 0 {
				m.PaymentID = w.stormMore(rng, order)
			}
			if part := usd(1 + rng.Int64N(600)); rng.IntN(2) == 0 {
				m.Amount, m.More = &part, kind == payment.Capture && rng.IntN(4) > 0
			}
			for range 1 + rng.IntN(3) {
				if _, err := w.app.Move(t.Context(), m); err != nil {
					t.Fatal(err)
				}
				w.clock.Add(time.Duration(rng.IntN(5)) * time.Second)
			}
			if rng.IntN(4) == 0 {
				w.gateway.Settle()
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
	for i := range orders {
		all, err := w.store.ByOrder(t.Context(), fmt.Sprint("o", i))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			w.auditPayment(p)
		}
	}
	if left := w.due(); left != 0 {
		t.Errorf("%d operations are still to be looked up", left)
	}
}

func TestClientToken(t *testing.T) {
	t.Parallel()
	w := open(t)
	token, err := w.app.ClientToken(t.Context(), "USD")
	if err != nil || token != "token-of-usd" {
		t.Errorf("%q %v", token, err)
	}
	if _, err := w.app.ClientToken(t.Context(), "CHF"); !errors.Is(err, app.ErrCurrency) {
		t.Errorf("a currency without an account: %v", err)
	}
	m := authorisation("o")
	m.Amount.Currency = "CHF"
	if _, err := w.app.Authorise(t.Context(), m); !errors.Is(err, app.ErrCurrency) {
		t.Errorf("authorise in it: %v", err)
	}
}
