package httpx

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
)

// ProblemBase precedes the code of a fault in the type of its problem document.
const ProblemBase = "https://sidecart.dev/problems/"

// ContentTypeProblem is the media type of problem documents (RFC 9457).
const ContentTypeProblem = "application/problem+json"

// statuses is the one table of kinds and HTTP statuses. It is one to one, so that a fault crosses services intact.
var statuses = [...]int{
	fault.Internal:         http.StatusInternalServerError,
	fault.Malformed:        http.StatusBadRequest,
	fault.Invalid:          http.StatusUnprocessableEntity,
	fault.Unauthenticated:  http.StatusUnauthorized,
	fault.Forbidden:        http.StatusForbidden,
	fault.PaymentRequired:  http.StatusPaymentRequired,
	fault.NotFound:         http.StatusNotFound,
	fault.Conflict:         http.StatusConflict,
	fault.Gone:             http.StatusGone,
	fault.Precondition:     http.StatusPreconditionFailed,
	fault.TooLarge:         http.StatusRequestEntityTooLarge,
	fault.UnsupportedMedia: http.StatusUnsupportedMediaType,
	fault.RateLimited:      http.StatusTooManyRequests,
	fault.Unavailable:      http.StatusServiceUnavailable,
	fault.Timeout:          http.StatusGatewayTimeout,
}

// Status returns the HTTP status of a kind.
func Status(k fault.Kind) int {
	if int(k) < len(statuses) {
		return statuses[k]
	}
	return http.StatusInternalServerError
}

// KindOf returns the kind of an HTTP status: the inverse of Status, and for what the table lacks the nearest in meaning.
// A status of 2xx or 3xx has none and is Internal.
func KindOf(status int) fault.Kind {
	if i := slices.Index(statuses[:], status); i >= 0 {
		return fault.Kind(i)
	}
	switch {
	case status == http.StatusBadGateway:
		return fault.Timeout // somebody in between failed: the outcome is unknown
	case status >= 400 && status < 500:
		return fault.Malformed
	default:
		return fault.Internal
	}
}

// ProblemDetails is the one shape of every error answer. Extra members stand beside the named ones and never replace them.
type ProblemDetails struct {
	Type       string         `json:"type" doc:"What went wrong, as a URI" example:"https://sidecart.dev/problems/validation-failed"`
	Title      string         `json:"title" doc:"The type in words"`
	Status     int            `json:"status" doc:"The HTTP status"`
	Detail     string         `json:"detail,omitempty" doc:"What went wrong this time"`
	Instance   string         `json:"instance,omitempty" doc:"This occurrence"`
	TraceID    string         `json:"trace_id,omitempty" doc:"Trace under which the logs speak of it"`
	Errors     []ProblemField `json:"errors,omitempty" doc:"All faults of the input"`
	RetryAfter int64          `json:"retry_after_ms,omitempty" doc:"When to come back, in milliseconds"`
	Extra      map[string]any `json:"-"`
}

// ProblemField is one fault of an input.
type ProblemField struct {
	Location string `json:"location" doc:"Where, such as body.lines[2].quantity"`
	Message  string `json:"message" doc:"What is wrong"`
	Value    any    `json:"value,omitempty" doc:"What was there, when it is short"`
}

// members are the names that Extra cannot take.
var members = []string{"type", "title", "status", "detail", "instance", "trace_id", "errors", "retry_after_ms"}

// Error returns the type and the detail.
func (p *ProblemDetails) Error() string { return p.code() + ": " + p.Detail }

// GetStatus makes the problem an answer for huma.
func (p *ProblemDetails) GetStatus() int { return p.Status }

// ContentType makes huma send the right media type.
func (p *ProblemDetails) ContentType(string) string { return ContentTypeProblem }

func (p *ProblemDetails) code() string { return strings.TrimPrefix(p.Type, ProblemBase) }

// MarshalJSON writes the named members and then the extra ones, by name.
func (p *ProblemDetails) MarshalJSON() ([]byte, error) {
	type plain ProblemDetails
	data, err := unescaped((*plain)(p))
	if err != nil || len(p.Extra) == 0 {
		return data, err
	}
	for _, name := range slices.Sorted(maps.Keys(p.Extra)) {
		if slices.Contains(members, name) {
			continue
		}
		key, err := unescaped(name)
		if err != nil {
			return nil, err
		}
		value, err := unescaped(p.Extra[name])
		if err != nil {
			return nil, fmt.Errorf("problem member %s: %w", name, err)
		}
		data = slices.Concat(data[:len(data)-1], []byte(","), key, []byte(":"), value, []byte("}"))
	}
	return data, nil
}

