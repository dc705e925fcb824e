package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

func TestTheExampleIsReadAndUsesAllThereIs(t *testing.T) {
	t.Parallel()
	r, err := app.Rules("../../../../docs/examples/risk.yaml")
	if err != nil || len(r.Rules) != 10 || r.ReviewFor != 24*time.Hour || len(r.Velocities()) != 4 {
		t.Errorf("%+v %v", r, err)
	}
	if r, err := app.Rules(""); err != nil || len(r.Rules) != 0 {
		t.Errorf("without a file: %+v %v", r, err)
	}
	if _, err := app.Rules("nowhere.yaml"); err == nil {
		t.Error("a file that is not there was read")
	}
}

// All faults of a file come at once, each with its place.
func TestFaultsOfAFileOfRules(t *testing.T) {
	t.Parallel()
	_, err := app.ParseRules([]byte("version: 2\nreview_for: 0s\nrules:\n- {name: A B, then: explode, when: {provider: [moon], cvv: [no], velocity: {by: moon, above: 0, within: 999h}}}\n"))
	for _, want := range []string{"version: ", "review_for: ", "rules[0].name: ", "rules[0].then: ", "rules[0].when.cvv: ", "rules[0].when.provider: ", "rules[0].when.velocity.by: ",
		"rules[0].when.velocity.above: ", "rules[0].when.velocity.within: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("nothing is said of %s: %v", want, err)
		}
	}
	for _, text := range []string{"version: 1\nsurprise: yes", "version: 1\nrules: [{name: a, then: accept, when: {amount_above: {USD: 1.5}}}]", "rules: 5", "\t"} {
		if _, err := app.ParseRules([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func (w *world) rules(text string) *app.Risk {
	w.t.Helper()
	r, err := app.ParseRules([]byte("version: 1\nreview_for: 1h\nrules:\n" + text))
	if err != nil {
		w.t.Fatal(err)
	}
	return app.NewRisk(w.app, w.store, r)
}

const reviewAll = "- {name: all, then: review}\n"

// A payment under review is authorised; its capture waits until staff approve.
func TestAReviewIsApproved(t *testing.T) {
	t.Parallel()
	w := open(t)
	risk := w.rules(reviewAll)
	a := w.authorise("o")
	w.want(a, payment.Succeeded)
	if p := w.payment("o"); !a.InReview || p.Status != payment.StatusAuthorised || p.Review != payment.ReviewPending || p.ReviewRule != "all" || !p.ReviewUntil.Equal(w.clock.Now().Add(time.Hour)) {
		t.Errorf("%t %+v", a.InReview, p)
	}
	amount := usd(1000)
	for _, m := range []app.Movement{{OperationID: "c"}, {OperationID: "c", Amount: &amount}} {
		m.Kind, m.PaymentID = payment.Capture, "o-1"
		if c, err := w.app.Move(t.Context(), m); err != nil || c.Outcome.Result != payment.StillUnknown || !c.InReview || c.RetryAfter != time.Hour {
			t.Errorf("%+v %v", c, err)
		}
	}
	if _, err := w.app.Move(t.Context(), app.Movement{Kind: payment.Capture, OperationID: "s", PaymentID: "o-1", Actor: "staff:1"}); fault.CodeOf(err) != payment.ErrInReview.Code {
		t.Errorf("staff who capture it all the same: %v", err)
	}
	if n := w.gateway.Sends("Capture"); n != 0 {
		t.Errorf("%d captures were sent", n)
	}
	for range 2 { // deciding the same again is no error
		if p, err := risk.Decide(t.Context(), "o-1", true, "staff:7", "known customer"); err != nil || p.Review != payment.ReviewIsApproved {
			t.Errorf("%+v %v", p, err)
		}
	}
	if _, err := risk.Decide(t.Context(), "o-1", false, "staff:7", ""); fault.CodeOf(err) != app.ErrNoReview.Code {
		t.Errorf("the other decision afterwards: %v", err)
	}
	w.want(w.move(payment.Capture, "o", "c"), payment.Succeeded)
	w.audit("o")
	if got := w.heard(); got != "payment.review_opened.v1 payment.review_closed.v1" {
		t.Errorf("others heard %q", got)
	}
	var audits int
	if err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM audit_log WHERE actor = 'staff:7' AND action = 'review_approved'`).Scan(&audits); err != nil || audits != 1 {
		t.Errorf("%d audit lines %v", audits, err)
	}
}

// What is rejected, or not decided in time, is voided, also when that fails at first; its capture is declined.
func TestAReviewIsRejectedOrExpires(t *testing.T) {
	t.Parallel()
	for _, expires := range []bool{false, true} {
		t.Run(fmt.Sprint(expires), func(t *testing.T) {
			t.Parallel()
			w := open(t)
			risk := w.rules(reviewAll)
			w.authorise("o")
			w.clock.Add(59 * time.Minute)
			if err := risk.Run(t.Context()); err != nil || w.payment("o").Review != payment.ReviewPending {
				t.Fatalf("before its time: %v, %+v", err, w.payment("o"))
			}
			w.gateway.always(notSent)
			want := payment.ReviewIsRejected
			if expires {
				w.clock.Add(time.Minute)
				want = payment.ReviewHasExpired
				if err := risk.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
			} else if _, err := risk.Decide(t.Context(), "o-1", false, "staff:7", "stolen"); err != nil {
				t.Fatal(err)
			}
			if p := w.payment("o"); p.Review != want || p.Status != payment.StatusAuthorised {
				t.Errorf("while the gateway is away: %+v", p)
			}
			w.gateway.always(fine)
			w.sweep(app.LeaseTime)
			if err := risk.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if p := w.payment("o"); p.Status != payment.StatusVoided || p.Review != want {
				t.Errorf("%+v", p)
			}
			if c := w.move(payment.Capture, "o", "c"); c.Outcome.Result != payment.DeclinedIt || c.Outcome.Code != payment.CodeReview || c.Outcome.Retryable {
				t.Errorf("%+v", c.Outcome)
			}
			w.audit("o")
			if got := w.heard(); got != "payment.review_opened.v1 payment.review_closed.v1 payment.voided.v1" {
				t.Errorf("others heard %q", got)
			}
			if _, err := risk.Decide(t.Context(), "o-1", true, "staff:7", ""); fault.CodeOf(err) != app.ErrNoReview.Code {
				t.Errorf("approved afterwards: %v", err)
			}
		})
	}
}

// An order that is cancelled while its payment is looked at is voided; then there is nothing to decide.
func TestVoidingInAReview(t *testing.T) {
	t.Parallel()
	w := open(t)
	risk := w.rules(reviewAll)
	w.authorise("o")
	w.want(w.move(payment.Void, "o", "v"), payment.Succeeded)
	if p := w.payment("o"); p.Review != payment.ReviewIsNeedless {
		t.Errorf("%+v", p)
	}
	if _, err := risk.Decide(t.Context(), "o-1", true, "staff:7", ""); fault.CodeOf(err) != app.ErrNoReview.Code {
		t.Errorf("%v", err)
	}
	w.clock.Add(2 * time.Hour)
	if err := risk.Run(t.Context()); err != nil {
		t.Error(err)
	}
	w.audit("o")
}

// What is known before is rejected before: the gateway never hears of it. What is known afterwards is undone.
func TestRejections(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.rules("- {name: much, then: reject, when: {amount_above: {USD: 5000}}}\n- {name: code, then: reject, when: {cvv: [N]}}\n- {name: quiet, then: accept}\n")
	much := authorisation("much")
	much.Amount = usd(5001)
	a, err := w.app.Authorise(t.Context(), much)
	if err != nil || a.Outcome.Result != payment.DeclinedIt || a.Outcome.Code != payment.CodeRisk || a.Outcome.Retryable || w.gateway.Sends("Authorise") != 0 {
		t.Errorf("%+v %v, %d sent", a.Outcome, err, w.gateway.Sends("Authorise"))
	}
	w.want(w.authorise("good"), payment.Succeeded)
	w.gateway.Check(payment.Checks{CVV: "N", AVSPostal: "M"})
	for _, f := range []fate{fine, lostAfter} {
		order := "bad " + string(f)
		order = strings.ReplaceAll(order, " ", "-")
		w.gateway.set(func(method string) fate {
			if method == "Authorise" {
				return f
			}
			return fine
		})
		a := w.authorise(order)
		if a.Outcome.Result != payment.DeclinedIt || a.Outcome.Code != payment.CodeRisk {
			t.Errorf("%s: %+v", f, a.Outcome)
		}
		if p := w.payment(order); p.Checks.CVV != "N" || p.Checks.AVSPostal != "M" || p.Status != payment.StatusDeclined {
			t.Errorf("%+v", p)
		}
		w.audit(order)
	}
	if n := w.gateway.Sends("Void"); n != 2 {
		t.Errorf("%d voids", n)
	}
}

// Attempts that share something are counted within their time, each once however often it is asked for.
func TestVelocity(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.rules("- {name: mail, then: reject, when: {velocity: {by: email, above: 2, within: 1h}}}\n- {name: net, then: reject, when: {velocity: {by: ip, above: 3, within: 1h}}}\n" +
		"- {name: card, then: review, when: {velocity: {by: instrument, above: 5, within: 24h}}}\n")
	w.gateway.Check(payment.Checks{Instrument: "one card"})
	n := 0
	try := func(email, ip string) string {
		n++
		a := authorisation(fmt.Sprint("o", n))
		a.Shopper = app.Shopper{Email: email, IP: ip}
		var got app.Answer
		for range 2 {
			var err error
			if got, err = w.app.Authorise(context.Background(), a); err != nil {
				t.Fatal(err)
			}
		}
		return string(got.Outcome.Result) + map[bool]string{true: " in review"}[w.payment(fmt.Sprint("o", n)).Review == payment.ReviewPending]
	}
	for i, step := range []struct{ email, ip, want string }{
		{"a@example.com", "192.0.2.1", "succeeded"}, {"A@Example.com", "192.0.2.2", "succeeded"}, {"a@example.com", "192.0.2.3", "declined"},
		{"b@example.com", "2001:db8::1", "succeeded"}, {"c@example.com", "2001:db8::2", "succeeded"}, {"d@example.com", "2001:db8::3", "succeeded"},
		{"e@example.com", "2001:db8::4", "declined"}, {"", "", "succeeded in review"}, {"", "no address", "succeeded in review"},
	} {
		if got := try(step.email, step.ip); got != step.want {
			t.Errorf("step %d: %s, want %s", i, got, step.want)
		}
	}
	w.clock.Add(61 * time.Minute)
	if got := try("a@example.com", "192.0.2.1"); got != "succeeded in review" { // the card is counted longer
		t.Errorf("an hour later: %s", got)
	}
	var kept string
	if err := w.pool.QueryRow(t.Context(), `SELECT coalesce(string_agg(encode(hash, 'escape'), ' '), '') FROM risk_attempts`).Scan(&kept); err != nil || strings.Contains(kept, "example") {
		t.Errorf("what shoppers said is kept as it was: %v", err)
	}
}

// While attempts cannot be counted nothing is sent.
func TestNoCountNoSale(t *testing.T) {
	t.Parallel()
	w := open(t)
	r, err := app.ParseRules([]byte("version: 1\nrules:\n- {name: a, then: reject, when: {velocity: {by: order, above: 9, within: 1h}}}"))
	if err != nil {
		t.Fatal(err)
	}
	app.NewRisk(w.app, brokenCounts{w.store}, r)
	a := w.authorise("o")
	if a.Outcome.Result != payment.FailedSurely || !a.Outcome.Retryable || w.gateway.Sends("Authorise") != 0 {
		t.Errorf("%+v", a.Outcome)
	}
}

type brokenCounts struct{ app.RiskStore }

func (brokenCounts) Attempt(context.Context, string, []app.AttemptKey, []payment.Velocity, time.Time) (map[payment.Velocity]int, error) {
	return nil, errLost
}
