package web

import (
	"context"
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
	"github.com/sidecart/sidecart/services/storefront/internal/text"
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

// giftCards asks what the cards of the browser are worth, as far as that is not known already: a cookie may hold any code, so each that is asked for counts as
// a try. Those that nobody knows any more, that are empty or of another currency are dropped.
func (s *Shop) giftCards(w http.ResponseWriter, q *request, total money.Amount) ([]view.GiftCard, money.Amount) {
	codes := storefront.ParseGiftCards(cookie(q.Request, giftCookie))
	cards, gone := make([]view.GiftCard, len(codes)), make([]bool, len(codes))
	var wg sync.WaitGroup
	for i, code := range codes {
		cards[i].End = storefront.CodeEnd(code)
		b, known := s.worth.get(code)
		if !known && s.codes.Take(limit.Client(q.Request, s.Proxies)) > 0 { // it is shown without its balance
			continue
		}
		wg.Go(func() {
			var err error
			if !known {
				b, err = s.balanceOf(q.Context(), code)
			}
			if err == nil {
				cards[i].Balance = &b.Balance
			}
			gone[i] = err != nil && fault.KindOf(err) == fault.NotFound || err == nil && (b.Balance.Currency != total.Currency || !b.Balance.IsPositive())
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

// balanceOf asks what a card is worth, and remembers it for a moment.
func (s *Shop) balanceOf(ctx context.Context, code string) (paymentapi.GiftCardBalance, error) {
	b, err := s.Services.GiftCardBalance(ctx, code)
	if err == nil {
		s.worth.keep(code, b)
	}
	return b, err
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
	code := storefront.GiftCode(r.PostFormValue("code"))
	switch {
	case slices.Contains(codes, code): // it is there
	case len(codes) >= storefront.MaxGiftCards:
		say(w, "gift:full")
	case code == "":
		say(w, "gift:none")
	case s.tooMany(w, r):
		say(w, "gift:many")
	default:
		b, err := s.balanceOf(r.Context(), code)
		switch kind := fault.KindOf(err); {
		case err == nil && b.Balance.Currency != q.market.Currency:
			say(w, "gift:other")
		case err == nil && b.Balance.IsPositive():
			keep(w, giftCookie, append(codes, code).String(), 0)
		case err == nil || kind == fault.NotFound || kind == fault.Invalid:
			say(w, "gift:none")
		case kind == fault.RateLimited:
			say(w, "gift:many")
		default:
			say(w, "gift:off")
		}
	}
	q.lead(w, "/checkout")
}

// payWith chooses how it will be paid: what that costs is in the total from then on.
func (s *Shop) payWith(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	id := q.ticket().Checkout
	if id == "" {
		q.lead(w, "/checkout")
		return
	}
	if _, err := s.Services.PaymentSession(r.Context(), id, r.PostFormValue("provider")); err != nil {
		s.lost(w, q, err, func() {
			s.Log.WarnContext(r.Context(), "way to pay was not chosen", "error", err)
			if fault.KindOf(err) == fault.Invalid {
				say(w, "declined:provider")
			} else {
				say(w, "away")
			}
			q.lead(w, "/checkout")
		})
		return
	}
	q.lead(w, "/checkout")
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
			say(w, "choose")
			q.lead(w, "/checkout")
			return
		}
	default:
		in.Provider = provider
	}
	if q.cart.ID == t.Cart && s.grown(q, t, total) {
		say(w, "moved")
		q.lead(w, "/checkout")
		return
	}
	order, err := s.Services.Complete(r.Context(), t.Checkout, key, limit.Address(r, s.Proxies).String(), in)
	s.worth.forget(in.GiftCards)
	switch {
	case order != nil:
		s.bought(w, q, order.ID, order.AccessToken)
	case err == nil || fault.KindOf(err) == fault.Timeout:
		q.lead(w, "/checkout/wait")
	default:
		s.lost(w, q, err, func() { s.notBought(w, q, err) })
	}
}

// grown reports whether the cart has come to another total since the payment was shown, as when something was put into it in another window: asking for
// the checkout anew brings it up to date. Where that cannot be asked, or an order is being placed already, complete knows what to answer.
func (s *Shop) grown(q *request, t storefront.Ticket, total money.Amount) bool {
	co, err := s.Services.BeginCheckout(q.Context(), t.Cart)
	return err == nil && co.ID == t.Checkout && co.Totals.Total != total
}

func parseTotal(s string) (money.Amount, bool) {
	currency, minor, _ := strings.Cut(s, " ")
	n, err := strconv.ParseInt(minor, 10, 64)
	c, bad := money.ParseCurrency(currency)
	return money.New(n, c), err == nil && bad == nil
}

// notBought leads back to the payment, which says what stands in the way and what can be done.
func (s *Shop) notBought(w http.ResponseWriter, q *request, err error) {
	var what string
	switch code, kind := fault.CodeOf(err), fault.KindOf(err); {
	case len(shortages(err)) > 0:
		s.soldOut(w, q, err)
		return
	case kind == fault.PaymentRequired:
		var decline string
		extra(err, "decline_code", &decline)
		what = "declined:" + storefront.Declined(decline)
	case code == "price-changed":
		what = "price"
		var was, now money.Amount
		if extra(err, "expected_total", &was) && extra(err, "actual_total", &now) {
			what += ":" + strconv.FormatInt(was.Minor, 10) + ":" + strconv.FormatInt(now.Minor, 10)
		}
	case code == "hold-expired":
		what = "hold-expired"
	case code == "payment-provider-not-offered":
		what = "declined:provider"
	case code == "idempotency-key-reused":
		what = "moved"
	case kind == fault.RateLimited:
		what = "fast"
	case kind == fault.Unavailable:
		what = "away"
	case kind == fault.Conflict || kind == fault.Invalid:
		what = "refused"
	default:
		s.fail(w, q.Request, err)
		return
	}
	s.Log.InfoContext(q.Context(), "not bought", "error", err)
	say(w, what)
	q.lead(w, "/checkout")
}

// hear puts what was said by the answer before this page into words: a reload does not send a payment again.
func (s *Shop) hear(q *request, m *view.CheckoutModel) {
	t := s.text(q).Checkout
	what, about, _ := strings.Cut(q.said, ":")
	tell := func(kind, title string, lines ...string) {
		m.Notices = append(m.Notices, view.Notice{Kind: kind, Title: title, Lines: lines})
	}
	switch what {
	case "declined":
		tell("bad", t.Declined, text.Of(t.Decline, about))
	case "price":
		was, now, _ := strings.Cut(about, ":")
		a, err1 := strconv.ParseInt(was, 10, 64)
		b, err2 := strconv.ParseInt(now, 10, 64)
		if err1 != nil || err2 != nil {
			tell("warn", t.PriceChanged)
			return
		}
		p := view.Page{Market: q.market}
		tell("warn", t.PriceChanged, t.PriceWas(p.Money(money.New(a, q.market.Currency)), p.Money(money.New(b, q.market.Currency))))
	case "hold-expired":
		tell("bad", t.HoldExpired)
	case "moved":
		tell("warn", t.Moved)
	case "fast":
		tell("warn", t.TooFast)
	case "away":
		tell("bad", t.Away)
	case "refused":
		tell("bad", t.Refused)
	case "choose":
		m.Faults = append(m.Faults, view.Fault{Field: "payment_method", Text: t.Fault["payment_method"]})
	case "gift":
		m.Payment = &view.PaymentInput{CardFault: map[string]string{"none": t.GiftCardNone, "many": t.GiftCardMany, "off": t.GiftCardOff, "other": t.GiftCardOther, "full": t.GiftCardFull}[about]}
	}
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
	s.steps(w, q, http.StatusConflict, &view.CheckoutModel{Checkout: co, Step: storefront.StepOf("payment", co.ShippingAddress != nil, co.ShippingOption != nil), Notices: []view.Notice{n}})
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
		say(w, whyNot(co.FailedAttempt))
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

// whyNot is what the payment step says of an attempt that failed while nobody heard of it.
func whyNot(f *checkoutapi.FailedAttempt) string {
	switch {
	case f == nil:
		return "not-placed"
	case f.Outcome == orderapi.OutcomeDeclined:
		return "declined:" + storefront.Declined(f.DeclineCode)
	case f.Outcome == orderapi.OutcomeOutOfStock:
		return "sold-out"
	}
	return "not-placed"
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
