// Command catalog keeps products and their attributes, and shows them with price and availability. See README.md.
package main

import (
	"context"
	"errors"
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

type config struct {
	boot.Base
	Currency string        `env:"SIDECART_CURRENCY" envDefault:"USD" doc:"Currency of readers who name none"`
	Country  string        `env:"SIDECART_COUNTRY" envDefault:"US" doc:"Country of readers who name none"`
	LowStock int64         `env:"SIDECART_LOW_STOCK" envDefault:"5" doc:"That many pieces or fewer are shown as low stock"`
	MaxAge   time.Duration `env:"SIDECART_PAGE_MAX_AGE" envDefault:"10s" doc:"How long caches may keep a page for shoppers"`
}

// Validate checks what has bounds.
func (c config) Validate() error {
	_, err := money.ParseCurrency(c.Currency)
	if len(c.Country) != 2 || c.LowStock < 0 || c.MaxAge < 0 {
		err = errors.Join(err, errors.New("SIDECART_COUNTRY has two letters, SIDECART_LOW_STOCK and SIDECART_PAGE_MAX_AGE are not negative"))
	}
	return errors.Join(c.Base.Validate(), err)
}

func main() {
	boot.Main(boot.Program[config]{Name: "catalog", Title: "Catalog", Version: version, Migrations: postgres.Migrations(),
		Plans: pg.ByStatistics, Build: build})
}

func build(_ context.Context, p *boot.Process, c config) error {
	box := outbox.New(p.Pool, outbox.Options{Source: p.Name, Publisher: p.Dapr, Log: p.Log, Metrics: p.Registry})
	p.Add("outbox", box.Service())
	store := postgres.New(p.Pool, box)

	server := p.Server()
	httpapi.Register(server, &app.Staff{Store: store, Now: time.Now}, store, store,
		httpapi.Options{Currency: money.Currency(c.Currency), Country: c.Country, LowStock: c.LowStock, MaxAge: c.MaxAge, Now: time.Now})
	subs := daprkit.NewSubscriptions(daprkit.PubSub, p.Log)
	daprio.Subscribe(subs, store)
	jobs := daprkit.NewJobs(p.Log)
	schedule := daprio.Jobs(jobs, store.Prune)
	daprkit.Mount(server.Router(), daprkit.Routes{AppID: p.Name, AppToken: p.AppToken, Subscriptions: subs, Jobs: jobs})
	p.Add("jobs", run.Func("jobs", func(ctx context.Context) error { return p.Dapr.Schedule(ctx, schedule...) }))
	p.Add("http", server.Listen(c.HTTPAddr))
	return nil
}
