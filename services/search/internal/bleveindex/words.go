package bleveindex

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/RoaringBitmap/roaring/v2"
	segment "github.com/blevesearch/scorch_segment_api/v2"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// textField is a part of a document in which words are looked for.
type textField struct {
	name     string
	weight   float64
	names    bool // words are found as they are written
	prefixes bool // and by their beginnings
	edges    int  // beginnings of up to this length are terms of their own, for very many words may share them
	of       func(*search.Text) string
}

var textFields = []textField{
	{search.InTitle, search.WeightTitle, false, true, 0, func(t *search.Text) string { return t.Title }},
	{search.InBrand, search.WeightBrand, true, true, 0, func(t *search.Text) string { return t.Brand }},
	{search.InCategory, search.WeightCategory, false, true, 0, func(t *search.Text) string { return t.Category }},
	{search.InAttributes, search.WeightAttributes, false, true, 0, func(t *search.Text) string { return t.Attributes }},
	{search.InDescription, search.WeightDescription, false, false, 0, func(t *search.Text) string { return t.Description }},
}

var identifiers = &textField{search.InIdentifiers, search.WeightIdentifier, true, true, 8, nil}

// place is a text field in one language, or the identifiers, which have none.
type place struct {
	*textField
	in     *language
	code   string // of the language
	field  string // bleve's name
	absent string // only for documents that have no text in this language
}

var identifiersPlace = place{textField: identifiers, in: plain, field: identifiers.name}

// own returns the places of the texts of a language.
func (g *grammar) own(code string) []place {
	all := make([]place, len(textFields))
	for i := range textFields {
		f := &textFields[i]
		all[i] = place{textField: f, in: g.language(code), code: code, field: code + "." + f.name}
		if f.names {
			all[i].in = plain
		}
	}
	return all
}

// places returns where words of a language are looked for: in the texts of that language, and in those of the shop's where a document
// has none of that language.
func (g *grammar) places(code string) []place {
	all := append(g.own(code), identifiersPlace)
	if code == g.shop {
		return all
	}
	for _, p := range g.own(g.shop) {
		p.absent = code
		all = append(all, p)
	}
	return all
}

// text returns what a document has at a place.
func (p *place) text(d *search.Document) string {
	if p.of == nil {
		return d.Identifiers
	}
	t := d.Texts[p.code]
	return p.of(&t)
}

// reads tells whether a document is read at a place.
func (p *place) reads(d *search.Document) bool {
	if p.absent == "" {
		return true
	}
	_, has := d.Texts[p.absent]
	return !has
}

// pattern is an alternative as the language of a place has it: stems, and the beginning of a word after them.
type pattern struct {
	stems  []string
	prefix string
}

// pattern reads an alternative; false where nothing of it counts.
func (l *language) pattern(a *search.Alternative) (pattern, bool) {
	var out pattern
	for i, w := range a.Words {
		if a.Prefix && i == len(a.Words)-1 {
			out.prefix = w
		} else if stem := l.Stem(w); stem != "" {
			out.stems = append(out.stems, stem)
		}
	}
	return out, len(out.stems) > 0 || out.prefix != ""
}

// pattern reads an alternative; false where it is not looked for at the place.
func (p *place) pattern(a *search.Alternative) (pattern, bool) {
	if a.Prefix && !p.prefixes {
		return pattern{}, false
	}
	return p.in.pattern(a)
}

// phrase tells whether words must stand beside each other.
func (p *pattern) phrase() bool {
	return len(p.stems) > 1 || len(p.stems) == 1 && p.prefix != ""
}

// in tells whether a text has a pattern: its words beside each other, those that do not count aside.
func (p *pattern) in(l *language, text string) bool {
	var words, stems []string
	l.words(text, func(w, stem string) { words, stems = append(words, w), append(stems, stem) })
	n := len(p.stems)
	for i := 0; i+n <= len(stems); i++ {
		if slices.Equal(stems[i:i+n], p.stems) && (p.prefix == "" || i+n < len(words) && strings.HasPrefix(words[i+n], p.prefix)) {
			return true
		}
	}
	return false
}

// matches is what the words of a plan find: for each slot how many groups, and what they count.
type matches struct {
	found []uint8
	sum   []float64
	best  []float64 // of the present group; -1: not found
	slots []int32   // found by any group
	group []int32   // found by the present one
	need  uint8
}

// counting leaves out the groups of which nothing counts in a language.
func counting(groups []search.Group, l *language) []search.Group {
	var all []search.Group
	for _, g := range groups {
		if slices.ContainsFunc(g.Any, func(a search.Alternative) bool { _, ok := l.pattern(&a); return ok }) {
			all = append(all, g)
		}
	}
	return all
}

