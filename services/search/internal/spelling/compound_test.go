package spelling

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

func TestCompounds(t *testing.T) {
	t.Parallel()
	stem := func(w string) string { return strings.TrimSuffix(strings.TrimSuffix(w, "n"), "e") }
	dictionary := func(language string) *Dictionary {
		b := NewBuilder(language, stem)
		for _, text := range []string{"Decke", "Wolldecke", "Wolldecken", "Wolldecke", "Tagesdecken", "Tischdecke aus Leinen", "Tischdecke", "Tischdecke", "Decken", "Verdeck", "entdeckte", "Tisch",
			"Beistelltisch", "Eistee", "Preis", "Reis", "Basmatireis", "Messer2000tisch", "Wäscheständer", "Ecke"} {
			b.Add(search.Text{Name: text, Title: search.Index(text)}, "")
		}
		return b.Build()
	}
	german := dictionary("de-AT")
	for word, want := range map[string]string{
		"decke": "tischdecke wolldecke tagesdecken", "decken": "tischdecke wolldecke tagesdecken", "tisch": "beistelltisch", "reis": "basmatireis",
		"stander": "waschestander", "eis": "", "tischdecke": "", "sofa": "", "": "", "2000tisch": "", "linen": "", "ecke": "", "isch": "",
	} {
		if got := strings.Join(german.Compounds(word), " "); got != want {
			t.Errorf("%s: %q, not %q", word, got, want)
		}
	}
	for word, want := range map[string]string{"wolldecke": "decke", "picknickdecken": "decken", "couchtisch": "tisch", "decke": "", "preis": "", "2000tisch": "", "sofa": "", "": ""} {
		if got := german.Head(word); got != want {
			t.Errorf("%s ends with %q, not %q", word, got, want)
		}
	}
	for _, language := range []string{"", "en", "fr"} {
		d := dictionary(language)
		if got := d.Compounds("decke"); got != nil {
			t.Errorf("%s: %q", language, got)
		}
		if got := d.Head("wolldecke"); got != "" {
			t.Errorf("%s: %q", language, got)
		}
	}
}

func TestCompoundsAreFew(t *testing.T) {
	t.Parallel()
	stemmed := 0
	b := NewBuilder("de", func(w string) string { stemmed++; return w })
	for i := range 200 {
		w := fmt.Sprintf("%c%c%clampe", 'a'+i%26, 'a'+i/26, 'x')
		for range 1 + i%7 {
			b.Add(search.Text{Title: w}, "")
		}
	}
	d := b.Build()
	stemmed = 0
	got := d.Compounds("lampe")
	if stemmed > 60 { // the word, and what may be a longer last part
		t.Errorf("%d words are stemmed for one", stemmed)
	}
	if len(got) != mostCompounds || !slices.IsSortedFunc(got, func(a, b string) int { return d.Count(b) - d.Count(a) }) || d.Count(got[0]) != 7 {
		t.Errorf("%q", got)
	}
}
