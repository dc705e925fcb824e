package spelling

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// made returns a dictionary of words with how many documents have each: "headphones 40".
func made(stem func(string) string, words ...string) *Dictionary {
	b := NewBuilder("", stem)
	for _, w := range words {
		n := 1
		if before, count, ok := strings.Cut(w, " x"); ok {
			w = before
			fmt.Sscan(count, &n)
		}
		for range n {
			b.Add(search.Text{Name: w, Title: search.Index(w)}, "")
		}
	}
	return b.Build()
}

//nolint:misspell // mistakes are what this is about
func TestCorrect(t *testing.T) {
	t.Parallel()
	d := made(nil, "headphones x40", "headphone x5", "wireless x30", "laptop x20", "laptops x3", "lamp x9", "lamb x2", "camp x9", "keyboard x8", "Kopfhörer x7", "television x6",
		"sony x12", "samsung x15", "WH-1000XM4 x4", "wh1000xm4 x4", "PS5 x9", "RTX4070 x3", "charger x10", "changer x1", "cable x11", "the x50", "tv x9", "Écouteurs x2", "наушники x3", "refrigerator x2")
	for word, want := range map[string]string{
		"hedphones":                     "headphones 1", // missing
		"headfones":                     "headphones 2", // ph
		"haedphones":                    "headphones 1", // swapped
		"headphoness":                   "headphones 1", // needless
		"wirless":                       "wireless 1",   // seven letters
		"wierless":                      "wireless 1",   // swapped
		"wirelss":                       "wireless 1",   // seven letters, one missing
		"weirles":                       "",             // seven letters, two mistakes
		"labtop":                        "laptop 1",     // wrong
		"lpatop":                        "laptop 1",     // swapped
		"lapotp":                        "laptop 1",     // swapped
		"lambp":                         "lamp 1",       // lamp, lamb: the more frequent
		"lamo":                          "lamp 1",       // four letters
		"damp":                          "camp 1",       // camp, lamp: equally frequent, the first by letters
		"keybord":                       "keyboard 1",
		"keyboadr":                      "keyboard 1",
		"keibort":                       "",            // seven letters, two mistakes
		"kopfhoerer":                    "kopfhorer 1", // an umlaut written with an e
		"kopfhöhrer":                    "kopfhorer 2", // folded or not
		"kopfhohrer":                    "kopfhorer 1",
		"kofphorer":                     "kopfhorer 1",
		"televison":                     "television 1",
		"telivison":                     "television 2",
		"refridgerator":                 "refrigerator 1",
		"refridgerater":                 "refrigerator 2",
		"samsng":                        "samsung 1",
		"smasung":                       "samsung 1",
		"samsing":                       "samsung 1",
		"sny":                           "", // three letters
		"tvs":                           "",
		"teh":                           "",
		"soni":                          "sony 1",
		"chagrer":                       "charger 1",
		"chanrger":                      "charger 1", // one from changer too, which is rarer
		"ecuteurs":                      "ecouteurs 1",
		"наушнки":                       "наушники 1",
		"wh1000xm5":                     "", // another model
		"wh1000xm":                      "",
		"wh100xm4":                      "",            // a digit less
		"hw1000xm4":                     "wh1000xm4 1", // letters may be wrong
		"wh1000mx4":                     "wh1000xm4 1",
		"hw1000mx4":                     "", // but one alone
		"rtx4080":                       "",
		"rxt4070":                       "rtx4070 1",
		"4070":                          "",
		"ps55":                          "",
		"xyzzyplugh":                    "",
		"":                              "",
		"headphones":                    "headphones 1", // who asks for a known one gets it
		strings.Repeat("headphones", 5): "",
	} {
		got := ""
		if w := d.Correct(word, 2); w != "" {
			got = fmt.Sprint(w, " ", max(1, distance(word, w)))
		}
		if got != want {
			t.Errorf("%q is corrected to %q, want %q", word, got, want)
		}
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	stem := func(w string) string {
		if w == "the" {
			return "" // as an index says of stop words
		}
		return strings.TrimSuffix(w, "s")
	}
	d := made(stem, "the red shoe x3", "red shoes x2", "shoe shoes", "Größe 40", "WH-1000XM4")
	for word, want := range map[string]int{"red": 5, "the": 3, "reds": 5, "shoe": 6, "shoes": 6, "blue": 0, "grosse": 1, "40": 1, "wh1000xm4": 1, "xm4": 1, "|": 0, "": 0} {
		if got := d.Count(word); got != want {
			t.Errorf("%d documents have %q, want %d", got, word, want)
		}
	}
	if d.Documents() != 8 {
		t.Errorf("%d documents", d.Documents())
	}
	if got := d.Written("grosse"); got != "größe" {
		t.Errorf("written %q", got)
	}
	if got := made(nil, "Größe", "Grösse x2", "GRÖSSE®", "Groesse").Written("grosse"); got != "grösse" {
		t.Errorf("written %q", got)
	}
	if got := d.Written("red"); got != "red" {
		t.Errorf("written %q", got)
	}
	if w := d.Correct("wh1000xm", 2); w != "" {
		t.Errorf("what words make with each other is no correction: %s", w)
	}
	empty := made(nil)
	if w := empty.Correct("headphones", 2); w != "" || empty.Count("x") != 0 || empty.Documents() != 0 {
		t.Errorf("an empty dictionary corrects to %s", w)
	}
}

// TestAWordOfATextIsOneHoweverItIsFoundFirst: "shirt-dress" makes shirtdress, which another document has as a word.
func TestAWordOfATextIsOneHoweverItIsFoundFirst(t *testing.T) {
	t.Parallel()
	for _, words := range [][]string{{"shirt-dress", "shirtdress"}, {"shirtdress", "shirt-dress"}, {"shirt-dress shirtdress"}, {"shirtdress shirt-dress"}} {
		if w := made(nil, words...).Correct("shirtdres", 2); w != "shirtdress" {
			t.Errorf("%v: %q", words, w)
		}
	}
	if w := made(nil, "shirt-dress").Correct("shirtdres", 2); w != "" {
		t.Errorf("%q is no word", w)
	}
}

// distance is that of Damerau and Levenshtein, restricted: what was swapped is not changed again. The plain way.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	d := make([][]int, len(x)+1)
	for i := range d {
		d[i] = make([]int, len(y)+1)
		d[i][0] = i
	}
	for j := range y {
		d[0][j+1] = j + 1
	}
	for i := range x {
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			d[i+1][j+1] = min(d[i][j+1]+1, d[i+1][j]+1, d[i][j]+cost)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				d[i+1][j+1] = min(d[i+1][j+1], d[i-1][j-1]+1)
			}
		}
	}
	return d[len(x)][len(y)]
}

