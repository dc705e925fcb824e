package bench

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Lists of lengths with a common divisor would leave most combinations out.
func TestGoodsDiffer(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "goods.ndjson")
	const n = 5000
	if err := writeGoods(file, "X", n); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Join(words(), " ")
	seen := map[string]map[any]bool{}
	for line := range strings.Lines(string(data)) {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		for field, v := range row {
			if seen[field] == nil {
				seen[field] = map[any]bool{}
			}
			seen[field][v] = true
		}
		for _, w := range strings.Fields(strings.ToLower(row["name"].(string))) {
			if w != "in" && !strings.Contains(known, w) {
				t.Fatalf("%q is not among the words", w)
			}
		}
	}
	for field, want := range map[string]int{"sku": n, "name": n, "description": n / 2, "brand": len(makers), "category": len(things), "colour": len(colours), "material": len(materials), "price": 300} {
		if len(seen[field]) < want {
			t.Errorf("%d different values of %s, want %d", len(seen[field]), field, want)
		}
	}
}
