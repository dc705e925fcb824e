package app

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

var (
	usd  = search.Market{Currency: "USD", Country: "US"}
	here = Visit{Locale: Locale{Market: usd, Tag: "en-US"}}
)

// steps reads every query as these ways to perform it.
type steps []string

func (s steps) Query(_ context.Context, ask search.Ask, plan search.Plan, _ *Synonyms) search.Query {
	q := search.Query{Corrected: ask.Text + "!"}
	for i, word := range s {
		step := search.Step{Plan: plan}
		step.Plan.Groups = []search.Group{{Weight: float64(i), Any: []search.Alternative{{Words: []string{word}}}}}
		step.Plan.Sort = search.ByRelevance
		if i > 0 {
			step.LeftOut = []string{s[0]}
		}
		q.Steps = append(q.Steps, step)
	}
	return q
}

func terms() *Terms {
	tops := search.Category{Term: search.Term{Value: "shirts", Label: "Shirts & Tops"}, Slug: "tops"}
	mugs := search.Category{Term: search.Term{Value: "mugs", Label: "Mugs"}, Slug: "mugs"}
	return &Terms{Categories: map[string]search.Category{"shirts": tops, "tops": tops, "mugs": mugs}, Kinds: map[string]search.Kind{
		"size":  {Code: "size", Label: "Size", Type: search.TypeEnum},
		"width": {Code: "width", Label: "Width", Type: search.TypeDecimal, Unit: "cm"},
		"seats": {Code: "seats", Label: "Seats", Type: search.TypeInteger},
	}}
}

// shop has an index that answers as found says.
func shop(read Reader, found func(search.Plan) (search.Found, error)) *Shop {
	i := &indexes{}
	i.live = &index{in: i, found: found}
	return &Shop{Indexes: i, Terms: terms, Read: read, Steering: func() *Steering { return &Steering{Rules: search.NewRules(nil)} }, Ear: NewEar(nil, func() time.Time { return noon }, quiet), Language: "en", Now: func() time.Time { return noon }, Log: quiet}
}

func f(n float64) *float64 { return &n }

func TestAListingIsAPlan(t *testing.T) {
	t.Parallel()
	low, high := int64(100), int64(900)
	for name, tc := range map[string]struct {
		listing Listing
		want    []search.Filter
	}{
		"nothing":             {Listing{}, nil},
		"a category":          {Listing{Category: "shirts"}, []search.Filter{{Field: "category", Any: []string{"shirts"}}}},
		"a category's slug":   {Listing{Category: "tops"}, []search.Filter{{Field: "category", Any: []string{"shirts"}}}},
		"no category":         {Listing{Category: "nope"}, []search.Filter{{Field: "category", Any: []string{"nope"}}}},
		"a brand":             {Listing{Brand: "alder"}, []search.Filter{{Field: "brand", Any: []string{"alder"}}}},
		"prices":              {Listing{Min: &low, Max: &high}, []search.Filter{{Field: "price", Min: f(100), Max: f(900)}}},
		"in stock":            {Listing{InStock: true}, []search.Filter{{Field: "in_stock", Any: []string{"true"}}}},
		"attributes":          {Listing{Attributes: map[string][]string{"size": {"s", "m"}, "width": {"12.50 cm"}}}, []search.Filter{{Field: "attr.size", Any: []string{"s", "m"}}, {Field: "attr.width", Any: []string{"12.5"}}}},
		"bounds":              {Listing{Attributes: map[string][]string{"width": {"10..20.5"}}}, []search.Filter{{Field: "attr.width", Min: f(10), Max: f(20.5)}}},
		"one bound":           {Listing{Attributes: map[string][]string{"seats": {"2.."}}}, []search.Filter{{Field: "attr.seats", Min: f(2)}}},
		"dots that are words": {Listing{Attributes: map[string][]string{"size": {"a..b"}}}, []search.Filter{{Field: "attr.size", Any: []string{"a..b"}}}},
	} {
		var got search.Plan
		tc.listing.Market, tc.listing.Limit = usd, 24
		_, err := shop(steps{"x"}, func(p search.Plan) (search.Found, error) { got = p; return search.Found{}, nil }).List(t.Context(), tc.listing)
		if diff := cmp.Diff(tc.want, got.Filters); err != nil || diff != "" || got.Limit != 24 || got.Market != usd || got.Language != "en" || !got.Now.Equal(noon) || got.Check() != nil {
			t.Errorf("%s: %v %+v %s", name, err, got, diff)
		}
	}
}

