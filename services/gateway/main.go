// Command gateway is the edge: everything public goes through it to the services. See README.md.
package main

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/gateway/internal/app"
	"github.com/sidecart/sidecart/services/gateway/internal/daprio"
	"github.com/sidecart/sidecart/services/gateway/internal/gateway"
	"github.com/sidecart/sidecart/services/gateway/internal/httpapi"
)

var version = "dev" // set by -ldflags "-X main.version=…"

func main() {
	boot.Main(boot.Program[config]{Name: "gateway", Title: "Sidecart", Version: version, Build: build})
}

func build(_ context.Context, p *boot.Process, c config) error {
	keys, err := keys(p, c)
	if err != nil {
		return err
	}
	table, transport := gateway.NewTable(gateway.Routes()), p.Dapr.Transport()
	public := p.ServerConfig()
	public.Metrics = p.Registry
	public.Verifier = nil // the edge reads credentials
	handler := httpapi.Handler(httpapi.Public{
		Server: httpx.New(public),
		Edge: httpapi.Config{
			Table: table, Transport: transport, Verifier: p.Verifier, Keys: keys, Limits: c.limits(), Proxies: c.Proxies, Now: time.Now, Log: p.Log,
		},
		Services: &app.Services{
			Asker: daprio.Services{Transport: transport}, Table: table, Now: time.Now, Log: p.Log,
			Info: gateway.Info{Title: "Sidecart", Version: p.Version, Description: "The public API of the shop: all services behind one address."},
		},
		Ready: p.Ready, MediaDir: c.MediaDir, Origins: c.Origins,
	})
	own := p.ServerConfig() // for the own sidecar's health checks; its requests are not those that the metrics are about
	own.AppToken = p.AppToken
	p.Add("http", httpx.New(own).Listen(c.HTTPAddr))
	p.Add("public", httpx.Listen(c.PublicAddr, handler))
	return nil
}
