package daprkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sidecart/sidecart/pkg/daprkit/internal/outcome"
	"github.com/sidecart/sidecart/pkg/daprkit/overgrpc"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
)

const (
	appIDHeader     = "dapr-app-id"
	requestIDHeader = "X-Request-Id"
	maxSidecarError = 64 << 10 // bytes of a sidecar's own error body that are read
)

// transport sends http://<app id>/<path> to the own sidecar, in a gRPC call that sidecars only pass on, or, whenever that surely
// did not arrive, in the plain way: a large body, an app that takes HTTP alone, one whose sidecar lost sight of it.
type transport struct {
	base  *http.Transport
	conn  grpc.ClientConnInterface
	addr  string
	token string
	calls *prometheus.CounterVec
}

func newTransport(cfg Config, conn grpc.ClientConnInterface, calls *prometheus.CounterVec) *transport {
	return &transport{
		calls: calls,
		conn:  conn,
		addr:  cfg.HTTPAddr,
		token: cfg.APIToken,
		base: &http.Transport{ // no proxy, no HTTP/2, no compression: it is the next process
			DialContext:         (&net.Dialer{Timeout: time.Second, KeepAlive: 30 * time.Second}).DialContext,
			MaxIdleConnsPerHost: 256,
			IdleConnTimeout:     90 * time.Second,
			DisableCompression:  true,
		},
	}
}

// Transport returns a RoundTripper for http://<app id>/<path>: the request goes to the own sidecar, with the sidecar's token and
// the trace and request id of its context, and the answer is what the other app said, whatever the status. A failure on the way
// there, daprd's own error answers included, is an error that holds a *fault.Fault: fault.Unavailable when the other app surely
// saw nothing, fault.Timeout when nobody knows. The time limit is that of the request's context.
func (c *Client) Transport() http.RoundTripper { return c.http }

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasPrefix(req.URL.Path, "/v1.0") { // daprd would take it for a call of its own API
		closeBody(req)
		return nil, fault.New(fault.NotFound, "not-found", "no such path")
	}
	out := req.Clone(req.Context())
	if id := httpx.RequestID(req.Context()); id != "" && out.Header.Get(requestIDHeader) == "" {
		out.Header.Set(requestIDHeader, id)
	}
	resp, err := t.framed(out)
	if err != nil || resp != nil {
		return resp, err
	}
	out.Header.Set(appIDHeader, req.URL.Host)
	out.Host = ""
	t.calls.WithLabelValues(callInvoke).Inc()
	if resp, err = t.send(out); err != nil {
		return nil, err
	}
	if f := sidecarFault(resp); f != nil {
		_ = resp.Body.Close() // read already
		return nil, f.WithCause(fmt.Errorf("%s %s%s: %w", req.Method, req.URL.Host, req.URL.Path, f.Unwrap()))
	}
	if err := overgrpc.Whole(resp); err != nil {
		_ = resp.Body.Close() // there is nothing in it
		return nil, errUnknown("no answer in time: the outcome is unknown").WithCause(fmt.Errorf("%s %s%s: %w", req.Method, req.URL.Host, req.URL.Path, err))
	}
	return resp, nil
}

// framed sends req in a gRPC call. Neither an answer nor an error: it was surely not executed, and req can be sent in the plain way.
func (t *transport) framed(req *http.Request) (*http.Response, error) {
	if t.conn == nil || req.ContentLength > overgrpc.MaxMessage || req.Context().Err() != nil {
		return nil, nil //nolint:nilnil // said above
	}
	what := req.Method + " " + req.URL.Host + req.URL.Path
	if req.Body != nil && req.Body != http.NoBody {
		body := req.Body
		data, err := io.ReadAll(io.LimitReader(body, overgrpc.MaxMessage+1))
		if err != nil {
			closeBody(req)
			return nil, errUnavailable("the request broke off").WithCause(fmt.Errorf("%s: %w", what, err))
		}
		if len(data) > overgrpc.MaxMessage { // it said nothing of its length
			req.Body = &joined{io.MultiReader(bytes.NewReader(data), body), body}
			return nil, nil //nolint:nilnil // said above
		}
		closeBody(req)
		defer func() { req.Body = io.NopCloser(bytes.NewReader(data)) }()
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	}
	setTrace(req)
	resp, err := overgrpc.Do(t.conn, req)
	if err == nil {
		return resp, nil
	}
	if unframed(req.Method, err) {
		return nil, nil //nolint:nilnil // said above
	}
	return nil, errUnknown("no answer in time: the outcome is unknown").WithCause(fmt.Errorf("%s: %w", what, err))
}

