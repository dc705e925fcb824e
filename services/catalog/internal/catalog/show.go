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
		for i := range p.Variants {
			if v, ok := p.Variants[i].Values[rule.Code]; ok {
				if text := a.Show(v).Text; !slices.Contains(o.Values, text) {
					o.Values = append(o.Values, text)
				}
			}
		}
		a.sortTexts(o.Values)
		if len(o.Values) > 0 {
			out = append(out, o)
		}
	}
	return out
}

// sortTexts puts the labels of an enum into the registry's order, so that S stands before M.
func (a *Attribute) sortTexts(texts []string) {
	if a.Type != Enum {
		return
	}
	place := make(map[string]int, len(a.Choices))
	for i, c := range a.Choices {
		place[c.Label] = i
	}
	slices.SortStableFunc(texts, func(x, y string) int { return place[x] - place[y] })
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
