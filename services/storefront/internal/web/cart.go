package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
	"github.com/sidecart/sidecart/services/storefront/internal/view"
)

// cartPages are the addresses of the cart.
func (s *Shop) cartPages(r chi.Router) {
	r.Get("/cart", s.cart)
	r.Post("/cart/lines", s.addLine)
	r.Post("/cart/lines/{line}", s.changeLine)
	r.Post("/cart/lines/{line}/later", s.saveLine)
	r.Post("/cart/coupons", s.addCoupon)
	r.Post("/cart/coupons/remove", s.removeCoupon)
	r.Post("/cart/saved", s.moveBack)
	r.Post("/cart/saved/remove", s.forgetSaved)
	r.Post("/cart/bring", s.bring)
}

// savedDays is how long a browser keeps what is saved for later.
const savedDays = 90

// cart is the cart's page. What was just done stands in its address, so that a reload says it again and does nothing.
func (s *Shop) cart(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	m := &view.CartModel{Note: query.Get("note"), Problem: query.Get("problem"), Back: local(query.Get("back"))}
	m.About, _ = storefront.ParseItem(query.Get("item"))
	s.showCart(w, s.of(r), http.StatusOK, m)
}

// showCart shows the cart as it is now.
func (s *Shop) showCart(w http.ResponseWriter, q *request, status int, m *view.CartModel) {
	var err error
	was := q.cart.ID
	if m.Cart, err = s.mine(w, q); err != nil {
		s.cartAway(w, q, err)
		return
	}
	if m.Cart == nil && was != "" && q.ticket().Cart == was { // it was bought, perhaps by a call whose answer was lost: checkout knows
		q.lead(w, "/checkout")
		return
	}
	if m.Cart == nil && m.Note == "added" {
		m.Note, m.Problem = "", "no-cookie"
	}
	m.Saved = storefront.ParseSaved(cookie(q.Request, savedCookie))
	m.Elsewhere, m.Others = s.elsewhere(q.Context(), w, q)
	ids := []string{m.About.Product}
	for _, l := range m.Others {
		ids = append(ids, l.ProductID)
	}
	for _, it := range m.Saved {
		ids = append(ids, it.Product)
	}
	if m.Cart != nil {
		for _, l := range m.Cart.Lines {
			ids = append(ids, l.ProductID)
		}
	}
	m.Products = s.Services.Products(q.Context(), q.market, ids)
	p := s.page(q, "/cart")
	p.Title, p.NoIndex = p.T.Cart.Title, true
	w.Header().Set("Cache-Control", "private, no-store")
	s.send(w, q.Request, status, view.Cart(p, m))
}

// cartAway says that the cart cannot be had. The browser keeps it.
func (s *Shop) cartAway(w http.ResponseWriter, q *request, err error) {
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.Timeout, fault.RateLimited, fault.NotFound: // not found by the sidecar: the service is
		s.Log.WarnContext(q.Context(), "no cart", "error", err)
		t := s.text(q).Cart
		w.Header().Set("Retry-After", "5")
		s.message(w, q.Request, http.StatusServiceUnavailable, view.MessageModel{Icon: "cart", Title: t.Away, Hint: t.AwayHint, Again: true})
	default:
		s.fail(w, q.Request, err)
	}
}

// toCart ends a change: it is shown by the cart's page, which says what was done.
func toCart(w http.ResponseWriter, q *request, note string, about storefront.Item) {
	values := url.Values{"note": {note}}
	if about.SKU != "" {
		values.Set("item", about.String())
	}
	if back := q.PostFormValue("back"); back != "" && local(back) == back {
		values.Set("back", back)
	}
	seeOther(w, q, values)
}

// seeOther leads to the cart's page. A note of nothing is left out.
func seeOther(w http.ResponseWriter, q *request, values url.Values) {
	if values.Get("note") == "" {
		values.Del("note")
	}
	to := q.market.Path("/cart")
	if len(values) > 0 {
		to += "?" + values.Encode()
	}
	http.Redirect(w, q.Request, to, http.StatusSeeOther)
}

// refused ends a change that was refused, or that could not be made. The cart's page says why.
func (s *Shop) refused(w http.ResponseWriter, q *request, err error, about storefront.Item) {
	code := problemOf(err)
	if code == "" {
		s.cartAway(w, q, err)
		return
	}
	values := url.Values{"problem": {code}}
	if about.SKU != "" {
		values.Set("item", about.String())
	}
	seeOther(w, q, values)
}

