package search

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/fault"
)

func TestPlanCheck(t *testing.T) {
	t.Parallel()
	word := func(w string) []Group {
		return []Group{{Any: []Alternative{{Words: []string{w}, Weight: 1}}, Weight: 1}}
	}
	red := []Filter{{Field: "attr.colour", Any: []string{"red"}}}
	nan, inf := math.NaN(), math.Inf(1)
	good := []Plan{
		{}, {Limit: MaxLimit, Sort: ByNewest}, {Groups: word("tent")}, {Groups: word(strings.Repeat("x", MaxWordBytes))},
		{Filters: []Filter{{Field: FieldPrice, Max: &inf}, {Field: "", Any: []string{""}}}}, {Boosts: []Boost{{}}}, {After: &Position{Key: -1}},
	}
	for _, p := range good {
		if err := p.Check(); err != nil {
			t.Errorf("%+v is refused: %v", p, err)
		}
	}
	bad := map[string]Plan{
		"limit": {Limit: -1}, "limit ": {Limit: MaxLimit + 1}, "sort": {Sort: "colour"}, "at_least": {AtLeast: -1},
		"groups": {Groups: make([]Group, MaxGroups+1)}, "groups[0]": {Groups: []Group{{Weight: 1}}}, "groups[0] ": {Groups: word("")},
		"groups[0]  ": {Groups: word(strings.Repeat("x", MaxWordBytes+1))}, "groups[0]   ": {Groups: word("\xff")},
		"groups[0].weight":     {Groups: []Group{{Any: word("a")[0].Any, Weight: inf}}},
		"groups[0].weight ":    {Groups: []Group{{Any: []Alternative{{Words: []string{"a"}, Weight: nan}}}}},
		"facets":               {Facets: make([]FacetAsk, MaxFacets+1)},
		"filters":              {Filters: make([]Filter, MaxFilters+1)},
		"filters[0]":           {Filters: []Filter{{Field: FieldPrice, Min: &nan}}},
		"filters[0]  ":         {Filters: []Filter{{Field: FieldPrice}}},
		"filters[0]   ":        {Filters: []Filter{{Field: FieldPrice, Any: []string{"1"}, Max: &inf}}},
		"filters[0] ":          {Filters: []Filter{{Any: make([]string, MaxIDs+1)}}},
		"boosts":               {Boosts: make([]Boost, MaxBoosts+1)},
		"filters of boosts":    {Boosts: []Boost{{Filters: slices.Repeat(red, MaxFilters)}, {Filters: red}}},
		"words":                {Groups: []Group{{Any: slices.Repeat([]Alternative{{Words: slices.Repeat([]string{"a"}, MaxPhrase)}}, MaxWords/MaxPhrase+1)}}},
		"boosts[0].factor":     {Boosts: []Boost{{Factor: nan}}},
		"boosts[0].factor ":    {Boosts: []Boost{{Factor: -1}}},
		"boosts[0].filters[0]": {Boosts: []Boost{{Filters: []Filter{{Max: &nan}}}}},
		"only":                 {Only: make([]string, MaxIDs+1)}, "exclude": {Exclude: make([]string, MaxIDs+1)},
		"after": {After: &Position{Key: nan}},
	}
	for at, p := range bad {
		err := p.Check()
		f, ok := fault.As(err)
		if !ok || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Location != strings.TrimSpace(at) {
			t.Errorf("%s: %v", at, err)
		}
	}
}

func TestMarketText(t *testing.T) {
	t.Parallel()
	for _, m := range []Market{{Currency: "EUR"}, {Currency: "EUR", Country: "DE"}, {}} {
		text, err := m.MarshalText()
		var back Market
		if err != nil || back.UnmarshalText(text) != nil || back != m {
			t.Errorf("%+v is read back from %q as %+v", m, text, back)
		}
	}
}

func TestVariantIn(t *testing.T) {
	t.Parallel()
	v := Variant{Prices: map[Market]Price{{Currency: "EUR"}: {Amount: 10}, {Currency: "EUR", Country: "DE"}: {Amount: 9}, {Currency: "USD", Country: "US"}: {Amount: 8}}}
	for m, want := range map[Market]int64{
		{Currency: "EUR"}: 10, {Currency: "EUR", Country: "DE"}: 9, {Currency: "EUR", Country: "FR"}: 10,
		{Currency: "USD", Country: "US"}: 8, {Currency: "USD"}: 0, {Currency: "USD", Country: "CA"}: 0,
	} {
		if p, ok := v.In(m); p.Amount != want || ok != (want > 0) {
			t.Errorf("in %v: %v %v, not %d", m, p, ok, want)
		}
	}
}
