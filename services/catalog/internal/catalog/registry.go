package catalog

import (
	"cmp"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/sidecart/sidecart/pkg/fault"
)

// The types of an attribute.
const (
	Text      = "text"
	Integer   = "integer"
	Decimal   = "decimal"
	Boolean   = "boolean"
	Enum      = "enum"
	MultiEnum = "multi_enum"
	Date      = "date"
	Colour    = "colour"
)

// Attribute is one entry of the typed registry.
type Attribute struct {
	Code, Label, Type string
	Labels            Texts
	Unit              string   // of integers and decimals
	Choices           []Choice // what an enum may be; of a colour: its palette, none for any colour
	Min, Max          string   // of integers and decimals, plain decimals, inclusive; empty is open
	Language          string   // that values are shown in; empty: English
}

// Choice is a value that an enum or a palette has. Hex is a colour's, #rrggbb.
type Choice struct {
	Value, Label, Hex string
	Labels            Texts
}

// Rule says what an attribute is for in a category and below it.
type Rule struct {
	Code                                                          string
	Required, VariantDefining, Filterable, Searchable, Comparable bool
}

// Category is a node of the tree; the root ones have no Parent.
type Category struct {
	Code, Name, Slug, Parent string
	Names                    Texts
	Position                 int
	Rules                    []Rule
}

// Brand is a maker.
type Brand struct{ Code, Name string }

// Registry is everything that products are checked against, as of one moment. It is read-only once built.
type Registry struct {
	Language   string // of the shop
	Attributes map[string]Attribute
	Categories map[string]Category
	Brands     map[string]Brand
	rules      map[string][]Rule    // with those of the ancestors, by category
	in         map[string]*Registry // in other languages
}

// NewRegistry returns a registry of these parts, whose texts are in a language.
func NewRegistry(language string, attributes []Attribute, categories []Category, brands []Brand) *Registry {
	r := &Registry{Language: language, Attributes: map[string]Attribute{}, Categories: map[string]Category{}, Brands: map[string]Brand{}, rules: map[string][]Rule{}}
	for _, a := range attributes {
		r.Attributes[a.Code] = a
	}
	for _, c := range categories {
		r.Categories[c.Code] = c
	}
	for _, b := range brands {
		r.Brands[b.Code] = b
	}
	for code := range r.Categories {
		r.rules[code] = r.gather(code)
	}
	r.translate()
	return r
}

// gather lists the rules of a category after those of its ancestors; a rule nearer to the leaf replaces one above.
func (r *Registry) gather(code string) (all []Rule) {
	for _, c := range r.Path(code) {
		for _, rule := range c.Rules {
			if i := slices.IndexFunc(all, func(o Rule) bool { return o.Code == rule.Code }); i >= 0 {
				all[i] = rule
			} else {
				all = append(all, rule)
			}
		}
	}
	return all
}

// Rules returns the rules that hold in a category, those of its ancestors first.
func (r *Registry) Rules(category string) []Rule { return r.rules[category] }

// maxDepth bounds the tree, and what a broken one can cost.
const maxDepth = 10

// Path returns the categories from the root to this one; nothing for an unknown one.
func (r *Registry) Path(code string) (path []Category) {
	for len(path) < maxDepth {
		c, ok := r.Categories[code]
		if !ok {
			break
		}
		path = append(path, c)
		code = c.Parent
	}
	slices.Reverse(path)
	return path
}

// Below returns the codes of a category and of all below it, sorted. The category is named by code or slug; nothing for an unknown one.
func (r *Registry) Below(name string) (codes []string) {
	for _, c := range r.Categories {
		if slices.ContainsFunc(r.Path(c.Code), func(p Category) bool { return p.Code == name || p.Slug == name }) {
			codes = append(codes, c.Code)
		}
	}
	slices.Sort(codes)
	return codes
}

// Children returns the categories right below one, or the roots for "", by position, then name.
func (r *Registry) Children(parent string) (all []Category) {
	for _, c := range r.Categories {
		if c.Parent == parent {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b Category) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Code, b.Code))
	})
	return all
}

var (
	hexForm     = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
	choiceForm  = regexp.MustCompile(`^[A-Za-z0-9#][A-Za-z0-9._+/-]{0,63}$`)
	types       = []string{Text, Integer, Decimal, Boolean, Enum, MultiEnum, Date, Colour}
	noVariant   = []string{MultiEnum} // types that cannot tell variants apart
	maxChoices  = 2000
	maxRules    = 200
	maxPosition = 1_000_000
)

// CheckAttribute checks an attribute by itself and returns its normal form. Own is the shop's language.
func CheckAttribute(a Attribute, own, place string, c *fault.Collector) Attribute {
	c.Check(codeForm.MatchString(a.Code), "path.code", "must be lower-case letters, digits, . _ or -", a.Code)
	checkText(c, place+".label", a.Label, 1, 200)
	checkTexts(c, a.Labels, own, place+".labels", "", 1, 200)
	checkText(c, place+".unit", a.Unit, 0, 20)
	c.Check(slices.Contains(types, a.Type), place+".type", "must be one of "+strings.Join(types, ", "), a.Type)
	numeric := a.Type == Integer || a.Type == Decimal
	c.Check(a.Unit == "" || numeric, place+".unit", "belongs to integer and decimal", a.Unit)
	low, lowOK := bound(c, place+".min", a.Min, numeric)
	high, highOK := bound(c, place+".max", a.Max, numeric)
	if lowOK && highOK {
		c.Check(low.Cmp(high) <= 0, place+".max", "must not be below min", a.Max)
	}
	enum := a.Type == Enum || a.Type == MultiEnum
	c.Check(!enum || len(a.Choices) > 0, place+".values", "must list what the attribute may be", nil)
	c.Check(enum || a.Type == Colour || len(a.Choices) == 0, place+".values", "belongs to enum, multi_enum and colour", nil)
	c.Check(len(a.Choices) <= maxChoices, place+".values", fmt.Sprintf("must have at most %d entries", maxChoices), len(a.Choices))
	a.Choices = checkChoices(a, own, place+".values", c)
	return a
}

