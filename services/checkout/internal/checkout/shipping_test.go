package checkout

import (
	"slices"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
)

func service(id string, prices map[string]string) ServiceDef {
	return ServiceDef{ID: id, Carrier: "post", Service: id, Label: id, FromDays: 1, ToDays: 3, Prices: prices}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	r, err := NewRates(RatesDef{Version: 1, Zones: []ZoneDef{
		{ID: "us", Countries: []string{"US"}, Services: []ServiceDef{service("fast", map[string]string{"USD": "14.99"}), service("slow", map[string]string{"USD": "5.99", "JPY": "890"})}},
		{ID: "world", Countries: []string{Elsewhere}, Services: []ServiceDef{service("air", map[string]string{"USD": "19.99"})}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ids := func(country string, currency money.Currency) (all []string) {
		for _, o := range r.Options(country, currency, now) {
			all = append(all, o.ID+" "+o.Price.Plain())
		}
		return all
	}
	for _, tc := range []struct {
		country  string
		currency money.Currency
		want     []string
	}{
		{"US", "USD", []string{"slow 5.99", "fast 14.99"}}, {"US", "JPY", []string{"slow 890"}}, {"US", "EUR", nil},
		{"KE", "USD", []string{"air 19.99"}}, {"KE", "JPY", nil},
	} {
		if got := ids(tc.country, tc.currency); !slices.Equal(got, tc.want) {
			t.Errorf("%s in %s: %v, want %v", tc.country, tc.currency, got, tc.want)
		}
	}
}

func TestWorkingDays(t *testing.T) {
	t.Parallel()
	friday := time.Date(2026, 3, 6, 23, 59, 0, 0, time.UTC)
	for n, want := range map[int]string{0: "2026-03-06", 1: "2026-03-09", 5: "2026-03-13", 6: "2026-03-16"} {
		if got := workingDays(friday, n).Format(time.DateOnly); got != want {
			t.Errorf("%d days after a Friday: %s, want %s", n, got, want)
		}
	}
	if got := workingDays(friday.AddDate(0, 0, 1), 1).Format(time.DateOnly); got != "2026-03-09" {
		t.Errorf("a day after a Saturday: %s", got)
	}
}

func TestRatesTellAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := NewRates(RatesDef{Version: 2, Zones: []ZoneDef{
		{ID: "a", Countries: []string{"US", "XX"}, Services: []ServiceDef{{ID: "s", FromDays: 3, ToDays: 1, Prices: map[string]string{"USD": "-1", "XXY": "1"}}}},
		{ID: "a", Countries: []string{"US"}},
	}})
	f, ok := fault.As(err)
	if !ok {
		t.Fatal(err)
	}
	var got []string
	for _, field := range f.Fields {
		got = append(got, field.Location)
	}
	slices.Sort(got)
	want := []string{"version", "zones[0].countries[1]", "zones[0].services[0].carrier", "zones[0].services[0].days", "zones[0].services[0].label",
		"zones[0].services[0].prices.USD", "zones[0].services[0].prices.XXY", "zones[1].countries[0]", "zones[1].id", "zones[1].services"}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
