package checkout

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var now = time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)

// sample is a checkout in a status, in attempt 2, held and not yet past its time.
func sample(s Status) Checkout {
	c := Checkout{ID: "c", Status: s, Version: 7, Attempt: 2, Email: "a@b.de", Hold: Held, HoldUntil: now.Add(10 * time.Minute), ExpiresAt: now.Add(time.Hour)}
	switch s {
	case Completing:
		c.CompletingAt = now.Add(-time.Second)
	case Completed:
		c.OrderNumber, c.AccessToken, c.Hold = "SC-1", "token", HoldReleased
	case Expired, Cancelled:
		c.Loose = true
	}
	return c
}

// Every status and every event: "" stays as it is without a word, an error is a refusal.
func TestDecide(t *testing.T) {
	t.Parallel()
	const nothing = Status("")
	refused := func(s Status) error { return refusals[s] }
	for _, tc := range []struct {
		event Event
		want  map[Status]any // a status, nothing, or an error
	}{
		{Event{Name: Change}, map[Status]any{Open: Open, Completing: refused(Completing), Completed: refused(Completed), Expired: refused(Expired), Cancelled: refused(Cancelled)}},
		{Event{Name: Complete}, map[Status]any{Open: Completing, Completing: refused(Completing), Completed: refused(Completed), Expired: refused(Expired), Cancelled: refused(Cancelled)}},
		{Event{Name: Cancel}, map[Status]any{Open: Cancelled, Completing: refused(Completing), Completed: refused(Completed), Expired: nothing, Cancelled: nothing}},
		{Event{Name: Unsent, Attempt: 2}, map[Status]any{Open: nothing, Completing: Open, Completed: nothing, Expired: nothing, Cancelled: nothing}},
		{Event{Name: Unsent, Attempt: 1}, map[Status]any{Open: nothing, Completing: nothing, Completed: nothing, Expired: nothing, Cancelled: nothing}},
		{Event{Name: AttemptFailed, Attempt: 2}, map[Status]any{Open: nothing, Completing: Open, Completed: nothing, Expired: nothing, Cancelled: nothing}},
		{Event{Name: AttemptFailed, Attempt: 1}, map[Status]any{Open: nothing, Completing: nothing, Completed: nothing, Expired: nothing, Cancelled: nothing}},
		{Event{Name: OrderEnded, Attempt: 2}, map[Status]any{Open: nothing, Completing: Expired, Completed: nothing, Expired: nothing, Cancelled: nothing}},
		{Event{Name: OrderEnded, Attempt: 3}, map[Status]any{Open: nothing, Completing: nothing, Completed: nothing, Expired: nothing, Cancelled: nothing}},
		{Event{Name: Placed, OrderNumber: "SC-1"}, map[Status]any{Open: Completed, Completing: Completed, Completed: nothing, Expired: Completed, Cancelled: Completed}},
		{Event{Name: Expire}, map[Status]any{Open: nothing, Completing: nothing, Completed: nothing, Expired: nothing, Cancelled: nothing}},
		{Event{Name: HoldsExpired, At: now.Add(10 * time.Minute)}, map[Status]any{Open: Open, Completing: nothing, Completed: nothing, Expired: nothing, Cancelled: nothing}},
		{Event{Name: HoldsExpired, At: now.Add(9 * time.Minute)}, map[Status]any{Open: nothing, Completing: nothing, Completed: nothing, Expired: nothing, Cancelled: nothing}},
		{Event{Name: HoldsRenewed, At: now.Add(15 * time.Minute)}, map[Status]any{Open: nothing, Completing: nothing, Completed: nothing, Expired: nothing, Cancelled: nothing}},
		{Event{Name: Abandon, At: now, TTL: time.Hour}, map[Status]any{Open: Open, Completing: nothing, Completed: nothing, Expired: nothing, Cancelled: nothing}},
		{Event{Name: Abandon, At: now.Add(-time.Second), TTL: time.Hour}, map[Status]any{Open: nothing, Completing: nothing, Completed: nothing, Expired: nothing, Cancelled: nothing}},
		{Event{Name: CleanedUp}, map[Status]any{Open: nothing, Completing: nothing, Completed: nothing, Expired: Expired, Cancelled: Cancelled}},
	} {
		for _, s := range Statuses {
			t.Run(fmt.Sprintf("%s %d while %s", tc.event.Name, tc.event.Attempt, s), func(t *testing.T) {
				t.Parallel()
				before := sample(s)
				after, moves, err := Decide(before, tc.event, now)
				switch want := tc.want[s].(type) {
				case error:
					if !errors.Is(err, want) || moves || !reflect.DeepEqual(after, before) {
						t.Errorf("%v %v, want %v", moves, err, want)
					}
				case Status:
					if err != nil || moves != (want != nothing) {
						t.Fatalf("moves %v, %v", moves, err)
					}
					if moves && (after.Status != want || after.Version != 8 || !after.UpdatedAt.Equal(now)) {
						t.Errorf("became %+v, want %s", after, want)
					}
					if !moves && !reflect.DeepEqual(after, before) {
						t.Errorf("changed to %+v", after)
					}
				default:
					t.Fatal("the table has a gap")
				}
			})
		}
	}
}

