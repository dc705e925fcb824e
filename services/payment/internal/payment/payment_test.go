package payment

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func usd(minor int64) money.Amount { return money.New(minor, "USD") }

func event(t EventType, op string, minor int64) Event {
	return Event{Type: t, OperationID: op, Amount: usd(minor), TransactionID: "tx1", At: now}
}

// inReview is an authorisation that staff have to look at.
var inReview = Event{Type: Authorised, OperationID: "a", Amount: usd(1000), TransactionID: "tx1", Code: "much", At: now, ReviewUntil: now.Add(time.Hour), Checks: Checks{CVV: "N"}}

// inParts is a payment of which 300 and 200 were captured by themselves.
var inParts = []Event{event(AuthoriseRequested, "a", 1000), event(Authorised, "a", 1000), begin("c1", 300), part("c1", 300, "p1"), begin("c2", 200), part("c2", 200, "p2")}

func begin(op string, minor int64) Event {
	e := event(CaptureRequested, op, minor)
	e.More = true
	return e
}

func part(op string, minor int64, tx string) Event {
	return Event{Type: Captured, OperationID: op, Amount: usd(minor), TransactionID: tx, At: now, More: true}
}

// histories lead to each status; the payment is over 1000.
var histories = map[string][]Event{
	"":                   nil,
	"authorising":        {event(AuthoriseRequested, "a", 1000)},
	"declined":           {event(AuthoriseRequested, "a", 1000), event(Declined, "a", 1000)},
	"failed":             {event(AuthoriseRequested, "a", 1000), event(AuthoriseFailed, "a", 1000)},
	"authorised":         {event(AuthoriseRequested, "a", 1000), event(Authorised, "a", 1000)},
	"authorised, live":   {event(AuthoriseRequested, "a", 1000), event(Authorised, "a", 1000), event(CaptureRequested, "op", 1000)},
	"captured":           {event(AuthoriseRequested, "a", 1000), event(Authorised, "a", 1000), event(CaptureRequested, "c", 800), event(Captured, "c", 800)},
	"captured, live":     {event(AuthoriseRequested, "a", 1000), event(Authorised, "a", 1000), event(CaptureRequested, "c", 800), event(Captured, "c", 800), event(RefundRequested, "op", 100)},
	"voided":             {event(AuthoriseRequested, "a", 1000), event(Authorised, "a", 1000), event(VoidRequested, "v", 1000), event(Voided, "v", 1000)},
	"refunded":           {event(AuthoriseRequested, "a", 1000), event(Authorised, "a", 1000), event(CaptureRequested, "c", 800), event(Captured, "c", 800), event(RefundRequested, "r", 800), event(Refunded, "r", 800)},
	"settled":            {event(AuthoriseRequested, "a", 1000), event(Authorised, "a", 1000), event(CaptureRequested, "c", 800), event(Captured, "c", 800), event(Settled, "s", 800)},
	"unsettled":          {event(AuthoriseRequested, "a", 1000), event(Authorised, "a", 1000), event(CaptureRequested, "c", 800), event(Captured, "c", 800), event(SettlementDeclined, "s", 800)},
	"in review":          {event(AuthoriseRequested, "a", 1000), inReview},
	"in review, live":    {event(AuthoriseRequested, "a", 1000), inReview, event(VoidRequested, "op", 1000)},
	"approved":           {event(AuthoriseRequested, "a", 1000), inReview, event(ReviewApproved, "review", 1000)},
	"rejected":           {event(AuthoriseRequested, "a", 1000), inReview, event(ReviewRejected, "review", 1000)},
	"expired":            {event(AuthoriseRequested, "a", 1000), inReview, event(ReviewExpired, "review", 1000)},
	"in parts":           inParts,
	"in parts, live":     append(slices.Clone(inParts), event(CaptureRequested, "op", 500)),
	"captured, refunded": {event(AuthoriseRequested, "a", 1000), event(Authorised, "a", 1000), event(CaptureRequested, "c", 800), event(Captured, "c", 800), event(RefundRequested, "r", 300), event(Refunded, "r", 300)},
}

