package search

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/pkg/fault"
)

var blackFriday = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func sony() Filter { return Filter{Field: FieldBrand, Any: []string{"sony"}} }

func boost(factor float64, filters ...Filter) []Action {
	return []Action{{Kind: Raise, Factor: factor, Filters: filters}}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	hour := time.Hour
	shop := Context{Words: Words("wireless headphones"), Category: []string{"electronics", "audio"}, Segments: []string{"vip", "new"}, Locale: "de-AT", Channel: "web", Visitor: "v1"}
	for name, tc := range map[string]struct {
		rule  Rule
		holds bool
	}{
		"always":                         {Rule{}, true},
		"something typed":                {Rule{When: Condition{Match: MatchAny}}, true},
		"exact":                          {Rule{When: Condition{Match: MatchExact, Texts: []string{"other", "Wireless  HEADPHONES"}}}, true},
		"exact is not part":              {Rule{When: Condition{Match: MatchExact, Texts: []string{"headphones"}}}, false},
		"exact in order":                 {Rule{When: Condition{Match: MatchExact, Texts: []string{"headphones wireless"}}}, false},
		"contains":                       {Rule{When: Condition{Match: MatchContains, Texts: []string{"Headphones"}}}, true},
		"contains whole words":           {Rule{When: Condition{Match: MatchContains, Texts: []string{"phones", "head"}}}, false},
		"contains beside":                {Rule{When: Condition{Match: MatchContains, Texts: []string{"wireless headphones"}}}, true},
		"contains no more":               {Rule{When: Condition{Match: MatchContains, Texts: []string{"wireless headphones sony"}}}, false},
		"contains however it is written": {Rule{When: Condition{Match: MatchContains, Texts: []string{"head-phones"}}}, true},
		"exact however it is written":    {Rule{When: Condition{Match: MatchExact, Texts: []string{"wirelesshead phones"}}}, true},
		"unknown match":                  {Rule{When: Condition{Match: "regexp"}}, false},
		"category":                       {Rule{When: Condition{Categories: []string{"audio"}}}, true},
		"category above":                 {Rule{When: Condition{Categories: []string{"books", "electronics"}}}, true},
		"another category":               {Rule{When: Condition{Categories: []string{"books"}}}, false},
		"segment":                        {Rule{When: Condition{Segments: []string{"new"}}}, true},
		"another segment":                {Rule{When: Condition{Segments: []string{"staff"}}}, false},
		"language":                       {Rule{When: Condition{Locales: []string{"de"}}}, true},
		"locale":                         {Rule{When: Condition{Locales: []string{"en", "de-AT"}}}, true},
		"another locale":                 {Rule{When: Condition{Locales: []string{"de-DE", "d"}}}, false},
		"channel":                        {Rule{When: Condition{Channels: []string{"web"}}}, true},
		"another channel":                {Rule{When: Condition{Channels: []string{"app"}}}, false},
		"all of it":                      {Rule{When: Condition{Match: MatchAny, Categories: []string{"audio"}, Segments: []string{"vip"}, Locales: []string{"de"}, Channels: []string{"web"}}}, true},
		"all but one":                    {Rule{When: Condition{Match: MatchAny, Categories: []string{"audio"}, Segments: []string{"vip"}, Locales: []string{"de"}, Channels: []string{"app"}}}, false},
		"has begun":                      {Rule{Starts: blackFriday, Ends: blackFriday.Add(hour)}, true},
		"is over":                        {Rule{Starts: blackFriday.Add(-hour), Ends: blackFriday}, false},
		"has not begun":                  {Rule{Starts: blackFriday.Add(1)}, false},
		"without end":                    {Rule{Starts: blackFriday.Add(-hour)}, true},
		"without beginning":              {Rule{Ends: blackFriday.Add(1)}, true},
		"everybody of a test":            {Rule{Share: &Share{"t", 0, 100}}, true},
	} {
		tc.rule.ID, tc.rule.Then = name, boost(2, sony())
		e := NewRules([]Rule{tc.rule}).Apply(shop, blackFriday)
		if got := len(e.Boosts) == 1; got != tc.holds {
			t.Errorf("%s: holds %v", name, got)
		}
	}
	browsing := NewRules([]Rule{{ID: "a", When: Condition{Match: MatchAny}, Then: boost(2, sony())}, {ID: "b", When: Condition{Match: MatchContains, Texts: []string{"x"}}, Then: boost(2, sony())}, {ID: "c", Share: &Share{"t", 0, 100}, Then: boost(2, sony())}})
	if e := browsing.Apply(Context{}, blackFriday); len(e.Boosts)+len(e.Tests) != 0 {
		t.Errorf("nothing typed, by nobody: %+v", e)
	}
}

