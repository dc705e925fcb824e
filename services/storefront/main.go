// Command storefront is the reference shop: pages for browsers. See README.md.
package main

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/limit"
	"github.com/sidecart/sidecart/pkg/run"
	"github.com/sidecart/sidecart/services/storefront/internal/daprio"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
	"github.com/sidecart/sidecart/services/storefront/internal/text"
	"github.com/sidecart/sidecart/services/storefront/internal/web"
)

// burstCodes is how many codes may come at once: those of a household, or of an office behind one address.
const burstCodes = 20

var version = "dev" // set by -ldflags "-X main.version=…"

func main() {
	boot.Main(boot.Program[config]{Name: "storefront", Title: "Storefront", Version: version, Build: build})
}

func build(_ context.Context, p *boot.Process, c config) error {
	markets, err := storefront.ParseMarkets(c.Markets, text.Languages())
	if err != nil {
		return err
	}
	public := p.ServerConfig()
	public.Metrics = p.Registry
	public.Verifier = nil // browsers have no tokens
	server := httpx.New(public)
	pages := web.Register(server, web.Config{
		Services: daprio.NewServices(p.Dapr.Caller, time.Now), Markets: markets, Base: c.base(), MediaDir: c.MediaDir, ImageOrigins: c.ImageOrigins,
		Maintenance: c.Maintenance, Tests: c.Tests, Dropin: c.PaymentForm == paymentDropin, Codes: limit.Rate{PerSecond: float64(c.RateCodes), Burst: burstCodes}, Proxies: c.Proxies, Now: time.Now, Log: p.Log,
	})
	p.Add("visitors", run.Func("visitors", pages.Run))
	own := p.ServerConfig() // for the own sidecar's health checks; its requests are not those that the metrics are about
	own.AppToken = p.AppToken
	p.Add("http", httpx.New(own).Listen(c.HTTPAddr))
	p.Add("public", httpx.Listen(c.PublicAddr, server))
	return nil
}
