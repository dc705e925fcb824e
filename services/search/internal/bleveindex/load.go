package bleveindex

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	store "github.com/blevesearch/bleve_index_api"
	"golang.org/x/sync/errgroup"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/grammar"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// createIndex makes an empty index in an empty folder.
func createIndex(dir string, g *grammar.Grammar, state app.State) (*Index, error) {
	b, err := bleve.NewUsing(dir+"/"+bleveFolder, bleve.NewIndexMapping(), scorch.Name, scorch.Name, settings())
	if err != nil {
		return nil, err
	}
	x, err := newIndex(dir, g, b)
	if err != nil {
		return nil, err
	}
	batch := store.NewBatch()
	batch.SetInternal([]byte(keyEpoch), []byte(state.Epoch))
	batch.SetInternal([]byte(keyForm), []byte(state.Form))
	batch.SetInternal([]byte(keyRevision), []byte("0"))
	if err := x.store.Batch(batch); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	s := newSnapshot(x)
	s.state = state
	return x, x.publish(s)
}

// bleveFolder is bleve's part of an index's folder.
const bleveFolder = "bleve"

// settings are bleve's. Another process may take some seconds to let go of a folder. Segments are merged where there are more than ten of a
// size; with bleve's own idea of the smallest (2,000 documents) each write to a small shop would write the whole shop anew.
func settings() map[string]any {
	return map[string]any{"bolt_timeout": "5s", "scorchMergePlanOptions": map[string]any{"floorSegmentSize": 100}}
}

// errForm says that an index was written by other code.
var errForm = errors.New("the index has another form")

// openIndex opens an index and reads its documents into memory; errForm.
func openIndex(dir string, g *grammar.Grammar) (*Index, error) {
	b, err := bleve.OpenUsing(dir+"/"+bleveFolder, settings())
	if err != nil {
		return nil, err
	}
	x, err := newIndex(dir, g, b)
	if err != nil {
		return nil, err
	}
	if err := x.load(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return x, nil
}

func newIndex(dir string, g *grammar.Grammar, b bleve.Index) (*Index, error) {
	advanced, err := b.Advanced()
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return &Index{dir: dir, grammar: g, bleve: b, store: advanced}, nil
}

func (x *Index) load() error {
	reader, err := x.store.Reader()
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }() // nothing is written by it
	s := newSnapshot(x)
	if s.state, err = stateOf(reader); err != nil {
		return err
	}
	if s.state.Form != search.Form {
		return errForm
	}
	contents, offers, err := read(reader.(*scorch.IndexSnapshot))
	if err != nil {
		return err
	}
	b := newBuilder(columns{})
	for id, d := range contents {
		o, offered := offers[id]
		if offered {
			d = o.with(d)
		}
		r := b.row(d)
		r.offered = offered
		s.set(x.slot(id), r)
		b.intern(d)
	}
	s.finish(b.columns)
	return x.publish(s)
}

func stateOf(reader store.IndexReader) (app.State, error) {
	var values [3]string
	for i, key := range []string{keyEpoch, keyForm, keyRevision} {
		v, err := reader.GetInternal([]byte(key))
		if err != nil {
			return app.State{}, err
		}
		values[i] = string(v)
	}
	revision, err := strconv.ParseInt(values[2], 10, 64)
	if err != nil {
		return app.State{}, fmt.Errorf("revision: %w", err)
	}
	return app.State{Epoch: values[0], Form: values[1], Revision: revision}, nil
}

// read returns what is stored, by the ids of products.
func read(from *scorch.IndexSnapshot) (map[string]*search.Document, map[string]offer, error) {
	const chunk = 1000
	contents, offers := map[string]*search.Document{}, map[string]offer{}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, seg := range from.Segments() {
		live := seg.DocNumbersLive().ToArray()
		for len(live) > 0 {
			part := live[:min(chunk, len(live))]
			live = live[len(part):]
			group.Go(func() error {
				for _, n := range part {
					id, content, o, err := readOne(seg, uint64(n))
					if err != nil {
						return err
					}
					mu.Lock()
					if content != nil {
						contents[id] = content
					} else {
						offers[id] = o
					}
					mu.Unlock()
				}
				return nil
			})
		}
	}
	return contents, offers, group.Wait()
}

// readOne reads a document of bleve's: the content of a product, or its offer.
func readOne(seg *scorch.SegmentSnapshot, n uint64) (id string, content *search.Document, o offer, err error) {
	key, err := seg.DocID(n)
	if err != nil {
		return "", nil, o, err
	}
	id = string(key[len(contentPrefix):])
	var broken error
	err = seg.VisitDocument(n, func(name string, _ byte, data []byte, _ []uint64) bool {
		switch {
		case name != storedField:
			return true
		case string(key[:len(contentPrefix)]) == offerPrefix:
			broken = json.Unmarshal(data, &o)
		default:
			content = &search.Document{}
			broken = json.Unmarshal(data, content)
		}
		return false
	})
	if err = errors.Join(err, broken); err != nil {
		err = fmt.Errorf("read document %s: %w", key, err)
	}
	return id, content, o, err
}

// intern makes a document share the strings of the columns: most are the same in many documents.
func (b *builder) intern(d *search.Document) {
	for _, attributes := range append([][]search.Attribute{d.Attributes}, variantAttributes(d)...) {
		for i := range attributes {
			a := &attributes[i]
			f := b.fields[b.ids[search.AttributePrefix+a.Code]]
			c := f.values[f.ids[a.Term.Value]]
			for to, from := range map[*string]string{&a.Code: f.Code, &a.Label: f.Label, &a.Type: f.Type, &a.Unit: f.Unit,
				&a.Term.Value: c.Value, &a.Term.Label: c.Label, &a.Hex: c.hex} {
				if *to == from {
					*to = from
				}
			}
		}
	}
}

func variantAttributes(d *search.Document) [][]search.Attribute {
	out := make([][]search.Attribute, len(d.Variants))
	for i := range d.Variants {
		out[i] = d.Variants[i].Attributes
	}
	return out
}
