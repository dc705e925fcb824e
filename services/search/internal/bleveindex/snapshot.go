package bleveindex

import (
	"slices"
	"sync/atomic"

	"github.com/blevesearch/bleve/v2/index/scorch"

	"github.com/sidecart/sidecart/services/search/internal/app"
)

// snapshot is an index at one revision. Nothing of it changes once it is read; a Write makes the next one from it.
type snapshot struct {
	index    *Index
	reader   *scorch.IndexSnapshot
	segments []segmentSlots
	rows     []*row // by slot, nil where there is no product (any more)
	columns  columns
	count    int
	state    app.State

	refs atomic.Int64 // who reads it, and one of the index as long as it is the present one
	done chan struct{}
}

// segmentSlots is a part of bleve's index, with the slots of its documents by the numbers that they have there.
type segmentSlots struct {
	*scorch.SegmentSnapshot
	slots []int32
}

func newSnapshot(x *Index) *snapshot { return &snapshot{index: x, done: make(chan struct{})} }

// copy returns a snapshot that can be changed.
func (s *snapshot) copy() *snapshot {
	out := newSnapshot(s.index)
	out.segments, out.rows, out.columns, out.count, out.state = s.segments, slices.Clone(s.rows), s.columns, s.count, s.state
	return out
}

// reach makes room for a slot.
func (s *snapshot) reach(slot int32) {
	for int(slot) >= len(s.rows) {
		s.rows = append(s.rows, nil)
	}
}

// set puts a row in its place, or nil.
func (s *snapshot) set(slot int32, r *row) {
	if s.rows[slot] != nil {
		s.count--
	}
	if r != nil {
		s.count++
	}
	s.rows[slot] = r
}

// row returns the row of a product, nil where there is none.
func (s *snapshot) row(id string) *row {
	slot, ok := s.index.places.Load(id)
	if !ok || int(slot.(int32)) >= len(s.rows) {
		return nil
	}
	return s.rows[slot.(int32)]
}

// slots returns the places of the products that there are; nil for no ids.
func (s *snapshot) slots(ids []string) map[int32]bool {
	if len(ids) == 0 {
		return nil
	}
	out := make(map[int32]bool, len(ids))
	for _, id := range ids {
		if slot, ok := s.index.places.Load(id); ok && int(slot.(int32)) < len(s.rows) {
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
			s.segments = append(s.segments, segmentSlots{seg, before[i].slots})
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
		s.segments = append(s.segments, segmentSlots{seg, slots})
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
