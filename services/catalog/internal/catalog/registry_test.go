package catalog

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/fault"
)

func sample() *Registry {
	return NewRegistry("en",
		[]Attribute{
			{Code: "size", Label: "Size", Type: Enum, Choices: []Choice{{Value: "s", Label: "S"}, {Value: "m", Label: "M"}, {Value: "l", Label: "L"}}},
			{Code: "colour", Label: "Colour", Type: Colour, Choices: []Choice{{Value: "navy", Label: "Navy", Hex: "#1f2a44"}}},
			{Code: "material", Label: "Material", Type: Text},
			{Code: "width", Label: "Width", Type: Decimal, Unit: "cm"},
			{Code: "plug", Label: "Plug", Type: Enum, Choices: []Choice{{Value: "us", Label: "US"}, {Value: "eu", Label: "EU"}}},
		},
		[]Category{
			{Code: "clothing", Name: "Clothing", Slug: "clothing", Rules: []Rule{{Code: "colour", VariantDefining: true}, {Code: "size", Required: true, VariantDefining: true}, {Code: "material"}}},
			{Code: "shirts", Name: "Shirts", Slug: "all-shirts", Parent: "clothing", Position: 2, Rules: []Rule{{Code: "material", Required: true, Filterable: true}}},
			{Code: "coats", Name: "Coats", Slug: "coats", Parent: "clothing", Position: 1},
			{Code: "lamps", Name: "Lamps", Slug: "lamps", Rules: []Rule{{Code: "width"}, {Code: "plug", Required: true}}},
		},
		[]Brand{{Code: "alder", Name: "Alder"}})
}

func TestRulesComeDownTheTree(t *testing.T) {
	t.Parallel()
	r := sample()
	var codes []string
	for _, rule := range r.Rules("shirts") {
		codes = append(codes, rule.Code)
	}
	if !slices.Equal(codes, []string{"colour", "size", "material"}) || !r.Rules("shirts")[2].Required || r.Rules("clothing")[2].Required {
		t.Errorf("%v: a rule nearer to the leaf replaces one above", r.Rules("shirts"))
	}
	if got := r.Below("clothing"); !slices.Equal(got, []string{"clothing", "coats", "shirts"}) {
		t.Errorf("below by code: %v", got)
	}
	if got := r.Below("all-shirts"); !slices.Equal(got, []string{"shirts"}) || r.Below("nowhere") != nil {
		t.Errorf("below by slug: %v", got)
	}
	if got := r.Children("clothing"); got[0].Code != "coats" || got[1].Code != "shirts" || len(got) != 2 {
		t.Errorf("children %v", got)
	}
	if !r.Filterable("material") || r.Filterable("size") {
		t.Error("filterable")
	}
	ring := NewRegistry("en", nil, []Category{{Code: "a", Parent: "b"}, {Code: "b", Parent: "a"}}, nil)
	if n := len(ring.Path("a")); n != maxDepth {
		t.Errorf("a ring is walked %d steps", n)
	}
}

