package journeys

import (
	"fmt"
	"net/url"
	"slices"
	"testing"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

// A German shopper gets a German shop: rows, listings and their facets, a product with its texts, what is similar and what was looked at.
func TestAGermanShopperGetsAGermanShop(t *testing.T) {
	market := url.Values{"language": {"de"}, "currency": {"EUR"}, "country": {"DE"}}
	with := func(more ...string) string {
		q := url.Values{}
		for name, values := range market {
			q[name] = values
		}
		for i := 0; i < len(more); i += 2 {
			q.Set(more[i], more[i+1])
		}
		return "?" + q.Encode()
	}
	var home searchapi.Rows
	shop.Eventually(t, patience, func() error {
		s.Must(t, 200, "GET", "/v1/products/rows"+with(), nil, &home)
		titles := []string{}
		for _, r := range home.Rows {
			if len(r.Items) > 0 {
				titles = append(titles, r.Title)
			}
		}
		if want := []string{"Neu eingetroffen", "Bestseller", "Reduziert", "Für den Kleiderschrank", "Für ein schönes Zuhause", "Rund um die Küche"}; !slices.Equal(titles, want) {
			return fmt.Errorf("%q", titles)
		}
		return nil
	})
	for _, r := range home.Rows {
		for _, p := range r.Items {
			if r.ID == "reduced" && p.CompareAtPrice == nil || p.Price.Currency != "EUR" {
				t.Errorf("%s: %+v", r.ID, p)
			}
		}
	}
	var page searchapi.Products
	shop.Eventually(t, patience, func() error {
		if s.Must(t, 200, "GET", "/v1/products"+with("q", "merino tshirt reise", "facets", "true"), nil, &page); len(page.Items) == 0 || page.Items[0].Title != "Merino-T-Shirt für die Reise" {
			return fmt.Errorf("%+v", page)
		}
		return nil
	})
	labels := map[string]string{}
	for _, f := range page.Facets {
		labels[f.Code] = f.Label
	}
	if labels["price"] != "Preis" || labels["in_stock"] != "Auf Lager" || labels["material"] != "Material" || labels["size"] != "Größe" || page.Items[0].CategoryPath[0].Name != "Kleidung" {
		t.Errorf("%v %+v", labels, page.Items[0].CategoryPath)
	}
	id := page.Items[0].ID
	var product catalogapi.Product
	s.Must(t, 200, "GET", "/v1/products/"+id+with(), nil, &product)
	texts := map[string]string{}
	for _, a := range product.Attributes {
		texts[a.Label] = a.Text
	}
	if texts["Pflege"] != "Wollwaschgang bei 30 °C, liegend trocknen" || product.Images[0].Alt != "Merino-T-Shirt für die Reise in Schwarz" {
		t.Errorf("%v %+v", texts, product.Images)
	}
	var similar searchapi.Similar
	s.Must(t, 200, "GET", "/v1/products/"+product.Slug+"/similar"+with(), nil, &similar)
	for _, p := range similar.Items {
		if p.ID == id || !slices.Equal(p.CategoryPath, page.Items[0].CategoryPath) {
			t.Errorf("%+v is not similar to %s", p, id)
		}
	}
	if len(similar.Items) != 8 {
		t.Errorf("%d are similar", len(similar.Items))
	}
	var named, liked searchapi.Products
	s.Must(t, 200, "GET", "/v1/products"+with("ids", similar.Items[1].ID+","+id), nil, &named)
	if len(named.Items) != 2 || named.Items[1].ID != id {
		t.Errorf("%+v", named.Items)
	}
	r := s.Must(t, 200, "GET", "/v1/products"+with("seen", product.Slug), nil, &liked)
	if got := r.Header.Get("Cache-Control"); got != "private, max-age=10" {
		t.Errorf("kept for others: %s", got)
	}
}
