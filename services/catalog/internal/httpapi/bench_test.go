package httpapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
)

// full is a shop of 5,000 products in 3 sizes each, with prices and stock.
func full(b *testing.B) *shop {
	b.Helper()
	s := stocked(b)
	for n := range 25 {
		batch := catalogapi.BatchInput{}
		for i := range 200 {
			batch.Items = append(batch.Items, catalogapi.BatchItem{Row: int64(i), Product: json.RawMessage(manyShirts(n*200 + i))})
		}
		s.staff.Do("POST", "/v1/admin/products/batch", batch).Want(200)
	}
	for _, sql := range []string{
		`INSERT INTO sku_prices SELECT sku, c, 'l', 1000 + abs(hashtext(product_id::text)) % 9000, NULL, '{}', 0, NULL, NULL FROM variants, unnest(ARRAY['USD', 'EUR', 'GBP', 'JPY']) AS c`,
		`INSERT INTO sku_levels SELECT sku, abs(hashtext(sku)) % 10 FROM variants`,
		`ANALYZE`,
	} {
		if _, err := s.pool.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

func manyShirts(id int) string {
	var variants []string
	for _, size := range []string{"s", "m", "l"} {
		variants = append(variants, fmt.Sprintf(`{"sku":"B-%d-%s","barcode":"2000000000015","weight_grams":200,"attributes":{"size":"%s","colour":"navy"}}`, id, size, size))
	}
	return fmt.Sprintf(`{"external_id":"b-%[1]d","title":"Shirt number %[1]d","description":"%[2]s","category_code":"shirts","status":"published","popularity":%[1]d,
		"attributes":{"material":"linen"},"variants":[%[3]s]}`, id, strings.Repeat("A fine shirt. ", 40), strings.Join(variants, ","))
}

func BenchmarkBatch(b *testing.B) {
	s := stocked(b)
	skus := 0
	for n := 0; b.Loop(); n++ {
		batch := catalogapi.BatchInput{ImportID: "bench"}
		for i := range 200 {
			batch.Items = append(batch.Items, catalogapi.BatchItem{Row: int64(i), Product: json.RawMessage(manyShirts(n*200 + i))})
			skus += 3
		}
		s.staff.Do("POST", "/v1/admin/products/batch", batch).Want(200)
	}
	b.ReportMetric(float64(skus)/b.Elapsed().Seconds(), "SKUs/s")
}

func BenchmarkRead(b *testing.B) {
	s := full(b)
	for _, path := range []string{
		"/v1/products/shirt-number-777", "/v1/products", "/v1/products?sort=newest&in_stock=true", "/v1/products?sort=price", "/v1/products?category=clothing&attr.size=m",
		"/v1/products?q=number+49", "/v1/products?price_max=1010", "/v1/categories",
	} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				s.guest.Do("GET", path, nil).Want(200)
			}
		})
	}
}
