// Package catalogapi is the public contract of catalog: what staff and imports write, what shoppers read, and the events that
// carry what other services replicate.
package catalogapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Topic is where catalog's events are published. The subject is the product id.
const Topic = "catalog"

// Event types of Topic.
const TypeProductChangedV1 = "catalog.product_changed.v1"

// PathSellables is asked once by a service whose replica does not know a SKU (POST SellablesRequest).
const PathSellables = "/v1/internal/sellables"

// PathTold pages through all products as they were told last (GET, ToldQuery in the address, answered by Told), for a service that keeps
// a replica and missed something.
const PathTold = "/v1/internal/products"

// The states of a product.
const (
	StatusDraft     = "draft"
	StatusPublished = "published"
	StatusArchived  = "archived"
)

// The types of an attribute.
const (
	TypeText      = "text"
	TypeInteger   = "integer"
	TypeDecimal   = "decimal" // sent as a number or a string, "12.5" or with its unit "12.5 cm"; kept exactly, answered as "12.5"
	TypeBoolean   = "boolean"
	TypeEnum      = "enum"
	TypeMultiEnum = "multi_enum"
	TypeDate      = "date"   // YYYY-MM-DD
	TypeColour    = "colour" // a value of the palette, or one of its colours; without a palette any #RRGGBB
)

// AttributeInput creates or changes an attribute: PUT /v1/admin/attributes/{code}. The type cannot change while values exist.
type AttributeInput struct {
	Label  string            `json:"label"`
	Labels map[string]string `json:"labels,omitempty"` // in other languages, as translations of products
	Type   string            `json:"type" enum:"text,integer,decimal,boolean,enum,multi_enum,date,colour"`
	Unit   string            `json:"unit,omitempty"` // UCUM-like: "cm", "kg", "V", "GB"
	Values []EnumValue       `json:"values,omitempty"`
	Min    *string           `json:"min,omitempty"` // decimal string, inclusive
	Max    *string           `json:"max,omitempty"`
}

// EnumValue is one allowed value of an enum attribute, or a colour of a palette: then Hex is #RRGGBB.
type EnumValue struct {
	Value  string            `json:"value"`
	Label  string            `json:"label"`
	Labels map[string]string `json:"labels,omitempty"` // in other languages
	Hex    string            `json:"hex,omitempty"`
}

// CategoryInput creates or changes a category: PUT /v1/admin/categories/{code}. Attributes of ancestors apply too.
type CategoryInput struct {
	Name       string              `json:"name"`
	Names      map[string]string   `json:"names,omitempty"` // in other languages
	Slug       string              `json:"slug"`
	ParentCode string              `json:"parent_code,omitempty"`
	Position   int                 `json:"position,omitempty"`
	Attributes []CategoryAttribute `json:"attributes,omitempty"`
}

// CategoryAttribute says what an attribute is for in a category.
type CategoryAttribute struct {
	Code            string `json:"code"`
	Required        bool   `json:"required,omitempty"`
	VariantDefining bool   `json:"variant_defining,omitempty"`
	Filterable      bool   `json:"filterable,omitempty"`
	Searchable      bool   `json:"searchable,omitempty"`
	Comparable      bool   `json:"comparable,omitempty"`
}

// BrandInput creates or changes a brand: PUT /v1/admin/brands/{code}.
type BrandInput struct {
	Name string `json:"name"`
}

// ProductInput is the whole of a product as staff and imports write it. ExternalID, when given, makes writes idempotent:
// POST /v1/admin/products with a known one changes that product. Attributes are keyed by attribute code; their JSON must fit
// the attribute's type. Shared attributes stand on the product, variant-defining ones on the variants. Translations are keyed by
// language, "de" or "de-AT" (BCP 47), that of the shop excepted; a part that is missing reads as in the shop's own.
type ProductInput struct {
	ExternalID   string                     `json:"external_id,omitempty" maxLength:"100"`
	Title        string                     `json:"title" minLength:"1" maxLength:"300"`
	Slug         string                     `json:"slug,omitempty" maxLength:"200"` // empty: made from the title
	Description  string                     `json:"description,omitempty" maxLength:"20000"`
	BrandCode    string                     `json:"brand_code,omitempty"`
	CategoryCode string                     `json:"category_code"`
	Status       string                     `json:"status,omitempty" enum:"draft,published,archived"` // empty: as it is; a new one is a draft
	TaxCategory  string                     `json:"tax_category,omitempty"`                           // empty: standard
	Attributes   map[string]json.RawMessage `json:"attributes,omitempty"`
	Images       []Image                    `json:"images,omitempty" maxItems:"100"`
	Popularity   int64                      `json:"popularity,omitempty" minimum:"0"`
	Variants     []VariantInput             `json:"variants" minItems:"1" maxItems:"2000"`
	Translations map[string]Translation     `json:"translations,omitempty"`
}