func TestEffects(t *testing.T) {
	t.Parallel()
	since := float64(blackFriday.AddDate(0, 0, -30).Unix())
	low := 4.0
	rules := NewRules([]Rule{
		{ID: "new", Priority: 5, Then: []Action{{Kind: Raise, Factor: 1.5, NewDays: 30}}},
		{ID: "margin", Priority: 9, Then: boost(2, Filter{Field: "attr.margin", Any: []string{"high"}}, Filter{Field: FieldRating, Min: &low})},
		{ID: "sold-out", Priority: 1, Then: boost(0.1, Filter{Field: FieldInStock, Any: []string{"false"}})},
		{ID: "pins-b", Priority: 5, Then: []Action{{Kind: PinTo, Product: "p2", Position: 1}, {Kind: PinTo, Product: "p1", Position: 4}, {Kind: PinTo, Product: "p6", Position: 4}}},
		{ID: "pins-a", Priority: 5, Then: []Action{{Kind: PinTo, Product: "p1", Position: 1}, {Kind: PinTo, Product: "p3", Position: 2}, {Kind: PinTo, Product: "p4", Position: 7}}},
		{ID: "recall", Priority: -1, Then: []Action{{Kind: Hide, Product: "p4"}, {Kind: Hide, Product: "p0"}}},
		{ID: "recall-2", Priority: -2, Then: []Action{{Kind: Hide, Product: "p4"}}},
		{ID: "gift", Priority: 3, Then: []Action{{Kind: Redirect, URL: "/gift-cards"}, {Kind: Show, Banner: Banner{Title: "Gifts"}}}},
		{ID: "gift-2", Priority: 2, Then: []Action{{Kind: Redirect, URL: "/other"}, {Kind: Show, Banner: Banner{Title: "More"}}}},
	})
	got := rules.Apply(Context{}, blackFriday)
	want := Effects{
		Boosts: []Boost{
			{Filters: []Filter{{Field: "attr.margin", Any: []string{"high"}}, {Field: FieldRating, Min: &low}}, Factor: 2, Why: "margin"},
			{Filters: []Filter{{Field: FieldPublished, Min: &since}}, Factor: 1.5, Why: "new"},
			{Filters: []Filter{{Field: FieldInStock, Any: []string{"false"}}}, Factor: 0.1, Why: "sold-out"},
		},
		Pins:     []Pin{{1, "p1", "pins-a"}, {2, "p3", "pins-a"}, {3, "p2", "pins-b"}, {4, "p6", "pins-b"}},
		Hidden:   []Hidden{{"p0", "recall"}, {"p4", "recall"}},
		Redirect: &Lead{"/gift-cards", "gift"},
		Banners:  []Notice{{Banner{Title: "Gifts"}, "gift"}, {Banner{Title: "More"}, "gift-2"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	shared := Plan{Exclude: append(make([]string, 0, 8), "mine"), Boosts: []Boost{{Factor: 3, Why: "session"}}}
	q := Query{Steps: []Step{{Plan: shared}, {Plan: shared}}}
	q.Steer(got)
	for _, s := range q.Steps {
		if !slices.Equal(s.Plan.Exclude, []string{"mine", "p0", "p4"}) || len(s.Plan.Boosts) != 4 || s.Plan.Boosts[0].Why != "session" {
			t.Errorf("%+v", s.Plan)
		}
		if err := s.Plan.Check(); err != nil {
			t.Error(err)
		}
	}
}

func TestShares(t *testing.T) {
	t.Parallel()
	then := boost(2, sony())
	rules := NewRules([]Rule{{ID: "a", Share: &Share{"order", 0, 30}, Then: then}, {ID: "b", Share: &Share{"order", 30, 100}, Then: then}, {ID: "c", Share: &Share{"other", 0, 30}, Then: then}})
	const visitors = 20_000
	applied, both := map[string]int{}, 0
	for i := range visitors {
		c := Context{Visitor: fmt.Sprint("visitor-", i)}
		e := rules.Apply(c, blackFriday)
		if diff := cmp.Diff(e, rules.Apply(c, blackFriday.Add(time.Hour))); diff != "" {
			t.Fatal(diff)
		}
		if len(e.Tests) != 3 {
			t.Fatalf("%+v", e.Tests)
		}
		in := map[string]bool{}
		for _, x := range e.Tests {
			in[x.Rule] = x.Applied
			if x.Applied {
				applied[x.Rule]++
			}
			if got := slices.ContainsFunc(e.Boosts, func(b Boost) bool { return b.Why == x.Rule }); got != x.Applied {
				t.Fatalf("%s: %v", x.Rule, got)
			}
		}
		if in["a"] == in["b"] {
			t.Fatal("one arm for each")
		}
		if in["a"] && in["c"] {
			both++
		}
	}
	for rule, share := range map[string]float64{"a": 0.3, "b": 0.7, "c": 0.3} {
		if got := float64(applied[rule]) / visitors; math.Abs(got-share) > 0.02 {
			t.Errorf("%s has %.3f of the visitors, want %v", rule, got, share)
		}
	}
	if got := float64(both) / visitors; math.Abs(got-0.09) > 0.02 {
		t.Errorf("two tests have %.3f of the visitors in common, want 0.09: they are apart", got)
	}
	if s := (&Share{"order", 0, 30}); !s.has("visitor-2") || s.has("visitor-1") {
		t.Errorf("who is in a share must stay so in later versions: %v %v", s.has("visitor-2"), s.has("visitor-1"))
	}
}

func TestCheckRules(t *testing.T) {
	t.Parallel()
	low, nan := 1.0, math.NaN()
	good := []Rule{
		{ID: "black-friday", Name: "Black Friday", Priority: 10, Starts: blackFriday, Ends: blackFriday.Add(24 * time.Hour), When: Condition{Match: MatchContains, Texts: []string{"tv", `55" tv`}, Categories: []string{"tvs"}, Locales: []string{"de", "en-US"}, Channels: []string{"web"}, Segments: []string{"vip"}}, Share: &Share{"bf", 0, 50},
			Then: []Action{{Kind: Raise, Factor: 10, Filters: []Filter{sony(), {Field: FieldPrice, Min: &low}}}, {Kind: PinTo, Product: "p1", Position: 1}, {Kind: Hide, Product: "p2"}, {Kind: Redirect, URL: "/sale?x=1#top"}, {Kind: Show, Banner: Banner{Title: "Sale", Text: "Up to 50 %", ImageURL: "https://cdn.example/a.png", URL: "/"}}}},
		{ID: "new", Name: "New", Then: []Action{{Kind: Raise, Factor: 0.1, NewDays: 7}}},
	}
	if err := CheckRules(good); err != nil {
		t.Errorf("%v: %q", err, places(err))
	}
	err := CheckRules([]Rule{
		{ID: "x", Name: " ", Priority: 1001, Starts: blackFriday, Ends: blackFriday, When: Condition{Match: "like", Texts: []string{"a"}, Locales: []string{"deutsch", "de", "de"}, Segments: []string{""}}, Share: &Share{"", 50, 50}},
		{ID: "x", Name: "x", When: Condition{Match: MatchExact}, Then: []Action{
			{Kind: Raise, Factor: 10.5}, {Kind: Raise, Factor: math.NaN(), NewDays: -1}, {Kind: Raise, Factor: 1, Filters: []Filter{{Field: "colour", Min: &nan}, {Field: "attr."}, {Field: "attr.size", Any: []string{"", "l"}, Min: &low}}},
			{Kind: PinTo, Product: "a", Position: 3}, {Kind: PinTo, Product: "a", Position: 3}, {Kind: PinTo, Position: 51}, {Kind: Hide}, {Kind: Redirect}, {Kind: Redirect, URL: "javascript:alert(1)"}, {Kind: Show, Banner: Banner{URL: "//evil", ImageURL: "http://x"}}, {Kind: "email"},
		}},
		{Name: strings.Repeat("n", 201), When: Condition{Match: MatchExact, Texts: []string{"🎧", strings.Repeat("t", 201)}}, Then: []Action{{Kind: Hide, Product: "../x"}}},
	})
	want := []string{
		"rules[0].name: is required",
		"rules[0].priority: must be from -1000 to 1000",
		"rules[0].ends_at: must be after starts_at",
		"rules[0].when.match: must be any, exact or contains, or left out",
		"rules[0].when.texts: must be given with exact and contains, and with them alone",
		"rules[0].when.segments[0]: is no such code",
		"rules[0].when.locales[0]: is no such code",
		"rules[0].when.locales[2]: is there twice",
		"rules[0].share.test: must be letters, digits and .-_: alone, at most 64",
		"rules[0].share: must be a part of 0 to 100, not empty",
		"rules[0].then: must do something",
		"rules[1].when.texts: must be given with exact and contains, and with them alone",
		"rules[1].then[0].factor: must be from 0.1 to 10",
		"rules[1].then[0].filters: must be given, or new_days: a factor for everything changes nothing",
		"rules[1].then[1].factor: must be from 0.1 to 10",
		"rules[1].then[1].new_days: must be from 0 to 3650",
		"rules[1].then[1].filters: must be given, or new_days: a factor for everything changes nothing",
		"rules[1].then[2].filters[0].field: must be one of brand, category, price, in_stock, rating, published, attr.<code>",
		"rules[1].then[2].filters[0].min: must be a number",
		"rules[1].then[2].filters[1].field: must be one of brand, category, price, in_stock, rating, published, attr.<code>",
		"rules[1].then[2].filters[1].any: must be given, or bounds, and not both",
		"rules[1].then[2].filters[2].any: must be given, or bounds, and not both",
		"rules[1].then[2].filters[2].any[0]: is required",
		"rules[1].then[5].product: must be the id of a product",
		"rules[1].then[5].position: must be from 1 to 50",
		"rules[1].then[6].product: must be the id of a product",
		"rules[1].then[7].url: is required",
		`rules[1].then[8].url: must be an address: "/sale" or "https://…"`,
		"rules[1].then[9].banner.title: is required",
		`rules[1].then[9].banner.image_url: must be an address: "/sale" or "https://…"`,
		`rules[1].then[9].banner.url: must be an address: "/sale" or "https://…"`,
		"rules[1].then[10].kind: must be boost, pin, exclude, redirect or banner",
		"rules[1].then[4].position: is taken by another pin of the rule",
		"rules[1].then[4].product: is pinned twice by the rule",
		"rules[1].id: is there twice",
		"rules[2].id: must be letters, digits and .-_: alone, at most 64",
		"rules[2].name: must be at most 200 characters long",
		"rules[2].when.texts[0]: must be of 1 to 16 words",
		"rules[2].when.texts[1]: must be at most 200 characters long",
		"rules[2].then[0].product: must be the id of a product",
	}
	if diff := cmp.Diff(want, places(err)); diff != "" {
		t.Error(diff)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, fine := range map[string]bool{
		"/": true, "/sale": true, "/c/tv?brand=sony&x=%20#a": true, "https://shop.example": true, "https://shop.example:8443/a/b": true, "/?q=x": true,
		"sale": false, "//evil.example": false, "/\\evil": false, "javascript:alert(1)": false, "http://shop.example/": false, "https://u:p@x/": false, "https://": false,
		"/a b": false, "/\"onload=x": false, "/<b>": false, "/a/../b": false, "data:text/html,x": false, "/" + strings.Repeat("a", 500): false, "https://x\\@evil": false, "/\n": false,
	} {
		r := Rule{ID: "r", Name: "r", Then: []Action{{Kind: Redirect, URL: address}}}
		if err := CheckRules([]Rule{r}); (err == nil) != fine {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// drawRules draws rules that are right, with much that gets in each other's way.
func drawRules(t *rapid.T) []Rule {
	product := rapid.SampledFrom([]string{"p1", "p2", "p3", "p4"})
	action := rapid.Custom(func(t *rapid.T) Action {
		a := Action{Kind: rapid.SampledFrom([]ActionKind{Raise, PinTo, PinTo, Hide, Redirect, Show}).Draw(t, "kind")}
		switch a.Kind {
		case Raise:
			a.Factor = rapid.Float64Range(MinFactor, MaxFactor).Draw(t, "factor")
			a.NewDays = rapid.IntRange(1, 30).Draw(t, "days")
		case PinTo:
			a.Product, a.Position = product.Draw(t, "product"), rapid.IntRange(1, 4).Draw(t, "position")
		case Hide:
			a.Product = product.Draw(t, "product")
		case Redirect:
			a.URL = rapid.SampledFrom([]string{"/a", "/b"}).Draw(t, "url")
		case Show:
			a.Banner.Title = rapid.SampledFrom([]string{"A", "B"}).Draw(t, "title")
		}
		return a
	})
	var rules []Rule
	for i := range rapid.IntRange(0, 30).Draw(t, "rules") {
		r := Rule{ID: fmt.Sprint("r", i), Name: "r", Priority: rapid.IntRange(0, 2).Draw(t, "priority"), Then: rapid.SliceOfN(action, 1, 4).Draw(t, "then")}
		if rapid.Bool().Draw(t, "tested") {
			r.Share = &Share{"t", 0, rapid.IntRange(1, 100).Draw(t, "to")}
		}
		if rapid.Bool().Draw(t, "typed") {
			r.When = Condition{Match: MatchContains, Texts: []string{rapid.SampledFrom([]string{"tv", "red tv", "sofa"}).Draw(t, "text")}}
		}
		var c fault.Collector
		if r.Check("", &c); c.Err() == nil {
			rules = append(rules, r)
		}
	}
	return rules
}

// TestRulesKeepTheirLaws: the order of the list changes nothing; no position has two products, no product two positions; what is hidden is
// not pinned; the plan is such as an index takes.
func TestRulesKeepTheirLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rules := drawRules(t)
		if err := CheckRules(rules); err != nil {
			t.Fatal(err)
		}
		c := Context{Words: Words(rapid.SampledFrom([]string{"", "tv", "red tv stand", "sofa"}).Draw(t, "query")), Visitor: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "visitor")}
		e := NewRules(rules).Apply(c, blackFriday)
		if diff := cmp.Diff(e, NewRules(rapid.Permutation(rules).Draw(t, "order")).Apply(c, blackFriday)); diff != "" {
			t.Fatal(diff)
		}
		products, at := map[string]bool{}, 0
		for _, h := range e.Hidden {
			products[h.Product] = true
		}
		if len(products) != len(e.Hidden) {
			t.Fatalf("hidden twice: %v", e.Hidden)
		}
		for _, p := range e.Pins {
			if p.Position <= at || products[p.Product] {
				t.Fatalf("pins %v, hidden %v", e.Pins, e.Hidden)
			}
			at, products[p.Product] = p.Position, true
		}
		for _, b := range e.Boosts {
			if b.Factor < MinFactor || b.Factor > MaxFactor || b.Why == "" {
				t.Fatalf("%+v", b)
			}
		}
		q := NewQuery(Ask{Text: strings.Join(c.Words, " ")}, Plan{Language: "en"}, newShelf("red tv"), nil)
		q.Steer(e)
		for _, s := range q.Steps {
			if err := s.Plan.Check(); err != nil {
				t.Fatal(err)
			}
		}
		if len(e.Banners) > maxBanners {
			t.Fatalf("%d banners", len(e.Banners))
		}
	})
}

func BenchmarkApply1000(b *testing.B) {
	rules := make([]Rule, MaxRules)
	for i := range rules {
		rules[i] = Rule{ID: fmt.Sprint(i), When: Condition{Match: MatchContains, Texts: []string{fmt.Sprint("word", i%100), "another one"}}, Then: boost(2, sony())}
	}
	r := NewRules(rules)
	c := Context{Words: Words("one word7 of several")}
	for b.Loop() {
		r.Apply(c, blackFriday)
	}
}
