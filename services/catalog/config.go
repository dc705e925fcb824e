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
	Currency string        `env:"SIDECART_CURRENCY" envDefault:"USD" doc:"Currency of readers who name none"`
	Country  string        `env:"SIDECART_COUNTRY" envDefault:"US" doc:"Country of readers who name none"`
	LowStock int64         `env:"SIDECART_LOW_STOCK" envDefault:"5" doc:"That many pieces or fewer are shown as low stock"`
	MaxAge   time.Duration `env:"SIDECART_PAGE_MAX_AGE" envDefault:"10s" doc:"How long caches may keep a page for shoppers"`
}

// Validate checks what has bounds.
func (c config) Validate() error {
	_, err := money.ParseCurrency(c.Currency)
	if len(c.Country) != 2 || strings.ToUpper(c.Country) != c.Country || c.LowStock < 0 || c.MaxAge < 0 {
		err = errors.Join(err, errors.New("SIDECART_COUNTRY has two capital letters, SIDECART_LOW_STOCK and SIDECART_PAGE_MAX_AGE are not negative"))
	}
	return errors.Join(c.Base.Validate(), err)
}
