// Package text has all that pages say, by language, and how a language writes amounts and dates. Each area of the shop is a struct with a value for
// each language, so that a text that is missing is seen by the compiler's reader and by the test.
package text

import (
	"fmt"
	"strconv"
	"time"

	"github.com/bojanz/currency"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
)

// Texts are those of one language.
type Texts struct {
	Language string // ISO 639-1
	Name     string // of the language, in itself
	Shell    Shell
	Listing  Listing
	Product  Product
	Compare  Compare
	Home     Home
	Cart     Cart
	Problem  Problem
	Checkout Checkout
	Order    Order
	Said     map[string]string // what a page says because of the one before, by its key
	months   [12]string
	days     [7]string // from Sunday on
	date     func(t *Texts, d time.Time) string
}

var all = map[string]*Texts{"en": &english, "de": &german}

var english = Texts{
	Language: "en", Name: "English", Shell: shellEN, Listing: listingEN, Product: productEN, Compare: compareEN, Home: homeEN, Cart: cartEN, Problem: problemEN,
	Checkout: checkoutEN, Order: orderEN, Said: saidEN,
	months: [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	days:   [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
	date:   func(t *Texts, d time.Time) string { return fmt.Sprintf("%s %d", t.months[d.Month()-1], d.Day()) },
}

var german = Texts{
	Language: "de", Name: "Deutsch", Shell: shellDE, Listing: listingDE, Product: productDE, Compare: compareDE, Home: homeDE, Cart: cartDE, Problem: problemDE,
	Checkout: checkoutDE, Order: orderDE, Said: saidDE,
	months: [12]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"},
	days:   [7]string{"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"},
	date:   func(t *Texts, d time.Time) string { return fmt.Sprintf("%d. %s", d.Day(), t.months[d.Month()-1]) },
}

// Languages are those that pages are written in.
func Languages() []string { return []string{"en", "de"} }

// In returns the texts of a language, which is one of Languages.
func In(language string) *Texts { return all[language] }

// Date is a day as people say it: "March 1", "1. März".
func (t *Texts) Date(d time.Time) string { return t.date(t, d) }

// Day is a day with its weekday: "Monday, March 1".
func (t *Texts) Day(d time.Time) string { return t.days[d.Weekday()] + ", " + t.date(t, d) }

// Moment is a day with its time of day (UTC).
func (t *Texts) Moment(d time.Time) string {
	return t.date(t, d) + " " + strconv.Itoa(d.Year()) + ", " + d.UTC().Format("15:04") + " UTC"
}

// Money is an amount as the market writes it: "$1,999.00", "1.999,00 €".
func Money(m storefront.Market, a money.Amount) string {
	formatted, err := currency.NewAmountFromInt64(a.Minor, string(a.Currency))
	if err != nil {
		return a.String()
	}
	f := currency.NewFormatter(currency.NewLocale(m.Locale()))
	f.MaxDigits = currency.DefaultDigits
	f.MinDigits = currency.DefaultDigits
	return f.Format(formatted)
}

// Count is a number with what separates thousands.
func (t *Texts) Count(n int) string {
	s := strconv.Itoa(n)
	separator := ","
	if t.Language == "de" {
		separator = "."
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + separator + s[i:]
	}
	return s
}

// Of chooses the text of a key, or that of "other": services may learn words that a page does not know yet.
func Of(texts map[string]string, key string) string {
	if s := texts[key]; s != "" {
		return s
	}
	return texts["other"]
}
