package storefront

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/money"

	"pgregory.net/rapid"
)

var (
	us = Market{Language: "en", Country: "US", Currency: "USD"}
	de = Market{Language: "de", Country: "DE", Currency: "EUR"}
	at = Market{Language: "de", Country: "AT", Currency: "EUR"}
)

func TestMarkets(t *testing.T) {
	t.Parallel()
	all, err := ParseMarkets("en-US:USD, de-DE:EUR,de-AT:EUR", []string{"en", "de"})
	if err != nil || !slices.Equal(all, Markets{us, de, at}) {
		t.Fatalf("%v %v", all, err)
	}
	both, err := ParseMarkets("en-US:USD:net,de-DE:EUR:gross,en-DE:EUR:gross,de-US:USD:net", []string{"en", "de"})
	if err != nil || both[0].Prices != Net || both[1].Prices != Gross || !slices.Equal(both.Languages(), []string{"en", "de"}) || !slices.Equal(both.Places(), both[:2]) || both[1].Place() != "DE:EUR" {
		t.Error(both, err)
	}
	for language, want := range map[string]int{"en": 2, "de": 1, "fr": 1} {
		if m, ok := both.At(language, "DE", "EUR"); !ok || m != both[want] {
			t.Errorf("in %s: %v", language, m)
		}
	}
	if m, ok := both.At("en", "DE", "USD"); ok {
		t.Error("a place that there is not:", m)
	}
	for _, bad := range []string{"en-US:USD:taxed", "en-US:USD:net,de-US:USD:gross", "", "en-US", "en-US:XXX", "en-us:USD", "fr-FR:EUR", "en:USD", "en-US:USD,en-US:EUR"} {
		if all, err := ParseMarkets(bad, []string{"en", "de"}); err == nil {
			t.Errorf("%q is taken for %v", bad, all)
		}
	}
	if de.Path("/cart") != "/de-de/cart" || de.Locale() != "de-DE" {
		t.Error(de.Path("/cart"), de.Locale())
	}
	for accept, want := range map[string]Market{
		"": us, "de": de, "de-AT,en;q=0.5": at, "en;q=0.2, de-CH;q=0.8": de, "fr, en-GB;q=0.9, de;q=0.1": us, "de;q=0": us, "*": us, "de;q=x": us,
		strings.Repeat("fr,", 100) + "de": us,
	} {
		if got := all.Preferred(accept); got != want {
			t.Errorf("%q prefers %v, want %v", accept, got, want)
		}
	}
}

func TestListingsReadTheirOwnAddresses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-zäß&=+%/"<]{1,8}`)
		q := url.Values{}
		for _, param := range []string{"brand", "attr.colour", "attr.größe"} {
			if n := rapid.IntRange(0, 3).Draw(t, param); n > 0 {
				q[param] = rapid.SliceOfN(word, n, n).Draw(t, "values")
			}
		}
		q.Set("q", word.Draw(t, "q"))
		q.Set("sort", rapid.SampledFrom(append(Sorts(), "", "bad")).Draw(t, "sort"))
		q.Set("price_min", rapid.SampledFrom([]string{"", "1", "19.99", "19,99", "-1", "x", "1e5"}).Draw(t, "min"))
		q.Set("in_stock", rapid.SampledFrom([]string{"", "true", "1"}).Draw(t, "stock"))
		if c := rapid.SampledFrom([]string{"", "abc"}).Draw(t, "cursor"); c != "" {
			q.Set("cursor", c)
			q.Set("page", rapid.SampledFrom([]string{"", "3", "-1", "x"}).Draw(t, "page"))
		}
		l := ParseListing("shoes", q)
		u, err := url.Parse(l.Path())
		if err != nil {
			t.Fatal(err)
		}
		if again := ParseListing("shoes", u.Query()); again.Path() != l.Path() {
			t.Fatalf("%q became %q", l.Path(), again.Path())
		}
	})
}

func TestListing(t *testing.T) {
	t.Parallel()
	q, _ := url.ParseQuery("q=+red++shoes+&attr.colour=red&attr.colour=blue&attr.colour=red&price_min=19,99&in_stock=true&min.attr.width=1,5&max.attr.width=3&utm=x&sort=price&cursor=c&page=4")
	l := ParseListing("shoes", q)
	if want := "/c/shoes?attr.colour=blue&attr.colour=red&attr.width=1.5..3&cursor=c&in_stock=true&page=4&price_min=19.99&q=red+shoes&sort=price"; l.Path() != want {
		t.Errorf("\n%s want\n%s", l.Path(), want)
	}
	asked := l.Query(de)
	for key, want := range map[string]string{"price_min": "1999", "category": "shoes", "currency": "EUR", "country": "DE", "language": "de", "page": "", "utm": "", "q": "red shoes"} {
		if asked.Get(key) != want {
			t.Errorf("%s=%q, want %q", key, asked.Get(key), want)
		}
	}
	if got := l.Without("attr.colour", "red").Path(); got != "/c/shoes?attr.colour=blue&attr.width=1.5..3&in_stock=true&price_min=19.99&q=red+shoes&sort=price" {
		t.Error(got)
	}
	if got := l.Unfiltered().Path(); got != "/c/shoes?q=red+shoes&sort=price" {
		t.Error(got)
	}
	if from, to := l.Bounds("attr.width"); from != "1.5" || to != "3" {
		t.Error(from, to)
	}
	if !l.Chosen("attr.colour", "blue") || l.Chosen("attr.colour", "green") || !l.Chosen("in_stock", "true") {
		t.Error("chosen")
	}
	if next := l.Next("d"); next.Page != 5 || next.Cursor != "d" {
		t.Error(next)
	}
	long := ParseListing("", url.Values{"q": {strings.Repeat("ä", 300)}, "cursor": {strings.Repeat("c", 5000)}, "attr.x": slices.Repeat([]string{strings.Repeat("v", 500)}, 3)})
	if len(long.Words) > maxWords || long.Cursor != "" || len(long.Filters) != 0 {
		t.Errorf("%d %d %v", len(long.Words), len(long.Cursor), long.Filters)
	}
}

