package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
)

var market = app.Market{Currency: "USD", Country: "US", Now: by.At}

// full is a store of n published chairs in two sizes. The price of both is that of the chair, two chairs to a price; three rows of
// prices in five are other currencies'.
func full(t testing.TB, n int, description string) (*Store, *pgxpool.Pool) {
	t.Helper()
	s, pool := furnished(t)
	var w app.Write
	for i := range n {
		p := catalog.Product{Title: fmt.Sprint("Chair ", i), Description: description, Category: "chairs", Status: catalog.Published}
		for _, size := range []string{"s", "m"} {
			p.Variants = append(p.Variants, catalog.Variant{SKU: fmt.Sprint(i, size), Values: catalog.Values{"size": json.RawMessage(`"` + size + `"`)}})
		}
		w.Items = append(w.Items, catalog.Item{NewID: fmt.Sprintf("019c0000-0000-7000-8000-%012d", i), Product: p})
	}
	results, _, err := s.Write(t.Context(), by, idem.Key{}, w)
	do(t, err)
	if i := slices.IndexFunc(results, func(r app.Result) bool { return r.Kind != catalog.Created }); i >= 0 {
		t.Fatalf("%+v", results[i])
	}
	for _, sql := range []string{
		`INSERT INTO sku_prices SELECT sku, c, 'l', 1000 + substring(product_id::text, 25)::bigint / 2, NULL, '{}', 0 FROM variants, unnest(ARRAY['USD', 'USD', 'EUR', 'GBP', 'JPY']) AS c`,
		`ANALYZE`,
	} {
		_, err := pool.Exec(t.Context(), sql)
		do(t, err)
	}
	return s, pool
}

// node is a step of a plan that was carried out.
type node struct {
	Alias string  `json:"Alias"`
	Loops float64 `json:"Actual Loops"`
	Plans []node  `json:"Plans"`
}

// times says how often a table was looked into, by its alias in the statement.
func (n node) times(alias string) (sum int) {
	if n.Alias == alias {
		sum = int(n.Loops)
	}
	for _, inner := range n.Plans {
		sum += inner.times(alias)
	}
	return sum
}

// TestAPageByPricePricesAPage: what a listing costs follows its page, not the catalogue.
func TestAPageByPricePricesAPage(t *testing.T) {
	t.Parallel()
	_, pool := full(t, 400, "")
	low, high := int64(1050), int64(1100)
	for name, l := range map[string]app.Listing{
		"cheapest":   {Sort: app.ByPriceUp},
		"dearest":    {Sort: app.ByPriceDown},
		"next page":  {Sort: app.ByPriceUp, After: &app.Position{Key: 1100, ID: "019c0000-0000-7000-8000-000000000201"}},
		"in a range": {Sort: app.ByPriceUp, Min: &low, Max: &high},
		"popular":    {Sort: app.ByPopularity},
		"newest":     {Sort: app.ByNewest},
	} {
		l.Market, l.Limit = market, 10
		q := listQuery(l)
		var raw []byte
		do(t, pool.QueryRow(t.Context(), `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) `+q.String(), q.args...).Scan(&raw))
		var plans []struct{ Plan node }
		do(t, json.Unmarshal(raw, &plans))
		// A product has 4 rows of prices and is looked at from each, with its 2 SKUs; a group of equal prices is read to its end.
		if n := plans[0].Plan.times("s"); n == 0 || n > 8*(readLength(10+1)+4) {
			t.Errorf("%s: prices of %d SKUs were looked up for a page of 10 products, all have 800", name, n)
		}
	}
}

