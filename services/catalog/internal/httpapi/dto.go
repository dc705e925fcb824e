package httpapi

import (
	"encoding/json"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

func product(b catalogapi.ProductInput) catalog.Product {
	p := catalog.Product{ExternalID: b.ExternalID, Title: b.Title, Slug: b.Slug, Description: b.Description, Brand: b.BrandCode,
		Category: b.CategoryCode, Status: b.Status, TaxCategory: b.TaxCategory, Values: b.Attributes, Images: imagesIn(b.Images), Popularity: b.Popularity}
	for _, v := range b.Variants {
		one := catalog.Variant{SKU: v.SKU, Barcode: v.Barcode, WeightGrams: v.WeightGrams, Values: v.Attributes, Images: imagesIn(v.Images)}
		if d := v.Dimensions; d != nil {
			one.Size = &catalog.Size{Length: d.LengthMM, Width: d.WidthMM, Height: d.HeightMM}
		}
		p.Variants = append(p.Variants, one)
	}
	if len(b.Translations) > 0 {
		p.Titles, p.Descriptions = catalog.Texts{}, catalog.Texts{}
	}
	for language, t := range b.Translations {
		p.Titles[language], p.Descriptions[language] = t.Title, t.Description
		for own, text := range t.Texts {
			if p.Texts == nil {
				p.Texts = map[string]catalog.Texts{}
			}
			if p.Texts[own] == nil {
				p.Texts[own] = catalog.Texts{}
			}
			p.Texts[own][language] = text
		}
	}
	return p
}

func productInput(p *catalog.Product) catalogapi.ProductInput {
	b := catalogapi.ProductInput{ExternalID: p.ExternalID, Title: p.Title, Slug: p.Slug, Description: p.Description, BrandCode: p.Brand,
		CategoryCode: p.Category, Status: p.Status, TaxCategory: p.TaxCategory, Attributes: p.Values, Images: imagesOut(p.Images), Popularity: p.Popularity}
	for _, v := range p.Variants {
		b.Variants = append(b.Variants, catalogapi.VariantInput{SKU: v.SKU, Barcode: v.Barcode, WeightGrams: v.WeightGrams, Dimensions: dimensions(v.Size),
			Attributes: v.Values, Images: imagesOut(v.Images)})
	}
	b.Translations = translations(p)
	return b
}

func translations(p *catalog.Product) map[string]catalogapi.Translation {
	var out map[string]catalogapi.Translation
	in := func(language string) catalogapi.Translation {
		if out == nil {
			out = map[string]catalogapi.Translation{}
		}
		t := out[language]
		t.Title, t.Description = p.Titles[language], p.Descriptions[language]
		return t
	}
	for _, all := range []catalog.Texts{p.Titles, p.Descriptions} {
		for language := range all {
			t := in(language)
			out[language] = t
		}
	}
	for own, all := range p.Texts {
		for language, text := range all {
			t := in(language)
			if t.Texts == nil {
				t.Texts = map[string]string{}
			}
			t.Texts[own] = text
			out[language] = t
		}
	}
	return out
}

func dimensions(s *catalog.Size) *catalogapi.Dimensions {
	if s == nil {
		return nil
	}
	return &catalogapi.Dimensions{LengthMM: s.Length, WidthMM: s.Width, HeightMM: s.Height}
}

func imagesIn(all []catalogapi.Image) (out []catalog.Image) {
	for _, i := range all {
		out = append(out, catalog.Image(i))
	}
	return out
}

func imagesOut(all []catalog.Image) (out []catalogapi.Image) {
	for _, i := range all {
		out = append(out, catalogapi.Image(i))
	}
	return out
}

func attributeValues(reg *catalog.Registry, category string, values map[string]json.RawMessage) []catalogapi.AttributeValue {
	out := []catalogapi.AttributeValue{}
	for _, s := range reg.Show(category, values) {
		out = append(out, catalogapi.AttributeValue(s))
	}
	return out
}

func categoryPath(reg *catalog.Registry, code string) []catalogapi.CategoryRefV1 {
	out := []catalogapi.CategoryRefV1{}
	for _, c := range reg.Path(code) {
		out = append(out, catalogapi.CategoryRefV1{Code: c.Code, Name: c.Name, Slug: c.Slug})
	}
	return out
}

func page(p *app.Page) *catalogapi.Product {
	in, reg := &p.Product, p.Registry
	out := &catalogapi.Product{ID: p.ID, Version: p.Version, Slug: in.Slug, Status: in.Status, Title: in.Title, Description: in.Description,
		Brand: reg.BrandName(in), CategoryPath: categoryPath(reg, in.Category), TaxCategory: in.TaxCategory, Images: imagesOut(in.Images),
		Attributes: attributeValues(reg, in.Category, in.Values), Options: []catalogapi.Option{}, Variants: []catalogapi.Variant{},
		CreatedAt: p.CreatedAt.UTC(), UpdatedAt: p.UpdatedAt.UTC()}
	if out.Images == nil {
		out.Images = []catalogapi.Image{}
	}
	for _, o := range reg.Options(in) {
		out.Options = append(out.Options, catalogapi.Option(o))
	}
	for i := range in.Variants {
		v := &in.Variants[i]
		offer := p.Offers[v.SKU]
		out.Variants = append(out.Variants, catalogapi.Variant{SKU: v.SKU, Title: reg.TitleOf(in, v), Options: reg.Chosen(in.Category, v),
			Attributes: attributeValues(reg, in.Category, v.Values), Price: offer.Price, CompareAtPrice: offer.CompareAt, ImageURL: in.ImageOf(v),
			Barcode: v.Barcode, WeightGrams: v.WeightGrams, Dimensions: dimensions(v.Size), Availability: availability(offer.Level)})
	}
	return out
}

func availability(l app.Level) catalogapi.Availability {
	a := catalogapi.Availability{Status: l.Status, Available: max(l.Available, 0), ShipsAt: l.ShipsAt}
	switch {
	case l.Available <= 0:
		a.Status, a.ShipsAt = inventoryapi.StatusOutOfStock, nil
	case l.Status == "":
		a.Status = inventoryapi.StatusInStock
	}
	return a
}

func summary(l app.Listed, reg *catalog.Registry) catalogapi.ProductSummary {
	return catalogapi.ProductSummary{ID: l.ID, Slug: l.Slug, Title: l.Title, Brand: reg.Brands[l.Brand].Name, CategoryPath: categoryPath(reg, l.Category),
		ImageURL: l.ImageURL, Price: l.Price, CompareAtPrice: l.CompareAt, InStock: l.InStock, SKUs: l.SKUs}
}

func tree(reg *catalog.Registry, parent string) []catalogapi.Category {
	out := []catalogapi.Category{}
	for _, c := range reg.Children(parent) {
		out = append(out, catalogapi.Category{Code: c.Code, Name: c.Name, Slug: c.Slug, Children: tree(reg, c.Code)})
	}
	return out
}
