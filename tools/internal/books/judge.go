package books

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The subscriptions that must know the last event of each subject.
const (
	pricingOfCatalog   = "pricing ← catalog"
	cartOfCatalog      = "cart ← catalog"
	cartOfInventory    = "cart ← inventory"
	catalogOfInventory = "catalog ← inventory"
	catalogOfPricing   = "catalog ← pricing"
	searchOfCatalog    = "search ← catalog"
	searchOfInventory  = "search ← inventory"
	searchOfPricing    = "search ← pricing"
)

// productVersions is told like a topic: the products of catalog with their versions.
const productVersions = "catalog's products"

// subscriptions by topic.
var subscriptions = map[string][]string{
	"catalog":       {pricingOfCatalog, searchOfCatalog},
	productVersions: {cartOfCatalog},
	"inventory":     {cartOfInventory, catalogOfInventory, searchOfInventory},
	"pricing":       {catalogOfPricing, searchOfPricing},
}

// The states of an order, as its machine has them.
var (
	// halfway: somebody has to do the next step.
	halfway = []string{"authorising", "allocating", "freeing", "undoing", "placed", "editing_stock", "editing_money", "editing_back", "returning_money", "releasing"}
	// undone: neither stock nor money may be left.
	undone = []string{"attempt_failed", "abandoned", "cancelled"}
)

// kept: the customer's money is there for good. So it is in the states that a merchant's machine adds.
func (o *Order) kept() bool {
	return !slices.Contains(halfway, o.State) && !slices.Contains(undone, o.State)
}

// reserved: stock is taken for the order.
func (o *Order) reserved() bool {
	return o.kept() || o.State == "placed" || o.State == "returning_money"
}

// judge collects what it finds.
type judge struct {
	s          *Snapshot
	grace      time.Duration
	violations []Violation

	orders   map[string]*Order
	payments map[string]*Payment
}

// Judge compares the books.
func Judge(s Snapshot, grace time.Duration) Report {
	j := &judge{s: &s, grace: grace, orders: map[string]*Order{}, payments: map[string]*Payment{}}
	for i := range s.Orders {
		j.orders[s.Orders[i].ID] = &s.Orders[i]
	}
	for i := range s.Payments {
		j.payments[s.Payments[i].ID] = &s.Payments[i]
	}
	j.levels()
	j.sold()
	j.once()
	j.amounts()
	j.credit()
	j.gateway()
	j.money()
	j.events()
	j.violations = append(j.violations, s.Broken...)
	slices.SortStableFunc(j.violations, func(a, b Violation) int {
		return strings.Compare(a.Invariant+a.Rule+a.ID, b.Invariant+b.Rule+b.ID)
	})
	return Report{At: s.At, Counts: s.counts(), Violations: j.violations}
}

func (s *Snapshot) counts() map[string]int64 {
	placed := int64(0)
	for _, o := range s.Orders {
		if o.Placed {
			placed++
		}
	}
	events := int64(0)
	for _, t := range s.Told {
		events += t.Sequence
	}
	return map[string]int64{"levels": int64(len(s.Levels)), "allocations": int64(len(s.Allocations)), "orders": int64(len(s.Orders)), "placed": placed,
		"checkouts": int64(len(s.Checkouts)), "payments": int64(len(s.Payments)), "transactions": int64(len(s.Transactions)), "replicated events": events}
}

func (j *judge) found(invariant, rule, id, format string, args ...any) {
	j.violations = append(j.violations, Violation{Invariant: invariant, Rule: rule, ID: id, Detail: fmt.Sprintf(format, args...)})
}

func (j *judge) young(at time.Time) bool { return j.s.young(at, j.grace) }

// levels: I1.
func (j *judge) levels() {
	for _, l := range j.s.Levels {
		id := l.SKU + "@" + l.Location
		if l.OnHand != l.LedgerOnHand || l.Allocated != l.LedgerAllocated || l.Owed != l.LedgerOwed {
			j.found("I1", "level-is-not-the-ledger", id, "on hand %d, allocated %d, owed %d; the ledger says %d, %d and %d",
				l.OnHand, l.Allocated, l.Owed, l.LedgerOnHand, l.LedgerAllocated, l.LedgerOwed)
		}
		if l.Allocated != l.Reserved || l.Owed != l.ReservedOwed {
			j.found("I1", "allocated-is-not-reserved", id, "allocated %d and owed %d, reserved %d and %d", l.Allocated, l.Owed, l.Reserved, l.ReservedOwed)
		}
		if l.Allocated < 0 || l.Allocated > l.OnHand {
			j.found("I1", "allocated-out-of-bounds", id, "allocated %d of %d", l.Allocated, l.OnHand)
		}
		if l.Owed < 0 || l.Owed > l.MayOwe {
			j.found("I1", "owed-out-of-bounds", id, "owed %d of %d", l.Owed, l.MayOwe)
		}
	}
}

