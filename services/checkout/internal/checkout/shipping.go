package checkout

import (
	"fmt"
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
)

// Elsewhere is the country of the zone that takes what no other zone names.
const Elsewhere = "*"

// maxDays bounds an ETA, in working days.
const maxDays = 90

// RatesDef is what an operator writes: flat rates by zone and currency.
type RatesDef struct {
	Version int
	Zones   []ZoneDef
}

// ZoneDef is some countries with what can be had there.
type ZoneDef struct {
	ID        string
	Countries []string // ISO 3166-1 alpha-2, or Elsewhere
	Services  []ServiceDef
}

// ServiceDef is one way to send. Prices are plain decimals by currency ("5.99"); a currency that is missing is not served.
type ServiceDef struct {
	ID, Carrier, Service, Label string
	TaxCategory                 string
	FromDays, ToDays            int // working days until it arrives
	Prices                      map[string]string
}

// Option is a way to send an order, with its price before tax rules.
type Option struct {
	ID, Carrier, Service, Label string
	TaxCategory                 string
	Price                       money.Amount
	From, To                    time.Time // first and last day on which it arrives
}

// Rates answers which options a country has. It never changes.
type Rates struct {
	version int
	zones   map[string][]rate // by country
}

type rate struct {
	def    ServiceDef
	prices map[money.Currency]money.Amount
}

// NewRates checks a definition, and reports all its faults at once.
func NewRates(def RatesDef) (*Rates, error) {
	r := &Rates{version: def.Version, zones: map[string][]rate{}}
	var c fault.Collector
	c.Check(def.Version == 1, "version", "must be 1", def.Version)
	c.Check(len(def.Zones) > 0, "zones", "must not be empty", nil)
	ids := map[string]bool{}
	for i, z := range def.Zones {
		at := fmt.Sprintf("zones[%d]", i)
		c.Check(z.ID != "" && !ids[z.ID], at+".id", "must be given and unique", z.ID)
		ids[z.ID] = true
		c.Check(len(z.Countries) > 0, at+".countries", "must not be empty", nil)
		rates := checkServices(&c, at, z.Services)
		for j, country := range z.Countries {
			_, twice := r.zones[country]
			c.Check(country == Elsewhere || KnownCountry(country), fmt.Sprintf("%s.countries[%d]", at, j), `must be an ISO 3166-1 alpha-2 code or "*"`, country)
			c.Check(!twice, fmt.Sprintf("%s.countries[%d]", at, j), "stands in another zone too", country)
			r.zones[country] = rates
		}
	}
	if err := c.Err(); err != nil {
		return nil, fmt.Errorf("shipping rates: %w", err)
	}
	return r, nil
}

func checkServices(c *fault.Collector, zone string, services []ServiceDef) (rates []rate) {
	c.Check(len(services) > 0, zone+".services", "must not be empty", nil)
	ids := map[string]bool{}
	for i, s := range services {
		at := fmt.Sprintf("%s.services[%d]", zone, i)
		c.Check(s.ID != "" && len(s.ID) <= 64 && !ids[s.ID], at+".id", "must be given and unique in its zone", s.ID)
		ids[s.ID] = true
		c.Check(s.Label != "", at+".label", "must be given", nil)
		c.Check(s.Carrier != "", at+".carrier", "must be given", nil)
		c.Check(s.FromDays >= 0 && s.FromDays <= s.ToDays && s.ToDays <= maxDays, at+".days", fmt.Sprintf("must be a span within 0 to %d", maxDays), nil)
		c.Check(len(s.Prices) > 0, at+".prices", "must not be empty", nil)
		one := rate{def: s, prices: map[money.Currency]money.Amount{}}
		for code, text := range s.Prices {
			currency, err := money.ParseCurrency(code)
			if err != nil {
				c.Add(at+".prices."+code, "is not a currency", code)
				continue
			}
			amount, err := money.Parse(text, currency)
			c.Check(err == nil && !amount.IsNegative(), at+".prices."+code, "must be an amount such as 5.99, not below zero", text)
			one.prices[currency] = amount
		}
		rates = append(rates, one)
	}
	return rates
}

// Options returns what a country can have in a currency, cheapest first; none: it cannot be sent there in that currency.
func (r *Rates) Options(country string, currency money.Currency, now time.Time) []Option {
	rates, ok := r.zones[country]
	if !ok {
		rates = r.zones[Elsewhere]
	}
	var options []Option
	for _, one := range rates {
		price, ok := one.prices[currency]
		if !ok {
			continue
		}
		d := one.def
		options = append(options, Option{ID: d.ID, Carrier: d.Carrier, Service: d.Service, Label: d.Label, TaxCategory: d.TaxCategory, Price: price,
			From: workingDays(now, d.FromDays), To: workingDays(now, d.ToDays)})
	}
	slices.SortStableFunc(options, func(a, b Option) int { return int(min(max(a.Price.Minor-b.Price.Minor, -1), 1)) })
	return options
}

// workingDays returns the day that lies n working days after now, Monday to Friday, in UTC. Holidays are not known.
func workingDays(now time.Time, n int) time.Time {
	day := now.UTC().Truncate(24 * time.Hour)
	for n > 0 {
		day = day.AddDate(0, 0, 1)
		if w := day.Weekday(); w != time.Saturday && w != time.Sunday {
			n--
		}
	}
	return day
}
