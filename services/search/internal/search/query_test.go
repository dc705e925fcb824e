package search

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// shelf is a lexicon and an index of a few texts: documents are found by the plain reading of a plan.
type shelf struct {
	texts    []string
	held     []map[string]bool // stems of the words of a text, and of what they make
	orders   [][]string        // stems of its words in their order
	counts   map[string]int
	spelling map[string]string
	wholes   map[string][]string // by their last part
	heads    map[string]string
}

func newShelf(texts ...string) *shelf {
	s := &shelf{texts: texts, counts: map[string]int{}, spelling: map[string]string{}}
	for _, t := range texts {
		held := map[string]bool{}
		for w := range strings.FieldsSeq(Index(t)) {
			held[stemS(w)] = true
		}
		for w := range held {
			s.counts[w]++
		}
		order, _ := Held(Index(t))
		for i, w := range order {
			order[i] = stemS(w)
		}
		s.held, s.orders = append(s.held, held), append(s.orders, order)
	}
	return s
}

func (s *shelf) Documents() int              { return len(s.texts) }
func (s *shelf) Count(word string) int       { return s.counts[stemS(word)] }
func (s *shelf) Written(w string) string     { return strings.ReplaceAll(w, "kopfhorer", "kopfhörer") }
func (s *shelf) Head(w string) string        { return s.heads[w] }
func (s *shelf) Compounds(w string) []string { return s.wholes[w] }
func (s *shelf) Correct(w string, mistakes int) string {
	nearest, two := strings.CutPrefix(s.spelling[w], "2 ")
	if two && mistakes < 2 {
		return ""
	}
	return nearest
}

// find returns the places of the texts that a plan finds.
func (s *shelf) find(p Plan) (found []int) {
	for i := range s.texts {
		n := 0
		for _, g := range p.Groups {
			if slices.ContainsFunc(g.Any, func(a Alternative) bool { return s.has(i, a) }) {
				n++
			}
		}
		if n == len(p.Groups) || p.AtLeast > 0 && n >= p.AtLeast {
			found = append(found, i)
		}
	}
	return found
}

func (s *shelf) has(i int, a Alternative) bool {
	if len(a.Words) == 1 {
		for w := range s.held[i] {
			if w == stemS(a.Words[0]) || a.Prefix && strings.HasPrefix(w, a.Words[0]) {
				return true
			}
		}
		return false
	}
	for j := 0; j+len(a.Words) <= len(s.orders[i]); j++ {
		if slices.EqualFunc(a.Words, s.orders[i][j:j+len(a.Words)], func(a, b string) bool { return stemS(a) == b }) {
			return true
		}
	}
	return false
}

func sampleShelf() *shelf {
	s := newShelf(
		"Sony WH-1000XM4 Wireless Headphones",           // 0
		"Sony WH 1000 XM5 headphones, noise-cancelling", // 1
		`Lenovo Laptop 15.6" 1TB SSD`,                   // 2
		"Notebook computer 14 inch 512 GB",              // 3
		"Men's T-Shirt red cotton",                      // 4
		"Tee blue",                                      // 5
		"Samsung television 55 inch",                    // 6
		"Wooden headphone stand",                        // 7
		"Kopfhörer schwarz",                             // 8
		"Leather couch",                                 // 9
		"Note book for the school",                      // 10
		"Phone case black iPhone 15",                    // 11
	)
	s.spelling = map[string]string{"hedphones": "headphones", "wierless": "wireless", "kopfhoerer": "kopfhorer", "samsng": "samsung", "telivison": "2 television", "labtop": "laptop", "headphonestad": "2 headphone"}
	return s
}

