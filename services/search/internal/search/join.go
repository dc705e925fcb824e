package search

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// What is written as one word here is written as several there: T-Shirt, tshirt, t shirt; WH-1000XM4, WH 1000 XM4, wh1000xm4. The
// rule, for a document D and a query Q:
//
//   - both have their words (Words);
//   - D has beside them (Index) every row of up to six atoms of what is joined, atoms being the parts between gaps and where letters and
//     digits meet: wh, 1000, wh1000, 1000xm, xm4, … and the number of a number with a unit; single characters are left out;
//   - Q has beside each word, as alternatives, what it makes with its neighbours (joined): for wh, 1000, xm4 that is wh1000, 1000xm4, wh1000xm4.
//
// Joined is what a hyphen or the like holds together, and what a space divides where one side has a digit or is a single letter, and a
// word behind a number has at most four letters; words that do not count join nothing, nor do numbers with units, unless of a letter: "Redmi 9A".
// So the same atoms find each other however they are divided on either side: what all of Q's words make together is a row of D. A part
// of them is found as well: "xm4". The space of "head phones" is the spelling's matter (Plan).
const (
	maxAtoms  = 6    // of a row
	maxJoined = 48   // bytes of a row
	maxBeside = 4096 // rows of a text
	edge      = "|"  // stands between texts, and
	barrier   = "||" // before the rows: no word is written like these, so that no phrase goes from one text into the next
)

// entityForm is a character as HTML writes it, which old catalogues do: "&#8482;". What has no semicolon is none: "B&GT".
var entityForm = regexp.MustCompile(`&#?[0-9A-Za-z]{1,31};`)

// Index returns what an index holds in a field of a document: the words of its texts in their order, then what they make with each other,
// divided by spaces. An index cuts it at the spaces, and may stem.
func Index(texts ...string) string {
	var b strings.Builder
	var all []Token
	for i, text := range texts {
		if strings.Contains(text, ";") {
			text = entityForm.ReplaceAllStringFunc(text, html.UnescapeString)
		}
		tokens := Read(text)
		if i > 0 {
			b.WriteString(edge + " ")
		}
		for j := range tokens {
			b.WriteString(tokens[j].Word)
			b.WriteByte(' ')
		}
		all = append(all, tokens...)
	}
	if rows := beside(all); len(rows) > 0 {
		b.WriteString(barrier + " ")
		b.WriteString(strings.Join(rows, " "))
	}
	return strings.TrimSuffix(b.String(), " ")
}

// atom is a part of a row, with the token that it is of.
type atom struct {
	text       string
	first, end bool // of its token
	spaced     bool // a space divides its token from the one before
}

// beside returns the rows of a document's text that are not among its words, each once.
func beside(tokens []Token) []string {
	var seen map[string]bool
	var rows []string
	note := func(row string) {
		if seen == nil {
			seen = make(map[string]bool, len(tokens)+8)
			for i := range tokens {
				seen[tokens[i].Word] = true
			}
		}
		if !seen[row] && len(rows) < maxBeside {
			seen[row] = true
			rows = append(rows, row)
		}
	}
	var run []atom
	for i := range tokens {
		t := &tokens[i]
		if i > 0 && !joins(&tokens[i-1], t) {
			eachRow(run, note)
			run = run[:0]
		}
		run = t.atoms(run)
		if t.full != "" {
			note(t.full)
		}
		if t.unit {
			if n := split(t.Word)[0]; len(n) > 1 {
				note(n)
			}
		}
	}
	eachRow(run, note)
	return rows
}

func (t *Token) atoms(to []atom) []atom {
	spaced := t.gap == space
	if t.unit || t.alone || !hasDigit(t.Word) {
		return append(to, atom{t.Word, true, true, spaced})
	}
	parts := split(t.Word)
	for i, p := range parts {
		to = append(to, atom{p, i == 0, i == len(parts)-1, spaced})
	}
	return to
}

// eachRow notes the rows of more than one atom, and atoms that are no words of their own.
func eachRow(run []atom, note func(string)) {
	if len(run) < 2 {
		return
	}
	var row []byte
	for i := range run {
		row = row[:0]
		spaces := false
		for j := i; j < len(run) && j < i+maxAtoms && len(row)+len(run[j].text) <= maxJoined; j++ {
			row = append(row, run[j].text...)
			spaces = spaces || j > i && run[j].first && run[j].spaced
			word := run[i].first && run[j].end
			if i == j && word || spaces && !word || utf8.RuneCount(row) < 2 {
				continue
			}
			note(string(row))
		}
	}
}

// joins tells whether two words that stand beside each other may be written as one.
func joins(a, b *Token) bool {
	if a.alone || b.alone || b.gap == apart || a.longUnit() || b.longUnit() {
		return false
	}
	if b.gap != space {
		return true
	}
	if dividing(a.Word) || dividing(b.Word) {
		return false
	}
	behind := numeric(a.Word[len(a.Word)-1])
	switch {
	case hasDigit(b.Word):
		return true
	case behind:
		return len(b.Word) <= 4
	}
	return hasDigit(a.Word) && len(b.Word) <= 4 || len(a.Word) == 1 && a.gap <= space || len(b.Word) == 1 && !b.tied // not the t of "don't", nor that of "blue t-shirt" to the left
}

func (t *Token) longUnit() bool { return t.unit && len(split(t.Word)[1]) > 1 }

// row is a word that those of a query from one place up to another make, both included.
type row struct {
	from, to int
	word     string
}

// joined returns what the words of a query make with their neighbours: up to six that join, and pairs with a space between that make a word
// that is known.
func joined(tokens []Token, known func(string) bool) (rows []row) {
	for i := range tokens {
		word := tokens[i].Word
		for j := i + 1; j < len(tokens) && j < i+maxAtoms; j++ {
			word += tokens[j].Word
			if len(word) > maxJoined {
				break
			}
			joins := joins(&tokens[j-1], &tokens[j])
			if !joins && (j > i+1 || !mayJoin(&tokens[i], &tokens[j]) || !known(word)) {
				break
			}
			rows = append(rows, row{i, j, word})
			if !joins {
				break
			}
		}
	}
	return rows
}

// mayJoin tells whether two words with a space between may be one that is known: "head phones".
func mayJoin(a, b *Token) bool {
	return b.gap == space && !a.alone && !b.alone && !dividing(a.Word) && !dividing(b.Word)
}

// Held divides what Index wrote: the words of texts, and what they make with each other.
func Held(field string) (words, rows []string) {
	before, after, _ := strings.Cut(field, barrier)
	words = slices.DeleteFunc(strings.Fields(before), func(w string) bool { return w == edge })
	return words, strings.Fields(after)
}
