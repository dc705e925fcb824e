package order_test

import (
	"testing"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	. "github.com/sidecart/sidecart/services/order/internal/order"
)

func decided(t *testing.T, o Order, ev Event, state State, effect EffectKind) Order {
	t.Helper()
	ev.Attempt = o.Attempt
	d, err := machine(t).Decide(o, ev, now)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Effect; d.Order.State != state || (effect == "") != (got == nil) || got != nil && got.Kind != effect {
		t.Fatalf("%s leads to %s %+v, want %s %s", ev.Name, d.Order.State, d.Effect, state, effect)
	}
	return d.Order
}

// What an edit makes the order cost more is charged between stock that is taken and stock that is given back.
func TestAnEditThatCostsMore(t *testing.T) {
	t.Parallel()
	more := money.New(total.Minor+700, "USD")
	asked := decided(t, in("confirmed"), Event{Name: Edit, Amount: more}, "editing_stock", TakeMore)
	if asked.Charging().Minor != 700 {
		t.Errorf("%s are to be charged", asked.Charging())
	}
	charging := decided(t, asked, Event{Name: MoreTaken}, "editing_money", Charge)
	made := decided(t, charging, Event{Name: Charged, Amount: money.New(700, "USD")}, "editing_back", GiveLess)
	if made.Total != more || made.Captured != more || made.Reduced.Minor != 0 || !made.Charging().IsZero() || made.Edit != EditMade {
		t.Errorf("%+v", made)
	}
	decided(t, made, Event{Name: LessGiven}, "confirmed", "")
	if refused := decided(t, charging, Event{Name: ChargeRefused}, "editing_back", GiveLess); refused.Total != total || refused.Captured != total || refused.Edit != EditRefused {
		t.Errorf("%+v", refused)
	}
	stopped := decided(t, charging, Event{Name: Cancel, Reason: "changed my mind"}, "editing_money", "")
	if stopped = decided(t, stopped, Event{Name: Charged, Amount: money.New(700, "USD")}, "editing_back", GiveLess); stopped.Total != total || stopped.Captured != more || stopped.Reduced.Minor != 700 || stopped.Edit != EditRefused {
		t.Errorf("%+v", stopped)
	}
	decided(t, stopped, Event{Name: LessGiven}, "returning_money", ReturnMoney)

	free := in("confirmed")
	free.Captured = money.Zero("USD")
	if _, err := machine(t).Decide(free, Event{Name: Edit, Attempt: 1, Amount: more}, now); fault.CodeOf(err) != "edit-needs-payment" {
		t.Errorf("without a payment: %v", err)
	}
}

// A refund that is of several payments goes on with the next one when the first is done, and counts once what payment tells meanwhile.
func TestARefundOfSeveralPayments(t *testing.T) {
	t.Parallel()
	o := decided(t, in("picking"), Event{Name: Refund, Amount: money.New(1000, "USD")}, "picking", GiveBack)
	o = decided(t, o, Event{Name: MoneyGone, Amount: money.New(300, "USD")}, "picking", "")
	o = decided(t, o, Event{Name: Refunded, Amount: money.New(300, "USD")}, "picking", GiveBack)
	if o.Returned.Minor != 300 || o.ReturnedBefore.Minor != 300 || o.Refunding.Minor != 700 {
		t.Errorf("%+v", o)
	}
	o = decided(t, o, Event{Name: RefundUnsettled}, "picking", GiveBack)
	if o = decided(t, o, Event{Name: Refunded, Amount: money.New(700, "USD")}, "picking", ""); o.Returned.Minor != 1000 || o.Refunding.IsPositive() {
		t.Errorf("%+v", o)
	}
}
