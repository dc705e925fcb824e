package main

import (
	"iter"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/internal/spelling"
)

// lexicon makes dictionaries of a language, of words that are found by their stem.
func lexicon(language string, stem func(string) string) app.MakeLexicon {
	return func(documents iter.Seq[*search.Document]) search.Lexicon {
		b := spelling.NewBuilder(stem)
		for d := range documents {
			b.Add(d.Texts[language], d.Identifiers)
		}
		return b.Build()
	}
}
