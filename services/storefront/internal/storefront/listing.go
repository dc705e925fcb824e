package storefront

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sidecart/sidecart/pkg/money"
)

// The orders of a listing, as search names them.
const (
	ByRelevance  = "relevance"
	ByPrice      = "price"
	ByPriceDown  = "-price"
	ByNewest     = "newest"
	ByPopularity = "popularity"
)

// Sorts lists the orders that a page offers, the usual one first.
func Sorts() []string { return []string{ByRelevance, ByPopularity, ByNewest, ByPrice, ByPriceDown} }

// The bounds of a listing's address: beyond them search would refuse it.
const (
	maxWords  = 200 // characters
	maxCount  = 32  // words
	maxChosen = 20  // values of one filter, and filters
	maxValue  = 200 // characters
	maxCursor = 2000
)

// Listing is what the address of a listing says: words, filters, order and page. The zero value is everything.
type Listing struct {
	Category string // slug
	Words    string
	Filters  []Filter // by parameter
	PriceMin string   // in major units, as somebody typed it: "19.99"; empty: no bound
	PriceMax string
	InStock  bool
	Sort     string // empty: ByRelevance
	Cursor   string
	Page     int // for people; the cursor says where the page begins
}

// Filter is a parameter with the values that somebody chose, any of which a product may have.
type Filter struct {
	Param  string
	Values []string
}

// ParseListing reads the query of an address. What it does not know, and what cannot be, is left out: an address that was cut or
// added to still leads to a page.
func ParseListing(category string, q url.Values) Listing {
	l := Listing{
		Category: category, Words: typed(q.Get("q")), InStock: q.Get("in_stock") == "true",
		PriceMin: price(q.Get("price_min")), PriceMax: price(q.Get("price_max")),
	}
	l.PriceMin, l.PriceMax = inOrder(l.PriceMin, l.PriceMax)
	if sort := q.Get("sort"); slices.Contains(Sorts(), sort) && sort != ByRelevance {
		l.Sort = sort
	}
	if c := q.Get("cursor"); c != "" && len(c) <= maxCursor {
		l.Cursor = c
		l.Page, _ = strconv.Atoi(q.Get("page"))
		l.Page = min(max(l.Page, 2), 10_000)
	}
	ranges(q)
	for param, values := range q {
		if param != "brand" && !strings.HasPrefix(param, "attr.") {
			continue
		}
		f := Filter{Param: param}
		for _, v := range values {
			if v = strings.TrimSpace(v); v != "" && len(v) <= maxValue && len(f.Values) < maxChosen && !slices.Contains(f.Values, v) {
				f.Values = append(f.Values, v)
			}
		}
		if len(f.Values) > 0 && len(param) <= maxValue {
			slices.Sort(f.Values)
			l.Filters = append(l.Filters, f)
		}
	}
	slices.SortFunc(l.Filters, func(a, b Filter) int { return strings.Compare(a.Param, b.Param) })
	l.Filters = l.Filters[:min(len(l.Filters), maxChosen)]
	return l
}

// typed is what somebody typed, as far as search reads it.
func typed(q string) string {
	all := strings.Fields(q)
	return cut(strings.Join(all[:min(len(all), maxCount)], " "), maxWords)
}

// ranges makes one value of the two fields of a range: min.attr.width=10 and max.attr.width=20 are attr.width=10..20.
func ranges(q url.Values) {
	for name := range q {
		param, isMin := strings.CutPrefix(name, "min.")
		if !isMin {
			param, _ = strings.CutPrefix(name, "max.")
		}
		if !strings.HasPrefix(param, "attr.") || param == name {
			continue
		}
		from, to := inOrder(number(q.Get("min."+param)), number(q.Get("max."+param)))
		q.Del("min." + param)
		q.Del("max." + param)
		if from+to != "" {
			q.Set(param, from+".."+to)
		}
	}
}

// inOrder are two bounds, the lower one first.
func inOrder(from, to string) (low, high string) {
	a, badFrom := strconv.ParseFloat(from, 64)
	b, badTo := strconv.ParseFloat(to, 64)
	if badFrom == nil && badTo == nil && a > b {
		return to, from
	}
	return from, to
}

// number keeps what is one, written with a point or a comma.
func number(s string) string {
	s = strings.ReplaceAll(strings.TrimSpace(s), ",", ".")
	if _, err := strconv.ParseFloat(s, 64); err != nil || strings.ContainsAny(s, "eExXpP_+nN") {
		return ""
	}
	return s
}