// unescaped is json.Marshal without the escapes that only HTML needs: messages hold "<=" and quotes of what was sent.
func unescaped(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// UnmarshalJSON reads what MarshalJSON writes. Numbers in values and extra members become json.Number, so that none is bent.
func (p *ProblemDetails) UnmarshalJSON(data []byte) error {
	type plain ProblemDetails
	var read plain
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	if err := d.Decode(&read); err != nil {
		return err
	}
	d = json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	if err := d.Decode(&read.Extra); err != nil {
		return err
	}
	for _, name := range members {
		delete(read.Extra, name)
	}
	if len(read.Extra) == 0 {
		read.Extra = nil
	}
	*p = ProblemDetails(read)
	return nil
}

// Problem returns the document for an error. A fault says what it says; an end of the context is a time-out with an unknown
// outcome; everything else is Internal and says nothing. Trace and instance are filled in when the document is sent.
func Problem(err error) *ProblemDetails {
	if p, ok := errors.AsType[*ProblemDetails](err); ok {
		return p
	}
	f := faultOf(err)
	p := &ProblemDetails{
		Type:   ProblemBase + f.Code,
		Title:  title(f.Code),
		Status: Status(f.Kind),
		Detail: f.Message,
		Extra:  f.Extra,
	}
	if f.RetryAfter > 0 {
		p.RetryAfter = max(1, f.RetryAfter.Milliseconds())
	}
	for _, field := range f.Fields {
		if text, ok := field.Value.(string); ok && len(text) > maxValue {
			field.Value = nil
		}
		p.Errors = append(p.Errors, ProblemField(field))
	}
	return p
}

func faultOf(err error) *fault.Fault {
	f, ok := fault.As(err)
	switch {
	case ok && f.Code != "":
		return f
	case ok:
		named := *f
		named.Code = f.Kind.String()
		return &named
	case errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.Timeout, "timeout", "the answer took too long; the outcome is unknown")
	case errors.Is(err, context.Canceled):
		return fault.New(fault.Timeout, "cancelled", "the request was given up; the outcome is unknown")
	default:
		return fault.New(fault.Internal, "internal", "something went wrong on our side")
	}
}

// title turns a code into words: "out-of-stock" is "Out of stock".
func title(code string) string {
	words := strings.ReplaceAll(code, "-", " ")
	if words == "" {
		return words
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

// WriteProblem answers a request with the document of err, and leaves err for the line that is logged about the request.
// For handlers outside of Register.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := Problem(err)
	x, ok := r.Context().Value(exchangeKey{}).(*exchange)
	if ok {
		x.err = err
		p = x.sign(p)
	}
	p = sendable(p)
	setProblemHeaders(w.Header(), p)
	body, _ := unescaped(p) // sendable has seen to it
	w.Header().Set("Content-Type", ContentTypeProblem)
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(append(body, '\n')) // a client that has gone is no news
	}
}

// sendable drops what a programmer put into a problem that is no JSON: the rest still tells the caller what is wrong.
func sendable(p *ProblemDetails) *ProblemDetails {
	if len(p.Extra) == 0 && len(p.Errors) == 0 {
		return p
	}
	if _, err := json.Marshal(p); err == nil {
		return p
	}
	bare := *p
	bare.Extra, bare.Errors = nil, nil
	return &bare
}

func setProblemHeaders(h http.Header, p *ProblemDetails) {
	h.Set("Cache-Control", "no-store")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64(math.Ceil(float64(p.RetryAfter)/1000)), 10))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
}

// ParseProblem reads the answer of another service back into the fault that it came from: kind by status, code by type, and
// the message, fields, extra members and retry time. Numbers in values and extra members are json.Number; see Member. A body
// that is no problem document gives a fault of the status's kind with the code "upstream-error", and none of the body's text.
func ParseProblem(status int, body []byte) *fault.Fault {
	kind := KindOf(status)
	var p ProblemDetails
	err := json.Unmarshal(body, &p)
	code, ours := strings.CutPrefix(p.Type, ProblemBase)
	if err != nil || !ours || code == "" {
		return fault.Newf(kind, "upstream-error", "another service answered with status %d", status)
	}
	f := fault.New(kind, code, p.Detail)
	f.Extra = p.Extra
	f.RetryAfter = time.Duration(p.RetryAfter) * time.Millisecond
	for _, e := range p.Errors {
		f.Fields = append(f.Fields, fault.Field(e))
	}
	return f
}

// Member reads an extra member of a fault that came through ParseProblem, such as the lines of out-of-stock. ok is false
// when it is missing or of another shape.
func Member[T any](f *fault.Fault, name string) (v T, ok bool) {
	raw, ok := f.Extra[name]
	if !ok {
		return v, false
	}
	if v, ok = raw.(T); ok {
		return v, true
	}
	data, err := json.Marshal(raw)
	if err != nil {
		return v, false
	}
	return v, json.Unmarshal(data, &v) == nil
}

func sortFields(fields []ProblemField) {
	slices.SortStableFunc(fields, func(a, b ProblemField) int {
		return cmp.Or(cmp.Compare(a.Location, b.Location), cmp.Compare(a.Message, b.Message))
	})
}
