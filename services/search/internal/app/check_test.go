package app

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// sources tell in pages of two; whole products in pages of one.
type sources struct {
	products, prices, levels []News
	whole                    int // pages of whole products that were asked for

	mu  sync.Mutex
	err error
}

func (s *sources) away(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *sources) answer(p Page) (Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return p, s.err
}

func pageOf(all []News, after string, limit int) (p Page) {
	i := 0
	for i < len(all) && all[i].Subject <= after {
		i++
	}
	p.News = slices.Clone(all[i:min(len(all), i+limit)])
	if i+limit < len(all) {
		p.Next = p.News[len(p.News)-1].Subject
	}
	return p
}

func (s *sources) Products(_ context.Context, after string, whole bool) (Page, error) {
	if whole {
		s.whole++
		return s.answer(pageOf(s.products, after, 1))
	}
	p := pageOf(s.products, after, 2)
	for i := range p.News {
		p.News[i].Product = nil
	}
	return s.answer(p)
}

func (s *sources) Prices(_ context.Context, after string) (Page, error) {
	return s.answer(pageOf(s.prices, after, 2))
}

func (s *sources) Levels(_ context.Context, after string) (Page, error) {
	return s.answer(pageOf(s.levels, after, 2))
}

func told(n int, sequence int64) News {
	return News{Event: Event{Subject: id(n), Sequence: sequence, Asked: true}, Product: &ProductNews{Listed: true, Product: search.Product{ID: id(n), Title: "Told"}}}
}

func newChecker(r *replica, i *indexes, s *sources) *Checker {
	return &Checker{Sources: s, Keeper: r, Tail: newTail(r, i), Log: quiet}
}

func TestCheckTakesInWhatIsLacking(t *testing.T) {
	t.Parallel()
	r, i := newReplica(), &indexes{}
	r.head.Filled = false
	r.taken[FromCatalog+" "+id(3)] = 1 // by an event of long ago, which said less
	s := &sources{products: []News{told(1, 1), told(2, 4), told(3, 1), told(4, 1), told(5, 2)},
		prices: []News{{Event: Event{Subject: "A", Sequence: 1, Asked: true}, Prices: &PriceNews{SKU: "A"}}, {Event: Event{Subject: "B", Sequence: 2, Asked: true}, Prices: &PriceNews{SKU: "B"}},
			{Event: Event{Subject: "C", Sequence: 2, Asked: true}, Prices: &PriceNews{SKU: "C"}}},
		levels: []News{{Event: Event{Subject: "A", Sequence: 7, Asked: true}, Level: &LevelNews{SKU: "A"}}}}
	c := newChecker(r, i, s)
	for round, want := range []Report{{Products: 5, Prices: 3, Levels: 1, Taken: 9}, {Products: 5, Prices: 3, Levels: 1}} {
		got, err := c.Check(t.Context())
		if err != nil || got != want {
			t.Errorf("round %d: %+v %v, want %+v", round, got, err, want)
		}
	}
	if len(r.rows) != 5 || !r.head.Filled || s.whole != 5 {
		t.Errorf("%d products, filled %v, %d whole pages", len(r.rows), r.head.Filled, s.whole)
	}
	r.taken[FromCatalog+" "+id(4)], r.taken[FromInventory+" A"] = 0, 6
	if got, err := c.Check(t.Context()); err != nil || got.Taken != 2 || s.whole != 7 {
		t.Errorf("%+v %v after %d whole pages", got, err, s.whole)
	}
	// A source of another version says more at the same sequence.
	s.products[1].Digest, s.products[1].Product.Translations = "more", map[string]search.Translation{"de": {Title: "Erzählt"}}
	for round, want := range []int{1, 0} {
		if got, err := c.Check(t.Context()); err != nil || got.Taken != want || r.rows[id(2)].Translations["de"].Title != "Erzählt" {
			t.Errorf("round %d: %+v %v", round, got, err)
		}
	}
}

func TestCheckThatCannotAskSaysNothing(t *testing.T) {
	t.Parallel()
	r, i := newReplica(), &indexes{}
	r.head.Filled = false
	away := errors.New("away")
	if _, err := newChecker(r, i, &sources{err: away}).Check(t.Context()); !errors.Is(err, away) || r.head.Filled {
		t.Errorf("%v, filled %v", err, r.head.Filled)
	}
}

func TestAnIndexThatDiffersIsMadeAnew(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(x *index)
		want  bool
	}{
		"as it should be":      {func(*index) {}, false},
		"one is missing":       {func(x *index) { delete(x.documents, id(1)) }, true},
		"one too many":         {func(x *index) { x.documents[id(9)] = &search.Document{ID: id(9)} }, true},
		"one of another time":  {func(x *index) { x.documents[id(1)].Revision-- }, true},
		"another in its place": {func(x *index) { delete(x.documents, id(1)); x.documents[id(9)] = &search.Document{ID: id(9)} }, true},
		"it is behind": {func(x *index) {
			delete(x.documents, id(1))
			x.state.Revision--
		}, false},
	} {
		r, i := newReplica(), &indexes{}
		c := newChecker(r, i, &sources{})
		r.put(1, true, "Shirt")
		r.put(2, true, "Mug")
		r.put(3, false, "Draft")
		settle(t, c.Tail)
		tc.spoil(i.live)
		got, err := c.Check(t.Context())
		if err != nil || got.Rebuild != tc.want || (r.head.Build == 2) != tc.want {
			t.Errorf("%s: %+v %v, build %d", name, got, err, r.head.Build)
		}
		settle(t, c.Tail)
		if name != "it is behind" {
			same(t, name, r, i)
		}
	}
}

// The neighbours may start later than this service: it asks until they answer, once in its life.
func TestFill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, i := newReplica(), &indexes{}
		r.head.Filled = false
		s := &sources{products: []News{told(1, 1)}, err: errors.New("away")}
		c := newChecker(r, i, s)
		done := make(chan error, 1)
		go func() { done <- c.Fill(t.Context()) }()
		<-time.After(time.Hour)
		synctest.Wait()
		s.away(nil)
		<-time.After(2 * maxBackoff)
		synctest.Wait()
		if err := <-done; err != nil || len(r.rows) != 1 || !r.head.Filled {
			t.Errorf("%v, %d products, filled %v", err, len(r.rows), r.head.Filled)
		}
		s.away(errors.New("away"))
		if err := c.Fill(t.Context()); err != nil {
			t.Errorf("a replica that is filled asks nobody: %v", err)
		}
	})
}

// Whoever waits for an index asks for its status again and again: products are counted where something has changed since.
func TestProductsAreCountedOnce(t *testing.T) {
	t.Parallel()
	r := newReplica()
	tail := newTail(r, &indexes{})
	desk := Desk{Keeper: r, Tail: tail}
	for i, want := range []int{0, 1, 1, 2, 2} {
		if i == 1 || i == 3 {
			r.put(i, true, "Shirt")
		}
		if s, err := desk.Status(t.Context()); err != nil || s.Products != want {
			t.Errorf("%v %d products, not %d", err, s.Products, want)
		}
	}
	if r.counted != 3 {
		t.Errorf("counted %d times", r.counted)
	}
}
