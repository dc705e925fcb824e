package indextest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// A word counts what the best field counts in which a document has it, however often.
func weights(t *testing.T, place Place) {
	in := func(t search.Text) func(*search.Document) { return text("en", t) }
	x := fill(t, place(),
		a("title", "zeppelin zeppelin model"), a("brand", "", in(search.Text{Brand: "zeppelin"})),
		a("category", "", in(search.Text{Category: "toys zeppelin"})), a("attributes", "", in(search.Text{Attributes: "zeppelin"})),
		a("description", "", in(search.Text{Description: "like a zeppelin that flies"})),
		a("identifiers", "", func(d *search.Document) { d.Identifiers = "zeppelin zeppelin2" }),
		a("all", "", in(search.Text{Title: "zeppelin", Brand: "zeppelin", Category: "zeppelin", Attributes: "zeppelin", Description: "zeppelin"})),
		a("none", "balloon"))
	found := ask(t, x, words("zeppelin"))
	wantIDs(t, "by weight", found, "identifiers", "all", "title", "brand", "category", "attributes", "description")
	for i, want := range []float64{14, 10, 10, 8, 6, 5, 3} {
		if h := found.Hits[i]; !near(h.Score, want) {
			t.Errorf("%s scores %v, not %v", h.Document.ID, h.Score, want)
		}
	}
}

// Groups add up, and each can be found in another field. All must be found, or as many as the plan says.
func groups(t *testing.T, place Place) {
	x := fill(t, place(), a("both", "red tent"), a("apart", "tent", text("en", search.Text{Title: "tent", Attributes: "red"})),
		a("red", "red lamp"), a("tent", "blue tent"), a("three", "red folding tent"))
	wantIDs(t, "all groups", ask(t, x, words("red", "tent")), "both", "three", "apart")
	p := words("red", "folding", "tent")
	p.AtLeast = 2
	found := ask(t, x, p)
	wantIDs(t, "two of three", found, "three", "both", "apart")
	for i, want := range []float64{30, 20, 15} {
		if !near(found.Hits[i].Score, want) {
			t.Errorf("hit %d scores %v, not %v", i, found.Hits[i].Score, want)
		}
	}
	p.AtLeast = 9
	wantIDs(t, "more than there are", ask(t, x, p), "three")
	p = words("red", "tent")
	p.AtLeast, p.Groups[0].Weight = 1, 3
	wantIDs(t, "the weight of a word", ask(t, x, p), "both", "three", "red", "apart", "tent")
	wantIDs(t, "no words", ask(t, x, search.Plan{}), "apart", "both", "red", "tent", "three")
	wantIDs(t, "a word that nothing has", ask(t, x, words("red", "submarine")))
}

// The best alternative that a document has counts, by its own weight.
func alternatives(t *testing.T, place Place) {
	x := fill(t, place(), a("sofa", "green sofa"), a("couch", "green couch"), a("text", "green bench", text("en", search.Text{Title: "green bench", Description: "a sofa"})),
		a("both", "couch or sofa"), a("suite", "green three piece suite"))
	p := search.Plan{Groups: []search.Group{{Weight: 2, Any: []search.Alternative{
		{Words: []string{"couch"}, Weight: 0.5}, {Words: []string{"sofa"}, Weight: 1}, {Words: []string{"three", "piece"}, Weight: 0.25}}}}}
	found := ask(t, x, p)
	wantIDs(t, "alternatives", found, "both", "sofa", "couch", "text", "suite")
	for i, want := range []float64{20, 20, 10, 6, 5} {
		if !near(found.Hits[i].Score, want) {
			t.Errorf("hit %d scores %v, not %v", i, found.Hits[i].Score, want)
		}
	}
	p.Groups[0].Any[1].Weight = 0
	wantIDs(t, "an alternative that counts nothing is found all the same", ask(t, x, p), "both", "couch", "suite", "sofa", "text")
}

// Words of a phrase stand beside each other in one field, in this order; their forms do not matter.
func phrases(t *testing.T, place Place) {
	x := fill(t, place(), a("beside", "gaming chair black"), a("forms", "games chairs"), a("apart", "gaming desk and chair"), a("turned", "chair gaming"),
		a("fields", "gaming", text("en", search.Text{Title: "gaming", Description: "chair"})), a("later", "gaming desk with gaming chair"),
		a("bag", "bag of holding"))
	wantIDs(t, "a phrase", ask(t, x, phrase(false, "gaming", "chair")), "beside", "forms", "later")
	wantIDs(t, "of other forms", ask(t, x, phrase(false, "game", "chairs")), "beside", "forms", "later")
	wantIDs(t, "with a stop word", ask(t, x, phrase(false, "bag", "of", "holding")), "bag")
	wantIDs(t, "with the beginning of a word", ask(t, x, phrase(true, "gaming", "ch")), "beside", "forms", "later")
	wantIDs(t, "with the beginning of another word", ask(t, x, phrase(true, "gaming", "b")))
	wantIDs(t, "of three", ask(t, x, phrase(false, "gaming", "chair", "black")), "beside")
}

