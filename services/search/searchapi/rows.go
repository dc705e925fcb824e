package searchapi

import (
	"time"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
)

// Rows is the answer of GET /v1/products/rows.
type Rows struct {
	Rows []Row `json:"rows" doc:"Those that have something to show, in their order"`
}

// Row is a row of products on the home page.
type Row struct {
	ID    string                      `json:"id"`
	Title string                      `json:"title"`
	Items []catalogapi.ProductSummary `json:"items"`
	Query string                      `json:"href_query" doc:"The query of a listing that shows more, such as sort=newest; empty where there is none"`
}

// Similar is the answer of GET /v1/products/{id}/similar.
type Similar struct {
	Items []catalogapi.ProductSummary `json:"items"`
}

// HomeRowInput says what a row of the home page shows, when and for whom.
type HomeRowInput struct {
	Titles   map[string]string `json:"titles" doc:"By language, such as de; that of the shop is required"`
	Position int               `json:"position,omitempty" doc:"0 to 1000; rows stand by it, then by id"`
	Limit    int               `json:"limit,omitempty" default:"12" doc:"Products, 1 to 50"`
	StartsAt *time.Time        `json:"starts_at,omitempty"`
	EndsAt   *time.Time        `json:"ends_at,omitempty" doc:"It is shown before this moment"`
	When     RowWhen           `json:"when,omitempty"`
	Shows    Shows             `json:"shows"`
}

// HomeRow is a row as it is stored.
type HomeRow struct {
	ID string `json:"id"`
	HomeRowInput
	Version   int64     `json:"version"`
	UpdatedAt time.Time `json:"updated_at"`
}

// RowWhen is for whom a row is shown: all that it names must fit, by one of the values of each.
type RowWhen struct {
	Segments []string `json:"segments,omitempty"`
	Locales  []string `json:"locales,omitempty" doc:"de is de-AT as well"`
	Channels []string `json:"channels,omitempty"`
}

// Shows is the listing that a row shows: products by their ids, in their order, or those of a query as GET /v1/products takes it. Prices are
// in minor units of whatever currency is read. Without anything it is all products in the shop's order.
type Shows struct {
	IDs        []string            `json:"ids,omitempty" doc:"At most 50, and nothing else"`
	Query      string              `json:"q,omitempty"`
	Category   string              `json:"category,omitempty"`
	Brand      string              `json:"brand,omitempty"`
	PriceMin   *int64              `json:"price_min,omitempty"`
	PriceMax   *int64              `json:"price_max,omitempty"`
	InStock    bool                `json:"in_stock,omitempty"`
	Attributes map[string][]string `json:"attributes,omitempty" doc:"By code, as attr.<code> of a listing"`
	Sort       string              `json:"sort,omitempty" doc:"relevance, price, -price, newest, rating, popularity"`
}
