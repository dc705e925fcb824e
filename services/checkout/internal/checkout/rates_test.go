package checkout

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
)

type byCurrency = map[string]string

// The finest zone wins, whatever the order in which they are written.
func TestFinestZone(t *testing.T) {
	t.Parallel()
	sent := []ServiceDef{service("s", byCurrency{"USD": "1"})}
	r, err := NewRates(RatesDef{Version: 1, Zones: []ZoneDef{
		{ID: "world", Countries: []string{Elsewhere}, Services: sent}, {ID: "us", Countries: []string{"US"}, Services: sent},
		{ID: "west", Countries: []string{"US"}, Regions: []string{"ca", "OR"}, Services: sent},
		{ID: "near", Countries: []string{"US"}, PostalCodes: []string{"941", "943..945"}, Services: sent},
		{ID: "north", Countries: []string{"GB"}, PostalCodes: []string{"IV", "KW..KX"}, Services: sent},
		{ID: "tokyo", Countries: []string{"JP"}, Regions: []string{"東京都", "Tokyo"}, Services: sent},
		{ID: "riga", Countries: []string{"LV"}, PostalCodes: []string{"LV-10"}, Services: sent},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ country, region, postal, want string }{
		{"US", "CA", "94105", "near"}, {"US", "CA", "94299", "west"}, {"US", "CA", "94599-1234", "near"}, {"US", "CA", "94600", "west"}, {"US", "TX", "78701", "us"},
		{"GB", "", "IV1 1AA", "north"}, {"GB", "", "KW15 1AA", "north"}, {"GB", "", "SW1A 1AA", "world"}, {"JP", "東京都", "100-0001", "tokyo"},
		{"JP", "tokyo", "100-0001", "tokyo"}, {"JP", "Osaka", "530-0001", "world"}, {"LV", "", "1010", "riga"}, {"LV", "", "LV-2010", "world"}, {"QA", "", "", "world"},
	} {
		if got := r.Zone(Address{Country: tc.country, Region: tc.region, PostalCode: tc.postal}.Normal()); got != tc.want {
			t.Errorf("%+v lies in %q", tc, got)
		}
	}
	if local, err := NewRates(RatesDef{Version: 1, Zones: []ZoneDef{{ID: "near", Countries: []string{"US"}, PostalCodes: []string{"941"}, Services: sent}}}); err != nil ||
		local.Zone(Address{Country: "US", PostalCode: "10001"}) != "" || local.Zone(Address{Country: "DE"}) != "" {
		t.Errorf("a shop for its neighbours sends everywhere: %v", err)
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	weight, value := service("weight", nil), service("value", nil)
	weight.ByWeight = []RowDef{{UpTo: 1000, Prices: byCurrency{"USD": "5", "JPY": "500"}}, {UpTo: 20000, Prices: byCurrency{"USD": "9", "JPY": "900"}}}
	weight.FreeFrom, weight.ExcludedSKUs = byCurrency{"USD": "100"}, []string{"sofa"}
	value.ByValue = []RowDef{{Below: byCurrency{"USD": "20"}, Prices: byCurrency{"USD": "6"}}, {Below: byCurrency{"USD": "50"}, Prices: byCurrency{"USD": "3"}}, {Prices: byCurrency{"USD": "0"}}}
	r, err := NewRates(RatesDef{Version: 1, Zones: []ZoneDef{{ID: "all", Countries: []string{Elsewhere}, Services: []ServiceDef{weight, value}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		currency     money.Currency
		value, grams int64
		sku          string
		want         []string
	}{
		{"USD", 0, 0, "", []string{"weight 5.00", "value 6.00"}}, {"USD", 1999, 1000, "", []string{"weight 5.00", "value 6.00"}},
		{"USD", 2000, 1001, "", []string{"value 3.00", "weight 9.00"}}, {"USD", 4999, 20000, "", []string{"value 3.00", "weight 9.00"}},
		{"USD", 5000, 20001, "", []string{"value 0.00"}}, {"USD", 9999, 1, "", []string{"value 0.00", "weight 5.00"}},
		{"USD", 10000, 20000, "", []string{"weight 0.00", "value 0.00"}}, {"USD", 10000, 20001, "", []string{"value 0.00"}},
		{"USD", 0, 0, "sofa", []string{"value 6.00"}}, {"JPY", 1_000_000, 1, "", []string{"weight 500"}}, {"EUR", 0, 0, "", nil},
	} {
		var got []string
		for _, o := range r.Options(Goods{To: Address{Country: "QA"}, Currency: tc.currency, Value: money.New(tc.value, tc.currency), Grams: tc.grams, SKUs: []string{"a", tc.sku}}, now) {
			got = append(got, o.ID+" "+o.Price.Plain())
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%+v: %v", tc, got)
		}
	}
}

func faults(t *testing.T, zones ...ZoneDef) (places []string) {
	t.Helper()
	_, err := NewRates(RatesDef{Version: 1, Zones: zones})
	if err == nil {
		return nil
	}
	f, ok := fault.As(err)
	if !ok {
		t.Fatal(err)
	}
	for _, field := range f.Fields {
		places = append(places, field.Location)
	}
	slices.Sort(places)
	return places
}

func TestRatesTellAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	got := faults(t, ZoneDef{ID: "a", Countries: []string{"US", "XX"}, Services: []ServiceDef{{ID: "s", FromDays: 3, ToDays: 1, Prices: byCurrency{"USD": "-1", "XXY": "1"}}}},
		ZoneDef{ID: "a", Countries: []string{"US"}}, ZoneDef{})
	want := []string{"zones[0].countries[1]", "zones[0].services[0].carrier", "zones[0].services[0].days", "zones[0].services[0].label",
		"zones[0].services[0].prices.USD", "zones[0].services[0].prices.XXY", "zones[1].countries[0]", "zones[1].id", "zones[1].services",
		"zones[2].countries", "zones[2].id", "zones[2].services"}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if _, err := NewRates(RatesDef{}); err == nil {
		t.Error("no rates were taken")
	}
}

func TestFaultsOfZones(t *testing.T) {
	t.Parallel()
	sent := []ServiceDef{service("s", byCurrency{"USD": "1"})}
	part := func(id, country string, regions []string, postal ...string) ZoneDef {
		return ZoneDef{ID: id, Countries: []string{country}, Regions: regions, PostalCodes: postal, Services: sent}
	}
	for name, tc := range map[string]struct {
		zones []ZoneDef
		want  []string
	}{
		"parts beside the whole": {[]ZoneDef{part("a", "US", []string{"CA"}), part("b", "US", nil), part("c", "US", nil, "94"), part("d", "*", nil)}, nil},
		"a region twice":         {[]ZoneDef{part("a", "US", []string{"CA"}), part("b", "US", []string{"NY", "ca"})}, []string{"zones[1].regions[1]"}},
		"no region":              {[]ZoneDef{part("a", "US", []string{"Bavaria", ""}), part("b", "JP", []string{"Tokyo", " "})}, []string{"zones[0].regions[0]", "zones[0].regions[1]", "zones[1].regions[1]"}},
		"codes that overlap":     {[]ZoneDef{part("a", "US", nil, "97"), part("b", "US", nil, "96", "970..974")}, []string{"zones[1].postal_codes[1]"}},
		"spans that overlap":     {[]ZoneDef{part("a", "DE", nil, "10..19"), part("b", "DE", nil, "18..20")}, []string{"zones[1].postal_codes[0]"}},
		"spans that touch":       {[]ZoneDef{part("a", "DE", nil, "10..19"), part("b", "DE", nil, "20..29", "199..199")}, []string{"zones[1].postal_codes[1]"}},
		"spans of another land":  {[]ZoneDef{part("a", "DE", nil, "10..19"), part("b", "FR", nil, "10..19")}, nil},
		"no codes":               {[]ZoneDef{part("a", "US", nil, "", "97..9", "98..97", "..", "K1"), part("b", "LV", nil, "10")}, []string{"zones[0].postal_codes[0]", "zones[0].postal_codes[1]", "zones[0].postal_codes[2]", "zones[0].postal_codes[3]", "zones[0].postal_codes[4]", "zones[1].postal_codes[0]"}},
		"parts of everywhere":    {[]ZoneDef{part("a", "*", []string{"CA"})}, []string{"zones[0].countries"}},
		"parts of two":           {[]ZoneDef{{ID: "a", Countries: []string{"US", "CA"}, PostalCodes: []string{"1"}, Services: sent}}, []string{"zones[0].countries"}},
		"both kinds of parts":    {[]ZoneDef{part("a", "US", []string{"CA"}, "94")}, []string{"zones[0].postal_codes"}},
		"everywhere twice":       {[]ZoneDef{part("a", "*", nil), part("b", "*", nil)}, []string{"zones[1].countries[0]"}},
	} {
		if got := faults(t, tc.zones...); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestFaultsOfTables(t *testing.T) {
	t.Parallel()
	usd := byCurrency{"USD": "1"}
	for name, tc := range map[string]struct {
		change func(s *ServiceDef)
		want   []string
	}{
		"nothing":              {func(s *ServiceDef) { s.Prices = nil }, []string{"prices"}},
		"two kinds":            {func(s *ServiceDef) { s.ByWeight = []RowDef{{Prices: usd}} }, []string{"prices"}},
		"heavy ones do not go": {func(s *ServiceDef) { s.Prices, s.ByWeight = nil, []RowDef{{UpTo: 5, Prices: usd}} }, nil},
		"weights that fall": {func(s *ServiceDef) {
			s.Prices, s.ByWeight = nil, []RowDef{{UpTo: 5, Prices: usd}, {UpTo: 5, Prices: usd}, {UpTo: -1, Prices: usd}}
		}, []string{"by_weight[1].up_to_grams", "by_weight[2].up_to_grams", "by_weight[2].up_to_grams"}},
		"rows below any weight": {func(s *ServiceDef) { s.Prices, s.ByWeight = nil, []RowDef{{Prices: usd}, {UpTo: 9, Prices: usd}} }, []string{"by_weight[0].up_to_grams"}},
		"a currency is missing": {func(s *ServiceDef) {
			s.Prices, s.ByWeight = nil, []RowDef{{UpTo: 5, Prices: byCurrency{"USD": "1", "EUR": "1"}}, {Prices: usd}, {}}
		}, []string{"by_weight[1].prices", "by_weight[1].up_to_grams", "by_weight[2].prices", "by_weight[2].prices"}},
		"values in weights": {func(s *ServiceDef) { s.Prices, s.ByWeight = nil, []RowDef{{Below: usd, Prices: usd}} }, []string{"by_weight[0].below"}},
		"weights in values": {func(s *ServiceDef) { s.Prices, s.ByValue = nil, []RowDef{{UpTo: 5, Prices: usd}} }, []string{"by_value[0].up_to_grams"}},
		"values end":        {func(s *ServiceDef) { s.Prices, s.ByValue = nil, []RowDef{{Below: usd, Prices: usd}} }, []string{"by_value[0].below"}},
		"values that fall": {func(s *ServiceDef) {
			s.Prices, s.ByValue = nil, []RowDef{{Below: byCurrency{"USD": "0"}, Prices: usd}, {Prices: usd}, {Below: usd, Prices: usd}, {Below: usd, Prices: usd}, {Prices: usd}}
		}, []string{"by_value[0].below.USD", "by_value[1].below", "by_value[3].below.USD"}},
		"limits of another": {func(s *ServiceDef) {
			s.Prices, s.ByValue = nil, []RowDef{{Below: byCurrency{"EUR": "5"}, Prices: usd}, {Prices: usd}}
		}, []string{"by_value[0].below"}},
		"free in another":    {func(s *ServiceDef) { s.FreeFrom = byCurrency{"EUR": "5", "ZZZ": "x", "USD": "-1"} }, []string{"free_from.EUR", "free_from.USD", "free_from.ZZZ"}},
		"free beside values": {func(s *ServiceDef) { s.Prices, s.ByValue, s.FreeFrom = nil, []RowDef{{Prices: usd}}, usd }, []string{"free_from"}},
	} {
		s := service("s", usd)
		tc.change(&s)
		got := faults(t, ZoneDef{ID: "z", Countries: []string{"US"}, Services: []ServiceDef{s}})
		for i := range tc.want {
			tc.want[i] = "zones[0].services[0]." + tc.want[i]
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Two spans that are said not to meet hold no code together.
func TestSpansMeet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) span {
			n := rapid.IntRange(1, 3).Draw(t, "length")
			digits := rapid.StringOfN(rapid.RuneFrom([]rune("012")), n, n, n)
			a, b := digits.Draw(t, name), digits.Draw(t, name)
			return span{from: min(a, b), to: max(a, b)}
		}
		a, b := draw("a"), draw("b")
		together := false
		for n := range 81 {
			code := string([]byte{'0' + byte(n/27), '0' + byte(n/9%3), '0' + byte(n/3%3), '0' + byte(n%3)})
			together = together || a.holds(code) && b.holds(code)
		}
		if together != a.meets(b) || a.meets(b) != b.meets(a) {
			t.Fatalf("%v %v: together %v, meet %v %v", a, b, together, a.meets(b), b.meets(a))
		}
	})
}
