package search

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/pkg/fault"
)

// places lists where faults are, with what they say.
func places(err error) (all []string) {
	if f, ok := fault.As(err); ok {
		for _, one := range f.Fields {
			all = append(all, one.Location+": "+one.Message)
		}
	}
	return all
}

func stemS(w string) string { return strings.TrimSuffix(w, "s") }

var sampleSynonyms = []Synonym{
	{ID: "1", Words: []string{"TV", "television", "telly"}},
	{ID: "2", Words: []string{"sofa", "couch"}},
	{ID: "3", Words: []string{"laptop"}, To: []string{"notebook computer"}},
	{ID: "4", Words: []string{"cell phone", "mobile phone", "smartphone"}},
	{ID: "5", Words: []string{"T-Shirt", "tee"}},
	{ID: "6", Language: "de", Words: []string{"Handy", "Smartphone", "Mobiltelefon"}},
	{ID: "7", Words: []string{"telly", "box"}},
	{ID: "8", Words: []string{"a", "b"}}, {ID: "9", Words: []string{"b", "c"}}, {ID: "10", Words: []string{"c", "a"}}, // a circle
	{ID: "11", Language: "en-GB", Words: []string{"trainers"}, To: []string{"sneakers"}},
}

func TestSynonyms(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ language, query, want string }{
		{"en", "tv", "1 television, 1 telly"},
		{"en", "televisions stand", "1 tv, 1 telly"},
		{"en", "telly", "1 tv, 1 television, 1 box"},
		{"en", "box", "1 telly"}, // and no further
		{"en", "couches", ""},    // this stem is not known here
		{"en", "couch", "1 sofa"},
		{"en", "sofas", "1 couch"},
		{"en", "laptop", "1 notebook computer"},
		{"en", "notebook computer", ""}, // one way
		{"en", "cell phones case", "2 mobile phone, 2 smartphone"},
		{"en", "cell", ""},
		{"en", "phone cell", ""},
		{"en", "smartphones", "1 cell phone, 1 mobile phone"},
		{"en", "handy", ""},
		{"de", "handy", "1 smartphone, 1 mobiltelefon"},
		{"de-AT", "handy", "1 smartphone, 1 mobiltelefon"},
		{"de", "smartphone", "1 cell phone, 1 mobile phone, 1 handy, 1 mobiltelefon"},
		{"en", "t shirt", "2 tee"},
		{"en", "tshirts", "1 tee"},
		{"en", "tee", "1 t shirt, 1 tshirt"},
		{"en", "a", "1 b, 1 c"},
		{"en", "trainers", ""},
		{"en-GB", "trainers", "1 sneakers"},
		{"en", "nothing of it", ""},
		{"en", "", ""},
	} {
		var got []string
		NewSynonyms(sampleSynonyms, tc.language, stemS).at(Words(tc.query), func(n int, to [][]string) {
			for _, words := range to {
				got = append(got, fmt.Sprint(n, " ", strings.Join(words, " ")))
			}
		})
		if strings.Join(got, ", ") != tc.want {
			t.Errorf("%s %q: %v, want %s", tc.language, tc.query, got, tc.want)
		}
	}
	stops := NewSynonyms([]Synonym{{Words: []string{"bed of roses", "divan"}}}, "en", func(w string) string { return map[string]string{"bed": "bed", "roses": "rose", "rose": "rose"}[w] })
	for query, want := range map[string]int{"bed of rose": 1, "bed for roses": 0} {
		n := 0
		if stops.at(Words(query), func(int, [][]string) { n++ }); n != want {
			t.Errorf("%q: %d, want %d: words that do not count are words", query, n, want)
		}
	}
	var none *Synonyms
	none.at([]string{"tv"}, func(int, [][]string) { t.Error("no synonyms stand for nothing") })
}

