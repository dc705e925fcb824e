package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/andybalholm/brotli/matchfinder"

	"github.com/sidecart/sidecart/services/storefront/internal/assets"
)

// The cookies. Browsers take a name with __Host- only over a safe connection (or from the own machine), for this host and all of its paths.
const (
	cartCookie  = "__Host-cart"
	seenCookie  = "__Host-seen"
	savedCookie = "__Host-saved"

	compareCookie = "__Host-compare"
)

// keep lets a browser keep a cookie for days, 0 for as long as it is open. An empty value takes the cookie away.
func keep(w http.ResponseWriter, name, value string, days int) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: days * 24 * 60 * 60, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// secure says what a browser may do with a page.
func (s *Shop) secure(next http.Handler) http.Handler {
	policy := s.policy("", "", "", "", "")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), browsing-topics=()")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if strings.HasPrefix(s.Base, "https://") {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// policy is what a page may load, beside what is the shop's own.
func (s *Shop) policy(scripts, styles, images, frames, connections string) string {
	images = strings.Join(append([]string{images}, s.ImageOrigins...), " ")
	policy := "default-src 'none'; script-src 'self'" + scripts + "; style-src 'self'" + styles + "; img-src 'self'" + strings.TrimRight(images, " ") + "; font-src 'self'; connect-src 'self'" + connections +
		"; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	if frames != "" {
		policy += "; frame-src" + frames
	}
	return policy
}

// dropinPolicy is that of the payment step: the hosts that Braintree names for its Drop-in, sandbox and production (github.com/braintree/braintree-web,
// "Content Security Policy").
func (s *Shop) dropinPolicy() string {
	const assets = " https://assets.braintreegateway.com"
	return s.policy(" https://js.braintreegateway.com"+assets, assets, assets+" data:", assets, " https://api.braintreegateway.com https://api.sandbox.braintreegateway.com "+
		"https://client-analytics.braintreegateway.com https://client-analytics.sandbox.braintreegateway.com https://*.braintree-api.com")
}

// bounded bounds forms.
func (s *Shop) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > maxForm {
			s.refuse(w, r, http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// How hard pages are compressed: what more would save is not worth its time.
const (
	brotliLevel = 3
	gzipLevel   = 5
)

var (
	brotlis = sync.Pool{New: func() any { return brotli.NewWriterV2(nil, brotliLevel) }}
	gzips   = sync.Pool{New: func() any { w, _ := gzip.NewWriterLevel(nil, gzipLevel); return w }} // the level is one
)

// respond sends a whole answer: compressed as the browser takes it, and not at all where it has it already. An answer that does not say how long it may be
// kept is asked for again each time.
func respond(w http.ResponseWriter, r *http.Request, status int, body []byte, mediaType string) {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Add("Vary", "Accept-Encoding")
	h.Add("Vary", "HX-Request") // browsers that go back show what they have kept: it must be the page, not what a script was answered
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "private, no-cache")
	}
	if status == http.StatusOK && h.Get("Set-Cookie") == "" {
		sum := sha256.Sum256(body)
		tag := `W/"` + hex.EncodeToString(sum[:8]) + `"`
		h.Set("ETag", tag)
		if strings.Contains(r.Header.Get("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if packed, encoding := packed(body, r.Header.Get("Accept-Encoding")); encoding != "" {
		h.Set("Content-Encoding", encoding)
		body = packed
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a browser that has gone is no news
}

// worth is from how many bytes on compressing pays.
const worth = 1024

func packed(body []byte, accept string) (out []byte, encoding string) {
	var b bytes.Buffer
	switch {
	case len(body) < worth:
		return nil, ""
	case assets.Accepts(accept, "br"):
		w := brotlis.Get().(*matchfinder.Writer)
		defer brotlis.Put(w)
		w.Reset(&b)
		_, _ = w.Write(body) // into memory
		_ = w.Close()
		return b.Bytes(), "br"
	case assets.Accepts(accept, "gzip"):
		w := gzips.Get().(*gzip.Writer)
		defer gzips.Put(w)
		w.Reset(&b)
		_, _ = w.Write(body) // into memory
		_ = w.Close()
		return b.Bytes(), "gzip"
	}
	return nil, ""
}
