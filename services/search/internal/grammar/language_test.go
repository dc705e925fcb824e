package grammar

import (
	"fmt"
	"testing"
)

// Stems of texts are kept; what queries ask for takes no room from them, however much it is.
func TestStemsOfQueriesAreNotKept(t *testing.T) {
	t.Parallel()
	g, err := New("en")
	if err != nil {
		t.Fatal(err)
	}
	l := g.Language("en-GB")
	l.Words("wooden chairs of the sea", func(string, string) {})
	for n := range 100 {
		l.Stem(fmt.Sprint("headphon", n))
	}
	if len(l.stems) != 5 {
		t.Errorf("%d stems of 5 words", len(l.stems))
	}
	for word, want := range map[string]string{"chairs": "chair", "tables": "tabl", "the": "", "of": "", "kolomos": "kolomo"} {
		if got := l.Stem(word); got != want {
			t.Errorf("%s is found by %q, not %q", word, got, want)
		}
	}
	if got := g.Language("qq").Stem("kolomos"); got != "kolomos" {
		t.Errorf("of a language without rules: %q", got)
	}
}