// match finds the words of groups in the documents of a snapshot.
func (s *snapshot) match(ctx context.Context, m *matches, groups []search.Group, places []place, atLeast int) error {
	m.reset(len(s.blocks) * blockSize)
	m.need = uint8(len(groups))
	if atLeast > 0 {
		m.need = uint8(min(atLeast, len(groups)))
	}
	for _, g := range groups {
		for a := range g.Any {
			if err := ctx.Err(); err != nil {
				return err
			}
			for p := range places {
				if err := s.find(m, &places[p], &g.Any[a]); err != nil {
					return fmt.Errorf("find %q in %s: %w", g.Any[a].Words, places[p].field, err)
				}
			}
		}
		m.close(g.Weight)
	}
	return nil
}

// find marks the documents that have an alternative at a place.
func (s *snapshot) find(m *matches, p *place, a *search.Alternative) error {
	pattern, ok := p.pattern(a)
	if !ok {
		return nil
	}
	edge := utf8.RuneCountInString(pattern.prefix) <= p.edges
	counts, phrase := a.Weight*p.weight, pattern.phrase()
	sure := p.absent == "" && !phrase
	for i := range s.segments {
		seg := &s.segments[i]
		if !seg.words {
			continue
		}
		dictionary, err := seg.Segment().Dictionary(p.field)
		if err != nil {
			return err
		}
		mark := func(local uint64) {
			slot := seg.slots[local]
			if m.best[slot] >= counts {
				return
			}
			if !sure {
				if d := s.at(slot).document; !p.reads(d) || phrase && !pattern.in(p.in, p.text(d)) {
					return
				}
			}
			m.mark(slot, counts)
		}
		switch {
		case phrase:
			err = beside(dictionary, seg.Deleted(), pattern.stems, mark)
		case pattern.prefix != "" && edge:
			_, err = visit(dictionary, seg.Deleted(), edgeMark+pattern.prefix, mark)
		case pattern.prefix != "":
			err = begun(dictionary, seg.Deleted(), pattern.prefix, mark)
		default:
			_, err = visit(dictionary, seg.Deleted(), pattern.stems[0], mark)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// visit calls mark with the numbers of the documents of a segment that have a term, or returns them where mark is nil.
func visit(d segment.TermDictionary, deleted *roaring.Bitmap, term string, mark func(uint64)) (*roaring.Bitmap, error) {
	postings, err := d.PostingsList([]byte(term), deleted, nil)
	if err != nil {
		return nil, err
	}
	iterator := postings.Iterator(false, false, false, nil)
	var all *roaring.Bitmap
	if list, ok := iterator.(segment.OptimizablePostingsIterator); ok {
		if all = list.ActualBitmap(); all != nil && mark == nil {
			return all, nil
		}
	}
	if all != nil {
		all.Iterate(func(n uint32) bool { mark(uint64(n)); return true })
		return nil, nil
	}
	one := roaring.New()
	for {
		next, err := iterator.Next()
		if err != nil || next == nil {
			return one, err
		}
		if mark == nil {
			one.Add(uint32(next.Number()))
		} else {
			mark(next.Number())
		}
	}
}

// beside calls mark with the documents that have all terms, somewhere.
func beside(d segment.TermDictionary, deleted *roaring.Bitmap, terms []string, mark func(uint64)) error {
	var all *roaring.Bitmap
	for _, t := range terms {
		have, err := visit(d, deleted, t, nil)
		if err != nil {
			return err
		}
		if all == nil {
			all = have
		} else {
			all = roaring.And(all, have)
		}
	}
	all.Iterate(func(n uint32) bool { mark(uint64(n)); return true })
	return nil
}

// begun calls mark with the documents that have a term that begins with prefix.
func begun(d segment.TermDictionary, deleted *roaring.Bitmap, prefix string, mark func(uint64)) error {
	end := []byte(prefix)
	end[len(end)-1]++ // the last byte of UTF-8 is never 0xff
	terms := d.AutomatonIterator(nil, []byte(prefix), end)
	for {
		term, err := terms.Next()
		if err != nil || term == nil {
			return err
		}
		if _, err := visit(d, deleted, term.Term, mark); err != nil {
			return err
		}
	}
}

func (m *matches) mark(slot int32, value float64) {
	if m.best[slot] < 0 {
		m.group = append(m.group, slot)
	}
	m.best[slot] = value
}

// close adds up a group.
func (m *matches) close(weight float64) {
	for _, slot := range m.group {
		if m.found[slot] == 0 {
			m.slots = append(m.slots, slot)
		}
		m.found[slot]++
		m.sum[slot] += weight * m.best[slot]
		m.best[slot] = -1
	}
	m.group = m.group[:0]
}

// reset makes room for n slots.
func (m *matches) reset(n int) {
	for _, slot := range m.slots {
		m.found[slot], m.sum[slot] = 0, 0
	}
	for _, slot := range m.group { // of a search that failed
		m.best[slot] = -1
	}
	m.slots, m.group = m.slots[:0], m.group[:0]
	if len(m.best) < n {
		m.found, m.sum, m.best = make([]uint8, n), make([]float64, n), make([]float64, n)
		for i := range m.best {
			m.best[i] = -1
		}
	}
}
