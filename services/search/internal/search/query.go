package search

import (
	"slices"
	"strings"
)

// Lexicon knows the words of the documents of a language.
type Lexicon interface {
	Documents() int                           // how many there are
	Count(word string) int                    // how many of them have a word; 0: it is not known
	Correct(word string, mistakes int) string // the known word that is meant by one that is not, with at most so many mistakes; "": none
	Written(word string) string               // as people write it, with accents
	Compounds(word string) []string           // known words that it is the last part of, most frequent first
	Head(word string) string                  // the known word that is its last part; "": none
}

// Ask is what somebody types. Prefix says that the last word is not finished, unless a space follows; AsTyped, that nothing is to be
// corrected.
type Ask struct {
	Text            string
	Prefix, AsTyped bool
}

// Query is what an Ask means.
type Query struct {
	Words     []string // all of them, corrected
	Corrected string   // the text as it was understood, where that is not as it was typed
	Name      bool     // its words make one together that is known: it calls something by its number
	Steps     []Step   // to be taken until one finds something, each finding more; none: there is nothing to be found by such a text
}

// Step is a way to perform a query. LeftOut are the words that are not looked for; of the others all must be found, or AtLeast of the plan.
type Step struct {
	Plan    Plan
	LeftOut []string
}

// What is read of a query at most.
const (
	maxQuery      = 1 << 10 // bytes
	maxQueryWords = 16
)

// NewQuery reads what was typed. Plan has all that the text does not say: market, language, filters, facets, order, page. It is the same
// for the same text as long as the lexicon is, and its weights mostly beyond: a cursor names the step that it is of, and goes on.
func NewQuery(ask Ask, plan Plan, lexicon Lexicon, synonyms *Synonyms) Query {
	text := strings.TrimSpace(ask.Text)
	if text == "" {
		if plan.Sort == "" {
			plan.Sort = ByPopularity
		}
		return Query{Steps: []Step{{Plan: plan}}}
	}
	if plan.Sort == "" {
		plan.Sort = ByRelevance
	}
	ask.Prefix = ask.Prefix && strings.HasSuffix(ask.Text, text[len(text)-1:])
	r := reading{ask: ask, language: plan.Language, lexicon: lexicon, synonyms: synonyms, text: text[:min(len(text), maxQuery)]}
	r.tokens = Read(r.text)
	if !ask.AsTyped {
		r.correct()
	}
	var q Query
	if r.corrected {
		q.Corrected = r.asUnderstood()
	}
	for i := range r.tokens {
		q.Words = append(q.Words, r.tokens[i].Word)
	}
	q.Name = r.isName()
	q.Steps = ladder(plan, r.groups(), r.beyond)
	return q
}

// reading is a query that is being read.
type reading struct {
	ask       Ask
	language  string
	lexicon   Lexicon
	synonyms  *Synonyms
	text      string
	tokens    []Token
	corrected bool
	put       map[int]string // in the place of what begins there
	beyond    []string       // words that are too many
}

func (r *reading) known(word string) bool { return r.lexicon.Count(word) > 0 }

// correct puts known words in the place of those that are not: the one that is a mistake away, two that were written as one, the one
// that is two mistakes away. A word that makes a known one with its neighbour is none to be corrected, nor is one
// for which others stand, nor what others end with.
func (r *reading) correct() {
	r.put = map[int]string{}
	rows := joined(r.tokens, r.known)
	said := r.said(rows)
	var tokens []Token
	for i, t := range r.tokens {
		made := slices.ContainsFunc(rows, func(o row) bool { return o.from <= i && i <= o.to && r.known(o.word) })
		last := r.ask.Prefix && i == len(r.tokens)-1
		if made || said[i] || last || t.unit || t.alone || r.known(t.Word) || len(r.lexicon.Compounds(t.Word)) > 0 || t.full != "" && r.known(t.full) || stopIn(r.language, t.Word) || i >= maxQueryWords {
			tokens = append(tokens, t)
			continue
		}
		for _, word := range r.meant(t.Word) {
			if r.put[t.Start] != "" {
				r.put[t.Start] += " "
				t.gap = space
			}
			r.put[t.Start] += r.lexicon.Written(word)
			r.corrected = true
			t.Word, t.full = word, ""
			tokens = append(tokens, t)
		}
		if r.put[t.Start] == "" {
			tokens = append(tokens, t)
		}
	}
	r.tokens = tokens
}

