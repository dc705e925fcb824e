package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var quiet = slog.New(slog.DiscardHandler)

func id(n int) string { return fmt.Sprintf("019c0000-0000-7000-8000-%012d", n) }

// replica keeps products in memory, as the database does: each change takes the next revision.
type replica struct {
	mu    sync.Mutex
	head  Head
	rows  map[string]Row
	err   error
	taken map[string]int64 // consumer and subject → sequence
	terms Terms

	digests map[string]string // of what was taken in
	counted int               // how often products were counted
	turn    int               // products whose price is due
}

func newReplica() *replica {
	return &replica{head: Head{Epoch: "e", Build: 1, Filled: true}, rows: map[string]Row{}, taken: map[string]int64{}, digests: map[string]string{}}
}

func (r *replica) put(n int, listed bool, title string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mark(Row{Source: search.Source{Product: search.Product{ID: id(n), Title: title}}, Listed: listed, Parts: Content | Offer, Clock: noon})
}

func (r *replica) mark(row Row) {
	r.head.Revision++
	if row.Revision = r.head.Revision; row.Parts&Content != 0 {
		r.head.Words = row.Revision
	}
	r.rows[row.ID] = row
}

func (r *replica) Take(_ context.Context, now time.Time, news ...News) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range news {
		consumer := FromPricing
		switch {
		case n.Product != nil:
			consumer = FromCatalog
			r.mark(Row{Source: search.Source{Product: n.Product.Product}, Listed: n.Product.Listed, Parts: Content | Offer, Clock: now})
		case n.Level != nil:
			consumer = FromInventory
		}
		r.taken[consumer+" "+n.Subject] = n.Sequence
		r.digests[consumer+" "+n.Subject] = n.Digest
	}
	return r.err
}

func (r *replica) Turn(context.Context, time.Time) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.turn
	r.turn = 0
	return n, r.err
}

func (r *replica) Head(context.Context) (Head, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.head, r.err
}

func (r *replica) Changes(_ context.Context, after int64, limit int) ([]Row, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.SortedFunc(maps.Values(r.rows), func(a, b Row) int { return cmp.Compare(a.Revision, b.Revision) })
	all = slices.DeleteFunc(all, func(row Row) bool { return row.Revision <= after })
	return all[:min(len(all), limit)], r.err
}

func (r *replica) Terms(context.Context) (*Terms, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.terms
	t.Version = r.head.Terms
	return &t, r.err
}

func (r *replica) Lacks(_ context.Context, consumer string, told []Event) (lacking []string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range told {
		if r.taken[consumer+" "+e.Subject] < e.Sequence || r.digests[consumer+" "+e.Subject] != e.Digest {
			lacking = append(lacking, e.Subject)
		}
	}
	return lacking, r.err
}

func (r *replica) Filled(context.Context, time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.head.Filled = true
	return r.err
}

func (r *replica) Rebuild(context.Context, idem.Key) (int64, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.head.Build++
	return r.head.Build, false, r.err
}

func (r *replica) Listed(context.Context) (int, int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	r.counted++
	for _, row := range r.rows {
		if row.Listed {
			n++
		}
	}
	return n, r.head.Revision, r.err
}

// titles are the products that an index must have documents of.
func (r *replica) titles() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]string{}
	for _, row := range r.rows {
		if row.Listed {
			out[row.ID] = row.Title
		}
	}
	return out
}

// indexes keep documents in memory, as a folder or a cluster does: what is there outlives whoever wrote it. It does not search: what
// finds something is the adapters' to prove.
type indexes struct {
	mu    sync.Mutex
	live  *index
	begun *index
	made  int

	away  error                       // what every call answers, if it is set
	after func(write int) (err error) // what a write answers after it has happened; nil: nothing
	wrote int
}

type index struct {
	in        *indexes
	state     State
	documents map[string]*search.Document
	found     func(search.Plan) (search.Found, error)
	looked    int  // how often documents were asked for
	broken    bool // it takes nothing any more
}

func (i *indexes) Live(context.Context) (Index, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.away != nil:
		return nil, i.away
	case i.live == nil:
		return nil, ErrUnavailable.WithCause(ErrNoIndex)
	}
	return i.live, nil
}

func (i *indexes) Create(_ context.Context, epoch string) (Index, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.away != nil {
		return nil, i.away
	}
	i.made++
	i.begun = &index{in: i, state: State{Epoch: epoch, Form: search.Form}, documents: map[string]*search.Document{}}
	return i.begun, nil
}

func (i *indexes) Switch(_ context.Context, to Index) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.away != nil {
		return i.away
	}
	if to != Index(i.begun) {
		return ErrReplaced
	}
	i.live, i.begun = i.begun, nil
	return nil
}

func (x *index) State(context.Context) (State, error) {
	x.in.mu.Lock()
	defer x.in.mu.Unlock()
	return x.state, x.in.away
}

func (x *index) Write(_ context.Context, revision int64, changes []Change) error {
	x.in.mu.Lock()
	defer x.in.mu.Unlock()
	switch {
	case x.in.away != nil:
		return x.in.away
	case x != x.in.live && x != x.in.begun:
		return ErrReplaced
	case x.broken:
		return errors.New("broken")
	}
	for _, c := range changes {
		if c.Document == nil {
			delete(x.documents, c.ID)
		} else {
			x.documents[c.ID] = c.Document
		}
	}
	x.state.Revision = max(x.state.Revision, revision)
	if x.in.wrote++; x.in.after != nil {
		return x.in.after(x.in.wrote)
	}
	return nil
}

func (x *index) Search(_ context.Context, p search.Plan) (search.Found, error) { return x.found(p) }

func (x *index) Documents(_ context.Context, ids []string) (all []*search.Document, err error) {
	x.in.mu.Lock()
	defer x.in.mu.Unlock()
	x.looked++
	for _, id := range ids {
		if d := x.documents[id]; d != nil {
			all = append(all, d)
		}
	}
	return all, x.in.away
}

func (x *index) Count(context.Context) (int, error) {
	x.in.mu.Lock()
	defer x.in.mu.Unlock()
	return len(x.documents), x.in.away
}

// titles are what readers see; nil when there is nothing to read.
func (i *indexes) titles() map[string]string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.live == nil {
		return nil
	}
	out := map[string]string{}
	for id, d := range i.live.documents {
		out[id] = d.Texts["en"].Name
	}
	return out
}
