package daprio

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
)

const (
	slugsAge      = time.Hour        // how long crawlers are told of the products that there were
	slugsPatience = 30 * time.Second // how long a crawler waits for them, before it is told to come again
	maxCalls      = 5_000            // of a hundred products: half a million are more than a sitemap is for
)

// Slugs lists what the products that are on offer in a market are addressed by, the newest first. The list is at most an hour old, older only while search is
// away. Making it takes a call for each hundred products, and whoever asks meanwhile waits, but not for ever.
func (s *Services) Slugs(ctx context.Context, m storefront.Market) ([]string, error) {
	return s.slugs.get(ctx, m)
}

func (s *Services) askSlugs(ctx context.Context, m storefront.Market) (slugs []string, err error) {
	q := m.Query()
	q.Set("limit", "100")
	q.Set("sort", storefront.ByNewest)
	for range maxCalls {
		var page searchapi.Products
		if err := get(ctx, s.Search, "/v1/products", q, &page); err != nil {
			return nil, err
		}
		for _, p := range page.Items {
			slugs = append(slugs, p.Slug)
		}
		if page.NextCursor == nil {
			break
		}
		q.Set("cursor", *page.NextCursor)
	}
	return slugs, nil
}
