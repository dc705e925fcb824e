// Package httpapi is the public listener: it routes, limits and checks, and passes bodies through without looking at them.
//
//	CORS → id, trace, log → rate per address → route → rate of its class → credential → size → time → own sidecar
//
// A request is made anew: its path from the decoded segments, its headers from a list of those that services may see. What
// the services answer goes back as it is, but for the sidecar's headers; what is no answer of a service becomes a problem.
//
// What may go wrong: a client that stops in the middle leaves a broken request, which the service refuses; a service that dies in
// the middle of an answer that came as plain HTTP breaks the connection, because its status has left already.
package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/limit"
	"github.com/sidecart/sidecart/services/gateway/internal/app"
	"github.com/sidecart/sidecart/services/gateway/internal/gateway"
)

// Limits are the rates of the classes.
type Limits struct {
	Address  limit.Rate // every request, by address
	Coupon   limit.Rate // coupon codes, by address
	Complete limit.Rate // completions, by checkout
}

// Config of the edge. Keys may be nil: then no API key is accepted; so may Verifier: then no token is.
type Config struct {
	Table     *gateway.Table
	Transport http.RoundTripper // takes http://<app id>/<path>
	Verifier  *auth.Verifier
	Keys      *app.Keys
	Limits    Limits
	Proxies   []netip.Prefix // whose X-Forwarded-For is believed
	Now       func() time.Time
	Log       *slog.Logger
}

type edge struct {
	Config
	proxy    *httputil.ReverseProxy
	address  *limit.Limiter[netip.Addr]
	coupon   *limit.Limiter[netip.Addr]
	complete *limit.Limiter[string]
}

func newEdge(c Config) *edge {
	e := &edge{
		Config:   c,
		address:  limit.New[netip.Addr](c.Limits.Address, c.Now),
		coupon:   limit.New[netip.Addr](c.Limits.Coupon, c.Now),
		complete: limit.New[string](c.Limits.Complete, c.Now),
	}
	e.proxy = &httputil.ReverseProxy{
		Transport:      c.Transport,
		Rewrite:        func(*httputil.ProxyRequest) {}, // outgoing has seen to it
		ModifyResponse: answered,
		ErrorHandler:   e.failed,
		ErrorLog:       slog.NewLogLogger(c.Log.Handler(), slog.LevelWarn),
		BufferPool:     &buffers{},
	}
	return e
}

// ServeHTTP sends one request to its service.
func (e *edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	segments, ok := gateway.Segments(r.URL.EscapedPath())
	if !ok {
		httpx.WriteProblem(w, r, errNoPath)
		return
	}
	route := e.Table.Match(r.Method, segments)
	if route == nil {
		httpx.WriteProblem(w, r, errNoPath)
		return
	}
	label(r, route.Pattern)
	switch r.Method {
	case http.MethodOptions: // what browsers ask beforehand; the headers are there already
		w.Header().Set("Allow", allowedMethods)
		w.WriteHeader(http.StatusNoContent)
		return
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		w.Header().Set("Allow", allowedMethods)
		httpx.WriteProblem(w, r, errMethod)
		return
	}
	if wait := e.classWait(r, route, segments); wait > 0 {
		httpx.WriteProblem(w, r, tooFast(wait))
		return
	}
	bearer, err := e.credential(r, route.Access)
	if err != nil {
		httpx.WriteProblem(w, r, err)
		return
	}
	if r.ContentLength > route.MaxBody {
		httpx.WriteProblem(w, r, tooLarge(route.MaxBody))
		return
	}
	e.pass(w, r, route, segments, bearer)
}

func (e *edge) pass(w http.ResponseWriter, r *http.Request, route *gateway.Route, segments []string, bearer string) {
	ctx, cancel := context.WithTimeout(r.Context(), route.Timeout)
	defer cancel()
	out := outgoing(ctx, r, route, segments, bearer)
	if addr := limit.Address(r, e.Proxies); route.Rate == gateway.Complete && addr.IsValid() { // for the bank and the rules against fraud
		out.Header[httpx.HeaderClientAddress] = []string{addr.String()}
	}
	e.proxy.ServeHTTP(w, out)
}

