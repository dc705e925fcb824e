package httpapi

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/bleveindex"
	"github.com/sidecart/sidecart/services/search/internal/postgres"
	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/internal/spelling"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// shelf is catalog's listing.
type shelf struct {
	asked  []url.Values
	answer searchapi.Products
	err    error
}

func (s *shelf) List(_ context.Context, query url.Values) (searchapi.Products, string, error) {
	s.asked = append(s.asked, query)
	return s.answer, query.Get("language"), s.err
}

// shop is the whole service on a real database and a real index, without a sidecar.
type shop struct {
	t                    testing.TB
	guest, staff, reader apitest.Client
	store                *postgres.Store
	tail                 *app.Tail
	words                *app.Words
	shelf                *shelf
	ear                  *app.Ear
	indexes              app.Indexes
	merch                *app.Merchandising
	sequence             int64
}

func open(t testing.TB) *shop {
	t.Helper()
	indexes, err := bleveindex.Open(t.TempDir(), "en")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := indexes.Close(); err != nil {
			t.Error(err)
		}
	})
	return openOn(t, indexes)
}

// stemmed are indexes that know how words end.
type stemmed interface {
	app.Indexes
	Stem(language string) func(word string) string
}

// openOn has the index elsewhere.
func openOn(t testing.TB, indexes stemmed) *shop {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	store := postgres.New(testkit.Schema(t, postgres.Migrations()...))
	tail := app.NewTail(store, indexes, "en", clock, quiet)
	words := app.NewWords(tail, func(documents iter.Seq[*search.Document]) app.Lexicons {
		out := app.Lexicons{}
		for _, language := range []string{"en", "de"} {
			b := spelling.NewBuilder(language, indexes.Stem(language))
			for d := range documents {
				b.Add(d.Texts[search.Nearest(d.Texts, language, "en")], d.Identifiers)
			}
			out[language] = b.Build()
		}
		return out
	}, quiet)
	ear := app.NewEar(store, clock, quiet)
	signer, verifier := apitest.Signer(t)
	s := httpx.New(httpx.Config{Name: "search", Verifier: verifier})
	next := "of-catalog"
	catalog := &shelf{answer: searchapi.Products{Items: []catalogapi.ProductSummary{{ID: id(9), Slug: "from-the-shelf", Price: money.New(1, "USD"), SKUs: []string{"X"}, CategoryPath: []catalogapi.CategoryRefV1{}}}, NextCursor: &next}}
	merch := app.NewMerchandising(store, "en", indexes.Stem, clock, quiet)
	if err := merch.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	trials := app.NewTrials(store, clock, quiet)
	Register(s, Parts{Shop: &app.Shop{Indexes: indexes, Terms: tail.Terms, Read: words, Past: store, Steering: merch.Steering, Ear: ear, Trials: trials, Language: "en", Now: clock, Log: quiet}, Shelf: catalog,
		Desk: app.Desk{Keeper: store, Memory: store, Tail: tail}, Merchandising: merch, Audit: store, Trials: trials}, Options{Language: "en", Currency: "USD", Country: "US", MaxAge: 10 * time.Second, Now: clock})
	guest := apitest.Client{T: t, Handler: s}
	return &shop{t: t, guest: guest, staff: guest.Staff(signer, ScopeRead, ScopeWrite), reader: guest.Staff(signer, ScopeRead), store: store, tail: tail,
		words: words, shelf: catalog, ear: ear, indexes: indexes, merch: merch}
}

func id(n int) string { return fmt.Sprintf("019c0000-0000-7000-8000-%012d", n) }

// tell takes in news, and has the index follow.
func (s *shop) tell(news ...app.News) {
	s.t.Helper()
	for i := range news {
		s.sequence++
		news[i].Sequence = s.sequence
	}
	if err := s.tail.Take(s.t.Context(), news...); err != nil {
		s.t.Fatal(err)
	}
	s.settle()
}

