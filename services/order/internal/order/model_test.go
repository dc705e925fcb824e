package order_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/internal/app"
	. "github.com/sidecart/sidecart/services/order/internal/order"
)

// What payment knows of an attempt's money, and inventory of its stock.
const (
	nothing     = ' '
	held        = 'h' // authorised
	waits       = 'w' // authorised, and captured once people say yes
	taken       = 't' // captured, or allocated
	declined    = 'd'
	closed      = 'x' // not executed, and never will be
	uncaptured  = 'u' // authorised; the capture was declined, or people said no
	gone        = 'g' // voided, refunded, released
	kept        = 'k' // of an edit that was made
	part        = 'p' // captured, and a part refunded
	unpaid      = 'b' // captured, and the bank did not pay
	credit      = 'c' // the same, and what a gift card paid is there
	original    = '1' // the payment by which it was placed
	newest      = '2' // that of an edit
	attempts    = 2
	refusals    = 1 // of giving money back, until it works
	lateAnswers = 2 // on their way at once
)

// aPart is what staff refund, and what a gift card paid when the bank does not pay the rest.
var aPart = money.New(1000, "USD")

// late is an answer that somebody has and has not recorded yet: of a driver that hangs, or of two that did the same.
type late struct {
	Name    EventName
	Attempt int
	Review  string
	Credit  bool // of settlement_declined: what a gift card paid is there
	Extra   bool // of settlement_declined: of the payment of an edit
}

// node is all there is: the order, what is to be done for it, the world outside, answers on their way, and what may still happen.
type node struct {
	order                      Order
	effect                     EffectKind
	money, stock               [attempts + 1]rune
	captures                   int
	late                       []late
	refused                    int
	cancelled, abandoned       bool // asked for
	staffReturned, cartOrdered bool
	bounced                    bool  // the bank did not pay
	refunded                   bool  // asked for, or an edit that gives back
	more                       rune  // what an edit adds: nothing, taken, or gone with the edit; kept once it is the order's
	edits                      int   // that may still be asked for
	less                       int64 // that the last of them makes it cost
	extra                      rune  // the payment of an edit that costs more: nothing, held, declined, closed, taken, gone, unpaid
	charges                    int
	ignored                    bool // that, told and not taken
	portion                    rune // of a refund under way, the payment that gives back: nothing yet, original or newest
	heard, heardExtra          bool // the order knows that the bank did not pay the first, or that of the edit, as the app keeps it
}

func (n node) key() string {
	o := n.order
	return fmt.Sprint(o.State, o.Attempt, o.Review, o.Captured.Minor, o.Returned.Minor, o.CancelReason != "", o.AbandonRequested, o.Unpaid, o.Refunding.Minor, o.Outcome.Kind, !o.PlacedAt.IsZero(), !o.CapturedAt.IsZero(),
		n.effect, string(n.money[:]), string(n.stock[:]), n.captures, n.late, n.refused, n.cancelled, n.abandoned, n.staffReturned, n.cartOrdered, n.bounced, n.refunded,
		string(n.more), n.edits, o.Edit, o.Owing.Minor, o.Total.Minor, string(n.extra), n.charges, o.Proposed.Minor, o.ReturnedBefore.Minor, o.Reduced.Minor, n.heard, n.heardExtra, n.ignored, string(n.portion), n.less)
}

// model walks from the order that does not exist to every state that crashes, lost and late answers, and impatient people can lead to.
// Fenced, as the store is: whoever takes an effect over gets a new stamp, and answers under an older one are not recorded.
type model struct {
	machine *Machine
	fenced  bool
	facts   *Facts
	alone   bool // nobody decides upon payments that wait, nor voids them
	edits   int  // how many; the order is confirmed then
	patient bool // a capture that waits has no answer even when the order was cancelled
	forgets bool // each try of a refund asks of which payment it is
}

