package reindex

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// world is a shop of products that cost 10.00 and of which three are there, as each service tells of them.
type world struct {
	mu    sync.Mutex
	index []searchapi.Index // what is answered one after the other, the last one for ever
	asked int               // rebuilds
	page  map[string]catalogapi.Product
	found map[string]catalogapi.ProductSummary // by SKU
	price map[string]int64
	stock map[string]int64
	looks map[string]int // searches by SKU
}

const sold = 12 // products

var ten = money.New(1000, "USD")

func newWorld() *world {
	w := &world{page: map[string]catalogapi.Product{}, found: map[string]catalogapi.ProductSummary{}, price: map[string]int64{}, stock: map[string]int64{}, looks: map[string]int{}}
	for i := range sold {
		id, sku := fmt.Sprint("p", i), fmt.Sprint("SKU-", i)
		price := ten
		w.page[id] = catalogapi.Product{ID: id, Slug: "slug-" + id, Title: "Title " + id, Variants: []catalogapi.Variant{{SKU: sku, Price: &price, Availability: catalogapi.Availability{Available: 3}}}}
		w.found[sku] = catalogapi.ProductSummary{ID: id, Slug: "slug-" + id, Title: "Title " + id, Price: ten, InStock: true}
		w.price[sku], w.stock[sku] = 1000, 3
	}
	w.index = []searchapi.Index{
		{Status: searchapi.IndexCurrent, Build: 4, Documents: sold, Products: sold}, // it has not noticed yet
		{Status: searchapi.IndexBuilding, Build: 5, Products: sold, Building: &searchapi.Building{Written: 5}},
		{Status: searchapi.IndexCurrent, Build: 5, Documents: sold, Products: sold},
	}
	return w
}

func (w *world) serve(t *testing.T) *shopclient.Client {
	t.Helper()
	mux := http.NewServeMux()
	handle := func(pattern string, answer func(r *http.Request) any) {
		mux.HandleFunc(pattern, func(out http.ResponseWriter, r *http.Request) {
			w.mu.Lock()
			defer w.mu.Unlock()
			a := answer(r)
			if a == nil {
				out.WriteHeader(http.StatusNotFound)
				a = map[string]any{"type": "/problems/not-found", "status": 404}
			}
			_ = json.NewEncoder(out).Encode(a) // the client tells
		})
	}
	items := func(all any) any { return map[string]any{"items": all, "next_cursor": nil} }
	handle("POST /v1/admin/search/rebuild", func(*http.Request) any {
		w.asked++
		return searchapi.Rebuild{Build: 5}
	})
	handle("GET /v1/admin/search/index", func(*http.Request) any {
		now := w.index[0]
		if len(w.index) > 1 {
			w.index = w.index[1:]
		}
		return now
	})
	handle("GET /v1/admin/products", func(r *http.Request) any { // two pages
		var all []product
		first := r.URL.Query().Get("cursor") == ""
		for i := range sold {
			if (i < sold/2) == first {
				all = append(all, product{ID: fmt.Sprint("p", i), Slug: fmt.Sprint("slug-p", i)})
			}
		}
		if first {
			return map[string]any{"items": all, "next_cursor": "more"}
		}
		return items(all)
	})
	handle("GET /v1/admin/locations", func(*http.Request) any {
		return items([]map[string]any{{"id": "reno", "enabled": true}, {"id": "old", "enabled": false}})
	})
	handle("GET /v1/products/{id}", func(r *http.Request) any {
		if p, there := w.page[r.PathValue("id")]; there {
			return p
		}
		return nil
	})
	handle("GET /v1/products", func(r *http.Request) any {
		out, sku := searchapi.Products{}, r.URL.Query().Get("q")
		w.looks[sku]++
		if p, there := w.found[sku]; there {
			out.Items = append(out.Items, catalogapi.ProductSummary{ID: "another", Price: ten}, p)
		}
		return out
	})
	handle("GET /v1/admin/prices", func(r *http.Request) any {
		sku := r.URL.Query().Get("sku")
		past := time.Now().Add(-time.Hour)
		return items([]pricingapi.Price{{SKU: sku, Amount: money.New(500, "USD"), ValidTo: &past}, {SKU: sku, Amount: money.New(w.price[sku], "USD")}})
	})
	handle("GET /v1/admin/stock/levels", func(r *http.Request) any {
		return items([]map[string]any{{"location_id": "reno", "available": w.stock[r.URL.Query().Get("sku")]}, {"location_id": "old", "available": 7}})
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return shopclient.New(s.URL)
}

func (w *world) run(t *testing.T) (Report, string, error) {
	t.Helper()
	c := w.serve(t)
	var out strings.Builder
	r, err := Run(t.Context(), Options{Staff: c, Guest: c, Sample: sold, Standstill: 3 * time.Second, Settle: time.Millisecond, Out: &out})
	r.Print(&out)
	return r, out.String(), err
}

func TestAllAgree(t *testing.T) {
	t.Parallel()
	w := newWorld()
	delete(w.page, "p3") // taken out a moment ago
	four := w.page["p4"]
	four.Variants = []catalogapi.Variant{{SKU: "SKU-4"}} // without a price
	w.page["p4"] = four
	delete(w.found, "SKU-4")
	r, out, err := w.run(t)
	if err != nil || w.asked != 1 || r.Build != 5 || r.Products != sold || r.Documents != sold || r.Compared != sold || len(r.Differences) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, want := range []string{"index [", "compared [", fmt.Sprintf("%d/%[1]d", sold), "agree"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not said:\n%s", want, out)
		}
	}
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	hit := func(change func(*catalogapi.ProductSummary)) func(*world) {
		return func(w *world) {
			p := w.found["SKU-7"]
			change(&p)
			w.found["SKU-7"] = p
		}
	}
	for want, change := range map[string]func(*world){
		"not found by its SKU SKU-7":           func(w *world) { delete(w.found, "SKU-7") },
		`search says "Old" (slug-p7), catalog`: hit(func(p *catalogapi.ProductSummary) { p.Title = "Old" }),
		"costs 9.99 USD, catalog 10.00 USD":    hit(func(p *catalogapi.ProductSummary) { p.Price = money.New(999, "USD") }),
		"in stock: false, catalog: true":       hit(func(p *catalogapi.ProductSummary) { p.InStock = false }),
		"pricing has no such price of SKU-7":   func(w *world) { w.price["SKU-7"] = 1100 },
		"in stock: true, inventory has 0":      func(w *world) { w.stock["SKU-7"] = 0 },
		"it has no price, and is listed":       func(w *world) { w.page["p7"].Variants[0].Price = nil },
		"11 documents, catalog publishes 12":   func(w *world) { w.index[2].Documents-- },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			change(w)
			r, out, err := w.run(t)
			if err != nil || len(r.Differences) != 1 || !strings.Contains(r.Differences[0].Detail, want) || !strings.Contains(out, want) {
				t.Fatalf("%+v, %v", r.Differences, err)
			}
			if p := r.Differences[0].Product; p != "" && p != "slug-p7" {
				t.Errorf("it is of %q", p)
			}
		})
	}
}

