package search

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/money"
)

var midday = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestPrices(t *testing.T) {
	t.Parallel()
	usd := func(list string, amount int64, priority int, countries ...string) Row {
		return Row{List: list, Currency: "USD", Amount: amount, Priority: priority, Countries: countries}
	}
	window := func(r Row, from, to time.Duration) Row {
		if r.From = midday.Add(from); from == 0 {
			r.From = time.Time{}
		}
		if r.To = midday.Add(to); to == 0 {
			r.To = time.Time{}
		}
		return r
	}
	everywhere, canada := Market{Currency: "USD"}, Market{Currency: "USD", Country: "CA"}
	for name, tc := range map[string]struct {
		rows []Row
		want map[Market]int64
	}{
		"none":                          {nil, nil},
		"one":                           {[]Row{usd("a", 10, 0)}, map[Market]int64{everywhere: 10}},
		"the highest priority":          {[]Row{usd("a", 10, 0), usd("b", 20, 1)}, map[Market]int64{everywhere: 20}},
		"the lowest amount":             {[]Row{usd("a", 30, 1), usd("b", 20, 1)}, map[Market]int64{everywhere: 20}},
		"a country of its own":          {[]Row{usd("a", 10, 0), usd("b", 20, 1, "CA")}, map[Market]int64{everywhere: 10, canada: 20}},
		"a country that pays the usual": {[]Row{usd("a", 10, 1), usd("b", 20, 0, "CA")}, map[Market]int64{everywhere: 10, canada: 10}},
		"a country alone":               {[]Row{usd("a", 10, 0, "CA")}, map[Market]int64{canada: 10}},
		"not yet":                       {[]Row{window(usd("a", 10, 0), time.Nanosecond, 0)}, nil},
		"from now":                      {[]Row{{List: "a", Currency: "USD", Amount: 10, From: midday}}, map[Market]int64{everywhere: 10}},
		"to now":                        {[]Row{{List: "a", Currency: "USD", Amount: 10, To: midday}}, nil},
		"for another second":            {[]Row{window(usd("a", 10, 0), -time.Hour, time.Second)}, map[Market]int64{everywhere: 10}},
		"a sale that is over":           {[]Row{usd("a", 10, 0), window(usd("sale", 5, 9), -time.Hour, -time.Second)}, map[Market]int64{everywhere: 10}},
		"another currency":              {[]Row{usd("a", 10, 0), {List: "e", Currency: "EUR", Amount: 7, Priority: 5}}, map[Market]int64{everywhere: 10, {Currency: "EUR"}: 7}},
	} {
		got := prices(tc.rows, midday)
		var amounts map[Market]int64
		for m, p := range got {
			if amounts == nil {
				amounts = map[Market]int64{}
			}
			amounts[m] = p.Amount
		}
		if diff := cmp.Diff(tc.want, amounts); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Rows that differ in nothing but their list, or when they began, have an order too: every replica shows the same.
func TestPickIsTotal(t *testing.T) {
	t.Parallel()
	rows := []Row{
		{List: "b", Currency: "USD", Amount: 10, CompareAt: 1},
		{List: "a", Currency: "USD", Amount: 10, CompareAt: 2, From: midday.Add(-2 * time.Hour)},
		{List: "a", Currency: "USD", Amount: 10, CompareAt: 3, From: midday.Add(-time.Hour)},
	}
	for range rows {
		rows = append(rows[1:], rows[0])
		if got := pick(rows, Market{Currency: "USD"}, midday); got.CompareAt != 3 {
			t.Errorf("%+v", got)
		}
	}
}

func TestNewDocument(t *testing.T) {
	t.Parallel()
	term := func(value, label string) []Term { return []Term{{Value: value, Label: label}} }
	two, half := 2.0, 0.5
	s := &Source{Revision: 7, Sold: 5, Offers: map[string]Offer{"C-S": {Rows: []Row{{List: "us", Currency: "USD", Amount: 1000, CompareAt: 1200}}, Available: 3}},
		Product: Product{ID: "p", Slug: "chair", Title: "Folding Chair", Description: "It folds.", ImageURL: "/c.svg", Brand: Term{"alder", "Alder & Co"},
			Path: []Category{{Term{"home", "Home"}, "home-living"}, {Term{"chairs", "Chairs"}, "chairs"}}, Popularity: 9, Published: midday,
			Filterable: []string{"size", "seats", "weight", "tags"}, Searchable: []string{"tags", "care"},
			Values: []Value{{Code: "tags", Label: "Tags", Type: TypeMultiEnum, Terms: []Term{{"new", "New"}, {"eco", "Eco"}}},
				{Code: "seats", Label: "Seats", Type: TypeInteger, Terms: term("2", "2")}, {Code: "care", Label: "Care", Type: TypeText, Terms: term("Wipe", "Wipe")},
				{Code: "weight", Label: "Weight", Type: TypeDecimal, Unit: "kg", Terms: term("0.5", "0.5 kg")}},
			Variants: []Item{{SKU: "C-S", Values: []Value{{Code: "size", Label: "Size", Type: TypeEnum, Terms: term("s", "Small")}}}, {SKU: "C-M"}}}}
	want := &Document{ID: "p", Revision: 7, Slug: "chair", ImageURL: "/c.svg", Brand: Term{"alder", "Alder & Co"}, Popularity: 14, Published: midday,
		Categories: s.Path, Identifiers: Index("C-S", "C-M"),
		Texts: map[string]Text{"de": {Name: "Folding Chair", Title: Index("Folding Chair"), Description: Index("It folds."), Brand: Index("Alder & Co"),
			Category: Index("Home", "Chairs"), Attributes: Index("New", "Eco", "Wipe")}},
		Attributes: []Attribute{{Code: "tags", Label: "Tags", Type: TypeMultiEnum, Term: Term{"new", "New"}}, {Code: "tags", Label: "Tags", Type: TypeMultiEnum, Term: Term{"eco", "Eco"}},
			{Code: "seats", Label: "Seats", Type: TypeInteger, Term: Term{"2", "2"}, Number: &two}, {Code: "weight", Label: "Weight", Type: TypeDecimal, Unit: "kg", Term: Term{"0.5", "0.5 kg"}, Number: &half}},
		Variants: []Variant{{SKU: "C-S", Available: 3, Prices: map[Market]Price{{Currency: money.Currency("USD")}: {Amount: 1000, CompareAt: 1200}},
			Attributes: []Attribute{{Code: "size", Label: "Size", Type: TypeEnum, Term: Term{"s", "Small"}}}}, {SKU: "C-M"}}}
	if diff := cmp.Diff(want, NewDocument(s, "de", midday)); diff != "" {
		t.Error(diff)
	}
	s.Translations = map[string]Translation{
		"fr": {Title: "Chaise pliante", Categories: map[string]string{"chairs": "Chaises"}, Values: map[string]map[string]string{"tags": {"new": "Nouveau"}, "size": {"s": "Petit"}}},
		"es": {Description: "Se pliega."},
		"de": {Title: "a text of the shop's own language stands beside"},
	}
	want.Texts["fr"] = Text{Name: "Chaise pliante", Title: Index("Chaise pliante"), Description: Index("It folds."), Brand: Index("Alder & Co"),
		Category: Index("Home", "Chaises"), Attributes: Index("Nouveau", "Eco", "Wipe")}
	es := want.Texts["de"]
	es.Description = Index("Se pliega.")
	want.Texts["es"] = es
	if diff := cmp.Diff(want, NewDocument(s, "de", midday)); diff != "" {
		t.Error(diff)
	}
}

func TestIdentifiers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		skus []string
		want string
	}{
		{nil, ""},
		{[]string{"TSH-101-WHITE-S"}, "101 || tsh101 tsh101white tsh101whites 101white 101whites"}, // it is no white s
		{[]string{"GIFT-CARD", "X1"}, "gift card | x1 || giftcard"},
		{[]string{"A-1", "A-2"}, "1 | 2 || a1 a2"},
	} {
		if got := identifiers(c.skus); got != c.want {
			t.Errorf("%q: %q, want %q", c.skus, got, c.want)
		}
	}
}

