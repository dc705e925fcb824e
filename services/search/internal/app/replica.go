package app

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// News is what a neighbour tells: one of its parts.
type News struct {
	Event
	Product *ProductNews
	Prices  *PriceNews
	Level   *LevelNews
	Sold    []Sold // of an order
}

// Event identifies what is told: its subject's sequence guards against reordering and repetition. Asked says that we asked: then it may be
// newer than the event of its sequence, and is taken in once more. Digest is of what is told, where the source has one: what another version
// of it tells at the same sequence has another.
type Event struct {
	Subject  string
	Sequence int64
	Asked    bool
	Digest   string
}

// ProductNews is a product as catalog tells of it, and the attributes by which it can be filtered.
type ProductNews struct {
	search.Product
	Listed bool // it is published
	Kinds  []search.Kind
}

// PriceNews are all prices of a SKU that anybody pays for one piece.
type PriceNews struct {
	SKU  string
	Rows []search.Row
}

// LevelNews is what can be had of a SKU.
type LevelNews struct {
	SKU       string
	Available int64
}

// Sold are pieces of a product in an order.
type Sold struct {
	ProductID string
	Day       time.Time
	Pieces    int64
}

// Head is how far the replica is.
type Head struct {
	Epoch    string // of the database
	Build    int64  // raised when all indexes are to be made anew
	Revision int64
	Words    int64 // the last revision that changed what products are found by
	Terms    int64 // moves with the terms
	Filled   bool  // nothing is missing of what was told before this service was there
}

// Row is a product of the replica that has changed.
type Row struct {
	search.Source
	Listed bool
	Parts  Part
	Clock  time.Time // the document is not to be older
}

// Terms are what a word in an address may name.
type Terms struct {
	Version    int64
	Kinds      map[string]search.Kind     // by code
	Categories map[string]search.Category // by code, and by slug
	Parents    map[string]string          // of categories, by code; empty: a root
	Names      map[search.Name]search.Texts
	InUse      map[string]bool // categories that products of the shop are in, by code; nil: not known yet
}

// with returns terms that know which categories are in use. A word that named several of them over time is of the one that is.
func (t *Terms) with(inUse map[string]bool) *Terms {
	if inUse == nil {
		return t
	}
	out := *t
	out.InUse, out.Categories = inUse, maps.Clone(t.Categories)
	for _, key := range slices.Sorted(maps.Keys(t.Categories)) {
		if c := t.Categories[key]; key == c.Value && inUse[c.Value] && !inUse[out.Categories[c.Slug].Value] {
			out.Categories[c.Slug] = c
		}
	}
	return &out
}

// Replica is what is known of the neighbours. Each call is one transaction.
type Replica interface {
	// Take takes in what is new of news: that changes the revision of what it shows in. Nothing changes when the same or a later event of a
	// subject was taken in before.
	Take(ctx context.Context, now time.Time, news ...News) error
	// Turn gives a new revision to products of which a price began or ended by now, or a sale is too long ago to count, and tells how many there
	// were; at most a thousand.
	Turn(ctx context.Context, now time.Time) (int, error)
	Head(ctx context.Context) (Head, error)
	// Changes returns products beyond a revision in the order of theirs.
	Changes(ctx context.Context, after int64, limit int) ([]Row, error)
	Terms(ctx context.Context) (*Terms, error)
}

// Keeper is what checks need of the replica.
type Keeper interface {
	// Lacks returns those subjects of which a consumer has taken in nothing, only what is older than the sequence, or of another digest.
	Lacks(ctx context.Context, consumer string, told []Event) ([]string, error)
	// Filled notes that nothing is missing.
	Filled(ctx context.Context, now time.Time) error
	// Rebuild has all indexes made anew, and returns the number of the build.
	Rebuild(ctx context.Context, key idem.Key) (build int64, replayed bool, err error)
	// Listed counts the products that an index at the replica's revision has documents of.
	Listed(ctx context.Context) (products int, revision int64, err error)
}