func TestQueries(t *testing.T) {
	t.Parallel()
	s := sampleShelf()
	for _, tc := range []struct {
		query, corrected string
		step             int // the first that finds something
		leftOut          string
		found            []int
	}{
		{"sony headphones", "", 0, "", []int{0, 1}},
		{"headphones sony", "", 0, "", []int{0, 1}},
		{"WH-1000XM4", "", 0, "", []int{0}},
		{"wh1000xm4", "", 0, "", []int{0}},
		{"wh 1000 xm 4", "", 0, "", []int{0}},
		{"sony wh1000-xm5", "", 0, "", []int{1}},
		{"wh1000xm6", "", 0, "", nil}, // another model
		{"wh1000xm5 wh1000", "", 0, "", []int{1}},
		{"iphone15phone", "iphone15 phone", 0, "", []int{11}},
		{"hedphones", "headphones", 0, "", []int{0, 1, 7}},
		{"Sony  Hedphones!", "Sony  headphones!", 0, "", []int{0, 1}},
		{"sony wierless hedphones", "sony wireless headphones", 0, "", []int{0}},
		{"Kopfhoerer", "kopfhörer", 0, "", []int{8}},
		{"telivison 55\"", `television 55"`, 0, "", []int{6}},
		{"headphonestand", "headphone stand", 0, "", []int{7}},
		{"head phones", "", 0, "", []int{0, 1, 7}}, // headphones are known
		{"the headphones for the sony", "", 0, "", []int{0, 1}},
		{"t shirt", "", 0, "", []int{4, 5}},
		{"tshirt", "", 0, "", []int{4, 5}},
		{"T-shirts", "", 0, "", []int{4, 5}},
		{"mens tshirt", "", 0, "", []int{4}}, // the other is no man's
		{"note-book", "", 0, "", []int{3, 10}},
		{"note book", "", 0, "", []int{3, 10}},
		{"noise cancelling", "", 0, "", []int{1}},
		{"noisecancelling", "", 0, "", []int{1}},
		{"15,6 zoll laptop", "", 0, "", []int{2}},
		{"1 tb", "", 0, "", []int{2}},
		{"laptop", "", 0, "", []int{2, 3}},         // one way
		{"notebook computer", "", 0, "", []int{3}}, //
		{"tv", "", 0, "", []int{6}},                //
		{"sofa", "", 0, "", []int{9}},              //
		{"leather sofas", "", 0, "", []int{9}},     //
		{"iphone15 case", "", 0, "", []int{11}},    //
		{"sony frobnicator", "", 1, "frobnicator", []int{0, 1}},
		{"Frobnicator", "", 0, "", nil},
		{"sony television", "", 1, "", []int{0, 1, 6}},                      // one of two
		{"sony wireless laptop", "", 1, "", []int{0}},                       // two of three
		{"red sony television headphones", "", 2, "", []int{0, 1, 4, 6, 7}}, // three of four find nothing
		{"red Gizmo television", "", 2, "Gizmo", []int{4, 6}},               //
		{"for the", "", 0, "", []int{10}},                                   // nothing else to go by
	} {
		synonyms := NewSynonyms(sampleSynonyms, "en", stemS)
		q := NewQuery(Ask{Text: tc.query}, Plan{Language: "en"}, s, synonyms)
		if q.Corrected != tc.corrected {
			t.Errorf("%q is understood as %q, want %q", tc.query, q.Corrected, tc.corrected)
		}
		step, found := 0, []int(nil)
		for i, one := range q.Steps {
			if found = s.find(one.Plan); found != nil {
				step = i
				break
			}
		}
		if step != tc.step || !slices.Equal(found, tc.found) || strings.Join(q.Steps[step].LeftOut, " ") != tc.leftOut {
			t.Errorf("%q finds %v in step %d without %q, want %v in %d without %q", tc.query, found, step, q.Steps[step].LeftOut, tc.found, tc.step, tc.leftOut)
		}
	}
}