// TestEverySortListsEachProductOnce compares the listings, page by page, with what the prices say.
func TestEverySortListsEachProductOnce(t *testing.T) {
	t.Parallel()
	s, _ := full(t, 30, "")
	offer := func(sku string, prices ...app.Price) {
		do(t, s.KeepPrices(t.Context(), app.Event{Subject: sku, Sequence: 1}, sku, prices))
	}
	usd := func(minor int64) app.Price { return app.Price{List: "l", Amount: money.New(minor, "USD")} }
	offer("3s", usd(5)) // its other size stays dear
	first := usd(7000)
	first.Priority = 1
	offer("4s", usd(1), first) // cheap, but not in the list that counts
	offer("4m", first, usd(1))
	offer("5s")
	offer("5m") // no price: not listed
	late := usd(1)
	late.From = by.At.AddDate(0, 0, 1)
	offer("6s", late, usd(9)) // two prices of one list, one for tomorrow
	var want []int64
	for i := range 30 {
		switch i {
		case 3:
			want = append(want, 5)
		case 4:
			want = append(want, 7000)
		case 5:
		case 6:
			want = append(want, 9)
		default:
			want = append(want, 1000+int64(i)/2)
		}
	}
	slices.Sort(want)
	for _, sort := range []string{app.ByPriceUp, app.ByPriceDown, app.ByPopularity, app.ByNewest} {
		var got []int64
		ids := map[string]bool{}
		l := app.Listing{Market: market, Sort: sort, Limit: 4}
		for {
			page, _, err := s.List(t.Context(), l)
			do(t, err)
			for _, p := range page[:min(len(page), l.Limit)] {
				got, ids[p.ID] = append(got, p.Price.Minor), true
				l.After = &p.Position
			}
			if len(page) <= l.Limit {
				break
			}
		}
		if (sort == app.ByPriceUp) != slices.IsSorted(got) {
			t.Errorf("%s: %v", sort, got)
		}
		if slices.Sort(got); !slices.Equal(got, want) || len(ids) != len(got) {
			t.Errorf("%s: %d products at\n%v, want\n%v", sort, len(ids), got, want)
		}
	}
}

// TestPagesOfEveryLengthShareFewPlans: each text of a statement is a plan that every connection keeps.
func TestPagesOfEveryLengthShareFewPlans(t *testing.T) {
	t.Parallel()
	s, _ := full(t, 110, "")
	texts := map[string]bool{}
	for limit := 1; limit <= 100; limit++ {
		l := app.Listing{Market: market, Sort: app.ByPopularity, Limit: limit}
		texts[listQuery(l).String()] = true
		if page, _, err := s.List(t.Context(), l); err != nil || len(page) != limit+1 {
			t.Errorf("%d products for a limit of %d: %v", len(page), limit, err)
		}
	}
	if len(texts) > 5 {
		t.Errorf("%d statements", len(texts))
	}
}

// counted counts what a connection reads.
type counted struct {
	net.Conn
	read *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// TestAListingReadsNoDocuments counts bytes and statements: descriptions and variants' details stay where they are.
func TestAListingReadsNoDocuments(t *testing.T) {
	t.Parallel()
	_, pool := full(t, 30, strings.Repeat("A fine chair. ", 1000))
	config := pool.Config()
	var read atomic.Int64
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return counted{conn, &read}, err
	}
	counting, err := pgxpool.NewWithConfig(t.Context(), config)
	do(t, err)
	defer counting.Close()
	s := New(counting, nil, "en")
	l := app.Listing{Market: market, Sort: app.ByPopularity, Limit: 24}
	_, _, err = s.List(t.Context(), l) // reads the registry
	do(t, err)
	before := read.Load()
	ctx, counter := pg.WithCounter(t.Context())
	page, _, err := s.List(ctx, l)
	do(t, err)
	if n := read.Load() - before; len(page) != 25 || n == 0 || n > 25*300 {
		t.Errorf("%d bytes for %d products with descriptions of 14,000", n, len(page))
	}
	if counter.Statements() != 1 {
		t.Errorf("%d statements, want 1", counter.Statements())
	}
}

// TestThePictureOfAListing is that of the page, whatever has one.
func TestThePictureOfAListing(t *testing.T) {
	t.Parallel()
	s, _ := furnished(t)
	without := chair()
	without.ExternalID, without.Images = "chair-2", nil
	for i := range without.Variants {
		without.Variants[i].SKU += "-2"
	}
	none := chair()
	none.ExternalID, none.Images, none.Variants = "chair-3", nil, []catalog.Variant{{SKU: "C-3"}}
	want := map[string]string{}
	for i, p := range []catalog.Product{chair(), without, none} {
		id := fmt.Sprintf("019c0000-0000-7000-8000-%012d", i)
		s.put(t, id, p)
		want[id] = p.Image()
		for _, v := range p.Variants {
			do(t, s.KeepPrices(t.Context(), app.Event{Subject: v.SKU, Sequence: 1}, v.SKU, []app.Price{{List: "l", Amount: money.New(1, "USD")}}))
		}
	}
	page, _, err := s.List(t.Context(), app.Listing{Market: market, Sort: app.ByNewest, Limit: 24})
	do(t, err)
	for _, p := range page {
		if got, ok := want[p.ID]; !ok || p.ImageURL != got {
			t.Errorf("%s: %q, want %q", p.ID, p.ImageURL, got)
		}
		delete(want, p.ID)
	}
	if len(want) != 0 {
		t.Errorf("not listed: %v", want)
	}
}
