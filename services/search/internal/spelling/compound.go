package spelling

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// compounding are the languages that write words as one: a Wolldecke is a Decke.
var compounding = map[string]bool{"da": true, "de": true, "fi": true, "hu": true, "nl": true, "no": true, "sv": true}

// What a word and what stands before it have at least, in letters: "eis" is no part of "Preis", and "Decke" none of "Ecke".
const (
	shortestHead  = 4
	shortestRest  = 3
	mostCompounds = 16
)

// joins tells whether a language writes words as one.
func joins(language string) bool {
	base, _, _ := strings.Cut(language, "-")
	return compounding[base]
}

// tails are all words, by their letters from behind.
func (b *Builder) tails() []string {
	if !b.joins {
		return nil
	}
	var all []string
	for w := range b.words {
		if !b.rows[w] && utf8.RuneCountInString(w) >= shortestHead+shortestRest && !strings.ContainsAny(w, "0123456789") {
			all = append(all, reversed(w))
		}
	}
	slices.Sort(all)
	return all
}

func reversed(w string) string {
	b := []byte(w)
	slices.Reverse(b)
	return string(b)
}

// Compounds returns the known words that a word is the last part of, in whatever form it is known: of "Decken" also the "Wolldecke". They are one for
// each stem, the most frequent first, and none in languages that do not write words as one.
func (d *Dictionary) Compounds(word string) []string {
	if len(d.tails) == 0 || strings.ContainsAny(word, "0123456789") {
		return nil
	}
	found := map[string]string{} // by stem
	for _, form := range d.forms(word) {
		if utf8.RuneCountInString(form) < shortestHead {
			continue
		}
		tail := reversed(form)
		at, _ := slices.BinarySearch(d.tails, tail)
		for ; at < len(d.tails) && strings.HasPrefix(d.tails[at], tail); at++ {
			w := reversed(d.tails[at])
			if rest := w[:len(w)-len(form)]; utf8.RuneCountInString(rest) < shortestRest {
				continue
			}
			if s := d.stem(w); found[s] == "" || w < found[s] {
				found[s] = w
			}
		}
	}
	delete(found, d.stem(word))
	all := slices.SortedFunc(maps.Values(found), func(a, b string) int { return cmp.Or(cmp.Compare(d.Count(b), d.Count(a)), cmp.Compare(a, b)) })
	return all[:min(len(all), mostCompounds)]
}

// Head returns the longest known word that a word ends with: "stiefel" of "winterstiefel"; "" where there is none, and in languages that do not write
// words as one.
func (d *Dictionary) Head(word string) string {
	if len(d.tails) == 0 || strings.ContainsAny(word, "0123456789") {
		return ""
	}
	letters := []rune(word)
	for at := shortestRest; at <= len(letters)-shortestHead; at++ {
		if head := string(letters[at:]); d.Count(head) > 0 {
			return head
		}
	}
	return ""
}

// forms are a word and the known ones that have its stem and begin as it does.
func (d *Dictionary) forms(word string) []string {
	all := []string{word}
	stem := d.stem(word)
	at, _ := slices.BinarySearchFunc(d.words, stem, func(e entry, s string) int { return cmp.Compare(e.word, s) })
	for ; at < len(d.words) && strings.HasPrefix(d.words[at].word, stem); at++ {
		if w := d.words[at].word; w != word && d.stem(w) == stem {
			all = append(all, w)
		}
	}
	return all
}
