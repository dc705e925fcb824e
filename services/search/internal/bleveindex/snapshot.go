package bleveindex

import (
	"slices"
	"sync/atomic"

	"github.com/blevesearch/bleve/v2/index/scorch"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// snapshot is an index at one revision. Nothing of it changes once it is read; a Write makes the next one from it.
type snapshot struct {
	index    *Index
	reader   *scorch.IndexSnapshot
	segments []segmentSlots
	blocks   []*block // of the products, by slot
	columns  columns
	count    int
	state    app.State

	dirty map[int32]bool // blocks whose columns are not made yet

	refs atomic.Int64 // who reads it, and one of the index as long as it is the present one
	done chan struct{}
}

// segmentSlots is a part of bleve's index, with the slots of its documents by the numbers that they have there.
type segmentSlots struct {
	*scorch.SegmentSnapshot
	slots []int32
	words bool // it has more than offers
}

func newSnapshot(x *Index) *snapshot {
	return &snapshot{index: x, dirty: map[int32]bool{}, done: make(chan struct{})}
}

// copy returns a snapshot that can be changed.
func (s *snapshot) copy() *snapshot {
	out := newSnapshot(s.index)
	out.segments, out.blocks, out.columns, out.count, out.state = s.segments, slices.Clone(s.blocks), s.columns, s.count, s.state
	return out
}

// set puts a row in its place, or nil. It is the maker of a snapshot who does; finish makes the columns.
func (s *snapshot) set(slot int32, r *row) {
	n := slot / blockSize
	for int(n) >= len(s.blocks) {
		s.blocks, s.dirty[int32(len(s.blocks))] = append(s.blocks, &block{rows: make([]*row, blockSize)}), true
	}
	if !s.dirty[n] {
		s.blocks[n], s.dirty[n] = &block{rows: slices.Clone(s.blocks[n].rows)}, true
	}
	at := &s.blocks[n].rows[slot%blockSize]
	if *at != nil {
		s.count--
	}
	if r != nil {
		s.count++
	}
	*at = r
}

// finish makes the columns of the blocks that have changed.
func (s *snapshot) finish(c columns) {
	s.columns = c
	for n := range s.dirty {
		s.blocks[n] = newBlock(s.blocks[n].rows, len(c.fields))
	}
	s.dirty = nil
}

// at returns the row in a slot, nil where there is none.
func (s *snapshot) at(slot int32) *row {
	if n := int(slot / blockSize); n < len(s.blocks) {
		return s.blocks[n].rows[slot%blockSize]
	}
	return nil
}

// row returns the row of a product, nil where there is none.
func (s *snapshot) row(id string) *row {
	if slot, ok := s.index.places.Load(id); ok {
		return s.at(slot.(int32))
	}
	return nil
}

// slotsOf returns the places of the products that there are; nil for no ids.
func (s *snapshot) slotsOf(ids []string) map[int32]bool {
	if len(ids) == 0 {
		return nil
	}
	out := make(map[int32]bool, len(ids))
	for _, id := range ids {
		if slot, ok := s.index.places.Load(id); ok && s.at(slot.(int32)) != nil {
			out[slot.(int32)] = true
		}
	}
	return out
}

// locate finds the slots of the documents in bleve's segments. A segment never changes, so those of the snapshot before are kept.
func (s *snapshot) locate() error {
	before := s.segments
	s.segments = nil
	for _, seg := range s.reader.Segments() {
		if i := slices.IndexFunc(before, func(b segmentSlots) bool { return b.Segment() == seg.Segment() }); i >= 0 {
			s.segments = append(s.segments, segmentSlots{seg, before[i].slots, before[i].words})
			continue
		}
		slots := make([]int32, seg.Segment().Count())
		for i := range slots {
			id, err := seg.DocID(uint64(i))
			if err != nil {
				return err
			}
			slots[i] = s.index.slot(string(id[len(contentPrefix):]))
		}
		s.segments = append(s.segments, segmentSlots{seg, slots, slices.Contains(seg.Fields(), search.InIdentifiers)})
	}
	return nil
}

// retain counts a reader in, unless the snapshot is done with.
func (s *snapshot) retain() bool {
	for {
		n := s.refs.Load()
		if n == 0 {
			return false
		}
		if s.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (s *snapshot) release() {
	if s.refs.Add(-1) == 0 {
		_ = s.reader.Close() // nothing is written by it
		close(s.done)
	}
}
