package search

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// What is read of a text, and of a word, at most.
const (
	maxText = 64 << 10 // bytes
	maxWord = 40       // characters
)

// Token is a word of a text, and where it stands.
type Token struct {
	Word       string // lower case, without accents and marks; a number has its unit at it: "15.6in"
	Start, End int    // bytes of the text
	full       string // "mens" of "men's"
	gap        gap    // to the token before
	unit       bool   // a number with its unit
	alone      bool   // never part of a longer word: ideographs
	tied       bool   // a hyphen or the like follows, and a word
}

// gap is what stands between a word and the one before.
type gap uint8

const (
	apart gap = iota // a comma, a line's end, anything else
	space
	hyphen // or a dash
	glued  // one of "'’&/.+_·"
)

// Words returns the words of a text in their order, as documents and queries have them.
func Words(text string) []string {
	tokens := Read(text)
	words := make([]string, len(tokens))
	for i := range tokens {
		words[i] = tokens[i].Word
	}
	return words
}

// Read reads a text of any kind, hostile ones included: it is linear in the text, of which it reads the first 64 kB, and a word has no
// more than 40 characters. Documents and queries are read by it alike; what documents have beside (Index) and what may stand for a
// word of a query (Plan) make WH-1000XM4, WH 1000 XM4 and wh1000xm4 find each other.
func Read(text string) []Token {
	if len(text) > maxText {
		text = text[:maxText]
	}
	r := reader{text: text, tokens: make([]Token, 0, len(text)/6+1)}
	for i, c := range text {
		if i < r.skip {
			continue
		}
		switch k, s := fold(c); k {
		case letter, digit:
			r.add(i, c, k, s)
		case ideograph:
			r.finish()
			r.tokens = append(r.tokens, Token{Word: s, Start: i, End: i + utf8.RuneLen(c), alone: true})
			r.gap, r.between = apart, 0
		case nothing:
			if len(r.word) > 0 && unicode.Is(unicode.Mn, c) {
				r.end = i + utf8.RuneLen(c)
			}
		case separator:
			r.separate(i, c)
		}
	}
	r.finish()
	if len(r.tokens) > 0 {
		r.tokens[0].gap = apart
	}
	for i := range r.tokens[:max(len(r.tokens)-1, 0)] {
		r.tokens[i].tied = r.tokens[i+1].gap >= hyphen
	}
	return withUnits(r.tokens)
}

// reader is in a word, or between two.
type reader struct {
	text    string
	tokens  []Token
	word    []byte
	length  int  // of word, in characters
	start   int  // of word
	end     int  // of its last character
	inDigit bool // the last character of word is a digit
	gap     gap  // before word
	between int  // separators since the last word
	skip    int  // up to where the text is read already
	quoted  bool // a " is open
	single  bool // a ' is open
}

func (r *reader) add(i int, c rune, k kind, s string) {
	if len(r.word) == 0 {
		r.start = i
	}
	r.inDigit, r.end = k == digit, i+utf8.RuneLen(c)
	if r.length++; r.length <= maxWord {
		r.word = append(r.word, s...)
	}
}

// finish ends the word, if there is one.
func (r *reader) finish() {
	if len(r.word) == 0 {
		return
	}
	t := Token{Word: strings.TrimRight(string(r.word), ".,"), Start: r.start, End: r.end, gap: r.gap}
	r.word, r.length, r.inDigit = r.word[:0], 0, false
	r.gap, r.between = apart, 0
	t.normalise()
	if t.Word == "s" && t.gap == glued && len(r.tokens) > 0 {
		if before := &r.tokens[len(r.tokens)-1]; strings.HasPrefix(r.text[before.End:], "'") || strings.HasPrefix(r.text[before.End:], "’") {
			before.full, before.End = before.Word+"s", t.End
			return
		}
	}
	r.tokens = append(r.tokens, t)
}

