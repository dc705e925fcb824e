package spelling

import (
	"iter"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Dictionaries makes a dictionary for each language that documents have, by its code, of words that are found by their stems in it. It may go
// through the documents several times: one without a text in a language is read there in the shop's own; so when a document has a language
// that none had before, all are read once more.
func Dictionaries(documents iter.Seq[*search.Document], own string, stem func(language string) func(string) string) map[string]*Dictionary {
	known := map[string]bool{own: true}
	for {
		builders := map[string]*Builder{}
		for language := range known {
			builders[language] = NewBuilder(language, stem(language))
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
		out := map[string]*Dictionary{}
		for language, b := range builders {
			out[language] = b.Build()
		}
		return out
	}
}