// decide gives an event to the order; a refusal changes nothing.
func (m model) decide(n node, ev Event) (node, bool) {
	d, err := m.machine.Decide(n.order, ev, now)
	if err != nil {
		return n, false
	}
	n.order = d.Order
	switch {
	case d.Effect != nil:
		n.effect, n.portion = d.Effect.Kind, nothing
	case isAnswer(ev.Name) || m.machine.EffectOf(d.From) == Wait && d.From != d.Order.State:
		n.effect, n.portion = "", nothing
	}
	return n, true
}

func isAnswer(name EventName) bool {
	return !slices.Contains([]EventName{Place, Abandon, Cancel, MoneyGone, SettlementDeclined, ReviewClosed, Refund, Edit, Pick, Advance}, name)
}

// perform does the live effect in the world, in every way that it can go, and returns the world afterwards with the answer.
func (m model) perform(n node) (all []node, answers []EventName) {
	a := n.order.Attempt
	add := func(answer EventName, change func(n *node)) {
		after := n
		if change != nil {
			change(&after)
		}
		all, answers = append(all, after), append(answers, answer)
	}
	money := func(r rune) func(*node) { return func(n *node) { n.money[a] = r } }
	stock := func(r rune) func(*node) { return func(n *node) { n.stock[a] = r } }
	switch n.effect {
	case Authorise:
		switch n.money[a] {
		case nothing:
			add(Authorised, money(held))
			add(Authorised, money(waits))
			add(AuthoriseDeclined, money(declined))
			add(AuthoriseFailed, money(closed))
		case declined:
			add(AuthoriseDeclined, nil)
		case closed:
			add(AuthoriseFailed, nil)
		default:
			add(Authorised, nil)
		}
	case Allocate:
		switch n.stock[a] {
		case nothing:
			add(Allocated, stock(taken))
			add(AllocateShort, nil)
			add(AllocateRefused, nil)
			add(AllocateRefused, stock(taken)) // an earlier try took it
		case taken:
			add(Allocated, nil)
		default:
			add(AllocateRefused, nil)
		}
	case Capture:
		switch n.money[a] {
		case held:
			add(CaptureDone, func(n *node) { n.money[a], n.captures = taken, n.captures+1 })
			add(CaptureDeclined, money(uncaptured))
			add(CaptureFailed, nil)
		case waits: // as the driver does
			if n.order.CancelReason != "" && !m.patient {
				add(CaptureFailed, nil)
			}
		case taken, part, unpaid, credit:
			add(CaptureDone, nil)
		default:
			add(CaptureDeclined, nil)
		}
	case Void, ReturnMoney:
		done, no := Voided, VoidRefused
		if n.effect == ReturnMoney {
			done, no = MoneyReturned, MoneyReturnFailed
		}
		give := func(n *node) {
			if n.money[a] != declined && n.money[a] != closed && n.money[a] != unpaid {
				n.money[a] = gone
			}
			giveExtra(n)
		}
		add(done, give)
		if n.refused < refusals {
			add(no, func(n *node) { n.refused++ })
			add(no, func(n *node) { n.refused++; giveExtra(n) }) // the newest first
		}
	case Release:
		add(Released, func(n *node) {
			if n.stock[a] = gone; n.more == kept {
				n.more = gone
			}
		})
	case TakeMore:
		switch n.more {
		case nothing:
			add(MoreTaken, func(n *node) { n.more = taken })
			add(MoreRefused, nil)
			add(MoreRefused, func(n *node) { n.more = taken }) // an earlier try took it
		case taken:
			add(MoreTaken, nil)
		default: // a later edition has been
			add(MoreRefused, nil)
		}
	case GiveLess:
		add(LessGiven, func(n *node) {
			if n.more = kept; n.order.Edit == EditRefused {
				n.more = gone
			}
		})
	case Charge:
		switch n.extra {
		case nothing:
			add(Charged, func(n *node) { n.extra, n.charges = taken, n.charges+1 })
			add(ChargeRefused, func(n *node) { n.extra = declined })
			add(ChargeRefused, func(n *node) { n.extra = closed }) // nobody heard of it, and payment gave it up
			add("", func(n *node) { n.extra = held })              // authorised, and died before it was captured
		case held:
			add(Charged, func(n *node) { n.extra, n.charges = taken, n.charges+1 })
			add(ChargeRefused, func(n *node) { n.extra = closed }) // the capture was declined: it is given free
			add("", func(n *node) { n.extra = closed })
		case declined, closed:
			add(ChargeRefused, nil)
		default:
			add(Charged, nil)
		}
	case GiveBack:
		if n.portion == nothing || m.forgets { // of the newest that has any, by payment's books; kept before payment is asked for it
			if n.portion = original; n.charged() && n.extra == taken {
				n.portion = newest
			}
			add("", nil)
		}
		switch from := n.money[a]; {
		case n.portion == newest && n.extra == taken:
			add(Refunded, giveExtra)
			add(RefundUnsettled, nil)
			add(RefundRefused, nil)
		case n.portion == newest && n.extra == gone: // a try before gave it back
			add(Refunded, nil)
		case n.portion == newest: // the bank did not pay it
			add(RefundRefused, nil)
		case from == taken:
			add(Refunded, money(part))
			add(RefundUnsettled, nil)
			add(RefundRefused, nil)
		case from == part: // a try before gave it back
			add(Refunded, nil)
		default:
			add(RefundRefused, nil)
		}
	case Wait:
		add(TimePassed, nil)
	}
	return all, answers
}

