package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

// registerRows adds what merchandisers change of the home page.
func (a *api) registerRows(s *httpx.Server, staff func(method, path, id, summary, scope string) huma.Operation) {
	const rows = "/v1/admin/search/rows"
	httpx.Register(s, staff(http.MethodGet, rows, "list-home-rows", "Rows of the home page by id", ScopeRead), a.rows)
	httpx.Register(s, staff(http.MethodGet, rows+"/{id}", "get-home-row", "A row of the home page", ScopeRead), a.row)
	httpx.Register(s, staff(http.MethodPut, rows+"/{id}", "put-home-row", "Write a row of the home page; it is shown from the next visit on", ScopeWrite), a.putRow)
	httpx.Register(s, staff(http.MethodDelete, rows+"/{id}", "delete-home-row", "Take a row of the home page out", ScopeWrite), a.deleteRow)
}

type homeOutput struct {
	CacheControl string `header:"Cache-Control"`
	ContentLanguage
	Body searchapi.Rows
}

// home answers with the rows of the home page.
func (a *api) home(ctx context.Context, in *VisitQuery) (*homeOutput, error) {
	var c fault.Collector
	v := a.visit(*in, "query", &c)
	if err := c.Err(); err != nil {
		return nil, err
	}
	rows, language, err := a.shop.Rows(ctx, v)
	if err != nil {
		return nil, err
	}
	out := &homeOutput{CacheControl: a.cacheControl(*in), ContentLanguage: ContentLanguage{language}, Body: searchapi.Rows{Rows: []searchapi.Row{}}}
	for i := range rows {
		r := &rows[i]
		out.Body.Rows = append(out.Body.Rows, searchapi.Row{ID: r.ID, Title: r.Title, Items: summaries(r.Items, v.Market.Currency), Query: query(&r.Shows)})
	}
	return out, nil
}

// query is that of a listing which shows what a row does; empty where products are named one by one.
func query(s *search.Shown) string {
	if len(s.Products) > 0 {
		return ""
	}
	q := url.Values{}
	for name, value := range map[string]string{"q": s.Words, "category": s.Category, "brand": s.Brand, "sort": string(s.Sort)} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, n := range map[string]*int64{"price_min": s.Min, "price_max": s.Max} {
		if n != nil {
			q.Set(name, strconv.FormatInt(*n, 10))
		}
	}
	if s.InStock {
		q.Set("in_stock", "true")
	}
	for code, values := range s.Attributes {
		q.Set(search.AttributePrefix+code, strings.Join(values, ","))
	}
	return q.Encode()
}

func rowView(id string, k app.Kept[search.HomeRow]) searchapi.HomeRow {
	r := k.Value
	v := searchapi.HomeRow{ID: id, Version: k.Version, UpdatedAt: k.UpdatedAt, HomeRowInput: searchapi.HomeRowInput{Titles: r.Titles, Position: r.Position, Limit: r.Limit,
		When: searchapi.RowWhen{Segments: r.When.Segments, Locales: r.When.Locales, Channels: r.When.Channels},
		Shows: searchapi.Shows{IDs: r.Shows.Products, Query: r.Shows.Words, Category: r.Shows.Category, Brand: r.Shows.Brand, PriceMin: r.Shows.Min, PriceMax: r.Shows.Max,
			InStock: r.Shows.InStock, Attributes: r.Shows.Attributes, Sort: string(r.Shows.Sort)}}}
	v.StartsAt, v.EndsAt = moments(r.Starts, r.Ends)
	return v
}

func homeRow(id string, in *searchapi.HomeRowInput) search.HomeRow {
	return search.HomeRow{ID: id, Titles: in.Titles, Position: in.Position, Limit: in.Limit, Starts: moment(in.StartsAt), Ends: moment(in.EndsAt),
		When: search.Condition{Segments: in.When.Segments, Locales: in.When.Locales, Channels: in.When.Channels},
		Shows: search.Shown{Products: in.Shows.IDs, Words: in.Shows.Query, Category: in.Shows.Category, Brand: in.Shows.Brand, Min: in.Shows.PriceMin, Max: in.Shows.PriceMax,
			InStock: in.Shows.InStock, Attributes: in.Shows.Attributes, Sort: search.Sort(in.Shows.Sort)}}
}

func (a *api) rows(ctx context.Context, in *httpx.PageQuery) (*httpx.Body[httpx.Page[searchapi.HomeRow]], error) {
	all, err := a.merch.All(ctx)
	if err != nil {
		return nil, err
	}
	return page(in, all.Rows, rowView)
}

func (a *api) row(ctx context.Context, in *SettingParam) (*settingOutput[searchapi.HomeRow], error) {
	all, err := a.merch.All(ctx)
	if err != nil {
		return nil, err
	}
	k, known := all.Rows[in.ID]
	if !known {
		return nil, app.ErrRowNotFound
	}
	return one(in.ID, k, rowView), nil
}

type putRowInput struct {
	NewSettingParam
	httpx.IfMatchHeader
	Body searchapi.HomeRowInput
}

func (a *api) putRow(ctx context.Context, in *putRowInput) (*settingOutput[searchapi.HomeRow], error) {
	version, err := match(in.IfMatchHeader)
	if err != nil {
		return nil, err
	}
	k, err := a.merch.PutRow(ctx, auth.Actor(ctx), homeRow(in.ID, &in.Body), version)
	if err != nil {
		return nil, err
	}
	return one(in.ID, k, rowView), nil
}

func (a *api) deleteRow(ctx context.Context, in *deleteSettingInput) (*struct{}, error) {
	version, err := match(in.IfMatchHeader)
	if err != nil {
		return nil, err
	}
	return nil, a.merch.DeleteRow(ctx, auth.Actor(ctx), in.ID, version)
}
