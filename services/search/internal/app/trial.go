package app

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Meeting says that a visitor has met a test for the first time in a while.
type Meeting struct{ Test, Visitor string }

// Deed is what a visitor did afterwards: opened a product, put one into the cart, or placed an order.
type Deed struct {
	Visitor string
	Kind    string
	Order   string       // id; it counts once
	Value   money.Amount // of an order
}

// The kinds of deeds.
const (
	Viewed  = "view"
	Carted  = "cart"
	Ordered = "order"
)

// PlaceFigures is what visitors who stand at one place of a test did since they met it.
type PlaceFigures struct {
	Test                             string
	Place                            int
	Visitors, Viewed, Carted, Bought int64 // people: who did it twice counts once
	Orders                           int64
	Revenue                          map[money.Currency]int64 // minor units
}

// Book keeps who met which test, and what came of it.
type Book interface {
	Meet(ctx context.Context, now time.Time, all []Meeting) error
	Act(ctx context.Context, now time.Time, d Deed) error
	Figures(ctx context.Context) ([]PlaceFigures, error)
}

// metMost bounds the meetings between two notes: beyond it visitors are not counted, and no figure is wrong by more than that they are few.
const metMost = 5_000

// Trials count what tested rules bring. Meetings since the last note are lost with the process.
type Trials struct {
	book Book
	now  func() time.Time
	log  *slog.Logger

	mu      sync.Mutex
	pending map[Meeting]bool
}

// maxValue is what one order may come to, in minor units: anybody can tell of orders, and their sum is to stay a number.
const maxValue = 100_000_000_000

// NewTrials returns trials that nobody has met yet.
func NewTrials(book Book, now func() time.Time, log *slog.Logger) *Trials {
	return &Trials{book: book, now: now, log: log, pending: map[Meeting]bool{}}
}

// Meet takes note of the tests that a listing showed a visitor, whether their rules held for him or not.
func (t *Trials) Meet(visitor string, tests []search.Exposure) {
	if len(tests) == 0 || visitor == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range tests {
		if len(t.pending) < metMost {
			t.pending[Meeting{e.Test, visitor}] = true
		}
	}
}

// Do counts a deed for the tests that its visitor has met. An order without id or value is refused.
func (t *Trials) Do(ctx context.Context, d Deed) error {
	if err := d.check(); err != nil {
		return err
	}
	if err := t.Flush(ctx); err != nil { // whoever acts at once has met what he acts on
		return err
	}
	return t.book.Act(ctx, t.now(), d)
}

// Flush writes meetings down.
func (t *Trials) Flush(ctx context.Context) error {
	t.mu.Lock()
	pending := t.pending
	t.pending = map[Meeting]bool{}
	t.mu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	all := make([]Meeting, 0, len(pending))
	for m := range pending {
		all = append(all, m)
	}
	err := t.book.Meet(ctx, t.now(), all)
	if err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		for m := range t.pending {
			pending[m] = true
		}
		t.pending = pending
	}
	return err
}

// Run writes meetings down until ctx ends, and then what is left.
func (t *Trials) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			return t.Flush(ctx)
		case <-time.After(noteEvery):
		}
		if err := t.Flush(ctx); err != nil && ctx.Err() == nil {
			t.log.WarnContext(ctx, "who met which test is not noted", "error", err)
		}
	}
}

// Arm is a part of the visitors of a test for whom the same rules hold.
type Arm struct {
	From, To int // places, To beyond the last
	Rules    []string
	PlaceFigures
}

// Test is a test with its arms, and what each has brought.
type Test struct {
	Name  string
	Rules []string
	Arms  []Arm
}

// Figures tells of the tests that rules name what their arms have brought. Those that no rule names any more are not told of.
func (t *Trials) Figures(ctx context.Context, rules map[string]Kept[search.Rule]) ([]Test, error) {
	if err := t.Flush(ctx); err != nil {
		return nil, err
	}
	places, err := t.book.Figures(ctx)
	if err != nil {
		return nil, err
	}
	tests := map[string][]search.Rule{}
	for _, k := range rules {
		if s := k.Value.Share; s != nil {
			tests[s.Test] = append(tests[s.Test], k.Value)
		}
	}
	var all []Test
	for name, of := range tests {
		test := Test{Name: name, Arms: arms(of)}
		for _, r := range of {
			test.Rules = append(test.Rules, r.ID)
		}
		slices.Sort(test.Rules)
		for i := range test.Arms {
			for _, p := range places {
				test.Arms[i].add(name, p)
			}
		}
		all = append(all, test)
	}
	slices.SortFunc(all, func(a, b Test) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// arms cuts a test where the share of a rule begins or ends.
func arms(rules []search.Rule) (all []Arm) {
	cuts := []int{0, 100}
	for _, r := range rules {
		cuts = append(cuts, r.Share.From, r.Share.To)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	for i := range len(cuts) - 1 {
		a := Arm{From: cuts[i], To: cuts[i+1], Rules: []string{}}
		a.Revenue = map[money.Currency]int64{}
		for _, r := range rules {
			if r.Share.From <= a.From && a.To <= r.Share.To {
				a.Rules = append(a.Rules, r.ID)
			}
		}
		slices.Sort(a.Rules)
		all = append(all, a)
	}
	return all
}

func (a *Arm) add(test string, p PlaceFigures) {
	if p.Test != test || p.Place < a.From || p.Place >= a.To {
		return
	}
	a.Visitors += p.Visitors
	a.Viewed += p.Viewed
	a.Carted += p.Carted
	a.Bought += p.Bought
	a.Orders += p.Orders
	for c, minor := range p.Revenue {
		a.Revenue[c] += minor
	}
}

func (d Deed) check() error {
	var c fault.Collector
	c.Check(d.Kind != Ordered || d.Order != "", "body.order_id", "is needed for an order", nil)
	c.Check(d.Kind != Ordered || d.Value.Currency.Valid() && !d.Value.IsNegative() && d.Value.Minor <= maxValue, "body.value", "is needed for an order, not below zero, and of at most 100,000,000,000 minor units", nil)
	return c.Err()
}
