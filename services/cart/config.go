package main

import (
	"errors"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/money"
)

type config struct {
	boot.Base
	TTL      time.Duration `env:"SIDECART_CART_TTL" envDefault:"720h" doc:"How long a cart lives after its last change"`
	Abandon  time.Duration `env:"SIDECART_CART_ABANDONED_AFTER" envDefault:"4h" doc:"How long a cart with lines is left alone until it counts as abandoned"`
	Sweep    string        `env:"SIDECART_CART_SWEEP" envDefault:"@every 5m" doc:"Schedule of the job that looks for abandoned and expired carts"`
	Currency string        `env:"SIDECART_CURRENCY" envDefault:"USD" doc:"Currency of a cart whose shopper names none"`
	Country  string        `env:"SIDECART_COUNTRY" envDefault:"US" doc:"Country of a cart whose shopper names none"`
}

// Validate checks the settings that have bounds.
func (c config) Validate() error {
	errs := []error{c.Base.Validate()}
	check := func(ok bool, fault string) {
		if !ok {
			errs = append(errs, errors.New(fault))
		}
	}
	check(c.TTL > c.Abandon && c.Abandon > 0, "SIDECART_CART_ABANDONED_AFTER is not between 0 and SIDECART_CART_TTL")
	check(money.Currency(c.Currency).Valid(), "SIDECART_CURRENCY is not an ISO 4217 code")
	check(len(c.Country) == 2 && strings.ToUpper(c.Country) == c.Country, "SIDECART_COUNTRY is not an ISO 3166-1 alpha-2 code")
	return errors.Join(errs...)
}
