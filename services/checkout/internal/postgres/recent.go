package postgres

import (
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
)

const (
	recentSize  = 2000 // checkouts
	recentLines = 50   // a longer one is not kept: the size bounds the memory, some 60 MB at most
)

// recent remembers checkouts as this process wrote or read them last. The version in the database says whether that is how they are:
// a version is written once, so what was kept with the same one is what stands there. Nobody changes a Record in its place.
type recent struct {
	lru *lru.Cache[string, app.Record]
}

func newRecent() *recent {
	c, err := lru.New[string, app.Record](recentSize)
	if err != nil {
		panic(err) // of a size that is not positive
	}
	return &recent{lru: c}
}

// get returns what is remembered of a checkout; version 0: nothing.
func (r *recent) get(id string) app.Record {
	known, _ := r.lru.Get(id)
	return known
}

// keep remembers a checkout as the database has it.
func (r *recent) keep(rec app.Record) {
	if len(rec.Quote.Lines) > recentLines || r.get(rec.ID).Version > rec.Version {
		return
	}
	r.lru.Add(rec.ID, rec)
}

// change remembers what a change made of a checkout. A quote that did not change was not written: it is the one of the version seen.
func (r *recent) change(c app.Change) {
	if !c.Quote {
		known := r.get(c.After.ID)
		if known.Version != c.Seen {
			return
		}
		c.After.Quote = known.Quote
	}
	r.keep(c.After)
}

// Recall implements app.Store.
func (s *Store) Recall(id string) app.Record { return s.recent.get(id) }

// Settled implements app.Store: what is completed, its order's capability known, stays so.
func (s *Store) Settled(id string) bool {
	known := s.recent.get(id)
	return known.Status == checkout.Completed && known.AccessToken != ""
}
