package postgres

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T) (*Store, *pgxpool.Pool) {
	t.Helper()
	pool := testkit.Schema(t, Migrations()...)
	return New(pool), pool
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func id(n int) string { return fmt.Sprintf("019c0000-0000-7000-8000-%012d", n) }

func product(n int, sequence int64, title string, skus ...string) app.News {
	p := &app.ProductNews{Listed: true, Product: search.Product{ID: id(n), Title: title, Slug: fmt.Sprint("p", n),
		Path: []search.Category{{Term: search.Term{Value: "shirts", Label: "Shirts"}, Slug: "tops"}}},
		Kinds: []search.Kind{{Code: "size", Label: "Size", Type: search.TypeEnum}}}
	for _, sku := range skus {
		p.Variants = append(p.Variants, search.Item{SKU: sku})
	}
	return app.News{Event: app.Event{Subject: id(n), Sequence: sequence}, Product: p}
}

func prices(sku string, sequence int64, rows ...search.Row) app.News {
	return app.News{Event: app.Event{Subject: sku, Sequence: sequence}, Prices: &app.PriceNews{SKU: sku, Rows: rows}}
}

func usd(amount int64) search.Row { return search.Row{List: "us", Currency: "USD", Amount: amount} }

func level(sku string, sequence, available int64) app.News {
	return app.News{Event: app.Event{Subject: sku, Sequence: sequence}, Level: &app.LevelNews{SKU: sku, Available: available}}
}

func order(id string, sold ...app.Sold) app.News {
	return app.News{Event: app.Event{Subject: id, Sequence: 3}, Sold: sold}
}

// change is what is looked at of a row.
type change struct {
	ID       int
	Revision int64
	Content  bool
}

func (s *Store) changes(t *testing.T, after int64) (all []change) {
	t.Helper()
	rows, err := s.Changes(t.Context(), after, 100)
	do(t, err)
	for _, r := range rows {
		var n int
		_, err := fmt.Sscanf(r.ID[24:], "%d", &n)
		do(t, err)
		all = append(all, change{n, r.Revision, r.Parts&app.Content != 0})
	}
	return all
}

func (s *Store) head(t *testing.T) app.Head {
	t.Helper()
	h, err := s.Head(t.Context())
	do(t, err)
	return h
}

func TestWhatIsNewTakesTheNextRevision(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	for i, step := range []struct {
		what string
		news []app.News
		want []change // beyond what was there
	}{
		{"a product", []app.News{product(1, 1, "Shirt", "A", "B")}, []change{{1, 1, true}}},
		{"a second", []app.News{product(2, 4, "Mug", "M")}, []change{{2, 2, true}}},
		{"a price", []app.News{prices("A", 1, usd(500))}, []change{{1, 3, false}}},
		{"the same again", []app.News{prices("A", 1, usd(500)), product(2, 4, "Mug", "M")}, nil},
		{"a stale one", []app.News{prices("A", 1, usd(900)), product(2, 3, "Cup", "M", "N")}, nil},
		{"a newer one that says the same", []app.News{prices("A", 2, usd(500)), product(2, 5, "Mug", "M")}, nil},
		{"a level", []app.News{level("B", 9, 4)}, []change{{1, 4, false}}},
		{"a level of no product", []app.News{level("X", 1, 4), prices("X", 1, usd(1))}, nil},
		{"an order of both", []app.News{order("o1", app.Sold{ProductID: id(1), Day: noon, Pieces: 2}, app.Sold{ProductID: id(2), Day: noon, Pieces: 1},
			app.Sold{ProductID: id(1), Day: noon, Pieces: 1})}, []change{{1, 5, false}, {2, 6, false}}},
		{"the order again", []app.News{order("o1", app.Sold{ProductID: id(1), Day: noon, Pieces: 2})}, nil},
		{"an order of last year", []app.News{order("o2", app.Sold{ProductID: id(1), Day: noon.AddDate(-1, 0, 0), Pieces: 2})}, nil},
		{"an order without products", []app.News{order("o3")}, nil},
		{"another title", []app.News{product(2, 6, "Cup", "M")}, []change{{2, 7, true}}},
		{"the SKU that was priced before", []app.News{product(3, 1, "Late", "X")}, []change{{3, 8, true}}},
		{"all at once", []app.News{prices("A", 3, usd(1)), level("M", 1, 1), product(3, 2, "Later", "X"), prices("A", 2, usd(7))}, []change{{1, 9, false}, {2, 10, false}, {3, 11, true}}},
		{"asked for what is known", []app.News{{Event: app.Event{Subject: id(3), Sequence: 2, Asked: true}, Product: product(3, 2, "Later", "X").Product}}, nil},
		{"asked for what has changed since", []app.News{{Event: app.Event{Subject: id(3), Sequence: 2, Asked: true}, Product: product(3, 2, "Last", "X").Product}}, []change{{3, 12, true}}},
	} {
		was := s.head(t)
		before, words := was.Revision, was.Words
		do(t, s.Take(t.Context(), noon, step.news...))
		if diff := cmp.Diff(step.want, s.changes(t, before)); diff != "" {
			t.Errorf("%d %s: %s", i, step.what, diff)
		}
		if got, want := s.head(t).Revision-before, int64(len(step.want)); got != want {
			t.Errorf("%s: %d revisions, want %d", step.what, got, want)
		}
		for _, c := range step.want {
			if c.Content {
				words = c.Revision
			}
		}
		if got := s.head(t).Words; got != words {
			t.Errorf("%s: words as of %d, want %d", step.what, got, words)
		}
	}
}

func TestARowHasAllOfAProduct(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	from := noon.Add(time.Hour)
	row := search.Row{List: "eu", Currency: "EUR", Amount: 700, CompareAt: 900, Countries: []string{"DE", "AT"}, Priority: 2, From: from, To: from.Add(time.Hour)}
	shirt := product(1, 1, "Shirt", "A", "B")
	do(t, s.Take(t.Context(), noon, prices("A", 1, usd(500), row), level("A", 1, 3), shirt, order("o", app.Sold{ProductID: id(1), Day: noon, Pieces: 2})))
	rows, err := s.Changes(t.Context(), 0, 10)
	do(t, err)
	want := []app.Row{{Listed: true, Parts: app.Content | app.Offer, Clock: noon, Source: search.Source{Product: shirt.Product.Product, Revision: 2, Sold: 2,
		Offers: map[string]search.Offer{"A": {Rows: []search.Row{usd(500), row}, Available: 3}}}}}
	for i := range rows {
		rows[i].Clock = rows[i].Clock.UTC()
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	archived := product(1, 2, "Shirt", "A")
	archived.Product.Listed = false
	do(t, s.Take(t.Context(), noon, archived, level("B", 1, 9)))
	if rows, err = s.Changes(t.Context(), 2, 10); err != nil || len(rows) != 1 || rows[0].Listed || len(rows[0].Offers) != 1 || rows[0].Revision != 3 {
		t.Errorf("%v %+v: a variant that is gone tells of nothing", err, rows)
	}
	if products, revision, err := s.Listed(t.Context()); err != nil || products != 0 || revision != 3 {
		t.Error(products, revision, err)
	}
}

// A SKU may go from one product to another, and the events of the two may come in any order.
func TestASKUThatMoves(t *testing.T) {
	t.Parallel()
	old, without, taken := product(1, 1, "Old", "A", "B"), product(1, 2, "Old", "B"), product(2, 1, "New", "A")
	for name, order := range map[string][]app.News{"as told": {old, without, taken}, "the new one first": {taken, old, without}, "between": {old, taken, without}} {
		s, _ := open(t)
		do(t, s.Take(t.Context(), noon, order...))
		before := s.head(t).Revision
		do(t, s.Take(t.Context(), noon, prices("A", 1, usd(5))))
		if got := s.changes(t, before); len(got) != 1 || got[0].ID != 2 {
			t.Errorf("%s: a price of the SKU changed %+v", name, got)
		}
	}
}

func TestPricesTurnByTheClock(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	sale := usd(300)
	sale.List, sale.Priority, sale.From, sale.To = "sale", 5, noon.Add(time.Hour), noon.Add(2*time.Hour)
	do(t, s.Take(t.Context(), noon, product(1, 1, "Shirt", "A"), product(2, 1, "Mug", "M"), prices("A", 1, usd(500), sale), prices("M", 1, usd(100))))
	turn := func(at time.Duration, want ...change) {
		t.Helper()
		before := s.head(t).Revision
		n, err := s.Turn(t.Context(), noon.Add(at))
		do(t, err)
		if diff := cmp.Diff(want, s.changes(t, before)); diff != "" || n != len(want) {
			t.Errorf("after %s: %d turned: %s", at, n, diff)
		}
	}
	turn(time.Hour - time.Microsecond)
	turn(time.Hour, change{1, 5, false})
	turn(time.Hour)
	turn(3*time.Hour, change{1, 6, false})
	turn(100 * time.Hour)
	var clock time.Time
	do(t, pool.QueryRow(t.Context(), `SELECT clock FROM products WHERE id = $1`, id(1)).Scan(&clock))
	if !clock.Equal(noon.Add(3 * time.Hour)) {
		t.Errorf("the document may be made for %s, before its price began", clock)
	}
	var left int
	do(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM skus WHERE next_change_at IS NOT NULL`).Scan(&left))
	if left != 0 {
		t.Errorf("%d SKUs wait for a change that never comes", left)
	}
}

func TestSalesCountForThirtyDays(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	do(t, s.Take(t.Context(), noon, product(1, 1, "Shirt", "A"), order("o1", app.Sold{ProductID: id(1), Day: noon.AddDate(0, 0, -29), Pieces: 7}),
		order("o2", app.Sold{ProductID: id(1), Day: noon, Pieces: 2})))
	sold := func(after time.Duration) int64 {
		t.Helper()
		_, err := s.Turn(t.Context(), noon.Add(after))
		do(t, err)
		rows, err := s.Changes(t.Context(), 0, 10)
		do(t, err)
		return rows[0].Sold
	}
	if got := [3]int64{sold(0), sold(24 * time.Hour), sold(30 * 24 * time.Hour)}; got != [3]int64{9, 2, 0} {
		t.Errorf("sold %v", got)
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	news := product(1, 1, "Shirt", "A")
	news.Product.Kinds = []search.Kind{{Code: "colour", Label: "Colour", Type: search.TypeColour, Hexes: map[string]string{"#000000": "black"}},
		{Code: "size", Label: "Size", Type: search.TypeEnum}, {Code: "colour", Label: "Colour", Type: search.TypeColour, Hexes: map[string]string{"#ffffff": "white"}}}
	do(t, s.Take(t.Context(), noon, news))
	first := s.head(t).Terms
	do(t, s.Take(t.Context(), noon, product(2, 1, "Mug", "M")))
	if s.head(t).Terms != first {
		t.Error("terms moved, and nothing of them changed")
	}
	more := product(3, 1, "Hat", "H")
	more.Product.Kinds[0].Label = "Fit"
	more.Product.Kinds = append(more.Product.Kinds, search.Kind{Code: "colour", Label: "Colour", Type: search.TypeColour, Hexes: map[string]string{"#ff0000": "red"}})
	more.Product.Path[0].Slug = "shirts-and-tops"
	do(t, s.Take(t.Context(), noon, more))
	got, err := s.Terms(t.Context())
	do(t, err)
	shirts := search.Category{Term: search.Term{Value: "shirts", Label: "Shirts"}, Slug: "shirts-and-tops"}
	want := &app.Terms{Version: first + 1, Categories: map[string]search.Category{"shirts": shirts, "shirts-and-tops": shirts}, Parents: map[string]string{"shirts": ""}, Kinds: map[string]search.Kind{
		"size":   {Code: "size", Label: "Fit", Type: search.TypeEnum, Hexes: map[string]string{}},
		"colour": {Code: "colour", Label: "Colour", Type: search.TypeColour, Hexes: map[string]string{"#000000": "black", "#ffffff": "white", "#ff0000": "red"}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLacks(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	do(t, s.Take(t.Context(), noon, product(1, 5, "Shirt", "A"), level("A", 2, 1)))
	got, err := s.Lacks(t.Context(), app.FromCatalog, []app.Event{{Subject: id(1), Sequence: 5}, {Subject: id(2), Sequence: 1}})
	if err != nil || !slices.Equal(got, []string{id(2)}) {
		t.Error(got, err)
	}
	if got, err = s.Lacks(t.Context(), app.FromInventory, []app.Event{{Subject: "A", Sequence: 3}, {Subject: "B", Sequence: 1}}); err != nil || len(got) != 2 {
		t.Error(got, err)
	}
	// What another version of the source tells at the same sequence is taken in when it is asked for, and is not lacking then.
	more := product(1, 5, "Shirt", "A")
	more.Digest, more.Asked, more.Product.Translations = "more", true, map[string]search.Translation{"de": {Title: "Hemd"}}
	for _, want := range [][]string{{id(1)}, nil} {
		if got, err = s.Lacks(t.Context(), app.FromCatalog, []app.Event{more.Event}); err != nil || !slices.Equal(got, want) {
			t.Errorf("%v %v, want %v", got, err, want)
		}
		do(t, s.Take(t.Context(), noon, more))
	}
	stale := product(1, 4, "Old shirt", "A")
	stale.Digest = "stale"
	do(t, s.Take(t.Context(), noon, stale))
	if got, err = s.Lacks(t.Context(), app.FromCatalog, []app.Event{more.Event}); err != nil || len(got) != 0 {
		t.Errorf("%v %v: what comes late says nothing", got, err)
	}
	if s.head(t).Filled {
		t.Error("filled, and nobody said so")
	}
	do(t, s.Filled(t.Context(), noon))
	build, _, err := s.Rebuild(t.Context(), idem.Key{})
	if h := s.head(t); err != nil || !h.Filled || h.Build != build || build != 2 {
		t.Errorf("%+v %v", h, err)
	}
}

func TestStatements(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	for name, tc := range map[string]struct {
		want int
		call func(ctx context.Context) error
	}{
		"a product":      {3, func(ctx context.Context) error { return s.Take(ctx, noon, product(1, 1, "Shirt", "A")) }},
		"a level":        {2, func(ctx context.Context) error { return s.Take(ctx, noon, level("A", 1, 1)) }},
		"nothing is due": {1, func(ctx context.Context) error { _, err := s.Turn(ctx, noon); return err }},
		"the head":       {1, func(ctx context.Context) error { _, err := s.Head(ctx); return err }},
		"changes":        {1, func(ctx context.Context) error { _, err := s.Changes(ctx, 0, 500); return err }},
	} {
		ctx, counter := pg.WithCounter(t.Context())
		do(t, tc.call(ctx))
		if got := counter.Statements(); got != tc.want {
			t.Errorf("%s: %d statements, want %d", name, got, tc.want)
		}
	}
}

func TestHeard(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	yesterday := noon.AddDate(0, 0, -1)
	do(t, s.Note(t.Context(), yesterday, []app.Heard{{Words: "mug", Asked: 2, Found: 0}, {Words: "shirt", Asked: 3, Found: 9}}))
	do(t, s.Note(t.Context(), noon.AddDate(0, 0, -40), []app.Heard{{Words: "shirt", Asked: 100, Found: 9}}))
	errs := testkit.Race(8, func(n int) error {
		return s.Note(t.Context(), noon, []app.Heard{{Words: fmt.Sprint("w", n%2), Asked: 1, Found: 1}, {Words: "mug", Asked: 1, Found: 4}, {Words: fmt.Sprint("w", 1-n%2), Asked: 1}})
	})
	for _, err := range errs {
		do(t, err)
	}
	do(t, s.Note(t.Context(), noon, []app.Heard{{Words: "handy", Language: "de", Asked: 9, Found: 3}, {Words: "handy", Language: "en", Asked: 12, Found: 0}}))
	got, err := s.Heard(t.Context(), noon.AddDate(0, 0, -30), true, 2)
	if diff := cmp.Diff([]app.Heard{{Words: "mug", Asked: 10, Found: 4}, {Words: "handy", Language: "de", Asked: 9, Found: 3}}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if got, err = s.Heard(t.Context(), noon, true, 9); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
}