// charged says whether the payment of an edit is one of the order's, as far as it knows.
func (n node) charged() bool {
	return n.charges > 0 && !n.heardExtra && n.order.State != "editing_money"
}

// giveExtra gives back what an edit had charged.
func giveExtra(n *node) {
	if n.extra == taken {
		n.extra = gone
	}
}

// event is an answer as the driver gives it.
func (l late) event() Event {
	name := l.Name
	ev := Event{Name: name, Attempt: l.Attempt, Amount: total, Review: l.Review}
	switch {
	case name == Charged, name == Refunded, name == SettlementDeclined && l.Credit:
		ev.Amount = aPart
	case name == SettlementDeclined:
		ev.Amount = money.Zero("USD")
	}
	if name == AuthoriseDeclined || name == AuthoriseFailed || name == AllocateShort || name == AllocateRefused || name == CartTaken {
		ev.Outcome = Outcome{Kind: Failed, Retryable: true}
	}
	return ev
}

// next are all nodes one step further.
func (m model) next(n node) (all []node) {
	step := func(from node, ev Event) {
		if after, ok := m.decide(from, ev); ok {
			all = append(all, after)
		}
	}
	record := func(from node, l late) {
		if l.Name == Allocated && from.cartOrdered { // the database refuses a second order of the cart
			l.Name = CartTaken
		}
		ev := l.event()
		if l.Name == LessGiven {
			ev.Amount.Minor = from.less
		}
		if l.Name == RefundRefused { // what of it an edit took off
			ev.Amount.Minor = min(from.order.Refunding.Minor, from.order.Owing.Minor)
		}
		if l.Name == MoneyGone && (from.order.Unpaid || from.charged()) { // as the app does: what is missing and not heard of has not gone back
			if ev.Amount = from.order.Captured; from.extra == taken || from.extra == unpaid && !from.heardExtra {
				ev.Amount.Minor -= aPart.Minor
			}
		}
		if l.Name != SettlementDeclined {
			step(from, ev)
			return
		}
		heard := from
		switch { // of each payment once
		case l.Extra:
			heard.heardExtra = true
			ev.Amount.Minor = max(0, from.order.Captured.Minor-aPart.Minor)
		default:
			if heard.heard = true; from.charged() {
				ev.Amount.Minor += aPart.Minor
			}
		}
		if after, ok := m.decide(heard, ev); ok {
			all = append(all, after)
		} else if s := from.order.State; s == "confirmed" || s == "picking" || s == "returning_money" {
			from.ignored = true
			all = append(all, from)
		}
	}
	if n.effect != "" {
		worlds, answers := m.perform(n)
		for i, w := range worlds {
			if m.fenced {
				w.late = slices.DeleteFunc(slices.Clone(w.late), func(l late) bool { return isAnswer(l.Name) })
			}
			l := late{Name: answers[i], Attempt: n.order.Attempt}
			if l.Name == "" {
				all = append(all, w)
				continue
			}
			if l.Name == Authorised && w.money[l.Attempt] == waits {
				l.Review = ReviewPending
			}
			record(w, l)         // done and recorded
			all = append(all, w) // done, and died before it was recorded
			if len(w.late) < lateAnswers && !slices.Contains(w.late, l) {
				w.late = append(slices.Clone(w.late), l)
				all = append(all, w) // done, and somebody hangs with the answer
			}
		}
	}
	for i, l := range n.late {
		rest := n
		rest.late = slices.Delete(slices.Clone(n.late), i, i+1)
		record(rest, l)
		all = append(all, rest) // it never comes, or is refused
	}
	if n.order.Attempt < attempts {
		step(n, Event{Name: Place, Attempt: n.order.Attempt + 1, Place: &Placing{OrderID: "o", CheckoutID: "c", CartID: "k", Total: total}})
	}
	for state, name := range m.machine.StaffMay(n.order) {
		if name != Ship { // nothing is held for what has left
			step(n, Event{Name: name, Attempt: n.order.Attempt, To: state})
		}
	}
	if asked := n; !n.abandoned {
		asked.abandoned = true
		step(asked, Event{Name: Abandon, Attempt: n.order.Attempt})
	}
	if asked := n; !n.cancelled {
		asked.cancelled = true
		step(asked, Event{Name: Cancel, Attempt: n.order.Attempt, Reason: "changed my mind"})
	}
	if asked := n; !n.refunded {
		asked.refunded = true
		step(asked, Event{Name: Refund, Attempt: n.order.Attempt, Amount: aPart})
	}
	for _, less := range []int64{0, aPart.Minor} {
		asked := n
		if n.edits == 0 || less > 0 && n.refunded {
			continue
		}
		if at := asked; less == 0 { // where it goes, and no goods
			at.edits--
			step(at, Event{Name: Edit, Attempt: n.order.Attempt, Amount: n.order.Total, Same: true})
		}
		asked.edits, asked.more, asked.refunded = n.edits-1, nothing, n.refunded || less > 0
		asked.less = less
		step(asked, Event{Name: Edit, Attempt: n.order.Attempt, Amount: money.New(n.order.Total.Minor-less, "USD")})
	}
	if asked := n; n.edits > 0 && n.charges == 0 {
		asked.edits, asked.more, asked.extra, asked.less = n.edits-1, nothing, nothing, 0
		step(asked, Event{Name: Edit, Attempt: n.order.Attempt, Amount: money.New(n.order.Total.Minor+aPart.Minor, "USD")})
	}
	if other := n; !n.cartOrdered && n.order.PlacedAt.IsZero() && n.order.Attempt > 0 {
		other.cartOrdered = true
		all = append(all, other)
	}
	if a := n.order.Attempt; !m.alone && n.money[a] == waits && len(n.late) < lateAnswers {
		for review, to := range map[string]rune{ReviewApproved: held, ReviewRejected: uncaptured} {
			people := n
			people.money[a] = to
			people.late = append(slices.Clone(n.late), late{Name: ReviewClosed, Attempt: a, Review: review})
			all = append(all, people)
		}
	}
	if a := n.order.Attempt; !m.alone && !n.staffReturned && strings.ContainsRune(string([]rune{taken, part, held, waits, credit}), n.money[a]) && !n.order.PlacedAt.IsZero() {
		staff := n
		staff.staffReturned = true
		staff.money[a] = gone
		giveExtra(&staff)
		if l := (late{Name: MoneyGone, Attempt: a}); len(n.late) < lateAnswers {
			staff.late = append(slices.Clone(n.late), l)
			all = append(all, staff)
		}
	}
	if a := n.order.Attempt; !n.bounced && n.money[a] == taken && len(n.late) < lateAnswers {
		for _, left := range []rune{unpaid, credit} {
			bank := n
			bank.bounced, bank.money[a] = true, left
			bank.late = append(slices.Clone(n.late), late{Name: SettlementDeclined, Attempt: a, Credit: left == credit})
			all = append(all, bank)
		}
	}
	if n.extra == taken && len(n.late) < lateAnswers {
		bank := n
		bank.extra = unpaid
		bank.late = append(slices.Clone(n.late), late{Name: SettlementDeclined, Attempt: n.order.Attempt, Extra: true})
		all = append(all, bank)
	}
	return all
}

