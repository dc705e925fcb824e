package httpapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
)

// german is a shop of which some can be read in German: a shirt, and the registry in part.
func german(t testing.TB) (*shop, string) {
	s := stocked(t)
	for path, body := range map[string]string{
		"attributes/colour":   `{"label":"Colour","labels":{"de":"Farbe"},"type":"colour","values":[{"value":"navy","label":"Navy","labels":{"de":"Marineblau"},"hex":"#1F2A44"},{"value":"sand","label":"Sand","hex":"#D9C7A0"}]}`,
		"attributes/material": `{"label":"Material","type":"enum","values":[{"value":"linen","label":"Linen","labels":{"de":"Leinen"}},{"value":"cotton","label":"Cotton"}]}`,
		"attributes/season":   `{"label":"Season","labels":{"de":"Jahreszeit"},"type":"multi_enum","values":[{"value":"spring","label":"Spring","labels":{"de":"Frühling"}},{"value":"summer","label":"Summer","labels":{"de":"Sommer"}}]}`,
		"attributes/width":    `{"label":"Width","labels":{"de":"Breite"},"type":"decimal","unit":"cm","min":"1","max":"500"}`,
		"categories/clothing": `{"name":"Clothing","names":{"de":"Kleidung"},"slug":"clothing","attributes":[
			{"code":"colour","required":true,"variant_defining":true,"filterable":true},{"code":"size","required":true,"variant_defining":true,"filterable":true,"comparable":true}]}`,
	} {
		s.staff.Do("PUT", "/v1/admin/"+path, body).Want(204)
	}
	made := s.write(strings.Replace(shirt, `"popularity"`, `"translations":{"de":{"title":"Leinenhemd","description":"Kühl."},"fr":{"title":"Chemise en lin"}},"popularity"`, 1))
	s.write(sofa(1))
	s.price("SH-S-N", 4900)
	s.price("SOFA-101", 90000)
	return s, made.ID
}

func TestShopInALanguage(t *testing.T) {
	t.Parallel()
	s, id := german(t)
	tags := map[string]string{}
	for query, want := range map[string][]string{
		"":                {"en", "Linen Shirt", "Cool.", "Clothing", "Material: Linen", "Season: Spring, Summer", "Colour Navy", "Linen Shirt, Navy, S"},
		"?language=de":    {"de", "Leinenhemd", "Kühl.", "Kleidung", "Material: Leinen", "Jahreszeit: Frühling, Sommer", "Farbe Marineblau", "Leinenhemd, Marineblau, S"},
		"?language=DE-at": {"de-AT", "Leinenhemd", "Kühl.", "Kleidung", "Material: Leinen", "Jahreszeit: Frühling, Sommer", "Farbe Marineblau", "Leinenhemd, Marineblau, S"},
		"?language=fr":    {"fr", "Chemise en lin", "Cool.", "Clothing", "Material: Linen", "Season: Spring, Summer", "Colour Navy", "Chemise en lin, Navy, S"},
		"?language=it":    {"en", "Linen Shirt", "Cool.", "Clothing", "Material: Linen", "Season: Spring, Summer", "Colour Navy", "Linen Shirt, Navy, S"},
	} {
		var p catalogapi.Product
		r := s.guest.Do("GET", "/v1/products/linen-shirt"+query, nil).Want(200).JSON(&p)
		got := []string{r.Header.Get("Content-Language"), p.Title, p.Description, p.CategoryPath[0].Name}
		for _, a := range p.Attributes {
			got = append(got, a.Label+": "+a.Text)
		}
		got = append(got, p.Options[0].Label+" "+p.Options[0].Values[0], p.Variants[0].Title)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", query, diff)
		}
		if other, taken := tags[r.Header.Get("ETag")]; taken {
			t.Errorf("%q has the tag of %q", query, other)
		}
		tags[r.Header.Get("ETag")] = query
		if p.Slug != "linen-shirt" || p.ID != id {
			t.Errorf("%q: %s", query, p.Slug)
		}
	}
	var list httpx.Page[catalogapi.ProductSummary]
	r := s.guest.Do("GET", "/v1/products?language=de&q=leinen", nil).Want(200).JSON(&list)
	if len(list.Items) != 1 || list.Items[0].Title != "Leinenhemd" || list.Items[0].CategoryPath[0].Name != "Kleidung" || r.Header.Get("Content-Language") != "de" {
		t.Errorf("%+v %v", list, r.Header)
	}
	r = s.guest.Do("GET", "/v1/products?language=de&category=furniture", nil).Want(200).JSON(&list)
	if len(list.Items) != 1 || list.Items[0].Title != "Sofa number 101" || r.Header.Get("Content-Language") != "en" {
		t.Errorf("%+v %v", list, r.Header)
	}
	var compared catalogapi.Comparison
	r = s.guest.Do("GET", "/v1/products/compare?ids=linen-shirt,sofa-number-101&language=de", nil).Want(200).JSON(&compared)
	if compared.Products[0].Title != "Leinenhemd" || compared.Attributes[1].Label != "Breite" || compared.Attributes[1].Values[1][0].Text != "101,5 cm" || r.Header.Get("Content-Language") != "de" {
		t.Errorf("%+v %v", compared, r.Header)
	}
	var tree struct{ Items []catalogapi.Category }
	r = s.guest.Do("GET", "/v1/categories?language=de", nil).Want(200).JSON(&tree)
	if tree.Items[0].Name != "Furniture" && tree.Items[0].Name != "Kleidung" || r.Header.Get("Content-Language") != "de" {
		t.Errorf("%+v %v", tree, r.Header)
	}
	for _, path := range []string{"/v1/products", "/v1/products/linen-shirt", "/v1/products/compare?ids=linen-shirt", "/v1/categories"} {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		s.guest.Do("GET", path+sep+"language=d%C3%A9", nil).Want(422)
	}
}

