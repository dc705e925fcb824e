// Command checkout serves the sessions between carts and orders. See README.md.
package main

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/run"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/checkout/internal/daprio"
	"github.com/sidecart/sidecart/services/checkout/internal/httpapi"
	"github.com/sidecart/sidecart/services/checkout/internal/postgres"
)

var version = "dev" // set by -ldflags "-X main.version=…"

func main() {
	boot.Main(boot.Program[config]{Name: "checkout", Title: "Checkout", Version: version, Migrations: postgres.Migrations(), Build: build})
}

func build(_ context.Context, p *boot.Process, c config) error {
	rates, err := app.Rates(c.ShippingFile)
	if err != nil {
		return err
	}
	box := outbox.New(p.Pool, outbox.Options{Source: p.Name, Publisher: p.Dapr, Log: p.Log, Metrics: p.Registry})
	p.Add("outbox", box.Service())
	store := postgres.New(p.Pool, box)
	checkouts := app.New(app.Config{Store: store, Sweeps: store, Rates: rates, Now: time.Now, Log: p.Log, TTL: c.CheckoutTTL, HoldTTL: c.HoldTTL, LeftFor: c.AbandonedAfter,
		Carts: daprio.Carts{Caller: p.Dapr.Caller("cart")}, Prices: daprio.Prices{Caller: p.Dapr.Caller("pricing")},
		Catalog: daprio.Catalog{Caller: p.Dapr.Caller("catalog")},
		Holds:   daprio.Holds{Caller: p.Dapr.Caller("inventory")}, Payments: daprio.Payments{Caller: p.Dapr.Caller("payment")},
		Orders: daprio.Orders{Caller: p.Dapr.Caller("order")}})

	server := p.Server()
	httpapi.Register(server, checkouts, store)
	subs := daprkit.NewSubscriptions(daprkit.PubSub, p.Log)
	daprio.Subscribe(subs, checkouts)
	jobs := daprkit.NewJobs(p.Log)
	schedule := []daprkit.Job{daprio.Sweep(jobs, checkouts), daprio.Reconcile(jobs, app.NewReconciler(checkouts, p.Registry))}
	daprkit.Mount(server.Router(), daprkit.Routes{AppID: p.Name, AppToken: p.AppToken, Subscriptions: subs, Jobs: jobs})
	p.Add("jobs", run.Func("jobs", func(ctx context.Context) error { return p.Dapr.Schedule(ctx, schedule...) }))
	p.Add("http", server.Listen(c.HTTPAddr))
	return nil
}