func TestCookies(t *testing.T) {
	t.Parallel()
	c := Cart{ID: strings.Repeat("0a", 16), Currency: "EUR", Country: "DE", Pieces: 3}
	if got := ParseCart(c.String()); got != c {
		t.Errorf("%v became %v", c, got)
	}
	for _, bad := range []string{"", "x", c.ID, c.ID + ".EUR.DE", c.ID + ".EUR.DE.-1", c.ID + ".XXX.DE.1", c.ID + ".EUR.de.1", c.ID + ".EUR.D.1", strings.ToUpper(c.ID) + ".EUR.DE.1", "../" + c.String(), c.String() + ".1"} {
		if got := ParseCart(bad); got != (Cart{}) {
			t.Errorf("%q is taken for %v", bad, got)
		}
	}
	r := Remembered{}.With("a").With("b").With("a")
	if r.String() != "a~b" || ParseRemembered("a~b~a~<x>~"+strings.Repeat("c", 65)).String() != "a~b" {
		t.Error(r)
	}
	for i := range 50 {
		r = r.With(strings.Repeat("x", i+1))
	}
	if len(r) != MaxRemembered || len(ParseRemembered(strings.Repeat("abc~", 10)+r.String())) != MaxRemembered {
		t.Error(len(r))
	}
}

func TestCarts(t *testing.T) {
	t.Parallel()
	cart := func(digit string, currency money.Currency, country string, pieces int) Cart {
		return Cart{ID: strings.Repeat(digit, 32), Currency: currency, Country: country, Pieces: pieces}
	}
	us, de, at := Market{Country: "US", Currency: "USD"}, Market{Country: "DE", Currency: "EUR"}, Market{Country: "AT", Currency: "EUR"}
	one, two, three := cart("1", "USD", "US", 2), cart("2", "EUR", "DE", 0), cart("3", "USD", "US", 5)
	all := Carts{}.With(one).With(two)
	if got := ParseCarts(all.String()); !slices.Equal(got, all) || got.In(us) != one || got.In(de) != two || got.In(at) != (Cart{}) {
		t.Error(got)
	}
	if got := all.With(three); !slices.Equal(got, Carts{three, two}) || got.Has(one.ID) || !got.Has(two.ID) {
		t.Error("of one country and currency there are two:", got)
	}
	if all.Elsewhere(de) != one || all.Elsewhere(us) != (Cart{}) { // the other one is empty
		t.Error(all.Elsewhere(de), all.Elsewhere(us))
	}
	if got := all.Without(one.ID); !slices.Equal(got, Carts{two}) {
		t.Error(got)
	}
	many := ParseCarts(all.String() + "~x~" + three.String() + "~" + cart("4", "EUR", "AT", 1).String() + "~" + cart("5", "EUR", "FR", 1).String() + "~" + cart("6", "EUR", "NL", 1).String())
	if len(many) != MaxCarts || many.Has(three.ID) {
		t.Error(many)
	}
}

func TestSaved(t *testing.T) {
	t.Parallel()
	it := Item{Product: "01a222ad-9da5-7069-8f8d-9ae6b16b2332", SKU: "A.b-1", Quantity: 3}
	saved, ok := Saved{}.With(it)
	if got := ParseSaved(saved.String() + "~<x>.1.y~p.0.y~p.1.~p.10000.y~p.1~" + it.String()); !ok || !slices.Equal(got, saved) {
		t.Error(got)
	}
	if got, found := saved.Find("A.b-1"); !found || got != it {
		t.Error(got)
	}
	again, _ := saved.With(Item{Product: "p", SKU: "A.b-1", Quantity: 1})
	if len(again) != 1 || len(again.Without("A.b-1")) != 0 {
		t.Error(again)
	}
	for i := range MaxRemembered {
		saved, ok = saved.With(Item{Product: "p", SKU: strings.Repeat("x", i+1), Quantity: 1})
	}
	if _, kept := saved.Find(it.SKU); ok || !kept || len(saved) != MaxRemembered {
		t.Error("something is dropped to make room")
	}
}

// Bounds the wrong way round are turned.
func TestBoundsInOrder(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"price_min=50&price_max=9.99":               "/search?price_max=50&price_min=9.99",
		"price_min=9&price_max=50":                  "/search?price_max=50&price_min=9",
		"price_min=50":                              "/search?price_min=50",
		"min.attr.width=20&max.attr.width=3":        "/search?attr.width=3..20",
		"max.attr.width=3":                          "/search?attr.width=..3",
		"price_min=x&price_max=2&min.attr.width=-1": "/search?attr.width=-1..&price_max=2",
	} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := ParseListing("", q).Path(); got != want {
			t.Errorf("%s: %s, not %s", query, got, want)
		}
	}
}
