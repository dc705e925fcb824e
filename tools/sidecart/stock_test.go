package main

import (
	"strings"
	"testing"

	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

func TestAComparisonSaysWhy(t *testing.T) {
	t.Parallel()
	type stand = inventoryapi.Stand
	c := inventoryapi.Comparison{
		Levels: []inventoryapi.LevelDifference{
			{SKU: "mug", LocationID: "reno", Before: stand{OnHand: 10}, After: stand{OnHand: 17, Allocated: 5, Owed: 1}, Moves: map[string]inventoryapi.Moved{
				"receive": {Entries: 1, Stand: stand{OnHand: 7}, References: []string{"d-1"}}, "allocate": {Entries: 9, Stand: stand{Allocated: 5, Owed: 1}, References: []string{"o-1", "o-2", "o-3", "o-4"}}}},
			{SKU: "cup", LocationID: "reno", Before: stand{OnHand: 4}, After: stand{OnHand: 3}, Unexplained: stand{OnHand: -1}},
		},
		Holds: []inventoryapi.HoldDifference{{SKU: "mug", Before: 1, After: 3, OwnersBefore: 1, OwnersAfter: 2}},
	}
	var out strings.Builder
	printComparison(&out, c)
	for _, want := range []string{"10 → 17", "allocate 9× (+5 allocated +1 owed) by o-1 o-2 o-3 …, receive 1× (+7) by d-1", "4 → 3", "-1\n", "1 → 3", "1 → 2 carts"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not said:\n%s", want, &out)
		}
	}
	if unexplained(c) != 1 {
		t.Errorf("%d levels unexplained", unexplained(c))
	}
}

func TestFaultsAreSaidInWords(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]inventoryapi.Reconciliation{
		"every level and lot is":                      {},
		"mug: 3 held, but its holds are 1 (repaired)": {Faults: []inventoryapi.StockFault{{What: "holds", SKU: "mug", Is: inventoryapi.Stand{OnHand: 3}, Ledger: inventoryapi.Stand{OnHand: 1}, Repaired: true}}},
		"milk at reno, lot L-1: on hand 9, allocated 0; they should be 4 and 1 (not repaired)": {Faults: []inventoryapi.StockFault{{What: "lot", SKU: "milk", LocationID: "reno",
			Lot: "L-1", Is: inventoryapi.Stand{OnHand: 9}, Ledger: inventoryapi.Stand{OnHand: 4}, Reserved: inventoryapi.Stand{Allocated: 1}}}},
		"(missing: repair it with --lot milk@reno/L/1=DAY, its last day)": {Faults: []inventoryapi.StockFault{{What: "lot", SKU: "milk", LocationID: "reno", Lot: "L/1", Missing: true}}},
		"mug at reno: on hand 3, allocated 4, owed 0; the led":            {Faults: []inventoryapi.StockFault{{What: "level", SKU: "mug", LocationID: "reno", Is: inventoryapi.Stand{OnHand: 3, Allocated: 4}}}},
	} {
		var out strings.Builder
		if printFaults(&out, r); !strings.Contains(out.String(), want) {
			t.Errorf("%q is not said: %s", want, &out)
		}
	}
}

func TestAMissingLotIsNamed(t *testing.T) {
	t.Parallel()
	if got, err := missingLot("milk@reno/L/1=2030-02-28"); err != nil || got != (inventoryapi.MissingLot{SKU: "milk", LocationID: "reno", Lot: "L/1", ExpiresOn: "2030-02-28"}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "milk", "milk@reno", "milk@reno/L-1", "milk/reno@L-1=2030-02-28"} {
		if got, err := missingLot(bad); err == nil {
			t.Errorf("%q is %+v", bad, got)
		}
	}
}
