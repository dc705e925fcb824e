package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// callers is how many shoppers ask at once, more than there are processors.
const callers = 64

// BenchmarkHold holds one piece for ever new carts, without sidecars: on one hot SKU through the combiner, on one with ten
// thousand living holds, and on two hundred SKUs.
func BenchmarkHold(b *testing.B) {
	for name, tc := range map[string]struct{ skus, living int }{"hot": {1, 0}, "hot-10000-living": {1, 10_000}, "200-SKUs": {200, 0}} {
		b.Run(name, func(b *testing.B) {
			s, pool := empty(b)
			for i := range tc.skus {
				receive(b, s, fmt.Sprint("sku", i), "east", inventory.MaxStock/2)
			}
			_, err := pool.Exec(b.Context(), `INSERT INTO stock_holds (id, owner, sku, quantity, expires_at) SELECT 'old' || n || ':sku0', 'old' || n, 'sku0', 1, $1 FROM generate_series(1, $2::int) n`, soon, tc.living)
			do(b, err)
			_, err = pool.Exec(b.Context(), `UPDATE hold_totals SET held = $1 WHERE sku = 'sku0'`, tc.living)
			do(b, err)
			combiner := app.NewCombiner(app.Direct{Store: s, Now: func() time.Time { return noon }})
			var n atomic.Int64
			inParallel(b, func(ctx context.Context) error {
				i := n.Add(1)
				o, err := combiner.Apply(ctx, fmt.Sprint("sku", i%int64(tc.skus)), inventory.Change{Owner: fmt.Sprint("cart", i), Quantity: 1, ExpiresAt: soon})
				if err == nil && !o.Held {
					err = inventory.ErrOutOfStock
				}
				return err
			})
		})
	}
}

// BenchmarkAllocate takes two lines per order, on one hot SKU and over two hundred.
func BenchmarkAllocate(b *testing.B) {
	for name, skus := range map[string]int64{"hot": 2, "200-SKUs": 200} {
		b.Run(name, func(b *testing.B) {
			s, _ := empty(b)
			for i := range skus {
				receive(b, s, fmt.Sprint("sku", i), "east", inventory.MaxStock/2)
			}
			var n atomic.Int64
			inParallel(b, func(ctx context.Context) error {
				i := n.Add(1)
				_, err := s.Allocate(ctx, order(fmt.Sprint("o", i), fmt.Sprint("c", i), line(fmt.Sprint("sku", i%skus), 1), line(fmt.Sprint("sku", (i*7+1)%skus), 1)), by)
				return err
			})
		})
	}
}

// BenchmarkReceive books a thousand lines at once.
func BenchmarkReceive(b *testing.B) {
	s, _ := empty(b)
	for n := 0; b.Loop(); n++ {
		booking := inventory.Booking{Kind: inventory.KindReceive, Reference: fmt.Sprint("bench", n)}
		for i := range inventory.MaxBooking {
			booking.Lines = append(booking.Lines, inventory.BookingLine{Place: inventory.Place{SKU: fmt.Sprint("sku", n%5, "-", i), LocationID: "east"}, Quantity: 5})
		}
		if _, _, err := s.Book(b.Context(), booking, by, idem.Key{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*inventory.MaxBooking)/b.Elapsed().Seconds(), "rows/s")
}

func inParallel(b *testing.B, fn func(ctx context.Context) error) {
	b.Helper()
	b.SetParallelism(callers/2 + 1)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := fn(b.Context()); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

// A recount of a million entries of twenty thousand levels, two hundred of them new: what is new, and all.
func BenchmarkRecount(b *testing.B) {
	s, pool := empty(b)
	const places = `generate_series(1, 10000) n, unnest('{east,west}'::text[]) l`
	exec := func(sql string, args ...any) {
		b.Helper()
		_, err := pool.Exec(b.Context(), sql, args...)
		do(b, err)
	}
	exec(`INSERT INTO stock_levels (sku, location_id, on_hand, allocated) SELECT 's' || n, l, 1000, 25 FROM ` + places)
	const entry = `INSERT INTO stock_ledger (at, sku, location_id, kind, on_hand_delta, allocated_delta, reference, actor, reason)
		SELECT now(), 's' || n, l, $1::text, $2::int, $3::int, $4::text || n, '', '' FROM ` + places
	for i := range 25 { // a statement for all would take too long
		id := fmt.Sprint("o", i, "-")
		exec(entry, inventory.KindReceive, 40, 0, "b"+id)
		exec(entry, inventory.KindAllocate, 0, 1, id)
		exec(`INSERT INTO allocations SELECT $1::text || n, '', 'allocated', now() FROM generate_series(1, 10000) n`, id)
		exec(`INSERT INTO inventory_reservations SELECT $1::text || n, 0, CASE l WHEN 'east' THEN 0 ELSE 1 END, '', 's' || n, l, 1, 'stock' FROM `+places, id)
	}
	exec(`ANALYZE`)
	exec(`UPDATE stock_counted SET through = max, seen = max FROM (SELECT max(id) FROM stock_ledger) l`)
	do(b, s.Resum(b.Context(), noon))
	now := noon
	look := func() {
		b.Helper()
		now = now.Add(settled + time.Second)
		if n, _, err := s.CountNew(b.Context(), now); err != nil || n != 0 {
			b.Fatalf("%d differ, %v", n, err)
		}
	}
	look()
	look()
	b.Run("new", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			b.StopTimer()
			for n := range 200 {
				id := fmt.Sprint("new", now.Unix(), "-", n)
				_, err := s.Allocate(b.Context(), order(id, id, line(fmt.Sprint("s", 1+n), 1)), by)
				do(b, err)
			}
			b.StartTimer()
			look()
		}
	})
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			faults, err := s.Faults(b.Context(), 10)
			do(b, err)
			do(b, s.Resum(b.Context(), noon))
			if len(faults) != 0 {
				b.Fatal(faults)
			}
		}
	})
}
