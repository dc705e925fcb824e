package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/run"
	"github.com/sidecart/sidecart/pkg/telemetry"
)

// Process is what Build gets to wire with.
type Process struct {
	Name     string
	Version  string
	Environ  []string
	Log      *slog.Logger
	Registry *prometheus.Registry
	Verifier *auth.Verifier  // nil without SIDECART_JWKS_FILE
	Pool     *pgxpool.Pool   // nil without migrations
	Dapr     *daprkit.Client // of the own sidecar
	AppToken string          // what the own sidecar presents

	title  string
	base   Base
	group  *run.Group
	checks map[string]func(context.Context) error
}

// Add appends a part. Parts start in the order of Add and stop in reverse.
func (p *Process) Add(name string, s run.Service) { p.group.Add(name, s) }

// Check adds a dependency to /readyz.
func (p *Process) Check(name string, fn func(context.Context) error) { p.checks[name] = fn }

// Server returns the service's HTTP server: with its token, verifier, metrics and readiness. Serve it with
// p.Add("http", server.Listen(c.HTTPAddr)).
func (p *Process) Server() *httpx.Server {
	c := p.ServerConfig()
	c.AppToken = p.AppToken
	c.Metrics = p.Registry
	return httpx.New(c)
}

// ServerConfig returns the configuration of Server but for app token and metrics, for a second listener that is public.
func (p *Process) ServerConfig() httpx.Config {
	return httpx.Config{
		Name: p.Name, Title: p.title, Version: p.Version, Log: p.Log, Verifier: p.Verifier, Timeout: p.base.Timeout, Ready: p.Ready,
	}
}

var errDraining = errors.New("the process is stopping")

// Ready asks all dependencies at once.
func (p *Process) Ready(ctx context.Context) map[string]error {
	type result struct {
		name string
		err  error
	}
	results := make(chan result, len(p.checks))
	for name, check := range p.checks {
		go func() { results <- result{name, check(ctx)} }()
	}
	out := make(map[string]error, len(p.checks)+1)
	for name := range p.checks {
		out[name] = fmt.Errorf("no answer: %w", context.DeadlineExceeded)
	}
	for range p.checks {
		select {
		case r := <-results:
			out[r.name] = r.err
		case <-ctx.Done():
			return out
		}
	}
	if p.group.Draining() {
		out["process"] = errDraining
	}
	return out
}

// schemaTimeout bounds the look at the schema before the start.
const schemaTimeout = 10 * time.Second

// closer is a part that has nothing to start.
type closer func() error

func (closer) Start(context.Context) error  { return nil }
func (c closer) Stop(context.Context) error { return c() }

func (p Program[C]) serve(ctx context.Context, c C, environ []string, out io.Writer) error {
	base := c.base()
	t, err := telemetry.Setup(ctx, telemetry.Config{
		Service: p.Name, Version: p.Version, LogLevel: base.LogLevel, OTLPEndpoint: base.OTLPEndpoint, SampleRate: base.SampleRate, Output: out,
	})
	if err != nil {
		return err
	}
	process, err := p.process(ctx, c, environ, t)
	if err != nil {
		return errors.Join(err, t.Shutdown(ctx))
	}
	if err := p.Build(ctx, process, c); err != nil {
		return errors.Join(fmt.Errorf("build: %w", err), t.Shutdown(ctx))
	}
	t.Log.Info("starting", "version", p.Version, "addr", base.HTTPAddr)
	err = process.group.Run(ctx)
	t.Log.Info("stopped")
	return err
}

// process makes the parts that every service has, and adds them to the group before all others.
func (p Program[C]) process(ctx context.Context, c C, environ []string, t *telemetry.Telemetry) (*Process, error) {
	base, dapr := c.base(), daprkit.FromEnviron(environ)
	dapr.AppID = p.Name
	if dapr.AppToken == "" {
		return nil, errors.New("APP_API_TOKEN is required: without it anybody could call in the sidecar's place")
	}
	out := &Process{
		Name: p.Name, Version: p.Version, Environ: environ, Log: t.Log, Registry: t.Registry, AppToken: dapr.AppToken,
		title: p.Title, base: base, checks: map[string]func(context.Context) error{},
		group: run.NewGroup(t.Log, run.Options{Drain: base.Drain, StopTimeout: base.StopTimeout}),
	}
	out.Add("telemetry", stopper(t.Shutdown)) // first, so that it hears of all the others' ends
	var err error
	if base.JWKSFile != "" {
		if out.Verifier, err = auth.OpenVerifier(base.JWKSFile, t.Log); err != nil {
			return nil, err
		}
	}
	if len(p.Migrations) > 0 {
		if out.Pool, err = p.pool(ctx, base, t.Log); err != nil {
			return nil, err
		}
		out.Registry.MustRegister(pg.Metrics())
		out.Add("database", closer(func() error { out.Pool.Close(); return nil }))
		out.Check("database", func(ctx context.Context) error { return out.Pool.Ping(ctx) })
	}
	if out.Dapr, err = daprkit.Connect(ctx, dapr, t.Log); err != nil {
		return nil, err
	}
	out.Registry.MustRegister(out.Dapr.Metrics())
	out.Add("sidecar", closer(out.Dapr.Close))
	out.Check("sidecar", out.Dapr.Healthy)
	if base.MetricsAddr != "" {
		out.Add("metrics", t.MetricsService(base.MetricsAddr))
	}
	return out, nil
}

// stopper is a part that is only stopped, within a bound.
type stopper func(ctx context.Context) error

func (stopper) Start(context.Context) error      { return nil }
func (s stopper) Stop(ctx context.Context) error { return s(ctx) }

// pool opens the database and refuses one whose schema is behind. One that is away is no reason not to start: the
// service says so in /readyz and goes on when it is back.
func (p Program[C]) pool(ctx context.Context, base Base, log *slog.Logger) (*pgxpool.Pool, error) {
	url := base.DatabaseURL.Reveal()
	look, cancel := context.WithTimeout(ctx, schemaTimeout)
	defer cancel()
	pending, err := pg.Pending(look, url, p.Migrations...)
	if err != nil {
		log.Warn("the schema cannot be looked at, starting nevertheless", "error", err)
	}
	if pending > 0 {
		return nil, fmt.Errorf("the database lacks %d migrations: run `%s migrate` first", pending, p.Name)
	}
	return pg.Open(ctx, pg.Config{URL: url, MaxConns: base.DatabaseConns, AppName: p.Name, Plans: p.Plans})
}
