// Package app holds the use cases of checkout: begin a session from a cart, change it, complete it, end it, and follow what order
// and inventory tell.
//
// The core decides, the store records under the version that was seen, and neighbours are asked in between, never inside a
// transaction: decide, record, call; the answer is the next event.
//
//	POST checkout     cart's snapshot → holds                       (→ quote, when the cart's is stale)
//	PATCH address     one quote with the totals of every shipping option
//	PATCH option      nothing: a stored total is picked
//	payment session   one client token
//	complete          place at order                                (→ quote when stale, → holds when they end soon)
//
// What may go wrong: two commands at once (the version decides, the loser decides again on what it finds); a neighbour that is
// away (nothing was recorded, the caller repeats) or silent (complete stays "completing", and the repeat with the same key asks
// order for the same attempt, which answers what became of it); a crash after order was asked (order's events tell).
package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// Record is a checkout with what travels beside the core.
type Record struct {
	checkout.Checkout
	CustomerID string
	Quote      Quote
	Warnings   []checkoutapi.Warning // of this reading; never kept
	sold       *sold                 // of an order that is edited; never kept
}

// Quote is what pricing said, kept as it was said.
type Quote struct {
	ID         string                     `json:"id"`
	ValidUntil time.Time                  `json:"valid_until"`
	Country    string                     `json:"country"` // what it was asked for
	Region     string                     `json:"region,omitempty"`
	Channel    string                     `json:"channel,omitempty"`
	Zone       string                     `json:"zone,omitempty"`  // the shipping zone whose options were priced
	Grams      int64                      `json:"grams,omitempty"` // what all lines weigh, as far as it is known
	Lines      []checkoutapi.CheckoutLine `json:"lines"`
	Coupons    []pricingapi.Coupon        `json:"coupons"`
	Promotions []pricingapi.Promotion     `json:"promotions"`
	Totals     pricingapi.Totals          `json:"totals"` // without shipping
	Options    []Option                   `json:"options,omitempty"`
}

// Option is a shipping option with what everything costs when it is chosen.
type Option struct {
	orderapi.ShippingOption
	TaxCategory string            `json:"tax_category,omitempty"`
	Totals      pricingapi.Totals `json:"totals"`
}

// Option returns the chosen one, or nil.
func (r Record) Option() *Option {
	for i := range r.Quote.Options {
		if r.OptionID != "" && r.Quote.Options[i].ID == r.OptionID {
			return &r.Quote.Options[i]
		}
	}
	return nil
}

// Totals returns the sums with the chosen shipping option, or without shipping.
func (r Record) Totals() pricingapi.Totals {
	if o := r.Option(); o != nil {
		return o.Totals
	}
	return r.Quote.Totals
}

// Key is an Idempotency-Key with its scope and the hash of the request. The zero Key is none.
type Key struct {
	Scope, Key string
	Hash       [32]byte
}

// Entry is what is known of a key: nothing (nil), that Attempt was begun with it, or the answer to it.
type Entry struct {
	Attempt int
	Answer  *Answer
}

// Answer is what an attempt ended with, kept with its key: an order, or a refusal.
type Answer struct {
	Order   *orderapi.Order `json:"order,omitempty"`
	Refusal *Refusal        `json:"refusal,omitempty"`
}

// Refusal is a fault that can be kept.
type Refusal struct {
	Kind    string         `json:"kind"`
	Code    string         `json:"code"`
	Message string         `json:"message"`
	Extra   map[string]any `json:"extra,omitempty"`
}

// Err returns the refusal as a fault, nil when there was none.
func (a Answer) Err() error {
	if a.Refusal == nil {
		return nil
	}
	kind, _ := fault.ParseKind(a.Refusal.Kind)
	f := fault.New(kind, a.Refusal.Code, a.Refusal.Message)
	f.Extra = a.Refusal.Extra
	return f
}

func refused(f *fault.Fault) Answer {
	return Answer{Refusal: &Refusal{Kind: f.Kind.String(), Code: f.Code, Message: f.Message, Extra: f.Extra}}
}

// Change is one decision, ready to be recorded.
type Change struct {
	Seen  int64 // the version decided upon
	After Record
	Quote bool // the quote is another one
	// With a key: Begin notes that the present attempt began with it, Answer what it ended with, Forget that nothing happened.
	Key    Key
	Begin  bool
	Answer *Answer
	Forget bool
	// KeyOnly: the checkout stays as it is, only the key is noted.
	KeyOnly bool
}

// The refusals of a Store.
var (
	ErrNotFound = fault.New(fault.NotFound, "checkout-not-found", "There is no such checkout.")
	ErrMoved    = errors.New("the checkout has moved")
)

// Store keeps checkouts.
type Store interface {
	// Find returns a checkout and what is known of the key, or ErrNotFound. A key that came with another request is
	// idempotency-key-reused.
	Find(ctx context.Context, id string, k Key) (Record, *Entry, error)
	// OfCart returns the completed checkout of a cart, else the open or completing one, else ErrNotFound.
	OfCart(ctx context.Context, cartID string) (Record, error)
	// Create keeps a new checkout. ErrMoved: the cart has a live one already.
	Create(ctx context.Context, r Record) error
	// Save records a change and what it tells, all of it or nothing. ErrMoved: the version is not the one seen, or the key is not new.
	Save(ctx context.Context, c Change) error
	// Recall returns a checkout as this process knows it, without asking: it may be out of date, or unknown (version 0).
	Recall(id string) Record
	// Settled reports whether nothing more can happen to a checkout, as far as this process knows without asking.
	Settled(id string) bool
}

