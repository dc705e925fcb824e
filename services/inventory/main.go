// Command inventory keeps stock: soft holds of carts, hard allocations of orders, and the ledger. See README.md.
package main

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/run"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/daprio"
	"github.com/sidecart/sidecart/services/inventory/internal/httpapi"
	"github.com/sidecart/sidecart/services/inventory/internal/postgres"
)

var version = "dev" // set by -ldflags "-X main.version=…"

func main() {
	boot.Main(boot.Program[config]{Name: "inventory", Title: "Inventory", Version: version, Migrations: postgres.Migrations(), Build: build})
}

func build(_ context.Context, p *boot.Process, c config) error {
	box := outbox.New(p.Pool, outbox.Options{Source: p.Name, Publisher: p.Dapr, Log: p.Log, Metrics: p.Registry})
	p.Add("outbox", box.Service())
	store := postgres.New(p.Pool, box)
	store.LowAt, store.LowUntil = c.LowStock, 2*c.LowStock
	levels := &app.Levels{Store: store, Now: time.Now, Log: p.Log}
	p.Add("levels", run.Func("levels", levels.Run))

	direct := app.Direct{Store: store, Now: time.Now}
	actors, jobs := daprkit.NewActors(daprkit.ActorOptions{Log: p.Log}), daprkit.NewJobs(p.Log)
	daprio.Host(actors, direct, store, time.Now)
	door := &app.Fallback{Actor: daprio.Door{Caller: p.Dapr, Actors: actors}, Direct: direct, Now: time.Now, Log: p.Log}
	limits := &app.Limits{Store: store, Now: time.Now}
	auditor := &app.Auditor{Store: store, Now: time.Now}
	server := p.Server()
	httpapi.Register(server, httpapi.Services{
		Holds:     &app.Holds{Store: app.Together(store, time.Now), Combiner: app.NewCombiner(door), Queue: c.Queue, Now: time.Now, Log: p.Log},
		Allocator: &app.Allocator{Store: store, Limits: limits, Now: time.Now, Log: p.Log, Nearest: c.Routing == "nearest"},
		Staff:     &app.Staff{Store: store, Now: time.Now, Log: p.Log},
		Limits:    limits,
		Auditor:   auditor,
		Reader:    store, Now: time.Now,
	})
	schedule := daprio.Jobs(jobs, (&app.Sweeper{Store: store, Now: time.Now}).Sweep, p.Pool)
	schedule = append(schedule, daprio.Recount(jobs, app.NewRecount(auditor, store, p.Log, p.Registry).Run))
	daprkit.Mount(server.Router(), daprkit.Routes{AppID: p.Name, AppToken: p.AppToken, Actors: actors, Jobs: jobs})
	p.Add("jobs", run.Func("jobs", func(ctx context.Context) error { return p.Dapr.Schedule(ctx, schedule...) }))
	p.Add("actors", run.Func("actors", func(ctx context.Context) error { actors.CheckAtStart(ctx, p.Dapr, 30*time.Second); return nil }))
	p.Add("http", server.Listen(c.HTTPAddr))
	return nil
}
