package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
)

// How long a browser keeps its carts, and knows which it was given last, in days.
const (
	cartDays  = 30
	freshDays = 1
)

// freshCookie begins the names of cookies that have one cart each, which was just made. Tabs in which something is added at once write the cookie of
// all carts over each other; what is lost there is found again by these, and settled.
const freshCookie = cartCookie + "-"

func freshName(id string) string { return freshCookie + id[:8] }

// maxFresh is how many carts of other tabs are looked after at once.
const maxFresh = 8

func freshCarts(r *http.Request) (all storefront.Carts) {
	for _, c := range r.Cookies() {
		cart := storefront.ParseCart(c.Value)
		if strings.HasPrefix(c.Name, freshCookie) && cart.ID != "" && c.Name == freshName(cart.ID) && len(all) < maxFresh {
			all = append(all, cart)
		}
	}
	return all
}

// newKey draws what a rendered form is known by, and a command sent by it: 32 hex digits.
func newKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// keyOf is the Idempotency-Key of one command of a form: the same form with the same content is the same command.
func keyOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// formKey is what the form was rendered with. A form without one is a new one each time.
func formKey(r *http.Request) string {
	if key := r.PostFormValue("key"); key != "" {
		return key
	}
	return newKey()
}

// setCarts remembers carts in the browser.
func (q *request) setCarts(w http.ResponseWriter, carts storefront.Carts) {
	if len(carts) == 0 && len(q.carts) == 0 {
		return
	}
	q.carts, q.cart = carts, carts.In(q.market)
	set := w.Header()["Set-Cookie"]
	for i, c := range set {
		if strings.HasPrefix(c, cartCookie+"=") {
			w.Header()["Set-Cookie"] = append(set[:i:i], set[i+1:]...)
		}
	}
	keep(w, cartCookie, carts.String(), cartDays)
}

// see remembers a cart as a service has answered it.
func (q *request) see(w http.ResponseWriter, c *cartapi.Cart) {
	seen := seenCart(c)
	if q.carts.In(q.market) != seen || len(q.carts) == 0 || q.carts[0] != seen {
		q.setCarts(w, q.carts.With(seen))
	}
}

func seenCart(c *cartapi.Cart) storefront.Cart {
	seen := storefront.Cart{ID: c.ID, Country: c.Country}
	seen.Currency = c.Totals.Total.Currency
	for _, l := range c.Lines {
		seen.Pieces += int(l.Quantity)
	}
	return seen
}

// forget leaves a cart to itself: it was ordered, or everything was taken out of it.
func (q *request) forget(w http.ResponseWriter, id string) {
	q.setCarts(w, q.carts.Without(id))
	for _, c := range freshCarts(q.Request) {
		if c.ID == id {
			keep(w, freshName(id), "", 0)
		}
	}
}

// closed reports whether a cart cannot be had or changed ever again: it is unknown, ordered or merged. A service that is away says none of that.
func closed(err error) bool {
	f, ok := fault.As(err)
	return ok && (f.Code == "cart-not-found" || f.Code == "cart-completed" || f.Code == "cart-merged")
}

// over reports whether a cart is one that can only be read.
func over(c *cartapi.Cart) bool {
	return c.Status == cartapi.StatusCompleted || c.Status == cartapi.StatusMerged
}

// settle brings home the carts that other tabs have made meanwhile. What cannot be had now is brought home the next time.
func (s *Shop) settle(w http.ResponseWriter, q *request) {
	for _, c := range freshCarts(q.Request) {
		if q.carts.Has(c.ID) {
			continue
		}
		into := q.carts.In(storefront.Market{Country: c.Country, Currency: c.Currency})
		if into.ID != "" {
			merged, err := s.Services.MergeCart(q.Context(), into.ID, c.ID)
			if err == nil {
				q.setCarts(w, q.carts.With(seenCart(&merged)))
				keep(w, freshName(c.ID), "", 0)
				continue
			}
			if !closed(err) {
				s.Log.WarnContext(q.Context(), "carts of two tabs stay apart for now", "error", err)
				continue
			}
		}
		other, err := s.Services.GetCart(q.Context(), c.ID)
		switch {
		case closed(err), err == nil && over(&other):
			keep(w, freshName(c.ID), "", 0)
		case err == nil: // it is the other one that is closed
			q.setCarts(w, q.carts.With(seenCart(&other)))
		}
	}
}

// maxCarts is how many carts are tried, one after the other, of which each turns out to be closed.
const maxCarts = 3

// put adds lines to the cart of the market. Where there is none, or where it is closed by now, a new one is made. The same lines with the same key are added
// once, however often and at once that is asked for.
func (s *Shop) put(w http.ResponseWriter, q *request, key string, lines []cartapi.LineInput) (c cartapi.Cart, err error) {
	parts := []string{key, "lines"}
	for _, l := range lines {
		parts = append(parts, l.SKU, strconv.FormatInt(l.Quantity, 10), string(l.Metadata))
	}
	id, before := q.cart.ID, ""
	for range maxCarts {
		if id == "" {
			made, err := s.Services.NewCart(q.Context(), q.market, keyOf(key, "cart", q.market.Country, string(q.market.Currency), before))
			if err != nil {
				return made, err
			}
			id = made.ID
			keep(w, freshName(id), seenCart(&made).String(), freshDays)
		}
		c, err = s.Services.AddLines(q.Context(), id, keyOf(parts...), lines)
		if err == nil {
			q.see(w, &c)
		}
		if !closed(err) {
			return c, err
		}
		id, before = "", id
	}
	return c, err
}

// mine returns the cart of the market, or none: one that is closed is forgotten.
func (s *Shop) mine(w http.ResponseWriter, q *request) (*cartapi.Cart, error) {
	s.settle(w, q)
	if q.cart.ID == "" {
		return nil, nil
	}
	c, err := s.Services.GetCart(q.Context(), q.cart.ID)
	switch {
	case closed(err), err == nil && over(&c):
		q.forget(w, q.cart.ID)
		return nil, nil
	case err != nil:
		return nil, err
	}
	if told := q.market.Prices; told != storefront.Untold && len(c.Lines) > 0 && c.Totals.TaxIncluded != (told == storefront.Gross) {
		s.Log.WarnContext(q.Context(), "SIDECART_MARKETS and pricing do not agree whether prices have tax in them", "market", q.market.Code(), "told", told)
	}
	q.see(w, &c)
	return &c, nil
}
