package postgres

import (
	"time"

	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
)

// changed is the event that carries a product as others replicate it.
func changed(reg *catalog.Registry, r *catalog.Record, at time.Time) outbox.Event {
	p := &r.Product
	data := catalogapi.ProductChangedV1{
		ProductID: r.ID, Version: r.Version, Status: p.Status, Slug: p.Slug, Title: p.Title, Description: p.Description,
		Brand: reg.BrandName(p), CategoryPath: []catalogapi.CategoryRefV1{}, TaxCategory: p.TaxCategory, ImageURL: p.Image(),
		Popularity: p.Popularity, Attributes: attributes(reg, p.Category, p.Values), ChangedAt: at,
		Variants: make([]catalogapi.VariantV1, len(p.Variants)),
	}
	for _, c := range reg.Path(p.Category) {
		data.CategoryPath = append(data.CategoryPath, catalogapi.CategoryRefV1{Code: c.Code, Name: c.Name, Slug: c.Slug})
	}
	for i := range p.Variants {
		v := &p.Variants[i]
		data.Variants[i] = catalogapi.VariantV1{SKU: v.SKU, Title: reg.TitleOf(p, v), ImageURL: p.ImageOf(v), WeightGrams: v.WeightGrams,
			Attributes: attributes(reg, p.Category, v.Values)}
	}
	return outbox.Event{Topic: catalogapi.Topic, Type: catalogapi.TypeProductChangedV1, Subject: r.ID, Time: at, Data: data}
}

func attributes(reg *catalog.Registry, category string, values catalog.Values) (out []catalogapi.AttributeValue) {
	for _, s := range reg.Show(category, values) {
		out = append(out, catalogapi.AttributeValue(s))
	}
	return out
}
