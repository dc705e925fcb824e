package httpapi

import (
	"context"
	"fmt"

	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

type auditInput struct {
	httpx.PageQuery
	Kind string `query:"kind" enum:"synonym,rule,row" doc:"All when left out"`
	ID   string `query:"id" maxLength:"64" doc:"Of a synonym, rule or row"`
}

func (a *api) audit(ctx context.Context, in *auditInput) (*httpx.Body[httpx.Page[searchapi.Change]], error) {
	before, _, err := httpx.DecodeCursor[int64](in.Cursor)
	if err != nil {
		return nil, err
	}
	entries, err := a.log.Audit(ctx, app.AuditQuery{Kind: app.SettingKind(in.Kind), ID: in.ID, Before: before, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	shown := httpx.NewPage(entries, in.Limit, func(last app.AuditEntry) string { return httpx.EncodeCursor(last.Number) })
	out := httpx.Page[searchapi.Change]{Items: make([]searchapi.Change, len(shown.Items)), NextCursor: shown.NextCursor}
	for i, e := range shown.Items {
		out.Items[i] = searchapi.Change{At: e.At, Actor: e.Actor, Kind: string(e.Kind), ID: e.ID, Action: e.Action, Version: e.Version,
			Before: settingView(e.ID, e.Before), After: settingView(e.ID, e.After)}
	}
	return &httpx.Body[httpx.Page[searchapi.Change]]{Body: out}, nil
}

// settingView is a setting as it is put; nil for none.
func settingView(id string, setting any) any {
	switch v := setting.(type) {
	case nil:
		return nil
	case search.Synonym:
		return synonymView(id, app.Kept[search.Synonym]{Value: v}).SynonymInput
	case search.Rule:
		return ruleView(id, app.Kept[search.Rule]{Value: v}).RuleInput
	case search.HomeRow:
		return rowView(id, app.Kept[search.HomeRow]{Value: v}).HomeRowInput
	}
	panic(fmt.Sprintf("search: a setting is no %T", setting))
}