// sound says what is wrong with a node; nothing is, on the way or at rest.
func (m model) sound(n node) (faults []string) {
	o, a := n.order, n.order.Attempt
	bad := func(is bool, what string) {
		if is {
			faults = append(faults, what)
		}
	}
	extra := int64(0) // of an edit, and there
	if n.extra == taken {
		extra = aPart.Minor
	}
	editing := strings.HasPrefix(string(o.State), "editing")
	bad(n.captures > 1 || n.charges > 1, "captured twice")
	wanted := m.machine.EffectOf(o.State)
	if o.Refunding.IsPositive() || n.effect == GiveBack && o.Unpaid { // of what was not paid nothing is left to give back
		wanted = GiveBack
	}
	bad(wanted != n.effect, fmt.Sprintf("to be done: %q, but %q should be", n.effect, wanted))
	for k := 1; k < a; k++ { // an attempt that is over has left nothing
		bad(holds(n.money[k]), fmt.Sprintf("attempt %d left money", k))
		bad(n.stock[k] == taken, fmt.Sprintf("attempt %d left stock", k))
	}
	bad(o.State == "placed" && n.stock[a] != taken, "placed without stock")
	bad(o.State == "placed" && !strings.ContainsRune(string([]rune{held, waits, taken, uncaptured, unpaid, credit}), n.money[a]) && !n.staffReturned, "placed without money")
	bad(o.State == "confirmed" && (n.stock[a] != taken || n.money[a] != taken && n.money[a] != part && !n.staffReturned && !n.bounced || n.captures != 1), "confirmed without stock or money")
	quiet := n.effect == "" && !n.staffReturned && !o.CapturedAt.IsZero() && n.heard == strings.ContainsRune(string([]rune{unpaid, credit}), n.money[a]) && n.heardExtra == (n.extra == unpaid)
	there := map[rune]int64{taken: total.Minor, part: total.Minor - aPart.Minor, credit: aPart.Minor}[n.money[a]]
	bad(quiet && o.Captured.Minor-o.Returned.Minor != there+extra, fmt.Sprintf("%d are there, and %s less %s in the order's books", there+extra, o.Captured, o.Returned))
	bad(o.Unpaid && n.money[a] == credit && n.extra != gone && n.extra != unpaid && o.Captured.Minor-o.Returned.Minor != aPart.Minor+extra, "what a gift card paid is not in the order's books")
	bad(!o.PlacedAt.IsZero() && n.cartOrdered, "a second order of the cart")
	bad(editing != (o.Edit != ""), fmt.Sprintf("%s with an edit that is %q", o.State, o.Edit))
	bad(!editing && n.more == taken, "an edit is over, and what it took is nobody's")
	bad(o.State == "cancelled" && n.more == kept, "cancelled, and what an edit added is not free")
	bad(o.State == "confirmed" && n.money[a] == part && o.Refunding.IsZero() && o.Returned != aPart && !n.staffReturned, "what went back is not in the order's books")
	bad(o.Captured.IsPositive() && !o.Unpaid && o.Captured.Minor != o.Total.Minor+o.Reduced.Minor, "captured is not what the order cost")
	bad(!editing && !o.Unpaid && o.CancelReason == "" && o.Returned.Minor+o.Owing.Minor < o.Reduced.Minor, "what an edit took off is neither back nor owed")
	bad(o.Owing.Minor > o.Reduced.Minor || o.State == "cancelled" && o.Owing.IsPositive(), "more is owed than edits took off")
	bad(o.Unpaid && o.Owing.Minor > max(0, o.Captured.Minor-o.Returned.Minor-o.Total.Minor), "owed, and nobody paid it")
	bad(n.ignored, "the bank did not pay, and nobody hears of it")
	bad(o.State != "editing_money" && n.extra == held, "what was authorised for an edit is nobody's")
	bad(!editing && extra > 0 && !o.Unpaid && o.Captured.Minor-o.Reduced.Minor != total.Minor+extra && o.Reduced.IsZero(), "charged, and not in the order's books")
	if n.effect == "" && (o.State == "attempt_failed" || o.State == "abandoned" || o.State == "cancelled") {
		bad(holds(n.money[a]) || extra > 0, "over, but the money is not back")
		bad(n.stock[a] == taken, "over, but the stock is not free")
	}
	return faults
}

