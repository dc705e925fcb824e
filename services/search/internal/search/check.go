package search

import (
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/sidecart/sidecart/pkg/fault"
)

// What a plan may ask for at most: an index answers anything within these bounds in good time.
const (
	MaxLimit        = 1000
	MaxGroups       = 64
	MaxAlternatives = 64 // of a group
	MaxPhrase       = 16 // words beside each other
	MaxWords        = 512
	MaxWordBytes    = 256
	MaxFilters      = 63 // of the plan; of all its boosts together as many again
	MaxFacets       = 100
	MaxBoosts       = 64
	MaxIDs          = 10_000 // of a list of ids or values
)

// Check refuses a plan that no index should perform (422 validation-failed).
func (p *Plan) Check() error {
	var c fault.Collector
	c.Check(p.Limit >= 0 && p.Limit <= MaxLimit, "limit", fmt.Sprintf("must be 0 to %d", MaxLimit), p.Limit)
	c.Check(p.Sort.known(), "sort", "is unknown", string(p.Sort))
	c.Check(p.AtLeast >= 0, "at_least", "must not be negative", p.AtLeast)
	atMost(&c, "facets", len(p.Facets), MaxFacets)
	atMost(&c, "boosts", len(p.Boosts), MaxBoosts)
	atMost(&c, "exclude", len(p.Exclude), MaxIDs)
	atMost(&c, "only", len(p.Only), MaxIDs)
	if p.After != nil {
		c.Check(finite(p.After.Key), "after", "must be a number", fmt.Sprint(p.After.Key))
	}
	checkGroups(&c, p.Groups)
	checkFilters(&c, "filters", p.Filters)
	filters := 0
	for i, b := range p.Boosts {
		at := fmt.Sprintf("boosts[%d]", i)
		c.Check(finite(b.Factor) && b.Factor >= 0, at+".factor", "must be 0 or more", fmt.Sprint(b.Factor))
		atMost(&c, at+".ids", len(b.IDs), MaxIDs)
		checkFilters(&c, at+".filters", b.Filters)
		filters += len(b.Filters)
	}
	atMost(&c, "filters of boosts", filters, MaxFilters)
	return c.Err()
}

func (s Sort) known() bool {
	switch s {
	case "", ByRelevance, ByPriceUp, ByPriceDown, ByNewest, ByRating, ByPopularity:
		return true
	}
	return false
}

func checkGroups(c *fault.Collector, groups []Group) {
	if !atMost(c, "groups", len(groups), MaxGroups) {
		return
	}
	words := 0
	for i, g := range groups {
		at := fmt.Sprintf("groups[%d]", i)
		c.Check(finite(g.Weight) && g.Weight >= 0, at+".weight", "must be 0 or more", fmt.Sprint(g.Weight))
		if len(g.Any) == 0 {
			c.Add(at, "must have an alternative", nil)
		}
		if !atMost(c, at, len(g.Any), MaxAlternatives) {
			continue
		}
		for _, a := range g.Any {
			words += len(a.Words)
			c.Check(finite(a.Weight) && a.Weight >= 0, at+".weight", "must be 0 or more", fmt.Sprint(a.Weight))
			c.Check(len(a.Words) > 0 && len(a.Words) <= MaxPhrase, at, fmt.Sprintf("must have 1 to %d words", MaxPhrase), len(a.Words))
			for _, w := range a.Words {
				c.Check(w != "" && len(w) <= MaxWordBytes && utf8.ValidString(w), at, fmt.Sprintf("a word has 1 to %d bytes of UTF-8", MaxWordBytes), len(w))
			}
		}
	}
	atMost(c, "words", words, MaxWords)
}

func checkFilters(c *fault.Collector, at string, filters []Filter) {
	if !atMost(c, at, len(filters), MaxFilters) {
		return
	}
	for i, f := range filters {
		atMost(c, fmt.Sprintf("%s[%d]", at, i), len(f.Any), MaxIDs)
		c.Check((len(f.Any) > 0) != (f.Min != nil || f.Max != nil), fmt.Sprintf("%s[%d]", at, i), "must have either values or bounds", nil)
		for _, bound := range []*float64{f.Min, f.Max} {
			c.Check(bound == nil || !math.IsNaN(*bound), fmt.Sprintf("%s[%d]", at, i), "a bound must be a number", "NaN")
		}
	}
}

func atMost(c *fault.Collector, at string, n, limit int) bool {
	c.Check(n <= limit, at, fmt.Sprintf("are at most %d", limit), n)
	return n <= limit
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
