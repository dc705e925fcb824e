// Package spelling knows the words of all documents of a language: which there are, how many documents have them, and which is meant by one
// that is not among them. A dictionary is made of documents at once, and made again as they change; it is never written to.
//
// What may go wrong: a word that came since a dictionary was made is taken for a mistake until the next is made.
package spelling

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/vellum"
	"github.com/blevesearch/vellum/levenshtein"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Builder gathers the words of documents. It is not safe for concurrent use.
type Builder struct {
	stem      func(string) string
	documents int
	words     map[string]uint64         // documents that have a word, as it is
	stems     map[string]uint64         // that have one with its stem
	rows      map[string]bool           // found, but no word of a text: what words make with each other
	written   map[string]map[string]int // as titles have it, where that differs, and how often
	seen      map[string]bool           // of one document
}

// NewBuilder returns a builder for a language whose words are found by their stem; nil: as they are.
func NewBuilder(stem func(string) string) *Builder {
	if stem == nil {
		stem = func(w string) string { return w }
	}
	return &Builder{stem: stem, words: map[string]uint64{}, stems: map[string]uint64{}, rows: map[string]bool{}, written: map[string]map[string]int{}, seen: map[string]bool{}}
}

// Add reads a document: its text in the dictionary's language, and its identifiers, as the index holds them.
func (b *Builder) Add(t search.Text, identifiers string) {
	b.documents++
	clear(b.seen)
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
	if b.seen[w] {
		if !row {
			delete(b.rows, w)
		}
		return
	}
	w = strings.Clone(w) // not the whole text
	b.seen[w] = true
	if _, known := b.words[w]; !known && row {
		b.rows[w] = true
	} else if !row {
		delete(b.rows, w)
	}
	b.words[w]++
	if s := b.stem(w); !b.seen["="+s] {
		b.seen["="+s] = true
		b.stems[s]++
	}
}

// Build returns the dictionary of what was added.
func (b *Builder) Build() (*Dictionary, error) {
	var packed bytes.Buffer
	fst, err := vellum.New(&packed, nil)
	if err != nil {
		return nil, fmt.Errorf("begin a dictionary: %w", err)
	}
	for _, w := range slices.Sorted(maps.Keys(b.words)) {
		if b.rows[w] || most(w) == 0 && utf8.RuneCountInString(w) < 3 {
			continue // nobody means it by another word
		}
		if err := fst.Insert([]byte(w), b.words[w]); err != nil {
			return nil, fmt.Errorf("add %q to a dictionary: %w", w, err)
		}
	}
	if err := fst.Close(); err != nil {
		return nil, fmt.Errorf("finish a dictionary: %w", err)
	}
	d := &Dictionary{stem: b.stem, documents: b.documents, stems: b.stems, written: b.mostWritten()}
	if d.words, err = vellum.Load(packed.Bytes()); err != nil {
		return nil, fmt.Errorf("read a dictionary: %w", err)
	}
	for i := range d.near {
		if d.near[i], err = levenshtein.NewLevenshteinAutomatonBuilder(uint8(i+1), true); err != nil {
			return nil, fmt.Errorf("prepare corrections: %w", err)
		}
	}
	return d, nil
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
	stems     map[string]uint64
	written   map[string]string
	words     *vellum.FST
	near      [2]*levenshtein.LevenshteinAutomatonBuilder // for one mistake, for two
}

// Documents returns how many documents there are.
func (d *Dictionary) Documents() int { return d.documents }

// Count returns how many documents have a word, or one with its stem; 0 for an unknown word.
func (d *Dictionary) Count(word string) int { return int(d.stems[d.stem(word)]) }

// Stem returns the stem of a word.
func (d *Dictionary) Stem(word string) string { return d.stem(word) }

// Written returns a word as people write it: "kopfhörer" for "kopfhorer".
func (d *Dictionary) Written(word string) string {
	if w, ok := d.written[word]; ok {
		return w
	}
	return word
}

// longest is how long a word may be to be corrected, in characters.
const longest = 24

// most returns how many mistakes a word may have: none up to three letters, one up to seven, two beyond. With digits it is the name of
// something, and at most a letter is wrong; numbers are what they are.
func most(word string) int {
	n := utf8.RuneCountInString(word)
	digits := strings.ContainsAny(word, "0123456789")
	switch {
	case n <= 3, n > longest, digits && !strings.ContainsFunc(word, unicode.IsLetter):
		return 0
	case n <= 7, digits:
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

// nearest returns the most frequent word at most so many mistakes away; "" where there is none.
func (d *Dictionary) nearest(word string, mistakes int) (best string) {
	dfa, err := d.near[mistakes-1].BuildDfa(word, uint8(mistakes))
	if err != nil {
		return "" // too long for it
	}
	var documents uint64
	found, err := d.words.Search(dfa, nil, nil)
	for ; err == nil; err = found.Next() { // in the order of letters: the first of equals stays
		key, n := found.Current()
		if n > documents && digits(string(key)) == digits(word) {
			best, documents = string(key), n
		}
	}
	return best
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
