package search

import (
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
// So a word of Q is a row of atoms that D has, however they are divided on either side; a single character that D has only
// within a longer word (xm 4) is found by what it makes with its neighbour. The space of "head phones" is the spelling's matter (Plan).
const (
	maxAtoms  = 6    // of a row
	maxJoined = 48   // bytes of a row
	maxBeside = 4096 // rows of a text
	barrier   = "|"  // stands before the rows: no word is written like it, so that no phrase reaches into them
)

// Index returns what an index holds of a text of a document: its words in their order, then what they make with each other, divided by
// spaces. An index cuts it at the spaces, and may stem.
func Index(text string) string {
	tokens := Read(text)
	var b strings.Builder
	b.Grow(len(text) + len(text)/4)
	for i := range tokens {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(tokens[i].Word)
	}
	for i, row := range beside(tokens) {
		if i == 0 {
			b.WriteString(" " + barrier)
		}
		b.WriteByte(' ')
		b.WriteString(row)
	}
	return b.String()
}

// atom is a part of a row, with the token that it is of.
type atom struct {
	text  string
	token int
	whole bool // all of its token
}

// beside returns the rows of a document's text that are not among its words, each once.
func beside(tokens []Token) []string {
	seen := make(map[string]bool, len(tokens))
	for i := range tokens {
		seen[tokens[i].Word] = true
	}
	var rows []string
	note := func(row string) {
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
		run = t.atoms(i, run)
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

func (t *Token) atoms(place int, to []atom) []atom {
	if t.unit || t.alone || !hasDigit(t.Word) {
		return append(to, atom{t.Word, place, true})
	}
	parts := split(t.Word)
	for _, p := range parts {
		to = append(to, atom{p, place, len(parts) == 1})
	}
	return to
}

// eachRow notes the rows of more than one atom, and atoms that are no words of their own.
func eachRow(run []atom, note func(string)) {
	var row []byte
	for i := range run {
		row = row[:0]
		for j := i; j < len(run) && j < i+maxAtoms && len(row)+len(run[j].text) <= maxJoined; j++ {
			row = append(row, run[j].text...)
			if i == j && (run[i].whole || utf8.RuneCount(row) < 2) {
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
	return hasDigit(a.Word) && len(b.Word) <= 4 || len(a.Word) == 1 || len(b.Word) == 1
}

func (t *Token) longUnit() bool { return t.unit && len(split(t.Word)[1]) > 1 }

// joined returns for each word of a query what it makes with its neighbours: rows of up to four words that join, and pairs with a space
// between that make a word that is known.
func joined(tokens []Token, known func(string) bool) [][]string {
	rows := make([][]string, len(tokens))
	for i := range tokens {
		row := tokens[i].Word
		for j := i + 1; j < len(tokens) && j < i+4; j++ {
			row += tokens[j].Word
			if len(row) > maxJoined {
				break
			}
			joins := joins(&tokens[j-1], &tokens[j])
			if !joins && (j > i+1 || tokens[j].gap != space || tokens[j].alone || !known(row)) {
				break
			}
			for k := i; k <= j; k++ {
				rows[k] = append(rows[k], row)
			}
			if !joins {
				break
			}
		}
	}
	return rows
}
