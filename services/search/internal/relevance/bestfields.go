package relevance

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
)

// weights are those that tutorials give the fields of a product: the title thrice, what names it twice.
var weights = map[string]float64{"title": 3, "brand": 2, "category": 2, "sku": 2, "attributes": 1, "description": 1}

// texts are the fields of a product in a language, as it is written: what search finds by words, and no more.
func (p *Product) texts(language string) map[string]string {
	t := p.told.Translations[language]
	var categories, attributes, skus []string
	for _, c := range p.told.CategoryPath {
		categories = append(categories, cmp.Or(t.Categories[c.Code], c.Name))
	}
	values := func(all []catalogapi.AttributeValue) {
		for _, v := range all {
			switch {
			case !slices.Contains(p.told.Searchable, v.Code):
			case v.Type != catalogapi.TypeBoolean:
				attributes = append(attributes, cmp.Or(t.Values[v.Code][strings.Trim(string(v.Value), `"`)], v.Text))
			case string(v.Value) == "true":
				attributes = append(attributes, cmp.Or(t.Labels[v.Code], v.Label))
			}
		}
	}
	values(p.told.Attributes)
	for _, v := range p.told.Variants {
		values(v.Attributes)
		skus = append(skus, v.SKU)
	}
	return map[string]string{"title": cmp.Or(t.Title, p.told.Title), "description": cmp.Or(t.Description, p.told.Description), "brand": p.told.Brand,
		"category": strings.Join(categories, ", "), "attributes": strings.Join(attributes, ", "), "sku": strings.Join(skus, " ")}
}

// languages are those that are read.
var languages = []string{Own, "de"}
