package seedshop

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// builder turns the files into a shop and collects every fault on the way.
type builder struct {
	src      *source
	shop     *Shop
	registry map[string]Attribute
	brands   map[string]Brand
	faults   []error

	words map[string]string // of the department in German, by English ones
	said  map[string]bool   // those of them that a product says
}

func build(src *source) (*Shop, error) {
	b := &builder{src: src, shop: &Shop{}, brands: map[string]Brand{}}
	b.shop.Attributes, b.registry = registry(src)
	for _, r := range src.shop.Brands {
		brand := Brand{r.Code, r.Name, r.About}
		b.shop.Brands = append(b.shop.Brands, brand)
		b.brands[r.Code] = brand
	}
	for _, r := range src.shop.Locations {
		b.shop.Locations = append(b.shop.Locations, Location{r.Code, r.Name, r.Zone, r.Address})
	}
	for _, d := range src.departments {
		b.department(d)
	}
	b.rows()
	b.german()
	b.synonyms()
	if len(b.faults) > 0 {
		return nil, errors.Join(b.faults...)
	}
	b.shop.Baskets = baskets(b.shop)
	return b.shop, nil
}

// synonyms are named by their language and first word.
func (b *builder) synonyms() {
	seen := map[string]bool{}
	for _, language := range slices.Sorted(maps.Keys(b.src.synonyms)) {
		for _, row := range b.src.synonyms[language] {
			s := Synonym{Language: language, Words: row.Words, To: row.To}
			if len(s.Words) == 0 || len(s.Words) == 1 && len(s.To) == 0 {
				b.fault("synonyms", "%v of %s says nothing", row, language)
				continue
			}
			s.ID = language + "-" + slug(s.Words[0])
			if seen[s.ID] {
				b.fault("synonyms", "%s is there twice", s.ID)
			}
			seen[s.ID] = true
			b.shop.Synonyms = append(b.shop.Synonyms, s)
		}
	}
}

func (b *builder) fault(where, format string, args ...any) {
	b.faults = append(b.faults, fmt.Errorf("%s: %w", where, fmt.Errorf(format, args...)))
}

func (b *builder) department(d departmentFile) {
	b.words, b.said = b.src.words[d.Code], map[string]bool{}
	defer b.unsaid(d.Code)
	b.shop.Categories = append(b.shop.Categories, Category{Code: d.Code, Name: d.Name, About: d.About})
	for _, g := range d.Groups {
		b.shop.Categories = append(b.shop.Categories, Category{Code: g.Code, Name: g.Name, Parent: d.Code})
	}
	for i := range d.Leaves {
		l := &d.Leaves[i]
		parent := l.Parent
		if parent == "" {
			parent = d.Code
		}
		c := Category{Code: l.Code, Name: l.Name, Parent: parent, Tax: l.Tax, Rules: b.rules(l)}
		b.shop.Categories = append(b.shop.Categories, c)
		for n := range l.Products {
			b.product(l, n)
		}
	}
}

func (b *builder) rules(l *leafRow) []Rule {
	for _, code := range unknown(l.Attributes, b.registry) {
		b.fault(l.Code, "no attribute %q", code)
	}
	var rules []Rule
	for _, e := range merged(l.Attributes, nil, b.shop.Attributes) {
		r := Rule{Attribute: e.code}
		for _, word := range strings.Fields(e.value) {
			switch word {
			case "required":
				r.Required = true
			case "variant":
				r.Variant = true
			case "filter":
				r.Filterable = true
			case "search":
				r.Searchable = true
			case "compare":
				r.Compared = true
			default:
				b.fault(l.Code, "attribute %s: no flag %q", e.code, word)
			}
		}
		rules = append(rules, r)
	}
	return rules
}

// product builds the n-th product of a leaf. Its number is part of its SKUs: rows are appended to
// the end of a leaf, never inserted.
func (b *builder) product(l *leafRow, n int) {
	row := l.Products[n]
	brand, ok := b.brands[l.Brands[n%len(l.Brands)]]
	if !ok {
		b.fault(row.Name, "no brand %q", l.Brands[n%len(l.Brands)])
	}
	sentences := describe(l, row, n)
	p := Product{
		Slug: slug(brand.Name + " " + row.Name), Title: row.Name, Description: strings.Join(sentences, " "),
		Category: l.Code, Brand: brand.Code, Status: row.Status,
		kind: row.Picture, tint: row.Tint,
	}
	p.GermanTitle, p.GermanDescription = b.inGerman(row, sentences)
	if p.Status == "" {
		p.Status = Published
	}
	if p.kind == "" {
		p.kind = l.Picture
	}
	if p.tint == "" && len(l.Tints) > 0 {
		p.tint = l.Tints[n%len(l.Tints)]
	}
	p.Options = b.options(l, row)
	for _, code := range append(unknown(row.Set, b.registry), unknown(l.Set, b.registry)...) {
		b.fault(row.Name, "no attribute %q", code)
	}
	for _, e := range merged(l.Set, row.Set, b.shop.Attributes) {
		isOption := slices.ContainsFunc(p.Options, func(o Option) bool { return o.Attribute == e.code })
		if !isOption && len(e.value) > 0 && !derived(l, p.Options, e.code) {
			p.Attributes = append(p.Attributes, b.value(row.Name, e.code, e.value))
		}
	}
	b.variants(&p, l, row, fmt.Sprintf("%s-%d", l.Prefix, 101+n))
	p.GermanTexts = b.textsInGerman(&p)
	p.Images = images(&p, b.src.german.Palette)
	b.shop.Products = append(b.shop.Products, p)
}

// derived says whether the attribute follows from one of the options and so stands on the variants.
func derived(l *leafRow, options []Option, code string) bool {
	for _, o := range options {
		for _, follows := range l.Derive[o.Attribute] {
			if _, ok := follows[code]; ok {
				return true
			}
		}
	}
	return false
}

// options are the leaf's, with the row's on top; an empty list takes an option away. Colours stand
// on the row.
func (b *builder) options(l *leafRow, row productRow) []Option {
	over := map[string][]string{}
	if len(row.Colours) > 0 {
		over["colour"] = row.Colours
	}
	for code, values := range row.Options {
		over[code] = values
	}
	var out []Option
	for _, e := range merged(l.Options, over, b.shop.Attributes) {
		if len(e.value) == 0 {
			continue
		}
		o := Option{Attribute: e.code, Label: b.registry[e.code].Label}
		for _, text := range e.value {
			v := b.value(row.Name, e.code, words{text})
			o.Values = append(o.Values, Choice{Code: text, Label: v.Label, Hex: v.Hex})
		}
		out = append(out, o)
	}
	return out
}

func (b *builder) value(where, code string, w words) Value {
	v, err := b.registry[code].read(w)
	if err != nil {
		b.fault(where, "%w", err)
	}
	return v
}

// describe joins the product's own sentence with one about how its kind is made and one about its
// use; the pairs change from product to product.
func describe(l *leafRow, row productRow, n int) []string {
	if row.More != "" {
		return []string{row.Lead, row.More}
	}
	return []string{row.Lead, l.Body[n%len(l.Body)], l.Close[(n/len(l.Body)+n)%len(l.Close)]}
}

// slug is s in lower-case ASCII letters and digits with single hyphens.
func slug(s string) string {
	s = strings.NewReplacer("é", "e", "'", "").Replace(strings.ToLower(s))
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
}
