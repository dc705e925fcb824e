package seed

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/tools/internal/seedshop"
)

// WriteTold writes what the catalogue tells of each published product of the sample shop once it is filled, without running it: a
// catalogapi.ProductChangedV1 a line, in the order of the files. Ids are made of slugs, dates and versions are left out. Tests of what
// takes in such events read it.
func WriteTold(w io.Writer, s *seedshop.Shop) error {
	t := teller{brands: map[string]string{}, categories: map[string]seedshop.Category{}, attributes: map[string]seedshop.Attribute{}}
	for _, b := range s.Brands {
		t.brands[b.Code] = b.Name
	}
	for _, c := range s.Categories {
		t.categories[c.Code] = c
	}
	for _, a := range s.Attributes {
		t.attributes[a.Code] = a
	}
	out := json.NewEncoder(w)
	for i := range s.Products {
		p := &s.Products[i]
		if p.Status != seedshop.Published {
			continue
		}
		if err := out.Encode(t.product(p)); err != nil {
			return fmt.Errorf("product %s: %w", p.Slug, err)
		}
	}
	return nil
}

// WriteSynonyms writes the synonyms of the sample shop: an object of searchapi.SynonymInput by id.
func WriteSynonyms(w io.Writer, s *seedshop.Shop) error {
	all := map[string]searchapi.SynonymInput{}
	for _, one := range s.Synonyms {
		all[one.ID] = synonym(one)
	}
	return json.NewEncoder(w).Encode(all)
}

type teller struct {
	brands     map[string]string
	categories map[string]seedshop.Category
	attributes map[string]seedshop.Attribute
}

func (t *teller) product(p *seedshop.Product) catalogapi.ProductChangedV1 {
	german := catalogapi.TranslationV1{Title: p.GermanTitle, Description: p.GermanDescription, Categories: map[string]string{},
		Labels: map[string]string{}, Values: map[string]map[string]string{}}
	out := catalogapi.ProductChangedV1{
		ProductID: uuid.NewSHA1(uuid.NameSpaceURL, []byte(p.Slug)).String(), Status: string(p.Status), Slug: p.Slug, Title: p.Title,
		Description: p.Description, Brand: t.brands[p.Brand], BrandCode: p.Brand, CategoryPath: []catalogapi.CategoryRefV1{}, Popularity: popularity(p.Slug),
		Attributes: t.told(p.Attributes, &german), Translations: map[string]catalogapi.TranslationV1{"de": german},
	}
	for code := p.Category; code != ""; code = t.categories[code].Parent {
		c := t.categories[code]
		out.CategoryPath = slices.Insert(out.CategoryPath, 0, catalogapi.CategoryRefV1{Code: c.Code, Name: c.Name, Slug: strings.ReplaceAll(c.Code, "_", "-")})
		german.Categories[c.Code] = c.German
		for _, r := range c.Rules {
			if r.Filterable {
				out.Filterable = append(out.Filterable, r.Attribute)
			}
			if r.Searchable {
				out.Searchable = append(out.Searchable, r.Attribute)
			}
		}
	}
	for _, v := range p.Variants {
		out.Variants = append(out.Variants, catalogapi.VariantV1{SKU: v.SKU, Title: p.Title, WeightGrams: v.WeightGrams,
			Attributes: t.told(slices.Concat(v.Options, v.Attributes), &german)})
	}
	return out
}

// told are values as events have them; what reads differently in German is noted.
func (t *teller) told(all []seedshop.Value, german *catalogapi.TranslationV1) (out []catalogapi.AttributeValue) {
	plain := values(all)
	for _, v := range all {
		a := t.attributes[v.Attribute]
		told := catalogapi.AttributeValue{Code: v.Attribute, Label: a.Label, Type: string(v.Kind), Unit: v.Unit, Value: plain[v.Attribute], Text: v.Label, Hex: v.Hex}
		if v.Kind == seedshop.Boolean {
			told.Text = map[bool]string{true: "Yes", false: "No"}[v.Boolean]
		}
		out = append(out, told)
		german.Labels[a.Code] = a.German
		for _, c := range a.Values {
			if c.German != "" && (c.Code == v.Text || slices.Contains(v.Codes, c.Code)) {
				if german.Values[a.Code] == nil {
					german.Values[a.Code] = map[string]string{}
				}
				german.Values[a.Code][c.Code] = c.German
			}
		}
	}
	return out
}
