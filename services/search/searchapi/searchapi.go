// Package searchapi is the public contract of search: what shoppers list and find, and what staff see of the index.
package searchapi

import (
	"time"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
)

// Products is the answer of GET /v1/products.
type Products struct {
	Items          []catalogapi.ProductSummary `json:"items"`
	NextCursor     *string                     `json:"next_cursor" doc:"Where the next page begins; null on the last one"`
	Total          *int                        `json:"total,omitempty" doc:"How many products there are on all pages; left out while the answer is degraded"`
	Facets         []Facet                     `json:"facets,omitempty" doc:"With facets=true"`
	CorrectedQuery string                      `json:"corrected_query,omitempty" doc:"The words as they were understood, where that is not as they were typed"`
	Relaxed        []string                    `json:"relaxed,omitempty" doc:"Words that were left out, because no product has all of them"`
	Partial        bool                        `json:"partial,omitempty" doc:"Not all products have all of the words, because few have"`
	Complete       int                         `json:"complete,omitempty" doc:"How many have all of them, where not all do; they come first"`
	Redirect       string                      `json:"redirect,omitempty" doc:"Where the query leads instead of to these results; on the first page"`
	Banners        []Banner                    `json:"banners,omitempty" doc:"What to show above the results, in this order; on the first page"`
	Degraded       bool                        `json:"degraded,omitempty" doc:"The search is away: found by category, brand, price and words of the title alone, without facets"`
}

// The types of a facet.
const (
	FacetTerms = "terms"
	FacetRange = "range"
)

// Facet is what can be chosen of a field within a result. What is chosen of it does not shrink its own list.
type Facet struct {
	Code          string       `json:"code" doc:"Of the attribute, or category, brand, price, in_stock"`
	Param         string       `json:"param" doc:"The query parameter that chooses it; of a price price_min and price_max, of another range <param>=10..20"`
	Label         string       `json:"label"`
	Type          string       `json:"type" enum:"terms,range"`
	AttributeType string       `json:"attribute_type,omitempty"`
	Unit          string       `json:"unit,omitempty"`
	Values        []FacetValue `json:"values" doc:"Of terms, the most frequent first; of a range, bands in their order, at most six, which hold about as many products as each other and have no number in common; none where there are too few products or numbers"`
	Min           *float64     `json:"min,omitempty" doc:"Of a range; a price in minor units"`
	Max           *float64     `json:"max,omitempty" doc:"Of a range; a price in minor units"`
}

// FacetValue is a choice. Count is how many products have it that fit all that is chosen elsewhere.
type FacetValue struct {
	Value    string `json:"value" doc:"Of a range low..high: both are in it, and either may be missing. Of a price they are price_min and price_max, else the value of param"`
	Label    string `json:"label"`
	Count    int    `json:"count"`
	Selected bool   `json:"selected" doc:"It is chosen; of a range, exactly it"`
	Hex      string `json:"hex,omitempty"`
	Parent   string `json:"parent,omitempty" doc:"Of a category: the value of the one above it; left out of one that is at the top"`
	Level    *int   `json:"level,omitempty" doc:"Of a category: how many are above it"`
}

// Suggestions is the answer of GET /v1/products/suggest.
type Suggestions struct {
	Queries    []string            `json:"queries"`
	Products   []SuggestedProduct  `json:"products"`
	Categories []SuggestedCategory `json:"categories"`
}

// SuggestedProduct is a product that may be meant.
type SuggestedProduct struct {
	ID       string `json:"id"`
	Slug     string `json:"slug"`
	Title    string `json:"title"`
	ImageURL string `json:"image_url,omitempty"`
}

// SuggestedCategory is a category that may be meant.
type SuggestedCategory struct {
	Code string `json:"code"`
	Name string `json:"name"`
	Slug string `json:"slug"`
}

// The states of an index.
const (
	IndexMissing  = "missing"  // none is read: listings come from catalog
	IndexBehind   = "behind"   // changes are still to come
	IndexCurrent  = "current"  // it has all that the replica has
	IndexBuilding = "building" // a new one is being made; the old one, if there is one, is read meanwhile
)

// Index is how the index of the process that answers is: GET /v1/admin/search/index.
type Index struct {
	Status    string    `json:"status" enum:"missing,behind,current,building"`
	Revision  int64     `json:"revision" doc:"How far the index that is read has come"`
	Replica   int64     `json:"replica_revision" doc:"How far the replica has come"`
	Documents int       `json:"documents" doc:"In the index that is read"`
	Products  int       `json:"products" doc:"Published ones of the replica, which should have documents"`
	Filled    bool      `json:"filled" doc:"The replica has all that was told before it was there"`
	Build     int64     `json:"build" doc:"Raised by each rebuild that is asked for"`
	Building  *Building `json:"building,omitempty"`
	Error     string    `json:"error,omitempty" doc:"Why the index is not brought up to date"`
}

// Building is how far a new index has come.
type Building struct {
	Since    time.Time `json:"since"`
	Written  int       `json:"written" doc:"Products, of those that the replica has, removed ones too"`
	Revision int64     `json:"revision"`
}

// Rebuild answers POST /v1/admin/search/rebuild: every process makes its index anew.
type Rebuild struct {
	Build int64 `json:"build"`
}

// Query is an item of GET /v1/admin/search/queries.
type Query struct {
	Words    string `json:"words" doc:"As they were understood"`
	Language string `json:"language,omitempty" doc:"In which they were understood, without its region; left out where it was not noted"`
	Asked    int64  `json:"asked"`
	Found    int64  `json:"found" doc:"Products, the last time"`
}
