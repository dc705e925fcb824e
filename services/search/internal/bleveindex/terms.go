package bleveindex

import (
	"unicode/utf8"

	index "github.com/blevesearch/bleve_index_api"

	"github.com/sidecart/sidecart/services/search/internal/grammar"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// place is where words are looked for, with bleve's name of the field.
type place struct {
	grammar.Place
	field string
}

func placeOf(p grammar.Place) place {
	field := p.Name
	if p.Code != "" {
		field = p.Code + "." + field
	}
	return place{p, field}
}

func placesOf(all []grammar.Place) []place {
	out := make([]place, len(all))
	for i, p := range all {
		out[i] = placeOf(p)
	}
	return out
}

// maxEdge is the length in characters up to which beginnings of identifiers are terms of their own, for very many may share them.
const maxEdge = 8

func (p *place) edges() int {
	if p.Name == search.InIdentifiers {
		return maxEdge
	}
	return 0
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
	t.Language.Words(t.text, func(word, stem string) {
		t.count++
		t.found[stem] = there
		if t.Prefixes {
			t.found[word] = there
		}
		for end, n := 0, 0; n < t.edges() && end < len(word); n++ {
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
