package seed

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/tools/internal/seedshop"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
	"github.com/sidecart/sidecart/tools/internal/shopclient/shoptest"
)

// part is a small part of the sample shop, with everything that it needs.
func part() *seedshop.Shop {
	whole := seedshop.Catalogue()
	s := *whole
	s.Products, s.Baskets = whole.Products[:5], whole.Baskets[:8]
	s.Rows = slices.Clone(whole.Rows)
	for i := range s.Rows {
		if s.Rows[i].Products != nil {
			s.Rows[i].Products = []string{"of-another-part", s.Products[4].Slug}
		}
	}
	return &s
}

func options(t *testing.T, s *shoptest.Shop) Options {
	guest := shopclient.New(s.URL)
	guest.Patience = 5 * time.Second
	dir := t.TempDir()
	return Options{Guest: guest, Staff: guest.As(func() (string, error) { return "token", nil }), Media: filepath.Join(dir, "media"),
		State: filepath.Join(dir, "seed.json"), Out: io.Discard}
}

func TestFillsAndChangesNothingTheSecondTime(t *testing.T) {
	t.Parallel()
	s, sample := shoptest.New(t), part()
	opt := options(t, s)
	if err := Run(t.Context(), opt, sample); err != nil {
		t.Fatal(err)
	}
	if got := s.Changes(); got != "5 products, 5 bookings, 8 orders" {
		t.Errorf("filled: %s", got)
	}
	if got := s.Orders(); got["confirmed"] != 7 || got["cancelled"] != 1 {
		t.Errorf("orders %v", got)
	}
	carts, prices := s.Calls("POST /v1/carts"), s.Calls("PUT /v1/admin/price-lists")
	if err := Run(t.Context(), opt, sample); err != nil {
		t.Fatal(err)
	}
	if got := s.Changes(); got != "5 products, 5 bookings, 8 orders" {
		t.Errorf("after the second time: %s", got)
	}
	if again := s.Calls("POST /v1/carts"); again != carts {
		t.Errorf("%d calls for carts, %d after the second time", carts, again)
	}
	if again := s.Calls("PUT /v1/admin/price-lists"); prices == 0 || again != prices {
		t.Errorf("%d calls for prices, %d after the second time", prices, again)
	}
	var items catalogapi.BatchInput
	var first catalogapi.ProductInput
	if err := errors.Join(json.Unmarshal(s.Written("POST /v1/admin/products/batch"), &items), json.Unmarshal(items.Items[0].Product, &first)); err != nil {
		t.Fatal(err)
	}
	if de := first.Translations["de"]; de.Title != "T-Shirt für jeden Tag" || de.Texts["Everyday Crew T-Shirt in white"] != "T-Shirt für jeden Tag in Weiß" || !strings.HasPrefix(de.Texts["Machine wash at 30 °C with like colours"], "Maschinenwäsche") {
		t.Errorf("%+v", de)
	}
	var row searchapi.HomeRowInput
	if err := json.Unmarshal(s.Written("PUT /v1/admin/search/rows/reduced"), &row); err != nil || row.Titles["de"] != "Reduziert" || row.Position != 30 || len(row.Shows.IDs) != 1 || row.Shows.IDs[0] != "id of seed:"+sample.Products[4].Slug {
		t.Errorf("%v %+v", err, row)
	}
	row = searchapi.HomeRowInput{}
	if err := json.Unmarshal(s.Written("PUT /v1/admin/search/rows/new"), &row); err != nil || row.Titles["en"] != "New in" || row.Shows.Sort != "newest" || !row.Shows.InStock || row.Shows.IDs != nil {
		t.Errorf("%v %+v", err, row)
	}
	p := sample.Products[0]
	svg, err := os.ReadFile(filepath.Join(opt.Media, "seed", p.Slug, p.Images[0].Key+".svg"))
	if err != nil || !strings.HasPrefix(string(svg), "<svg") {
		t.Errorf("picture: %.20q %v", svg, err)
	}
}

// A later version of the catalogue has other numbers: what was delivered once is not delivered again, new products are.
func TestALaterCatalogueDeliversOnlyWhatIsNew(t *testing.T) {
	t.Parallel()
	s, sample := shoptest.New(t), part()
	opt := options(t, s)
	whole := sample.Products
	sample.Products, sample.Baskets = whole[:4], nil
	if err := Run(t.Context(), opt, sample); err != nil {
		t.Fatal(err)
	}
	sample.Products = whole
	sample.Products[0].Variants[0].Stock[0].Quantity += 7
	if err := Run(t.Context(), opt, sample); err != nil {
		t.Fatal(err)
	}
	if got := s.Changes(); got != "5 products, 5 bookings, 0 orders" {
		t.Errorf("after the later catalogue: %s", got)
	}
}

