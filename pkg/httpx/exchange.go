package httpx

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/sidecart/sidecart/pkg/fault"
)

const (
	headerRequestID   = "X-Request-Id"
	headerTraceparent = "Traceparent"
)

type exchangeKey struct{}

// exchange is what is known about one request, and the writer of its answer. Only the goroutine of the request uses it.
type exchange struct {
	http.ResponseWriter
	request   *http.Request
	requestID string
	span      trace.SpanContext
	status    int
	override  int // of the status that huma is about to write: its own errors get the status of our problem
	bytes     int64
	err       error  // why the answer is a problem, for the log
	stack     []byte // of a panic
	body      []byte // as it was sent; nil when there was none
	json      bool   // the body is JSON
}

func (x *exchange) WriteHeader(status int) {
	if x.override != 0 {
		status = x.override
	}
	if status >= 200 {
		x.begin(status)
	}
	x.ResponseWriter.WriteHeader(status)
}

func (x *exchange) Write(p []byte) (int, error) {
	x.begin(http.StatusOK)
	n, err := x.ResponseWriter.Write(p)
	x.bytes += int64(n)
	return n, err
}

// begin notes the status of the answer. An answer that does not say how it may be cached is kept out of caches: most hold what
// is about one person, or changes at once. It is said here, because a header that is there before would stand beside that
// of an answer that the gateway passes on.
func (x *exchange) begin(status int) {
	if x.status != 0 {
		return
	}
	x.status = status
	if h := x.Header(); h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
}

// Unwrap lets http.ResponseController reach the real writer.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// sign returns a copy of the problem that names this exchange; p may be a sentinel that others share.
func (x *exchange) sign(p *ProblemDetails) *ProblemDetails {
	signed := *p
	signed.Instance = "urn:sidecart:request:" + x.requestID
	signed.TraceID = x.span.TraceID().String()
	return &signed
}

// RequestID returns the id of the request that ctx belongs to, or "".
func RequestID(ctx context.Context) string {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x.requestID
	}
	return ""
}

// exchanges is the outermost middleware: ids, trace, panics, one log line, one metric.
func (s *Server) exchanges(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		ctx, span := s.trace(r)
		x := &exchange{ResponseWriter: w, requestID: requestID(r), span: span.SpanContext()}
		r = r.WithContext(context.WithValue(ctx, exchangeKey{}, x))
		x.request = r
		w.Header().Set(headerRequestID, x.requestID)
		w.Header().Set(headerTraceparent, traceparent(x.span))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		defer func() { s.finish(x, span, time.Since(begun)) }()
		defer x.recover()
		if err := readable(r); err != nil {
			s.unreadable(x, r, err)
			return
		}
		next.ServeHTTP(x, r)
	})
}

func (x *exchange) recover() {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		x.err = err
		panic(v) // the server's own way to cut a connection
	}
	x.stack = debug.Stack()
	if cause := fmt.Errorf("panic: %v", v); x.status == 0 {
		WriteProblem(x, x.request, cause)
	} else {
		x.err = cause
		panic(http.ErrAbortHandler) // what is on its way is not whole: nobody must take it for an answer
	}
}

func (s *Server) trace(r *http.Request) (context.Context, trace.Span) {
	ctx := r.Context()
	if r.Header.Get(headerTraceparent) != "" {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	ctx, span := s.tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
	if span.SpanContext().IsValid() {
		return ctx, span
	}
	var id trace.TraceID // no tracing is set up: the ids are still there, so that logs and answers can be joined
	var spanID trace.SpanID
	_, _ = rand.Read(id[:])
	_, _ = rand.Read(spanID[:])
	ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: spanID}))
	return ctx, trace.SpanFromContext(ctx)
}

// traceparent writes the W3C form of a span.
func traceparent(sc trace.SpanContext) string {
	traceID, spanID := sc.TraceID(), sc.SpanID()
	b := make([]byte, 0, 55)
	b = append(b, "00-"...)
	b = hex.AppendEncode(b, traceID[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, spanID[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, []byte{byte(sc.TraceFlags() & trace.FlagsSampled)})
	return string(b)
}

// requestID takes over the id of the caller when it is sane, else draws one of 130 random bits.
func requestID(r *http.Request) string {
	id := r.Header.Get(headerRequestID)
	if id == "" || len(id) > 128 {
		return rand.Text()
	}
	for i := range len(id) {
		c := id[i]
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte("-._:", c) >= 0) {
			return rand.Text()
		}
	}
	return id
}

// readable refuses paths and queries that no text column and no JSON answer could hold.
func readable(r *http.Request) error {
	query := r.URL.RawQuery
	if strings.IndexByte(query, '%') >= 0 {
		plain, err := url.QueryUnescape(query)
		if err != nil {
			return fault.New(fault.Malformed, "malformed", "the query is not percent-encoded properly")
		}
		query = plain
	}
	for _, text := range [...]string{r.URL.Path, query} {
		if strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
			return fault.New(fault.Malformed, "malformed", "the address holds U+0000 or is not UTF-8")
		}
	}
	return nil
}

// finish writes the one line of the request. It names the route's pattern, never the path: ids may be capabilities.
func (s *Server) finish(x *exchange, span trace.Span, took time.Duration) {
	x.begin(http.StatusOK) // of a handler that wrote nothing
	route := chi.RouteContext(x.request.Context()).RoutePattern()
	if route == "" || route == "/*" {
		route = "unmatched"
	}
	method := knownMethod(x.request.Method)
	span.SetName(method + " " + route)
	if span.IsRecording() {
		span.SetAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route),
			attribute.Int("http.response.status_code", x.status))
		if x.status >= 500 {
			span.SetStatus(codes.Error, "")
		}
	}
	span.End()
	if s.latency != nil {
		s.latency.WithLabelValues(method, route, strconv.Itoa(x.status)).Observe(took.Seconds())
	}
	s.logLine(x, method, route, took)
}

func (s *Server) logLine(x *exchange, method, route string, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case x.status >= 500 && fault.KindOf(x.err) == fault.Internal || x.stack != nil:
		level = slog.LevelError
	case x.status >= 500:
		level = slog.LevelWarn
	case quiet(route):
		level = slog.LevelDebug
	}
	ctx := x.request.Context()
	if !s.log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs, slog.String("method", method), slog.String("route", route), slog.Int("status", x.status),
		slog.Duration("duration", took), slog.Int64("bytes", x.bytes), slog.String("request_id", x.requestID),
		slog.String("trace_id", x.span.TraceID().String()))
	if x.err != nil {
		attrs = append(attrs, slog.String("code", Problem(x.err).code()))
		if x.status >= 500 {
			attrs = append(attrs, slog.String("error", x.err.Error()))
		}
	}
	if x.stack != nil {
		attrs = append(attrs, slog.String("stack", string(bytes.TrimSpace(x.stack))))
	}
	s.log.LogAttrs(ctx, level, "request", attrs...)
}

// quiet are the routes whose line says nothing new: probes, and what the sidecar delivers, of which daprkit writes a line itself.
func quiet(route string) bool {
	switch route {
	case "/healthz", "/readyz":
		return true
	}
	return strings.HasPrefix(route, "/events/") || strings.HasPrefix(route, "/actors/") || strings.HasPrefix(route, "/job/")
}

// knownMethod keeps made-up methods out of the metrics.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions:
		return m
	default:
		return "OTHER"
	}
}