// What is true is found by what it is called, in each language; what is not by nothing.
func TestBooleansAreFoundByTheirLabels(t *testing.T) {
	t.Parallel()
	boolean := func(code, label, value string) Value {
		return Value{Code: code, Label: label, Type: TypeBoolean, Terms: []Term{{value, map[string]string{"true": "Yes", "false": "No"}[value]}}}
	}
	d := NewDocument(&Source{Product: Product{Searchable: []string{"dry", "warm"}, Values: []Value{boolean("dry", "Waterproof", "true"), boolean("warm", "Insulated", "false")},
		Translations: map[string]Translation{"de": {Labels: map[string]string{"dry": "Wasserdicht"}, Values: map[string]map[string]string{"dry": {"true": "Ja"}}}}}}, "en", midday)
	if en, de := d.Texts["en"].Attributes, d.Texts["de"].Attributes; en != "waterproof" || de != "wasserdicht" {
		t.Errorf("%q, %q", en, de)
	}
}

func TestNormal(t *testing.T) {
	t.Parallel()
	cm := Kind{Type: TypeDecimal, Unit: "cm"}
	palette := Kind{Type: TypeColour, Hexes: map[string]string{"#1f2a44": "navy"}}
	for _, tc := range []struct {
		kind     Kind
		in, want string // want is empty for what is refused
	}{
		{cm, "12.50", "12.5"}, {cm, "12.5 cm", "12.5"}, {cm, "007", "7"}, {cm, "0.0", "0"}, {cm, "-0.50", "-0.5"}, {cm, "-0", "0"},
		{cm, "12.5 kg", ""}, {cm, "", ""}, {cm, "1e9", ""}, {cm, ".5", ""}, {cm, "5.", ""}, {cm, "١", ""},
		{Kind{Type: TypeInteger}, "4", "4"}, {Kind{Type: TypeInteger}, "4.0", ""}, {Kind{Type: TypeInteger}, "99999999999999999999", ""},
		{Kind{Type: TypeBoolean}, "true", "true"}, {Kind{Type: TypeBoolean}, "yes", ""},
		{Kind{Type: TypeDate}, "2026-02-28", "2026-02-28"}, {Kind{Type: TypeDate}, "2026-02-30", ""},
		{palette, "navy", "navy"}, {palette, "#1F2A44", "navy"}, {palette, "#FFFFFF", "#ffffff"},
		{Kind{Type: TypeEnum}, "xl", "xl"}, {Kind{Type: TypeEnum}, "", ""}, {Kind{Type: TypeText}, "A b", "A b"},
	} {
		got, message := tc.kind.Normal(tc.in)
		if got != tc.want || (message == "") != (tc.want != "") {
			t.Errorf("%s %q: %q, %q", tc.kind.Type, tc.in, got, message)
		}
	}
}
