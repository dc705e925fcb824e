package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
)

func (a *api) registerShop(s *httpx.Server) {
	get := func(path, id, summary string) huma.Operation {
		return huma.Operation{Method: http.MethodGet, Path: path, OperationID: id, Summary: summary, Tags: []string{"shop"}}
	}
	list := get("/v1/products", "list-products", "Published products with their lowest price")
	list.Parameters = []*huma.Param{attributeFilters()}
	httpx.Register(s, list, a.list, httpx.OpenQuery(), httpx.Timeout(5*time.Second))
	httpx.Register(s, get("/v1/products/{id}", "get-product", "A published product by id or slug; an archived one is gone, with its category_path"), a.page, httpx.Timeout(2*time.Second),
		httpx.Also(http.StatusMovedPermanently, http.StatusNotModified))
	httpx.Register(s, get("/v1/products/compare", "compare-products", "Published products, attribute by attribute"), a.compare, httpx.Timeout(2*time.Second))
	httpx.Register(s, get("/v1/categories", "get-categories", "The category tree"), a.tree, httpx.Timeout(2*time.Second))
}

// MarketQuery is embedded by what reads prices.
type MarketQuery struct {
	Currency string `query:"currency" maxLength:"3" doc:"ISO 4217 code; the shop's own when left out"`
	Country  string `query:"country" maxLength:"2" doc:"ISO 3166-1 alpha-2 code; the shop's own when left out"`
	Language string `query:"language" maxLength:"6" doc:"Language of texts, de or de-AT (BCP 47); what is not translated is in the shop's own, as all is when left out"`
}

