package catalog

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sidecart/sidecart/pkg/fault"
)

// Texts are translations of a text: by language "de", or by "de-AT" where a region has its own.
type Texts map[string]string

// In returns the text in a language, else in that language without its region, else own, which is that in the shop's language.
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

// languageForm takes a primary subtag with or without a region (RFC 5646, section 2.1).
var languageForm = regexp.MustCompile(`^[a-z]{2,3}(-([A-Z]{2}|[0-9]{3}))?$`)

// ParseLanguage returns the usual form of a language tag, whose case does not matter: "de-AT"; false if it is none.
func ParseLanguage(s string) (string, bool) {
	primary, region, _ := strings.Cut(s, "-")
	normal := strings.ToLower(primary)
	if len(s) > len(primary) {
		normal += "-" + strings.ToUpper(region)
	}
	return normal, languageForm.MatchString(normal)
}

const maxLanguages = 50

// checkTexts checks translations, each at the place that at names. Own is the shop's language, whose text stands beside them.
func checkTexts(c *fault.Collector, t Texts, own, place, member string, low, high int) {
	c.Check(len(t) <= maxLanguages, place, fmt.Sprintf("must have at most %d languages", maxLanguages), len(t))
	for _, language := range slices.Sorted(maps.Keys(t))[:min(len(t), maxLanguages)] {
		at := place + "." + language
		if !languageForm.MatchString(language) {
			c.Add(place, "must be by languages such as de or de-AT", cut(language))
			continue
		}
		c.Check(language != own, at, "is the shop's own language: it stands beside", nil)
		checkText(c, at+member, t[language], low, high)
	}
}

func cut(s string) string { return s[:min(len(s), 20)] }

// given returns the texts that are not empty.
func (t Texts) given() (out Texts) {
	for language, s := range t {
		if s == "" {
			continue
		}
		if out == nil {
			out = Texts{}
		}
		out[language] = s
	}
	return out
}

// speech is how values are read in a language.
type speech struct {
	yes, no string
	comma   bool // in decimals
}

// speeches are by language without region; others read as English does.
var speeches = map[string]speech{
	"da": {"Ja", "Nej", true}, "de": {"Ja", "Nein", true}, "en": {"Yes", "No", false}, "es": {"Sí", "No", true}, "fi": {"Kyllä", "Ei", true},
	"fr": {"Oui", "Non", true}, "it": {"Sì", "No", true}, "nl": {"Ja", "Nee", true}, "no": {"Ja", "Nei", true}, "pl": {"Tak", "Nie", true},
	"pt": {"Sim", "Não", true}, "sv": {"Ja", "Nej", true},
}

func speechOf(language string) speech {
	for ; language != ""; language = withoutRegion(language) {
		if s, ok := speeches[language]; ok {
			return s
		}
	}
	return speeches["en"]
}

// Has reports whether there is a text that who asks for a language reads.
func (t Texts) Has(language string) bool { return t.In(language, "") != "" }

// In returns a product of a registry as who reads a language sees it; what is not translated stays in the shop's own.
func (p *Product) In(r *Registry, language string) *Product {
	if len(p.Titles)+len(p.Descriptions)+len(p.Texts) == 0 {
		return p
	}
	out := *p
	out.Title, out.Description = p.Titles.In(language, p.Title), p.Descriptions.In(language, p.Description)
	if len(p.Texts) > 0 {
		out.said(r, func(own string) string { return p.Texts[own].In(language, own) })
	}
	return &out
}

// said puts what say returns in the place of each value of a text attribute and each alternative text. What shares memory with others is
// copied first.
func (p *Product) said(r *Registry, say func(own string) string) {
	values := func(all Values) Values {
		all = maps.Clone(all)
		for code, v := range all {
			if a := r.Attributes[code]; a.Type == Text {
				for _, own := range a.Terms(v) {
					all[code] = quote(say(own))
				}
			}
		}
		return all
	}
	images := func(all []Image) []Image {
		all = slices.Clone(all)
		for i := range all {
			if all[i].Alt != "" {
				all[i].Alt = say(all[i].Alt)
			}
		}
		return all
	}
	p.Values, p.Images, p.Variants = values(p.Values), images(p.Images), slices.Clone(p.Variants)
	for i := range p.Variants {
		v := &p.Variants[i]
		v.Values, v.Images = values(v.Values), images(v.Images)
	}
}

// In returns the registry as who reads a language sees it. It is read-only as the registry itself is.
func (r *Registry) In(language string) *Registry {
	for tag := language; tag != "" && tag != r.Language; tag = withoutRegion(tag) {
		if in, ok := r.in[tag]; ok {
			return in
		}
	}
	return r
}

// Languages are those that something of the registry is translated to, sorted.
func (r *Registry) Languages() []string { return slices.Sorted(maps.Keys(r.in)) }

// translate makes the registries of the languages that something is translated to.
func (r *Registry) translate() {
	r.in = map[string]*Registry{}
	note := func(all Texts) {
		for language := range all {
			r.in[language] = nil
		}
	}
	for _, a := range r.Attributes {
		note(a.Labels)
		for _, c := range a.Choices {
			note(c.Labels)
		}
	}
	for _, c := range r.Categories {
		note(c.Names)
	}
	for language := range r.in {
		in := &Registry{Language: language, Attributes: make(map[string]Attribute, len(r.Attributes)), Categories: make(map[string]Category, len(r.Categories)),
			Brands: r.Brands, rules: r.rules}
		for code, a := range r.Attributes {
			a.Label, a.Language, a.Choices = a.Labels.In(language, a.Label), language, slices.Clone(a.Choices)
			for i := range a.Choices {
				a.Choices[i].Label = a.Choices[i].Labels.In(language, a.Choices[i].Label)
			}
			in.Attributes[code] = a
		}
		for code, c := range r.Categories {
			c.Name = c.Names.In(language, c.Name)
			in.Categories[code] = c
		}
		r.in[language] = in
	}
}
