// Package boot is what all service programs have in common, so that a main is wiring and nothing else.
//
// A program has three sub-commands: serve (the default), migrate, and check-config. Main reads the configuration, sets up
// telemetry, hands the parts to Build, and runs what Build added until a signal comes. It ends with 0 after an orderly stop, 1
// when something failed, 2 when the command line or the configuration is wrong. The schema is never changed by serve:
// while migrations are missing, it refuses to start and says so.
//
// A whole main:
//
//	package main
//
//	import (
//		"context"
//		"time"
//
//		"github.com/sidecart/sidecart/pkg/boot"
//		"github.com/sidecart/sidecart/pkg/daprkit"
//		"github.com/sidecart/sidecart/pkg/inbox"
//		"github.com/sidecart/sidecart/pkg/outbox"
//		"github.com/sidecart/sidecart/pkg/pg"
//		"github.com/sidecart/sidecart/services/cart/internal/app"
//		"github.com/sidecart/sidecart/services/cart/internal/daprio"
//		"github.com/sidecart/sidecart/services/cart/internal/httpapi"
//		"github.com/sidecart/sidecart/services/cart/internal/postgres"
//	)
//
//	var version = "dev" // set by -ldflags "-X main.version=…"
//
//	type config struct {
//		boot.Base
//		CartTTL time.Duration `env:"SIDECART_CART_TTL" envDefault:"720h" doc:"How long an untouched cart lives"`
//	}
//
//	func main() {
//		boot.Main(boot.Program[config]{
//			Name: "cart", Title: "Cart", Version: version,
//			Migrations: []pg.Migrations{postgres.Migrations, outbox.Migrations, inbox.Migrations},
//			Build:      build,
//		})
//	}
//
//	func build(_ context.Context, p *boot.Process, c config) error {
//		box := outbox.New(p.Pool, outbox.Options{Source: p.Name, Publisher: p.Dapr, Log: p.Log, Metrics: p.Registry})
//		p.Add("outbox", box.Service())
//		carts := app.New(postgres.New(p.Pool, box), p.Dapr.Caller("pricing"), c.CartTTL)
//		server := p.Server()
//		httpapi.Register(server, carts)
//		subs := daprkit.NewSubscriptions(daprkit.PubSub, p.Log)
//		daprio.Subscribe(subs, carts)
//		daprkit.Mount(server.Router(), daprkit.Routes{AppID: p.Name, AppToken: p.AppToken, Subscriptions: subs})
//		p.Add("http", server.Listen(c.HTTPAddr))
//		return nil
//	}
//
// Parts stop in the reverse order of Add: add the listener last, so that it is the first to go. The database pool, the sidecar's
// client and the metrics port are added by boot before all others, and outlive them.
package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sidecart/sidecart/pkg/config"
	"github.com/sidecart/sidecart/pkg/pg"
)

// Base holds the settings of every service. Embed it in the service's own.
type Base struct {
	HTTPAddr      string        `env:"SIDECART_HTTP_ADDR" envDefault:"127.0.0.1:8080" doc:"Address for the own sidecar to call"`
	MetricsAddr   string        `env:"SIDECART_METRICS_ADDR" doc:"Address of /metrics; empty: none"`
	DatabaseURL   config.Secret `env:"SIDECART_DATABASE_URL" doc:"Connection URL of the service's own database"`
	DatabaseConns int32         `env:"SIDECART_DATABASE_CONNS" envDefault:"10" doc:"Most connections of one replica"`
	JWKSFile      string        `env:"SIDECART_JWKS_FILE" doc:"Public keys of access tokens; empty: no token is accepted"`
	LogLevel      slog.Level    `env:"SIDECART_LOG_LEVEL" envDefault:"info" doc:"debug, info, warn or error"`
	OTLPEndpoint  string        `env:"SIDECART_OTLP_ENDPOINT" doc:"URL of a collector for traces and metrics; empty: none"`
	SampleRate    float64       `env:"SIDECART_TRACE_RATE" envDefault:"0.01" doc:"Share of traces that are kept, 0 to 1"`
	Drain         time.Duration `env:"SIDECART_DRAIN" envDefault:"5s" doc:"How long to serve on after SIGTERM, while the sidecar drains"`
	StopTimeout   time.Duration `env:"SIDECART_STOP_TIMEOUT" envDefault:"20s" doc:"How long all parts together may take to stop"`
	Timeout       time.Duration `env:"SIDECART_REQUEST_TIMEOUT" envDefault:"15s" doc:"Time-out of a request whose operation has none of its own"`
}

