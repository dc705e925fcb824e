package postgres

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// toReview makes a payment that staff have to look at.
func toReview(t *testing.T, s *Store, order string) payment.Payment {
	t.Helper()
	l := begin(t, s, opening(order), now).Lease
	d := done(l, payment.Authorised, payment.Succeeded)
	d.Event.Code, d.Event.ReviewUntil = "much", now.Add(time.Hour)
	d.Event.Checks = payment.Checks{SecureStatus: "authenticate_successful", LiabilityShifted: true, AVSPostal: "M", CVV: "N", Instrument: "i"}
	if err := s.Record(t.Context(), l, d, now); err != nil {
		t.Fatal(err)
	}
	p, err := s.Payment(t.Context(), order+"-1")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What was checked and the review are in the row and in the log, and the row is the fold of the log.
func TestChecksAndReviewAreKept(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	p := toReview(t, s, "o")
	if p.Review != payment.ReviewPending || p.ReviewRule != "much" || !p.ReviewUntil.Equal(now.Add(time.Hour)) || !p.Checks.LiabilityShifted || p.Checks.CVV != "N" || p.Checks.Instrument != "i" {
		t.Errorf("%+v", p)
	}
	if ok, err := s.Decided(t.Context(), p, payment.Event{Version: p.Version + 1, Type: payment.ReviewApproved, OperationID: "review", Amount: usd(1000), At: now}, "staff:7"); err != nil || !ok {
		t.Fatal(ok, err)
	}
	row, err := s.Payment(t.Context(), "o-1")
	if err != nil {
		t.Fatal(err)
	}
	events, err := s.Events(t.Context(), "o-1")
	if err != nil {
		t.Fatal(err)
	}
	folded, err := payment.Fold(payment.New("o-1", "o", 1, app.Provider, "usd", usd(1000)), events)
	if err != nil || !reflect.DeepEqual(folded, row) || row.Review != payment.ReviewIsApproved {
		t.Errorf("row %+v, folded %+v %v", row, folded, err)
	}
}

// A capture in review begins neither in one statement nor under the lock, and begins once it is approved.
func TestNoCaptureBeginsInAReview(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	p := toReview(t, s, "o")
	for _, st := range []app.Start{capturing("o", usd(1000)), moving(payment.Capture, "o", "w")} {
		if _, err := s.Begin(t.Context(), st, now); !errors.Is(err, payment.ErrInReview) {
			t.Errorf("%s: %v", st.ID, err)
		}
	}
	if _, err := s.Decided(t.Context(), p, payment.Event{Version: p.Version + 1, Type: payment.ReviewApproved, OperationID: "review", Amount: usd(1000), At: now}, ""); err != nil {
		t.Fatal(err)
	}
	if b := begin(t, s, capturing("o", usd(1000)), now); !b.Fresh || !b.Mine || b.Outcome.Result != payment.StillUnknown {
		t.Errorf("approved: %+v", b)
	}
	p = toReview(t, s, "r")
	if _, err := s.Decided(t.Context(), p, payment.Event{Version: p.Version + 1, Type: payment.ReviewRejected, OperationID: "review", Amount: usd(1000), At: now}, ""); err != nil {
		t.Fatal(err)
	}
	if b := begin(t, s, capturing("r", usd(1000)), now); b.Outcome.Result != payment.DeclinedIt || b.Outcome.Code != payment.CodeReview {
		t.Errorf("rejected: %+v", b)
	}
}

// Of many decisions about one review one wins, and none wins against a void that is under way.
func TestOneDecision(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	p := toReview(t, s, "o")
	wins := make(chan bool, 12)
	errs := testkit.Race(12, func(i int) error {
		typ := []payment.EventType{payment.ReviewApproved, payment.ReviewRejected, payment.ReviewExpired}[i%3]
		won, err := s.Decided(context.Background(), p, payment.Event{Version: p.Version + 1, Type: typ, OperationID: "review", Amount: usd(1000), At: now}, "staff:7")
		wins <- won
		return err
	})
	n := 0
	for range 12 {
		if <-wins {
			n++
		}
	}
	var told int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM outbox WHERE type = 'payment.review_closed.v1'`).Scan(&told); err != nil || n != 1 || told != 1 || errors.Join(errs...) != nil {
		t.Errorf("%d won, %d told, %v %v", n, told, err, errors.Join(errs...))
	}
	p = toReview(t, s, "v")
	begin(t, s, moving(payment.Void, "v", "void"), now)
	if won, err := s.Decided(t.Context(), p, payment.Event{Version: p.Version + 1, Type: payment.ReviewApproved, OperationID: "review", Amount: usd(1000), At: now}, ""); err != nil || won {
		t.Errorf("decided while it is voided: %t %v", won, err)
	}
}

func TestReviewsThatAreOver(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	toReview(t, s, "a")
	b := toReview(t, s, "b")
	authorised(t, s, "c")
	if _, err := s.Decided(t.Context(), b, payment.Event{Version: b.Version + 1, Type: payment.ReviewRejected, OperationID: "review", Amount: usd(1000), At: now}, ""); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Duration]int{59 * time.Minute: 0, time.Hour: 1} {
		if all, err := s.Overdue(t.Context(), now.Add(at), 9); err != nil || len(all) != want {
			t.Errorf("after %s: %+v %v", at, all, err)
		}
	}
	if all, err := s.Refused(t.Context(), 9); err != nil || len(all) != 1 || all[0].ID != "b-1" {
		t.Errorf("%+v %v", all, err)
	}
	if all, err := s.List(t.Context(), Filter{Review: "pending", Limit: 9}); err != nil || len(all) != 1 || all[0].ID != "a-1" {
		t.Errorf("%+v %v", all, err)
	}
}

func TestAttemptsAreCountedOnce(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	v := payment.Velocity{By: payment.ByEmail, Above: 1, Within: time.Hour}
	other := payment.Velocity{By: payment.ByInstrument, Above: 1, Within: time.Hour}
	count := func(id string, after time.Duration, keys ...app.AttemptKey) map[payment.Velocity]int {
		n, err := s.Attempt(t.Context(), id, keys, []payment.Velocity{v, other}, now.Add(after))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	mail, card := app.AttemptKey{Key: payment.ByEmail, Hash: []byte("m")}, app.AttemptKey{Key: payment.ByInstrument, Hash: []byte("c")}
	for range 2 {
		if n := count("a-1", 0, mail); len(n) != 1 || n[v] != 1 {
			t.Errorf("%v", n)
		}
	}
	if n := count("b-1", 30*time.Minute, mail); n[v] != 2 {
		t.Errorf("%v", n)
	}
	if n := count("a-1", 50*time.Minute, card); n[v] != 1 || n[other] != 1 { // as of its own time
		t.Errorf("%v", n)
	}
	if n := count("c-1", 61*time.Minute, mail); n[v] != 2 { // the first is too long ago
		t.Errorf("%v", n)
	}
	if n := count("d-1", 0); len(n) != 0 {
		t.Errorf("of an attempt of which nothing is known: %v", n)
	}
	if err := s.Forget(t.Context(), now.Add(40*time.Minute)); err != nil {
		t.Fatal(err)
	}
	var left int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM risk_attempts`).Scan(&left); err != nil || left != 2 {
		t.Errorf("%d left %v", left, err)
	}
}

