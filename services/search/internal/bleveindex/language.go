package bleveindex

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
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
	stop  map[string]bool
	stem  analysis.TokenFilter
	stems sync.Map // by word: texts repeat their words, and stemming costs more than looking up
	known atomic.Int32
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
		l := &language{stop: map[string]bool{}}
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

// Stem returns what a word is found by; "" for a stop word.
func (l *language) Stem(word string) string {
	if l.stem == nil {
		return word
	}
	if stem, ok := l.stems.Load(word); ok {
		return stem.(string)
	}
	stem := ""
	if !l.stop[word] {
		stem = string(l.stem.Filter(analysis.TokenStream{{Term: []byte(word)}})[0].Term)
		if stem == "" {
			stem = word
		}
	}
	if l.known.Add(1) <= maxStems {
		l.stems.Store(word, stem)
	}
	return stem
}

// analyzer reads texts that are words between spaces, for bleve. A word is found by its stem and, for prefixes, as it is written and by
// its beginnings of up to some letters.
type analyzer struct {
	*language
	edges int
}

// edgeMark stands before the beginnings of words. No word has it, for it is not UTF-8.
const edgeMark = "\xff"

// Analyze implements bleve's analysis.Analyzer.
func (a analyzer) Analyze(text []byte) analysis.TokenStream {
	words := bytes.Fields(text)
	tokens := make(analysis.TokenStream, 0, (2+a.edges)*len(words))
	for i, w := range words {
		stem := a.Stem(string(w))
		if stem == "" {
			continue
		}
		tokens = append(tokens, &analysis.Token{Term: []byte(stem), Position: i + 1})
		if stem != string(w) {
			tokens = append(tokens, &analysis.Token{Term: w, Position: i + 1})
		}
		for end, n := 0, 0; n < a.edges && end < len(w); n++ {
			_, size := utf8.DecodeRune(w[end:])
			end += size
			tokens = append(tokens, &analysis.Token{Term: append([]byte(edgeMark), w[:end]...), Position: i + 1})
		}
	}
	return tokens
}