// Translation is a product in another language.
type Translation struct {
	Title       string            `json:"title,omitempty" maxLength:"300"`
	Description string            `json:"description,omitempty" maxLength:"20000"`
	Texts       map[string]string `json:"texts,omitempty" doc:"Values of text attributes and alternative texts of pictures, by what they are in the shop's own language"`
}

// VariantInput is one purchasable variant. Weight in grams, dimensions in millimetres.
type VariantInput struct {
	SKU         string                     `json:"sku" pattern:"^[A-Za-z0-9._-]{1,64}$"`
	Barcode     string                     `json:"barcode,omitempty" maxLength:"32"`
	WeightGrams int64                      `json:"weight_grams,omitempty" minimum:"0"`
	Dimensions  *Dimensions                `json:"dimensions,omitempty"`
	Attributes  map[string]json.RawMessage `json:"attributes,omitempty"`
	Images      []Image                    `json:"images,omitempty" maxItems:"100"`
}

// Dimensions are outer measures in millimetres.
type Dimensions struct {
	LengthMM int64 `json:"length_mm" minimum:"0"`
	WidthMM  int64 `json:"width_mm" minimum:"0"`
	HeightMM int64 `json:"height_mm" minimum:"0"`
}

// Image is a picture by address: absolute http(s), or a path on this shop.
type Image struct {
	URL string `json:"url" maxLength:"2000"`
	Alt string `json:"alt,omitempty" maxLength:"300"`
}

// ProductWritten answers a write of one product. Outcome is created, updated or unchanged.
type ProductWritten struct {
	ID      string `json:"id"`
	Version int64  `json:"version"`
	Outcome string `json:"outcome" enum:"created,updated,unchanged"`
}

// BatchInput writes up to 500 products: POST /v1/admin/products/batch. Each stands alone: the answer tells of each whether it
// was created, updated, unchanged or refused, with all its faults. A refused row of a named import is kept in
// migration_exceptions.
type BatchInput struct {
	ImportID string      `json:"import_id,omitempty" maxLength:"100"`
	Items    []BatchItem `json:"items" minItems:"1" maxItems:"500"`
}

// BatchItem is a product with its row in the source, for the report, and the source row itself. Product is kept raw, so that
// one unreadable row is refused alone.
type BatchItem struct {
	Row     int64           `json:"row"`
	Source  json.RawMessage `json:"source,omitempty"`
	Product json.RawMessage `json:"product"`
}

// The outcomes of a batch item.
const (
	BatchCreated   = "created"
	BatchUpdated   = "updated"
	BatchUnchanged = "unchanged"
	BatchRefused   = "refused"
)

// BatchResult answers a BatchInput, one entry an item, in order.
type BatchResult struct {
	Items []BatchItemResult `json:"items"`
}

// BatchItemResult is what became of an item.
type BatchItemResult struct {
	Row       int64        `json:"row"`
	Outcome   string       `json:"outcome" enum:"created,updated,unchanged,refused"`
	ProductID string       `json:"product_id,omitempty"`
	Errors    []BatchError `json:"errors,omitempty"`
}

// BatchError is one fault of an item.
type BatchError struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// ExceptionInput records a source row that could not even be mapped: POST /v1/admin/migration-exceptions.
type ExceptionInput struct {
	ImportID string          `json:"import_id" minLength:"1"`
	Row      int64           `json:"row"`
	Source   json.RawMessage `json:"source,omitempty"`
	Errors   []BatchError    `json:"errors" minItems:"1"`
}

// SellablesRequest asks for SKUs; unknown ones are left out of the answer.
type SellablesRequest struct {
	SKUs []string `json:"skus" minItems:"1" maxItems:"500"`
}

// Sellables answers a SellablesRequest.
type Sellables struct {
	Items []Sellable `json:"items"`
}

