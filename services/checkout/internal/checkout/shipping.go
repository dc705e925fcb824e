package checkout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
)

// Elsewhere is the country of the zone that takes what no other zone names.
const Elsewhere = "*"

// maxDays bounds an ETA, in working days.
const maxDays = 90

// Option is a way to send an order, with its price before tax rules.
type Option struct {
	ID, Carrier, Service, Label string
	TaxCategory                 string
	Price                       money.Amount
	From, To                    time.Time // first and last day on which it arrives
}

// Rates answers which options goods have. It never changes.
type Rates struct {
	zones map[string][]zone // by country, the finer ones first
}

// Goods is what is to be sent, and where to.
type Goods struct {
	To       Address // a normal one
	Currency money.Currency
	Value    money.Amount // of the goods, after discounts and without shipping
	Grams    int64        // of all that has a known weight
	SKUs     []string
}

// NewRates checks a definition, and reports all its faults at once.
func NewRates(def RatesDef) (*Rates, error) {
	r := &Rates{zones: map[string][]zone{}}
	var c fault.Collector
	c.Check(def.Version == 1, "version", "must be 1", def.Version)
	c.Check(len(def.Zones) > 0, "zones", "must not be empty", nil)
	ids := map[string]bool{}
	for i, z := range def.Zones {
		at := fmt.Sprintf("zones[%d]", i)
		c.Check(z.ID != "" && !ids[z.ID], at+".id", "must be given and unique", z.ID)
		ids[z.ID] = true
		one := checkZone(&c, at, z)
		for j, country := range z.Countries {
			for _, other := range r.zones[country] {
				if one.width() == 2 && other.width() == 2 {
					c.Add(fmt.Sprintf("%s.countries[%d]", at, j), "stands in the zone "+other.id+" too", country)
				}
				if place := clash(other, one); place != "" {
					c.Add(at+"."+place, "overlaps with the zone "+other.id, nil)
				}
			}
			r.zones[country] = append(r.zones[country], one)
			slices.SortStableFunc(r.zones[country], finer)
		}
	}
	if err := c.Err(); err != nil {
		return nil, fmt.Errorf("shipping rates: %w", err)
	}
	return r, nil
}

// zone returns the finest zone that an address lies in, nil when it lies in none.
func (r *Rates) zone(to Address) *zone {
	region, postal := strings.ToUpper(to.Region), squeeze(to.PostalCode)
	for _, country := range []string{to.Country, Elsewhere} {
		for i := range r.zones[country] {
			if z := &r.zones[country][i]; z.takes(region, postal) {
				return z
			}
		}
	}
	return nil
}

// Zone returns the id of the zone that an address lies in, "" when it lies in none.
func (r *Rates) Zone(to Address) string {
	if z := r.zone(to); z != nil {
		return z.id
	}
	return ""
}

// Options returns how goods can be sent, cheapest first; none: they cannot be sent there in that currency.
func (r *Rates) Options(g Goods, now time.Time) []Option {
	z := r.zone(g.To)
	if z == nil {
		return nil
	}
	var options []Option
	for i := range z.rates {
		price, ok := z.rates[i].price(g)
		if !ok {
			continue
		}
		d := z.rates[i].def
		options = append(options, Option{ID: d.ID, Carrier: d.Carrier, Service: d.Service, Label: d.Label, TaxCategory: d.TaxCategory, Price: price,
			From: workingDays(now, d.FromDays), To: workingDays(now, d.ToDays)})
	}
	slices.SortStableFunc(options, func(a, b Option) int { return cmp.Compare(a.Price.Minor, b.Price.Minor) })
	return options
}

// Way is how goods in stock go to a country as a rule.
type Way struct {
	ID, Carrier, Service, Label string
	FromDays, ToDays            int       // working days
	From, To                    time.Time // as in Option
	ExcludedSKUs                []string
}

// Ways returns how goods can be sent to a country, wherever in it no finer zone says otherwise, those first that begin with the lowest price. None: nothing is
// sent there in that currency.
func (r *Rates) Ways(country string, currency money.Currency, now time.Time) []Way {
	z := r.zone(Address{Country: country})
	if z == nil {
		return nil
	}
	type priced struct {
		way   Way
		price int64
	}
	var all []priced
	for _, one := range z.rates {
		price, served := one.rows[0].prices[currency]
		if !served {
			continue
		}
		d := one.def
		all = append(all, priced{Way{ID: d.ID, Carrier: d.Carrier, Service: d.Service, Label: d.Label, FromDays: d.FromDays, ToDays: d.ToDays,
			From: workingDays(now, d.FromDays), To: workingDays(now, d.ToDays), ExcludedSKUs: d.ExcludedSKUs}, price.Minor})
	}
	slices.SortStableFunc(all, func(a, b priced) int { return cmp.Compare(a.price, b.price) })
	ways := make([]Way, len(all))
	for i, p := range all {
		ways[i] = p.way
	}
	return ways
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
