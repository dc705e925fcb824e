package cart

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/pkg/fault"
)

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// after folds events from nothing.
func after(t rapid.TB, id string, events ...Event) Cart {
	t.Helper()
	c := Cart{ID: id}
	for _, e := range append([]Event{Created{Currency: "USD", Country: "US"}}, events...) {
		var err error
		if c, err = c.Apply(Recorded{Version: c.Version + 1, At: at, Event: e}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func lines(items ...Item) LinesAdded {
	c := Cart{Status: Open}
	e, err := c.Add(items...)
	if err != nil {
		panic(err)
	}
	return e.(LinesAdded)
}

// Every state × every command.
func TestTransitions(t *testing.T) {
	t.Parallel()
	some := []Event{lines(Item{SKU: "a", Quantity: 2}), CouponAdded{Code: "X"}}
	states := map[string]Cart{
		"empty":     after(t, "c"),
		"filled":    after(t, "c", some...),
		"completed": after(t, "c", append(some, OrderPlaced{OrderID: "o1"})...),
		"merged":    after(t, "c", append(some, MergedInto{Into: "d"})...),
	}
	guest := after(t, "g", lines(Item{SKU: "b", Quantity: 1}))
	commands := map[string]func(c Cart) (Event, error){
		"add":           func(c Cart) (Event, error) { return c.Add(Item{SKU: "b", Quantity: 1}) },
		"add nothing":   func(c Cart) (Event, error) { return c.Add() },
		"change":        func(c Cart) (Event, error) { return c.SetQuantity("l1", 3) },
		"change to it":  func(c Cart) (Event, error) { return c.SetQuantity("l1", 2) },
		"remove":        func(c Cart) (Event, error) { return c.SetQuantity("l1", 0) },
		"coupon":        func(c Cart) (Event, error) { return c.AddCoupon(" y ") },
		"coupon again":  func(c Cart) (Event, error) { return c.AddCoupon("x") },
		"remove coupon": func(c Cart) (Event, error) { return c.RemoveCoupon("x") },
		"merge":         func(c Cart) (Event, error) { e, _, err := c.Merge(&guest); return e, err },
		"be merged":     func(c Cart) (Event, error) { _, e, err := guest.Merge(&c); return e, err },
		"place":         func(c Cart) (Event, error) { return c.Place("o9"), nil },
	}
	added := func(id string) Event { return LinesAdded{Lines: []Line{{ID: id, SKU: "b", Quantity: 1}}} }
	in := func(id string) Event { return MergedIn{From: "g", Lines: []Line{{ID: id, SKU: "b", Quantity: 1}}} }
	placed := Event(OrderPlaced{OrderID: "o9"})
	want := map[string]map[string]any{ // an Event, an error, or nil for no event
		"empty": {"add": added("l1"), "add nothing": nil, "change": ErrLine, "change to it": ErrLine, "remove": ErrLine, "coupon": CouponAdded{Code: "Y"},
			"coupon again": CouponAdded{Code: "X"}, "remove coupon": ErrCoupon, "merge": in("l1"), "be merged": MergedInto{Into: "g"}, "place": placed},
		"filled": {"add": added("l2"), "add nothing": nil, "change": QuantityChanged{LineID: "l1", Quantity: 3}, "change to it": nil, "remove": LineRemoved{LineID: "l1"},
			"coupon": CouponAdded{Code: "Y"}, "coupon again": nil, "remove coupon": CouponRemoved{Code: "X"}, "merge": in("l2"), "be merged": MergedInto{Into: "g"}, "place": placed},
		"completed": {"place": nil},
		"merged":    {"place": placed},
	}
	for name := range commands {
		for state, refusal := range map[string]error{"completed": ErrCompleted, "merged": ErrMerged} {
			if _, said := want[state][name]; !said {
				want[state][name] = refusal
			}
		}
	}
	for state, c := range states {
		for name, command := range commands {
			event, err := command(c)
			switch w := want[state][name].(type) {
			case error:
				if !errors.Is(err, w) || event != nil {
					t.Errorf("%s × %s: %v, %v; want the refusal %v", state, name, event, err, w)
				}
			default:
				if err != nil || !cmp.Equal(w, any(event)) {
					t.Errorf("%s × %s: %#v, %v; want %#v", state, name, event, err, w)
				}
			}
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	full := make([]Item, MaxLines)
	for i := range full {
		full[i] = Item{SKU: fmt.Sprint("s", i), Quantity: 1}
	}
	c := after(t, "c", lines(full...))
	if _, err := c.Add(Item{SKU: "one-more", Quantity: 1}); !errors.Is(err, ErrLines) {
		t.Errorf("line 501: %v", err)
	}
	if _, err := c.Add(Item{SKU: "s0", Quantity: MaxQuantity - 1}); err != nil {
		t.Errorf("up to the limit: %v", err)
	}
	for _, q := range []int64{MaxQuantity, 1<<63 - 1} {
		_, err := c.Add(Item{SKU: "s0", Quantity: q})
		if f, ok := fault.As(err); !ok || !errors.Is(err, ErrQuantity) || f.Extra["sku"] != "s0" {
			t.Errorf("%d more: %v", q, err)
		}
	}
	if _, err := c.Add(Item{SKU: "s1", Quantity: 9000}, Item{SKU: "s1", Quantity: 9000}); !errors.Is(err, ErrQuantity) {
		t.Errorf("twice in one batch: %v", err)
	}
	if _, err := c.SetQuantity("l1", MaxQuantity+1); !errors.Is(err, ErrQuantity) {
		t.Errorf("set above: %v", err)
	}
	guest := after(t, "g", lines(Item{SKU: "new", Quantity: 1}))
	if _, _, err := c.Merge(&guest); !errors.Is(err, ErrLines) {
		t.Errorf("merge above: %v", err)
	}
	coupons := after(t, "k")
	for i := range MaxCoupons {
		coupons, _ = coupons.Apply(Recorded{Version: coupons.Version + 1, At: at, Event: CouponAdded{Code: fmt.Sprint("C", i)}})
	}
	if _, err := coupons.AddCoupon("ELEVEN"); !errors.Is(err, ErrCoupons) {
		t.Errorf("coupon 11: %v", err)
	}
}

func TestABrokenLogIsAnError(t *testing.T) {
	t.Parallel()
	c := after(t, "c")
	for name, r := range map[string]Recorded{
		"a gap":           {Version: 3, Event: CouponAdded{Code: "X"}},
		"again":           {Version: 1, Event: Created{}},
		"created twice":   {Version: 2, Event: Created{}},
		"no such line":    {Version: 2, Event: QuantityChanged{LineID: "l1", Quantity: 1}},
		"nothing to take": {Version: 2, Event: LineRemoved{LineID: "l1"}},
	} {
		if _, err := c.Apply(r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Laws over random commands: the fold of the log is the state, whatever the fold begins with; no line is lost or doubled; limits
// hold; Apply leaves its receiver alone.
func TestLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := after(t, "c")
		log := []Recorded{}
		want := map[string]int64{} // SKU → quantity
		sku := rapid.SampledFrom([]string{"a", "b", "c", "d"})
		var middle Cart
		for range rapid.IntRange(1, 40).Draw(t, "commands") {
			var event Event
			var err error
			var do func()
			switch rapid.IntRange(0, 4).Draw(t, "command") {
			case 0, 1:
				items := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Item {
					return Item{SKU: sku.Draw(t, "sku"), Quantity: rapid.Int64Range(1, 6000).Draw(t, "quantity")}
				}), 1, 3).Draw(t, "items")
				event, err = c.Add(items...)
				do = func() {
					for _, it := range items {
						want[it.SKU] += it.Quantity
					}
				}
			case 2:
				i := rapid.IntRange(0, 5).Draw(t, "line")
				q := rapid.Int64Range(0, MaxQuantity+1).Draw(t, "quantity")
				id := fmt.Sprint("l", i)
				line, _ := c.Line(id)
				event, err = c.SetQuantity(id, q)
				do = func() {
					if want[line.SKU] = q; q == 0 {
						delete(want, line.SKU)
					}
				}
			case 3:
				event, err = c.AddCoupon(sku.Draw(t, "code"))
				do = func() {}
			case 4:
				event, err = c.RemoveCoupon(sku.Draw(t, "code"))
				do = func() {}
			}
			if err != nil || event == nil {
				continue
			}
			before := c
			beforeLines := append([]Line(nil), c.Lines...)
			r := Recorded{Version: c.Version + 1, At: at, Event: event}
			if c, err = c.Apply(r); err != nil {
				t.Fatal(err)
			}
			if !cmp.Equal(before.Lines, beforeLines) && len(beforeLines) > 0 {
				t.Fatal("Apply has changed its receiver")
			}
			do()
			if log = append(log, r); len(log) == 10 {
				middle = c
			}
		}
		whole, err := after(t, "c").Apply(log...)
		if err != nil || !cmp.Equal(whole, c) {
			t.Fatalf("the fold differs: %v\n%s", err, cmp.Diff(whole, c))
		}
		if middle.Version > 0 {
			if rest, err := middle.Apply(log[10:]...); err != nil || !cmp.Equal(rest, c) {
				t.Fatalf("the fold from a snapshot differs: %v\n%s", err, cmp.Diff(rest, c))
			}
		}
		got, ids := map[string]int64{}, map[string]bool{}
		for _, l := range c.Lines {
			if got[l.SKU] > 0 || ids[l.ID] || l.Quantity < 1 || l.Quantity > MaxQuantity {
				t.Fatalf("line %+v", l)
			}
			got[l.SKU], ids[l.ID] = l.Quantity, true
		}
		if !cmp.Equal(got, want) {
			t.Fatalf("quantities %v, want %v", got, want)
		}
	})
}

// A merge moves everything, in whatever order the carts were filled, and never twice.
func TestMergeLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fill := func(name string) (LinesAdded, map[string]int64) {
			items := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Item {
				return Item{SKU: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "sku"), Quantity: rapid.Int64Range(1, 500).Draw(t, "quantity")}
			}), 1, 5).Draw(t, name)
			sum := map[string]int64{}
			for _, it := range items {
				sum[it.SKU] += it.Quantity
			}
			return lines(items...), sum
		}
		mine, want := fill("mine")
		theirs, more := fill("theirs")
		into, from := after(t, "i", mine), after(t, "f", theirs)
		in, away, err := into.Merge(&from)
		if err != nil {
			t.Fatal(err)
		}
		into, err = into.Apply(Recorded{Version: into.Version + 1, At: at, Event: in})
		if err != nil {
			t.Fatal(err)
		}
		from, err = from.Apply(Recorded{Version: from.Version + 1, At: at, Event: away})
		if err != nil || len(from.Lines) != 0 || from.Status != Merged {
			t.Fatalf("the other cart: %+v, %v", from, err)
		}
		for sku, n := range more {
			want[sku] += n
		}
		for _, l := range into.Lines {
			if want[l.SKU] != l.Quantity {
				t.Fatalf("%s: %d, want %d", l.SKU, l.Quantity, want[l.SKU])
			}
		}
		if again, _, err := into.Merge(&from); again != nil || err != nil {
			t.Fatalf("again: %v, %v", again, err)
		}
		out := into.TakeOut(&from, "o1") // the merged cart was ordered all the same: what it brought leaves, once
		into, err = into.Apply(Recorded{Version: into.Version + 1, At: at, Event: out})
		if err != nil {
			t.Fatal(err)
		}
		left := map[string]int64{}
		for _, l := range into.Lines {
			left[l.SKU] = l.Quantity
		}
		for sku, n := range want {
			if left[sku] != n-more[sku] {
				t.Fatalf("%s: %d are left, want %d", sku, left[sku], n-more[sku])
			}
		}
		if again := into.TakeOut(&from, "o1"); again != nil || len(into.MergedFrom) != 0 {
			t.Fatalf("once more: %v, from %v", again, into.MergedFrom)
		}
	})
}
