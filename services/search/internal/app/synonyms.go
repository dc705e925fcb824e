package app

import (
	"sync"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Synonyms are those of all languages. Each language's are prepared when a query in it is read for the first time. Nil has none.
type Synonyms struct {
	all  []search.Synonym
	stem func(language string) func(string) string

	mu sync.Mutex
	by map[string]*search.Synonyms
}

// NewSynonyms returns synonyms whose words are found by the stems of a language.
func NewSynonyms(all []search.Synonym, stem func(language string) func(string) string) *Synonyms {
	return &Synonyms{all: all, stem: stem, by: map[string]*search.Synonyms{}}
}

// In returns those of a language and those of all.
func (s *Synonyms) In(language string) *search.Synonyms {
	if s == nil || len(s.all) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by[language] == nil {
		s.by[language] = search.NewSynonyms(s.all, language, s.stem(language))
	}
	return s.by[language]
}
