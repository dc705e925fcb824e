package pricingapi

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/money"
)

// What is published stays readable: a member that is renamed or lost differs from the golden form. New members are added to it.
func TestEventIsGolden(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
	to, compare := from.Add(time.Hour), money.New(2499, "USD")
	data, err := json.Marshal(PricesChangedV1{Sequence: 3, SKU: "MUG-1", Prices: []ListPriceV1{{
		PriceListID: "us", Amount: money.New(1999, "USD"), CompareAtPrice: &compare, MinQuantity: 10, TaxIncluded: true, Channel: "app",
		CustomerGroup: "trade", Countries: []string{"US"}, Priority: 5, ValidFrom: &from, ValidTo: &to,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("testdata/prices_changed.v1.json")
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if err := json.Unmarshal(golden, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-golden +now:\n%s", diff)
	}
}
