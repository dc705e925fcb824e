package catalog

import (
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/fault"
)

func TestLanguages(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"de": "de", "DE": "de", "de-at": "de-AT", "es-419": "es-419", "fil": "fil", "": "", "d": "", "deutsch": "",
		"de-": "", "-de": "", "de_AT": "", "de-Latn": "", "de-AT-x": "", "dé": ""} {
		got, ok := ParseLanguage(in)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q %v", in, got, ok)
		}
	}
}

func TestTextsFallBack(t *testing.T) {
	t.Parallel()
	all := Texts{"de": "Samt", "de-AT": "Samt (AT)"}
	for asked, want := range map[string]string{"de": "Samt", "de-AT": "Samt (AT)", "de-CH": "Samt", "fr": "Velvet", "": "Velvet"} {
		if got := all.In(asked, "Velvet"); got != want {
			t.Errorf("%q: %q", asked, got)
		}
	}
}

func translated() *Registry {
	return NewRegistry("en", []Attribute{
		{Code: "size", Label: "Size", Type: Enum, Labels: Texts{"de": "Größe"}, Choices: []Choice{{Value: "m", Label: "Medium", Labels: Texts{"de": "Mittel"}}, {Value: "s", Label: "Small", Labels: Texts{"fr": "Petit"}}}},
		{Code: "width", Label: "Width", Type: Decimal, Unit: "cm", Labels: Texts{"de": "Breite"}},
		{Code: "folds", Label: "Folds", Type: Boolean},
	}, []Category{{Code: "chairs", Name: "Chairs", Names: Texts{"de": "Stühle", "de-AT": "Sessel"}, Rules: []Rule{{Code: "size", VariantDefining: true}, {Code: "width"}, {Code: "folds"}}}}, nil)
}

func TestRegistryInLanguages(t *testing.T) {
	t.Parallel()
	r := translated()
	if got := r.Languages(); !slices.Equal(got, []string{"de", "de-AT", "fr"}) {
		t.Fatal(got)
	}
	p := &Product{Title: "Chair", Titles: Texts{"de": "Klappstuhl"}, Description: "It folds.", Category: "chairs", Values: values("width=\"12.5\"", "folds=true"),
		Variants: []Variant{{SKU: "S", Values: values("size=\"s\"")}, {SKU: "M", Values: values("size=\"m\"")}}}
	for language, want := range map[string][]string{
		"de":    {"Stühle", "Breite", "12,5 cm", "Folds", "Ja", "Größe", "Mittel", "Small", "Klappstuhl, Small", "It folds."},
		"de-CH": {"Stühle", "Breite", "12,5 cm", "Folds", "Ja", "Größe", "Mittel", "Small", "Klappstuhl, Small", "It folds."},
		"de-AT": {"Sessel", "Breite", "12,5 cm", "Folds", "Ja", "Größe", "Mittel", "Small", "Klappstuhl, Small", "It folds."},
		"fr":    {"Chairs", "Width", "12,5 cm", "Folds", "Oui", "Size", "Medium", "Petit", "Chair, Petit", "It folds."},
		"en-GB": {"Chairs", "Width", "12.5 cm", "Folds", "Yes", "Size", "Medium", "Small", "Chair, Small", "It folds."},
		"xx":    {"Chairs", "Width", "12.5 cm", "Folds", "Yes", "Size", "Medium", "Small", "Chair, Small", "It folds."},
	} {
		in, q := r.In(language), p.In(r, language)
		got := []string{in.Path("chairs")[0].Name}
		for _, s := range in.Show("chairs", q.Values) {
			got = append(got, s.Label, s.Text)
		}
		for _, o := range in.Options(q) {
			got = append(append(got, o.Label), o.Values...)
		}
		got = append(got, in.TitleOf(q, &q.Variants[0]), q.Description)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", language, diff)
		}
	}
	if r.Attributes["size"].Choices[0].Label != "Medium" || p.Title != "Chair" {
		t.Error("the shop's own language was written over")
	}
}

func TestTranslationsAreChecked(t *testing.T) {
	t.Parallel()
	var c fault.Collector
	r := translated()
	long := string(make([]byte, maxDescription+1))
	p := r.Check(Product{Title: "Chair", Category: "chairs", Variants: []Variant{{SKU: "S"}},
		Titles: Texts{"de": "Stuhl", "fr": "", "en": "Chair", "German": "", "es": string(make([]byte, 301))}, Descriptions: Texts{"de": "", "fr": "Une chaise.", "es": long}}, "body.", &c)
	CheckAttribute(Attribute{Code: "x", Label: "X", Type: Enum, Labels: Texts{"de-at": "X", "fr": " "}, Choices: []Choice{{Value: "a", Label: "A", Labels: Texts{"en": "A"}}}}, "en", "a", &c)
	r.CheckCategory(Category{Code: "y", Name: "Y", Slug: "y", Names: Texts{"de": ""}}, "c", &c)
	f, _ := fault.As(c.Err())
	var places []string
	for _, field := range f.Fields {
		places = append(places, field.Location)
	}
	slices.Sort(places)
	want := []string{"a.labels", "a.labels.fr", "a.values[0].labels.en", "body.translations", "body.translations.en", "body.translations.es.description", "body.translations.es.title", "c.names.de"}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Error(diff)
	}
	if p.Titles["fr"] != "" || len(p.Titles) != 4-1 || len(p.Descriptions) != 2 {
		t.Errorf("what is empty is not there: %d titles, %d descriptions", len(p.Titles), len(p.Descriptions))
	}
}

// What was stored before there were translations keeps its hash; a translation is part of it.
func TestHashCoversTranslations(t *testing.T) {
	t.Parallel()
	p := Product{Title: "x"}
	former := `{"ExternalID":"","Title":"x","Slug":"","Description":"","Brand":"","Category":"","Status":"","TaxCategory":"","Values":null,"Images":null,"Popularity":0,"Variants":null}`
	if p.Hash() != sha256.Sum256([]byte(former)) {
		t.Error("an untranslated product has another hash than before")
	}
	p.Titles = Texts{"de": "y"}
	if former = former[:len(former)-1] + `,"Titles":{"de":"y"},"Descriptions":null}`; p.Hash() != sha256.Sum256([]byte(former)) {
		t.Error("a product with a translated title has another hash than before texts could be translated")
	}
	p.Titles = nil
	seen := map[[32]byte]bool{p.Hash(): true}
	for _, q := range []Product{{Title: "x", Titles: Texts{"de": "y"}}, {Title: "x", Titles: Texts{"fr": "y"}}, {Title: "x", Descriptions: Texts{"de": "y"}}, {Title: "x", Texts: map[string]Texts{"a": {"de": "y"}}},
		{Title: "x", Titles: Texts{"de": "y"}, Texts: map[string]Texts{"a": {"de": "y"}}}} {
		if seen[q.Hash()] {
			t.Errorf("%+v has the hash of another", q)
		}
		seen[q.Hash()] = true
	}
}
