// Command gateway is the edge: everything public goes through it to the services. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/gateway/internal/app"
	"github.com/sidecart/sidecart/services/gateway/internal/daprio"
	"github.com/sidecart/sidecart/services/gateway/internal/gateway"
	"github.com/sidecart/sidecart/services/gateway/internal/httpapi"
)

var version = "dev" // set by -ldflags "-X main.version=…"

type config struct {
	boot.Base
	PublicAddr     string         `env:"SIDECART_PUBLIC_ADDR" envDefault:"127.0.0.1:8000" doc:"Address for the world to call"`
	SigningKeyFile string         `env:"SIDECART_SIGNING_KEY_FILE" doc:"Private key of the tokens that API keys are swapped for"`
	APIKeysFile    string         `env:"SIDECART_API_KEYS_FILE" doc:"API keys: JSON list of id, sha256, name, scopes; empty: none is accepted"`
	MediaDir       string         `env:"SIDECART_MEDIA_DIR" doc:"Folder of pictures under /media/; empty: none"`
	Origins        []string       `env:"SIDECART_CORS_ORIGINS" doc:"Origins whose pages may call, by comma; * for all; empty: none"`
	Proxies        []netip.Prefix `env:"SIDECART_TRUSTED_PROXIES" doc:"Networks by comma whose X-Forwarded-For is believed"`
	RateAddress    int            `env:"SIDECART_RATE_PER_ADDRESS" envDefault:"5000" doc:"Requests a second of one address"`
	RateCoupon     int            `env:"SIDECART_RATE_COUPON" envDefault:"20" doc:"Coupon codes a second of one address"`
	RateComplete   int            `env:"SIDECART_RATE_COMPLETE" envDefault:"2" doc:"Completions a second of one checkout"`
}

// Validate checks what belongs together.
func (c config) Validate() error {
	var errs []error
	if c.APIKeysFile != "" && c.SigningKeyFile == "" {
		errs = append(errs, errors.New("SIDECART_API_KEYS_FILE needs SIDECART_SIGNING_KEY_FILE"))
	}
	if min(c.RateAddress, c.RateCoupon, c.RateComplete) < 1 {
		errs = append(errs, errors.New("a SIDECART_RATE_ setting is below 1"))
	}
	return errors.Join(errs...)
}

// Bursts are what may come at once: one second's worth of an address, and the repeats of impatient clients.
const (
	burstCoupon   = 60
	burstComplete = 60
)

func (c config) limits() httpapi.Limits {
	return httpapi.Limits{
		Address:  app.Limit{PerSecond: float64(c.RateAddress), Burst: c.RateAddress},
		Coupon:   app.Limit{PerSecond: float64(c.RateCoupon), Burst: burstCoupon},
		Complete: app.Limit{PerSecond: float64(c.RateComplete), Burst: burstComplete},
	}
}

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

// keys opens the API keys, and makes sure that services will believe the tokens they are swapped for.
func keys(p *boot.Process, c config) (*app.Keys, error) {
	if c.APIKeysFile == "" {
		return nil, nil
	}
	signer, err := auth.LoadSigner(c.SigningKeyFile)
	if err != nil {
		return nil, err
	}
	if p.Verifier == nil {
		return nil, errors.New("SIDECART_API_KEYS_FILE needs SIDECART_JWKS_FILE: no service would believe our tokens")
	}
	now := time.Now()
	token, err := signer.Mint(auth.Principal{Subject: p.Name, Kind: auth.KindService}, time.Second, now)
	if err == nil {
		_, err = p.Verifier.Verify(token, now)
	}
	if err != nil {
		return nil, fmt.Errorf("%s does not hold the public part of %s: %w", c.JWKSFile, c.SigningKeyFile, err)
	}
	return app.OpenKeys(c.APIKeysFile, signer, time.Now, p.Log)
}
