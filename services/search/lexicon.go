package main

import (
	"iter"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/internal/spelling"
)

// lexicon makes the dictionaries that queries are read by.
func lexicon(own string, stem func(language string) func(string) string) app.MakeLexicon {
	return func(documents iter.Seq[*search.Document]) app.Lexicons {
		out := app.Lexicons{}
		for language, d := range spelling.Dictionaries(documents, own, stem) {
			out[language] = d
		}
		return out
	}
}
