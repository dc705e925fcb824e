// Package app holds the use cases of cart. It owns the ports.
//
// A command reads the cart from its projection, decides an event, asks pricing for a quote of what the cart will be, and then
// appends the event under the cart's next version. The append decides: when somebody else was faster, or the projection was
// behind, the cart is rebuilt from its log and the command decides again. Only then is the projection written. So the state
// store may lose, delay or mangle whatever it likes: a projection is believed only while the log has its version.
//
// What may go wrong: pricing is away → refused before anything is written; Postgres is away → refused, or the outcome is unknown
// and an Idempotency-Key tells; the state store is away → slower.
package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/cart/internal/cart"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// Projection is a cart at a version with the quote of that version.
type Projection struct {
	Cart  cart.Cart
	Quote pricingapi.Quote
}

// Tag guards the write of a projection: nil forbids it, because nobody knows what the store holds.
type Tag *string

// Projections is the state store. It has no errors: what cannot be read is missing, what cannot be written is written later.
type Projections interface {
	Get(ctx context.Context, id string) (p Projection, ok bool, tag Tag)
	// Put writes p if what the store holds is still what tag stands for.
	Put(ctx context.Context, p Projection, tag Tag)
	// Begun notes a cart that was made just now, without a call: the store has nothing of it, and is told when there is something in it.
	Begun(p Projection)
	// Near returns what is in memory.
	Near(id string) (p Projection, ok bool)
}

// Level is what inventory has told of a SKU: what can be had, what of it lies on shelves, and its word for it.
type Level struct {
	Available, InStock int64
	Status             string
}

// Item is what the replica of catalog and inventory knows of a SKU.
type Item struct {
	ProductID, Title, ImageURL string
	Known                      bool // catalog has told of it
	Sellable                   bool
	Grams                      int64  // of one piece; 0: not known
	Level                      *Level // nil: inventory has told nothing
}

// Change is one event with the cart that it makes.
type Change struct {
	Event cart.Event
	After cart.Cart
	Total int64 // of the quote, in minor units: what abandonment tells
}

// Write is one command's effect.
type Write struct {
	Key     idem.Key
	Actor   string
	Changes []Change // none: nothing changes, but the answer is kept under Key
	NewSKUs []string // must be sellable, else ErrItems
	SKUs    []string // whose items Answer needs
	Answer  func(items map[string]Item) cartapi.Cart
}

// Store is the truth.
type Store interface {
	// Load folds the log. Refused: cart.ErrNotFound.
	Load(ctx context.Context, id string) (cart.Cart, error)
	// Read returns the version of a cart (0: there is none) and the items of SKUs, in one statement.
	Read(ctx context.Context, id string, skus []string) (version int64, items map[string]Item, err error)
	// Apply appends in one transaction and returns the answer, or the one that was stored under the key before. ErrConflict when
	// a cart is not at the version before its Change, ErrItems when a new SKU cannot be sold.
	Apply(ctx context.Context, w Write) (answer cartapi.Cart, replayed bool, err error)
	// Replay returns the answer stored under a key. Fault: idem.ErrReused.
	Replay(ctx context.Context, k idem.Key) (answer cartapi.Cart, ok bool, err error)
	// Log returns at most limit entries above a version, fewer when they are long, and at least one if there is one.
	Log(ctx context.Context, id string, above int64, limit int) ([]cartapi.LogEntry, error)
	// Keep takes what catalog says of SKUs into the replica; what is older than what it has changes nothing.
	Keep(ctx context.Context, all []catalogapi.Sellable) error
}

// What Apply refuses.
var (
	ErrConflict = errors.New("the cart has another version")
	ErrItems    = errors.New("a SKU cannot be sold")
)

// Pricer is pricing.
type Pricer interface {
	Quote(ctx context.Context, req pricingapi.QuoteRequest) (pricingapi.Quote, error)
}

// Catalog is asked for SKUs that the replica does not know; unknown ones are left out of the answer.
type Catalog interface {
	Sellables(ctx context.Context, skus []string) ([]catalogapi.Sellable, error)
}

// Refusals beside those of the core.
var (
	ErrUnknownSKU  = fault.New(fault.Invalid, "unknown-sku", "There is no such article.")
	ErrNotSellable = fault.New(fault.Invalid, "not-sellable", "This article cannot be bought in the cart's currency and country now.")
	ErrVersion     = fault.New(fault.Precondition, "version-conflict", "The cart has changed meanwhile: read it again.")
	ErrBusy        = fault.New(fault.Unavailable, "cart-busy", "Too many changes of this cart at once: repeat the request.").WithRetryAfter(time.Second)
	ErrPricing     = fault.New(fault.Unavailable, "pricing-unavailable", "Prices cannot be had now. Nothing was changed.").WithRetryAfter(time.Second)
	ErrCatalog     = fault.New(fault.Unavailable, "catalog-unavailable", "This article cannot be looked up now. Nothing was changed.").WithRetryAfter(time.Second)
)

// Carts are the use cases on one cart. All fields are needed but Channels and Log.
type Carts struct {
	Store       Store
	Projections Projections
	Pricer      Pricer
	Catalog     Catalog
	Now         func() time.Time
	NewID       func() string
	TTL         time.Duration // how long a cart lives after its last change
	Channels    []string      // that a cart may be of
	Log         *slog.Logger

	locks locks
}

// Command is what every change of a cart carries.
type Command struct {
	CartID  string
	Actor   string
	IfMatch int64 // 0: any version
	Key     idem.Key
}

// Result of a command.
type Result struct {
	Cart     cartapi.Cart
	Replayed bool
}

// now is in the precision that Postgres keeps.
func (s *Carts) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }
