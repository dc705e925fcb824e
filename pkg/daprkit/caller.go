package daprkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
)

// maxAnswer is the largest body of an answer that is read, in bytes.
const maxAnswer = 32 << 20

// Caller calls one other service with JSON in and out.
type Caller interface {
	// JSON sends in (nil: no body) and decodes a 2xx answer into out (nil: ignored; a *Document: taken as it is; unknown members are ignored). Path begins
	// with "/", its segments escaped by the caller. A refusal is the callee's *fault.Fault; a call without an answer is
	// fault.Unavailable when the callee surely saw nothing, else fault.Timeout. The time limit is ctx's.
	JSON(ctx context.Context, method, path string, in, out any, opts ...CallOption) error
}

// Document is an answer that is no JSON, such as a PDF.
type Document struct {
	ContentType, Disposition string
	Body                     []byte
}

// CallOption adds to one call.
type CallOption func(*call)

type call struct {
	header   http.Header
	status   *int
	answered func(http.Header)
}

// WithHeader sets a header of the request.
func WithHeader(key, value string) CallOption {
	return func(c *call) { c.header.Set(key, value) }
}

// WithBearer sends token as the bearer of the call.
func WithBearer(token string) CallOption { return WithHeader("Authorization", "Bearer "+token) }

// WithStatus stores the status of the answer, for calls with more than one good one (201 or 202). Zero: no answer.
func WithStatus(status *int) CallOption {
	return func(c *call) { c.status = status }
}

// WithAnswered stores a header of the answer. Empty: no answer, or it has none.
func WithAnswered(key string, value *string) CallOption {
	return func(c *call) { c.answered = func(h http.Header) { *value = h.Get(key) } }
}

// Caller returns a Caller of the service with this app id.
func (c *Client) Caller(appID string) Caller { return NewCaller(c.http, appID) }

// NewCaller returns a Caller over any transport that takes http://<app id>/<path>; tests hand in their own.
func NewCaller(transport http.RoundTripper, appID string) Caller {
	return &caller{transport: transport, appID: appID}
}

var capability = regexp.MustCompile(`[0-9a-f]{32}`)

// shown is a path as logs may have it: without its query, and without ids that are capabilities.
func shown(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return capability.ReplaceAllString(path, "…")
}

type caller struct {
	transport http.RoundTripper
	appID     string
}

func (c *caller) JSON(ctx context.Context, method, path string, in, out any, opts ...CallOption) error {
	if err := c.json(ctx, method, path, in, out, opts); err != nil {
		return fmt.Errorf("call %s: %s %s: %w", c.appID, method, shown(path), err)
	}
	return nil
}

func (c *caller) json(ctx context.Context, method, path string, in, out any, opts []CallOption) error {
	cl := call{header: http.Header{"Accept": {"application/json, application/problem+json"}}}
	for _, o := range opts {
		o(&cl)
	}
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		body = bytes.NewReader(b)
		cl.header.Set("Content-Type", "application/json")
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.appID+path, body)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	req.Header = cl.header
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return asFault(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if cl.status != nil {
		*cl.status = resp.StatusCode
	}
	if cl.answered != nil {
		cl.answered(resp.Header)
	}
	return c.answer(resp, out)
}

func (c *caller) answer(resp *http.Response, out any) error {
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return errUnknown("the answer broke off: the outcome is unknown").WithCause(err)
	}
	if len(b) > maxAnswer {
		return fault.New(fault.Internal, "internal", "the answer is too large")
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return refusal(resp, b)
	}
	if d, ok := out.(*Document); ok {
		*d = Document{ContentType: resp.Header.Get("Content-Type"), Disposition: resp.Header.Get("Content-Disposition"), Body: b}
		return nil
	}
	if out == nil || (len(b) == 0 && resp.StatusCode == http.StatusNoContent) {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	return nil
}

// refusal makes the callee's fault of its problem document. What is no problem document came from something between us and the
// callee: of a 5xx nobody knows whether the call was executed.
func refusal(resp *http.Response, body []byte) error {
	mt, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if mt != "application/problem+json" {
		cause := fmt.Errorf("status %d, %s: %.200q", resp.StatusCode, mt, body)
		switch {
		case resp.StatusCode >= http.StatusInternalServerError:
			return errUnknown("no usable answer: the outcome is unknown").WithCause(cause)
		case resp.StatusCode == http.StatusNotFound:
			return fault.New(fault.NotFound, "not-found", "no such thing").WithCause(cause)
		}
		return fault.New(fault.Internal, "internal", "the service gave an unexpected answer").WithCause(cause)
	}
	f := httpx.ParseProblem(resp.StatusCode, body)
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 && f.RetryAfter == 0 {
		f = f.WithRetryAfter(time.Duration(s) * time.Second)
	}
	return f
}

// asFault keeps what is a fault already, and takes any other failure of a transport for one of unknown outcome.
func asFault(err error) error {
	var f *fault.Fault
	if errors.As(err, &f) {
		return err
	}
	return errUnknown("no answer: the outcome is unknown").WithCause(err)
}