func at(t testing.TB, name string) Payment {
	t.Helper()
	p, err := Fold(New("o-1", "o", 1, "braintree", "usd", usd(1000)), histories[name])
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Every status × every event: what is possible, and where it leads. All that is not named is refused.
func TestEveryEventInEveryStatus(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		" authorise_requested":                "authorising",
		"authorising authorised":              "authorised 500/0/0",
		"authorising declined":                "declined",
		"authorising authorise_failed":        "failed",
		"authorised capture_requested":        "authorised 1000/0/0",
		"authorised void_requested":           "authorised 1000/0/0",
		"authorised, live captured":           "captured 1000/500/0",
		"authorised, live capture_declined":   "authorised 1000/0/0",
		"authorised, live voided":             "voided",
		"authorised, live void_declined":      "authorised 1000/0/0",
		"captured void_requested":             "captured 1000/800/0",
		"captured refund_requested":           "captured 1000/800/0",
		"captured, live voided":               "voided",
		"captured, live void_declined":        "captured 1000/800/0",
		"captured, live refunded":             "captured 1000/800/500",
		"captured, live refund_declined":      "captured 1000/800/0",
		"captured, live refund_failed":        "captured 1000/800/0",
		"captured, refunded refund_requested": "captured 1000/800/300",
		"captured, refunded void_requested":   "captured 1000/800/300",
		"captured settled":                    "captured 1000/800/0",
		"captured settlement_declined":        "settlement_declined 0/0/0",
		"captured, refunded settled":          "captured 1000/800/300",
		"refunded settled":                    "refunded 1000/800/800",
		"settled settled":                     "captured 1000/800/0",
		"in review review_approved":           "authorised 1000/0/0",
		"in review review_rejected":           "authorised 1000/0/0",
		"in review review_expired":            "authorised 1000/0/0",
		"in review void_requested":            "authorised 1000/0/0",
		"in review, live voided":              "voided",
		"in review, live void_declined":       "authorised 1000/0/0",
		"in review, live capture_declined":    "authorised 1000/0/0",
		"approved capture_requested":          "authorised 1000/0/0",
		"approved void_requested":             "authorised 1000/0/0",
		"rejected void_requested":             "authorised 1000/0/0",
		"expired void_requested":              "authorised 1000/0/0",
		"settled void_requested":              "captured 1000/800/0",
		"settled refund_requested":            "captured 1000/800/0",
		"authorised, live capture_failed":     "authorised 1000/0/0",
		"in review, live capture_failed":      "authorised 1000/0/0",
		"in parts capture_requested":          "partially_captured 1000/500/0",
		"in parts void_requested":             "partially_captured 1000/500/0",
		"in parts refund_requested":           "partially_captured 1000/500/0",
		"in parts, live captured":             "captured 1000/1000/0",
		"in parts, live capture_declined":     "partially_captured 1000/500/0",
		"in parts, live capture_failed":       "partially_captured 1000/500/0",
		"in parts, live voided":               "voided",
		"in parts, live void_declined":        "partially_captured 1000/500/0",
		"in parts, live refund_declined":      "partially_captured 1000/500/0",
		"in parts, live refund_failed":        "partially_captured 1000/500/0",
	}
	for _, name := range []string{"captured", "captured, live", "settled"} {
		want[name+" stray_refunded"] = "captured 1000/800/500"
	}
	want["captured, refunded stray_refunded"] = "refunded 1000/800/800"
	for name := range histories {
		if status, named := map[string]string{"settled": "captured", "unsettled": "settlement_declined", "in review": "authorised", "in review, live": "authorised", "approved": "authorised", "in parts": "partially_captured", "in parts, live": "partially_captured",
			"rejected": "authorised", "expired": "authorised"}[name]; named {
			want[name+" stray_voided"] = status
			continue
		}
		want[name+" stray_voided"] = strings.TrimSuffix(strings.TrimSuffix(name, ", live"), ", refunded")
	}
	for name := range histories {
		for _, typ := range slices.Sorted(maps.Keys(changes)) {
			p := at(t, name)
			op := p.Live
			if op == "" {
				op = "op"
			}
			got, err := p.Apply(event(typ, op, 500))
			key := name + " " + string(typ)
			expected, ok := want[key]
			if typ == StrayVoided && name == "" {
				continue // a payment has its first event before anything can be a stray of it
			}
			if !ok {
				if err == nil {
					t.Errorf("%s leads to %s", key, got.Status)
				}
				continue
			}
			text := string(got.Status)
			if strings.Contains(expected, "/") {
				text += fmt.Sprintf(" %d/%d/%d", got.Authorised.Minor, got.Captured.Minor, got.Refunded.Minor)
			}
			if err != nil || text != expected || got.Version != p.Version+1 {
				t.Errorf("%s: %s version %d (%v), want %s", key, text, got.Version, err, expected)
			}
		}
	}
}