// holds says whether money of the customer's is held or taken.
func holds(money rune) bool {
	return strings.ContainsRune(string([]rune{held, waits, taken, part, uncaptured, credit}), money)
}

// rests says whether nothing more happens by itself.
func rests(n node) bool { return n.effect == "" && n.order.Attempt > 0 }

// explore visits every node. It ends at the first that is not sound, with the way there.
func (m model) explore() (nodes []node, from [][]int, depth, steps int, fault string) {
	first := node{order: Order{State: New, Facts: m.facts, Captured: money.Zero("USD"), Returned: money.Zero("USD")}, more: nothing, extra: nothing, portion: nothing, edits: m.edits}
	for i := range first.money {
		first.money[i], first.stock[i] = nothing, nothing
	}
	if m.edits > 0 { // nothing can be edited before
		first.cartOrdered, first.abandoned = true, true
		first.money[1], first.stock[1], first.captures = taken, taken, 1
		first, _ = m.decide(first, Event{Name: Place, Attempt: 1, Place: &Placing{OrderID: "o", CheckoutID: "c", CartID: "k", Total: total}})
		for _, name := range []EventName{Authorised, Allocated, CaptureDone} {
			first, _ = m.decide(first, Event{Name: name, Attempt: 1, Amount: total})
		}
		first.cartOrdered = false
	}
	index := map[string]int{first.key(): 0}
	nodes, from = []node{first}, [][]int{nil} // from: who leads there
	parent, far := []int{-1}, []int{0}
	for i := 0; i < len(nodes); i++ {
		if faults := m.sound(nodes[i]); len(faults) > 0 {
			way := strings.Join(faults, "; ")
			for at := i; at >= 0; at = parent[at] {
				way += "\nafter " + nodes[at].key()
			}
			return nodes, from, far[i], steps, way
		}
		for _, n := range m.next(nodes[i]) {
			steps++
			k := n.key()
			j, known := index[k]
			if !known {
				j = len(nodes)
				index[k] = j
				nodes, from, parent, far = append(nodes, n), append(from, nil), append(parent, i), append(far, far[i]+1)
			}
			from[j] = append(from[j], i)
		}
	}
	return nodes, from, slices.Max(far), steps, ""
}