func TestTranslationsAreToldAndKept(t *testing.T) {
	t.Parallel()
	s, id := german(t)
	want := map[string]catalogapi.TranslationV1{
		"de": {Title: "Leinenhemd", Description: "Kühl.", Categories: map[string]string{"clothing": "Kleidung"}, Labels: map[string]string{"colour": "Farbe", "season": "Jahreszeit"},
			Values: map[string]map[string]string{"colour": {"navy": "Marineblau"}, "material": {"linen": "Leinen"}, "season": {"spring": "Frühling", "summer": "Sommer"}}},
		"fr": {Title: "Chemise en lin"},
	}
	if diff := cmp.Diff(want, s.announced(id).Translations); diff != "" {
		t.Error(diff)
	}
	var kept StaffProduct
	s.reader.Do("GET", "/v1/admin/products/"+id, nil).Want(200).JSON(&kept)
	if diff := cmp.Diff(map[string]catalogapi.Translation{"de": {Title: "Leinenhemd", Description: "Kühl."}, "fr": {Title: "Chemise en lin"}}, kept.Translations); diff != "" {
		t.Error(diff)
	}
	var again catalogapi.ProductWritten
	s.staff.Do("PUT", "/v1/admin/products/"+id, kept.ProductInput).Want(200).JSON(&again)
	if again.Outcome != "unchanged" {
		t.Errorf("%+v", again)
	}
	kept.Translations["de"] = catalogapi.Translation{Title: "Hemd"}
	s.staff.Do("PUT", "/v1/admin/products/"+id, kept.ProductInput).Want(200).JSON(&again)
	if told := s.announced(id).Translations["de"]; again.Outcome != "updated" || told.Title != "Hemd" || told.Description != "" {
		t.Errorf("%+v %+v", again, told)
	}
	s.staff.Do("PUT", "/v1/admin/attributes/material", `{"label":"Material","labels":{"de":"Stoff"},"type":"enum","values":[{"value":"linen","label":"Linen"},{"value":"cotton","label":"Cotton"}]}`).Want(204)
	if told := s.announced(id).Translations["de"]; told.Labels["material"] != "Stoff" || told.Values["material"] != nil {
		t.Errorf("%+v: a new label is told of", told)
	}
}

