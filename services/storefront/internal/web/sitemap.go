package web

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
)

// sitemapPages is how many pages a part of the sitemap names: some five megabytes of the fifty that search engines take.
const sitemapPages = 10_000

const (
	sitemapBegin = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	urlsetBegin  = `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">` + "\n"
	indexBegin   = `<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">` + "\n"
)

// sitemapIndex names the parts of the sitemap, of each market by itself.
func (s *Shop) sitemapIndex(w http.ResponseWriter, r *http.Request) {
	var parts []string
	for _, m := range s.Markets {
		paths, err := s.paths(r, m)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		for n := range (len(paths) + sitemapPages - 1) / sitemapPages {
			parts = append(parts, fmt.Sprintf("%s/sitemap-%s-%d.xml", s.Base, m.Code(), n+1))
		}
	}
	b := s.beginSitemap(w, indexBegin)
	for _, part := range parts {
		fmt.Fprintf(b, "<sitemap><loc>%s</loc></sitemap>\n", escaped(part))
	}
	_, _ = b.WriteString("</sitemapindex>\n")
	_ = b.Flush() // a crawler that has gone is no news
}

// sitemap is a part of the sitemap: pages of a market, each with what it is in the others that have it.
func (s *Shop) sitemap(w http.ResponseWriter, r *http.Request) {
	part := chi.URLParam(r, "part") // "en-us-1"
	i := max(strings.LastIndex(part, "-"), 0)
	m, ok := s.Markets.Find(part[:i])
	n, err := strconv.Atoi(strings.TrimPrefix(part[i:], "-"))
	if !ok || err != nil {
		s.notFound(w, r)
		return
	}
	known := map[storefront.Market]map[string]bool{}
	var own []string
	for _, other := range s.Markets {
		paths, err := s.paths(r, other)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		known[other] = map[string]bool{}
		for _, p := range paths {
			known[other][p] = true
		}
		if other == m {
			own = paths
		}
	}
	if n < 1 || part != m.Code()+"-"+strconv.Itoa(n) || (n-1)*sitemapPages >= len(own) {
		s.notFound(w, r)
		return
	}
	b := s.beginSitemap(w, urlsetBegin)
	for _, p := range own[(n-1)*sitemapPages : min(n*sitemapPages, len(own))] {
		fmt.Fprintf(b, "<url><loc>%s</loc>", escaped(s.Base+m.Path(p)))
		for _, other := range s.Markets {
			if known[other][p] {
				fmt.Fprintf(b, `<xhtml:link rel="alternate" hreflang="%s" href="%s"/>`, other.Locale(), escaped(s.Base+other.Path(p)))
			}
		}
		_, _ = b.WriteString("</url>\n")
	}
	_, _ = b.WriteString("</urlset>\n")
	_ = b.Flush() // a crawler that has gone is no news
}

// beginSitemap sends the head of an answer that is written as it is made.
func (s *Shop) beginSitemap(w http.ResponseWriter, root string) *bufio.Writer {
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	b := bufio.NewWriter(w)
	_, _ = b.WriteString(sitemapBegin + root)
	return b
}

// paths are what search engines should know of a market, within it: the home page, the departments and every product.
func (s *Shop) paths(r *http.Request, m storefront.Market) ([]string, error) {
	departments, err := s.Services.Departments(r.Context(), m)
	if err != nil {
		return nil, err
	}
	slugs, err := s.Services.Slugs(r.Context(), m)
	if err != nil {
		return nil, err
	}
	paths := []string{"/"}
	var walk func([]catalogapi.Category)
	walk = func(all []catalogapi.Category) {
		for _, c := range all {
			paths = append(paths, "/c/"+url.PathEscape(c.Slug))
			walk(c.Children)
		}
	}
	walk(departments)
	for _, slug := range slugs {
		paths = append(paths, "/p/"+url.PathEscape(slug))
	}
	return paths, nil
}

// escaped is a text as XML has it.
func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // into memory
	return b.String()
}
