package app

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Heard is what was searched for: the words as they were understood in a language, how often, and how many products they found.
type Heard struct {
	Words    string
	Language string // without its region; empty: it was not noted
	Asked    int64
	Found    int64 // the last time
}

// said are words in a language.
type said struct{ words, language string }

// saidIn are words as they are kept: of a language, whatever its region.
func saidIn(language, words string) said {
	language, _, _ = strings.Cut(language, "-")
	return said{words, language}
}

// Memory keeps what was searched for.
type Memory interface {
	// Note adds to a day.
	Note(ctx context.Context, day time.Time, all []Heard) error
	// Heard returns what was asked most since a day: with products, or what found none.
	Heard(ctx context.Context, since time.Time, found bool, limit int) ([]Heard, error)
}

const (
	noteEvery  = 10 * time.Second
	readTurns  = 30 // of notes, until what is asked most is read again: that counts a month
	heardDays  = 30
	mostHeard  = 10_000 // words between two notes, and queries to suggest
	heardBytes = 100    // of the words: longer ones are no query that others type
	oftenAsked = 3      // fewer may be one person's own
)

// Ear remembers what shoppers search for, and suggests what many did. What was heard since the last note is lost with the process.
type Ear struct {
	memory Memory
	now    func() time.Time
	log    *slog.Logger

	mu      sync.Mutex
	pending map[said]Heard
	popular atomic.Pointer[[]Heard] // the most asked first
}

// NewEar returns an ear that has heard nothing.
func NewEar(memory Memory, now func() time.Time, log *slog.Logger) *Ear {
	return &Ear{memory: memory, now: now, log: log, pending: map[said]Heard{}}
}

// Hear takes note of a query, and the language in which it was understood.
func (e *Ear) Hear(language string, words []string, found int) {
	text := strings.Join(words, " ")
	if text == "" || len(text) > heardBytes {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	as := saidIn(language, text)
	h, known := e.pending[as]
	if !known && len(e.pending) >= mostHeard {
		return
	}
	e.pending[as] = Heard{Words: text, Language: as.language, Asked: h.Asked + 1, Found: int64(found)}
}

// Suggest returns what many have asked in a language that begins with text.
func (e *Ear) Suggest(language, text string, limit int) (all []string) {
	popular := e.popular.Load()
	if popular == nil {
		return nil
	}
	language = saidIn(language, text).language
	for _, h := range *popular {
		if len(all) == limit {
			break
		}
		inIt := h.Language == language || h.Language == "" // words may be of both
		if h.Asked >= oftenAsked && inIt && strings.HasPrefix(h.Words, text) && !slices.Contains(all, h.Words) {
			all = append(all, h.Words)
		}
	}
	return all
}

// Run writes down and reads again until ctx ends, and writes down what is left then.
func (e *Ear) Run(ctx context.Context) error {
	for turn := 0; ; turn++ {
		do := e.note
		if turn%readTurns == 0 {
			do = e.Refresh
		}
		if err := do(ctx); err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "what is searched for is not noted", "error", err)
		}
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			return e.note(ctx)
		case <-time.After(noteEvery):
		}
	}
}

// Refresh writes down what was heard, and reads what is asked most.
func (e *Ear) Refresh(ctx context.Context) error {
	if err := e.note(ctx); err != nil {
		return err
	}
	popular, err := e.memory.Heard(ctx, e.now().UTC().AddDate(0, 0, -heardDays), true, mostHeard)
	if err == nil {
		e.popular.Store(&popular)
	}
	return err
}

func (e *Ear) note(ctx context.Context) error {
	e.mu.Lock()
	pending := e.pending
	e.pending = map[said]Heard{}
	e.mu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	all := make([]Heard, 0, len(pending))
	for _, h := range pending {
		all = append(all, h)
	}
	err := e.memory.Note(ctx, e.now().UTC(), all)
	if err != nil { // it may have been noted: better twice than not
		e.mu.Lock()
		defer e.mu.Unlock()
		for as, h := range e.pending {
			was, known := pending[as]
			if !known && len(pending) >= mostHeard {
				continue
			}
			h.Asked += was.Asked
			pending[as] = h
		}
		e.pending = pending
	}
	return err
}
