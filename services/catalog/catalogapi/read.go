package catalogapi

import (
	"encoding/json"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// ProductSummary is an item of GET /v1/products.
type ProductSummary struct {
	ID             string          `json:"id"`
	Slug           string          `json:"slug"`
	Title          string          `json:"title"`
	Brand          string          `json:"brand,omitempty"`
	CategoryPath   []CategoryRefV1 `json:"category_path"`
	ImageURL       string          `json:"image_url,omitempty"`
	Price          money.Amount    `json:"price"`               // the lowest of its variants
	PriceMax       *money.Amount   `json:"price_max,omitempty"` // the highest of them, where it is another; catalog's own listing does not tell it
	CompareAtPrice *money.Amount   `json:"compare_at_price,omitempty"`
	InStock        bool            `json:"in_stock"`
	Rating         *float64        `json:"rating"` // null until reviews exist
	SKUs           []string        `json:"skus"`
}

// Comparison is GET /v1/products/compare: a column a product, a row an attribute.
type Comparison struct {
	Products   []ComparedProduct   `json:"products"` // in the order asked for, each once
	Attributes []ComparedAttribute `json:"attributes"`
	Missing    []string            `json:"missing"` // what was asked for and is not in the shop
}

// ComparedProduct is the head of a column.
type ComparedProduct struct {
	ID             string          `json:"id"`
	Slug           string          `json:"slug"`
	Title          string          `json:"title"`
	Brand          string          `json:"brand,omitempty"`
	CategoryPath   []CategoryRefV1 `json:"category_path"`
	ImageURL       string          `json:"image_url,omitempty"`
	Price          *money.Amount   `json:"price"` // the lowest of its variants; null where none has one in the currency asked for
	CompareAtPrice *money.Amount   `json:"compare_at_price,omitempty"`
	InStock        bool            `json:"in_stock"`
	Rating         *float64        `json:"rating"` // null until reviews exist
	SKUs           []string        `json:"skus"`
}

// ComparedAttribute is a row: what each product has of an attribute, in the order of the products. Several values are those of
// a product's variants; none means that the product has nothing of the kind.
type ComparedAttribute struct {
	Code    string            `json:"code"`
	Label   string            `json:"label"`
	Type    string            `json:"type"`
	Unit    string            `json:"unit,omitempty"`
	Differs bool              `json:"differs"` // not all products have the same
	Values  [][]ComparedValue `json:"values"`
}

// ComparedValue is a value, ready to show.
type ComparedValue struct {
	Value json.RawMessage `json:"value"`
	Text  string          `json:"text"`          // for people: "12.5 cm", "Blue"
	Hex   string          `json:"hex,omitempty"` // of a colour, #rrggbb
}

// Product is GET /v1/products/{id or slug}.
type Product struct {
	ID           string           `json:"id"`
	Version      int64            `json:"version"`
	Slug         string           `json:"slug"`
	Status       string           `json:"status"`
	Title        string           `json:"title"`
	Description  string           `json:"description,omitempty"`
	Brand        string           `json:"brand,omitempty"`
	CategoryPath []CategoryRefV1  `json:"category_path"`
	TaxCategory  string           `json:"tax_category"`
	Images       []Image          `json:"images"`
	Attributes   []AttributeValue `json:"attributes"`
	Options      []Option         `json:"options"`
	Variants     []Variant        `json:"variants"`
	CreatedAt    time.Time        `json:"created_at"`
	UpdatedAt    time.Time        `json:"updated_at"`
}

// Option is a choice between variants with the values that exist.
type Option struct {
	Code   string   `json:"code"`
	Label  string   `json:"label"`
	Values []string `json:"values"`
}

// Variant is one purchasable variant. Price is null where it has none in the currency asked for.
type Variant struct {
	SKU            string            `json:"sku"`
	Title          string            `json:"title"`
	Options        map[string]string `json:"options"`
	Attributes     []AttributeValue  `json:"attributes,omitempty"`
	Price          *money.Amount     `json:"price"`
	CompareAtPrice *money.Amount     `json:"compare_at_price,omitempty"`
	ImageURL       string            `json:"image_url,omitempty"`
	Barcode        string            `json:"barcode,omitempty"`
	WeightGrams    int64             `json:"weight_grams,omitempty"`
	Dimensions     *Dimensions       `json:"dimensions,omitempty"`
	Availability   Availability      `json:"availability"`
}

// Availability is what may be said of a variant's stock, a little behind the truth.
type Availability struct {
	Status    string     `json:"status" enum:"in_stock,low_stock,backorder,preorder,out_of_stock"`
	Available int64      `json:"available"`
	ShipsAt   *time.Time `json:"ships_at,omitempty"`
}

// Category is a node of GET /v1/categories.
type Category struct {
	Code     string     `json:"code"`
	Name     string     `json:"name"`
	Slug     string     `json:"slug"`
	Children []Category `json:"children"`
}
