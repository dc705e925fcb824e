package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/limit"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
	"github.com/sidecart/sidecart/services/storefront/internal/view"
)

// dropinScript is Braintree's own form for cards. No other page loads anything of another host.
const dropinScript = "https://js.braintreegateway.com/web/dropin/1.43.0/js/dropin.min.js"

// payment makes the payment step: what is offered, what is chosen, what gift cards are worth, and the key of the one call that buys.
func (s *Shop) payment(w http.ResponseWriter, q *request, m *view.CheckoutModel) error {
	in := &view.PaymentInput{Key: newKey(), Dropin: s.Dropin, Remainder: m.Checkout.Totals.Total}
	if m.Payment != nil {
		in.CardFault = m.Payment.CardFault
	}
	m.Payment = in
	if !m.Checkout.Totals.Total.IsPositive() {
		return nil
	}
	id := m.Checkout.ID
	session, err := s.Services.PaymentSession(q.Context(), id, "")
	if err != nil {
		return err
	}
	in.Provider = session.Chosen
	if in.Provider == "" {
		in.Provider = session.Provider
		// What costs a fee is in the total only once it is chosen.
		if i := slices.IndexFunc(session.Providers, func(o paymentapi.Offer) bool { return o.Provider == in.Provider && o.Fee.IsPositive() }); i >= 0 {
			if session, err = s.Services.PaymentSession(q.Context(), id, in.Provider); err != nil {
				return err
			}
		}
	}
	in.Offers, in.Token = session.Providers, session.ClientToken
	if session.Amount != m.Checkout.Totals.Total {
		if m.Checkout, err = s.Services.FindCheckout(q.Context(), id); err != nil {
			return err
		}
	}
	in.Cards, in.Remainder = s.giftCards(w, q, m.Checkout.Totals.Total)
	return nil
}

// giftCards asks what the cards of the browser are worth. Those that nobody knows any more are dropped.
func (s *Shop) giftCards(w http.ResponseWriter, q *request, total money.Amount) ([]view.GiftCard, money.Amount) {
	codes := storefront.ParseGiftCards(cookie(q.Request, giftCookie))
	cards, gone := make([]view.GiftCard, len(codes)), make([]bool, len(codes))
	var wg sync.WaitGroup
	for i, code := range codes {
		cards[i].End = storefront.CodeEnd(code)
		wg.Go(func() {
			b, err := s.Services.GiftCardBalance(q.Context(), code)
			if err == nil {
				cards[i].Balance = &b.Balance
			}
			gone[i] = err != nil && fault.KindOf(err) == fault.NotFound
		})
	}
	wg.Wait()
	var left storefront.GiftCards
	var shown []view.GiftCard
	var balances []money.Amount
	for i, code := range codes {
		if gone[i] {
			continue
		}
		cards[i].Index = len(left)
		left, shown = append(left, code), append(shown, cards[i])
		if cards[i].Balance != nil {
			balances = append(balances, *cards[i].Balance)
		}
	}
	if len(left) < len(codes) {
		keep(w, giftCookie, left.String(), 0)
	}
	return shown, storefront.Remainder(total, balances)
}

// useGiftCard takes a code, or takes one away. A code is kept by the browser alone.
func (s *Shop) useGiftCard(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	codes := storefront.ParseGiftCards(cookie(r, giftCookie))
	if i, err := strconv.Atoi(r.PostFormValue("remove")); err == nil && i >= 0 && i < len(codes) {
		keep(w, giftCookie, slices.Delete(codes, i, i+1).String(), 0)
		q.lead(w, "/checkout")
		return
	}
	t := s.text(q).Checkout
	var said string
	status := http.StatusUnprocessableEntity
	code := storefront.GiftCode(r.PostFormValue("code"))
	switch {
	case slices.Contains(codes, code) || len(codes) >= storefront.MaxGiftCards:
		q.lead(w, "/checkout")
		return
	case code == "":
		said = t.GiftCardNone
	case s.tooMany(w, r):
		said, status = t.GiftCardMany, http.StatusTooManyRequests
	default:
		b, err := s.Services.GiftCardBalance(r.Context(), code)
		switch kind := fault.KindOf(err); {
		case err == nil && b.Balance.Currency != q.market.Currency:
			said = t.GiftCardOther
		case err == nil && b.Balance.IsPositive():
			keep(w, giftCookie, append(codes, code).String(), 0)
			q.lead(w, "/checkout")
			return
		case err == nil || kind == fault.NotFound || kind == fault.Invalid:
			said = t.GiftCardNone
		case kind == fault.RateLimited:
			said, status = t.GiftCardMany, http.StatusTooManyRequests
		default:
			said, status = t.GiftCardOff, http.StatusServiceUnavailable
		}
	}
	s.again(w, q, status, &view.CheckoutModel{Payment: &view.PaymentInput{CardFault: said}})
}

