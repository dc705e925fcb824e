package httpapi

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

// german sells what stocked does, and two shirts that can be read in German, one of them in its title too.
func german(t testing.TB) *shop {
	s := stocked(t)
	clothing := search.Category{Term: search.Term{Value: "clothing", Label: "Clothing"}, Slug: "clothing"}
	de := search.Translation{Categories: map[string]string{"clothing": "Kleidung"}, Labels: map[string]string{"material": "Stoff"},
		Values: map[string]map[string]string{"material": {"wool": "Wolle"}}}
	titled := de
	titled.Title, titled.Description = "Wollpullover", "Hält warm."
	wool := search.Product{Path: []search.Category{clothing}, Filterable: []string{"material"}, Searchable: []string{"material"}, Values: []search.Value{enum("material", "Material", "wool", "Wool")}}
	first, second := wool, wool
	first.Slug, first.Title, first.Variants, first.Translations = "jumper", "Jumper", []search.Item{{SKU: "J"}}, map[string]search.Translation{"de": titled}
	second.Slug, second.Title, second.Variants, second.Translations = "scarf", "Scarf", []search.Item{{SKU: "SC"}}, map[string]search.Translation{"de": de}
	s.tell(product(5, first, true), product(6, second, true), price("J", usd(7000, 0)), price("SC", usd(3000, 0)))
	return s
}

func TestListInALanguage(t *testing.T) {
	t.Parallel()
	s := german(t)
	for query, want := range map[string][]string{
		"?q=jumper":                          {"en", "Jumper / Clothing"},
		"?q=wollpullover":                    {"en"},
		"?q=wollpullover&language=de":        {"de", "Wollpullover / Kleidung"},
		"?q=wollpulover&language=de-AT":      {"de-AT", "Wollpullover / Kleidung"}, // a mistake
		"?q=wolle&sort=price&language=de":    {"de", "Scarf / Kleidung", "Wollpullover / Kleidung"},
		"?q=mug&language=de":                 {"en", "Coffee Mug / Home"}, // in the shop's own
		"?q=jumper&language=fr":              {"en", "Jumper / Clothing"},
		"?brand=alder&language=de":           {"en", "Linen Shirt / Kleidung"},
		"?attr.material=wool&language=en-GB": {"en", "Jumper / Clothing", "Scarf / Clothing"},
	} {
		var page searchapi.Products
		r := s.guest.Do("GET", "/v1/products"+query, nil).Want(200).JSON(&page)
		got := []string{r.Header.Get("Content-Language")}
		for _, p := range page.Items {
			got = append(got, p.Title+" / "+p.CategoryPath[0].Name)
		}
		if !strings.Contains(query, "sort=") {
			slices.Sort(got[1:])
		}
		if diff := cmp.Diff(want, got); diff != "" || page.Degraded {
			t.Errorf("%s: %s", query, diff)
		}
	}
	s.guest.Do("GET", "/v1/products?language=deutsch", nil).Problem(422, "validation-failed")
}

func TestFacetsAndSuggestionsInALanguage(t *testing.T) {
	t.Parallel()
	s := german(t)
	labels := func(language string) (all []string) {
		var page searchapi.Products
		s.guest.Do("GET", "/v1/products?facets=true&category=clothing&language="+language, nil).Want(200).JSON(&page)
		for _, f := range page.Facets {
			if f.Code == "category" || f.Code == "material" {
				all = append(all, f.Label)
				for _, v := range f.Values {
					all = append(all, v.Label)
				}
			}
		}
		return all
	}
	for language, want := range map[string][]string{"en": {"Category", "Clothing", "Shirts", "Material", "Wool", "Linen"}, "de": {"Kategorie", "Kleidung", "Shirts", "Stoff", "Wolle", "Linen"}} {
		got := labels(language)
		if i := slices.Index(got, "Home"); i >= 0 {
			got = slices.Delete(got, i, i+1) // the facet of categories is that of all
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", language, diff)
		}
	}
	var found searchapi.Suggestions
	s.guest.Do("GET", "/v1/products/suggest?q=woll&language=de", nil).Want(200).JSON(&found)
	if len(found.Products) == 0 || found.Products[0].Title != "Wollpullover" {
		t.Errorf("%+v", found)
	}
	s.guest.Do("GET", "/v1/products/suggest?q=klei&language=de", nil).Want(200).JSON(&found)
	if len(found.Categories) != 1 || found.Categories[0].Name != "Kleidung" {
		t.Errorf("%+v", found)
	}
	// What is no longer translated reads as in the shop's own.
	plain := search.Product{Slug: "jumper", Title: "Jumper", Path: []search.Category{{Term: search.Term{Value: "clothing", Label: "Clothing"}, Slug: "clothing"}}, Filterable: []string{"material"},
		Values: []search.Value{enum("material", "Material", "wool", "Wool")}, Variants: []search.Item{{SKU: "J"}}}
	s.tell(product(5, plain, true))
	if got := labels("de"); !slices.Contains(got, "Wool") || !slices.Contains(got, "Clothing") {
		t.Errorf("%v", got)
	}
}

