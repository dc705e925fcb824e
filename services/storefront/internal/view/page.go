// Package view renders the shop's pages by templ. What a page shows comes in its model; a template decides nothing that matters, and adds nothing up.
//
// The _templ.go files are generated (make generate) and kept, so that nothing is needed to build the shop but Go.
package view

import (
	"strconv"
	"strings"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
	"github.com/sidecart/sidecart/services/storefront/internal/text"
)

// Page is what every page knows.
type Page struct {
	Market  storefront.Market
	Markets storefront.Markets
	T       *text.Texts
	Asset   func(name string) string // address of a file
	Base    string                   // of addresses that leave the shop: "https://shop.example"

	Title       string
	Description string
	Path        string // of the page within its market, as it should be known: "/c/shoes"
	Here        string // of what is shown, for whoever goes on in another market: "/p/boot?sku=boot-42"
	NoIndex     bool   // crawlers should not keep it
	Image       string // that stands for the page elsewhere

	Departments []catalogapi.Category
	Words       string                // in the search field
	Cart        storefront.Cart       // that of the market
	Key         string                // of the page's forms: what is sent by them twice is done once
	Compared    storefront.Remembered // ids of products that are put side by side
	Data        []any                 // structured data, schema.org

	Said    string   // what is said before all else, once
	Scripts []string // addresses of what this page alone needs
	Refresh int      // seconds after which the page is asked for again, without script; 0: never
}

// URL is an address within the page's market.
func (p *Page) URL(path string) string { return p.Market.Path(path) }

// To is where a merchandiser's address leads: within the page's market, or elsewhere.
func (p *Page) To(address string) string {
	if strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//") {
		return p.URL(address)
	}
	return address
}

// Money is an amount as the market writes it.
func (p *Page) Money(a money.Amount) string { return text.Money(p.Market, a) }

// Absolute is the address of something of the shop for the world. What is elsewhere stays as it is.
func (p *Page) Absolute(address string) string {
	if strings.HasPrefix(address, "/") {
		return p.Base + address
	}
	return address
}

// Canonical is the address by which the page is to be known.
func (p *Page) Canonical() string { return p.Base + p.URL(p.Path) }

// FullTitle is the title of the browser's window.
func (p *Page) FullTitle() string {
	if p.Title == "" {
		return p.T.Shell.Shop + " – " + p.T.Shell.Tagline
	}
	return p.Title + " – " + p.T.Shell.Shop
}

// PlaceName is the country and the currency of a market, in the page's language.
func (p *Page) PlaceName(m storefront.Market) string {
	in := Page{Market: m, T: p.T}
	return in.Country() + " · " + string(m.Currency)
}

// PriceNote says at a price what it has in it, and what is added.
func (p *Page) PriceNote() string { return p.T.Product.PriceNote[string(p.Market.Prices)] }

// AllPrices says once of all prices of a page what PriceNote says at one.
func (p *Page) AllPrices() string { return p.T.Shell.AllPrices[string(p.Market.Prices)] }

// Country is that of the market as people call it.
func (p *Page) Country() string {
	if name := p.T.Shell.Countries[p.Market.Country]; name != "" {
		return name
	}
	return p.Market.Country
}

// htmxConfig keeps htmx from what the content security policy refuses, styles and code in the page, and lets it show refusals of what somebody entered.
const htmxConfig = `{"includeIndicatorStyles":false,"allowEval":false,"selfRequestsOnly":true,"historyCacheSize":0,"refreshOnHistoryMiss":true,"scrollIntoViewOnBoost":false,"responseHandling":[{"code":"204","swap":false},{"code":"[23]..","swap":true},{"code":"409|422|429","swap":true},{"code":"[45]..","swap":false,"error":true}]}`

// Crumb is a step of the way to a page.
type Crumb struct {
	Name string
	Path string // within the market; empty: here
}

// Breadcrumbs is the way as schema.org tells it.
func (p *Page) Breadcrumbs(crumbs []Crumb) any {
	var items []any
	for i, c := range crumbs {
		item := map[string]any{"@type": "ListItem", "position": i + 1, "name": c.Name}
		if c.Path != "" {
			item["item"] = p.Base + p.URL(c.Path)
		}
		items = append(items, item)
	}
	return map[string]any{"@context": "https://schema.org", "@type": "BreadcrumbList", "itemListElement": items}
}

// initials stand where a product has no picture.
func initials(title string) string {
	var out []rune
	for word := range strings.FieldsSeq(title) {
		if r := []rune(word); len(out) < 2 {
			out = append(out, r[0])
		}
	}
	return strings.ToUpper(string(out))
}

// optionID names a suggestion, for those who hear them.
func optionID(kind string, i int) string { return "s-" + kind + strconv.Itoa(i) }
