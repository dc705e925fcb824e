package postgres

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var by = app.Change{Actor: "staff:1", At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}

func open(t testing.TB) (*Store, *pgxpool.Pool) {
	t.Helper()
	pool := testkit.Schema(t, Migrations()...)
	return New(pool, outbox.New(pool, outbox.Options{Source: "catalog"}), "en"), pool
}

func do(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// furnished is a store with one attribute of each kind, a category and a brand.
func furnished(t testing.TB) (*Store, *pgxpool.Pool) {
	t.Helper()
	s, pool := open(t)
	var rules []catalog.Rule
	for _, a := range []catalog.Attribute{
		{Code: "size", Label: "Size", Type: catalog.Enum, Choices: []catalog.Choice{{Value: "s", Label: "S", Labels: catalog.Texts{"de": "klein"}}, {Value: "m", Label: "M"}}},
		{Code: "tags", Label: "Tags", Type: catalog.MultiEnum, Choices: []catalog.Choice{{Value: "new", Label: "New"}, {Value: "old", Label: "Old"}}},
		{Code: "width", Label: "Width", Labels: catalog.Texts{"de": "Breite"}, Type: catalog.Decimal, Unit: "cm"},
		{Code: "seats", Label: "Seats", Type: catalog.Integer},
		{Code: "tint", Label: "Tint", Type: catalog.Colour},
		{Code: "care", Label: "Care", Type: catalog.Text},
		{Code: "folds", Label: "Folds", Type: catalog.Boolean},
		{Code: "made", Label: "Made on", Type: catalog.Date},
	} {
		do(t, s.PutAttribute(t.Context(), by, a))
		rules = append(rules, catalog.Rule{Code: a.Code, VariantDefining: a.Code == "size", Filterable: a.Code == "size" || a.Code == "seats", Searchable: a.Code == "care"})
	}
	do(t, s.PutCategory(t.Context(), by, catalog.Category{Code: "chairs", Name: "Chairs", Names: catalog.Texts{"de": "Stühle"}, Slug: "chairs", Rules: rules}))
	do(t, s.PutBrand(t.Context(), by, catalog.Brand{Code: "alder", Name: "Alder"}))
	return s, pool
}

func chair() catalog.Product {
	return catalog.Product{
		ExternalID: "chair-1", Title: "Folding <chair>", Description: "It folds.", Brand: "alder", Category: "chairs", Status: catalog.Published,
		Values: catalog.Values{"tags": json.RawMessage(`["old","new"]`), "width": json.RawMessage(`"44.50 cm"`), "seats": json.RawMessage("1"),
			"tint": json.RawMessage(`"#AABBCC"`), "care": json.RawMessage(`"Wipe & dry"`), "folds": json.RawMessage("true"), "made": json.RawMessage(`"2026-02-28"`)},
		Images: []catalog.Image{{URL: "/media/chair.svg", Alt: "A chair"}}, Popularity: 9,
		Variants: []catalog.Variant{
			{SKU: "C-S", Barcode: "2000000000015", WeightGrams: 2500, Size: &catalog.Size{Length: 1, Width: 2, Height: 3}, Values: catalog.Values{"size": json.RawMessage(`"s"`)}},
			{SKU: "C-M", Values: catalog.Values{"size": json.RawMessage(`"m"`)}, Images: []catalog.Image{{URL: "https://img.example/m.png"}}},
		},
		Titles: catalog.Texts{"de": "Klappstuhl"}, Descriptions: catalog.Texts{"de": "Lässt sich falten."},
	}
}

const chairID = "019c0000-0000-7000-8000-000000000001"

func (s *Store) put(t testing.TB, id string, p catalog.Product) {
	t.Helper()
	_, _, err := s.Write(t.Context(), by, idem.Key{}, app.Write{Alone: true, Items: []catalog.Item{{NewID: id, Product: p}}})
	do(t, err)
}

// golden compares JSON with a file of testdata. What stands there was stored or sent: a field may come, none may go or change.
func golden(t *testing.T, file string, raw []byte) {
	t.Helper()
	var v any
	do(t, json.Unmarshal(raw, &v))
	got, err := json.MarshalIndent(v, "", "  ")
	do(t, err)
	if *update {
		do(t, os.WriteFile(file, append(got, '\n'), 0o644))
	}
	want, err := os.ReadFile(file)
	do(t, err)
	if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
		t.Errorf("%s (run with -update if only fields were added): %s", file, diff)
	}
}

