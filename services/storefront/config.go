package main

import (
	"cmp"
	"errors"
	"net/netip"
	"net/url"
	"strings"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
	"github.com/sidecart/sidecart/services/storefront/internal/text"
)

type config struct {
	boot.Base
	PublicAddr   string         `env:"SIDECART_PUBLIC_ADDR" envDefault:"127.0.0.1:8010" doc:"Address for browsers"`
	PublicURL    string         `env:"SIDECART_PUBLIC_URL" doc:"What browsers and crawlers know the shop by: https://shop.example; empty: http:// and the address for browsers"`
	Markets      string         `env:"SIDECART_MARKETS" envDefault:"en-US:USD:net,de-DE:EUR:gross,en-DE:EUR:gross,de-US:USD:net" doc:"Languages and countries with their currency, and whether prices have tax in them (gross) or not (net), by comma; the first is the shop's own"`
	MediaDir     string         `env:"SIDECART_MEDIA_DIR" doc:"Folder of pictures under /media/; empty: none"`
	ImageOrigins []string       `env:"SIDECART_IMAGE_ORIGINS" doc:"Origins of pictures that are elsewhere, by comma: https://cdn.example"`
	Tests        bool           `env:"SIDECART_TESTS" doc:"Give browsers a random name for tests of search rules, and count what they do; where the law wants it, after a consent that your pages ask for"`
	Maintenance  bool           `env:"SIDECART_MAINTENANCE" doc:"Show that the shop is being worked on"`
	Proxies      []netip.Prefix `env:"SIDECART_TRUSTED_PROXIES" doc:"Networks by comma whose X-Forwarded-For is believed"`
	PaymentForm  string         `env:"SIDECART_PAYMENT_FORM" envDefault:"dropin" doc:"How cards are taken: dropin, by Braintree's form, or simulator, by test cards of the simulated bank"`
	RateCodes    int            `env:"SIDECART_RATE_CODES" envDefault:"2" doc:"Codes of coupons and gift cards that one address may try a second"`
}

// What SIDECART_PAYMENT_FORM may be.
const (
	paymentDropin    = "dropin"
	paymentSimulator = "simulator"
)

// base is what addresses of pages begin with.
func (c config) base() string { return cmp.Or(c.PublicURL, "http://"+c.PublicAddr) }

// Validate checks what has bounds.
func (c config) Validate() error {
	errs := []error{c.Base.Validate()}
	if u, err := url.Parse(c.base()); err != nil || u.Host == "" || u.Path != "" || (u.Scheme != "http" && u.Scheme != "https") {
		errs = append(errs, errors.New("SIDECART_PUBLIC_URL is an origin, https://shop.example"))
	}
	for _, o := range c.ImageOrigins {
		if u, err := url.Parse(o); err != nil || u.Host == "" || u.Path != "" || u.Scheme != "https" || strings.ContainsAny(o, "; '\"") {
			errs = append(errs, errors.New("SIDECART_IMAGE_ORIGINS has origins, https://cdn.example"))
		}
	}
	if c.PaymentForm != paymentDropin && c.PaymentForm != paymentSimulator {
		errs = append(errs, errors.New("SIDECART_PAYMENT_FORM is dropin or simulator"))
	}
	if c.RateCodes < 1 {
		errs = append(errs, errors.New("SIDECART_RATE_CODES is below 1"))
	}
	if _, err := storefront.ParseMarkets(c.Markets, text.Languages()); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
