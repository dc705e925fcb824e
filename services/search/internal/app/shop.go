package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Shop is what shoppers read.
type Shop struct {
	Indexes  Indexes
	Terms    func() *Terms // nil while none are known
	Read     Reader
	Past     Past
	Steering func() *Steering // nil while none is known
	Ear      *Ear
	Trials   *Trials
	Language string // of the shop
	Now      func() time.Time
	Log      *slog.Logger
}

// Reader reads what was typed: what is to be looked for, and how it was understood.
type Reader interface {
	Query(ctx context.Context, ask search.Ask, plan search.Plan, synonyms *Synonyms) search.Query
}

// Listing says which products to list. Values of attributes are as they stand in an address.
type Listing struct {
	Visit
	IDs        []string // of the products to list, in this order: nothing else is looked at
	Words      string
	AsTyped    bool // nothing is corrected
	AllWords   bool // nothing is listed that has some of them only
	Category   string
	Brand      string
	Min, Max   *int64 // minor units
	InStock    bool
	Attributes map[string][]string
	Sort       search.Sort // empty: relevance with words, else popularity
	Facets     bool
	After      *Position
	Limit      int
	Explain    bool // items say why they are here, and nobody hears of the query
}

// Position is where a page ends, and of which step of its query it is. First is the place of the next product among all, from 1, in a list
// with pins; else 0. Where a list begins with nothing but pins, there is no hit yet after which to go on: its id is empty.
type Position struct {
	Sort  search.Sort
	Step  int
	First int
	search.Position
}

// Listed is a page of products.
type Listed struct {
	Items     []Item
	Total     int
	Facets    []Facet
	Corrected string   // the words as they were understood, where that is not as they were typed
	Relaxed   []string // words that were left out, because nothing has all of them
	Partial   bool     // some of them have some of the words only, because few products have all of them
	Complete  int      // how many have all that are looked for, where Partial; they come first
	Effects   search.Effects
	Next      *Position
	Language  string   // the one asked for where something is translated, else the shop's
	Asked     []string // the words, where they were asked of all products
	AskedIn   string   // the language that they were understood in
	Heard     int      // how many products then have all of them
}

// Item is a product as a listing shows it.
type Item struct {
	*search.Document
	Name       string
	Categories []search.Category // as they are called in the language asked for
	Price      search.Price
	Highest    int64 // price of a variant, in minor units
	InStock    bool
	Translated bool // the name is in that language
	Score      float64
	Reasons    []search.Reason // with Explain
}

// List answers a listing. ErrUnavailable while there is no index to read; 422 with all faults at once.
func (s *Shop) List(ctx context.Context, l Listing) (*Listed, error) {
	out, err := s.find(ctx, l, &looked{})
	if err == nil && l.After == nil && l.ours() && !l.Explain { // a search of somebody, and not what they do with its results
		s.Ear.Hear(out.AskedIn, out.Asked, out.Heard)
	}
	return out, err
}

// find is List, and nobody hears of it. looked keeps what was seen for the next list of the same visit.
func (s *Shop) find(ctx context.Context, l Listing, looked *looked) (*Listed, error) {
	if len(l.IDs) > 0 {
		return s.pick(ctx, l)
	}
	terms, steering, live, err := s.ready(ctx)
	if err != nil {
		return nil, err // before anything is refused: whoever answers in our place may know better
	}
	plan, selected, err := s.plan(terms, l)
	if err != nil {
		return nil, err
	}
	q := s.Read.Query(ctx, search.Ask{Text: l.Words, AsTyped: l.AsTyped}, plan, steering.Synonyms)
	if l.AllWords {
		q.Steps = q.Steps[:min(len(q.Steps), 1)]
	}
	effects := s.steer(&q, steering.Rules, terms, l, s.seen(ctx, live, l, looked))
	out := &Listed{Corrected: q.Corrected, Effects: effects, Language: s.Language}
	way, err := s.perform(ctx, live, &q, l)
	if err != nil || way == nil {
		return out, err
	}
	if !l.Explain {
		s.Trials.Meet(l.Visitor, effects.Tests)
	}
	pins, err := pinned(ctx, live, way.step.Plan, effects.Pins)
	if err != nil {
		return nil, err
	}
	s.show(out, terms, l, way, pins)
	for n := range way.found.Facets {
		out.Facets = append(out.Facets, s.facet(terms, l.Locale, way.found.Facets[n], selected))
	}
	if len(plan.Filters) == 0 {
		out.Asked, out.AskedIn, out.Heard = q.Words, way.step.Plan.Language, way.heard()
	}
	return out, nil
}

// ready returns what a query needs; ErrUnavailable while something of it is not there.
func (s *Shop) ready(ctx context.Context) (*Terms, *Steering, Index, error) {
	terms, steering := s.Terms(), s.Steering()
	if terms == nil || steering == nil {
		return nil, nil, nil, ErrUnavailable.WithCause(fmt.Errorf("the replica was not read yet"))
	}
	live, err := s.Indexes.Live(ctx)
	return terms, steering, live, err
}

