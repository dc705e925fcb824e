package chaos

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

// lost makes news that cart cannot take in, so that they end among its dead letters. The returned function has them put back and waits
// until cart knows.
func lost(t *testing.T) (putBack func()) {
	t.Helper()
	sku := s.Goods(t, "dead-letter", 5)
	run := func(sql string) {
		if _, err := s.DB(t, "cart").Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	level := func() (available int64) {
		if err := s.DB(t, "cart").QueryRow(t.Context(), `SELECT coalesce(max(available), -1) FROM levels WHERE sku = $1`, sku).Scan(&available); err != nil {
			t.Fatal(err)
		}
		return available
	}
	shop.Eventually(t, recovery, func() error {
		if n := level(); n != 5 {
			return fmt.Errorf("cart knows of %d", n)
		}
		return nil
	})
	before := deadLetters(t)
	run(`ALTER TABLE levels RENAME TO levels_away`)
	back := sync.OnceFunc(func() { run(`ALTER TABLE levels_away RENAME TO levels`) })
	defer back()
	s.Staff(t, 200, "POST", "/v1/admin/stock/receive", inventoryapi.StockInput{Reference: "more " + sku,
		Lines: []inventoryapi.StockLine{{SKU: sku, LocationID: "test-shelf", Quantity: 7}}}, nil)
	shop.Eventually(t, recovery, func() error {
		if deadLetters(t) == before {
			return errors.New("what cart could not take in is no dead letter")
		}
		return nil
	})
	back()
	if n := level(); n != 5 {
		t.Errorf("cart knows of %d, although nobody could tell it", n)
	}
	return func() {
		t.Helper()
		if out, err := s.Sidecart(t.Context(), "events", "replay", "--app", "cart", "--dir", s.Root, "--data", s.Data); err != nil {
			t.Fatalf("events replay: %v\n%s", err, out)
		}
		shop.Eventually(t, recovery, func() error {
			if n := level(); n != 12 {
				return fmt.Errorf("after the replay cart knows of %d, want 12", n)
			}
			return nil
		})
	}
}
