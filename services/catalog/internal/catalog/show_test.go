package catalog

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/fault"
)

// values makes values of "code=JSON" pairs.
func values(pairs ...string) Values {
	out := Values{}
	for _, p := range pairs {
		code, raw, _ := strings.Cut(p, "=")
		out[code] = json.RawMessage(raw)
	}
	return out
}

func compared() *Registry {
	return NewRegistry("en",
		[]Attribute{
			{Code: "size", Label: "Size", Type: Enum, Choices: []Choice{{Value: "s", Label: "S"}, {Value: "m", Label: "M"}, {Value: "l", Label: "L"}}},
			{Code: "width", Label: "Width", Type: Decimal, Unit: "cm"},
			{Code: "plug", Label: "Plug", Type: Enum, Choices: []Choice{{Value: "us", Label: "US"}}},
			{Code: "care", Label: "Care", Type: Text},
			{Code: "ports", Label: "Ports", Type: MultiEnum, Choices: []Choice{{Value: "usb", Label: "USB"}, {Value: "hdmi", Label: "HDMI"}}},
		},
		[]Category{
			{Code: "lamps", Rules: []Rule{{Code: "width", Comparable: true}, {Code: "plug"}, {Code: "size", VariantDefining: true, Comparable: true}, {Code: "care"}, {Code: "gone", Comparable: true}}},
			{Code: "screens", Rules: []Rule{{Code: "plug", Comparable: true}, {Code: "ports", Comparable: true}, {Code: "width"}}},
		}, nil)
}

// table is a comparison as text: a line a row, "!" where the products differ.
func table(r *Registry, products ...*Product) (lines []string) {
	for _, row := range r.Compare(products) {
		line := row.Label
		if row.Differs {
			line += "!"
		}
		for _, cell := range row.Cells {
			var texts []string
			for _, s := range cell {
				texts = append(texts, s.Text)
			}
			line += " | " + strings.Join(texts, ", ")
		}
		lines = append(lines, line)
	}
	return lines
}

func TestCompare(t *testing.T) {
	t.Parallel()
	r := compared()
	lamp := &Product{Category: "lamps", Values: values(`width="12.5"`, `plug="us"`, `care="Dust it"`), Variants: []Variant{{Values: values(`size="l"`)}, {Values: values(`size="s"`, `width="14"`)}}}
	small := &Product{Category: "lamps", Values: values(`width="12.5"`), Variants: []Variant{{Values: values(`size="s"`)}, {Values: values(`size="l"`)}}}
	screen := &Product{Category: "screens", Values: values(`width="60"`, `ports=["usb","hdmi"]`), Variants: []Variant{{}}}
	bare := &Product{Category: "nowhere", Variants: []Variant{{}}}
	for _, tc := range []struct {
		name string
		of   []*Product
		want []string
	}{
		{"none", nil, nil},
		{"one differs from nothing", []*Product{lamp}, []string{"Width | 12.5 cm, 14 cm", "Size | S, L"}},
		{"variants in another order are the same", []*Product{lamp, small}, []string{"Width! | 12.5 cm, 14 cm | 12.5 cm", "Size | S, L | S, L"}},
		{"what one category compares is shown of all", []*Product{lamp, screen}, []string{"Width! | 12.5 cm, 14 cm | 60 cm", "Size! | S, L | ", "Plug! | US | ", "Ports! |  | USB, HDMI"}},
		{"the rules of the first come first", []*Product{screen, lamp}, []string{"Plug! |  | US", "Ports! | USB, HDMI | ", "Width! | 60 cm | 12.5 cm, 14 cm", "Size! |  | S, L"}},
		{"what none has is no row", []*Product{screen, bare}, []string{"Ports! | USB, HDMI | "}},
	} {
		if diff := cmp.Diff(tc.want, table(r, tc.of...)); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
	if rows := r.Compare(nil); rows == nil {
		t.Error("rows are nil")
	}
}

// TestCompareInAnyOrder: the order of the products moves columns and rows, and changes no cell and no verdict.
func TestCompareInAnyOrder(t *testing.T) {
	t.Parallel()
	r := compared()
	var products []*Product
	for i := range 4 {
		products = append(products, &Product{Category: []string{"lamps", "screens"}[i%2], Values: values(fmt.Sprintf(`width="%d"`, i/2), `plug="us"`), Variants: []Variant{{}}})
	}
	forward := r.Compare(products)
	slices.Reverse(products)
	backward := r.Compare(products)
	if len(forward) != 2 || len(backward) != 2 {
		t.Fatalf("%d and %d rows", len(forward), len(backward))
	}
	for _, row := range backward {
		slices.Reverse(row.Cells)
		if i := slices.IndexFunc(forward, func(o Row) bool { return o.Code == row.Code }); i < 0 || !cmp.Equal(forward[i], row) {
			t.Errorf("%s: %+v", row.Code, row)
		}
	}
}

func TestWordsOfThePathsAreNoSlugs(t *testing.T) {
	t.Parallel()
	for _, word := range reserved {
		var c fault.Collector
		sample().Check(Product{Title: "x", Slug: word, Category: "coats", Variants: []Variant{{SKU: "a", Values: values(`size="s"`)}}}, "", &c)
		if got := places(c.Err()); !slices.Equal(got, []string{"slug"}) {
			t.Errorf("%s given: %v", word, got)
		}
		it := Item{NewID: "019c0000-0000-7000-8000-000000000001", Product: Product{Title: word, Variants: []Variant{{SKU: word}}}}
		nameless := it
		nameless.Product.Title = "東京"
		for _, s := range append(it.Slugs(), nameless.Slugs()...) {
			if s == word {
				t.Errorf("%q is made a slug", s)
			}
		}
	}
}
