package app

import (
	"context"
	"errors"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// ErrUnavailable says that the index cannot be read now.
var ErrUnavailable = fault.New(fault.Unavailable, "search-unavailable", "The search is not available at the moment.")

// ErrNoIndex is in an ErrUnavailable where there is no index to read, and not only none at hand.
var ErrNoIndex = errors.New("there is no index")

// ErrReplaced says that an index is no longer the one to be written.
var ErrReplaced = fault.New(fault.Conflict, "search-index-replaced", "The index was replaced by another one.")

// Part is what of a document changed.
type Part uint8

// The parts of a document.
const (
	Content Part = 1 << iota // everything but the offer
	Offer                    // prices, stock, popularity
)

// Change is a product whose document is to be written. Document is nil where there is to be none (any more); else it is whole, and Parts
// says what of it is new. An index that does not have the product writes all of it.
type Change struct {
	ID       string
	Parts    Part
	Document *search.Document
}

// State says what an index follows, and how far it has come.
type State struct {
	Epoch    string // of the database whose revisions it has
	Form     string // of the documents and how they are read: the code's
	Revision int64
}

// Index is a built index: documents that can be found. It is safe for concurrent use.
type Index interface {
	State(ctx context.Context) (State, error)
	// Write puts and takes out documents and sets the revision, all or nothing; what was written before may be written again, and does
	// not take the revision back. When it returns the changes survive a crash and are found by the next Search. An index that another one
	// has replaced refuses it with ErrReplaced. A document that an index can never take may be kept so that nothing finds it.
	Write(ctx context.Context, revision int64, changes []Change) error
	// Search performs a plan that passes its Check, else refuses it; ErrUnavailable. Documents of hits are not to be changed. An index
	// that was replaced answers as the one that is read now.
	Search(ctx context.Context, p search.Plan) (search.Found, error)
	// Documents returns those of ids that exist, in the order of ids.
	Documents(ctx context.Context, ids []string) ([]*search.Document, error)
	// Count returns how many documents there are.
	Count(ctx context.Context) (int, error)
}

// Indexes keeps the index that is read, and makes new ones beside it. Its adapter closes them.
type Indexes interface {
	// Live returns the index that is read, or ErrUnavailable: with ErrNoIndex in it where there is none yet.
	Live(ctx context.Context) (Index, error)
	// Create makes an empty index beside the live one, in place of one that was begun and not finished.
	Create(ctx context.Context, epoch string) (Index, error)
	// Switch makes an index the live one, at once for all readers, and drops the one before.
	Switch(ctx context.Context, to Index) error
}
