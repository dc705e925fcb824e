package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
)

func batchOf(importID string, products ...string) catalogapi.BatchInput {
	b := catalogapi.BatchInput{ImportID: importID}
	for i, p := range products {
		b.Items = append(b.Items, catalogapi.BatchItem{Row: int64(i + 1), Source: json.RawMessage(fmt.Sprintf(`{"line":%d}`, i+1)), Product: json.RawMessage(p)})
	}
	return b
}

// outcomes are the outcomes of a batch with the places of their faults.
func (s *shop) batch(b catalogapi.BatchInput) (all []string) {
	s.t.Helper()
	var out catalogapi.BatchResult
	s.staff.Do("POST", "/v1/admin/products/batch", b).Want(200).JSON(&out)
	for i, r := range out.Items {
		if r.Row != b.Items[i].Row || (r.ProductID == "") != (r.Outcome == "refused") {
			s.t.Errorf("%+v", r)
		}
		one := r.Outcome
		for _, e := range r.Errors {
			one += " " + e.Location
		}
		all = append(all, one)
	}
	return all
}

func TestBatch(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	rows := []string{
		sofa(0),
		shirt,
		`{"title":"","category_code":"furniture","colour":"red","variants":[{}]}`,
		`"a sofa"`,
		strings.Replace(sofa(1), "SOFA-101", "SH-S-N", 1), // another row's SKU
		sofa(0),                                  // the same again
		strings.Replace(shirt, `"s"`, `"xs"`, 1), // and one with a fault of its own
		strings.Replace(sofa(2), "SOFA-102", "SOFA-2", 1),
	}
	want := []string{"created", "created", "refused colour title variants[0].sku", "refused ", "refused variants[0].sku", "refused external_id", "refused variants[0].attributes.size external_id", "created"}
	if diff := cmp.Diff(want, s.batch(batchOf("import-1", rows...))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int64{3, 4, 5, 6, 7}, s.excepted("import_id=import-1")); diff != "" {
		t.Error(diff)
	}
	rows[2], rows[3], rows[4] = sofa(3), sofa(4), sofa(1)
	rows[0] = strings.Replace(sofa(0), "Sofa", "Couch", 1)
	want = []string{"updated", "unchanged", "created", "created", "created", "refused external_id", "refused variants[0].attributes.size external_id", "unchanged"}
	if diff := cmp.Diff(want, s.batch(batchOf("import-1", rows...))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int64{6, 7}, s.excepted("import_id=import-1")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int64{3, 4, 5, 6, 7}, s.excepted("resolved=true")); diff != "" {
		t.Error(diff)
	}
	s.staff.Do("POST", "/v1/admin/products/batch", `{"items":[]}`).Problem(422, "validation-failed")
	s.staff.Do("POST", "/v1/admin/products/batch", `{"items":[{"row":1}]}`).Problem(422, "validation-failed")
}

// excepted lists the rows that are exceptions, over all pages.
func (s *shop) excepted(query string) (rows []int64) {
	s.t.Helper()
	cursor := ""
	for range 10 {
		var page struct {
			Items      []ExceptionView
			NextCursor *string `json:"next_cursor"`
		}
		s.reader.Do("GET", "/v1/admin/migration-exceptions?limit=2&"+query+"&cursor="+cursor, nil).Want(200).JSON(&page)
		for _, e := range page.Items {
			if len(e.Errors) == 0 || !strings.Contains(string(e.Source), "line") {
				s.t.Errorf("%+v", e)
			}
			rows = append(rows, e.Row)
		}
		if page.NextCursor == nil {
			break
		}
		cursor = *page.NextCursor
	}
	return rows
}

func TestUnmappedRows(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	row := `{"import_id":"i","row":7,"source":{"line":7},"errors":[{"location":"price","message":"is no number"}]}`
	s.staff.Do("POST", "/v1/admin/migration-exceptions", row).Want(204)
	s.staff.Do("POST", "/v1/admin/migration-exceptions", row).Want(204)
	keyed := s.staff.With("Idempotency-Key", "k")
	keyed.Do("POST", "/v1/admin/migration-exceptions", row).Want(204)
	if a := keyed.Do("POST", "/v1/admin/migration-exceptions", row).Want(204); a.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%v", a.Header)
	}
	if got := s.excepted("import_id=i"); len(got) != 1 {
		t.Errorf("%v", got)
	}
	s.staff.Do("POST", "/v1/admin/migration-exceptions", `{"import_id":"","row":7,"errors":[]}`).Problem(422, "validation-failed")
}

// TestBatchCost counts: statements must not grow with the batch.
func TestBatchCost(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	cost := func(from, n int) int {
		var w app.Write
		for i := from; i < from+n; i++ {
			w.Items = append(w.Items, catalog.Item{Product: catalog.Product{ExternalID: fmt.Sprint("x", i), Title: fmt.Sprint("Thing ", i), Category: "furniture",
				Values: catalog.Values{"width": json.RawMessage("12.5")}, Variants: []catalog.Variant{{SKU: fmt.Sprint("T-", i)}}}})
			w.Rows = append(w.Rows, app.Row{Number: int64(i)})
		}
		ctx, counter := pg.WithCounter(context.WithoutCancel(t.Context()))
		staff := &app.Staff{Store: s.store, Language: "en", Now: clock}
		results, _, err := staff.Batch(ctx, "staff:1", idem.Key{}, w)
		if err != nil || len(results) != n || results[n-1].Kind != catalog.Created {
			t.Fatal(err, results)
		}
		return counter.Statements()
	}
	cost(0, 1) // reads the registry
	one, many := cost(1, 1), cost(2, 400)
	if one != many || many > 12 {
		t.Errorf("one product costs %d statements, 400 cost %d", one, many)
	}
}