func TestAttributesThatAreRefused(t *testing.T) {
	t.Parallel()
	s := shop(steps{"x"}, func(search.Plan) (search.Found, error) { return search.Found{}, errors.New("it was asked") })
	_, err := s.List(t.Context(), Listing{Visit: here, Attributes: map[string][]string{"nope": {"x"}, "width": {"wide"}, "seats": {".."}, "size": {""}}})
	got, _ := fault.As(err)
	var places []string
	for _, field := range got.Fields {
		places = append(places, field.Location)
	}
	if diff := cmp.Diff([]string{"query.attr.nope", "query.attr.seats", "query.attr.size", "query.attr.width"}, places); diff != "" || got.Kind != fault.Invalid {
		t.Error(got, diff)
	}
}

// Of the ways to perform a query the first that finds something counts, and a list goes on by the way by which it began.
func TestAQueryThatFindsNothingIsRelaxed(t *testing.T) {
	t.Parallel()
	var asked []string
	doc := &search.Document{ID: id(1), Texts: map[string]search.Text{"en": {Name: "Shirt"}}, Variants: []search.Variant{{Available: 1, Prices: map[search.Market]search.Price{{Currency: "USD"}: {Amount: 500}}}}}
	s := shop(steps{"red", "shirt", "anything"}, func(p search.Plan) (search.Found, error) {
		word := p.Groups[0].Any[0].Words[0]
		if p.Limit == 0 {
			asked = append(asked, word+", its facets")
			return search.Found{Total: 3}, nil
		}
		asked = append(asked, word)
		if word == "red" {
			return search.Found{}, nil
		}
		return search.Found{Total: 3, More: p.After == nil, Hits: []search.Hit{{Document: doc, Position: search.Position{Key: 7, ID: id(1)}}}}, nil
	})
	got, err := s.List(t.Context(), Listing{Visit: here, Limit: 24, Words: "red", Facets: true})
	want := &Listed{Language: "en", AskedIn: "en", Total: 3, Corrected: "red!", Relaxed: []string{"red"}, Items: []Item{{Document: doc, Name: "Shirt", Price: search.Price{Amount: 500}, Highest: 500, InStock: true}},
		Next: &Position{Sort: search.ByRelevance, Step: 1, First: 2, Position: search.Position{Key: 7, ID: id(1)}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	second, err := s.List(t.Context(), Listing{Visit: here, Limit: 24, Words: "red", After: got.Next})
	if err != nil || second.Next != nil || len(second.Items) != 1 || len(second.Relaxed) != 1 {
		t.Errorf("%v %+v", err, second)
	}
	if diff := cmp.Diff([]string{"red", "shirt", "anything", "shirt, its facets", "shirt"}, asked); diff != "" {
		t.Error(diff)
	}
	for _, step := range []int{3, 9} { // what the words mean has changed: there are fewer ways to read them
		if got, err := s.List(t.Context(), Listing{Visit: here, Limit: 24, Words: "red", After: &Position{Step: step}}); !errors.Is(err, ErrStep) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%v %+v", err, got)
		}
	}
	none, err := shop(steps{"red", "shirt"}, func(search.Plan) (search.Found, error) { return search.Found{}, nil }).List(t.Context(), Listing{Visit: here})
	if err != nil || none.Total != 0 || none.Relaxed != nil {
		t.Errorf("%v %+v: what finds nothing at all says nothing of words left out", err, none)
	}
}

// ways are a query of two words: all of them, or one.
type ways bool

func (name ways) Query(_ context.Context, _ search.Ask, plan search.Plan, _ *Synonyms) search.Query {
	if plan.Sort == "" {
		plan.Sort = search.ByRelevance
	}
	some := plan
	some.AtLeast = 1
	return search.Query{Name: bool(name), Steps: []search.Step{{Plan: plan}, {Plan: some}}}
}

// Where few products have all words, those with some of them follow, on each page: but not in an order by price, nor after a number.
func TestFewProductsAreFollowedByOthers(t *testing.T) {
	t.Parallel()
	doc := func(n int) *search.Document {
		return &search.Document{ID: id(n), Texts: map[string]search.Text{"en": {}}, Variants: []search.Variant{{Prices: map[search.Market]search.Price{{Currency: "USD"}: {}}}}}
	}
	var boosts [][]search.Boost
	all := 2
	index := func(p search.Plan) (search.Found, error) {
		if p.AtLeast == 0 {
			found := search.Found{Total: all}
			for n := range min(all, p.Limit) {
				found.Hits = append(found.Hits, search.Hit{Document: doc(n)})
			}
			return found, nil
		}
		boosts = append(boosts, p.Boosts)
		return search.Found{Total: 50, More: p.After == nil, Hits: []search.Hit{{Document: doc(0), Position: search.Position{Key: 9, ID: id(0)}}}}, nil
	}
	got, err := shop(ways(false), index).List(t.Context(), Listing{Visit: here, Limit: 1, Words: "two words"})
	if err != nil || got.Total != 50 || !got.Partial || got.Complete != 2 || got.Next == nil || got.Next.Step != 1 {
		t.Fatalf("%v %+v", err, got)
	}
	if second, err := shop(ways(false), index).List(t.Context(), Listing{Visit: here, Limit: 1, Words: "two words", After: got.Next}); err != nil || second.Complete != 2 || second.Next != nil {
		t.Errorf("%v %+v", err, second)
	}
	first := []search.Boost{{IDs: []string{id(0), id(1)}, Factor: search.Complete, Why: search.RuleComplete}}
	if diff := cmp.Diff([][]search.Boost{first, first}, boosts); diff != "" {
		t.Error(diff)
	}
	for what, l := range map[string]struct {
		read ways
		sort search.Sort
		all  int
		want int
	}{"by price": {false, search.ByPriceUp, 2, 2}, "none by price": {false, search.ByPriceUp, 0, 50}, "a number": {true, "", 1, 1}, "an unknown number": {true, "", 0, 50},
		"enough": {false, "", 8, 8}, "almost": {false, "", 7, 50}} {
		all = l.all
		got, err := shop(l.read, index).List(t.Context(), Listing{Visit: here, Limit: 24, Words: "two words", Sort: l.sort})
		if err != nil || got.Total != l.want || got.Partial != (l.want == 50) {
			t.Errorf("%s: %v %+v", what, err, got)
		}
	}
}

func TestFacets(t *testing.T) {
	t.Parallel()
	var asked []search.FacetAsk
	s := shop(steps{"x"}, func(p search.Plan) (search.Found, error) {
		asked = p.Facets
		return search.Found{Total: 1, Facets: []search.Facet{{Field: "attr.size", Values: []search.FacetValue{{Term: search.Term{Value: "s", Label: "Small"}, Count: 4}}}, {Field: "price", Min: f(1), Max: f(9)}}}, nil
	})
	got, err := s.List(t.Context(), Listing{Visit: here, Facets: true, Attributes: map[string][]string{"size": {"s"}}})
	want := []search.FacetAsk{{Field: "category", Limit: manyValues}, {Field: "brand", Limit: manyValues}, {Field: "price", Range: true}, {Field: "in_stock"},
		{Field: "attr.size", Limit: manyValues}, {Field: "attr.seats", Limit: manyValues}, {Field: "attr.width", Range: true, Limit: manyValues}}
	if diff := cmp.Diff(want, asked); err != nil || diff != "" {
		t.Error(err, diff)
	}
	size, price := got.Facets[0], got.Facets[1]
	if size.Code != "size" || size.Param != "attr.size" || size.Label != "Size" || size.Type != search.TypeEnum || !cmp.Equal(size.Selected, []string{"s"}) || size.Values[0].Count != 4 {
		t.Errorf("%+v", size)
	}
	if price.Code != "price" || price.Label != "Price" || *price.Min != 1 {
		t.Errorf("%+v", price)
	}
	if _, err := s.List(t.Context(), Listing{Visit: here}); err != nil || asked != nil {
		t.Errorf("%v %v: nobody asked for facets", err, asked)
	}
}

func TestAwayIsAFault(t *testing.T) {
	t.Parallel()
	s := shop(steps{"x"}, func(search.Plan) (search.Found, error) { return search.Found{}, ErrUnavailable })
	read := func(what string) {
		t.Helper()
		if _, err := s.List(t.Context(), Listing{Visit: here}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: a listing: %v", what, err)
		}
		if _, err := s.Suggest(t.Context(), here, "sh"); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: a suggestion: %v", what, err)
		}
	}
	read("the index fails")
	s.Indexes = &indexes{}
	read("there is none")
	s.Terms = func() *Terms { return nil }
	read("the replica was never read")
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	doc := &search.Document{ID: id(1), Slug: "shirt", Texts: map[string]search.Text{"en": {Name: "Shirt"}}}
	s := shop(steps{"x"}, func(search.Plan) (search.Found, error) {
		return search.Found{Total: 1, Hits: []search.Hit{{Document: doc}}}, nil
	})
	for text, categories := range map[string][]string{"sh": {"Shirts & Tops"}, "tops sh": {"Shirts & Tops"}, "mug": {"Mugs"}, "irts": nil, "shirts x": nil, "m": {"Mugs"}} {
		got, err := s.Suggest(t.Context(), here, text)
		var names []string
		for _, c := range got.Categories {
			names = append(names, c.Label)
		}
		if diff := cmp.Diff(categories, names, cmpopts.EquateEmpty()); err != nil || diff != "" || len(got.Products) != 1 {
			t.Errorf("%q: %v %s", text, err, diff)
		}
	}
	if got, err := s.Suggest(t.Context(), here, " - "); err != nil || len(got.Products)+len(got.Categories) != 0 {
		t.Errorf("%+v %v: nothing was typed", got, err)
	}
}

