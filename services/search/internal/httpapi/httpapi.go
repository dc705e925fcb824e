// Package httpapi is search's HTTP edge: what shoppers list and find, and what staff see of the index. It maps wire forms to values and
// back; statuses follow from the faults. While the index is away it hands listings to catalog, and says so.
package httpapi

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

// The scopes of staff.
const (
	ScopeRead  = "search:read"
	ScopeWrite = "search:write"
)

// Shop is what shoppers read.
type Shop interface {
	List(ctx context.Context, l app.Listing) (*app.Listed, error)
	Suggest(ctx context.Context, v app.Visit, text string) (app.Suggestions, error)
	Similar(ctx context.Context, v app.Visit, name string, limit int) (*app.Listed, error)
	Rows(ctx context.Context, v app.Visit) (rows []app.HomeRow, language string, err error)
}

// Shelf lists in the place of the index, by the same parameters, and says in which language.
type Shelf interface {
	List(ctx context.Context, query url.Values) (page searchapi.Products, language string, err error)
}

// Desk is what staff see of the index and ask of it.
type Desk interface {
	Status(ctx context.Context) (app.Status, error)
	Rebuild(ctx context.Context, key idem.Key) (build int64, replayed bool, err error)
	Heard(ctx context.Context, since time.Time, found bool, limit int) ([]app.Heard, error)
}

// Options of the shop front.
type Options struct {
	Currency money.Currency // of readers who name none
	Country  string         // of readers who name none
	Language string         // of the shop
	MaxAge   time.Duration  // how long shoppers' caches may keep a page
	Now      func() time.Time
}

// Merchandising is what merchandisers say.
type Merchandising interface {
	All(ctx context.Context) (*app.Settings, error)
	Refresh(ctx context.Context) error
	PutSynonym(ctx context.Context, actor string, s search.Synonym, match *int64) (app.Kept[search.Synonym], error)
	PutRule(ctx context.Context, actor string, r search.Rule, match *int64) (app.Kept[search.Rule], error)
	DeleteSynonym(ctx context.Context, actor, id string, match *int64) error
	DeleteRule(ctx context.Context, actor, id string, match *int64) error
	PutRow(ctx context.Context, actor string, r search.HomeRow, match *int64) (app.Kept[search.HomeRow], error)
	DeleteRow(ctx context.Context, actor, id string, match *int64) error
}

// Parts are what the routes need.
type Parts struct {
	Shop          Shop
	Shelf         Shelf
	Desk          Desk
	Merchandising Merchandising
	Audit         app.AuditLog
	Trials        Trials
}

type api struct {
	shop  Shop
	shelf Shelf
	desk  Desk
	merch Merchandising
	log   app.AuditLog
	tried Trials
	opt   Options
}

// Register adds all routes.
func Register(s *httpx.Server, p Parts, opt Options) {
	a := &api{shop: p.Shop, shelf: p.Shelf, desk: p.Desk, merch: p.Merchandising, log: p.Audit, tried: p.Trials, opt: opt}
	get := func(path, id, summary string) huma.Operation {
		return huma.Operation{Method: http.MethodGet, Path: path, OperationID: id, Summary: summary, Tags: []string{"shop"}}
	}
	list := get("/v1/products", "list-products", "Published products with their lowest price, by words, filters and order")
	list.Parameters = []*huma.Param{attributeFilters()}
	httpx.Register(s, list, a.list, httpx.OpenQuery(), httpx.Timeout(5*time.Second))
	httpx.Register(s, get("/v1/products/suggest", "suggest-products", "What may be meant by the beginning of a query"), a.suggest, httpx.Timeout(2*time.Second))
	httpx.Register(s, get("/v1/products/{id}/similar", "list-similar-products", "Products of the same category that are like one, what can be had first"), a.similar, httpx.Timeout(5*time.Second))
	httpx.Register(s, get("/v1/products/rows", "list-product-rows", "The rows of the home page, with their products"), a.home, httpx.Timeout(5*time.Second))
	staff := func(method, path, id, summary, scope string) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Tags: []string{"staff"}, Security: httpx.Scope(scope)}
	}
	httpx.Register(s, staff(http.MethodGet, "/v1/admin/search/index", "get-search-index", "How the index of the process that answers is", ScopeRead), a.index)
	rebuild := staff(http.MethodPost, "/v1/admin/search/rebuild", "rebuild-search-index", "Have every process make its index anew; the old one is read meanwhile", ScopeWrite)
	rebuild.DefaultStatus = http.StatusAccepted
	httpx.Register(s, rebuild, a.rebuild)
	httpx.Register(s, staff(http.MethodGet, "/v1/admin/search/queries", "list-search-queries", "What is searched for most: with products, or what finds none", ScopeRead), a.queries)
	a.registerSettings(s, staff)
	a.registerRows(s, staff)
	a.registerTrials(s, staff)
}

