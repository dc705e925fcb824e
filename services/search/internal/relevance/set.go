package relevance

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed judged/*.txt
var judged embed.FS

// Query is something that a shopper types, with what is meant by it.
type Query struct {
	Kind     string // "typo"
	Language string // in which the shopper reads the shop; empty: its own
	HeldOut  bool
	Text     string
	Grades   []Grade
}

// Grade is what a product is worth that fits all conditions.
type Grade struct {
	Worth int // 3, 2, 1
	All   []Condition
}

// Condition is one about a fact of a product.
type Condition struct {
	Fact string
	Op   string // "=" one of the values, "~" has one of the rows of words, "<=" and ">=" for numbers
	Any  []string
	Not  bool
}

var (
	heading   = regexp.MustCompile(`^([a-z]+)(?:/([a-z]{2}))?( holdout)?: (.+)$`)
	gradeForm = regexp.MustCompile(`^([123]) (.+)$`)
	condition = regexp.MustCompile(`^(!?)([a-z_]+)(<=|>=|=|~)(.+)$`)
)

// Seeded is the judged set of the sample shop.
func Seeded() ([]Query, error) { return read("seeded") }

// Electronics is the judged set of a shop of phones and what belongs to them.
func Electronics() ([]Query, error) { return read("electronics") }

func read(name string) ([]Query, error) {
	text, err := judged.ReadFile("judged/" + name + ".txt")
	if err != nil {
		return nil, err
	}
	return ParseSet(string(text))
}

// ParseSet reads a set: queries, each a line "kind: text", "kind/language: text" or "kind holdout: text", followed by lines of a grade
// and its conditions, divided by " & ". A product is worth the highest grade whose conditions it all fits, else nothing. A condition is
// "fact=value|other", "fact~words|other words" or "fact>=number", or "!" before one. Facts are category (any of the path), brand, title and
// text (title and description), and attributes by their codes, of which one variant's value will do. Empty lines and those after "#" count for nothing.
func ParseSet(text string) (all []Query, err error) {
	var faults []error
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if m := gradeForm.FindStringSubmatch(line); m != nil && len(all) > 0 {
			g, err := parseGrade(m[1], m[2])
			if err != nil {
				faults = append(faults, fmt.Errorf("line %d: %w", n, err))
			}
			last := &all[len(all)-1]
			last.Grades = append(last.Grades, g)
			continue
		}
		m := heading.FindStringSubmatch(line)
		if m == nil {
			faults = append(faults, fmt.Errorf("line %d: neither a query nor a grade: %q", n, line))
			continue
		}
		all = append(all, Query{Kind: m[1], Language: m[2], HeldOut: m[3] != "", Text: m[4]})
	}
	return all, errors.Join(faults...)
}

func parseGrade(worth, text string) (g Grade, err error) {
	g.Worth, _ = strconv.Atoi(worth)
	for part := range strings.SplitSeq(text, " & ") {
		m := condition.FindStringSubmatch(strings.TrimSpace(part))
		if m == nil {
			return g, fmt.Errorf("no condition: %q", part)
		}
		g.All = append(g.All, Condition{Not: m[1] != "", Fact: m[2], Op: m[3], Any: strings.Split(m[4], "|")})
	}
	return g, nil
}

// Worth is what a product is worth to who asks.
func (q *Query) Worth(p *Product) (worth int) {
	for _, g := range q.Grades {
		if !slices.ContainsFunc(g.All, func(c Condition) bool { return !c.fits(p) }) {
			worth = max(worth, g.Worth)
		}
	}
	return worth
}

func (c *Condition) fits(p *Product) bool {
	return c.Not != slices.ContainsFunc(c.Any, func(want string) bool {
		return slices.ContainsFunc(p.Facts[c.Fact], func(have string) bool { return holds(c.Op, have, want) })
	})
}

func holds(op, have, want string) bool {
	switch op {
	case "=":
		return have == want
	case "~":
		return strings.Contains(" "+have+" ", " "+want+" ")
	}
	a, errA := strconv.ParseFloat(have, 64)
	b, errB := strconv.ParseFloat(want, 64)
	return errA == nil && errB == nil && (op == "<=" && a <= b || op == ">=" && a >= b)
}

// Check returns what is wrong with a set for products: a query that is there twice, or that no product is what it asks for or does as well.
func Check(set []Query, products []*Product) error {
	var faults []error
	seen := map[string]bool{}
	for i := range set {
		q := &set[i]
		best := 0
		for _, p := range products {
			best = max(best, q.Worth(p))
		}
		if best < 2 {
			faults = append(faults, fmt.Errorf("%q: no product is worth more than %d", q.Text, best))
		}
		for _, g := range q.Grades {
			if !slices.ContainsFunc(products, func(p *Product) bool { return q.Worth(p) == g.Worth }) {
				faults = append(faults, fmt.Errorf("%q: nothing is worth %d", q.Text, g.Worth))
			}
		}
		key := cmp.Or(q.Language, "-") + " " + q.Text
		if seen[key] {
			faults = append(faults, fmt.Errorf("%q is there twice", q.Text))
		}
		seen[key] = true
	}
	return errors.Join(faults...)
}
