package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
)

// changeMarket brings somebody to the same page in another market, and the cart along. What is not sold there is told on the cart's page. Where the shop
// does not speak the language of its choice to a country, the country counts.
func (s *Shop) changeMarket(w http.ResponseWriter, r *http.Request) {
	country, currency, _ := strings.Cut(r.PostFormValue("place"), ":")
	to, ok := s.Markets.At(r.PostFormValue("language"), country, money.Currency(currency))
	if !ok {
		s.refuse(w, r, http.StatusBadRequest)
		return
	}
	q := s.of(r)
	s.settle(w, q)
	from := q.cart
	q.enter(to)
	if from.Pieces > 0 && !from.In(to) {
		stayed, err := s.move(w, q, from)
		if err != nil { // it stays where it is, and can be brought along on the cart's page
			s.Log.WarnContext(r.Context(), "a cart stays behind", "error", err)
		} else if stayed {
			seeOther(w, q, url.Values{"note": {"stayed"}})
			return
		}
	}
	http.Redirect(w, r, to.Path(local(r.PostFormValue("path"))), http.StatusSeeOther)
}

// bring moves the cart of another market into the one of this.
func (s *Shop) bring(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	s.settle(w, q)
	from, note := q.carts.Elsewhere(q.market), "brought"
	if from.ID == "" { // the second of two clicks
		seeOther(w, q, url.Values{})
		return
	}
	stayed, err := s.move(w, q, from)
	if err != nil {
		s.refused(w, q, err, storefront.Item{})
		return
	}
	if stayed {
		note = "stayed"
	}
	seeOther(w, q, url.Values{"note": {note}})
}

// enter goes on in another market.
func (q *request) enter(m storefront.Market) { q.market, q.cart = m, q.carts.In(m) }

// move puts what is in a cart into that of the market, with its coupons, and reports whether something is not sold there: that is in a cart of the old market
// afterwards. The old cart itself is not changed and its keys come of its version, so that a second move of the same does nothing new, and one that breaks
// off loses nothing.
func (s *Shop) move(w http.ResponseWriter, q *request, from storefront.Cart) (stayed bool, err error) {
	old, err := s.Services.GetCart(q.Context(), from.ID)
	if closed(err) || err == nil && over(&old) {
		q.forget(w, from.ID)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	key := keyOf("move", old.ID, strconv.FormatInt(old.Version, 10), q.market.Country, string(q.market.Currency))
	lines := make([]cartapi.LineInput, len(old.Lines))
	for i, l := range old.Lines {
		lines[i] = cartapi.LineInput{SKU: l.SKU, Quantity: l.Quantity, Metadata: l.Metadata}
	}
	c, left, err := s.putSold(w, q, key, lines)
	if err != nil {
		return false, err
	}
	if c == nil { // nothing is sold here
		return len(left) > 0, nil
	}
	for _, coupon := range old.Coupons {
		if _, err := s.Services.AddCoupon(q.Context(), c.ID, coupon.Code); err != nil {
			s.Log.WarnContext(q.Context(), "a coupon stays behind", "error", err)
		}
	}
	if len(left) == 0 {
		q.forget(w, old.ID)
		s.giveUp(w, q, old.ID)
		return false, nil
	}
	if err := s.stay(w, q, key, old, left); err != nil {
		return true, err
	}
	s.giveUp(w, q, old.ID)
	return true, nil
}

// giveUp ends the checkout of a cart that has moved on, so that nothing is held for it any more. One whose order is being placed goes on, and is still known
// by the browser.
func (s *Shop) giveUp(w http.ResponseWriter, q *request, cart string) {
	t := q.ticket()
	if t.Checkout == "" || t.Cart != cart {
		return
	}
	err := s.Services.CancelCheckout(q.Context(), t.Checkout)
	if err == nil || fault.KindOf(err) == fault.NotFound {
		keep(w, ticketCookie, "", 0)
		return
	}
	s.Log.WarnContext(q.Context(), "the checkout of a cart that moved on is not ended", "error", err)
}

// stay makes a cart in the old market of what could not be moved. What is not sold there any more either is saved for later.
func (s *Shop) stay(w http.ResponseWriter, q *request, key string, old cartapi.Cart, left []cartapi.LineInput) error {
	here, carts := q.market, q.carts
	q.forget(w, old.ID)
	q.enter(storefront.Market{Language: here.Language, Country: old.Country, Currency: old.Totals.Total.Currency})
	_, gone, err := s.putSold(w, q, keyOf(key, "rest"), left)
	q.market = here
	if err != nil { // then all of it stays, and nothing is lost
		q.setCarts(w, carts)
		return err
	}
	q.setCarts(w, q.carts.With(q.carts.In(here)))
	saved := storefront.ParseSaved(cookie(q.Request, savedCookie))
	for _, g := range gone {
		for _, l := range old.Lines {
			if l.SKU == g.SKU {
				saved, _ = saved.With(about(l))
			}
		}
	}
	if len(gone) > 0 {
		keep(w, savedCookie, saved.String(), savedDays)
	}
	return nil
}

// putSold puts those lines into the cart of the market that are sold there, and returns the others. Without any the cart is nil.
func (s *Shop) putSold(w http.ResponseWriter, q *request, key string, lines []cartapi.LineInput) (c *cartapi.Cart, left []cartapi.LineInput, err error) {
	for len(lines) > 0 {
		made, err := s.put(w, q, key, lines)
		if err == nil {
			return &made, left, nil
		}
		refused := refusedLines(err, len(lines))
		if len(refused) == 0 {
			return nil, nil, err
		}
		var sold []cartapi.LineInput
		for i, l := range lines {
			if refused[i] {
				left = append(left, l)
			} else {
				sold = append(sold, l)
			}
		}
		lines = sold
	}
	return nil, left, nil
}

// refusedLines are the places of those lines of a batch that are not sold, as cart says.
func refusedLines(err error, n int) map[int]bool {
	all := map[int]bool{}
	f, ok := fault.As(err)
	if !ok || f.Code != "unknown-sku" && f.Code != "not-sellable" {
		return all
	}
	for _, field := range f.Fields {
		var i int
		if _, err := fmt.Sscanf(field.Location, "body.lines[%d].sku", &i); err == nil && i >= 0 && i < n {
			all[i] = true
		}
	}
	return all
}

// elsewhere finds the cart of another market that could be brought here, and what is in it.
func (s *Shop) elsewhere(ctx context.Context, w http.ResponseWriter, q *request) (known storefront.Cart, lines []cartapi.Line) {
	known = q.carts.Elsewhere(q.market)
	if known.ID == "" {
		return known, nil
	}
	c, err := s.Services.GetCart(ctx, known.ID)
	switch {
	case closed(err), err == nil && (over(&c) || len(c.Lines) == 0):
		q.forget(w, known.ID)
		return storefront.Cart{}, nil
	case err != nil: // there is something in it, and that is all that can be said
		s.Log.WarnContext(ctx, "the cart of another market cannot be had", "error", err)
	}
	return known, c.Lines
}
