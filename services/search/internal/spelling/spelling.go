// Package spelling knows the words of all documents of a language: which there are, how many documents have them, and which is meant by one
// that is not among them. A dictionary is made of documents at once, and made again as they change; it is never written to.
//
// What may go wrong: a word that came since a dictionary was made is taken for a mistake until the next is made.
package spelling

import (
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Builder gathers the words of documents. It is not safe for concurrent use.
type Builder struct {
	stem      func(string) string
	joins     bool // the language writes words as one
	documents int
	words     map[string]int            // documents that have a word, as it is
	stems     map[string]int            // that have one with its stem
	rows      map[string]bool           // found, but no word of a text: what words make with each other
	written   map[string]map[string]int // as titles have it, where that differs, and how often
	seen      map[string]bool           // words of one document
	stemmed   map[string]bool           // and their stems
}

// NewBuilder returns a builder for a language ("" for none) whose words are found by their stem, which is "" for a word that does not count
// there; nil: as they are.
func NewBuilder(language string, stemmer func(string) string) *Builder {
	stem := search.Stemmer(stemmer)
	return &Builder{stem: stem, joins: joins(language), words: map[string]int{}, stems: map[string]int{}, rows: map[string]bool{}, written: map[string]map[string]int{}, seen: map[string]bool{}, stemmed: map[string]bool{}}
}

// Add reads a document: its text in the dictionary's language, and its identifiers, as the index holds them.
func (b *Builder) Add(t search.Text, identifiers string) {
	b.documents++
	clear(b.seen)
	clear(b.stemmed)
	for _, text := range []string{t.Title, t.Brand, t.Category, t.Attributes, t.Description, identifiers} {
		words, rows := search.Held(text)
		for _, w := range words {
			b.add(w, false)
		}
		for _, w := range rows {
			b.add(w, true)
		}
	}
	for _, tok := range search.Read(t.Name) {
		if w := strings.ToLower(t.Name[tok.Start:tok.End]); w != tok.Word {
			if b.written[tok.Word] == nil {
				b.written[tok.Word] = map[string]int{}
			}
			b.written[tok.Word][w]++
		}
	}
}

func (b *Builder) add(w string, row bool) {
	if !row {
		delete(b.rows, w)
	}
	if b.seen[w] {
		return
	}
	b.seen[w] = true
	if _, known := b.words[w]; !known {
		w = strings.Clone(w) // not the whole text
		if row {
			b.rows[w] = true
		}
	}
	b.words[w]++
	s := b.stem(w)
	if b.stemmed[s] {
		return
	}
	b.stemmed[s] = true
	if _, known := b.stems[s]; !known {
		s = strings.Clone(s)
	}
	b.stems[s]++
}

// Build returns the dictionary of what was added.
func (b *Builder) Build() *Dictionary {
	d := &Dictionary{stem: b.stem, documents: b.documents, stems: b.stems, written: b.mostWritten()}
	for _, w := range slices.Sorted(maps.Keys(b.words)) {
		if !b.rows[w] && utf8.RuneCountInString(w) >= shortest && len(w) <= math.MaxUint8 {
			d.words = append(d.words, entry{word: w, documents: b.words[w]})
		}
	}
	for i := 1; i < len(d.words); i++ {
		d.words[i].shared = shared(d.words[i-1].word, d.words[i].word)
	}
	if b.joins {
		d.join()
	}
	return d
}

// shared returns how many bytes two words have in common at their beginning.
func shared(a, b string) uint8 {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return uint8(n)
}

// mostWritten returns for each word how most titles have it.
func (b *Builder) mostWritten() map[string]string {
	all := make(map[string]string, len(b.written))
	for word, forms := range b.written {
		for _, form := range slices.Sorted(maps.Keys(forms)) {
			if forms[form] > forms[all[word]] {
				all[word] = form
			}
		}
	}
	return all
}

// Dictionary is the words of the documents of a language. It is safe for concurrent use.
type Dictionary struct {
	stem      func(string) string
	documents int
	stems     map[string]int
	written   map[string]string
	words     []entry // by letters: those that may be meant
	tails     []tail  // by letters, where words are written as one
}

type entry struct {
	word      string
	documents int
	stem      string // where words are written as one
	alike     int    // and documents that have a word with it
	shared    uint8  // bytes that it has in common with the one before
}

// Documents returns how many documents there are.
func (d *Dictionary) Documents() int { return d.documents }

// Count returns how many documents have a word, or one with its stem; 0 for an unknown word.
func (d *Dictionary) Count(word string) int { return d.stems[d.stem(word)] }

// Written returns a word as people write it: "kopfhörer" for "kopfhorer".
func (d *Dictionary) Written(word string) string {
	if w, ok := d.written[word]; ok {
		return w
	}
	return word
}

// What is corrected: a word has at most so many characters, and what is meant has at least so many.
const (
	longest  = 24
	shortest = 3
)

// most returns how many mistakes a word may have: none up to three letters, one up to six, two beyond. With digits it is the name of
// something, and at most a letter is wrong; numbers are what they are.
func most(word string) int {
	n := utf8.RuneCountInString(word)
	digits := strings.ContainsAny(word, "0123456789")
	switch {
	case n <= 3, n > longest, digits && !strings.ContainsFunc(word, unicode.IsLetter):
		return 0
	case n <= 6, digits:
		return 1
	}
	return 2
}

// Correct returns the nearest known word to one that is not known, with at most so many mistakes (1 or 2, and never more than a word of its
// length may have): a wrong, missing or needless letter, or two that changed places. Of equally near ones it is the most frequent. Digits are
// never changed: WH-1000XM5 is no mistake for WH-1000XM4. It is "" where no word is near enough.
func (d *Dictionary) Correct(word string, mistakes int) (nearest string) {
	for n := 1; n <= min(mistakes, most(word)) && nearest == ""; n++ {
		nearest = d.nearest(word, n)
	}
	return nearest
}

// digits returns those of a word.
func digits(word string) string {
	if !strings.ContainsAny(word, "0123456789") {
		return ""
	}
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, word)
}