// payWith chooses how it will be paid: what that costs is in the total from then on.
func (s *Shop) payWith(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	id := q.ticket().Checkout
	if id == "" {
		q.lead(w, "/checkout")
		return
	}
	_, err := s.Services.PaymentSession(r.Context(), id, r.PostFormValue("provider"))
	if err == nil {
		q.lead(w, "/checkout")
		return
	}
	s.lost(w, q, err, func() {
		t := s.text(q).Checkout
		status, notice := http.StatusUnprocessableEntity, view.Notice{Kind: "bad", Title: t.Decline["provider"]}
		if fault.KindOf(err) != fault.Invalid {
			status, notice = http.StatusServiceUnavailable, view.Notice{Kind: "bad", Title: t.Away}
		}
		s.again(w, q, status, &view.CheckoutModel{Notices: []view.Notice{notice}})
	})
}

// again shows the payment step once more, with another key: what was answered belongs to the one before.
func (s *Shop) again(w http.ResponseWriter, q *request, status int, m *view.CheckoutModel) {
	co, ok := s.current(w, q)
	if !ok {
		return
	}
	m.Checkout, m.Step = co, storefront.StepOf("payment", co.ShippingAddress != nil, co.ShippingOption != nil)
	if m.Step != storefront.StepPayment {
		m.Payment = nil
	}
	s.steps(w, q, status, m)
}

// complete buys. The same form sent twice is the same call; another one of the same checkout finds the order that there is.
func (s *Shop) complete(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	t, key := q.ticket(), r.PostFormValue("key")
	total, ok := parseTotal(r.PostFormValue("total"))
	if t.Checkout == "" || !ok || len(key) != 32 || strings.Trim(key, "0123456789abcdef") != "" {
		q.lead(w, "/checkout")
		return
	}
	in := checkoutapi.CompleteInput{ExpectedTotal: total, GiftCards: storefront.ParseGiftCards(cookie(r, giftCookie))}
	switch provider := r.PostFormValue("provider"); provider {
	case "":
	case view.ByCard:
		in.Nonce, in.DeviceData = r.PostFormValue("nonce"), r.PostFormValue("device_data")
		if in.Nonce == "" {
			s.again(w, q, http.StatusUnprocessableEntity, &view.CheckoutModel{Faults: []view.Fault{{Field: "payment_method", Text: s.text(q).Checkout.Fault["payment_method"]}}})
			return
		}
	default:
		in.Provider = provider
	}
	order, err := s.Services.Complete(r.Context(), t.Checkout, key, limit.Address(r, s.Proxies).String(), in)
	switch {
	case order != nil:
		s.bought(w, q, order.ID, order.AccessToken)
	case err == nil || fault.KindOf(err) == fault.Timeout:
		q.lead(w, "/checkout/wait")
	default:
		s.lost(w, q, err, func() { s.notBought(w, q, err) })
	}
}

func parseTotal(s string) (money.Amount, bool) {
	currency, minor, _ := strings.Cut(s, " ")
	n, err := strconv.ParseInt(minor, 10, 64)
	c, bad := money.ParseCurrency(currency)
	return money.New(n, c), err == nil && bad == nil
}

