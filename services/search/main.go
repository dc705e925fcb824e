// Command search lists and finds products. See README.md.
package main

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/run"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/daprio"
	"github.com/sidecart/sidecart/services/search/internal/httpapi"
	"github.com/sidecart/sidecart/services/search/internal/postgres"
)

var version = "dev" // set by -ldflags "-X main.version=…"

func main() {
	boot.Main(boot.Program[settings]{Name: "search", Title: "Search", Version: version, Migrations: postgres.Migrations(),
		Plans: pg.ByStatistics, Build: build})
}

func build(_ context.Context, p *boot.Process, c settings) error {
	store := postgres.New(p.Pool)
	indexes, err := openIndexes(p, c)
	if err != nil {
		return err
	}
	p.Add("index", run.Func("index", func(ctx context.Context) error {
		<-ctx.Done() // all that reads and writes it has ended
		return indexes.Close()
	}))
	tail := app.NewTail(store, indexes, c.Language, time.Now, p.Log)
	words := app.NewWords(tail, lexicon(c.Language, indexes.Stem), p.Log)
	checker := &app.Checker{Sources: daprio.Sources{Catalog: p.Dapr.Caller("catalog"), Pricing: p.Dapr.Caller("pricing"), Inventory: p.Dapr.Caller("inventory")},
		Keeper: store, Tail: tail, Log: p.Log}
	p.Registry.MustRegister(tail.Behind())
	p.Add("tail", run.Func("tail", tail.Run))
	p.Add("words", run.Func("words", words.Run))
	ear := app.NewEar(store, time.Now, p.Log)
	p.Add("ear", run.Func("ear", ear.Run))
	trials := app.NewTrials(store, time.Now, p.Log)
	p.Add("trials", run.Func("trials", trials.Run))
	p.Add("fill", run.Func("fill", checker.Fill))
	merch := app.NewMerchandising(store, c.Language, indexes.Stem, time.Now, p.Log)
	p.Add("settings", run.Func("settings", merch.Run))

	server := p.Server()
	shop := &app.Shop{Indexes: indexes, Terms: tail.Terms, Read: words, Past: store, Steering: merch.Steering, Ear: ear, Trials: trials, Language: c.Language, Now: time.Now, Log: p.Log}
	httpapi.Register(server, httpapi.Parts{Shop: shop, Shelf: daprio.Shelf{Catalog: p.Dapr.Caller("catalog")}, Desk: app.Desk{Keeper: store, Memory: store, Tail: tail}, Merchandising: merch, Audit: store, Trials: trials},
		httpapi.Options{Language: c.Language, Currency: money.Currency(c.Currency), Country: c.Country, MaxAge: c.MaxAge, Now: time.Now})
	subs, jobs := daprkit.NewSubscriptions(daprkit.PubSub, p.Log), daprkit.NewJobs(p.Log)
	daprio.Subscribe(subs, tail)
	schedule := daprio.Jobs(jobs, checker.Job, store.Prune)
	daprkit.Mount(server.Router(), daprkit.Routes{AppID: p.Name, AppToken: p.AppToken, Subscriptions: subs, Jobs: jobs})
	p.Add("jobs", run.Func("jobs", func(ctx context.Context) error { return p.Dapr.Schedule(ctx, schedule...) }))
	p.Add("http", server.Listen(c.HTTPAddr))
	return nil
}
