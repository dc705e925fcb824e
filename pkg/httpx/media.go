package httpx

import (
	"fmt"
	"net/http"
	"os"
	"path"
	"strings"
)

// mediaTypes are the files that are served at all, by ending.
var mediaTypes = map[string]string{
	".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".avif": "image/avif", ".gif": "image/gif",
}

// ServeMedia sends a picture of a folder, which may come into being later, by its name below it. Neither a name nor a link leads out of the folder.
// It reports false, and has written nothing, where there is no such picture.
func ServeMedia(w http.ResponseWriter, r *http.Request, dir, name string) bool {
	mediaType := mediaTypes[strings.ToLower(path.Ext(name))]
	if mediaType == "" || dir == "" {
		return false
	}
	file, err := os.OpenInRoot(dir, name)
	if err != nil {
		return false
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("ETag", fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()))
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	// A picture that is opened on its own is a document: no script of it may run in the name of this host.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox")
	http.ServeContent(w, r, "", info.ModTime(), file)
	return true
}
