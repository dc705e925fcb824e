package httpapi

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

// registerSettings adds what merchandisers change.
func (a *api) registerSettings(s *httpx.Server, staff func(method, path, id, summary, scope string) huma.Operation) {
	const synonyms, rules = "/v1/admin/search/synonyms", "/v1/admin/search/rules"
	httpx.Register(s, staff(http.MethodGet, synonyms, "list-synonyms", "Synonyms by id", ScopeRead), a.synonyms)
	httpx.Register(s, staff(http.MethodGet, synonyms+"/{id}", "get-synonym", "A synonym", ScopeRead), a.synonym)
	httpx.Register(s, staff(http.MethodPut, synonyms+"/{id}", "put-synonym", "Write a synonym; it holds from the next query on", ScopeWrite), a.putSynonym)
	httpx.Register(s, staff(http.MethodDelete, synonyms+"/{id}", "delete-synonym", "Take a synonym out", ScopeWrite), a.deleteSynonym)
	httpx.Register(s, staff(http.MethodGet, rules, "list-search-rules", "Rules of merchandising by id", ScopeRead), a.rules)
	httpx.Register(s, staff(http.MethodGet, rules+"/{id}", "get-search-rule", "A rule", ScopeRead), a.rule)
	httpx.Register(s, staff(http.MethodPut, rules+"/{id}", "put-search-rule", "Write a rule; it holds from the next query on", ScopeWrite), a.putRule)
	httpx.Register(s, staff(http.MethodDelete, rules+"/{id}", "delete-search-rule", "Take a rule out", ScopeWrite), a.deleteRule)
	httpx.Register(s, staff(http.MethodGet, "/v1/admin/search/audit", "list-search-changes", "Changes of synonyms, rules and rows, the newest first", ScopeRead), a.audit)
	preview := staff(http.MethodPost, "/v1/admin/search/preview", "preview-search", "A listing as a visitor would get it, with why each product is where it is", ScopeRead)
	preview.DefaultStatus = http.StatusOK
	httpx.Register(s, preview, a.preview, httpx.Timeout(5*time.Second))
}

// SettingParam is embedded by what names a setting; huma reads exported embedded structs only.
type SettingParam struct {
	ID string `path:"id" maxLength:"64"`
}

// NewSettingParam is embedded by what may make a setting.
type NewSettingParam struct {
	ID string `path:"id" pattern:"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"`
}

// after is the id behind which a page of settings begins.
type after struct {
	ID string `json:"i"`
}

// page makes a page of settings in the order of their ids.
func page[T, V any](in *httpx.PageQuery, all map[string]app.Kept[T], view func(id string, k app.Kept[T]) V) (*httpx.Body[httpx.Page[V]], error) {
	from, _, err := httpx.DecodeCursor[after](in.Cursor)
	if err != nil {
		return nil, err
	}
	ids := slices.Sorted(maps.Keys(all))
	start, found := slices.BinarySearch(ids, from.ID)
	if found {
		start++
	}
	ids = ids[start:]
	shown := httpx.NewPage(ids[:min(len(ids), in.Limit+1)], in.Limit, func(last string) string { return httpx.EncodeCursor(after{last}) })
	out := httpx.Page[V]{Items: make([]V, len(shown.Items)), NextCursor: shown.NextCursor}
	for i, id := range shown.Items {
		out.Items[i] = view(id, all[id])
	}
	return &httpx.Body[httpx.Page[V]]{Body: out}, nil
}

// match reads an If-Match; nil: any version.
func match(h httpx.IfMatchHeader) (*int64, error) {
	version, given, err := httpx.ParseIfMatch(h.IfMatch)
	if err != nil || !given {
		return nil, err
	}
	return &version, nil
}

type settingOutput[V any] struct {
	httpx.ETagHeader
	Body V
}

// one answers with a setting.
func one[T, V any](id string, k app.Kept[T], view func(id string, k app.Kept[T]) V) *settingOutput[V] {
	return &settingOutput[V]{ETagHeader: httpx.ETag(k.Version), Body: view(id, k)}
}

type deleteSettingInput struct {
	SettingParam
	httpx.IfMatchHeader
}

func synonymView(id string, k app.Kept[search.Synonym]) searchapi.Synonym {
	v := k.Value
	return searchapi.Synonym{ID: id, SynonymInput: searchapi.SynonymInput{Language: v.Language, Words: v.Words, To: v.To}, Version: k.Version, UpdatedAt: k.UpdatedAt}
}

func (a *api) synonyms(ctx context.Context, in *httpx.PageQuery) (*httpx.Body[httpx.Page[searchapi.Synonym]], error) {
	all, err := a.merch.All(ctx)
	if err != nil {
		return nil, err
	}
	return page(in, all.Synonyms, synonymView)
}

func (a *api) synonym(ctx context.Context, in *SettingParam) (*settingOutput[searchapi.Synonym], error) {
	all, err := a.merch.All(ctx)
	if err != nil {
		return nil, err
	}
	k, known := all.Synonyms[in.ID]
	if !known {
		return nil, app.ErrSynonymNotFound
	}
	return one(in.ID, k, synonymView), nil
}

