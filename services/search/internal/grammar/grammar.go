// Package grammar says where an index looks for words, and what they are found by: stems, by the rules of each language. Every index reads
// documents and queries by it, so that all find the same.
package grammar

import (
	"slices"
	"strings"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Field is a part of a document in which words are looked for.
type Field struct {
	Name     string
	Weight   float64
	names    bool // words are found as they are written
	Prefixes bool // and by their beginnings
	of       func(*search.Text) string
}

// Fields are those that texts have in each language.
var Fields = []Field{
	{search.InTitle, search.WeightTitle, false, true, func(t *search.Text) string { return t.Title }},
	{search.InBrand, search.WeightBrand, true, true, func(t *search.Text) string { return t.Brand }},
	{search.InCategory, search.WeightCategory, false, true, func(t *search.Text) string { return t.Category }},
	{search.InAttributes, search.WeightAttributes, false, true, func(t *search.Text) string { return t.Attributes }},
	{search.InDescription, search.WeightDescription, false, false, func(t *search.Text) string { return t.Description }},
}

// Identifiers is the field that has no language.
var Identifiers = Place{Field: &Field{search.InIdentifiers, search.WeightIdentifier, true, true, nil}, Language: plain}

// Place is a field in one language, or the identifiers.
type Place struct {
	*Field
	Language *Language
	Code     string   // of the language
	Absent   []string // only for documents that have no text in any of these languages
}

// Own returns the places of the texts of a language.
func (g *Grammar) Own(code string) []Place {
	all := make([]Place, len(Fields))
	for i := range Fields {
		all[i] = Place{Field: &Fields[i], Language: g.Language(code), Code: code}
		if all[i].names {
			all[i].Language = plain
		}
	}
	return all
}

// Places returns where words of a language are looked for: in the texts of that language, where a document has none of it in those without
// its region, and where it has none of these in those of the shop's.
func (g *Grammar) Places(code string) []Place {
	all := append(g.Own(code), Identifiers)
	absent := []string{code}
	for _, next := range []string{baseOf(code), g.shop} {
		if slices.Contains(absent, next) {
			continue
		}
		for _, p := range g.Own(next) {
			p.Absent = slices.Clone(absent)
			all = append(all, p)
		}
		absent = append(absent, next)
	}
	return all
}

// baseOf is a language without its region.
func baseOf(code string) string {
	base, _, _ := strings.Cut(code, "-")
	return base
}

// Text returns what a document has at a place.
func (p *Place) Text(d *search.Document) string {
	if p.of == nil {
		return d.Identifiers
	}
	t := d.Texts[p.Code]
	return p.of(&t)
}

// Reads tells whether a document is read at a place.
func (p *Place) Reads(d *search.Document) bool {
	return !slices.ContainsFunc(p.Absent, func(code string) bool { _, has := d.Texts[code]; return has })
}

// Pattern is an alternative as the language of a place has it: stems, and the beginning of a word after them.
type Pattern struct {
	Stems  []string
	Prefix string
}

// Pattern reads an alternative; false where nothing of it counts.
func (l *Language) Pattern(a *search.Alternative) (Pattern, bool) {
	var out Pattern
	for i, w := range a.Words {
		if a.Prefix && i == len(a.Words)-1 {
			out.Prefix = w
		} else if stem := l.Stem(w); stem != "" {
			out.Stems = append(out.Stems, stem)
		}
	}
	return out, len(out.Stems) > 0 || out.Prefix != ""
}

// Pattern reads an alternative; false where it is not looked for at the place.
func (p *Place) Pattern(a *search.Alternative) (Pattern, bool) {
	if a.Prefix && !p.Prefixes {
		return Pattern{}, false
	}
	return p.Language.Pattern(a)
}

// Phrase tells whether words must stand beside each other.
func (p *Pattern) Phrase() bool {
	return len(p.Stems) > 1 || len(p.Stems) == 1 && p.Prefix != ""
}

// In tells whether a text has a pattern: its words beside each other, those that do not count aside.
func (p *Pattern) In(l *Language, text string) bool {
	var words, stems []string
	l.Words(text, func(w, stem string) { words, stems = append(words, w), append(stems, stem) })
	n := len(p.Stems)
	for i := 0; i+n <= len(stems); i++ {
		if slices.Equal(stems[i:i+n], p.Stems) && (p.Prefix == "" || i+n < len(words) && strings.HasPrefix(words[i+n], p.Prefix)) {
			return true
		}
	}
	return false
}

// Counting leaves out the groups of which nothing counts in a language.
func (l *Language) Counting(groups []search.Group) []search.Group {
	var all []search.Group
	for _, g := range groups {
		if slices.ContainsFunc(g.Any, func(a search.Alternative) bool { _, ok := l.Pattern(&a); return ok }) {
			all = append(all, g)
		}
	}
	return all
}

// Because says where the best alternative of a group is found in a document.
func Because(g *search.Group, places []Place, d *search.Document) (best search.Reason, found bool) {
	for a := range g.Any {
		for i := range places {
			p := &places[i]
			pattern, ok := p.Pattern(&g.Any[a])
			amount := g.Weight * g.Any[a].Weight * p.Weight
			if ok && p.Reads(d) && (!found || amount > best.Amount) && pattern.In(p.Language, p.Text(d)) {
				best, found = search.Reason{Word: strings.Join(g.Any[a].Words, " "), Field: p.Name, Amount: amount}, true
			}
		}
	}
	return best, found
}
