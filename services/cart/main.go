// Command cart keeps shoppers' carts. See README.md.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/run"
	"github.com/sidecart/sidecart/services/cart/internal/app"
	"github.com/sidecart/sidecart/services/cart/internal/daprio"
	"github.com/sidecart/sidecart/services/cart/internal/httpapi"
	"github.com/sidecart/sidecart/services/cart/internal/postgres"
)

var version = "dev" // set by -ldflags "-X main.version=…"

func main() {
	boot.Main(boot.Program[config]{Name: "cart", Title: "Cart", Version: version, Migrations: postgres.Migrations(), Build: build})
}

func build(_ context.Context, p *boot.Process, c config) error {
	box := outbox.New(p.Pool, outbox.Options{Source: p.Name, Publisher: p.Dapr, Log: p.Log, Metrics: p.Registry})
	p.Add("outbox", box.Service())
	store := postgres.New(p.Pool, box)
	near := daprio.NewNear(daprio.NewProjections(p.Dapr.State("carts"), c.TTL, p.Log))
	p.Add("projections", near)
	carts := &app.Carts{
		Store: store, Projections: near,
		Pricer: daprio.Pricing{Caller: p.Dapr.Caller("pricing")}, Catalog: daprio.Catalog{Caller: p.Dapr.Caller("catalog")},
		Now: time.Now, NewID: newID, TTL: c.TTL, Channels: c.Channels, Log: p.Log,
	}
	sweeper := &app.Sweeper{Store: store, Now: time.Now, After: c.Abandon, TTL: c.TTL, Log: p.Log}

	server := p.Server()
	httpapi.Register(server, carts, httpapi.Defaults{Currency: c.Currency, Country: c.Country})
	subs, jobs := daprkit.NewSubscriptions(daprkit.PubSub, p.Log), daprkit.NewJobs(p.Log)
	daprio.Subscribe(subs, store, carts)
	jobs.On(daprio.JobAbandonment, func(ctx context.Context, _ []byte) error { return sweeper.Sweep(ctx) })
	daprkit.Mount(server.Router(), daprkit.Routes{AppID: p.Name, AppToken: p.AppToken, Subscriptions: subs, Jobs: jobs})
	p.Add("schedule", run.Func("schedule", func(ctx context.Context) error {
		return p.Dapr.Schedule(ctx, daprkit.Job{Name: daprio.JobAbandonment, Schedule: c.Sweep, Overwrite: true})
	}))
	p.Add("http", server.Listen(c.HTTPAddr))
	return nil
}

// newID draws 128 random bits: a cart's id is the right to use it.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
