package seedshop

import (
	"fmt"
	"strconv"

	"github.com/sidecart/sidecart/pkg/money"
)

const basketCount = 48

// buyer is a place from which sample orders come. Plug is the plug that fits there.
type buyer struct {
	currency money.Currency
	plug     string
	address  Address
}

// buyers are invented streets in real towns with postal codes of the right form.
func buyers() []buyer {
	return []buyer{
		{"USD", "us", Address{Line1: "118 Sample Street", City: "Portland", Region: "OR", PostalCode: "97205", Country: "US"}},
		{"EUR", "eu", Address{Line1: "Musterweg 12", City: "Hamburg", PostalCode: "20095", Country: "DE"}},
		{"USD", "us", Address{Line1: "2402 Example Avenue", City: "Austin", Region: "TX", PostalCode: "78701", Country: "US"}},
		{"GBP", "uk", Address{Line1: "7 Example Row", City: "Leeds", PostalCode: "LS1 4AP", Country: "GB"}},
		{"USD", "us", Address{Line1: "56 Placeholder Lane", City: "Albany", Region: "NY", PostalCode: "12207", Country: "US"}},
		{"EUR", "eu", Address{Line1: "4 rue de l'Exemple", City: "Lyon", PostalCode: "69002", Country: "FR"}},
		{"JPY", "jp", Address{Line1: "1-2-3 Mihoncho", City: "Yokohama", Region: "Kanagawa", PostalCode: "231-0005", Country: "JP"}},
		{"USD", "us", Address{Line1: "930 Sample Boulevard", City: "Denver", Region: "CO", PostalCode: "80202", Country: "US"}},
		{"EUR", "eu", Address{Line1: "Voorbeeldstraat 31", City: "Utrecht", PostalCode: "3511 LN", Country: "NL"}},
		{"GBP", "uk", Address{Line1: "22 Sample Terrace", City: "Bristol", PostalCode: "BS1 5TR", Country: "GB"}},
		{"EUR", "eu", Address{Line1: "Calle Ejemplo 9", City: "Valencia", PostalCode: "46002", Country: "ES"}},
		{"JPY", "jp", Address{Line1: "4-5-6 Reidai", City: "Sapporo", Region: "Hokkaido", PostalCode: "060-0001", Country: "JP"}},
	}
}

// baskets are the sample orders: each picks one to four SKUs that its buyer can really order.
func baskets(s *Shop) []Basket {
	places := buyers()
	onOffer := map[money.Currency]map[string][]Variant{}
	for _, p := range places {
		if onOffer[p.currency] == nil {
			onOffer[p.currency] = map[string][]Variant{}
		}
		onOffer[p.currency][p.plug] = offers(s, p)
	}
	var out []Basket
	for n := range basketCount {
		place := places[n%len(places)]
		number := strconv.Itoa(n + 1)
		b := Basket{Email: fmt.Sprintf("customer%02d@example.com", n+1), Currency: place.currency, Address: place.address}
		b.Address.Name = "Sample Customer " + number
		list := onOffer[place.currency][place.plug]
		taken := map[string]bool{}
		for l := range 1 + spread("lines", number)%4 {
			draw := spread("line", number, strconv.FormatUint(l, 10))
			v := list[draw%uint64(len(list))]
			if taken[v.SKU] {
				continue
			}
			taken[v.SKU] = true
			b.Lines = append(b.Lines, Line{SKU: v.SKU, Quantity: quantity(v, draw>>40)})
		}
		out = append(out, b)
	}
	return out
}

// quantity is mostly one, more of what is cheap enough to be bought by the half-dozen.
func quantity(v Variant, draw uint64) int64 {
	if v.Prices[0].Tiers != nil && draw%4 == 0 {
		return 6
	}
	return 1 + int64(draw%5/3)
}

// offers are the published variants with a price in the buyer's currency, a fitting plug and enough
// stock in one place for any basket.
func offers(s *Shop, at buyer) []Variant {
	var out []Variant
	for _, p := range s.Products {
		if p.Status != Published {
			continue
		}
		for _, v := range p.Variants {
			if priced(v, at.currency) && fits(v, at.plug) && plenty(v) {
				out = append(out, v)
			}
		}
	}
	return out
}

func priced(v Variant, c money.Currency) bool {
	for _, p := range v.Prices {
		if p.Amount.Currency == c {
			return true
		}
	}
	return false
}

func fits(v Variant, plug string) bool {
	for _, o := range v.Options {
		if o.Attribute == "plug" {
			return o.Text == plug
		}
	}
	return true
}

// plenty wants more than the largest quantity of a line, several times over: different baskets may
// pick the same SKU.
func plenty(v Variant) bool {
	for _, s := range v.Stock {
		if s.Quantity >= 4 && (s.Quantity >= 18 || v.Prices[0].Tiers == nil) {
			return true
		}
	}
	return false
}
