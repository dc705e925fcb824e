package search

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sidecart/sidecart/pkg/fault"
)

// Synonym says which words stand for others. Without To each of Words stands for all others of them ("tv", "television"); with To, who types
// one of Words finds what has one of To as well, and not the other way round ("laptop" → "notebook computer"). Each may be of several
// words, which then stand beside each other.
type Synonym struct {
	ID       string
	Language string // "de"; empty: all
	Words    []string
	To       []string
}

// What synonyms may be at most.
const (
	MaxSynonyms     = 5000
	maxSynonymTerms = 20  // of each side
	maxTerm         = 100 // bytes
	maxTermWords    = 5
)

// SynonymWeight is what a synonym counts beside what was typed.
const SynonymWeight = 0.8

var languageForm = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z]{2})?$`)

// CheckSynonyms returns all faults of synonyms at once. Those that lead in a circle are none: one step is taken, never two.
func CheckSynonyms(all []Synonym) error {
	var c fault.Collector
	c.Check(len(all) <= MaxSynonyms, "synonyms", fmt.Sprintf("must be at most %d", MaxSynonyms), len(all))
	ids, contents := map[string]bool{}, map[string]bool{}
	for i := range all[:min(len(all), MaxSynonyms)] {
		s := &all[i]
		at := fmt.Sprintf("synonyms[%d]", i)
		c.Check(s.ID != "", at+".id", "is required", nil)
		c.Check(s.ID == "" || !ids[s.ID], at+".id", "is there twice", s.ID)
		content := s.check(at, &c)
		c.Check(content == "" || !contents[content], at, "says the same as one before", nil)
		ids[s.ID], contents[content] = true, true
	}
	return c.Err()
}

// Check notes the faults of one synonym, at its place.
func (s *Synonym) Check(at string, c *fault.Collector) { s.check(at, c) }

// Says is what a synonym says, in one form: two with the same are one too many. It is empty for one that has no words.
func (s *Synonym) Says() string {
	var c fault.Collector
	return s.check("", &c)
}

// check returns what a synonym says, in one form; "" for nothing.
func (s *Synonym) check(at string, c *fault.Collector) string {
	c.Check(s.Language == "" || languageForm.MatchString(s.Language), at+".language", `must be a language, such as "de"`, s.Language)
	least := 2
	if len(s.To) > 0 {
		least = 1
	}
	c.Check(len(s.Words) >= least, at+".words", "must be two at least, or one with others that it stands for", nil)
	seen := map[string]bool{}
	words := checkTerms(s.Words, at+".words", seen, c)
	to := checkTerms(s.To, at+".to", seen, c)
	if len(words) == 0 {
		return ""
	}
	return fmt.Sprintf("%q %q %q", s.Language, words, to)
}

// checkTerms returns what was read, sorted.
func checkTerms(terms []string, at string, seen map[string]bool, c *fault.Collector) (all []string) {
	c.Check(len(terms) <= maxSynonymTerms, at, fmt.Sprintf("must be at most %d", maxSynonymTerms), len(terms))
	for i, t := range terms[:min(len(terms), maxSynonymTerms)] {
		at := fmt.Sprintf("%s[%d]", at, i)
		if len(t) > maxTerm {
			c.Add(at, fmt.Sprintf("must be at most %d bytes long", maxTerm), nil)
			continue
		}
		c.Check(utf8.ValidString(t) && !strings.ContainsRune(t, 0), at, "must be text", nil)
		words := Words(t)
		read := strings.Join(words, " ")
		c.Check(len(words) > 0, at, "must have a word", t)
		c.Check(len(words) <= maxTermWords, at, fmt.Sprintf("must be at most %d words", maxTermWords), t)
		c.Check(len(words) == 0 || !seen[read], at, "is there twice", t)
		seen[read] = true
		all = append(all, read)
	}
	slices.Sort(all)
	return all
}

// Synonyms are those of a language, ready to be looked up. Nil has none.
type Synonyms struct {
	stem func(string) string
	by   map[string][]standIn // by the first word's stem
}

// standIn is what stands for words in a row.
type standIn struct {
	words []string // stems
	to    [][]string
}

// Stemmer returns a stemmer that leaves alone what has no stem: words that do not count, for which an index says "", and all where stem is nil.
func Stemmer(stem func(string) string) func(string) string {
	return func(w string) string {
		if stem != nil {
			if s := stem(w); s != "" {
				return s
			}
		}
		return w
	}
}

// NewSynonyms prepares those that hold in a language, whose words are found by their stem; nil: as they are.
func NewSynonyms(all []Synonym, language string, stem func(string) string) *Synonyms {
	s := &Synonyms{stem: Stemmer(stem), by: map[string][]standIn{}}
	base, _, _ := strings.Cut(language, "-")
	for i := range all {
		one := &all[i]
		if one.Language != "" && one.Language != language && one.Language != base {
			continue
		}
		for j, from := range one.Words {
			if len(one.To) > 0 {
				s.add(from, one.To)
			} else {
				s.add(from, slices.Concat(one.Words[:j], one.Words[j+1:]))
			}
		}
	}
	return s
}

func (s *Synonyms) add(from string, to []string) {
	var all [][]string
	for _, t := range to {
		all = append(all, termForms(t)...)
	}
	for _, form := range termForms(from) {
		stems := make([]string, len(form))
		for i, w := range form {
			stems[i] = s.stem(w)
		}
		s.by[stems[0]] = append(s.by[stems[0]], standIn{stems, all})
	}
}

// termForms returns the words of a term, and the one that they make if all of them join: "T-Shirt" is "t shirt" and "tshirt".
func termForms(term string) (forms [][]string) {
	tokens := Read(term)
	if len(tokens) == 0 {
		return nil
	}
	words := make([]string, len(tokens))
	join := len(tokens) > 1
	for i := range tokens {
		words[i] = tokens[i].Word
		join = join && (i == 0 || joins(&tokens[i-1], &tokens[i]))
	}
	forms = append(forms, words)
	if join {
		forms = append(forms, []string{strings.Join(words, "")})
	}
	return forms
}

// at returns what stands for words of a query from the first one on, by how many of them.
func (s *Synonyms) at(words []string, each func(n int, to [][]string)) {
	if s == nil || len(words) == 0 {
		return
	}
next:
	for _, in := range s.by[s.stem(words[0])] {
		if len(in.words) > len(words) {
			continue
		}
		for i, w := range in.words[1:] {
			if s.stem(words[i+1]) != w {
				continue next
			}
		}
		each(len(in.words), in.to)
	}
}
