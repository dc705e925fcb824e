package outbox_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/testkit"
)

// swallow counts what it gets and signals when it has all.
type swallow struct {
	left atomic.Int64
	done chan struct{}
}

func (s *swallow) PublishBulk(_ context.Context, _ string, msgs []outbox.Message) ([]uuid.UUID, error) {
	if s.left.Add(-int64(len(msgs))) == 0 {
		close(s.done)
	}
	return nil, nil
}

// BenchmarkAppend is the cost of a transaction with one event, 16 at once on different aggregates.
func BenchmarkAppend(b *testing.B) {
	pool := testkit.Schema(b, outbox.Migrations)
	box := outbox.New(pool, outbox.Options{Source: "bench"})
	var n atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := tryAppend(b.Context(), pool, box, event(fmt.Sprint("s", n.Add(1)%1000), 1)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRelay is the cost of an event from the table to an infinitely fast broker, marked as sent.
func BenchmarkRelay(b *testing.B) {
	pool := testkit.Schema(b, outbox.Migrations)
	s := &swallow{done: make(chan struct{})}
	s.left.Store(int64(b.N))
	box := outbox.New(pool, outbox.Options{Source: "bench", Publisher: s})
	var events []outbox.Event
	for i := range b.N {
		events = append(events, event(fmt.Sprint("s", i%1000), i))
		if len(events) == 1000 || i == b.N-1 {
			if err := tryAppend(b.Context(), pool, box, events...); err != nil {
				b.Fatal(err)
			}
			events = events[:0]
		}
	}
	service := box.Service()
	b.ResetTimer()
	if err := service.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	<-s.done
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	if err := service.Stop(context.Background()); err != nil {
		b.Fatal(err)
	}
}
