package seed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/tools/internal/seedshop"
)

// lists are the price lists of the sample shop, one for each currency. Prices in dollars are net, as people there are used
// to; the others contain tax.
func lists() map[string]pricingapi.PriceListInput {
	return map[string]pricingapi.PriceListInput{
		"us-usd": {Name: "US dollar", Currency: "USD"},
		"eu-eur": {Name: "Euro", Currency: "EUR", TaxIncluded: true},
		"gb-gbp": {Name: "Pound sterling", Currency: "GBP", TaxIncluded: true},
		"jp-jpy": {Name: "Yen", Currency: "JPY", TaxIncluded: true},
	}
}

// listOf is the list for a currency.
func listOf(c money.Currency) string {
	for id, l := range lists() {
		if l.Currency == string(c) {
			return id
		}
	}
	return ""
}

func (r *runner) money() (calls []call) {
	for id, l := range lists() {
		calls = append(calls, r.putOnce("", "/v1/admin/price-lists/"+id, l))
	}
	calls = append(calls, r.put("/v1/admin/tax-rates", map[string]any{"tax_rates": taxRates()}))
	for code, c := range coupons() {
		calls = append(calls, r.put("/v1/admin/coupons/"+url.PathEscape(code), c))
	}
	return calls
}

// taxRates are in the manner of the real ones, rounded to basis points: an example, no advice. In basis points: standard,
// reduced (food and books, mostly) and zero.
func taxRates() (all []pricingapi.TaxRateInput) {
	for _, t := range []struct {
		country, region   string
		standard, reduced int64
	}{
		{"US", "", 0, 0}, {"US", "CA", 725, 0}, {"US", "FL", 600, 0}, {"US", "IL", 625, 100}, {"US", "NV", 685, 0}, {"US", "NY", 888, 0},
		{"US", "OH", 575, 0}, {"US", "OR", 0, 0}, {"US", "TX", 625, 0}, {"US", "WA", 650, 0},
		{"CA", "", 500, 0}, {"CA", "BC", 1200, 0}, {"CA", "ON", 1300, 0}, {"CA", "QC", 1498, 0},
		{"AT", "", 2000, 1000}, {"BE", "", 2100, 600}, {"CH", "", 810, 260}, {"DE", "", 1900, 700}, {"DK", "", 2500, 2500}, {"ES", "", 2100, 1000},
		{"FI", "", 2550, 1400}, {"FR", "", 2000, 550}, {"GB", "", 2000, 0}, {"IE", "", 2300, 0}, {"IT", "", 2200, 1000}, {"LU", "", 1700, 800},
		{"NL", "", 2100, 900}, {"PL", "", 2300, 500}, {"PT", "", 2300, 600}, {"SE", "", 2500, 1200},
		{"AU", "", 1000, 0}, {"JP", "", 1000, 800}, {"NZ", "", 1500, 1500},
	} {
		for category, rate := range map[string]int64{"standard": t.standard, "reduced": t.reduced, "zero": 0} {
			all = append(all, pricingapi.TaxRateInput{Country: t.country, Region: t.region, TaxCategory: category, RateBP: rate, Rounding: money.HalfUp.String()})
		}
	}
	return all
}

func inAll(usd, eur, gbp, jpy int64) []money.Amount {
	return []money.Amount{money.New(usd, "USD"), money.New(eur, "EUR"), money.New(gbp, "GBP"), money.New(jpy, "JPY")}
}

func coupons() map[string]pricingapi.CouponInput {
	past, end := time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC)
	return map[string]pricingapi.CouponInput{
		"WELCOME10": {Label: "10 % off the first order", Kind: "percentage", PercentBP: 1000, Enabled: true},
		"TAKE5":     {Label: "5 off", Kind: "fixed", Amounts: inAll(500, 500, 400, 700), Enabled: true},
		"BIG20":     {Label: "20 % off from 150", Kind: "percentage", PercentBP: 2000, MinTotals: inAll(15_000, 15_000, 13_000, 22_000), Enabled: true},
		"SUMMER25":  {Label: "15 % off in summer 2025", Kind: "percentage", PercentBP: 1500, ValidFrom: &past, ValidTo: &end, Enabled: true},
	}
}

// putOnce leaves out what was put before. part tells apart what goes to the same path.
func (r *runner) putOnce(part, path string, in any) call {
	return func(ctx context.Context) error {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(raw)
		name, digest := strings.TrimSpace(path+" "+part), hex.EncodeToString(sum[:])
		if r.memory.written(name, digest) {
			return nil
		}
		if err := r.Staff.Put(ctx, path, json.RawMessage(raw), nil); err != nil {
			return err
		}
		return r.memory.noteWritten(name, digest)
	}
}

// priceRows is how many rows go in one call; all rows of a SKU must be in the same one.
const priceRows = 1000

func (r *runner) prices() (calls []call) {
	byList := map[string][][]pricingapi.PriceInput{}
	for _, p := range r.shop.Products {
		for _, v := range p.Variants {
			for _, price := range v.Prices {
				id := listOf(price.Amount.Currency)
				byList[id] = packed(byList[id], rows(v.SKU, price))
			}
		}
	}
	for id, parts := range byList {
		for n, part := range parts {
			calls = append(calls, r.putOnce(strconv.Itoa(n), "/v1/admin/price-lists/"+id+"/prices", pricingapi.PricesInput{Prices: part}))
		}
	}
	return calls
}

// packed adds rows to the last part, or begins a new one when they do not fit.
func packed(parts [][]pricingapi.PriceInput, rows []pricingapi.PriceInput) [][]pricingapi.PriceInput {
	if n := len(parts); n > 0 && len(parts[n-1])+len(rows) <= priceRows {
		parts[n-1] = append(parts[n-1], rows...)
		return parts
	}
	return append(parts, slices.Clone(rows))
}

func rows(sku string, p seedshop.Price) []pricingapi.PriceInput {
	all := []pricingapi.PriceInput{{SKU: sku, Amount: p.Amount, CompareAtPrice: p.CompareAt, MinQuantity: 1}}
	for _, t := range p.Tiers {
		all = append(all, pricingapi.PriceInput{SKU: sku, Amount: t.Amount, MinQuantity: t.MinQuantity})
	}
	return all
}
