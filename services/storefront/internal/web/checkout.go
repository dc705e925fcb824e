package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
	"github.com/sidecart/sidecart/services/storefront/internal/view"
)

// The cookies of a purchase. A checkout, a gift card's code and an order's token are capabilities: none stands in an address or a page.
const (
	ticketCookie = "__Host-checkout"
	giftCookie   = "__Host-giftcards"
	orderCookie  = "__Host-order"
	saidCookie   = "__Host-said"
)

const (
	ticketDays = 1
	orderDays  = 30
)

// personal keeps pages that are one person's out of every cache and index.
func personal(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Robots-Tag", "noindex")
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// purchase are the addresses between a cart and an order, and after it.
func (s *Shop) purchase(r chi.Router) {
	r.Use(personal)
	r.Get("/checkout", s.checkout)
	r.Post("/checkout", s.beginCheckout)
	r.Post("/checkout/address", s.giveAddress)
	r.Post("/checkout/shipping", s.chooseShipping)
	r.Post("/checkout/pay-with", s.payWith)
	r.Post("/checkout/gift-card", s.useGiftCard)
	r.Post("/checkout/adjust", s.adjust)
	r.Post("/checkout/complete", s.complete)
	r.Get("/checkout/wait", s.wait)
	r.Get("/gift-card", s.balance)
	r.Post("/gift-card", s.askBalance)
	r.Route("/order/{id}", func(r chi.Router) {
		r.Use(unreferred)
		r.Get("/", s.order)
		r.Get("/invoice", s.invoice)
		r.Post("/cancel", s.cancelOrder)
		r.Post("/again", s.orderAgain)
	})
}

// lead leads elsewhere in the market: by a redirect, and by its header where htmx asks, which would follow a redirect unseen.
func (q *request) lead(w http.ResponseWriter, path string) {
	if q.Header.Get("HX-Request") != "" {
		w.Header().Set("HX-Redirect", q.market.Path(path))
		w.WriteHeader(http.StatusNoContent)
		return
	}
	http.Redirect(w, q.Request, q.market.Path(path), http.StatusSeeOther)
}

// say has the next page say something, by its key in the texts.
func say(w http.ResponseWriter, what string) { keep(w, saidCookie, what, 1) }

func (q *request) ticket() storefront.Ticket {
	return storefront.ParseTicket(cookie(q.Request, ticketCookie))
}

// beginCheckout begins the checkout of the market's cart, or goes on with it.
func (s *Shop) beginCheckout(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	s.settle(w, q)
	if _, ok := s.begin(w, q); ok {
		q.lead(w, "/checkout")
	}
}

func (s *Shop) begin(w http.ResponseWriter, q *request) (checkoutapi.Checkout, bool) {
	if q.cart.ID == "" {
		q.lead(w, "/cart")
		return checkoutapi.Checkout{}, false
	}
	if !s.before(w, q) {
		return checkoutapi.Checkout{}, false
	}
	co, err := s.Services.BeginCheckout(q.Context(), q.cart.ID)
	if err != nil {
		s.notBegun(w, q, err)
		return co, false
	}
	keep(w, ticketCookie, storefront.Ticket{Checkout: co.ID, Cart: co.CartID}.String(), ticketDays)
	return co, true
}

// before looks at the checkout of another cart that the browser still has, before it is forgotten: an order that is being placed is waited for, and
// one that was placed without an answer is kept. It reports whether another checkout may begin; else it has answered.
func (s *Shop) before(w http.ResponseWriter, q *request) bool {
	t := q.ticket()
	if t.Checkout == "" || t.Cart == q.cart.ID {
		return true
	}
	old, err := s.Services.FindCheckout(q.Context(), t.Checkout)
	switch {
	case err != nil: // it is gone, or nobody knows
	case old.Status == checkoutapi.StatusCompleting:
		q.lead(w, "/checkout/wait")
		return false
	case old.Status == checkoutapi.StatusCompleted && old.Order != nil:
		keep(w, orderCookie, storefront.ParseReceipts(cookie(q.Request, orderCookie)).With(old.Order.ID, old.Order.AccessToken).String(), orderDays)
	}
	return true
}

// notBegun says why there is no checkout.
func (s *Shop) notBegun(w http.ResponseWriter, q *request, err error) {
	switch code := fault.CodeOf(err); {
	case len(shortages(err)) > 0:
		c, cartErr := s.Services.GetCart(q.Context(), q.cart.ID)
		if cartErr != nil {
			s.fail(w, q.Request, cartErr)
			return
		}
		p := s.page(q, "/checkout")
		p.Title, p.NoIndex = p.T.Checkout.OutOfStock, true
		s.send(w, q.Request, http.StatusConflict, view.Short(p, s.short(q, shortages(err), titles(c))))
	case closed(err):
		own := q.ticket().Cart == q.cart.ID
		q.forget(w, q.cart.ID)
		if own { // there is an order of it
			q.lead(w, "/checkout")
			return
		}
		q.lead(w, "/cart")
	case code == "cart-empty" || code == "not-sellable":
		q.lead(w, "/cart")
	case code == "request-in-progress" && q.ticket().Cart == q.cart.ID:
		q.lead(w, "/checkout/wait")
	default:
		s.fail(w, q.Request, err)
	}
}

// checkout shows the steps.
func (s *Shop) checkout(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	co, ok := s.current(w, q)
	if !ok {
		return
	}
	step := storefront.StepOf(r.URL.Query().Get("step"), co.Email != "" && co.ShippingAddress != nil, co.ShippingOption != nil)
	s.steps(w, q, http.StatusOK, &view.CheckoutModel{Checkout: co, Step: step})
}

// current is the checkout that the browser has, or that of its cart. Where there is none to go on with, it has answered.
func (s *Shop) current(w http.ResponseWriter, q *request) (co checkoutapi.Checkout, ok bool) {
	t := q.ticket()
	if t.Checkout == "" || q.cart.ID != "" && t.Cart != q.cart.ID {
		return s.begin(w, q)
	}
	co, err := s.Services.FindCheckout(q.Context(), t.Checkout)
	switch {
	case fault.KindOf(err) == fault.NotFound && err != nil:
		s.ended(w, q)
	case err != nil:
		s.fail(w, q.Request, err)
	case co.Status == checkoutapi.StatusCompleting:
		q.lead(w, "/checkout/wait")
	case co.Status == checkoutapi.StatusCompleted && co.Order != nil:
		s.bought(w, q, co.Order.ID, co.Order.AccessToken)
	case co.Status != checkoutapi.StatusOpen:
		s.ended(w, q)
	case co.Currency != string(q.market.Currency): // of another market, whose cart is not here
		q.lead(w, "/cart")
	default:
		return co, true
	}
	return co, false
}

// ended leads back to the cart, from which another checkout may begin.
func (s *Shop) ended(w http.ResponseWriter, q *request) {
	keep(w, ticketCookie, "", 0)
	say(w, "ended")
	q.lead(w, "/cart")
}

// steps renders a checkout, with all that its step needs.
func (s *Shop) steps(w http.ResponseWriter, q *request, status int, m *view.CheckoutModel) {
	m.Now = s.Now()
	switch m.Step {
	case storefront.StepAddress:
		if m.Address == nil {
			m.Address = addressOf(q, m.Checkout)
		}
	case storefront.StepShipping:
		options, err := s.Services.ShippingOptions(q.Context(), m.Checkout.ID)
		if err != nil {
			s.lost(w, q, err, func() { s.fail(w, q.Request, err) })
			return
		}
		m.Options = options
	case storefront.StepPayment:
		s.hear(q, m)
		if err := s.payment(w, q, m); err != nil {
			s.lost(w, q, err, func() { s.fail(w, q.Request, err) })
			return
		}
	}
	m.Products = s.productsOf(q, m.Checkout)
	p := s.page(q, "/checkout")
	p.Title, p.NoIndex = p.T.Checkout.Title, true
	p.Scripts = append(p.Scripts, s.files.Path("checkout.js"))
	if m.Step == storefront.StepPayment && m.Payment.Dropin && m.Payment.NeedsCard() {
		p.Scripts = append(p.Scripts, dropinScript)
		w.Header().Set("Content-Security-Policy", s.dropinPolicy())
	}
	if short := m.Checkout.Warnings; len(short) > 0 && len(m.Notices) == 0 {
		m.Notices = append(m.Notices, s.short(q, short, titlesOf(m.Checkout)))
	}
	s.send(w, q.Request, status, view.Checkout(p, m))
}

// addressOf is the first step as it was left, in the market's country to begin with.
func addressOf(q *request, co checkoutapi.Checkout) *view.AddressInput {
	in := &view.AddressInput{Email: co.Email, Shipping: orderapi.Address{Country: q.market.Country}, Billing: orderapi.Address{Country: q.market.Country}}
	if co.ShippingAddress != nil {
		in.Shipping = *co.ShippingAddress
		in.Billing.Country = in.Shipping.Country
	}
	if b := co.BillingAddress; b != nil && co.ShippingAddress != nil && *b != *co.ShippingAddress {
		in.Own, in.Billing = true, *b
	}
	return in
}

func readAddress(r *http.Request, prefix string) orderapi.Address {
	part := func(name string) string { return strings.TrimSpace(r.PostFormValue(prefix + "." + name)) }
	return orderapi.Address{Name: part("name"), Company: part("company"), Line1: part("line1"), Line2: part("line2"), City: part("city"), Region: part("region"),
		PostalCode: part("postal_code"), Country: strings.ToUpper(part("country")), Phone: part("phone")}
}

// giveAddress is the first step's form. It shows the form of another country without a word to checkout when that is all that was asked for.
func (s *Shop) giveAddress(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	in := &view.AddressInput{Email: strings.TrimSpace(r.PostFormValue("email")), Shipping: readAddress(r, "shipping"), Own: r.PostFormValue("billing") == "own", Billing: readAddress(r, "billing")}
	again := func(status int, faults []view.Fault, notices ...view.Notice) {
		if co, ok := s.current(w, q); ok {
			s.steps(w, q, status, &view.CheckoutModel{Checkout: co, Step: storefront.StepAddress, Address: in, Faults: faults, Notices: notices})
		}
	}
	if r.PostFormValue("action") == "country" {
		again(http.StatusOK, nil)
		return
	}
	id := q.ticket().Checkout
	if id == "" {
		again(http.StatusOK, nil)
		return
	}
	patch := checkoutapi.PatchInput{Email: &in.Email, ShippingAddress: &in.Shipping, BillingAddress: &in.Shipping}
	if in.Own {
		patch.BillingAddress = &in.Billing
	}
	_, err := s.Services.ChangeCheckout(q.Context(), id, patch)
	if err == nil {
		q.lead(w, "/checkout")
		return
	}
	s.lost(w, q, err, func() {
		status, faults, notices := s.addressFaults(q, err, in)
		again(status, faults, notices...)
	})
}

// lost answers what is the same wherever it happens: the checkout is over, or an order is being placed. Anything else is said by the caller.
func (s *Shop) lost(w http.ResponseWriter, q *request, err error, otherwise func()) {
	switch fault.CodeOf(err) {
	case "checkout-expired", "checkout-cancelled", "checkout-not-found":
		s.ended(w, q)
	case "checkout-completed":
		q.lead(w, "/checkout")
	case "request-in-progress":
		q.lead(w, "/checkout/wait")
	case "checkout-incomplete":
		say(w, "incomplete")
		q.lead(w, "/checkout")
	default:
		otherwise()
	}
}

// placed makes the name of a field of its place in a request.
var placed = strings.NewReplacer("body.shipping_address.", "shipping.", "body.billing_address.", "billing.", "body.", "")

// addressFaults puts what checkout has against an address into the reader's words, each at its field.
func (s *Shop) addressFaults(q *request, err error, in *view.AddressInput) (status int, faults []view.Fault, notices []view.Notice) {
	t := s.text(q).Checkout
	f, _ := fault.As(err)
	if f == nil || fault.KindOf(err) != fault.Invalid {
		s.Log.WarnContext(q.Context(), "address was not taken", "error", err)
		return http.StatusServiceUnavailable, nil, []view.Notice{{Kind: "bad", Title: t.Away}}
	}
	if f.Code == "not-sellable" {
		return http.StatusUnprocessableEntity, []view.Fault{{Field: "shipping.country", Text: t.NotThere}}, nil
	}
	for _, at := range f.Fields {
		field := placed.Replace(at.Location)
		prefix, name, nested := strings.Cut(field, ".")
		if !nested {
			name = field
		}
		if prefix == "billing" && !in.Own || slices.ContainsFunc(faults, func(x view.Fault) bool { return x.Field == field }) {
			continue
		}
		country := in.Shipping.Country
		if prefix == "billing" {
			country = in.Billing.Country
		}
		faults = append(faults, view.Fault{Field: field, Text: s.addressFault(q, prefix, name, country)})
	}
	slices.SortStableFunc(faults, func(a, b view.Fault) int { return fieldAt(a.Field, in) - fieldAt(b.Field, in) })
	if len(faults) == 0 {
		notices = append(notices, view.Notice{Kind: "bad", Title: t.Fault["other"]})
	}
	return http.StatusUnprocessableEntity, faults, notices
}

// fieldAt is where a field stands in the form, so that faults are told of in its order.
func fieldAt(field string, in *view.AddressInput) int {
	prefix, name, _ := strings.Cut(field, ".")
	at, country := 0, in.Shipping.Country
	if prefix == "billing" {
		at, country = 100, in.Billing.Country
	}
	if name == "" {
		return at // the e-mail
	}
	return at + 2 + slices.IndexFunc(storefront.AddressForm(country), func(f storefront.AddressField) bool { return f.Name == name })
}

func (s *Shop) addressFault(q *request, prefix, name, country string) string {
	t := s.text(q).Checkout
	switch {
	case name == "postal_code":
		for _, f := range storefront.AddressForm(country) {
			if f.Name == name && f.Sample != "" {
				return t.PostalFault(f.Sample)
			}
		}
	case name == "country" && prefix == "shipping" && storefront.KnowsCountry(country):
		return t.NotThere
	case t.Fault[name] != "":
		return t.Fault[name]
	}
	return t.Fault["other"]
}

// chooseShipping is the second step's form.
func (s *Shop) chooseShipping(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	id, option := q.ticket().Checkout, r.PostFormValue("option")
	if id == "" {
		q.lead(w, "/checkout")
		return
	}
	_, err := s.Services.ChangeCheckout(q.Context(), id, checkoutapi.PatchInput{ShippingOptionID: &option})
	if err == nil {
		q.lead(w, "/checkout")
		return
	}
	s.lost(w, q, err, func() {
		co, ok := s.current(w, q)
		if !ok {
			return
		}
		m := &view.CheckoutModel{Checkout: co, Step: storefront.StepOf("shipping", co.ShippingAddress != nil, true)}
		if fault.KindOf(err) == fault.Invalid {
			m.Faults = []view.Fault{{Field: "shipping_option_id", Text: s.text(q).Checkout.Fault["shipping_option_id"]}}
			s.steps(w, q, http.StatusUnprocessableEntity, m)
			return
		}
		s.Log.WarnContext(q.Context(), "shipping was not chosen", "error", err)
		m.Notices = []view.Notice{{Kind: "bad", Title: s.text(q).Checkout.Away}}
		s.steps(w, q, http.StatusServiceUnavailable, m)
	})
}
