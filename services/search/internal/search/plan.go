package search

import "time"

// The fields of a document's text, and what a word counts in each.
const (
	WeightIdentifier  = 14.0 // SKUs
	WeightTitle       = 10.0
	WeightBrand       = 8.0
	WeightCategory    = 6.0
	WeightAttributes  = 5.0
	WeightDescription = 3.0
)

// The names of those fields, as reasons give them. Brands and identifiers are found as they are written, the others by the stems of
// their words.
const (
	InIdentifiers = "identifiers"
	InTitle       = "title"
	InBrand       = "brand"
	InCategory    = "category"
	InAttributes  = "attributes"
	InDescription = "description"
)

// The fields that can be filtered by, beside attributes ("attr." + code).
const (
	FieldBrand      = "brand"
	FieldCategory   = "category" // any of the path
	FieldPrice      = "price"
	FieldInStock    = "in_stock" // "true", "false"
	FieldRating     = "rating"
	FieldPublished  = "published" // since when it is in the shop, in seconds since 1970
	AttributePrefix = "attr."
)

// Sort is the order of hits; ties are broken by id.
type Sort string

// The orders.
const (
	ByRelevance  Sort = "relevance"
	ByPriceUp    Sort = "price"
	ByPriceDown  Sort = "-price"
	ByNewest     Sort = "newest"
	ByRating     Sort = "rating"
	ByPopularity Sort = "popularity"
)

// Plan is a query as an index performs it.
type Plan struct {
	Market   Market
	Language string
	Groups   []Group // none: every document
	AtLeast  int     // of the groups must be found; 0: all
	Filters  []Filter
	Facets   []FacetAsk
	Boosts   []Boost
	Exclude  []string // ids that are not listed, nor counted
	Only     []string // ids that alone are listed, if any
	Sort     Sort
	After    *Position
	Limit    int // of hits; whether there are more is said
	Now      time.Time
	Explain  bool // hits say of what their score is made
}

// Group is a word of the query with all that may stand for it: the best alternative that a document has, in its best field, counts.
// A group of stop words alone is left out; a query of nothing but those finds nothing.
type Group struct {
	Any    []Alternative
	Weight float64
}

// Alternative is a word, or several that must stand beside each other. Prefix takes every word that begins with the last one,
// but none of descriptions.
type Alternative struct {
	Words  []string
	Prefix bool
	Weight float64 // 1: as good as what was typed
}

// Filter takes documents of which one variant fits (with that of all other filters of variants): one of the values, or a number within the bounds,
// both included. Prices are in minor units of the plan's market.
type Filter struct {
	Field    string
	Any      []string
	Min, Max *float64
}

// FacetAsk asks for the values of a field. Filters of the same field do not shrink its list.
type FacetAsk struct {
	Field string
	Range bool // bounds and bands of a number, not values
	Limit int  // of the values; 0: all
}

// Boost multiplies the score of documents that fit all of its filters.
type Boost struct {
	Filters []Filter
	IDs     []string
	Factor  float64
	Why     string // id of the rule
}

// Position is where a page ends: the key of the last hit in the order, and its id.
type Position struct {
	Key float64
	ID  string
}

// Found is what an index answers.
type Found struct {
	Hits   []Hit
	Total  int
	Facets []Facet
	More   bool
}

// Hit is a document that was found.
type Hit struct {
	Document *Document
	Position Position
	Score    float64
	Reasons  []Reason // with Explain
}

// Reason is a part of a score.
type Reason struct {
	Word, Field, Rule string
	Amount            float64 // added for words, multiplied for rules
}

// Facet is what can be chosen of a field within a result, most frequent first, then by value. There is one for each that was asked.
type Facet struct {
	Field, Label, Type, Unit string
	Values                   []FacetValue
	Min, Max                 *float64 // of ranges
	Bands                    []Band   // of ranges, in order; none where there are too few products or numbers
}

// FacetValue is a choice. Count is how many documents have it that fit all other filters.
type FacetValue struct {
	Term
	Count int
	Hex   string
}
