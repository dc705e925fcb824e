package checkout

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
)

// RatesDef is what an operator writes: shipping prices by zone, service and currency.
type RatesDef struct {
	Version int
	Zones   []ZoneDef
}

// ZoneDef is a part of the world with what can be had there: whole countries, or regions or postal codes of one country.
type ZoneDef struct {
	ID          string
	Countries   []string // ISO 3166-1 alpha-2, or Elsewhere
	Regions     []string // as addresses name them; none: all
	PostalCodes []string // beginnings ("97"), or spans of them ("970..974"); none: all
	Services    []ServiceDef
}

// ServiceDef is one way to send. It has exactly one of Prices, ByWeight and ByValue. Prices are plain decimals by currency ("5.99"); a
// currency that is missing is not served.
type ServiceDef struct {
	ID, Carrier, Service, Label string
	TaxCategory                 string
	FromDays, ToDays            int // working days until it arrives
	Prices                      map[string]string
	ByWeight                    []RowDef
	ByValue                     []RowDef
	FreeFrom                    map[string]string // by currency: the value of the goods from which it costs nothing; not beside ByValue
	ExcludedSKUs                []string          // an order that holds one of them does not go this way
}

// RowDef is a row of a table: up to a weight, or below a value. The last row may have neither.
type RowDef struct {
	UpTo   int64             // grams, included; 0: any
	Below  map[string]string // by currency, excluded; nil: any
	Prices map[string]string
}

type amounts map[money.Currency]money.Amount

// rate is a service as it is asked.
type rate struct {
	def      ServiceDef
	rows     []row
	freeFrom amounts
}

// row is what a flat price is as well: one without bounds.
type row struct {
	upTo   int64   // 0: any
	below  amounts // nil: any
	prices amounts
}

// price returns what it costs to send goods this way; false: they do not go this way.
func (r *rate) price(g Goods) (money.Amount, bool) {
	if slices.ContainsFunc(g.SKUs, func(sku string) bool { return slices.Contains(r.def.ExcludedSKUs, sku) }) {
		return money.Amount{}, false
	}
	for _, one := range r.rows {
		price, served := one.prices[g.Currency]
		if !served {
			return price, false
		}
		if one.upTo > 0 && g.Grams > one.upTo || one.below != nil && g.Value.Minor >= one.below[g.Currency].Minor {
			continue
		}
		if free, ok := r.freeFrom[g.Currency]; ok && g.Value.Minor >= free.Minor {
			return money.Zero(g.Currency), true
		}
		return price, true
	}
	return money.Amount{}, false
}

// checkServices notes all faults of the services of a zone.
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
		rates = append(rates, checkTable(c, at, s))
	}
	return rates
}

// checkTable notes the faults of what a service costs.
func checkTable(c *fault.Collector, at string, s ServiceDef) rate {
	one := rate{def: s, freeFrom: checkAmounts(c, at+".free_from", s.FreeFrom)}
	kinds := 0
	for _, n := range []int{len(s.Prices), len(s.ByWeight), len(s.ByValue)} {
		if n > 0 {
			kinds++
		}
	}
	c.Check(kinds == 1, at+".prices", "needs exactly one of prices, by_weight and by_value", nil)
	if len(s.Prices) > 0 {
		one.rows = []row{{prices: checkAmounts(c, at+".prices", s.Prices)}}
	}
	one.rows = append(one.rows, checkRows(c, at+".by_weight", s.ByWeight)...)
	one.rows = append(one.rows, checkRows(c, at+".by_value", s.ByValue)...)
	switch {
	case len(one.rows) == 0:
		return one
	case len(s.ByWeight) > 0:
		checkWeights(c, at, s.ByWeight)
	case len(s.ByValue) > 0:
		checkValues(c, at, s.ByValue, one.rows)
		c.Check(s.FreeFrom == nil, at+".free_from", "must not stand beside by_value: its last row says it", nil)
	}
	for currency := range one.freeFrom {
		_, served := one.rows[0].prices[currency]
		c.Check(served, at+".free_from."+string(currency), "has no price in that currency", nil)
	}
	return one
}

func checkRows(c *fault.Collector, table string, defs []RowDef) (rows []row) {
	for i, r := range defs {
		at := fmt.Sprintf("%s[%d]", table, i)
		one := row{upTo: r.UpTo, prices: checkAmounts(c, at+".prices", r.Prices)}
		c.Check(len(r.Prices) > 0, at+".prices", "must not be empty", nil)
		if r.Below != nil {
			one.below = checkAmounts(c, at+".below", r.Below)
		}
		rows = append(rows, one)
		c.Check(sameKeys(one.prices, rows[0].prices), at+".prices", "must have the currencies of the first row", nil)
	}
	return rows
}

// checkWeights: rows rise, and only the last may take any weight. Without such a row, what is heavier does not go this way.
func checkWeights(c *fault.Collector, at string, rows []RowDef) {
	for i, r := range rows {
		here := fmt.Sprintf("%s.by_weight[%d]", at, i)
		c.Check(r.Below == nil, here+".below", "is of by_value", nil)
		c.Check(r.UpTo >= 0, here+".up_to_grams", "must not be below zero", r.UpTo)
		c.Check(r.UpTo != 0 || i == len(rows)-1, here+".up_to_grams", "must be given: the rows below are never reached", nil)
		c.Check(i == 0 || r.UpTo == 0 || r.UpTo > rows[i-1].UpTo, here+".up_to_grams", "must be above that of the row before: it is never reached", r.UpTo)
	}
}

