package spelling

import (
	"cmp"
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

// tail is a word from behind.
type tail struct {
	letters string
	of      int // the word's number
}

// join prepares words to be found by what they end with, where the language writes them as one: a common ending has thousands, which are
// not to be stemmed whenever somebody asks.
func (d *Dictionary) join() {
	for i := range d.words {
		w := &d.words[i]
		w.stem = w.word
		if s := d.stem(w.word); s != w.word { // what is the same is in memory once
			w.stem = s
		}
		w.alike = d.stems[w.stem]
		if utf8.RuneCountInString(w.word) >= shortestHead+shortestRest && !strings.ContainsAny(w.word, "0123456789") {
			d.tails = append(d.tails, tail{reversed(w.word), i})
		}
	}
	slices.SortFunc(d.tails, func(a, b tail) int { return cmp.Compare(a.letters, b.letters) })
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
	own, known := d.stem(word), map[string]bool{}
	var best []*entry
	for _, form := range d.forms(word) {
		if utf8.RuneCountInString(form) < shortestHead {
			continue
		}
		letters := reversed(form)
		at, _ := slices.BinarySearchFunc(d.tails, letters, func(t tail, s string) int { return cmp.Compare(t.letters, s) })
		for ; at < len(d.tails) && strings.HasPrefix(d.tails[at].letters, letters); at++ {
			w := &d.words[d.tails[at].of]
			if rest := w.word[:len(w.word)-len(form)]; w.stem != own && utf8.RuneCountInString(rest) >= shortestRest && !d.covers(w.word, form, known) {
				best = among(best, w)
			}
		}
	}
	var all []string
	for _, w := range best {
		all = append(all, w.word)
	}
	return all
}

// covers tells whether a word has a longer last part that is known: a Wolldecke is a Decke, and no Ecke. What was looked up is kept in known.
func (d *Dictionary) covers(word, form string, known map[string]bool) bool {
	at := len(word) - len(form)
	for range shortestRest - 1 {
		_, size := utf8.DecodeLastRuneInString(word[:at])
		at -= size
		is, lookedUp := known[word[at:]]
		if !lookedUp {
			is = d.Count(word[at:]) > 0
			known[word[at:]] = is
		}
		if is {
			return true
		}
	}
	return false
}

// among puts a word among the best ones, which are in order and one for each stem.
func among(best []*entry, w *entry) []*entry {
	rank := func(a, b *entry) int { return cmp.Or(cmp.Compare(b.alike, a.alike), cmp.Compare(a.word, b.word)) }
	if len(best) == mostCompounds && rank(w, best[mostCompounds-1]) > 0 {
		return best
	}
	if i := slices.IndexFunc(best, func(b *entry) bool { return b.stem == w.stem }); i >= 0 {
		if best[i].word <= w.word {
			return best
		}
		best = slices.Delete(best, i, i+1)
	}
	at, _ := slices.BinarySearchFunc(best, w, rank)
	best = slices.Insert(best, at, w)
	return best[:min(len(best), mostCompounds)]
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
		if w := &d.words[at]; w.word != word && w.stem == stem {
			all = append(all, w.word)
		}
	}
	return all
}