// TestCorrectIsTheNearest compares with looking at every word.
func TestCorrectIsTheNearest(t *testing.T) {
	t.Parallel()
	word := rapid.OneOf(rapid.StringMatching(`[abcö]{3,10}`), rapid.StringMatching(`[ab]{1,3}[12]{1,2}[ab]{0,3}`), rapid.StringMatching(`(abc){7}[abcö]{0,6}`))
	rapid.Check(t, func(t *rapid.T) {
		counts := map[string]int{}
		b := NewBuilder("", nil)
		for range rapid.IntRange(0, 12).Draw(t, "words") {
			w, n := word.Draw(t, "word"), rapid.IntRange(1, 3).Draw(t, "documents")
			counts[w] += n
			for range n {
				b.Add(search.Text{Title: w}, "")
			}
		}
		d := b.Build()
		asked := word.Draw(t, "asked")
		bound := rapid.IntRange(1, 2).Draw(t, "bound")
		allowed := min(bound, most(asked))
		best, mistakes := "", allowed+1
		for w, n := range counts {
			far := max(1, distance(asked, w))
			if far > allowed || digits(w) != digits(asked) {
				continue
			}
			if far < mistakes || far == mistakes && (n > counts[best] || n == counts[best] && w < best) {
				best, mistakes = w, far
			}
		}
		if got := d.Correct(asked, bound); got != best {
			t.Fatalf("%q is corrected to %q with %d mistakes at most, want %q, of %v", asked, got, bound, best, counts)
		}
	})
}

// vocabulary returns n words such as languages have: of syllables.
func vocabulary(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	parts := strings.Fields("ba be bi bo ca ce co da de di do fa fe fi ga ge go ha he hi ka ke la le li lo ma me mi mo na ne ni no pa pe pi po ra re ri ro sa se si so ta te ti to va ve vi sch str ch ng er en ing")
	seen := map[string]bool{}
	var words []string
	for len(words) < n {
		w := ""
		for range 2 + r.IntN(4) {
			w += parts[r.IntN(len(parts))]
		}
		if !seen[w] {
			seen[w] = true
			words = append(words, w)
		}
	}
	return words
}

func BenchmarkBuild50000(b *testing.B) {
	words := vocabulary(50_000)
	for b.Loop() {
		builder := NewBuilder("", nil)
		for i := 0; i+20 <= len(words); i += 20 {
			builder.Add(search.Text{Title: strings.Join(words[i:i+20], " ")}, "")
		}
		builder.Build()
	}
}

func BenchmarkCorrect(b *testing.B) {
	words := vocabulary(50_000)
	d := made(nil, words...)
	for _, mistakes := range []int{1, 2} {
		var asked []string
		for _, w := range words[:2000] {
			switch {
			case mistakes == 1 && len(w) >= 5:
				asked = append(asked, w[:2]+"x"+w[3:])
			case mistakes == 2 && len(w) >= 9:
				asked = append(asked, w[:2]+"x"+w[3:6]+"q"+w[7:])
			}
		}
		b.Run(fmt.Sprint(mistakes), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				d.Correct(asked[i%len(asked)], 2)
			}
		})
	}
}