func (a *api) market(q MarketQuery, c *fault.Collector) app.Market {
	m := app.Market{Currency: money.Currency(q.Currency), Country: q.Country, Now: a.opt.Now().UTC().Truncate(time.Microsecond)}
	if q.Currency == "" {
		m.Currency = a.opt.Currency
	}
	if q.Country == "" {
		m.Country = a.opt.Country
	}
	if q.Language != "" {
		var ok bool
		m.Language, ok = catalog.ParseLanguage(q.Language)
		c.Check(ok, "query.language", "must be a language such as de or de-AT", q.Language)
	}
	if m.Language == a.opt.Language {
		m.Language = ""
	}
	c.Check(m.Currency.Valid(), "query.currency", "must be an ISO 4217 code", q.Currency)
	c.Check(len(m.Country) == 2 && strings.Trim(m.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "", "query.country", "must be an ISO 3166-1 alpha-2 code", q.Country)
	return m
}

// in names the language of an answer: the one that was asked for where something in it is translated, else the shop's own.
func (a *api) in(m app.Market, translated bool) string {
	if m.Language != "" && translated {
		return m.Language
	}
	return a.opt.Language
}

func (a *api) cacheControl() string {
	return fmt.Sprintf("public, max-age=%d", int(a.opt.MaxAge.Seconds()))
}

type pageInput struct {
	MarketQuery
	ID          string `path:"id" maxLength:"200" doc:"Id, slug or former slug"`
	IfNoneMatch string `header:"If-None-Match" doc:"ETag of the page that the caller has"`
}

// ContentLanguage is embedded by what is answered in a language.
type ContentLanguage struct {
	ContentLanguage string `header:"Content-Language" doc:"Of what is translated; the rest is in the shop's own"`
}

type pageOutput struct {
	Status       int
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	ContentLanguage
	Location string `header:"Location" doc:"Where the product is now, with 301"`
	Body     *catalogapi.Product
}

// page answers 301 for a former slug, 304 when the caller has the page already, and 410 for an archived product.
func (a *api) page(ctx context.Context, in *pageInput) (*pageOutput, error) {
	var c fault.Collector
	m := a.market(in.MarketQuery, &c)
	if err := c.Err(); err != nil {
		return nil, err
	}
	if !possible(in.ID) {
		return nil, catalog.ErrNotFound
	}
	p, err := a.shelf.Page(ctx, in.ID, m)
	if err != nil {
		return nil, err
	}
	if p.Product.Status == catalog.Archived {
		return nil, catalog.ErrGone.With("category_path", categoryPath(p.In(m.Language).Registry, p.Product.Category))
	}
	out := &pageOutput{Status: http.StatusOK, ETag: `"` + p.Tag + `"`, CacheControl: a.cacheControl(), ContentLanguage: ContentLanguage{a.in(m, p.Product.Titles.Has(m.Language))}}
	if m.Language != "" {
		out.ETag = `"` + p.Tag + "-" + m.Language + `"`
	}
	switch {
	case in.ID != p.ID && in.ID != p.Product.Slug:
		out.Status, out.ETag, out.Location = http.StatusMovedPermanently, "", location(p.Product.Slug, in.MarketQuery)
	case in.IfNoneMatch == "*" || strings.Contains(in.IfNoneMatch, out.ETag):
		out.Status = http.StatusNotModified
	default:
		out.Body = page(p.In(m.Language))
	}
	return out, nil
}

// possible reports whether a name can be that of a product: the database is not asked for any other.
func possible(name string) bool { return catalog.IsID(name) || catalog.ValidSlug(name) }

// location is relative, so that it also fits behind a gateway.
func location(slug string, q MarketQuery) string {
	values := url.Values{}
	if q.Currency != "" {
		values.Set("currency", q.Currency)
	}
	if q.Country != "" {
		values.Set("country", q.Country)
	}
	if q.Language != "" {
		values.Set("language", q.Language)
	}
	to := url.URL{Path: "/v1/products/" + slug, RawQuery: values.Encode()}
	return to.String()
}

// The bounds of what one listing may ask.
const (
	maxFilters = 20      // attributes, and values of each
	maxWords   = 10      // of q
	maxKey     = 1 << 53 // of a cursor: a time in microseconds, an amount, a popularity
)

type listInput struct {
	httpx.PageQuery
	MarketQuery
	Q        string `query:"q" maxLength:"200" doc:"Words that stand in the title"`
	Category string `query:"category" maxLength:"200" doc:"Code or slug of a category; those below it count too"`
	Brand    string `query:"brand" maxLength:"64" doc:"Code of a brand"`
	PriceMin int64  `query:"price_min" minimum:"0" doc:"Minor units of the currency"`
	PriceMax int64  `query:"price_max" minimum:"0" doc:"Minor units of the currency; 0 is no bound"`
	InStock  bool   `query:"in_stock" doc:"Only what can be sent now"`
	Sort     string `query:"sort" enum:"relevance,price,-price,newest,rating,popularity" default:"relevance" doc:"relevance and rating are popularity here"`
	Facets   bool   `query:"facets" doc:"Understood, and left out: the search service tells what can be chosen"`
	filters  map[string][]string
}

// attributeFilters documents the parameters without fixed names: an object in this style is one parameter for each member.
func attributeFilters() *huma.Param {
	explode := true
	return &huma.Param{Name: "attr.<code>", In: "query", Style: "form", Explode: &explode,
		Description: fmt.Sprintf("Only products with one of these values of the attribute, with commas or several times; at most %d attributes, and values of each", maxFilters),
		Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: &huma.Schema{Type: huma.TypeString},
			Extensions: map[string]any{"propertyNames": map[string]any{"pattern": `^attr\.`}}, Examples: []any{map[string]any{"attr.colour": "red,blue"}}}}
}

