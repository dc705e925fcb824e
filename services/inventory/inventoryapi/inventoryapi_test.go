package inventoryapi

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What is published stays readable: a member that is renamed or lost differs from the golden form. New members are added to it.
func TestEventsAreGolden(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
	for file, event := range map[string]any{
		"level_changed.v1.json":    &LevelChangedV1{Sequence: 7, SKU: "MUG-1", OnHand: 3, Allocated: 3, Owed: 2, InStock: 0, Available: 8, Status: StatusBackorder, ShipsAt: &at},
		"low_stock.v1.json":        &LowStockV1{Sequence: 8, SKU: "MUG-1", InStock: 4, Threshold: 5},
		"back_in_stock.v1.json":    &BackInStockV1{Sequence: 9, SKU: "MUG-1", Available: 8, Status: StatusBackorder, ShipsAt: &at},
		"backorder_filled.v1.json": &BackorderFilledV1{Sequence: 1, AllocationID: "0198-1", Owner: "c0ffee", LineID: "l1", SKU: "MUG-1", LocationID: "reno", Quantity: 2},
		"hold_expired.v1.json":     &HoldExpiredV1{Sequence: 1, HoldID: "c0ffee:MUG-1", Owner: "c0ffee", SKU: "MUG-1", Quantity: 2, ExpiredAt: at},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			golden, err := os.ReadFile("testdata/" + file)
			if err != nil {
				t.Fatal(err)
			}
			data, err := json.Marshal(event)
			if err != nil {
				t.Fatal(err)
			}
			var want, got map[string]any
			if err := json.Unmarshal(golden, &want); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-golden +now:\n%s", diff)
			}
		})
	}
}
