package inventory

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/pkg/fault"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestDecide(t *testing.T) {
	t.Parallel()
	held := func(owner string, quantity int64) map[string]Hold {
		return map[string]Hold{owner: {Owner: owner, SKU: "mug", Quantity: quantity, ExpiresAt: noon}}
	}
	later := noon.Add(time.Hour)
	for name, tc := range map[string]struct {
		shelf   Shelf
		changes []Change
		want    Turn
	}{
		"a new hold": {Shelf{Sellable: 5, Held: 2}, []Change{{"a", 3, noon}},
			Turn{Outcomes: []Outcome{{true, 3}}, Put: []Hold{{"a", "mug", 3, noon}}, Held: 5}},
		"one too many": {Shelf{Sellable: 5, Held: 2}, []Change{{"a", 4, noon}}, Turn{Outcomes: []Outcome{{false, 3}}, Held: 2}},
		"raised": {Shelf{Sellable: 5, Held: 2, Own: held("a", 2)}, []Change{{"a", 5, noon}},
			Turn{Outcomes: []Outcome{{true, 5}}, Put: []Hold{{"a", "mug", 5, noon}}, Held: 5}},
		"raised too far": {Shelf{Sellable: 5, Held: 2, Own: held("a", 2)}, []Change{{"a", 6, noon}}, Turn{Outcomes: []Outcome{{false, 5}}, Held: 2}},
		"renewed though nothing is left": {Shelf{Sellable: 0, Held: 2, Own: held("a", 2)}, []Change{{"a", 2, later}},
			Turn{Outcomes: []Outcome{{true, 2}}, Put: []Hold{{"a", "mug", 2, later}}, Held: 2}},
		"lowered though stock was written off": {Shelf{Sellable: 1, Held: 9, Own: held("a", 4)}, []Change{{"a", 3, noon}},
			Turn{Outcomes: []Outcome{{true, 4}}, Put: []Hold{{"a", "mug", 3, noon}}, Held: 8}},
		"repeated":           {Shelf{Sellable: 5, Held: 2, Own: held("a", 2)}, []Change{{"a", 2, noon}}, Turn{Outcomes: []Outcome{{true, 5}}, Held: 2}},
		"released":           {Shelf{Sellable: 5, Held: 2, Own: held("a", 2)}, []Change{{Owner: "a"}}, Turn{Outcomes: []Outcome{{true, 5}}, Gone: []string{"a"}}},
		"released by nobody": {Shelf{Sellable: 5, Held: 2}, []Change{{Owner: "a"}}, Turn{Outcomes: []Outcome{{true, 3}}, Held: 2}},
		"one releases, the next takes": {Shelf{Sellable: 2, Held: 2, Own: held("a", 2)}, []Change{{"b", 1, noon}, {Owner: "a"}, {"b", 2, noon}},
			Turn{Outcomes: []Outcome{{false, 0}, {true, 2}, {true, 2}}, Put: []Hold{{"b", "mug", 2, noon}}, Gone: []string{"a"}, Held: 2}},
		"taken and given back in one turn": {Shelf{Sellable: 2}, []Change{{"a", 2, noon}, {Owner: "a"}}, Turn{Outcomes: []Outcome{{true, 2}, {true, 2}}}},
		"nothing asked":                    {Shelf{Sellable: 2, Held: 1}, nil, Turn{Outcomes: []Outcome{}, Held: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, tc.shelf.Decide("mug", tc.changes)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// shop is the naive model: all holds of a SKU in one map.
type shop struct {
	sellable int64
	holds    map[string]Hold
}

func (s *shop) held() (sum int64) {
	for _, h := range s.holds {
		sum += h.Quantity
	}
	return sum
}

// turn applies changes as a database would: the shelf of the owners named, then what the turn writes.
func (s *shop) turn(t *rapid.T, changes ...Change) []Outcome {
	shelf := Shelf{Sellable: s.sellable, Held: s.held(), Own: map[string]Hold{}}
	for _, c := range changes {
		if h, ok := s.holds[c.Owner]; ok {
			shelf.Own[c.Owner] = h
		}
	}
	turn := shelf.Decide("mug", changes)
	for _, h := range turn.Put {
		s.holds[h.Owner] = h
	}
	for _, owner := range turn.Gone {
		delete(s.holds, owner)
	}
	if turn.Held != s.held() {
		t.Fatalf("held %d, but the holds are %d", turn.Held, s.held())
	}
	return turn.Outcomes
}

func drawChanges(t *rapid.T) (changes []Change) {
	for range rapid.IntRange(0, 20).Draw(t, "changes") {
		changes = append(changes, Change{
			Owner:     rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "owner"),
			Quantity:  rapid.Int64Range(0, 6).Draw(t, "quantity"),
			ExpiresAt: noon.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "minutes")) * time.Minute),
		})
	}
	return changes
}

