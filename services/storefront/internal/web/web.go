// Package web answers browsers: it reads an address, a form and cookies, asks the services, and renders a page of package view.
//
// Every page is whole without script. With script, htmx asks the same addresses and takes from the answer the part that it shows, so that there is one
// way to render anything. A form is a POST that ends in a redirect (303), so that a reload repeats nothing.
//
// What may go wrong: a service that is away takes its part of a page with it and nothing else; what that is stands beside each page.
package web

import (
	"bytes"
	"context"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/limit"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/services/storefront/internal/assets"
	"github.com/sidecart/sidecart/services/storefront/internal/daprio"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
	"github.com/sidecart/sidecart/services/storefront/internal/text"
	"github.com/sidecart/sidecart/services/storefront/internal/view"
)

// Config is what pages depend on.
type Config struct {
	Services     *daprio.Services
	Markets      storefront.Markets
	Base         string // of the shop's addresses for the world: "https://shop.example"
	MediaDir     string // folder of pictures under /media/; empty: none here
	ImageOrigins []string
	Maintenance  bool
	Tests        bool           // rules are tested: browsers get a random name
	Dropin       bool           // cards are taken by Braintree's Drop-in; else the simulator's test cards are offered
	Codes        limit.Rate     // codes of coupons and gift cards, by address
	Proxies      []netip.Prefix // whose X-Forwarded-For is believed
	Now          func() time.Time
	Log          *slog.Logger
}

// Shop answers all of the storefront's addresses.
type Shop struct {
	Config
	files *assets.Set
	codes *limit.Limiter[netip.Addr]
	worth *balances                  // of gift cards
	deeds chan searchapi.Interaction // of visitors, to be told of
}

// maxForm bounds a form, in bytes.
const maxForm = 64 << 10

// Register puts the shop's pages on a server's router. What it returns tells search of what visitors do while it runs.
func Register(server *httpx.Server, c Config) *Shop {
	s := &Shop{Config: c, files: assets.New(), codes: limit.New[netip.Addr](c.Codes, c.Now), worth: newBalances(c.Now), deeds: make(chan searchapi.Interaction, untold)}
	r := server.Router()
	server.Unreadable(func(w http.ResponseWriter, r *http.Request, _ error) {
		s.secure(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.refuse(w, r, http.StatusBadRequest) })).ServeHTTP(w, r)
	})
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.refuse(w, r, http.StatusForbidden) }))
	wrongMethod := func(w http.ResponseWriter, r *http.Request) { s.refuse(w, r, http.StatusMethodNotAllowed) }
	r.Group(func(r chi.Router) {
		r.Use(s.secure, s.bounded, protection.Handler)
		r.NotFound(s.notFound)
		r.MethodNotAllowed(wrongMethod)
		for _, path := range []string{"/docs", "/openapi.json"} { // there is no API here
			r.Get(path, s.notFound)
		}
		r.Get("/", s.entrance)
		r.Get("/assets/*", s.asset)
		r.Get("/media/*", s.media)
		s.machines(r)
		r.Route("/{market}", func(r chi.Router) {
			r.Use(s.inMarket)
			r.NotFound(s.notFound) // chi does not hand those of a group on
			r.MethodNotAllowed(wrongMethod)
			r.Get("/", s.home)
			r.Get("/c/{slug}", s.category)
			r.Get("/search", s.search)
			r.Get("/suggest", s.suggest)
			r.Get("/p/{slug}", s.product)
			r.Get("/compare", s.compare)
			r.Post("/compare", s.changeCompare)
			r.Post("/market", s.changeMarket)
			s.cartPages(r)
			r.Group(s.purchase)
		})
	})
	return s
}

// request is one request in a market.
type request struct {
	*http.Request
	market storefront.Market
	carts  storefront.Carts
	cart   storefront.Cart // that of the market
	said   string          // what the page before wants this one to say
	heard  bool            // a page was begun that says it
}

func newRequest(r *http.Request, m storefront.Market) *request {
	carts := storefront.ParseCarts(cookie(r, cartCookie))
	q := &request{Request: r, market: m, carts: carts, cart: carts.In(m)}
	if whole(r) {
		q.said = cookie(r, saidCookie)
	}
	return q
}

// whole reports whether a browser asks for a page to be shown, and not for a part of one or a picture that is missing: only a page says what the one before
// wanted it to say.
func whole(r *http.Request) bool {
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" {
		return dest == "document"
	}
	return r.Header.Get("HX-Request") == ""
}

type requestKey struct{}

// inMarket finds the market of an address. Where there is none, there is no page.
func (s *Shop) inMarket(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m, ok := s.Markets.Find(chi.URLParam(r, "market"))
		if !ok {
			s.notFound(w, r)
			return
		}
		q := newRequest(r, m)
		q.Request = r.WithContext(context.WithValue(r.Context(), requestKey{}, q))
		if s.Maintenance {
			w.Header().Set("Retry-After", "120")
			s.message(w, q.Request, http.StatusServiceUnavailable, view.MessageModel{
				Icon: "box", Title: s.text(q).Problem.Maintenance, Hint: s.text(q).Problem.MaintenanceHint, Again: true})
			return
		}
		next.ServeHTTP(w, q.Request)
	})
}

// of returns what inMarket found. Pages without a market of their own are in the one that the browser prefers.
func (s *Shop) of(r *http.Request) *request {
	if q, ok := r.Context().Value(requestKey{}).(*request); ok {
		q.Request = r
		return q
	}
	return newRequest(r, s.Markets.Preferred(r.Header.Get("Accept-Language")))
}

