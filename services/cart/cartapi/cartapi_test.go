package cartapi

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// The event is what others have stored and replay: it may gain members, and lose none. A new member is added to the file.
func TestAbandonedV1KeepsItsForm(t *testing.T) {
	t.Parallel()
	got, err := json.MarshalIndent(AbandonedV1{
		Sequence: 1, CartID: "0123456789abcdef0123456789abcdef", Version: 3, CustomerID: "c1", Currency: "USD",
		Lines: []AbandonedLine{{SKU: "shirt", Quantity: 2}}, Total: money.New(3998, "USD"), LastTouched: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/abandoned.v1.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.TrimSpace(got), bytes.TrimSpace(want)) {
		t.Errorf("the event is now\n%s", got)
	}
	var back AbandonedV1
	if err := json.Unmarshal(want, &back); err != nil || back.Total.Minor != 3998 {
		t.Errorf("stored events cannot be read: %v", err)
	}
}