// problemOf is the code of a refusal that a shopper can do something about, or "".
func problemOf(err error) string {
	f, ok := fault.As(err)
	if !ok {
		return ""
	}
	switch {
	case f.Kind == fault.Invalid, f.Kind == fault.Conflict, f.Kind == fault.Gone, f.Code == "line-not-found", closed(err):
		return f.Code
	}
	return ""
}

// pieces reads a quantity. Nothing is one piece.
func pieces(s string) (n int64, ok bool) {
	if s = strings.TrimSpace(s); s == "" {
		return 1, true
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0 && n <= storefront.MaxQuantity
}

// errQuantity says that what was entered is no quantity.
var errQuantity = fault.New(fault.Invalid, "quantity", "a quantity is a whole number")

// addLine puts something into the cart. With script the answer is a part of a page that confirms it.
func (s *Shop) addLine(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	sku := r.PostFormValue("sku")
	if !storefront.IsSKU(sku) {
		s.refuse(w, r, http.StatusBadRequest)
		return
	}
	n, ok := pieces(r.PostFormValue("quantity"))
	part := r.Header.Get("HX-Target") == "added"
	if !ok || n < 1 {
		s.notAdded(w, q, errQuantity, part)
		return
	}
	s.settle(w, q)
	c, err := s.put(w, q, formKey(r), []cartapi.LineInput{{SKU: sku, Quantity: n}})
	if err != nil {
		s.notAdded(w, q, err, part)
		return
	}
	i := slices.IndexFunc(c.Lines, func(l cartapi.Line) bool { return l.SKU == sku })
	if i < 0 { // the answer of a repeat, and it was taken out since
		toCart(w, q, "", storefront.Item{})
		return
	}
	line := c.Lines[i]
	s.did(r, "cart", "", nil)
	if !part {
		toCart(w, q, "added", storefront.Item{Product: line.ProductID, SKU: sku, Quantity: n})
		return
	}
	m := &view.AddedModel{Cart: &c, Line: line, Quantity: n}
	products := view.Products(s.Services.Products(q.Context(), q.market, []string{line.ProductID}))
	if m.Article, ok = products.Article(line.ProductID, sku); !ok {
		m.Article = view.Article{Title: line.Title, ImageURL: line.ImageURL}
	}
	w.Header().Set("Cache-Control", "private, no-store")
	s.render(w, q, view.Added(s.page(q, "/cart"), m))
}

// notAdded says why something is not in the cart.
func (s *Shop) notAdded(w http.ResponseWriter, q *request, err error, part bool) {
	code := problemOf(err)
	switch {
	case !part && code == "":
		s.cartAway(w, q, err)
	case !part:
		s.refused(w, q, err, storefront.Item{})
	case code == "":
		s.Log.WarnContext(q.Context(), "not added", "error", err)
		w.Header().Set("Retry-After", "5")
		s.send(w, q.Request, http.StatusServiceUnavailable, view.Added(s.page(q, "/cart"), &view.AddedModel{Problem: "away"}))
	default:
		s.send(w, q.Request, http.StatusUnprocessableEntity, view.Added(s.page(q, "/cart"), &view.AddedModel{Problem: code}))
	}
}

// line finds the line that an address means in the cart of the market.
func (s *Shop) line(w http.ResponseWriter, q *request) (c *cartapi.Cart, l cartapi.Line, err error) {
	c, err = s.mine(w, q)
	if err != nil {
		return nil, l, err
	}
	id := chi.URLParam(q.Request, "line")
	if c != nil {
		if i := slices.IndexFunc(c.Lines, func(l cartapi.Line) bool { return l.ID == id }); i >= 0 {
			return c, c.Lines[i], nil
		}
	}
	return c, l, errLine
}

var errLine = fault.New(fault.NotFound, "line-not-found", "the cart has no such line")

// about is a line as a note speaks of it.
func about(l cartapi.Line) storefront.Item {
	return storefront.Item{Product: l.ProductID, SKU: l.SKU, Quantity: l.Quantity}
}

// changeLine sets how many pieces a line has: a number, and one more or less by a button. None removes it.
func (s *Shop) changeLine(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	n, ok := pieces(r.PostFormValue("quantity"))
	step, err := strconv.ParseInt(or(r.PostFormValue("step"), "0"), 10, 8)
	c, l, missing := s.line(w, q)
	switch {
	case missing != nil && problemOf(missing) != "" && ok && n+step <= 0: // the second of two clicks
		toCart(w, q, "", storefront.Item{})
		return
	case missing != nil:
		s.refused(w, q, missing, storefront.Item{})
		return
	case !ok, err != nil:
		s.refused(w, q, errQuantity, about(l))
		return
	}
	n = min(max(0, n+step), storefront.MaxQuantity)
	changed, err := s.Services.SetQuantity(q.Context(), c.ID, l.ID, n)
	if err != nil {
		s.refused(w, q, err, about(l))
		return
	}
	q.see(w, &changed)
	if n == 0 {
		toCart(w, q, "removed", about(l))
		return
	}
	toCart(w, q, "", storefront.Item{})
}

// saveLine moves a line to what is saved for later. It is saved before it is taken out of the cart.
func (s *Shop) saveLine(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	c, l, err := s.line(w, q)
	switch {
	case err != nil && problemOf(err) != "": // the second of two clicks
		toCart(w, q, "", storefront.Item{})
		return
	case err != nil:
		s.cartAway(w, q, err)
		return
	}
	saved, fits := storefront.ParseSaved(cookie(r, savedCookie)).With(about(l))
	if !fits {
		s.refused(w, q, errSavedFull, about(l))
		return
	}
	changed, err := s.Services.SetQuantity(q.Context(), c.ID, l.ID, 0)
	if err != nil && problemOf(err) == "" {
		s.cartAway(w, q, err)
		return
	}
	if err == nil {
		q.see(w, &changed)
	}
	keep(w, savedCookie, saved.String(), savedDays)
	toCart(w, q, "saved", about(l))
}

var errSavedFull = fault.New(fault.Conflict, "saved-full", "nothing more fits into the cookie")

// moveBack puts what was saved into the cart again.
func (s *Shop) moveBack(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	saved := storefront.ParseSaved(cookie(r, savedCookie))
	it, ok := saved.Find(r.PostFormValue("sku"))
	if !ok { // the second of two clicks
		toCart(w, q, "", storefront.Item{})
		return
	}
	s.settle(w, q)
	if _, err := s.put(w, q, formKey(r), []cartapi.LineInput{{SKU: it.SKU, Quantity: it.Quantity}}); err != nil {
		s.refused(w, q, err, it)
		return
	}
	keep(w, savedCookie, saved.Without(it.SKU).String(), savedDays)
	toCart(w, q, "back", it)
}

// forgetSaved takes something off what is saved.
func (s *Shop) forgetSaved(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	saved := storefront.ParseSaved(cookie(r, savedCookie))
	it, ok := saved.Find(r.PostFormValue("sku"))
	if !ok {
		toCart(w, q, "", storefront.Item{})
		return
	}
	keep(w, savedCookie, saved.Without(it.SKU).String(), savedDays)
	toCart(w, q, "forgotten", it)
}

// addCoupon tries a code. What is refused is shown at its field.
func (s *Shop) addCoupon(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	code := strings.TrimSpace(r.PostFormValue("code"))
	m := &view.CartModel{Code: or(code[:min(len(code), 40)], " ")}
	if s.tooMany(w, r) {
		m.Problem = "coupon-tried"
		s.showCart(w, q, http.StatusTooManyRequests, m)
		return
	}
	c, err := s.mine(w, q)
	if err == nil && c != nil {
		var changed cartapi.Cart
		if changed, err = s.Services.AddCoupon(q.Context(), c.ID, code); err == nil {
			q.see(w, &changed)
		}
	}
	if err == nil {
		toCart(w, q, "", storefront.Item{})
		return
	}
	if m.Problem = problemOf(err); m.Problem == "" {
		s.cartAway(w, q, err)
		return
	}
	if m.Problem == "validation-failed" {
		m.Problem = "coupon"
	}
	s.showCart(w, q, http.StatusUnprocessableEntity, m)
}

// removeCoupon forgets a code. One that is not there is forgotten already.
func (s *Shop) removeCoupon(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	code := r.PostFormValue("code")
	c, err := s.mine(w, q)
	if err == nil && c != nil && code != "" {
		var changed cartapi.Cart
		if changed, err = s.Services.RemoveCoupon(q.Context(), c.ID, code); err == nil {
			q.see(w, &changed)
		}
	}
	if f, ok := fault.As(err); ok && f.Code == "coupon-not-found" {
		err = nil
	}
	if err != nil {
		s.refused(w, q, err, storefront.Item{})
		return
	}
	toCart(w, q, "", storefront.Item{})
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
