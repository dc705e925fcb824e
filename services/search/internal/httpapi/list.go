package httpapi

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

// indexPatience is how long the steps of a listing may take together, so that there is time left to list in their place.
const indexPatience = 3 * time.Second

// The bounds of what one listing may ask.
const (
	maxFilters  = 20 // attributes, and values of each
	maxProblems = 20 // parameters that are told of as wrong
	maxWords    = 32 // of q
	maxSteps    = 16 // of a cursor
	maxFirst    = 1 << 40
)

type listInput struct {
	httpx.PageQuery
	VisitQuery
	IDs      []string `query:"ids" maxItems:"50" minLength:"1" maxLength:"64" doc:"Products to list, in this order, with commas; those that are not listed in the market are left out. No page, words, filters or order go with it"`
	Q        string   `query:"q" maxLength:"200" doc:"Words to find, in any field"`
	AsTyped  bool     `query:"as_typed" doc:"Nothing of q is corrected"`
	Category string   `query:"category" maxLength:"200" doc:"Code or slug of a category; those below it count too"`
	Brand    string   `query:"brand" maxLength:"64" doc:"Code of a brand"`
	PriceMin int64    `query:"price_min" minimum:"0" doc:"Minor units of the currency"`
	PriceMax int64    `query:"price_max" minimum:"0" doc:"Minor units of the currency; 0 is no bound"`
	InStock  bool     `query:"in_stock" doc:"Only what can be sent now"`
	Sort     string   `query:"sort" enum:"relevance,price,-price,newest,rating,popularity" doc:"relevance when left out, which without q is popularity"`
	Facets   bool     `query:"facets" doc:"Tell what can be chosen"`

	filters map[string][]string
	query   url.Values
}

// attributeFilters documents the parameters without fixed names: an object in this style is one parameter for each member.
func attributeFilters() *huma.Param {
	explode := true
	return &huma.Param{Name: "attr.<code>", In: "query", Style: "form", Explode: &explode,
		Description: fmt.Sprintf("Only products with one of these values of the attribute, with commas or several times, or of a number with bounds: 10..20; at most %d attributes, and values of each", maxFilters),
		Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: &huma.Schema{Type: huma.TypeString},
			Extensions: map[string]any{"propertyNames": map[string]any{"pattern": `^attr\.`}}, Examples: []any{map[string]any{"attr.colour": "red,blue"}}}}
}

// Resolve takes the parameters that have no fixed names: attr.<code>, several times or with commas for any of the values.
func (in *listInput) Resolve(hc huma.Context) []error {
	known := []string{"limit", "cursor", "currency", "country", "language", "q", "as_typed", "category", "brand", "price_min", "price_max", "in_stock", "sort", "facets",
		"locale", "channel", "visitor", "seen", "ids"}
	u := hc.URL()
	in.query = u.Query()
	var errs []error
	for name, values := range in.query {
		if len(errs) >= maxProblems {
			break
		}
		code, isAttribute := strings.CutPrefix(name, search.AttributePrefix)
		if len(in.IDs) > 0 && !slices.Contains(withIDs, name) {
			errs = append(errs, &huma.ErrorDetail{Location: "query." + name, Message: "does not go with ids"})
		}
		switch {
		case isAttribute:
			if in.filters == nil {
				in.filters = map[string][]string{}
			}
			for _, v := range values {
				in.filters[code] = append(in.filters[code], strings.Split(v, ",")...)
			}
			if len(in.filters) > maxFilters || len(in.filters[code]) > maxFilters {
				errs = append(errs, &huma.ErrorDetail{Location: "query.attr", Message: fmt.Sprintf("takes at most %d attributes with %d values each", maxFilters, maxFilters)})
			}
		case !slices.Contains(known, name):
			errs = append(errs, &huma.ErrorDetail{Location: "query." + name, Message: "unknown query parameter"})
		}
	}
	return errs
}

