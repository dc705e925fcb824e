package inventory

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/pkg/fault"
)

// day is midnight of a day after noon's.
func day(n int) time.Time { return noon.Truncate(24*time.Hour).AddDate(0, 0, n) }

// What expires first goes first, what has expired does not go, and what is in no lot goes last.
func TestFirstExpiredFirstOut(t *testing.T) {
	t.Parallel()
	milk := Level{SKU: "milk", LocationID: "cool", OnHand: 22, Allocated: 3, Lots: []Lot{{"old", day(-1), 5, 1}, {"today", day(0), 4, 2}, {"week", day(7), 6, 0}}}
	if got := milk.Stock(noon); got != 15 {
		t.Errorf("%d can be sold", got)
	}
	for _, tc := range []struct {
		quantity int64
		want     string
	}{{1, "1 today"}, {2, "2 today"}, {3, "2 today, 1 week"}, {8, "2 today, 6 week"}, {15, "2 today, 6 week, 7 "}} {
		lines, short := Order{Lines: []OrderLine{{"1", "milk", tc.quantity}}}.Split([]Level{milk}, noon)
		if short != nil {
			t.Fatal(short)
		}
		var got []string
		for _, p := range lines[0].Parts {
			got = append(got, fmt.Sprint(p.Quantity, " ", p.Lot))
		}
		if strings.Join(got, ", ") != tc.want {
			t.Errorf("%d: %v", tc.quantity, got)
		}
	}
	if _, short := (Order{Lines: []OrderLine{{"1", "milk", 16}}}).Split([]Level{milk}, noon); len(short) != 1 || short[0].Available != 15 {
		t.Errorf("%v", short)
	}
	if milk.Lots[1].Allocated != 2 {
		t.Error("splitting changed what it was given")
	}
	two, _ := Order{Lines: []OrderLine{{"1", "milk", 2}, {"2", "milk", 1}}}.Split([]Level{milk}, noon)
	if two[0].Parts[0].Lot != "today" || two[1].Parts[0].Lot != "week" {
		t.Errorf("%+v", two)
	}
	last := Lot{ExpiresOn: day(0)}
	if last.Expired(day(1).Add(-time.Microsecond)) || !last.Expired(day(1)) {
		t.Error("the last day is one")
	}
}

// Whatever lots there are: parts of lots are no more than is free there, none has expired, and none goes while an earlier one has some.
func TestLotsLaw(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := Level{SKU: "milk", LocationID: "cool", Terms: Terms{Safety: rapid.Int64Range(0, 3).Draw(t, "safety"), Backorder: 3}}
		for i := range rapid.IntRange(0, 4).Draw(t, "lots") {
			lot := Lot{Name: string(rune('a' + i)), ExpiresOn: day(rapid.IntRange(-2, 3).Draw(t, "day")), OnHand: rapid.Int64Range(0, 5).Draw(t, "on hand")}
			lot.Allocated = rapid.Int64Range(0, lot.OnHand).Draw(t, "allocated")
			l.Lots = append(l.Lots, lot)
			l.OnHand += lot.OnHand
			l.Allocated += lot.Allocated
		}
		slices.SortStableFunc(l.Lots, func(a, b Lot) int { return a.ExpiresOn.Compare(b.ExpiresOn) })
		loose := rapid.Int64Range(0, 5).Draw(t, "loose")
		l.OnHand += loose
		l.Owed = rapid.Int64Range(0, 2).Draw(t, "owed")
		asked := rapid.Int64Range(1, 20).Draw(t, "asked")
		lines, short := Order{Lines: []OrderLine{{"1", "milk", asked}}}.Split([]Level{l}, noon)
		if short != nil {
			if short[0].Available != l.Free(noon) || asked <= l.Free(noon) {
				t.Fatalf("%+v of %+v", short, l)
			}
			return
		}
		var sum int64
		taken := map[string]int64{}
		for _, p := range lines[0].Parts {
			sum += p.Quantity
			if p.Kind == FromStock {
				taken[p.Lot] += p.Quantity
			}
		}
		if sum != asked || taken[""] > loose {
			t.Fatalf("%+v for %d", lines[0].Parts, asked)
		}
		later := taken[""]
		for _, lot := range slices.Backward(l.Lots) {
			switch n := taken[lot.Name]; {
			case n > lot.free(), n > 0 && lot.Expired(noon):
				t.Fatalf("%d of %+v", n, lot)
			case later > 0 && !lot.Expired(noon) && n < lot.free():
				t.Fatalf("%+v was passed over: %+v", lot, lines[0].Parts)
			}
			later += taken[lot.Name]
		}
	})
}