// A turn for all who wait does what a turn for each would, whatever was held before and however stock has shrunk since.
func TestCombinedTurnIsTheTurnsOneByOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		one, all := &shop{holds: map[string]Hold{}}, &shop{holds: map[string]Hold{}}
		for range rapid.IntRange(1, 5).Draw(t, "turns") {
			one.sellable = rapid.Int64Range(0, 12).Draw(t, "sellable")
			all.sellable = one.sellable
			before := one.held()
			changes := drawChanges(t)
			var want []Outcome
			for _, c := range changes {
				had := one.holds[c.Owner].Quantity
				o := one.turn(t, c)[0]
				if c.Quantity <= had && !o.Held {
					t.Fatalf("a hold of %d refused to be %d", had, c.Quantity)
				}
				want = append(want, o)
			}
			got := all.turn(t, changes...)
			if !slices.Equal(got, want) {
				t.Fatalf("outcomes %v, one by one %v", got, want)
			}
			if diff := cmp.Diff(one.holds, all.holds); diff != "" {
				t.Fatal(diff)
			}
			if all.held() > max(before, all.sellable) {
				t.Fatalf("held %d of %d, was %d", all.held(), all.sellable, before)
			}
		}
	})
}

func TestSplit(t *testing.T) {
	t.Parallel()
	levels := []Level{
		{SKU: "mug", LocationID: "far", OnHand: 100, Allocated: 60, Site: Site{Country: "JP"}, Priority: 0},
		{SKU: "mug", LocationID: "near", OnHand: 3, Site: Site{Country: "DE"}, Priority: 9},
		{SKU: "mug", LocationID: "small", OnHand: 5, Site: Site{Country: "FR"}, Priority: 2},
		{SKU: "mug", LocationID: "big", OnHand: 50, Site: Site{Country: "FR"}, Priority: 2},
		{SKU: "mug", LocationID: "empty", OnHand: 7, Allocated: 7, Site: Site{Country: "DE"}},
		{SKU: "cup", LocationID: "far", OnHand: 1, Site: Site{Country: "JP"}},
	}
	order := func(country string, lines ...OrderLine) Order {
		return Order{To: Destination{Country: country}, Lines: lines}
	}
	type at struct {
		Location string
		Quantity int64
	}
	for name, tc := range map[string]struct {
		order Order
		want  [][]at
		short []Shortage
	}{
		"the own country first, then priority, then more stock": {order("DE", OrderLine{"1", "mug", 44}, OrderLine{"2", "mug", 50}),
			[][]at{{{"near", 3}, {"far", 40}, {"big", 1}}, {{"big", 49}, {"small", 1}}}, nil},
		"without a country":             {order("", OrderLine{"1", "mug", 41}), [][]at{{{"far", 40}, {"big", 1}}}, nil},
		"lines of one SKU are summed":   {order("", OrderLine{"1", "mug", 60}, OrderLine{"2", "mug", 39}), nil, []Shortage{{"mug", 99, 98}}},
		"every shortage is named":       {order("", OrderLine{"1", "zip", 1}, OrderLine{"2", "mug", 1}, OrderLine{"3", "cup", 2}), nil, []Shortage{{"cup", 2, 1}, {"zip", 1, 0}}},
		"the last piece of everything":  {order("", OrderLine{"1", "mug", 98}), [][]at{{{"far", 40}, {"big", 50}, {"small", 5}, {"near", 3}}}, nil},
		"a country that nobody is near": {order("US", OrderLine{"1", "cup", 1}), [][]at{{{"far", 1}}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines, short := tc.order.Split(levels, noon)
			var got [][]at
			for _, l := range lines {
				var parts []at
				for _, p := range l.Parts {
					if p.Kind != FromStock || !p.ShipsAt.IsZero() {
						t.Errorf("part %+v", p)
					}
					parts = append(parts, at{p.LocationID, p.Quantity})
				}
				got = append(got, parts)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.short, short); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func drawTerms(t *rapid.T) Terms {
	terms := Terms{Safety: rapid.Int64Range(0, 3).Draw(t, "safety")}
	if rapid.Bool().Draw(t, "backorder") {
		terms.Backorder, terms.ShipsAt = rapid.Int64Range(1, 9).Draw(t, "backorder limit"), noon.AddDate(0, 0, 9)
	}
	if rapid.Bool().Draw(t, "preorder") {
		terms.Preorder, terms.ReleaseAt = rapid.Int64Range(1, 9).Draw(t, "preorder limit"), noon.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "release"))*time.Hour)
	}
	return terms
}

// Whatever is asked: all of it comes, from shelves first, or everything that is short is named and nothing comes.
func TestSplitLaw(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var levels []Level
		shelf, promise := map[Place]int64{}, map[Place]int64{}
		total, stock := map[string]int64{}, map[string]int64{}
		for _, sku := range []string{"a", "b", "c"} {
			for _, loc := range []string{"x", "y", "z"} {
				l := Level{SKU: sku, LocationID: loc, OnHand: rapid.Int64Range(0, 9).Draw(t, "on hand"), Priority: rapid.IntRange(0, 2).Draw(t, "priority"),
					Site: Site{Country: rapid.SampledFrom([]string{"DE", "US"}).Draw(t, "country")}}
				l.Allocated = rapid.Int64Range(0, l.OnHand).Draw(t, "allocated")
				l.Terms = drawTerms(t)
				l.Owed = rapid.Int64Range(0, l.Backorder+l.Preorder).Draw(t, "owed")
				levels = append(levels, l)
				shelf[Place{sku, loc}], promise[Place{sku, loc}] = l.Stock(noon), l.Promise(noon)
				total[sku] += l.Free(noon)
				stock[sku] += l.Stock(noon)
			}
		}
		o := Order{To: Destination{Country: "DE"}}
		asked := map[string]int64{}
		for i := range rapid.IntRange(1, 6).Draw(t, "lines") {
			l := OrderLine{ID: string(rune('1' + i)), SKU: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "sku"), Quantity: rapid.Int64Range(1, 12).Draw(t, "quantity")}
			o.Lines = append(o.Lines, l)
			asked[l.SKU] += l.Quantity
		}
		lines, short := o.Split(levels, noon)
		for _, s := range short {
			if s.Requested != asked[s.SKU] || s.Available != total[s.SKU] || s.Requested <= s.Available {
				t.Fatalf("shortage %+v, asked %d of %d", s, asked[s.SKU], total[s.SKU])
			}
		}
		if len(short) > 0 {
			if lines != nil {
				t.Fatal("something was taken")
			}
			return
		}
		for i, l := range lines {
			if l.OrderLine != o.Lines[i] {
				t.Fatalf("line %d is %+v", i, l)
			}
			rest := l.Quantity
			for _, p := range l.Parts {
				rest -= p.Quantity
				left := promise
				if p.Kind == FromStock {
					left = shelf
					stock[l.SKU] -= p.Quantity
				} else if stock[l.SKU] > 0 {
					t.Fatalf("%+v is owed while %d lie on shelves", p, stock[l.SKU])
				}
				left[Place{l.SKU, p.LocationID}] -= p.Quantity
				if p.Quantity <= 0 || left[Place{l.SKU, p.LocationID}] < 0 {
					t.Fatalf("part %+v of %+v", p, l)
				}
			}
			if rest != 0 {
				t.Fatalf("line %+v misses %d", l, rest)
			}
		}
	})
}

