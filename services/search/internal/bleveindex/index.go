package bleveindex

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/document"
	"github.com/blevesearch/bleve/v2/index/scorch"
	store "github.com/blevesearch/bleve_index_api"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/grammar"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Index is a folder of bleve's, and a snapshot of what is in it. It implements app.Index.
type Index struct {
	dir     string
	grammar *grammar.Grammar
	bleve   bleve.Index
	store   store.Index
	places  sync.Map // slots by id: a product keeps its own as long as the index is open
	unused  sync.Pool

	current atomic.Pointer[snapshot] // nil: closed
	next    atomic.Pointer[Index]    // the one that replaced it

	mu     sync.Mutex // of writers
	number int32      // of slots
}

// A product is a document of bleve's, and another one for the offer once that has changed alone: so a price or a piece in stock is written
// without reading the texts again.
const (
	contentPrefix = "c"
	offerPrefix   = "o"
	storedField   = "_json"
)

// What bleve keeps of the index as a whole.
const (
	keyEpoch    = "epoch"
	keyForm     = "form"
	keyRevision = "revision"
)

// offer is the part of a document that changes with orders.
type offer struct {
	Revision   int64
	Popularity int64
	Variants   []search.Variant // without attributes
}

func offerOf(d *search.Document) offer {
	o := offer{d.Revision, d.Popularity, make([]search.Variant, len(d.Variants))}
	for i, v := range d.Variants {
		v.Attributes = nil
		o.Variants[i] = v
	}
	return o
}

// with returns a document with another offer.
func (o *offer) with(d *search.Document) *search.Document {
	out := *d
	out.Revision, out.Popularity, out.Variants = max(d.Revision, o.Revision), o.Popularity, make([]search.Variant, len(d.Variants))
	for i, v := range d.Variants {
		v.Prices, v.Available = nil, 0
		for _, offered := range o.Variants {
			if offered.SKU == v.SKU {
				v.Prices, v.Available = offered.Prices, offered.Available
			}
		}
		out.Variants[i] = v
	}
	return &out
}

// State implements app.Index.
func (x *Index) State(context.Context) (app.State, error) {
	s, err := x.acquire()
	if err != nil {
		return app.State{}, err
	}
	defer s.release()
	return s.state, nil
}

// Write implements app.Index. It takes as long as the disk needs to keep the changes.
func (x *Index) Write(_ context.Context, revision int64, changes []app.Change) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	before := x.current.Load()
	switch {
	case x.next.Load() != nil:
		return app.ErrReplaced
	case before == nil:
		return app.ErrUnavailable
	}
	batch, after, err := x.change(before, changes)
	if err != nil {
		return err
	}
	after.state.Revision = max(before.state.Revision, revision)
	batch.SetInternal([]byte(keyRevision), strconv.AppendInt(nil, after.state.Revision, 10))
	if err := x.store.Batch(batch); err != nil {
		return fmt.Errorf("write revision %d: %w", revision, err)
	}
	return x.publish(after)
}

// change returns what bleve is to write, and the snapshot that will be, without the segments.
func (x *Index) change(before *snapshot, changes []app.Change) (*store.Batch, *snapshot, error) {
	batch, columns := store.NewBatch(), newBuilder(before.columns)
	after := before.copy()
	for _, c := range changes {
		slot := x.slot(c.ID)
		r, err := x.write(batch, columns, c, after.at(slot))
		if err != nil {
			return nil, nil, err
		}
		after.set(slot, r)
	}
	after.finish(columns.columns)
	return batch, after, nil
}

// write adds a change to what bleve is to write, and returns the row that will be, nil for none.
func (x *Index) write(batch *store.Batch, columns *builder, c app.Change, was *row) (*row, error) {
	if was != nil && (c.Document == nil || c.Parts&app.Content != 0) {
		batch.Delete(contentPrefix + c.ID)
		if was.offered {
			batch.Delete(offerPrefix + c.ID)
		}
	}
	if c.Document == nil {
		return nil, nil
	}
	d, stored, content := c.Document, document.NewDocument(contentPrefix+c.ID), any(c.Document)
	offered := was != nil && c.Parts&app.Content == 0
	if offered {
		o := offerOf(d)
		d, stored, content = o.with(was.document), document.NewDocument(offerPrefix+c.ID), o
	} else {
		x.words(stored, d)
	}
	data, err := json.Marshal(content)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", c.ID, err)
	}
	stored.AddField(document.NewTextFieldCustom(storedField, nil, data, store.StoreField, nil))
	batch.Update(stored)
	r := columns.row(d)
	r.offered = offered
	return r, nil
}

// words adds to a document of bleve's what it is found by.
func (x *Index) words(to *document.Document, d *search.Document) {
	to.AddField(&terms{place: placeOf(grammar.Identifiers), text: d.Identifiers})
	for code := range d.Texts {
		for _, p := range x.grammar.Own(code) {
			to.AddField(&terms{place: placeOf(p), text: p.Text(d)})
		}
	}
}

// slot returns the place of a product among the rows.
func (x *Index) slot(id string) int32 {
	if slot, ok := x.places.Load(id); ok {
		return slot.(int32)
	}
	slot := x.number
	x.number++
	x.places.Store(id, slot)
	return slot
}

// publish completes a snapshot with what bleve has now, and makes it the one that is read.
func (x *Index) publish(s *snapshot) error {
	reader, err := x.store.Reader()
	if err != nil {
		return err
	}
	s.reader = reader.(*scorch.IndexSnapshot)
	if err := s.locate(); err != nil {
		_ = reader.Close()
		return err
	}
	s.refs.Store(1)
	if before := x.current.Swap(s); before != nil {
		before.release()
	}
	return nil
}

// Search implements app.Index.
func (x *Index) Search(ctx context.Context, p search.Plan) (search.Found, error) {
	if err := p.Check(); err != nil {
		return search.Found{}, err
	}
	s, err := x.acquire()
	if err != nil {
		return search.Found{}, err
	}
	defer s.release()
	use, _ := s.index.unused.Get().(*scratch)
	if use == nil {
		use = &scratch{}
	}
	defer s.index.unused.Put(use)
	found, err := s.search(ctx, &p, use)
	if err != nil {
		return search.Found{}, app.ErrUnavailable.WithCause(err)
	}
	return found, nil
}

// Documents implements app.Index.
func (x *Index) Documents(_ context.Context, ids []string) ([]*search.Document, error) {
	s, err := x.acquire()
	if err != nil {
		return nil, err
	}
	defer s.release()
	var out []*search.Document
	for _, id := range ids {
		if r := s.row(id); r != nil {
			out = append(out, r.document)
		}
	}
	return out, nil
}

// Count implements app.Index.
func (x *Index) Count(context.Context) (int, error) {
	s, err := x.acquire()
	if err != nil {
		return 0, err
	}
	defer s.release()
	return s.count, nil
}

// acquire returns the snapshot that is read now; it is to be released.
func (x *Index) acquire() (*snapshot, error) {
	for {
		s := x.current.Load()
		switch next := x.next.Load(); {
		case s != nil && s.retain():
			return s, nil
		case s == nil && next != nil:
			return next.acquire()
		case s == nil:
			return nil, app.ErrUnavailable
		}
	}
}

// close waits for those who read, and closes the folder. next is the index that replaced this one, if any.
func (x *Index) close(next *Index) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if next != nil {
		x.next.Store(next)
	}
	s := x.current.Swap(nil)
	if s == nil {
		return nil
	}
	s.release()
	<-s.done
	return x.bleve.Close()
}
