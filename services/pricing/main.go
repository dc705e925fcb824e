// Command pricing serves quotes and keeps price lists, tax rates and coupons. See README.md.
package main

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/run"
	"github.com/sidecart/sidecart/services/pricing/internal/app"
	"github.com/sidecart/sidecart/services/pricing/internal/daprio"
	"github.com/sidecart/sidecart/services/pricing/internal/httpapi"
	"github.com/sidecart/sidecart/services/pricing/internal/postgres"
)

var version = "dev" // set by -ldflags "-X main.version=…"

type config struct{ boot.Base }

func main() {
	boot.Main(boot.Program[config]{Name: "pricing", Title: "Pricing", Version: version, Migrations: postgres.Migrations(), Build: build})
}

func build(_ context.Context, p *boot.Process, c config) error {
	box := outbox.New(p.Pool, outbox.Options{Source: p.Name, Publisher: p.Dapr, Log: p.Log, Metrics: p.Registry})
	p.Add("outbox", box.Service())
	store := postgres.New(p.Pool, box)

	server := p.Server()
	httpapi.Register(server, &app.Quoter{Loader: store, Now: time.Now}, &app.Staff{Store: store, Now: time.Now}, store)
	subs := daprkit.NewSubscriptions(daprkit.PubSub, p.Log)
	daprio.Subscribe(subs, store)
	jobs := daprkit.NewJobs(p.Log)
	prune := daprio.Prune(jobs, store.Prune)
	daprkit.Mount(server.Router(), daprkit.Routes{AppID: p.Name, AppToken: p.AppToken, Subscriptions: subs, Jobs: jobs})
	p.Add("jobs", run.Func("jobs", func(ctx context.Context) error { return p.Dapr.Schedule(ctx, prune) }))
	p.Add("http", server.Listen(c.HTTPAddr))
	return nil
}
