package httpx

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/sidecart/sidecart/pkg/card"
)

// NoCards lets no card number in: not in path, query, key or any member of the body, known or not. It runs before the body is
// validated, because a fault of the input repeats what was there.
func NoCards(op huma.Operation) huma.Operation {
	op.Middlewares = append(op.Middlewares, func(hc huma.Context, next func(huma.Context)) {
		r, w := humachi.Unwrap(hc)
		if holdsCard(r) {
			WriteProblem(w, r, card.ErrRefused)
			return
		}
		next(hc)
	})
	return op
}

func holdsCard(r *http.Request) bool {
	path, err := url.PathUnescape(r.URL.EscapedPath())
	if err != nil {
		path = r.URL.Path
	}
	if card.Held(path) || card.Held(r.Header.Get("Idempotency-Key")) {
		return true
	}
	for name, values := range r.URL.Query() {
		for _, text := range append(values, name) {
			if card.Held(text) {
				return true
			}
		}
	}
	if r.Body == nil {
		return false
	}
	body, err := io.ReadAll(r.Body) // read within its limit before
	if err != nil {
		return false // huma meets the same error
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return bodyHoldsCard(body)
}

// bodyHoldsCard reads JSON, so that no escape hides a digit; what is no JSON is searched as it is.
func bodyHoldsCard(body []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return err != io.EOF && card.Held(string(body))
		}
		switch v := token.(type) {
		case string:
			if card.Held(v) {
				return true
			}
		case json.Number:
			if card.Held(v.String()) {
				return true
			}
		}
	}
}
