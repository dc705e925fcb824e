package search

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strings"
	"time"
)

// Rule is what a merchandiser says of results: when it holds, and what it does. It holds from Starts on and before Ends; a zero time is
// open. Of rules that want the same the higher Priority has its way, then the lower id.
type Rule struct {
	ID       string
	Name     string
	Priority int
	Starts   time.Time
	Ends     time.Time
	When     Condition
	Share    *Share // nil: for everybody
	Then     []Action
}

// Match is how a rule looks at what was typed.
type Match string

// The matches. How words are divided makes no difference: "t-shirt" is "tshirt".
const (
	MatchAll      Match = ""         // whatever was typed, nothing as well
	MatchAny      Match = "any"      // something was typed
	MatchExact    Match = "exact"    // the words of one of the texts, and no others
	MatchContains Match = "contains" // the words of one of the texts, beside each other
)

// Condition tells where a rule holds: all that it names must fit, by one of the values of each.
type Condition struct {
	Match      Match
	Texts      []string
	Categories []string // codes: one of them, or one below it, is looked at
	Segments   []string
	Locales    []string // "de" is "de-AT" as well
	Channels   []string
}

// Share gives a rule to a part of the visitors: those from From up to but not including To, in percent. A visitor has the same place in all
// rules that name the same Test: 0–50 and 50–100 are its two arms. Who is nobody takes part in no test.
type Share struct {
	Test     string
	From, To int
}

// ActionKind is what an action does.
type ActionKind string

// The kinds.
const (
	Raise    ActionKind = "boost"    // multiplies scores by Factor, below 1 to bury
	PinTo    ActionKind = "pin"      // puts Product at Position
	Hide     ActionKind = "exclude"  // leaves Product out
	Redirect ActionKind = "redirect" // leads to URL
	Show     ActionKind = "banner"   // shows Banner
)

// Action is one thing that a rule does; which fields are set depends on the kind.
type Action struct {
	Kind     ActionKind
	Filters  []Filter // of a boost: documents that fit all: brand, price, in_stock, attributes (of the margin as well) …
	NewDays  int      // of a boost: and are at most so many days in the shop; 0: of any age
	Factor   float64  // MinFactor–MaxFactor
	Product  string   // id
	Position int      // 1 is the first
	URL      string
	Banner   Banner
}

// Banner stands above results.
type Banner struct {
	Title, Text, ImageURL, URL string
}

// Context is who looks at what. Words are those of the query, as it was understood.
type Context struct {
	Words    []string
	Category []string // codes, root first
	Segments []string
	Locale   string // "de-AT"
	Channel  string
	Visitor  string // stable for a person; empty: nobody is known
}

// Effects are what rules do to a query, each with the rule that does it.
type Effects struct {
	Boosts   []Boost
	Pins     []Pin    // by position
	Hidden   []Hidden // by product
	Redirect *Lead
	Banners  []Notice
	Tests    []Exposure // by test and rule
}

// Pin puts a product at a position.
type Pin struct {
	Position      int
	Product, Rule string
}

// Hidden is a product that is left out.
type Hidden struct{ Product, Rule string }

// Lead is where a query leads instead of to results.
type Lead struct{ URL, Rule string }

// Notice is a banner of a rule.
type Notice struct {
	Banner
	Rule string
}

// Exposure says that a visitor met a rule that is tested, and whether it was applied: the others are those to compare with.
type Exposure struct {
	Test, Rule string
	Applied    bool
}

// What rules do together at most.
const (
	maxBoosts  = 10
	maxPins    = 50
	maxBanners = 5
)

// Rules are ready to be applied: their texts are read, and they are in their order.
type Rules struct{ all []ready }

type ready struct {
	Rule
	texts []string // their words without spaces
}

// NewRules prepares rules, in whatever order they are. They are right, by CheckRules.
func NewRules(all []Rule) *Rules {
	r := &Rules{all: make([]ready, 0, len(all))}
	for _, one := range all {
		p := ready{Rule: one}
		for _, t := range one.When.Texts {
			if words := strings.Join(Words(t), ""); words != "" {
				p.texts = append(p.texts, words)
			}
		}
		r.all = append(r.all, p)
	}
	slices.SortFunc(r.all, func(a, b ready) int { return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.ID, b.ID)) })
	return r
}

// Apply returns what the rules do in a context, now.
func (r *Rules) Apply(c Context, now time.Time) Effects {
	e := acting{hidden: map[string]bool{}}
	typed := newTyped(c.Words)
	for i := range r.all {
		rule := &r.all[i]
		if !rule.holds(c, typed, now) {
			continue
		}
		if rule.Share != nil {
			if c.Visitor == "" {
				continue
			}
			in := rule.Share.has(c.Visitor)
			e.Tests = append(e.Tests, Exposure{rule.Share.Test, rule.ID, in})
			if !in {
				continue
			}
		}
		for j := range rule.Then {
			e.take(&rule.Then[j], rule.ID, now)
		}
	}
	e.place()
	slices.SortFunc(e.Hidden, func(a, b Hidden) int { return cmp.Compare(a.Product, b.Product) })
	slices.SortFunc(e.Tests, func(a, b Exposure) int { return cmp.Or(cmp.Compare(a.Test, b.Test), cmp.Compare(a.Rule, b.Rule)) })
	return e.Effects
}