func TestStoredAndSentForms(t *testing.T) {
	t.Parallel()
	s, pool := furnished(t)
	s.put(t, chairID, chair())
	var doc, event []byte
	do(t, pool.QueryRow(t.Context(), `SELECT doc FROM products WHERE id = $1`, chairID).Scan(&doc))
	do(t, pool.QueryRow(t.Context(), `SELECT data FROM outbox WHERE subject = $1`, chairID).Scan(&event))
	golden(t, "testdata/product.json", doc)
	golden(t, "../../catalogapi/testdata/product_changed.v1.json", event)
	k, err := s.Product(t.Context(), chairID)
	do(t, err)
	if k.Product.Hash() != k.Hash {
		t.Error("a product that was read has another hash than when it was written")
	}
}

func TestRegistryIsReadAgainWhenItChanges(t *testing.T) {
	t.Parallel()
	s, pool := furnished(t)
	other := New(pool, outbox.New(pool, outbox.Options{Source: "catalog"}), "en") // another replica
	s.put(t, chairID, chair())
	if _, err := other.Registry(t.Context()); err != nil {
		t.Fatal(err)
	}
	do(t, s.PutBrand(t.Context(), by, catalog.Brand{Code: "alder", Name: "Alder & Daughters"}))
	page, err := other.Page(t.Context(), "folding-chair", app.Market{Currency: "USD", Country: "US", Now: by.At})
	do(t, err)
	if got := page.Registry.BrandName(&page.Product); got != "Alder & Daughters" {
		t.Errorf("a replica shows brand %q", got)
	}
}

func TestReplicasIgnoreWhatIsStale(t *testing.T) {
	t.Parallel()
	s, _ := furnished(t)
	s.put(t, chairID, chair())
	prices := func(sequence int64, minor ...int64) {
		var all []app.Price
		for i, m := range minor {
			all = append(all, app.Price{List: fmt.Sprint("l", i), Amount: money.New(m, "USD")})
		}
		do(t, s.KeepPrices(t.Context(), app.Event{Subject: "C-S", Sequence: sequence}, "C-S", all))
	}
	level := func(sequence, available int64) {
		do(t, s.KeepLevel(t.Context(), app.Event{Subject: "C-S", Sequence: sequence}, "C-S", app.Level{Available: available}))
	}
	offer := func() app.Offer {
		page, err := s.Page(t.Context(), chairID, app.Market{Currency: "USD", Country: "US", Now: by.At})
		do(t, err)
		return page.Offers["C-S"]
	}
	prices(2, 500, 400)
	prices(1, 100)
	prices(2, 200)
	level(5, 7)
	level(4, 9)
	if got := offer(); got.Price.Minor != 400 || got.Available != 7 {
		t.Errorf("%+v", got)
	}
	prices(3)
	level(6, -1)
	if got := offer(); got.Price != nil || got.Available != -1 {
		t.Errorf("after the price went: %+v", got)
	}
}