// checkValues: rows rise in every currency, and the last takes every value, for orders have no greatest one.
func checkValues(c *fault.Collector, at string, defs []RowDef, rows []row) {
	for i, r := range rows {
		here := fmt.Sprintf("%s.by_value[%d]", at, i)
		c.Check(defs[i].UpTo == 0, here+".up_to_grams", "is of by_weight", defs[i].UpTo)
		if i == len(rows)-1 {
			c.Check(r.below == nil, here+".below", "must be missing in the last row: an order of a higher value would not be sent", nil)
			return
		}
		if r.below == nil {
			c.Add(here+".below", "must be given: the rows below are never reached", nil)
			continue
		}
		c.Check(sameKeys(r.below, r.prices), here+".below", "must have the currencies of prices", nil)
		for currency, limit := range r.below {
			floor := int64(0)
			if i > 0 {
				floor = rows[i-1].below[currency].Minor
			}
			c.Check(limit.Minor > floor, here+".below."+string(currency), "must be above that of the row before: it is never reached", limit.Plain())
		}
	}
}

func checkAmounts(c *fault.Collector, at string, def map[string]string) amounts {
	all := amounts{}
	for code, text := range def {
		currency, err := money.ParseCurrency(code)
		if err != nil {
			c.Add(at+"."+code, "is not a currency", code)
			continue
		}
		amount, err := money.Parse(text, currency)
		c.Check(err == nil && !amount.IsNegative(), at+"."+code, "must be an amount such as 5.99, not below zero", text)
		all[currency] = amount
	}
	return all
}

func sameKeys(a, b amounts) bool {
	return maps.EqualFunc(a, b, func(money.Amount, money.Amount) bool { return true })
}

// zone is a zone as it is asked.
type zone struct {
	id      string
	regions []string // in capitals
	postal  []span
	rates   []rate
}

// span is postal codes from one beginning to another, without blanks and hyphens.
type span struct{ from, to string }

// holds reports whether a squeezed code begins with what the span spans.
func (s span) holds(code string) bool {
	return code >= s.from && (code <= s.to || strings.HasPrefix(code, s.to))
}

// meets reports whether a code may lie in both.
func (s span) meets(o span) bool {
	return (s.from <= o.to || strings.HasPrefix(s.from, o.to)) && (o.from <= s.to || strings.HasPrefix(o.from, s.to))
}

// finer orders zones: postal codes before regions before whole countries.
func finer(a, b zone) int { return cmp.Compare(a.width(), b.width()) }

func (z zone) width() int {
	switch {
	case z.postal != nil:
		return 0
	case z.regions != nil:
		return 1
	}
	return 2
}

// takes reports whether an address lies in the zone, its country apart.
func (z zone) takes(region, postal string) bool {
	switch {
	case z.postal != nil:
		return slices.ContainsFunc(z.postal, func(s span) bool { return s.holds(postal) })
	case z.regions != nil:
		return slices.Contains(z.regions, region)
	}
	return true
}

// checkZone notes the faults of a zone's own, and returns it as it is asked.
func checkZone(c *fault.Collector, at string, z ZoneDef) zone {
	one := zone{id: z.ID, rates: checkServices(c, at, z.Services)}
	c.Check(len(z.Countries) > 0, at+".countries", "must not be empty", nil)
	part := len(z.Regions) > 0 || len(z.PostalCodes) > 0
	c.Check(!part || len(z.Countries) == 1 && z.Countries[0] != Elsewhere, at+".countries", "must be one country where regions or postal_codes are given", nil)
	c.Check(len(z.Regions) == 0 || len(z.PostalCodes) == 0, at+".postal_codes", "must not stand beside regions", nil)
	for i, country := range z.Countries {
		c.Check(country == Elsewhere || KnownCountry(country), fmt.Sprintf("%s.countries[%d]", at, i), `must be an ISO 3166-1 alpha-2 code or "*"`, country)
	}
	for i, region := range z.Regions {
		name := strings.ToUpper(strings.TrimSpace(region))
		codes := areas[strings.Join(z.Countries, " ")].codes
		c.Check(name != "" && (codes == nil || codes[name] == name), fmt.Sprintf("%s.regions[%d]", at, i), "must be a region's code, or its name where addresses have no codes", region)
		one.regions = append(one.regions, name)
	}
	for i, text := range z.PostalCodes {
		from, to, isSpan := strings.Cut(strings.ToUpper(text), "..")
		s := span{from: squeeze(from), to: squeeze(to)}
		if !isSpan {
			s.to = s.from
		}
		form := postalForms[strings.Join(z.Countries, " ")]
		c.Check(s.from != "" && len(s.from) == len(s.to) && s.from <= s.to && form.begins(s.from) && form.begins(s.to), fmt.Sprintf("%s.postal_codes[%d]", at, i),
			`must be the beginning of a code of that country ("97") or a span of beginnings of one length ("970..974")`, text)
		one.postal = append(one.postal, s)
	}
	return one
}

// clash says which entry of the finer lists of b meets one of a; "": none does, or they are of another width.
func clash(a, b zone) string {
	if a.width() != b.width() {
		return ""
	}
	for i, s := range b.postal {
		if slices.ContainsFunc(a.postal, s.meets) {
			return fmt.Sprintf("postal_codes[%d]", i)
		}
	}
	for i, region := range b.regions {
		if slices.Contains(a.regions, region) {
			return fmt.Sprintf("regions[%d]", i)
		}
	}
	return ""
}