// A prefix finds every word that begins with it, as it is written, not its stem.
func prefixes(t *testing.T, place Place) {
	x := fill(t, place(), a("one", "running shoes"), a("two", "runner"), a("three", "rug", text("en", search.Text{Title: "rug", Description: "runners stand on it"})), a("four", "theatre lamp"),
		a("sku", "lamp", func(d *search.Document) { d.Identifiers = "runx100 abc" }),
		a("de", "", text("de", search.Text{Title: "laufend"}), text("en", search.Text{Title: "anything"})))
	wantIDs(t, "run…", ask(t, x, phrase(true, "run")), "sku", "one", "two")
	wantIDs(t, "runni…", ask(t, x, phrase(true, "runni")), "one")
	wantIDs(t, "r…", ask(t, x, phrase(true, "r")), "sku", "one", "three", "two")
	wantIDs(t, "the… is no stop word yet", ask(t, x, phrase(true, "the")), "four")
	wantIDs(t, "ru…", ask(t, x, phrase(true, "ru")), "sku", "one", "three", "two")
	wantIDs(t, "running sho…", ask(t, x, phrase(true, "running", "sho")), "one")
	wantIDs(t, "runx10…", ask(t, x, phrase(true, "runx10")), "sku")
	p := phrase(true, "lauf")
	wantIDs(t, "of another language", ask(t, x, p))
	p.Language = "de"
	wantIDs(t, "in that language", ask(t, x, p), "de")
}

// Forms of a word find each other by the rules of the language, and by those alone.
func languages(t *testing.T, place Place) {
	docs := []*search.Document{a("en", "wooden chairs"), a("de", "x", text("de", search.Text{Title: "bequeme stuhle"})),
		a("fr", "x", text("fr", search.Text{Title: "chaises pliantes"})), a("es", "x", text("es", search.Text{Title: "sillas plegables"})),
		a("qq", "x", text("qq", search.Text{Title: "kolomos"}))}
	x := fill(t, place(), docs...)
	for _, c := range []struct{ language, word, want string }{
		{"en", "chair", "en"}, {"en", "chairs", "en"}, {"en", "sillas", ""}, {"de", "stuhl", "de"}, {"de", "bequemer", "de"}, {"de", "stuhle", "de"},
		{"fr", "chaise", "fr"}, {"fr", "pliante", "fr"}, {"es", "silla", "es"}, {"es", "plegable", "es"}, {"qq", "kolomos", "qq"}, {"qq", "kolomo", ""},
	} {
		p := words(c.word)
		p.Language = c.language
		var want []string
		if c.want != "" {
			want = []string{c.want}
		}
		wantIDs(t, c.word+" in "+c.language, ask(t, x, p), want...)
	}
}

// Words that do not count in the language need not be found; a query of nothing else finds nothing.
func stopWords(t *testing.T, place Place) {
	x := fill(t, place(), a("tent", "tent", text("de", search.Text{Title: "zelt"})), a("lamp", "lamp of the sea", text("de", search.Text{Title: "lampe"})))
	found := ask(t, x, words("the", "tent"))
	wantIDs(t, "the tent", found, "tent")
	if len(found.Hits) == 1 && !near(found.Hits[0].Score, 10) {
		t.Errorf("the tent scores %v", found.Hits[0].Score)
	}
	wantIDs(t, "the", ask(t, x, words("the")))
	p := words("das", "zelt")
	wantIDs(t, "German in English", ask(t, x, p))
	p.Language = "de"
	wantIDs(t, "das Zelt", ask(t, x, p), "tent")
	p = words("fur", "zelt") // for Words takes the accent off
	p.Language = "de"
	wantIDs(t, "für Zelt", ask(t, x, p), "tent")
	p = words("the", "of", "lamp")
	p.AtLeast = 3
	wantIDs(t, "at least as many as count", ask(t, x, p), "lamp")
}

// A document without a text in the language is found by that of the shop; one that has it is not.
func shopLanguage(t *testing.T, place Place) {
	x := fill(t, place(), a("both", "green table", text("de", search.Text{Title: "gruner tisch"})), a("english", "green tables"))
	p := words("table")
	p.Language = "de"
	wantIDs(t, "table in German", ask(t, x, p), "english")
	p = words("tische")
	p.Language = "de"
	wantIDs(t, "Tische", ask(t, x, p), "both")
	p = words("table")
	p.Language = "fr"
	wantIDs(t, "table in French", ask(t, x, p), "both", "english")
	p = phrase(true, "green", "ta")
	p.Language = "de"
	wantIDs(t, "green ta… in German", ask(t, x, p), "english")
}

// A region's texts come before those of its language, and these before those of the shop, for each document by itself. They are read by the
// rules of the language.
func regions(t *testing.T, place Place) {
	x := fill(t, place(),
		a("austrian", "tables", text("de", search.Text{Title: "schone tische", Description: "jause"}), text("de-AT", search.Text{Title: "schone jausen"})),
		a("german", "tables", text("de", search.Text{Title: "gruner tisch fur die jause"})), a("english", "green tables"))
	for _, c := range []struct {
		language, words string
		want            []string
	}{
		{"de-AT", "jause", []string{"austrian", "german"}}, {"de-AT", "jausen", []string{"austrian", "german"}}, {"de-AT", "schoner", []string{"austrian"}},
		{"de-AT", "tische", []string{"german"}}, {"de-AT", "table", []string{"english"}}, {"de-AT", "der jause", []string{"austrian", "german"}},
		{"de", "tische", []string{"german", "austrian"}}, {"de-CH", "tische", []string{"german", "austrian"}}, {"en-GB", "table", []string{"austrian", "english", "german"}},
	} {
		p := words(strings.Fields(c.words)...)
		p.Language = c.language
		found := ask(t, x, p)
		got := ids(found)
		slices.Sort(got)
		slices.Sort(c.want)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s in %s: %s", c.words, c.language, diff)
		}
	}
	p := phrase(true, "jause")
	p.Language = "de-AT"
	wantIDs(t, "jause… in Austria", ask(t, x, p), "austrian", "german")
	p = words("tisch")
	p.Language, p.Explain = "de-AT", true
	if found := ask(t, x, p); len(found.Hits) != 1 || len(found.Hits[0].Reasons) == 0 || found.Hits[0].Reasons[0].Field != search.InTitle {
		t.Errorf("what is read without its region does not say why it is found: %+v", found.Hits)
	}
}
