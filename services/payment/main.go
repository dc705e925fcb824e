// Command payment moves money at the gateway, each operation at most once. See README.md.
package main

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/config"
	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/run"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/braintree"
	"github.com/sidecart/sidecart/services/payment/internal/daprio"
	"github.com/sidecart/sidecart/services/payment/internal/httpapi"
	"github.com/sidecart/sidecart/services/payment/internal/postgres"
)

var version = "dev" // set by -ldflags "-X main.version=…"

type settings struct {
	boot.Base
	MerchantID  string         `env:"SIDECART_BRAINTREE_MERCHANT_ID" envDefault:"sidecart" doc:"Merchant at Braintree; its keys are the component's"`
	WebhookKeys config.Secret  `env:"SIDECART_BRAINTREE_WEBHOOK_KEYS" doc:"Keys that sign the gateway's notifications, public:private with commas between; without any all are refused"`
	RiskRules   app.RulesFile  `env:"SIDECART_RISK_RULES" doc:"File of risk rules; empty: every sale is accepted"`
	Providers   app.OffersFile `env:"SIDECART_PAYMENT_PROVIDERS" doc:"File of what is offered by currency, country and amount; empty: the gateway alone"`
	Accounts    app.Accounts   `env:"SIDECART_MERCHANT_ACCOUNTS" envDefault:"USD=sidecart-usd,EUR=sidecart-eur,GBP=sidecart-gbp,JPY=sidecart-jpy,KWD=sidecart-kwd" doc:"Merchant account of each currency that is taken"`
}

func main() {
	boot.Main(boot.Program[settings]{Name: "payment", Title: "Payments", Version: version, Migrations: postgres.Migrations(), Build: build})
}

func build(_ context.Context, p *boot.Process, c settings) error {
	box := outbox.New(p.Pool, outbox.Options{Source: p.Name, Publisher: p.Dapr, Log: p.Log, Metrics: p.Registry})
	p.Add("outbox", box.Service())
	store := postgres.New(p.Pool, box)
	gateway := braintree.New(braintree.Options{URL: "http://" + daprio.Component, MerchantID: c.MerchantID, Transport: daprio.Transport(p.Dapr, p.Log)})
	keys, err := braintree.ParseKeys(c.WebhookKeys.Reveal())
	if err != nil {
		return err
	}
	payments := app.New(store, gateway, c.Accounts, time.Now, p.Log, p.Registry)
	if payments.Offers, err = c.Providers.Offers, app.CheckOffers(c.Providers.Offers, c.Accounts); err != nil {
		return err
	}
	p.Add("look-ups", payments.Worker())

	server := p.Server()
	vault, risk := app.NewVault(payments, store, gateway), app.NewRisk(payments, store, c.RiskRules.Rules)
	credits := app.NewCredits(payments, store)
	httpapi.Register(server, httpapi.Parts{App: payments, Cases: app.NewCases(payments, store, gateway), Vault: vault, Risk: risk, Credits: credits, Manual: &app.Manual{App: payments, Risk: risk, Store: store},
		Read: store, CaseReader: store, CreditReader: store, Signatures: keys})
	jobs := daprkit.NewJobs(p.Log)
	schedule := daprio.Jobs(jobs, app.NewSettlements(payments, store, gateway), vault, risk, credits, store.Prune)
	daprkit.Mount(server.Router(), daprkit.Routes{AppID: p.Name, AppToken: p.AppToken, Jobs: jobs})
	p.Add("jobs", run.Func("jobs", func(ctx context.Context) error { return p.Dapr.Schedule(ctx, schedule...) }))
	p.Add("http", server.Listen(c.HTTPAddr))
	return nil
}