// A checkout is told as left once, to be resumed once, by whatever the shopper does; time and tales resume nothing.
func TestAbandonment(t *testing.T) {
	t.Parallel()
	at := now.Add(30 * time.Minute)
	abandon := Event{Name: Abandon, At: now, TTL: time.Hour}
	left, moves, _ := Decide(sample(Open), abandon, at)
	if !moves || left.Recovery != Abandoned || left.Tells != TellsAbandoned || !left.ExpiresAt.Equal(now.Add(time.Hour)) {
		t.Fatalf("%+v", left)
	}
	if _, moves, _ = Decide(left, abandon, at); moves {
		t.Error("told twice")
	}
	for _, name := range []EventName{Change, Complete, Cancel} {
		back, _, err := Decide(left, Event{Name: name, TTL: time.Hour}, at)
		if err != nil || back.Recovery != Resumed || back.Tells != TellsResumed {
			t.Errorf("%s: %+v %v", name, back, err)
		}
		if again, moves, _ := Decide(back, Event{Name: Abandon, At: at, TTL: time.Hour}, at.Add(time.Minute)); moves {
			t.Errorf("%s, then left again: %+v", name, again)
		}
		if next, _, _ := Decide(back, Event{Name: name, TTL: time.Hour}, at.Add(StuckAfter)); next.Tells == TellsResumed && next.Version != back.Version {
			t.Errorf("%s twice resumes twice", name)
		}
	}
	for _, ev := range []Event{{Name: HoldsExpired, At: at}, {Name: HoldsRenewed, At: at.Add(time.Minute)}, {Name: Placed, OrderNumber: "SC-1"}} {
		if after, moves, _ := Decide(left, ev, at); !moves || after.Recovery != Abandoned || after.Tells != TellsNothing {
			t.Errorf("%s: %+v", ev.Name, after)
		}
	}
	if over, _, _ := Decide(left, Event{Name: Expire}, left.ExpiresAt); over.Tells != TellsExpired {
		t.Errorf("%+v", over)
	}
	for name, change := range map[string]func(c *Checkout){"nobody to write to": func(c *Checkout) { c.Email = "" }, "past its time": func(c *Checkout) { c.ExpiresAt = at }} {
		c := sample(Open)
		change(&c)
		if _, moves, _ := Decide(c, Event{Name: Abandon, At: at, TTL: time.Hour}, at); moves {
			t.Error(name)
		}
	}
}

// What ran out is held again, while the checkout lives, and for no longer because somebody looks.
func TestHoldsAreRenewed(t *testing.T) {
	t.Parallel()
	at := now.Add(10 * time.Minute)
	renew := Event{Name: HoldsRenewed, At: at.Add(15 * time.Minute), TTL: time.Hour}
	for _, hold := range []HoldStatus{Held, HoldExpired} {
		for _, s := range Statuses {
			before := sample(s)
			before.Hold = hold
			after, moves, err := Decide(before, renew, at)
			if err != nil || moves != (s == Open) || moves && (after.Hold != Held || !after.HoldUntil.Equal(renew.At) || !after.ExpiresAt.Equal(before.ExpiresAt)) {
				t.Errorf("%s, %s: %v %v %+v", s, hold, moves, err, after)
			}
		}
	}
	late := sample(Open)
	if _, moves, _ := Decide(late, Event{Name: HoldsRenewed, At: late.ExpiresAt.Add(time.Hour)}, late.ExpiresAt); moves {
		t.Error("a checkout past its time holds stock")
	}
}

func TestAttemptsCount(t *testing.T) {
	t.Parallel()
	c, _, err := Decide(sample(Open), Event{Name: Complete, TTL: 2 * time.Hour}, now)
	if err != nil || c.Attempt != 3 || !c.CompletingAt.Equal(now) || !c.ExpiresAt.Equal(now.Add(2*time.Hour)) {
		t.Fatalf("%+v %v", c, err)
	}
	c.Covered = 3
	unsent, _, _ := Decide(c, Event{Name: Unsent, Attempt: 3}, now)
	if unsent.Attempt != 2 || unsent.Covered != 0 || !unsent.CompletingAt.IsZero() {
		t.Errorf("a number that never reached order is kept: %+v", unsent)
	}
	failed, _, _ := Decide(c, Event{Name: AttemptFailed, Attempt: 3}, now)
	if failed.Attempt != 3 {
		t.Errorf("a number that order knows was given back: %+v", failed)
	}
	told, _, _ := Decide(unsent, Event{Name: Placed, Attempt: 3, OrderNumber: "SC-1"}, now) // it had reached order after all
	if told.Attempt != 3 || told.Status != Completed {
		t.Errorf("%+v", told)
	}
}

