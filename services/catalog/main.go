// Command catalog keeps products and their attributes, and shows them with price and availability. See README.md.
package main

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/run"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
	"github.com/sidecart/sidecart/services/catalog/internal/daprio"
	"github.com/sidecart/sidecart/services/catalog/internal/httpapi"
	"github.com/sidecart/sidecart/services/catalog/internal/postgres"
)

var version = "dev" // set by -ldflags "-X main.version=…"

func main() {
	boot.Main(boot.Program[config]{Name: "catalog", Title: "Catalog", Version: version, Migrations: postgres.Migrations(),
		Plans: pg.ByStatistics, Build: build})
}

func build(_ context.Context, p *boot.Process, c config) error {
	box := outbox.New(p.Pool, outbox.Options{Source: p.Name, Publisher: p.Dapr, Log: p.Log, Metrics: p.Registry})
	p.Add("outbox", box.Service())
	store := postgres.New(p.Pool, box, c.Language)

	server := p.Server()
	httpapi.Register(server, &app.Staff{Store: store, Language: c.Language, Now: time.Now}, store, store,
		httpapi.Options{Currency: money.Currency(c.Currency), Country: c.Country, Language: c.Language, MaxAge: c.MaxAge, Now: time.Now})
	subs := daprkit.NewSubscriptions(daprkit.PubSub, p.Log)
	daprio.Subscribe(subs, store)
	jobs := daprkit.NewJobs(p.Log)
	schedule := daprio.Jobs(jobs, store.Prune)
	daprkit.Mount(server.Router(), daprkit.Routes{AppID: p.Name, AppToken: p.AppToken, Subscriptions: subs, Jobs: jobs})
	p.Add("jobs", run.Func("jobs", func(ctx context.Context) error { return p.Dapr.Schedule(ctx, schedule...) }))
	p.Add("http", server.Listen(c.HTTPAddr))
	return nil
}
