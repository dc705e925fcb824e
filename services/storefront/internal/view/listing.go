package view

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
)

// ListingModel is a page of products of a category, of a search, or of everything.
type ListingModel struct {
	Listing storefront.Listing
	Title   string
	Crumbs  []Crumb
	Way     []catalogapi.Category // to the department, root first; none: it is a search
	Result  searchapi.Products
	Away    bool // nothing could be asked: there is no result
}

// Next is the address of the page that follows, "" on the last one.
func (m *ListingModel) Next() string {
	if m.Result.NextCursor == nil {
		return ""
	}
	return m.Listing.Next(*m.Result.NextCursor).Path()
}

// bare tells whether there is nothing to choose from: nothing was found, and nothing is chosen.
func (m *ListingModel) bare() bool { return len(m.Result.Items) == 0 && !m.Listing.Filtered() }

// chip is a filter that is on, with the address of the listing without it.
type chip struct{ Label, Path string }

// chips are all filters that are on.
func (m *ListingModel) chips(p *Page) (all []chip) {
	l := m.Listing
	add := func(label, param, value string) {
		all = append(all, chip{label, l.Without(param, value).Path()})
	}
	if l.InStock {
		add(p.T.Listing.InStockOnly, "in_stock", "true")
	}
	for param, word := range map[string]string{"price_min": p.T.Listing.From, "price_max": p.T.Listing.To} {
		bound := l.PriceMin
		if param == "price_max" {
			bound = l.PriceMax
		}
		if a, err := money.Parse(bound, p.Market.Currency); err == nil {
			add(word+" "+p.Money(a), param, bound)
		}
	}
	slices.SortFunc(all, func(a, b chip) int { return strings.Compare(a.Path, b.Path) })
	for _, f := range l.Filters {
		for _, v := range f.Values {
			add(m.label(p, f.Param, v), f.Param, v)
		}
	}
	return all
}

// label is what a chosen value is called: as its facet says, else as it is written.
func (m *ListingModel) label(p *Page, param, value string) string {
	for _, f := range m.Result.Facets {
		if f.Param != param {
			continue
		}
		if f.Type == searchapi.FacetRange {
			from, to, _ := strings.Cut(value, "..")
			return strings.TrimSpace(f.Label + " " + rangeText(p, from, to) + " " + f.Unit)
		}
		for _, v := range f.Values {
			if v.Value == value {
				return f.Label + ": " + valueLabel(p, f, v)
			}
		}
	}
	return value
}

// rangeText is a range with one bound or two.
func rangeText(p *Page, from, to string) string {
	switch {
	case to == "":
		return p.T.Listing.From + " " + p.T.Written(from)
	case from == "":
		return p.T.Listing.To + " " + p.T.Written(to)
	}
	return p.T.Written(from) + " – " + p.T.Written(to)
}

func valueLabel(p *Page, f searchapi.Facet, v searchapi.FacetValue) string {
	switch {
	case f.AttributeType == catalogapi.TypeBoolean && v.Value == "true", f.Code == "in_stock" && v.Value == "true":
		return p.T.Listing.Yes
	case f.AttributeType == catalogapi.TypeBoolean, f.Code == "in_stock":
		return p.T.Listing.No
	}
	return v.Label
}

// How much of the facets is open at once.
const (
	openFacets = 5
	openValues = 8
)

// facet is a part of the filters.
type facet struct {
	searchapi.Facet
	ID         string
	Open       bool
	From, To   string // of a range, as chosen
	Low, High  string // of a range, as far as there is something
	Bands      []band // of prices
	Shown      []searchapi.FacetValue
	More       []searchapi.FacetValue
	IsPrice    bool
	IsCheckbox bool // one box, not a list
}