func TestNoText(t *testing.T) {
	t.Parallel()
	plan := Plan{Language: "en", Limit: 24, Filters: []Filter{{Field: FieldBrand, Any: []string{"sony"}}}}
	q := NewQuery(Ask{Text: " \t"}, plan, sampleShelf(), nil)
	if len(q.Steps) != 1 || q.Steps[0].Plan.Groups != nil || q.Steps[0].Plan.Sort != ByPopularity || q.Steps[0].Plan.Limit != 24 || len(q.Steps[0].Plan.Filters) != 1 {
		t.Errorf("%+v", q)
	}
	for _, text := range []string{"🎧", "?!", "\x00\xff", "<>"} {
		if q := NewQuery(Ask{Text: text}, plan, sampleShelf(), nil); len(q.Steps) != 0 {
			t.Errorf("%q: %+v", text, q)
		}
	}
	plan.Sort = ByPriceUp
	if q := NewQuery(Ask{Text: "sony"}, plan, sampleShelf(), nil); q.Steps[0].Plan.Sort != ByPriceUp || q.Steps[0].Plan.Limit != 24 {
		t.Errorf("%+v", q)
	}
}

func TestTheWholePlan(t *testing.T) {
	t.Parallel()
	s := sampleShelf()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	base := Plan{Market: Market{Currency: "EUR", Country: "DE"}, Language: "en", Limit: 24, After: &Position{Key: 2, ID: "x"}, Now: now, Facets: []FacetAsk{{Field: FieldBrand, Limit: 10}}}
	q := NewQuery(Ask{Text: "The mens Laptop, laptop wh-1000"}, base, s, NewSynonyms(sampleSynonyms, "en", stemS))
	word := func(weight float64, w ...string) Alternative { return Alternative{Words: w, Weight: weight} }
	want := base
	want.Sort = ByRelevance
	want.Groups = []Group{
		{Any: []Alternative{word(1, "mens")}, Weight: 1.5},
		{Any: []Alternative{word(1, "laptop"), word(SynonymWeight, "notebook", "computer")}, Weight: 1.5},
		{Any: []Alternative{word(1, "wh"), word(1, "wh1000")}, Weight: 1},
		{Any: []Alternative{word(1, "1000"), word(1, "wh1000")}, Weight: NumberWeight},
	}
	if diff := cmp.Diff(want, q.Steps[0].Plan); diff != "" {
		t.Error(diff)
	}
	if want := []string{"the", "mens", "laptop", "laptop", "wh", "1000"}; !slices.Equal(q.Words, want) {
		t.Errorf("%q", q.Words)
	}
	if err := q.Steps[0].Plan.Check(); err != nil {
		t.Error(err)
	}
}

func TestPrefix(t *testing.T) {
	t.Parallel()
	s := sampleShelf()
	for query, want := range map[string][]int{"headph": {0, 1, 7}, "sony head": {0, 1}, "sony head ": nil, "headphones ": {0, 1, 7}, "sony the": nil, "hedphones wir": {0}, "samsng": nil, "samsu": {6}, "wh 1000x": {0, 1}, "kopfhö": {8}} {
		q := NewQuery(Ask{Text: query, Prefix: true}, Plan{Language: "en"}, s, nil)
		if got := s.find(q.Steps[0].Plan); !slices.Equal(got, want) {
			t.Errorf("%q finds %v, want %v", query, got, want)
		}
	}
	q := NewQuery(Ask{Text: "hedphones", AsTyped: true}, Plan{Language: "en"}, s, nil)
	if q.Corrected != "" || s.find(q.Steps[0].Plan) != nil {
		t.Errorf("as typed: %+v", q)
	}
}

func TestRarityHasFewSteps(t *testing.T) {
	t.Parallel()
	for have, want := range map[int]float64{0: 2.5, 1: 2.5, 9: 2.5, 10: 2.5, 11: 2, 100: 2, 101: 1.5, 1000: 1.5, 1001: 1, 10_000: 1} {
		if got := rarity(10_000, have); got != want {
			t.Errorf("%d of 10000: %v, want %v", have, got, want)
		}
	}
}