func TestOnlyTheLiveOperationIsAnswered(t *testing.T) {
	t.Parallel()
	p := at(t, "authorised, live")
	if _, err := p.Apply(event(Captured, "another", 1000)); err == nil {
		t.Error("an answer to another operation was taken")
	}
	if _, err := p.Apply(event(CaptureRequested, "op2", 1000)); err == nil {
		t.Error("a second live operation was taken")
	}
	if _, err := at(t, "captured, refunded").Apply(Event{Type: "nonsense"}); err == nil {
		t.Error("an unknown event was taken")
	}
}

// The decision table, every status × every operation.
func TestDecide(t *testing.T) {
	t.Parallel()
	const ask, done = "ask", "done"
	want := map[string]map[Kind]string{
		"authorising":        {Capture: "busy", Void: "busy", Refund: "busy"},
		"declined":           {Capture: CodeNotAuthorised, Void: done, Refund: CodeNotCaptured},
		"failed":             {Capture: CodeNotAuthorised, Void: done, Refund: CodeNotCaptured},
		"authorised":         {Capture: ask, Void: ask, Refund: CodeNotCaptured},
		"authorised, live":   {Capture: "busy", Void: "busy", Refund: "busy"},
		"captured":           {Capture: CodeCaptured, Void: ask, Refund: ask},
		"captured, live":     {Capture: "busy", Void: "busy", Refund: "busy"},
		"captured, refunded": {Capture: CodeCaptured, Void: CodeSettled, Refund: ask},
		"voided":             {Capture: CodeVoided, Void: done, Refund: CodeVoided},
		"refunded":           {Capture: CodeRefunded, Void: done, Refund: CodeRefunded},
		"settled":            {Capture: CodeCaptured, Void: ask, Refund: ask},
		"in review":          {Capture: "in review", Void: ask, Refund: CodeNotCaptured},
		"in review, live":    {Capture: "busy", Void: "busy", Refund: "busy"},
		"approved":           {Capture: ask, Void: ask, Refund: CodeNotCaptured},
		"rejected":           {Capture: CodeReview, Void: ask, Refund: CodeNotCaptured},
		"expired":            {Capture: CodeReview, Void: ask, Refund: CodeNotCaptured},
		"in parts":           {Capture: ask, Void: ask, Refund: ask},
		"in parts, live":     {Capture: "busy", Void: "busy", Refund: "busy"},
		"unsettled":          {Capture: CodeSettlement, Void: done, Refund: CodeSettlement},
	}
	for name := range histories {
		for kind, expected := range want[name] {
			plan, err := Decide(at(t, name), kind, nil, false)
			got := ask
			switch {
			case fault.CodeOf(err) == ErrBusy.Code:
				got = "busy"
			case fault.CodeOf(err) == ErrInReview.Code:
				got = "in review"
			case err != nil:
				got = err.Error()
			case plan.Outcome != nil && plan.Outcome.Result == Succeeded:
				got = done
			case plan.Outcome != nil:
				got = plan.Outcome.Code
			}
			if got != expected {
				t.Errorf("%s of a payment that is %s: %s, want %s", kind, name, got, expected)
			}
		}
	}
}

