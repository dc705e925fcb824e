package checkout

import (
	"slices"
	"testing"
	"time"

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
		for _, o := range r.Options(Goods{To: Address{Country: country}, Currency: currency, Value: money.Zero(currency)}, now) {
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
