package main

import (
	"errors"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
)

type config struct {
	boot.Base
	Currency string        `env:"SIDECART_CURRENCY" envDefault:"USD" doc:"Currency of readers who name none"`
	Country  string        `env:"SIDECART_COUNTRY" envDefault:"US" doc:"Country of readers who name none"`
	Language string        `env:"SIDECART_LANGUAGE" envDefault:"en" doc:"Language of the shop's texts"`
	MaxAge   time.Duration `env:"SIDECART_PAGE_MAX_AGE" envDefault:"10s" doc:"How long caches may keep a page for shoppers"`
}

// Validate checks what has bounds.
func (c config) Validate() error {
	_, err := money.ParseCurrency(c.Currency)
	if len(c.Country) != 2 || strings.ToUpper(c.Country) != c.Country || c.MaxAge < 0 {
		err = errors.Join(err, errors.New("SIDECART_COUNTRY has two capital letters, SIDECART_PAGE_MAX_AGE is not negative"))
	}
	if language, ok := catalog.ParseLanguage(c.Language); !ok || language != c.Language {
		err = errors.Join(err, errors.New("SIDECART_LANGUAGE is a language such as de or de-AT"))
	}
	return errors.Join(c.Base.Validate(), err)
}
