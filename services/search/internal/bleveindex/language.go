package bleveindex

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/blevesearch/bleve/v2/analysis"
	"github.com/blevesearch/bleve/v2/analysis/lang/da"
	"github.com/blevesearch/bleve/v2/analysis/lang/de"
	"github.com/blevesearch/bleve/v2/analysis/lang/en"
	"github.com/blevesearch/bleve/v2/analysis/lang/es"
	"github.com/blevesearch/bleve/v2/analysis/lang/fi"
	"github.com/blevesearch/bleve/v2/analysis/lang/fr"
	"github.com/blevesearch/bleve/v2/analysis/lang/hu"
	"github.com/blevesearch/bleve/v2/analysis/lang/it"
	"github.com/blevesearch/bleve/v2/analysis/lang/nl"
	"github.com/blevesearch/bleve/v2/analysis/lang/no"
	"github.com/blevesearch/bleve/v2/analysis/lang/pt"
	"github.com/blevesearch/bleve/v2/analysis/lang/ro"
	"github.com/blevesearch/bleve/v2/analysis/lang/ru"
	"github.com/blevesearch/bleve/v2/analysis/lang/sv"
	"github.com/blevesearch/bleve/v2/analysis/lang/tr"
	"github.com/blevesearch/bleve/v2/analysis/token/porter"
	"github.com/blevesearch/bleve/v2/registry"
	index "github.com/blevesearch/bleve_index_api"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// known names bleve's stop words and stemmer of each language. A language that is not here is read as it is written.
var known = map[string]struct{ stop, stem string }{
	"da": {da.StopName, da.SnowballStemmerName},
	"de": {de.StopName, de.LightStemmerName},
	"en": {en.StopName, porter.Name},
	"es": {es.StopName, es.LightStemmerName},
	"fi": {fi.StopName, fi.SnowballStemmerName},
	"fr": {fr.StopName, fr.LightStemmerName},
	"hu": {hu.StopName, hu.SnowballStemmerName},
	"it": {it.StopName, it.LightStemmerName},
	"nl": {nl.StopName, nl.SnowballStemmerName},
	"no": {no.StopName, no.SnowballStemmerName},
	"pt": {pt.StopName, pt.LightStemmerName},
	"ro": {ro.StopName, ro.SnowballStemmerName},
	"ru": {ru.StopName, ru.SnowballStemmerName},
	"sv": {sv.StopName, sv.SnowballStemmerName},
	"tr": {tr.StopName, tr.SnowballStemmerName},
}

// language knows what the words of a language are found by. plain is the language of names, of which every word counts.
type language struct {
	stop map[string]bool
	stem analysis.TokenFilter

	mu    sync.RWMutex
	stems map[string]string // by word: texts repeat their words, and stemming costs more than looking up
}

// maxStems bounds what is kept of stems: queries bring words that no text has.
const maxStems = 200_000

var plain = &language{}

// grammar is how each language is read, and the one in which every product has its texts.
type grammar struct {
	shop      string
	languages map[string]*language
}

func newGrammar(shop string) (*grammar, error) {
	g := &grammar{shop, map[string]*language{}}
	cache := registry.NewCache()
	for code, names := range known {
		words, err := cache.TokenMapNamed(names.stop)
		if err != nil {
			return nil, fmt.Errorf("stop words of %s: %w", code, err)
		}
		l := &language{stop: map[string]bool{}, stems: map[string]string{}}
		for word := range words {
			l.stop[strings.Join(search.Words(word), " ")] = true
		}
		if l.stem, err = cache.TokenFilterNamed(names.stem); err != nil {
			return nil, fmt.Errorf("stemmer of %s: %w", code, err)
		}
		g.languages[code] = l
	}
	return g, nil
}

func (g *grammar) language(code string) *language {
	if l, ok := g.languages[code]; ok {
		return l
	}
	return plain
}

// words calls each with the words of a text that count, and what they are found by.
func (l *language) words(text string, each func(word, stem string)) {
	if l.stem == nil {
		for w := range strings.FieldsSeq(text) {
			each(w, w)
		}
		return
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	for w := range strings.FieldsSeq(text) {
		stem, known := l.stems[w]
		if !known {
			l.mu.RUnlock()
			stem = l.learn(w)
			l.mu.RLock()
		}
		if stem != "" {
			each(w, stem)
		}
	}
}

// learn returns the stem of a word, "" for a stop word, and keeps it.
func (l *language) learn(word string) string {
	word, stem := strings.Clone(word), "" // not the text around it
	if !l.stop[word] {
		stem = string(l.stem.Filter(analysis.TokenStream{{Term: []byte(word)}})[0].Term)
		if stem == "" {
			stem = word
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.stems) < maxStems {
		l.stems[word] = stem
	}
	return stem
}

// Stem returns what a word is found by; "" for a stop word.
func (l *language) Stem(word string) (stem string) {
	l.words(word, func(_, s string) { stem = s })
	return stem
}

// terms is a field of a document of bleve's: a text that is words between spaces. A word is found by its stem and, where prefixes are
// looked for, as it is written. It implements document.Field.
type terms struct {
	place
	text  string
	count int
	found index.TokenFrequencies
}

// edgeMark stands before the beginnings of words. No word has it, for it is not UTF-8.
const edgeMark = "\xff"

// Analyze implements document.Field. How often a term is there, and where, is not kept: one frequency serves all.
func (t *terms) Analyze() {
	t.found = make(index.TokenFrequencies, len(t.text)/5)
	there := &index.TokenFreq{}
	t.in.words(t.text, func(word, stem string) {
		t.count++
		t.found[stem] = there
		if t.prefixes {
			t.found[word] = there
		}
		for end, n := 0, 0; n < t.edges && end < len(word); n++ {
			_, size := utf8.DecodeRuneInString(word[end:])
			end += size
			t.found[edgeMark+word[:end]] = there
		}
	})
}

// Name implements document.Field, as do the others.
func (t *terms) Name() string { return t.field }

func (t *terms) ArrayPositions() []uint64 { return nil }

func (t *terms) Options() index.FieldIndexingOptions { return index.IndexField | index.SkipFreqNorm }

func (t *terms) Value() []byte { return nil }

func (t *terms) NumPlainTextBytes() uint64 { return uint64(len(t.text)) }

func (t *terms) Size() int { return len(t.text) }

func (t *terms) EncodedFieldType() byte { return 't' }

func (t *terms) AnalyzedLength() int { return t.count }

func (t *terms) AnalyzedTokenFrequencies() index.TokenFrequencies { return t.found }
