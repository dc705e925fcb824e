package seedshop

import (
	"slices"
	"strings"
)

// germanFile is the registry and the menu in German. Values of an attribute that are the Same read as in English.
type germanFile struct {
	Attributes map[string]struct {
		Label  string            `yaml:"label"`
		Same   bool              `yaml:"same"`
		Values map[string]string `yaml:"values"`
	} `yaml:"attributes"`
	Palette    map[string]string `yaml:"palette"`
	Categories map[string]string `yaml:"categories"`
}

// germanDepartments are those whose products can be read in German; each has a file beside the English one, of German texts by English ones.
var germanDepartments = []string{"groceries", "furniture", "electronics", "clothing", "shoes", "home", "kitchen", "garden", "toys", "stationery", "sport"}

// german puts German labels into the registry and the menu. Whatever has none is a fault.
func (b *builder) german() {
	file := b.src.german
	for i := range b.shop.Attributes {
		a := &b.shop.Attributes[i]
		in := file.Attributes[a.Code]
		a.German = b.must("attribute "+a.Code, in.Label)
		if in.Same {
			continue
		}
		if a.Kind == Colour {
			in.Values = file.Palette
		}
		for n := range a.Values {
			v := &a.Values[n]
			v.German = b.must("value "+v.Code+" of "+a.Code, in.Values[v.Code])
		}
	}
	for i := range b.shop.Categories {
		c := &b.shop.Categories[i]
		c.German = b.must("category "+c.Code, file.Categories[c.Code])
	}
}

func (b *builder) must(what, text string) string {
	if text == "" {
		b.fault(what, "has no German text")
	}
	return text
}

// inGerman is the title and the description of a product; none in a department that was not translated yet.
func (b *builder) inGerman(row productRow, sentences []string) (title, description string) {
	if b.words == nil {
		return "", ""
	}
	all := slices.Concat([]string{row.Name}, sentences)
	for i, english := range all {
		b.said[english] = true
		all[i] = b.must(row.Name, b.words[english])
	}
	return all[0], strings.Join(all[1:], " ")
}

// unsaid are German texts that nothing in the department says in English any more.
func (b *builder) unsaid(department string) {
	for english := range b.words {
		if !b.said[english] {
			b.fault(department, "%q is not said in English", english)
		}
	}
}