// Who has seen nothing has met no test.
func TestAListingThatFailsIsNoMeeting(t *testing.T) {
	t.Parallel()
	away := ErrUnavailable
	s := shop(steps{"x"}, func(search.Plan) (search.Found, error) {
		if away != nil {
			return search.Found{}, away
		}
		return search.Found{}, nil
	})
	rules := search.NewRules([]search.Rule{{ID: "a", Share: &search.Share{Test: "t", From: 0, To: 50}, Then: []search.Action{{Kind: search.Redirect, URL: "/"}}}})
	s.Steering = func() *Steering { return &Steering{Rules: rules} }
	s.Trials = NewTrials(nil, s.Now, quiet)
	visit := here
	visit.Visitor = "v"
	for _, want := range []int{0, 1} {
		if _, err := s.List(t.Context(), Listing{Visit: visit, Words: "x", Limit: 1}); (err == nil) != (want == 1) || len(s.Trials.pending) != want {
			t.Errorf("%v: %d meetings, not %d", err, len(s.Trials.pending), want)
		}
		away = nil
	}
}

// A category that no product is in any more is not suggested, and gives its slug to another one.
func TestCategoriesInUse(t *testing.T) {
	t.Parallel()
	category := func(code, slug string) search.Category {
		return search.Category{Term: search.Term{Value: code, Label: "Shirts " + code}, Slug: slug}
	}
	old, present, other := category("aold", "shirts"), category("present", "shirts"), category("shirts", "other")
	r, i := newReplica(), &indexes{}
	r.terms = Terms{Categories: map[string]search.Category{"aold": old, "present": present, "shirts": old, "other": other}}
	r.mark(Row{Source: search.Source{Product: search.Product{ID: id(1), Path: []search.Category{present}}}, Listed: true, Parts: Content, Clock: noon})
	r.mark(Row{Source: search.Source{Product: search.Product{ID: id(2), Path: []search.Category{old}}}, Parts: Content, Clock: noon})
	tail := newTail(r, i)
	words := NewWords(tail, func(documents iter.Seq[*search.Document]) Lexicons {
		for range documents {
			continue
		}
		return nil
	}, quiet)
	look := func(slug string, want ...search.Category) {
		t.Helper()
		settle(t, tail)
		if got := tail.Terms().Categories["shirts"].Value; got != slug {
			t.Errorf("shirts are %s, not %s", got, slug)
		}
		if diff := cmp.Diff(want, tail.Terms().begin("shi", "en")); diff != "" {
			t.Error(diff)
		}
	}
	look("aold", old, present) // nobody has looked yet
	if _, err := words.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	look("present", present)
	r.mu.Lock()
	r.head.Terms++
	r.terms.Categories = map[string]search.Category{"aold": old, "present": present, "shirts": other, "other": other}
	r.mu.Unlock()
	look("present", present)
}

