package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// restock puts a hundred thousand pieces of every SKU on a shelf, so that a measurement is never sold out.
func (r *runner) restock(ctx context.Context) error {
	if err := r.Staff.Put(ctx, "/v1/admin/locations/bench", inventoryapi.LocationInput{Name: "Bench", Country: "US", Priority: 99, Enabled: true}, nil); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, r.State.Databases["inventory"])
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT DISTINCT sku FROM stock_levels ORDER BY sku`)
	if err != nil {
		return err
	}
	skus, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for from := 0; from < len(skus); from += 1000 {
		in := inventoryapi.StockInput{Reference: fmt.Sprintf("bench-%d-%d", time.Now().UnixNano(), from), Reason: "bench"}
		for _, sku := range skus[from:min(from+1000, len(skus))] {
			in.Lines = append(in.Lines, inventoryapi.StockLine{SKU: sku, LocationID: "bench", Quantity: 100_000})
		}
		if err := r.Staff.Post(ctx, "/v1/admin/stock/receive", shopclient.Key(), in, nil); err != nil {
			return err
		}
	}
	return r.quiet(ctx)
}

// quiet waits until the news of what was written have been taken in, so that they are not measured with what follows: until the shop's
// processes are as good as idle.
func (r *runner) quiet(ctx context.Context) error {
	const window, limit, idle = 2 * time.Second, 2 * time.Minute, 0.4 // CPU seconds a window
	for begun := time.Now(); time.Since(begun) < limit; {
		before, err := r.used(ctx)
		if err != nil {
			return err
		}
		time.Sleep(window)
		after, err := r.used(ctx)
		if err != nil {
			return err
		}
		spent := 0.0
		for _, s := range after.minus(before).cpu {
			spent += s
		}
		if spent < idle {
			return nil
		}
	}
	return nil
}

// goods makes a published SKU with a price and stock, and waits until a cart takes it.
func (r *runner) goods(ctx context.Context, stock int64) (string, error) {
	sku := fmt.Sprintf("BENCH-%d", time.Now().UnixNano())
	calls := []func() error{
		func() error {
			return r.Staff.Put(ctx, "/v1/admin/categories/bench", catalogapi.CategoryInput{Name: "Bench", Slug: "bench"}, nil)
		},
		func() error {
			return r.Staff.Post(ctx, "/v1/admin/products", shopclient.Key(), catalogapi.ProductInput{Title: "Bench " + sku, CategoryCode: "bench", Status: catalogapi.StatusPublished,
				TaxCategory: "standard", Attributes: map[string]json.RawMessage{}, Variants: []catalogapi.VariantInput{{SKU: sku}}}, nil)
		},
		func() error {
			return r.Staff.Put(ctx, "/v1/admin/price-lists/bench", pricingapi.PriceListInput{Name: "Bench", Currency: "USD"}, nil)
		},
		func() error {
			return r.Staff.Put(ctx, "/v1/admin/price-lists/bench/prices", pricingapi.PricesInput{Prices: []pricingapi.PriceInput{{SKU: sku, Amount: money.New(1999, "USD"), MinQuantity: 1}}}, nil)
		},
		func() error {
			return r.Staff.Put(ctx, "/v1/admin/locations/bench", inventoryapi.LocationInput{Name: "Bench", Country: "US", Priority: 99, Enabled: true}, nil)
		},
		func() error {
			return r.Staff.Post(ctx, "/v1/admin/stock/receive", shopclient.Key(), inventoryapi.StockInput{Reference: sku,
				Lines: []inventoryapi.StockLine{{SKU: sku, LocationID: "bench", Quantity: stock}}}, nil)
		},
	}
	for _, call := range calls {
		if err := call(); err != nil {
			return "", err
		}
	}
	guest := shopclient.New(r.State.Gateway)
	for begun := time.Now(); ; {
		_, err := guest.Fill(ctx, shopclient.Guest{Currency: "USD", Items: []shopclient.Item{{SKU: sku, Quantity: 1}}})
		if err == nil {
			return sku, nil
		}
		if time.Since(begun) > 20*time.Second {
			return "", fmt.Errorf("%s does not become sellable: %w", sku, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// flash sells 200 pieces to 64 shoppers in 600 attempts and counts the orders.
func (r *runner) flash(ctx context.Context) error {
	sku, err := r.goods(ctx, 200)
	if err != nil {
		return err
	}
	begun := time.Now()
	s, err := r.k6(ctx, "flash", "SKU="+sku, "SHOPPERS=64", "ATTEMPTS=600")
	if err != nil {
		return err
	}
	took := time.Since(begun)
	conn, err := pgx.Connect(ctx, r.State.Databases["order"])
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var sold int
	if err := conn.QueryRow(ctx, `SELECT count(*) FROM orders WHERE placed_at IS NOT NULL AND snapshot -> 'lines' @> jsonb_build_array(jsonb_build_object('sku', $1::text))`, sku).Scan(&sold); err != nil {
		return err
	}
	r.note("flash", "flash sale: 64 shoppers, 600 attempts at 200 pieces", fmt.Sprintf("%d sold, %.0f told that it is sold out, in %.1f s (k6's own start included)",
		sold, s.of("sold_out", "count"), took.Seconds()), "exactly 200, < 8 s")
	return nil
}

// imports brings ten thousand SKUs into the catalogue.
func (r *runner) imports(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "sidecart-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	const n = 10_000
	file, err := os.Create(filepath.Join(dir, "goods.ndjson"))
	if err != nil {
		return err
	}
	stamp := time.Now().UnixNano()
	for i := range n {
		if _, err := fmt.Fprintf(file, `{"name":"Imported thing %d","sku":"IMP-%d-%d","description":"A thing that came by file, number %d.","brand":"Bench","category":"Bench","price":"%d.99"}`+"\n",
			i, stamp, i, i, 1+i%300); err != nil {
			return err
		}
	}
	if err := file.Close(); err != nil {
		return err
	}
	mapping := filepath.Join(r.Layout.Root, "tools", "bench", "import.yaml")
	cmd := exec.CommandContext(ctx, r.Tool, "import", "products", file.Name(), "--dir", r.Layout.Root, "--data", r.Layout.Data, "--mapping", mapping,
		"--import-id", fmt.Sprint("bench-", stamp))
	begun := time.Now()
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("import: %w\n%.2000s", err, said)
	}
	took := time.Since(begun)
	r.note("import", fmt.Sprintf("import of %d SKUs", n), fmt.Sprintf("%.0f SKUs/s (%.1f s)", n/took.Seconds(), took.Seconds()), "≥ 2,000 SKUs/s")
	return nil
}
