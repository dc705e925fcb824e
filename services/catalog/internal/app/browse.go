package app

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
)

// Market is for whom and when products and their prices are read.
type Market struct {
	Currency money.Currency
	Country  string
	Language string // empty: the shop's own
	Now      time.Time
}

// The orders of a listing.
const (
	ByPopularity = "popularity"
	ByNewest     = "newest"
	ByPriceUp    = "price"
	ByPriceDown  = "-price"
)

// Position is where a page ends: what the last product was sorted by, and its id.
type Position struct {
	Sort string `json:"s"`
	Key  int64  `json:"k"`
	ID   string `json:"i"`
}

// Listing says which published products to list. Categories are codes with all below them, nil for any; Attributes hold, by
// code, values in normal form of which one must be there.
type Listing struct {
	Market     Market
	Words      []string // each must stand in the title
	Categories []string
	Brand      string
	Min, Max   *int64 // minor units
	InStock    bool
	Attributes map[string][]json.RawMessage
	Sort       string
	After      *Position
	Limit      int // one more is returned if there is one
}

// Offer is what is known of a SKU in a market.
type Offer struct {
	Price, CompareAt *money.Amount
	Level
}

// Level is what inventory has told of a SKU: what can be had, its word for it, and when what is not on a shelf ships.
type Level struct {
	Available int64
	Status    string
	ShipsAt   *time.Time
}

// Page is a product with all that its page shows.
type Page struct {
	catalog.Record
	CreatedAt, UpdatedAt time.Time
	Offers               map[string]Offer // by SKU
	Registry             *catalog.Registry
	Tag                  string // changes when anything on the page does
}

// In returns the page as who reads a language sees it.
func (p *Page) In(language string) *Page {
	out := *p
	out.Product, out.Registry = *p.Product.In(p.Registry, language), p.Registry.In(language)
	return &out
}

// Listed is a product of a listing. Brand and Category are codes.
type Listed struct {
	ID, Slug, Title, Brand, Category, ImageURL string
	SKUs                                       []string
	Price                                      money.Amount // the lowest of its variants
	CompareAt                                  *money.Amount
	InStock                                    bool // a variant that has a price is
	Translated                                 bool // the title is in the language asked for
	Position                                   Position
}

// Shelf is what shoppers and other services read.
type Shelf interface {
	Registry(ctx context.Context) (*catalog.Registry, error)
	// Page finds a published or archived product by id, slug or former slug; catalog.ErrNotFound.
	Page(ctx context.Context, name string, m Market) (*Page, error)
	// Pages finds several published ones, by the names that were asked for; names of nothing published are left out.
	Pages(ctx context.Context, names []string, m Market) (map[string]*Page, *catalog.Registry, error)
	List(ctx context.Context, l Listing) ([]Listed, *catalog.Registry, error)
	// Sellables finds the products of SKUs, whatever their status; unknown SKUs are left out.
	Sellables(ctx context.Context, skus []string) (map[string]catalog.Record, *catalog.Registry, error)
}