func (s *Shop) text(q *request) *text.Texts { return text.In(q.market.Language) }

// page begins a page. Departments that cannot be had are left out.
func (s *Shop) page(q *request, path string) *view.Page {
	q.heard = q.said != ""
	departments, err := s.Services.Departments(q.Context(), q.market)
	if err != nil {
		s.Log.WarnContext(q.Context(), "no departments", "error", err)
	}
	return &view.Page{Market: q.market, Markets: s.Markets, T: s.text(q), Asset: s.files.Path, Base: s.Base, Path: path, Here: path, Departments: departments,
		Cart: q.cart, Key: newKey(), Compared: compared(q.Request), Said: s.text(q).Said[q.said]}
}

// render sends a page that is like all others of its kind.
func (s *Shop) render(w http.ResponseWriter, q *request, c templ.Component) {
	s.send(w, q.Request, http.StatusOK, c)
}

// send renders to the end before anything is sent: a page comes whole, or is an error.
func (s *Shop) send(w http.ResponseWriter, r *http.Request, status int, c templ.Component) {
	var b bytes.Buffer
	if err := c.Render(r.Context(), &b); err != nil {
		s.Log.ErrorContext(r.Context(), "page cannot be rendered", "error", err)
		httpx.WriteProblem(w, r, err)
		return
	}
	if q := s.of(r); q.heard {
		keep(w, saidCookie, "", 0)
		w.Header().Set("Cache-Control", "no-store")
	}
	respond(w, r, status, b.Bytes(), "text/html; charset=utf-8")
}

// fail shows an error of a service as a page.
func (s *Shop) fail(w http.ResponseWriter, r *http.Request, err error) {
	q := s.of(r)
	t := s.text(q).Problem
	switch fault.KindOf(err) {
	case fault.NotFound:
		s.notFound(w, r)
	case fault.Unavailable, fault.Timeout, fault.RateLimited:
		s.Log.WarnContext(r.Context(), "a service is away", "error", err)
		w.Header().Set("Retry-After", "5")
		s.message(w, r, http.StatusServiceUnavailable, view.MessageModel{Icon: "alert", Title: t.Away, Hint: t.AwayHint, Again: true})
	case fault.Invalid, fault.Malformed: // of an address that somebody made up
		s.Log.InfoContext(r.Context(), "page refused", "error", err)
		s.refuse(w, r, http.StatusBadRequest)
	default:
		s.Log.ErrorContext(r.Context(), "page failed", "error", err)
		s.message(w, r, http.StatusInternalServerError, view.MessageModel{Icon: "alert", Title: t.Failed, Hint: t.FailedHint, Again: true, Reference: httpx.RequestID(r.Context())})
	}
}

func (s *Shop) notFound(w http.ResponseWriter, r *http.Request) {
	t := s.text(s.of(r)).Problem
	s.message(w, r, http.StatusNotFound, view.MessageModel{Icon: "search", Title: t.NotFound, Hint: t.NotFoundHint})
}

func (s *Shop) refuse(w http.ResponseWriter, r *http.Request, status int) {
	t := s.text(s.of(r)).Problem
	s.message(w, r, status, view.MessageModel{Icon: "alert", Title: t.Bad, Hint: t.BadHint})
}

func (s *Shop) message(w http.ResponseWriter, r *http.Request, status int, m view.MessageModel) {
	p := s.page(s.of(r), "/")
	p.Title, p.NoIndex = m.Title, true
	s.send(w, r, status, view.Message(p, m))
}

// entrance leads to the market that the browser prefers.
func (s *Shop) entrance(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept-Language")
	w.Header().Set("Cache-Control", "private, no-cache")
	http.Redirect(w, r, s.of(r).market.Path("/"), http.StatusFound)
}

func (s *Shop) asset(w http.ResponseWriter, r *http.Request) {
	if !s.files.ServeHTTP(w, r) {
		s.notFound(w, r)
	}
}

func (s *Shop) media(w http.ResponseWriter, r *http.Request) {
	name, _ := strings.CutPrefix(r.URL.Path, "/media/")
	if !httpx.ServeMedia(w, r, s.MediaDir, name) {
		s.notFound(w, r)
	}
}

// tooMany counts a code that somebody tries, of a coupon or a gift card, and says whether it is one too many; then it sets when to come back.
func (s *Shop) tooMany(w http.ResponseWriter, r *http.Request) bool {
	wait := s.codes.Take(limit.Client(r, s.Proxies))
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	return wait > 0
}

// rest is the query of an address, which goes along where the page has moved to.
func rest(r *http.Request) string {
	if r.URL.RawQuery == "" {
		return ""
	}
	return "?" + r.URL.RawQuery
}

// local is an address within the shop that a form named: "/c/shoes?brand=x". Anything else is the home page.
func local(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n") {
		return "/"
	}
	return u.RequestURI()
}

// find returns the way to a category by its slug, else by its code, root first, or nil.
func find(tree []catalogapi.Category, name string) []catalogapi.Category {
	if way := walk(tree, func(c catalogapi.Category) bool { return c.Slug == name }); way != nil {
		return way
	}
	return walk(tree, func(c catalogapi.Category) bool { return c.Code == name })
}

func walk(tree []catalogapi.Category, is func(catalogapi.Category) bool) []catalogapi.Category {
	for _, c := range tree {
		if is(c) {
			return []catalogapi.Category{c}
		}
		if below := walk(c.Children, is); below != nil {
			return append([]catalogapi.Category{c}, below...)
		}
	}
	return nil
}