// withIDs are the parameters that go with ids.
var withIDs = []string{"ids", "limit", "currency", "country", "language", "locale", "channel", "visitor", "seen"}

// cursor is where a page ends: a position in the index, or the cursor of catalog's listing while the index was away. A list goes on where
// it began.
type cursor struct {
	Sort  search.Sort `json:"s,omitempty"`
	Step  int         `json:"t,omitempty"`
	Key   float64     `json:"k,omitempty"`
	ID    string      `json:"i,omitempty"`
	First int         `json:"n,omitempty"`
	Shelf string      `json:"c,omitempty"`
}

func (c cursor) valid(sort search.Sort) bool {
	if c.First < 0 || c.First > maxFirst || c.ID == "" && (c.First == 0 || c.Key != 0) {
		return false
	}
	return (sort == "" || sort == c.Sort) && slices.Contains(sorts, c.Sort) && c.Step >= 0 && c.Step < maxSteps && (c.ID == "" || uuid.Validate(c.ID) == nil) && !math.IsInf(c.Key, 0)
}

var sorts = []search.Sort{search.ByRelevance, search.ByPriceUp, search.ByPriceDown, search.ByNewest, search.ByRating, search.ByPopularity}

type listOutput struct {
	CacheControl string `header:"Cache-Control"`
	ContentLanguage
	Body searchapi.Products
}