// acting gathers the effects of rules that hold.
type acting struct {
	Effects
	pins   []Pin           // as they are asked for
	hidden map[string]bool // by product
}

// take adds what an action does, as far as no rule before it did the same.
func (e *acting) take(a *Action, rule string, now time.Time) {
	switch a.Kind {
	case Raise:
		if len(e.Boosts) < maxBoosts {
			filters := slices.Clone(a.Filters)
			if a.NewDays > 0 {
				since := float64(now.AddDate(0, 0, -a.NewDays).Unix())
				filters = append(filters, Filter{Field: FieldPublished, Min: &since})
			}
			e.Boosts = append(e.Boosts, Boost{Filters: filters, Factor: a.Factor, Why: rule})
		}
	case PinTo:
		e.pins = append(e.pins, Pin{a.Position, a.Product, rule})
	case Hide:
		if !e.hidden[a.Product] {
			e.hidden[a.Product] = true
			e.Hidden = append(e.Hidden, Hidden{a.Product, rule})
		}
	case Redirect:
		if e.Redirect == nil {
			e.Redirect = &Lead{a.URL, rule}
		}
	case Show:
		if len(e.Banners) < maxBanners {
			e.Banners = append(e.Banners, Notice{a.Banner, rule})
		}
	}
}

// place gives each product one position and each position one product: who comes first has its position, the next takes the next that
// is free. What is hidden is not pinned.
func (e *acting) place() {
	taken, placed := map[int]bool{}, map[string]bool{}
	for _, p := range e.pins {
		if placed[p.Product] || e.hidden[p.Product] || len(e.Pins) == maxPins {
			continue
		}
		for taken[p.Position] {
			p.Position++
		}
		taken[p.Position], placed[p.Product] = true, true
		e.Pins = append(e.Pins, p)
	}
	slices.SortFunc(e.Pins, func(a, b Pin) int { return cmp.Compare(a.Position, b.Position) })
}

func (r *ready) holds(c Context, typed typed, now time.Time) bool {
	return during(r.Starts, r.Ends, now) && r.matches(typed) && r.When.fits(c)
}

// during tells whether now is from starts on and before ends; a zero time is open.
func during(starts, ends, now time.Time) bool {
	return !now.Before(starts) && (ends.IsZero() || now.Before(ends))
}

// fits tells whether a condition holds for who looks at what, whatever was typed.
func (w *Condition) fits(c Context) bool {
	return fits(w.Categories, c.Category...) && fits(w.Segments, c.Segments...) && fits(w.Channels, c.Channel) &&
		(len(w.Locales) == 0 || slices.ContainsFunc(w.Locales, func(l string) bool { return c.Locale == l || strings.HasPrefix(c.Locale, l+"-") }))
}

// fits tells whether one of the values is among those that are asked for, or none is asked for.
func fits(asked []string, values ...string) bool {
	return len(asked) == 0 || slices.ContainsFunc(values, func(v string) bool { return slices.Contains(asked, v) })
}

// typed is a query as rules look at it: all of it, and each part of it, without spaces.
type typed struct {
	all   string
	parts map[string]bool
}

func newTyped(words []string) typed {
	words = words[:min(len(words), maxQueryWords)]
	t := typed{strings.Join(words, ""), map[string]bool{}}
	for i := range words {
		part := ""
		for _, w := range words[i:] {
			part += w
			t.parts[part] = true
		}
	}
	return t
}

func (r *ready) matches(t typed) bool {
	switch r.When.Match {
	case MatchAll:
		return true
	case MatchAny:
		return t.all != ""
	case MatchExact:
		return slices.Contains(r.texts, t.all)
	case MatchContains:
		return slices.ContainsFunc(r.texts, func(text string) bool { return t.parts[text] })
	}
	return false
}

// has tells whether a visitor is of the share.
func (s *Share) has(visitor string) bool {
	place := Place(s.Test, visitor)
	return place >= s.From && place < s.To
}

// Place is where a visitor stands in a test, 0–99: always the same, and independent of where he stands in others.
func Place(test, visitor string) int {
	h := fnv.New64a()
	h.Write([]byte(test + "\x00" + visitor)) // never fails
	return int(mix(h.Sum64()) % 100)
}

// mix spreads what differs in few bits over all of them (the last step of MurmurHash3).
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// Steer applies effects to all steps of a query: its boosts, and what is left out. Pinned products stay in what the plan finds, counts and
// has facets of; whoever makes a page takes them out of the hits, and weaves them in.
func (q *Query) Steer(e Effects) {
	for i := range q.Steps {
		p := &q.Steps[i].Plan
		p.Boosts = slices.Concat(p.Boosts, e.Boosts)
		p.Exclude = slices.Clone(p.Exclude)
		for _, h := range e.Hidden {
			p.Exclude = append(p.Exclude, h.Product)
		}
	}
}