func TestCheckSynonyms(t *testing.T) {
	t.Parallel()
	if err := CheckSynonyms(sampleSynonyms); err != nil {
		t.Errorf("%v: %v", err, places(err))
	}
	err := CheckSynonyms([]Synonym{
		{ID: "x", Words: []string{"alone"}},
		{ID: "x", Words: []string{"", "tv", "TV", "Tv!"}, Language: "german"},
		{Words: []string{"a b c d e f", strings.Repeat("x", 101), "  🎧  "}},
		{ID: "y", Words: []string{"sofa", "couch"}},
		{ID: "z", Words: []string{"Couch", "SOFA"}},
		{ID: "w", Language: "de", Words: []string{"couch", "sofa"}},
		{ID: "v", Words: []string{"laptop"}, To: []string{"Laptop", "notebook"}},
		{ID: "u", To: []string{"notebook"}},
		{ID: "t", Words: slices.Repeat([]string{"q"}, 21)},
	})
	want := []string{
		"synonyms[0].words: must be two at least, or one with others that it stands for",
		"synonyms[1].id: is there twice",
		`synonyms[1].language: must be a language, such as "de"`,
		"synonyms[1].words[0]: must have a word",
		"synonyms[1].words[2]: is there twice",
		"synonyms[1].words[3]: is there twice",
		"synonyms[2].id: is required",
		"synonyms[2].words[0]: must be at most 5 words",
		"synonyms[2].words[1]: must be at most 100 bytes long",
		"synonyms[2].words[2]: must have a word",
		"synonyms[4]: says the same as one before",
		"synonyms[6].to[0]: is there twice",
		"synonyms[7].words: must be two at least, or one with others that it stands for",
	}
	got := places(err)
	if len(got) < len(want) {
		t.Fatalf("%v", got)
	}
	if diff := cmp.Diff(want, got[:len(want)]); diff != "" {
		t.Error(diff)
	}
	if rest := got[len(want):]; len(rest) != 20 || rest[0] != "synonyms[8].words: must be at most 20" {
		t.Errorf("%v", rest)
	}
	if got := places(CheckSynonyms(make([]Synonym, MaxSynonyms+1))); len(got) != 1+2*MaxSynonyms || got[0] != "synonyms: must be at most 5000" {
		t.Errorf("%d faults, %s", len(got), got[0])
	}
}

// TestSynonymsAreSymmetric: of a two-way one each word finds each other, of a one-way one only so; whatever else there is.
func TestSynonymsAreSymmetric(t *testing.T) {
	t.Parallel()
	term := rapid.SampledFrom([]string{"tv", "television", "flat screen", "sofa", "couch", "t-shirt", "notebook computer", "laptop", "smart tv", "tv set"})
	rapid.Check(t, func(t *rapid.T) {
		var all []Synonym
		for i := range rapid.IntRange(1, 6).Draw(t, "synonyms") {
			all = append(all, Synonym{ID: fmt.Sprint(i), Words: rapid.SliceOfNDistinct(term, 2, 4, rapid.ID).Draw(t, "words"), To: rapid.SliceOfNDistinct(term, 0, 2, rapid.ID).Draw(t, "to")})
		}
		s := NewSynonyms(all, "en", nil)
		finds := func(from, to string) (yes bool) {
			words := Words(from)
			s.at(words, func(n int, all [][]string) {
				yes = yes || n == len(words) && slices.ContainsFunc(all, func(w []string) bool { return slices.Equal(w, Words(to)) })
			})
			return yes
		}
		from, to := term.Draw(t, "from"), term.Draw(t, "other")
		want := slices.ContainsFunc(all, func(s Synonym) bool {
			if len(s.To) > 0 {
				return slices.Contains(s.Words, from) && slices.Contains(s.To, to)
			}
			return from != to && slices.Contains(s.Words, from) && slices.Contains(s.Words, to)
		})
		if got := finds(from, to); got != want {
			t.Fatalf("%q finds %q: %v in %v", from, to, got, all)
		}
	})
}