func TestAmounts(t *testing.T) {
	t.Parallel()
	amount := func(minor int64) *money.Amount { a := usd(minor); return &a }
	for name, tc := range map[string]struct {
		at     string
		kind   Kind
		amount *money.Amount
		want   string
	}{
		"whole capture":            {"authorised", Capture, nil, "ask 10.00 USD"},
		"part capture":             {"authorised", Capture, amount(1), "ask 0.01 USD"},
		"more than authorised":     {"authorised", Capture, amount(1001), CodeTooMuch},
		"the same capture again":   {"captured", Capture, amount(800), "done 8.00 USD"},
		"another capture":          {"captured", Capture, amount(100), CodeCaptured},
		"void is always whole":     {"captured", Void, amount(1), "ask 8.00 USD"},
		"the rest":                 {"captured, refunded", Refund, nil, "ask 5.00 USD"},
		"more than is left":        {"captured, refunded", Refund, amount(501), CodeTooMuch},
		"a part of what is left":   {"captured, refunded", Refund, amount(500), "ask 5.00 USD"},
		"the rest in parts":        {"in parts", Capture, nil, "ask 5.00 USD"},
		"more than the rest":       {"in parts", Capture, amount(501), CodeTooMuch},
		"nothing more":             {"in parts", Capture, amount(0), "ask 0.00 USD"},
		"void of all parts":        {"in parts", Void, nil, "ask 10.00 USD"},
		"refund of all parts":      {"in parts", Refund, nil, "ask 5.00 USD"},
		"void of an authorisation": {"authorised", Void, nil, "ask 10.00 USD"},
	} {
		plan, err := Decide(at(t, tc.at), tc.kind, tc.amount, false)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := "ask " + plan.Amount.String()
		if o := plan.Outcome; o != nil {
			if got = o.Code; o.Result == Succeeded {
				got = "done " + o.Amount.String()
			}
		}
		if got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
	euro := money.New(1, "EUR")
	if _, err := Decide(at(t, "captured"), Refund, &euro, false); fault.KindOf(err) != fault.Invalid {
		t.Errorf("another currency: %v", err)
	}
}

// However operations follow each other and whatever the gateway answers, the sums hold and nothing is taken twice.
func TestSumsHold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, err := Fold(New("o-1", "o", 1, "braintree", "usd", usd(1000)), []Event{event(AuthoriseRequested, "a", 1000), event(Authorised, "a", 1000)})
		if err != nil {
			t.Fatal(err)
		}
		captures, returned := 0, int64(0)
		for i := range rapid.IntRange(1, 12).Draw(t, "steps") {
			kind := rapid.SampledFrom([]Kind{Capture, Void, Refund}).Draw(t, "kind")
			asked := usd(rapid.Int64Range(1, 1500).Draw(t, "amount"))
			plan, err := Decide(p, kind, &asked, false)
			if err != nil {
				t.Fatal(err)
			}
			if plan.Outcome != nil {
				continue
			}
			types := map[Kind][]EventType{Capture: {CaptureRequested, Captured, CaptureDeclined}, Void: {VoidRequested, Voided, VoidDeclined}, Refund: {RefundRequested, Refunded, RefundDeclined}}[kind]
			answered := rapid.SampledFrom(types[1:]).Draw(t, "answer")
			op := fmt.Sprint("op", i)
			events := []Event{event(types[0], op, plan.Amount.Minor), event(answered, op, plan.Amount.Minor)}
			if p, err = Fold(p, events); err != nil {
				t.Fatal(err)
			}
			switch answered {
			case Captured:
				captures++
			case Refunded:
				returned += plan.Amount.Minor
			}
			if p.Captured.Minor > p.Authorised.Minor || p.Refunded.Minor > p.Captured.Minor || p.Refunded.Minor != returned && p.Status != StatusVoided || captures > 1 || p.Live != "" {
				t.Fatalf("after %s: %+v, %d captures, %d returned", answered, p, captures, returned)
			}
			if (p.Status == StatusRefunded) != (p.Captured.IsPositive() && p.Captured == p.Refunded) {
				t.Fatalf("status %s with %s of %s refunded", p.Status, p.Refunded, p.Captured)
			}
		}
	})
}