func (s *shop) settle() {
	s.t.Helper()
	for more := true; more; {
		var err error
		if more, err = s.tail.Step(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
	}
	if _, err := s.words.Refresh(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func product(n int, p search.Product, listed bool) app.News {
	p.ID = id(n)
	news := &app.ProductNews{Product: p, Listed: listed}
	for _, values := range [][]search.Value{p.Values, func() (all []search.Value) {
		for _, v := range p.Variants {
			all = append(all, v.Values...)
		}
		return all
	}()} {
		for _, v := range values {
			news.Kinds = append(news.Kinds, search.Kind{Code: v.Code, Label: v.Label, Type: v.Type, Unit: v.Unit})
		}
	}
	return app.News{Event: app.Event{Subject: id(n)}, Product: news}
}

func price(sku string, rows ...search.Row) app.News {
	return app.News{Event: app.Event{Subject: sku}, Prices: &app.PriceNews{SKU: sku, Rows: rows}}
}

func usd(amount, was int64) search.Row {
	return search.Row{List: "us", Currency: "USD", Amount: amount, CompareAt: was}
}

func level(sku string, available int64) app.News {
	return app.News{Event: app.Event{Subject: sku}, Level: &app.LevelNews{SKU: sku, Available: available}}
}

func enum(code, label, value, text string) search.Value {
	return search.Value{Code: code, Label: label, Type: search.TypeEnum, Terms: []search.Term{{Value: value, Label: text}}}
}

// stocked sells a shirt in two sizes, a mug of 350 ml, and a sofa that nobody may buy in the United States.
func stocked(t testing.TB) *shop {
	t.Helper()
	return open(t).stock()
}

func (s *shop) stock() *shop {
	t := s.t
	t.Helper()
	if err := s.store.Filled(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	clothing := search.Category{Term: search.Term{Value: "clothing", Label: "Clothing"}, Slug: "clothing"}
	shirts := search.Category{Term: search.Term{Value: "shirts", Label: "Shirts"}, Slug: "tops"}
	home := search.Category{Term: search.Term{Value: "home", Label: "Home"}, Slug: "home"}
	s.tell(
		product(1, search.Product{Slug: "linen-shirt", Title: "Linen Shirt", Description: "Cool.", ImageURL: "/media/shirt.svg", Brand: search.Term{Value: "alder", Label: "Alder & Co"},
			Path: []search.Category{clothing, shirts}, Popularity: 7, Published: now.Add(-time.Hour), Filterable: []string{"size", "material"}, Searchable: []string{"material"},
			Values:   []search.Value{enum("material", "Material", "linen", "Linen")},
			Variants: []search.Item{{SKU: "SH-S", Values: []search.Value{enum("size", "Size", "s", "Small")}}, {SKU: "SH-M", Values: []search.Value{enum("size", "Size", "m", "Medium")}}}}, true),
		product(2, search.Product{Slug: "mug", Title: "Coffee Mug", Path: []search.Category{home}, Popularity: 9, Published: now, Filterable: []string{"volume"},
			Values:   []search.Value{{Code: "volume", Label: "Volume", Type: search.TypeDecimal, Unit: "ml", Terms: []search.Term{{Value: "350", Label: "350 ml"}}}},
			Variants: []search.Item{{SKU: "MUG"}}}, true),
		product(3, search.Product{Slug: "sofa", Title: "Sofa", Path: []search.Category{home}, Popularity: 1, Variants: []search.Item{{SKU: "SOFA"}}}, true),
		product(4, search.Product{Slug: "draft", Title: "Draft Shirt", Path: []search.Category{shirts}, Variants: []search.Item{{SKU: "D"}}}, false),
		price("SH-S", usd(1999, 2499)), price("SH-M", usd(2199, 0)), price("MUG", usd(500, 0)), price("D", usd(1, 0)),
		price("SOFA", search.Row{List: "eu", Currency: "EUR", Amount: 90000, Countries: []string{"DE"}}),
		level("SH-M", 3), level("SOFA", 1),
	)
	return s
}

// slugs are those of a listing, in its order.
func (s *shop) slugs(query string) []string {
	s.t.Helper()
	var page searchapi.Products
	s.guest.Do("GET", "/v1/products"+query, nil).Want(200).JSON(&page)
	if page.Degraded {
		s.t.Errorf("%s: from the shelf", query)
	}
	slugs := []string{}
	for _, p := range page.Items {
		slugs = append(slugs, p.Slug)
	}
	return slugs
}