// An attempt whose fate nobody learnt keeps its number when it is taken up: should order know it, it answers for it.
func TestStuckAttemptIsTakenUp(t *testing.T) {
	t.Parallel()
	c := sample(Completing)
	c.CompletingAt = now.Add(-StuckAfter)
	after, moves, err := Decide(c, Event{Name: Complete, TTL: time.Hour}, now)
	if err != nil || !moves || after.Attempt != 2 || !after.CompletingAt.Equal(now) || after.Status != Completing {
		t.Errorf("%+v %v", after, err)
	}
	if _, _, err := Decide(after, Event{Name: Complete}, now); !errors.Is(err, ErrInProgress) {
		t.Errorf("twice at once: %v", err)
	}
}

func TestTimeIsUp(t *testing.T) {
	t.Parallel()
	later := now.Add(time.Hour)
	for _, name := range []EventName{Change, Complete} {
		if _, _, err := Decide(sample(Open), Event{Name: name}, later); !errors.Is(err, ErrExpired) {
			t.Errorf("%s of a checkout that nobody has swept: %v", name, err)
		}
	}
	if c, moves, err := Decide(sample(Open), Event{Name: Cancel}, later); err != nil || !moves || c.Status != Cancelled || !c.Loose {
		t.Errorf("cancel: %+v %v", c, err)
	}
	if c, _, _ := Decide(sample(Open), Event{Name: Expire}, later); c.Status != Expired || !c.Loose {
		t.Errorf("expire: %+v", c)
	}
	busy := sample(Completing)
	busy.CompletingAt = later.Add(-StuckAfter + time.Second)
	if _, moves, _ := Decide(busy, Event{Name: Expire}, later); moves {
		t.Error("an attempt that is being worked on was ended")
	}
	busy.CompletingAt = later.Add(-StuckAfter)
	if c, _, _ := Decide(busy, Event{Name: Expire}, later); c.Status != Expired || !c.Loose || !c.CompletingAt.IsZero() {
		t.Errorf("a stuck one: %+v", c)
	}
}

func TestTokenIsLearntOnce(t *testing.T) {
	t.Parallel()
	c := sample(Completing)
	c, _, _ = Decide(c, Event{Name: Placed, OrderNumber: "SC-1"}, now)
	c, moves, _ := Decide(c, Event{Name: Placed, OrderNumber: "SC-1", AccessToken: "t"}, now)
	if !moves || c.AccessToken != "t" {
		t.Errorf("%+v", c)
	}
	if _, moves, _ = Decide(c, Event{Name: Placed, OrderNumber: "SC-2", AccessToken: "u"}, now); moves {
		t.Error("an order changed its name")
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	if got := (Checkout{}).Missing(true, false); !reflect.DeepEqual(got, []string{"email", "shipping_address", "shipping_option", "payment_method"}) {
		t.Errorf("%v", got)
	}
	whole := Checkout{Email: "a@b.cd", Shipping: &Address{}, OptionID: "standard"}
	if got := whole.Missing(false, false); got != nil {
		t.Errorf("a free order misses %v", got)
	}
}

// Whatever happens in whatever order: the version counts what was recorded, a completed checkout stays completed with its number,
// completing is the only state with a beginning, and every live state can end.
func TestLawsOfAnyHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := now
		c := Checkout{Status: Open, Version: 1, Hold: Held, HoldUntil: at.Add(15 * time.Minute), ExpiresAt: at.Add(time.Hour)}
		for range rapid.IntRange(1, 40).Draw(t, "length") {
			at = at.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "minutes")) * time.Minute)
			ev := Event{Name: rapid.SampledFrom(Events).Draw(t, "event"), Attempt: rapid.IntRange(0, 4).Draw(t, "attempt"), At: at, TTL: time.Hour, OrderNumber: "SC-1"}
			after, moves, err := Decide(c, ev, at)
			switch {
			case moves && (err != nil || after.Version != c.Version+1):
				t.Fatalf("%s: version %d after %d, %v", ev.Name, after.Version, c.Version, err)
			case !moves && !reflect.DeepEqual(after, c):
				t.Fatalf("%s changed something and does not say so", ev.Name)
			case c.Status == Completed && after.Status != Completed:
				t.Fatalf("%s undid a completed checkout", ev.Name)
			case (after.Status == Completing) == after.CompletingAt.IsZero():
				t.Fatalf("%s: %s since %s", ev.Name, after.Status, after.CompletingAt)
			case after.Status == Completed && after.OrderNumber == "":
				t.Fatalf("%s: completed without an order", ev.Name)
			case after.Attempt < 0 || after.Status == Completing && after.Attempt == 0:
				t.Fatalf("%s: attempt %d", ev.Name, after.Attempt)
			}
			c = after
		}
		if c.Status == Open || c.Status == Completing {
			if end, _, _ := Decide(c, Event{Name: Expire}, at.Add(2*time.Hour)); end.Status != Expired {
				t.Fatalf("%s has no way out", c.Status)
			}
		}
	})
}