func checkChoices(a Attribute, own, place string, c *fault.Collector) []Choice {
	out := slices.Clone(a.Choices)
	seen := make(map[string]bool, len(out))
	for i := range out {
		v, at := &out[i], fmt.Sprintf("%s[%d]", place, i)
		if a.Type == Colour && v.Hex == "" && hexForm.MatchString(v.Value) {
			v.Hex = v.Value // a palette of plain colours
		}
		if v.Hex = strings.ToLower(v.Hex); hexForm.MatchString(v.Value) {
			v.Value = strings.ToLower(v.Value)
		}
		c.Check(choiceForm.MatchString(v.Value), at+".value", "must be 1 to 64 letters, digits, . _ + / or -", v.Value)
		c.Check(!seen[v.Value], at+".value", "stands twice", v.Value)
		seen[v.Value] = true
		checkText(c, at+".label", v.Label, 1, 200)
		checkTexts(c, v.Labels, own, at+".labels", "", 1, 200)
		if a.Type == Colour {
			c.Check(hexForm.MatchString(v.Hex), at+".hex", "must be #RRGGBB", v.Hex)
		} else {
			c.Check(v.Hex == "", at+".hex", "belongs to colour", v.Hex)
		}
	}
	return out
}

func bound(c *fault.Collector, place, s string, numeric bool) (*big.Rat, bool) {
	if s == "" {
		return nil, false
	}
	c.Check(numeric, place, "belongs to integer and decimal", s)
	plain, ok := plainDecimal(s)
	c.Check(ok, place, "must be a decimal number", s)
	if !ok {
		return nil, false
	}
	n, ok := new(big.Rat).SetString(plain)
	return n, ok
}

// CheckCategory checks a category against the registry that it is to join.
func (r *Registry) CheckCategory(cat Category, place string, c *fault.Collector) {
	c.Check(codeForm.MatchString(cat.Code), "path.code", "must be lower-case letters, digits, . _ or -", cat.Code)
	checkText(c, place+".name", cat.Name, 1, 200)
	checkTexts(c, cat.Names, r.Language, place+".names", "", 1, 200)
	c.Check(ValidSlug(cat.Slug), place+".slug", "must be lower-case words with hyphens", cat.Slug)
	c.Check(cat.Position >= 0 && cat.Position <= maxPosition, place+".position", fmt.Sprintf("must be from 0 to %d", maxPosition), cat.Position)
	for _, o := range r.Categories {
		if o.Code == cat.Code {
			continue
		}
		c.Check(o.Slug != cat.Slug && o.Code != cat.Slug, place+".slug", "belongs to category "+o.Code, cat.Slug)
		c.Check(o.Slug != cat.Code, "path.code", "is the slug of category "+o.Code, cat.Code)
	}
	if cat.Parent != "" {
		path := r.Path(cat.Parent)
		c.Check(len(path) > 0, place+".parent_code", "is not a category", cat.Parent)
		c.Check(!slices.ContainsFunc(path, func(p Category) bool { return p.Code == cat.Code }), place+".parent_code", "is below the category itself", cat.Parent)
		c.Check(len(path)+r.height(cat.Code) <= maxDepth, place+".parent_code", "is too deep", cat.Parent)
	}
	c.Check(len(cat.Rules) <= maxRules, place+".attributes", fmt.Sprintf("must have at most %d entries", maxRules), len(cat.Rules))
	seen := map[string]bool{}
	for i, rule := range cat.Rules {
		at := fmt.Sprintf("%s.attributes[%d]", place, i)
		a, ok := r.Attributes[rule.Code]
		c.Check(ok, at+".code", "is not an attribute", rule.Code)
		c.Check(!seen[rule.Code], at+".code", "stands twice", rule.Code)
		c.Check(!rule.VariantDefining || !slices.Contains(noVariant, a.Type), at+".variant_defining", "cannot be "+a.Type, nil)
		seen[rule.Code] = true
	}
}

// height counts the levels from a category down, its own among them.
func (r *Registry) height(code string) int {
	most := 1
	for _, c := range r.Categories {
		path := r.Path(c.Code)
		if i := slices.IndexFunc(path, func(p Category) bool { return p.Code == code }); i >= 0 {
			most = max(most, len(path)-i)
		}
	}
	return most
}

// CheckBrand checks a brand.
func CheckBrand(b Brand, place string, c *fault.Collector) {
	c.Check(codeForm.MatchString(b.Code), "path.code", "must be lower-case letters, digits, . _ or -", b.Code)
	checkText(c, place+".name", b.Name, 1, 200)
}

// checkText checks a text for its length in bytes and for what no text column holds.
func checkText(c *fault.Collector, place, s string, low, high int) {
	switch {
	case len(s) < low:
		c.Add(place, "must be given", nil)
	case len(s) > high:
		c.Add(place, fmt.Sprintf("must have at most %d bytes", high), nil)
	case strings.ContainsRune(s, 0):
		c.Add(place, "must not contain U+0000", nil)
	case low > 0 && strings.TrimSpace(s) == "":
		c.Add(place, "must not be blank", nil)
	}
}

// Filterable reports whether some category lets shoppers filter by an attribute.
func (r *Registry) Filterable(code string) bool {
	for _, c := range r.Categories {
		if slices.ContainsFunc(c.Rules, func(rule Rule) bool { return rule.Code == code && rule.Filterable }) {
			return true
		}
	}
	return false
}
