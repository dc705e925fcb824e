package relevance

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/internal/spelling"
)

// Shop is the search as shoppers have it. It implements Engine.
type Shop struct {
	shop     app.Shop
	lexicons app.Lexicons
}

// Indexes are those of an adapter, with the stems that it finds words by.
type Indexes interface {
	app.Indexes
	Stem(language string) func(word string) string
}

// NewShop fills an index with products. Synonyms are those of the shop.
func NewShop(ctx context.Context, xs Indexes, products []*Product, synonyms []search.Synonym) (*Shop, error) {
	var documents []*search.Document
	var changes []app.Change
	for _, p := range products {
		d, err := p.Document()
		if err != nil {
			return nil, err
		}
		documents = append(documents, d)
		changes = append(changes, app.Change{ID: d.ID, Parts: app.Content | app.Offer, Document: d})
	}
	x, err := xs.Create(ctx, "judged")
	if err != nil {
		return nil, err
	}
	for part := range slices.Chunk(changes, 100) {
		if err := x.Write(ctx, 1, part); err != nil {
			return nil, err
		}
	}
	if err := xs.Switch(ctx, x); err != nil {
		return nil, err
	}
	s := &Shop{lexicons: app.Lexicons{}}
	for language, of := range spelling.Dictionaries(slices.Values(documents), Own, xs.Stem) {
		s.lexicons[language] = of
	}
	steering := &app.Steering{Synonyms: app.NewSynonyms(synonyms, xs.Stem), Rules: search.NewRules(nil)}
	s.shop = app.Shop{Indexes: xs, Terms: func() *app.Terms { return &app.Terms{} }, Read: s, Steering: func() *app.Steering { return steering },
		Language: Own, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	return s, nil
}

// Query implements app.Reader, as app.Words does it.
func (s *Shop) Query(_ context.Context, ask search.Ask, plan search.Plan, synonyms *app.Synonyms) search.Query {
	plan.Language = search.Nearest(s.lexicons, plan.Language, Own)
	return search.NewQuery(ask, plan, s.lexicons[plan.Language], synonyms.In(plan.Language))
}

// Search implements Engine. Explain keeps the query from being counted.
func (s *Shop) Search(ctx context.Context, text, language string) (ids []string, err error) {
	listed, err := s.shop.List(ctx, app.Listing{Visit: app.Visit{Locale: app.Locale{Market: Market, Language: cmp.Or(language, Own)}}, Words: text, Limit: Deep, Explain: true})
	if err != nil {
		return nil, err
	}
	for _, it := range listed.Items {
		ids = append(ids, it.ID)
	}
	return ids, nil
}
