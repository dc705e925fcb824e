package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// ErrNotOffered refuses a provider that is not offered for a currency, a country, a channel or an amount.
var ErrNotOffered = fault.New(fault.Invalid, "payment-provider-not-offered", "This way to pay is not offered for this order.")

// Offer is a provider that may be used: in countries (none: everywhere) and channels of sales (none: all, and what is of none) for amounts of the
// currencies that are named.
type Offer struct {
	Provider  string
	Countries []string
	Channels  []string
	Amounts   map[money.Currency]Limits
	PayWithin time.Duration // of bank transfers: how long the money is waited for
	PayTo     string        // of bank transfers: the account, as shoppers are told
}

// Limits bound an amount, in minor units, the fee within; To zero: no upper one. Fee is what it costs to pay so. Open is how much one shopper may have promised and not paid yet; zero: no limit.
type Limits struct{ From, To, Open, Fee int64 }

// Offers are what a merchant offers, the first that fits counts. Empty: the gateway, in every currency that has an account.
type Offers []Offer

// Sold says what is paid, and where it was sold: in a channel ("": in none), to a country. An amount BeforeFee has none in it yet.
type Sold struct {
	Country, Channel string
	Amount           money.Amount
	BeforeFee        bool
}

// Find returns the offer of a provider for what is sold.
func (o Offers) Find(provider string, s Sold) (Offer, bool) {
	in := func(names []string, name string) bool { return len(names) == 0 || slices.Contains(names, name) }
	for _, offer := range o {
		limits, ok := offer.Amounts[s.Amount.Currency]
		minor := s.Amount.Minor
		if s.BeforeFee {
			minor += limits.Fee
		}
		if ok && offer.Provider == provider && in(offer.Countries, s.Country) && in(offer.Channels, s.Channel) &&
			minor >= limits.From && (limits.To == 0 || minor <= limits.To) {
			return offer, true
		}
	}
	return Offer{}, len(o) == 0 && provider == Provider
}

// takes tells whether anything may be paid in a currency.
func (a *App) takes(c money.Currency) bool {
	if len(a.Offers) == 0 {
		return a.Accounts[c] != ""
	}
	return slices.ContainsFunc(a.Offers, func(o Offer) bool { _, ok := o.Amounts[c]; return ok })
}

// Offered returns what can be paid with, in the order of the file.
func (a *App) Offered(s Sold) (out []Offer) {
	if len(a.Offers) == 0 {
		return []Offer{{Provider: Provider}}
	}
	for _, o := range a.Offers {
		if found, ok := a.Offers.Find(o.Provider, s); ok && !slices.ContainsFunc(out, func(x Offer) bool { return x.Provider == o.Provider }) {
			out = append(out, found)
		}
	}
	return out
}

// PayTo is the account of bank transfers from a country in a channel of sales; "" where none are offered.
func (a *App) PayTo(country, channel string, currency money.Currency) string {
	for _, o := range a.Offers {
		_, taken := o.Amounts[currency]
		if taken && o.Provider == payment.BankTransfer && (len(o.Countries) == 0 || slices.Contains(o.Countries, country)) && (len(o.Channels) == 0 || slices.Contains(o.Channels, channel)) {
			return o.PayTo
		}
	}
	return ""
}

// offersFile is the form of a file of providers. Unknown members are faults.
type offersFile struct {
	Version   int `yaml:"version"`
	Providers []struct {
		Provider  string        `yaml:"provider"`
		Countries []string      `yaml:"countries"`
		Channels  []string      `yaml:"channels"`
		PayWithin time.Duration `yaml:"pay_within"`
		PayTo     string        `yaml:"pay_to"`
		Amounts   map[money.Currency]struct {
			From whole `yaml:"from"`
			To   whole `yaml:"to"`
			Open whole `yaml:"open_to"`
			Fee  whole `yaml:"fee"`
		} `yaml:"amounts"`
	} `yaml:"providers"`
}

// OffersFile is a setting: the path of a file of providers, which is read with the settings.
type OffersFile struct{ Offers Offers }

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *OffersFile) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	data, err := os.ReadFile(string(text))
	if err == nil {
		f.Offers, err = ParseOffers(data)
	}
	if err != nil {
		return fmt.Errorf("payment providers %s: %w", text, err)
	}
	return nil
}

const (
	offersVersion = 1
	shortestWait  = time.Hour
	longestWait   = 60 * 24 * time.Hour

	longestAccount = 500
	largestFee     = 1_000_000_000 // a sum of an amount and a fee is an amount
)

var countryForm = regexp.MustCompile(`^[A-Z]{2}$`)

func checkChannels(c *fault.Collector, at string, channels []string) {
	for i, channel := range channels {
		c.Check(payment.ValidChannel(channel), fmt.Sprintf("%schannels[%d]", at, i), "must be 1 to 64 small letters, digits, . _ or -", channel)
	}
}

