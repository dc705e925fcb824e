package search

import "strings"

// Texts are a text in other languages than the shop's own: "de", "de-AT".
type Texts map[string]string

// In returns the text in a language, else in that language without its region, else own.
func (t Texts) In(language, own string) string {
	for ; language != ""; language = withoutRegion(language) {
		if s, ok := t[language]; ok {
			return s
		}
	}
	return own
}

func withoutRegion(language string) string {
	primary, _, regional := strings.Cut(language, "-")
	if !regional {
		return ""
	}
	return primary
}

// Nearest returns the language of those that are known which reads best for who asks for one: itself, else it without its region, else own.
func Nearest[T any](known map[string]T, language, own string) string {
	for ; language != ""; language = withoutRegion(language) {
		if _, ok := known[language]; ok {
			return language
		}
	}
	return own
}

// Name is what a text names: a field ("attr.size"), or a value of one ("category", "shirts").
type Name struct{ Field, Value string }

// Names are the texts of what of a product can be filtered by and reads differently in other languages; none of what does not.
func (p *Product) Names() map[Name]Texts {
	all := map[Name]Texts{}
	note := func(n Name, text func(Translation) string) {
		if all[n] == nil {
			all[n] = Texts{}
		}
		for language, t := range p.Translations {
			if s := text(t); s != "" {
				all[n][language] = s
			}
		}
	}
	for _, c := range p.Path {
		note(Name{FieldCategory, c.Value}, func(t Translation) string { return t.Categories[c.Value] })
	}
	values := func(of []Value) {
		for _, v := range of {
			for _, code := range p.Filterable {
				if code != v.Code {
					continue
				}
				note(Name{Field: AttributePrefix + code}, func(t Translation) string { return t.Labels[code] })
				for _, term := range v.Terms {
					if v.Type == TypeEnum || v.Type == TypeMultiEnum || v.Type == TypeColour || v.Type == TypeBoolean {
						note(Name{AttributePrefix + code, term.Value}, func(t Translation) string { return t.Values[code][term.Value] })
					}
				}
			}
		}
	}
	values(p.Values)
	for _, v := range p.Variants {
		values(v.Values)
	}
	return all
}
