package opensearch

import (
	"context"
	"errors"
	"strings"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// keptDocuments is how many documents are kept as they were read: some ten kilobytes each.
const keptDocuments = 4096

// keptKey names a document of an index.
type keptKey struct{ index, id string }

// keptDocument is what a document was at a version. Nobody changes it.
type keptDocument struct {
	version  int64
	document *search.Document
}

// errMoved says that the index has changed between the search and the question for its documents.
var errMoved = errors.New("documents have changed since they were found")

// fill gives hits their documents, as they were when they were found: those that came along, or are kept at that version, and else what is asked for
// now. errMoved where that is of another version.
func (x *Index) fill(ctx context.Context, q *query, hits []hit) (err error) {
	var unknown []string
	for i := range hits {
		h := &hits[i]
		have, known := x.xs.kept.Get(keptKey{x.name, h.ID})
		switch {
		case q.whole:
			if h.document, err = h.read(); err != nil {
				return err
			}
		case known && have.version == h.Version:
			h.document = have.document
		default:
			unknown = append(unknown, strings.TrimPrefix(h.ID, productPrefix))
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	now, err := x.ofIDs(ctx, unknown)
	if err != nil {
		return err
	}
	for i := range hits {
		h := &hits[i]
		if h.document != nil {
			continue
		}
		if h.document = now[h.ID].document; h.document == nil || now[h.ID].version != h.Version {
			return errMoved
		}
	}
	return nil
}

// ofIDs asks for the documents of products, and keeps them.
func (x *Index) ofIDs(ctx context.Context, ids []string) (map[string]keptDocument, error) {
	body := documents(ids, len(ids))
	body["version"] = true
	a, err := x.search(ctx, body)
	if err != nil {
		return nil, err
	}
	out := make(map[string]keptDocument, len(a.Hits.Hits))
	for i := range a.Hits.Hits {
		h := &a.Hits.Hits[i]
		d, err := h.read()
		if err != nil {
			return nil, err
		}
		out[h.ID] = keptDocument{h.Version, d}
		x.xs.kept.Add(keptKey{x.name, h.ID}, out[h.ID])
	}
	return out, nil
}
