package seedshop

import (
	"slices"

	"github.com/sidecart/sidecart/pkg/money"
)

// market says how a price in US cents becomes a shelf price of a currency: minor units per 100
// cents, then the first band whose limit is not reached rounds to a multiple of step less off.
type market struct {
	currency money.Currency
	per100   int64
	bands    []band
}

type band struct{ below, step, off int64 }

const noLimit = 1 << 62

// markets are the currencies of the sample shop with the endings that shops there are used to:
// 18.99 in dollars, 17.95 in euros, 15.50 in pounds, 2,980 in yen.
func markets() []market {
	return []market{
		{"USD", 100, []band{{1_000, 50, 1}, {20_000, 100, 1}, {noLimit, 1_000, 100}}},
		{"EUR", 96, []band{{1_000, 10, 1}, {10_000, 50, 5}, {20_000, 100, 5}, {noLimit, 1_000, 100}}},
		{"GBP", 84, []band{{5_000, 50, 0}, {20_000, 500, 100}, {noLimit, 1_000, 100}}},
		{"JPY", 148, []band{{1_000, 50, 2}, {10_000, 100, 20}, {100_000, 500, 20}, {noLimit, 1_000, 200}}},
	}
}

// shelf rounds a price in US cents to a shelf price of the market.
func (m market) shelf(cents int64) money.Amount {
	minor := cents * m.per100 / 100
	for _, b := range m.bands {
		if minor < b.below {
			minor = max(1, (minor+b.step/2)/b.step)*b.step - b.off
			break
		}
	}
	return money.New(minor, m.currency)
}

// prices are the row's prices at percent of its base price, with what it cost before and the tiers.
func prices(row productRow, percent int64, tiers [][2]int64) ([]Price, error) {
	var out []Price
	for _, m := range markets() {
		if slices.Contains(row.Without, string(m.currency)) {
			continue
		}
		p := Price{Amount: m.shelf(row.USD * percent)}
		if row.Was > 0 {
			was := m.shelf(row.Was * percent)
			p.CompareAt = &was
		}
		for _, t := range tiers {
			amount, err := p.Amount.Ratio(t[1], 100, money.HalfUp)
			if err != nil {
				return nil, err
			}
			p.Tiers = append(p.Tiers, Tier{MinQuantity: t[0], Amount: amount})
		}
		out = append(out, p)
	}
	return out, nil
}
