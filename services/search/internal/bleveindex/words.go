package bleveindex

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/RoaringBitmap/roaring/v2"
	segment "github.com/blevesearch/scorch_segment_api/v2"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// matches is what the words of a plan find: for each slot how many groups, and what they count.
type matches struct {
	found []uint8
	sum   []float64
	best  []float64 // of the present group; -1: not found
	slots []int32   // found by any group
	group []int32   // found by the present one
	need  uint8
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
	pattern, ok := p.Pattern(a)
	if !ok {
		return nil
	}
	edge := utf8.RuneCountInString(pattern.Prefix) <= p.edges()
	counts, phrase := a.Weight*p.Weight, pattern.Phrase()
	sure := len(p.Absent) == 0 && !phrase
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
				if d := s.at(slot).document; !p.Reads(d) || phrase && !pattern.In(p.Language, p.Text(d)) {
					return
				}
			}
			m.mark(slot, counts)
		}
		switch {
		case phrase:
			err = beside(dictionary, seg.Deleted(), pattern.Stems, mark)
		case pattern.Prefix != "" && edge:
			_, err = visit(dictionary, seg.Deleted(), edgeMark+pattern.Prefix, mark)
		case pattern.Prefix != "":
			err = begun(dictionary, seg.Deleted(), pattern.Prefix, mark)
		default:
			_, err = visit(dictionary, seg.Deleted(), pattern.Stems[0], mark)
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