// show puts what was found into the answer, with what is pinned.
func (s *Shop) show(out *Listed, terms *Terms, l Listing, w *way, pins []search.Pinned) {
	found, step := &w.found, w.step
	out.Total = found.Total
	if found.Total > 0 {
		out.Relaxed, out.Partial = step.LeftOut, step.Plan.AtLeast > 0
	}
	if out.Partial {
		out.Complete = w.complete
	}
	var page []search.Hit
	if page, out.Next = weave(*found, pins, out.Effects.Pins, l); out.Next != nil {
		out.Next.Sort, out.Next.Step = step.Plan.Sort, w.n
	}
	s.put(out, terms, l.Locale, page)
}

func (s *Shop) item(terms *Terms, d *search.Document, in Locale) Item {
	price, inStock, _ := d.Best(in.Market)
	language := search.Nearest(d.Texts, in.Language, s.Language)
	it := Item{Document: d, Name: d.Texts[language].Name, Categories: d.Categories, Price: price, Highest: d.Highest(in.Market), InStock: inStock, Translated: language != s.Language}
	if in.Language != "" && len(it.Categories) > 0 {
		it.Categories = slices.Clone(it.Categories)
		for i := range it.Categories {
			c := &it.Categories[i]
			c.Label = terms.Names[search.Name{Field: search.FieldCategory, Value: c.Value}].In(in.Language, c.Label)
		}
	}
	return it
}

// plan is what a listing asks beside its words, and what it has chosen by field.
func (s *Shop) plan(terms *Terms, l Listing) (search.Plan, map[string][]string, error) {
	p := search.Plan{Market: l.Market, Language: cmp.Or(l.Language, s.Language), Sort: l.Sort, Limit: l.Limit, Now: s.Now()}
	if l.After != nil {
		if p.Sort = l.After.Sort; l.After.ID != "" {
			p.After = &l.After.Position
		}
	}
	selected := map[string][]string{}
	choose := func(field string, values ...string) {
		selected[field] = values
		p.Filters = append(p.Filters, search.Filter{Field: field, Any: values})
	}
	if l.Category != "" {
		code := l.Category
		if c, known := terms.Categories[l.Category]; known {
			code = c.Value
		}
		choose(search.FieldCategory, code) // an unknown one has no products
	}
	if l.Brand != "" {
		choose(search.FieldBrand, l.Brand)
	}
	if l.InStock {
		choose(search.FieldInStock, "true")
	}
	if l.Min != nil || l.Max != nil {
		low, high := number(l.Min), number(l.Max)
		selected[search.FieldPrice] = []string{between(low, high)}
		p.Filters = append(p.Filters, search.Filter{Field: search.FieldPrice, Min: low, Max: high})
	}
	var c fault.Collector
	for _, code := range slices.Sorted(maps.Keys(l.Attributes)) {
		kind, known := terms.Kinds[code]
		if !known {
			c.Add("query.attr."+code, "is not an attribute to filter by", nil)
			continue
		}
		f, message, value := filter(kind, l.Attributes[code])
		if message != "" {
			c.Add("query.attr."+code, message, value)
			continue
		}
		if selected[f.Field] = f.Any; f.Any == nil {
			selected[f.Field] = []string{between(f.Min, f.Max)}
		}
		p.Filters = append(p.Filters, f)
	}
	if l.Facets {
		p.Facets = facets(terms, selected)
	}
	return p, selected, c.Err()
}

func number(n *int64) *float64 {
	if n == nil {
		return nil
	}
	f := float64(*n)
	return &f
}

// filter reads values of an attribute: any of them, or of a number "10..20" as well, where either bound may be missing.
func filter(kind search.Kind, values []string) (f search.Filter, message, value string) {
	f.Field = search.AttributePrefix + kind.Code
	if low, high, bounds := strings.Cut(values[0], ".."); bounds && len(values) == 1 && kind.Numeric() {
		var complaints [2]string
		f.Min, complaints[0] = bound(kind, low)
		f.Max, complaints[1] = bound(kind, high)
		if f.Min == nil && f.Max == nil {
			complaints[1] = "must have a bound"
		}
		return f, cmp.Or(complaints[:]...), values[0]
	}
	for _, v := range values {
		normal, message := kind.Normal(v)
		if message != "" {
			return f, message, v
		}
		f.Any = append(f.Any, normal)
	}
	return f, "", ""
}

// bound reads one end of a range; nil is open.
func bound(kind search.Kind, text string) (at *float64, message string) {
	if text == "" {
		return nil, ""
	}
	normal, message := kind.Normal(text)
	if message != "" {
		return nil, message
	}
	n, err := strconv.ParseFloat(normal, 64)
	if err != nil {
		return nil, "must be a number"
	}
	return &n, ""
}
