package httpapi

import (
	"context"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
)

type compareInput struct {
	MarketQuery
	IDs []string `query:"ids" required:"true" minItems:"1" maxItems:"10" minLength:"1" maxLength:"200" doc:"Ids, slugs or former slugs, with commas"`
}

// Resolve refuses ids given several times: only the first of them would be read.
func (*compareInput) Resolve(hc huma.Context) []error {
	u := hc.URL()
	if len(u.Query()["ids"]) > 1 {
		return []error{&huma.ErrorDetail{Location: "query.ids", Message: "is given once, with commas between"}}
	}
	return nil
}

type compareOutput struct {
	CacheControl string `header:"Cache-Control"`
	ContentLanguage
	Body catalogapi.Comparison
}

// compare tells of what is no longer sold in the answer: whoever compares keeps a list of ids for days, and one that went must not
// cost them the others. A product without a price in the currency stays in the table, as its page does.
func (a *api) compare(ctx context.Context, in *compareInput) (*compareOutput, error) {
	var c fault.Collector
	m := a.market(in.MarketQuery, &c)
	if err := c.Err(); err != nil {
		return nil, err
	}
	names := slices.DeleteFunc(slices.Clone(in.IDs), func(name string) bool { return !possible(name) })
	found, reg, err := a.shelf.Pages(ctx, names, m)
	if err != nil {
		return nil, err
	}
	out := &compareOutput{CacheControl: a.cacheControl(), Body: catalogapi.Comparison{
		Products: []catalogapi.ComparedProduct{}, Attributes: []catalogapi.ComparedAttribute{}, Missing: []string{}}}
	var products []*catalog.Product
	translated := false
	for _, name := range in.IDs {
		p, ok := found[name]
		switch {
		case !ok && !slices.Contains(out.Body.Missing, name):
			out.Body.Missing = append(out.Body.Missing, name)
		case ok && !slices.ContainsFunc(out.Body.Products, func(o catalogapi.ComparedProduct) bool { return o.ID == p.ID }):
			translated = translated || p.Product.Titles.Has(m.Language)
			p = p.In(m.Language)
			products = append(products, &p.Product)
			out.Body.Products = append(out.Body.Products, column(p))
		}
	}
	for _, row := range reg.In(m.Language).Compare(products) {
		out.Body.Attributes = append(out.Body.Attributes, comparedAttribute(row))
	}
	out.ContentLanguage = ContentLanguage{a.in(m, translated)}
	return out, nil
}

// column has the lowest price of the variants and whether any that has one is in stock, as a listing has.
func column(p *app.Page) catalogapi.ComparedProduct {
	in, reg := &p.Product, p.Registry
	out := catalogapi.ComparedProduct{ID: p.ID, Slug: in.Slug, Title: in.Title, Brand: reg.BrandName(in), CategoryPath: categoryPath(reg, in.Category),
		ImageURL: in.Image(), SKUs: []string{}}
	for _, v := range in.Variants {
		offer := p.Offers[v.SKU]
		out.SKUs = append(out.SKUs, v.SKU)
		out.InStock = out.InStock || offer.Price != nil && offer.Available > 0
		if offer.Price != nil && (out.Price == nil || offer.Price.Minor < out.Price.Minor) {
			out.Price, out.CompareAtPrice = offer.Price, offer.CompareAt
		}
	}
	return out
}

func comparedAttribute(row catalog.Row) catalogapi.ComparedAttribute {
	out := catalogapi.ComparedAttribute{Code: row.Code, Label: row.Label, Type: row.Type, Unit: row.Unit, Differs: row.Differs,
		Values: make([][]catalogapi.ComparedValue, len(row.Cells))}
	for i, cell := range row.Cells {
		out.Values[i] = make([]catalogapi.ComparedValue, len(cell))
		for j, s := range cell {
			out.Values[i][j] = catalogapi.ComparedValue{Value: s.Value, Text: s.Text, Hex: s.Hex}
		}
	}
	return out
}
