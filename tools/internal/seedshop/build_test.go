package seedshop

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

func TestEveryFaultIsNamed(t *testing.T) {
	t.Parallel()
	src, err := load()
	if err != nil {
		t.Fatal(err)
	}
	l := &src.departments[0].Leaves[0]
	l.Attributes["wingspan"] = "required"
	l.Products[0].Set = map[string]words{"material": {"unobtainium"}, "tail": {"long"}}
	l.Products[1].Colours = []string{"octarine"}
	l.Brands = []string{"nobody"}
	_, err = build(src)
	if err == nil {
		t.Fatal("broken data were accepted")
	}
	for _, want := range []string{"wingspan", "unobtainium", "tail", "octarine", "nobody"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s", want)
		}
	}
}

func TestReadRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	enum := []Choice{{Code: "oak", Label: "Oak"}}
	cases := []struct {
		name string
		attr Attribute
		give words
	}{
		{"integer", Attribute{Code: "pages", Kind: Integer}, words{"many"}},
		{"decimal", Attribute{Code: "width", Kind: Decimal, Unit: "cm"}, words{"12 cm"}},
		{"decimal with sign", Attribute{Code: "width", Kind: Decimal}, words{"-1"}},
		{"boolean", Attribute{Code: "dimmable", Kind: Boolean}, words{"maybe"}},
		{"date", Attribute{Code: "starts_on", Kind: Date}, words{"2026-02-30"}},
		{"enum", Attribute{Code: "wood", Kind: Enum, Values: enum}, words{"teak"}},
		{"colour", Attribute{Code: "colour", Kind: Colour}, words{"octarine"}},
		{"multi-enum twice", Attribute{Code: "woods", Kind: MultiEnum, Values: enum}, words{"oak", "oak"}},
		{"two for one", Attribute{Code: "care", Kind: Text}, words{"a", "b"}},
		{"none", Attribute{Code: "woods", Kind: MultiEnum, Values: enum}, nil},
		{"no kind", Attribute{Code: "x"}, words{"a"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if v, err := c.attr.read(c.give); err == nil {
				t.Errorf("read %q as %+v", c.give, v)
			}
		})
	}
}

func TestShelfPrices(t *testing.T) {
	t.Parallel()
	want := map[int64][4]string{
		400:    {"3.99 USD", "3.79 EUR", "3.50 GBP", "598 JPY"},
		1_900:  {"18.99 USD", "17.95 EUR", "16.00 GBP", "2780 JPY"},
		5_900:  {"58.99 USD", "56.45 EUR", "49.50 GBP", "8680 JPY"},
		89_900: {"899.00 USD", "859.00 EUR", "759.00 GBP", "132800 JPY"},
	}
	for cents, prices := range want {
		for i, m := range markets() {
			if got := m.shelf(cents).String(); got != prices[i] {
				t.Errorf("shelf(%d) = %s, want %s", cents, got, prices[i])
			}
		}
	}
}

// Whatever a shopper reads of the sample shop can be read in German, and what is no longer said in English is noticed.
func TestGermanIsComplete(t *testing.T) {
	t.Parallel()
	src, err := load()
	if err != nil {
		t.Fatal(err)
	}
	shop, err := build(src)
	if err != nil {
		t.Fatal(err)
	}
	// What is called the same in both, names of models and things that went round the world; anything else was forgotten.
	same := []string{"Longboard Soundbar", "Clearpane 24 Monitor", "Clearpane 27 Monitor", "Clearpane 27 Studio Monitor", "Widefield 34 Monitor", "Rooibos", "Audio", "Sand", "Camel", "Mint",
		"Orange", "Material", "Denim", "Polyester", "Nylon", "Rattan", "Aluminium", "Winter", "Bluetooth", "USB-A", "USB-C", "HDMI", "DisplayPort", "Linear", "E26/E27", "E12/E14", "GU10",
		"Gluten", "Vegan", "Guatemala", "China", "Japan", "Sri Lanka", "Portugal", "Ghana", "Ecuador", "Filter", "Espresso", "Basketball", "Volleyball", "Rugby", "Tennis", "Handball", "Yoga"}
	check := func(what, english, german string) {
		if german == "" || strings.TrimSpace(german) != german || german == english && !slices.Contains(same, english) {
			t.Errorf("%s: %q is %q in German", what, english, german)
		}
	}
	for _, p := range shop.Products {
		check(p.Slug, p.Title, p.GermanTitle)
		check(p.Slug, p.Description, p.GermanDescription)
		for _, v := range p.Attributes {
			if v.Kind == Text && strings.ContainsFunc(v.Text, unicode.IsLetter) {
				check(p.Slug, v.Text, p.GermanTexts[v.Text])
			}
		}
		for _, i := range p.Images {
			check(p.Slug, i.Alt, i.German)
		}
	}
	for _, c := range shop.Categories {
		check("category", c.Name, c.German)
	}
	for _, a := range shop.Attributes {
		check("attribute", a.Label, a.German)
		for _, v := range a.Values {
			if !src.german.Attributes[a.Code].Same {
				check("value of "+a.Code, v.Label, v.German)
			}
		}
	}

	delete(src.german.Attributes["fit"].Values, "slim")
	delete(src.german.Palette, "navy")
	delete(src.german.Categories, "boots")
	delete(src.words["stationery"], "Sketch Book")
	src.words["stationery"]["Slate and chalk"] = "Schiefertafel mit Kreide"
	_, err = build(src)
	if err == nil {
		t.Fatal("missing texts were accepted")
	}
	for _, want := range []string{"value slim of fit", "value navy of ink_colour", "category boots", "Sketch Book", "Slate and chalk"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
}

// The rows of the home page are in both languages, show what is published, and name nothing twice.
func TestRowsOfTheHomePage(t *testing.T) {
	t.Parallel()
	s := Catalogue()
	by := map[string]Product{}
	for _, p := range s.Products {
		by[p.Slug] = p
	}
	ids, named := map[string]bool{}, 0
	for _, r := range s.Rows {
		if ids[r.ID] || r.Titles["en"] == "" || r.Titles["de"] == "" {
			t.Errorf("%+v", r)
		}
		ids[r.ID] = true
		for i, slug := range r.Products {
			if p := by[slug]; p.Status != Published || p.Variants[0].Prices[0].CompareAt == nil || slices.Contains(r.Products[:i], slug) {
				t.Errorf("%s: %s", r.ID, slug)
			}
			named++
		}
	}
	if len(ids) < 5 || named != reducedProducts {
		t.Errorf("%d rows, %d products", len(ids), named)
	}
	src, err := load()
	if err != nil {
		t.Fatal(err)
	}
	src.rows = []Row{{ID: "broken", Titles: map[string]string{"en": "Broken"}, Category: "nope"}}
	if _, err := build(src); err == nil || !strings.Contains(err.Error(), "has no title in de") || !strings.Contains(err.Error(), `no category "nope"`) {
		t.Errorf("%v", err)
	}
}