func TestTranslationsAreRefusedWithAllFaults(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	r := s.staff.Do("POST", "/v1/admin/products", strings.Replace(shirt, `"popularity"`, `"translations":{"en":{"title":"Shirt"},"Deutsch":{"title":"Hemd"},"de":{"title":"`+strings.Repeat("ä", 200)+`"}},"popularity"`, 1)).Want(422)
	for _, place := range []string{"body.translations.en", `"body.translations"`, "body.translations.de.title"} {
		if !strings.Contains(string(r.Body), place) {
			t.Errorf("%s is not named: %s", place, r.Body)
		}
	}
	s.staff.Do("POST", "/v1/admin/products", strings.Replace(shirt, `"popularity"`, `"translations":{"de":{"titel":"Hemd"}},"popularity"`, 1)).Want(422)
	s.staff.Do("PUT", "/v1/admin/categories/shirts", `{"name":"Shirts","slug":"shirts","names":{"de_DE":"Hemden"}}`).Want(422)
}

// Values of text attributes and alternative texts are said in other languages by what they are in the shop's own.
func TestTextsOfAProductInALanguage(t *testing.T) {
	t.Parallel()
	s, _ := german(t)
	s.staff.Do("PUT", "/v1/admin/attributes/care", `{"label":"Care","labels":{"de":"Pflege"},"type":"text"}`).Want(204)
	s.staff.Do("PUT", "/v1/admin/categories/cared", `{"name":"Cared for","slug":"cared","attributes":[{"code":"care","searchable":true,"comparable":true}]}`).Want(204)
	const cared = `{"external_id":"cared","title":"Cared for","category_code":"cared","status":"published","attributes":{"care":"Wash <cold> & dry"},"images":[{"url":"/a.svg","alt":"From afar"},{"url":"/b.svg","alt":"From near"}],
		"variants":[{"sku":"CARED","images":[{"url":"/b.svg","alt":"From near"},{"url":"/c.svg"}]}],"translations":{"de":{"texts":%s}}}`
	made := s.write(fmt.Sprintf(cared, `{"Wash <cold> & dry":"Kalt <waschen> & trocknen","From near":"Von Nahem","From afar":""}`))
	s.price("CARED", 100)
	for query, want := range map[string][]string{
		"":                {"Care: Wash <cold> & dry", "From afar", "From near"},
		"?language=de-CH": {"Pflege: Kalt <waschen> & trocknen", "From afar", "Von Nahem"},
	} {
		var p catalogapi.Product
		s.guest.Do("GET", "/v1/products/"+made.ID+query, nil).Want(200).JSON(&p)
		got := []string{p.Attributes[0].Label + ": " + p.Attributes[0].Text, p.Images[0].Alt, p.Images[1].Alt}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	want := map[string]catalogapi.TranslationV1{"de": {Labels: map[string]string{"care": "Pflege"}, Values: map[string]map[string]string{"care": {"Wash <cold> & dry": "Kalt <waschen> & trocknen"}}}}
	if diff := cmp.Diff(want, s.announced(made.ID).Translations); diff != "" {
		t.Error(diff)
	}
	var kept StaffProduct
	s.reader.Do("GET", "/v1/admin/products/"+made.ID, nil).Want(200).JSON(&kept)
	if diff := cmp.Diff(map[string]catalogapi.Translation{"de": {Texts: map[string]string{"Wash <cold> & dry": "Kalt <waschen> & trocknen", "From near": "Von Nahem"}}}, kept.Translations); diff != "" {
		t.Error(diff)
	}
	var again catalogapi.ProductWritten
	s.staff.Do("PUT", "/v1/admin/products/"+made.ID, kept.ProductInput).Want(200).JSON(&again)
	if again.Outcome != "unchanged" {
		t.Errorf("%+v", again)
	}
	r := s.staff.Do("POST", "/v1/admin/products", fmt.Sprintf(cared, `{"Cared for":"Gepflegt","From near":"`+strings.Repeat("x", 6000)+`"}`)).Want(422)
	if got := strings.Count(string(r.Body), "body.translations.de.texts"); got != 2 {
		t.Errorf("%d faults: %s", got, r.Body)
	}
}
