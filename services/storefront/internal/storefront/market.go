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
	Prices   Prices
}

// Prices says whether those of a market contain tax. The lists of pricing decide; the configuration tells the pages.
type Prices string

// What prices may be. Of those that nobody has told of, pages say nothing about tax.
const (
	Untold Prices = ""
	Gross  Prices = "gross"
	Net    Prices = "net"
)

// Code is the market's part of an address: "de-de".
func (m Market) Code() string { return m.Language + "-" + strings.ToLower(m.Country) }

// Locale is the market as BCP 47 has it: "de-DE".
func (m Market) Locale() string { return m.Language + "-" + m.Country }

// Path is the address of something in the market: "/de-de/cart". Path begins with "/".
func (m Market) Path(path string) string { return "/" + m.Code() + path }

// Markets are those of a shop, the first of which is its own.
type Markets []Market

// ParseMarkets reads "en-US:USD:net,de-DE:EUR:gross"; gross and net may be left out.
func ParseMarkets(s string, languages []string) (Markets, error) {
	var all Markets
	for part := range strings.SplitSeq(s, ",") {
		locale, rest, _ := strings.Cut(strings.TrimSpace(part), ":")
		currency, prices, _ := strings.Cut(rest, ":")
		language, country, _ := strings.Cut(locale, "-")
		m := Market{Language: language, Country: country, Prices: Prices(prices)}
		var err error
		if m.Currency, err = money.ParseCurrency(currency); err != nil {
			return nil, fmt.Errorf("market %q: %w", part, err)
		}
		switch {
		case len(country) != 2 || strings.ToUpper(country) != country:
			return nil, fmt.Errorf("market %q: a market is written as de-DE:EUR:gross", part)
		case m.Prices != Untold && m.Prices != Gross && m.Prices != Net:
			return nil, fmt.Errorf("market %q: prices are gross, with tax in them, or net", part)
		case !slices.Contains(languages, language):
			return nil, fmt.Errorf("market %q: the shop's pages are not written in %q, but in %s", part, language, strings.Join(languages, ", "))
		}
		if _, twice := all.Find(m.Code()); twice {
			return nil, fmt.Errorf("market %q is named twice", part)
		}
		if other, ok := all.At("", m.Country, m.Currency); ok && other.Prices != m.Prices {
			return nil, fmt.Errorf("market %q: prices of %s in %s are %q in another language", part, country, currency, other.Prices)
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

// At returns the market of a country and a currency, in a language if there is one, else in another.
func (ms Markets) At(language, country string, currency money.Currency) (found Market, ok bool) {
	for _, m := range ms {
		if m.Country != country || m.Currency != currency {
			continue
		}
		if m.Language == language {
			return m, true
		}
		if !ok {
			found, ok = m, true
		}
	}
	return found, ok
}

// Languages are those of all markets, each once.
func (ms Markets) Languages() (all []string) {
	for _, m := range ms {
		if !slices.Contains(all, m.Language) {
			all = append(all, m.Language)
		}
	}
	return all
}

// Places are the markets of which each has another country or currency: the first of each, whatever its language.
func (ms Markets) Places() (all Markets) {
	for _, m := range ms {
		if _, ok := all.At("", m.Country, m.Currency); !ok {
			all = append(all, m)
		}
	}
	return all
}

// Place is country and currency as a form carries them: "DE:EUR".
func (m Market) Place() string { return m.Country + ":" + string(m.Currency) }

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
