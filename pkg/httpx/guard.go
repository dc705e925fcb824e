package httpx

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
)

const (
	bearerScheme   = "bearer"
	headerAppToken = "dapr-api-token"
	headerCaller   = "dapr-caller-app-id"
)

// Scope is the Security of an operation that asks for a scope ("catalog.write"), or for any caller when it is empty.
// The scope stands in the OpenAPI document and is enforced by Register.
func Scope(scope string) []map[string][]string {
	scopes := []string{}
	if scope != "" {
		scopes = []string{scope}
	}
	return []map[string][]string{{bearerScheme: scopes}}
}

// appToken lets only the own sidecar in. Its probes come without the token.
func (s *Server) appToken(next http.Handler) http.Handler {
	if s.config.AppToken == "" {
		return next
	}
	want := sha256.Sum256([]byte(s.config.AppToken))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" && r.URL.Path != "/readyz" {
			got := sha256.Sum256([]byte(r.Header.Get(headerAppToken)))
			if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
				WriteProblem(w, r, fault.New(fault.Unauthenticated, "unauthenticated", "calls come through the sidecar"))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// bearer puts the caller into the context when a token came along. A token that is not valid is refused even where none
// is needed: its sender believes to be somebody.
func (s *Server) bearer(next http.Handler) http.Handler {
	if s.config.Verifier == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		values := r.Header.Values("Authorization")
		if len(values) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		scheme, token, _ := strings.Cut(values[0], " ")
		if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") {
			WriteProblem(w, r, fault.New(fault.Unauthenticated, "unauthenticated", "send one Authorization header with a bearer token"))
			return
		}
		p, err := s.config.Verifier.Verify(strings.TrimSpace(token), time.Now())
		if err != nil {
			WriteProblem(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(auth.With(r.Context(), p)))
	})
}

// guard enforces scopes and callers of one operation.
func (s *Server) guard(security []map[string][]string, callers []string) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		r, w := humachi.Unwrap(hc)
		if err := allowed(r, callers); err != nil {
			WriteProblem(w, r, err)
			return
		}
		for _, scheme := range security {
			if err := requireAll(hc.Context(), scheme[bearerScheme]); err != nil {
				WriteProblem(w, r, err)
				return
			}
		}
		next(hc)
	}
}

func requireAll(ctx context.Context, scopes []string) error {
	if err := auth.Require(ctx, ""); err != nil {
		return err
	}
	for _, scope := range scopes {
		if err := auth.Require(ctx, scope); err != nil {
			return err
		}
	}
	return nil
}

// allowed takes exactly one caller header: a second one would be a client's, smuggled in beside the sidecar's.
func allowed(r *http.Request, callers []string) error {
	if len(callers) == 0 {
		return nil
	}
	ids := r.Header.Values(headerCaller)
	if len(ids) != 1 || !slices.Contains(callers, ids[0]) {
		return fault.New(fault.Forbidden, "forbidden", "this is for listed services only")
	}
	return nil
}

// readBody reads the body once, within limit, checks that it may be what the operation takes, and hands huma the copy. The
// copy stays in the exchange for IdemFrom.
func (s *Server) readBody(limit int64) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		takes := hc.Operation().RequestBody
		r, w := humachi.Unwrap(hc)
		x, ok := r.Context().Value(exchangeKey{}).(*exchange)
		if takes == nil || !ok || r.ContentLength == 0 {
			next(hc)
			return
		}
		body, err := readLimited(r, limit)
		if err == nil && len(body) > 0 {
			x.json, err = checkMedia(r.Header.Get("Content-Type"), takes)
		}
		if err == nil && x.json {
			r.Header.Set("Content-Type", "application/json") // huma knows this spelling only
			err = checkText(body)
		}
		if err != nil {
			WriteProblem(w, r, err)
			return
		}
		x.body = body
		r.Body = io.NopCloser(bytes.NewReader(body))
		next(hc)
	}
}

func readLimited(r *http.Request, limit int64) ([]byte, error) {
	tooLarge := func() error {
		return fault.Newf(fault.TooLarge, "body-too-large", "the body is longer than %d bytes", limit).With("limit", limit)
	}
	if r.ContentLength > limit {
		return nil, tooLarge()
	}
	buf := bytes.NewBuffer(make([]byte, 0, max(r.ContentLength, 0)+bytes.MinRead))
	n, err := io.Copy(buf, io.LimitReader(r.Body, limit+1))
	switch {
	case err != nil && r.Context().Err() != nil:
		return nil, r.Context().Err()
	case err != nil:
		return nil, fault.New(fault.Malformed, "malformed", "the body broke off").WithCause(err)
	case n > limit:
		return nil, tooLarge()
	}
	return buf.Bytes(), nil
}

// checkMedia reports whether the body is JSON. Without a content type it is taken for JSON where that is what is taken.
func checkMedia(contentType string, takes *huma.RequestBody) (isJSON bool, err error) {
	const jsonType = "application/json"
	media, charset := contentType, ""
	if contentType == "" {
		media = jsonType
	} else if contentType != jsonType {
		var params map[string]string
		if media, params, err = mime.ParseMediaType(contentType); err != nil {
			media = ""
		}
		charset = params["charset"]
	}
	if takes.Content[media] == nil || media == jsonType && charset != "" && !strings.EqualFold(charset, "utf-8") {
		return false, fault.New(fault.UnsupportedMedia, "unsupported-media-type", "the content type is not one that is taken here")
	}
	return media == jsonType, nil
}

// checkText refuses what JSON readers would bend silently and no text column would hold.
func checkText(body []byte) error {
	if !utf8.Valid(body) {
		return fault.New(fault.Malformed, "malformed", "the body is not UTF-8")
	}
	for rest := body; ; {
		i := bytes.Index(rest, []byte(`\u0000`))
		if i < 0 {
			return nil
		}
		escapes := 0 // an odd number of backslashes before the u makes it an escape
		for j := i; j >= 0 && rest[j] == '\\'; j-- {
			escapes++
		}
		if escapes%2 == 1 {
			return fault.New(fault.Malformed, "malformed", "no text may hold U+0000")
		}
		rest = rest[i+len(`\u0000`):]
	}
}

var errReadyTimeout = errors.New("did not answer in time")

// check runs Ready within its time-out, even if it ignores its context.
func (s *Server) check(ctx context.Context) map[string]error {
	if s.config.Ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	answer := make(chan map[string]error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				answer <- map[string]error{"check": fmt.Errorf("panic: %v", v)}
			}
		}()
		answer <- s.config.Ready(ctx)
	}()
	select {
	case m := <-answer:
		return m
	case <-ctx.Done():
		select { // an answer that came in the same moment counts
		case m := <-answer:
			return m
		default:
			return map[string]error{"check": errReadyTimeout}
		}
	}
}
