package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/storefront/internal/daprio"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
	"github.com/sidecart/sidecart/services/storefront/internal/text"
	"github.com/sidecart/sidecart/services/storefront/internal/view"
)

// unreferred keeps the address of a page from whatever it links to.
func unreferred(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

// mayOrder finds the token that the browser has for the order of the address. Where it has none, it has answered.
func (s *Shop) mayOrder(w http.ResponseWriter, q *request) (id, token string, ok bool) {
	id = chi.URLParam(q.Request, "id")
	if storefront.OrderID(id) {
		token = storefront.ParseReceipts(cookie(q.Request, orderCookie)).Token(id)
	}
	if token == "" {
		s.notYours(w, q)
	}
	return id, token, token != ""
}

// notYours is said of orders that are not there and of those that are somebody else's alike.
func (s *Shop) notYours(w http.ResponseWriter, q *request) {
	t := s.text(q).Order
	s.message(w, q.Request, http.StatusNotFound, view.MessageModel{Icon: "lock", Title: t.NotYours, Hint: t.NotYoursHint})
}

// order shows an order. A token in the address is exchanged for a cookie, so that it does not stay there.
func (s *Shop) order(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	if token := r.URL.Query().Get("access_token"); token != "" {
		s.openOrder(w, q, chi.URLParam(r, "id"), token)
		return
	}
	id, token, ok := s.mayOrder(w, q)
	if ok {
		s.showOrder(w, q, http.StatusOK, id, token, &view.OrderModel{})
	}
}

func (s *Shop) openOrder(w http.ResponseWriter, q *request, id, token string) {
	if !storefront.OrderID(id) || !storefront.AccessToken(token) {
		s.notYours(w, q)
		return
	}
	o, err := s.Services.FindOrder(q.Context(), id, token)
	if err != nil {
		s.noOrder(w, q, err)
		return
	}
	seen(w, q.Request, o, token)
	http.Redirect(w, q.Request, q.market.Path("/order/"+id), http.StatusSeeOther)
}

func (s *Shop) noOrder(w http.ResponseWriter, q *request, err error) {
	if fault.KindOf(err) == fault.NotFound {
		s.notYours(w, q)
		return
	}
	s.fail(w, q.Request, err)
}

// showOrder renders an order with its timeline. Without the timeline, or the account of a transfer, it is shown all the same.
func (s *Shop) showOrder(w http.ResponseWriter, q *request, status int, id, token string, m *view.OrderModel) {
	var events []daprio.TimelineEntry
	done := make(chan error, 1)
	go func() {
		var err error
		events, err = s.Services.Timeline(q.Context(), id, token)
		done <- err
	}()
	var err error
	m.Order, err = s.Services.FindOrder(q.Context(), id, token)
	late := <-done
	if err != nil {
		s.noOrder(w, q, err)
		return
	}
	if m.Order.PaymentStatus == "awaiting_payment" {
		var transferErr error
		m.Transfer, transferErr = s.Services.TransferOf(q.Context(), m.Order)
		late = errors.Join(late, transferErr)
	}
	if late != nil {
		s.Log.WarnContext(q.Context(), "order is shown in part", "error", late)
	}
	p := s.page(q, "/order/"+id)
	p.Title, p.NoIndex = p.T.Order.Title(m.Order.Number), true
	m.Key = p.Key
	if m.Bought = q.said == "bought"; m.Bought {
		s.did(q.Request, "order", id, &m.Order.Totals.Total)
	}
	for _, e := range events {
		m.Cancelling = m.Cancelling || e.What == "cancel_requested"
		m.Events = append(m.Events, view.Event{What: text.Of(p.T.Order.What, e.What), Moment: p.T.Moment(e.At)})
	}
	s.send(w, q.Request, status, view.Order(p, m))
}

// invoice sends the document. It is a page of ours that says why there is none.
func (s *Shop) invoice(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	id, token, ok := s.mayOrder(w, q)
	if !ok {
		return
	}
	d, err := s.Services.Invoice(r.Context(), id, token)
	switch {
	case err != nil && fault.KindOf(err) == fault.Conflict:
		s.showOrder(w, q, http.StatusConflict, id, token, &view.OrderModel{Notices: []view.Notice{{Kind: "warn", Title: s.text(q).Order.NoInvoice}}})
	case err != nil:
		s.noOrder(w, q, err)
	default:
		w.Header().Set("Content-Disposition", `inline; filename="`+invoiceName(d.Disposition, id)+`"`)
		respond(w, r, http.StatusOK, d.Body, "application/pdf")
	}
}

// invoiceName is the name of a document as order has it, without anything that could end a header's text.
func invoiceName(disposition, id string) string {
	_, name, _ := strings.Cut(disposition, `filename="`)
	name = strings.TrimSuffix(name, `"`)
	if name == "" || len(name) > 100 || strings.ContainsAny(name, "\"\\/\r\n;") {
		return id + ".pdf"
	}
	return name
}

// cancelOrder calls an order off.
func (s *Shop) cancelOrder(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	id, token, ok := s.mayOrder(w, q)
	if !ok {
		return
	}
	reasons := text.In("en").Order.CancelReasons // staff read one language
	i, err := strconv.Atoi(r.PostFormValue("reason"))
	if err != nil || i < 0 || i >= len(reasons) || r.PostFormValue("sure") != "yes" {
		s.showOrder(w, q, http.StatusUnprocessableEntity, id, token, &view.OrderModel{CancelFault: true})
		return
	}
	o, err := s.Services.CancelOrder(r.Context(), id, token, keyOf(formKey(r), "cancel", id, strconv.Itoa(i)), reasons[i])
	switch kind := fault.KindOf(err); {
	case err == nil && o.Status == "cancelled":
		say(w, "cancelled")
	case err == nil:
		say(w, "cancel-wanted")
	case kind == fault.Conflict || kind == fault.Forbidden:
		s.showOrder(w, q, http.StatusConflict, id, token, &view.OrderModel{Notices: []view.Notice{{Kind: "warn", Title: s.text(q).Order.CancelTooLate}}})
		return
	case kind == fault.Timeout: // it may be under way: the page tells
		say(w, "cancel-wanted")
	default:
		s.noOrder(w, q, err)
		return
	}
	q.lead(w, "/order/"+id)
}

// orderAgain makes a cart of an order.
func (s *Shop) orderAgain(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	id, token, ok := s.mayOrder(w, q)
	if !ok {
		return
	}
	made, err := s.Services.Reorder(r.Context(), id, token, keyOf(formKey(r), "again", id))
	if err != nil {
		s.noOrder(w, q, err)
		return
	}
	if made.CartID == "" { // nothing of it is sold any more
		s.showOrder(w, q, http.StatusConflict, id, token, &view.OrderModel{Notices: []view.Notice{s.leftOut(q, made)}})
		return
	}
	c, err := s.Services.GetCart(r.Context(), made.CartID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if mine := q.cart.ID; mine != "" && mine != c.ID && q.cart.In(storefront.Market{Currency: seenCart(&c).Currency, Country: c.Country}) {
		if merged, err := s.Services.MergeCart(r.Context(), mine, c.ID); err == nil {
			c = merged
		} else if !closed(err) {
			s.fail(w, r, err)
			return
		}
	}
	q.setCarts(w, q.carts.With(seenCart(&c)))
	if len(made.LeftOut) > 0 {
		say(w, "left-out")
	}
	m, ok := s.Markets.At(q.market.Language, c.Country, seenCart(&c).Currency)
	if !ok {
		m = q.market
	}
	http.Redirect(w, r, m.Path("/cart"), http.StatusSeeOther)
}

func (s *Shop) leftOut(q *request, made orderapi.Reordered) view.Notice {
	t := s.text(q).Order
	n := view.Notice{Kind: "warn", Title: t.AgainLeftOut}
	for _, l := range made.LeftOut {
		n.Lines = append(n.Lines, l.Title+": "+t.LeftOut[l.Reason])
	}
	return n
}

// balance shows the form for a gift card's code.
func (s *Shop) balance(w http.ResponseWriter, r *http.Request) {
	s.showBalance(w, s.of(r), http.StatusOK, &view.BalanceModel{})
}

func (s *Shop) showBalance(w http.ResponseWriter, q *request, status int, m *view.BalanceModel) {
	p := s.page(q, "/gift-card")
	p.Title, p.NoIndex = p.T.Order.Balance, true
	s.send(w, q.Request, status, view.Balance(p, m))
}

// askBalance answers what a gift card is worth. The code stands in neither an address nor the page.
func (s *Shop) askBalance(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	t := s.text(q)
	m, status := &view.BalanceModel{}, http.StatusUnprocessableEntity
	code := storefront.GiftCode(r.PostFormValue("code"))
	switch {
	case strings.TrimSpace(r.PostFormValue("code")) == "":
		m.Fault = t.Order.BalanceNeeded
	case s.tooMany(w, r):
		m.Fault, status = t.Order.BalanceFast, http.StatusTooManyRequests
	case code == "":
		m.Fault = t.Order.BalanceUnknown
	default:
		b, err := s.Services.GiftCardBalance(r.Context(), code)
		switch kind := fault.KindOf(err); {
		case err == nil:
			m.Balance, status = &b.Balance, http.StatusOK
			if b.ExpiresAt != nil {
				m.Until = t.Date(*b.ExpiresAt) + " " + strconv.Itoa(b.ExpiresAt.Year())
			}
		case kind == fault.NotFound || kind == fault.Invalid:
			m.Fault = t.Order.BalanceUnknown
		case kind == fault.RateLimited:
			m.Fault, status = t.Order.BalanceFast, http.StatusTooManyRequests
		default:
			s.Log.WarnContext(r.Context(), "no balance", "error", err)
			m.Fault, status = t.Order.BalanceAway, http.StatusServiceUnavailable
		}
	}
	s.showBalance(w, q, status, m)
}