// MarketQuery is embedded by what reads prices.
type MarketQuery struct {
	Currency string `query:"currency" maxLength:"3" doc:"ISO 4217 code; the shop's own when left out"`
	Country  string `query:"country" maxLength:"2" doc:"ISO 3166-1 alpha-2 code; the shop's own when left out"`
}

// market reads where prices are read; at is where in the request it stands.
func (a *api) market(q MarketQuery, at string, c *fault.Collector) search.Market {
	m := search.Market{Currency: money.Currency(q.Currency), Country: q.Country}
	if q.Currency == "" {
		m.Currency = a.opt.Currency
	}
	if q.Country == "" {
		m.Country = a.opt.Country
	}
	c.Check(m.Currency.Valid(), at+".currency", "must be an ISO 4217 code", q.Currency)
	c.Check(len(m.Country) == 2 && strings.Trim(m.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "", at+".country", "must be an ISO 3166-1 alpha-2 code", q.Country)
	return m
}

// LanguageQuery is embedded by what is read in a language.
type LanguageQuery struct {
	Language string `query:"language" pattern:"^[a-z]{2,3}(-([A-Z]{2}|[0-9]{3}))?$" doc:"Language of texts, de or de-AT (BCP 47); what is not translated is in the shop's own, as all is when left out"`
}

// ContentLanguage is embedded by what is answered in a language.
type ContentLanguage struct {
	ContentLanguage string `header:"Content-Language" doc:"Of what is translated; the rest is in the shop's own"`
}

// LocaleQuery is embedded by what is read somewhere.
type LocaleQuery struct {
	MarketQuery
	LanguageQuery
	Locale string `query:"locale" pattern:"^[a-z]{2,3}(-[A-Z]{2})?$" doc:"Of the reader, such as de-AT, for rules; the language in the country when left out"`
}

// locale reads where somebody reads. Rules go by the locale that is named, else by the language in the country.
func (a *api) locale(q LocaleQuery, at string, c *fault.Collector) app.Locale {
	in := app.Locale{Market: a.market(q.MarketQuery, at, c), Language: q.Language, Tag: q.Locale}
	if in.Tag == "" {
		if in.Tag = cmp.Or(q.Language, a.opt.Language); !strings.Contains(in.Tag, "-") {
			in.Tag += "-" + in.Market.Country
		}
	}
	return in
}

// ReaderQuery is embedded by what is read by somebody.
type ReaderQuery struct {
	LocaleQuery
	Channel string `query:"channel" maxLength:"64" doc:"One of the shop's sales channels, for rules"`
	Visitor string `query:"visitor" maxLength:"64" pattern:"^[A-Za-z0-9_-]*$" doc:"A random name that a visitor keeps, for rules that are tested; who has none takes part in no test"`
}

// VisitQuery is embedded by what is shown in the order of what somebody has looked at.
type VisitQuery struct {
	ReaderQuery
	Seen []string `query:"seen" maxItems:"20" minLength:"1" maxLength:"200" doc:"Ids or slugs of products that the reader has looked at, with commas, the last one last: what is like them comes a little earlier where the order is by relevance. Unknown ones are left out"`
}

func (a *api) reader(q ReaderQuery, at string, c *fault.Collector) app.Visit {
	return app.Visit{Locale: a.locale(q.LocaleQuery, at, c), Channel: q.Channel, Visitor: q.Visitor}
}

func (a *api) visit(q VisitQuery, at string, c *fault.Collector) app.Visit {
	v := a.reader(q.ReaderQuery, at, c)
	v.Seen = q.Seen
	return v
}

// cacheControl is for what a visitor is told: what is for one alone is not kept for others.
func (a *api) cacheControl(q VisitQuery) string {
	whose := "public"
	if q.Visitor != "" || len(q.Seen) > 0 {
		whose = "private"
	}
	return fmt.Sprintf("%s, max-age=%d", whose, int(a.opt.MaxAge.Seconds()))
}

type suggestInput struct {
	ReaderQuery
	Q string `query:"q" required:"true" maxLength:"200" doc:"The beginning of a query"`
}

type suggestOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         searchapi.Suggestions
}

