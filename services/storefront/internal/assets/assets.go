// Package assets has the files that pages need: one style sheet, one font, the script and the icon. Each is named by its content and may be
// kept for ever by browsers; each is compressed once, at the start.
//
// What may go wrong: nothing at run time. A file that a style names and that is not there is a panic at the start, which tests see.
package assets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
)

//go:embed files
var embedded embed.FS

// types are the media types by ending.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".woff2": "font/woff2", ".png": "image/png",
}

// Set is all files, ready to be sent.
type Set struct {
	names map[string]string // "shop.css": "/assets/shop.0123456789.css"
	files map[string]*file  // by path
}

type file struct {
	mediaType       string
	plain, gzip, br []byte // compressed ones are nil where they are not smaller
}

// New returns the files, which a process reads and compresses once.
func New() *Set { return once() }

var once = sync.OnceValue(load)

// load reads the files. The style sheets of files/css are one, in the order of their names.
func load() *Set {
	s := &Set{names: map[string]string{}, files: map[string]*file{}}
	var sheets []string
	err := fs.WalkDir(embedded, "files", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case path.Ext(name) == ".css":
			sheets = append(sheets, name)
		case types[path.Ext(name)] != "":
			s.add(path.Base(name), read(name))
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	slices.Sort(sheets)
	var css []byte
	for _, name := range sheets {
		css = append(append(css, read(name)...), '\n')
	}
	s.add("shop.css", s.link(css))
	return s
}

func read(name string) []byte {
	b, err := embedded.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return b
}

var reference = regexp.MustCompile(`url\(([a-z0-9.-]+)\)`)

// link puts the addresses of files in the place of their names.
func (s *Set) link(css []byte) []byte {
	return reference.ReplaceAllFunc(css, func(m []byte) []byte {
		return []byte("url(" + s.Path(string(reference.FindSubmatch(m)[1])) + ")")
	})
}

func (s *Set) add(name string, content []byte) {
	sum := sha256.Sum256(content)
	ext := path.Ext(name)
	address := "/assets/" + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:5]) + ext
	f := &file{mediaType: types[ext], plain: content}
	if ext != ".woff2" && ext != ".png" {
		f.gzip, f.br = smaller(gzipped(content), content), smaller(brotlied(content), content)
	}
	s.names[name], s.files[address] = address, f
}

func smaller(a, b []byte) []byte {
	if len(a) < len(b) {
		return a
	}
	return nil
}

func gzipped(content []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one
	_, _ = w.Write(content)                               // into memory
	_ = w.Close()
	return b.Bytes()
}

func brotlied(content []byte) []byte {
	var b bytes.Buffer
	w := brotli.NewWriterLevel(&b, brotli.BestCompression)
	_, _ = w.Write(content) // into memory
	_ = w.Close()
	return b.Bytes()
}

// Path returns the address of a file, "/assets/shop.0123456789.css".
func (s *Set) Path(name string) string {
	p, ok := s.names[name]
	if !ok {
		panic(fmt.Sprintf("there is no file %q", name))
	}
	return p
}

// Size returns what the files of these names take, in bytes as browsers get them.
func (s *Set) Size(names ...string) (n int) {
	for _, name := range names {
		f := s.files[s.Path(name)]
		if n += len(f.plain); f.br != nil {
			n += len(f.br) - len(f.plain)
		}
	}
	return n
}

// Accepts reports whether an Accept-Encoding header has a coding, and not with a weight of nothing, however that is written (RFC 9110).
func Accepts(header, coding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, parameter, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), coding) {
			weight, given := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(parameter, " ", "")), "q=")
			q, err := strconv.ParseFloat(weight, 64)
			return !given || err == nil && q > 0
		}
	}
	return false
}

// ServeHTTP sends a file of /assets/. It reports false where there is none.
func (s *Set) ServeHTTP(w http.ResponseWriter, r *http.Request) bool {
	f, ok := s.files[r.URL.Path]
	if !ok {
		return false
	}
	h := w.Header()
	h.Set("Content-Type", f.mediaType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	body := f.plain
	if f.gzip != nil {
		h.Set("Vary", "Accept-Encoding")
		switch accept := r.Header.Get("Accept-Encoding"); {
		case Accepts(accept, "br"):
			h.Set("Content-Encoding", "br")
			body = f.br
		case Accepts(accept, "gzip"):
			h.Set("Content-Encoding", "gzip")
			body = f.gzip
		}
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	_, _ = w.Write(body) // a browser that has gone is no news
	return true
}
