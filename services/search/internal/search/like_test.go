package search

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func viewed(category, brand string) *Document {
	d := &Document{Brand: Term{brand, strings.ToUpper(brand)}}
	if category != "" {
		for code := range strings.SplitSeq(category, "/") {
			d.Categories = append(d.Categories, Category{Term: Term{code, strings.ToUpper(code)}})
		}
	}
	return d
}

func TestLike(t *testing.T) {
	t.Parallel()
	say := func(all []Boost) (said []string) {
		for _, b := range all {
			said = append(said, fmt.Sprintf("%s %v %.3f", b.Why, b.Filters[0].Any, b.Factor))
		}
		return said
	}
	for name, tc := range map[string]struct {
		seen []*Document
		want []string
	}{
		"nothing":         {nil, nil},
		"what says none":  {[]*Document{viewed("", "")}, nil},
		"one":             {[]*Document{viewed("home/mugs", "alder")}, []string{"seen category MUGS [mugs] 1.090", "seen brand ALDER [alder] 1.040"}},
		"the last counts": {[]*Document{viewed("a", "x"), viewed("b", "y"), viewed("c", "z")}, []string{"seen category C [c] 1.052", "seen category B [b] 1.042", "seen brand Z [z] 1.023"}},
		"the most counts": {[]*Document{viewed("a", "x"), viewed("a", "x"), viewed("b", "")}, []string{"seen category A [a] 1.075", "seen category B [b] 1.052", "seen brand X [x] 1.033"}},
	} {
		if diff := cmp.Diff(tc.want, say(Like(tc.seen))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Whatever somebody has looked at, nothing is raised by more than 1.3, and nothing is buried.
func TestLikeIsBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var seen []*Document
		for range rapid.IntRange(0, MaxSeen).Draw(t, "views") {
			seen = append(seen, viewed(rapid.SampledFrom([]string{"", "a", "a/b", "a/b/c"}).Draw(t, "category"), rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "brand")))
		}
		all := 1.0
		for _, b := range Like(seen) {
			if all *= b.Factor; b.Factor < 1 || math.IsNaN(all) {
				t.Fatalf("%+v", b)
			}
		}
		if all > 1.3 {
			t.Fatalf("%v", all)
		}
	})
}

func TestSimilar(t *testing.T) {
	t.Parallel()
	usd := Market{Currency: "USD"}
	d := viewed("home/mugs", "alder")
	d.Variants = []Variant{{Prices: map[Market]Price{usd: {Amount: 1000}}}}
	d.Attributes = []Attribute{{Code: "material", Term: Term{Value: "clay"}}}
	filters, boosts := Similar(d, usd)
	got := []string{fmt.Sprint(filters[0].Field, filters[0].Any)}
	for _, b := range boosts {
		line := fmt.Sprint(b.Filters[0].Field, b.Filters[0].Any, " ", b.Factor)
		if b.Filters[0].Min != nil {
			line += fmt.Sprint(" ", *b.Filters[0].Min, "–", *b.Filters[0].Max)
		}
		got = append(got, line)
	}
	want := []string{"category[mugs]", "in_stock[true] 1000", "attr.material[clay] 1.2", "brand[alder] 1.1", "price[] 1.5 750–1250", "price[] 1.2 500–1500"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, boosts := Similar(d, Market{Currency: "EUR"}); len(boosts) != 3 {
		t.Errorf("%+v", boosts)
	}
	d.Attributes = make([]Attribute, 99)
	_, boosts = Similar(d, usd)
	most := Popular(math.MaxInt64)
	for _, b := range boosts[1:] {
		most *= b.Factor
	}
	if len(boosts) > MaxFilters || most >= similarStock {
		t.Errorf("%d boosts, %v beside stock", len(boosts), most)
	}
	if filters, boosts := Similar(viewed("", "alder"), usd); filters != nil || boosts != nil {
		t.Errorf("%v %v", filters, boosts)
	}
}