// said tells of each word whether it has synonyms, alone or with its neighbours.
func (r *reading) said(rows []row) []bool {
	all := make([]bool, len(r.tokens))
	words := make([]string, min(len(r.tokens), maxQueryWords))
	for i := range words {
		words[i] = r.tokens[i].Word
	}
	r.standIns(words, rows, func(from, to int, _ [][]string) {
		for i := from; i < to; i++ {
			all[i] = true
		}
	})
	return all
}

// standIns calls each with what stands for words of a query, from one place up to and without another.
func (r *reading) standIns(words []string, rows []row, each func(from, to int, words [][]string)) {
	for i := range words {
		r.synonyms.at(words[i:], func(n int, to [][]string) { each(i, i+n, to) })
	}
	for _, o := range rows {
		if o.to < len(words) {
			r.synonyms.at([]string{o.word}, func(_ int, to [][]string) { each(o.from, o.to+1, to) })
		}
	}
}

// meant returns the known words that are meant by one that is not; none where nothing is like it.
func (r *reading) meant(word string) []string {
	if near := r.lexicon.Correct(word, 1); near != "" {
		return []string{near}
	}
	if a, b, ok := r.divide(word); ok {
		return []string{a, b}
	}
	if r.lexicon.Head(word) != "" {
		return nil
	}
	if near := r.lexicon.Correct(word, 2); near != "" {
		return []string{near}
	}
	return nil
}

// shortest is what each of two words has at least that were written as one, in bytes.
const shortest = 3

// divide finds two known words that were written as one, of which one has no digit: of several ways that whose rarer word is the more
// frequent.
func (r *reading) divide(word string) (a, b string, ok bool) {
	best := 0
	for i := range word {
		if i < shortest || len(word)-i < shortest || hasDigit(word[:i]) && hasDigit(word[i:]) {
			continue
		}
		if n := min(r.lexicon.Count(word[:i]), r.lexicon.Count(word[i:])); n > best {
			a, b, ok, best = word[:i], word[i:], true, n
		}
	}
	return a, b, ok
}

// isName tells whether all words make one with a digit together that is known: WH 1000 XM4.
func (r *reading) isName() bool {
	for _, o := range joined(r.tokens, r.known) {
		if o.from == 0 && o.to == len(r.tokens)-1 && hasDigit(o.word) && r.known(o.word) {
			return true
		}
	}
	return false
}

// asUnderstood is the text with what was put in.
func (r *reading) asUnderstood() string {
	var b strings.Builder
	at := 0
	for i := range r.tokens {
		t := &r.tokens[i]
		if t.Start < at {
			continue // the second of two that were one
		}
		b.WriteString(r.text[at:t.Start])
		if word, ok := r.put[t.Start]; ok {
			b.WriteString(word)
		} else {
			b.WriteString(r.text[t.Start:t.End])
		}
		at = t.End
	}
	b.WriteString(r.text[at:])
	return strings.ToValidUTF8(b.String(), "")
}

// sought is a group, with what is said of it.
type sought struct {
	Group
	typed string // as it stands in the text
	known bool   // some document has it
	loose *Group // what it ends with, where it was written as one; nil: nothing
}

// groups returns what is to be found: a group for each word that counts, or for all where none does.
func (r *reading) groups() []sought {
	tokens := r.tokens
	if len(tokens) > maxQueryWords {
		for _, t := range tokens[maxQueryWords:] {
			r.beyond = append(r.beyond, r.typed(t))
		}
		tokens = tokens[:maxQueryWords]
	}
	groups := make([]sought, len(tokens))
	words := make([]string, len(tokens))
	for i, t := range tokens {
		words[i] = t.Word
		groups[i] = sought{typed: r.typed(t)}
		g := &groups[i]
		g.stand([]string{t.Word}, 1)
		if t.full != "" {
			g.stand([]string{t.full}, 1)
		}
	}
	rows := joined(tokens, r.known)
	for _, o := range rows {
		for i := o.from; i <= o.to; i++ {
			groups[i].stand([]string{o.word}, 1)
		}
	}
	for i := range groups {
		groups[i].weigh(r.lexicon)
	}
	r.standIns(words, rows, func(from, to int, words [][]string) { spread(groups[from:to], words) })
	for i, w := range words {
		groups[i].end(w, r.lexicon)
		if head := r.lexicon.Head(w); head != "" {
			groups[i].loose = &Group{}
			groups[i].loose.stand([]string{head}, CompoundWeight)
			groups[i].loose.end(head, r.lexicon)
		}
	}
	if r.ask.Prefix && len(groups) > 0 {
		last := &groups[len(groups)-1]
		last.Any = append(last.Any, Alternative{Words: []string{words[len(words)-1]}, Prefix: true, Weight: 1})
	}
	return r.counting(groups, words)
}
