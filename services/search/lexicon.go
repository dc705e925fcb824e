package main

import (
	"iter"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/internal/spelling"
)

// lexicon makes dictionaries, of words that are found by their stems in a language. A document without a text in one is read there in the shop's
// own; so when a document has a language that none had before, all are read once more.
func lexicon(own string, stem func(language string) func(string) string) app.MakeLexicon {
	known := map[string]bool{own: true}
	return func(documents iter.Seq[*search.Document]) app.Lexicons {
		for {
			builders := map[string]*spelling.Builder{}
			for language := range known {
				builders[language] = spelling.NewBuilder(stem(language))
			}
			for d := range documents {
				for language := range d.Texts {
					known[language] = true
				}
				for language, b := range builders {
					b.Add(d.Texts[search.Nearest(d.Texts, language, own)], d.Identifiers)
				}
			}
			if len(known) > len(builders) {
				continue
			}
			out := app.Lexicons{}
			for language, b := range builders {
				out[language] = b.Build()
			}
			return out
		}
	}
}
