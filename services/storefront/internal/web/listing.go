package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
	"github.com/sidecart/sidecart/services/storefront/internal/view"
)

// category is a listing of a category with all below it.
func (s *Shop) category(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	l := storefront.ParseListing(chi.URLParam(r, "slug"), r.URL.Query())
	tree, err := s.Services.Departments(r.Context(), q.market)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	way := find(tree, l.Category)
	if way == nil {
		s.notFound(w, r)
		return
	}
	if own := way[len(way)-1].Slug; own != l.Category { // it was asked for by its code
		w.Header().Set("Cache-Control", "public, max-age=3600")
		http.Redirect(w, r, q.market.Path("/c/"+url.PathEscape(own))+rest(r), http.StatusMovedPermanently)
		return
	}
	s.list(w, q, l, way)
}

// search is a listing of what words find.
func (s *Shop) search(w http.ResponseWriter, r *http.Request) {
	s.list(w, s.of(r), storefront.ParseListing("", r.URL.Query()), nil)
}

// list renders a listing. An address that says a thing in more than one way is led to the one way.
func (s *Shop) list(w http.ResponseWriter, q *request, l storefront.Listing, way []catalogapi.Category) {
	own := q.market.Path(l.Path())
	if q.Header.Get("HX-Request") != "" {
		w.Header().Set("HX-Push-Url", own)
	} else if untidy(q.URL.RawQuery) {
		http.Redirect(w, q.Request, own, http.StatusFound)
		return
	}
	m := &view.ListingModel{Listing: l, Way: way}
	p := s.page(q, l.First().Path())
	p.Words, p.NoIndex = l.Words, !l.Plain()
	m.Title = p.T.Listing.AllProducts
	if l.Words != "" {
		m.Title = p.T.Listing.ResultsFor(l.Words)
	}
	m.Crumbs = []view.Crumb{{Name: p.T.Shell.Home, Path: "/"}}
	for _, c := range way {
		m.Crumbs = append(m.Crumbs, view.Crumb{Name: c.Name, Path: "/c/" + c.Slug})
		m.Title = c.Name
	}
	if len(way) == 0 {
		m.Crumbs = append(m.Crumbs, view.Crumb{Name: m.Title})
	}
	m.Crumbs[len(m.Crumbs)-1].Path = ""
	p.Title = m.Title
	err := s.fill(w, q, m)
	switch kind := fault.KindOf(err); {
	case err == nil:
	case kind == fault.Invalid && l.Cursor != "": // of a listing that has changed since
		q.lead(w, l.First().Path())
		return
	case kind == fault.Invalid && l.Filtered(): // by what there is no more
		http.Redirect(w, q.Request, q.market.Path(l.Unfiltered().Path()), http.StatusFound)
		return
	case kind == fault.Unavailable || kind == fault.Timeout:
		m.Away = true
		s.Log.WarnContext(q.Context(), "no listing", "error", err)
	default:
		s.fail(w, q.Request, err)
		return
	}
	if to := m.Result.Redirect; to != "" && l.Cursor == "" {
		http.Redirect(w, q.Request, s.led(q, to), http.StatusFound)
		return
	}
	p.Data = append(p.Data, p.Breadcrumbs(m.Crumbs))
	status := http.StatusOK
	if m.Away {
		status = http.StatusServiceUnavailable
	}
	s.send(w, q.Request, status, view.Listing(p, m))
}

// fill asks for what a listing shows. A first page comes from catalog while search is away; later ones do not, because they go on in an order that
// only search knows. A script adds products of later pages to those that it shows, and needs no filters.
func (s *Shop) fill(w http.ResponseWriter, q *request, m *view.ListingModel) (err error) {
	l := m.Listing
	filters := l.Cursor == "" || q.Header.Get("HX-Request") == ""
	m.Result, err = s.Services.List(q.Context(), q.market, l, filters, lookedAt(q.Request), s.visitor(w, q.Request))
	if kind := fault.KindOf(err); kind == fault.Unavailable || kind == fault.Timeout {
		if found, away := s.Services.Shelf(q.Context(), q.market, l); away == nil {
			s.Log.WarnContext(q.Context(), "search is away, catalog lists", "error", err)
			m.Result, err = found, nil
		}
	}
	return err
}

// lookedAt is what a browser has been shown, the latest first.
func lookedAt(r *http.Request) storefront.Remembered {
	return storefront.ParseRemembered(cookie(r, seenCookie))
}

// untidy reports whether a query has fields that say nothing, as forms without script send them.
func untidy(query string) bool {
	return strings.HasSuffix(query, "=") || strings.Contains(query, "=&") || strings.Contains(query, "min.attr.") || strings.Contains(query, "max.attr.")
}

// led is where a merchandiser's rule leads: an address within the market, or a whole one.
func (s *Shop) led(q *request, to string) string {
	if strings.HasPrefix(to, "https://") {
		return to
	}
	return q.market.Path(local(to))
}

// suggest answers what somebody may be about to type, as a part of a page.
func (s *Shop) suggest(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	words := storefront.ParseListing("", r.URL.Query()).Words
	p := s.page(q, "/")
	if words == "" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	found, err := s.Services.Suggest(r.Context(), q.market, words)
	if err != nil { // the field works without
		s.Log.WarnContext(r.Context(), "no suggestions", "error", err)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=60")
	s.render(w, q, view.Suggestions(p, found))
}