// The words of products are those of queries, whichever process writes them into the index; what is not published has none.
func TestWordsAreThoseOfProducts(t *testing.T) {
	t.Parallel()
	r, i := newReplica(), &indexes{}
	tail := newTail(r, i)
	var made []string
	words := NewWords(tail, func(documents iter.Seq[*search.Document]) Lexicons {
		made = nil
		for d := range documents {
			made = append(made, d.Texts["en"].Name)
		}
		return nil
	}, quiet)
	refresh := func(want ...string) {
		t.Helper()
		settle(t, tail)
		if _, err := words.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, made, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	}
	r.put(1, true, "Shirt")
	r.put(2, false, "Draft")
	r.put(3, true, "Mug")
	refresh("Shirt", "Mug")
	made = nil
	refresh() // nothing has changed
	row := r.rows[id(1)]
	row.Parts = Offer
	r.mark(row)
	refresh() // nothing that is read
	r.put(1, true, "Linen shirt")
	refresh("Mug", "Linen shirt")
	r.put(4, true, "Sofa")
	settle(t, newTail(r, i)) // another process writes it into the index of both
	refresh("Mug", "Linen shirt", "Sofa")
	r.err = ErrUnavailable
	words.made = -1
	if _, err := words.Refresh(t.Context()); err == nil {
		t.Error("what could not be read is no dictionary")
	}
}