// Validate checks the settings that have bounds.
func (b Base) Validate() error {
	var errs []error
	check := func(ok bool, fault string) {
		if !ok {
			errs = append(errs, errors.New(fault))
		}
	}
	check(b.DatabaseConns >= 1, "SIDECART_DATABASE_CONNS is below 1")
	check(b.SampleRate >= 0 && b.SampleRate <= 1, "SIDECART_TRACE_RATE is not between 0 and 1")
	check(b.Drain >= 0, "SIDECART_DRAIN is negative")
	check(b.StopTimeout > 0, "SIDECART_STOP_TIMEOUT is not above 0")
	check(b.Timeout > 0, "SIDECART_REQUEST_TIMEOUT is not above 0")
	return errors.Join(errs...)
}

func (b Base) base() Base { return b }

// Settings are a struct that embeds Base.
type Settings interface{ base() Base }

// Program describes a service program. C is its settings.
type Program[C Settings] struct {
	Name       string          // app id of the service, "cart"
	Title      string          // of its API; Name when empty
	Version    string          // of the build
	Migrations []pg.Migrations // of its own database; none: it has no database
	Plans      pg.Plans        // of the statements there
	Build      func(ctx context.Context, p *Process, c C) error
}

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// Main runs the program with the process's own arguments and environment, and ends the process.
func Main[C Settings](p Program[C]) {
	os.Exit(p.Run(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// Run is Main for tests: it returns the exit code. The log goes to out, complaints go to errOut.
func (p Program[C]) Run(ctx context.Context, args, environ []string, out, errOut io.Writer) int {
	command := "serve"
	if len(args) > 0 {
		command = args[0]
	}
	if len(args) > 1 || command != "serve" && command != "migrate" && command != "check-config" {
		complain(errOut, "usage: %s [serve | migrate | check-config]", p.Name)
		return exitUsage
	}
	c, err := p.load(environ)
	if err != nil {
		complain(errOut, "%s: %v", p.Name, err)
		return exitUsage
	}
	switch command {
	case "migrate":
		err = p.migrate(ctx, c, out)
	case "check-config":
		err = p.describe(environ, out)
	default:
		err = p.serve(ctx, c, environ, out)
	}
	if err != nil {
		complain(errOut, "%s %s: %v", p.Name, command, err)
		return exitFailure
	}
	return exitOK
}

func complain(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...) // where complaints cannot be written there is nobody to tell
}

func (p Program[C]) load(environ []string) (C, error) {
	c, err := config.Load[C](environ)
	if err == nil && len(p.Migrations) > 0 && c.base().DatabaseURL.Empty() {
		err = &config.Error{Faults: []string{"SIDECART_DATABASE_URL is required"}}
	}
	return c, err
}

func (p Program[C]) migrate(ctx context.Context, c C, out io.Writer) error {
	if len(p.Migrations) == 0 {
		complain(out, "%s has no database", p.Name)
		return nil
	}
	url := c.base().DatabaseURL.Reveal()
	pending, err := pg.Pending(ctx, url, p.Migrations...)
	if err != nil {
		return err
	}
	if err := pg.Migrate(ctx, url, p.Migrations...); err != nil {
		return err
	}
	complain(out, "%s: %d migrations applied", p.Name, pending)
	return nil
}

// describe lists the settings as they are in force, secrets redacted.
func (p Program[C]) describe(environ []string, out io.Writer) error {
	set := map[string]string{}
	for _, line := range environ {
		key, value, _ := strings.Cut(line, "=")
		set[key] = value
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range config.Describe[C]() {
		value, from := f.Default, "default"
		if v, ok := set[f.Key]; ok {
			value, from = v, "set"
		}
		if f.Secret && value != "" {
			value = "[redacted]"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.Key, value, from, f.Doc) // an error shows again in Flush
	}
	return w.Flush()
}
