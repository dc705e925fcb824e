package search

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// TestFoldingIsThatOfUnicode holds the table to what Unicode says of the letters of Latin, Greek and Cyrillic.
func TestFoldingIsThatOfUnicode(t *testing.T) {
	t.Parallel()
	own := map[rune]bool{}
	for _, c := range "æǣǽœøǿđðþłħıŧĸŋŉſẛßƒƶςϲẚŀǝ×ﬅﬆ" {
		own[c] = true // no letter with a mark: what people type for it
	}
	n := 0
	for _, table := range []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic} {
		for c := range eachOf(table) {
			if c >= 0x250 && c < 0x37b || c >= 0x1d00 && c < 0x1e00 || c >= 0x2000 && c < 0xfb00 || c > 0xffff {
				continue // phonetic letters, signs, rare forms
			}
			low := unicode.ToLower(c)
			plain := strings.Map(func(c rune) rune {
				if unicode.Is(unicode.Mn, c) {
					return -1
				}
				return unicode.ToLower(c)
			}, norm.NFKD.String(string(low)))
			if !unicode.IsLetter(c) || own[low] || plain == string(low) {
				continue
			}
			n++
			if k, got := fold(c); k != letter || strings.ReplaceAll(got, "σ", "ς") != strings.ReplaceAll(plain, "σ", "ς") {
				t.Errorf("%q (%U) is folded to %q, want %q", c, c, got, plain)
			}
		}
	}
	if n < 700 {
		t.Errorf("only %d letters were compared", n)
	}
	for c := range eachOf(unicode.Nd) {
		if k, got := fold(c); k != digit || norm.NFKD.String(string(c)) != string(c) && got != norm.NFKD.String(string(c)) {
			t.Errorf("%q (%U) is the digit %q", c, c, got)
		}
	}
}

func eachOf(table *unicode.RangeTable) func(func(rune) bool) {
	return func(yield func(rune) bool) {
		for _, r := range table.R16 {
			for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
				if !yield(c) {
					return
				}
			}
		}
		for _, r := range table.R32 {
			for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
				if !yield(c) {
					return
				}
			}
		}
	}
}
