package httpapi

import (
	"context"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

type similarInput struct {
	ReaderQuery
	ID    string `path:"id" maxLength:"200" doc:"Id or slug, also of a product that is not in the shop any more"`
	Limit int    `query:"limit" minimum:"1" maximum:"24" default:"8"`
}

type similarOutput struct {
	CacheControl string `header:"Cache-Control"`
	ContentLanguage
	Body searchapi.Similar
}

func (a *api) similar(ctx context.Context, in *similarInput) (*similarOutput, error) {
	var c fault.Collector
	v := a.reader(in.ReaderQuery, "query", &c)
	if err := c.Err(); err != nil {
		return nil, err
	}
	found, err := a.shop.Similar(ctx, v, in.ID, in.Limit)
	if err != nil {
		return nil, err
	}
	return &similarOutput{CacheControl: a.cacheControl(VisitQuery{ReaderQuery: in.ReaderQuery}), ContentLanguage: ContentLanguage{found.Language},
		Body: searchapi.Similar{Items: summaries(found.Items, v.Market.Currency)}}, nil
}
