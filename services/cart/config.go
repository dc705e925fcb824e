package main

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/money"
)

// channelForm is that of the keys that price lists and payment providers name.
var channelForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

type config struct {
	boot.Base
	TTL      time.Duration `env:"SIDECART_CART_TTL" envDefault:"720h" doc:"How long a cart lives after its last change"`
	Abandon  time.Duration `env:"SIDECART_CART_ABANDONED_AFTER" envDefault:"4h" doc:"How long a cart with lines is left alone until it counts as abandoned"`
	Sweep    string        `env:"SIDECART_CART_SWEEP" envDefault:"@every 5m" doc:"Schedule of the job that looks for abandoned and expired carts"`
	Currency string        `env:"SIDECART_CURRENCY" envDefault:"USD" doc:"Currency of a cart whose shopper names none"`
	Channels []string      `env:"SIDECART_CHANNELS" doc:"Sales channels that a cart may be of, with commas between; none: carts have no channel"`
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
	for _, channel := range c.Channels {
		check(channelForm.MatchString(channel), "SIDECART_CHANNELS holds "+strconv.Quote(channel)+", which is not 1 to 64 small letters, digits, . _ or -")
	}
	return errors.Join(errs...)
}