// Resolve takes the parameters that have no fixed names: attr.<code>, several times or with commas for any of the values.
func (in *listInput) Resolve(hc huma.Context) []error {
	known := []string{"limit", "cursor", "currency", "country", "language", "q", "category", "brand", "price_min", "price_max", "in_stock", "sort", "facets"}
	u := hc.URL()
	var errs []error
	for name, values := range u.Query() {
		code, isAttribute := strings.CutPrefix(name, "attr.")
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

type listOutput struct {
	CacheControl string `header:"Cache-Control"`
	ContentLanguage
	Body httpx.Page[catalogapi.ProductSummary]
}

func (a *api) list(ctx context.Context, in *listInput) (*listOutput, error) {
	var c fault.Collector
	l := app.Listing{Market: a.market(in.MarketQuery, &c), Words: strings.Fields(in.Q), Brand: in.Brand, InStock: in.InStock, Sort: in.Sort, Limit: in.Limit}
	c.Check(len(l.Words) <= maxWords, "query.q", fmt.Sprintf("takes at most %d words", maxWords), nil)
	if in.Sort == "relevance" || in.Sort == "rating" {
		l.Sort = app.ByPopularity
	}
	if in.PriceMin > 0 {
		l.Min = &in.PriceMin
	}
	if in.PriceMax > 0 {
		l.Max = &in.PriceMax
	}
	after, given, err := httpx.DecodeCursor[app.Position](in.Cursor)
	if err != nil {
		return nil, err
	}
	if given {
		c.Check(after.Sort == l.Sort && catalog.IsID(after.ID) && after.Key >= 0 && after.Key < maxKey, "query.cursor", "is not a cursor of this list", nil)
		l.After = &after
	}
	if in.Category != "" || len(in.filters) > 0 {
		reg, err := a.shelf.Registry(ctx)
		if err != nil {
			return nil, err
		}
		if in.Category != "" {
			l.Categories = append([]string{}, reg.Below(in.Category)...) // an unknown one has no products
		}
		l.Attributes = filters(reg, in.filters, &c)
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	listed, reg, err := a.shelf.List(ctx, l)
	if err != nil {
		return nil, err
	}
	out := &listOutput{CacheControl: a.cacheControl()}
	found := httpx.NewPage(listed, in.Limit, func(last app.Listed) string { return httpx.EncodeCursor(last.Position) })
	out.Body = httpx.Page[catalogapi.ProductSummary]{Items: make([]catalogapi.ProductSummary, len(found.Items)), NextCursor: found.NextCursor}
	reg = reg.In(l.Market.Language)
	translated := false
	for i, one := range found.Items {
		out.Body.Items[i] = summary(one, reg)
		translated = translated || one.Translated
	}
	out.ContentLanguage = ContentLanguage{a.in(l.Market, translated)}
	return out, nil
}

// filters reads what stands in the address as values of the attributes named.
func filters(reg *catalog.Registry, asked map[string][]string, c *fault.Collector) map[string][]json.RawMessage {
	out := map[string][]json.RawMessage{}
	for code, values := range asked {
		attribute, ok := reg.Attributes[code]
		if !ok || !reg.Filterable(code) {
			c.Add("query.attr."+code, "is not an attribute to filter by", nil)
			continue
		}
		for _, v := range values {
			normal, message := attribute.ParseText(v)
			if message != "" {
				c.Add("query.attr."+code, message, v)
				continue
			}
			out[code] = append(out[code], normal)
		}
	}
	return out
}

type treeOutput struct {
	CacheControl string `header:"Cache-Control"`
	ContentLanguage
	Body struct {
		Items []catalogapi.Category `json:"items"`
	}
}

// tree takes a market as every read of the catalogue does; the categories are the same in each, but for their language.
func (a *api) tree(ctx context.Context, in *MarketQuery) (*treeOutput, error) {
	var c fault.Collector
	m := a.market(*in, &c)
	if err := c.Err(); err != nil {
		return nil, err
	}
	reg, err := a.shelf.Registry(ctx)
	if err != nil {
		return nil, err
	}
	translated := slices.ContainsFunc(slices.Collect(maps.Values(reg.Categories)), func(c catalog.Category) bool { return c.Names.Has(m.Language) })
	out := &treeOutput{CacheControl: a.cacheControl(), ContentLanguage: ContentLanguage{a.in(m, translated)}}
	out.Body.Items = tree(reg.In(m.Language), "")
	return out, nil
}
