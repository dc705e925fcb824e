package postgres_test

import (
	"fmt"
	"testing"

	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/internal/ordertest"
	"github.com/sidecart/sidecart/services/order/internal/postgres"
)

// BenchmarkOrder is what a confirmed order costs in the database.
func BenchmarkOrder(b *testing.B) {
	pool := testkit.Schema(b, postgres.Migrations()...)
	s := postgres.New(pool, outbox.New(pool, outbox.Options{Source: "order"}))
	for i := range b.N {
		rec, lease := allocating(b, s, fmt.Sprint("order-", i), fmt.Sprint("cart-", i))
		rec, lease = save(b, s, decided(b, rec, order.Event{Name: order.Allocated, Attempt: 1}, lease.Stamp))
		save(b, s, decided(b, rec, order.Event{Name: order.CaptureDone, Attempt: 1, Amount: ordertest.Total}, lease.Stamp))
	}
	var g, c int
	if err := pool.QueryRow(b.Context(), "SELECT sum(generic_plans), sum(custom_plans) FROM pg_prepared_statements").Scan(&g, &c); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d generic, %d custom plans", g, c)
}