// outgoing makes the request for the service out of what may pass.
func outgoing(ctx context.Context, r *http.Request, route *gateway.Route, segments []string, bearer string) *http.Request {
	out := r.WithContext(ctx)
	out.URL = &url.URL{Scheme: "http", Host: route.App, Path: gateway.Path(segments), RawQuery: r.URL.RawQuery}
	out.Host, out.Trailer, out.TransferEncoding = "", nil, nil
	out.Header = make(http.Header, len(passed)+4)
	for _, name := range passed {
		if values := r.Header[name]; len(values) > 0 {
			out.Header[name] = values
		}
	}
	if bearer != "" {
		out.Header["Authorization"] = []string{"Bearer " + bearer}
	}
	if r.ContentLength == 0 {
		out.Body = http.NoBody
	} else {
		out.Body = &body{from: r.Body, left: route.MaxBody, limit: route.MaxBody}
	}
	return out
}

// limited asks the limit per address before anything else.
func (e *edge) limited(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if wait := e.address.Take(limit.Client(r, e.Proxies)); wait > 0 {
			httpx.WriteProblem(w, r, tooFast(wait))
			return
		}
		next.ServeHTTP(w, r)
	}
}

func (e *edge) classWait(r *http.Request, route *gateway.Route, segments []string) time.Duration {
	switch route.Rate {
	case gateway.Coupon:
		return e.coupon.Take(limit.Client(r, e.Proxies))
	case gateway.Complete:
		return e.complete.Take(strings.ToLower(segments[2]))
	default:
		return 0
	}
}

// credential returns the token to send on: the client's own once it is verified, or what its API key is swapped for. Both at
// once, or one of them twice, could be read in more than one way and are refused.
func (e *edge) credential(r *http.Request, access gateway.Access) (string, error) {
	tokens, keys := r.Header["Authorization"], r.Header["X-Api-Key"]
	switch {
	case len(tokens)+len(keys) > 1:
		return "", errCredentials
	case len(keys) == 1 && e.Keys == nil:
		return "", auth.InvalidKey()
	case len(keys) == 1:
		return e.Keys.Swap(keys[0])
	case len(tokens) == 1:
		return e.verified(tokens[0])
	case access == gateway.Staff:
		return "", errNobody
	}
	return "", nil
}

func (e *edge) verified(header string) (string, error) {
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || e.Verifier == nil {
		return "", errCredentials
	}
	if _, err := e.Verifier.Verify(token, e.Now()); err != nil {
		return "", err
	}
	return token, nil
}

// label names the route in log, metrics and trace.
func label(r *http.Request, pattern string) {
	if c := chi.RouteContext(r.Context()); c != nil {
		c.RoutePatterns = []string{pattern}
	}
}

const allowedMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

var (
	errNoPath      = fault.New(fault.NotFound, "not-found", "there is nothing at this address")
	errNobody      = fault.New(fault.Unauthenticated, "unauthenticated", "an access token or an API key is needed here")
	errCredentials = fault.New(fault.Unauthenticated, "unauthenticated", "send one bearer token in Authorization, or one X-Api-Key")
	errMethod      = &httpx.ProblemDetails{
		Type: httpx.ProblemBase + "method-not-allowed", Title: "Method not allowed", Status: http.StatusMethodNotAllowed,
		Detail: "this address does not take that method",
	}
)

func tooFast(wait time.Duration) error {
	return fault.New(fault.RateLimited, "rate-limited", "too many requests: slow down").WithRetryAfter(wait)
}

func tooLarge(limit int64) *fault.Fault {
	return fault.Newf(fault.TooLarge, "body-too-large", "the body is longer than %d bytes", limit).With("limit", limit)
}
