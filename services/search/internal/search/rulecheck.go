package search

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sidecart/sidecart/pkg/fault"
)

// What a rule may be at most.
const (
	MaxRules    = 1000
	MinFactor   = 0.1
	MaxFactor   = 10.0
	MaxHidden   = 1000 // products that all rules leave out together
	maxPriority = 1000
	maxActions  = 50
	maxValues   = 50  // of a part of a condition, of a filter
	maxFilters  = 5   // of a boost
	maxLine     = 200 // characters of names, texts, values
	maxBanner   = 1000
	maxAddress  = 500 // bytes
	maxDays     = 3650
)

var (
	codeForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$`)
	localeForm = languageForm
)

// CheckRules returns all faults of rules at once.
func CheckRules(all []Rule) error {
	var c fault.Collector
	c.Check(len(all) <= MaxRules, "rules", fmt.Sprintf("must be at most %d", MaxRules), len(all))
	ids := map[string]bool{}
	for i := range all[:min(len(all), MaxRules)] {
		at := fmt.Sprintf("rules[%d]", i)
		all[i].Check(at+".", &c)
		c.Check(!ids[all[i].ID], at+".id", "is there twice", all[i].ID)
		ids[all[i].ID] = true
	}
	return c.Err()
}

// Check notes the faults of one rule; at stands before their places.
func (r *Rule) Check(at string, c *fault.Collector) {
	c.Check(codeForm.MatchString(r.ID), at+"id", "must be letters, digits and .-_: alone, at most 64", r.ID)
	checkText(r.Name, at+"name", maxLine, true, c)
	c.Check(r.Priority >= -maxPriority && r.Priority <= maxPriority, at+"priority", fmt.Sprintf("must be from -%d to %d", maxPriority, maxPriority), r.Priority)
	checkSpan(r.Starts, r.Ends, at, c)
	r.When.check(at+"when.", c)
	if s := r.Share; s != nil {
		c.Check(codeForm.MatchString(s.Test), at+"share.test", "must be letters, digits and .-_: alone, at most 64", s.Test)
		c.Check(s.From >= 0 && s.From < s.To && s.To <= 100, at+"share", "must be a part of 0 to 100, not empty", []int{s.From, s.To})
	}
	c.Check(len(r.Then) > 0, at+"then", "must do something", nil)
	c.Check(len(r.Then) <= maxActions, at+"then", fmt.Sprintf("must be at most %d actions", maxActions), len(r.Then))
	for i := range r.Then[:min(len(r.Then), maxActions)] {
		r.Then[i].check(fmt.Sprintf("%sthen[%d].", at, i), c)
	}
	r.checkPins(at, c)
}

// CheckHidden notes at a place that a rule leaves out more products, together with the others, than rules that are not over may: each of them
// is in every query.
func (r *Rule) CheckHidden(others []Rule, now time.Time, at string, c *fault.Collector) {
	hidden := map[string]bool{}
	note := func(r *Rule) {
		for i := range r.Then {
			if r.Then[i].Kind == Hide && (r.Ends.IsZero() || now.Before(r.Ends)) {
				hidden[r.Then[i].Product] = true
			}
		}
	}
	if note(r); len(hidden) == 0 {
		return
	}
	for i := range others {
		note(&others[i])
	}
	c.Check(len(hidden) <= MaxHidden, at, fmt.Sprintf("rules leave out at most %d products together: take them out of the shop, or others out of the rules", MaxHidden), len(hidden))
}

func checkSpan(starts, ends time.Time, at string, c *fault.Collector) {
	c.Check(starts.IsZero() || ends.IsZero() || starts.Before(ends), at+"ends_at", "must be after starts_at", nil)
	for name, when := range map[string]time.Time{"starts_at": starts, "ends_at": ends} {
		c.Check(when.Year() > 0 && when.Year() < 10_000, at+name, "must be of the years 1 to 9999, in UTC", nil)
	}
}

// checkPins finds positions and products that a rule itself pins twice; those of different rules give way to each other.
func (r *Rule) checkPins(at string, c *fault.Collector) {
	positions, products := map[int]bool{}, map[string]bool{}
	for i := range r.Then[:min(len(r.Then), maxActions)] {
		a := &r.Then[i]
		if a.Kind != PinTo {
			continue
		}
		c.Check(!positions[a.Position], fmt.Sprintf("%sthen[%d].position", at, i), "is taken by another pin of the rule", a.Position)
		c.Check(!products[a.Product], fmt.Sprintf("%sthen[%d].product", at, i), "is pinned twice by the rule", a.Product)
		positions[a.Position], products[a.Product] = true, true
	}
}

func (w *Condition) check(at string, c *fault.Collector) {
	asks := w.Match == MatchExact || w.Match == MatchContains
	c.Check(asks || w.Match == MatchAll || w.Match == MatchAny, at+"match", "must be any, exact or contains, or left out", w.Match)
	c.Check(asks == (len(w.Texts) > 0), at+"texts", "must be given with exact and contains, and with them alone", nil)
	c.Check(len(w.Texts) <= maxValues, at+"texts", fmt.Sprintf("must be at most %d", maxValues), len(w.Texts))
	for i, t := range w.Texts[:min(len(w.Texts), maxValues)] {
		at := fmt.Sprintf("%stexts[%d]", at, i)
		checkText(t, at, maxLine, true, c)
		c.Check(t == "" || len(Words(t)) > 0 && len(Words(t)) <= maxQueryWords, at, fmt.Sprintf("must be of 1 to %d words", maxQueryWords), t)
	}
	checkCodes(w.Categories, at+"categories", codeForm, c)
	checkCodes(w.Segments, at+"segments", codeForm, c)
	checkCodes(w.Channels, at+"channels", codeForm, c)
	checkCodes(w.Locales, at+"locales", localeForm, c)
}

func checkCodes(codes []string, at string, form *regexp.Regexp, c *fault.Collector) {
	c.Check(len(codes) <= maxValues, at, fmt.Sprintf("must be at most %d", maxValues), len(codes))
	for i, code := range codes[:min(len(codes), maxValues)] {
		c.Check(form.MatchString(code), fmt.Sprintf("%s[%d]", at, i), "is no such code", code)
		c.Check(!slices.Contains(codes[:i], code), fmt.Sprintf("%s[%d]", at, i), "is there twice", code)
	}
}

func checkText(s, at string, most int, required bool, c *fault.Collector) {
	c.Check(!required || strings.TrimSpace(s) != "", at, "is required", nil)
	c.Check(utf8.RuneCountInString(s) <= most, at, fmt.Sprintf("must be at most %d characters long", most), nil)
	c.Check(utf8.ValidString(s) && !strings.ContainsRune(s, 0), at, "must be text", nil)
}

func (a *Action) check(at string, c *fault.Collector) {
	switch a.Kind {
	case Raise:
		a.checkBoost(at, c)
	case PinTo:
		c.Check(codeForm.MatchString(a.Product), at+"product", "must be the id of a product", a.Product)
		c.Check(a.Position >= 1 && a.Position <= maxPins, at+"position", fmt.Sprintf("must be from 1 to %d", maxPins), a.Position)
	case Hide:
		c.Check(codeForm.MatchString(a.Product), at+"product", "must be the id of a product", a.Product)
	case Redirect:
		checkAddress(a.URL, at+"url", true, c)
	case Show:
		checkText(a.Banner.Title, at+"banner.title", maxLine, true, c)
		checkText(a.Banner.Text, at+"banner.text", maxBanner, false, c)
		checkAddress(a.Banner.ImageURL, at+"banner.image_url", false, c)
		checkAddress(a.Banner.URL, at+"banner.url", false, c)
	default:
		c.Add(at+"kind", "must be boost, pin, exclude, redirect or banner", a.Kind)
	}
}

func (a *Action) checkBoost(at string, c *fault.Collector) {
	c.Check(a.Factor >= MinFactor && a.Factor <= MaxFactor, at+"factor", fmt.Sprintf("must be from %v to %v", MinFactor, MaxFactor), printable(a.Factor)) // and no NaN
	c.Check(a.NewDays >= 0 && a.NewDays <= maxDays, at+"new_days", fmt.Sprintf("must be from 0 to %d", maxDays), a.NewDays)
	c.Check(len(a.Filters) > 0 || a.NewDays > 0, at+"filters", "must be given, or new_days: a factor for everything changes nothing", nil)
	c.Check(len(a.Filters) <= maxFilters, at+"filters", fmt.Sprintf("must be at most %d", maxFilters), len(a.Filters))
	for i := range a.Filters[:min(len(a.Filters), maxFilters)] {
		a.Filters[i].check(fmt.Sprintf("%sfilters[%d].", at, i), c)
	}
}

func (f *Filter) check(at string, c *fault.Collector) {
	code, attribute := strings.CutPrefix(f.Field, AttributePrefix)
	fields := []string{FieldBrand, FieldCategory, FieldPrice, FieldInStock, FieldRating, FieldPublished}
	c.Check(attribute && codeForm.MatchString(code) || slices.Contains(fields, f.Field), at+"field", "must be one of "+strings.Join(fields, ", ")+", "+AttributePrefix+"<code>", f.Field)
	bounds := f.Min != nil || f.Max != nil
	c.Check(bounds != (len(f.Any) > 0), at+"any", "must be given, or bounds, and not both", nil)
	c.Check(len(f.Any) <= maxValues, at+"any", fmt.Sprintf("must be at most %d", maxValues), len(f.Any))
	for i, v := range f.Any[:min(len(f.Any), maxValues)] {
		checkText(v, fmt.Sprintf("%sany[%d]", at, i), maxLine, true, c)
	}
	c.Check(f.Min == nil || finite(*f.Min), at+"min", "must be a number", nil)
	c.Check(f.Max == nil || finite(*f.Max), at+"max", "must be a number", nil)
	c.Check(f.Min == nil || f.Max == nil || !(*f.Min > *f.Max), at+"max", "must not be below min", nil)
}

// printable is a number that JSON can tell.
func printable(n float64) any {
	if finite(n) {
		return n
	}
	return nil
}

// addressForm takes an address of this site ("/sale"), or one by https without a user; either percent-encoded (RFC 3986).
var addressForm = regexp.MustCompile(`^(https://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?|/([A-Za-z0-9._~:@!$&'()*+,;=%?#-][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?)$`)

func checkAddress(s, at string, required bool, c *fault.Collector) {
	if s == "" {
		c.Check(!required, at, "is required", nil)
		return
	}
	c.Check(addressForm.MatchString(s) && !strings.Contains(s, "/..") && len(s) <= maxAddress, at, `must be an address: "/sale" or "https://…"`, s)
}
