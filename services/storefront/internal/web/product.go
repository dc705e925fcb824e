package web

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/errgroup"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
	"github.com/sidecart/sidecart/services/storefront/internal/view"
)

// How many products stand in the rows of a product's page, and in the place of one that is gone.
const (
	similarProducts = "12"
	seenProducts    = 12
	insteadProducts = "8"
)

// product is the page of a product. A variant is chosen by its SKU, or by what a form says of its options.
func (s *Shop) product(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	slug := chi.URLParam(r, "slug")
	if slug == "." || slug == ".." { // as a path, it would be another one's
		s.notFound(w, r)
		return
	}
	found, err := s.Services.Product(r.Context(), q.market, slug)
	if fault.KindOf(err) == fault.Gone {
		s.gone(w, q, slug, err)
		return
	}
	if fault.KindOf(err) == fault.Invalid { // it can be no product's
		s.notFound(w, r)
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if found.Slug != slug {
		w.Header().Set("Cache-Control", "public, max-age=3600")
		http.Redirect(w, r, q.market.Path("/p/"+found.Slug)+rest(r), http.StatusMovedPermanently)
		return
	}
	if len(found.Variants) == 0 { // there is nothing to show a price of
		s.notFound(w, r)
		return
	}
	m := view.NewProductModel(found)
	m.At, m.Moved = choose(m.Variants, r)
	if q.Header.Get("HX-Request") != "" {
		w.Header().Set("HX-Push-Url", q.market.Path(m.Path(m.Variant().SKU)))
	}
	p := s.page(q, "/p/"+found.Slug)
	p.Here = m.Path(m.Variant().SKU)
	s.beside(q, m)
	m.Crumbs = []view.Crumb{{Name: p.T.Shell.Home, Path: "/"}}
	for _, c := range found.CategoryPath {
		m.Crumbs = append(m.Crumbs, view.Crumb{Name: c.Name, Path: "/c/" + c.Slug})
	}
	m.Crumbs = append(m.Crumbs, view.Crumb{Name: found.Title})
	p.Title, p.Description, p.Image = found.Title, m.Summary(), m.Variant().ImageURL
	p.Data = append(p.Data, m.Data(p), p.Breadcrumbs(m.Crumbs))
	if seen := lookedAt(r); len(seen) == 0 || seen[0] != found.ID {
		keep(w, seenCookie, seen.With(found.ID).String(), 0)
	}
	s.did(r, "view", "", nil)
	s.render(w, q, view.Product(p, m))
}

// choose finds the variant that an address means, and whether what a form said of options does not exist.
func choose(vs storefront.Variants, r *http.Request) (at int, moved bool) {
	query := r.URL.Query()
	wanted := map[string]string{}
	for name := range query {
		if code, is := strings.CutPrefix(name, view.OptionParam); is {
			wanted[code] = query.Get(name)
		}
	}
	if len(wanted) == 0 {
		return vs.Find(query.Get("sku")), false
	}
	at = vs.Nearest(vs.Find(query.Get("was")), wanted)
	for code, value := range wanted {
		moved = moved || vs[at].Options[code] != value
	}
	return at, moved
}

// beside asks for what else stands on a product's page: rows of others, and when it arrives. What cannot be had is left out.
func (s *Shop) beside(q *request, m *view.ProductModel) {
	var g errgroup.Group
	g.Go(func() (err error) {
		m.Similar, err = s.Services.Similar(q.Context(), q.market, m.Product.ID, similarProducts)
		return err
	})
	g.Go(func() (err error) {
		m.Seen, err = s.seen(q, m.Product.ID)
		return err
	})
	g.Go(func() error {
		ways, err := s.Services.Delivery(q.Context(), q.market)
		m.Ways = slices.DeleteFunc(slices.Clone(ways), func(way checkoutapi.DeliveryWay) bool { return slices.Contains(way.ExcludedSKUs, m.Variant().SKU) })
		return err
	})
	if err := g.Wait(); err != nil {
		s.Log.WarnContext(q.Context(), "a part of a product's page is left out", "error", err)
	}
}

// seen are the products that a browser has been shown, the latest first, but one.
func (s *Shop) seen(q *request, but string) ([]catalogapi.ProductSummary, error) {
	ids := lookedAt(q.Request).Without(but).Latest(seenProducts)
	if len(ids) == 0 {
		return nil, nil
	}
	return s.Services.ByID(q.Context(), q.market, ids)
}

// gone says that a product is no longer sold, and what is similar, or what its department has.
func (s *Shop) gone(w http.ResponseWriter, q *request, slug string, cause error) {
	t := s.text(q).Problem
	m := view.MessageModel{Icon: "box", Title: t.Gone, Hint: t.GoneHint}
	var err error
	if m.Products, err = s.Services.Similar(q.Context(), q.market, slug, insteadProducts); err != nil || len(m.Products) == 0 {
		if f, ok := fault.As(cause); ok {
			if l, ok := department(f); ok {
				var found searchapi.Products
				found, err = s.Services.Shelf(q.Context(), q.market, l)
				m.Products = found.Items
			}
		}
	}
	if err != nil {
		s.Log.WarnContext(q.Context(), "nothing to show instead", "error", err)
	}
	s.message(w, q.Request, http.StatusGone, m)
}

// department is the listing of the category that a product was in, as catalog says with its refusal.
func department(f *fault.Fault) (storefront.Listing, bool) {
	var path []catalogapi.CategoryRefV1
	raw, err := json.Marshal(f.Extra["category_path"])
	if err != nil || json.Unmarshal(raw, &path) != nil || len(path) == 0 {
		return storefront.Listing{}, false
	}
	return storefront.Listing{Category: path[len(path)-1].Slug}, true
}