// Events of one SKU that are taken in at once, as brokers and replicas do: the prices of the last one stay, and no others.
func TestPricesOfOneSKUAtOnce(t *testing.T) {
	t.Parallel()
	s, pool := furnished(t)
	const skus, events = 40, 6
	var all sync.WaitGroup
	for sku := range skus {
		for sequence := range int64(events) {
			all.Go(func() {
				id := fmt.Sprint("S-", sku)
				price := app.Price{List: "l", Amount: money.New(100+sequence, "USD")}
				if err := s.KeepPrices(t.Context(), app.Event{Subject: id, Sequence: sequence + 1}, id, []app.Price{price}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	var rows, right int
	do(t, pool.QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE amount = $1) FROM sku_prices`, 100+events-1).Scan(&rows, &right))
	if rows != skus || right != skus {
		t.Errorf("%d prices of %d SKUs, %d of them the last ones", rows, skus, right)
	}
}

func TestVariantsComeAndGo(t *testing.T) {
	t.Parallel()
	s, _ := furnished(t)
	s.put(t, chairID, chair())
	p := chair()
	p.Variants = p.Variants[1:]
	s.put(t, "019c0000-0000-7000-8000-000000000002", p) // by its external id it is the same
	found, _, err := s.Sellables(t.Context(), []string{"C-S", "C-M"})
	do(t, err)
	if len(found) != 1 || found["C-M"].ID != chairID || found["C-M"].Version != 2 {
		t.Errorf("%+v", found)
	}
	other := catalog.Product{Title: "Stool", Category: "chairs", Variants: []catalog.Variant{{SKU: "C-S"}}}
	s.put(t, "019c0000-0000-7000-8000-000000000003", other)
	if found, _, err = s.Sellables(t.Context(), []string{"C-S"}); err != nil || found["C-S"].Product.Title != "Stool" {
		t.Errorf("a SKU that went may come back elsewhere: %+v %v", found, err)
	}
}

func TestReadersDoNotWaitForAWriter(t *testing.T) {
	t.Parallel()
	s, pool := furnished(t)
	s.put(t, chairID, chair())
	tx, err := pool.Begin(t.Context())
	do(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = tx.Exec(t.Context(), `SELECT version FROM registry_version FOR UPDATE`)
	do(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := s.Page(ctx, chairID, app.Market{Currency: "USD", Country: "US", Now: by.At}); err != nil {
		t.Error(err)
	}
	if _, err := s.Registry(ctx); err != nil {
		t.Error(err)
	}
}

func TestNothingStaysOfAFailedWrite(t *testing.T) {
	t.Parallel()
	s, pool := furnished(t)
	_, err := pool.Exec(t.Context(), `ALTER TABLE outbox ADD CONSTRAINT full_disk CHECK (false) NOT VALID`) // the last statement fails
	do(t, err)
	key := idem.Key{Scope: "s", Key: "k"}
	w := app.Write{Alone: true, Items: []catalog.Item{{NewID: chairID, Product: chair()}}}
	if _, _, err := s.Write(t.Context(), by, key, w); !pg.Violates(err, "full_disk") {
		t.Fatalf("%v", err)
	}
	for _, table := range []string{"products", "variants", "product_slugs", "idempotency_keys"} {
		var n int
		do(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&n))
		if n != 0 {
			t.Errorf("%d rows in %s", n, table)
		}
	}
	_, err = pool.Exec(t.Context(), `ALTER TABLE outbox DROP CONSTRAINT full_disk`)
	do(t, err)
	if _, replayed, err := s.Write(t.Context(), by, key, w); err != nil || replayed {
		t.Errorf("the key is not free again: %v %v", replayed, err)
	}
}

func TestConstraints(t *testing.T) {
	t.Parallel()
	s, pool := furnished(t)
	s.put(t, chairID, chair())
	insert := `INSERT INTO products (id, external_id, slug, title, category_code, status, popularity, attributes, doc, version, content_hash, created_at, updated_at)
		VALUES (gen_random_uuid(), '%s', 's', 't', '%s', '%s', %d, '{}', '{}', 1, '', now(), now())`
	for constraint, sql := range map[string]string{
		"products_external_id": fmt.Sprintf(insert, "chair-1", "chairs", "draft", 0),
		"products_category":    fmt.Sprintf(insert, "x", "nowhere", "draft", 0),
		"products_status":      fmt.Sprintf(insert, "x", "chairs", "sold", 0),
		"products_popularity":  fmt.Sprintf(insert, "x", "chairs", "draft", -1),
		"product_slugs_slug":   `INSERT INTO product_slugs VALUES ('folding-chair', '` + chairID + `')`,
		"variants_sku":         `INSERT INTO variants VALUES ('C-S', '` + chairID + `', 0, '{}')`,
		"variants_product":     `INSERT INTO variants VALUES ('X', gen_random_uuid(), 0, '{}')`,
		"categories_slug":      `INSERT INTO categories (code, name, slug, updated_at) VALUES ('x', 'x', 'chairs', now())`,
		"categories_parent":    `INSERT INTO categories (code, name, slug, parent_code, updated_at) VALUES ('x', 'x', 'x', 'nowhere', now())`,
		"attributes_type":      `INSERT INTO attributes (code, label, type, updated_at) VALUES ('x', 'x', 'float', now())`,
	} {
		if _, err := pool.Exec(t.Context(), sql); !pg.Violates(err, constraint) {
			t.Errorf("%s does not hold: %v", constraint, err)
		}
	}
}

func TestOldKeysAreForgotten(t *testing.T) {
	t.Parallel()
	s, pool := furnished(t)
	_, _, err := s.Write(t.Context(), by, idem.Key{Scope: "s", Key: "new"}, app.Write{Alone: true, Items: []catalog.Item{{NewID: chairID, Product: chair()}}})
	do(t, err)
	_, err = pool.Exec(t.Context(), `INSERT INTO idempotency_keys (scope, key, hash, created_at) VALUES ('s', 'old', sha256('x'), now() - interval '25 hours')`)
	do(t, err)
	do(t, s.Prune(t.Context()))
	var left []string
	do(t, pool.QueryRow(t.Context(), `SELECT array_agg(key) FROM idempotency_keys`).Scan(&left))
	if len(left) != 1 || left[0] != "new" {
		t.Errorf("%v", left)
	}
}