// What no attribute is behind has labels of our own.
func TestOurOwnLabels(t *testing.T) {
	t.Parallel()
	s := german(t)
	for language, want := range map[string]string{
		"": "Category Brand Price In stock No Yes", "de-CH": "Kategorie Marke Preis Auf Lager Ja Nein", "fr": "Catégorie Marque Prix En stock Non Oui",
		"es": "Categoría Marca Precio En existencias No Sí", "tr": "Category Brand Price In stock No Yes",
	} {
		query := "?facets=true"
		if language != "" {
			query += "&language=" + language
		}
		var page searchapi.Products
		s.guest.Do("GET", "/v1/products"+query, nil).Want(200).JSON(&page)
		var got []string
		for _, f := range page.Facets {
			if f.AttributeType != "" {
				continue
			}
			got = append(got, f.Label)
			if f.Code == "in_stock" {
				answers := []string{f.Values[0].Label, f.Values[1].Label}
				slices.Sort(answers)
				got = append(got, answers...)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q", language, got)
		}
	}
}

// A query is widened by the synonyms of the language that it is read in, by their stems there, and by those of all languages.
func TestSynonymsOfALanguage(t *testing.T) {
	t.Parallel()
	s := german(t)
	s.staff.Do("PUT", synonymsPath+"/pulli", object{"language": "de", "words": []string{"Strickware", "Wollpullover"}}).Want(200)
	s.staff.Do("PUT", synonymsPath+"/sweater", object{"language": "en", "words": []string{"sweater", "jumper"}}).Want(200)
	s.staff.Do("PUT", synonymsPath+"/wp", object{"words": []string{"wp"}, "to": []string{"jumper", "Wollpullover"}}).Want(200)
	for query, want := range map[string]int{
		"strickware&language=de": 1, "strickwaren&language=de-AT": 1, "strickware": 0, "sweater": 1, "sweaters&language=en-GB": 1, "sweater&language=fr": 1, "sweater&language=de": 0, "wp": 1, "wp&language=de": 1,
	} {
		if got := s.slugs("?q=" + query); len(got) != want {
			t.Errorf("%s: %v", query, got)
		}
	}
	s.staff.Do("DELETE", synonymsPath+"/pulli", nil).Want(204)
	if got := s.slugs("?q=strickware&language=de"); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// What Germans search for is suggested to those who read German.
func TestWhatIsSearchedForIsOfALanguage(t *testing.T) {
	t.Parallel()
	s := german(t)
	for range 3 {
		s.guest.Do("GET", "/v1/products?q=wollpullover&language=de-AT", nil).Want(200)
		s.guest.Do("GET", "/v1/products?q=wool+jumper", nil).Want(200)
	}
	if err := s.ear.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for where, want := range map[string][]string{"": {"wool jumper"}, "&language=en-GB": {"wool jumper"}, "&language=de": {"wollpullover"}, "&language=de-CH": {"wollpullover"}} {
		var got searchapi.Suggestions
		s.guest.Do("GET", "/v1/products/suggest?q=wo"+where, nil).Want(200).JSON(&got)
		if diff := cmp.Diff(want, got.Queries); diff != "" {
			t.Errorf("%s: %s", where, diff)
		}
	}
}
