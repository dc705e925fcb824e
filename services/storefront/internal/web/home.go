package web

import (
	"net/http"
	"net/url"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
	"github.com/sidecart/sidecart/services/storefront/internal/view"
)

// home shows the rows that merchandisers made, what was seen last, and the departments. While search is away, catalog says what is popular.
func (s *Shop) home(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	p := s.page(q, "/")
	p.Description = p.T.Home.Lead
	m := &view.HomeModel{Pictures: make([]string, len(p.Departments))}
	rows, err := s.Services.Rows(r.Context(), q.market, lookedAt(r))
	if err != nil {
		s.Log.WarnContext(r.Context(), "no rows", "error", err)
		rows = s.popular(q)
	} else {
		s.pictured(q, p, m)
	}
	for _, row := range rows {
		m.Rows = append(m.Rows, view.HomeRow{Title: row.Title, More: more(q.market, row.Query), Items: row.Items})
	}
	p.Data = append(p.Data, view.Site(p))
	s.render(w, q, view.Home(p, m))
}

// pictured asks for the pictures of departments, and for what was seen last. What cannot be had is left out.
func (s *Shop) pictured(q *request, p *view.Page, m *view.HomeModel) {
	var g errgroup.Group
	for i, c := range p.Departments {
		g.Go(func() (err error) {
			m.Pictures[i], err = s.Services.Picture(q.Context(), c.Code)
			return err
		})
	}
	g.Go(func() (err error) {
		m.Seen, err = s.seen(q, "")
		return err
	})
	if err := g.Wait(); err != nil {
		s.Log.WarnContext(q.Context(), "a part of the home page is left out", "error", err)
	}
}

// popular is the row of a home page without search.
func (s *Shop) popular(q *request) []searchapi.Row {
	found, err := s.Services.Shelf(q.Context(), q.market, storefront.Listing{Sort: storefront.ByPopularity})
	if err != nil {
		s.Log.WarnContext(q.Context(), "nothing is popular", "error", err)
	}
	if len(found.Items) == 0 {
		return nil
	}
	return []searchapi.Row{{Title: s.text(q).Home.Popular, Items: found.Items}}
}

// more is the address of the listing that a row is the beginning of, "" where there is none. Search writes prices in minor units.
func more(m storefront.Market, query string) string {
	q, err := url.ParseQuery(query)
	if err != nil || query == "" {
		return ""
	}
	for _, bound := range []string{"price_min", "price_max"} {
		if minor, err := strconv.ParseInt(q.Get(bound), 10, 64); err == nil {
			q.Set(bound, money.New(minor, m.Currency).Plain())
		}
	}
	return storefront.ParseListing(q.Get("category"), q).Path()
}
