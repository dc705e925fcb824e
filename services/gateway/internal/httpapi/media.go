package httpapi

import (
	"fmt"
	"net/http"
	"os"
	"path"
	"strings"

	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/gateway/internal/gateway"
)

// mediaTypes are the files that are served at all, by ending.
var mediaTypes = map[string]string{
	".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".avif": "image/avif", ".gif": "image/gif",
}

// media serves the pictures of a folder, which may come into being later. Neither a path nor a link leads out of it.
type media struct{ dir string }

func (m media) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	segments, ok := gateway.Segments(r.URL.EscapedPath())
	if !ok || len(segments) < 2 || m.dir == "" {
		httpx.WriteProblem(w, r, errNoPath)
		return
	}
	name := path.Join(segments[1:]...)
	mediaType := mediaTypes[strings.ToLower(path.Ext(name))]
	if mediaType == "" {
		httpx.WriteProblem(w, r, errNoPath)
		return
	}
	file, err := os.OpenInRoot(m.dir, name)
	if err != nil {
		httpx.WriteProblem(w, r, errNoPath.WithCause(err))
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		httpx.WriteProblem(w, r, errNoPath.WithCause(err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("ETag", fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()))
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	// A picture that is opened on its own is a document: no script of it may run in the name of this host.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox")
	http.ServeContent(w, r, "", info.ModTime(), file)
}
