package grammar

import (
	"fmt"
	"strings"
	"sync"

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

// Language knows what the words of a language are found by. plain is the language of names, of which every word counts.
type Language struct {
	stop map[string]bool
	stem analysis.TokenFilter

	mu    sync.RWMutex
	stems map[string]string // by word of a text: texts repeat their words, and stemming costs more than looking up
}

// maxStems bounds what is kept of stems.
const maxStems = 200_000

var plain = &Language{}

// Grammar is how each language is read, and the one in which every product has its texts.
type Grammar struct {
	shop      string
	languages map[string]*Language
}

// New reads the rules of all languages that are known. shop is the language in which every product has its texts.
func New(shop string) (*Grammar, error) {
	g := &Grammar{shop, map[string]*Language{}}
	cache := registry.NewCache()
	for code, names := range known {
		words, err := cache.TokenMapNamed(names.stop)
		if err != nil {
			return nil, fmt.Errorf("stop words of %s: %w", code, err)
		}
		l := &Language{stop: map[string]bool{}, stems: map[string]string{}}
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

// Language returns the rules of a language, whatever its region; one that is not known is read as it is written.
func (g *Grammar) Language(code string) *Language {
	if l, ok := g.languages[baseOf(code)]; ok {
		return l
	}
	return plain
}

// Words calls each with the words of a text that count, and what they are found by.
func (l *Language) Words(text string, each func(word, stem string)) {
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
func (l *Language) learn(word string) string {
	word = strings.Clone(word) // not the text around it
	stem := l.make(word)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.stems) < maxStems {
		l.stems[word] = stem
	}
	return stem
}

// make makes the stem of a word, "" for a stop word.
func (l *Language) make(word string) string {
	if l.stop[word] {
		return ""
	}
	if stem := string(l.stem.Filter(analysis.TokenStream{{Term: []byte(word)}})[0].Term); stem != "" {
		return stem
	}
	return word
}

// Stem returns what a word is found by; "" for a stop word. It is not kept: queries bring words, and parts of words, that no text has.
func (l *Language) Stem(word string) string {
	if l.stem == nil {
		return word
	}
	l.mu.RLock()
	stem, known := l.stems[word]
	l.mu.RUnlock()
	if !known {
		stem = l.make(word)
	}
	return stem
}