type putSynonymInput struct {
	NewSettingParam
	httpx.IfMatchHeader
	Body searchapi.SynonymInput
}

func (a *api) putSynonym(ctx context.Context, in *putSynonymInput) (*settingOutput[searchapi.Synonym], error) {
	version, err := match(in.IfMatchHeader)
	if err != nil {
		return nil, err
	}
	k, err := a.merch.PutSynonym(ctx, auth.Actor(ctx), search.Synonym{ID: in.ID, Language: in.Body.Language, Words: in.Body.Words, To: in.Body.To}, version)
	if err != nil {
		return nil, err
	}
	return one(in.ID, k, synonymView), nil
}

func (a *api) deleteSynonym(ctx context.Context, in *deleteSettingInput) (*struct{}, error) {
	version, err := match(in.IfMatchHeader)
	if err != nil {
		return nil, err
	}
	return nil, a.merch.DeleteSynonym(ctx, auth.Actor(ctx), in.ID, version)
}

func (a *api) rules(ctx context.Context, in *httpx.PageQuery) (*httpx.Body[httpx.Page[searchapi.Rule]], error) {
	all, err := a.merch.All(ctx)
	if err != nil {
		return nil, err
	}
	return page(in, all.Rules, ruleView)
}

func (a *api) rule(ctx context.Context, in *SettingParam) (*settingOutput[searchapi.Rule], error) {
	all, err := a.merch.All(ctx)
	if err != nil {
		return nil, err
	}
	k, known := all.Rules[in.ID]
	if !known {
		return nil, app.ErrRuleNotFound
	}
	return one(in.ID, k, ruleView), nil
}

type putRuleInput struct {
	NewSettingParam
	httpx.IfMatchHeader
	Body searchapi.RuleInput
}

func (a *api) putRule(ctx context.Context, in *putRuleInput) (*settingOutput[searchapi.Rule], error) {
	version, err := match(in.IfMatchHeader)
	if err != nil {
		return nil, err
	}
	k, err := a.merch.PutRule(ctx, auth.Actor(ctx), rule(in.ID, &in.Body), version)
	if err != nil {
		return nil, err
	}
	return one(in.ID, k, ruleView), nil
}

func (a *api) deleteRule(ctx context.Context, in *deleteSettingInput) (*struct{}, error) {
	version, err := match(in.IfMatchHeader)
	if err != nil {
		return nil, err
	}
	return nil, a.merch.DeleteRule(ctx, auth.Actor(ctx), in.ID, version)
}

// rule is what a wire form says.
func rule(id string, in *searchapi.RuleInput) search.Rule {
	r := search.Rule{ID: id, Name: in.Name, Priority: in.Priority, Starts: moment(in.StartsAt), Ends: moment(in.EndsAt), Share: (*search.Share)(in.Share),
		When: search.Condition{Match: search.Match(in.When.Match), Texts: in.When.Texts, Categories: in.When.Categories, Segments: in.When.Segments,
			Locales: in.When.Locales, Channels: in.When.Channels}}
	for _, t := range in.Then {
		a := search.Action{Kind: search.ActionKind(t.Kind), NewDays: t.NewDays, Factor: t.Factor, Product: t.Product, Position: t.Position, URL: t.URL}
		for _, f := range t.Filters {
			a.Filters = append(a.Filters, search.Filter(f))
		}
		if t.Banner != nil {
			a.Banner = search.Banner(*t.Banner)
		}
		r.Then = append(r.Then, a)
	}
	return r
}

func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// moments are those that are set.
func moments(starts, ends time.Time) (from, until *time.Time) {
	if !starts.IsZero() {
		from = &starts
	}
	if !ends.IsZero() {
		until = &ends
	}
	return from, until
}

func ruleView(id string, k app.Kept[search.Rule]) searchapi.Rule {
	r := k.Value
	v := searchapi.Rule{ID: id, Version: k.Version, UpdatedAt: k.UpdatedAt, RuleInput: searchapi.RuleInput{Name: r.Name, Priority: r.Priority, Share: (*searchapi.Share)(r.Share),
		When: searchapi.When{Match: string(r.When.Match), Texts: r.When.Texts, Categories: r.When.Categories, Segments: r.When.Segments, Locales: r.When.Locales, Channels: r.When.Channels}}}
	v.StartsAt, v.EndsAt = moments(r.Starts, r.Ends)
	for _, t := range r.Then {
		a := searchapi.Action{Kind: string(t.Kind), NewDays: t.NewDays, Factor: t.Factor, Product: t.Product, Position: t.Position, URL: t.URL}
		for _, f := range t.Filters {
			a.Filters = append(a.Filters, searchapi.Filter(f))
		}
		if t.Kind == search.Show {
			b := searchapi.Banner(t.Banner)
			a.Banner = &b
		}
		v.Then = append(v.Then, a)
	}
	return v
}
