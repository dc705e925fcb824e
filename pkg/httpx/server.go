// Package httpx is the HTTP edge that every service shares: huma on chi, one shape of errors, and the guards in front.
//
// A Server answers JSON by an OpenAPI 3.1 document that is made from the Go types of its handlers. Requests are strict:
// unknown members, wrong types and missing values are refused together (422 validation-failed, each by its place), what
// is no JSON is 400, what is too long 413, another media type 415. A handler returns a plain error: a fault.Fault becomes its
// problem document (RFC 9457) by the one table in problem.go, everything else is a 500 that says nothing. ParseProblem is
// the inverse, so that a fault crosses from service to service intact.
//
// In front of the routes stand, from the outside: request id, trace and, unless the answer says something else,
// Cache-Control: no-store, which every answer carries; recovery; one log line
// and one metric per request, by the pattern of the route and never by its path, because ids may be capabilities; the app
// token of the own sidecar; the bearer token of the caller. Per operation then: scopes, listed callers of internal routes,
// the time-out, and the body, read once within its limit.
//
//	exchange → app token → bearer → route → scope, caller → time-out → body → validation → handler
//
// What may go wrong: a handler that ignores its context is not stopped by the time-out; a fault with an extra member that
// cannot be JSON loses its extra members.
package httpx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/daprkit/overgrpc"
	"github.com/sidecart/sidecart/pkg/fault"
)

// Defaults of Config.
const (
	DefaultMaxBody = 1 << 20
	DefaultTimeout = 15 * time.Second
	readyTimeout   = 2 * time.Second
)

// Config of a Server. Everything but Name and Log may be left out.
type Config struct {
	Name     string                                 // of the service, "cart"
	Title    string                                 // of the OpenAPI document; Name when empty
	Version  string                                 // of the build; "dev" when empty
	Log      *slog.Logger                           // one line per request
	Verifier *auth.Verifier                         // of bearer tokens; nil: none is read, and scopes refuse everyone
	MaxBody  int64                                  // bytes; DefaultMaxBody when zero; operations may set their own MaxBodyBytes
	Timeout  time.Duration                          // per request; DefaultTimeout when zero; operations may set their own
	Ready    func(context.Context) map[string]error // what /readyz asks, by dependency; it has two seconds
	AppToken string                                 // what the own sidecar must present; empty: not checked
	Metrics  prometheus.Registerer                  // nil: no metrics
	Tracer   trace.TracerProvider                   // nil: the global one
}

// Server is a router with the shared edge around it.
type Server struct {
	config  Config
	log     *slog.Logger
	router  *chi.Mux
	api     huma.API
	tracer  trace.Tracer
	latency *prometheus.HistogramVec
	spec    func() ([]byte, error) // the OpenAPI document, made on the first call

	unreadable func(http.ResponseWriter, *http.Request, error)
}

// strictCasing makes huma refuse "Quantity" where "quantity" is meant. The switch is one for the whole process, so it is
// thrown once, before the first server exists.
var strictCasing = sync.OnceFunc(func() { huma.ValidateStrictCasing = true })

// New returns a server that answers /healthz, /readyz, /openapi.json and /docs.
func New(c Config) *Server {
	strictCasing()
	c = withDefaults(c)
	s := &Server{config: c, log: c.Log, router: chi.NewMux(), tracer: c.Tracer.Tracer("github.com/sidecart/sidecart/pkg/httpx"), unreadable: WriteProblem}
	if c.Metrics != nil {
		s.latency = latency(c.Metrics)
	}
	s.router.Use(s.exchanges, getHead, s.appToken, s.bearer)
	s.router.NotFound(func(w http.ResponseWriter, r *http.Request) {
		WriteProblem(w, r, fault.New(fault.NotFound, "not-found", "there is nothing at this address"))
	})
	s.router.MethodNotAllowed(s.methodNotAllowed)
	s.api = humachi.New(s.router, s.humaConfig())
	s.spec = sync.OnceValues(func() ([]byte, error) { return s.api.OpenAPI().MarshalJSON() })
	s.router.Get("/healthz", s.healthz)
	s.router.Get("/readyz", s.readyz)
	s.router.Get("/openapi.json", s.openAPI)
	s.router.Get("/docs", Docs(c.Title, "openapi.json").ServeHTTP)
	return s
}

func withDefaults(c Config) Config {
	if c.Title == "" {
		c.Title = c.Name
	}
	if c.Version == "" {
		c.Version = "dev"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.MaxBody <= 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Tracer == nil {
		c.Tracer = otel.GetTracerProvider()
	}
	return c
}

func latency(r prometheus.Registerer) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "http_server_request_duration_seconds",
		Help:    "Time from the first byte of a request to the end of its answer.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 25},
	}, []string{"method", "route", "status"})
	r.MustRegister(h)
	return h
}

