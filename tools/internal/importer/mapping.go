package importer

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sidecart/sidecart/pkg/money"
)

// Mapping says how a row of a source becomes a product. docs/examples/electronics.yaml is one with every part explained.
type Mapping struct {
	Version   int    `yaml:"version"`
	Source    string `yaml:"source"`
	Format    string `yaml:"format"`
	Encoding  string `yaml:"encoding"`
	Delimiter string `yaml:"delimiter"`

	Identity   []string `yaml:"identity"`
	Duplicates string   `yaml:"duplicates"`
	SKU        Value    `yaml:"sku"`
	SKUPrefix  string   `yaml:"sku_prefix"`

	Title       Value            `yaml:"title"`
	Description Value            `yaml:"description"`
	Brand       Value            `yaml:"brand"`
	Categories  Categories       `yaml:"categories"`
	TaxCategory Value            `yaml:"tax_category"`
	Status      Value            `yaml:"status"`
	Popularity  Value            `yaml:"popularity"`
	Image       Value            `yaml:"image"`
	ImageAlt    Value            `yaml:"image_alt"`
	Barcode     Value            `yaml:"barcode"`
	WeightGrams Value            `yaml:"weight_grams"`
	Attributes  map[string]Value `yaml:"attributes"`
	Prices      []PriceRule      `yaml:"prices"`
}

// The rules for rows that are alike in their identity.
const (
	Refuse = "refuse" // the later ones are exceptions
	Number = "number" // they are products of their own, numbered in the order of the file
)

// Categories says where the category path of a row stands and below which categories of the shop it hangs.
type Categories struct {
	From      Value    `yaml:"from"`
	Separator string   `yaml:"separator"` // splits a text into the path; a list is one already
	Under     []string `yaml:"under"`
}

// PriceRule is a price in one list.
type PriceRule struct {
	Amount   Value          `yaml:"amount"`
	Currency money.Currency `yaml:"currency"`
	List     string         `yaml:"list"`
	Optional bool           `yaml:"optional"` // a row without it is sold in other currencies only
}

// Value is where a text comes from: a field ("a.b.0"), a template over fields ("{name} by {brand}") or a constant. A plain
// scalar in the file is a field.
type Value struct {
	Field, Template string
	Const           *string
	Default         string
	As              string // of an attribute: text (default), number, boolean, list
	Separator       string // of a list in one text
}

// set reports whether the mapping names the value at all.
func (v Value) set() bool { return v.Field != "" || v.Template != "" || v.Const != nil }

// UnmarshalYAML reads a scalar or the long form, strictly.
func (v *Value) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		v.Field = n.Value
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: a value is a field's name or a mapping", n.Line)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if value.Kind != yaml.ScalarNode {
			return fmt.Errorf("line %d: %s is a text", value.Line, key.Value)
		}
		switch key.Value {
		case "field":
			v.Field = value.Value
		case "template":
			v.Template = value.Value
		case "const":
			v.Const = &value.Value
		case "default":
			v.Default = value.Value
		case "as":
			v.As = value.Value
		case "separator":
			v.Separator = value.Value
		default:
			return fmt.Errorf("line %d: %q is no part of a value", key.Line, key.Value)
		}
	}
	sources := 0
	for _, given := range []bool{v.Field != "", v.Template != "", v.Const != nil} {
		if given {
			sources++
		}
	}
	if sources != 1 {
		return fmt.Errorf("line %d: exactly one of field, template and const", n.Line)
	}
	return nil
}

// ReadMapping reads and checks a mapping file.
func ReadMapping(path string) (Mapping, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Mapping{}, err
	}
	m := Mapping{Duplicates: Refuse}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&m); err != nil {
		return Mapping{}, fmt.Errorf("%s: %w", path, err)
	}
	if err := m.check(); err != nil {
		return Mapping{}, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

var (
	sourceForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,19}$`)
	prefixForm = regexp.MustCompile(`^[A-Za-z0-9._-]{0,16}$`)
	formats    = []string{"", "csv", "json", "ndjson"}
	encodings  = []string{"", "utf-8", "windows-1252"}
	forms      = []string{"", "text", "number", "boolean", "list"}
)

// check reports all faults at once.
func (m Mapping) check() error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	want(m.Version == 1, "version: want 1, have %d", m.Version)
	want(sourceForm.MatchString(m.Source), "source: want up to 20 lower-case letters, digits and hyphens, have %q", m.Source)
	want(slices.Contains(formats, m.Format), "format: want csv, json or ndjson, have %q", m.Format)
	want(slices.Contains(encodings, m.Encoding), "encoding: want utf-8 or windows-1252, have %q", m.Encoding)
	want(len(m.Delimiter) <= 1, "delimiter: want one character, have %q", m.Delimiter)
	want(m.Duplicates == Refuse || m.Duplicates == Number, "duplicates: want refuse or number, have %q", m.Duplicates)
	want(len(m.Identity) > 0 || m.SKU.set(), "identity: name the fields that make a row what it is, or map sku")
	want(prefixForm.MatchString(m.SKUPrefix), "sku_prefix: want up to 16 letters, digits, . _ or -, have %q", m.SKUPrefix)
	want(m.Title.set(), "title: is required")
	want(m.Categories.From.set() || len(m.Categories.Under) > 0, "categories: is required")
	for i, name := range m.Categories.Under {
		want(strings.TrimSpace(name) != "" && len(name) <= maxName, "categories.under[%d]: want 1 to %d bytes, have %q", i, maxName, name)
	}
	for code, v := range m.Attributes {
		want(slices.Contains(forms, v.As), "attributes.%s.as: want text, number, boolean or list, have %q", code, v.As)
	}
	for i, p := range m.Prices {
		want(p.Amount.set(), "prices[%d].amount: is required", i)
		want(p.Currency.Valid(), "prices[%d].currency: %q is no currency", i, p.Currency)
	}
	return errors.Join(errs...)
}

// text returns the value for a row; "" when there is none.
func (v Value) text(row map[string]any) string {
	s := ""
	switch {
	case v.Const != nil:
		s = *v.Const
	case v.Field != "":
		s = plain(at(row, v.Field))
	case v.Template != "":
		s = placeholder.ReplaceAllStringFunc(v.Template, func(p string) string { return plain(at(row, p[1:len(p)-1])) })
	}
	if s = strings.TrimSpace(s); s == "" {
		return v.Default
	}
	return s
}

var placeholder = regexp.MustCompile(`\{[^{}]+\}`)
