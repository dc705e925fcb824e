package view

import (
	"slices"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
)

// MaxCompared is how many products stand side by side.
const MaxCompared = 4

// CompareModel is products side by side.
type CompareModel struct {
	Comparison    catalogapi.Comparison
	OnlyDiffering bool
}

// attributes are the rows that are shown.
func (m *CompareModel) attributes() []catalogapi.ComparedAttribute {
	if !m.OnlyDiffering {
		return m.Comparison.Attributes
	}
	return slices.DeleteFunc(slices.Clone(m.Comparison.Attributes), func(a catalogapi.ComparedAttribute) bool { return !a.Differs })
}

// differs reports whether a text of the products is not the same in all.
func (m *CompareModel) differs(of func(catalogapi.ComparedProduct) string) bool {
	all := m.Comparison.Products
	return slices.ContainsFunc(all, func(c catalogapi.ComparedProduct) bool { return of(c) != of(all[0]) })
}

func brand(c catalogapi.ComparedProduct) string { return c.Brand }

// stock is whether anything of a product can be had now.
func stock(p *Page) func(catalogapi.ComparedProduct) string {
	return func(c catalogapi.ComparedProduct) string {
		if c.InStock {
			return p.T.Product.InStock
		}
		return p.T.Product.SoldOut
	}
}

// cost is the lowest price of a product.
func cost(p *Page) func(catalogapi.ComparedProduct) string {
	return func(c catalogapi.ComparedProduct) string {
		if c.Price == nil {
			return ""
		}
		return p.Money(*c.Price)
	}
}