func TestBookingsOfLots(t *testing.T) {
	t.Parallel()
	here := Place{"milk", "cool"}
	levels := map[Place]Level{here: {OnHand: 12, Allocated: 5, Lots: []Lot{{"a", day(1), 5, 2}, {"b", day(2), 4, 0}}}} // 3 in none, all taken
	for name, tc := range map[string]struct {
		kind  string
		line  BookingLine
		diff  int64
		place string // of a fault
		err   error
	}{
		"a new lot":              {kind: KindReceive, line: BookingLine{here, 7, Mark{"c", day(9)}}, diff: 7},
		"more of a lot":          {kind: KindReceive, line: BookingLine{here, 7, Mark{"a", day(1)}}, diff: 7},
		"more, without its day":  {kind: KindReceive, line: BookingLine{here, 7, Mark{Lot: "a"}}, diff: 7},
		"another day":            {kind: KindReceive, line: BookingLine{here, 7, Mark{"a", day(2)}}, place: "body.lines[0].expires_on"},
		"a new one without day":  {kind: KindReceive, line: BookingLine{here, 7, Mark{Lot: "c"}}, place: "body.lines[0].lot"},
		"a lot counted":          {kind: KindCount, line: BookingLine{here, 2, Mark{Lot: "a"}}, diff: -3},
		"counted below":          {kind: KindCount, line: BookingLine{here, 1, Mark{Lot: "a"}}, err: ErrBelowAllocated},
		"an unknown one counted": {kind: KindCount, line: BookingLine{here, 0, Mark{Lot: "c"}}, place: "body.lines[0].lot"},
		"adjusted":               {kind: KindAdjust, line: BookingLine{here, -4, Mark{Lot: "b"}}, diff: -4},
		"adjusted below":         {kind: KindAdjust, line: BookingLine{here, -5, Mark{Lot: "b"}}, err: ErrBelowAllocated},
		"what is in none":        {kind: KindCount, line: BookingLine{Place: here, Quantity: 4}, diff: 1},
		"less than is taken":     {kind: KindAdjust, line: BookingLine{Place: here, Quantity: -1}, err: ErrBelowAllocated},
	} {
		b := Booking{Kind: tc.kind, Reference: "r", Reason: "why", Lines: []BookingLine{tc.line}}
		if err := b.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got, err := b.Differences(levels)
		f, _ := fault.As(err)
		switch {
		case tc.place != "":
			if f == nil || len(f.Fields) != 1 || f.Fields[0].Location != tc.place {
				t.Errorf("%s: %v", name, err)
			}
		case tc.err != nil:
			if !errors.Is(err, tc.err) {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil || got[0] != tc.diff:
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
	for name, b := range map[string]Booking{
		"no lot":          {Kind: KindReceive, Lines: []BookingLine{{here, 1, Mark{"a b", day(1)}}}},
		"a day alone":     {Kind: KindReceive, Lines: []BookingLine{{here, 1, Mark{ExpiresOn: day(1)}}}},
		"a day counted":   {Kind: KindCount, Lines: []BookingLine{{here, 1, Mark{"a", day(1)}}}},
		"two lots a line": {Kind: KindReceive, Lines: []BookingLine{{here, 1, Mark{"a", day(1)}}, {here, 1, Mark{"b", day(1)}}}},
	} {
		b.Reference, b.Reason = "r", "why"
		if b.Check() == nil {
			t.Error(name)
		}
	}
}
