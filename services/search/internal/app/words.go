package app

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// A dictionary is made again when the words of products have changed, but no more than a fiftieth of the time is spent on it.
const (
	wordsEvery = 5 * time.Second
	wordsShare = 50
)

// Words reads queries by the words that products have, and tells the tail which categories they are in. It implements Reader.
type Words struct {
	tail *Tail
	make MakeLexicon
	log  *slog.Logger

	lexicons atomic.Pointer[Lexicons]
	made     int64 // the revision that they are of
}

// Lexicons are by language; that of the shop is among them.
type Lexicons map[string]search.Lexicon

// MakeLexicon makes a lexicon of documents for each language that they have. It may go through them several times.
type MakeLexicon func(documents iter.Seq[*search.Document]) Lexicons

// NewWords returns words that know none yet: until Run has read some, nothing is corrected.
func NewWords(tail *Tail, lexicon MakeLexicon, log *slog.Logger) *Words {
	w := &Words{tail: tail, make: lexicon, log: log, made: -1}
	none := lexicon(func(func(*search.Document) bool) {})
	w.lexicons.Store(&none)
	return w
}

// Query implements Reader. A language that nothing is written in is read as the shop's own.
func (w *Words) Query(_ context.Context, ask search.Ask, plan search.Plan, synonyms *Synonyms) search.Query {
	lexicons := *w.lexicons.Load()
	plan.Language = search.Nearest(lexicons, plan.Language, w.tail.language)
	return search.NewQuery(ask, plan, lexicons[plan.Language], synonyms.In(plan.Language))
}

// Run keeps the lexicon up to date until ctx ends.
func (w *Words) Run(ctx context.Context) error {
	for {
		took, err := w.Refresh(ctx)
		if err != nil && ctx.Err() == nil {
			w.log.WarnContext(ctx, "queries are read by the words of before", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(wordsEvery, wordsShare*took)):
		}
	}
}

// Refresh makes the lexicon again if the words of products have changed since, and tells how long that took.
func (w *Words) Refresh(ctx context.Context) (took time.Duration, err error) {
	words := w.tail.words.Load()
	if words == w.made {
		return 0, nil
	}
	began := time.Now()
	inUse := map[string]bool{}
	lexicons := w.make(func(yield func(*search.Document) bool) {
		for after := int64(0); err == nil; {
			var rows []Row
			if rows, err = w.tail.replica.Changes(ctx, after, batch); len(rows) == 0 {
				return
			}
			for i := range rows {
				if !rows[i].Listed {
					continue
				}
				d := search.NewDocument(&rows[i].Source, w.tail.language, rows[i].Clock)
				for _, c := range d.Categories {
					inUse[c.Value] = true
				}
				if !yield(d) {
					return
				}
			}
			after = rows[len(rows)-1].Revision
		}
	})
	if err != nil {
		return time.Since(began), fmt.Errorf("make a lexicon: %w", err)
	}
	w.lexicons.Store(&lexicons)
	w.tail.know(nil, inUse)
	w.made = words
	return time.Since(began), nil
}