// What a review leaves behind, and that it ends once.
func TestReviews(t *testing.T) {
	t.Parallel()
	if p := at(t, "in review"); p.Review != ReviewPending || p.ReviewRule != "much" || !p.ReviewUntil.Equal(now.Add(time.Hour)) || p.Checks.CVV != "N" {
		t.Errorf("%+v", p)
	}
	for name, want := range map[string]ReviewState{"approved": ReviewIsApproved, "rejected": ReviewIsRejected, "expired": ReviewHasExpired, "authorised": ""} {
		p := at(t, name)
		if p.Review != want || !p.ReviewUntil.IsZero() {
			t.Errorf("%s: %+v", name, p)
		}
		for _, typ := range []EventType{ReviewApproved, ReviewRejected, ReviewExpired} {
			if _, err := p.Apply(event(typ, "review", 1000)); err == nil {
				t.Errorf("%s took %s", name, typ)
			}
		}
	}
	p, err := at(t, "in review, live").Apply(event(Voided, "op", 1000))
	if err != nil || p.Review != ReviewIsNeedless || !p.ReviewUntil.IsZero() {
		t.Errorf("voided: %+v %v", p, err)
	}
	for _, name := range []string{"rejected", "expired"} {
		p, err := Fold(at(t, name), []Event{event(VoidRequested, "v", 1000), event(Voided, "v", 1000)})
		if err != nil {
			t.Fatal(err)
		}
		if plan, err := Decide(p, Capture, nil, false); err != nil || plan.Outcome == nil || plan.Outcome.Code != CodeReview {
			t.Errorf("a capture after %s: %+v %v", name, plan, err)
		}
	}
}

// What the rules say of an authorisation: kept, kept and reviewed, or undone. Other verdicts stay.
func TestAssess(t *testing.T) {
	t.Parallel()
	op := Operation{ID: "a", Kind: Authorise, Amount: usd(1000)}
	good := Verdict{Step: Answer, Type: Authorised, Outcome: Outcome{Result: Succeeded, Amount: usd(1000), TransactionID: "tx1"}, Checks: Checks{CVV: "N"}}
	until := now.Add(time.Hour)
	if v := Assess(good, op, RiskDecision{Action: Accept, Rule: "r"}, until); !reflect.DeepEqual(v, good) {
		t.Errorf("accepted: %+v", v)
	}
	if v := Assess(good, op, RiskDecision{Action: Review, Rule: "r"}, until); v.Step != Answer || v.Type != Authorised || v.Review != until || v.Rule != "r" {
		t.Errorf("to be reviewed: %+v", v)
	}
	if v := Assess(good, op, RiskDecision{Action: Reject, Rule: "r"}, until); v.Step != Undo || v.Undoes != "tx1" || v.Type != Declined || v.Outcome.Code != CodeRisk || v.Checks != good.Checks {
		t.Errorf("rejected: %+v", v)
	}
	declinedIt := Verdict{Step: Answer, Type: Declined, Outcome: Outcome{Result: DeclinedIt}}
	if v := Assess(declinedIt, op, RiskDecision{Action: Reject}, until); !reflect.DeepEqual(v, declinedIt) {
		t.Errorf("declined before: %+v", v)
	}
}
