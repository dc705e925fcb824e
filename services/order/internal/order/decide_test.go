package order_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/internal/app"
	. "github.com/sidecart/sidecart/services/order/internal/order"
)

var (
	now   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	total = money.New(4999, "USD")
)

func machine(t testing.TB) *Machine {
	t.Helper()
	m, err := app.Machine()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// in returns an order of attempt 1 in a state.
func in(s State) Order {
	if s == New {
		return Order{}
	}
	o := Order{ID: "o", CheckoutID: "c", CartID: "k", State: s, Version: 5, Attempt: 1, Total: total, Captured: money.Zero("USD"), Returned: money.Zero("USD")}
	if slices.Contains([]State{"confirmed", "editing_stock", "editing_money", "editing_back", "picking", "shipped", "delivered", "returned"}, s) {
		o.Captured = total
	}
	return o
}

// happen is the plainest form of an event for an order.
func happen(name EventName, o Order) Event {
	ev := Event{Name: name, Attempt: o.Attempt, Amount: total, Reason: "changed my mind"}
	if name == Place {
		ev.Attempt++
		ev.Place = &Placing{OrderID: "o", CheckoutID: "c", CartID: "k", Total: total}
	}
	switch name {
	case SettlementDeclined:
		ev.Amount = money.Zero("USD")
	case ReviewOpened:
		ev.Review = ReviewPending
	case ReviewClosed:
		ev.Review = ReviewApproved
	}
	return ev
}

// allowed is the whole table of version 1 written down a second time: state, event → state and effect. What is not here is
// forbidden.
var allowed = map[State]map[EventName]string{
	New:              {Place: "authorising authorise"},
	"attempt_failed": {Place: "authorising authorise", Abandon: "abandoned"},
	"authorising":    {Authorised: "allocating allocate", AuthoriseDeclined: "attempt_failed", AuthoriseFailed: "attempt_failed", Abandon: "authorising"},
	"allocating":     {Allocated: "placed capture", AllocateShort: "undoing void", AllocateRefused: "freeing release", CartTaken: "freeing release", Abandon: "allocating", ReviewOpened: "allocating"},
	"freeing":        {Released: "undoing void", Abandon: "freeing"},
	"undoing":        {Voided: "attempt_failed", VoidRefused: "undoing void", Abandon: "undoing"},
	"placed": {CaptureDone: "confirmed", CaptureDeclined: "returning_money return_money", CaptureFailed: "placed capture", Cancel: "placed", MoneyGone: "placed", Filled: "placed",
		ReviewOpened: "placed", ReviewClosed: "placed", Disputed: "placed"},
	"confirmed": {Cancel: "returning_money return_money", Pick: "picking", MoneyGone: "releasing release", Filled: "confirmed",
		SettlementDeclined: "releasing release", Disputed: "confirmed",
		Refund: "confirmed refund", Refunded: "releasing release", RefundUnsettled: "confirmed refund", RefundRefused: "confirmed", Edit: "editing_stock take_more"},
	"editing_stock": {MoreTaken: "editing_back give_less", MoreRefused: "editing_back give_less", Cancel: "editing_stock", Disputed: "editing_stock"},
	"editing_money": {Charged: "editing_back give_less", ChargeRefused: "editing_back give_less", Cancel: "editing_money", Disputed: "editing_money"},
	"editing_back":  {LessGiven: "confirmed", Cancel: "editing_back", Disputed: "editing_back"},
	"returning_money": {MoneyReturned: "releasing release", MoneyReturnFailed: "returning_money return_money", SettlementDeclined: "releasing release",
		Disputed: "returning_money"},
	"releasing": {Released: "cancelled", Disputed: "releasing"},
	"picking": {Ship: "shipped", MoneyGone: "picking", Filled: "picking", SettlementDeclined: "picking", Disputed: "picking",
		Refund: "picking refund", Refunded: "picking", RefundUnsettled: "picking refund", RefundRefused: "picking"},
	"shipped": {Deliver: "delivered", Return: "returned", MoneyGone: "shipped", SettlementDeclined: "shipped", Disputed: "shipped",
		Refund: "shipped refund", Refunded: "shipped", RefundUnsettled: "shipped refund", RefundRefused: "shipped"},
	"delivered": {Return: "returned", MoneyGone: "delivered", SettlementDeclined: "delivered", Disputed: "delivered",
		Refund: "delivered refund", Refunded: "delivered", RefundUnsettled: "delivered refund", RefundRefused: "delivered"},
	"returned": {MoneyGone: "returned", SettlementDeclined: "returned", Disputed: "returned",
		Refund: "returned refund", Refunded: "returned", RefundUnsettled: "returned refund", RefundRefused: "returned"},
	"cancelled": {Disputed: "cancelled"},
}

func TestEveryStateAndEvent(t *testing.T) {
	t.Parallel()
	m := machine(t)
	for _, s := range m.States() {
		for _, name := range Events {
			o := in(s.Name)
			d, err := m.Decide(o, happen(name, o), now)
			want, ok := allowed[s.Name][name]
			if !ok {
				if fault.KindOf(err) != fault.Conflict {
					t.Errorf("%s in %s: %v, want a conflict", name, s.Name, err)
				}
				continue
			}
			got := string(d.Order.State)
			if d.Effect != nil {
				got += " " + string(d.Effect.Kind)
			}
			if err != nil || got != want || d.From != s.Name || d.Order.Version != o.Version+1 {
				t.Errorf("%s in %s: %q from %s version %d (%v), want %q", name, s.Name, got, d.From, d.Order.Version, err, want)
			}
		}
	}
}

// Answers of an attempt that is over change nothing, whatever the state.
func TestLateAnswersAreStale(t *testing.T) {
	t.Parallel()
	m := machine(t)
	for _, s := range m.States() {
		o := in(s.Name)
		o.Attempt = 2
		for _, name := range Events {
			ev := happen(name, o)
			ev.Attempt = 1
			if slices.Contains([]EventName{Place, Abandon, Cancel, Refund, Edit, Pick, Ship, Deliver, Return, Advance}, name) {
				continue
			}
			if _, err := m.Decide(o, ev, now); fault.CodeOf(err) != ErrStale.Code {
				t.Errorf("%s of attempt 1 in %s of attempt 2: %v", name, s.Name, err)
			}
		}
	}
}

// A review ends once; what it did not approve is cancelled as soon as the capture is refused.
func TestReviewEndsOnce(t *testing.T) {
	t.Parallel()
	m := machine(t)
	for review, reason := range map[string]string{ReviewApproved: "", ReviewRejected: "review-rejected", ReviewExpired: "review-expired"} {
		d, err := m.Decide(in("placed"), Event{Name: ReviewOpened, Attempt: 1, Review: ReviewPending}, now)
		if err != nil || d.Order.Review != ReviewPending || d.Effect != nil {
			t.Fatalf("opened: %+v, %v", d, err)
		}
		d, err = m.Decide(d.Order, Event{Name: ReviewClosed, Attempt: 1, Review: review}, now)
		if err != nil || d.Order.Review != review || d.Order.CancelReason != reason || d.Order.State != "placed" {
			t.Errorf("%s: %+v, %v", review, d, err)
		}
		for _, again := range []Event{{Name: ReviewOpened, Attempt: 1, Review: ReviewPending}, {Name: ReviewClosed, Attempt: 1, Review: ReviewApproved}} {
			if _, err := m.Decide(d.Order, again, now); fault.CodeOf(err) != ErrForbidden.Code {
				t.Errorf("%s after %s: %v", again.Name, review, err)
			}
		}
	}
}

// A bank that did not pay leaves nothing captured, and is heard of once.
func TestSettlementDeclined(t *testing.T) {
	t.Parallel()
	m := machine(t)
	for from, to := range map[State]State{"confirmed": "releasing", "returning_money": "releasing", "picking": "picking", "shipped": "shipped", "delivered": "delivered", "returned": "returned"} {
		o := in(from)
		o.Captured = total
		d, err := m.Decide(o, Event{Name: SettlementDeclined, Attempt: 1}, now)
		if err != nil || d.Order.State != to || !d.Order.Unpaid || !d.Order.Captured.IsZero() {
			t.Errorf("%s: %+v, %v", from, d, err)
		}
		if _, err := m.Decide(d.Order, Event{Name: SettlementDeclined, Attempt: 1}, now); fault.CodeOf(err) != ErrForbidden.Code {
			t.Errorf("%s again: %v", from, err)
		}
	}
}

// What a gift card paid stays captured when the bank does not pay the rest: before picking it goes back, after that it is left to people.
// What staff gave back before the bank's no was heard of has gone back.
func TestSettlementDeclinedInPart(t *testing.T) {
	t.Parallel()
	m := machine(t)
	left := money.New(3000, "USD")
	no := Event{Name: SettlementDeclined, Attempt: 1, Amount: left}
	for from, want := range map[State]string{"confirmed": "returning_money return_money", "returning_money": "returning_money", "picking": "picking", "shipped": "shipped",
		"delivered": "delivered", "returned": "returned"} {
		o := in(from)
		o.Captured = total
		d, err := m.Decide(o, no, now)
		got := string(d.Order.State)
		if d.Effect != nil {
			got += " " + string(d.Effect.Kind)
		}
		if err != nil || got != want || !d.Order.Unpaid || d.Order.Captured != left || !d.Order.Returned.IsZero() {
			t.Errorf("%s: %q, %+v, %v", from, got, d, err)
		}
		if _, err := m.Decide(d.Order, no, now); fault.CodeOf(err) != ErrForbidden.Code {
			t.Errorf("%s again: %v", from, err)
		}
		o.Returned = total
		if d, err = m.Decide(o, no, now); err != nil || d.Order.Returned != left {
			t.Errorf("%s after all of it went back: %+v, %v", from, d, err)
		}
	}
}

// One refund at a time, never above what is left; payment's own telling and the answer are not counted twice, in whatever order they come.
func TestRefundsAddUp(t *testing.T) {
	t.Parallel()
	m := machine(t)
	usd := func(minor int64) money.Amount { return money.New(minor, "USD") }
	must := func(o Order, ev Event) Order {
		t.Helper()
		ev.Attempt = 1
		d, err := m.Decide(o, ev, now)
		if err != nil {
			t.Fatalf("%s: %v", ev.Name, err)
		}
		return d.Order
	}
	refused := func(o Order, ev Event, code string) {
		t.Helper()
		ev.Attempt = 1
		if _, err := m.Decide(o, ev, now); fault.CodeOf(err) != code {
			t.Errorf("%s of %s: %v, want %s", ev.Name, ev.Amount, err, code)
		}
	}
	o := in("picking")
	for _, wrong := range []money.Amount{usd(0), usd(-1), usd(5000), money.New(100, "EUR")} {
		refused(o, Event{Name: Refund, Amount: wrong}, "refund-above-captured")
	}
	live := must(o, Event{Name: Refund, Amount: usd(1000)})
	refused(live, Event{Name: Refund, Amount: usd(1)}, "refund-in-progress")
	first := must(live, Event{Name: Refunded, Amount: usd(1000)})
	refused(first, Event{Name: MoneyGone, Amount: usd(1000)}, ErrForbidden.Code) // payment tells of it afterwards
	told := must(must(live, Event{Name: MoneyGone, Amount: usd(1000)}), Event{Name: Refunded, Amount: usd(1000)})
	if first.Returned != usd(1000) || told.Returned != usd(1000) || first.Refunding.IsPositive() {
		t.Errorf("%s, told before %s", first.Returned, told.Returned)
	}
	both := must(must(must(live, Event{Name: MoneyGone, Amount: usd(300)}), Event{Name: Refunded, Amount: usd(1000)}), Event{Name: MoneyGone, Amount: usd(1300)}) // staff gave back in payment too
	if both.Returned != usd(1300) {
		t.Errorf("%s of 13.00", both.Returned)
	}
	refused(first, Event{Name: Refund, Amount: usd(4000)}, "refund-above-captured")
	if all := must(must(first, Event{Name: Refund, Amount: usd(3999)}), Event{Name: Refunded, Amount: usd(3999)}); all.Returned != total || all.State != "picking" {
		t.Errorf("%+v", all)
	}
	if cancelled := must(must(in("confirmed"), Event{Name: Refund, Amount: usd(1)}), Event{Name: Cancel, Reason: "r"}); cancelled.Refunding.IsPositive() || cancelled.State != "returning_money" {
		t.Errorf("%+v", cancelled)
	}
}

func TestAbandonWhilePlacing(t *testing.T) {
	t.Parallel()
	m := machine(t)
	for _, tc := range []struct {
		state State
		event EventName
		want  string
	}{
		{"authorising", AuthoriseDeclined, "abandoned"},
		{"authorising", AuthoriseFailed, "abandoned"},
		{"authorising", Authorised, "undoing void"},
		{"allocating", AllocateShort, "undoing void"},
		{"allocating", Allocated, "placed capture"}, // stock and money are safe: the shopper gets what was asked for
		{"undoing", Voided, "abandoned"},
	} {
		o := in(tc.state)
		asked, err := m.Decide(o, happen(Abandon, o), now)
		if err != nil || asked.Effect != nil || !asked.Order.AbandonRequested {
			t.Fatalf("abandon in %s: %+v, %v", tc.state, asked, err)
		}
		d, err := m.Decide(asked.Order, happen(tc.event, o), now)
		got := string(d.Order.State)
		if d.Effect != nil {
			got += " " + string(d.Effect.Kind)
		}
		if err != nil || got != tc.want {
			t.Errorf("abandoned in %s, then %s: %q (%v), want %q", tc.state, tc.event, got, err, tc.want)
		}
		if d.Order.State == "abandoned" && (d.Order.Outcome.Kind != Abandoned || d.Announce != AnnounceFailed) {
			t.Errorf("abandoned with outcome %+v, announced %q", d.Order.Outcome, d.Announce)
		}
	}
}

// A cancel while the capture is under way is remembered; the capture's answer decides how it is undone.
func TestCancelWhileCapturing(t *testing.T) {
	t.Parallel()
	m := machine(t)
	for _, answer := range []EventName{CaptureDone, CaptureFailed, CaptureDeclined} {
		o := in("placed")
		asked, err := m.Decide(o, happen(Cancel, o), now)
		if err != nil || asked.Effect != nil || asked.Order.CancelReason != "changed my mind" {
			t.Fatalf("cancel: %+v, %v", asked, err)
		}
		d, err := m.Decide(asked.Order, happen(answer, o), now)
		if err != nil || d.Order.State != "returning_money" || d.Effect == nil || d.Effect.Kind != ReturnMoney {
			t.Errorf("then %s: %+v, %v", answer, d, err)
		}
		if answer == CaptureDone && d.Order.Captured != total {
			t.Errorf("captured %s is not on the books of the cancelled order", d.Order.Captured)
		}
		if d.Order.CancelReason != "changed my mind" {
			t.Errorf("reason became %q", d.Order.CancelReason)
		}
	}
}

// What staff gave back in payment: each state × sum, told twice, and the smaller sum after the larger one.
func TestMoneyGone(t *testing.T) {
	t.Parallel()
	m := machine(t)
	part, more := money.New(1000, "USD"), money.New(3000, "USD")
	for _, s := range m.States() {
		for _, gone := range []money.Amount{part, more, total} {
			o := in(s.Name)
			tell := func(o Order, sum money.Amount) (Decision, error) {
				return m.Decide(o, Event{Name: MoneyGone, Attempt: o.Attempt, Amount: sum}, now)
			}
			d, err := tell(o, gone)
			editing := strings.HasPrefix(string(s.Name), "editing") // then it is told again
			follows := o.Captured == total && !editing || s.Name == "placed" && gone == total
			if follows != (err == nil) {
				t.Errorf("%s of %s in %s: %v", gone, total, s.Name, err)
			}
			if err != nil {
				continue
			}
			cancelled := gone == total && (s.Name == "confirmed" || s.Name == "placed")
			if cancelled != (d.Order.CancelReason == "payment-returned") || s.Name != "placed" && d.Order.Returned != gone {
				t.Errorf("%s in %s: %+v", gone, s.Name, d.Order)
			}
			for _, late := range []money.Amount{gone, part} {
				if again, err := tell(d.Order, late); fault.KindOf(err) != fault.Conflict {
					t.Errorf("%s after %s in %s: %+v (%v)", late, gone, s.Name, again, err)
				}
			}
			if next, err := tell(d.Order, total); gone != total && (err != nil || next.Order.Returned != total) {
				t.Errorf("the rest after %s in %s: %+v (%v)", gone, s.Name, next, err)
			}
		}
		o := in(s.Name)
		for _, odd := range []money.Amount{money.New(4999, "EUR"), money.New(5000, "USD"), money.Zero("USD")} {
			if d, err := m.Decide(o, Event{Name: MoneyGone, Attempt: o.Attempt, Amount: odd}, now); fault.KindOf(err) != fault.Conflict {
				t.Errorf("%s in %s: %+v (%v)", odd, s.Name, d, err)
			}
		}
	}
}

func TestWholeLife(t *testing.T) {
	t.Parallel()
	m := machine(t)
	var o Order
	var announced []Announcement
	step := func(name EventName, change func(*Event)) {
		t.Helper()
		if o.State == "" {
			o.State = New
		}
		ev := happen(name, o)
		if change != nil {
			change(&ev)
		}
		d, err := m.Decide(o, ev, now)
		if err != nil {
			t.Fatal(err)
		}
		o = d.Order
		if d.Announce != Nothing {
			announced = append(announced, d.Announce)
		}
	}
	step(Place, nil)
	step(AuthoriseDeclined, func(ev *Event) { ev.Outcome = Outcome{Kind: Declined, DeclineCode: "2000", Retryable: true} })
	if o.Outcome.DeclineCode != "2000" {
		t.Errorf("outcome %+v", o.Outcome)
	}
	step(Place, nil)
	if o.Attempt != 2 || o.Outcome.Kind != "" {
		t.Errorf("attempt %d with outcome %+v", o.Attempt, o.Outcome)
	}
	step(Authorised, nil)
	step(Allocated, nil)
	if !o.PlacedAt.Equal(now) {
		t.Errorf("placed at %s", o.PlacedAt)
	}
	step(CaptureDone, nil)
	if o.Captured != total || !o.CapturedAt.Equal(now) {
		t.Errorf("captured %s at %s", o.Captured, o.CapturedAt)
	}
	step(Cancel, nil)
	step(MoneyReturned, nil)
	step(Released, nil)
	if o.State != "cancelled" || o.Returned != total || !o.CancelledAt.Equal(now) {
		t.Errorf("ended as %+v", o)
	}
	want := []Announcement{AnnounceFailed, AnnouncePlaced, AnnounceConfirmed, AnnounceCancelled}
	if !slices.Equal(announced, want) {
		t.Errorf("announced %q, want %q", announced, want)
	}
}

func TestGuards(t *testing.T) {
	t.Parallel()
	m := machine(t)
	failed := in("attempt_failed")
	for name, tc := range map[string]struct {
		order Order
		event func() Event
		code  string
	}{
		"the same attempt again": {failed, func() Event { ev := happen(Place, failed); ev.Attempt = 1; return ev }, "attempt-out-of-order"},
		"an attempt skipped":     {failed, func() Event { ev := happen(Place, failed); ev.Attempt = 3; return ev }, "attempt-out-of-order"},
		"no snapshot":            {failed, func() Event { return Event{Name: Place, Attempt: 2} }, "attempt-out-of-order"},
		"another checkout":       {failed, func() Event { ev := happen(Place, failed); ev.Place.CheckoutID = "x"; return ev }, "another-order"},
		"a negative total":       {failed, func() Event { ev := happen(Place, failed); ev.Place.Total = money.New(-1, "USD"); return ev }, "validation-failed"},
		"captured less":          {in("placed"), func() Event { ev := happen(CaptureDone, in("placed")); ev.Amount = money.New(1, "USD"); return ev }, "amount-mismatch"},
		"captured otherwise":     {in("placed"), func() Event { ev := happen(CaptureDone, in("placed")); ev.Amount = money.New(4999, "EUR"); return ev }, "amount-mismatch"},
	} {
		if _, err := m.Decide(tc.order, tc.event(), now); fault.CodeOf(err) != tc.code {
			t.Errorf("%s: %v, want %s", name, err, tc.code)
		}
	}
}

func TestDecideChangesNothing(t *testing.T) {
	t.Parallel()
	m := machine(t)
	o := in("placed")
	before := fmt.Sprint(o)
	if _, err := m.Decide(o, happen(CaptureDone, o), now); err != nil || fmt.Sprint(o) != before {
		t.Errorf("%v: the order handed in became %+v", err, o)
	}
}

func TestFaultsOfADefinitionComeAtOnce(t *testing.T) {
	t.Parallel()
	_, err := Compile(Definition{
		States: []StateDef{{Name: New}, {Name: "island", Final: true}, {Name: "trap"}, {Name: New}},
		Transitions: []TransitionDef{
			{Name: "a", Event: Place, From: []State{New}, To: "trap"},
			{Name: "a", Event: Place, From: []State{New, "nowhere"}, To: "elsewhere", Guard: "moon_is_full", Apply: []string{"dance"},
				Effects: []EffectDef{{Kind: "fly", Later: -1}, {Kind: Capture}}, Announce: "loudly"},
			{Name: "b", Event: "shout", From: []State{"island"}, To: "trap"},
			{Name: "c", Event: Cancel, To: "trap"},
		},
	})
	f, ok := fault.As(err)
	if !ok {
		t.Fatal(err)
	}
	var said []string
	for _, field := range f.Fields {
		said = append(said, field.Location+" "+field.Message)
	}
	for _, want := range []string{
		"version must be above zero", "states[3].name must be given and unique", "transitions[1].name must be given and unique",
		"transitions[1] can never be taken", "transitions[1].from[1] is not a state", "transitions[1].to is not a state",
		"transitions[1].guard is not a guard", "transitions[1].apply[0] is not an action", "transitions[1].effects an order has at most one",
		"transitions[1].effects[0].kind is none of", "transitions[1].effects[0].later must not be negative", "transitions[1].announce is none of",
		"transitions[2].event is none of", "transitions[2].from[0] is a final state", "transitions[3].from must name a state",
		"states[1] cannot be reached", "states[2] has no way to a final state",
	} {
		if !slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("nobody says %q; said:\n%s", want, strings.Join(said, "\n"))
		}
	}
}

func TestStaffMay(t *testing.T) {
	t.Parallel()
	m := machine(t)
	if may := m.StaffMay(in("shipped")); len(may) != 2 || may["delivered"] != Deliver || may["returned"] != Return {
		t.Errorf("staff may %v", may)
	}
	if may := m.StaffMay(in("placed")); len(may) != 0 {
		t.Errorf("staff may %v", may)
	}
}
