// Command order places orders and keeps them. See README.md.
package main

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/run"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/internal/daprio"
	"github.com/sidecart/sidecart/services/order/internal/httpapi"
	"github.com/sidecart/sidecart/services/order/internal/postgres"
)

var version = "dev" // set by -ldflags "-X main.version=…"

type config struct {
	boot.Base
	Entity   app.EntityFile   `env:"SIDECART_LEGAL_ENTITY" doc:"File of the legal entity that sells; empty: no invoices"`
	Machines app.MachineFiles `env:"SIDECART_ORDER_MACHINES" doc:"File that extends the state machine of orders, or folder of them; empty: the built-in one"`
}

func main() {
	boot.Main(boot.Program[config]{Name: "order", Title: "Orders", Version: version, Migrations: postgres.Migrations(), Build: build})
}

func build(ctx context.Context, p *boot.Process, c config) error {
	box := outbox.New(p.Pool, outbox.Options{Source: p.Name, Publisher: p.Dapr, Log: p.Log, Metrics: p.Registry})
	p.Add("outbox", box.Service())
	machines, err := c.Machines.Machines()
	if err != nil {
		return err
	}
	store := postgres.New(p.Pool, box)
	if err := store.CheckMachines(ctx, machines.Prints()); err != nil {
		return err
	}
	pay := daprio.Payments{Caller: p.Dapr.Caller("payment")}
	orders := app.New(machines, store, pay, daprio.Stock{Caller: p.Dapr.Caller("inventory")}, time.Now, p.Log)
	p.Add("driver", orders.Driver())

	server := p.Server()
	httpapi.Register(server, orders, daprio.Door{Client: p.Dapr, App: orders}, store,
		httpapi.Neighbours{Carts: daprio.Carts{Caller: p.Dapr.Caller("cart")}, Prices: daprio.Checkout{Caller: p.Dapr.Caller("checkout")}}, c.Entity.Entity)
	actors := daprkit.NewActors(daprkit.ActorOptions{Log: p.Log})
	daprio.RegisterActor(actors, orders)
	jobs := daprkit.NewJobs(p.Log)
	schedule := daprio.Jobs(jobs, app.NewReconciler(orders, store, pay, pay, p.Registry), store.Prune)
	subs := daprkit.NewSubscriptions(daprkit.PubSub, p.Log)
	daprio.Subscribe(subs, orders)
	daprkit.Mount(server.Router(), daprkit.Routes{AppID: p.Name, AppToken: p.AppToken, Actors: actors, Subscriptions: subs, Jobs: jobs})
	p.Add("jobs", run.Func("jobs", func(ctx context.Context) error { return p.Dapr.Schedule(ctx, schedule...) }))
	p.Add("actors", run.Func("actors", func(ctx context.Context) error { actors.CheckAtStart(ctx, p.Dapr, 30*time.Second); return nil }))
	p.Add("http", server.Listen(c.HTTPAddr))
	return nil
}
