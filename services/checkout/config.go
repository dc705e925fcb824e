package main

import (
	"errors"
	"time"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
)

type config struct {
	boot.Base
	CheckoutTTL    time.Duration `env:"SIDECART_CHECKOUT_TTL" envDefault:"1h" doc:"How long a checkout lives after its last change"`
	HoldTTL        time.Duration `env:"SIDECART_HOLD_TTL" envDefault:"15m" doc:"How long a checkout holds its stock"`
	AbandonedAfter time.Duration `env:"SIDECART_CHECKOUT_ABANDONED_AFTER" envDefault:"30m" doc:"How long a checkout with an e-mail address is left alone until it counts as abandoned; 0: never"`
	ShippingFile   string        `env:"SIDECART_SHIPPING_FILE" doc:"Shipping rates (YAML); empty: the built-in ones"`
}

// Validate checks the settings that have bounds.
func (c config) Validate() error {
	var err error
	if c.HoldTTL < 5*time.Minute {
		err = errors.New("SIDECART_HOLD_TTL is below 5m")
	}
	if c.CheckoutTTL < c.HoldTTL {
		err = errors.Join(err, errors.New("SIDECART_CHECKOUT_TTL is below SIDECART_HOLD_TTL"))
	}
	if c.AbandonedAfter < 0 || c.AbandonedAfter >= c.CheckoutTTL {
		err = errors.Join(err, errors.New("SIDECART_CHECKOUT_ABANDONED_AFTER is not from 0 to below SIDECART_CHECKOUT_TTL"))
	}
	_, ratesErr := app.Rates(c.ShippingFile)
	return errors.Join(c.Base.Validate(), err, ratesErr)
}
