package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/idem"
)

// The consumers of the inbox, by whose events they take in.
const (
	FromCatalog   = "catalog"
	FromPricing   = "pricing"
	FromInventory = "inventory"
	FromOrder     = "order"
)

// Page is a part of all that a neighbour has told. Next is where the next one begins; empty: there is none.
type Page struct {
	News []News
	Next string
}

// Sources are asked for what events have told, or should have: all news are Asked.
type Sources interface {
	// Products have no Product unless whole is asked for.
	Products(ctx context.Context, after string, whole bool) (Page, error)
	Prices(ctx context.Context, after string) (Page, error)
	Levels(ctx context.Context, after string) (Page, error)
}

// Checker compares the replica with its sources, and the index with the replica, and mends what differs.
type Checker struct {
	Sources Sources
	Keeper  Keeper
	Tail    *Tail
	Log     *slog.Logger
}

// check is one that is going on.
type check struct {
	*Checker
	first bool
	Report
}

// Report is what a check has found.
type Report struct {
	Products, Prices, Levels int // that were told
	Taken                    int // of them that the replica lacked
	Rebuild                  bool
}

// Fill takes in all that was told before this service was there, once in the life of its database. It tries until it can: the neighbours may
// start later.
func (c *Checker) Fill(ctx context.Context) error {
	for pause := poll; ; pause = min(2*pause, maxBackoff) {
		head, err := c.Tail.replica.Head(ctx)
		if err == nil && head.Filled {
			return nil
		}
		if err == nil {
			_, err = c.Check(ctx)
		}
		if err == nil {
			return nil
		}
		c.Log.WarnContext(ctx, "what was told before is not there yet", "error", err, "again_in", pause)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// Check takes in what the replica lacks, and has the index made anew if it does not hold what the replica does. The first time all is taken
// in: what the broker still had of the past may have been told by an older version of its owner, which said less.
func (c *Checker) Check(ctx context.Context) (Report, error) {
	head, err := c.Tail.replica.Head(ctx)
	if err != nil {
		return Report{}, err
	}
	r := &check{Checker: c, first: !head.Filled}
	if err := r.sources(ctx); err != nil {
		return r.Report, err
	}
	if err := c.Keeper.Filled(ctx, c.Tail.now()); err != nil {
		return r.Report, err
	}
	wrong, err := c.index(ctx)
	if err != nil {
		return r.Report, fmt.Errorf("compare the index: %w", err)
	}
	if wrong != "" {
		r.Rebuild = true
		c.Log.ErrorContext(ctx, "the index is made anew", "because", wrong)
		if _, _, err := c.Keeper.Rebuild(ctx, idem.Key{}); err != nil {
			return r.Report, err
		}
	}
	c.Log.InfoContext(ctx, "compared with the sources", "products", r.Products, "prices", r.Prices, "levels", r.Levels, "taken_in", r.Taken)
	return r.Report, nil
}

func (r *check) sources(ctx context.Context) (err error) {
	if r.Products, err = r.products(ctx); err != nil {
		return err
	}
	if r.Prices, err = r.walk(ctx, FromPricing, r.Sources.Prices); err != nil {
		return err
	}
	r.Levels, err = r.walk(ctx, FromInventory, r.Sources.Levels)
	return err
}

// Job is Check for who schedules it.
func (c *Checker) Job(ctx context.Context) error {
	_, err := c.Check(ctx)
	return err
}

// walk goes through all that a source has told.
func (r *check) walk(ctx context.Context, consumer string, read func(context.Context, string) (Page, error)) (told int, err error) {
	for after := ""; ; {
		page, err := read(ctx, after)
		if err != nil {
			return told, fmt.Errorf("ask %s: %w", consumer, err)
		}
		lacking, err := r.lacks(ctx, consumer, page.News)
		if err != nil {
			return told, err
		}
		if err := r.take(ctx, page.News, lacking); err != nil {
			return told, err
		}
		told += len(page.News)
		if after = page.Next; after == "" {
			return told, nil
		}
	}
}

// products goes through the sequences, and asks for whole products only where one is lacking.
func (r *check) products(ctx context.Context) (told int, err error) {
	for after := ""; ; {
		page, err := r.Sources.Products(ctx, after, false)
		if err != nil {
			return told, fmt.Errorf("ask %s: %w", FromCatalog, err)
		}
		lacking, err := r.lacks(ctx, FromCatalog, page.News)
		if err != nil {
			return told, err
		}
		for at := after; len(lacking) > 0; {
			whole, err := r.Sources.Products(ctx, at, true)
			if err != nil {
				return told, fmt.Errorf("ask %s: %w", FromCatalog, err)
			}
			if err := r.take(ctx, whole.News, lacking); err != nil {
				return told, err
			}
			lacking = slices.DeleteFunc(lacking, func(id string) bool {
				return slices.ContainsFunc(whole.News, func(n News) bool { return n.Subject == id })
			})
			if at = whole.Next; at == "" {
				break
			}
		}
		told += len(page.News)
		if after = page.Next; after == "" {
			return told, nil
		}
	}
}

func (r *check) lacks(ctx context.Context, consumer string, news []News) ([]string, error) {
	events := make([]Event, len(news))
	for i := range news {
		events[i] = news[i].Event
	}
	if r.first {
		all := make([]string, len(news))
		for i := range news {
			all[i] = news[i].Subject
		}
		return all, nil
	}
	return r.Keeper.Lacks(ctx, consumer, events)
}

func (r *check) take(ctx context.Context, news []News, lacking []string) error {
	var taken []News
	for _, n := range news {
		if slices.Contains(lacking, n.Subject) {
			taken = append(taken, n)
		}
	}
	for some := range slices.Chunk(taken, 100) { // events wait meanwhile
		if err := r.Tail.Take(ctx, some...); err != nil {
			return err
		}
	}
	r.Taken += len(taken)
	return nil
}

// sample is how many documents of an index are compared.
const sample = 50

// index tells what is wrong with the index of this process, if it can be told: while it is away, behind, or being made, nothing is.
func (c *Checker) index(ctx context.Context) (wrong string, err error) {
	products, revision, err := c.Keeper.Listed(ctx)
	if err != nil {
		return "", err
	}
	head, err := c.Tail.replica.Head(ctx)
	if err != nil {
		return "", err
	}
	live, state, err := c.Tail.live(ctx)
	if err != nil || live == nil || state.Revision != revision || state.Epoch != head.build() {
		return "", err
	}
	count, err := live.Count(ctx)
	if err != nil {
		return "", err
	}
	rows, err := c.Tail.replica.Changes(ctx, max(0, revision-sample), sample)
	if err != nil {
		return "", err
	}
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	documents, err := live.Documents(ctx, ids)
	if err != nil {
		return "", err
	}
	have := map[string]int64{}
	for _, d := range documents {
		have[d.ID] = d.Revision
	}
	if after, err := live.State(ctx); err != nil || after.Revision != revision {
		return "", err // it went on meanwhile
	}
	if count != products {
		return fmt.Sprintf("it has %d documents of %d products", count, products), nil
	}
	for i := range rows {
		r := &rows[i]
		if at, there := have[r.ID]; r.Revision <= revision && (there != r.Listed || there && at != r.Revision) {
			return fmt.Sprintf("product %s is at revision %d there (%v), and %d here (%v)", r.ID, at, there, r.Revision, r.Listed), nil
		}
	}
	return "", nil
}

// Desk is what staff see of the index, and ask of it.
type Desk struct {
	Keeper
	Memory
	Tail *Tail
}

// Status tells how the index of this process is.
func (d Desk) Status(ctx context.Context) (Status, error) { return d.Tail.status(ctx, d.Keeper) }