// cut shortens a text to n bytes, at the start of a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// price keeps what is a number of at most two decimals, written with a point or a comma.
func price(s string) string {
	s = number(s)
	if f, err := strconv.ParseFloat(s, 64); err != nil || f <= 0 || f > 1e9 {
		return ""
	}
	return s
}

// values is the listing as the query of its own address.
func (l Listing) values() url.Values {
	v := url.Values{}
	set := func(key, value string) {
		if value != "" {
			v.Set(key, value)
		}
	}
	set("q", l.Words)
	set("price_min", l.PriceMin)
	set("price_max", l.PriceMax)
	set("sort", l.Sort)
	set("cursor", l.Cursor)
	if l.InStock {
		v.Set("in_stock", "true")
	}
	if l.Cursor != "" && l.Page > 1 {
		v.Set("page", strconv.Itoa(l.Page))
	}
	for _, f := range l.Filters {
		v[f.Param] = f.Values
	}
	return v
}

// Path is the address of the listing within its market: "/c/shoes?brand=x". Equal listings have equal addresses.
func (l Listing) Path() string {
	path := "/search"
	if l.Category != "" {
		path = "/c/" + url.PathEscape(l.Category)
	}
	if q := l.values().Encode(); q != "" {
		path += "?" + q
	}
	return path
}

// First is the listing's first page.
func (l Listing) First() Listing {
	l.Cursor, l.Page = "", 0
	return l
}

// Next is the page that begins at a cursor.
func (l Listing) Next(cursor string) Listing {
	l.Page = max(l.Page, 1) + 1
	l.Cursor = cursor
	return l
}

// SortedBy is the listing in another order.
func (l Listing) SortedBy(sort string) Listing {
	l = l.First()
	if l.Sort = sort; sort == ByRelevance {
		l.Sort = ""
	}
	return l
}

// Priced is the listing between two prices, in major units; empty: no bound.
func (l Listing) Priced(from, to string) Listing {
	l = l.First()
	l.PriceMin, l.PriceMax = from, to
	return l
}

// Unfiltered is the listing without filters and price.
func (l Listing) Unfiltered() Listing {
	l = l.First()
	l.Filters, l.PriceMin, l.PriceMax, l.InStock = nil, "", "", false
	return l
}

// Filtered reports whether there is a filter of any kind.
func (l Listing) Filtered() bool {
	return len(l.Filters) > 0 || l.PriceMin != "" || l.PriceMax != "" || l.InStock
}

// Plain reports whether the listing is the first page of a category or of everything, in the usual order: what crawlers should know.
func (l Listing) Plain() bool {
	return l.Words == "" && !l.Filtered() && l.Sort == "" && l.Cursor == ""
}

// Chosen reports whether a value of a parameter is chosen.
func (l Listing) Chosen(param, value string) bool {
	if param == "in_stock" {
		return l.InStock && value == "true"
	}
	i := slices.IndexFunc(l.Filters, func(f Filter) bool { return f.Param == param })
	return i >= 0 && slices.Contains(l.Filters[i].Values, value)
}

// Bounds returns what is chosen of a range, empty where there is no bound.
func (l Listing) Bounds(param string) (from, to string) {
	for _, f := range l.Filters {
		if f.Param == param && len(f.Values) == 1 {
			from, to, _ = strings.Cut(f.Values[0], "..")
		}
	}
	return from, to
}

// Without is the listing without one value of a parameter.
func (l Listing) Without(param, value string) Listing {
	l = l.First()
	switch param {
	case "in_stock":
		l.InStock = false
	case "price_min":
		l.PriceMin = ""
	case "price_max":
		l.PriceMax = ""
	}
	filters := make([]Filter, 0, len(l.Filters))
	for _, f := range l.Filters {
		if f.Param == param {
			f.Values = slices.DeleteFunc(slices.Clone(f.Values), func(v string) bool { return v == value })
		}
		if len(f.Values) > 0 {
			filters = append(filters, f)
		}
	}
	l.Filters = filters
	return l
}

// Query is the listing as search is asked for it in a market.
func (l Listing) Query(m Market) url.Values {
	v := l.values()
	v.Del("page")
	if l.Category != "" {
		v.Set("category", l.Category)
	}
	for _, bound := range []string{"price_min", "price_max"} {
		if a, err := money.Parse(v.Get(bound), m.Currency); err == nil {
			v.Set(bound, strconv.FormatInt(a.Minor, 10))
		} else {
			v.Del(bound)
		}
	}
	for name, value := range m.Query() {
		v[name] = value
	}
	return v
}

// Query is what every read of the catalogue says of the market.
func (m Market) Query() url.Values {
	return url.Values{"currency": {string(m.Currency)}, "country": {m.Country}, "language": {m.Language}}
}