// TestEachStepFindsMore: whatever is asked of whatever there is; the plans are such as an index takes, and the same each time.
func TestEachStepFindsMore(t *testing.T) {
	t.Parallel()
	words := strings.Fields("sony samsung wh-1000xm4 wh1000xm4 1000 xm4 t-shirt tshirt tv television couch sofa laptop notebook computer red blue the for 15.6\" 1tb phone phones case frob")
	text := rapid.Map(rapid.SliceOfN(rapid.SampledFrom(words), 1, 6), func(w []string) string { return strings.Join(w, " ") })
	rapid.Check(t, func(t *rapid.T) {
		s := newShelf(rapid.SliceOfN(text, 0, 5).Draw(t, "documents")...)
		s.spelling = map[string]string{"frob": "phone"}
		asked := rapid.OneOf(text, rapid.String()).Draw(t, "query")
		ask := Ask{Text: asked, Prefix: rapid.Bool().Draw(t, "prefix"), AsTyped: rapid.Bool().Draw(t, "as typed")}
		synonyms := NewSynonyms(sampleSynonyms, "en", stemS)
		q := NewQuery(ask, Plan{Language: "en"}, s, synonyms)
		if diff := cmp.Diff(q, NewQuery(ask, Plan{Language: "en"}, s, synonyms)); diff != "" {
			t.Fatal(diff)
		}
		var before []int
		for i, step := range q.Steps {
			if err := step.Plan.Check(); err != nil {
				t.Fatal(err, places(err))
			}
			found := s.find(step.Plan)
			for _, doc := range before {
				if !slices.Contains(found, doc) {
					t.Fatalf("step %d of %q loses %q", i, asked, s.texts[doc])
				}
			}
			before = found
		}
		if len(q.Steps) > 4 {
			t.Fatalf("%d steps", len(q.Steps))
		}
	})
}

// TestADocumentIsFoundByItsOwnText: all that is written at a product finds it, in the first step.
func TestADocumentIsFoundByItsOwnText(t *testing.T) {
	t.Parallel()
	for i, text := range sampleShelf().texts {
		for _, ask := range []Ask{{Text: text}, {Text: strings.ToUpper(text)}, {Text: text, Prefix: true}, {Text: text, AsTyped: true}} {
			s := sampleShelf()
			if q := NewQuery(ask, Plan{Language: "en"}, s, nil); !slices.Contains(s.find(q.Steps[0].Plan), i) || q.Corrected != "" {
				t.Errorf("%+v: %+v", ask, q)
			}
		}
	}
}

func TestHostileQueriesAreBounded(t *testing.T) {
	t.Parallel()
	many := make([]Synonym, 0, 200)
	for i := range 200 {
		many = append(many, Synonym{ID: fmt.Sprint(i), Words: []string{"a1", fmt.Sprintf("w%d of many words here", i)}})
	}
	s := newShelf("a1 b c")
	synonyms := NewSynonyms(many, "en", nil)
	for name, text := range map[string]string{
		"words": strings.Repeat("a1 ", 10_000), "different": strings.Repeat("a1 b2 c3 d4 e5 f6 g7 h8 i9 ", 1000), "one": strings.Repeat("x", 1<<20), "hyphens": strings.Repeat("a1-", 1<<18),
		"han": strings.Repeat("电视机", 1000), "invalid": strings.Repeat("\xffa", 5000), "html": strings.Repeat("<b onclick=x>", 1000), "cut": strings.Repeat("é", 2000),
	} {
		q := NewQuery(Ask{Text: text}, Plan{Language: "en"}, s, synonyms)
		for _, step := range q.Steps {
			if err := step.Plan.Check(); err != nil {
				t.Errorf("%s: %v %v", name, err, places(err))
			}
			if len(step.Plan.Groups) > maxQueryWords || len(step.LeftOut) > maxQuery {
				t.Errorf("%s: %d groups, %d left out", name, len(step.Plan.Groups), len(step.LeftOut))
			}
		}
	}
	q := NewQuery(Ask{Text: "b c d e f g h i j k l m n o p q r s1 t1"}, Plan{Language: "en"}, s, nil)
	if got := q.Steps[0].LeftOut; !slices.Equal(got, []string{"r", "s1", "t1"}) {
		t.Errorf("beyond the bound: %q", got)
	}
}

func BenchmarkNewQuery(b *testing.B) {
	s := sampleShelf()
	synonyms := NewSynonyms(sampleSynonyms, "en", stemS)
	for b.Loop() {
		NewQuery(Ask{Text: "sony wierless WH-1000XM4 hedphones tv"}, Plan{Language: "en"}, s, synonyms)
	}
}

