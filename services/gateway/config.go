package main

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/limit"
	"github.com/sidecart/sidecart/services/gateway/internal/app"
	"github.com/sidecart/sidecart/services/gateway/internal/httpapi"
)

type config struct {
	boot.Base
	PublicAddr     string         `env:"SIDECART_PUBLIC_ADDR" envDefault:"127.0.0.1:8000" doc:"Address for the world to call"`
	SigningKeyFile string         `env:"SIDECART_SIGNING_KEY_FILE" doc:"Private key of the tokens that API keys are swapped for"`
	APIKeysFile    string         `env:"SIDECART_API_KEYS_FILE" doc:"API keys: JSON list of id, sha256, name, scopes; empty: none is accepted"`
	MediaDir       string         `env:"SIDECART_MEDIA_DIR" doc:"Folder of pictures under /media/; empty: none"`
	Origins        []string       `env:"SIDECART_CORS_ORIGINS" doc:"Origins whose pages may call, by comma; * for all; empty: none"`
	Proxies        []netip.Prefix `env:"SIDECART_TRUSTED_PROXIES" doc:"Networks by comma whose X-Forwarded-For is believed"`
	RateAddress    int            `env:"SIDECART_RATE_PER_ADDRESS" envDefault:"5000" doc:"Requests a second of one address"`
	RateCoupon     int            `env:"SIDECART_RATE_COUPON" envDefault:"20" doc:"Codes of coupons and gift cards a second of one address"`
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
		Address:  limit.Rate{PerSecond: float64(c.RateAddress), Burst: c.RateAddress},
		Coupon:   limit.Rate{PerSecond: float64(c.RateCoupon), Burst: burstCoupon},
		Complete: limit.Rate{PerSecond: float64(c.RateComplete), Burst: burstComplete},
	}
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
