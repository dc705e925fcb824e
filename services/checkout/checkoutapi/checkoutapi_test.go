package checkoutapi_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
)

// The stored forms are what subscribers were promised: members may be added, none may change or go.
func TestEventsKeepTheirForm(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)
	for file, event := range map[string]any{
		"testdata/checkout.abandoned.v1.json": checkoutapi.AbandonedV1{Sequence: 1, CheckoutID: "0123456789abcdef0123456789abcdef", CartID: "fedcba9876543210fedcba9876543210",
			CartVersion: 3, CustomerID: "c1", Email: "customer@example.com", Currency: "USD", Country: "US",
			Lines: []checkoutapi.AbandonedLine{{SKU: "shirt", ProductID: "p1", Title: "A shirt", ImageURL: "/media/shirt.svg", Quantity: 2, Total: money.New(3998, "USD")}},
			Total: money.New(4597, "USD"), Missing: []string{"payment_method"}, AbandonedAt: noon, ExpiresAt: noon.Add(30 * time.Minute)},
		"testdata/checkout.resumed.v1.json": checkoutapi.ResumedV1{Sequence: 2, CheckoutID: "0123456789abcdef0123456789abcdef", CartID: "fedcba9876543210fedcba9876543210",
			CustomerID: "c1", ResumedAt: noon},
		"testdata/checkout.expired.v1.json": checkoutapi.ExpiredV1{Sequence: 1, CheckoutID: "0123456789abcdef0123456789abcdef", CartID: "fedcba9876543210fedcba9876543210",
			OrderID: "0198f000-0000-7000-8000-000000000000", ExpiredAt: time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)},
	} {
		kept, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		now, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		var want, got map[string]any
		if err := json.Unmarshal(kept, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(now, &got); err != nil {
			t.Fatal(err)
		}
		for member, value := range want {
			if diff := cmp.Diff(value, got[member]); diff != "" {
				t.Errorf("%s: %s: %s", file, member, diff)
			}
		}
	}
}
