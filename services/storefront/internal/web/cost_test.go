package web

import (
	"net/http"
	"testing"
)

// A page costs the calls that it needs, beside what all pages share and is kept; and none while its services let everybody keep what they answered.
func TestPagesCostFewCalls(t *testing.T) {
	t.Parallel()
	for path, most := range map[string]int{"/en-us/c/shoes": 1, "/en-us/search?q=boots": 1, "/de-de/c/shoes?cursor=c2": 1, "/en-us/p/coffee": 2} {
		w := newWorld(t)
		w.says("GET search/v1/products", hostile())
		w.says("GET search/v1/products/{id}/similar", map[string]any{"items": hostile().Items})
		w.says("GET catalog/v1/products/coffee", coffee())
		w.shows(200, path)
		first := w.count("GET ")
		w.shows(200, path)
		if n := w.count("GET ") - first; n != most {
			t.Errorf("%s asks %d times, want %d", path, n, most)
		}

		kept := newWorld(t)
		kept.mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Cache-Control", "public, max-age=10")
			w.mux.ServeHTTP(rw, r)
		})
		kept.shows(200, path)
		first = kept.count("GET ")
		kept.shows(200, path)
		if n := kept.count("GET ") - first; n != 0 {
			t.Errorf("%s asks %d times for what may be kept", path, n)
		}
	}
}
