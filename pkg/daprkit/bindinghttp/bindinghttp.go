// Package bindinghttp lets an HTTP client library speak through a Dapr output binding of type bindings.http: the provider's
// address, key and time-outs stand in the component's YAML, and the library's http.Client gets this RoundTripper.
//
// Who decides: the provider. What may go wrong: between us and it stands a sidecar that reports every failure as text, so each
// failure here is a *fault.Fault of one of two kinds: fault.Unavailable when surely nothing was sent, and fault.Timeout when
// nobody knows, to be looked up before it is repeated. Any answer with a status is an answer, a decline with its body too.
// Nothing is ever repeated here, and the component must have no outbound retry policy: daprd would repeat POSTs.
//
// What the binding cannot carry: headers with several values are joined, a DELETE has no body, redirects are followed unseen.
package bindinghttp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	dapr "github.com/dapr/go-sdk/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sidecart/sidecart/pkg/daprkit/internal/outcome"
	"github.com/sidecart/sidecart/pkg/fault"
)

// maxBody is the largest request body, in bytes; daprd's own limit is lower.
const maxBody = 16 << 20

// Invoker calls an output binding over gRPC; *daprkit.Client is one. (Daprd's HTTP API would quote XML as a JSON string.)
type Invoker interface {
	InvokeBinding(ctx context.Context, in *dapr.InvokeBindingRequest) (*dapr.BindingEvent, error)
}

// New returns a RoundTripper over this component. Only path and query of a request's URL count, the component has the rest; a
// header Authorization is dropped, since the component sets the key (securityToken, securityTokenHeader). The time limit is that
// of the request's context, and must be longer than the component's.
func New(client Invoker, component string) http.RoundTripper {
	return &transport{client: client, component: component}
}

type transport struct {
	client    Invoker
	component string
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	in, err := t.request(req)
	if err != nil {
		return nil, notSent(t.what(req, err))
	}
	ev, err := t.client.InvokeBinding(req.Context(), in)
	if err != nil {
		return nil, t.class(req, err)
	}
	return t.response(req, ev)
}

// request maps an HTTP request to the binding's. An error means that nothing is sent.
func (t *transport) request(req *http.Request) (*dapr.InvokeBindingRequest, error) {
	meta := map[string]string{
		"path":          req.URL.EscapedPath(),
		"errorIfNot2XX": "false", // else a decline arrives as an error without its body
		"traceparent":   "",      // else the provider gets a header of zeros
	}
	if req.URL.Opaque != "" {
		return nil, fmt.Errorf("URL %q has no path", req.URL)
	}
	if req.URL.RawQuery != "" {
		meta["path"] += "?" + req.URL.RawQuery
	}
	for key, values := range req.Header {
		key = textproto.CanonicalMIMEHeaderKey(key)
		switch {
		case key == "Authorization" || key == "Traceparent" || key == "Tracestate" || key == "Baggage":
		case key == "" || key[0] < 'A' || key[0] > 'Z': // the binding would take it for an option
			return nil, fmt.Errorf("header %q cannot pass the binding", key)
		default:
			meta[key] = strings.Join(values, ", ")
		}
	}
	in := &dapr.InvokeBindingRequest{Name: t.component, Operation: strings.ToLower(req.Method), Metadata: meta}
	if req.Method == "" {
		in.Operation = "get"
	}
	if req.Body == nil {
		return in, nil
	}
	defer func() { _ = req.Body.Close() }() // read to its end or given up
	var err error
	if in.Data, err = io.ReadAll(io.LimitReader(req.Body, maxBody+1)); err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	if len(in.Data) > maxBody {
		return nil, fmt.Errorf("body over %d bytes", maxBody)
	}
	return in, nil
}

// response restores the HTTP response. Daprd answers an empty 2xx also when it lost the body, so that one counts as unknown
// unless the request is of a kind that may have no answer.
func (t *transport) response(req *http.Request, ev *dapr.BindingEvent) (*http.Response, error) {
	if ev == nil {
		return nil, unknown(t.what(req, fmt.Errorf("no response")))
	}
	code, err := strconv.Atoi(ev.Metadata["statusCode"])
	if err != nil || code < 100 || code > 599 {
		return nil, unknown(t.what(req, fmt.Errorf("status %q", ev.Metadata["statusCode"])))
	}
	if code/100 == 2 && len(ev.Data) == 0 && !mayBeEmpty(req.Method, code) {
		return nil, unknown(t.what(req, fmt.Errorf("status %d without a body", code)))
	}
	h := make(http.Header, len(ev.Metadata))
	for k, v := range ev.Metadata {
		if k != "statusCode" && k != "status" {
			h.Set(k, v)
		}
	}
	h.Del("Content-Length") // it may speak of the compressed body
	h.Del("Transfer-Encoding")
	return &http.Response{
		Status: strconv.Itoa(code) + " " + http.StatusText(code), StatusCode: code,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(bytes.NewReader(ev.Data)), ContentLength: int64(len(ev.Data)), Request: req,
	}, nil
}

func mayBeEmpty(method string, code int) bool {
	return code == http.StatusNoContent || code == http.StatusResetContent ||
		method == http.MethodDelete || method == http.MethodHead || method == http.MethodOptions
}

// class tells "not sent" from "unknown", once for all callers.
func (t *transport) class(req *http.Request, err error) error {
	st, ok := status.FromError(err)
	text := err.Error()
	if ok {
		text = st.Message()
	}
	what := t.what(req, err)
	switch {
	case ok && st.Code() == codes.Unauthenticated: // the sidecar refused us; a provider's 401 is an answer
		return notSent(what)
	case outcome.NotSent(text) && !replayed(req):
		return notSent(what)
	}
	return unknown(what)
}

// replayed reports whether Go's HTTP client in daprd may have sent the request once before the connection that failed: it
// repeats on a lost connection what carries an idempotency key.
func replayed(req *http.Request) bool {
	return req.Header.Get("Idempotency-Key") != "" || req.Header.Get("X-Idempotency-Key") != ""
}

func (t *transport) what(req *http.Request, err error) error {
	return fmt.Errorf("binding %s: %s %s: %w", t.component, req.Method, req.URL.Path, err)
}

func notSent(cause error) error {
	return fault.New(fault.Unavailable, "provider-unavailable", "the provider cannot be reached at the moment").WithCause(cause)
}

func unknown(cause error) error {
	return fault.New(fault.Timeout, "outcome-unknown", "the provider gave no usable answer: the outcome is unknown").WithCause(cause)
}