// A run that is cut off in the middle of an order goes on with the same keys: nobody gets two orders.
func TestGoesOnAfterAnInterruption(t *testing.T) {
	t.Parallel()
	s, sample := shoptest.New(t), part()
	opt := options(t, s)
	opt.Guest.Patience = 0
	var completes atomic.Int64
	s.Fault = func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		if !strings.HasSuffix(r.URL.Path, "/complete") || completes.Add(1) != 3 {
			return false
		}
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(strings.NewReader(string(body)))
		s.Fault = nil
		s.ServeHTTP(discard{http.Header{}}, again) // it is carried out, but nobody hears of it
		w.WriteHeader(http.StatusInternalServerError)
		return true
	}
	sample.Baskets = sample.Baskets[:4]
	for i := range sample.Baskets { // one after the other: the fault is taken away while calls are under way otherwise
		one := *sample
		one.Baskets = sample.Baskets[i : i+1]
		if err := Run(t.Context(), opt, &one); (err != nil) != (i == 2) {
			t.Fatalf("basket %d: %v", i, err)
		}
	}
	if err := Run(t.Context(), opt, sample); err != nil {
		t.Fatal(err)
	}
	if got := s.Changes(); got != "5 products, 5 bookings, 4 orders" {
		t.Errorf("after going on: %s", got)
	}
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

func TestARefusedProductEndsTheRun(t *testing.T) {
	t.Parallel()
	s, sample := shoptest.New(t), part()
	s.Refuse = func(p catalogapi.ProductInput) []catalogapi.BatchError {
		if p.Slug != sample.Products[2].Slug {
			return nil
		}
		return []catalogapi.BatchError{{Location: "attributes.size", Message: "is not an attribute"}}
	}
	err := Run(t.Context(), options(t, s), sample)
	if err == nil || !strings.Contains(err.Error(), "attributes.size") || !strings.Contains(err.Error(), sample.Products[2].Slug) {
		t.Errorf("got %v", err)
	}
}

func TestADamagedStateFileIsSaid(t *testing.T) {
	t.Parallel()
	s, sample := shoptest.New(t), part()
	opt := options(t, s)
	if err := os.WriteFile(opt.State, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Run(t.Context(), opt, sample); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("got %v", err)
	}
	if got := s.Calls(""); got != 0 {
		t.Errorf("made %d calls", got)
	}
}

func TestProductsSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range seedshop.Catalogue().Products {
		in := product(&p)
		if len(in.Variants) != len(p.Variants) || in.CategoryCode == "" || in.TaxCategory == "" || len(in.Images) == 0 {
			t.Fatalf("%+v", in)
		}
		for i, v := range in.Variants {
			for _, value := range p.Variants[i].Options {
				raw := v.Attributes[value.Attribute]
				var text string
				if value.Kind == seedshop.Enum && (json.Unmarshal(raw, &text) != nil || text != value.Text) {
					t.Errorf("%s: %s is %s, want %q", v.SKU, value.Attribute, raw, value.Text)
				}
				seen[string(value.Kind)] = true
			}
		}
	}
	if !seen["enum"] || !seen["colour"] {
		t.Errorf("saw kinds %v only", seen)
	}
}

func TestPricesStayTogether(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	sample := seedshop.Catalogue()
	sample.Baskets = nil
	if err := Run(t.Context(), options(t, s), sample); err != nil {
		t.Fatal(err)
	}
	var parts [][]pricingapi.PriceInput
	tiered := seedshop.Price{Amount: money.New(100, "USD"), Tiers: []seedshop.Tier{{MinQuantity: 6, Amount: money.New(90, "USD")}}}
	for range 750 {
		parts = packed(parts, rows("sku", tiered))
	}
	if len(parts) != 2 || len(parts[0]) != priceRows || len(parts[1]) != 500 {
		t.Errorf("%d parts", len(parts))
	}
	if parts = packed([][]pricingapi.PriceInput{make([]pricingapi.PriceInput, priceRows-1)}, rows("sku", tiered)); len(parts) != 2 || len(parts[1]) != 2 {
		t.Error("the rows of one SKU are torn apart")
	}
}

func TestTaxRatesAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range taxRates() {
		key := r.Country + "-" + r.Region + " " + r.TaxCategory
		if seen[key] || r.RateBP < 0 || r.RateBP > 2700 {
			t.Errorf("%s at %d", key, r.RateBP)
		}
		seen[key] = true
	}
}
