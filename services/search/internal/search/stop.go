package search

import (
	"slices"
	"strings"
)

// stopForms are the words that do not count in a query, by language: they are neither asked for nor join others. Folded.
var stopForms = map[string]string{
	"en": "a an and are as at be but by for from i in into is it my of on or s so that the their these this to with you your",
	"de": "als am an auch auf aus bei das dem den der des die ein eine einem einen einer eines er es fur im in ist mein meine mit nach oder sie und vom von zu zum zur",
	"fr": "a au aux avec ce ces d dans de des du en et la l le les ma mes mon ou par pour qui sa ses son sur un une",
	"es": "a al con de del e el en es la las lo los mi o para por que se sin su sus un una unas unos y",
}

// stops are the languages in which a word does not count.
var stops = stopTable()

func stopTable() map[string][]string {
	by := map[string][]string{}
	for language, forms := range stopForms {
		for _, f := range strings.Fields(forms) {
			by[f] = append(by[f], language)
		}
	}
	return by
}

// dividing tells whether a word joins none beside it, for it does not count in some language: texts are read without knowing theirs. Single
// letters join ("e reader"), and so does "2 in 1".
func dividing(word string) bool {
	return stops[word] != nil && len(word) > 1 && word != "in" || word == "a" || word == "y"
}

// stopIn tells whether a word does not count in a language, "en" or "en-GB".
func stopIn(language, word string) bool {
	language, _, _ = strings.Cut(language, "-")
	return slices.Contains(stops[word], language)
}
