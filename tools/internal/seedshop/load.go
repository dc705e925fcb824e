package seedshop

import (
	"bytes"
	"embed"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

//go:embed data/*.yaml data/de/*.yaml
var dataFiles embed.FS

// departmentFiles are the departments in the order of the shop's menu.
var departmentFiles = []string{"clothing", "shoes", "electronics", "furniture", "home", "kitchen", "groceries", "garden", "toys", "stationery", "sport"}

type source struct {
	attributes  []attributeRow
	shop        shopFile
	departments []departmentFile
	german      germanFile
	rows        []Row
	words       map[string]map[string]string // German texts by English ones, by department
	synonyms    map[string][]synonymRow      // by language
}

type attributeRow struct {
	Code   string   `yaml:"code"`
	Label  string   `yaml:"label"`
	Kind   Kind     `yaml:"kind"`
	Unit   string   `yaml:"unit"`
	Values []choice `yaml:"values"`
}

// choice is a code, or {code: label} where the label is not the code in words.
type choice struct{ code, label string }

func (c *choice) UnmarshalYAML(n *yaml.Node) error {
	switch {
	case n.Kind == yaml.ScalarNode:
		c.code, c.label = n.Value, inWords(n.Value)
	case n.Kind == yaml.MappingNode && len(n.Content) == 2:
		c.code, c.label = n.Content[0].Value, n.Content[1].Value
	default:
		return fmt.Errorf("line %d: a choice is a code or {code: label}", n.Line)
	}
	return nil
}

// words is one value or a list of values, as text; the registry says how to read it. An empty list
// on a product takes away what its leaf sets.
type words []string

func (w *words) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*w = words{n.Value}
		return nil
	}
	return n.Decode((*[]string)(w))
}

type synonymRow struct {
	Words []string `yaml:"words"`
	To    []string `yaml:"to"`
}

type shopFile struct {
	Palette []struct {
		Code  string `yaml:"code"`
		Label string `yaml:"label"`
		Hex   string `yaml:"hex"`
	} `yaml:"palette"`
	Brands []struct {
		Code  string `yaml:"code"`
		Name  string `yaml:"name"`
		About string `yaml:"about"`
	} `yaml:"brands"`
	Locations []struct {
		Code    string  `yaml:"code"`
		Name    string  `yaml:"name"`
		Zone    string  `yaml:"zone"`
		Address Address `yaml:"address"`
	} `yaml:"locations"`
}

type departmentFile struct {
	Code   string `yaml:"code"`
	Name   string `yaml:"name"`
	About  string `yaml:"about"`
	Groups []struct {
		Code string `yaml:"code"`
		Name string `yaml:"name"`
	} `yaml:"groups"`
	Leaves []leafRow `yaml:"leaves"`
}

// leafRow is a leaf category and what its products have in common. Scale holds percentages of
// price and weight by option value; Derive holds the attributes that follow from an option value.
type leafRow struct {
	Code       string                                 `yaml:"code"`
	Name       string                                 `yaml:"name"`
	Parent     string                                 `yaml:"parent"`
	Prefix     string                                 `yaml:"prefix"`
	Picture    string                                 `yaml:"picture"`
	Tax        string                                 `yaml:"tax"`
	Attributes map[string]string                      `yaml:"attributes"`
	Brands     []string                               `yaml:"brands"`
	Options    map[string][]string                    `yaml:"options"`
	Scale      scales                                 `yaml:"scale"`
	Set        map[string]words                       `yaml:"set"`
	Derive     map[string]map[string]map[string]words `yaml:"derive"`
	Tints      []string                               `yaml:"tints"`
	Weight     int64                                  `yaml:"weight"`
	Box        [3]int64                               `yaml:"box"`
	Stock      int64                                  `yaml:"stock"`
	Tiers      [][2]int64                             `yaml:"tiers"`
	Body       []string                               `yaml:"body"`
	Close      []string                               `yaml:"close"`
	Products   []productRow                           `yaml:"products"`
}

type scales map[string]map[string][2]int64

// productRow is a product; what it leaves out it takes from its leaf. USD and Was are whole
// dollars before rounding; More replaces the leaf's sentences where they do not fit.
type productRow struct {
	Name    string              `yaml:"name"`
	USD     int64               `yaml:"usd"`
	Was     int64               `yaml:"was"`
	Lead    string              `yaml:"lead"`
	More    string              `yaml:"more"`
	Colours []string            `yaml:"colours"`
	Options map[string][]string `yaml:"options"`
	Scale   scales              `yaml:"scale"`
	Set     map[string]words    `yaml:"set"`
	Picture string              `yaml:"picture"`
	Tint    string              `yaml:"tint"`
	Weight  int64               `yaml:"weight"`
	Box     [3]int64            `yaml:"box"`
	Without []string            `yaml:"without"`
	Status  Status              `yaml:"status"`
}

func load() (*source, error) {
	src := &source{}
	if err := decode("attributes", &src.attributes); err != nil {
		return nil, err
	}
	if err := decode("shop", &src.shop); err != nil {
		return nil, err
	}
	if err := decode("rows", &src.rows); err != nil {
		return nil, err
	}
	for _, name := range departmentFiles {
		var d departmentFile
		if err := decode(name, &d); err != nil {
			return nil, err
		}
		src.departments = append(src.departments, d)
	}
	if err := decode("de/registry", &src.german); err != nil {
		return nil, err
	}
	src.words = map[string]map[string]string{}
	for _, name := range departmentFiles {
		var german map[string]string
		if err := decode("de/"+name, &german); err != nil {
			return nil, err
		}
		src.words[name] = german
	}
	if err := decode("synonyms", &src.synonyms); err != nil {
		return nil, err
	}
	src.addPalette()
	return src, nil
}

// addPalette gives every attribute of kind colour the palette as its values.
func (s *source) addPalette() {
	for i := range s.attributes {
		if s.attributes[i].Kind != Colour {
			continue
		}
		for _, p := range s.shop.Palette {
			s.attributes[i].Values = append(s.attributes[i].Values, choice{p.Code, p.Label})
		}
	}
}

func decode(name string, into any) error {
	b, err := dataFiles.ReadFile("data/" + name + ".yaml")
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("data/%s.yaml: %w", name, err)
	}
	return nil
}

// merged is base with the entries of over on top, as the codes of registry order.
func merged[V any](base, over map[string]V, order []Attribute) []entry[V] {
	var out []entry[V]
	for _, a := range order {
		v, ok := over[a.Code]
		if !ok {
			v, ok = base[a.Code]
		}
		if ok {
			out = append(out, entry[V]{a.Code, v})
		}
	}
	return out
}

type entry[V any] struct {
	code  string
	value V
}

// unknown lists the keys that are no attribute.
func unknown[V any](m map[string]V, reg map[string]Attribute) []string {
	var out []string
	for k := range m {
		if _, ok := reg[k]; !ok {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}