// Sellable is what a cart needs to know of a SKU.
type Sellable struct {
	SKU         string `json:"sku"`
	ProductID   string `json:"product_id"`
	Version     int64  `json:"version"` // the product's; a lower one is stale
	Title       string `json:"title"`   // with the variant's options: "Linen shirt, M, blue"
	ImageURL    string `json:"image_url,omitempty"`
	TaxCategory string `json:"tax_category"`
	WeightGrams int64  `json:"weight_grams,omitempty"` // 0: not known
	Sellable    bool   `json:"sellable"`               // published and not removed
}

// Told answers PathTold?after=&limit=&whole=, in the order of ids. Next is the after of the next page; empty: there is none.
type Told struct {
	Items []ToldProduct `json:"items"`
	Next  string        `json:"next,omitempty"`
}

// ToldProduct is a product with the sequence of its last event, the digest of what is told of it now, and with whole=true that itself.
type ToldProduct struct {
	ID       string            `json:"id"`
	Sequence int64             `json:"sequence"`
	Digest   string            `json:"digest"` // of ProductChangedV1
	Product  *ProductChangedV1 `json:"product,omitempty"`
}

// ProductChangedV1 carries the whole product as others replicate it. A variant that is missing here is no longer sold.
type ProductChangedV1 struct {
	Sequence     int64            `json:"sequence"`
	ProductID    string           `json:"product_id"`
	Version      int64            `json:"version"`
	Status       string           `json:"status"`
	Slug         string           `json:"slug"`
	Title        string           `json:"title"`
	Description  string           `json:"description,omitempty"`
	Brand        string           `json:"brand,omitempty"`
	BrandCode    string           `json:"brand_code,omitempty"`
	CategoryPath []CategoryRefV1  `json:"category_path"` // root first
	TaxCategory  string           `json:"tax_category"`
	ImageURL     string           `json:"image_url,omitempty"`
	Popularity   int64            `json:"popularity,omitempty"`
	PublishedAt  *time.Time       `json:"published_at,omitempty"` // the first time
	Filterable   []string         `json:"filterable,omitempty"`   // codes of attributes that its category lets shoppers filter by
	Searchable   []string         `json:"searchable,omitempty"`   // codes of attributes whose values are found by words
	Attributes   []AttributeValue `json:"attributes,omitempty"`
	Variants     []VariantV1      `json:"variants"`
	ChangedAt    time.Time        `json:"changed_at"`

	Translations map[string]TranslationV1 `json:"translations,omitempty"` // by language, "de" or "de-AT"
}

// Digest is the same for what says the same of a product, whenever it was told: whoever keeps it sees whether they know what is told now.
func (p ProductChangedV1) Digest() string {
	p.Sequence, p.Version, p.ChangedAt = 0, 0, time.Time{}
	data, err := json.Marshal(p)
	if err != nil {
		return "" // a value that is no JSON: it could not have been told
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

// TranslationV1 is what of a product reads differently in another language; all else is as in the shop's own. Regional languages go
// before their own without a region.
type TranslationV1 struct {
	Title       string                       `json:"title,omitempty"`
	Description string                       `json:"description,omitempty"`
	Categories  map[string]string            `json:"categories,omitempty"` // names of the path, by code
	Labels      map[string]string            `json:"labels,omitempty"`     // of attributes, by code
	Values      map[string]map[string]string `json:"values,omitempty"`     // texts by code of the attribute and value; of a multi_enum each, of a number without its quotes
}

// CategoryRefV1 names a category.
type CategoryRefV1 struct {
	Code string `json:"code"`
	Name string `json:"name"`
	Slug string `json:"slug"`
}

// VariantV1 is a variant in events.
type VariantV1 struct {
	SKU         string           `json:"sku"`
	Title       string           `json:"title"`
	ImageURL    string           `json:"image_url,omitempty"`
	WeightGrams int64            `json:"weight_grams,omitempty"`
	Attributes  []AttributeValue `json:"attributes,omitempty"`
}

// AttributeValue is a value with what its attribute says, ready to show.
type AttributeValue struct {
	Code  string          `json:"code"`
	Label string          `json:"label"`
	Type  string          `json:"type"`
	Unit  string          `json:"unit,omitempty"`
	Value json.RawMessage `json:"value"`
	Text  string          `json:"text"`          // for people: "12.5 cm", "Blue"
	Hex   string          `json:"hex,omitempty"` // of a colour, #rrggbb
}