// What others stand for is no mistake, alone or as one of several words: "pants" is not "pans" where it stands for trousers.
func TestWhatHasSynonymsIsNotCorrected(t *testing.T) {
	t.Parallel()
	s := newShelf("Frying pans", "Wool trousers", "Eared hare", "Bergamot tea")
	s.spelling = map[string]string{"pants": "pans", "earl": "eared"}
	synonyms := NewSynonyms([]Synonym{{Words: []string{"trousers", "pants"}}, {Words: []string{"earl grey"}, To: []string{"bergamot"}}}, "en", stemS)
	for text, want := range map[string]string{"pants": "", "wool pants": "", "earl grey": "", "earl": "eared"} {
		if got := NewQuery(Ask{Text: text}, Plan{Language: "en"}, s, synonyms); got.Corrected != want {
			t.Errorf("%s: corrected to %q, want %q", text, got.Corrected, want)
		}
	}
	if got := NewQuery(Ask{Text: "pants"}, Plan{Language: "en"}, s, nil); got.Corrected != "pans" {
		t.Errorf("without synonyms: %q", got.Corrected)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	s := newShelf("WH-1000XM4 headphones", "Blue shirt dress", "shirtdress")
	for text, want := range map[string]bool{"wh 1000 xm4": true, "WH-1000XM4": true, "wh1000xm4": false, "wh1000 headphones": false, "shirt dress": false, "blue": false, "": false} {
		if got := NewQuery(Ask{Text: text}, Plan{Language: "en"}, s, nil); got.Name != want {
			t.Errorf("%s: %v", text, got.Name)
		}
	}
}

// Whoever looks for a Decke means a Wolldecke too, and what others end with is no mistake.
func TestCompoundsAreFound(t *testing.T) {
	t.Parallel()
	s := newShelf("Wolldecke", "Sofa mit Decke", "Becke")
	s.wholes, s.spelling = map[string][]string{"decke": {"wolldecke"}}, map[string]string{"decke": "becke"}
	s.counts["decke"] = 0
	q := NewQuery(Ask{Text: "Decke"}, Plan{Language: "de"}, s, nil)
	if q.Corrected != "" || len(q.Steps) != 1 {
		t.Fatalf("%+v", q)
	}
	want := []Alternative{{Words: []string{"decke"}, Weight: 1}, {Words: []string{"wolldecke"}, Weight: CompoundWeight}}
	if diff := cmp.Diff(want, q.Steps[0].Plan.Groups[0].Any); diff != "" {
		t.Error(diff)
	}
}

// Where few have a word that was written as one, what it ends with follows; a word that nothing has is found by that alone.
func TestHeadsFollow(t *testing.T) {
	t.Parallel()
	s := newShelf("Winterstiefel", "Stiefel", "Gummistiefel rot", "Hemd rot")
	s.heads = map[string]string{"winterstiefel": "stiefel", "babystiefel": "stiefel"}
	s.wholes = map[string][]string{"stiefel": {"winterstiefel", "gummistiefel"}}
	s.spelling = map[string]string{"babystiefel": "2 gummistiefel"}
	for text, want := range map[string][][]int{
		"Winterstiefel": {{0}, {0, 1, 2}}, "Babystiefel": {{}, {0, 1, 2}}, "rot Winterstiefel": {{}, {2}, {0, 1, 2, 3}},
		"rot Babystiefel": {{}, {2, 3}, {0, 1, 2, 3}}, "Stiefel": {{0, 1, 2}},
	} {
		q := NewQuery(Ask{Text: text}, Plan{Language: "de"}, s, nil)
		var got [][]int
		for _, step := range q.Steps {
			got = append(got, append([]int{}, s.find(step.Plan)...))
		}
		if diff := cmp.Diff(want, got); diff != "" || q.Corrected != "" {
			t.Errorf("%s: %s %q", text, diff, q.Corrected)
		}
	}
}
