package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

// Trials count what tested rules bring.
type Trials interface {
	Do(ctx context.Context, d app.Deed) error
	Figures(ctx context.Context, rules map[string]app.Kept[search.Rule]) ([]app.Test, error)
}

func (a *api) registerTrials(s *httpx.Server, staff func(method, path, id, summary, scope string) huma.Operation) {
	httpx.Register(s, huma.Operation{
		Method: http.MethodPost, Path: searchapi.PathInteractions, OperationID: "note-interaction", Tags: []string{"shop"}, DefaultStatus: http.StatusNoContent,
		Summary: "Say what a visitor did with what a listing showed, for the figures of tested rules",
	}, a.interact)
	httpx.Register(s, staff(http.MethodGet, "/v1/admin/search/tests", "list-search-tests", "What the arms of tested rules have brought", ScopeRead), a.tests)
}

type interactInput struct {
	Body searchapi.Interaction
}

func (a *api) interact(ctx context.Context, in *interactInput) (*struct{}, error) {
	b := in.Body
	d := app.Deed{Visitor: b.Visitor, Kind: b.Type, Order: b.OrderID}
	if b.Value != nil {
		d.Value = *b.Value
	}
	return nil, a.tried.Do(ctx, d)
}

func (a *api) tests(ctx context.Context, _ *struct{}) (*httpx.List[searchapi.Test], error) {
	settings, err := a.merch.All(ctx)
	if err != nil {
		return nil, err
	}
	tests, err := a.tried.Figures(ctx, settings.Rules)
	if err != nil {
		return nil, err
	}
	all := make([]searchapi.Test, len(tests))
	for i, t := range tests {
		all[i] = searchapi.Test{Test: t.Name, Rules: t.Rules, Arms: make([]searchapi.Arm, len(t.Arms))}
		for j, arm := range t.Arms {
			v := searchapi.Arm{From: arm.From, To: arm.To, Rules: arm.Rules, Visitors: arm.Visitors, Viewed: arm.Viewed, Carted: arm.Carted, Bought: arm.Bought,
				Orders: arm.Orders, Revenue: []money.Amount{}}
			for _, c := range money.Currencies() {
				if minor := arm.Revenue[c]; minor != 0 {
					v.Revenue = append(v.Revenue, money.New(minor, c))
				}
			}
			all[i].Arms[j] = v
		}
	}
	return httpx.ListOf(all), nil
}
