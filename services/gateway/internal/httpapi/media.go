package httpapi

import (
	"net/http"
	"path"

	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/gateway/internal/gateway"
)

// media serves the pictures of a folder.
type media struct{ dir string }

func (m media) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	segments, ok := gateway.Segments(r.URL.EscapedPath())
	if !ok || len(segments) < 2 || !httpx.ServeMedia(w, r, m.dir, path.Join(segments[1:]...)) {
		httpx.WriteProblem(w, r, errNoPath)
	}
}