func TestConstraintsOfReviewsAndMethods(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	toReview(t, s, "o")
	for _, id := range []string{"m1", "m2"} {
		r, err := s.BeginMethod(t.Context(), app.Keeping{ID: id, CustomerID: "c"}, now)
		if err != nil {
			t.Fatal(err)
		}
		r.Status = payment.MethodStored
		if _, err := s.KeptMethod(t.Context(), r, now); err != nil {
			t.Fatal(err)
		}
	}
	for constraint, sql := range map[string]string{
		"payments_review":             `UPDATE payments SET review = 'odd', review_until = NULL`,
		"payments_review_until":       `UPDATE payments SET review_until = NULL`,
		"payments_reviewed":           `UPDATE payments SET status = 'captured', captured = authorised`,
		"risk_attempts_key":           `INSERT INTO risk_attempts VALUES ('moon', '', 'o-1', now())`,
		"payment_methods_status":      `UPDATE payment_methods SET status = 'odd', is_default = false`,
		"payment_methods_default":     `UPDATE payment_methods SET status = 'deleting'`,
		"payment_methods_last4":       `UPDATE payment_methods SET last4 = '41111'`,
		"payment_methods_one_default": `UPDATE payment_methods SET is_default = true`,
	} {
		if _, err := pool.Exec(t.Context(), sql); !pg.Violates(err, constraint) {
			t.Errorf("%s does not hold: %v", constraint, err)
		}
	}
}
