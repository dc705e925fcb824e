package assets

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestFiles(t *testing.T) {
	t.Parallel()
	s := New()
	if n := s.Size("htmx.js", "shop.js", "checkout.js"); n > 30<<10 {
		t.Errorf("scripts take %d bytes, at most 30 KiB were promised", n)
	}
	for name := range s.names {
		r := httptest.NewRequestWithContext(t.Context(), "GET", s.Path(name), nil)
		r.Header.Set("Accept-Encoding", "br")
		w := httptest.NewRecorder()
		if !s.ServeHTTP(w, r) || w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
	css := string(s.files[s.Path("shop.css")].plain)
	if !strings.Contains(css, "url(/assets/figtree.") || strings.Contains(css, "http") {
		t.Error("styles name a file that is elsewhere")
	}
	if s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/assets/none.css", nil)) {
		t.Error("a file that is not there is served")
	}
}