// What is under way is looked at again, and an index that stands still is given up.
func TestPatience(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.found["SKU-7"] = catalogapi.ProductSummary{ID: "p7", Price: ten}
	c := w.serve(t)
	go func() {
		for {
			w.mu.Lock()
			if w.looks["SKU-7"] > 1 {
				w.found["SKU-7"] = catalogapi.ProductSummary{ID: "p7", Slug: "slug-p7", Title: "Title p7", Price: ten, InStock: true}
				w.mu.Unlock()
				return
			}
			w.mu.Unlock()
			if wait(t.Context(), time.Millisecond) != nil {
				return
			}
		}
	}()
	r, err := Run(t.Context(), Options{Staff: c, Guest: c, Sample: sold, Standstill: time.Minute, Settle: time.Minute, Out: io.Discard})
	if err != nil || len(r.Differences) != 0 || r.Compared != sold {
		t.Errorf("%+v, %v", r, err)
	}

	w = newWorld()
	w.index = []searchapi.Index{{Status: searchapi.IndexBuilding, Products: sold, Building: &searchapi.Building{Written: 5}, Error: "the disk is full"}}
	c = w.serve(t)
	if _, err := Run(t.Context(), Options{Staff: c, Guest: c, Standstill: 500 * time.Millisecond, Out: io.Discard}); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("it stands still: %v", err)
	}
}

// The same seed draws the same products.
func TestSample(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := w.serve(t)
	drawn := func(seed uint64) string {
		r := &run{Options: Options{Staff: c, Sample: 4, Seed: seed}}
		sample, err := r.walk(t.Context())
		if err != nil || len(sample) != 4 || r.Products != sold {
			t.Fatalf("%v of %d, %v", sample, r.Products, err)
		}
		return fmt.Sprint(sample)
	}
	one := drawn(1)
	if again := drawn(1); again != one {
		t.Errorf("the same seed draws %s and %s", one, again)
	}
	if one == drawn(2) && one == drawn(3) {
		t.Errorf("whatever the seed, it draws %s", one)
	}
}