// canRest says of each node whether a way leads from it to one where nothing more happens by itself.
func canRest(nodes []node, from [][]int) []bool {
	can := make([]bool, len(nodes))
	var queue []int
	for i, n := range nodes {
		if can[i] = rests(n); can[i] {
			queue = append(queue, i)
		}
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, before := range from[at] {
			if !can[before] {
				can[before] = true
				queue = append(queue, before)
			}
		}
	}
	return can
}

// Every interleaving of an order's saga: each effect with each of its outcomes; a crash before the effect, after it, and after its record;
// answers that come late, twice, or for an attempt that is over; people who cancel and abandon, staff who give money back, a second order
// of the cart. No state breaks an invariant, and from each there is a way to rest.
func TestEveryInterleaving(t *testing.T) {
	t.Parallel()
	walkWhole(t, model{machine: machine(t), fenced: true})
}

// An order whose payment waits needs nobody but who cancels it: with people who never decide, each state still has a way to rest. Without
// the driver's answer to a capture that waits, it would not.
func TestACancelWaitsForNobody(t *testing.T) {
	t.Parallel()
	m := model{machine: machine(t), fenced: true, alone: true}
	walkWhole(t, m)
	m.patient = true
	nodes, from, _, _, fault := m.explore()
	if fault != "" {
		t.Fatal(fault)
	}
	for i, ok := range canRest(nodes, from) {
		if n := nodes[i]; !ok && n.order.State == "placed" && n.order.CancelReason != "" && n.money[n.order.Attempt] == waits {
			return
		}
	}
	t.Error("the model does not find orders that wait for people")
}