// sold: I2. What is owed was sold without being stocked.
func (j *judge) sold() {
	stocked, sold := map[string]int64{}, map[string]int64{}
	for _, c := range j.s.Stocked {
		stocked[c.SKU] = c.Quantity
	}
	for _, l := range j.s.Levels {
		stocked[l.SKU] += l.Owed
	}
	held := map[string]*Allocation{}
	for i := range j.s.Allocations {
		a := &j.s.Allocations[i]
		if a.Status != "allocated" {
			continue
		}
		held[a.ID] = a
		o := j.orders[orderOf(a.ID)]
		switch {
		case j.young(a.At):
		case o == nil:
			j.found("I2", "stock-without-order", a.ID, "allocated, but there is no such order")
		case slices.Contains(undone, o.State) || a.ID != o.attempt():
			j.found("I2", "stock-without-order", a.ID, "allocated, but the order is %s at attempt %d", o.State, o.Attempt)
		}
	}
	for i := range j.s.Orders {
		o := &j.s.Orders[i]
		if !o.reserved() {
			continue
		}
		for sku, n := range o.Lines {
			sold[sku] += n
		}
		if a := held[o.attempt()]; j.young(o.At) {
			continue
		} else if a == nil {
			j.found("I2", "sold-unreserved", o.ID, "is %s without an allocation", o.State)
		} else if !maps.Equal(a.Lines, o.Lines) {
			j.found("I2", "sold-unreserved", o.ID, "sold %v, reserved %v", o.Lines, a.Lines)
		}
	}
	for _, sku := range slices.Sorted(maps.Keys(sold)) {
		if sold[sku] > stocked[sku] {
			j.found("I2", "oversold", sku, "sold %d, stocked or owed %d", sold[sku], stocked[sku])
		}
	}
}

// attempt is the id of what others keep for an order's present attempt.
func (o *Order) attempt() string { return fmt.Sprintf("%s-%d", o.ID, o.Attempt) }

// orderOf is the order of an id "<order>-<attempt>".
func orderOf(id string) string {
	if i := strings.LastIndexByte(id, '-'); i > 0 {
		return id[:i]
	}
	return id
}

// forEdits is the attempt from which payments are of edits that made an order cost more: each stands beside the one by which it was placed.
const forEdits = 1_000_000

// charging names what may hold money once: an order, but for its edits' payments.
func charging(payment string) string {
	order := orderOf(payment)
	if attempt, err := strconv.Atoi(strings.TrimPrefix(payment, order+"-")); err == nil && attempt >= forEdits {
		return payment
	}
	return order
}

// events: I5.
func (j *judge) events() {
	for _, u := range j.s.Unsent {
		if !j.young(u.At) {
			j.found("I5", "unsent", u.Service+" "+u.Type+" "+u.Subject, "waits since %s", j.s.At.Sub(u.At).Round(time.Second))
		}
	}
	for _, t := range j.s.Told {
		if j.young(t.At) || t.Topic == "inventory" && strings.Contains(t.Subject, ":") { // of a hold, told to checkout alone, or of an allocation, told to order alone
			continue
		}
		for _, sub := range subscriptions[t.Topic] {
			if got := j.s.Consumed[sub][t.Subject]; got != t.Sequence {
				j.found("I5", "not-taken-in", sub+" "+t.Subject, "knows %d of %d", got, t.Sequence)
			}
		}
	}
	completed := map[string]bool{}
	open := map[string]*Checkout{}
	for i := range j.s.Checkouts {
		c := &j.s.Checkouts[i]
		completed[c.Order] = completed[c.Order] || c.Status == "completed"
		if c.Status == "open" && c.Hold == "held" {
			open[c.Cart] = c
		}
	}
	for _, o := range j.s.Orders {
		if !o.Placed || j.young(o.At) {
			continue
		}
		if !completed[o.ID] {
			j.found("I5", "not-taken-in", "checkout ← order "+o.ID, "checkout %s is not completed", o.Checkout)
		}
		if status, there := j.s.Closed[o.Cart]; there && status != "completed" { // a cart that expired is gone
			j.found("I5", "not-taken-in", "cart ← order "+o.ID, "cart %s is %s", o.Cart, status)
		}
	}
	for _, u := range j.s.Coupons {
		if !j.s.Counted[u.Event] && !j.young(u.At) {
			j.found("I5", "not-taken-in", "pricing ← order "+u.Order, "the use of its coupons is not counted")
		}
	}
	for _, e := range j.s.Expired {
		if c := open[e.Cart]; c != nil && !c.HoldUntil.After(e.Until) && !j.young(e.At) {
			j.found("I5", "not-taken-in", "checkout ← inventory "+c.ID, "still holds %s, whose hold ended", e.SKU)
		}
	}
}