// facets are those that a form shows: what cannot be chosen any further and is not chosen is left out.
func (m *ListingModel) facets(p *Page) (all []facet) {
	for i, f := range m.Result.Facets {
		if f.Code == "category" || f.Type == searchapi.FacetTerms && len(f.Values) == 0 {
			continue
		}
		v := facet{Facet: f, ID: "f" + strconv.Itoa(i), IsPrice: f.Code == "price", IsCheckbox: f.Code == "in_stock"}
		v.Open = len(all) < openFacets
		if f.Type == searchapi.FacetRange {
			if f.Min == nil || f.Max == nil || *f.Min == *f.Max {
				continue
			}
			v.From, v.To = m.Listing.Bounds(f.Param)
			v.Low, v.High = p.T.Written(number(*f.Min)), p.T.Written(number(*f.Max))
			if v.IsPrice {
				v.From, v.To = m.Listing.PriceMin, m.Listing.PriceMax
				v.Low = p.T.Written(money.New(int64(*f.Min), p.Market.Currency).Plain())
				v.High = p.T.Written(money.New(int64(*f.Max), p.Market.Currency).Plain())
				v.Bands = m.bands(p, f)
			}
			v.From, v.To = p.T.Written(v.From), p.T.Written(v.To)
			v.Open = v.Open || v.From+v.To != ""
			all = append(all, v)
			continue
		}
		v.Shown = f.Values
		if len(f.Values) > openValues {
			v.Shown = slices.Clone(f.Values[:openValues])
			for _, more := range f.Values[openValues:] {
				if more.Selected {
					v.Shown = append(v.Shown, more)
				} else {
					v.More = append(v.More, more)
				}
			}
		}
		v.Open = v.Open || slices.ContainsFunc(f.Values, func(x searchapi.FacetValue) bool { return x.Selected })
		all = append(all, v)
	}
	return all
}

// band is a part of the prices, with the address of the listing in it alone, or without it where it is chosen.
type band struct {
	Label, Path string
	Count       int
	Chosen      bool
}

// bands are those of a facet of prices. What holds nothing and is not chosen is left out.
func (m *ListingModel) bands(p *Page, f searchapi.Facet) (all []band) {
	major := func(minor string) string {
		n, err := strconv.ParseInt(minor, 10, 64)
		if err != nil {
			return "" // it is open
		}
		return money.New(n, p.Market.Currency).Plain()
	}
	for _, v := range f.Values {
		from, to, ranged := strings.Cut(v.Value, "..")
		if !ranged || v.Count == 0 && !v.Selected {
			continue
		}
		l := m.Listing.Priced(major(from), major(to))
		if v.Selected {
			l = m.Listing.Priced("", "")
		}
		all = append(all, band{v.Label, l.Path(), v.Count, v.Selected})
	}
	return all
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// place is a department beside a listing.
type place struct {
	Name, Path string
	Level      string // up, here or below
	Count      int    // of products that fit; 0: not known
	Current    bool
}

// places are the way to the department that is open and those below it, or beside it where there is none below; for a search, those that it found
// something in. What fits nothing is left out.
func (m *ListingModel) places(p *Page) (all []place) {
	counts := m.counts()
	add := func(c catalogapi.Category, level string) {
		l := m.Listing.First()
		l.Category = c.Slug
		n, found := counts[c.Code]
		if level == "below" && counts != nil && !found {
			return
		}
		all = append(all, place{c.Name, l.Path(), level, n, len(m.Way) > 0 && c.Code == m.Way[len(m.Way)-1].Code})
	}
	way, below := m.Way, p.Departments
	if len(way) > 1 && len(way[len(way)-1].Children) == 0 {
		way = way[:len(way)-1]
	}
	for i, c := range way {
		add(c, map[bool]string{true: "here", false: "up"}[i == len(way)-1])
		below = c.Children
	}
	for _, c := range below {
		add(c, "below")
	}
	if len(all) == 1 && all[0].Current { // it leads nowhere
		return nil
	}
	return all
}

// counts are how many products of each category fit, nil where nobody knows.
func (m *ListingModel) counts() map[string]int {
	for _, f := range m.Result.Facets {
		if f.Code == "category" {
			counts := make(map[string]int, len(f.Values))
			for _, v := range f.Values {
				counts[v.Value] = v.Count
			}
			return counts
		}
	}
	return nil
}

// from is what a product costs, and that some of its variants cost more.
func from(p *Page, s catalogapi.ProductSummary) string {
	if s.PriceMax != nil {
		return p.T.Listing.PriceFrom(p.Money(s.Price))
	}
	return p.Money(s.Price)
}

// reduced is by how many percent of what it cost before a product is cheaper, 0 where it is not.
func reduced(s catalogapi.ProductSummary) int64 {
	if s.CompareAtPrice == nil || s.CompareAtPrice.Minor <= s.Price.Minor || s.CompareAtPrice.Minor <= 0 {
		return 0
	}
	return (s.CompareAtPrice.Minor - s.Price.Minor) * 100 / s.CompareAtPrice.Minor
}
