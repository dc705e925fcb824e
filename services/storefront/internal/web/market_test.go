package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
	"github.com/sidecart/sidecart/services/storefront/internal/text"
)

// fourMarkets are two languages in two countries.
func fourMarkets(t *testing.T) func(*Config) {
	t.Helper()
	all, err := storefront.ParseMarkets("en-US:USD:net,de-DE:EUR:gross,en-DE:EUR:gross,de-US:USD:net", text.Languages())
	if err != nil {
		t.Fatal(err)
	}
	return func(c *Config) { c.Markets = all }
}

// Language and currency are two choices: whoever changes one keeps the other, and the cart.
func TestLanguageAndCountryAreChosenApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fourMarkets(t))
	shop, b := newCarts(w), w.browser()
	b.post("/en-us/cart/lines", form("sku", "A", "quantity", "2", "key", "1"))
	_, page := b.do("GET", "/en-us/cart", nil)
	has(t, page, `<option value="en" lang="en" selected>English</option>`, `<option value="de" lang="de">Deutsch</option>`,
		`<option value="US:USD" selected>United States · USD</option>`, `<option value="DE:EUR">Germany · EUR</option>`, `for="top-language"`, `for="foot-place"`)
	b.wants(b.post("/en-us/market", form("language", "de", "place", "US:USD", "path", "/cart")), "Ihr Warenkorb", "The A", "20,00", `<option value="US:USD" selected>USA · USD</option>`)
	shop.expect(t, "US: A×2") // it is the same cart
	b.wants(b.post("/de-us/market", form("language", "en", "place", "DE:EUR", "path", "/cart")), "Your cart", "The A", "20,00")
	shop.expect(t, "DE: A×2 | US: A×2") // of which the browser knows the first
	for _, bad := range [][]string{{"language", "en"}, {"language", "en", "place", "FR:EUR"}, {"language", "en", "place", "DE:USD"}} {
		if resp, _ := b.do("POST", "/en-us/market", form(bad...)); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%v leads to %d %s", bad, resp.StatusCode, resp.Header.Get("Location"))
		}
	}
	if resp, _ := newWorld(t).do("POST", "/en-us/market", form("language", "en", "place", "DE:EUR", "path", "/cart")); resp.Header.Get("Location") != "/de-de/cart" {
		t.Error("where a country is spoken to in one language alone, that is not found:", resp.StatusCode, resp.Header)
	}
}

// What is chosen of a product is chosen in another market too, and where its page has moved to.
func TestTheVariantComesAlong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("GET catalog/v1/products/coffee", coffee())
	w.mux.HandleFunc("GET catalog/v1/products/old", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "/v1/products/coffee", http.StatusMovedPermanently)
	})
	w.says("GET catalog/v1/products/compare", catalogapi.Comparison{Products: []catalogapi.ComparedProduct{{ID: "1", Slug: "coffee"}}})
	w.shows(200, "/en-us/p/coffee?sku=large", `name="path" value="/p/coffee?sku=large"`, `rel="canonical" href="https://shop.example/en-us/p/coffee"`)
	if resp, _ := w.do("GET", "/en-us/p/old?sku=large", nil); resp.StatusCode != 301 || resp.Header.Get("Location") != "/en-us/p/coffee?sku=large" {
		t.Error(resp.StatusCode, resp.Header.Get("Location"))
	}
}

// What the checkout of the old market holds is free again; an order that is being placed there goes on.
func TestTheCheckoutOfTheOldMarketEnds(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]*fault.Fault{"open": nil, "gone": fault.New(fault.NotFound, "checkout-not-found", "gone"), "placing": fault.New(fault.Conflict, "request-in-progress", "placing")} {
		w := newWorld(t)
		newCarts(w)
		w.mux.HandleFunc("DELETE checkout/v1/checkouts/{id}", func(rw http.ResponseWriter, r *http.Request) {
			if refusal != nil {
				httpx.WriteProblem(rw, r, refusal)
				return
			}
			rw.WriteHeader(http.StatusNoContent)
		})
		b := w.browser()
		b.post("/en-us/cart/lines", form("sku", "A", "key", "1"))
		ticket := checkoutID + "." + storefront.ParseCarts(b.cookies[cartCookie])[0].ID
		b.cookies[ticketCookie] = checkoutID + "." + myCart
		b.do("POST", "/en-us/market", form("language", "de", "place", "US:USD", "path", "/"))
		b.do("POST", "/de-de/market", form("language", "de", "place", "DE:EUR", "path", "/"))
		if n := w.count("DELETE"); n != 0 {
			t.Errorf("%s: the checkout of another cart was ended", name)
		}
		b.post("/de-de/market", form("language", "en", "place", "US:USD", "path", "/"))
		b.cookies[ticketCookie] = strings.Replace(ticket, ticket[33:], storefront.ParseCarts(b.cookies[cartCookie])[0].ID, 1)
		b.do("POST", "/en-us/market", form("language", "de", "place", "DE:EUR", "path", "/"))
		if kept := b.cookies[ticketCookie] != ""; w.count("DELETE checkout/v1/checkouts/"+checkoutID) != 1 || kept != (name == "placing") {
			t.Errorf("%s: %v, the browser knows it still: %v", name, w.calls, kept)
		}
	}
}

// A price says whether tax is in it and that shipping is not; where nobody has told, nothing is said of tax.
func TestPricesSayWhatIsInThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fourMarkets(t))
	w.says("GET catalog/v1/products/coffee", coffee())
	w.says("GET search/v1/products", hostile())
	for path, want := range map[string]string{
		"/de-de/p/coffee": "inkl. MwSt., zzgl. Versand", "/en-de/p/coffee": "incl. VAT, plus shipping", "/en-us/p/coffee": "plus tax and shipping", "/de-us/p/coffee": "zzgl. Steuer und Versand",
		"/de-de/c/shoes": "Alle Preise inkl. MwSt., zzgl. Versand.", "/en-de/c/shoes": "All prices include VAT, plus shipping.", "/en-us/c/shoes": "All prices plus tax and shipping.",
	} {
		w.shows(200, path, want)
	}
	untold := newWorld(t, func(c *Config) { c.Markets = storefront.Markets{{Language: "en", Country: "US", Currency: "USD"}} })
	untold.says("GET catalog/v1/products/coffee", coffee())
	lacks(t, untold.shows(200, "/en-us/p/coffee", "plus shipping"), "VAT", "tax")
}
