package postgres

import (
	"fmt"
	"testing"

	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// BenchmarkOrder is what a captured order costs in the database.
func BenchmarkOrder(b *testing.B) {
	s, _ := open(b)
	for i := range b.N {
		order := fmt.Sprint("order-", i)
		authorised(b, s, order)
		record(b, s, begin(b, s, capturing(order, usd(1000)), now).Lease, payment.Captured)
	}
}
