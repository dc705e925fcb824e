package journeys

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/test/e2e/shop"
)

// What fell between two services is found while the shop runs: stock that is held for nobody is given free, and stock that does not add up is
// named by doctor, with its runbook, until people have repaired it.
func TestFindingsAreSeenAndMended(t *testing.T) {
	sku := s.Goods(t, "found", 9)
	db := s.DB(t, "inventory")
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := db.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`WITH held AS (UPDATE hold_totals SET held = held + 2 WHERE sku = $1 RETURNING sku)
		INSERT INTO stock_holds (id, owner, sku, quantity, expires_at) SELECT 'nobody:' || sku, 'nobody', sku, 2, now() + interval '14 minutes' FROM held`, sku)
	exec(`UPDATE stock_levels SET on_hand = on_hand + 1 WHERE sku = $1`, sku)
	doctor := func() string {
		t.Helper()
		out, _ := s.Run(t.Context(), "doctor") // fails when it has found something
		return out
	}
	shop.Eventually(t, time.Minute, func() error {
		if out := doctor(); !strings.Contains(out, "docs/runbooks/StockDoesNotAddUp.md") || !strings.Contains(out, "BAD   StockDoesNotAddUp") {
			return errors.New(out)
		}
		return nil
	})
	shop.Eventually(t, time.Minute, func() error {
		var held int
		if err := db.QueryRow(t.Context(), `SELECT count(*) FROM stock_holds WHERE owner = 'nobody'`).Scan(&held); err != nil || held > 0 {
			return fmt.Errorf("%d holds of nobody, %w", held, err)
		}
		figures, err := s.Metrics(t.Context())
		if err != nil {
			return err
		}
		if n := figures["checkout"][`checkout_reconcile_mended_total{kind="hold-without-checkout"}`]; n < 1 {
			return fmt.Errorf("%v were mended", n)
		}
		return nil
	})
	if out, err := s.Run(t.Context(), "stock", "reconcile", "--repair"); err != nil || !strings.Contains(out, sku+" at ") {
		t.Errorf("%v\n%s", err, out)
	}
	shop.Eventually(t, time.Minute, func() error {
		if out := doctor(); !strings.Contains(out, "ok    reconcilers") || strings.Contains(out, "StockDoesNotAddUp") {
			return errors.New(out)
		}
		return nil
	})
}
