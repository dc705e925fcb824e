package catalog

import (
	"maps"
	"slices"
	"strings"
)

// Option is a choice between variants, with the values that exist in the order of their first variant, or of the registry.
type Option struct {
	Code, Label string
	Values      []string // as people read them
}

// Show lists values in the order of the category's rules; what the registry no longer knows is left out.
func (r *Registry) Show(category string, values Values) []Shown {
	out := make([]Shown, 0, len(values))
	done := make(map[string]bool, len(values))
	show := func(code string) {
		a, known := r.Attributes[code]
		if v, given := values[code]; given && known && !done[code] {
			out = append(out, a.Show(v))
			done[code] = true
		}
	}
	for _, rule := range r.Rules(category) {
		show(rule.Code)
	}
	for _, code := range slices.Sorted(maps.Keys(values)) {
		show(code)
	}
	return out
}

// Options lists what a shopper chooses between. An attribute that is the same on all variants is an option too, with one value.
func (r *Registry) Options(p *Product) []Option {
	out := []Option{}
	for _, rule := range r.Rules(p.Category) {
		a, known := r.Attributes[rule.Code]
		if !rule.VariantDefining || !known {
			continue
		}
		o := Option{Code: rule.Code, Label: a.Label}
		for _, s := range a.across(p) {
			o.Values = append(o.Values, s.Text)
		}
		if len(o.Values) > 0 {
			out = append(out, o)
		}
	}
	return out
}

// across lists what the variants of a product have of an attribute, each text once, in the order of the first variant, or of an
// enum's choices, so that S stands before M. What stands on the product holds for the variants that have none of their own.
func (a *Attribute) across(p *Product) (all []Shown) {
	for i := range p.Variants {
		v, given := p.Variants[i].Values[a.Code]
		if !given {
			v, given = p.Values[a.Code]
		}
		if !given {
			continue
		}
		if s := a.Show(v); !slices.ContainsFunc(all, func(o Shown) bool { return o.Text == s.Text }) {
			all = append(all, s)
		}
	}
	if a.Type == Enum {
		place := make(map[string]int, len(a.Choices))
		for i, c := range a.Choices {
			place[c.Label] = i
		}
		slices.SortStableFunc(all, func(x, y Shown) int { return place[x.Text] - place[y.Text] })
	}
	return all
}

// Chosen is what a variant has for each option of its product, by code.
func (r *Registry) Chosen(category string, v *Variant) map[string]string {
	out := map[string]string{}
	for _, rule := range r.Rules(category) {
		if a, known := r.Attributes[rule.Code]; known && rule.VariantDefining && v.Values[rule.Code] != nil {
			out[rule.Code] = a.Show(v.Values[rule.Code]).Text
		}
	}
	return out
}

// TitleOf is the product's title with the variant's options: "Linen shirt, M, blue".
func (r *Registry) TitleOf(p *Product, v *Variant) string {
	parts := []string{p.Title}
	chosen := r.Chosen(p.Category, v)
	for _, rule := range r.Rules(p.Category) {
		if text, ok := chosen[rule.Code]; ok {
			parts = append(parts, text)
			delete(chosen, rule.Code)
		}
	}
	return strings.Join(parts, ", ")
}

// BrandName returns the name of a product's brand, or "".
func (r *Registry) BrandName(p *Product) string { return r.Brands[p.Brand].Name }

// Row is one attribute of a comparison.
type Row struct {
	Attribute
	Cells   [][]Shown // what each product has, more than one where its variants differ; none where it has nothing
	Differs bool      // not all products have the same
}

// Compare makes a table of what the categories of the products call comparable, in the order of their rules, those of the first
// product before what only later ones have. What one category compares is shown of every product that has it; what none of
// them has is no row.
func (r *Registry) Compare(products []*Product) []Row {
	rows := []Row{}
	done := map[string]bool{}
	for _, of := range products {
		for _, rule := range r.Rules(of.Category) {
			a, known := r.Attributes[rule.Code]
			if !rule.Comparable || !known || done[rule.Code] {
				continue
			}
			done[rule.Code] = true
			if row := a.row(products); slices.ContainsFunc(row.Cells, func(c []Shown) bool { return len(c) > 0 }) {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

func (a *Attribute) row(products []*Product) Row {
	row := Row{Attribute: *a}
	texts := func(cell []Shown) (all []string) {
		for _, s := range cell {
			all = append(all, s.Text)
		}
		slices.Sort(all)
		return all
	}
	for i, p := range products {
		row.Cells = append(row.Cells, a.across(p))
		row.Differs = row.Differs || !slices.Equal(texts(row.Cells[i]), texts(row.Cells[0]))
	}
	return row
}