// notBought says what stands in the way, and what can be done.
func (s *Shop) notBought(w http.ResponseWriter, q *request, err error) {
	texts := s.text(q)
	t := texts.Checkout
	notice, status := view.Notice{Kind: "bad", Title: t.Refused}, http.StatusConflict
	switch code, kind := fault.CodeOf(err), fault.KindOf(err); {
	case kind == fault.PaymentRequired:
		var decline string
		extra(err, "decline_code", &decline)
		notice, status = view.Notice{Kind: "bad", Title: t.Declined, Lines: []string{t.Decline[storefront.Declined(decline)]}}, http.StatusPaymentRequired
	case code == "price-changed":
		notice = view.Notice{Kind: "warn", Title: t.PriceChanged}
		var was, now money.Amount
		if extra(err, "expected_total", &was) && extra(err, "actual_total", &now) {
			p := view.Page{Market: q.market}
			notice.Lines = []string{t.PriceWas(p.Money(was), p.Money(now))}
		}
	case len(shortages(err)) > 0:
		s.soldOut(w, q, err)
		return
	case code == "hold-expired":
		notice.Title = t.HoldExpired
	case code == "payment-provider-not-offered":
		notice = view.Notice{Kind: "bad", Title: t.Declined, Lines: []string{t.Decline["provider"]}}
	case code == "idempotency-key-reused":
		notice = view.Notice{Kind: "warn", Title: t.Moved}
	case kind == fault.RateLimited:
		notice, status = view.Notice{Kind: "warn", Title: t.TooFast}, http.StatusTooManyRequests
	case kind == fault.Unavailable:
		notice, status = view.Notice{Kind: "bad", Title: t.Away}, http.StatusServiceUnavailable
	case kind == fault.Conflict:
	case kind == fault.Invalid:
		status = http.StatusUnprocessableEntity
	default:
		s.fail(w, q.Request, err)
		return
	}
	s.Log.InfoContext(q.Context(), "not bought", "error", err)
	s.again(w, q, status, &view.CheckoutModel{Notices: []view.Notice{notice}})
}

// soldOut marks the lines that are the trouble.
func (s *Shop) soldOut(w http.ResponseWriter, q *request, err error) {
	co, ok := s.current(w, q)
	if !ok {
		return
	}
	n := s.short(q, shortages(err), titlesOf(co))
	if fault.CodeOf(err) == "hold-expired" {
		n.Lines = append([]string{s.text(q).Checkout.HoldExpired}, n.Lines...)
	}
	s.again(w, q, http.StatusConflict, &view.CheckoutModel{Notices: []view.Notice{n}})
}

// waitSeconds is how soon the page that waits asks again.
const waitSeconds = 2

// wait is shown while nobody knows what became of a payment: it asks again by itself, and leads to whatever came of it.
func (s *Shop) wait(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	t := q.ticket()
	if t.Checkout == "" {
		q.lead(w, "/cart")
		return
	}
	co, err := s.Services.FindCheckout(r.Context(), t.Checkout)
	switch kind := fault.KindOf(err); {
	case err == nil && co.Status == checkoutapi.StatusCompleted && co.Order != nil:
		s.bought(w, q, co.Order.ID, co.Order.AccessToken)
	case err == nil && co.Status == checkoutapi.StatusOpen:
		say(w, "not-placed")
		q.lead(w, "/checkout")
	case err == nil && co.Status != checkoutapi.StatusCompleting && co.Status != checkoutapi.StatusCompleted, err != nil && kind == fault.NotFound:
		s.ended(w, q)
	case err != nil && kind != fault.Unavailable && kind != fault.Timeout && kind != fault.RateLimited:
		s.fail(w, r, err)
	default:
		p := s.page(q, "/checkout/wait")
		p.Title, p.NoIndex, p.Refresh = p.T.Checkout.Waiting, true, waitSeconds
		s.send(w, r, http.StatusOK, view.Waiting(p))
	}
}

// bought leads to the order. The browser keeps its token, and forgets cart, checkout and gift cards.
func (s *Shop) bought(w http.ResponseWriter, q *request, id, token string) {
	receipts := storefront.ParseReceipts(cookie(q.Request, orderCookie))
	if receipts.Token(id) == "" {
		say(w, "bought")
	}
	keep(w, orderCookie, receipts.With(id, token).String(), orderDays)
	if t := q.ticket(); t.Cart != "" {
		q.forget(w, t.Cart)
	}
	keep(w, ticketCookie, "", 0)
	keep(w, giftCookie, "", 0)
	q.lead(w, "/order/"+id)
}

// seen keeps an order whose token came with a link.
func seen(w http.ResponseWriter, r *http.Request, o orderapi.Order, token string) {
	keep(w, orderCookie, storefront.ParseReceipts(cookie(r, orderCookie)).With(o.ID, token).String(), orderDays)
}