// ParseOffers reads a file of providers strictly; all faults come at once.
func ParseOffers(data []byte) (Offers, error) {
	var f offersFile
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var c fault.Collector
	c.Check(f.Version == offersVersion, "version", fmt.Sprintf("must be %d", offersVersion), f.Version)
	c.Check(len(f.Providers) > 0, "providers", "must not be empty", nil)
	var out Offers
	for i, p := range f.Providers {
		at := fmt.Sprintf("providers[%d].", i)
		known := []string{Provider, payment.BankTransfer, payment.CashOnDelivery}
		c.Check(slices.Contains(known, p.Provider), at+"provider", "must be one of "+strings.Join(known, ", "), p.Provider)
		for j, country := range p.Countries {
			c.Check(countryForm.MatchString(country), fmt.Sprintf("%scountries[%d]", at, j), "must be an ISO 3166-1 code of two letters", country)
		}
		checkChannels(&c, at, p.Channels)
		waits := p.PayWithin >= shortestWait && p.PayWithin <= longestWait
		if p.Provider == payment.BankTransfer {
			c.Check(waits, at+"pay_within", fmt.Sprintf("must be %s to %s", shortestWait, longestWait), p.PayWithin.String())
			c.Check(strings.TrimSpace(p.PayTo) != "" && len(p.PayTo) <= longestAccount, at+"pay_to", fmt.Sprintf("must name the account, in %d bytes at most", longestAccount), nil)
		} else {
			c.Check(p.PayTo == "", at+"pay_to", "is for bank_transfer alone", nil)
			c.Check(p.PayWithin == 0, at+"pay_within", "is for bank_transfer alone", p.PayWithin.String())
		}
		c.Check(len(p.Amounts) > 0, at+"amounts", "must name a currency", nil)
		offer := Offer{Provider: p.Provider, Countries: p.Countries, Channels: p.Channels, PayWithin: p.PayWithin, PayTo: strings.TrimSpace(p.PayTo), Amounts: map[money.Currency]Limits{}}
		for currency, l := range p.Amounts {
			place := fmt.Sprintf("%samounts.%s", at, currency)
			c.Check(currency.Valid(), place, "must be an ISO 4217 code", currency)
			c.Check(l.From >= 0 && l.To >= 0 && (l.To == 0 || l.From <= l.To), place, "from must not be above to, and neither below zero", nil)
			c.Check(l.Open >= 0 && (l.Open == 0 || l.Open >= l.From && p.Provider != Provider), place+".open_to", "is for what people take, and must not be below from", int64(l.Open))
			c.Check(l.Fee == 0 || l.Fee > 0 && l.Fee <= largestFee && (l.To == 0 || l.Fee < l.To) && p.Provider == payment.CashOnDelivery, place+".fee",
				fmt.Sprintf("is for cash_on_delivery alone, and must be 0 to %d and below to", largestFee), int64(l.Fee))
			offer.Amounts[currency] = Limits{From: int64(l.From), To: int64(l.To), Open: int64(l.Open), Fee: int64(l.Fee)}
		}
		out = append(out, offer)
	}
	return out, readable(c.Err())
}

// CheckOffers reports currencies that the gateway is offered for and has no account for.
func CheckOffers(o Offers, accounts Accounts) error {
	var errs []error
	for i, offer := range o {
		for currency := range offer.Amounts {
			if _, ok := accounts[currency]; offer.Provider == Provider && !ok {
				errs = append(errs, fmt.Errorf("providers[%d].amounts.%s: there is no merchant account", i, currency))
			}
		}
	}
	return errors.Join(errs...)
}

// The faults of what staff record of payments that people take.
var (
	ErrNotManual = fault.New(fault.Conflict, "payment-not-manual", "Only what came of a bank transfer or of cash on delivery is recorded.")
	ErrRecorded  = fault.New(fault.Conflict, "payment-not-awaited", "Nothing is awaited of this payment, or the contrary was recorded.")
)

// Manual records what came of bank transfers and of cash on delivery.
type Manual struct {
	App   *App
	Risk  *Risk
	Store SettlementStore
}

// Record says that the money came, or will not come. The same again is no error.
func (m *Manual) Record(ctx context.Context, id string, received bool, actor, reference string) (payment.Payment, error) {
	p, err := m.Risk.Store.Payment(ctx, id)
	switch {
	case err != nil:
		return p, err
	case p.Provider == payment.BankTransfer:
		p, err = m.Risk.Decide(ctx, id, received, actor, reference)
		if fault.CodeOf(err) == ErrNoReview.Code {
			err = ErrRecorded
		}
		return p, err
	case p.Provider != payment.CashOnDelivery:
		return p, ErrNotManual
	case received && !p.SettledAt.IsZero(), !received && p.Status == payment.StatusUnsettled:
		return p, nil
	case p.Live != "":
		return p, payment.ErrBusy
	case p.Status != payment.StatusCaptured || !p.SettledAt.IsZero():
		return p, ErrRecorded
	}
	e := payment.Event{Version: p.Version + 1, Type: payment.Settled, OperationID: "settlement", Amount: p.GatewayLeft(), Detail: reference, At: m.App.now()}
	if !received {
		e.Type, e.Code = payment.SettlementDeclined, payment.CodeSettlement
	}
	written, err := m.Store.Settle(ctx, p, e, actor)
	if err == nil && !written {
		err = payment.ErrBusy
	}
	if err != nil {
		return p, err
	}
	m.App.Log.Info("money", "event", string(e.Type), "payment_id", id, "amount", e.Amount.String(), "actor", actor)
	return m.Risk.Store.Payment(ctx, id)
}