// list answers from the index, and from catalog while it is away. In the middle of a list of the index there is no other that goes on.
func (a *api) list(ctx context.Context, in *listInput) (*listOutput, error) {
	var c fault.Collector
	l := app.Listing{Visit: a.visit(in.VisitQuery, "query", &c), IDs: in.IDs, Words: in.Q, AsTyped: in.AsTyped, Category: in.Category, Brand: in.Brand, InStock: in.InStock,
		Attributes: in.filters, Sort: search.Sort(in.Sort), Facets: in.Facets, Limit: in.Limit}
	c.Check(len(strings.Fields(in.Q)) <= maxWords, "query.q", fmt.Sprintf("takes at most %d words", maxWords), nil)
	if in.PriceMin > 0 {
		l.Min = &in.PriceMin
	}
	if in.PriceMax > 0 {
		l.Max = &in.PriceMax
	}
	after, given, err := httpx.DecodeCursor[cursor](in.Cursor)
	if err != nil {
		return nil, err
	}
	if given && after.Shelf == "" {
		c.Check(after.valid(l.Sort), "query.cursor", "is not a cursor of this list", nil)
		l.After = &app.Position{Sort: after.Sort, Step: after.Step, First: after.First, Position: search.Position{Key: after.Key, ID: after.ID}}
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	out := &listOutput{CacheControl: a.cacheControl(in.VisitQuery)}
	if after.Shelf == "" {
		within, cancel := context.WithTimeout(ctx, indexPatience)
		defer cancel()
		listed, err := a.shop.List(within, l)
		if err == nil {
			out.Body = products(listed, l)
			out.ContentLanguage.ContentLanguage = listed.Language
			return out, nil
		}
		if fault.KindOf(err) != fault.Unavailable || l.After != nil || l.IDs != nil {
			return nil, err
		}
	}
	out.CacheControl = "no-store" // it may be back at once
	out.Body, out.ContentLanguage.ContentLanguage, err = a.fromShelf(ctx, in, after.Shelf)
	return out, err
}

// fromShelf asks catalog by the parameters that it knows.
func (a *api) fromShelf(ctx context.Context, in *listInput, after string) (page searchapi.Products, language string, err error) {
	query := url.Values{}
	for name, values := range in.query {
		switch code, isAttribute := strings.CutPrefix(name, search.AttributePrefix); {
		case slices.Contains([]string{"facets", "as_typed", "cursor", "locale", "channel", "visitor", "seen"}, name): // it knows none of them
		case isAttribute && strings.Contains(in.filters[code][0], ".."): // it knows no bounds
		default:
			query[name] = values
		}
	}
	if words := strings.Fields(in.Q); len(words) > shelfWords {
		query.Set("q", strings.Join(words[:shelfWords], " "))
	}
	if after != "" {
		query.Set("cursor", after)
	}
	page, language, err = a.shelf.List(ctx, query)
	if err != nil {
		return page, language, err
	}
	if page.NextCursor != nil {
		next := httpx.EncodeCursor(cursor{Shelf: *page.NextCursor})
		page.NextCursor = &next
	}
	page.Degraded = true
	return page, language, nil
}

const shelfWords = 10 // that catalog takes

func products(listed *app.Listed, l app.Listing) searchapi.Products {
	out := searchapi.Products{Items: summaries(listed.Items, l.Market.Currency), Total: &listed.Total, CorrectedQuery: listed.Corrected, Relaxed: listed.Relaxed, Partial: listed.Partial,
		Complete: listed.Complete}
	if l.After == nil {
		lead(&out, listed.Effects)
	}
	for i := range listed.Facets {
		if f := facet(&listed.Facets[i]); len(f.Values) > 0 || f.Min != nil {
			out.Facets = append(out.Facets, f)
		}
	}
	if n := listed.Next; n != nil {
		next := httpx.EncodeCursor(cursor{Sort: n.Sort, Step: n.Step, First: n.First, Key: n.Key, ID: n.ID})
		out.NextCursor = &next
	}
	return out
}

// lead says where rules lead, and what they show.
func lead(out *searchapi.Products, e search.Effects) {
	if e.Redirect != nil {
		out.Redirect = e.Redirect.URL
	}
	for _, b := range e.Banners {
		out.Banners = append(out.Banners, searchapi.Banner(b.Banner))
	}
}

func summaries(items []app.Item, c money.Currency) []catalogapi.ProductSummary {
	all := make([]catalogapi.ProductSummary, len(items))
	for i := range items {
		all[i] = summary(&items[i], c)
	}
	return all
}

func summary(it *app.Item, c money.Currency) catalogapi.ProductSummary {
	out := catalogapi.ProductSummary{ID: it.ID, Slug: it.Slug, Title: it.Name, Brand: it.Brand.Label, CategoryPath: []catalogapi.CategoryRefV1{},
		ImageURL: it.ImageURL, Price: money.New(it.Price.Amount, c), InStock: it.InStock}
	if it.Price.CompareAt != 0 {
		was := money.New(it.Price.CompareAt, c)
		out.CompareAtPrice = &was
	}
	if it.Highest > it.Price.Amount {
		highest := money.New(it.Highest, c)
		out.PriceMax = &highest
	}
	if it.Rating > 0 {
		out.Rating = &it.Rating
	}
	for _, c := range it.Categories {
		out.CategoryPath = append(out.CategoryPath, catalogapi.CategoryRefV1{Code: c.Value, Name: c.Label, Slug: c.Slug})
	}
	for _, v := range it.Variants {
		out.SKUs = append(out.SKUs, v.SKU)
	}
	return out
}

func facet(f *app.Facet) searchapi.Facet {
	out := searchapi.Facet{Code: f.Code, Param: f.Param, Label: f.Label, Type: searchapi.FacetTerms, AttributeType: f.Type, Unit: f.Unit, Values: []searchapi.FacetValue{},
		Min: f.Min, Max: f.Max}
	if f.Min != nil {
		out.Type = searchapi.FacetRange
	}
	for _, v := range f.Values {
		value := searchapi.FacetValue{Value: v.Value, Label: v.Label, Count: v.Count, Hex: v.Hex, Selected: slices.Contains(f.Selected, v.Value)}
		if path := f.Paths[v.Value]; len(path) > 0 {
			level := len(path) - 1
			if value.Level = &level; level > 0 {
				value.Parent = path[level-1]
			}
		}
		out.Values = append(out.Values, value)
	}
	return out
}