// unframed reports whether a call surely was not executed, or may be repeated as it only reads: what could not be passed on at all,
// and what gRPC refuses, of which our apps say nothing themselves.
func unframed(method string, err error) bool {
	s := status.Convert(err)
	switch s.Code() {
	case codes.Unimplemented, codes.PermissionDenied, codes.Unauthenticated:
		return true
	case codes.ResourceExhausted:
		return method == http.MethodGet || method == http.MethodHead
	default:
		return errors.Is(err, overgrpc.ErrTooLarge) || outcome.NotSent(s.Message())
	}
}

// send gives req, which it changes, to the own sidecar, with the sidecar's token and the trace of its context. An error is
// fault.Unavailable when not even the sidecar saw it, else fault.Timeout.
func (t *transport) send(req *http.Request) (*http.Response, error) {
	what := req.Method + " " + req.URL.Host + req.URL.Path
	var wrote atomic.Bool // set once any byte may have left; the sidecar may then have passed the request on
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	setToken(req.Header, t.token)
	setTrace(req)
	req.URL.Scheme, req.URL.Host = "http", t.addr
	resp, err := t.base.RoundTrip(req.WithContext(ctx))
	switch {
	case err == nil:
		return resp, nil
	case wrote.Load():
		return nil, errUnknown("no answer in time: the outcome is unknown").WithCause(fmt.Errorf("%s: %w", what, err))
	}
	return nil, errUnavailable("the service is not reachable at the moment").WithCause(fmt.Errorf("%s: %w", what, err))
}

// sidecarFault recognises an answer that daprd itself made: JSON with an errorCode, where our services answer errors with problem
// documents only. Nil: the answer is the other app's, its body untouched.
func sidecarFault(resp *http.Response) *fault.Fault {
	if resp.StatusCode < http.StatusBadRequest {
		return nil
	}
	if mt, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); mt != "application/json" {
		return nil
	}
	head, err := io.ReadAll(io.LimitReader(resp.Body, maxSidecarError))
	rest := resp.Body
	resp.Body = &joined{Reader: io.MultiReader(bytes.NewReader(head), rest), Closer: rest}
	var said struct{ ErrorCode, Message string }
	if err == nil {
		err = json.Unmarshal(head, &said)
	}
	if err != nil || !strings.HasPrefix(said.ErrorCode, "ERR_") {
		return nil //nolint:nilerr // whatever it is, the reader of the body finds out
	}
	cause := fmt.Errorf("sidecar: status %d: %s: %s", resp.StatusCode, said.ErrorCode, said.Message)
	switch {
	case resp.StatusCode == http.StatusForbidden: // an access list of the callee's sidecar
		return fault.New(fault.Forbidden, "forbidden", "this service may not be called").WithCause(cause)
	case resp.StatusCode == http.StatusRequestEntityTooLarge:
		return fault.New(fault.TooLarge, "too-large", "the body is over the limit").WithCause(cause)
	case resp.StatusCode < http.StatusInternalServerError: // daprd could not read our request
		return fault.New(fault.Internal, "internal", "the call could not be made").WithCause(cause)
	case outcome.NotSent(said.Message):
		return errUnavailable("the service is not reachable at the moment").WithCause(cause)
	}
	return errUnknown("no answer in time: the outcome is unknown").WithCause(cause)
}

func setTrace(req *http.Request) {
	if trace.SpanContextFromContext(req.Context()).IsValid() {
		propagation.TraceContext{}.Inject(req.Context(), propagation.HeaderCarrier(req.Header))
	}
}

type joined struct {
	io.Reader
	io.Closer
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // nothing to be done about it
	}
}

// traceFrom returns ctx with the trace of a W3C traceparent, unless ctx is in that trace already.
func traceFrom(ctx context.Context, traceparent string) context.Context {
	remote := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(),
		propagation.MapCarrier{"traceparent": traceparent}))
	if !remote.IsValid() || remote.TraceID() == trace.SpanContextFromContext(ctx).TraceID() {
		return ctx
	}
	return trace.ContextWithRemoteSpanContext(ctx, remote)
}