// Sweeps finds what time or a merge has overtaken.
type Sweeps interface {
	// Merged returns the ids of the open and completing checkouts of carts.
	Merged(ctx context.Context, carts []string) (live []string, ordered bool, err error)
	// Due returns up to n open or completing checkouts past their time.
	Due(ctx context.Context, now time.Time, n int) ([]Record, error)
	// Left returns up to n open checkouts with an e-mail address whose time ends after now and until then at the latest, and that were
	// not told of.
	Left(ctx context.Context, now, until time.Time, n int) ([]Record, error)
	// Loose returns up to n ended checkouts whose holds and order are still to be ended, last touched before the limit.
	Loose(ctx context.Context, before time.Time, n int) ([]Record, error)
	// Prune forgets Idempotency-Keys that are past their life.
	Prune(ctx context.Context) error
	// Attended returns which of the carts have a checkout that is open or completing, or has ended and is still to be cleaned up.
	Attended(ctx context.Context, carts []string) ([]string, error)
}

// Carts asks cart.
type Carts interface {
	Snapshot(ctx context.Context, id string) (cartapi.Snapshot, error)
	// Weights returns what pieces weigh, in grams, also of SKUs that have left the catalogue. Those that nobody knows are left out.
	Weights(ctx context.Context, skus []string) (map[string]int64, error)
}

// Prices asks pricing.
type Prices interface {
	Quote(ctx context.Context, req pricingapi.QuoteRequest) (pricingapi.Quote, error)
}

// Holds asks inventory for soft holds; the owner is the cart.
type Holds interface {
	// Put sets everything that the owner holds. Refused: out-of-stock with the extra member lines.
	Put(ctx context.Context, owner string, req inventoryapi.HoldRequest) error
	Release(ctx context.Context, owner string) error
	// Owners returns some owners of holds that end before a time, in their order, after one; none when there are no more.
	Owners(ctx context.Context, before time.Time, after string) ([]string, error)
}

// Payments asks payment.
type Payments interface {
	ClientToken(ctx context.Context, req paymentapi.ClientTokenRequest) (paymentapi.ClientToken, error)
	// Credit returns what the gift cards of a completion are worth, and the store credit of its bearer where it is to be used. What payment
	// would not take counts nothing.
	Credit(ctx context.Context, currency money.Currency, in checkoutapi.CompleteInput) (money.Amount, error)
}

// Orders asks order.
type Orders interface {
	// Place places an attempt and waits for its outcome. Again with the same attempt it answers that one's outcome.
	Place(ctx context.Context, req orderapi.PlaceRequest) (orderapi.PlaceResult, error)
	// Abandon ends an order that is not placed and says what it is: one that is placed is left alone, one that is unknown counts as
	// abandoned, one that is being placed is pending.
	Abandon(ctx context.Context, id string) (orderapi.PlaceResult, error)
}

// Config of an App. All but Log and the times are needed.
type Config struct {
	Store    Store
	Sweeps   Sweeps
	Carts    Carts
	Prices   Prices
	Catalog  Catalog
	Holds    Holds
	Payments Payments
	Orders   Orders
	Rates    *checkout.Rates
	Now      func() time.Time
	Log      *slog.Logger
	TTL      time.Duration // how long a checkout lives after its last change; zero: 1 h
	HoldTTL  time.Duration // how long its stock is held; zero: 15 min
	LeftFor  time.Duration // after which an untouched checkout is told of as abandoned; zero: never
}

// Defaults of Config.
const (
	DefaultTTL     = time.Hour
	DefaultHoldTTL = 15 * time.Minute
)

// App is safe for concurrent use.
type App struct {
	Config
	flights singleflight.Group
	flying  sync.Map // checkout id → chan struct{}, closed when its completion in this process ends
	limit   *limiter
}

// New returns an app.
func New(c Config) *App {
	if c.TTL <= 0 {
		c.TTL = DefaultTTL
	}
	if c.HoldTTL <= 0 {
		c.HoldTTL = DefaultHoldTTL
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &App{Config: c, limit: newLimiter()}
}

func (a *App) now() time.Time { return a.Now().UTC().Truncate(time.Microsecond) }

const maxMoves = 8 // how often a command decides again before it gives up

var errBusy = fault.New(fault.Unavailable, "busy", "The checkout is being changed by others; repeat the call.").WithRetryAfter(time.Second)

// Get returns a checkout.
func (a *App) Get(ctx context.Context, id string) (Record, error) {
	r, _, err := a.Store.Find(ctx, id, Key{})
	return r, err
}

// apply decides on an event and records what it does, again when the checkout has moved meanwhile. It does not ask anybody.
func (a *App) apply(ctx context.Context, r Record, ev checkout.Event, more func(c *Change)) (Record, error) {
	ev.TTL = a.TTL
	for range maxMoves {
		after, moves, err := checkout.Decide(r.Checkout, ev, a.now())
		if err != nil {
			return r, err
		}
		if !moves {
			return r, a.note(ctx, r, more)
		}
		c := Change{Seen: r.Version, After: r}
		c.After.Checkout = after
		if more != nil {
			more(&c)
		}
		switch err = a.Store.Save(ctx, c); {
		case err == nil:
			return c.After, nil
		case !errors.Is(err, ErrMoved):
			return r, err
		}
		if r, err = a.Get(ctx, r.ID); err != nil {
			return r, err
		}
	}
	return r, errBusy
}

// note records what is to be kept of a key when the checkout itself has nothing to learn any more.
func (a *App) note(ctx context.Context, r Record, more func(c *Change)) error {
	c := Change{Seen: r.Version, After: r, KeyOnly: true}
	if more != nil {
		more(&c)
	}
	if c.Key.Key == "" || !c.Forget && c.Answer == nil {
		return nil
	}
	return a.Store.Save(ctx, c)
}
