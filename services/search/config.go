package main

import (
	"errors"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/config"
	"github.com/sidecart/sidecart/pkg/money"
)

type settings struct {
	boot.Base
	Currency string        `env:"SIDECART_CURRENCY" envDefault:"USD" doc:"Currency of readers who name none"`
	Country  string        `env:"SIDECART_COUNTRY" envDefault:"US" doc:"Country of readers who name none"`
	Language string        `env:"SIDECART_LANGUAGE" envDefault:"en" doc:"Language of the shop's texts"`
	MaxAge   time.Duration `env:"SIDECART_PAGE_MAX_AGE" envDefault:"10s" doc:"How long caches may keep a page for shoppers"`
	IndexDir string        `env:"SIDECART_INDEX_DIR" envDefault:"./index" doc:"Folder of the embedded index, of this process alone"`

	OpenSearchURLs     []string      `env:"SIDECART_OPENSEARCH_URLS" doc:"Nodes of the OpenSearch cluster that keeps the index, by comma; empty: the embedded index"`
	OpenSearchUser     string        `env:"SIDECART_OPENSEARCH_USER" doc:"User there; empty: the cluster wants none"`
	OpenSearchPassword config.Secret `env:"SIDECART_OPENSEARCH_PASSWORD" doc:"Password of the user"`
	OpenSearchPrefix   string        `env:"SIDECART_OPENSEARCH_PREFIX" envDefault:"sidecart-search" doc:"Of the names of indexes there: one for each shop"`
}

// Validate checks what has bounds.
func (c settings) Validate() error {
	_, err := money.ParseCurrency(c.Currency)
	if len(c.Country) != 2 || strings.ToUpper(c.Country) != c.Country || c.MaxAge < 0 {
		err = errors.Join(err, errors.New("SIDECART_COUNTRY has two capital letters, SIDECART_PAGE_MAX_AGE is not negative"))
	}
	if len(c.Language) != 2 || strings.ToLower(c.Language) != c.Language {
		err = errors.Join(err, errors.New("SIDECART_LANGUAGE has two small letters, as ISO 639-1"))
	}
	return errors.Join(c.Base.Validate(), err, c.validateOpenSearch())
}