// normalise gives the numbers in a word their form, and a number with a unit the unit's.
func (t *Token) normalise() {
	if !hasDigit(t.Word) {
		return
	}
	var b strings.Builder
	atoms := split(strings.ReplaceAll(t.Word, ",", "."))
	from := 0
	for _, a := range atoms {
		if numeric(a[0]) {
			a = number(t.Word[from : from+len(a)])
		}
		from += len(a)
		b.WriteString(a)
	}
	t.Word = b.String()
}

// separate reads a separator at i.
func (r *reader) separate(i int, c rune) {
	next, _ := utf8.DecodeRuneInString(r.text[min(i+utf8.RuneLen(c), len(r.text)):])
	after, _ := fold(next)
	inWord := len(r.word) > 0
	if inWord {
		switch {
		case isPoint(c) && r.inDigit && after == digit:
			r.add(i, c, digit, string(c))
			return
		case r.sign(i, c, next, after):
			return
		}
		r.finish()
		if c == '+' && after == separator && next != '+' {
			r.tokens = append(r.tokens, Token{Word: "plus", Start: i, End: i + 1, gap: glued})
			return
		}
	}
	r.quote(c, inWord, after == letter || after == digit)
	r.between++
	now := gapOf(c)
	if r.between > 1 && (now != space || r.gap != space) {
		now = apart
	}
	r.gap = now
}

func gapOf(c rune) gap {
	switch {
	case c == '\n':
		return apart
	case unicode.IsSpace(c):
		return space
	case strings.ContainsRune("-‐‑–—−", c):
		return hyphen
	case strings.ContainsRune("'’‘`´&/.+_·", c):
		return glued
	}
	return apart
}

// quote notes that a quotation begins or ends: what ends one behind a number is no sign of a unit.
func (r *reader) quote(c rune, inWord, opens bool) {
	switch c {
	case '"', '“', '”', '„':
		r.quoted = !r.quoted && !inWord && opens
	case '\'', '’', '‘':
		if !inWord || !opens { // else it is within a word
			r.single = !r.single && !inWord && opens
		}
	}
}

// sign reads the sign of inches or feet behind a number.
func (r *reader) sign(i int, c, next rune, after kind) bool {
	unit, width := "", utf8.RuneLen(c)
	switch c {
	case '"', '”', '″':
		if !r.quoted || c == '″' {
			unit = "in"
		}
	case '\'', '’', '′':
		switch {
		case next == c:
			unit, width = "in", 2*width
		case after != letter && after != digit && (!r.single || c == '′'):
			unit = "ft"
		}
	}
	if unit == "" || strings.Trim(string(r.word), "0123456789.,") != "" {
		return false
	}
	r.word = append(r.word, unit...)
	r.skip = i + width
	r.end = r.skip
	r.finish()
	return true
}

// withUnits makes one word of a number and the unit that follows it. It writes into tokens.
func withUnits(tokens []Token) []Token {
	out := tokens[:0]
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		if hasDigit(t.Word) {
			if atoms := split(t.Word); len(atoms) == 2 && isNumber(atoms[0]) && units[atoms[1]] != "" {
				t.Word, t.unit = atoms[0]+units[atoms[1]], true
			} else if len(atoms) == 1 && followedByUnit(tokens[i:]) {
				u := tokens[i+1]
				t.Word, t.End, t.unit, t.tied = t.Word+units[u.Word], u.End, true, u.tied
				i++
			}
		}
		out = append(out, t)
	}
	return out
}

// followedByUnit tells whether the number at the beginning of tokens has its unit behind it.
func followedByUnit(tokens []Token) bool {
	if len(tokens) < 2 || units[tokens[1].Word] == "" || tokens[1].full != "" || tokens[1].gap != space && tokens[1].gap != hyphen {
		return false
	}
	if !otherwise[tokens[1].Word] {
		return true
	}
	if tokens[1].Word == "a" {
		return false
	}
	return len(tokens) == 2 || tokens[2].gap == apart || tokens[2].gap == space && !numeric(tokens[2].Word[0])
}
