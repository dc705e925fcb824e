package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// restock puts a hundred thousand pieces of every SKU on offer on a shelf, once, so that no measurement is sold out.
func (r *runner) restock(ctx context.Context) error {
	if r.stocked {
		return nil
	}
	if err := r.staff.Put(ctx, "/v1/admin/locations/bench", inventoryapi.LocationInput{Name: "Bench", Country: "US", Priority: 99, Enabled: true}, nil); err != nil {
		return err
	}
	goods, err := onOffer(ctx, shopclient.New(r.state.Gateway))
	if err != nil {
		return err
	}
	skus := goods.SKUs
	for from := 0; from < len(skus); from += 1000 {
		in := inventoryapi.StockInput{Reference: fmt.Sprintf("bench-%d-%d", time.Now().UnixNano(), from), Reason: "bench"}
		for _, sku := range skus[from:min(from+1000, len(skus))] {
			in.Lines = append(in.Lines, inventoryapi.StockLine{SKU: sku, LocationID: "bench", Quantity: 100_000})
		}
		if err := r.staff.Post(ctx, "/v1/admin/stock/receive", shopclient.Key(), in, nil); err != nil {
			return err
		}
	}
	r.stocked = true
	return nil
}

// makeGoods makes a published SKU with a price and stock, and waits until a cart takes it.
func (r *runner) makeGoods(ctx context.Context, stock int64) (string, error) {
	sku := fmt.Sprintf("BENCH-%d", time.Now().UnixNano())
	calls := []func() error{
		func() error {
			return r.staff.Put(ctx, "/v1/admin/categories/bench", catalogapi.CategoryInput{Name: "Bench", Slug: "bench"}, nil)
		},
		func() error {
			return r.staff.Post(ctx, "/v1/admin/products", shopclient.Key(), catalogapi.ProductInput{Title: "Bench " + sku, CategoryCode: "bench", Status: catalogapi.StatusPublished,
				TaxCategory: "standard", Attributes: map[string]json.RawMessage{}, Variants: []catalogapi.VariantInput{{SKU: sku}}}, nil)
		},
		func() error {
			return r.staff.Put(ctx, "/v1/admin/price-lists/bench", pricingapi.PriceListInput{Name: "Bench", Currency: "USD"}, nil)
		},
		func() error {
			return r.staff.Put(ctx, "/v1/admin/price-lists/bench/prices", pricingapi.PricesInput{Prices: []pricingapi.PriceInput{{SKU: sku, Amount: money.New(1999, "USD"), MinQuantity: 1}}}, nil)
		},
		func() error {
			return r.staff.Put(ctx, "/v1/admin/locations/bench", inventoryapi.LocationInput{Name: "Bench", Country: "US", Priority: 99, Enabled: true}, nil)
		},
		func() error {
			return r.staff.Post(ctx, "/v1/admin/stock/receive", shopclient.Key(), inventoryapi.StockInput{Reference: sku,
				Lines: []inventoryapi.StockLine{{SKU: sku, LocationID: "bench", Quantity: stock}}}, nil)
		},
	}
	for _, call := range calls {
		if err := call(); err != nil {
			return "", err
		}
	}
	guest := shopclient.New(r.state.Gateway)
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

// steady measures a k6 scenario at numbers of shoppers; statements are counted at the last.
func (r *runner) steady(ctx context.Context, name, what, unit string, s scenario, total func(context.Context) (float64, error), goals func(runs) []Goal) error {
	shoppers := []int{8, 32}
	for i, n := range shoppers {
		s.run = r.byK6(name, total, "SHOPPERS="+strconv.Itoa(n))
		u, err := r.measure(ctx, s, i == len(shoppers)-1)
		if err != nil {
			return err
		}
		res := Result{What: fmt.Sprintf("%s, %d shoppers", what, n), Figure: u.figure(unit), Notes: u.notes}
		if goals != nil && i == len(shoppers)-1 {
			res.Goals = goals(u)
		}
		r.note(res)
	}
	return nil
}

func (r *runner) suggest(ctx context.Context) error {
	const rate = 100
	u, err := r.measure(ctx, scenario{run: r.byK6("suggest", nil, fmt.Sprintf("RATE=%d", rate))}, true)
	if err != nil {
		return err
	}
	r.note(Result{What: fmt.Sprintf("suggestions at %d requests/s", rate), Figure: u.figure("answers"), Goals: []Goal{below("p99", u.p99, 10, " ms")}, Notes: u.notes})
	return nil
}

// storefront measures pages as browsers get them, from the storefront's own port.
func (r *runner) storefront(ctx context.Context) error {
	for _, page := range []struct {
		name string
		rate float64
	}{{"listing", 200}, {"product", 300}} {
		err := r.steady(ctx, "storefront-"+page.name, "storefront: "+page.name+" page, brotli", "pages", scenario{}, nil, func(u runs) []Goal {
			return []Goal{atLeast(u.rate, page.rate, " pages/s")}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) cart(ctx context.Context) error {
	return r.steady(ctx, "cart", "cart in 6 requests", "flows", scenario{}, nil, func(u runs) []Goal {
		return []Goal{atLeast(u.rate, 200, " flows/s"), below("p99", u.p99, 300, " ms")}
	})
}

func (r *runner) checkout(ctx context.Context) error {
	return r.steady(ctx, "checkout", "guest checkout in 10 requests, 2 lines, captured", "orders", scenario{prepare: r.restock}, r.captured, func(u runs) []Goal {
		return []Goal{atLeast(u.rate, 100, " orders/s"), below("completing p99", u.complete, 250, " ms")}
	})
}

// captured counts the orders whose whole amount is captured, by order's own database.
func (r *runner) captured(ctx context.Context) (float64, error) {
	return r.count(ctx, "order", `SELECT count(*)::float8 FROM orders WHERE captured_at IS NOT NULL AND captured = total`)
}

func (r *runner) count(ctx context.Context, service, query string, args ...any) (n float64, err error) {
	conn, err := pgx.Connect(ctx, r.state.Databases[service])
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	return n, conn.QueryRow(ctx, query, args...).Scan(&n)
}

func (r *runner) product(ctx context.Context) error {
	const rate = 300
	u, err := r.measure(ctx, scenario{run: r.byK6("product", nil, fmt.Sprintf("RATE=%d", rate))}, true)
	if err != nil {
		return err
	}
	r.note(Result{What: fmt.Sprintf("product page at %d requests/s", rate), Figure: u.figure("pages"), Goals: []Goal{below("p99", u.p99, 30, " ms")}, Notes: u.notes})
	return nil
}

// bigCart measures what a line costs by the size of its cart. One shopper, so that the cart waits for nobody.
func (r *runner) bigCart(ctx context.Context) error {
	notes, err := r.quiet(ctx)
	if err != nil {
		return err
	}
	sizes := []int{1, 10, 100, 500}
	env := "SIZES=" + strings.Join(strings.Fields(strings.Trim(fmt.Sprint(sizes), "[]")), ",")
	took := map[int][]float64{}
	for range r.Runs {
		s, _, err := r.k6(ctx, "bigcart", min(r.Duration, 20*time.Second), env, "SHOPPERS=1")
		if err != nil {
			return err
		}
		for _, n := range sizes {
			ms := s[fmt.Sprintf("added_%d", n)]["med"]
			if ms == 0 {
				return fmt.Errorf("no line was added to a cart of %d", n)
			}
			took[n] = append(took[n], ms)
		}
	}
	for _, n := range sizes {
		r.note(Result{What: fmt.Sprintf("the line that makes it %d in a cart, one shopper", n), Figure: fmt.Sprintf("p50 %.1f ms", median(took[n]))})
	}
	ratio := median(took[500]) / median(took[10])
	r.note(Result{What: "the 500th line of a cart against the 10th", Figure: fmt.Sprintf("%.1f ×", ratio), Goals: []Goal{atMost(ratio, 3, " ×")}, Notes: notes})
	return nil
}

// flash sells 200 pieces to 64 shoppers in 600 attempts and counts the orders.
func (r *runner) flash(ctx context.Context) error {
	const pieces, shoppers, attempts = 200, 64, 600
	var sold, refused []float64
	var sku string
	u, err := r.measure(ctx, scenario{
		prepare: func(ctx context.Context) (err error) {
			sku, err = r.makeGoods(ctx, pieces)
			return err
		},
		run: func(ctx context.Context, _ time.Duration) (outcome, error) {
			s, cpu, err := r.k6(ctx, "flash", 0, "SKU="+sku, fmt.Sprintf("SHOPPERS=%d", shoppers), fmt.Sprintf("ATTEMPTS=%d", attempts))
			if err != nil {
				return outcome{}, err
			}
			n, err := r.count(ctx, "order", `SELECT count(*)::float8 FROM orders WHERE placed_at IS NOT NULL AND snapshot -> 'lines' @> jsonb_build_array(jsonb_build_object('sku', $1::text))`, sku)
			sold, refused = append(sold, n), append(refused, s["sold_out"]["count"])
			o := s.outcome(cpu)
			o.operations = attempts
			return o, err
		},
	}, true)
	if err != nil {
		return err
	}
	took := median(u.seconds)
	r.note(Result{What: fmt.Sprintf("flash sale: %d shoppers, %d attempts at %d pieces, from the first request to the last answer", shoppers, attempts, pieces),
		Figure: fmt.Sprintf("%.0f sold, %.0f told that it is sold out, in %.1f s", median(sold), median(refused), took),
		Goals:  []Goal{exactly(sold, pieces), below("", took, 3, " s")}, Notes: append(u.notes, fmt.Sprintf("sold in each run, by the database: %.0f", sold))})
	return nil
}