func (s *Server) humaConfig() huma.Config {
	c := huma.DefaultConfig(s.config.Title, s.config.Version)
	c.OpenAPI.OpenAPI = "3.1.0"
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil // no $schema members in answers
	c.Transformers = []huma.Transformer{s.problems}
	format := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshal}
	c.Formats = map[string]huma.Format{"application/json": format, "json": format} // the second is for …+json
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		bearerScheme: {Type: "http", Scheme: "bearer", BearerFormat: "JWT"},
	}
	return c
}

// API returns the huma API, for what Register does not cover. Operations registered there have no guards.
func (s *Server) API() huma.API { return s.api }

// Router returns the router, for routes that are not part of the OpenAPI document: the sidecar's own, webhooks.
func (s *Server) Router() chi.Router { return s.router }

// Unreadable has f answer a request whose address no route may see, because it cannot be read: by a page, where people ask. It must be set before the
// first request.
func (s *Server) Unreadable(f func(w http.ResponseWriter, r *http.Request, err error)) {
	s.unreadable = f
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

// getHead routes HEAD as GET, below prefixes too. No route of ours is for HEAD alone.
func getHead(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			chi.RouteContext(r.Context()).RouteMethod = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// methodNotAllowed is the one problem without a kind: only a route that is there can be asked in the wrong way.
func (s *Server) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	for _, m := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		lookup := m
		if m == http.MethodHead {
			lookup = http.MethodGet
		}
		if s.router.Match(chi.NewRouteContext(), lookup, r.URL.Path) {
			w.Header().Add("Allow", m)
		}
	}
	WriteProblem(w, r, &ProblemDetails{
		Type: ProblemBase + "method-not-allowed", Title: "Method not allowed", Status: http.StatusMethodNotAllowed,
		Detail: "this address does not take that method",
	})
}

// Listener serves a handler on an address. It is a run.Service and a run.Failer.
type Listener struct {
	handler http.Handler
	addr    string
	server  *http.Server
	framed  *grpc.Server // nil: HTTP alone
	bound   net.Listener
	failed  chan error
}

// Listen serves the server's routes at addr ("127.0.0.1:8080"; port 0 picks a free one), as ListenSidecar does.
func (s *Server) Listen(addr string) *Listener { return ListenSidecar(addr, s) }

// Listen serves any handler at addr over HTTP/1.1 with keep-alive and the time-outs that a server needs in front of strangers.
func Listen(addr string, h http.Handler) *Listener {
	return &Listener{handler: h, addr: addr, failed: make(chan error, 2)}
}

// ListenSidecar is Listen for the port that the own sidecar calls: it takes requests in gRPC calls too (package overgrpc).
func ListenSidecar(addr string, h http.Handler) *Listener {
	l := Listen(addr, h)
	l.handler, l.framed = overgrpc.Plain(h), overgrpc.NewServer(h)
	return l
}

// Start binds the address and serves. A port that is taken is an error here.
func (l *Listener) Start(ctx context.Context) error {
	bound, err := (&net.ListenConfig{}).Listen(ctx, "tcp", l.addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", l.addr, err)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	l.bound = bound
	l.server = &http.Server{
		Handler:           l.handler,
		Protocols:         protocols,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       3 * time.Minute, // longer than a sidecar keeps an idle connection, so that it closes first
		MaxHeaderBytes:    64 << 10,
	}
	plain := bound
	if l.framed != nil {
		var framed net.Listener
		framed, plain = overgrpc.Split(bound)
		go l.serve(func() error { return l.framed.Serve(framed) })
	}
	go l.serve(func() error { return l.server.Serve(plain) })
	return nil
}

func (l *Listener) serve(serve func() error) {
	if err := serve(); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		l.failed <- fmt.Errorf("serve %s: %w", l.addr, err)
	}
}

// Addr returns where it listens, after Start.
func (l *Listener) Addr() string { return l.bound.Addr().String() }

// Failed yields the error that ended serving.
func (l *Listener) Failed() <-chan error { return l.failed }

// Stop takes no new requests, waits for those that run until ctx ends, and then cuts them.
func (l *Listener) Stop(ctx context.Context) error {
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		if l.framed != nil {
			l.framed.GracefulStop()
		}
	}()
	err := l.server.Shutdown(ctx)
	select {
	case <-drained:
	case <-ctx.Done():
		if l.framed != nil {
			l.framed.Stop()
		}
		err = cmp.Or(err, context.Cause(ctx))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("requests cut off: %w", err), l.server.Close())
	}
	return nil
}
