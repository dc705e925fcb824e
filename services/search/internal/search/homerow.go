package search

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
)

// HomeRow is a row of products on the home page: what it is called, when and for whom it is there, and which listing it shows. It holds from
// Starts on and before Ends; a zero time is open. Rows stand by Position, those of one position by id.
type HomeRow struct {
	ID       string
	Titles   Texts // by language; that of the shop is among them
	Position int
	Limit    int // of products
	Starts   time.Time
	Ends     time.Time
	When     Condition // segments, locales and channels
	Shows    Shown
}

// Shown is the listing that a row shows: Products by their ids in this order, or what the rest says. Prices are in minor units of whatever
// currency is read, attributes as they stand in an address.
type Shown struct {
	Products   []string
	Words      string
	Category   string // code or slug
	Brand      string
	Min, Max   *int64
	InStock    bool
	Attributes map[string][]string
	Sort       Sort
}

// What rows may be at most.
const (
	MaxHomeRows   = 200
	MaxShownRows  = 20 // for one visit
	maxRowItems   = 50
	maxRowTitle   = 100
	maxRowTitles  = 50
	maxPosition   = 1000
	maxAttributes = 20 // and values of each
	maxRowWords   = 200
)

// Check notes the faults of a row; at stands before their places. Language is the shop's.
func (r *HomeRow) Check(at, language string, c *fault.Collector) {
	c.Check(codeForm.MatchString(r.ID), at+"id", "must be letters, digits and .-_: alone, at most 64", r.ID)
	c.Check(r.Titles[language] != "", at+"titles."+language, "is required: it is the shop's language", nil)
	c.Check(len(r.Titles) <= maxRowTitles, at+"titles", fmt.Sprintf("must be at most %d", maxRowTitles), len(r.Titles))
	for _, l := range slices.Sorted(maps.Keys(r.Titles)) {
		c.Check(languageForm.MatchString(l), at+"titles."+l, `must be of a language, such as "de"`, l)
		checkText(r.Titles[l], at+"titles."+l, maxRowTitle, true, c)
	}
	c.Check(r.Position >= 0 && r.Position <= maxPosition, at+"position", fmt.Sprintf("must be from 0 to %d", maxPosition), r.Position)
	c.Check(r.Limit >= 1 && r.Limit <= maxRowItems, at+"limit", fmt.Sprintf("must be from 1 to %d", maxRowItems), r.Limit)
	checkSpan(r.Starts, r.Ends, at, c)
	r.When.check(at+"when.", c)
	r.Shows.check(at+"shows.", c)
}

func (s *Shown) check(at string, c *fault.Collector) {
	rest := s.Words != "" || s.Category != "" || s.Brand != "" || s.Min != nil || s.Max != nil || s.InStock || len(s.Attributes) > 0 || s.Sort != ""
	c.Check(len(s.Products) == 0 || !rest, at+"ids", "must stand alone: they are shown as they are, in their order", nil)
	c.Check(len(s.Products) <= maxRowItems, at+"ids", fmt.Sprintf("must be at most %d", maxRowItems), len(s.Products))
	for i, p := range s.Products[:min(len(s.Products), maxRowItems)] {
		at := fmt.Sprintf("%sids[%d]", at, i)
		checkText(p, at, maxLine, true, c)
		c.Check(!slices.Contains(s.Products[:i], p), at, "is there twice", p)
	}
	checkText(s.Words, at+"q", maxRowWords, false, c)
	checkText(s.Category, at+"category", maxLine, false, c)
	checkText(s.Brand, at+"brand", maxLine, false, c)
	for name, n := range map[string]*int64{"price_min": s.Min, "price_max": s.Max} {
		c.Check(n == nil || *n >= 0, at+name, "must not be negative", n)
	}
	c.Check(s.Min == nil || s.Max == nil || *s.Min <= *s.Max, at+"price_max", "must not be below price_min", nil)
	c.Check(s.Sort.known(), at+"sort", "is unknown", string(s.Sort))
	c.Check(len(s.Attributes) <= maxAttributes, at+"attributes", fmt.Sprintf("must be at most %d", maxAttributes), len(s.Attributes))
	for code, values := range s.Attributes {
		at := at + "attributes." + code
		c.Check(codeForm.MatchString(code), at, "is no such code", code)
		c.Check(len(values) > 0 && len(values) <= maxAttributes, at, fmt.Sprintf("takes 1 to %d values", maxAttributes), len(values))
		for i, v := range values[:min(len(values), maxAttributes)] {
			checkText(v, fmt.Sprintf("%s[%d]", at, i), maxLine, true, c)
			c.Check(!strings.Contains(v, ","), fmt.Sprintf("%s[%d]", at, i), "must be one value, without a comma", v)
		}
	}
}

// Rows returns those that are shown in a context now, in their order. All are right, by their Check.
func Rows(all []HomeRow, c Context, now time.Time) (shown []HomeRow) {
	for i := range all {
		if r := &all[i]; during(r.Starts, r.Ends, now) && r.When.fits(c) {
			shown = append(shown, *r)
		}
	}
	slices.SortFunc(shown, func(a, b HomeRow) int { return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.ID, b.ID)) })
	return shown[:min(len(shown), MaxShownRows)]
}
