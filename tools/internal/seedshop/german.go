package seedshop

import (
	"slices"
	"strings"
	"unicode"
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

// inGerman is the title and the description of a product.
func (b *builder) inGerman(row productRow, sentences []string) (title, description string) {
	all := slices.Concat([]string{row.Name}, sentences)
	for i, english := range all {
		all[i] = b.say(row.Name, english)
	}
	return all[0], strings.Join(all[1:], " ")
}

// textsInGerman are the values of text attributes of a product that have words.
func (b *builder) textsInGerman(p *Product) map[string]string {
	all := map[string]string{}
	for _, v := range p.Attributes {
		if v.Kind == Text && strings.ContainsFunc(v.Text, unicode.IsLetter) {
			all[v.Text] = b.say(p.Title, v.Text)
		}
	}
	return all
}

// say is what a department says in German for what it says in English.
func (b *builder) say(what, english string) string {
	b.said[english] = true
	return b.must(what+": "+english, b.words[english])
}

// unsaid are German texts that nothing in the department says in English any more.
func (b *builder) unsaid(department string) {
	for english := range b.words {
		if !b.said[english] {
			b.fault(department, "%q is not said in English", english)
		}
	}
}
