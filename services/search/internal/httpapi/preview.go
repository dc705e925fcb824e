package httpapi

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

type previewInput struct {
	Body searchapi.PreviewInput
}

// preview answers by the settings as they are stored now, whoever changed them.
func (a *api) preview(ctx context.Context, in *previewInput) (*httpx.Body[searchapi.Preview], error) {
	b := &in.Body
	var c fault.Collector
	who := a.visit(VisitQuery{ReaderQuery: ReaderQuery{LocaleQuery: LocaleQuery{MarketQuery: MarketQuery{Currency: b.Currency, Country: b.Country}, LanguageQuery: LanguageQuery{Language: b.Language},
		Locale: b.Locale}, Channel: b.Channel, Visitor: b.Visitor}, Seen: b.Seen}, "body", &c)
	who.Segments, who.At = b.Segments, b.At
	l := app.Listing{Visit: who, Words: b.Query, AsTyped: b.AsTyped, Category: b.Category, Brand: b.Brand, Min: b.PriceMin, Max: b.PriceMax, InStock: b.InStock,
		Attributes: b.Attributes, Sort: search.Sort(b.Sort), Limit: b.Limit, Explain: true}
	c.Check(len(strings.Fields(b.Query)) <= maxWords, "body.query", fmt.Sprintf("takes at most %d words", maxWords), nil)
	for code, values := range b.Attributes {
		c.Check(len(values) > 0 && len(values) <= maxFilters, "body.attributes."+code, fmt.Sprintf("takes 1 to %d values", maxFilters), nil)
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	if err := a.merch.Refresh(ctx); err != nil {
		return nil, err
	}
	listed, err := a.shop.List(ctx, l)
	if err != nil {
		return nil, inBody(err)
	}
	return &httpx.Body[searchapi.Preview]{Body: previewOf(listed, l)}, nil
}

// inBody puts the faults of attributes to where they stand in the body of a preview.
func inBody(err error) error {
	f, ok := fault.As(err)
	if !ok || len(f.Fields) == 0 {
		return err
	}
	moved := *f
	moved.Fields = slices.Clone(f.Fields)
	for i := range moved.Fields {
		if code, found := strings.CutPrefix(moved.Fields[i].Location, "query.attr."); found {
			moved.Fields[i].Location = "body.attributes." + code
		}
	}
	return &moved
}

func previewOf(listed *app.Listed, l app.Listing) searchapi.Preview {
	e := &listed.Effects
	out := searchapi.Preview{Hits: []searchapi.PreviewHit{}, Total: listed.Total, CorrectedQuery: listed.Corrected, Relaxed: listed.Relaxed, Partial: listed.Partial, Complete: listed.Complete,
		Pins: []searchapi.PreviewPin{}, Excluded: []searchapi.PreviewExclude{}, Banners: []searchapi.PreviewBanner{}, Tests: []searchapi.PreviewTest{},
		Redirect: (*searchapi.PreviewRedirect)(e.Redirect)}
	for i := range listed.Items {
		it := &listed.Items[i]
		hit := searchapi.PreviewHit{Product: summary(it, l.Market.Currency), Position: i + 1, Score: it.Score, Why: []searchapi.Reason{}}
		if n := slices.IndexFunc(e.Pins, func(p search.Pin) bool { return p.Product == it.ID }); n >= 0 {
			hit.PinnedBy = e.Pins[n].Rule
			hit.Why = append(hit.Why, searchapi.Reason{Text: fmt.Sprintf("pinned to position %d by rule %s", e.Pins[n].Position, e.Pins[n].Rule), Rule: e.Pins[n].Rule})
		}
		for _, r := range it.Reasons {
			hit.Why = append(hit.Why, reason(r))
		}
		out.Hits = append(out.Hits, hit)
	}
	for _, p := range e.Pins {
		shown := slices.ContainsFunc(listed.Items, func(it app.Item) bool { return it.ID == p.Product })
		out.Pins = append(out.Pins, searchapi.PreviewPin{Product: p.Product, Position: p.Position, Rule: p.Rule, Shown: shown})
	}
	for _, h := range e.Hidden {
		out.Excluded = append(out.Excluded, searchapi.PreviewExclude(h))
	}
	for _, b := range e.Banners {
		out.Banners = append(out.Banners, searchapi.PreviewBanner{Banner: searchapi.Banner(b.Banner), Rule: b.Rule})
	}
	for _, t := range e.Tests {
		out.Tests = append(out.Tests, searchapi.PreviewTest(t))
	}
	return out
}

// reason says a part of a score in words.
func reason(r search.Reason) searchapi.Reason {
	seen, bySeen := strings.CutPrefix(r.Rule, search.SeenPrefix)
	field, name, _ := strings.Cut(seen, " ")
	switch {
	case r.Rule == "":
		return searchapi.Reason{Text: fmt.Sprintf("“%s” in %s adds %.4g", r.Word, r.Field, r.Amount), Word: r.Word, Field: r.Field, Adds: r.Amount}
	case bySeen:
		return searchapi.Reason{Text: fmt.Sprintf("products of %s “%s” were looked at, which multiplies by %.4g", field, name, r.Amount), Field: field, Rule: "seen", Factor: r.Amount}
	case r.Rule == search.RuleComplete:
		return searchapi.Reason{Text: "it has all of the words, others here have not", Rule: r.Rule, Factor: r.Amount}
	case r.Rule == search.RulePopularity:
		return searchapi.Reason{Text: fmt.Sprintf("popularity multiplies by %.4g", r.Amount), Rule: r.Rule, Factor: r.Amount}
	default:
		return searchapi.Reason{Text: fmt.Sprintf("rule %s multiplies by %.4g", r.Rule, r.Amount), Rule: r.Rule, Factor: r.Amount}
	}
}