func (a *api) suggest(ctx context.Context, in *suggestInput) (*suggestOutput, error) {
	var c fault.Collector
	who := a.reader(in.ReaderQuery, "query", &c)
	if err := c.Err(); err != nil {
		return nil, err
	}
	found, err := a.shop.Suggest(ctx, who, in.Q)
	if err != nil {
		return nil, err
	}
	out := &suggestOutput{CacheControl: a.cacheControl(VisitQuery{ReaderQuery: in.ReaderQuery}), Body: searchapi.Suggestions{Queries: append([]string{}, found.Queries...),
		Products: []searchapi.SuggestedProduct{}, Categories: []searchapi.SuggestedCategory{}}}
	for _, p := range found.Products {
		out.Body.Products = append(out.Body.Products, searchapi.SuggestedProduct{ID: p.ID, Slug: p.Slug, Title: p.Name, ImageURL: p.ImageURL})
	}
	for _, c := range found.Categories {
		out.Body.Categories = append(out.Body.Categories, searchapi.SuggestedCategory{Code: c.Value, Name: c.Label, Slug: c.Slug})
	}
	return out, nil
}

func (a *api) index(ctx context.Context, _ *struct{}) (*httpx.Body[searchapi.Index], error) {
	s, err := a.desk.Status(ctx)
	if err != nil {
		return nil, err
	}
	out := searchapi.Index{Status: searchapi.IndexBehind, Revision: s.State.Revision, Replica: s.Head.Revision, Documents: s.Documents, Products: s.Products,
		Filled: s.Head.Filled, Build: s.Head.Build, Error: s.Failed}
	switch {
	case s.Building != nil:
		out.Status = searchapi.IndexBuilding
		out.Building = &searchapi.Building{Since: s.Building.Since, Written: s.Building.Written, Revision: s.Building.Revision}
	case s.State == (app.State{}):
		out.Status = searchapi.IndexMissing
	case s.Current:
		out.Status = searchapi.IndexCurrent
	}
	return &httpx.Body[searchapi.Index]{Body: out}, nil
}

type rebuildOutput struct {
	httpx.ReplayedHeader
	Body searchapi.Rebuild
}

func (a *api) rebuild(ctx context.Context, in *httpx.IdempotencyHeader) (*rebuildOutput, error) {
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	build, replayed, err := a.desk.Rebuild(ctx, idem.Key(key))
	if err != nil {
		return nil, err
	}
	return &rebuildOutput{ReplayedHeader: httpx.Replayed(replayed), Body: searchapi.Rebuild{Build: build}}, nil
}

type queriesInput struct {
	Found bool `query:"found" doc:"Those that find products; otherwise those that find none, or only without some of their words"`
	Days  int  `query:"days" minimum:"1" maximum:"365" default:"30"`
	Limit int  `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (a *api) queries(ctx context.Context, in *queriesInput) (*httpx.List[searchapi.Query], error) {
	heard, err := a.desk.Heard(ctx, a.opt.Now().UTC().AddDate(0, 0, -in.Days), in.Found, in.Limit)
	if err != nil {
		return nil, err
	}
	all := make([]searchapi.Query, len(heard))
	for i, h := range heard {
		all[i] = searchapi.Query(h)
	}
	return httpx.ListOf(all), nil
}