// The same of a confirmed order that is edited: stock that is short or taken by a try that nobody heard of, cancels and money that comes back
// in the middle, refunds beside it, two edits one after the other.
func TestEveryInterleavingOfAnEdit(t *testing.T) {
	t.Parallel()
	walkWhole(t, model{machine: machine(t), fenced: true, edits: 2})
}

// The same for the example of a merchant's machine, of an order that is a gift.
func TestEveryInterleavingOfAGift(t *testing.T) {
	t.Parallel()
	machines, err := app.ReadMachines("../../../../docs/examples/order-gift-wrapping.yaml")
	if err != nil {
		t.Fatal(err)
	}
	gift := model{machine: machines.Current(), fenced: true, facts: &Facts{Lines: []LineFacts{{SKU: "shirt", Metadata: map[string]any{"gift_wrap": true}}}}}
	walkWhole(t, gift)
	gift.edits = 1
	walkWhole(t, gift)
}

func walkWhole(t *testing.T, m model) {
	t.Helper()
	nodes, from, depth, steps, fault := m.explore()
	if fault != "" {
		t.Fatal(fault)
	}
	for i, ok := range canRest(nodes, from) {
		if !ok {
			t.Fatalf("no way to rest from %s", nodes[i].key())
		}
	}
	seen := map[State]bool{}
	for _, n := range nodes {
		seen[n.order.State] = true
	}
	for _, s := range m.machine.States() {
		placing := s.Status == "" || s.Name == "placed"
		if !seen[s.Name] && !slices.Contains([]State{"shipped", "delivered", "returned"}, s.Name) && strings.HasPrefix(string(s.Name), "editing") == (m.edits > 0) && !(m.edits > 0 && placing) {
			t.Errorf("no way leads to %s", s.Name)
		}
	}
	t.Logf("%d states, %d steps between them, the farthest %d steps away", len(nodes), steps, depth)
	if len(nodes) < 1000 {
		t.Errorf("only %d states: the model explores too little", len(nodes))
	}
}

// The model finds what it looks for: without the stamp that fences an effect which was taken over, a late "out of stock" would free nothing
// that a second try has taken.
func TestTheFenceIsNeeded(t *testing.T) {
	t.Parallel()
	if _, _, _, _, fault := (model{machine: machine(t)}).explore(); !strings.Contains(fault, "stock is not free") {
		t.Errorf("without the fence: %q", fault)
	}
}

// Nor would a refund be right that asks anew of which payment it is: a try after one that nobody heard of would give back of the next one too.
func TestThePortionIsNeeded(t *testing.T) {
	t.Parallel()
	if _, _, _, _, fault := (model{machine: machine(t), fenced: true, edits: 2, forgets: true}).explore(); !strings.Contains(fault, "in the order's books") {
		t.Errorf("with a refund that forgets: %q", fault)
	}
}
