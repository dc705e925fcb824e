package app_test

import (
	"fmt"
	"testing"

	"github.com/sidecart/sidecart/services/cart/internal/cart"
)

// BenchmarkAddLine adds a piece to a cart of so many lines; a line of 500 should cost no more than three times one of 10. What is
// beyond the sidecar is faked here: the figures of record are the load driver's.
func BenchmarkAddLine(b *testing.B) {
	for _, n := range []int{1, 10, 100, 500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := open(b)
			cmd := w.begin()
			items := make([]cart.Item, n)
			for i := range items {
				items[i] = cart.Item{SKU: fmt.Sprint("sku-", i), Quantity: 1}
				w.shop.Sell(100, items[i].SKU)
			}
			if _, err := w.Add(b.Context(), cmd, true, items...); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			for i := range b.N {
				var err error
				if i%2 == 0 {
					_, err = w.Add(b.Context(), cmd, false, cart.Item{SKU: "sku-0", Quantity: 1})
				} else {
					_, err = w.SetQuantity(b.Context(), cmd, "l1", 1)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
