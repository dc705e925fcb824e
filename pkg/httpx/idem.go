package httpx

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
)

const headerKey = "Idempotency-Key"

// IdempotencyHeader is embedded in the input of every POST. Where there must be a key the operation is registered with NeedsKey.
type IdempotencyHeader struct {
	IdempotencyKey string `header:"Idempotency-Key" doc:"Repeats of a request with the same key get the first answer"`
}

// ReplayedHeader is embedded in the output of a command that takes an Idempotency-Key: see Replayed.
type ReplayedHeader struct {
	IdempotencyReplayed string `header:"Idempotency-Replayed" doc:"true when the answer is that of an earlier request"`
}

// Replayed returns the header for an answer that was, or was not, stored before.
func Replayed(replayed bool) ReplayedHeader {
	if replayed {
		return ReplayedHeader{IdempotencyReplayed: "true"}
	}
	return ReplayedHeader{}
}

// Idem names one command of one caller. It has the fields of idem.Key and converts to it: idem.Key(k). Key is empty when
// the caller sent none.
type Idem struct {
	Scope string   // method, path with its ids, and caller
	Key   string   // as the caller sent it
	Hash  [32]byte // SHA-256 of method, path and body
}

// IdemFrom reads an Idempotency-Key for the request that ctx belongs to. The key must be 1 to 255 printable ASCII characters,
// else Malformed. The hash is over the canonical body, so the same members in another order or spacing are the same
// request. Further parts narrow the scope.
func IdemFrom(ctx context.Context, header string, scopeParts ...string) (Idem, error) {
	if header == "" {
		return Idem{}, nil
	}
	if len(header) > 255 || strings.Trim(header, printable) != "" || strings.TrimSpace(header) != header {
		return Idem{}, fault.New(fault.Malformed, "malformed", "an Idempotency-Key is 1 to 255 printable ASCII characters").
			WithField("header.Idempotency-Key", "is not 1 to 255 printable ASCII characters", nil)
	}
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok {
		return Idem{}, fmt.Errorf("httpx: IdemFrom outside of a request")
	}
	caller := "anonymous"
	if p, ok := auth.From(ctx); ok {
		caller = p.Kind + ":" + p.Subject
	}
	what := x.request.Method + " " + x.request.URL.Path
	hash := sha256.New()
	hash.Write([]byte(what + "\n"))
	hash.Write(canonical(x.body, x.json))
	k := Idem{Scope: strings.Join(append([]string{what, caller}, scopeParts...), " "), Key: header}
	hash.Sum(k.Hash[:0])
	return k, nil
}

const printable = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"

// canonical writes JSON with sorted members, no spaces and numbers as they were.
func canonical(body []byte, isJSON bool) []byte {
	if !isJSON {
		return body
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return body
	}
	out, err := json.Marshal(v)
	if err != nil {
		return body
	}
	return out
}

// requiredKey documents the header of an operation that NeedsKey; huma documents no parameter that stands there already.
func requiredKey() *huma.Param {
	return &huma.Param{Name: headerKey, In: "header", Required: true, Schema: &huma.Schema{Type: huma.TypeString},
		Description: "Names the request: repeats with the same key get the first answer"}
}

// needKey refuses a request without a key here instead of in huma, which would call it 422 validation-failed.
func needKey(hc huma.Context, next func(huma.Context)) {
	if hc.Header(headerKey) == "" {
		r, w := humachi.Unwrap(hc)
		WriteProblem(w, r, fault.New(fault.Malformed, "idempotency-key-required", "this command needs an Idempotency-Key header"))
		return
	}
	next(hc)
}

// AtLeast refuses a key that is shorter than n characters: where callers are anonymous, a stranger's short key could be
// guessed and replayed. No key at all is fine.
func (k Idem) AtLeast(n int) error {
	if k.Key != "" && len(k.Key) < n {
		return fault.Newf(fault.Malformed, "malformed", "an Idempotency-Key needs at least %d characters here", n).
			WithField("header.Idempotency-Key", fmt.Sprintf("is shorter than %d characters", n), nil)
	}
	return nil
}
