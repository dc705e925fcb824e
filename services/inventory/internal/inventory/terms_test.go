package inventory

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWhatTermsLeave(t *testing.T) {
	t.Parallel()
	later, before := noon.Add(time.Hour), noon.Add(-time.Hour)
	for name, tc := range map[string]struct {
		level          Level
		stock, promise int64
	}{
		"plain":                               {Level{OnHand: 10, Allocated: 4}, 6, 0},
		"safety stock stays":                  {Level{OnHand: 10, Allocated: 4, Terms: Terms{Safety: 5}}, 1, 0},
		"no more than there is":               {Level{OnHand: 3, Terms: Terms{Safety: 5}}, 0, 0},
		"backorder beyond the shelf":          {Level{OnHand: 10, Allocated: 4, Terms: Terms{Backorder: 20}}, 6, 20},
		"what is owed comes first":            {Level{OnHand: 10, Allocated: 4, Owed: 5, Terms: Terms{Backorder: 20}}, 1, 15},
		"more owed than there is":             {Level{OnHand: 10, Allocated: 4, Owed: 8, Terms: Terms{Backorder: 8}}, 0, 0},
		"preorder leaves the shelf alone":     {Level{OnHand: 10, Owed: 3, Terms: Terms{Preorder: 7, ReleaseAt: later, Backorder: 50}}, 0, 4},
		"released at the moment":              {Level{OnHand: 10, Owed: 3, Terms: Terms{Preorder: 7, ReleaseAt: noon}}, 7, 0},
		"released, with backorders from then": {Level{OnHand: 2, Owed: 7, Terms: Terms{Preorder: 7, ReleaseAt: before, Backorder: 9}}, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s, p := tc.level.Stock(noon), tc.level.Promise(noon); s != tc.stock || p != tc.promise {
				t.Errorf("%d from the shelf and %d beyond it, want %d and %d", s, p, tc.stock, tc.promise)
			}
		})
	}
}

func TestSplitOwesWhatShelvesLack(t *testing.T) {
	t.Parallel()
	ships, release := noon.AddDate(0, 0, 10), noon.AddDate(0, 1, 0)
	levels := []Level{
		{SKU: "mug", LocationID: "near", OnHand: 2, Site: Site{Country: "DE"}, Terms: Terms{Backorder: 3, ShipsAt: ships}},
		{SKU: "mug", LocationID: "far", OnHand: 4, Site: Site{Country: "JP"}, Terms: Terms{Backorder: 9}},
		{SKU: "book", LocationID: "near", OnHand: 50, Site: Site{Country: "DE"}, Terms: Terms{Preorder: 2, ReleaseAt: release}},
		{SKU: "book", LocationID: "far", OnHand: 1, Site: Site{Country: "JP"}},
	}
	lines, short := Order{To: Destination{Country: "DE"}, Lines: []OrderLine{{"1", "mug", 7}, {"2", "mug", 3}, {"3", "book", 3}}}.Split(levels, noon)
	want := []AllocatedLine{
		{OrderLine{"1", "mug", 7}, []Part{{LocationID: "near", Quantity: 2, Kind: FromStock}, {LocationID: "far", Quantity: 4, Kind: FromStock}, {LocationID: "near", Quantity: 1, Kind: Backorder, ShipsAt: ships}}},
		{OrderLine{"2", "mug", 3}, []Part{{LocationID: "near", Quantity: 2, Kind: Backorder, ShipsAt: ships}, {LocationID: "far", Quantity: 1, Kind: Backorder}}},
		{OrderLine{"3", "book", 3}, []Part{{LocationID: "far", Quantity: 1, Kind: FromStock}, {LocationID: "near", Quantity: 2, Kind: Preorder, ShipsAt: release}}},
	}
	if diff := cmp.Diff(want, lines); diff != "" || short != nil {
		t.Errorf("%v %s", short, diff)
	}
}

// Debts are served in their order from what the shelf has beyond its safety stock, and from nothing else.
func TestFillLaw(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := Level{OnHand: rapid.Int64Range(0, 20).Draw(t, "on hand"), Terms: drawTerms(t)}
		l.Allocated = rapid.Int64Range(0, l.OnHand).Draw(t, "allocated")
		debts := make([]Debt, rapid.IntRange(0, 5).Draw(t, "debts"))
		for i := range debts {
			debts[i].Quantity = rapid.Int64Range(1, 6).Draw(t, "quantity")
			l.Owed += debts[i].Quantity
		}
		got := l.Fill(debts, noon)
		left := max(l.OnHand-l.Allocated-l.Safety, 0)
		if l.ReleaseAt.After(noon) {
			left = 0
		}
		for i, q := range got {
			if want := min(left, debts[i].Quantity); q != want {
				t.Fatalf("debt %d gets %d, want %d (%v)", i, q, want, got)
			}
			left -= q
		}
		l.Allocated += sum(got)
		l.Owed -= sum(got)
		if again := l.Fill(slices.DeleteFunc(rest(debts, got), func(d Debt) bool { return d.Quantity == 0 }), noon); sum(again) != 0 {
			t.Fatalf("filled twice: %v, then %v", got, again)
		}
	})
}

func sum(all []int64) (n int64) {
	for _, q := range all {
		n += q
	}
	return n
}

func rest(debts []Debt, got []int64) []Debt {
	left := slices.Clone(debts)
	for i := range left {
		left[i].Quantity -= got[i]
	}
	return left
}

func TestTermsAreChecked(t *testing.T) {
	t.Parallel()
	here := Place{"mug", "here"}
	for name, tc := range map[string]struct {
		lines []TermsLine
		ok    bool
	}{
		"nothing":                        {nil, false},
		"all of it":                      {[]TermsLine{{here, Terms{1, 2, noon, 3, noon}}}, true},
		"zero takes everything back":     {[]TermsLine{{here, Terms{}}}, true},
		"below zero":                     {[]TermsLine{{here, Terms{Safety: -1}}}, false},
		"beyond all":                     {[]TermsLine{{here, Terms{Backorder: MaxStock + 1}}}, false},
		"a date without backorders":      {[]TermsLine{{here, Terms{ShipsAt: noon}}}, false},
		"a preorder without its release": {[]TermsLine{{here, Terms{Preorder: 1}}}, false},
		"a release without a preorder":   {[]TermsLine{{here, Terms{ReleaseAt: noon}}}, false},
		"a place twice":                  {[]TermsLine{{here, Terms{}}, {here, Terms{}}}, false},
		"no SKU":                         {[]TermsLine{{Place{"a b", "here"}, Terms{}}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := CheckTerms(tc.lines); (err == nil) != tc.ok {
				t.Error(err)
			}
		})
	}
	levels := map[Place]Level{here: {Owed: 5}}
	if err := Owing([]TermsLine{{here, Terms{Backorder: 3, Preorder: 1}}}, levels); !errors.Is(err, ErrBelowOwed) {
		t.Errorf("below what is owed: %v", err)
	}
	if err := Owing([]TermsLine{{here, Terms{Backorder: 5}}}, levels); err != nil {
		t.Error(err)
	}
}
