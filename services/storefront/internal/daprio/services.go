// Package daprio is the storefront's side of the sidecar: it asks search, catalog, cart, checkout, order and payment for what pages show. Each call is
// bounded; what is asked for on every page is kept for a moment.
package daprio

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
)

// How long a service may take to answer a page.
const readTime = 3 * time.Second

// Services asks the shop's services. Departments must be made by NewServices.
type Services struct {
	Search, Catalog, Cart, Checkout, Order, Payment daprkit.Caller

	tree     *memo[string, []catalogapi.Category]
	slugs    *memo[storefront.Market, []string]
	pictures *memo[string, string]
	ways     *memo[storefront.Market, []checkoutapi.DeliveryWay]
}

// NewServices returns what asks by caller, which gives a caller for an app id. What search and catalog answer for everybody is kept as they say.
func NewServices(caller func(appID string) daprkit.Caller, now func() time.Time) *Services {
	s := &Services{Search: newKept(caller("search"), now), Catalog: newKept(caller("catalog"), now), Cart: caller("cart"), Checkout: caller("checkout"), Order: caller("order"), Payment: caller("payment")}
	s.tree = newMemo(now, treeAge, patience, s.askDepartments)
	s.slugs = newMemo(now, slugsAge, slugsPatience, s.askSlugs)
	s.pictures = newMemo(now, pictureAge, patience, s.askPicture)
	s.ways = newMemo(now, waysAge, waysPatience, s.askDelivery)
	return s
}

func get(ctx context.Context, c daprkit.Caller, path string, query url.Values, out any) error {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.JSON(ctx, http.MethodGet, path, nil, out)
}

// PageSize is how many products a page of a listing has.
const PageSize = "24"

// List asks search for a listing, with what can be chosen where facets says so. What was seen last raises what is like it; visitor is for tests of rules, or empty.
func (s *Services) List(ctx context.Context, m storefront.Market, l storefront.Listing, facets bool, seen storefront.Remembered, visitor string) (searchapi.Products, error) {
	q := l.Query(m)
	q.Set("limit", PageSize)
	if facets {
		q.Set("facets", "true")
	}
	looked(q, seen)
	if visitor != "" {
		q.Set("visitor", visitor)
	}
	var out searchapi.Products
	err := get(ctx, s.Search, "/v1/products", q, &out)
	return out, err
}

// Interact tells search what a visitor did.
func (s *Services) Interact(ctx context.Context, in searchapi.Interaction) error {
	return s.Search.JSON(ctx, http.MethodPost, searchapi.PathInteractions, in, nil)
}

// looked adds what was seen last to a query: the last one last, as search takes it.
func looked(q url.Values, seen storefront.Remembered) {
	if len(seen) > 0 {
		seen = slices.Clone(seen)
		slices.Reverse(seen)
		q.Set("seen", strings.Join(seen, ","))
	}
}

// Shelf asks catalog for a listing, in the place of search: by category, brand, price and words of the title, without facets.
func (s *Services) Shelf(ctx context.Context, m storefront.Market, l storefront.Listing) (searchapi.Products, error) {
	q := l.Query(m)
	q.Set("limit", PageSize)
	out := searchapi.Products{Degraded: true}
	err := get(ctx, s.Catalog, "/v1/products", q, &out)
	return out, err
}

// Rows asks search for the rows of the home page.
func (s *Services) Rows(ctx context.Context, m storefront.Market, seen storefront.Remembered) ([]searchapi.Row, error) {
	q := m.Query()
	looked(q, seen)
	var out searchapi.Rows
	err := get(ctx, s.Search, "/v1/products/rows", q, &out)
	return out.Rows, err
}

// pictureAge is how long the picture of a department is shown.
const pictureAge = 10 * time.Minute

// Picture is that of the most popular product of a category, "" where there is none. It is kept for some minutes.
func (s *Services) Picture(ctx context.Context, category string) (string, error) {
	return s.pictures.get(ctx, category)
}

func (s *Services) askPicture(ctx context.Context, category string) (string, error) {
	var out listed
	err := get(ctx, s.Search, "/v1/products", url.Values{"category": {category}, "sort": {storefront.ByPopularity}, "limit": {"1"}}, &out)
	if err != nil || len(out.Items) == 0 {
		return "", err
	}
	return out.Items[0].ImageURL, nil
}

const (
	waysAge      = 5 * time.Minute // how long an estimate of the delivery is shown
	waysPatience = 300 * time.Millisecond
)

// Delivery says how goods in stock go to the market's country as a rule, if they are ordered now. It is kept for some minutes.
func (s *Services) Delivery(ctx context.Context, m storefront.Market) ([]checkoutapi.DeliveryWay, error) {
	return s.ways.get(ctx, storefront.Market{Country: m.Country, Currency: m.Currency})
}

func (s *Services) askDelivery(ctx context.Context, m storefront.Market) ([]checkoutapi.DeliveryWay, error) {
	var out checkoutapi.Delivery
	err := get(ctx, s.Checkout, checkoutapi.PathDelivery, url.Values{"country": {m.Country}, "currency": {string(m.Currency)}}, &out)
	return out.Items, err
}

// Suggest asks search what somebody may be about to type.
func (s *Services) Suggest(ctx context.Context, m storefront.Market, words string) (searchapi.Suggestions, error) {
	q := m.Query()
	q.Set("q", words)
	var out searchapi.Suggestions
	err := get(ctx, s.Search, "/v1/products/suggest", q, &out)
	return out, err
}

// treeAge is how long the departments are shown as they were.
const treeAge = time.Minute

// Departments returns the tree of categories in the market's language. It is at most a minute old, older only while catalog is away.
func (s *Services) Departments(ctx context.Context, m storefront.Market) ([]catalogapi.Category, error) {
	return s.tree.get(ctx, m.Language)
}

func (s *Services) askDepartments(ctx context.Context, language string) ([]catalogapi.Category, error) {
	var out struct {
		Items []catalogapi.Category `json:"items"`
	}
	err := get(ctx, s.Catalog, "/v1/categories", url.Values{"language": {language}}, &out)
	return out.Items, err
}
