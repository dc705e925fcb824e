package storefront

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sidecart/sidecart/pkg/money"
)

// Market is where and in which language somebody shops. All that a page shows but the cart depends on its market alone.
type Market struct {
	Language string // ISO 639-1: "de"
	Country  string // ISO 3166-1 alpha-2: "DE"
	Currency money.Currency
}

// Code is the market's part of an address: "de-de".
func (m Market) Code() string { return m.Language + "-" + strings.ToLower(m.Country) }

// Locale is the market as BCP 47 has it: "de-DE".
func (m Market) Locale() string { return m.Language + "-" + m.Country }

// Path is the address of something in the market: "/de-de/cart". Path begins with "/".
func (m Market) Path(path string) string { return "/" + m.Code() + path }

// Markets are those of a shop, the first of which is its own.
type Markets []Market

// ParseMarkets reads "en-US:USD,de-DE:EUR".
func ParseMarkets(s string, languages []string) (Markets, error) {
	var all Markets
	for part := range strings.SplitSeq(s, ",") {
		locale, currency, _ := strings.Cut(strings.TrimSpace(part), ":")
		language, country, _ := strings.Cut(locale, "-")
		m := Market{Language: language, Country: country}
		var err error
		if m.Currency, err = money.ParseCurrency(currency); err != nil {
			return nil, fmt.Errorf("market %q: %w", part, err)
		}
		switch {
		case len(country) != 2 || strings.ToUpper(country) != country:
			return nil, fmt.Errorf("market %q: a market is written as de-DE:EUR", part)
		case !slices.Contains(languages, language):
			return nil, fmt.Errorf("market %q: the shop's pages are not written in %q, but in %s", part, language, strings.Join(languages, ", "))
		}
		if _, twice := all.Find(m.Code()); twice {
			return nil, fmt.Errorf("market %q is named twice", part)
		}
		all = append(all, m)
	}
	if len(all) == 0 {
		return nil, errors.New("there is no market")
	}
	return all, nil
}

// Find returns the market with a code, "de-de".
func (ms Markets) Find(code string) (Market, bool) {
	i := slices.IndexFunc(ms, func(m Market) bool { return m.Code() == code })
	if i < 0 {
		return Market{}, false
	}
	return ms[i], true
}

// Preferred returns the market that fits an Accept-Language header best: the same language and country, then the language, then the
// shop's own.
func (ms Markets) Preferred(accept string) Market {
	for _, tag := range languages(accept) {
		language, country, _ := strings.Cut(tag, "-")
		if m, ok := ms.Find(strings.ToLower(language + "-" + country)); ok {
			return m
		}
		if i := slices.IndexFunc(ms, func(m Market) bool { return m.Language == strings.ToLower(language) }); i >= 0 {
			return ms[i]
		}
	}
	return ms[0]
}

// maxLanguages is how many languages of a header are looked at.
const maxLanguages = 16

// languages returns the tags of an Accept-Language header (RFC 9110), those that are liked best first.
func languages(accept string) []string {
	type liked struct {
		tag string
		q   float64
	}
	var all []liked
	for part := range strings.SplitSeq(accept, ",") {
		tag, parameter, _ := strings.Cut(strings.TrimSpace(part), ";")
		l := liked{strings.TrimSpace(tag), 1}
		if q, ok := strings.CutPrefix(strings.TrimSpace(parameter), "q="); ok {
			var err error
			if l.q, err = strconv.ParseFloat(q, 64); err != nil {
				continue
			}
		}
		if l.q > 0 && l.tag != "" && len(all) < maxLanguages {
			all = append(all, l)
		}
	}
	slices.SortStableFunc(all, func(a, b liked) int { return cmp.Compare(b.q, a.q) })
	tags := make([]string, len(all))
	for i, l := range all {
		tags[i] = l.tag
	}
	return tags
}