func TestBookingDifferences(t *testing.T) {
	t.Parallel()
	here, there := Place{"mug", "here"}, Place{"mug", "there"}
	levels := map[Place]Level{here: {OnHand: 10, Allocated: 4}}
	for name, tc := range map[string]struct {
		kind  string
		lines []BookingLine
		want  []int64
		err   error
	}{
		"received":        {KindReceive, []BookingLine{{Place: here, Quantity: 5}, {Place: there, Quantity: 7}}, []int64{5, 7}, nil},
		"adjusted":        {KindAdjust, []BookingLine{{Place: here, Quantity: -6}}, []int64{-6}, nil},
		"adjusted below":  {KindAdjust, []BookingLine{{Place: here, Quantity: -7}}, nil, ErrBelowAllocated},
		"counted":         {KindCount, []BookingLine{{Place: here, Quantity: 4}, {Place: there, Quantity: 3}}, []int64{-6, 3}, nil},
		"counted as said": {KindCount, []BookingLine{{Place: here, Quantity: 10}}, []int64{0}, nil},
		"counted below":   {KindCount, []BookingLine{{Place: here, Quantity: 3}}, nil, ErrBelowAllocated},
		"below nothing":   {KindAdjust, []BookingLine{{Place: there, Quantity: -1}}, nil, ErrBelowAllocated},
		"above all":       {KindReceive, []BookingLine{{Place: here, Quantity: MaxStock}}, nil, fault.New(fault.Invalid, "validation-failed", "")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Booking{Kind: tc.kind, Lines: tc.lines}.Differences(levels)
			if diff := cmp.Diff(tc.want, got); diff != "" || !errors.Is(err, tc.err) {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

func TestBelowAllocatedSaysWhatIsThere(t *testing.T) {
	t.Parallel()
	mug, cup := Place{"mug", "here"}, Place{"cup", "here"}
	_, err := Booking{Kind: KindAdjust, Lines: []BookingLine{{Place: mug, Quantity: -7}, {Place: cup, Quantity: -1}}}.Differences(map[Place]Level{mug: {OnHand: 10, Allocated: 4}})
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok {
		t.Fatal(err)
	}
	want := []map[string]any{
		{"sku": "mug", "location_id": "here", "on_hand": int64(10), "allocated": int64(4)},
		{"sku": "cup", "location_id": "here", "on_hand": int64(0), "allocated": int64(0)},
	}
	if diff := cmp.Diff(any(want), f.Extra["lines"]); diff != "" {
		t.Error(diff)
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{"a": true, "A-1.b_c": true, "": false, "a b": false, "a/b": false, "ä": false, "a:b": false, strings.Repeat("a", 65): false} {
		if ValidSKU(s) != want {
			t.Errorf("SKU %q: want %t", s, want)
		}
	}
	for s, want := range map[string]bool{"0198-1": true, "a:b~c": true, "": false, "a/b": false, "a#b": false, strings.Repeat("a", 81): false} {
		if ValidID(s) != want {
			t.Errorf("id %q: want %t", s, want)
		}
	}
}

func TestSame(t *testing.T) {
	t.Parallel()
	o := Order{Owner: "c", Lines: []OrderLine{{"1", "mug", 2}}}
	a := Allocation{Owner: "c", Lines: []AllocatedLine{{OrderLine: OrderLine{"1", "mug", 2}}}}
	if !a.Same(o) {
		t.Error("not the same")
	}
	for name, change := range map[string]func(*Order){
		"owner": func(o *Order) { o.Owner = "d" }, "quantity": func(o *Order) { o.Lines = []OrderLine{{"1", "mug", 3}} }, "lines": func(o *Order) { o.Lines = nil },
	} {
		other := o
		if change(&other); a.Same(other) {
			t.Errorf("another %s is the same", name)
		}
	}
}
