package web

import (
	"encoding/json"
	"net/http"

	"github.com/go-chi/chi/v5"
)

// machines are the addresses that no person reads.
func (s *Shop) machines(r chi.Router) {
	r.Get("/robots.txt", s.robots)
	r.Get("/favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, s.files.Path("icon.svg"), http.StatusFound)
	})
	r.Get("/sitemap.xml", s.sitemapIndex)
	r.Get("/sitemap-{part}.xml", s.sitemap)
	r.With(s.inMarket).Get("/{market}/manifest.webmanifest", s.manifest)
}

// robots keeps crawlers away from what is one person's.
func (s *Shop) robots(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=3600")
	respond(w, r, http.StatusOK, []byte("User-agent: *\nDisallow: /*/cart\nDisallow: /*/checkout\nDisallow: /*/order/\nDisallow: /*/search\nDisallow: /*/suggest\nAllow: /\n\nSitemap: "+s.Base+"/sitemap.xml\n"),
		"text/plain; charset=utf-8")
}

// manifest lets the shop be put on a phone's screen.
func (s *Shop) manifest(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	t := s.text(q).Shell
	b, err := json.Marshal(map[string]any{
		"name": t.Shop, "short_name": t.Shop, "description": t.Tagline, "lang": q.market.Locale(), "start_url": q.market.Path("/"), "scope": "/",
		"display": "minimal-ui", "background_color": "#fbfaf7", "theme_color": "#fbfaf7",
		"icons": []map[string]string{
			{"src": s.files.Path("icon.svg"), "type": "image/svg+xml", "sizes": "any"}, // the others are drawings of it
			{"src": s.files.Path("icon-192.png"), "type": "image/png", "sizes": "192x192"},
			{"src": s.files.Path("icon-512.png"), "type": "image/png", "sizes": "512x512"},
		},
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=3600")
	respond(w, r, http.StatusOK, b, "application/manifest+json")
}