// TestTheTreeKeepsItsDepth: a path that is cut off would hide products from the categories at its root.
func TestTheTreeKeepsItsDepth(t *testing.T) {
	t.Parallel()
	var all []Category
	chain := func(name string, n int) {
		parent := ""
		for i := range n {
			c := Category{Code: fmt.Sprint(name, i), Name: "x", Slug: fmt.Sprint(name, "-", i), Parent: parent}
			all, parent = append(all, c), c.Code
		}
	}
	chain("a", 7)
	chain("b", 4)
	r := NewRegistry("en", nil, all, nil)
	for parent, want := range map[string]bool{"a4": true, "a5": true, "a6": false, "b3": false, "": true} {
		var c fault.Collector
		moved := r.Categories["b0"]
		moved.Parent = parent
		if r.CheckCategory(moved, "body", &c); (c.Err() == nil) != want {
			t.Errorf("four levels below %q: %v", parent, c.Err())
		}
		if !want {
			continue
		}
		after := append(slices.DeleteFunc(slices.Clone(all), func(o Category) bool { return o.Code == "b0" }), moved)
		if path := NewRegistry("en", nil, after, nil).Path("b3"); path[0].Parent != "" {
			t.Errorf("below %q the path begins at %s", parent, path[0].Code)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	enum := []Choice{{Value: "a", Label: "A!"}, {Value: "b", Label: "B!"}}
	for _, tc := range []struct {
		attribute    Attribute
		raw          string
		normal, text string // normal "" : refused
	}{
		{Attribute{Type: Text}, `" fine & <dandy> "`, `" fine & <dandy> "`, " fine & <dandy> "},
		{Attribute{Type: Text}, `""`, "", ""},
		{Attribute{Type: Text}, `7`, "", ""},
		{Attribute{Type: Text}, `["x"]`, "", ""},
		{Attribute{Type: Integer}, `12`, `12`, "12"},
		{Attribute{Type: Integer, Unit: "V"}, ` -0 `, `0`, "0 V"},
		{Attribute{Type: Integer}, `12.0`, "", ""},
		{Attribute{Type: Integer}, `1e3`, "", ""},
		{Attribute{Type: Integer}, `"12"`, "", ""},
		{Attribute{Type: Integer}, `9007199254740992`, "", ""},
		{Attribute{Type: Integer}, `-9007199254740991`, `-9007199254740991`, "-9007199254740991"},
		{Attribute{Type: Integer, Min: "0", Max: "10"}, `11`, "", ""},
		{Attribute{Type: Decimal, Unit: "cm"}, `12.50`, `"12.5"`, "12.5 cm"},
		{Attribute{Type: Decimal, Unit: "cm"}, `"012.500 cm"`, `"12.5"`, "12.5 cm"},
		{Attribute{Type: Decimal, Unit: "cm"}, `"12.5 in"`, "", ""},
		{Attribute{Type: Decimal, Unit: "cm"}, `"12.5cm"`, "", ""},
		{Attribute{Type: Decimal}, `"12.5 cm"`, "", ""},
		{Attribute{Type: Decimal}, `0.1000000000000000055511151231257827`, `"0.1000000000000000055511151231257827"`, "0.1000000000000000055511151231257827"},
		{Attribute{Type: Decimal}, `-0.0`, `"0"`, "0"},
		{Attribute{Type: Decimal}, `1e400`, "", ""},
		{Attribute{Type: Decimal}, `"NaN"`, "", ""},
		{Attribute{Type: Decimal}, `true`, "", ""},
		{Attribute{Type: Decimal, Min: "0.5"}, `0.49`, "", ""},
		{Attribute{Type: Boolean}, `true`, `true`, "Yes"},
		{Attribute{Type: Boolean}, `false`, `false`, "No"},
		{Attribute{Type: Boolean}, `"true"`, "", ""},
		{Attribute{Type: Enum, Choices: enum}, `"b"`, `"b"`, "B!"},
		{Attribute{Type: Enum, Choices: enum}, `"B"`, "", ""},
		{Attribute{Type: Enum, Choices: enum}, `null`, "", ""},
		{Attribute{Type: MultiEnum, Choices: enum}, `["b","a"]`, `["a","b"]`, "A!, B!"},
		{Attribute{Type: MultiEnum, Choices: enum}, `["b","b"]`, "", ""},
		{Attribute{Type: MultiEnum, Choices: enum}, `[]`, "", ""},
		{Attribute{Type: MultiEnum, Choices: enum}, `"a"`, "", ""},
		{Attribute{Type: MultiEnum, Choices: enum}, `["a",1]`, "", ""},
		{Attribute{Type: Date}, `"2028-02-29"`, `"2028-02-29"`, "2028-02-29"},
		{Attribute{Type: Date}, `"2026-02-29"`, "", ""},
		{Attribute{Type: Date}, `"29.02.2028"`, "", ""},
		{Attribute{Type: Colour}, `"#FFaa00"`, `"#ffaa00"`, "#ffaa00"},
		{Attribute{Type: Colour}, `"#FFaa0"`, "", ""},
		{Attribute{Type: Colour, Choices: []Choice{{Value: "navy", Label: "Navy", Hex: "#1f2a44"}}}, `"#1F2A44"`, `"navy"`, "Navy"},
		{Attribute{Type: Colour, Choices: []Choice{{Value: "navy", Label: "Navy", Hex: "#1f2a44"}}}, `"#1f2a45"`, "", ""},
	} {
		normal, message := tc.attribute.Parse(json.RawMessage(tc.raw))
		if (message == "") != (tc.normal != "") {
			t.Errorf("%s %s: %q", tc.attribute.Type, tc.raw, message)
			continue
		}
		if message != "" {
			continue
		}
		if string(normal) != tc.normal {
			t.Errorf("%s %s: %s, want %s", tc.attribute.Type, tc.raw, normal, tc.normal)
		}
		if got := tc.attribute.Show(normal).Text; got != tc.text {
			t.Errorf("%s %s is shown as %q, want %q", tc.attribute.Type, tc.raw, got, tc.text)
		}
		if again, message := tc.attribute.Parse(normal); message != "" || string(again) != tc.normal {
			t.Errorf("%s: the normal form %s is not its own: %s %s", tc.attribute.Type, normal, again, message)
		}
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	r := sample()
	p := &Product{Title: "Shirt", Category: "shirts", Values: Values{"material": json.RawMessage(`"linen"`), "width": json.RawMessage(`"3"`), "ghost": json.RawMessage(`1`)}, Variants: []Variant{
		{SKU: "l", Values: Values{"size": json.RawMessage(`"l"`), "colour": json.RawMessage(`"navy"`)}},
		{SKU: "s", Values: Values{"size": json.RawMessage(`"s"`)}, Images: []Image{{URL: "/s.svg"}}},
	}}
	var codes []string
	for _, v := range r.Show(p.Category, p.Values) {
		codes = append(codes, v.Code)
	}
	if !slices.Equal(codes, []string{"material", "width"}) {
		t.Errorf("shown %v: by the category's rules, then the rest that is known", codes)
	}
	want := []Option{{"colour", "Colour", []string{"Navy"}}, {"size", "Size", []string{"S", "L"}}}
	if diff := cmp.Diff(want, r.Options(p)); diff != "" {
		t.Error(diff)
	}
	if got := r.TitleOf(p, &p.Variants[0]); got != "Shirt, Navy, L" {
		t.Errorf("title %q", got)
	}
	if got := r.TitleOf(p, &p.Variants[1]); got != "Shirt, S" {
		t.Errorf("title %q", got)
	}
	if p.Image() != "/s.svg" || p.ImageOf(&p.Variants[0]) != "/s.svg" || (&Product{}).Image() != "" {
		t.Error("a picture is taken from where there is one")
	}
}

func TestRequiredOnTheProductOrOnEveryVariant(t *testing.T) {
	t.Parallel()
	r := sample()
	us, eu := json.RawMessage(`"us"`), json.RawMessage(`"eu"`)
	lamp := func(shared json.RawMessage, each ...json.RawMessage) Product {
		p := Product{Title: "Lamp", Category: "lamps", Values: Values{"width": json.RawMessage("1")}}
		if shared != nil {
			p.Values["plug"] = shared
		}
		for i, v := range each {
			one := Variant{SKU: string(rune('a' + i))}
			if v != nil {
				one.Values = Values{"plug": v}
			}
			p.Variants = append(p.Variants, one)
		}
		return p
	}
	for name, tc := range map[string]struct {
		p      Product
		places []string
	}{
		"shared":        {lamp(us, nil), nil},
		"its own":       {lamp(nil, eu), nil},
		"overridden":    {lamp(us, eu), nil},
		"nowhere":       {lamp(nil, nil), []string{"attributes.plug"}},
		"null is none":  {lamp(json.RawMessage("null"), nil), []string{"attributes.plug"}},
		"on some alone": {lamp(nil, eu, nil), []string{"variants[1].attributes.plug", "variants[1].attributes"}},
	} {
		var c fault.Collector
		r.Check(tc.p, "", &c)
		if diff := cmp.Diff(tc.places, places(c.Err())); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func places(err error) (all []string) {
	if f, ok := fault.As(err); ok {
		for _, one := range f.Fields {
			all = append(all, one.Location)
		}
	}
	return all
}

func TestImageAddresses(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"/media/x.svg": true, "/": true, "https://cdn.example/a/b_c.jpg?w=1&h=2": true, "http://localhost:8000/x.png": true, "https://img.example": true, "/a/%2e": true,
		"": false, "media/x.svg": false, "//host/x": false, "javascript:alert(1)": false, "data:image/png;base64,AA": false, "https://u:p@host/x": false,
		"https:///x": false, "/media/../x": false, "/a b": false, "/a\"b": false, "ftp://host/x": false, "/\\host": false, "https://host\\@evil": false,
	} {
		var c fault.Collector
		checkImages([]Image{{URL: address}}, "images", &c)
		if (c.Err() == nil) != ok {
			t.Errorf("%q: %v", address, c.Err())
		}
	}
}
